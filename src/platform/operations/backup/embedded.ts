import { createReadStream, createWriteStream, existsSync } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip, createGzip } from 'node:zlib'
import { claimDataFolder, DataFolderInUse } from '../../db/engine/data-folder.ts'
import { openEmbedded } from '../../db/engine/embedded.ts'
import { preparePrivateFolder } from '../../private-folder.ts'
import { beginHistory } from '../history.ts'
import {
  BackupError,
  type FoundBackup,
  fileNameOf,
  keepBackup,
  type Manifest,
  type Report,
  timeStamp,
} from './manifest.ts'
import { type Restored, verifyContent } from './verify.ts'
import { countRows, readVisibleTables } from './visible-tables.ts'

/** What the embedded database is called in a folder of backups. */
export const EMBEDDED = 'embedded'
/** PGlite's folder in `DATA_DIR`. */
const PGDATA = 'pgdata'

/**
 * Packs the data folder of the embedded database. Only one process can open it, so the service must not be running.
 *
 * @param dataDir `DATA_DIR`
 * @throws BackupError when another process has it
 */
export async function backupEmbedded(dataDir: string, folder: string, report: Report): Promise<Manifest> {
  const pgdata = join(dataDir, PGDATA)
  if (!existsSync(pgdata)) throw new BackupError(`There is no embedded database in ${dataDir}.`)
  const release = await claim(dataDir, 'back it up')
  try {
    const database = await openEmbedded({ dataDir: pgdata })
    try {
      // The log need not be replayed by whoever opens the copy.
      await database.script('checkpoint')
      const facts = await database.transaction(
        async (tx) => {
          const [found] = await tx.query<{ postgres: string; version: string }>(
            "select current_setting('server_version_num') as postgres, muster.schema_version() as version",
          )
          const tables = await readVisibleTables(tx)
          return {
            postgres: Number(found!.postgres),
            schemaVersion: found!.version,
            rows: await countRows(
              tx,
              tables.map(({ name }) => name),
            ),
          }
        },
        { readOnly: true },
      )
      const createdAt = new Date()
      return await keepBackup(
        folder,
        `${fileNameOf(EMBEDDED, timeStamp(createdAt))}.tar.gz`,
        async (partial) => {
          const archive = await database.pglite.dumpDataDir('none')
          let done = 0
          const counted = async function* (chunks: AsyncIterable<Uint8Array>) {
            for await (const chunk of chunks) {
              done += chunk.length
              report({ what: 'data folder', done, total: archive.size })
              yield chunk
            }
          }
          await pipeline(
            Readable.fromWeb(archive.stream() as import('node:stream/web').ReadableStream),
            counted,
            createGzip(),
            createWriteStream(partial, { flush: true }),
          )
          return { engine: 'embedded', database: EMBEDDED, createdAt: createdAt.toISOString(), ...facts }
        },
        report,
      )
    } finally {
      await database.close()
    }
  } finally {
    await release()
  }
}

export interface EmbeddedRestore {
  /** `DATA_DIR` of the settings. */
  dataDir: string
  /** The folder to restore into, as a `DATA_DIR`. By default a new one beside that of the settings, or that one, where it has no database. */
  into?: string | undefined
  /** Puts the restored database in the place of the one of the settings, which is kept under another name. */
  swap?: boolean | undefined
  report: Report
  say: (line: string) => void
}

/**
 * Restores a backup into a data folder of its own, and verifies it by its counts and its migrations.
 *
 * @throws BackupError when something stands in the way: nothing is overwritten
 */
export async function restoreEmbedded(
  { path, manifest }: FoundBackup,
  { dataDir, into, swap = false, report, say }: EmbeddedRestore,
): Promise<Restored> {
  const isThere = existsSync(join(dataDir, PGDATA))
  const stamp = timeStamp().toLowerCase()
  const target = into ?? (isThere ? `${dataDir}-restored-${stamp}` : dataDir)
  if (existsSync(join(target, PGDATA))) {
    throw new BackupError(
      `${target} has a database already. Nothing is overwritten: restore without --into, then let --swap put it in the place of the other.`,
    )
  }
  const releases: (() => Promise<void>)[] = []
  try {
    if (swap && isThere) releases.push(await claim(dataDir, 'replace it'))
    await mkdir(dirname(target), { recursive: true })
    await preparePrivateFolder(target)
    releases.push(await claim(target, 'restore into it'))
    say(`Restoring ${path} into ${target} …`)
    const unfinished = join(target, `${PGDATA}.${stamp}.part`)
    try {
      const made = await fill({ path, manifest }, unfinished, target, report)
      if (!swap || !isThere) {
        await rename(unfinished, join(target, PGDATA))
        return { database: target, ...made }
      }
      const before = join(dataDir, `${PGDATA}.before-${stamp}`)
      await rename(join(dataDir, PGDATA), before)
      await rename(unfinished, join(dataDir, PGDATA))
      return { database: dataDir, before, ...made }
    } finally {
      await rm(unfinished, { recursive: true, force: true })
    }
  } finally {
    for (const release of releases.reverse()) await release()
    if (swap && isThere && into === undefined) await rm(target, { recursive: true, force: true })
  }
}

async function fill(
  { path, manifest }: FoundBackup,
  folder: string,
  cacheDir: string,
  report: Report,
): Promise<Pick<Restored, 'adopted' | 'pending'>> {
  const chunks: Buffer<ArrayBuffer>[] = []
  let done = 0
  const packed = createReadStream(path)
  packed.on('data', (chunk) => {
    done += chunk.length
    report({ what: 'data folder', done, total: manifest.bytes })
  })
  await pipeline(packed, createGunzip(), async (unpacked: AsyncIterable<Buffer<ArrayBuffer>>) => {
    for await (const chunk of unpacked) chunks.push(chunk)
  })
  const database = await openEmbedded({ dataDir: folder, loadDataDir: new Blob(chunks), cacheDir })
  try {
    const adopted = await beginHistory(database)
    const pending = await verifyContent(database, manifest)
    await database.script('checkpoint')
    return { adopted, pending }
  } finally {
    await database.close()
  }
}

async function claim(dataDir: string, why: string): Promise<() => Promise<void>> {
  try {
    return await claimDataFolder(dataDir)
  } catch (error) {
    if (!(error instanceof DataFolderInUse)) throw error
    throw new BackupError(
      `${error.message} A running service has it to itself: stop the service to ${why}, then start it again.`,
      { cause: error },
    )
  }
}
