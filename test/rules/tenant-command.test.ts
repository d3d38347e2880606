import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { decodeJwt } from 'jose'
import { beforeAll, describe, expect, inject, it } from 'vitest'
import { developmentUserId } from '../../src/cli/demo-users.ts'
import { openEmbedded } from '../../src/platform/db/engine/embedded.ts'
import { embeddedDataDir } from '../../src/platform/db/open.ts'
import { environment, ROOT, runCommandFile, runScript } from '../support/command.ts'
import { makeDataDir } from '../support/data-dir.ts'
import { COMPILED_ONCE } from '../support/node-flags.ts'
import { copyTemplate, dropDatabase, urlOf } from '../support/server-databases.ts'
import '../support/provided.ts'
import { patience } from '../support/patience.ts'

/** Each command that opens the embedded engine takes seconds beside other tests. */
const COMMANDS_TIMEOUT_MS = patience(120_000)

let settings: Record<string, string>

/** A migrated database without data: on the server a copy of the template, else in a data folder. */
beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'muster-tenant-'))
  const prepared = inject('database')
  settings = { DATA_DIR: folder }
  if (prepared.engine === 'embedded') {
    await makeDataDir(folder, prepared.cacheDir)
    const database = await openEmbedded({
      dataDir: embeddedDataDir({ DATA_DIR: folder }),
      loadDataDir: new Blob([await readFile(prepared.dump)]),
    })
    await database.close()
    return () => rm(folder, { recursive: true, force: true })
  }
  const name = await copyTemplate(prepared.url, prepared.template)
  settings = { ...settings, DATABASE_URL: urlOf(prepared.url, name) }
  return async () => {
    await dropDatabase(prepared.url, name)
    await rm(folder, { recursive: true, force: true })
  }
})

const UUID = '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}'

async function createTenant(...words: string[]): Promise<{ tenant: string; admin: string }> {
  const { code, stdout, stderr } = await runScript('tenant', words, settings)
  expect(code, stderr).toBe(0)
  const [, tenant, admin] = stdout.match(new RegExp(`^tenant (${UUID})\nadmin {2}(${UUID})\n$`)) ?? []
  return { tenant: tenant!, admin: admin! }
}

/** Starts the service, gives its address to `work`, and stops it. */
async function withService(work: (address: string) => Promise<void>): Promise<void> {
  const service = spawn(process.execPath, [COMPILED_ONCE, join(ROOT, 'src/main.ts')], {
    cwd: settings.DATA_DIR,
    env: environment({ ...settings, PORT: '0', LOG_LEVEL: 'silent' }),
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = once(service, 'exit')
  try {
    for await (const line of createInterface(service.stdout)) {
      const [, address] = line.match(/listens on (http:\S+)/) ?? []
      if (address) return await work(address)
    }
    throw new Error('The service ended before it listened.')
  } finally {
    service.kill('SIGTERM')
    await ended
  }
}

describe('npm run tenant', () => {
  it('makes a tenant whose admin signs in with npm run token', { timeout: COMMANDS_TIMEOUT_MS }, async () => {
    const made = await createTenant('North Watch', 'boss@example.org')
    expect(made.admin).toBe(developmentUserId('boss@example.org'))

    const token = await runCommandFile('token', ['BOSS@example.org'], settings)
    expect(token.code, token.stderr).toBe(0)
    expect(decodeJwt(token.stdout)).toMatchObject({ sub: made.admin, email: 'boss@example.org' })

    await withService(async (address) => {
      // On the embedded engine the service has the database now.
      const again = await runScript('token', ['boss@example.org'], settings)
      const response = await fetch(`${address}/v1/me`, {
        headers: { authorization: `Bearer ${again.stdout.trim()}` },
      })
      expect(await response.json()).toMatchObject({
        id: made.admin,
        tenant_id: made.tenant,
        tenant_name: 'North Watch',
        role: 'admin',
        name: 'boss',
        email: 'boss@example.org',
      })
    })
  })
})
