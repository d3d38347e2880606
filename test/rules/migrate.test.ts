import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { readMigrationFiles } from 'drizzle-orm/migrator'
import { beforeEach, describe, expect, test } from 'vitest'
import type { Database } from '../../src/platform/db/engine/database.ts'
import { openServer } from '../../src/platform/db/engine/server.ts'
import {
  MIGRATION_CONNECTION,
  type MigrationProgress,
  migrateDown,
  migrateUp,
  migrationStatus,
  progressLine,
  verifyMigrations,
} from '../../src/platform/db/migrations/migrate.ts'
import { NO_TRANSACTION } from '../../src/platform/db/migrations/migration-files.ts'
import { useTestDatabase } from '../support/database.ts'
import { type MigrationFolder, makeMigrationFolder } from '../support/migration-folder.ts'

const prepared = useTestDatabase()

/** The test database, as if nobody had ever migrated it; what the tests make is in the schema `trial`. */
let database: Database
let folder: MigrationFolder

beforeEach(async () => {
  database = prepared().owner
  await database.script(
    'drop schema if exists drizzle cascade; drop schema if exists trial cascade; create schema trial;',
  )
  folder = await makeMigrationFolder()
})

const up = (target?: string): Promise<string[]> =>
  migrateUp(database, { folder: folder.path, ...(target === undefined ? {} : { target }) })
const down = (steps: number | 'all'): Promise<string[]> =>
  migrateDown(database, steps, { folder: folder.path })
const status = async (): Promise<Record<string, string>> =>
  Object.fromEntries(
    (await migrationStatus(database, { folder: folder.path })).map(({ tag, state }) => [tag, state]),
  )

const tables = async (): Promise<unknown[]> =>
  (
    await database.query(
      `select tablename from pg_tables where schemaname = 'trial' order by tablename collate "C"`,
    )
  ).map(({ tablename }) => tablename)

/** Adds a migration that makes one table, and takes it away again. */
const addTable = (name: string): Promise<string> =>
  folder.add(name, [`create table trial.${name} (id int)`], [`drop table trial.${name}`])

