import { createHash, randomUUID } from 'node:crypto'
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { basename, join } from 'node:path'
import { preparedBasePath } from '../engine/prepared-base.ts'
import { type ComparableCatalog, makeHistoryCatalog } from './drift.ts'
import type { MigrationOptions } from './migrate.ts'
import { MIGRATIONS_FOLDER, readMigrations } from './migration-files.ts'

/*
 * To read the catalog that the history makes, a database is migrated for the purpose: ten seconds of CPU time, each hour where `db:health`
 * runs by cron. The result is the same until Muster or its dependencies are updated, so it is kept in the cache folder of the user, and
 * found by what it is made from. A folder that cannot be written, or a file that cannot be read, costs that time and nothing else.
 */

/** As the XDG Base Directory Specification has it. */
const cacheFolder = (): string => join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'muster')

const KEPT = /^history-[\da-f]{32}\.json$/

type Kept = Omit<ComparableCatalog, 'blocks'> & { blocks: [name: string, text: string][] }

/**
 * The catalog of a database that has the history and nothing else.
 *
 * @param options `cacheDir`: see `EmbeddedOptions`
 * @param make tests count how often it is made
 */
export async function readHistoryCatalog(
  options: Pick<MigrationOptions, 'folder' | 'signal'> & { cacheDir?: string } = {},
  make = makeHistoryCatalog,
): Promise<ComparableCatalog> {
  const folder = cacheFolder()
  const path = join(folder, `history-${await keyOf(options.folder ?? MIGRATIONS_FOLDER)}.json`)
  const kept = await readKept(path)
  if (kept) return kept
  const catalog = await make(options)
  await keep(catalog, folder, path)
  return catalog
}

/** Of the migrations, the engine that they run on, and the code that runs them and describes what comes out. */
async function keyOf(migrationsFolder: string): Promise<string> {
  const hash = createHash('sha256').update(basename(await preparedBasePath('empty')))
  for (const { tag, up } of await readMigrations(migrationsFolder)) hash.update(`\n${tag} ${up?.hash}`)
  for (const name of (await readdir(import.meta.dirname)).sort())
    hash.update(`\n${name}\n`).update(await readFile(join(import.meta.dirname, name)))
  return hash.digest('hex').slice(0, 32)
}

async function readKept(path: string): Promise<ComparableCatalog | undefined> {
  try {
    const { blocks, ...rest }: Kept = JSON.parse(await readFile(path, 'utf8'))
    return { ...rest, blocks: new Map(blocks) }
  } catch {
    return undefined
  }
}

/** The rename shows a whole file or none, also to another process that keeps the same. */
async function keep({ blocks, ...rest }: ComparableCatalog, folder: string, path: string): Promise<void> {
  const unfinished = `${path}.${randomUUID()}.part`
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    await writeFile(unfinished, JSON.stringify({ ...rest, blocks: [...blocks] } satisfies Kept), {
      flag: 'wx',
      mode: 0o600,
      flush: true,
    })
    await rename(unfinished, path)
    await forgetOthers(folder, basename(path))
  } catch {
    await rm(unfinished, { force: true }).catch(() => {})
  }
}

async function forgetOthers(folder: string, kept: string): Promise<void> {
  const others = (await readdir(folder)).filter((name) => KEPT.test(name) && name !== kept)
  await Promise.all(others.map((name) => rm(join(folder, name), { force: true })))
}
