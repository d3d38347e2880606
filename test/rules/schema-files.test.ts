import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { MIGRATIONS_FOLDER, readMigrations } from '../../src/db/migration-files.ts'
import { describeBlocks, difference } from '../support/catalog-difference.ts'
import { useTestDatabase } from '../support/database.ts'

const SCHEMAS = join(import.meta.dirname, '../../supabase/schemas')

const database = useTestDatabase()

test('supabase/schemas holds the present definition of every rule', async () => {
  const before = await describeBlocks(database())
  const files = (await readdir(SCHEMAS)).filter((file) => file.endsWith('.sql')).sort()
  expect(files).not.toEqual([])
  for (const file of files) await database().owner.script(await readFile(join(SCHEMAS, file), 'utf8'))
  expect(difference(before, await describeBlocks(database()))).toEqual({})
})

test('the database names its newest migration: readiness goes by that', async () => {
  const newest = (await readMigrations(MIGRATIONS_FOLDER)).at(-1)!.tag
  const rows = await database().owner.query('select muster.schema_version() as version')
  expect(rows).toEqual([{ version: newest }])
})
