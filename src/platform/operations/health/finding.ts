import type { Database, Row } from '../../db/engine/database.ts'
import { readDatabaseError } from '../../db/engine/database-error.ts'
import type { ComparableCatalog } from '../../db/migrations/drift.ts'
import type { Limits, Thresholds } from './thresholds.ts'

export const LEVELS = ['good', 'warning', 'bad'] as const
export type Level = (typeof LEVELS)[number]

/** What a check found. */
export interface Finding {
  level: Level
  /** For people, in one line. */
  text: string
  /** What to do, where it is not good. */
  advice?: string
}

export interface HealthLine {
  name: string
  /** `unknown`: the engine, an extension or the login's rights do not let it be told. */
  level: Level | 'unknown'
  text: string
  advice?: string
}

/** Thrown by a check that cannot tell. The message says why. */
export class NotKnown extends Error {
  override name = 'NotKnown'
}

export interface HealthContext {
  database: Database
  thresholds: Thresholds
  /** Connections of one process of the service. */
  poolSize: number
  backupDir: string
  /** What the migrations make, to find drift; making it takes seconds, and undefined leaves it out. */
  readHistory: (() => Promise<ComparableCatalog>) | undefined
}

export interface Check {
  name: string
  examine(context: HealthContext): Promise<Finding>
}

/** `advice` belongs to the line only where it is not good. */
export const finding = (level: Level, text: string, advice: string): Finding =>
  level === 'good' ? { level, text } : { level, text, advice }

export function levelOf(value: number, { warning, bad }: Limits): Level {
  if (value >= bad) return 'bad'
  return value >= warning ? 'warning' : 'good'
}

export const worst = (levels: readonly (Level | 'unknown')[]): Level =>
  [...LEVELS].reverse().find((level) => levels.includes(level)) ?? 'good'

export async function one<R extends Row>(
  database: Database,
  text: string,
  parameters: readonly (string | number)[] = [],
): Promise<R> {
  const [row] = await database.query<R>(text, parameters)
  if (!row) throw new NotKnown('the database returned no row')
  return row
}

/** @throws NotKnown */
export function requireServer({ database }: HealthContext): void {
  if (database.kind === 'embedded')
    throw new NotKnown('the embedded engine has one connection, in the process of the service')
}

/** @throws NotKnown where the login sees nothing of other sessions */
export async function requireStatisticsRight({ database }: HealthContext): Promise<void> {
  const { login, may } = await one<{ login: string; may: boolean }>(
    database,
    `select session_user::text as login, pg_has_role(session_user, 'pg_read_all_stats', 'usage') as may`,
  )
  if (!may)
    throw new NotKnown(
      `${login} may not see the sessions of others; as a superuser: grant pg_monitor to ${login}`,
    )
}

/** invalid_schema_name, undefined_table */
const NOT_MIGRATED = ['3F000', '42P01']

/** Whether a statement failed because the database has not the migrations. */
export const isNotMigrated = (error: unknown): boolean =>
  NOT_MIGRATED.includes(readDatabaseError(error)?.sqlstate ?? '')

export const percent = (ratio: number): string => `${(100 * ratio).toFixed(1)} %`

export function bytes(count: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  const power = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(1, count)) / 10))
  return `${(count / 2 ** (10 * power)).toFixed(power === 0 ? 0 : 1)} ${units[power]}`
}

export function duration(seconds: number): string {
  if (seconds < 120) return `${Math.round(seconds)} s`
  if (seconds < 2 * 3600) return `${Math.round(seconds / 60)} min`
  return seconds < 2 * 86_400 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86_400)} days`
}

export const whole = (count: number): string => Math.round(count).toLocaleString('en')

/** `table (25 %), other (20 %)`: the first three, so that a line stays a line. */
export function list(items: readonly string[]): string {
  const MOST = 3
  const more = items.length - MOST
  return items.slice(0, MOST).join(', ') + (more > 0 ? ` and ${more} more` : '')
}
