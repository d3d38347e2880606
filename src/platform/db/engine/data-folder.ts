import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { explainFailureIn, preparePrivateFolder } from '../../private-folder.ts'

/** Another process (or another part of this one) works on the data folder. */
export class DataFolderInUse extends Error {
  override name = 'DataFolderInUse'
}

/** `SQLITE_BUSY`: https://sqlite.org/rescode.html#busy */
const SQLITE_BUSY = 5

/** Readable by the user of this process only, like everything in the folder. */
const PRIVATE_FILE = 0o600

/** Locks held by this process. Without a reference, garbage collection would close the file and release the lock. */
const held = new Set<DatabaseSync>()

/**
 * Claims a data folder for this process until the returned function is called or the process ends, however it ends.
 *
 * PGlite has no lock of its own: two processes on one folder both open it and destroy each other's pages. The claim is
 * an operating-system lock on `<folder>/lock`, taken through SQLite because Node has no `flock`. A file that holds
 * a process id would have to be judged when its writer was killed, and a container's main process is always number 1;
 * the kernel drops this lock itself. The id beside it, in `<folder>/lock.pid`, is only for the message.
 *
 * The lock depends on the file system: on a network share that ignores locks it has no effect.
 *
 * @returns the release; calling it twice is harmless.
 * @throws DataFolderInUse at once, without waiting; FolderUnusable
 */
export async function claimDataFolder(folder: string): Promise<() => Promise<void>> {
  await preparePrivateFolder(folder)
  const pidFile = join(folder, 'lock.pid')
  let lock: DatabaseSync | undefined
  try {
    // SQLite would make it with the mode of the process.
    await writeFile(join(folder, 'lock'), '', { flag: 'a', mode: PRIVATE_FILE })
    lock = new DatabaseSync(join(folder, 'lock'), { timeout: 0 })
    lock.exec('begin exclusive')
  } catch (error) {
    lock?.close()
    if (!isBusy(error)) throw await explainFailureIn(folder, asSystemError(error))
    throw new DataFolderInUse(
      `The data folder ${folder} is in use${await byWhom(pidFile)}. Stop that process first: the embedded database can be open only once.`,
    )
  }
  held.add(lock)
  const release = async (): Promise<void> => {
    if (!held.delete(lock)) return
    await rm(pidFile, { force: true })
    lock.close()
  }
  try {
    await writeFile(pidFile, `${process.pid}\n`, { mode: PRIVATE_FILE })
  } catch (error) {
    await release()
    throw await explainFailureIn(folder, error)
  }
  return release
}

/** SQLite's result codes for a file that cannot be used: https://sqlite.org/rescode.html */
const SYSTEM_CODES: Record<number, string> = { 3: 'EACCES', 8: 'EACCES', 13: 'ENOSPC', 14: 'EACCES' }

function asSystemError(error: unknown): unknown {
  const code = error instanceof Error && 'errcode' in error && SYSTEM_CODES[Number(error.errcode) & 0xff]
  return code ? Object.assign(new Error('the lock file cannot be used', { cause: error }), { code }) : error
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && error.errcode === SQLITE_BUSY
}

async function byWhom(pidFile: string): Promise<string> {
  const pid = (await readFile(pidFile, 'utf8').catch(() => '')).trim()
  return pid ? ` by process ${pid}` : ''
}
