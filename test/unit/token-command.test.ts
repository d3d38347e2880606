import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { decodeJwt } from 'jose'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { developmentUserId, findDemoUser } from '../../src/cli/demo-users.ts'
import { readConfig } from '../../src/config.ts'
import { DEMO_USERS } from '../../src/guarding/demo/users.ts'
import { resolveTokenSettings } from '../../src/platform/auth/development-secret.ts'
import { createVerifier } from '../../src/platform/auth/verifier.ts'
import { claimDataFolder } from '../../src/platform/db/engine/data-folder.ts'
import { embeddedDataDir } from '../../src/platform/db/open.ts'
import { runScript, useCommands } from '../support/command.ts'

const runCommand = useCommands()
let folder: string
let count = 0
let dataDir: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'muster-token-'))
  return () => rm(folder, { recursive: true, force: true })
})

beforeEach(() => {
  count += 1
  dataDir = join(folder, String(count))
})

const token = (words: string, settings: Record<string, string> = {}) =>
  runCommand('token', words.split(' ').filter(Boolean), { DATA_DIR: dataDir, ...settings })

const SOMEBODY = '0198f3c2-7a44-7cc1-9d0e-3f5b2a6c1e01'
const STACK = /^\s+at /m

describe('npm run token', () => {
  it('prints a token that the service takes, and nothing else', async () => {
    const { code, stdout } = await runScript('token', ['guard@example.com'], { DATA_DIR: dataDir })
    expect(code).toBe(0)
    expect(stdout).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+\n$/)
    const verifier = createVerifier(await resolveTokenSettings(readConfig({ DATA_DIR: dataDir })))
    const caller = await verifier.verify(stdout.trim())
    expect(caller).toMatchObject({
      role: 'authenticated',
      userId: findDemoUser('guard@example.com')?.id,
      claims: { email: 'guard@example.com' },
    })
  })

  it('signs with the settings of the service', async () => {
    const settings = {
      JWT_SECRET: 'a secret of the tests that is longer than 32 bytes',
      JWT_ISSUER: 'https://issuer.example',
      JWT_AUDIENCE: 'guards',
    }
    const { stdout } = await token('admin@example.com', settings)
    const verifier = createVerifier(await resolveTokenSettings(readConfig(settings)))
    const { claims } = await verifier.verify(stdout.trim())
    expect(claims).toMatchObject({ iss: settings.JWT_ISSUER, aud: settings.JWT_AUDIENCE })
  })

  it('takes whoever has an id, and somebody who is about to register: always the same', async () => {
    const given = await token(`new@example.org ${SOMEBODY}`)
    expect(decodeJwt(given.stdout)).toMatchObject({ sub: SOMEBODY, email: 'new@example.org' })
    const first = await token('new@example.org --new')
    const again = await token('New@Example.org --new')
    expect(first.code).toBe(0)
    expect(decodeJwt(first.stdout).sub).toBe(decodeJwt(again.stdout).sub)
    expect(decodeJwt(first.stdout).sub).toBe(developmentUserId('new@example.org'))
  })

  it('prints a key for supabase-js, which says nothing of anybody', async () => {
    const { code, stdout } = await token('--anon')
    expect(code).toBe(0)
    const verifier = createVerifier(await resolveTokenSettings(readConfig({ DATA_DIR: dataDir })))
    expect(await verifier.verify(stdout.trim())).toMatchObject({ role: 'anon', userId: null })
    const { iat, exp } = decodeJwt(stdout.trim())
    expect((exp! - iat!) / 86_400 / 365).toBe(10)
    expect(await token('--anon', { NODE_ENV: 'production' })).toMatchObject({ code: 1, stdout: '' })
  })

  it.each([
    ['in production', { NODE_ENV: 'production' }, 'In production'],
    [
      'in production, with a secret too',
      { NODE_ENV: 'production', JWT_SECRET: 'x'.repeat(32) },
      'In production',
    ],
    ['where an issuer signs', { JWKS_URL: 'https://issuer.example/keys' }, 'https://issuer.example/keys'],
    ['with settings that cannot be used', { JWT_SECRET: 'short' }, 'JWT_SECRET'],
    [
      'without a login that may look users up',
      { DATABASE_API_URL: 'postgres://127.0.0.1:1/none' },
      'DATABASE_WORKER_URL',
    ],
    ['without the server', { DATABASE_URL: 'postgres://127.0.0.1:1/none' }, 'connection'],
  ])('makes none %s, and says why', async (_, settings, reason) => {
    const outcome = await token('guard@example.com', settings)
    expect(outcome).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining(reason) })
    expect(outcome.stderr).not.toMatch(STACK)
  })

  it.each([
    ['', 'Whose token?'],
    ['nobody', 'nobody is no e-mail address'],
    ['a@example.com 12', '12 is no user id'],
    [`a@example.com ${SOMEBODY} more`, 'Not understood: more'],
    [`a@example.com ${SOMEBODY} --new`, 'either a user id or --new'],
    ['a@example.com --anon', 'either an e-mail address or --anon'],
    ['a@example.com --admin', '--admin'],
  ])('%j is not understood', async (words, message) => {
    const outcome = await token(words)
    expect(outcome).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining(message) })
    expect(outcome.stderr).toContain('Usage: ')
  })

  it('knows the demo’s users before there is a database, and nobody else', async () => {
    const outcome = await token('boss@example.org')
    expect(outcome).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('npm start') })
    expect((await token('Guard2@example.com')).code).toBe(0)
  })

  it('works beside the service, which has the embedded database open', async () => {
    const release = await claimDataFolder(dataDir)
    await mkdir(embeddedDataDir({ DATA_DIR: dataDir }), { mode: 0o700 })
    try {
      for (const { email, id } of DEMO_USERS) {
        const outcome = await token(email)
        expect(decodeJwt(outcome.stdout)).toMatchObject({ sub: id, email })
        expect(outcome).toMatchObject({ code: 0, stderr: '' })
      }
      const other = await token('boss@example.org')
      expect(decodeJwt(other.stdout).sub).toBe(developmentUserId('boss@example.org'))
      expect(other).toMatchObject({
        code: 0,
        stderr: expect.stringContaining('boss@example.org was not looked up'),
      })
    } finally {
      await release()
    }
  })
})