describe('up', () => {
  test('applies what is pending, oldest first, and nothing the second time', async () => {
    const one = await addTable('one')
    const two = await folder.add('two', [
      'create table trial.two ()',
      'alter table trial.one add column n int',
    ])
    expect(await up()).toEqual([one, two])
    expect(await tables()).toEqual(['one', 'two'])
    expect(await up()).toEqual([])
    const three = await addTable('three')
    expect(await up()).toEqual([three])
  })

  test("records what Drizzle's own migrator would", async () => {
    await addTable('one')
    await folder.add('two', ['select 1 -- é', 'select 2'])
    await up()
    const recorded = await database.query(
      'select hash, created_at::text as "when" from drizzle.__drizzle_migrations order by id',
    )
    const expected = readMigrationFiles({ migrationsFolder: folder.path })
    expect(recorded).toEqual(expected.map(({ hash, folderMillis }) => ({ hash, when: String(folderMillis) })))
  })

  test('goes on from a history that Drizzle has begun', async () => {
    const one = await addTable('one')
    const two = await addTable('two')
    const [first] = readMigrationFiles({ migrationsFolder: folder.path })
    await database.script(`
      create schema drizzle;
      create table drizzle.__drizzle_migrations (id serial primary key, hash text not null, created_at bigint);
      insert into drizzle.__drizzle_migrations (hash, created_at) values ('${first?.hash}', ${first?.folderMillis});
    `)
    expect(await status()).toEqual({ [one]: 'applied', [two]: 'pending' })
    expect(await up()).toEqual([two])
    const statuses = await migrationStatus(database, { folder: folder.path })
    expect(statuses.map(({ appliedAt }) => appliedAt)).toEqual([null, expect.stringMatching(/^\d{4}-.*Z$/)])
  })

  test('stops after its target', async () => {
    const one = await addTable('one')
    const two = await addTable('two')
    await addTable('three')
    expect(await up(two)).toEqual([one, two])
    expect(await up(one)).toEqual([])
    await expect(up('nothing')).rejects.toMatchObject({ code: 'unknown_target' })
  })

  test('applies a file whole or not at all, and says where it failed', async () => {
    const one = await addTable('one')
    const two = await folder.add('two', ['create table trial.two ()', 'select 1 / 0'])
    await addTable('three')
    await expect(up()).rejects.toMatchObject({
      code: 'statement_failed',
      message: expect.stringContaining(`${two}.sql, statement 2`),
      cause: expect.objectContaining({ code: '22012' }),
    })
    expect(await tables()).toEqual(['one'])
    expect(Object.values(await status())).toEqual(['applied', 'pending', 'pending'])
    await folder.edit(two, ['create table trial.two ()'])
    expect(await up()).toHaveLength(2)
    expect((await status())[one]).toBe('applied')
  })

  test('names the file when its commit fails', async () => {
    const tag = await folder.add('deferred', [
      'create table trial.one (id int, constraint one_once unique (id) deferrable initially deferred)',
      'insert into trial.one values (1), (1)',
    ])
    await expect(up()).rejects.toMatchObject({
      code: 'statement_failed',
      message: expect.stringContaining(`${tag}.sql, at its commit`),
      cause: expect.objectContaining({ code: '23505' }),
    })
    expect(await status()).toEqual({ [tag]: 'pending' })
  })

  test('gives every file the same settings', async () => {
    const names = ['search_path', 'TimeZone', 'lock_timeout', 'statement_timeout', 'transaction_isolation']
    await folder.add('settings', [
      `create table trial.settings as
       select name, current_setting(name) as value from unnest('{${names}}'::text[]) as name`,
    ])
    const odd = {
      timezone: 'America/New_York',
      search_path: 'trial',
      default_transaction_isolation: 'serializable',
    }
    const { ownerUrl } = prepared()
    if (ownerUrl) {
      const server = openServer({ url: ownerUrl, settings: odd })
      await migrateUp(server, { folder: folder.path }).finally(server.close)
    } else {
      const set = (settings: object): Promise<void> =>
        database.script(
          Object.entries(settings)
            .map(([name, value]) => `set ${name} = ${value};`)
            .join(' '),
        )
      await set({ ...odd, timezone: "'America/New_York'" })
      await up().finally(() =>
        set({ timezone: 'UTC', search_path: 'public, extensions', default_transaction_isolation: 'default' }),
      )
    }
    const rows = await database.query<{ name: string; value: string }>('select * from trial.settings')
    expect(Object.fromEntries(rows.map(({ name, value }) => [name, value]))).toEqual({
      search_path: 'public, extensions',
      TimeZone: 'UTC',
      lock_timeout: '5s',
      statement_timeout: '0',
      transaction_isolation: 'read committed',
    })
  })

  test('runs each file once when four runners start together', async () => {
    await database.script('create table trial.runs (tag text)')
    for (const name of ['one', 'two', 'three']) {
      await folder.add(name, [`insert into trial.runs values ('${name}')`])
    }
    const applied = await Promise.all([up(), up(), up(), up()])
    expect(applied.flat()).toHaveLength(3)
    expect(await database.query('select tag from trial.runs')).toEqual([
      { tag: 'one' },
      { tag: 'two' },
      { tag: 'three' },
    ])
  })

  test('reports its progress', async () => {
    const tag = await addTable('one')
    const events: MigrationProgress[] = []
    const onProgress = (event: MigrationProgress): void => {
      events.push(event)
    }
    await migrateUp(database, { folder: folder.path, onProgress })
    await migrateDown(database, 1, { folder: folder.path, onProgress })
    expect(events).toMatchObject([
      { kind: 'applied', tag },
      { kind: 'rolled_back', tag },
    ])
    expect(progressLine({ kind: 'applied', tag, durationMs: 35.2 })).toBe(`${tag} … 35 ms`)
  })

  test('stops at an aborted signal', async () => {
    await addTable('one')
    const stop = new AbortController()
    stop.abort(new Error('The service is stopping.'))
    await expect(migrateUp(database, { folder: folder.path, signal: stop.signal })).rejects.toThrow(
      'The service is stopping.',
    )
    expect(await tables()).toEqual([])
  })
})

