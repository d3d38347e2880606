import { existsSync } from 'node:fs'
import { readdir, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { type EmbeddedDatabase, openEmbedded } from '../platform/db/engine/embedded.ts'
import {
  BASE_STATEMENTS,
  type Base,
  packPreparedBase,
  preparedBasePath,
} from '../platform/db/engine/prepared-base.ts'
import { migrateUp } from '../platform/db/migrations/migrate.ts'

/*
 * Makes the bases of embedded databases: the empty one after a new release of PGlite or its PostGIS, and the one with migrations whenever
 * so many are new that a first start takes long. Each time adds its size to the repository.
 */

async function make(base: Base, prepare: (database: EmbeddedDatabase) => Promise<void>): Promise<void> {
  const path = await preparedBasePath(base)
  const database = await openEmbedded(base === 'empty' ? { withoutBase: true } : {})
  try {
    await prepare(database)
    const packed = await packPreparedBase(database, () => database.pglite.dumpDataDir('none'))
    await writeFile(path, packed)
    console.log(`${path}: ${(packed.length / 1e6).toFixed(1)} MB`)
  } finally {
    await database.close()
  }
}

const paths = [await preparedBasePath('empty'), await preparedBasePath('migrated')]
if (!existsSync(paths[0]!)) await make('empty', (database) => database.script(BASE_STATEMENTS))
await make('migrated', async (database) => {
  await migrateUp(database)
  // Each database has an epoch of its own (open.ts).
  await database.query('delete from muster.history')
})

const folder = dirname(paths[0]!)
const names = paths.map((path) => basename(path))
for (const name of await readdir(folder))
  if (/^prepared-.*base-.*\.tar\.br$/.test(name) && !names.includes(name)) await rm(join(folder, name))
