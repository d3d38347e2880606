import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { compare, type Path, type PathResult, type Row, state } from '../bench.ts'
import { tokensOf } from '../callers.ts'
import { datasetSize } from '../dataset.ts'
import { homes } from '../points.ts'
import { memoryOf, startService } from '../processes.ts'
import { searchesAt, serviceRequests } from '../searches.ts'
import { median } from '../statistics.ts'
import { checkinRequests } from './checkins.ts'
import { CALLERS, CONNECTIONS } from './nearby.ts'

/** As `npm start` does it: the first start of the embedded engine also makes the database and fills it with the demo. */
const EMBEDDED = { NODE_ENV: 'development' }

/** From the start of the process to the first answer of `/ready`. */
export const start: Path = {
  name: 'start',
  async run(bench): Promise<PathResult> {
    const folder = await mkdtemp(join(tmpdir(), 'muster-bench-'))
    let dataDir = folder
    try {
      const server = await medianStart(bench.rounds, async () => ({ DATABASE_URL: bench.databaseUrl }))
      const cold = await medianStart(bench.rounds, async () => {
        dataDir = await mkdtemp(join(folder, 'data-'))
        return { ...EMBEDDED, DATA_DIR: dataDir }
      })
      const warm = await medianStart(bench.rounds, async () => ({ ...EMBEDDED, DATA_DIR: dataDir }))
      return {
        rows: [
          state('start to ready, server', 'seconds', server, { atMost: 1.2, cores: 2 }),
          state('start to ready, embedded, warm', 'seconds', warm, { atMost: 3, cores: 4 }),
          state('start to ready, embedded, cold', 'seconds', cold, { atMost: 15, cores: 4 }),
        ],
        measured: [],
      }
    } finally {
      await rm(folder, { recursive: true })
    }
  },
}

async function secondsToReady(environment: Record<string, string>): Promise<number> {
  const service = await startService(environment)
  await service.stop()
  return service.secondsToReady
}

async function medianStart(
  times: number,
  environment: () => Promise<Record<string, string>>,
): Promise<number> {
  const seconds: number[] = []
  for (let nth = 0; nth < times; nth += 1) seconds.push(await secondsToReady(await environment()))
  return median(seconds)
}

const MEGABYTE = 1024 ** 2
const POINTS = 2_000
const MINUTE_MS = 60_000
/** So many looks at the memory, whatever the time. */
const SAMPLES = 120
/** Of a hundred requests: searches, lists, single shifts; the rest are check-ins. */
const MIX = { nearby: 60, lists: 15, details: 15 } as const
const MIX_WHOLE = 100
const REQUESTS = 4_000

/** Everything that phones do, for minutes: what grows then grows for ever. */
export const memory: Path = {
  name: 'memory',
  async run(bench): Promise<PathResult> {
    const guards = await tokensOf('guard', Math.min(CALLERS, datasetSize(bench.scale).activeShifts))
    const searches = serviceRequests(searchesAt(await homes(bench, POINTS), { radius_meters: 5_000 }), guards)
    const checkins = checkinRequests(guards, REQUESTS)
    const requests = Array.from({ length: REQUESTS }, (_, nth) => {
      const { authorization } = guards[nth % guards.length]!
      const get = (path: string) => ({ method: 'GET', path, headers: { authorization } })
      const kind = nth % MIX_WHOLE
      if (kind < MIX.nearby) return searches[nth % searches.length]!
      if (kind < MIX.nearby + MIX.lists) return get('/v1/shifts?limit=20')
      if (kind < MIX.nearby + MIX.lists + MIX.details)
        return get(checkins[nth]!.path.replace('/checkins', ''))
      return checkins[nth]!
    })
    // A service of its own: what earlier paths left behind is not this one's.
    const service = await startService({ DATABASE_URL: bench.databaseUrl })
    try {
      const milliseconds = bench.memoryMinutes * MINUTE_MS
      const loading = bench.loader.load({
        origin: service.origin,
        requests,
        connections: CONNECTIONS,
        once: false,
        seconds: milliseconds / 1_000,
      })
      const sizes = await watchMemory(service.pid, milliseconds)
      const { requests: done, statuses } = await loading
      if (Object.keys(statuses).some((status) => !status.startsWith('2'))) {
        throw new Error(`The mixed load was answered with ${JSON.stringify(statuses)}.`)
      }
      const path = `memory, ${bench.memoryMinutes} minutes of mixed load`
      return {
        rows: [...memoryRows(path, sizes, 200), state(path, 'requests', done)],
        measured: [],
      }
    } finally {
      await service.stop()
    }
  },
}

/** The size of a process from time to time, in MB; none where there is no /proc. */
export async function watchMemory(pid: number, milliseconds: number): Promise<number[]> {
  const sizes: number[] = []
  for (let nth = 0; nth < SAMPLES; nth += 1) {
    await sleep(milliseconds / SAMPLES)
    const size = await memoryOf(pid)
    if (size) sizes.push(size.now / MEGABYTE)
  }
  return sizes
}

/** How large it became at most, and whether it went on growing. */
export function memoryRows(path: string, sizes: readonly number[], mostMegabytes: number): Row[] {
  if (sizes.length === 0) return []
  const quarter = (nth: number) => sizes.slice((nth * sizes.length) / 4, ((nth + 1) * sizes.length) / 4)
  const [second, last] = [median(quarter(1)), median(quarter(3))]
  return [
    state(path, 'peak MB', Math.max(...sizes), { atMost: mostMegabytes }),
    compare(path, 'MB at the end', last, { name: 'MB after a quarter', value: second }, { atMost: 1.1 }),
  ]
}
