import { execFile, spawn } from 'node:child_process'
import { readdir } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { formatServerUrl, parseServerUrl } from '../../server-url.ts'
import { BackupError } from './manifest.ts'

/** Debian and its descendants keep a folder for each major version, beside a wrapper on the path. */
const DEBIAN_BINARIES = '/usr/lib/postgresql'

export interface Program {
  path: string
  major: number
}

/**
 * Finds PostgreSQL's `pg_dump` or `pg_restore`: the same major version as the server where there is one, else the next newer. An older
 * one refuses a newer server, and a much newer one writes settings that an older server does not know.
 *
 * @throws BackupError when there is none, or only older ones
 */
export async function findProgram(name: 'pg_dump' | 'pg_restore', least: number): Promise<Program> {
  const debian = (await readdir(DEBIAN_BINARIES).catch(() => [])).map((version) =>
    join(DEBIAN_BINARIES, version, 'bin'),
  )
  const onPath = (process.env.PATH ?? '').split(delimiter).filter(Boolean)
  const versions = await Promise.all(
    [...debian, ...onPath].map(async (folder): Promise<Program[]> => {
      const path = join(folder, name)
      const { stdout } = await promisify(execFile)(path, ['--version']).catch(() => ({ stdout: '' }))
      const major = Number(/\(PostgreSQL\) (\d+)/.exec(stdout)?.[1])
      return major ? [{ path, major }] : []
    }),
  )
  const found = versions.flat()
  const best = found.filter(({ major }) => major >= least).sort((a, b) => a.major - b.major)[0]
  if (best) return best
  const install = `Install the client programs of version ${least} (on Debian: apt-get install postgresql-client-${least}) and see that ${name} is on the PATH.`
  if (found.length === 0) throw new BackupError(`${name} is not installed here. ${install}`)
  const newest = Math.max(...found.map(({ major }) => major))
  throw new BackupError(
    `${name} is needed in version ${least} or newer, and the newest here is ${newest}. ${install}`,
  )
}

/** Lines of PostgreSQL's programs that say what went wrong; others could quote rows. */
const SAYS_WHY = /\b(?:error|fatal|hint|could not)\b/i
const QUOTES_ROWS = /CONTEXT:|DETAIL:|Command was:/
const MOST_LINES = 10

/**
 * Runs one of the programs against a database.
 *
 * @param onLine gets each line of its `--verbose` report, in English
 * @returns what it printed
 * @throws BackupError with what it said
 */
export async function runProgram(
  { path }: Program,
  parameters: readonly string[],
  url: string | undefined,
  onLine: (line: string) => void = () => {},
): Promise<string> {
  const child = spawn(
    path,
    [...parameters, ...(url === undefined ? [] : [`--dbname=${withoutPassword(url)}`])],
    {
      env: { ...process.env, LC_ALL: 'C', ...passwordOf(url) },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  )
  const reasons: string[] = []
  createInterface(child.stderr).on('line', (line) => {
    if (SAYS_WHY.test(line) && !QUOTES_ROWS.test(line)) reasons.push(line)
    onLine(line)
  })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text
  })
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  if (code === 0) return output
  throw new BackupError([`${path} failed (${code ?? 'killed'}):`, ...reasons.slice(-MOST_LINES)].join('\n  '))
}

/** Everybody on the machine can read the parameters of a process, and nobody else its environment. */
function withoutPassword(url: string): string {
  return formatServerUrl({ ...parseServerUrl(url), password: '' })
}

function passwordOf(url: string | undefined): { PGPASSWORD?: string } {
  const password = url === undefined ? '' : parseServerUrl(url).password
  return password === '' ? {} : { PGPASSWORD: password }
}
