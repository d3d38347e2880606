import { randomUUID } from 'node:crypto'
import { mkdir, readFile, rename, rm, rmdir, writeFile } from 'node:fs/promises'
import { findPackageJSON } from 'node:module'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { brotliCompress, brotliDecompress, constants } from 'node:zlib'
import type { Database } from './database.ts'
import { readTar } from './postgis-bundle.ts'

/*
 * A new data folder is unpacked, and not made: `initdb` and `create extension postgis` are 12 of the 17 CPU seconds that a first
 * start would take, and their result is always the same. Two bases are prepared: the empty database with the extensions, as the first
 * migration would make them, and one with the migrations that there were then, which are 4 of the seconds that are left. Later migrations
 * run as ever, so a new one changes nothing here. A new version of PGlite or its PostGIS does: `npm run db:base` makes both files again,
 * and without them the database is made the long way.
 */

/** The service begins with `migrated`. What tries migrations, or shows what they make, begins with `empty`. */
export type Base = 'empty' | 'migrated'
const FILES: Record<Base, string> = { empty: 'prepared-base', migrated: 'prepared-migrated-base' }

/** Only its owner may read a database. PostgreSQL refuses a data folder that others can open. */
const PRIVATE_FILE = 0o600
const PRIVATE_FOLDER = 0o700

/** As the first statement of `1795305600_foundation.sql`, which finds all of it there and leaves it as it is. */
export const BASE_STATEMENTS = `
  create schema extensions;
  comment on schema extensions is 'created by muster';
  create extension postgis schema extensions;
  comment on extension postgis is 'created by muster';
  create extension btree_gist schema extensions;
  comment on extension btree_gist is 'created by muster';
`

/**
 * The migrated base has no epoch of its history, because no two databases may have the same: a new one begins when all migrations are
 * applied, and its migrations count as applied since then. What has a history is left as it is.
 */
export const BEGIN_HISTORY = `
  with begun as (insert into muster.history default values on conflict do nothing returning begun_at)
  update drizzle.__drizzle_migrations set applied_at = begun_at from begun`

/** Where the base for the installed versions is, or would be: their numbers are in its name. */
export async function preparedBasePath(base: Base): Promise<string> {
  const versions = await Promise.all(
    ['@electric-sql/pglite', '@electric-sql/pglite-postgis'].map(async (name) => {
      // Not `import.meta.resolve`, which test runners do not have.
      const manifest = await readFile(findPackageJSON(name, import.meta.url)!, 'utf8')
      return (JSON.parse(manifest) as { version: string }).version
    }),
  )
  return join(import.meta.dirname, `${FILES[base]}-${versions.join('-')}.tar.br`)
}

/** The base as an archive of a data folder, which PGlite can load; undefined where nothing is prepared for the installed versions. */
export async function readPreparedBase(base: Base): Promise<Buffer | undefined> {
  const packed = await readFile(await preparedBasePath(base)).catch(() => undefined)
  return packed && promisify(brotliDecompress)(packed, { chunkSize: MOST_UNPACKED })
}

/** Bytes, more than a base has: it is unpacked in one piece, because to put thousands together took longer than that. */
const MOST_UNPACKED = 96 * 1024 ** 2

/**
 * Unpacks the base as a new data folder: it is there whole or not at all, however the process ends.
 *
 * @returns whether it is there now. Not where the folder holds something already, or nothing is prepared for these versions.
 */
export async function unpackPreparedBase(dataDir: string, kind: Base): Promise<boolean> {
  if (!(await isNew(dataDir))) return false
  const base = await readPreparedBase(kind)
  if (!base) return false
  const unfinished = `${dataDir}.${randomUUID()}.part`
  try {
    await mkdir(unfinished, { recursive: true, mode: PRIVATE_FOLDER })
    for (const { name, isFolder, content } of readTar(base)) {
      const path = join(unfinished, name)
      if (isFolder) await mkdir(path, { recursive: true, mode: PRIVATE_FOLDER })
      else await writeFile(path, content, { mode: PRIVATE_FILE })
    }
    await rename(unfinished, dataDir)
    return true
  } finally {
    await rm(unfinished, { recursive: true, force: true })
  }
}

/** Takes an empty folder away: it counts as new. */
async function isNew(dataDir: string): Promise<boolean> {
  try {
    await mkdir(dirname(dataDir), { recursive: true, mode: PRIVATE_FOLDER })
    await rmdir(dataDir)
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'ENOENT'
  }
}

/** What the process that made it left, and what PostgreSQL makes again. */
const LEFT_OUT = /^postmaster\.(?:pid|opts)$|^pg_wal\/[\dA-F]{24}$/

/**
 * Packs a base, from a database in memory that has what the base is to have.
 *
 * @param dump makes the archive of its data folder (`PGlite.dumpDataDir`)
 */
export async function packPreparedBase(
  database: Database,
  dump: () => Promise<Blob | File>,
): Promise<Buffer> {
  // Of the catalog alone: a table that was vacuumed while it was empty is planned for as one that stays so.
  const catalog = await database.query<{ name: string }>(
    "select oid::regclass::text as name from pg_class where relkind = 'r' and relnamespace = 'pg_catalog'::regnamespace",
  )
  await database.script(`vacuum (freeze) ${catalog.map(({ name }) => name).join(', ')}`)
  // The log of all of it goes with a segment that is not needed any more.
  await database.script('select pg_switch_wal()')
  await database.script('checkpoint')
  const [log] = await database.query<{ segment: string }>(
    'select pg_walfile_name(redo_lsn) as segment from pg_control_checkpoint()',
  )
  const archive = Buffer.from(await (await dump()).arrayBuffer())
  const blocks = [...readTar(archive)]
    .filter(({ name }) => !LEFT_OUT.test(name) || name === `pg_wal/${log?.segment}`)
    .map(({ block }) => block)
  return promisify(brotliCompress)(Buffer.concat([...blocks, Buffer.alloc(TAR_END_BYTES)]), {
    params: {
      [constants.BROTLI_PARAM_LGWIN]: constants.BROTLI_MAX_WINDOW_BITS,
      // The next levels take minutes for a tenth less.
      [constants.BROTLI_PARAM_QUALITY]: 9,
    },
  })
}

/** Two empty blocks (POSIX ustar). */
const TAR_END_BYTES = 1024
