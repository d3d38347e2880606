import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { describe, expect, onTestFinished, test } from 'vitest'
import { ConfigError, readConfig } from '../../src/config.ts'
import { resolveTokenSettings, type TokenKeys } from '../../src/platform/auth/development-secret.ts'

const SECRET = 'a configured secret that is longer than 32 bytes'
const CHILD = fileURLToPath(new URL('../support/print-development-secret.ts', import.meta.url))

/** A folder that does not exist yet, like the default one in a fresh checkout. */
async function freshDataDir(): Promise<string> {
  const parent = await mkdtemp(join(tmpdir(), 'muster-secret-'))
  onTestFinished(() => rm(parent, { recursive: true }))
  return join(parent, 'data')
}

async function keysOf(environment: Record<string, string>): Promise<TokenKeys> {
  const { keys } = await resolveTokenSettings(readConfig(environment))
  return keys
}

async function secretOf(environment: Record<string, string>): Promise<string> {
  const keys = await keysOf(environment)
  if (keys.kind !== 'secret') throw new Error('not a secret')
  return keys.secret
}

describe('what is configured', () => {
  test('JWT_SECRET is used as it stands, and nothing is written', async () => {
    const dataDir = await freshDataDir()
    expect(await keysOf({ JWT_SECRET: SECRET, DATA_DIR: dataDir })).toEqual({
      kind: 'secret',
      secret: SECRET,
    })
    await expect(stat(dataDir)).rejects.toMatchObject({ code: 'ENOENT' })
  })

  test('JWKS_URL is used in production too', async () => {
    const url = 'https://auth.example.com/.well-known/jwks.json'
    expect(await keysOf({ JWKS_URL: url, NODE_ENV: 'production' })).toEqual({
      kind: 'jwks',
      url: new URL(url),
    })
  })

  test('JWT_SECRET beside JWKS_URL is for the tokens that a key set does not sign', async () => {
    const url = 'https://auth.example.com/.well-known/jwks.json'
    expect(await keysOf({ JWKS_URL: url, JWT_SECRET: SECRET })).toEqual({
      kind: 'jwks',
      url: new URL(url),
      secret: SECRET,
    })
  })

  test('a JWKS_URL with a name and password is refused, and not repeated', async () => {
    const refused = keysOf({ JWKS_URL: 'https://name:hidden@auth.example.com/jwks.json' })
    await expect(refused).rejects.toBeInstanceOf(ConfigError)
    await expect(refused).rejects.not.toThrow(/hidden/)
  })

  test('issuer, audience and tolerance are passed on', async () => {
    const config = readConfig({
      JWT_SECRET: SECRET,
      JWT_ISSUER: 'https://auth.example.com/auth/v1',
      JWT_AUDIENCE: 'muster',
      JWT_CLOCK_TOLERANCE_SECONDS: '7',
    })
    expect(await resolveTokenSettings(config)).toMatchObject({
      issuer: 'https://auth.example.com/auth/v1',
      audience: 'muster',
      clockToleranceSeconds: 7,
    })
  })
})

describe('with nothing configured', () => {
  test('production does not start, says what to set, and makes no secret', async () => {
    const dataDir = await freshDataDir()
    const refused = keysOf({ NODE_ENV: 'production', DATA_DIR: dataDir })
    await expect(refused).rejects.toBeInstanceOf(ConfigError)
    await expect(refused).rejects.toThrow(/JWT_SECRET.*JWKS_URL/)
    await expect(stat(dataDir)).rejects.toMatchObject({ code: 'ENOENT' })
  })

  test('production does not start on a secret left by development', async () => {
    const dataDir = await freshDataDir()
    await keysOf({ DATA_DIR: dataDir })
    await expect(keysOf({ NODE_ENV: 'production', DATA_DIR: dataDir })).rejects.toBeInstanceOf(ConfigError)
  })

  test.each(['development', 'test'])('%s makes a secret of 32 random bytes and keeps it', async (mode) => {
    const dataDir = await freshDataDir()
    const keys = await keysOf({ NODE_ENV: mode, DATA_DIR: dataDir })
    expect(keys).toEqual({
      kind: 'secret',
      secret: expect.stringMatching(/^[\w-]{43}$/),
    })
    expect(await keysOf({ NODE_ENV: mode, DATA_DIR: dataDir })).toEqual(keys)
    expect(await readdir(dataDir)).toEqual(['jwt-secret'])
  })

  test('development is the default', async () => {
    expect(await secretOf({ DATA_DIR: await freshDataDir() })).toHaveLength(43)
  })

  test('two folders have two secrets', async () => {
    const [one, other] = [await freshDataDir(), await freshDataDir()]
    expect(await secretOf({ DATA_DIR: one })).not.toBe(await secretOf({ DATA_DIR: other }))
  })
})

