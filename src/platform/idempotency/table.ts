import { instant } from '../db/columns.ts'
import { bigint, check, date, index, integer, pgSchema, primaryKey, sql, text, uuid } from '../db/drizzle.ts'

/** Muster's own machinery: never exposed by an API. */
export const muster = pgSchema('muster')

/** Answers already given to an `Idempotency-Key`, written in the transaction of the request itself. */
export const idempotencyKeys = muster.table(
  'idempotency_keys',
  {
    user_id: uuid('user_id').notNull(),
    key: text('key').notNull(),
    /** SHA-256 of method, path and body: the same key with another request is refused. */
    request_hash: text('request_hash').notNull(),
    /** The answer, or what it can be made of again. */
    response_body: text('response_body'),
    created_at: instant('created_at').notNull().defaultNow(),
  },
  (t) => [
    primaryKey({ name: 'idempotency_keys_pkey', columns: [t.user_id, t.key] }),
    check('idempotency_keys_key_length', sql`char_length(${t.key}) between 1 and 255`),
    index('idempotency_keys_created_idx').on(t.created_at),
  ],
)

/** How much a caller has had kept on a day: what is kept is bounded, and counting it each time would read all of it. */
export const idempotencyUsage = muster.table(
  'idempotency_usage',
  {
    user_id: uuid('user_id').notNull(),
    /** In UTC. */
    day: date('day').notNull(),
    keys: integer('keys').notNull(),
    bytes: bigint('bytes', { mode: 'number' }).notNull(),
  },
  (t) => [primaryKey({ name: 'idempotency_usage_pkey', columns: [t.user_id, t.day] })],
)
