import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, describe, expect, inject, it } from 'vitest'
import { claimDataFolder } from '../../src/platform/db/engine/data-folder.ts'
import type { Database } from '../../src/platform/db/engine/database.ts'
import { openEmbedded } from '../../src/platform/db/engine/embedded.ts'
import { backupEmbedded, restoreEmbedded } from '../../src/platform/operations/backup/embedded.ts'
import { BackupError, findBackup, type Manifest } from '../../src/platform/operations/backup/manifest.ts'
import { patience } from '../support/patience.ts'
import { arrangeShift, buildWorld } from '../support/world.ts'
import '../support/provided.ts'

let folder: string
let dataDir: string
let shift: string

const nothing = (): void => {}

async function within<T>(path: string, work: (database: Database) => Promise<T>): Promise<T> {
  const database = await openEmbedded({ dataDir: join(path, 'pgdata'), cacheDir: prepared().cacheDir })
  try {
    return await work(database)
  } finally {
    await database.close()
  }
}

function prepared() {
  const database = inject('database')
  if (database.engine !== 'embedded') throw new Error('This file is of the embedded engine.')
  return database
}

const read = (path: string) =>
  within(path, async (database) => ({
    shifts: (await database.query<{ id: string }>('select id from shifts order by id')).map(({ id }) => id),
    history: (await database.query<{ id: string }>('select muster.history_id() as id'))[0]!.id,
  }))

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'muster-embedded-'))
  dataDir = join(folder, 'data')
  const { dump, cacheDir } = prepared()
  const database = await openEmbedded({
    dataDir: join(dataDir, 'pgdata'),
    loadDataDir: new Blob([await readFile(dump)]),
    cacheDir,
  })
  await buildWorld(database)
  shift = await arrangeShift(database)
  await database.close()
  return () => rm(folder, { recursive: true, force: true })
})

describe('a backup of the embedded database', () => {
  const backups = () => join(folder, 'backups')
  const find = () => findBackup(backups(), undefined, { engine: 'embedded', database: 'embedded' }, nothing)
  const options = () => ({ dataDir, report: nothing, say: nothing })
  let made: Manifest

  it('is refused while another process has the database', async () => {
    const release = await claimDataFolder(dataDir)
    await expect(backupEmbedded(dataDir, backups(), nothing)).rejects.toThrow(BackupError)
    await release()
  })

  it('is written for this user alone, with what it holds', async () => {
    made = await backupEmbedded(dataDir, backups(), nothing)
    expect(made.rows['public.shifts']).toBe(1)
    expect((await stat(join(backups(), made.file))).mode & 0o777).toBe(0o600)
  })

  it('is restored beside the database; swapped, clients start anew and the database before is kept', {
    timeout: patience(60_000),
  }, async () => {
    const { history } = await read(dataDir)
    const beside = await restoreEmbedded(await find(), options())
    expect(beside).toMatchObject({ adopted: 0, pending: [] })
    const copy = await read(beside.database)
    expect(copy.shifts).toEqual([shift])
    // The same cluster, timeline and database: only the epoch tells the two histories apart.
    expect(copy.history).not.toBe(history)

    await within(dataDir, (database) => arrangeShift(database))
    const { database, before } = await restoreEmbedded(await find(), { ...options(), swap: true })
    expect(database).toBe(dataDir)
    expect((await read(dataDir)).shifts).toEqual([shift])
    expect((await stat(before!)).isDirectory()).toBe(true)
  })

  it('overwrites nothing', async () => {
    await expect(restoreEmbedded(await find(), { ...options(), into: dataDir })).rejects.toThrow(BackupError)
  })
})
