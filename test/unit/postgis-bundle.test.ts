import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gunzipSync, gzipSync } from 'node:zlib'
import type { Extension, PGlite } from '@electric-sql/pglite'
import { postgis as whole } from '@electric-sql/pglite-postgis'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { makeSmallBundle, postgisIn, readTar } from '../../src/platform/db/engine/postgis-bundle.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'muster-bundle-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

/** Where the extension says that its bundle is: what PGlite reads. */
async function bundleOf(extension: Extension): Promise<string> {
  const { bundlePath } = await extension.setup({} as PGlite, { PGLITE_ENV: {} })
  return fileURLToPath(bundlePath!)
}

const namesIn = async (path: string): Promise<string[]> =>
  [...readTar(gunzipSync(await readFile(path)))].map(({ name }) => name)

it('keeps PostGIS and its projections, and leaves out raster and topology', async () => {
  const all = await namesIn(await bundleOf(whole))
  const kept = await namesIn(await bundleOf(postgisIn(folder)))
  expect(kept.length).toBeGreaterThan(0)
  expect(all).toEqual(expect.arrayContaining(kept))
  expect(all.filter((name) => name.endsWith('.so'))).toHaveLength(3)
  expect(kept.filter((name) => name.endsWith('.so'))).toEqual(['lib/postgresql/postgis-3.so'])
  expect(kept).toContain('share/proj/proj.db')
})

it('is made once, complete, and replaces that of another version', async () => {
  await writeFile(join(folder, `postgis-${'0'.repeat(16)}.tar.gz`), 'of another version')
  // As many starts at once, of which each finds none: one file, and nothing half-made, is what stays.
  const paths = await Promise.all([1, 2, 3].map(() => bundleOf(postgisIn(folder))))
  expect(new Set(paths).size).toBe(1)
  expect(await readdir(folder)).toEqual([paths[0]!.slice(folder.length + 1)])
  const { ino } = await stat(paths[0]!)
  expect(await bundleOf(postgisIn(folder))).toBe(paths[0])
  expect((await stat(paths[0]!)).ino).toBe(ino)
})

it('is the whole one where nothing can be kept', async () => {
  const file = join(folder, 'file')
  await writeFile(file, '')
  expect(await bundleOf(postgisIn(join(file, 'folder')))).toBe(await bundleOf(whole))
})

it('is not made of an archive that lacks what it needs', async () => {
  const archive = gunzipSync(await readFile(await bundleOf(whole)))
  const lacking = [...readTar(archive)].filter(({ name }) => !name.endsWith('/postgis-3.so'))
  const blocks = lacking.map(({ block }) => block)
  expect(await makeSmallBundle(gzipSync(Buffer.concat(blocks), { level: 1 }))).toBeUndefined()
  expect(await makeSmallBundle(gzipSync('no archive'))).toBeUndefined()
})
