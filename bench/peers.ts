import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'

const FOLDER = fileURLToPath(new URL('.', import.meta.url))

/**
 * Installs the peers that the service is compared with, unless they are there: they are dependencies of the benchmark
 * alone, so `npm ci` of the project does without them.
 */
export async function installPeers(say: (line: string) => void): Promise<void> {
  const [wanted, installed] = await Promise.all([
    readPackages(`${FOLDER}package-lock.json`),
    readPackages(`${FOLDER}node_modules/.package-lock.json`),
  ])
  if (Object.entries(wanted).every(([path, { version }]) => installed[path]?.version === version)) return
  say('Installing the peers: npm ci --prefix bench')
  const npm = spawn('npm', ['ci', '--prefix', FOLDER, '--no-audit', '--no-fund'], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const [code] = await once(npm, 'exit')
  if (code !== 0) throw new Error(`npm ci --prefix bench ended with ${code}.`)
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
