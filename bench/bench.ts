import { availableParallelism } from 'node:os'
import type { Request } from 'autocannon'
import type { CallerToken } from './callers.ts'
import type { Cluster } from './cluster.ts'
import {
  type Contender,
  compete,
  contender,
  cpuOf,
  type Loader,
  type Measured,
  type Turn,
  withCpu,
} from './measure.ts'
import { type Pgbench, startPgbench } from './pgbench.ts'
import type { Running } from './processes.ts'

/** What each path of the benchmark is given. */
export interface Bench {
  cluster: Cluster
  scale: number
  /** The database of this run, as a superuser. */
  databaseUrl: string
  service: Running
  loader: Loader
  /** How often contenders take turns, and for how long each time. */
  rounds: number
  seconds: number
  memoryMinutes: number
  /** Whether the peers are there to compare with. */
  peers: boolean
  say: (line: string) => void
  /** A database of another scale, with a service of its own, for as long as the path runs. */
  openScale(scale: number): Promise<Pick<Bench, 'databaseUrl' | 'service' | 'scale'>>
  /** Starts another server for as long as the path runs. */
  serve(program: string): Promise<Running>
}

/** One line of the result. */
export interface Row {
  path: string
  metric: string
  value: number
  reference: { name: string; value: number } | null
  /** Value by reference. */
  ratio: number | null
  /** In words, and whether it was met; null where nothing was asked. */
  target: string | null
  met: boolean | null
}

/** How PostgreSQL goes about one hot query, and why that is good. */
export interface Plan {
  name: string
  why: string
  /** Each statement with its plan. */
  plans: string[]
}

/** What a path gives: its lines, everything that was measured for them, and plans. */
export interface PathResult {
  rows: Row[]
  measured: { path: string; contenders: Measured[] }[]
  plans?: Plan[]
}

export interface Path {
  name: string
  run(bench: Bench): Promise<PathResult>
}

type Bound = { atLeast: number } | { atMost: number }
/** Times and rates depend on how many cores there are: a bound for so many, which says nothing where there are fewer. */
type CoreBound = Bound & { cores?: number }

/** A line that compares two figures: `bound` is for value by reference. */
export function compare(
  path: string,
  metric: string,
  value: number,
  reference: { name: string; value: number },
  bound: Bound,
): Row {
  const ratio = value / reference.value
  const [sign, limit, met] =
    'atLeast' in bound
      ? (['≥', bound.atLeast, ratio >= bound.atLeast] as const)
      : (['≤', bound.atMost, ratio <= bound.atMost] as const)
  return { path, metric, value, reference, ratio, target: `${sign} ${limit} × ${reference.name}`, met }
}

const CPU_METRIC = 'CPU ms'

/** What a request costs two who do the same work: no line where nobody can tell. */
export function compareCpu(path: string, ours: Measured, other: Measured, bound: Bound): Row[] {
  const [value, reference] = [cpuOf(ours), cpuOf(other)]
  return value === undefined || reference === undefined
    ? []
    : [compare(path, CPU_METRIC, value, { name: other.name, value: reference }, bound)]
}

/**
 * As `compareCpu`, with the part of the work without which there is no answer.
 *
 * @throws Error when that costs more than the whole: then it was not measured as it should have been, and no ratio says anything
 */
export function compareWithLimit(path: string, ours: Measured, limit: Measured, bound: Bound): Row[] {
  const rows = compareCpu(path, ours, limit, bound)
  for (const { value, reference } of rows) {
    if (reference!.value > value) {
      throw new Error(
        `${path}: ${limit.name}, the reference, takes ${reference!.value.toFixed(2)} ms of CPU time, more than the ${value.toFixed(2)} ms of ${ours.name}, which it limits.`,
      )
    }
  }
  return rows
}

/** A line with a bound of its own, beside what the same costs otherwise. */
export function beside(
  path: string,
  metric: string,
  value: number,
  reference: { name: string; value: number },
  bound: CoreBound,
): Row {
  return { ...state(path, metric, value, bound), reference, ratio: value / reference.value }
}

/** A line with a bound of its own, or (without one) for information. */
export function state(
  path: string,
  metric: string,
  value: number,
  bound?: CoreBound,
  cores = availableParallelism(),
): Row {
  if (bound === undefined) {
    return { path, metric, value, reference: null, ratio: null, target: null, met: null }
  }
  const [sign, limit, met] =
    'atLeast' in bound
      ? (['≥', bound.atLeast, value >= bound.atLeast] as const)
      : (['≤', bound.atMost, value <= bound.atMost] as const)
  const target = `${sign} ${limit}${bound.cores === undefined ? '' : ` on ${bound.cores} cores`}`
  const isJudged = bound.cores === undefined || cores >= bound.cores
  return { path, metric, value, reference: null, ratio: null, target, met: isJudged ? met : null }
}

