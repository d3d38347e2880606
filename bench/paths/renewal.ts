import { setTimeout as sleep } from 'node:timers/promises'
import { warmUpOf } from '../../src/app.ts'
import { nearbyWarmUp } from '../../src/guarding/shifts/queries.ts'
import type { Caller } from '../../src/platform/auth/caller.ts'
import { openServer } from '../../src/platform/db/engine/server.ts'
import { openSessions, type Sessions } from '../../src/platform/db/session.ts'
import { type Bench, compare, type Path, type PathResult } from '../bench.ts'
import { tokensOf } from '../callers.ts'
import { asOwner } from '../cluster.ts'
import { homes, type Point } from '../points.ts'
import { latenciesOf } from '../statistics.ts'
import { CALLERS, DEFAULT_RADIUS_METERS, POINTS } from './nearby.ts'

const APPLICATION = 'muster-bench-renewal'
/** Connections, and as many searches at once and half as many again, so that there is always somebody who waits for one. */
const CONNECTIONS = 10
const SEARCHES = 15
/** More than it takes until all connections are open and warm. */
const WARM_UP_SECONDS = 5
/** Turns of the others: what happens after a start, and while a connection is renewed, is seen in this much time. */
const TURNS = 4
/** What nobody must wait longer for than otherwise. */
const MOST = 2

/**
 * A fresh connection has to load PostGIS and to plan everything: its first search costs a hundred times what a later one does. Here is
 * whether callers notice, by the pool of the service in this process: after a start, and while a connection is replaced that is too old.
 */
export const renewal: Path = {
  name: 'renewal',
  async run(bench): Promise<PathResult> {
    const search = await searcher(bench)
    const seconds = TURNS * bench.seconds
    const opened = performance.now()
    // Old after the first two turns. Only one is renewed in the third: the pause is longer than that.
    const ageMs = (2 * seconds + WARM_UP_SECONDS) * 1_000
    const database = openServer({
      url: bench.databaseUrl,
      max: CONNECTIONS,
      applicationName: APPLICATION,
      maxConnectionAgeMs: ageMs,
      renewalPauseMs: 2 * ageMs,
    })
    try {
      await database.warmUp?.(warmUpOf({ MODULES: ['guarding'], NODE_ENV: 'production' }))
      const sessions = openSessions(database)
      const start = await busy(() => search(sessions), seconds)
      const steady = await busy(() => search(sessions), seconds)
      await sleep(Math.max(0, opened + ageMs - performance.now()))
      const renewed = await busy(() => search(sessions), seconds)
      const renewals = await countRenewals(bench, renewed.began)
      if (renewals !== 1) throw new Error(`${renewals} connections were renewed, and not one.`)
      const row = (path: string, { latencies }: Busy) =>
        compare(
          path,
          'p99 ms',
          p99(latencies),
          { name: 'steady', value: p99(steady.latencies) },
          { atMost: MOST },
        )
      return {
        rows: [row('search, after a start', start), row('search, while a connection is renewed', renewed)],
        measured: [],
      }
    } finally {
      await database.close()
    }
  },
}

const p99 = (latencies: readonly number[]): number => latenciesOf([...latencies]).p99

async function searcher(bench: Bench): Promise<(sessions: Sessions) => Promise<unknown>> {
  const points = await homes(bench, POINTS)
  const callers = (await tokensOf('guard', CALLERS)).map(
    ({ userId }): Caller => ({
      role: 'authenticated',
      userId,
      claims: { sub: userId, role: 'authenticated' },
      expiresAt: null,
    }),
  )
  let nth = 0
  return (sessions) => {
    nth += 1
    const { latitude, longitude }: Point = points[nth % points.length]!
    return sessions.call(callers[nth % callers.length]!, nearbyWarmUp.call, [
      latitude,
      longitude,
      DEFAULT_RADIUS_METERS,
      20,
      null,
      null,
      null,
      false,
      null,
      null,
    ])
  }
}

interface Busy {
  began: Date
  /** Of each search, in milliseconds. */
  latencies: number[]
}

/** Does the work again and again, so many times at once. */
async function busy(work: () => Promise<unknown>, seconds: number): Promise<Busy> {
  const began = new Date()
  const latencies: number[] = []
  const ends = performance.now() + seconds * 1_000
  const one = async (): Promise<void> => {
    while (performance.now() < ends) {
      const from = performance.now()
      await work()
      latencies.push(performance.now() - from)
    }
  }
  await Promise.all(Array.from({ length: SEARCHES }, one))
  return { began, latencies }
}

const countRenewals = (bench: Bench, since: Date): Promise<number> =>
  asOwner(bench.databaseUrl, async (database) => {
    const [row] = await database.query<{ count: number }>(
      `select count(*)::int as count from pg_stat_activity
       where datname = current_database() and application_name = $1 and backend_start > $2::timestamptz`,
      [APPLICATION, since.toISOString()],
    )
    return row!.count
  })
