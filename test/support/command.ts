import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'

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
): Promise<Outcome> {
  return runHere(process.execPath, [join(ROOT, `src/cli/${name}.ts`), ...words], settings)
}

async function runHere(
  program: string,
  words: readonly string[],
  settings: Record<string, string>,
): Promise<Outcome> {
  const child = spawn(program, words, {
    cwd: ROOT,
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
