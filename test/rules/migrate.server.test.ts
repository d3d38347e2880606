import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { drizzle } from 'drizzle-orm/postgres-js'
import { migrate } from 'drizzle-orm/postgres-js/migrator'
import postgres from 'postgres'
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import type { Database, Transaction } from '../../src/platform/db/engine/database.ts'
import { openServer } from '../../src/platform/db/engine/server.ts'
import {
  MIGRATION_CONNECTION,
  migrateDown,
  migrateUp,
  migrationStatus,
} from '../../src/platform/db/migrations/migrate.ts'
import { NO_TRANSACTION } from '../../src/platform/db/migrations/migration-files.ts'
import { useTestDatabase } from '../support/database.ts'
import { type MigrationFolder, makeMigrationFolder } from '../support/migration-folder.ts'
import { patience } from '../support/patience.ts'
import { run } from '../support/run.ts'

const RUNNER = join(import.meta.dirname, '../support/migrate-runner.ts')

const prepared = useTestDatabase()
let owner: Database
let url: string
let folder: MigrationFolder

beforeEach(async () => {
  owner = prepared().owner
  url = prepared().ownerUrl ?? ''
  await owner.script(
    'drop schema if exists drizzle cascade; drop schema if exists trial cascade; create schema trial;',
  )
  folder = await makeMigrationFolder()
})

function openMigrations(to = url): Database {
  const database = openServer({ ...MIGRATION_CONNECTION, url: to })
  onTestFinished(database.close)
  return database
}

const states = async (): Promise<string[]> =>
  (await migrationStatus(owner, { folder: folder.path })).map(({ state }) => state)

/** Resolves once a session of a runner's waits in the way given (`wait_event_type`, `wait_event`). */
const waitUntilSession = (type: string, event?: string): Promise<void> =>
  waitForSessions(
    `wait_event_type = '${type}' and (wait_event = '${event ?? ''}' or '${event ?? ''}' = '')`,
    (count) => count > 0,
  )

const waitForSessions = (condition: string, enough: (count: number) => boolean): Promise<void> =>
  vi.waitFor(
    async () => {
      const [found] = await owner.query<{ n: number }>(
        `select count(*)::int as n from pg_stat_activity where application_name = 'muster-migrate' and datname = current_database() and ${condition}`,
      )
      if (!enough(found?.n ?? 0)) throw new Error('Not yet.')
    },
    { timeout: patience(20_000), interval: 20 },
  )

/** Opens a transaction, and holds it until the function returned is called. */
async function hold(
  database: Database,
  work: (tx: Transaction) => Promise<unknown>,
): Promise<() => Promise<void>> {
  const begun = Promise.withResolvers<void>()
  const end = Promise.withResolvers<void>()
  const ended = database.transaction(async (tx) => {
    await work(tx)
    begun.resolve()
    await end.promise
  })
  await Promise.race([begun.promise, ended])
  return () => {
    end.resolve()
    return ended
  }
}