describe('the kept file', () => {
  test('can be read by its owner only, even where files are born open', async () => {
    const dataDir = await freshDataDir()
    const mask = process.umask(0)
    onTestFinished(() => {
      process.umask(mask)
    })
    await keysOf({ DATA_DIR: dataDir })
    expect((await stat(join(dataDir, 'jwt-secret'))).mode & 0o777).toBe(0o600)
    expect((await stat(dataDir)).mode & 0o777).toBe(0o700)
  })

  test('is closed again when a copy made it readable', async () => {
    const dataDir = await freshDataDir()
    const secret = await secretOf({ DATA_DIR: dataDir })
    await chmod(join(dataDir, 'jwt-secret'), 0o644)
    expect(await secretOf({ DATA_DIR: dataDir })).toBe(secret)
    expect((await stat(join(dataDir, 'jwt-secret'))).mode & 0o777).toBe(0o600)
  })

  test('may have been through an editor', async () => {
    const dataDir = await freshDataDir()
    const secret = await secretOf({ DATA_DIR: dataDir })
    await writeFile(join(dataDir, 'jwt-secret'), `  ${secret}\r\n\n`)
    expect(await secretOf({ DATA_DIR: dataDir })).toBe(secret)
  })

  test.each([
    ['empty', ''],
    ['cut off', 'abc'],
    ['too long', 'a'.repeat(44)],
    ['something else', '{"secret":"0123456789012345678901234567890123"}'],
  ])('is not used, nor replaced, when it is %s', async (_what, content) => {
    const dataDir = await freshDataDir()
    await mkdir(dataDir)
    await writeFile(join(dataDir, 'jwt-secret'), content)
    await expect(keysOf({ DATA_DIR: dataDir })).rejects.toBeInstanceOf(ConfigError)
    expect(await readFile(join(dataDir, 'jwt-secret'), 'utf8')).toBe(content)
  })

  test.each(['a file in place of the folder', 'a folder in place of the file'])(
    '%s is a clear error',
    async (what) => {
      const dataDir = await freshDataDir()
      if (what.startsWith('a file')) await writeFile(dataDir, '')
      else await mkdir(join(dataDir, 'jwt-secret'), { recursive: true })
      const refused = keysOf({ DATA_DIR: dataDir })
      await expect(refused).rejects.toBeInstanceOf(ConfigError)
      await expect(refused).rejects.toThrow(/JWT_SECRET/)
    },
  )
})

describe('starting at once', () => {
  test('two processes agree on one secret, and leave nothing else behind', async () => {
    for (let round = 0; round < 3; round += 1) {
      const dataDir = await freshDataDir()
      const children = [startChild(dataDir), startChild(dataDir)]
      await Promise.all(children.map(whenReady))
      for (const child of children) child.stdin.end('go\n')
      const [one, other] = await Promise.all(children.map((child) => text(child.stdout)))
      expect(one).toMatch(/^[\w-]{43}$/)
      expect(other).toBe(one)
      expect(await readdir(dataDir)).toEqual(['jwt-secret'])
    }
  })

  test('nobody who looks in between sees a file that is not finished', async () => {
    const dataDir = await freshDataDir()
    let made = false
    const making = secretOf({ DATA_DIR: dataDir }).finally(() => {
      made = true
    })
    const seen = new Set<number>()
    while (!made) {
      await nextTurn()
      const path = join(dataDir, 'jwt-secret')
      if (existsSync(path)) seen.add(readFileSync(path, 'utf8').trim().length)
    }
    await making
    expect(seen).toEqual(new Set([43]))
  })

  test('so do twenty starts in one process', async () => {
    const dataDir = await freshDataDir()
    const secrets = await Promise.all(Array.from({ length: 20 }, () => secretOf({ DATA_DIR: dataDir })))
    expect(new Set(secrets).size).toBe(1)
    expect(await readdir(dataDir)).toEqual(['jwt-secret'])
  })
})

type Child = ChildProcessByStdio<Writable, Readable, null>

function startChild(dataDir: string): Child {
  const child = spawn(process.execPath, [CHILD, dataDir], { stdio: ['pipe', 'pipe', 'inherit'] })
  onTestFinished(() => {
    child.kill()
  })
  return child
}

async function whenReady(child: Child): Promise<void> {
  const ended = once(child, 'exit').then(() => {
    throw new Error('the process ended before it was ready')
  })
  await Promise.race([once(child.stdout, 'data'), ended])
}
