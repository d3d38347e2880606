import { instant } from '../db/columns.ts'
import { bigint, integer, pgSchema, text } from '../db/drizzle.ts'

/** As `src/platform/idempotency/table.ts` declares it. */
const muster = pgSchema('muster')

/** How the background work stands. What there is to do, and when, is declared by modules. */
export const jobs = muster.table('jobs', {
  name: text('name').primaryKey(),
  next_run_at: instant('next_run_at').notNull(),
  /** Of the last run that succeeded: when it ended, how long it took, and how many rows it did. */
  finished_at: instant('finished_at'),
  duration_ms: integer('duration_ms'),
  done: bigint('done', { mode: 'number' }),
  runs: bigint('runs', { mode: 'number' }).notNull().default(0),
  /** Since the last run that succeeded. */
  failures: integer('failures').notNull().default(0),
  /** An SQLSTATE, or the name of an error: a message can quote data. */
  last_error: text('last_error'),
})
