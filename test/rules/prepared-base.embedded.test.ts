import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, inject, it, onTestFinished } from 'vitest'
import type { Database } from '../../src/platform/db/engine/database.ts'
import { openEmbedded } from '../../src/platform/db/engine/embedded.ts'
import { preparedBasePath, unpackPreparedBase } from '../../src/platform/db/engine/prepared-base.ts'
import { migrateUp } from '../../src/platform/db/migrations/migrate.ts'
import { describeBlocks, difference } from '../support/catalog-difference.ts'
import { useTestDatabase } from '../support/database.ts'
import { patience } from '../support/patience.ts'

/** What is unpacked at a first start is in the repository, and in each image. */
const MAX_BYTES = 15_000_000
/** One database is made by `initdb` and migrated: 15 s alone. */
const TIMEOUT_MS = patience(90_000)

/** Began with the base, as each embedded database of the tests does. */
const prepared = useTestDatabase()

async function makeFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'muster-base-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return join(folder, 'pgdata')
}

/** What initdb decides, and no description of the catalog has. Copies for tests have fewer buffers (scripts/prepared-database.ts). */
const describeCluster = (database: Database): Promise<unknown> =>
  database.query(`
    select name, setting from pg_settings where source = 'configuration file' and name <> 'shared_buffers'
    union all
    select 'database ' || datname, to_jsonb(d) - array['oid', 'dattablespace', 'datfrozenxid', 'datminmxid'] #>> '{}'
    from pg_database d
    order by name
  `)

it(
  'a migrated database has the same catalog and settings whether it began with the prepared base or with initdb',
  async () => {
    expect((await stat(await preparedBasePath())).size).toBeLessThan(MAX_BYTES)
    const { cacheDir } = inject('database') as { cacheDir: string }
    const owner = await openEmbedded({ cacheDir, withoutBase: true })
    try {
      await migrateUp(owner)
      const fresh = await describeBlocks({ engine: 'embedded', owner, close: owner.close })
      expect(difference(fresh, await describeBlocks(prepared()))).toEqual({})
      expect(await describeCluster(prepared().owner)).toEqual(await describeCluster(owner))
    } finally {
      await owner.close()
    }
  },
  TIMEOUT_MS,
)

it('leaves a folder alone that holds something', async () => {
  const dataDir = await makeFolder()
  expect(await unpackPreparedBase(dataDir)).toBe(true)
  const before = (await readdir(dataDir)).sort()
  expect(await unpackPreparedBase(dataDir)).toBe(false)
  expect((await readdir(dataDir)).sort()).toEqual(before)
  expect(await readdir(join(dataDir, '..'))).toEqual(['pgdata'])
})
