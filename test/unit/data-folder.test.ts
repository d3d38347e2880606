import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, expect, onTestFinished, test } from 'vitest'
import { claimDataFolder, DataFolderInUse } from '../../src/platform/db/engine/data-folder.ts'

const MODULE = join(import.meta.dirname, '../../src/platform/db/engine/data-folder.ts')

let folder: string
beforeEach(async () => {
  const parent = await mkdtemp(join(tmpdir(), 'muster-data-'))
  folder = join(parent, 'data')
  return () => rm(parent, { recursive: true, force: true })
})

/** A process that claims the folder and stays; it has the claim when this resolves. */
async function startHolder(): Promise<ChildProcess> {
  const script = `
    import { claimDataFolder } from ${JSON.stringify(MODULE)}
    await claimDataFolder(${JSON.stringify(folder)})
    globalThis.gc()
    console.log('claimed')
    setInterval(() => {}, 1000)
  `
  const holder = spawn(process.execPath, ['--expose-gc', '--input-type=module', '--eval', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => {
    holder.kill('SIGKILL')
  })
  await once(holder.stdout, 'data')
  return holder
}

test('is claimed once in a process, until it is released', async () => {
  const release = await claimDataFolder(folder)
  await expect(claimDataFolder(folder)).rejects.toBeInstanceOf(DataFolderInUse)
  await release()
  await release()
  await (await claimDataFolder(folder))()
})

test('is claimed by one process, which the refusal names', async () => {
  const holder = await startHolder()
  await expect(claimDataFolder(folder)).rejects.toThrow(`in use by process ${holder.pid}`)
})

test('is free when the process that claimed it was killed', async () => {
  const holder = await startHolder()
  const exited = once(holder, 'exit')
  holder.kill('SIGKILL')
  await exited
  const release = await claimDataFolder(folder)
  expect(await readFile(join(folder, 'lock.pid'), 'utf8')).toBe(`${process.pid}\n`)
  await release()
})

test('is had by one of many that ask at once', async () => {
  const claims = await Promise.allSettled(Array.from({ length: 8 }, () => claimDataFolder(folder)))
  const [release, ...others] = claims.flatMap((claim) => (claim.status === 'fulfilled' ? [claim.value] : []))
  expect(others).toEqual([])
  await release?.()
})
