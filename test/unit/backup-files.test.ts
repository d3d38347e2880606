import { mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import {
  BackupError,
  findBackup,
  forgetBackups,
  keepBackup,
  listBackups,
} from '../../src/platform/operations/backup/manifest.ts'
import { findProgram } from '../../src/platform/operations/backup/programs.ts'

const DAY_MS = 24 * 60 * 60 * 1000
const NOW = Date.parse('2026-06-30T12:00:00Z')
const nothing = (): void => {}

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'muster-backups-'))
  return () => rm(folder, { recursive: true, force: true })
})

const keep = (name: string, daysAgo: number, database = 'muster') =>
  keepBackup(
    folder,
    `${name}.dump`,
    async (partial) => {
      await writeFile(partial, `rows of ${name}`)
      return {
        engine: 'server',
        database,
        createdAt: new Date(NOW - daysAgo * DAY_MS).toISOString(),
        postgres: 150_000,
        schemaVersion: '1_first',
        rows: { 'public.shifts': 3 },
      }
    },
    nothing,
  )

const names = async (): Promise<string[]> => (await listBackups(folder)).map(({ file }) => file)

describe('a backup', () => {
  it('is there whole, for this user alone', async () => {
    const { file, sha256, bytes } = await keep('a', 0)
    expect((await readdir(folder)).sort()).toEqual(['a.dump', 'a.json'])
    for (const name of await readdir(folder))
      expect((await stat(join(folder, name))).mode & 0o777).toBe(0o600)
    const found = await findBackup(folder, join(folder, file), { engine: 'server', database: 'x' }, nothing)
    expect(found.manifest).toMatchObject({ sha256, bytes, rows: { 'public.shifts': 3 } })
  })

  it('leaves nothing behind when it fails, and removes what a killed run left a day ago', async () => {
    const old = join(folder, 'killed.dump.partial')
    const young = join(folder, 'running.dump.partial')
    await writeFile(old, '')
    await writeFile(young, '')
    await utimes(old, new Date(Date.now() - 2 * DAY_MS), new Date(Date.now() - 2 * DAY_MS))
    const failing = keepBackup(
      folder,
      'b.dump',
      async () => {
        throw new BackupError('disk full')
      },
      nothing,
    )
    await expect(failing).rejects.toThrow(BackupError)
    expect(await readdir(folder)).toEqual(['running.dump.partial'])
  })

  it('is refused when a bit of it has changed, or its manifest is gone', async () => {
    const { file } = await keep('a', 0)
    const path = join(folder, file)
    const content = await readFile(path)
    content[0]! ^= 1
    await writeFile(path, content)
    const wanted = { engine: 'server', database: 'muster' } as const
    await expect(findBackup(folder, undefined, wanted, nothing)).rejects.toThrow(BackupError)
    await rm(join(folder, 'a.json'))
    await expect(findBackup(folder, path, wanted, nothing)).rejects.toThrow(BackupError)
  })

  it('is the newest one of its database unless it is named', async () => {
    for (const [name, daysAgo] of [
      ['a', 3],
      ['b', 1],
      ['c', 2],
    ] as const)
      await keep(name, daysAgo)
    await keep('other', 0, 'staging')
    const found = await findBackup(folder, undefined, { engine: 'server', database: 'muster' }, nothing)
    expect(found.manifest.file).toBe('b.dump')
    const none = findBackup(folder, undefined, { engine: 'embedded', database: 'embedded' }, nothing)
    await expect(none).rejects.toThrow(BackupError)
  })
})

describe('retention', () => {
  beforeEach(async () => {
    for (const daysAgo of [40, 20, 10, 5, 1]) await keep(`${100 - daysAgo}`, daysAgo)
    await keep('staging', 400, 'staging')
  })
  const forget = (rule: { count?: number; days?: number }) =>
    forgetBackups(folder, { engine: 'server', database: 'muster' }, rule, NOW)

  it('removes nothing without a rule, and nothing of another database with one', async () => {
    expect(await forget({})).toEqual([])
    await forget({ count: 1 })
    expect(await names()).toEqual(['staging.dump', '99.dump'])
  })

  it.each([
    [{ count: 2 }, ['95.dump', '99.dump']],
    [{ days: 15 }, ['90.dump', '95.dump', '99.dump']],
    [{ count: 4, days: 3 }, ['80.dump', '90.dump', '95.dump', '99.dump']],
    [{ count: 1, days: 30 }, ['80.dump', '90.dump', '95.dump', '99.dump']],
  ])('by %j keeps what either rule keeps', async (rule, kept) => {
    await forget(rule)
    expect((await names()).filter((name) => name !== 'staging.dump')).toEqual(kept)
  })

  it('keeps the newest backup, however old it is', async () => {
    await forgetBackups(folder, { engine: 'server', database: 'staging' }, { days: 1 }, NOW)
    expect(await names()).toContain('staging.dump')
  })
})

it('a client program that is older than the server is refused', async () => {
  await expect(findProgram('pg_dump', 99)).rejects.toThrow(BackupError)
})
