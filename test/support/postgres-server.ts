import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes, randomInt } from 'node:crypto'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { appendFile, chown, mkdir, open, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type GuardedFolder, keepGuardedFolder, makeGuardedFolder } from './guarded-folder.ts'
import { patience } from './patience.ts'
import { findPostgres } from './postgres-installation.ts'
import { run } from './run.ts'

/** Long enough for crash recovery on a busy machine. */
const START_TIMEOUT_MS = patience(60_000)
const POLL_INTERVAL_MS = 20

/**
 * Below 32768, where Linux begins to give out ports to outgoing connections: one of those could otherwise take
 * the port while a crashed server is down.
 */
const PORTS = { first: 20_000, last: 32_767 }

/** The same order and case rules as the embedded engine has: collation C, characters of UTF-8. */
const LOCALE = [
  '--encoding=UTF8',
  '--lc-collate=C',
  `--lc-ctype=${process.platform === 'darwin' ? 'UTF-8' : 'C.UTF-8'}`,
]

const SETTINGS = {
  listen_addresses: '127.0.0.1',
  // The change feed decodes the write-ahead log; test files run side by side, each with slots of its own.
  wal_level: 'logical',
  max_wal_senders: '20',
  max_replication_slots: '20',
  // A few pools per test file, and tests that exhaust them on purpose.
  max_connections: '300',
}

const SETTINGS_FILE = 'test.conf'

/** What nobody reads after a crash need not reach the disk. */
const flush = (durable: boolean): Record<string, string> => {
  const value = durable ? 'on' : 'off'
  return { fsync: value, synchronous_commit: value, full_page_writes: value }
}

export interface PostgresOptions {
  /** Keeps through `crash()` what was committed, as a real server does. Slower, so off by default. */
  durable?: boolean
  /** Settings of postgresql.conf on top of the usual ones, such as `{ wal_sender_timeout: '5s' }`. */
  settings?: Record<string, string>
  /** Makes it a read-only streaming replica of this server; user and password are the same. */
  replicaOf?: PostgresServer
  /** Begins as a copy of this server, which must not be running, instead of an empty cluster; user and password are the same. */
  copyOf?: StoppedCluster
  /** Keeps the cluster in this folder, to be found there by the next to start it: for data that take long to make. */
  keepIn?: string
}

/** A server that does not run: what is needed to copy it. */
export type StoppedCluster = Pick<PostgresServer, 'url' | 'dataDir'>

export interface PostgresServer {
  /** As superuser, with password, to the database `postgres`. */
  readonly url: string
  readonly dataDir: string
  /** Where its programs are (`psql`, `pg_dump`, ...). */
  readonly binDir: string
  /** What the server has logged so far. */
  log(): Promise<string>
  /** Starts it again after `shutdown()` or `crash()`, on the same port. @throws Error with the server's log. */
  start(): Promise<void>
  /** An orderly end: sessions are cut, data are flushed. The data stay. */
  shutdown(): Promise<void>
  /** `kill -9` of the server and its backends. The data stay as they were written. */
  crash(): Promise<void>
  /** Ends it at once, running or not, and removes everything but a cluster that is kept. */
  stop(): Promise<void>
}

/**
 * Starts a private PostgreSQL with PostGIS on a free port of 127.0.0.1: a new cluster in a temporary folder, which
 * ends and vanishes with this process, however that ends.
 *
 * @throws Error when PostgreSQL is missing (with the command to install it) or does not start (with its log).
 */
