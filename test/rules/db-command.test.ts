import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { beforeAll, describe, expect, inject, test } from 'vitest'
import { claimDataFolder } from '../../src/platform/db/engine/data-folder.ts'
import { openEmbedded } from '../../src/platform/db/engine/embedded.ts'
import { MIGRATIONS_FOLDER } from '../../src/platform/db/migrations/migration-files.ts'
import { type Outcome, ROOT, runCommandFile, useCommands } from '../support/command.ts'
import { makeDataDir } from '../support/data-dir.ts'
import { openTestDatabase, type TestDatabase } from '../support/database.ts'
import { patience } from '../support/patience.ts'

/** On a server; a command opens the embedded engine in a data folder, by itself. */
let database: TestDatabase | undefined
let settings: Record<string, string>
let folder: string
let tags: string[]

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'muster-command-'))
  const prepared = inject('database')
  if (prepared.engine === 'embedded') {
    settings = { DATA_DIR: join(folder, 'data') }
    await makeDataDir(join(folder, 'data'), prepared.cacheDir)
    // Migrated already, like the server's: first-start.embedded.test.ts migrates from nothing.
    const embedded = await openEmbedded({
      dataDir: join(folder, 'data/pgdata'),
      loadDataDir: new Blob([await readFile(prepared.dump)]),
    })
    await embedded.close()
    // As the service makes it.
    await chmod(join(folder, 'data/pgdata'), 0o700)
  } else {
    database = await openTestDatabase()
    settings = { DATABASE_URL: database.ownerUrl! }
  }
  const journal = JSON.parse(await readFile(join(MIGRATIONS_FOLDER, 'meta/_journal.json'), 'utf8'))
  tags = journal.entries.map(({ tag }: { tag: string }) => tag)
  return async () => {
    await database?.close()
    await rm(folder, { recursive: true, force: true })
  }
})

/** As `db`, after one another in one process. Its folder is the same. */
const runHere = useCommands(() => folder)
const dbAgain = (words: string): Promise<Outcome> => runHere('db', words.split(' '), settings)

/** Not where the project is: a `.env` or `.muster` there is not the test's. */
const db = (words: string, environment: Record<string, string> = settings): Promise<Outcome> =>
  runCommandFile('db', words.split(' ').filter(Boolean), environment, folder)

/** What no migration did. */
async function byHand(script: string): Promise<void> {
  if (database) return database.owner.script(script)
  const embedded = await openEmbedded({ dataDir: join(folder, 'data/pgdata') })
  await embedded.script(script)
  await embedded.close()
}

const lines = (output: string): string[] => output.split('\n').filter(Boolean)
const STACK = /^\s+at /m

describe('db', () => {
  test('migrates, tells the state, verifies and rolls back', { timeout: patience(180_000) }, async () => {
    const newest = tags.at(-1) ?? ''
    const first = await db('migrate')
    expect(first).toMatchObject({ code: 0, stderr: '' })
    expect(lines(first.stdout)).toEqual(['Nothing to apply.'])

    const back = await dbAgain('rollback')
    expect(back).toMatchObject({ code: 0, stderr: '' })
    expect(lines(back.stdout)).toEqual([expect.stringMatching(`^${newest} … rolled back in \\d+ ms$`)])
    const { stdout } = await dbAgain('status')
    expect(lines(stdout)).toEqual(
      tags.map((tag) =>
        expect.stringMatching(tag === newest ? `^pending +${tag}$` : `^applied +${tag}  \\d{4}-.*Z$`),
      ),
    )
    // Each of the embedded engine's takes seconds, and what is found below says the same.
    if (database) {
      const refused = await dbAgain('verify')
      expect(refused).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining(newest) })
      expect(refused.stderr).not.toMatch(STACK)
    }
    expect(lines((await dbAgain(`migrate ${newest}`)).stdout)).toEqual([
      expect.stringMatching(`^${newest} … \\d+ ms$`),
    ])
    if (database) expect(await dbAgain('verify')).toMatchObject({ code: 0, stderr: '' })

    await byHand('alter policy tenants_read on tenants using (true); drop index shifts_client_idx')
    const drifted = await dbAgain('verify')
    expect(drifted).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/changed .*policy tenants_read on public\.tenants/),
    })
    expect(lines(drifted.stderr).filter((line) => line.startsWith('  '))).toEqual([
      expect.stringMatching(/missing +index public\.shifts_client_idx/),
      expect.stringMatching(/changed +policy tenants_read/),
    ])
    expect(drifted.stderr).not.toMatch(STACK)
  })

  test('does not roll back all without --yes, and names the database', async () => {
    // As a program starts it: nobody is at a terminal.
    const refused = await db('rollback all', {
      DATABASE_URL: 'postgres://somebody:a-password@127.0.0.1:1/all',
    })
    expect(refused).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('--yes') })
    expect(refused.stderr).toContain('somebody@127.0.0.1:1/all')
    expect(refused.stderr).not.toContain('a-password')
    // With it, the database is asked.
    const agreed = await db('rollback all --yes', { DATABASE_URL: 'postgres://127.0.0.1:1/none' })
    expect(agreed).toMatchObject({ code: 1, stderr: expect.stringContaining('ECONNREFUSED 127.0.0.1:1') })
  })

  test('db:studio without a server says what it needs', async () => {
    const studio = spawn(process.execPath, [join(ROOT, 'node_modules/drizzle-kit/bin.cjs'), 'studio'], {
      cwd: ROOT,
      env: { PATH: process.env.PATH },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const [stderr, [code]] = await Promise.all([text(studio.stderr), once(studio, 'close')])
    expect(code).toBe(1)
    expect(stderr).toContain('db:studio needs DATABASE_URL')
  })

  test('leaves a data folder alone that another process has', async () => {
    const dataDir = join(folder, 'claimed')
    const release = await claimDataFolder(dataDir)
    const outcome = await db('migrate', { DATA_DIR: dataDir })
    await release()
    expect(outcome).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining(`in use by process ${process.pid}`),
    })
    expect(outcome.stderr).not.toMatch(STACK)
  })
})
