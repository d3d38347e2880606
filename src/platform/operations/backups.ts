import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'

/** Of the manifest of a backup, which stands beside it in a `.json` file and is written last. */
const manifest = z.object({ createdAt: z.iso.datetime(), file: z.string() })

export interface Backup {
  /** What was committed later is not in it. */
  at: Date
  name: string
}

/** The newest complete backup in the folder of `BACKUP_DIR`; undefined where there is none, or no folder. */
export async function lastBackup(folder: string): Promise<Backup | undefined> {
  const names = await readdir(folder).catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []
    throw error
  })
  const found = await Promise.all(
    names.filter((name) => name.endsWith('.json')).map((name) => readManifest(folder, name)),
  )
  return found
    .filter((backup) => backup !== undefined)
    .sort((a, b) => a.at.getTime() - b.at.getTime())
    .at(-1)
}

async function readManifest(folder: string, name: string): Promise<Backup | undefined> {
  try {
    const { createdAt, file } = manifest.parse(JSON.parse(await readFile(join(folder, name), 'utf8')))
    return existsSync(join(folder, file)) ? { at: new Date(createdAt), name: file } : undefined
  } catch {
    // Another file, or one that was removed meanwhile.
    return undefined
  }
}

/** How long an answer is given again: `/ready` is asked every second. */
const REMEMBERED_MS = 60_000

/** As `lastBackup`, read from the disk at most once a minute; undefined also where the folder cannot be read. */
export function rememberLastBackup(folder: string): () => Promise<Backup | undefined> {
  let readAt = Number.NEGATIVE_INFINITY
  let known: Promise<Backup | undefined> = Promise.resolve(undefined)
  return () => {
    if (performance.now() - readAt > REMEMBERED_MS) {
      readAt = performance.now()
      known = lastBackup(folder).catch(() => undefined)
    }
    return known
  }
}
