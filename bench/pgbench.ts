import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Latencies, latenciesOf } from './statistics.ts'

export interface PgbenchJob {
  /** Of the database, as a superuser. */
  url: string
  binDir: string
  /** A script in pgbench's language; each run of it is a transaction. */
  script: string
  clients: number
  /** Where there is only so much to do: it is warm after so many transactions, too. */
  mostWarmUp?: number | undefined
}

/** What was done in one turn. */
export interface PgbenchTurn {
  requests: number
  seconds: number
  /** Milliseconds. */
  latency: Latencies
}

/**
 * One pgbench for all turns. New sessions load PostGIS, compile functions and make plans: for a second or two, on two cores, that is all
 * they do. So they are opened and used before the first turn, and between turns the process stands still.
 */
export interface Pgbench {
  /** Transactions per second, once that grows no more. */
  readonly rate: number
  /** Lets it work. */
  turn(seconds: number): Promise<void>
  /** Ends it. @returns each turn, without what came before, between and after them */
  finish(): Promise<PgbenchTurn[]>
  /** Ends it, whatever it was at; also where it has ended. */
  stop(): Promise<void>
}

/** More threads than this take the server's cores away. */
const THREADS = 2
/** The finest that pgbench knows. */
const PROGRESS_SECONDS = 1
/** It is warm when a second brings no more than this, compared with the one before… */
const STEADY = 1.1
/** …and each client has come so far: PostgreSQL decides about a plan for good after five times. */
const WARM_TRANSACTIONS = 10
/** Longer than a run takes: it is told when to end. */
const LONGEST_SECONDS = 6 * 60 * 60
/** When it stands still, what it had sent is still worked on for a while: that belongs to the turn. */
const SETTLE_MS = 100

/** Starts to load the database without any service in between, with prepared statements, and gives it back warm and standing still. */
export async function startPgbench(job: PgbenchJob): Promise<Pgbench> {
  const folder = await mkdtemp(join(tmpdir(), 'muster-pgbench-'))
  const script = join(folder, 'script.sql')
  await writeFile(script, job.script)
  const child = spawn(
    join(job.binDir, 'pgbench'),
    [
      '--no-vacuum',
      '--protocol=prepared',
      `--client=${job.clients}`,
      `--jobs=${Math.min(THREADS, job.clients)}`,
      `--time=${LONGEST_SECONDS}`,
      `--progress=${PROGRESS_SECONDS}`,
      '--log',
      `--log-prefix=${join(folder, 'log')}`,
      `--file=${script}`,
      job.url,
    ],
    { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] },
  )
  const kill = (): void => void child.kill('SIGKILL')
  process.once('exit', kill)
  const exited = once(child, 'exit').finally(() => process.off('exit', kill))
  const lines = createInterface(child.stderr)
  const complaints: string[] = []
  const rates: number[] = []
  const warm = new Promise<void>((resolve) => {
    lines.on('line', (line) => {
      const rate = /^progress: \S+ s, ([\d.]+) tps/.exec(line)?.[1]
      if (rate === undefined) complaints.push(line)
      else {
        rates.push(Number(rate))
        if (isWarm(rates, job.clients, job.mostWarmUp)) resolve()
      }
    })
  })
  const broken = exited.then(() => {
    throw new Error(`pgbench has ended:\n${complaints.join('\n')}`)
  })
  // Whoever waits for it hears of it.
  broken.catch(() => {})
  async function stop(): Promise<void> {
    kill()
    await exited
    await rm(folder, { recursive: true, force: true })
  }
  try {
    await Promise.race([warm, broken])
  } catch (error) {
    await stop()
    throw error
  }
  child.kill('SIGSTOP')
  const turns: Span[] = []

  return {
    rate: rates.at(-1)!,
    stop,
    async turn(seconds) {
      const from = Date.now()
      child.kill('SIGCONT')
      await Promise.race([sleep(seconds * 1_000), broken])
      child.kill('SIGSTOP')
      turns.push({ from, to: Date.now() })
      await sleep(SETTLE_MS)
    },
    async finish() {
      // By this signal pgbench notices that its time is up.
      child.kill('SIGALRM')
      child.kill('SIGCONT')
      const [code] = await exited
      if (code !== 0) throw new Error(`pgbench has ended with ${code}:\n${complaints.join('\n')}`)
      return summarize(await readLogs(folder, job.clients), turns)
    },
  }
}

/** @param rates of each second so far */
export function isWarm(
  rates: readonly number[],
  clients: number,
  mostWarmUp = Number.POSITIVE_INFINITY,
): boolean {
  const [before, last] = [rates.at(-2) ?? 0, rates.at(-1)!]
  const done = rates.reduce((sum, rate) => sum + rate * PROGRESS_SECONDS, 0)
  return done >= mostWarmUp || (done >= WARM_TRANSACTIONS * clients && last <= STEADY * before)
}

/** `client_id transaction_no time script_no time_epoch time_us`, one line per transaction, a file per thread. */
async function readLogs(folder: string, clients: number): Promise<string[]> {
  const names = (await readdir(folder)).filter((name) => name.startsWith('log.'))
  if (names.length === 0) throw new Error(`pgbench with ${clients} clients left no log.`)
  const texts = await Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')))
  return texts.flatMap((text) => text.trimEnd().split('\n'))
}

/** By `Date.now()`. */
interface Span {
  from: number
  to: number
}

/**
 * What began in each turn. A transaction that was under way when the turn ended was done, but nobody looked when: it counts, and
 * how long it took is not known.
 */
export function summarize(lines: readonly string[], turns: readonly Span[]): PgbenchTurn[] {
  const counted = turns.map((span) => ({ span, requests: 0, times: [] as number[] }))
  for (const line of lines) {
    const [, , microseconds, , seconds, fraction] = line.split(' ').map(Number)
    const end = seconds! * 1e3 + fraction! / 1e3
    const begin = end - microseconds! / 1e3
    const turn = counted.find(({ span }) => begin >= span.from && begin <= span.to)
    if (!turn) continue
    turn.requests += 1
    if (end <= turn.span.to) turn.times.push(microseconds! / 1e3)
  }
  return counted.map(({ span, requests, times }) => ({
    requests,
    seconds: (span.to - span.from) / 1e3,
    latency: latenciesOf(times),
  }))
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
