import { expect, test } from 'vitest'
import { compareWithFiles } from '../../scripts/rules/compare.ts'
import { readRules, tableStatements } from '../../scripts/rules/schema-files.ts'
import { OF_THE_SERVER } from '../../src/platform/db/migrations/catalog-difference.ts'
import { MIGRATIONS_FOLDER, readMigrations } from '../../src/platform/db/migrations/migration-files.ts'
import { describeBlocks, difference } from '../support/catalog-difference.ts'
import { useTestDatabase } from '../support/database.ts'

const database = useTestDatabase()
const tables = await tableStatements()
const rules = await readRules(tables)

test('the tables and supabase/schemas alone build the database that the history makes', async () => {
  const { owner, engine } = database()
  const { history, files } = await owner.transaction((tx) =>
    compareWithFiles(tx, rules, { roles: engine === 'embedded' }),
  )
  const found = Object.entries(difference(history.blocks, files.blocks))
  expect(
    Object.fromEntries(found.filter(([name]) => engine === 'embedded' || !OF_THE_SERVER.test(name))),
  ).toEqual({})
})

test('supabase/schemas can be applied onto a migrated database, and changes nothing there', async () => {
  const before = await describeBlocks(database())
  for (const { text, line } of rules) if (line > 0) await database().owner.script(text)
  expect(difference(before, await describeBlocks(database()))).toEqual({})
})

test('the database names its newest migration: readiness goes by that', async () => {
  const newest = (await readMigrations(MIGRATIONS_FOLDER)).at(-1)!.tag
  const rows = await database().owner.query('select muster.schema_version() as version')
  expect(rows).toEqual([{ version: newest }])
})

/** The first version that said of itself which schemas it can live with; those before are not asked. */
const FIRST_OLDEST = '1795984662_tables_are_followed_in_one_call'

test('the database names the newest migration that is marked as breaking: processes of versions before it stop', async () => {
  const breaking = (await readMigrations(MIGRATIONS_FOLDER)).filter(({ up }) => up?.breaking)
  const rows = await database().owner.query('select muster.oldest_version() as oldest')
  expect(rows).toEqual([{ oldest: breaking.at(-1)?.tag ?? FIRST_OLDEST }])
})
