import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { run } from '../test/support/run.ts'
import { latenciesOf } from './statistics.ts'

export interface PgbenchJob {
  /** Of the database, as a superuser. */
  url: string
  binDir: string
  /** A script in pgbench's language; each run of it is a transaction. */
  script: string
  clients: number
  /** How long, or how many transactions in all (a multiple of the clients). */
  until: { seconds: number } | { transactions: number }
}

export interface PgbenchResult {
  requests: number
  seconds: number
  /** Milliseconds. */
  latency: { p50: number; p95: number; p99: number }
}

/** More threads than this take the server's cores away. */
const THREADS = 2

/** Loads the database without any service in between: with prepared statements, and no connection per transaction. */
export async function pgbench(job: PgbenchJob): Promise<PgbenchResult> {
  const folder = await mkdtemp(join(tmpdir(), 'muster-pgbench-'))
  try {
    const script = join(folder, 'script.sql')
    await writeFile(script, job.script)
    const length =
      'seconds' in job.until
        ? [`--time=${Math.max(1, Math.round(job.until.seconds))}`]
        : [`--transactions=${job.until.transactions / job.clients}`]
    await run(
      join(job.binDir, 'pgbench'),
      [
        '--no-vacuum',
        '--protocol=prepared',
        `--client=${job.clients}`,
        `--jobs=${Math.min(THREADS, job.clients)}`,
        '--log',
        `--log-prefix=${join(folder, 'log')}`,
        `--file=${script}`,
        ...length,
        job.url,
      ],
      { cwd: folder },
    )
    return summarize(await readLogs(folder, job.clients))
  } finally {
    await rm(folder, { recursive: true })
  }
}

/** `client_id transaction_no time script_no time_epoch time_us`, one line per transaction, a file per thread. */
async function readLogs(folder: string, clients: number): Promise<string[]> {
  const names = (await readdir(folder)).filter((name) => name.startsWith('log.'))
  if (names.length === 0) throw new Error(`pgbench with ${clients} clients left no log.`)
  const texts = await Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')))
  return texts.flatMap((text) => text.trimEnd().split('\n'))
}

/** The time from the first transaction's start to the last one's end: connecting is not what is measured. */
export function summarize(lines: readonly string[]): PgbenchResult {
  const times: number[] = []
  let first = Number.POSITIVE_INFINITY
  let last = 0
  for (const line of lines) {
    const [, , microseconds, , seconds, fraction] = line.split(' ').map(Number)
    const end = seconds! * 1e6 + fraction!
    first = Math.min(first, end - microseconds!)
    last = Math.max(last, end)
    times.push(microseconds! / 1000)
  }
  return { requests: times.length, seconds: (last - first) / 1e6, latency: latenciesOf(times) }
}

/**
 * An expression of pgbench that gives the value at `:index` (from 0): a tree of comparisons, because pgbench has no
 * arrays, and a table of its own would be one more thing to read for each transaction.
 */
export function choose(index: string, values: readonly number[]): string {
  const expression = (from: number, to: number): string => {
    if (to - from === 1) return String(values[from])
    const middle = (from + to) >> 1
    return `case when :${index} < ${middle} then ${expression(from, middle)} else ${expression(middle, to)} end`
  }
  return expression(0, values.length)
}
