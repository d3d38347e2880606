import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chown, open, readFile, writeFile } from 'node:fs/promises'
import { createConnection } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { deployBlocks } from './deploy-page.ts'
import { makeGuardedFolder } from './guarded-folder.ts'
import { patience } from './patience.ts'
import { findFreePort, serverUser } from './postgres-server.ts'
import { findProgram } from './program.ts'

/** Longer than it ever takes on a busy machine. */
const START_TIMEOUT_MS = patience(30_000)
const POLL_INTERVAL_MS = 20

export interface Pgbouncer {
  /** Its address, for `DATABASE_POOLER_URL`: no login, no database. */
  readonly url: string
  /** What it has logged so far. */
  log(): Promise<string>
  stop(): Promise<void>
}

/**
 * Starts PgBouncer in transaction mode before a server, configured as `docs/deploy.md` says, on a free port of 127.0.0.1. It
 * ends with this process.
 *
 * @param serverUrl a superuser's: who may log in is asked as that user.
 * @param serverConnections for each database and login: few, so that clients really share them.
 * @param settings in place of the documented ones.
 * @throws Error when the url has no password, and when PgBouncer is missing (with the command to install it) or does not start (with its log).
 */
export async function startPgbouncer(
  serverUrl: string,
  serverConnections: number,
  settings: Record<string, string> = {},
): Promise<Pgbouncer> {
  const program = await findProgram('pgbouncer', 'The tests behind a pooler')
  const user = await serverUser()
  const folder = await makeGuardedFolder('muster-pgbouncer-')
  const logFile = join(folder.path, 'pgbouncer.log')
  const port = await findFreePort()
  const server = new URL(serverUrl)
  if (server.password === '')
    throw new Error(
      'TEST_DATABASE_URL needs a password for the tests behind a pooler, any password where the server trusts: the logins of the service derive theirs from it.',
    )
  const [documented] = await deployBlocks('## Behind PgBouncer', 'ini')
  const files = {
    'pgbouncer.ini': withSettings(documented!, {
      default_pool_size: String(serverConnections),
      auth_user: server.username,
      listen_addr: '127.0.0.1',
      listen_port: String(port),
      unix_socket_dir: '',
      ...settings,
      '*': `host=${server.hostname} port=${server.port}`,
    }),
    'userlist.txt': `"${server.username}" "${decodeURIComponent(server.password)}"\n`,
  }
  for (const [name, text] of Object.entries(files)) {
    const path = join(folder.path, name)
    await writeFile(path, text, { mode: 0o600 })
    if (user) await chown(path, user.uid, user.gid)
  }
  if (user) await chown(folder.path, user.uid, user.gid)

  const output = await open(logFile, 'a')
  const child = spawn(program, ['pgbouncer.ini'], {
    ...user,
    cwd: folder.path,
    env: { PATH: process.env.PATH, LC_ALL: 'C' },
    detached: true,
    stdio: ['ignore', output.fd, output.fd],
  })
  folder.guard(child)
  child.unref()
  const log = (): Promise<string> => readFile(logFile, 'utf8')
  try {
    await once(child, 'spawn')
    await output.close()
    const deadline = Date.now() + START_TIMEOUT_MS
    while (!(await takesConnections(port))) {
      if (child.exitCode !== null || Date.now() > deadline)
        throw new Error(`PgBouncer did not start:\n${await log()}`)
      await delay(POLL_INTERVAL_MS)
    }
  } catch (error) {
    await folder.remove()
    throw error
  }
  return { url: `postgres://127.0.0.1:${port}`, log, stop: () => folder.remove() }
}

/** The same file with other settings; `*` is the database of all names. */
function withSettings(ini: string, { '*': everyDatabase = '', ...settings }: Record<string, string>): string {
  const lines = ini.split('\n').filter((line) => {
    const [name = ''] = line.split(' = ')
    return name !== 'muster' && !(name in settings)
  })
  const rest = Object.entries(settings).map(([name, value]) => `${name} = ${value}`)
  return lines.join('\n').replace('[databases]', `[databases]\n* = ${everyDatabase}`) + rest.join('\n')
}

function takesConnections(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createConnection(port, '127.0.0.1')
    probe.once('connect', () => {
      probe.destroy()
      resolve(true)
    })
    probe.once('error', () => resolve(false))
  })
}