/** What a warm-up takes of a round. */
const WARM_UP_SHARE = 0.5
/**
 * The same for a server that nobody has loaded yet: measured, a request costs a fresh process over twice the CPU time, and
 * what it will cost for good after 7 s.
 */
const FIRST_WARM_UP_SHARE = 3

const warmed = new WeakSet<Running>()

/** How long a server is warmed up, of a round. */
function warmUpShare(server: Running): number {
  if (warmed.has(server)) return WARM_UP_SHARE
  warmed.add(server)
  return FIRST_WARM_UP_SHARE
}

export interface HttpWork {
  /** For one turn. */
  requests: (turn: 'warm-up' | 'round') => readonly Request[]
  connections: number
  /** Each request is sent once, and the turn lasts as long as that takes. */
  once?: boolean
  /** There are only so many of them: one warm-up has to do. */
  isScarce?: boolean
  /** Whom the service knows before the first turn: it looks up each user once. */
  callers?: readonly CallerToken[]
}

/** Loads a server over HTTP. */
export function overHttp<Name extends string>(
  bench: Bench,
  name: Name,
  server: Running,
  work: HttpWork,
): Contender & { name: Name } {
  const turn = (kind: 'warm-up' | 'round', share: number): Promise<Turn> =>
    withCpu({ service: server.pid, postmaster: bench.cluster.postmaster }, () =>
      bench.loader.load({
        origin: server.origin,
        requests: work.requests(kind),
        connections: work.connections,
        once: work.once ?? false,
        seconds: bench.seconds * share,
      }),
    )
  const introduce = (callers: readonly CallerToken[]): Promise<unknown> =>
    bench.loader.load({
      origin: server.origin,
      requests: callers.map(({ authorization }) => ({
        method: 'GET',
        path: '/v1/me',
        headers: { authorization },
      })),
      connections: work.connections,
      once: true,
      seconds: bench.seconds,
    })
  return contender(name, {
    async warmUp() {
      if (work.callers) await introduce(work.callers)
      const share = warmUpShare(server)
      const ends = performance.now() + bench.seconds * share * 1_000
      do await turn('warm-up', share)
      while (!work.isScarce && performance.now() < ends)
    },
    round: () => turn('round', 1),
  })
}

export interface SqlWork {
  script: string
  clients: number
  /** About so many in each turn, and hardly more than twice as many before; without it, as many as there is time for. */
  transactions?: number
  /** One plan for all values, as the service's functions have, unless that would be a handicap. */
  planCacheMode?: 'force_generic_plan' | 'auto'
}

/** The same work without a service: the bare statement in pgbench. */
export function inDatabase<Name extends string>(
  bench: Bench,
  name: Name,
  work: SqlWork,
): Contender & { name: Name } {
  let sessions: Pgbench | undefined
  const spent: Turn['cpu'][] = []
  return {
    name,
    async warmUp() {
      sessions = await startPgbench({
        url: sessionUrl(bench.databaseUrl, work.planCacheMode ?? 'force_generic_plan'),
        binDir: bench.cluster.binDir,
        script: work.script,
        clients: work.clients,
        mostWarmUp: work.transactions && 2 * work.transactions,
      })
    },
    async round() {
      const { rate, turn } = sessions!
      const seconds = work.transactions ? Math.min(bench.seconds, work.transactions / rate) : bench.seconds
      const { cpu } = await withCpu(
        { service: undefined, postmaster: bench.cluster.postmaster },
        async () => {
          await turn(seconds)
          return {}
        },
      )
      spent.push(cpu)
    },
    async turns() {
      const turns = await sessions!.finish()
      return turns.map((turn, nth) => ({ ...turn, cpu: spent[nth]! }))
    },
    stop: async () => sessions?.stop(),
  }
}

/** The session settings that the service's own connections and functions have: they are no handicap of the bare statement. */
function sessionUrl(url: string, planCacheMode: string): string {
  const session = new URL(url)
  session.searchParams.set(
    'options',
    `-c search_path=public,extensions -c jit=off -c plan_cache_mode=${planCacheMode}`,
  )
  return session.href.replaceAll('+', '%20')
}

/** Refuses to compare anything when a contender answers with errors. */
export async function competeFlawlessly<Name extends string>(
  contenders: readonly (Contender & { name: Name })[],
  rounds: number,
): Promise<Record<Name, Measured>> {
  const measured = await compete(contenders, rounds)
  for (const { name, statuses } of Object.values<Measured>(measured)) {
    const bad = Object.entries(statuses).filter(([status]) => !status.startsWith('2'))
    if (bad.length > 0) throw new Error(`${name} answered ${JSON.stringify(Object.fromEntries(bad))}.`)
  }
  return measured
}
