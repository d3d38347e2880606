import { createRequire } from 'node:module'

/*
 * Drizzle, for the whole project, in its CommonJS build. For each ES module that it loads Node parses the `exports` of the package anew, and
 * Drizzle's are 130 kB: its 250 modules took 2.4 s of CPU time of each process that starts, these take 0.25 s.
 */

const require = createRequire(import.meta.url)
const orm = require('drizzle-orm') as typeof import('drizzle-orm')
const core = require('drizzle-orm/pg-core') as typeof import('drizzle-orm/pg-core')
const proxy = require('drizzle-orm/pg-proxy') as typeof import('drizzle-orm/pg-proxy')

export type { AnyColumn, SQL, SQLWrapper } from 'drizzle-orm'
export type { AnyPgColumn, PgTable } from 'drizzle-orm/pg-core'

export const {
  and,
  asc,
  desc,
  DrizzleQueryError,
  eq,
  exists,
  fillPlaceholders,
  getTableColumns,
  getTableName,
  gte,
  is,
  isNotNull,
  isNull,
  lt,
  Placeholder,
  sql,
  Table,
} = orm

export const {
  bigint,
  boolean,
  check,
  customType,
  date,
  doublePrecision,
  foreignKey,
  getTableConfig,
  index,
  integer,
  jsonb,
  numeric,
  PgDialect,
  pgSchema,
  pgTable,
  primaryKey,
  smallint,
  text,
  time,
  timestamp,
  unique,
  uniqueIndex,
  uuid,
} = core

/** A placeholder's value, and its type. */
export type Placeholder = import('drizzle-orm').Placeholder

export const { drizzle } = proxy