describe('a failure that passes by itself', () => {
  // A sequence counts the attempts: it does not go back when the transaction does.
  const failUntil = (attempt: number, state: string): string =>
    `do $$ begin
       if nextval('trial.attempts') < ${attempt} then raise exception using errcode = '${state}'; end if;
     end $$`

  beforeEach(async () => {
    await database.script('create sequence trial.attempts')
  })

  const attempts = async (): Promise<unknown> =>
    (await database.query('select last_value::int as n from trial.attempts'))[0]?.n

  test.each(['55P03', '40P01', '40001'])('%s is tried again', async (state) => {
    await folder.add('passing', ['create table trial.one ()', failUntil(3, state)])
    const reasons: unknown[] = []
    await migrateUp(database, {
      folder: folder.path,
      onProgress: (event) => reasons.push(event.kind === 'retrying' ? event.reason : event.kind),
    })
    expect(reasons).toEqual([state, state, 'applied'])
    expect(await tables()).toEqual(['one'])
  })

  test.each(['23505', '42710', 'XX000'])('%s is not, outside the catalogs', async (state) => {
    await folder.add('failing', [failUntil(3, state)])
    await expect(up()).rejects.toMatchObject({ code: 'statement_failed' })
    expect(await attempts()).toBe(1)
  })

  test('is given up after ten times', async () => {
    await folder.add('failing', [failUntil(100, '55P03')])
    await expect(up()).rejects.toMatchObject({ code: 'statement_failed' })
    expect(await attempts()).toBe(10)
  })
})

describe('is refused, with nothing run:', () => {
  test('a file edited after it was applied', async () => {
    const one = await addTable('one')
    await up()
    await folder.edit(one, ['create table trial.one (id bigint)'])
    await addTable('two')
    await expect(up()).rejects.toMatchObject({ code: 'edited', message: expect.stringContaining(one) })
    expect(await tables()).toEqual(['one'])
  })

  test('rolling an edited file back', async () => {
    const one = await addTable('one')
    await up()
    await folder.edit(one, ['create table trial.one (id bigint)'])
    await expect(down(1)).rejects.toMatchObject({ code: 'edited' })
    expect(await tables()).toEqual(['one'])
  })

  test('an applied file that is gone', async () => {
    const one = await addTable('one')
    const two = await addTable('two')
    await up()
    await folder.remove(one)
    await addTable('three')
    expect((await status())[one]).toBe('missing')
    await expect(up()).rejects.toMatchObject({ code: 'missing', message: expect.stringContaining(one) })
    await expect(down(2)).rejects.toMatchObject({ code: 'missing' })
    expect(await tables()).toEqual(['one', 'two'])
    expect(await down(1)).toEqual([two])
  })

  test('an entry of the journal without its file', async () => {
    const one = await addTable('one')
    const two = await addTable('two')
    await folder.removeFile(two)
    await expect(up()).rejects.toMatchObject({ code: 'missing', message: expect.stringContaining(two) })
    expect(await tables()).toEqual([])
    expect(await status()).toEqual({ [one]: 'pending', [two]: 'missing' })
  })

  test('a file older than the newest applied', async () => {
    const one = await addTable('one')
    const two = await addTable('two')
    await up()
    await database.query(`delete from drizzle.__drizzle_migrations where name = '${one}'`)
    await database.query('drop table trial.one')
    expect(await status()).toEqual({ [one]: 'out_of_order', [two]: 'applied' })
    await expect(up()).rejects.toMatchObject({ code: 'out_of_order', message: expect.stringContaining(one) })
    expect(await tables()).toEqual(['two'])
  })

  test('SQL that the journal does not name', async () => {
    await addTable('one')
    await writeFile(join(folder.path, '1763769700_stray.sql'), 'select 1')
    await expect(up()).rejects.toMatchObject({ code: 'unlisted_file' })
    expect(await tables()).toEqual([])
  })

  test.each([
    ['no JSON', '{'],
    ['another shape', '{"entries":[{"tag":"1_a"}]}'],
    ['an order that is not that of the names', journalOf([2, '200_b'], [3, '100_a'])],
    ['an order that is not that of the times', journalOf([3, '100_a'], [2, '200_b'])],
    ['two entries of one time', journalOf([2, '100_a'], [2, '200_b'])],
  ])('a journal with %s', async (_, text) => {
    await writeFile(join(folder.path, 'meta', '_journal.json'), text)
    await expect(up()).rejects.toMatchObject({ code: 'bad_journal' })
  })

  test.each(['begin', 'COMMIT;', '-- why\nrollback', '/* a */ start transaction', 'savepoint s'])(
    'a file that says %j',
    async (statement) => {
      await addTable('one')
      await folder.add('two', ['select 1', statement])
      await expect(up()).rejects.toMatchObject({ code: 'transaction_control' })
      expect(await tables()).toEqual([])
    },
  )
})

