import autocannon, { type Client, type Request, type Result } from 'autocannon'
import { latenciesOf } from './statistics.ts'

/*
 * The process that loads the service: apart from it, so that neither counts the other's CPU time, and apart from the
 * benchmark, so that building the next requests does not delay the present ones.
 */

export interface LoadJob {
  origin: string
  /** Each connection has a share of them, and goes through it again and again; with `once`, each is sent once. */
  requests: readonly Request[]
  connections: number
  once: boolean
  /** How long to go on; without meaning for `once`. */
  seconds: number
}

export interface LoadResult {
  requests: number
  seconds: number
  /** Milliseconds from the first byte of a request to the last of its answer. */
  latency: { p50: number; p95: number; p99: number }
  /** How many answers had which status. */
  statuses: Record<string, number>
  /** Connections that failed, and answers that never came. */
  failures: number
}

/** An answer that takes longer counts as failed: the service's own limits are below this. */
const ANSWER_TIMEOUT_SECONDS = 30
/** How often autocannon looks whether it is over. */
const LOOK_INTERVAL_MS = 50

/** A turn that ends before its first answer, on a busy machine, is taken again, twice as long. */
export async function load(job: LoadJob): Promise<LoadResult> {
  for (let { seconds } = job; ; seconds *= 2) {
    const result = await takeTurn({ ...job, seconds })
    if (result) return result
    if (job.once || seconds > ANSWER_TIMEOUT_SECONDS) throw new Error(`${job.origin} answered nothing.`)
  }
}

/** @returns undefined when nothing was answered */
async function takeTurn(job: LoadJob): Promise<LoadResult | undefined> {
  const times: number[] = []
  const statuses: Record<string, number> = {}
  const started = performance.now()
  let ended = started
  const result = await new Promise<Result>((resolve, reject) => {
    let nth = 0
    const instance = autocannon(
      {
        url: job.origin,
        connections: job.connections,
        timeout: ANSWER_TIMEOUT_SECONDS,
        sampleInt: LOOK_INTERVAL_MS,
        ...(job.once ? { amount: job.requests.length } : { duration: job.seconds }),
        setupClient(client) {
          client.setRequests(shareOf(job, nth))
          nth += 1
        },
      },
      (error, given) => (error ? reject(error) : resolve(given)),
    )
    instance.on('response', (_client: Client, status: number, _bytes: number, milliseconds: number) => {
      times.push(milliseconds)
      statuses[status] = (statuses[status] ?? 0) + 1
      ended = performance.now()
    })
  })
  if (times.length === 0) return undefined
  return {
    requests: times.length,
    seconds: (ended - started) / 1000,
    latency: latenciesOf(times),
    statuses,
    failures: result.errors + result.timeouts,
  }
}

/** Every n-th request: the first ones of a list are no other than the last. autocannon writes into what it is given. */
function shareOf({ requests, connections }: LoadJob, nth: number): Request[] {
  const shares = Math.min(connections, requests.length)
  return requests.filter((_, index) => index % shares === nth % shares).map((request) => ({ ...request }))
}

if (process.send) {
  process.on('message', async (job: LoadJob) => {
    try {
      process.send!({ result: await load(job) })
    } catch (error) {
      process.send!({ error: String(error) })
    }
  })
  // The benchmark has gone.
  process.on('disconnect', () => process.exit())
}
