import { type ChildProcess, fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { beforeAll } from 'vitest'
import { COMPILED_ONCE } from './node-flags.ts'

export const ROOT = join(import.meta.dirname, '../..')

export interface Outcome {
  code: number
  stdout: string
  stderr: string
}

/** Settings that a developer's `.env` may hold and that are not the test's: an empty value counts as unset. */
const UNSET = Object.fromEntries(
  [
    'NODE_ENV',
    'DATABASE_URL',
    'DATABASE_API_URL',
    'DATABASE_WORKER_URL',
    'DATABASE_JOBS_URL',
    'DATABASE_SIGN_IN_URL',
    'JWT_SECRET',
    'JWKS_URL',
    'JWT_ISSUER',
    'JWT_AUDIENCE',
    'LOG_LEVEL',
  ].map((name) => [name, '']),
)

/** The environment of a process of the project that has these settings and no others. */
export const environment = (settings: Record<string, string>): Record<string, string | undefined> => ({
  PATH: process.env.PATH,
  HOME: process.env.HOME,
  // Of the run: `vitest.config.ts`.
  NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE,
  // What commands keep (see `history-catalog.ts`): made by the first who needs it.
  XDG_CACHE_HOME: join(ROOT, 'node_modules/.cache/muster-test'),
  ...UNSET,
  ...settings,
})

/** Runs `npm run --silent <script> -- <words>` as a user would. */
export function runScript(
  script: string,
  words: readonly string[],
  settings: Record<string, string>,
): Promise<Outcome> {
  return runHere('npm', ['run', '--silent', script, '--', ...words], settings)
}

/** The same command without npm, which takes longer to start than the command does. */
export function runCommandFile(
  name: string,
  words: readonly string[],
  settings: Record<string, string>,
  cwd = ROOT,
): Promise<Outcome> {
  return runHere(process.execPath, [COMPILED_ONCE, fileOf(name), ...words], settings, cwd)
}

const fileOf = (name: string): string => join(ROOT, `src/cli/${name}.ts`)

/** What `command-process.ts` is told. */
export interface Run {
  file: string
  words: readonly string[]
  env: Record<string, string | undefined>
}

/**
 * The same as `runCommandFile`, for a file that runs many commands: all in one process, because starting one takes most of the time of a
 * command that refuses. That a process ends when its command has ended, the tests see that start one.
 *
 * @param cwd asked before the first test
 */
export function useCommands(
  cwd: () => string = () => ROOT,
): (name: string, words: readonly string[], settings: Record<string, string>) => Promise<Outcome> {
  let child: ChildProcess | undefined
  beforeAll(() => {
    child = fork(join(import.meta.dirname, 'command-process.ts'), {
      cwd: cwd(),
      env: environment({}),
      execArgv: [COMPILED_ONCE],
    })
    return () => void child?.kill()
  })
  return async (name, words, settings) => {
    child!.send({ file: fileOf(name), words, env: environment(settings) } satisfies Run)
    const [outcome] = await once(child!, 'message')
    return outcome
  }
}

async function runHere(
  program: string,
  words: readonly string[],
  settings: Record<string, string>,
  cwd = ROOT,
): Promise<Outcome> {
  const child = spawn(program, words, {
    cwd,
    env: environment(settings),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ])
  return { code, stdout, stderr }
}