describe('several processes', () => {
  const runInProcess = async (): Promise<string[]> =>
    (await run(process.execPath, [RUNNER, url, folder.path])).split('\n').filter(Boolean)

  test('four that start at once apply each file once', async () => {
    await owner.script('create table trial.runs (tag text)')
    const tags: string[] = []
    for (const name of ['one', 'two', 'three', 'four', 'five']) {
      tags.push(
        await folder.add(name, [`insert into trial.runs values ('${name}')`, 'select pg_sleep(0.05)']),
      )
    }
    const applied = await Promise.all([runInProcess(), runInProcess(), runInProcess(), runInProcess()])
    expect(applied.flat().sort()).toEqual(tags)
    expect((await owner.query('select tag from trial.runs')).map(({ tag }) => tag)).toEqual([
      'one',
      'two',
      'three',
      'four',
      'five',
    ])
    expect(await states()).toEqual(tags.map(() => 'applied'))
  })

  test('one killed in the middle leaves nothing of its file, and no lock', async () => {
    await folder.add('one', ['create table trial.one ()', 'create table trial.brake (pulled bool)'])
    await folder.add('two', [
      'create table trial.two ()',
      // Sleeps for longer than the test may last: the server must end it because its client is gone.
      'do $$ begin if exists (select from trial.brake) then perform pg_sleep(600); end if; end $$',
      'create table trial.three ()',
    ])
    const database = openMigrations()
    await migrateUp(database, { folder: folder.path, target: '1763769600_one' })
    await owner.query('insert into trial.brake values (true)')

    onTestFinished(async () => {
      // When the server did not notice, the session would hold up the next test.
      await owner.query(
        `select pg_terminate_backend(pid) from pg_stat_activity where wait_event = 'PgSleep' and datname = current_database()`,
      )
    })
    const runner: ChildProcess = spawn(process.execPath, [RUNNER, url, folder.path], { stdio: 'ignore' })
    await waitUntilSession('Timeout', 'PgSleep')
    const exited = once(runner, 'exit')
    runner.kill('SIGKILL')
    await exited
    await waitForSessions(`wait_event = 'PgSleep'`, (count) => count === 0)

    expect(await states()).toEqual(['applied', 'pending'])
    expect(await owner.query(`select to_regclass('trial.two') is null as none`)).toEqual([{ none: true }])
    await owner.query('delete from trial.brake')
    expect(await runInProcess()).toHaveLength(1)
    expect(await states()).toEqual(['applied', 'applied'])
  })

  test('a second one waits for the first, and gives up when told to', async () => {
    await folder.add('one', ['create table trial.one ()'])
    // The runner's own lock, as another runner would hold it.
    const release = await hold(owner, (tx) => tx.query('select pg_advisory_xact_lock(1836413812, 1)'))
    const events: string[] = []
    const database = openMigrations()
    await expect(
      migrateUp(database, {
        folder: folder.path,
        lockWaitMs: 0,
        onProgress: ({ kind }) => events.push(kind),
      }),
    ).rejects.toMatchObject({ code: 'locked' })
    expect(events).toEqual([])

    const waiting = Promise.withResolvers<void>()
    const applying = migrateUp(database, {
      folder: folder.path,
      onProgress: ({ kind }) => {
        events.push(kind)
        if (kind === 'waiting') waiting.resolve()
      },
    })
    await waiting.promise
    await release()
    expect(await applying).toHaveLength(1)
    expect(events).toEqual(['waiting', 'applied'])
  })

  test('a rollback stops when another one was faster', async () => {
    for (const name of ['one', 'two', 'three']) {
      await folder.add(name, [`create table trial.${name} ()`], [`drop table trial.${name}`])
    }
    await migrateUp(openMigrations(), { folder: folder.path })
    const rollBack = (): Promise<string[]> => migrateDown(openMigrations(), 1, { folder: folder.path })
    const outcomes = await Promise.allSettled([rollBack(), rollBack(), rollBack()])
    const undone = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? outcome.value : []))
    const refused = outcomes.flatMap((outcome) =>
      outcome.status === 'rejected' ? [outcome.reason.code] : [],
    )
    expect(new Set(refused)).toEqual(refused.length > 0 ? new Set(['history_changed']) : new Set())
    expect(new Set(undone).size).toBe(undone.length)
    expect((await states()).filter((state) => state === 'pending')).toHaveLength(undone.length)
  })
})

test("Drizzle's own migrator finds nothing left to do", async () => {
  await folder.add('one', ['create table trial.one ()'])
  await migrateUp(openMigrations(), { folder: folder.path })
  const client = postgres(url, { max: 1, onnotice: () => {} })
  onTestFinished(() => client.end())
  await migrate(drizzle(client), { migrationsFolder: folder.path })
  expect(await owner.query('select count(*)::int as n from drizzle.__drizzle_migrations')).toEqual([{ n: 1 }])
})