function journalOf(...entries: [when: number, tag: string][]): string {
  return JSON.stringify({
    entries: entries.map(([when, tag], idx) => ({ idx, version: '7', when, tag, breakpoints: true })),
  })
}

describe('down', () => {
  test('rolls back the newest first', async () => {
    const [one, two, three] = [await addTable('one'), await addTable('two'), await addTable('three')]
    await up()
    expect(await down(2)).toEqual([three, two])
    expect(await tables()).toEqual(['one'])
    expect(await status()).toEqual({ [one]: 'applied', [two]: 'pending', [three]: 'pending' })
    expect(await up()).toEqual([two, three])
  })

  test('to nothing keeps an empty history', async () => {
    await addTable('one')
    await addTable('two')
    await up()
    expect(await down('all')).toHaveLength(2)
    expect(await tables()).toEqual([])
    expect(await database.query('select * from drizzle.__drizzle_migrations')).toEqual([])
    expect(await down('all')).toEqual([])
  })

  test('without all the files needed touches nothing', async () => {
    const one = await folder.add('one', ['create table trial.one ()'])
    await addTable('two')
    await up()
    await expect(down(2)).rejects.toMatchObject({
      code: 'no_down_file',
      message: expect.stringContaining(one),
    })
    expect(await tables()).toEqual(['one', 'two'])
  })

  test('of more than is applied touches nothing', async () => {
    await addTable('one')
    await up()
    await addTable('two')
    await expect(down(2)).rejects.toMatchObject({ code: 'too_few_applied' })
    expect(await tables()).toEqual(['one'])
  })

  test('keeps a migration whose down file fails', async () => {
    const one = await folder.add(
      'one',
      ['create table trial.one ()'],
      ['drop table trial.one', 'select 1 / 0'],
    )
    await up()
    await expect(down(1)).rejects.toMatchObject({ code: 'statement_failed' })
    expect(await tables()).toEqual(['one'])
    expect(await status()).toEqual({ [one]: 'applied' })
  })
})

