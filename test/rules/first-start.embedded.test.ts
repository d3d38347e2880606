import { access, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import { openEmbedded } from '../../src/platform/db/engine/embedded.ts'
import { unpackPreparedBase } from '../../src/platform/db/engine/prepared-base.ts'
import { MIGRATIONS_FOLDER, readMigrations } from '../../src/platform/db/migrations/migration-files.ts'
import { embeddedDataDir } from '../../src/platform/db/open.ts'
import { ROOT } from '../support/command.ts'
import { makeDataDir } from '../support/data-dir.ts'
import { COMPILED_ONCE } from '../support/node-flags.ts'
import { patience } from '../support/patience.ts'
import '../support/provided.ts'
import { crashServiceWhen, startService } from '../support/service-process.ts'

/* The first start makes a database, migrates it and fills it: each can be cut off by `kill -9`, and the next start goes on. */

/** Two first starts and two more: 15 s alone, and several times that beside others. */
const TIMEOUT_MS = patience(240_000)

let folder: string
let settings: Record<string, string>

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'muster-first-start-'))
  const { cacheDir } = inject('database') as { cacheDir: string }
  await makeDataDir(folder, cacheDir)
  settings = { DATA_DIR: folder, NODE_ENV: 'development' }
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  )

/** How many there are of what the demo writes first, and last. */
async function readDemo(): Promise<{ tenants: number; incidents: number }> {
  const database = await openEmbedded({ dataDir: embeddedDataDir({ DATA_DIR: folder }) })
  try {
    const [counted] = await database.query<{ tenants: number; incidents: number }>(
      'select (select count(*)::int from tenants) as tenants, (select count(*)::int from incidents) as incidents',
    )
    return counted!
  } finally {
    await database.close()
  }
}

async function isMigrated(): Promise<boolean> {
  const database = await openEmbedded({ dataDir: embeddedDataDir({ DATA_DIR: folder }) })
  try {
    const [found] = await database.query<{ is_migrated: boolean }>(
      'select count(*) > 70 as is_migrated from drizzle.__drizzle_migrations',
    )
    return found!.is_migrated
  } finally {
    await database.close()
  }
}

it(
  'a first start that was killed is continued by the next start, and a partial demo is never served',
  async () => {
    const dataDir = embeddedDataDir({ DATA_DIR: folder })
    await crashServiceWhen(settings, () => exists(join(dataDir, 'base')))
    // What was unpacked is whole, and has the migrations that were prepared.
    expect(await isMigrated()).toBe(true)

    await rm(dataDir, { recursive: true })
    await unpackPreparedBase(dataDir, 'empty')
    const newest = (await readMigrations(MIGRATIONS_FOLDER)).at(-1)!.tag
    await crashServiceWhen(settings, (lines) => lines.some((line) => line.startsWith(newest)))
    const { tenants, incidents } = await readDemo()
    expect([tenants, incidents > 0]).toEqual(tenants === 0 ? [0, false] : [2, true])

    const service = await startService(settings, ROOT, [COMPILED_ONCE])
    expect((await fetch(`${service.url}/ready`)).status).toBe(200)
    await service.stop()
    const complete = await readDemo()
    expect([complete.tenants, complete.incidents > 0]).toEqual([3, true])
  },
  TIMEOUT_MS,
)
