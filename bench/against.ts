import { dirname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Bench, compare, competeFlawlessly, overHttp, type Path, type PathResult } from './bench.ts'
import { tokensOf } from './callers.ts'
import type { Cluster } from './cluster.ts'
import { COMPANIES } from './dataset.ts'
import { compete, cpuOf, type Measured } from './measure.ts'
import { assignments } from './paths/assign.ts'
import { candidateRequests } from './paths/candidates.ts'
import { batchRequests, checkinRequests, guardCount, PHONES } from './paths/checkins.ts'
import { CALLERS, CONNECTIONS, DEFAULT_RADIUS_METERS, POINTS } from './paths/nearby.ts'
import { listsOfShifts } from './paths/pages.ts'
import { follower, openWriter, SCENARIOS, startSubscribers } from './paths/realtime.ts'
import { homes } from './points.ts'
import type { Running } from './processes.ts'
import { searchesAt, serviceRequests } from './searches.ts'

/*
 * This checkout beside another one, for instance of the last release: the same work, in alternating turns of one run. The other one
 * makes its data by its own code, in a server of its own.
 */

/** A service with its data. */
export type Side = Pick<Bench, 'cluster' | 'databaseUrl' | 'service'>

/** What may be lost before it is to be explained. */
const MOST = 1.1

/** Its data stay there for the next time. */
const KEPT_IN = '/var/tmp/muster-bench-against'

/**
 * Starts the service of another checkout on a server of its own.
 *
 * @param folder with its `node_modules`
 */
export async function openOther(
  folder: string,
  scale: number,
  say: (line: string) => void,
): Promise<Side & AsyncDisposable> {
  const load = <T>(file: string): Promise<T> =>
    import(pathToFileURL(join(resolve(folder), 'bench', file)).href) as Promise<T>
  const code = await load<typeof import('./cluster.ts')>('cluster.ts')
  const processes = await load<typeof import('./processes.ts')>('processes.ts')
  const { urlOf } = await load<typeof import('../test/support/server-databases.ts')>(
    '../test/support/server-databases.ts',
  )
  const cluster: Cluster = await inFolder(KEPT_IN, () => code.openCluster(say))
  const copy = await code.copyDataset(cluster, await code.ensureDataset(cluster, scale, say))
  const databaseUrl = urlOf(cluster.url, copy)
  const service: Running = await processes.startService({ DATABASE_URL: databaseUrl })
  return {
    cluster,
    databaseUrl,
    service,
    async [Symbol.asyncDispose]() {
      await service.stop()
      await code.dropCopy(cluster, copy)
      await cluster.stop()
    },
  }
}

/** `BENCH_DATA_DIR` is all by which a checkout can be told where its server keeps its data. */
async function inFolder<T>(folder: string, work: () => Promise<T>): Promise<T> {
  const { BENCH_DATA_DIR: ours } = process.env
  process.env.BENCH_DATA_DIR = ours ? join(dirname(ours), 'muster-bench-against') : folder
  try {
    return await work()
  } finally {
    if (ours === undefined) delete process.env.BENCH_DATA_DIR
    else process.env.BENCH_DATA_DIR = ours
  }
}

/** The paths that users meet most, on both sides. @param paths of these, by the names that they have in `main.ts` */
export const against = (other: Side, paths: readonly string[]): Path => ({
  name: 'against',
  async run(bench): Promise<PathResult> {
    const sides = [
      { name: 'this', bench },
      { name: 'other', bench: { ...bench, ...other } },
    ] as const
    const result: PathResult = { rows: [], measured: [] }
    const add = (path: string, { this: ours, other: theirs }: Record<'this' | 'other', Measured>): void => {
      for (const [metric, figure] of FIGURES) {
        const [value, reference] = [figure(ours), figure(theirs)]
        if (value === undefined || reference === undefined) continue
        result.rows.push(compare(path, metric, value, { name: 'other', value: reference }, { atMost: MOST }))
      }
      result.measured.push({ path, contenders: [ours, theirs] })
    }

    if (paths.includes('nearby')) {
      const points = await homes(bench, POINTS)
      const callers = await tokensOf('guard', CALLERS)
      const searches = serviceRequests(searchesAt(points, { radius_meters: DEFAULT_RADIUS_METERS }), callers)
      add(
        'nearby, 5 km',
        await competeFlawlessly(
          sides.map(({ name, bench: side }) =>
            overHttp(side, name, side.service, { requests: () => searches, connections: CONNECTIONS }),
          ),
          bench.rounds,
        ),
      )
    }
    if (paths.includes('pages')) {
      for (const [list, { first: requests }] of Object.entries(await listsOfShifts())) {
        add(
          `${list}, page 1`,
          await competeFlawlessly(
            sides.map(({ name, bench: side }) =>
              overHttp(side, name, side.service, { requests: () => requests, connections: CONNECTIONS }),
            ),
            bench.rounds,
          ),
        )
      }
    }
    if (paths.includes('candidates')) {
      const asking = await Promise.all(
        sides.map(async ({ name, bench: side }) => {
          const requests = await candidateRequests(side)
          return overHttp(side, name, side.service, { requests: () => requests, connections: CONNECTIONS })
        }),
      )
      add('candidates for a shift', await competeFlawlessly(asking, bench.rounds))
    }
    if (paths.includes('check-ins')) {
      const guards = await tokensOf('guard', guardCount(bench))
      const share = { 'warm-up': 0.5, round: 1 } as const
      add(
        'check-in, single',
        await competeFlawlessly(
          sides.map(({ name, bench: side }) =>
            overHttp(side, name, side.service, {
              callers: guards,
              requests: (turn) => checkinRequests(guards, Math.ceil(SINGLES * bench.seconds * share[turn])),
              connections: PHONES,
              once: true,
            }),
          ),
          bench.rounds,
        ),
      )
      add(
        'check-in, batch of 1,000',
        await competeFlawlessly(
          sides.map(({ name, bench: side }) =>
            overHttp(side, name, side.service, {
              callers: guards,
              requests: (turn) => batchRequests(guards, Math.ceil(BATCHES * bench.seconds * share[turn])),
              connections: 1,
              once: true,
            }),
          ),
          bench.rounds,
        ),
      )
    }
    if (paths.includes('assign')) {
      const planners = await tokensOf('planner', COMPANIES)
      const assigning = await Promise.all(
        sides.map(async ({ name, bench: side }) =>
          overHttp(side, name, side.service, await assignments(side, planners)),
        ),
      )
      add('assign', await competeFlawlessly(assigning, bench.rounds))
    }
    if (paths.includes('realtime')) {
      await using subscribers = startSubscribers()
      for (const scenario of SCENARIOS) {
        await using ours = await openWriter(bench)
        await using theirs = await openWriter(other)
        add(
          `changes, ${scenario.name}`,
          await compete(
            sides.map(({ name, bench: side }) => ({
              ...follower(
                'muster',
                side.service,
                side,
                scenario,
                subscribers,
                name === 'this' ? ours : theirs,
              ),
              name,
            })),
            bench.rounds,
          ),
        )
      }
    }
    return result
  },
})

/** About what a turn's seconds are enough for, each second. */
const SINGLES = 1_000
const BATCHES = 6

const FIGURES: readonly [string, (measured: Measured) => number | undefined][] = [
  ['CPU ms', cpuOf],
  ['service CPU ms', ({ service_cpu }) => service_cpu],
  ['database CPU ms', ({ database_cpu }) => database_cpu],
  ['p95 ms', ({ p95_ms }) => p95_ms],
]