export async function startPostgres(options: PostgresOptions = {}): Promise<PostgresServer> {
  const { binDir } = await findPostgres((line) => process.stderr.write(`${line}\n`))
  const user = await serverUser()
  const folder = await openFolder(options.keepIn)
  const dataDir = join(folder.path, 'data')
  const logFile = join(folder.path, 'server.log')
  const port = await findFreePort()
  const passwordFile = join(folder.path, 'password')
  const url = new URL(
    (options.replicaOf ?? options.copyOf)?.url ??
      `postgres://postgres:${randomBytes(16).toString('hex')}@127.0.0.1/postgres`,
  )
  url.port = String(port)
  // The folder of whoever runs the tests may be closed to the server's user, and its PG* variables are not meant for it.
  const surroundings = {
    ...user,
    cwd: folder.path,
    env: { PATH: process.env.PATH, LC_ALL: 'C' },
    detached: true,
  }

  let postmaster: ChildProcess | undefined

  async function createCluster(): Promise<void> {
    if (user) await chown(folder.path, user.uid, user.gid)
    const make = (program: string, ...parameters: string[]): Promise<string> =>
      run(join(binDir, program), parameters, surroundings, folder.guard).finally(() =>
        folder.guard(undefined),
      )
    if (options.replicaOf) {
      await make(
        'pg_basebackup',
        `--dbname=${options.replicaOf.url}`,
        `--pgdata=${dataDir}`,
        '--write-recovery-conf',
        '--checkpoint=fast',
        '--no-sync',
      )
    } else if (options.copyOf) {
      // With modes and owners, and of the same blocks where the file system can.
      await run('cp', ['-a', options.copyOf.dataDir, dataDir])
      return
    } else {
      await writeFile(passwordFile, url.password, { mode: 0o600 })
      if (user) await chown(passwordFile, user.uid, user.gid)
      await make(
        'initdb',
        `--pgdata=${dataDir}`,
        `--username=${url.username}`,
        `--pwfile=${passwordFile}`,
        '--auth=scram-sha-256',
        ...LOCALE,
        '--no-sync',
        '--no-instructions',
      )
      if (!options.keepIn) await rm(passwordFile)
    }
    await appendFile(join(dataDir, 'postgresql.conf'), `include '${SETTINGS_FILE}'\n`)
  }

  /** Written at last: a cluster without it was not finished. */
  async function writeSettings(): Promise<void> {
    const settings = {
      ...SETTINGS,
      ...flush(options.durable ?? false),
      port: String(port),
      unix_socket_directories: folder.path,
      ...options.settings,
    }
    const file = join(dataDir, SETTINGS_FILE)
    await writeFile(file, Object.entries(settings).map(toSettingLine).join(''))
    // A command of the project writes what nobody else may read.
    if (user) await chown(file, user.uid, user.gid)
  }

  const log = (): Promise<string> => readFile(logFile, 'utf8')

  async function start(): Promise<void> {
    if (postmaster) throw new Error('The server is running already.')
    const output = await open(logFile, 'a')
    const child = spawn(join(binDir, 'postgres'), ['-D', dataDir], {
      ...surroundings,
      stdio: ['ignore', output.fd, output.fd],
    })
    folder.guard(child)
    child.unref()
    postmaster = child
    child.once('exit', () => {
      postmaster = undefined
      folder.guard(undefined)
    })
    try {
      await once(child, 'spawn')
    } finally {
      await output.close()
    }
    const deadline = Date.now() + START_TIMEOUT_MS
    while (!(await isReady(dataDir, child.pid))) {
      if (!postmaster || Date.now() > deadline) throw new Error(`PostgreSQL did not start:\n${await log()}`)
      await delay(POLL_INTERVAL_MS)
    }
  }

  async function end(signal: NodeJS.Signals): Promise<void> {
    if (!postmaster) return
    const exited = once(postmaster, 'exit')
    postmaster.ref()
    postmaster.kill(signal)
    await exited
  }

  async function crash(): Promise<void> {
    if (!postmaster?.pid) return
    // Stopped first, so that it starts no backend that the list would miss.
    postmaster.kill('SIGSTOP')
    const backends = await childrenOf(postmaster.pid)
    await end('SIGKILL')
    for (const pid of backends) killIfThere(pid)
    // A backend that lives on holds the shared memory, and the server would refuse to start again.
    while ((await Promise.all(backends.map(isAlive))).includes(true)) await delay(POLL_INTERVAL_MS)
  }

  try {
    if (options.keepIn && existsSync(join(dataDir, SETTINGS_FILE))) {
      url.password = await readFile(passwordFile, 'utf8')
    } else {
      await rm(dataDir, { recursive: true, force: true })
      await createCluster()
    }
    await writeSettings()
    await start()
  } catch (error) {
    await folder.remove()
    throw error
  }
  return {
    url: url.href,
    dataDir,
    binDir,
    log,
    start,
    shutdown: () => end('SIGINT'),
    crash,
    async stop() {
      if (options.keepIn) await end('SIGINT')
      await folder.remove()
    },
  }
}

