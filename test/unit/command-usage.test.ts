import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { useCommands } from '../support/command.ts'

/** What commands say of words and settings that they cannot use: no database is asked. */
const NOBODY_ANSWERS = { DATABASE_URL: 'postgres://127.0.0.1:1/none' }
const SOMEBODY = '0198f3c2-7a44-7cc1-9d0e-3f5b2a6c1e01'
const STACK = /^\s+at /m

const runCommand = useCommands()
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'muster-usage-'))
  return () => rm(folder, { recursive: true, force: true })
})

const run = (
  command: 'backup' | 'db' | 'restore' | 'tenant' | 'upkeep',
  words: readonly string[],
  settings: Record<string, string>,
) => runCommand(command, words, { DATA_DIR: folder, ...settings })

describe('npm run db:*', () => {
  it.each([
    ['', 'Which command?'],
    ['explode', 'no command explode'],
    ['constructor', 'no command constructor'],
    ['migrate one two', 'Not understood: two'],
    ['status now', 'Not understood: now'],
    ['rollback 0', '0 is no number'],
    ['rollback 1.5', '1.5 is no number'],
    ['migrate --force', '--force'],
    ['migrate --yes', 'takes no --yes'],
  ])('does not understand %j', async (words, message) => {
    const outcome = await run('db', words.split(' ').filter(Boolean), NOBODY_ANSWERS)
    expect(outcome).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining(message) })
    expect(outcome.stderr).toContain('Usage: ')
  })

  it.each([
    ['backup', '--keep 0', '--keep takes a whole number'],
    ['backup', '--keep-days week', '--keep-days takes a whole number'],
    ['backup', 'now', 'now'],
    ['restore', 'one two', 'Not understood: two'],
    ['restore', '--force', '--force'],
  ] as const)('does not understand %s %j', async (command, words, message) => {
    const outcome = await run(command, words.split(' '), NOBODY_ANSWERS)
    expect(outcome).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining(message) })
    expect(outcome.stderr).toContain('Usage: ')
  })

  it.each([
    ['settings that cannot be used', { DATABASE_URL: 'mysql://127.0.0.1/x' }, 'DATABASE_URL'],
    ['a server that is not there', NOBODY_ANSWERS, 'connection'],
  ])('says why, without a stack, at %s', async (_, settings, message) => {
    const outcome = await run('db', ['status'], settings)
    expect(outcome).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining(message) })
    expect(outcome.stderr).not.toMatch(STACK)
  })
})

describe('npm run tenant', () => {
  it.each([
    [[], 'needs a name'],
    [['Only a name'], 'needs a name'],
    [['', 'boss@example.org'], '1 to 200'],
    [['Name', 'boss'], 'boss is no e-mail address'],
    [['Name', 'boss@example.org', '12'], '12 is no user id'],
    [['Name', 'boss@example.org', SOMEBODY, 'more'], 'Not understood: more'],
  ])('does not understand %j', async (words, message) => {
    const outcome = await run('tenant', words, NOBODY_ANSWERS)
    expect(outcome).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining(message) })
    expect(outcome.stderr).toContain('Usage: ')
  })
})

describe('npm run db:analyze and db:vacuum', () => {
  it.each([
    ['', 'analyze or vacuum'],
    ['vacuum --run', '--run and --as'],
    ['analyze --as guard@example.com', '--run and --as'],
    ['analyze --freeze', '--freeze'],
    ['analyze --quickly', '--quickly'],
  ])('do not understand %j', async (words, message) => {
    const outcome = await run('upkeep', words.split(' ').filter(Boolean), NOBODY_ANSWERS)
    expect(outcome).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining(message) })
  })
})
