import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { keepGuardedFolder } from '../test/support/guarded-folder.ts'
import { NODE_FLAGS } from '../test/support/service-process.ts'

/** A server that answers requests, in a process of its own. */
export interface Running {
  readonly origin: string
  readonly pid: number
  /** From the start of the process to the first request that it could answer, in seconds. */
  readonly secondsToReady: number
  stop(): Promise<void>
}

/** What each of these programs prints once it listens. */
const LISTENS_ON_PORT = /(?<=http:\/\/(?:127\.0\.0\.1|localhost):)\d+/
const ROOT = fileURLToPath(new URL('..', import.meta.url))
/** The embedded engine's first start is the slowest that there is. */
const READY_TIMEOUT_MS = 120_000
const POLL_INTERVAL_MS = 5
/** An orderly stop has a deadline of its own (SHUTDOWN_TIMEOUT_MS). */
const STOP_TIMEOUT_MS = 20_000

/**
 * Starts a program of this repository, whatever becomes of it ends with this process.
 *
 * @param environment all that it gets, beside PATH and HOME
 * @param readyPath answers 200 when the server can do its work
 * @throws Error with what it printed, when it ends or is not ready in time.
 */
export async function startServer(
  program: string,
  environment: Record<string, string>,
  readyPath: string,
): Promise<Running> {
  const guarded = await keepGuardedFolder(ROOT)
  const started = performance.now()
  const child = spawn(process.execPath, [...NODE_FLAGS, program], {
    cwd: ROOT,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  guarded.guard(child)
  const exited = once(child, 'exit')
  const printed = collectOutput(child)

  async function stop(): Promise<void> {
    child.kill('SIGTERM')
    const late = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS)
    await exited
    clearTimeout(late)
    guarded.guard(undefined)
    await guarded.remove()
  }

  const deadline = started + READY_TIMEOUT_MS
  for (;;) {
    const port = LISTENS_ON_PORT.exec(printed())?.[0]
    // By address: looking up a name is no part of what is measured.
    const origin = `http://127.0.0.1:${port}`
    if (port && (await isReady(origin + readyPath))) {
      const secondsToReady = (performance.now() - started) / 1000
      return { origin, pid: child.pid!, secondsToReady, stop }
    }
    if (child.exitCode !== null || performance.now() > deadline) {
      await stop()
      throw new Error(`${program} did not start:\n${printed()}`)
    }
    await sleep(POLL_INTERVAL_MS)
  }
}

/** Only the beginning is kept: where it listens, or why it does not. */
const KEPT_OUTPUT = 20_000

function collectOutput(child: ChildProcess): () => string {
  let text = ''
  for (const stream of [child.stdout!, child.stderr!]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      if (text.length < KEPT_OUTPUT) text += chunk
    })
  }
  return () => text
}

const isReady = (url: string): Promise<boolean> =>
  fetch(url, { signal: AbortSignal.timeout(2_000) }).then(
    (answer) => answer.ok,
    () => false,
  )

/** The service, as production runs it: one process, and nothing but its own settings. */
export const startService = (environment: Record<string, string>): Promise<Running> =>
  startServer('start.js', { ...SERVICE_SETTINGS, ...environment }, '/ready')

export const JWT_SECRET = 'the secret of the benchmark, at least 32 characters long'

const SERVICE_SETTINGS = {
  NODE_ENV: 'production',
  HOST: '127.0.0.1',
  PORT: '0',
  JWT_SECRET,
  // All load comes from one address.
  RATE_LIMIT_PER_MINUTE: '1000000000',
  CHECKINS_PER_MINUTE: '1000000000',
  STOP_EVENTS_PER_MINUTE: '1000000000',
  REALTIME_MAX_SOCKETS_PER_KEY: '10000',
  REALTIME_MAX_SOCKETS_PER_ADDRESS: '10000',
  REALTIME_SOCKETS_PER_SECOND: '10000',
  REALTIME_SOCKETS_PER_SECOND_PER_ADDRESS: '10000',
  REALTIME_JOINS_PER_SECOND_PER_ADDRESS: '10000',
  // The references write no line per request either.
  LOG_LEVEL: 'warn',
}

/** `sysconf(_SC_CLK_TCK)`, in which Linux tells the time: 100 on every architecture that Node runs on. */
const TICKS_PER_SECOND = 100

/** Seconds of CPU time that a process has used so far, in user and kernel mode; undefined where there is no /proc. */
export async function cpuSecondsOf(pid: number): Promise<number | undefined> {
  const times = await readTimes(pid)
  return times && (times.own[0]! + times.own[1]!) / TICKS_PER_SECOND
}

/** The same of a PostgreSQL server: its first process, its sessions, and those of them that have ended. */
export async function serverCpuSeconds(postmaster: number): Promise<number | undefined> {
  for (;;) {
    const before = await readTimes(postmaster)
    const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number)
    const times = await Promise.all(pids.map(readTimes))
    const after = await readTimes(postmaster)
    if (!before || !after) return undefined
    // A session that ended meanwhile would be counted twice, or not at all.
    if (String(before.children) !== String(after.children)) continue
    const sessions = times.filter((found) => found?.parent === postmaster).map((found) => found!.own)
    const ticks = [after.own, after.children, ...sessions].flat()
    return ticks.reduce((sum, each) => sum + each, 0) / TICKS_PER_SECOND
  }
}

interface Times {
  parent: number
  /** User and system. */
  own: number[]
  /** Of children that have ended and been waited for. */
  children: number[]
}

async function readTimes(pid: number): Promise<Times | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined)
  if (stat === undefined) return undefined
  // After the name, which is in parentheses and may hold spaces: proc(5) counts from 3 there.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const field = (nth: number) => Number(fields[nth - 3])
  return { parent: field(4), own: [field(14), field(15)], children: [field(16), field(17)] }
}

/** Resident memory of a process, now and at its peak, in bytes; undefined where there is no /proc. */
export async function memoryOf(pid: number): Promise<{ now: number; peak: number } | undefined> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => undefined)
  if (status === undefined) return undefined
  const kilobytes = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1])
  return { now: kilobytes('VmRSS') * 1024, peak: kilobytes('VmHWM') * 1024 }
}
