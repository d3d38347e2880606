import { expect, inject, onTestFinished, test } from 'vitest'
import { openTestDatabase, type TestDatabase, useTestDatabase } from './database.ts'

const database = useTestDatabase()

async function open(): Promise<TestDatabase> {
  const opened = await openTestDatabase()
  onTestFinished(opened.close)
  return opened
}

const countMarks = async ({ owner }: TestDatabase): Promise<unknown> =>
  (await owner.query(`select to_regclass('public.marks') is not null as found`))[0]?.found

test('is the engine of the project, migrated', async () => {
  expect(database().engine).toBe(inject('database').engine)
  expect(database().owner.kind).toBe(database().engine)
  const [found] = await database().owner.query(
    `select extensions.st_srid('SRID=4326;POINT(5.1 52.1)'::extensions.geometry) as srid,
            (select count(*)::integer from drizzle.__drizzle_migrations) as migrations`,
  )
  expect(found).toMatchObject({ srid: 4326, migrations: expect.any(Number) })
  expect(found?.migrations).toBeGreaterThan(0)
})

test('copies share nothing', async () => {
  const other = await open()
  await other.owner.script('create table public.marks (id integer)')
  expect(await countMarks(other)).toBe(true)
  expect(await countMarks(database())).toBe(false)
  expect(await countMarks(await open())).toBe(false)
})
