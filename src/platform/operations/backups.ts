import { listBackups, type Manifest } from './backup/manifest.ts'

/** How long an answer is given again: `/ready` is asked every second. */
const REMEMBERED_MS = 60_000

/** The newest backup in the folder of `BACKUP_DIR`, read from the disk at most once a minute; undefined where there is none. */
export function rememberLastBackup(folder: string): () => Promise<Manifest | undefined> {
  let readAt = Number.NEGATIVE_INFINITY
  let known: Promise<Manifest | undefined> = Promise.resolve(undefined)
  return () => {
    if (performance.now() - readAt > REMEMBERED_MS) {
      readAt = performance.now()
      known = listBackups(folder).then((backups) => backups.at(-1))
    }
    return known
  }
}
