import { access, constants } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { hasApt, installPackages, mayInstall, updatePackageLists } from './apt.ts'

/** Where distributions put programs that are not on everybody's path. */
const FOLDERS = ['/usr/sbin', '/usr/local/sbin', '/opt/homebrew/sbin']

/**
 * The path of a program that a package of the same name has; on a Debian-like machine, as root, it is installed where missing.
 *
 * @param who needs it, for the message
 * @throws Error with the command that installs it
 */
export async function findProgram(name: string, who: string): Promise<string> {
  const found = await findInstalled(name)
  if (found) return found
  const say = (line: string) => process.stderr.write(`${line}\n`)
  let cause: unknown
  if (await mayInstall()) {
    try {
      await updatePackageLists(say)
      await installPackages([name], say)
    } catch (error) {
      cause = error
    }
  }
  const installed = await findInstalled(name)
  if (installed) return installed
  const command = (await hasApt()) ? 'sudo apt-get install -y' : 'brew install'
  throw new Error(`${who} need ${name}, and none is installed here.\nInstall it:\n  ${command} ${name}`, {
    cause,
  })
}

async function findInstalled(name: string): Promise<string | undefined> {
  const folders = [...FOLDERS, ...(process.env.PATH ?? '').split(delimiter).filter(Boolean)]
  for (const folder of folders) {
    const path = join(folder, name)
    if (await isExecutable(path)) return path
  }
  return undefined
}

const isExecutable = (path: string): Promise<boolean> =>
  access(path, constants.X_OK).then(
    () => true,
    () => false,
  )
