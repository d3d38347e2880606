import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, inject, it, onTestFinished } from 'vitest'
import { readConfig } from '../../src/config.ts'
import type { Database } from '../../src/platform/db/engine/database.ts'
import { openEmbedded } from '../../src/platform/db/engine/embedded.ts'
import { preparedBasePath, unpackPreparedBase } from '../../src/platform/db/engine/prepared-base.ts'
import { migrateUp } from '../../src/platform/db/migrations/migrate.ts'
import { MIGRATIONS_FOLDER, readMigrations } from '../../src/platform/db/migrations/migration-files.ts'
import { openDatabases } from '../../src/platform/db/open.ts'
import { describeBlocks, difference } from '../support/catalog-difference.ts'
import { useTestDatabase } from '../support/database.ts'
import { patience } from '../support/patience.ts'

/** What is unpacked at a first start is in the repository, and in each image. */
const MAX_BYTES = 15_000_000
/** Each is some 40 ms of a first start. */
const MOST_LATER_MIGRATIONS = 40
/** One database is made by `initdb` and migrated: 15 s alone. */
const TIMEOUT_MS = patience(90_000)

/** Began with the migrated base, as each embedded database of the tests does. */
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

/** What is in the tables, each as one text; not when migrations were applied, nor the epoch, which no two databases share. */
const describeRows = async (database: Database): Promise<unknown> => {
  const tables = await database.query<{ name: string }>(`
    select oid::regclass::text as name from pg_class
    where relkind = 'r' and relnamespace::regnamespace::text in ('public', 'muster', 'sign_in', 'realtime', 'drizzle', 'auth')
    order by 1
  `)
  const rows: unknown[] = []
  for (const { name } of tables.filter(({ name }) => name !== 'muster.history'))
    rows.push(
      ...(await database.query(
        `select '${name}' as name, string_agg((to_jsonb(t) - 'applied_at')::text, e'\n' order by to_jsonb(t) - 'applied_at') as rows from ${name} t`,
      )),
    )
  return rows
}

it(
  'a migrated database has the same catalog, settings and rows whether it began with a prepared base or with initdb',
  async () => {
    const sizes = await Promise.all(
      (['empty', 'migrated'] as const).map(async (base) => (await stat(await preparedBasePath(base))).size),
    )
    expect(sizes.reduce((sum, size) => sum + size)).toBeLessThan(MAX_BYTES)
    const { cacheDir } = inject('database') as { cacheDir: string }
    const owner = await openEmbedded({ cacheDir, withoutBase: true })
    try {
      await migrateUp(owner)
      const fresh = await describeBlocks({ engine: 'embedded', owner, close: owner.close })
      expect(difference(fresh, await describeBlocks(prepared()))).toEqual({})
      expect(await describeCluster(prepared().owner)).toEqual(await describeCluster(owner))
      expect(await describeRows(prepared().owner)).toEqual(await describeRows(owner))
    } finally {
      await owner.close()
    }
  },
  TIMEOUT_MS,
)

it(
  'the migrated base leaves little to do, and has no history: each database that begins with it begins one',
  async () => {
    const base = await openEmbedded({ base: 'migrated' })
    onTestFinished(base.close)
    expect(await base.query('select from muster.history')).toEqual([])
    const [found] = await base.query<{ migrations: number }>(
      'select count(*)::int as migrations from drizzle.__drizzle_migrations',
    )
    // Where it fails: `npm run db:base`.
    const all = (await readMigrations(MIGRATIONS_FOLDER)).length
    expect(all - found!.migrations).toBeLessThan(MOST_LATER_MIGRATIONS)

    const begunAfter = Date.now()
    const databases = await openDatabases(
      readConfig({ NODE_ENV: 'test', DATA_DIR: dirname(await makeFolder()) }),
      () => {},
    )
    onTestFinished(databases.close)
    const [begun] = await databases.worker.query<{ begun: number; first: number }>(`
      select (extract(epoch from begun_at) * 1000)::float8 as begun,
             (select min(extract(epoch from applied_at) * 1000)::float8 from drizzle.__drizzle_migrations) as first
      from muster.history`)
    expect(begun!.begun).toBeGreaterThanOrEqual(begunAfter)
    expect(begun!.first).toBeGreaterThanOrEqual(begunAfter)
  },
  TIMEOUT_MS,
)

it('leaves a folder alone that holds something', async () => {
  const dataDir = await makeFolder()
  expect(await unpackPreparedBase(dataDir, 'empty')).toBe(true)
  const before = (await readdir(dataDir)).sort()
  expect(await unpackPreparedBase(dataDir, 'migrated')).toBe(false)
  expect((await readdir(dataDir)).sort()).toEqual(before)
  expect(await readdir(join(dataDir, '..'))).toEqual(['pgdata'])
})
