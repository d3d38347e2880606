import { readdir } from 'node:fs/promises'

/** A backup of `npm run db:backup`, named by the UTC time at which it began: `muster-20261129T2150Z.…`. */
const NAME = /^muster-(\d{4})-?(\d\d)-?(\d\d)T(\d\d)[-:]?(\d\d)[-:]?(\d\d)?(?:[.-]\d+)?Z/
/** Written last: a backup without a manifest was broken off. */
const MANIFEST = /manifest/

export interface Backup {
  /** When it began: what was committed later is not in it. */
  at: Date
  name: string
}

/** The newest complete backup of the folder; undefined where there is none, or no folder. */
export async function lastBackup(folder: string): Promise<Backup | undefined> {
  const entries = await readdir(folder, { recursive: true }).catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []
    throw error
  })
  let newest: Backup | undefined
  for (const path of entries) {
    if (!MANIFEST.test(path)) continue
    const [name = ''] = path.split('/')
    const at = timeOf(name)
    if (at && (!newest || at > newest.at)) newest = { at, name }
  }
  return newest
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

function timeOf(name: string): Date | undefined {
  const [, year, month, day, hour, minute, second = '00'] = NAME.exec(name) ?? []
  if (!year) return undefined
  const at = new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`)
  return Number.isNaN(at.getTime()) ? undefined : at
}
