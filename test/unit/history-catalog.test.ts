import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import type { ComparableCatalog } from '../../src/platform/db/migrations/drift.ts'
import { readHistoryCatalog } from '../../src/platform/db/migrations/history-catalog.ts'
import { type MigrationFolder, makeMigrationFolder } from '../support/migration-folder.ts'

let cache: string
let migrations: MigrationFolder
let first: string
/** How often the catalog was made. */
let made: number

beforeEach(async () => {
  cache = await mkdtemp(join(tmpdir(), 'muster-cache-'))
  vi.stubEnv('XDG_CACHE_HOME', cache)
  migrations = await makeMigrationFolder()
  first = await migrations.add('first', ['select 1'])
  made = 0
  return () => rm(cache, { recursive: true, force: true })
})

const read = (): Promise<ComparableCatalog> =>
  readHistoryCatalog({ folder: migrations.path }, async () => {
    made += 1
    return { blocks: new Map([['table a', `made ${made}`]]), owner: 'somebody', schemas: ['public'] }
  })

describe('the catalog that the history makes', () => {
  test('is kept, also when several ask at once, and comes back as it was', async () => {
    await Promise.all([read(), read()])
    const before = made
    const found = await read()
    expect(made).toBe(before)
    expect(found).toEqual({
      blocks: new Map([['table a', expect.stringMatching(/^made [12]$/)]]),
      owner: 'somebody',
      schemas: ['public'],
    })
    expect(await readdir(join(cache, 'muster'))).toHaveLength(1)
  })

  test.each<[string, () => Promise<unknown>]>([
    ['added', () => migrations.add('second', ['select 2'])],
    ['edited', () => migrations.edit(first, ['select 3'])],
  ])('is made anew when a migration was %s, and the one before is removed', async (_, change) => {
    await read()
    await change()
    expect((await read()).blocks.get('table a')).toBe('made 2')
    expect(await readdir(join(cache, 'muster'))).toHaveLength(1)
  })

  test('is made anew when the kept file is damaged', async () => {
    await read()
    const [name] = await readdir(join(cache, 'muster'))
    await writeFile(join(cache, 'muster', name!), '{"blocks":[["table a"')
    expect((await read()).blocks.get('table a')).toBe('made 2')
    expect((await read()).blocks.get('table a')).toBe('made 2')
  })

  test('is made each time where it cannot be kept', async () => {
    await writeFile(join(cache, 'muster'), 'no folder')
    expect((await read()).blocks.get('table a')).toBe('made 1')
    expect((await read()).blocks.get('table a')).toBe('made 2')
  })
})
