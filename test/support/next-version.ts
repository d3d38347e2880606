import { cp, mkdtemp, readFile, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  breakingStatements,
  nameMigration,
  versionStatement,
  writeMigration,
} from '../../scripts/rules/migration-folder.ts'
import { readMigrations } from '../../src/platform/db/migrations/migration-files.ts'

const ROOT = join(import.meta.dirname, '../..')

/** A newer version of the service beside this one: a copy of the tree with one migration more. */
export interface NextVersion {
  /** For `startService`. */
  readonly root: string
  /** Its history, for `migrateDown`. */
  readonly migrations: string
  readonly tag: string
  remove(): Promise<void>
}

/** @param breaking whether this version cannot live with what the migration makes */
export async function makeNextVersion({
  up,
  down,
  breaking = false,
}: {
  up: readonly string[]
  down: readonly string[]
  breaking?: boolean
}): Promise<NextVersion> {
  const root = await mkdtemp(join(tmpdir(), 'muster-next-'))
  for (const part of ['src', 'drizzle', 'package.json']) {
    await cp(join(ROOT, part), join(root, part), { recursive: true })
  }
  await symlink(join(ROOT, 'node_modules'), join(root, 'node_modules'))
  const migrations = join(root, 'drizzle')
  const before = (await readMigrations(migrations)).at(-1)!
  const migration = await nameMigration(migrations, 'next')
  const version = await readFile(join(ROOT, 'supabase/schemas/platform/version.sql'), 'utf8')
  const mark = breaking ? breakingStatements(migration.tag, version) : { up: [], down: [] }
  await writeMigration(migrations, migration, {
    up: [...up, ...mark.up, versionStatement(migration.tag)],
    down: [...down, ...mark.down, versionStatement(before.tag)],
    breaking,
  })
  return { root, migrations, tag: migration.tag, remove: () => rm(root, { recursive: true, force: true }) }
}
