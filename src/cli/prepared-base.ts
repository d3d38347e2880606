import { readdir, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { openEmbedded } from '../platform/db/engine/embedded.ts'
import { packPreparedBase, preparedBasePath } from '../platform/db/engine/prepared-base.ts'

// Makes the base of embedded databases anew, after a new release of PGlite or its PostGIS.
const path = await preparedBasePath()
const database = await openEmbedded({ withoutBase: true })
try {
  const base = await packPreparedBase(database, () => database.pglite.dumpDataDir('none'))
  await writeFile(path, base)
  console.log(`${path}: ${(base.length / 1e6).toFixed(1)} MB`)
} finally {
  await database.close()
}
const folder = dirname(path)
for (const name of await readdir(folder)) {
  if (/^prepared-base-.*\.tar\.br$/.test(name) && name !== basename(path)) await rm(join(folder, name))
}
