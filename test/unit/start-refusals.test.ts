import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'

/** What cannot start says why in a line: a stack would bury it. */
let folder: string
let takenPort: number
const taken = createServer()

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'muster-start-'))
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve))
  takenPort = (taken.address() as { port: number }).port
})
afterAll(async () => {
  taken.close()
  await rm(folder, { recursive: true, force: true })
})

const start = (settings: Record<string, string>): Promise<{ code: unknown; stderr: string }> =>
  new Promise((resolve) => {
    const env = {
      PATH: process.env.PATH,
      NODE_ENV: 'development',
      DATA_DIR: join(folder, 'data'),
      ...settings,
    }
    execFile(process.execPath, ['src/main.ts'], { env }, (error, _stdout, stderr) =>
      resolve({ code: error?.code, stderr }),
    )
  })

const SECRET = 'the secret of the tests, at least 32 characters long'

it('a port that is taken', async () => {
  const { code, stderr } = await start({ PORT: String(takenPort), LOG_LEVEL: 'silent' })
  expect(code).toBe(1)
  expect(stderr.trim()).toBe(`listen EADDRINUSE: address already in use 127.0.0.1:${takenPort}`)
})

it('a database that does not answer', async () => {
  const { code, stderr } = await start({
    DATABASE_URL: 'postgres://nobody@127.0.0.1:1/nothing',
    JWT_SECRET: SECRET,
  })
  expect(code).toBe(1)
  expect(stderr.trim().split('\n')).toEqual([expect.stringMatching(/^The database connection/)])
})

it('callers’ sessions without a login for background work', async () => {
  const { code, stderr } = await start({
    DATABASE_API_URL: 'postgres://nobody@127.0.0.1:1/nothing',
    JWT_SECRET: SECRET,
  })
  expect(code).toBe(1)
  expect(stderr.trim()).toBe('Without DATABASE_URL, DATABASE_API_URL needs DATABASE_WORKER_URL beside it.')
})

it('a time that no timer can hold', async () => {
  const { stderr } = await start({ SHUTDOWN_TIMEOUT_MS: '1000000000000', JWT_SECRET: SECRET })
  expect(stderr).toMatch(/^Settings that cannot be used:\n {2}SHUTDOWN_TIMEOUT_MS: /)
})
