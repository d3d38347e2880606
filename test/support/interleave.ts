import { vi } from 'vitest'
import type { Caller } from '../../src/platform/auth/caller.ts'
import { type SQLWrapper, sql } from '../../src/platform/db/drizzle.ts'
import type { Database } from '../../src/platform/db/engine/database.ts'
import { readDatabaseError } from '../../src/platform/db/engine/database-error.ts'
import { openSessions } from '../../src/platform/db/session.ts'
import { patience } from './patience.ts'
import { type Actor, type Outcome, outcomeOf, toCaller } from './rehearsal.ts'

export interface Step {
  actor: Actor | Caller
  statement: SQLWrapper
}

export interface Interleaved {
  first: Outcome
  second: Outcome
  /** Whether the second had to wait until the first had ended. */
  waited: boolean
}

/** The database, where a deadlock is an error of the test's: sessions would try again, and hide it. */
export const failOnDeadlock = (database: Database): Database => ({
  ...database,
  transaction: (work, options) =>
    database.transaction(work, options).catch((error) => {
      throw readDatabaseError(error)?.sqlstate === '40P01' ? new Error('A deadlock.') : error
    }),
})

/** A wait for a lock, or its absence, shows within milliseconds; this is there for what hangs. */
const SETTLE_TIMEOUT_MS = patience(20_000)

/**
 * Runs two statements at the same moment, each in a session of its own: the second begins when the first has run but not
 * committed, and the first commits when the second has ended or waits for it.
 */
export async function interleave(database: Database, first: Step, second: Step): Promise<Interleaved> {
  const ran = Promise.withResolvers<number>()
  const mayCommit = Promise.withResolvers<void>()
  const firstOutcome = outcomeOf(
    openSessions(database).write(toCaller(first.actor), async (session) => {
      const pid = await session.value<number>(sql`select pg_backend_pid()`)
      const rows = await session.rows(first.statement)
      ran.resolve(pid)
      await mayCommit.promise
      return rows
    }),
  )
  await Promise.race([ran.promise, firstOutcome])

  let hasEnded = false
  let pid = 0
  const secondOutcome = outcomeOf(
    openSessions(database).write(toCaller(second.actor), async (session) => {
      pid = await session.value<number>(sql`select pg_backend_pid()`)
      return session.rows(second.statement)
    }),
  ).finally(() => {
    hasEnded = true
  })

  let waited = false
  await vi.waitFor(
    async () => {
      const [found] = await database.query<{ waits: boolean }>(
        'select cardinality(pg_blocking_pids($1)) > 0 as waits',
        [pid],
      )
      waited = found?.waits ?? false
      if (!waited && !hasEnded) throw new Error('The second statement neither ends nor waits.')
    },
    { timeout: SETTLE_TIMEOUT_MS, interval: 5 },
  )
  mayCommit.resolve()
  return { first: await firstOutcome, second: await secondOutcome, waited }
}
