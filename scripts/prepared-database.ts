import { createHash, randomUUID } from 'node:crypto'
import { copyFile, glob, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openEmbedded } from '../src/platform/db/engine/embedded.ts'
import { BEGIN_HISTORY } from '../src/platform/db/engine/prepared-base.ts'
import { migrateUp } from '../src/platform/db/migrations/migrate.ts'

const ROOT = join(import.meta.dirname, '..')
/** What takes long to make and is the same for every run. */
export const CACHE = join(ROOT, 'node_modules/.cache/muster-test')

const SOURCES = [
  'drizzle/**/*.{sql,json}',
  'src/platform/db/**/*.{ts,br}',
  'node_modules/@electric-sql/pglite{,-postgis}/package.json',
]

/** Writes the dump of a migrated PGlite to `path`, from the cache where it is there: it loads in 2 s instead of 5. */
export async function prepareDump(path: string): Promise<void> {
  const cached = join(CACHE, `${await hashSources()}.tar`)
  try {
    // A copy, because a run with other migrations may replace the cached dump while this one goes on.
    await copyFile(cached, path)
  } catch {
    await buildDump(path)
    await replaceCached(path, cached)
  }
}

async function buildDump(path: string): Promise<void> {
  const database = await openEmbedded({ cacheDir: CACHE, base: 'migrated' })
  try {
    await migrateUp(database)
    await database.query(BEGIN_HISTORY)
    // Tests have few rows. To clear 128 MB of buffers takes a second of each file, and several files are open at once.
    await database.query("alter system set shared_buffers = '16MB'")
    // Each copy would else replay the migrations from the log when it is opened.
    await database.query('checkpoint')
    await writeFile(path, (await database.pglite.dumpDataDir('none')).stream())
  } finally {
    await database.close()
  }
}

/** Keeps the newest dump only: each takes tens of megabytes. The rename shows a complete file or none. */
async function replaceCached(dump: string, cached: string): Promise<void> {
  await mkdir(CACHE, { recursive: true })
  const unfinished = join(CACHE, `${randomUUID()}.part`)
  await copyFile(dump, unfinished)
  const others = (await readdir(CACHE)).filter((name) => name.endsWith('.tar'))
  await Promise.all(others.map((name) => rm(join(CACHE, name), { force: true })))
  await rename(unfinished, cached)
}

/** Of everything that decides what a migrated database looks like: another hash is another database. */
export async function hashSources(): Promise<string> {
  const paths: string[] = []
  for await (const path of glob(SOURCES, { cwd: ROOT })) paths.push(path)
  const hash = createHash('sha256')
  for (const path of paths)
    hash
      .update(`${path}\0`)
      .update(await readFile(join(ROOT, path)))
      .update('\0')
  return hash.digest('hex').slice(0, 16)
}