describe('a file without a transaction', () => {
  const index = [
    `${NO_TRANSACTION}\ndrop index concurrently if exists trial.one_id`,
    'create index concurrently if not exists one_id on trial.one (id)',
  ]

  test('waits neither for its own lock nor for other runners', async () => {
    await folder.add('one', ['create table trial.one (id int)'])
    await folder.add('index', index)
    const runs = await Promise.all([1, 2, 3].map(() => migrateUp(openMigrations(), { folder: folder.path })))
    expect(runs.flat()).toHaveLength(2)
  })

  test('is refused on a pool that would cut its statements', async () => {
    await folder.add('one', ['create table trial.one (id int)'])
    await folder.add('index', index)
    const database = openServer({ url, settings: { statement_timeout: '10s' } })
    onTestFinished(database.close)
    await expect(migrateUp(database, { folder: folder.path })).rejects.toMatchObject({
      code: 'connection_settings',
      message: expect.stringContaining('statement_timeout = 10s'),
    })
    expect(await states()).toEqual(['applied', 'pending'])
  })
})

describe('another database of the cluster, changing the same role', () => {
  /** Not of the project, so that descriptions of the catalog which other test files make at this moment leave it out. */
  const ROLE = `trial_migrate_${process.pid}`

  beforeEach(() => async () => {
    await owner.script(`drop role if exists ${ROLE}; drop role if exists ${ROLE}_group;`)
  })

  /** Migrates while `theirs` is uncommitted, commits that once the file waits for it, and gives the SQLSTATEs that passed. */
  async function race(theirs: string, ...ours: string[]): Promise<string[]> {
    const tag = await folder.add('role', ['create table trial.one ()', ...ours])
    const other = openServer({ url: new URL('/postgres', url).href, max: 1 })
    onTestFinished(other.close)
    const commit = await hold(other, (tx) => tx.query(theirs))
    const reasons: string[] = []
    const applying = migrateUp(openMigrations(), {
      folder: folder.path,
      onProgress: (event) => event.kind === 'retrying' && reasons.push(event.reason),
    })
    await waitUntilSession('Lock')
    await commit()
    expect(await applying).toEqual([tag])
    return reasons
  }

  const createUnlessThere = (role: string): string =>
    `do $$ begin if not exists (select from pg_roles where rolname = '${role}') then create role ${role}; end if; end $$`

  test('creates it', async () => {
    expect(await race(`create role ${ROLE}`, createUnlessThere(ROLE))).toEqual(['23505'])
  })

  test('created it between the look and the creation', async () => {
    const late = `do $$ begin
      if not exists (select from pg_roles where rolname = '${ROLE}') then
        perform pg_advisory_xact_lock(7);
        create role ${ROLE};
      end if;
    end $$`
    const tag = await folder.add('role', [late])
    const release = await hold(owner, (tx) => tx.query('select pg_advisory_xact_lock(7)'))
    const reasons: string[] = []
    const applying = migrateUp(openMigrations(), {
      folder: folder.path,
      onProgress: (event) => event.kind === 'retrying' && reasons.push(event.reason),
    })
    await waitUntilSession('Lock', 'advisory')
    await owner.query(`create role ${ROLE}`)
    await release()
    expect(await applying).toEqual([tag])
    expect(reasons).toEqual(['42710'])
  })

  test('drops it', async () => {
    await owner.query(`create role ${ROLE}`)
    const reasons = await race(
      `drop role ${ROLE}`,
      createUnlessThere(ROLE),
      `grant usage on schema trial to ${ROLE}`,
    )
    expect(reasons).toEqual(['42704'])
    await owner.query(`drop owned by ${ROLE}`)
  })

  test('alters it', async () => {
    await owner.query(`create role ${ROLE}`)
    expect(await race(`alter role ${ROLE} createdb`, `alter role ${ROLE} bypassrls`)).toEqual(['XX000'])
    expect(
      await owner.query(`select rolcreatedb, rolbypassrls from pg_roles where rolname = '${ROLE}'`),
    ).toEqual([{ rolcreatedb: true, rolbypassrls: true }])
  })

  test('grants it', async () => {
    await owner.query(`create role ${ROLE}`)
    await owner.query(`create role ${ROLE}_group`)
    const grant = `grant ${ROLE}_group to ${ROLE}`
    expect(await race(grant, grant)).toEqual(['23505'])
  })
})
