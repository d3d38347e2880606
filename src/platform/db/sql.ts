import { type AnyColumn, drizzle, getTableColumns, type PgTable, type SQL, sql } from './drizzle.ts'
import type { Given } from './statement.ts'

/** Drizzle's query builder. It runs nothing: only a session does that. */
export const build = drizzle(() => {
  throw new Error('Statements are run by a session.')
})

/**
 * `insert into table (the given columns) values (…) returning …`. Drizzle's own insert names every column of the table
 * (as `default`), for which a caller with column grants has no privilege.
 *
 * @param onConflict the clause `on conflict …`, where one row may be there already
 */
export function insertRow<T extends PgTable>(
  table: T,
  values: { [column in keyof T['$inferInsert']]?: unknown },
  returning: Record<string, AnyColumn | SQL | SQL.Aliased>,
  onConflict: SQL = sql``,
): SQL {
  const columns: Record<string, AnyColumn> = getTableColumns(table)
  const given = Object.entries(values).filter(([, value]) => value !== undefined)
  return sql`insert into ${table} (${sql.join(
    given.map(([name]) => sql.identifier(columns[name]!.name)),
    sql`, `,
  )}) values (${sql.join(
    given.map(([name, value]) => (isSql(value) ? value : sql.param(value, columns[name]!))),
    sql`, `,
  )}) ${onConflict} returning ${sql.join(
    Object.entries(returning).map(([name, value]) => sql`${unaliased(value)} as ${sql.identifier(name)}`),
    sql`, `,
  )}`
}

const isSql = (value: unknown): value is SQL =>
  typeof value === 'object' && value !== null && 'queryChunks' in value
const unaliased = (value: AnyColumn | SQL | SQL.Aliased): AnyColumn | SQL =>
  'fieldAlias' in value ? value.sql : value

/** A position for a `geography(Point,4326)` column. PostGIS wants x, y: longitude first. */
export const pointAt = (position: { latitude: number; longitude: number }): SQL<string> =>
  sql<string>`st_point(${position.longitude}::float8, ${position.latitude}::float8)::geography`

export const latitudeOf = (point: AnyColumn): SQL.Aliased<number> =>
  sql<number>`st_y(${point}::geometry)`.as('latitude')
export const longitudeOf = (point: AnyColumn): SQL.Aliased<number> =>
  sql<number>`st_x(${point}::geometry)`.as('longitude')

/** The most items that a page can have: lists are planned for it (`policy-branches.ts`), and callers may ask for no more. */
export const MAX_PAGE_SIZE = 100

/** What each page of a list is given, beside its filters. */
export interface PageValues {
  /** One more than the page has: it tells that there is a next page. */
  limit: number
  /** Sort value and id of the last item of the page before. */
  last_value: string | number | undefined
  last_id: string | undefined
}

export const pageValues = (
  limit: number,
  position: readonly [value: string | number, id: string] | undefined,
): PageValues => ({ limit: limit + 1, last_value: position?.[0], last_id: position?.[1] })

/** The keyset condition of the next page: rows after the last one in the order of `value, id`. */
export function after(value: AnyColumn, id: AnyColumn, given: Given<PageValues>): SQL | undefined {
  return given.last_id && sql`(${value}, ${id}) > (${given.last_value}, ${given.last_id})`
}

/** The same for lists that go from new to old. */
export function before(value: AnyColumn, id: AnyColumn, given: Given<PageValues>): SQL | undefined {
  return given.last_id && sql`(${value}, ${id}) < (${given.last_value}, ${given.last_id})`
}
