import { createHash } from 'node:crypto'
import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { BREAKING, readMigrations } from '../../src/platform/db/migrations/migration-files.ts'

/** What stands between two statements of a migration. */
export const BREAKPOINT = '\n--> statement-breakpoint\n'

export interface NewMigration {
  readonly tag: string
  /** Milliseconds since 1970: the key of the history. */
  readonly when: number
}

/**
 * Names a new migration by the present second, or by the one after the newest where that is later: two of one second would have
 * no order.
 */
export async function nameMigration(folder: string, name: string, now = Date.now()): Promise<NewMigration> {
  const newest = (await readMigrations(folder)).at(-1)
  const second = Math.max(
    Math.floor(now / 1000),
    newest ? Math.max(Number.parseInt(newest.tag, 10), Math.floor(newest.when / 1000)) + 1 : 0,
  )
  return { tag: `${second}_${name}`, when: second * 1000 }
}

/** The words of a name, as the file has them; undefined where there are none. */
export function migrationName(words: string): string | undefined {
  const name = words.toLowerCase().replaceAll(/[\s-]+/g, '_')
  return /^[a-z][a-z0-9_]*$/.test(name) ? name : undefined
}

/** Writes both files and the journal's entry. @returns the paths that were written. */
export async function writeMigration(
  folder: string,
  { tag, when }: NewMigration,
  { up, down, breaking }: { up: readonly string[]; down: readonly string[]; breaking: boolean },
): Promise<string[]> {
  const paths = [join(folder, `${tag}.sql`), join(folder, 'down', `${tag}.sql`)] as const
  await writeFile(paths[0], `${breaking ? `${BREAKING}\n` : ''}${script(up)}`)
  await writeFile(paths[1], script(down))

  const journal = await readJournal(folder)
  journal.entries.push({ idx: journal.entries.length, version: '7', when, tag, breakpoints: true })
  return [...paths, await writeJournal(folder, journal)]
}

/** Drizzle's list of the migrations, as far as it is changed here. */
interface Journal {
  entries: { idx: number; version: string; when: number; tag: string; breakpoints: boolean }[]
}

const journalOf = (folder: string): string => join(folder, 'meta/_journal.json')

export async function readJournal(folder: string): Promise<Journal> {
  return JSON.parse(await readFile(journalOf(folder), 'utf8'))
}

/** @returns the path. */
export async function writeJournal(folder: string, journal: Journal): Promise<string> {
  await writeFile(journalOf(folder), JSON.stringify(journal, null, 2))
  return journalOf(folder)
}

export const script = (statements: readonly string[]): string =>
  `${statements.map((statement) => statement.replace(/;?\s*$/, ';')).join(BREAKPOINT)}\n`

/** Notes the hashes of new migrations. Those that are noted stay: a migration that has landed never changes. */
export async function noteHashes(folder: string): Promise<string[]> {
  const path = join(folder, 'meta/_hashes.json')
  const known: Record<string, string> = JSON.parse(await readFile(path, 'utf8'))
  const added: string[] = []
  for (const name of (await readdir(folder)).sort()) {
    if (!name.endsWith('.sql') || name in known) continue
    known[name] = createHash('sha256')
      .update(await readFile(join(folder, name)))
      .digest('hex')
    added.push(name)
  }
  await writeFile(path, `${JSON.stringify(known, null, 2)}\n`)
  return added
}

/** `version.sql` has both: the newest migration, and the oldest version of the service that can live with the schema. */
type VersionFunction = 'schema_version' | 'oldest_version'

const definitionOf = (name: VersionFunction): RegExp =>
  new RegExp(`(function muster\\.${name}\\(\\)[\\s\\S]*?return ')([^']*)(';)`)

/** `version.sql` with another tag. */
export function withVersion(text: string, tag: string, name: VersionFunction = 'schema_version'): string {
  if (!definitionOf(name).test(text)) throw new Error(`version.sql does not define muster.${name}().`)
  return text.replace(definitionOf(name), `$1${tag}$3`)
}

/** The tag that `version.sql` has. */
export function versionIn(text: string, name: VersionFunction): string {
  const [, , tag] = definitionOf(name).exec(text) ?? []
  if (tag === undefined) throw new Error(`version.sql does not define muster.${name}().`)
  return tag
}

/** The statement that says which migration is the newest. */
export const versionStatement = (
  tag: string,
  name: VersionFunction = 'schema_version',
): string => `create or replace function muster.${name}() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '${tag}';`

/** What a breaking migration says, and how it is taken back: processes of versions before it cannot live with the schema. */
export const breakingStatements = (
  tag: string,
  versionFile: string,
): { up: readonly string[]; down: readonly string[] } => ({
  up: [versionStatement(tag, 'oldest_version')],
  down: [versionStatement(versionIn(versionFile, 'oldest_version'), 'oldest_version')],
})

export async function snapshots(folder: string): Promise<string[]> {
  return (await readdir(join(folder, 'meta'))).filter((name) => name.endsWith('_snapshot.json')).sort()
}

/** Drizzle compares the tables with the newest snapshot alone; the others would only be copies in the history. */
export async function keepNewestSnapshot(folder: string): Promise<void> {
  const older = (await snapshots(folder)).slice(0, -1)
  for (const name of older) await rm(join(folder, 'meta', name))
}
