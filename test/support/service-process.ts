import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as nextTurn } from 'node:timers/promises'
import { COMPILED_ONCE } from './node-flags.ts'
import { patience } from './patience.ts'

const ROOT = join(import.meta.dirname, '../..')

/** As `npm start` and the image have it (see Dockerfile): without these bounds Node takes what memory the machine has. */
export const NODE_FLAGS = ['--max-semi-space-size=8', '--max-old-space-size=512']

/** Starting takes a second; migrating an empty database, on a busy machine, several. */
const START_TIMEOUT_MS = patience(60_000)

/** The service as `npm start` runs it: a process of its own. */
export interface ServiceProcess {
  readonly url: string
  readonly pid: number
  /** What it has printed so far, its log among it. */
  readonly printed: readonly string[]
  /** Whether the process runs, as far as is known. */
  isRunning(): boolean
  /** `kill -9`: resolves when it has ended. */
  crash(): Promise<void>
  signal(signal: NodeJS.Signals): void
  /** Resolves with its exit code when it has ended. */
  readonly ended: Promise<number | null>
  /** Asks it to stop in order, and resolves with its exit code. */
  stop(): Promise<number | null>
}

/**
 * Starts the service on a free port of 127.0.0.1.
 *
 * @param root the folder of another version of the service
 * @param flags of Node, beside those of `NODE_FLAGS`
 * @throws Error with what it printed, when it does not listen in time.
 */
export async function startService(
  environment: Record<string, string>,
  root = ROOT,
  flags: readonly string[] = [],
): Promise<ServiceProcess> {
  const child = spawnService(environment, root, flags)
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve))
  const { url, printed } = await waitForUrl(child)
  const end = async (signal: NodeJS.Signals): Promise<number | null> => {
    if (child.exitCode !== null || child.signalCode !== null) return child.exitCode
    const exited = once(child, 'exit')
    child.kill(signal)
    await exited
    return child.exitCode
  }
  return {
    url,
    pid: child.pid!,
    printed,
    signal: (signal) => void child.kill(signal),
    ended,
    isRunning: () => child.exitCode === null && child.signalCode === null,
    crash: async () => {
      await end('SIGKILL')
    },
    stop: () => end('SIGTERM'),
  }
}

/**
 * Starts the service, and kills it (`kill -9`) at the first moment at which `isTime` of the lines that it has printed.
 *
 * @returns those lines.
 * @throws Error with them, when it ended before, or the moment does not come in time.
 */
export async function crashServiceWhen(
  environment: Record<string, string>,
  isTime: (printed: readonly string[]) => boolean | Promise<boolean>,
): Promise<string[]> {
  const child = spawnService(environment, ROOT, [COMPILED_ONCE])
  const exited = once(child, 'exit')
  const printed = collectLines(child)
  const deadline = performance.now() + START_TIMEOUT_MS
  try {
    while (!(await isTime(printed))) {
      if (child.exitCode !== null || performance.now() > deadline) {
        throw new Error(`The service was not to be killed:\n${printed.join('\n')}`)
      }
      await nextTurn()
    }
  } finally {
    child.kill('SIGKILL')
    await exited
  }
  return printed
}

function spawnService(
  environment: Record<string, string>,
  root: string,
  flags: readonly string[],
): ChildProcess {
  const child = spawn(process.execPath, [...NODE_FLAGS, ...flags, 'src/main.ts'], {
    cwd: root,
    // Of the surroundings only what a process needs to run: a developer's DATABASE_URL is not meant.
    env: {
      PATH: process.env.PATH,
      NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE,
      NODE_ENV: 'test',
      LOG_LEVEL: 'error',
      HOST: '127.0.0.1',
      PORT: '0',
      // Each connection makes its plans when it is opened, half a second of CPU time; few requests come at once here.
      DATABASE_POOL_SIZE: '4',
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const killWithTests = (): void => {
    child.kill('SIGKILL')
  }
  process.once('exit', killWithTests)
  child.once('exit', () => process.removeListener('exit', killWithTests))
  return child
}

function collectLines(child: ChildProcess, onLine: (line: string) => void = () => {}): string[] {
  const printed: string[] = []
  for (const stream of [child.stdout!, child.stderr!]) {
    createInterface(stream).on('line', (line) => {
      printed.push(line)
      onLine(line)
    })
  }
  return printed
}

/** The service prints where it listens when it does. */
async function waitForUrl(child: ChildProcess): Promise<{ url: string; printed: readonly string[] }> {
  const listening = Promise.withResolvers<string>()
  const printed = collectLines(child, (line) => {
    const [url] = /(?<=listens on )http:\S+/.exec(line) ?? []
    if (url) listening.resolve(url)
  })
  const fail = (why: string): void =>
    listening.reject(new Error(`The service ${why}:\n${printed.join('\n')}`))
  child.once('exit', () => fail('ended'))
  const deadline = setTimeout(() => {
    child.kill('SIGKILL')
    fail('did not listen in time')
  }, START_TIMEOUT_MS)
  try {
    return { url: await listening.promise, printed }
  } finally {
    clearTimeout(deadline)
  }
}
