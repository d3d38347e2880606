import { chmod, copyFile, mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * Makes a folder for `DATA_DIR` that has PostGIS in the form in which it starts faster, as after a first start: to make that takes each
 * new folder 2 s of CPU time, and a database in it is none the wiser.
 *
 * @param cacheDir where the tests keep it: `inject('database')`
 */
export async function makeDataDir(path: string, cacheDir: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 })
  const bundles = (await readdir(cacheDir)).filter((name) => /^postgis-.*\.tar\.gz$/.test(name))
  await Promise.all(
    bundles.map(async (name) => {
      await copyFile(join(cacheDir, name), join(path, name))
      await chmod(join(path, name), 0o600)
    }),
  )
}
