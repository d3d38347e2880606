import type { Config } from '../../config.ts'
import type { Transaction } from '../db/engine/database.ts'
import type { StreakLog } from '../streak.ts'

/** When a job is due again after it was done: after an interval, or each day at a time. */
export type Schedule =
  /** PostgreSQL's spelling, such as `1 hour`. The first run is when the service starts. */
  | { readonly every: string }
  /** In UTC, such as `03:30`. The first run is at the next such time. */
  | { readonly dailyAt: string }

/** Background work, declared by a module (`jobs`). */
export type Job = DatabaseJob | OutsideJob

interface DeclaredJob {
  /** With the module's name, such as `guarding.warn_of_expiring_certificates`. */
  readonly name: string
  readonly description: string
  readonly schedule: Schedule
  /** Of each of its statements; at most `LONGEST_JOB_MS` of `src/platform/db/open.ts`. */
  readonly timeoutMs: number
}

/** Work that the database alone does. */
export interface DatabaseJob extends DeclaredJob {
  /**
   * Does the work in the transaction that also notes that it was done: both happen or neither, whenever the process dies. What
   * takes effect outside of the database belongs into a work queue, which such a transaction fills, and an `OutsideJob` empties.
   *
   * @returns how many rows it did
   */
  run(tx: Transaction): Promise<number>
}

/**
 * Work that asks somebody outside of the database. No transaction is open meanwhile, so nothing keeps two processes from doing it at
 * the same time, or one from being killed between what it did outside and what it noted: its own rows say who does what.
 */
export interface OutsideJob extends DeclaredJob {
  /** @returns how many rows it did */
  runOutside(access: JobAccess): Promise<number>
}

/** What an `OutsideJob` works with. */
export interface JobAccess {
  /** A transaction of its own, as `muster_jobs`: what is done in it is done when it resolves. */
  transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T>
  /** Undefined where nobody said with which settings the work is to be done: then it does nothing outside. */
  readonly config: Config | undefined
  readonly log: StreakLog
  /** Aborted when the process stops: what is under way may end, nothing else begins. */
  readonly signal: AbortSignal
}

/**
 * Refreshes a report, which is a materialized view of the schema `muster` that was handed to `muster.keep_report`
 * (`supabase/schemas/platform/reports.sql`).
 *
 * @param view its name without the schema
 */
export const reportJob = (
  module: string,
  view: string,
  { schedule, timeoutMs }: Pick<Job, 'schedule' | 'timeoutMs'>,
): DatabaseJob => ({
  name: `${module}.refresh_${view}`,
  description: `Brings the report ${view} up to date.`,
  schedule,
  timeoutMs,
  run: callOf(`muster.refresh_report('${view}')`),
})

/** For a job that one function of the database does: `muster.forget_departed_rows()`. It returns how many rows it did. */
export const callOf =
  (call: string): DatabaseJob['run'] =>
  async (tx) => {
    const [row] = await tx.query<{ done: number }>(`select (${call})::int as done`)
    return row?.done ?? 0
  }
