import { setTimeout as sleep } from 'node:timers/promises'
import { Streak, type StreakLog } from '../streak.ts'
import { type Database, DatabaseBusy, DatabaseUnavailable, type Transaction } from './engine/database.ts'
import { readDatabaseError } from './engine/database-error.ts'

/** How the replica is doing: `behind` is also one that does not answer in time. */
export type ReplicaState = 'streaming' | 'behind' | 'unavailable'

/** What a read on the replica has to do before it reads. */
export interface Standby {
  readonly database: Database
  /** Aborted when the replica's time limit is over, and when the client has disconnected. */
  readonly signal: AbortSignal
  /** A condition for the select list of the transaction's first statement, with one parameter: `position`. */
  readonly isCurrent: (parameter: string) => string
  /** What the primary had written when the read was asked for. */
  readonly position: string
  /** Resolves when the replica has replayed that, so that later statements of the transaction see it. */
  untilCurrent(tx: Transaction, isCurrent: boolean): Promise<void>
}

/** A streaming replica, for reads that must not be older than what the primary would answer. */
export interface Replica {
  readonly state: ReplicaState
  /** For connection checks only; reads go through `read`. */
  readonly database: Database
  /**
   * Runs a read there, or, when the replica is down, behind or busy, here. A read that fails there for the replica's sake is
   * run again here, so it does nothing but read.
   *
   * @throws what `here` throws, and what `there` throws of the read's own making
   */
  read<T>(there: (standby: Standby) => Promise<T>, here: () => Promise<T>, signal?: AbortSignal): Promise<T>
}

export interface ReplicaOptions {
  /** Where the position is asked: one connection is enough. */
  primary: Database
  replica: Database
  /** A read waits this long for the replica to catch up, then the primary answers it. */
  maxLagMs: number
  log: StreakLog
}

/**
 * A replica that is a little late for one read and in time for the next, many times a second, has one streak: it is over when every read
 * of so long was in time.
 */
const SETTLE_MS = 10_000

/** After a failure the replica is left alone for so long; then one read tries it, and the others follow when that went well. */
const PAUSE_AFTER_FAILURE_MS = 1_000

/**
 * What is written when an asynchronous commit (`synchronous_commit = off`) is answered is not flushed yet, and any other is.
 * (The insert position alone would be right, too, but it can lie beyond the last record's end, where no replay ever arrives.)
 */
const POSITION = `
  select (case current_setting('synchronous_commit') when 'off' then pg_current_wal_insert_lsn()
          else pg_current_wal_flush_lsn() end)::text as position`

/** A promoted server has replayed enough log, but is no longer a replica. */
const isCurrent = (parameter: string): string =>
  `pg_is_in_recovery() and pg_last_wal_replay_lsn() >= ${parameter}::pg_lsn`

/**
 * SQLSTATEs that are about the replica and not about the statement: a query in the way of replay (40001, 40P01), a login or
 * database that has not arrived there yet (28, 3D), what a server in recovery cannot do (25006, 55000).
 */
const REPLICA_FAULT = /^(40001|40P01|28...|3D000|25006|55000)$/

class ReplicaLate extends Error {
  override name = 'ReplicaLate'
}

/**
 * Each read asks the primary how far it has written, and the replica answers only when it has replayed that much: whatever was
 * committed, by anybody and through any process, before a read was asked for is in its answer, as if there were no replica.
 */
export function openReplica({ primary, replica, maxLagMs, log }: ReplicaOptions): Replica {
  const streak = new Streak({
    log,
    failed:
      'database replica: it is behind or unavailable (see reason); the primary answers reads, and one read a second tries it',
    recovered: 'database replica: it answers reads again',
    settleMs: SETTLE_MS,
  })
  let state: ReplicaState = 'streaming'
  let pausedUntil = 0
  const askPosition = shareQuestion(async () => {
    const [row] = await primary.query<{ position: string }>(POSITION)
    return row!.position
  })

  function mayTry(): boolean {
    if (state === 'streaming') return true
    const now = performance.now()
    if (now < pausedUntil) return false
    // This one tries; those that come meanwhile do not wait for what it finds.
    pausedUntil = now + PAUSE_AFTER_FAILURE_MS
    return true
  }

  function note(next: ReplicaState, reason: string = next): void {
    state = next
    if (next === 'streaming') {
      streak.succeed()
      return
    }
    pausedUntil = performance.now() + PAUSE_AFTER_FAILURE_MS
    streak.fail(reason, { state })
  }

  async function attempt<T>(
    there: (standby: Standby) => Promise<T>,
    position: string,
    signal: AbortSignal | undefined,
  ): Promise<T> {
    const end = new AbortController()
    // By hand: `AbortSignal.any` would leave something behind in a connection's signal with each of its reads.
    const leave = (): void => end.abort(signal?.reason)
    signal?.addEventListener('abort', leave)
    if (signal?.aborted) leave()
    const tooLate = Promise.withResolvers<never>()
    tooLate.promise.catch(() => {})
    const timer = setTimeout(() => {
      const error = new ReplicaLate()
      end.abort(error)
      tooLate.reject(error)
    }, maxLagMs)
    const answer = there({
      database: replica,
      signal: end.signal,
      isCurrent,
      position,
      async untilCurrent(tx, isThere) {
        // Ends by throwing when the time is up: the transaction's handle sends nothing any more.
        for (let pauseMs = 1, there = isThere; !there; pauseMs *= 2) {
          await sleep(pauseMs)
          const [row] = await tx.query<{ there: boolean }>(`select ${isCurrent('$1')} as there`, [position])
          there = row!.there
        }
        clearTimeout(timer)
        note('streaming')
      },
    })
    try {
      // Not waiting for a late one's rollback either.
      return await Promise.race([answer, tooLate.promise])
    } finally {
      clearTimeout(timer)
      signal?.removeEventListener('abort', leave)
      answer.catch(() => {})
    }
  }

  return {
    database: replica,
    get state() {
      return state
    },
    async read(there, here, signal) {
      if (!mayTry()) return here()
      const position = await askPosition()
      try {
        return await attempt(there, position, signal)
      } catch (error) {
        if (error instanceof DatabaseBusy) return here()
        if (error instanceof ReplicaLate) note('behind')
        else if (error instanceof DatabaseUnavailable) note('unavailable', error.message)
        else {
          const sqlstate = readDatabaseError(error)?.sqlstate
          if (!sqlstate || !REPLICA_FAULT.test(sqlstate)) throw error
          // One query in the way of replay says nothing of the next.
          if (!sqlstate.startsWith('40')) note('unavailable', sqlstate)
        }
        return here()
      }
    },
  }
}

/**
 * Single-flight: concurrent callers share one query. A caller never joins a query that has already started, because its result may
 * be older than the call; it shares the next one.
 */
export function shareQuestion<T>(ask: () => Promise<T>): () => Promise<T> {
  let last: Promise<unknown> = Promise.resolve()
  let next: Promise<T> | undefined
  return () => {
    if (!next) {
      next = last.then(() => {
        next = undefined
        return ask()
      })
      last = next.catch(() => {})
    }
    return next
  }
}
