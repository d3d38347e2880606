import { createHash } from 'node:crypto'
import { createReadStream, existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { z } from 'zod'

/** A backup or a restore cannot be carried out. The message says what to do about it. */
export class BackupError extends Error {
  override name = 'BackupError'
}

/** How far the work is: `done` of `total` bytes or steps, and what is being worked on. */
export interface Progress {
  what: string
  done: number
  total: number
}
export type Report = (progress: Progress) => void

const role = z.object({
  name: z.string(),
  inherit: z.boolean(),
  replication: z.boolean(),
  bypassrls: z.boolean(),
  comment: z.string().nullable(),
  /** Roles of this list that it is a member of. */
  memberOf: z.array(z.string()),
})

/** What stands beside a backup, in a file of the same name that ends in `.json`. A backup without it is not finished. */
export const manifest = z.object({
  format: z.literal(1),
  engine: z.enum(['server', 'embedded']),
  /** Its name; of the embedded one `embedded`. */
  database: z.string(),
  createdAt: z.iso.datetime(),
  file: z.string(),
  bytes: z.number(),
  sha256: z.string().regex(/^[\da-f]{64}$/),
  /** `server_version_num` */
  postgres: z.number().int(),
  /** The newest migration. */
  schemaVersion: z.string(),
  /** How many rows each table had in the snapshot of the backup. */
  rows: z.record(z.string(), z.number().int()),
  /** What a dump of one database does not have, and its restore needs. */
  surroundings: z
    .object({
      pgDump: z.number().int(),
      collate: z.string(),
      ctype: z.string(),
      /** `name=value`, set for the database */
      settings: z.array(z.string()),
      extensions: z.array(z.object({ name: z.string(), schema: z.string(), comment: z.string().nullable() })),
      /** Roles that objects of the database refer to, without whoever made the backup. */
      roles: z.array(role),
      /** Functions that belong to such a role, with their arguments. */
      functions: z.array(z.object({ name: z.string(), owner: z.string() })),
      /** Reports (materialized views) that belong to such a role; backups of earlier versions have none. */
      reports: z.array(z.object({ name: z.string(), owner: z.string() })).default([]),
    })
    .optional(),
})
export type Manifest = z.infer<typeof manifest>
export type Surroundings = NonNullable<Manifest['surroundings']>

const PRIVATE_FILE = 0o600
const PRIVATE_FOLDER = 0o700
/** What a run left that was killed: no backup takes longer. */
const PARTIAL_LIFETIME_MS = 24 * 60 * 60 * 1000
const PARTIAL = '.partial'

const DAY_MS = 24 * 60 * 60 * 1000

/** Of the newest backups, how many a message names. */
const NAMED = 3

/** A time for names, in UTC and with milliseconds: `20261129T221501123Z`. In the order of the text. */
export const timeStamp = (time = new Date()): string => time.toISOString().replaceAll(/[-:.]/g, '')

/** Only letters, digits and `_`: a name of a database can hold anything. */
export const fileNameOf = (database: string, stamp: string): string =>
  `${database.replaceAll(/\W/g, '_')}-${stamp}`

/**
 * Writes a backup so that it is there whole or not at all: `write` fills a `.partial` file that only this user can read; then it gets
 * its name, and at last its manifest.
 *
 * @param write returns everything but what is read off the file
 */
export async function keepBackup(
  folder: string,
  name: string,
  write: (partial: string) => Promise<Omit<Manifest, 'file' | 'bytes' | 'sha256' | 'format'>>,
  report: Report,
): Promise<Manifest> {
  await mkdir(folder, { recursive: true, mode: PRIVATE_FOLDER })
  await removeLeftovers(folder)
  const path = join(folder, name)
  const partial = `${path}${PARTIAL}`
  try {
    await writeFile(partial, '', { flag: 'wx', mode: PRIVATE_FILE })
    const written = await write(partial)
    const made: Manifest = { format: 1, ...written, file: name, ...(await digest(partial, report)) }
    const manifestPath = manifestOf(path)
    await writeFile(`${manifestPath}${PARTIAL}`, `${JSON.stringify(made, null, 2)}\n`, {
      mode: PRIVATE_FILE,
      flush: true,
    })
    await rename(partial, path)
    await rename(`${manifestPath}${PARTIAL}`, manifestPath)
    return made
  } finally {
    await rm(partial, { force: true })
    await rm(`${manifestOf(path)}${PARTIAL}`, { force: true })
  }
}

const manifestOf = (path: string): string => `${path.replace(/\.(?:dump|tar\.gz|json)$/, '')}.json`

async function digest(path: string, report: Report): Promise<Pick<Manifest, 'bytes' | 'sha256'>> {
  const { size } = await stat(path)
  const hash = createHash('sha256')
  let done = 0
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    hash.update(chunk)
    done += chunk.length
    report({ what: 'checksum', done, total: size })
  }
  return { bytes: size, sha256: hash.digest('hex') }
}

