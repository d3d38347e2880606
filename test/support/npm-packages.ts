import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * Installs the packages of a folder that has a lock file of its own, unless they are there: what only few need is no part of the
 * project's own `npm ci`.
 *
 * @throws Error when npm fails.
 */
export async function installNpmPackages(folder: string, say: (line: string) => void): Promise<void> {
  const [wanted, installed] = await Promise.all([
    readPackages(join(folder, 'package-lock.json')),
    readPackages(join(folder, 'node_modules/.package-lock.json')),
  ])
  if (Object.entries(wanted).every(([path, { version }]) => installed[path]?.version === version)) return
  say(`Installing packages: npm ci --prefix ${folder}`)
  const npm = spawn('npm', ['ci', '--prefix', folder, '--no-audit', '--no-fund'], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const [code] = await once(npm, 'exit')
  if (code !== 0) throw new Error(`npm ci --prefix ${folder} ended with ${code}.`)
}

/** The packages of a lock file; the installed ones have a lock file of their own, which npm writes last. */
async function readPackages(path: string): Promise<Record<string, { version?: string }>> {
  const text = await readFile(path, 'utf8').catch(() => '{}')
  const { packages = {} } = JSON.parse(text) as {
    packages?: Record<string, { version?: string; optional?: boolean }>
  }
  return Object.fromEntries(
    Object.entries(packages).filter(([name, { optional }]) => name !== '' && !optional),
  )
}
