import type { Caller } from '../auth/caller.ts'
import { Unauthenticated } from '../auth/errors.ts'
import type { TokenVerifier } from '../auth/verifier.ts'
import type { Database } from '../db/engine/database.ts'
import { Streak, type StreakLog } from '../streak.ts'

const CHANNEL = 'muster_suspensions'

/** Until the list was read the first time, and again after a gap in what the database tells. */
const RETRY_MS = 1_000

export interface Suspensions {
  /** The same verifier, which refuses the tokens of users who are suspended: they are good for a while, whoever made them. */
  refuseSuspended(verifier: TokenVerifier): TokenVerifier
  /** Nobody waits for it: a start does not depend on a database that is slow, and the rules refuse without it. */
  start(): void
  stop(): Promise<void>
}

/**
 * Hears who is suspended, in each process, and refuses their tokens. The rules know nothing of such a user whatever happens here; this
 * is so that clients learn it, and that what is open is closed.
 *
 * @param database of background work
 * @param onSuspended is told within moments
 */
export function watchSuspensions(
  database: Database,
  log: StreakLog,
  onSuspended: (userId: string) => void,
): Suspensions {
  /** Whoever was suspended at some time: asked about again, because they may have been reinstated. */
  const suspected = new Set<string>()
  let isStopped = false
  const reading = new Streak({
    log,
    failed:
      'suspensions: who is suspended cannot be read; the rules refuse them all the same, and the service tries again',
    recovered: 'suspensions: who is suspended can be read again',
  })
  const suspend = (userId: string): void => {
    suspected.add(userId)
    onSuspended(userId)
  }

  async function readAll(): Promise<void> {
    try {
      const rows = await database.query<{ id: string }>('select id from muster.suspended_users() as id')
      for (const { id } of rows) if (!suspected.has(id)) suspend(id)
      reading.succeed()
    } catch (error) {
      reading.fail(error instanceof Error ? error.name : 'unknown')
      if (!isStopped) setTimeout(() => void readAll(), RETRY_MS).unref()
    }
  }

  let stopListening: (() => Promise<void>) | undefined
  let listening: Promise<void> | undefined
  async function listen(): Promise<void> {
    try {
      stopListening = await database.listen(CHANNEL, suspend, () => void readAll())
    } catch (error) {
      reading.fail(error instanceof Error ? error.name : 'unknown')
      if (!isStopped)
        setTimeout(() => {
          listening = listen()
        }, RETRY_MS).unref()
    }
  }

  let first: Promise<void> | undefined

  async function isSuspended(userId: string): Promise<boolean> {
    const [answer] = await database.query<{ may: boolean }>('select muster.may_sign_in($1::uuid) as may', [
      userId,
    ])
    if (answer?.may) suspected.delete(userId)
    return !answer?.may
  }

  return {
    start() {
      listening = listen()
      first = readAll()
    },
    refuseSuspended: (verifier) => ({
      async verify(token): Promise<Caller> {
        const caller = await verifier.verify(token)
        if (caller.userId !== null && suspected.has(caller.userId) && (await isSuspended(caller.userId)))
          throw new Unauthenticated('user_suspended')
        return caller
      },
    }),
    async stop() {
      isStopped = true
      await Promise.all([listening, first])
      await stopListening?.()
    },
  }
}
