import { createHash, randomUUID } from 'node:crypto'
import { access, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { constants, gunzip, gzip } from 'node:zlib'
import type { Extension } from '@electric-sql/pglite'
import { postgis as whole } from '@electric-sql/pglite-postgis'

/*
 * PGlite unpacks an extension's whole bundle at each start, and compiles every library in it. That of PostGIS has three:
 * beside PostGIS itself raster and topology, which nothing here uses, and scripts for upgrades and geocoding. Without them a
 * start takes half the CPU time (1.3 s instead of 2.6 s, four shared cores) and 300 MB less memory.
 */

/** What stays: the library, the data of PROJ, and what `create extension postgis` runs. */
const KEPT = [
  /^lib\/postgresql\/postgis-\d+\.so$/,
  /^share\/postgresql\/extension\/postgis\.control$/,
  /^share\/postgresql\/extension\/postgis--\d[\d.]*\.sql$/,
  /^share\/proj\/./,
]

/** PostGIS for PGlite, from a bundle of what is used of it, kept in `cacheDir` (made there by the first who asks). */
export const postgisIn = (cacheDir: string): Extension => ({
  ...whole,
  async setup(pglite, emscriptenOptions) {
    const setup = await whole.setup(pglite, emscriptenOptions)
    const bundlePath = setup.bundlePath && (await findSmallBundle(setup.bundlePath, cacheDir))
    return { ...setup, ...(bundlePath && { bundlePath }) }
  },
})

/** @returns where the small bundle is; the whole one where it cannot be kept, or is not what this module knows. */
async function findSmallBundle(bundle: URL, cacheDir: string): Promise<URL> {
  const path = join(cacheDir, await nameOfSmall(bundle))
  try {
    await access(path)
    return pathToFileURL(path)
  } catch {
    return (await keepSmallBundle(bundle, path, cacheDir)) ? pathToFileURL(path) : bundle
  }
}

const SMALL_BUNDLE = /^postgis-[\da-f]{16}\.tar\.gz$/

/** Another version, or another choice, is another file. */
async function nameOfSmall(bundle: URL): Promise<string> {
  const [{ size }, manifest] = await Promise.all([
    stat(bundle),
    readFile(new URL('../package.json', bundle), 'utf8'),
  ])
  const { version }: { version: string } = JSON.parse(manifest)
  const key = createHash('sha256')
    .update([version, size, ...KEPT].join('\n'))
    .digest('hex')
  return `postgis-${key.slice(0, 16)}.tar.gz`
}

/** @returns whether the bundle exists now. A process that is killed here leaves an unused `.part` file. */
async function keepSmallBundle(bundle: URL, path: string, cacheDir: string): Promise<boolean> {
  const unfinished = `${path}.${randomUUID()}.part`
  try {
    await mkdir(cacheDir, { recursive: true })
    const small = await makeSmallBundle(await readFile(fileURLToPath(bundle)))
    if (!small) return false
    // A name that shows half a file after a power failure would be a database that does not open any more.
    await writeFile(unfinished, small, { flag: 'wx', flush: true })
    await rename(unfinished, path)
    await forgetOthers(cacheDir, path)
    return true
  } catch {
    // A folder that cannot be written costs time, and nothing else.
    await rm(unfinished, { force: true }).catch(() => {})
    return false
  }
}

async function forgetOthers(cacheDir: string, path: string): Promise<void> {
  const others = (await readdir(cacheDir))
    .filter((name) => SMALL_BUNDLE.test(name))
    .map((name) => join(cacheDir, name))
    .filter((other) => other !== path)
  await Promise.all(others.map((other) => rm(other, { force: true })))
}

/**
 * Keeps what `KEPT` names of a gzipped tar archive.
 *
 * @returns undefined when something of it is missing: then the archive is not the one that was looked at.
 */
export async function makeSmallBundle(bundle: Buffer): Promise<Buffer | undefined> {
  // One piece: to put thousands together took longer than to unpack them. A gzip file ends with how long its content is (RFC 1952).
  const length = bundle.length < GZIP_ENDING ? 0 : bundle.readUInt32LE(bundle.length - GZIP_ENDING / 2)
  const archive = await promisify(gunzip)(bundle, { chunkSize: Math.min(length, MOST_AT_ONCE) + 64 })
  const entries = [...readTar(archive)].filter(({ name }) => KEPT.some((pattern) => pattern.test(name)))
  if (!KEPT.every((pattern) => entries.some(({ name }) => pattern.test(name)))) return undefined
  const blocks = entries.map(({ block }) => block)
  // Packed as little as gzip packs: it is read at each start, and 8 MB are no burden.
  return promisify(gzip)(Buffer.concat([...blocks, TAR_END]), { level: constants.Z_BEST_SPEED })
}

/** The checksum of the content, and its length: four bytes each. */
const GZIP_ENDING = 8
const MOST_AT_ONCE = 256 * 1024 ** 2

const TAR_BLOCK = 512
const TAR_END = Buffer.alloc(2 * TAR_BLOCK)

export interface TarEntry {
  /** Without the leading slash or `./` that some write. */
  name: string
  isFolder: boolean
  content: Buffer
  /** The entry as it stands in the archive, with its header and padding. */
  block: Buffer
}

/** The type flag of a folder. */
const FOLDER = '5'

/** The entries of a tar archive (POSIX ustar). */
export function* readTar(archive: Buffer): Generator<TarEntry> {
  for (let at = 0; at + TAR_BLOCK <= archive.length && archive[at] !== 0; ) {
    const text = (from: number, length: number): string =>
      archive.toString('utf8', at + from, at + from + length).replace(/\0.*$/s, '')
    const size = Number.parseInt(text(124, 12), 8)
    if (Number.isNaN(size)) return
    const prefix = text(257, 5) === 'ustar' ? text(345, 155).trim() : ''
    const end = at + TAR_BLOCK + Math.ceil(size / TAR_BLOCK) * TAR_BLOCK
    const name = (prefix ? `${prefix}/` : '') + text(0, 100)
    yield {
      name: name.replace(/^\.?\/+/, ''),
      isFolder: text(156, 1) === FOLDER,
      content: archive.subarray(at + TAR_BLOCK, at + TAR_BLOCK + size),
      block: archive.subarray(at, end),
    }
    at = end
  }
}
