import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { LoadJob, LoadResult } from './load.ts'
import { cpuSecondsOf, serverCpuSeconds } from './processes.ts'
import { type Latencies, median } from './statistics.ts'

/** What one contender did in one round. */
export interface Turn {
  requests: number
  seconds: number
  /** Milliseconds. */
  latency: Latencies
  statuses?: Record<string, number>
  failures?: number
  /** Seconds, of the process that answered and of the database server. */
  cpu: { service: number | undefined; database: number | undefined }
}

/** One of several that do the same work and take turns at it. */
export interface Contender {
  name: string
  /** Brings caches, plans and compiled code to where they stay. */
  warmUp(): Promise<unknown>
  round(): Promise<unknown>
  /** What was done in each round. */
  turns(): Promise<readonly Turn[]>
  /** After the last round, or when somebody failed. */
  stop?(): Promise<void>
}

/** One of whom each round says at once what was done. */
export function contender<Name extends string>(
  name: Name,
  { warmUp, round }: { warmUp(): Promise<unknown>; round(): Promise<Turn> },
): Contender & { name: Name } {
  const turns: Turn[] = []
  return { name, warmUp, round: async () => turns.push(await round()), turns: async () => turns }
}

/** Medians over the rounds. */
export interface Measured {
  name: string
  requests_per_second: number
  p50_ms: number
  p95_ms: number
  p99_ms: number
  /** CPU milliseconds per request; the first is undefined also for what works without a service. */
  service_cpu: number | undefined
  database_cpu: number | undefined
  statuses: Record<string, number>
}

/**
 * Lets contenders take turns: what else happens on the machine then hits all of them alike, and the medians leave a bad
 * round out.
 */
export async function compete<Name extends string>(
  contenders: readonly (Contender & { name: Name })[],
  rounds: number,
): Promise<Record<Name, Measured>> {
  try {
    for (const contender of contenders) await contender.warmUp()
    for (let round = 0; round < rounds; round += 1) {
      for (const contender of contenders) await contender.round()
    }
    const measured: [Name, Measured][] = []
    for (const contender of contenders) {
      measured.push([contender.name, summarizeTurns(contender.name, await contender.turns())])
    }
    return Object.fromEntries(measured) as Record<Name, Measured>
  } finally {
    for (const contender of contenders) await contender.stop?.()
  }
}

/** CPU milliseconds of a request, of all who worked for it; undefined where nobody can tell. */
export const cpuOf = ({
  service_cpu = 0,
  database_cpu,
}: Pick<Measured, 'service_cpu' | 'database_cpu'>): number | undefined =>
  database_cpu === undefined ? undefined : service_cpu + database_cpu

export function summarizeTurns(name: string, turns: readonly Turn[]): Measured {
  const middle = (value: (turn: Turn) => number) => median(turns.map(value))
  const perThousand = (which: 'service' | 'database') =>
    turns.every(({ cpu }) => cpu[which] !== undefined)
      ? middle(({ cpu, requests }) => (cpu[which]! / requests) * 1_000)
      : undefined
  const statuses: Record<string, number> = {}
  for (const turn of turns) {
    for (const [status, count] of Object.entries(turn.statuses ?? {})) {
      statuses[status] = (statuses[status] ?? 0) + count
    }
    if (turn.failures) statuses.none = (statuses.none ?? 0) + turn.failures
  }
  return {
    name,
    requests_per_second: middle(({ requests, seconds }) => requests / seconds),
    p50_ms: middle(({ latency }) => latency.p50),
    p95_ms: middle(({ latency }) => latency.p95),
    p99_ms: middle(({ latency }) => latency.p99),
    service_cpu: perThousand('service'),
    database_cpu: perThousand('database'),
    statuses,
  }
}

/** Counts the CPU time that `work` costs a service and the database. */
export async function withCpu<T extends object>(
  pids: { service: number | undefined; postmaster: number | undefined },
  work: () => Promise<T>,
): Promise<T & Pick<Turn, 'cpu'>> {
  const look = async () => ({
    service: pids.service === undefined ? undefined : await cpuSecondsOf(pids.service),
    database: pids.postmaster === undefined ? undefined : await serverCpuSeconds(pids.postmaster),
  })
  const before = await look()
  const result = await work()
  const after = await look()
  const spent = (which: keyof typeof before) =>
    before[which] === undefined || after[which] === undefined ? undefined : after[which] - before[which]
  return { ...result, cpu: { service: spent('service'), database: spent('database') } }
}

/** The process that loads services (see `load.ts`). */
export interface Loader {
  load(job: LoadJob): Promise<LoadResult>
  stop(): Promise<void>
}

export function startLoader(): Loader {
  const child: ChildProcess = fork(fileURLToPath(new URL('./load.ts', import.meta.url)), {
    serialization: 'advanced',
  })
  let waiting = Promise.withResolvers<LoadResult>()
  child.on('message', (answer: { result: LoadResult } | { error: string }) => {
    if ('result' in answer) waiting.resolve(answer.result)
    else waiting.reject(new Error(answer.error))
  })
  child.once('exit', () => waiting.reject(new Error('The loading process has ended.')))
  return {
    async load(job) {
      waiting = Promise.withResolvers()
      child.send(job)
      return waiting.promise
    },
    async stop() {
      const exited = once(child, 'exit')
      waiting.promise.catch(() => {})
      child.disconnect()
      await exited
    },
  }
}
