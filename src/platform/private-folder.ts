import { constants } from 'node:fs'
import { access, chmod, lstat, mkdir, readdir, stat, statfs } from 'node:fs/promises'
import { join } from 'node:path'

/** The data folder cannot be used. The message says why, and what to do about it. */
export class FolderUnusable extends Error {
  override name = 'FolderUnusable'
}

const PRIVATE_FOLDER = 0o700
const PRIVATE_FILE = 0o600
const OTHERS = 0o077
/** A folder that many users share, such as /tmp. */
const STICKY = 0o1000

/** What the service keeps in its data folder. */
const OURS = /^(?:jwt-secret|lock|lock\.pid|pgdata|postgis-[\da-f]{16}\.tar\.gz)$/

/** PostgreSQL needs a segment of its log, and room to write a checkpoint. */
const LEAST_FREE_BYTES = 32 * 1024 * 1024

/**
 * Sets the umask, so that only the user of this process can read the files that it writes, also those of libraries that set no
 * mode. A command whose output others must read does not call this.
 */
export function writePrivately(): void {
  process.umask(OTHERS)
}

/**
 * Creates the data folder if it does not exist, and removes the access of other users to it and to Muster's files in it: it holds
 * positions of people and the secret that signs tokens.
 *
 * @param report called when access had to be removed
 * @throws FolderUnusable when the folder cannot be written, or holds other files too
 */
export async function preparePrivateFolder(
  folder: string,
  report: (line: string) => void = console.warn,
): Promise<void> {
  try {
    await mkdir(folder, { recursive: true, mode: PRIVATE_FOLDER })
    await access(folder, constants.R_OK | constants.W_OK | constants.X_OK)
    // Windows has no such modes: there, folders of a user's profile are closed to others.
    if (process.platform !== 'win32') await closeToOthers(folder, report)
  } catch (error) {
    throw asFolderUnusable(folder, error)
  }
}

async function closeToOthers(folder: string, report: (line: string) => void): Promise<void> {
  const { mode, uid } = await stat(folder)
  const names = await readdir(folder)
  const ours = names.filter((name) => OURS.test(name))
  if ((mode & OTHERS) !== 0) {
    if ((mode & STICKY) !== 0 || (ours.length === 0 && names.length > 0)) {
      throw new FolderUnusable(
        `The data folder ${folder} is open to other users (mode ${octal(mode)}) and holds other files than Muster's: set DATA_DIR to a folder that only Muster uses.`,
      )
    }
    if (uid !== process.geteuid?.() && process.geteuid?.() !== 0) {
      throw new FolderUnusable(
        `The data folder ${folder} is open to other users (mode ${octal(mode)}) and belongs to another user: its owner must run chmod 700 on it and make the user of this process its owner.`,
      )
    }
    await chmod(folder, PRIVATE_FOLDER)
    report(
      `The data folder ${folder} was open to other users (mode ${octal(mode)}): changed its mode to 700.`,
    )
  }
  for (const name of ours) {
    if (await closePath(join(folder, name)))
      report(`${join(folder, name)} was open to other users: removed their access.`)
  }
}

/** @returns whether it was open. The outermost folder is closed last, so that what broke off half-way is done again. */
async function closePath(path: string): Promise<boolean> {
  const found = await lstat(path).catch((error: unknown) => {
    // Another process has the folder, and takes what it does not need any more.
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  })
  // A link's own mode means nothing, and what it leads to is not known to be ours.
  if (!found || found.isSymbolicLink() || (found.mode & OTHERS) === 0) return false
  if (found.isDirectory()) {
    for (const name of await readdir(path)) await closePath(join(path, name))
  }
  await chmod(path, found.isDirectory() ? PRIVATE_FOLDER : PRIVATE_FILE)
  return true
}

const octal = (mode: number): string => (mode & 0o7777).toString(8)

const REASONS: Record<string, string> = {
  ENOSPC: 'is on a full disk',
  EDQUOT: 'is on a disk where the quota of this user is used up',
  EROFS: 'cannot be written: its file system is read-only',
  EACCES: 'cannot be written by the user of this process',
  EPERM: 'cannot be written by the user of this process',
  ENOTDIR: 'is not a folder, or its parent is not one',
  EEXIST: 'is not a folder',
}

const REMEDIES: Record<string, string> = {
  ENOSPC: 'Free some space, or set DATA_DIR to a folder on another disk.',
  EDQUOT: 'Free some space, or set DATA_DIR to a folder on another disk.',
}

/** Converts a failed system call into FolderUnusable; returns any other error unchanged. */
export function asFolderUnusable(folder: string, error: unknown): unknown {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  const reason = REASONS[code]
  if (!reason || error instanceof FolderUnusable) return error
  const remedy =
    REMEDIES[code] ?? 'Make it writable for this user (chown, chmod), or set DATA_DIR to another folder.'
  return new FolderUnusable(`The data folder ${folder} ${reason} (${code}). ${remedy}`, { cause: error })
}

/**
 * Explains a failure of the embedded database whose cause is the disk: PGlite itself only reports `ErrnoError 51`, or that its
 * program is unreachable.
 */
export async function explainFailureIn(folder: string, error: unknown): Promise<unknown> {
  const disk = await statfs(folder).catch(() => undefined)
  if (!disk || disk.bavail * disk.bsize >= LEAST_FREE_BYTES) return asFolderUnusable(folder, error)
  return asFolderUnusable(
    folder,
    Object.assign(new Error('no space left', { cause: error }), { code: 'ENOSPC' }),
  )
}
