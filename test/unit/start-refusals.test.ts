import { execFile } from 'node:child_process'
import { access, chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { explain } from '../../src/cli/command.ts'
import { MigrationError } from '../../src/platform/db/migrations/migration-error.ts'

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

interface Ended {
  code: unknown
  stdout: string
  stderr: string
}

const start = (
  settings: Record<string, string>,
  program: readonly string[] = ['src/main.ts'],
): Promise<Ended> =>
  new Promise((resolve) => {
    const env = {
      PATH: process.env.PATH,
      NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE,
      NODE_ENV: 'development',
      DATA_DIR: join(folder, 'data'),
      PORT: '0',
      ...settings,
    }
    execFile(process.execPath, program, { env }, (error, stdout, stderr) =>
      resolve({ code: error?.code, stdout, stderr }),
    )
  })

const SECRET = 'the secret of the tests, at least 32 characters long'
/** Nobody listens there, so nothing is started whatever the settings let through. */
const NOWHERE = '127.0.0.1:1'
const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  )

it('a port that is taken: before the database is made', async () => {
  const dataDir = join(folder, 'not-made')
  const { code, stderr } = await start({ PORT: String(takenPort), DATA_DIR: dataDir, LOG_LEVEL: 'silent' })
  expect(code).toBe(1)
  expect(stderr.trim().split('\n')).toEqual([expect.stringContaining(`Port ${takenPort} of 127.0.0.1`)])
  expect(stderr).toContain('EADDRINUSE')
  expect(await exists(dataDir)).toBe(false)
})

it('an address that is not of this machine', async () => {
  // 192.0.2.0/24 is for documentation (RFC 5737): no machine has it.
  const { code, stderr } = await start({ HOST: '192.0.2.1' })
  expect([code, stderr]).toEqual([1, expect.stringContaining('EADDRNOTAVAIL')])
})

it('a database that does not answer, by its address, and without the password', async () => {
  const { code, stdout, stderr } = await start({
    DATABASE_URL: `postgres://nobody:a-password@${NOWHERE}/nothing`,
    JWT_SECRET: SECRET,
  })
  expect(code).toBe(1)
  expect(stderr.trim().split('\n')).toEqual([expect.stringContaining(`ECONNREFUSED ${NOWHERE}`)])
  expect(stdout.trim().split('\n')).toEqual([expect.stringContaining(`nobody@${NOWHERE}/nothing`)])
  expect(stdout + stderr).not.toContain('a-password')
})

it('a host that does not exist', async () => {
  const { code, stderr } = await start({
    DATABASE_URL: 'postgres://nobody@database.invalid/nothing',
    JWT_SECRET: SECRET,
  })
  expect([code, stderr]).toEqual([1, expect.stringMatching(/(?:ENOTFOUND|EAI_AGAIN) database\.invalid:5432/)])
})

it('callers’ sessions without a login for background work', async () => {
  const { code, stderr } = await start({
    DATABASE_API_URL: `postgres://nobody@${NOWHERE}/nothing`,
    JWT_SECRET: SECRET,
  })
  expect(code).toBe(1)
  expect(stderr.trim()).toBe(
    'Set DATABASE_WORKER_URL as well: without DATABASE_URL, DATABASE_API_URL needs it.',
  )
})

it('production whose DATABASE_URL is mistyped, in the environment or in .env', async () => {
  const production = { NODE_ENV: 'production', JWT_SECRET: SECRET, DATA_DIR: join(folder, 'not-served') }
  const mistyped = await start({ ...production, DATABSE_URL: `postgres://nobody@${NOWHERE}/nothing` })
  expect(mistyped).toMatchObject({ code: 1, stdout: '' })
  expect(mistyped.stderr).toMatch(/^DATABSE_URL .*DATABASE_URL/)
  expect(mistyped.stderr).toContain('EMBEDDED=true')

  await writeFile(join(folder, '.env'), 'DATABASE_ULR=postgres://nobody@localhost/nothing\n')
  const inFile = await start(production, [`--env-file=${join(folder, '.env')}`, 'src/main.ts'])
  expect(inFile).toMatchObject({ code: 1, stderr: expect.stringMatching(/^DATABASE_ULR .*DATABASE_URL/) })
  expect(await exists(production.DATA_DIR)).toBe(false)
})

