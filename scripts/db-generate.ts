import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readFile, rename, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { parseArgs } from 'node:util'
import { generateMigration } from 'drizzle-kit/api'
import { Refused, runCommand, UsageError } from '../src/cli/command.ts'
import { BREAKING, MIGRATIONS_FOLDER, readMigrations } from '../src/platform/db/migrations/migration-files.ts'
import {
  BREAKPOINT,
  breakingStatements,
  keepNewestSnapshot,
  migrationName,
  nameMigration,
  readJournal,
  script,
  snapshots,
  versionStatement,
  withVersion,
  writeJournal,
} from './rules/migration-folder.ts'
import { SCHEMAS_FOLDER, unquoteTypes, VERSION_FILE } from './rules/schema-files.ts'

/*
 * `drizzle-kit generate`, and what it leaves to do by hand: a number after the newest migration's, the types that it quotes, the
 * down file, the version, and that one snapshot stays.
 */

const USAGE = `Usage: npm run db:generate -- <name> [--custom] [--breaking]
  <name>      what the migration does, such as shifts_have_a_title
  --custom    without statements, to write them by hand: rows to move, what db:rule refuses
  --breaking  processes of the version before cannot live with it: they stop`

const ROOT = join(import.meta.dirname, '..')
/** What drizzle-kit says when it has to ask whether something is new or was renamed: it writes nothing before the answer. */
const NEEDS_TERMINAL = /prompts require a TTY terminal/
const UP_BY_HAND = '-- Write the statements here, with a breakpoint between each two of them.'
const DOWN_BY_HAND = '-- Write the statements that reverse the migration fully here.'

process.exitCode = await runCommand(USAGE, async () => {
  const { values, positionals } = parseArgs({
    args: process.argv.slice(2),
    allowPositionals: true,
    options: {
      custom: { type: 'boolean', default: false },
      breaking: { type: 'boolean', default: false },
      name: { type: 'string' },
    },
  })
  const name = migrationName(values.name ?? positionals.join('_'))
  if (name === undefined) throw new UsageError('Which name? Letters, digits and underscores, a letter first.')

  const newest = (await readMigrations(MIGRATIONS_FOLDER)).at(-1)!
  const before = await newestSnapshot()
  const migration = await nameMigration(MIGRATIONS_FOLDER, name)
  const made = await generate(name, values.custom)
  if (!made) {
    console.log('The tables of the table.ts files are those of the newest migration: nothing to write.')
    return
  }
  await rename(join(MIGRATIONS_FOLDER, `${made}.sql`), join(MIGRATIONS_FOLDER, `${migration.tag}.sql`))
  await rename(
    join(MIGRATIONS_FOLDER, `meta/${made.split('_')[0]}_snapshot.json`),
    join(MIGRATIONS_FOLDER, `meta/${migration.tag.split('_')[0]}_snapshot.json`),
  )
  const journal = await readJournal(MIGRATIONS_FOLDER)
  Object.assign(journal.entries.at(-1)!, migration)
  await writeJournal(MIGRATIONS_FOLDER, journal)

  const up = join(MIGRATIONS_FOLDER, `${migration.tag}.sql`)
  const down = join(MIGRATIONS_FOLDER, 'down', `${migration.tag}.sql`)
  const statements = values.custom ? UP_BY_HAND : unquoteTypes((await readFile(up, 'utf8')).trim())
  const versionFile = join(SCHEMAS_FOLDER, VERSION_FILE)
  const version = await readFile(versionFile, 'utf8')
  const breaking = values.breaking ? breakingStatements(migration.tag, version) : { up: [], down: [] }
  const inOrder = (first: string, ...others: string[]): string => `${[first, ...others].join(BREAKPOINT)}\n`
  await writeFile(
    up,
    `${values.breaking ? `${BREAKING}\n` : ''}${inOrder(statements, ...breaking.up, versionStatement(migration.tag))}`,
  )
  const back = values.custom ? '' : await reverse(before)
  await writeFile(down, inOrder(back || DOWN_BY_HAND, ...breaking.down, versionStatement(newest.tag)))
  // After the down file, which the older one was needed for.
  await keepNewestSnapshot(MIGRATIONS_FOLDER)

  const oldest = values.breaking ? withVersion(version, migration.tag, 'oldest_version') : version
  await writeFile(versionFile, withVersion(oldest, migration.tag))
  console.log('Wrote:')
  for (const path of [up, down, versionFile]) console.log(`  ${relative(process.cwd(), path)}`)
  console.log('Read both migration files, and finish them where needed; then run npm run db:hashes.')
})

type Snapshot = Parameters<typeof generateMigration>[0]

async function newestSnapshot(): Promise<Snapshot> {
  const newest = (await snapshots(MIGRATIONS_FOLDER)).at(-1)
  if (!newest) throw new Refused('drizzle/meta has no snapshot: take it from the history again.')
  return JSON.parse(await readFile(join(MIGRATIONS_FOLDER, 'meta', newest), 'utf8'))
}

/** @returns the tag that drizzle-kit gave, or undefined when there was nothing to write. */
async function generate(name: string, custom: boolean): Promise<string | undefined> {
  const known = (await readJournal(MIGRATIONS_FOLDER)).entries.length
  const run = (stdio: 'pipe' | 'inherit') => {
    const command = [join(ROOT, 'node_modules/drizzle-kit/bin.cjs'), 'generate', '--name', name]
    const result = spawnSync(process.execPath, [...command, ...(custom ? ['--custom'] : [])], {
      cwd: ROOT,
      encoding: 'utf8',
      stdio: ['inherit', stdio, stdio],
    })
    if (result.error) throw result.error
    return result
  }
  // It names a file that is renamed afterwards, and every table: only a failure is worth reading.
  const quiet = run('pipe')
  const said = quiet.stdout + quiet.stderr
  const asks = NEEDS_TERMINAL.test(said)
  if (asks && !(process.stdin.isTTY && process.stdout.isTTY)) {
    throw new Refused(
      'Nothing was written. drizzle-kit has to ask whether something is new or was renamed: run this command in a terminal.',
    )
  }
  const { status } = asks ? run('inherit') : quiet
  if (status !== 0) {
    if (!asks) console.error(said)
    throw new Refused('drizzle-kit generate failed; nothing else was written.')
  }
  const { entries } = await readJournal(MIGRATIONS_FOLDER)
  const made = entries[known]?.tag
  return made !== undefined && existsSync(join(MIGRATIONS_FOLDER, `${made}.sql`)) ? made : undefined
}

/** The statements back to a snapshot; empty where drizzle-kit would have to ask what was renamed, and nobody is there to answer. */
async function reverse(before: Snapshot): Promise<string> {
  try {
    const statements = await generateMigration(await newestSnapshot(), before)
    return script(statements.map(unquoteTypes)).trim()
  } catch (error) {
    console.log(`The down file is left to you: ${error instanceof Error ? error.message : error}`)
    return ''
  }
}
