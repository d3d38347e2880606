import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { expect, inject, onTestFinished, test, vi } from 'vitest'
import { openServer } from '../../src/platform/db/engine/server.ts'
import { openTestDatabase } from './database.ts'
import { patience } from './patience.ts'
import { startPostgres } from './postgres-server.ts'
import { dropDatabase, urlOf } from './server-databases.ts'

/** A program starts and connects in far less, also on a busy machine. */
const SOON_MS = patience(20_000)

const prepared = inject('database')
if (prepared.engine !== 'server') throw new Error('This file is for the server project.')
const { url, template } = prepared

test('many copies can be made at once, and none is left', async () => {
  const databases = await Promise.all(Array.from({ length: 8 }, () => openTestDatabase()))
  const names = databases.map(({ ownerUrl }) => new URL(ownerUrl ?? '').pathname.slice(1))
  expect(new Set(names).size).toBe(8)
  await Promise.all(databases.map((database) => database.close()))

  const server = openServer({ url, max: 1 })
  const left = await server.query('select datname from pg_database where datname = any($1)', [`{${names}}`])
  await server.close()
  expect(left).toEqual([])
})

test('nobody can connect to the template', async () => {
  const server = openServer({ url: urlOf(url, template), max: 1 })
  await expect(server.query('select 1')).rejects.toMatchObject({ code: '55000' })
  await server.close()
})

test('a database that someone still streams changes from is dropped all the same', async () => {
  const postgres = await startPostgres()
  onTestFinished(postgres.stop)
  const server = openServer({ url: postgres.url, max: 1 })
  onTestFinished(server.close)
  await server.query('create database followed')
  const follower = spawn(
    join(postgres.binDir, 'pg_recvlogical'),
    [
      ...['--dbname', urlOf(postgres.url, 'followed'), '--slot', 'follower', '--plugin', 'test_decoding'],
      ...['--create-slot', '--start', '--no-loop', '--file', '/dev/null'],
    ],
    { stdio: 'ignore' },
  )
  onTestFinished(() => void follower.kill())
  const ended = once(follower, 'exit')
  await vi.waitFor(async () => {
    expect(await server.query('select active from pg_replication_slots')).toEqual([{ active: true }])
  }, SOON_MS)

  await dropDatabase(postgres.url, 'followed')
  await ended
  expect(await server.query('select active from pg_replication_slots')).toEqual([])
  expect(await server.query(`select from pg_database where datname = 'followed'`)).toEqual([])
})
