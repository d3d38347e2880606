import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { generateDrizzleJson, generateMigration } from 'drizzle-kit/api'
import { expect, it } from 'vitest'
import { readTables } from '../../scripts/rules/tables.ts'

/**
 * Migrations that have landed never change: databases out there have run them. A new one adds its line, which
 * `npm run db:hashes` writes.
 */
const folder = new URL('../../drizzle/', import.meta.url)
const landed: Record<string, string> = JSON.parse(
  await readFile(new URL('meta/_hashes.json', folder), 'utf8'),
)

it('no migration that has landed was edited, removed, or left out of the list', async () => {
  const files = (await readdir(folder)).filter((name) => name.endsWith('.sql'))
  const found = await Promise.all(
    files.map(async (name) => [
      name,
      createHash('sha256')
        .update(await readFile(new URL(name, folder)))
        .digest('hex'),
    ]),
  )
  expect(Object.fromEntries(found)).toEqual(landed)
})

it('each is named by Unix time, and can be rolled back', async () => {
  for (const name of Object.keys(landed)) {
    expect(name).toMatch(/^1[0-9]{9}_[a-z0-9_]+\.sql$/)
    expect((await readFile(new URL(`down/${name}`, folder), 'utf8')).length).toBeGreaterThan(0)
  }
})

/** Else the next `npm run db:generate` would write statements for what the database has had for long. */
it('there is one snapshot, and it has the tables as the files of tables have them', async () => {
  const [newest, ...older] = (await readdir(new URL('meta/', folder))).filter((name) =>
    name.endsWith('_snapshot.json'),
  )
  // After a merge that leaves two: take the older one away, and run db:generate again.
  expect(older).toEqual([])
  const snapshot: ReturnType<typeof generateDrizzleJson> = JSON.parse(
    await readFile(new URL(`meta/${newest}`, folder), 'utf8'),
  )
  expect(await generateMigration(snapshot, generateDrizzleJson(await readTables()))).toEqual([])
})