async function openFolder(keepIn: string | undefined): Promise<GuardedFolder> {
  if (!keepIn) return makeGuardedFolder('muster-postgres-')
  await mkdir(keepIn, { recursive: true })
  return keepGuardedFolder(keepIn)
}

/** PostgreSQL (PgBouncer too) refuses to run as root: then it runs as its own user, or as `nobody`. */
export async function serverUser(): Promise<{ uid: number; gid: number } | undefined> {
  if (process.getuid?.() !== 0) return undefined
  const users = (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => line.split(':'))
  const [, , uid, gid] =
    users.find(([name]) => name === 'postgres') ?? users.find(([name]) => name === 'nobody') ?? []
  if (uid === undefined)
    throw new Error('PostgreSQL does not run as root, and there is no user postgres or nobody.')
  return { uid: Number(uid), gid: Number(gid) }
}

export async function findFreePort(): Promise<number> {
  for (;;) {
    const port = randomInt(PORTS.first, PORTS.last + 1)
    if (await isFree(port)) return port
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', () => resolve(false))
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)))
  })
}

/** One line of postgresql.conf, where backslashes and quotes are escaped by a backslash. */
const toSettingLine = ([name, value]: [string, string]): string =>
  `${name} = '${value.replaceAll(/[\\']/g, '\\$&')}'\n`

/** The server says in the eighth line of its lock file that it takes connections; a crashed one leaves its file. */
async function isReady(dataDir: string, pid: number | undefined): Promise<boolean> {
  const lines = (await readFile(join(dataDir, 'postmaster.pid'), 'utf8').catch(() => '')).split('\n')
  return lines[0] === String(pid) && lines[7]?.trim() === 'ready'
}

interface ProcessState {
  parent: number
  /** `Z`: dead, but not yet collected by its parent. */
  state: string
}

/** From /proc, because a slim Debian has no `ps`; elsewhere from `ps`. */
async function stateOf(pid: number): Promise<ProcessState | undefined> {
  const text =
    process.platform === 'linux'
      ? // After the name, which is in parentheses and may hold spaces: state and parent.
        await readFile(`/proc/${pid}/stat`, 'utf8').then(
          (stat) => stat.slice(stat.lastIndexOf(')') + 1),
          () => '',
        )
      : await run('ps', ['-o', 'state=,ppid=', '-p', String(pid)]).catch(() => '')
  const [, state, parent] = /(\w)\S*\s+(\d+)/.exec(text) ?? []
  return state === undefined ? undefined : { state, parent: Number(parent) }
}

async function childrenOf(parent: number): Promise<number[]> {
  const names =
    process.platform === 'linux'
      ? await readdir('/proc')
      : (await run('ps', ['-A', '-o', 'pid='])).split(/\s+/)
  const pids = names.filter((name) => /^\d+$/.test(name)).map(Number)
  const states = await Promise.all(pids.map(stateOf))
  return pids.filter((_, index) => states[index]?.parent === parent)
}

async function isAlive(pid: number): Promise<boolean> {
  const found = await stateOf(pid)
  return found !== undefined && found.state !== 'Z'
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended by itself: backends do when their server dies.
  }
}
