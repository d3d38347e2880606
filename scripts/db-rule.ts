import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { parseArgs } from 'node:util'
import { Refused, runCommand, UsageError } from '../src/cli/command.ts'
import { openEmbedded } from '../src/platform/db/engine/embedded.ts'
import { catalogDifference } from '../src/platform/db/migrations/catalog-difference.ts'
import { MIGRATIONS_FOLDER, readMigrations } from '../src/platform/db/migrations/migration-files.ts'
import { CACHE, prepareDump } from './prepared-database.ts'
import { compareWithFiles, type Pair, planPair, tryPair } from './rules/compare.ts'
import {
  breakingStatements,
  migrationName,
  nameMigration,
  noteHashes,
  versionStatement,
  withVersion,
  writeMigration,
} from './rules/migration-folder.ts'
import { NotByThisCommand } from './rules/pair.ts'
import { readRules, SCHEMAS_FOLDER, tableStatements, VERSION_FILE } from './rules/schema-files.ts'

/*
 * Writes the migration of a change of rules. Compares a database that the history made with one that has nothing but the tables
 * of the `table.ts` files and `supabase/schemas`, and writes what differs, either way.
 */

const USAGE = `Usage: npm run db:rule -- <name> [--breaking]
  <name>      what the migration does, such as shifts_end_after_they_start
  --breaking  processes of the version before cannot live with it: they stop`

process.exitCode = await runCommand(USAGE, async () => {
  const { values, positionals } = parseArgs({
    args: process.argv.slice(2),
    allowPositionals: true,
    options: { breaking: { type: 'boolean', default: false } },
  })
  const name = migrationName(positionals.join('_'))
  if (name === undefined) throw new UsageError('Which name? Letters, digits and underscores, a letter first.')

  const pair = await readPair()
  if (!pair) {
    print('supabase/schemas and the history make the same database: nothing to write.')
    return
  }
  for (const line of pair.up.summary) print(`  ${line}`)

  const before = (await readMigrations(MIGRATIONS_FOLDER)).at(-1)!
  const migration = await nameMigration(MIGRATIONS_FOLDER, name)
  const versionFile = join(SCHEMAS_FOLDER, VERSION_FILE)
  const version = await readFile(versionFile, 'utf8')
  const breaking = values.breaking ? breakingStatements(migration.tag, version) : { up: [], down: [] }
  const written = await writeMigration(MIGRATIONS_FOLDER, migration, {
    up: [...pair.up.statements, ...breaking.up, versionStatement(migration.tag)],
    down: [...pair.down.statements, ...breaking.down, versionStatement(before.tag)],
    breaking: values.breaking,
  })
  const oldest = values.breaking ? withVersion(version, migration.tag, 'oldest_version') : version
  await writeFile(versionFile, withVersion(oldest, migration.tag))
  await noteHashes(MIGRATIONS_FOLDER)
  print('Up, down and up again was tried, and came out equal. Wrote:')
  for (const path of [...written, versionFile, join(MIGRATIONS_FOLDER, 'meta/_hashes.json')]) {
    print(`  ${relative(process.cwd(), path)}`)
  }
})

/** What differs, tried; undefined where nothing does. */
async function readPair(): Promise<Pair | undefined> {
  const folder = await mkdtemp(join(tmpdir(), 'muster-rule-'))
  try {
    const dump = join(folder, 'database.tar')
    const [rules] = await Promise.all([tableStatements().then(readRules), prepareDump(dump)])
    const database = await openEmbedded({ loadDataDir: new Blob([await readFile(dump)]), cacheDir: CACHE })
    try {
      return await database.transaction(async (tx) => {
        const comparison = await compareWithFiles(tx, rules, { roles: true })
        const names = Object.keys(catalogDifference(comparison.history.blocks, comparison.files.blocks))
        if (names.length === 0) return undefined
        const pair = planPair(comparison)
        await tryPair(tx, comparison, pair)
        return pair
      })
    } finally {
      await database.close()
    }
  } catch (error) {
    if (error instanceof NotByThisCommand) throw new Refused(`Nothing was written. ${error.message}`)
    throw error
  } finally {
    await rm(folder, { recursive: true })
  }
}

function print(line: string): void {
  console.log(line)
}