async function removeLeftovers(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!name.endsWith(PARTIAL)) continue
    const path = join(folder, name)
    const found = await stat(path).catch(() => undefined)
    if (found && Date.now() - found.mtimeMs > PARTIAL_LIFETIME_MS) await rm(path, { force: true })
  }
}

/** The finished backups in a folder, oldest first. */
export async function listBackups(folder: string): Promise<Manifest[]> {
  const names = await readdir(folder).catch(() => [])
  const found = await Promise.all(
    names
      .filter((name) => name.endsWith('.json'))
      .map(async (name) => {
        const text = await readFile(join(folder, name), 'utf8').catch(() => '')
        const parsed = manifest.safeParse(parseJson(text))
        return parsed.success && existsSync(join(folder, parsed.data.file)) ? [parsed.data] : []
      }),
  )
  return found.flat().sort((a, b) => a.createdAt.localeCompare(b.createdAt))
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

export interface Retention {
  /** The newest so many stay. */
  count?: number | undefined
  /** Those that are no older stay, in days. */
  days?: number | undefined
}

/**
 * Removes the backups of a database that neither the count nor the age keeps. The newest one always stays, and without a rule all do.
 *
 * @returns the names of the files that were removed
 */
export async function forgetBackups(
  folder: string,
  { engine, database }: Pick<Manifest, 'engine' | 'database'>,
  { count, days }: Retention,
  now = Date.now(),
): Promise<string[]> {
  if (count === undefined && days === undefined) return []
  const backups = (await listBackups(folder))
    .filter((backup) => backup.engine === engine && backup.database === database)
    .reverse()
  const removed: string[] = []
  for (const [place, { file, createdAt }] of backups.entries()) {
    const isKept =
      place < Math.max(1, count ?? 0) || (days !== undefined && now - Date.parse(createdAt) <= days * DAY_MS)
    if (isKept) continue
    // The manifest first: without it the rest is no backup.
    await rm(manifestOf(join(folder, file)), { force: true })
    await rm(join(folder, file), { force: true })
    removed.push(file)
  }
  return removed
}

/** A backup that is to be restored. */
export interface FoundBackup {
  path: string
  manifest: Manifest
}

/**
 * Finds a backup and verifies its checksum.
 *
 * @param given the path of the file or of its manifest; without it the newest of `folder` for that engine and database
 * @throws BackupError when there is none, or its file is not what was written
 */
export async function findBackup(
  folder: string,
  given: string | undefined,
  wanted: Pick<Manifest, 'engine' | 'database'>,
  report: Report,
): Promise<FoundBackup> {
  const found = given === undefined ? await newestOf(folder, wanted) : await readBackup(given)
  const { bytes, sha256 } = await digest(found.path, report)
  if (bytes !== found.manifest.bytes || sha256 !== found.manifest.sha256) {
    throw new BackupError(
      `${found.path} is damaged: it has ${bytes} bytes with the SHA-256 ${sha256}, and its manifest says ${found.manifest.bytes} bytes with ${found.manifest.sha256}. Restore another backup.`,
    )
  }
  if (found.manifest.engine !== wanted.engine) {
    throw new BackupError(
      `${found.path} is a backup of the ${found.manifest.engine} engine, and the settings name a database of the ${wanted.engine} engine.`,
    )
  }
  return found
}

async function newestOf(
  folder: string,
  { engine, database }: Pick<Manifest, 'engine' | 'database'>,
): Promise<FoundBackup> {
  const all = await listBackups(folder)
  const newest = all.findLast((backup) => backup.engine === engine && backup.database === database)
  if (!newest) {
    const others = all.slice(-NAMED).map(({ file }) => file)
    throw new BackupError(
      `There is no backup of the database ${database} in ${folder}${others.length === 0 ? '' : `; of others there is ${others.join(', ')}`}. Name the file to restore.`,
    )
  }
  return { path: join(folder, newest.file), manifest: newest }
}

async function readBackup(given: string): Promise<FoundBackup> {
  const manifestPath = manifestOf(given)
  const text = await readFile(manifestPath, 'utf8').catch(() => undefined)
  if (text === undefined) {
    throw new BackupError(
      `There is no manifest ${manifestPath}. Without it nobody knows whether ${basename(given)} is whole.`,
    )
  }
  const parsed = manifest.safeParse(parseJson(text))
  if (!parsed.success) throw new BackupError(`${manifestPath} is no manifest of a backup.`)
  const path = join(dirname(manifestPath), basename(parsed.data.file))
  if (!existsSync(path)) throw new BackupError(`${path}, which ${manifestPath} names, does not exist.`)
  return { path, manifest: parsed.data }
}