it('a database named twice', async () => {
  const { stderr } = await start({ EMBEDDED: 'true', DATABASE_URL: `postgres://nobody@${NOWHERE}/nothing` })
  expect(stderr).toContain('EMBEDDED')
})

it.each([
  ['a character of a password that is not encoded', 'postgres://nobody:pa#ss@host/nothing'],
  ['a percent sign that encodes nothing', 'postgres://nobody:pa%ss@host/nothing'],
  ['another kind of database', 'mysql://nobody@host/nothing'],
])('an address with %s, by its form', async (_what, url) => {
  const { code, stderr } = await start({ DATABASE_URL: url })
  expect(code).toBe(1)
  expect(stderr.trim().split('\n')).toEqual([
    'Settings that cannot be used:',
    expect.stringMatching(/^ {2}DATABASE_URL: .*postgres:\/\/user:password@host/),
  ])
})

it('a data folder that cannot be one, or that is everybody’s', async () => {
  const inFile = join(folder, 'file', 'data')
  await writeFile(join(folder, 'file'), '')
  const noFolder = await start({ DATA_DIR: inFile, JWT_SECRET: SECRET })
  expect(noFolder.stderr.trim().split('\n')).toEqual([expect.stringContaining(`${inFile} `)])
  expect(noFolder.stderr).toMatch(/ENOTDIR.*DATA_DIR/)

  const shared = join(folder, 'shared')
  await mkdir(shared)
  await chmod(shared, 0o755)
  await writeFile(join(shared, 'of-somebody-else'), '')
  const refused = await start({ DATA_DIR: shared, JWT_SECRET: SECRET })
  expect(refused).toMatchObject({ code: 1, stderr: expect.stringMatching(/mode 755.*DATA_DIR/) })
  expect(await readdir(shared)).toEqual(['of-somebody-else'])
})

it('a Node that is too old, whoever starts it', async () => {
  const old = `data:text/javascript,Object.defineProperty(process,'versions',{value:{...process.versions,node:'20.19.0'}})`
  const { code, stderr } = await start({}, ['--import', old, 'start.js'])
  expect(code).toBe(1)
  expect(stderr.trim().split('\n')).toEqual([expect.stringMatching(/^Muster needs Node .*20\.19\.0/)])
})

it('a time that no timer can hold', async () => {
  const { stderr } = await start({ SHUTDOWN_TIMEOUT_MS: '1000000000000', JWT_SECRET: SECRET })
  expect(stderr).toMatch(/^Settings that cannot be used:\n {2}SHUTDOWN_TIMEOUT_MS: /)
})

it.each([
  [
    'a call that the program got wrong',
    Object.assign(new TypeError('wrong'), { code: 'ERR_INVALID_ARG_TYPE' }),
  ],
  ['a statement that the program got wrong', Object.assign(new Error('syntax error'), { code: '42601' })],
  ['a file of the program that is not there', Object.assign(new Error('no such file'), { code: 'ENOENT' })],
])('%s is told with its stack', (_what, error) => {
  expect(explain(error)).toBe(error)
})

it.each(['ECONNREFUSED', 'EACCES', 'ENOSPC', '28P01', '53300', '42501'])('%s is told in a line', (code) => {
  expect(explain(Object.assign(new Error('said by the system'), { code }))).toBe('said by the system')
})

it.each([
  ['no right to make PostGIS', '42501', /create extension if not exists postgis/],
  ['a server without PostGIS', '0A000', /install it/],
])('%s is told with what to do', (_what, code, advice) => {
  const cause = Object.assign(new Error('refused'), { code })
  const error = new MigrationError('statement_failed', 'foundation: extension "postgis"', { cause })
  expect(explain(error)).toMatch(advice)
})
