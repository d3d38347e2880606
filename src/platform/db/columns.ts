import { customType, sql, timestamp, uuid } from './drizzle.ts'

/** A primary key: UUID version 7 (RFC 9562), so that new rows land next to each other in the index. */
export const id = () => uuid('id').primaryKey().default(sql`muster.uuid_v7()`)

/** `timestamptz`, as PostgreSQL's text: a `Date` would lose the microseconds. */
export const instant = (name: string) => timestamp(name, { withTimezone: true, mode: 'string' })

/** A WGS 84 position; rows for clients carry it as `latitude` and `longitude` (see `latitude` and `longitude` below). */
export const point = customType<{ data: string }>({ dataType: () => 'geography(Point,4326)' })

const xid8 = customType<{ data: string }>({ dataType: () => 'xid8' })

/** The transaction that wrote the row last: what clients catch up by. A trigger keeps it (supabase/schemas/platform/catch-up.sql). */
export const changedXid = () => xid8('changed_xid').notNull().default(sql`pg_current_xact_id()`)

/** Every table has these. */
export const timestamps = {
  created_at: instant('created_at').notNull().defaultNow(),
  updated_at: instant('updated_at').notNull().defaultNow(),
}

/**
 * Tables that people edit have these. `created_by` and `updated_by` are no foreign keys: they are a record of what
 * happened, which must outlive the user.
 */
export const edited = {
  ...timestamps,
  created_by: uuid('created_by'),
  updated_by: uuid('updated_by'),
  deleted_at: instant('deleted_at'),
}
