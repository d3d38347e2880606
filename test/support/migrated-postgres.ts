import { randomUUID } from 'node:crypto'
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { CACHE, hashSources } from '../../scripts/prepared-database.ts'
import { findPostgres } from './postgres-installation.ts'
import {
  type PostgresOptions,
  type PostgresServer,
  type StoppedCluster,
  startPostgres,
} from './postgres-server.ts'
import { run } from './run.ts'
import { migrateDatabase } from './server-databases.ts'

/*
 * A cluster with PostGIS and the migrations takes some ten seconds of CPU time to make, and each run needs several: for the set-up of each
 * project, and for tests whose settings or crashes the server of the others must not have. So it is made once and kept, for later runs too,
 * until a migration changes; each gets a copy of its files.
 */

/** The cluster needs no more of its log than this, and each copy has it. */
const SMALL_LOG = { min_wal_size: '32MB', max_wal_size: '32MB' }

/**
 * A private server whose database `postgres` has the migrations. All of them have one system identifier: a test that tells clusters apart,
 * or that begins with an empty one, takes `startPostgres`.
 *
 * @throws as `startPostgres`
 */
export async function startMigratedPostgres(
  options: Omit<PostgresOptions, 'copyOf' | 'replicaOf' | 'keepIn'> = {},
): Promise<PostgresServer> {
  return startPostgres({ ...options, copyOf: await migratedCluster() })
}

/** Of this version of PostgreSQL and of the sources. */
async function migratedCluster(): Promise<StoppedCluster> {
  const { binDir } = await findPostgres((line) => process.stderr.write(`${line}\n`))
  const version = (await run(join(binDir, 'postgres'), ['--version'])).trim().replaceAll(/[^\w.]+/g, '-')
  const name = `${version}-${await hashSources()}`
  const folder = join(CACHE, `cluster-${name}`)
  return (await readCluster(folder)) ?? (await makeCluster(folder))
}

async function readCluster(folder: string): Promise<StoppedCluster | undefined> {
  const url = await readFile(join(folder, 'url'), 'utf8').catch(() => undefined)
  return url === undefined ? undefined : { url, dataDir: join(folder, 'data') }
}

/** The rename shows a whole cluster or none; of two who make it at once, the first one's stays. */
async function makeCluster(folder: string): Promise<StoppedCluster> {
  const unfinished = join(CACHE, `${randomUUID()}.part`)
  const server = await startPostgres({ settings: SMALL_LOG })
  try {
    await migrateDatabase(server.url)
    await server.shutdown()
    await mkdir(unfinished, { recursive: true })
    await run('cp', ['-a', server.dataDir, join(unfinished, 'data')])
    await writeFile(join(unfinished, 'url'), server.url, { mode: 0o600 })
    await forgetOthers(folder)
    await rename(unfinished, folder).catch(() => {})
  } finally {
    await server.stop()
    await rm(unfinished, { recursive: true, force: true })
  }
  const made = await readCluster(folder)
  if (!made) throw new Error(`${folder} could not be made.`)
  return made
}

/** Keeps the newest cluster only: each takes a hundred megabytes. */
async function forgetOthers(folder: string): Promise<void> {
  const names = (await readdir(CACHE)).filter(
    (name) => name.startsWith('cluster-') && name !== basename(folder),
  )
  await Promise.all(names.map((name) => rm(join(CACHE, name), { recursive: true, force: true })))
}
