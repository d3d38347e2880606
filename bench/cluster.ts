import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { totalmem } from 'node:os'
import { dirname, resolve } from 'node:path'
import type { Database } from '../src/platform/db/engine/database.ts'
import { openServer } from '../src/platform/db/engine/server.ts'
import { MIGRATIONS_FOLDER, readMigrations } from '../src/platform/db/migrations/migration-files.ts'
import { findPostgres } from '../test/support/postgres-installation.ts'
import { startPostgres } from '../test/support/postgres-server.ts'
import { urlOf } from '../test/support/server-databases.ts'
import { buildDataset, datasetSize } from './dataset.ts'

/** The server that is measured. */
export interface Cluster {
  /** Of a superuser, to the database `postgres`. */
  readonly url: string
  /** Where `pgbench` is. */
  readonly binDir: string
  readonly version: string
  /** Of the server's first process, where that runs on this machine. */
  readonly postmaster: number | undefined
  stop(): Promise<void>
}

/** Data of yesterday have shifts that began meanwhile, and check-ins that came too late. */
const FRESH_HOURS = 12

const KEPT_IN = resolve('.muster-bench')
/** As root the server runs as its own user, who must be able to reach its folder. */
const KEPT_IN_FOR_ROOT = '/var/tmp/muster-bench'

/** As one would set it for a database of this size; what is not named has PostgreSQL's defaults, as has the tests' server. */
function serverSettings(): Record<string, string> {
  const quarterOfMemory = Math.floor(totalmem() / 4 / 1024 ** 2)
  return {
    shared_buffers: `${Math.min(2048, quarterOfMemory)}MB`,
    max_wal_size: '8GB',
    random_page_cost: '1.1',
    // A checkpoint in the middle of one contender's turn would be counted against it alone.
    checkpoint_timeout: '1h',
    track_io_timing: 'off',
  }
}

/**
 * The server of `BENCH_DATABASE_URL` (a superuser's), or one of our own, whose data stay for the next time.
 *
 * @throws Error when there is no server, and none could be installed.
 */
export async function openCluster(say: (line: string) => void): Promise<Cluster> {
  const given = process.env.BENCH_DATABASE_URL
  const { binDir } = await findPostgres(say)
  if (given) return { url: given, binDir, ...(await inspect(given)), stop: async () => {} }
  const server = await startPostgres({ keepIn: await chooseFolder(), settings: serverSettings() })
  return {
    url: server.url,
    binDir,
    ...(await inspect(server.url)),
    stop: server.stop,
  }
}

async function inspect(url: string): Promise<Pick<Cluster, 'version' | 'postmaster'>> {
  return asOwner(url, async (database) => {
    const [row] = await database.query<{ version: string; pid: number }>(`
      select 'PostgreSQL ' || current_setting('server_version') || ', PostGIS ' || coalesce(
               (select default_version from pg_available_extensions where name = 'postgis'), 'missing'
             ) as version,
             split_part(pg_read_file('postmaster.pid'), e'\\n', 1)::int as pid`)
    const { version, pid } = row!
    const command = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '')
    return { version, postmaster: /^postgres/.test(command) ? pid : undefined }
  })
}

async function chooseFolder(): Promise<string> {
  if (process.env.BENCH_DATA_DIR) return resolve(process.env.BENCH_DATA_DIR)
  return process.getuid?.() === 0 && !(await canBeReachedByOthers(KEPT_IN)) ? KEPT_IN_FOR_ROOT : KEPT_IN
}

async function canBeReachedByOthers(path: string): Promise<boolean> {
  const mode = await stat(path).then(
    (found) => found.mode,
    () => constants.S_IXOTH,
  )
  if ((mode & constants.S_IXOTH) === 0) return false
  return path === dirname(path) || canBeReachedByOthers(dirname(path))
}

/** Runs `work` on a connection of its own. */
export async function asOwner<T>(url: string, work: (database: Database) => Promise<T>): Promise<T> {
  const database = openServer({
    url,
    max: 1,
    applicationName: 'muster-bench',
    settings: { statement_timeout: '0' },
  })
  try {
    return await work(database)
  } finally {
    await database.close()
  }
}

/** `bench_1`, `bench_0_1`: the data of a scale as they were built. Runs work on copies. */
const pristineName = (scale: number): string => `bench_${String(scale).replace('.', '_')}`

/**
 * Builds the data set of a scale, unless it is there already, made by the same code, and fresh.
 *
 * @returns the name of its database.
 */
export async function ensureDataset(
  cluster: Cluster,
  scale: number,
  say: (line: string) => void,
): Promise<string> {
  const name = pristineName(scale)
  const fingerprint = await fingerprintOf(scale)
  return asOwner(cluster.url, async (server) => {
    const [known] = await server.query<{ about: string | null }>(
      `select shobj_description(oid, 'pg_database') as about from pg_database where datname = '${name}'`,
    )
    if (known && isFresh(known.about, fingerprint)) {
      say(`The data of scale ${scale} are there.`)
      return name
    }
    await server.query(`drop database if exists ${name} with (force)`)
    await server.query(`create database ${name} template template0`)
    await buildDataset(urlOf(cluster.url, name), datasetSize(scale), say)
    // A copy of what has not reached the disk is made by way of it.
    await server.query('checkpoint')
    const about = JSON.stringify({ fingerprint, built: new Date().toISOString() })
    await server.query(`comment on database ${name} is '${about}'`)
    return name
  })
}

function isFresh(about: string | null, fingerprint: string): boolean {
  if (about === null) return false
  const known: { fingerprint?: string; built?: string } = JSON.parse(about)
  const ageHours = (Date.now() - Date.parse(known.built ?? '')) / 3_600_000
  return known.fingerprint === fingerprint && ageHours < FRESH_HOURS
}

/** Changes with everything that the data set is made by. */
async function fingerprintOf(scale: number): Promise<string> {
  const hash = createHash('sha256').update(JSON.stringify(datasetSize(scale)))
  hash.update(await readFile(new URL('./dataset.ts', import.meta.url)))
  for (const { up } of await readMigrations(MIGRATIONS_FOLDER)) hash.update(up?.hash ?? '')
  return hash.digest('hex')
}

/** A copy to work on, so that each run begins with the same data. */
export async function copyDataset(cluster: Cluster, pristine: string): Promise<string> {
  const name = `${pristine}_run`
  await asOwner(cluster.url, async (server) => {
    await server.query(`drop database if exists ${name} with (force)`)
    await server.query(`create database ${name} template ${pristine} strategy file_copy`)
  })
  await warm(urlOf(cluster.url, name))
  return name
}

/** Nothing of a copy is in the server's memory: whoever is measured first would read it for all others. */
async function warm(url: string): Promise<void> {
  await asOwner(url, async (database) => {
    const [extension] = await database.query("select from pg_available_extensions where name = 'pg_prewarm'")
    if (!extension) return
    await database.script('create extension if not exists pg_prewarm')
    await database.query(`
      select count(pg_prewarm(c.oid))
      from pg_class c
      where c.relkind in ('r', 'i') and c.relnamespace = 'public'::regnamespace`)
    await database.script('drop extension pg_prewarm')
  })
}

export async function dropCopy(cluster: Cluster, name: string): Promise<void> {
  await asOwner(cluster.url, async (server) => {
    await server.query(`drop database if exists ${name} with (force)`)
  })
}
