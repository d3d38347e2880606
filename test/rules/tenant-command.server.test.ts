import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { decodeJwt } from 'jose'
import { beforeAll, expect, inject, it, onTestFinished } from 'vitest'
import { developmentUserId } from '../../src/cli/demo-users.ts'
import { useCommands } from '../support/command.ts'
import { useTestDatabase } from '../support/database.ts'
import { copyTemplate, dropDatabase, urlOf } from '../support/server-databases.ts'
import '../support/provided.ts'

const SOMEBODY = '0198f3c2-7a44-7cc1-9d0e-3f5b2a6c1e01'

const database = useTestDatabase()
const runCommand = useCommands()
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'muster-people-'))
  return () => rm(folder, { recursive: true, force: true })
})

const run = (command: 'tenant' | 'token', ...words: string[]) =>
  runCommand(command, words, { DATA_DIR: folder, DATABASE_URL: database().ownerUrl! })

it('one address may be that of several users, and one id is one user', async () => {
  const address = 'twice@example.org'
  const id = developmentUserId(address)
  expect((await run('tenant', 'First', address)).stdout).toContain(`admin  ${id}`)
  expect(await run('tenant', 'Second', address)).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringContaining('already registered'),
  })
  expect((await run('tenant', 'Second', address, SOMEBODY)).stdout).toContain(`admin  ${SOMEBODY}`)
  const tenants = await database().owner.query('select name from tenants order by name')
  expect(tenants).toEqual([{ name: 'First' }, { name: 'Second' }])

  const both = await run('token', address)
  expect(both).toMatchObject({ code: 1, stdout: '' })
  expect(both.stderr).toContain(`${id}  admin of First`)
  expect(both.stderr).toContain(`${SOMEBODY}  admin of Second`)

  await database().owner.query('update users set deleted_at = now() where id = $1', [id])
  expect(decodeJwt((await run('token', address)).stdout).sub).toBe(SOMEBODY)
})

it('nobody gets the token of a user who is not there', async () => {
  expect(await run('token', 'nobody@example.org')).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringContaining('--new'),
  })
})

it('a database without migrations is said to be one', async () => {
  const prepared = inject('database')
  if (prepared.engine !== 'server') throw new Error('This file is for the server.')
  const name = await copyTemplate(prepared.url, 'template0')
  onTestFinished(() => dropDatabase(prepared.url, name))
  const DATABASE_URL = urlOf(prepared.url, name)
  expect(await runCommand('token', ['a@example.org'], { DATA_DIR: folder, DATABASE_URL })).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringContaining('not migrated'),
  })
})