describe('a file without a transaction', () => {
  /** On a server it needs the pool that migrations are to be opened with. */
  let migrations: Database
  beforeEach(() => {
    const { ownerUrl } = prepared()
    migrations = ownerUrl ? openServer({ ...MIGRATION_CONNECTION, url: ownerUrl }) : database
    return async () => {
      if (migrations !== database) await migrations.close()
    }
  })
  const run = (): Promise<string[]> => migrateUp(migrations, { folder: folder.path })
  const indexes = async (): Promise<unknown[]> =>
    (
      await database.query(
        `select indexrelid::regclass::text as name, indisvalid as valid from pg_index where indrelid = 'trial.one'::regclass`,
      )
    ).map(({ name, valid }) => `${name} ${valid}`)

  const concurrently = [
    `${NO_TRANSACTION}\ndrop index concurrently if exists trial.one_once`,
    'create unique index concurrently if not exists one_once on trial.one (id)',
  ]

  test('may create an index concurrently, and roll it back', async () => {
    await addTable('one')
    const tag = await folder.add('index', concurrently, [
      `${NO_TRANSACTION}\ndrop index concurrently if exists trial.one_once`,
    ])
    expect(await run()).toHaveLength(2)
    expect(await indexes()).toEqual(['trial.one_once true'])
    expect((await status())[tag]).toBe('applied')
    await migrateDown(migrations, 1, { folder: folder.path })
    expect(await indexes()).toEqual([])
  })

  test('is not recorded when it breaks off, and runs again from its start', async () => {
    await addTable('one')
    await run()
    const tag = await folder.add('index', concurrently)
    await database.script('insert into trial.one values (1), (1)')
    await expect(run()).rejects.toMatchObject({
      code: 'statement_failed',
      message: expect.stringContaining('statement 2'),
      cause: expect.objectContaining({ code: '23505' }),
    })
    expect(await indexes()).toEqual(['trial.one_once false'])
    expect((await status())[tag]).toBe('pending')
    await database.script('delete from trial.one')
    expect(await run()).toEqual([tag])
    expect(await indexes()).toEqual(['trial.one_once true'])
  })

  test('is not recorded while an index is invalid', async () => {
    await addTable('one')
    await run()
    const tag = await folder.add('index', [`${NO_TRANSACTION}\n${concurrently[1]}`])
    await database.script('insert into trial.one values (1), (1)')
    await expect(run()).rejects.toMatchObject({ code: 'statement_failed' })
    await database.script('delete from trial.one')
    await expect(run()).rejects.toMatchObject({
      code: 'invalid_index',
      message: expect.stringContaining('trial.one_once'),
    })
    expect((await status())[tag]).toBe('pending')
  })

  test('runs once when another runner starts in its middle', async () => {
    await addTable('one')
    const tag = await folder.add('index', concurrently)
    let other: Promise<string[]> | undefined
    const observed: Database = {
      ...migrations,
      async query(text, parameters) {
        if (text.includes('create unique index')) {
          other ??= migrateUp(observed, { folder: folder.path })
          // More turns of the event loop and of the connection than the other would need for the whole history.
          for (let turn = 0; turn < 200; turn += 1) {
            await setImmediate()
            await migrations.query('select')
          }
        }
        return migrations.query(text, parameters)
      },
    }
    expect(await migrateUp(observed, { folder: folder.path })).toHaveLength(2)
    expect(await other).toEqual([])
    expect((await status())[tag]).toBe('applied')
  })

  test.each([
    ['create table trial.two ()', 'not_repeatable'],
    ['insert into trial.one values (1)', 'not_repeatable'],
    ['create table if not exists trial.two ()', undefined],
    ['-- repeatable: sets what is set\nupdate trial.one set id = 1', undefined],
  ])('must be repeatable: %j', async (statement, code) => {
    await addTable('one')
    await folder.add('two', [`${NO_TRANSACTION}\nselect 1 where exists (select) -- if exists`, statement])
    if (code) {
      await expect(run()).rejects.toMatchObject({ code })
      expect(await tables()).toEqual([])
    } else {
      expect(await run()).toHaveLength(2)
    }
  })
})

describe('verify', () => {
  const verify = (): Promise<void> => verifyMigrations(database, { folder: folder.path })

  test('passes when the database has exactly the history of the folder', async () => {
    await addTable('one')
    await up()
    await expect(verify()).resolves.toBeUndefined()
  })

  test('reports pending, edited and missing files', async () => {
    const one = await addTable('one')
    await expect(verify()).rejects.toMatchObject({ code: 'pending', message: expect.stringContaining(one) })
    await up()
    await folder.edit(one, ['select 1'])
    await expect(verify()).rejects.toMatchObject({ code: 'edited' })
    await folder.remove(one)
    await expect(verify()).rejects.toMatchObject({ code: 'missing' })
  })

  test('changes nothing in a database that nobody migrated', async () => {
    await addTable('one')
    expect(Object.values(await status())).toEqual(['pending'])
    await expect(verify()).rejects.toMatchObject({ code: 'pending' })
    expect(await database.query(`select to_regnamespace('drizzle') is null as none`)).toEqual([
      { none: true },
    ])
  })
})
