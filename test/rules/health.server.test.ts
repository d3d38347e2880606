import { mkdtemp, open, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { HEALTH_CHECKS } from '../../src/app.ts'
import type { Database } from '../../src/platform/db/engine/database.ts'
import { openServer } from '../../src/platform/db/engine/server.ts'
import { readComparableCatalog } from '../../src/platform/db/migrations/drift.ts'
import type { HealthContext, HealthLine } from '../../src/platform/operations/health/finding.ts'
import { examineHealth, healthExit, healthPage } from '../../src/platform/operations/health/health.ts'
import { THRESHOLDS, type Thresholds } from '../../src/platform/operations/health/thresholds.ts'
import { runCommandFile } from '../support/command.ts'
import { useTestDatabase } from '../support/database.ts'
import { patience } from '../support/patience.ts'
import { arrangeStatement } from '../support/payouts.ts'
import { type PostgresServer, serverUser, startPostgres } from '../support/postgres-server.ts'
import { run } from '../support/run.ts'
import { urlOf } from '../support/server-databases.ts'
import { buildWorld } from '../support/world.ts'

/** Of a backup, but for when it was made. */
const MANIFEST = {
  ...{ format: 1, engine: 'server', database: 'muster', bytes: 1, sha256: '0'.repeat(64) },
  ...{ postgres: 150_000, schemaVersion: '1_a', rows: {} },
}

/** For what takes place at the server a moment later, such as statistics and waits. */
const SOON = { timeout: patience(15_000), interval: 50 }

let folder: string
const databases: Database[] = []

function connect(url: string, options: { max?: number; applicationName?: string } = {}): Database {
  const database = openServer({ url, max: 2, applicationName: 'health-test', ...options })
  databases.push(database)
  return database
}

async function line(
  database: Database,
  name: string,
  thresholds: Partial<Thresholds> = {},
  more: Partial<HealthContext> = {},
): Promise<HealthLine> {
  const [found] = await examineHealth(
    {
      database,
      thresholds: { ...THRESHOLDS, poolLooks: { count: 1, pauseMs: 1 }, ...thresholds },
      poolSize: 10,
      backupDir: folder,
      readHistory: undefined,
      ...more,
    },
    HEALTH_CHECKS.filter((check) => check.name === name),
  )
  return found!
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'muster-health-'))
})
afterAll(async () => {
  await Promise.all(databases.map((database) => database.close()))
  await rm(folder, { recursive: true, force: true })
})

describe('a database with the migrations', () => {
  const prepared = useTestDatabase()

  test('growth: by samples of a month ago', async () => {
    const { owner } = prepared()
    const growth = () => line(owner, 'growth', { growthFromBytes: 0 })
    expect(await growth()).toMatchObject({ level: 'unknown' })
    const [now] = await owner.query<{ bytes: number }>(
      `select sum(pg_total_relation_size(c.oid))::float8 as bytes from pg_class c
       where c.relkind in ('r', 'm') and c.relnamespace in ('public'::regnamespace, 'muster'::regnamespace)`,
    )
    const plant = async (growthOfAMonth: number) => {
      await owner.query('delete from muster.size_samples')
      await owner.query(
        "insert into muster.size_samples select (now() at time zone 'UTC')::date - 30, 'public.all', $1::bigint",
        [Math.round(now!.bytes / (1 + growthOfAMonth))],
      )
      return growth()
    }
    expect(await plant(0.02)).toMatchObject({ level: 'good' })
    expect(await plant(0.15)).toMatchObject({ level: 'warning', text: expect.stringMatching(/^1\d\.\d %/) })
    expect(await plant(0.6)).toMatchObject({ level: 'bad' })
    // A small database may grow as it likes.
    expect(await line(owner, 'growth')).toMatchObject({ level: 'good' })
  })

  test('a sample is taken once a day', async () => {
    const { owner } = prepared()
    await owner.query('delete from muster.size_samples')
    const sample = () => owner.query<{ n: number }>('select muster.sample_sizes()::int as n')
    expect((await sample())[0]!.n).toBeGreaterThan(10)
    expect((await sample())[0]!.n).toBe(0)
    expect(
      await owner.query("select from muster.size_samples where relation = 'public.shifts' and bytes > 0"),
    ).toHaveLength(1)
  })

  test('jobs: registered, late, failing', async () => {
    const { owner } = prepared()
    const jobs = () => line(owner, 'jobs')
    expect(await jobs()).toMatchObject({ level: 'unknown' })
    await owner.query(
      "insert into muster.jobs (name, next_run_at) values ('a_job', now() + interval '1 hour')",
    )
    expect(await jobs()).toMatchObject({ level: 'good' })
    const late = (by: string) =>
      owner.query('update muster.jobs set next_run_at = now() - $1::interval', [by])
    await late('11 minutes')
    expect(await jobs()).toMatchObject({
      level: 'warning',
      text: expect.stringContaining('a_job is 11 min late'),
    })
    await late('7 hours')
    expect(await jobs()).toMatchObject({ level: 'bad' })
    await late('0')
    await owner.query("update muster.jobs set failures = 2, last_error = '22012'")
    expect(await jobs()).toMatchObject({ level: 'warning', text: expect.stringContaining('22012') })
    await owner.query('update muster.jobs set failures = 5')
    expect(await jobs()).toMatchObject({ level: 'bad' })
  })

  test('payouts: on their way, a queue that stands, dead letters', async () => {
    const { owner } = prepared()
    await buildWorld(owner)
    const payouts = () => line(owner, 'payouts')
    expect(await payouts()).toMatchObject({ level: 'good', text: '0 payouts on their way' })
    const { payout } = await arrangeStatement(owner, 100)
    expect(await payouts()).toMatchObject({ level: 'good', text: '1 payouts on their way' })
    const late = (by: string) =>
      owner.query('update payouts set next_attempt_at = now() - $1::interval', [by])
    await late('11 minutes')
    expect(await payouts()).toMatchObject({
      level: 'warning',
      text: expect.stringContaining('due for 11 min'),
    })
    await late('7 hours')
    expect(await payouts()).toMatchObject({ level: 'bad' })
    await owner.query('update payouts set next_attempt_at = null, dead_at = now() where id = $1', [payout!])
    expect(await payouts()).toMatchObject({
      level: 'warning',
      text: expect.stringContaining('1 dead letters and 0 failed'),
    })
  })

  test('migrations and drift', async () => {
    const { owner } = prepared()
    const history = await readComparableCatalog(owner)
    const drift = () => line(owner, 'drift', {}, { readHistory: async () => history })
    expect(await drift()).toMatchObject({ level: 'good' })
    await owner.query('create index by_hand on public.shifts (title)')
    expect(await drift()).toMatchObject({ level: 'warning', text: expect.stringContaining('by_hand') })
    await owner.query('alter policy tenants_read on public.tenants using (true)')
    expect(await drift()).toMatchObject({ level: 'bad', text: expect.stringContaining('tenants_read') })
    expect(await line(owner, 'drift')).toMatchObject({ level: 'unknown' })

    expect(await line(owner, 'migrations')).toMatchObject({ level: 'good' })
    await owner.query(
      'delete from drizzle.__drizzle_migrations where created_at = (select max(created_at) from drizzle.__drizzle_migrations)',
    )
    expect(await line(owner, 'migrations')).toMatchObject({ level: 'bad' })
  })

  test('backup: none, old, new', async () => {
    const { owner } = prepared()
    const backup = () => line(owner, 'backup')
    expect(await backup()).toMatchObject({ level: 'bad' })
    const make = async (hoursAgo: number) => {
      const createdAt = new Date(Date.now() - hoursAgo * 3_600_000).toISOString()
      const file = `muster-${createdAt.replaceAll(/[-:.]/g, '')}.dump`
      await writeFile(join(folder, file), '')
      return () =>
        writeFile(
          join(folder, file.replace('.dump', '.json')),
          JSON.stringify({ ...MANIFEST, createdAt, file }),
        )
    }
    // Broken off: it has no manifest.
    await make(0)
    expect(await backup()).toMatchObject({ level: 'bad' })
    await (await make(30))()
    expect(await backup()).toMatchObject({ level: 'bad', text: expect.stringContaining('30 h') })
    await (await make(5))()
    expect(await backup()).toMatchObject({ level: 'warning', text: expect.stringContaining('5 h') })
    await (await make(0.1))()
    expect(await backup()).toMatchObject({ level: 'good' })
  })

  test('a login without rights is told what it lacks, and learns nothing', async () => {
    const { owner, ownerUrl } = prepared()
    const login = `health_${Date.now()}`
    await owner.query(`create role ${login} login password 'for-this-test'`)
    const url = new URL(ownerUrl!)
    url.username = login
    url.password = 'for-this-test'
    const stranger = connect(url.href)
    const unknown = { level: 'unknown', text: expect.stringMatching(/^not known: /) }
    for (const name of ['connections', 'pool_use', 'oldest_transaction', 'blocked', 'sync_waits', 'growth'])
      expect(await line(stranger, name)).toMatchObject(unknown)
    await owner.query(`grant pg_monitor to ${login}`)
    expect(await line(stranger, 'connections')).not.toMatchObject(unknown)
    await stranger.close()
    await owner.query(`drop role ${login}`)
  })

  describe('the commands', () => {
    const run = (name: string, ...words: string[]) =>
      runCommandFile(name, words, { DATABASE_URL: prepared().ownerUrl!, BACKUP_DIR: folder })

    // Each start of a process takes a second: what needs none is tried without (upkeep.test.ts).
    test('db:health: JSON and the exit code of the worst line; 3 where nobody could be asked', async () => {
      const { code, stdout, stderr } = await run('health', '--quick', '--json')
      const { level, lines } = JSON.parse(stdout)
      expect({ code, stderr }).toEqual({ code: ['good', 'warning', 'bad'].indexOf(level), stderr: '' })
      expect(lines.map(({ name }: HealthLine) => name)).toEqual(HEALTH_CHECKS.map(({ name }) => name))
      const unreachable = await runCommandFile('health', [], { DATABASE_URL: 'postgres://127.0.0.1:1/none' })
      expect(unreachable).toMatchObject({ code: 3, stdout: '' })
    })

    test('db:vacuum leaves out a table that somebody has locked, and says so', async () => {
      const outcome = await prepared().owner.transaction(async (tx) => {
        await tx.query('lock table public.incidents in access exclusive mode')
        return run('upkeep', 'vacuum', 'incidents', 'users')
      })
      expect(outcome.code).toBe(1)
      expect(outcome.stdout).toMatch(
        /^\[\d\/2\] public\.incidents \(.*\) … left out: somebody has it locked$/m,
      )
      expect(outcome.stdout).toMatch(/^\[\d\/2\] public\.users \(.*\) … \d+ ms$/m)
    })

    test('db:analyze shows the plans of a route', async () => {
      expect(await run('upkeep', 'analyze', 'GET /v1/shifts')).toMatchObject({
        code: 1,
        stdout: expect.stringContaining('answered 401'),
      })
    })

    test('jobs: what there is, and how it stands', async () => {
      expect((await run('jobs')).stdout).toContain(
        'guarding.warn_of_expiring_certificates (each day at 06:00 UTC)',
      )
    })
  })

  test('the page has each line once, and the exit code is that of the worst', async () => {
    const { owner } = prepared()
    const lines = await examineHealth(
      { database: owner, thresholds: THRESHOLDS, poolSize: 10, backupDir: folder, readHistory: undefined },
      HEALTH_CHECKS,
    )
    expect(lines.map(({ name }) => name)).toEqual(HEALTH_CHECKS.map(({ name }) => name))
    expect(lines.filter(({ text }) => text.includes('SQLSTATE'))).toEqual([])
    expect(healthPage(lines).match(/→/g)?.length).toBe(
      lines.filter(({ level }) => level === 'warning' || level === 'bad').length,
    )
    const exit = (...levels: HealthLine['level'][]) =>
      healthExit(levels.map((level) => ({ name: '', level, text: '' })))
    expect([exit('good', 'unknown'), exit('warning', 'good'), exit('warning', 'bad')]).toEqual([0, 1, 2])
  })
})

describe('a server of its own', () => {
  let server: PostgresServer
  let owner: Database

  beforeAll(async () => {
    server = await startPostgres({
      settings: {
        shared_preload_libraries: 'pg_stat_statements',
        max_connections: '23',
        // It comes when it is told to.
        autovacuum_naptime: '1h',
        archive_mode: 'on',
        archive_command: 'true',
      },
    })
    await connect(server.url).query('create database watched')
    owner = connect(urlOf(server.url, 'watched'), { max: 1 })
  }, patience(60_000))
  afterAll(async () => {
    await Promise.all(databases.splice(0).map((database) => database.close()))
    await server.stop()
  })

  /** What the session counted is told at once, not a second later. */
  const count = () => owner.query('select pg_stat_force_next_flush()')
  const url = () => urlOf(server.url, 'watched')

  async function set(setting: string): Promise<void> {
    await owner.query(`alter system ${setting}`)
    await owner.query('select pg_reload_conf()')
  }

  test('connections', async () => {
    const more: Database[] = []
    const used = async () => Number(/^\d+/.exec((await line(owner, 'connections')).text)?.[0])
    const openUntil = async (wanted: number) => {
      while ((await used()) < wanted) {
        const database = connect(url(), { max: 1 })
        more.push(database)
        await database.query('select 1')
      }
    }
    expect(await line(owner, 'connections')).toMatchObject({ level: 'good' })
    await openUntil(17)
    expect(await line(owner, 'connections')).toMatchObject({ level: 'warning' })
    await openUntil(19)
    expect(await line(owner, 'connections')).toMatchObject({ level: 'bad' })
    await Promise.all(more.map((database) => database.close()))
    await vi.waitFor(async () => expect(await used()).toBeLessThan(5), SOON)
  })

  test('pool_use', async () => {
    expect(await line(owner, 'pool_use')).toMatchObject({ level: 'unknown' })
    const service = connect(url(), { max: 10, applicationName: 'muster-api' })
    await Promise.all(Array.from({ length: 10 }, () => service.query('select pg_sleep(0.05)')))
    await vi.waitFor(async () => expect(await line(owner, 'pool_use')).toMatchObject({ level: 'good' }), SOON)
    await owner.query('select pg_advisory_lock(7)')
    const work = (count: number) =>
      Array.from({ length: count }, () => service.query('select pg_advisory_xact_lock(7)'))
    const waiting = work(9)
    await vi.waitFor(
      async () => expect(await line(owner, 'pool_use')).toMatchObject({ level: 'warning' }),
      SOON,
    )
    waiting.push(...work(1))
    await vi.waitFor(async () => expect(await line(owner, 'pool_use')).toMatchObject({ level: 'bad' }), SOON)
    await owner.query('select pg_advisory_unlock(7)')
    await Promise.all(waiting)
    await service.close()
  })

  test('slow_statements', async () => {
    expect(await line(owner, 'slow_statements')).toMatchObject({ level: 'unknown' })
    await owner.query('create extension pg_stat_statements')
    const slow = async (seconds: number) => {
      await owner.query('select pg_stat_statements_reset()')
      for (let nth = 0; nth < 3; nth += 1) await owner.query(`select pg_sleep(${seconds})`)
      return line(owner, 'slow_statements', {
        statementCalls: 3,
        statementMs: { warning: 50, bad: 150 },
      })
    }
    expect(await slow(0)).toMatchObject({ level: 'good' })
    expect(await slow(0.07)).toMatchObject({
      level: 'warning',
      text: expect.stringContaining('pg_sleep($1)'),
    })
    expect(await slow(0.17)).toMatchObject({ level: 'bad' })
  })

  test('oldest_transaction and blocked', async () => {
    const seconds = { warning: 0.1, bad: 0.6 }
    const thresholds = { transactionSeconds: seconds, blockedSeconds: seconds }
    const other = connect(url())
    expect(await line(other, 'oldest_transaction', thresholds)).toMatchObject({ level: 'good' })
    expect(await line(other, 'blocked', thresholds)).toMatchObject({ level: 'good' })
    await owner.query('begin')
    await owner.query('select pg_advisory_lock(8)')
    const blocked = other.query('select pg_advisory_xact_lock(8)')
    const watcher = connect(url())
    for (const level of ['warning', 'bad'])
      for (const name of ['blocked', 'oldest_transaction'])
        await vi.waitFor(async () => {
          const limits = level === 'bad' ? seconds : { ...seconds, bad: 1_000 }
          const found = await line(watcher, name, { transactionSeconds: limits, blockedSeconds: limits })
          expect(found).toMatchObject({ level })
        }, SOON)
    await owner.query('select pg_advisory_unlock(8)')
    await owner.query('commit')
    await blocked
    await Promise.all([other.close(), watcher.close()])
  })

  test('cache_hits and index_hits', async () => {
    await owner.query(
      "create table cached as select i as id, repeat('x', 500) as text from generate_series(1, 12000) i",
    )
    await owner.query('create index cached_idx on cached (id)')
    const hits = async (name: string, scans: number) => {
      // Written past the cache: the first scan reads all of it.
      await owner.query(name === 'index_hits' ? 'reindex table cached' : 'vacuum (full) cached')
      await owner.query('select pg_stat_reset()')
      await owner.query("select set_config('enable_seqscan', $1, false)", [
        name === 'index_hits' ? 'off' : 'on',
      ])
      for (let nth = 0; nth < scans; nth += 1) await owner.query('select count(id) from cached')
      await owner.query("select set_config('enable_seqscan', 'on', false)")
      await count()
      return line(owner, name, { countedBlocks: 10 })
    }
    expect(await line(owner, 'cache_hits', { countedBlocks: 1e9 })).toMatchObject({ level: 'unknown' })
    expect(await hits('cache_hits', 60)).toMatchObject({ level: 'good' })
    expect(await hits('cache_hits', 13)).toMatchObject({ level: 'warning' })
    expect(await hits('cache_hits', 2)).toMatchObject({ level: 'bad' })
    expect(await hits('index_hits', 150)).toMatchObject({ level: 'good' })
    expect(await hits('index_hits', 35)).toMatchObject({ level: 'warning' })
    expect(await hits('index_hits', 2)).toMatchObject({ level: 'bad' })
    await owner.query('drop table cached')
  })

  test('dead_rows and autovacuum_behind', async () => {
    await owner.query('create table dying as select i as id from generate_series(1, 1000) i')
    await count()
    await owner.query('analyze dying')
    const dead = async (name: string, before: number) => {
      await owner.query('delete from dying where id <= $1', [before])
      await count()
      return line(owner, name, { deadRowsFrom: 1 })
    }
    expect(await dead('dead_rows', 100)).toMatchObject({ level: 'good' })
    expect(await dead('dead_rows', 300)).toMatchObject({
      level: 'warning',
      text: expect.stringContaining('dying'),
    })
    // 50 and a fifth of the rows: it would start at 250.
    expect(await dead('autovacuum_behind', 400)).toMatchObject({ level: 'good' })
    expect(await dead('autovacuum_behind', 510)).toMatchObject({ level: 'warning' })
    expect(await dead('dead_rows', 510)).toMatchObject({ level: 'bad' })
    await owner.query('alter table dying set (autovacuum_vacuum_scale_factor = 0)')
    expect(await line(owner, 'autovacuum_behind', { deadRowsFrom: 1 })).toMatchObject({ level: 'bad' })
    await owner.query('drop table dying')
  })

  test('bloat', async () => {
    await owner.query(
      "create table airy as select i as id, repeat('x', 200) as text from generate_series(1, 10000) i",
    )
    const kept = async (oneOf: number) => {
      await owner.query('delete from airy where id % $1 <> 0', [oneOf])
      await owner.query('vacuum (analyze) airy')
      return line(owner, 'bloat', { bloatFromPages: 50 })
    }
    expect(await kept(1)).toMatchObject({ level: 'good' })
    expect(await kept(3)).toMatchObject({ level: 'warning', text: expect.stringContaining('airy') })
    expect(await kept(12)).toMatchObject({ level: 'bad' })
    await owner.query('drop table airy')
  })

  test('statistics', async () => {
    await owner.query('create table moving as select i as id from generate_series(1, 1000) i')
    await count()
    await owner.query('analyze moving')
    const changed = async (rows: number) => {
      await owner.query('update moving set id = id where id <= $1', [rows])
      await count()
      return line(owner, 'statistics', { statisticsFromRows: 100 })
    }
    expect(await changed(100)).toMatchObject({ level: 'good' })
    expect(await changed(300)).toMatchObject({ level: 'warning' })
    expect(await changed(1000)).toMatchObject({ level: 'bad' })
    await owner.query('drop table moving')
  })

  test('unused, missing and duplicate indexes', async () => {
    await owner.query('create table parents (id integer primary key)')
    await owner.query('create table children (id integer primary key, parent integer, other integer)')
    await owner.query('insert into parents select i from generate_series(1, 2000) i')
    await owner.query('insert into children select i, i, i from generate_series(1, 2000) i')

    expect(await line(owner, 'missing_indexes')).toMatchObject({ level: 'good' })
    await owner.query('alter table children add foreign key (parent) references parents')
    expect(await line(owner, 'missing_indexes')).toMatchObject({
      level: 'warning',
      text: expect.stringContaining('children (parent)'),
    })
    await owner.query('analyze children')
    expect(
      await line(owner, 'missing_indexes', { missingIndexRows: { warning: 0, bad: 1_000 } }),
    ).toMatchObject({
      level: 'bad',
    })
    // An index of some rows only does not serve the key.
    await owner.query('create index partial on children (parent) where parent > 5')
    expect(await line(owner, 'missing_indexes')).toMatchObject({ level: 'warning' })
    await owner.query('create index whole on children (parent)')
    expect(await line(owner, 'missing_indexes')).toMatchObject({ level: 'good' })
    await owner.query('update children set other = 1')
    await owner.query('create unique index concurrently broken on children (other)').catch(() => {})
    expect(await line(owner, 'missing_indexes')).toMatchObject({
      level: 'bad',
      text: expect.stringContaining('broken'),
    })
    await owner.query('drop index broken')
    await owner.query('drop index partial')

    expect(await line(owner, 'duplicate_indexes')).toMatchObject({ level: 'good' })
    await owner.query('create index again on children (parent)')
    expect(await line(owner, 'duplicate_indexes')).toMatchObject({
      level: 'warning',
      text: expect.stringContaining('again'),
    })
    expect(
      await line(owner, 'duplicate_indexes', { duplicateIndexBytes: { warning: 0, bad: 8_192 } }),
    ).toMatchObject({
      level: 'bad',
    })
    await owner.query('drop index again')

    const unused = () =>
      line(owner, 'unused_indexes', { unusedDays: 0, unusedFromBytes: 1, unusedIndexes: { bad: 0.12 } })
    expect(await line(owner, 'unused_indexes')).toMatchObject({ level: 'unknown' })
    await owner.query('set enable_seqscan = off')
    await owner.query('select parent from children where parent = 5')
    await count()
    expect(await unused()).toMatchObject({ level: 'good' })
    await owner.query('create index idle on parents (id) where id < 200')
    expect(await unused()).toMatchObject({ level: 'warning', text: expect.stringContaining('idle') })
    await owner.query('create index idler on children (other, id)')
    expect(await unused()).toMatchObject({ level: 'bad' })
    await owner.query('reset enable_seqscan')
  })

  test('wraparound', async () => {
    const [now] = await owner.query<{ age: number }>(
      'select max(greatest(age(datfrozenxid), mxid_age(datminmxid)))::float8 as age from pg_database',
    )
    const limits = { wraparound: { warning: (now!.age + 30) / 2 ** 31, bad: (now!.age + 60) / 2 ** 31 } }
    const use = async (ids: number) => {
      for (let nth = 0; nth < ids; nth += 1) await owner.query('select pg_current_xact_id()')
      return line(owner, 'wraparound', limits)
    }
    expect(await use(1)).toMatchObject({ level: 'good' })
    expect(await use(30)).toMatchObject({ level: 'warning' })
    expect(await use(30)).toMatchObject({ level: 'bad' })
    expect(await line(owner, 'wraparound')).toMatchObject({ level: 'good' })
  })

  test('slots', async () => {
    const slots = () => line(owner, 'slots', { slotBytes: { warning: 8_000_000, bad: 24_000_000 } })
    // What a new slot keeps begins at the last checkpoint; what others write meanwhile is far less than what is written here.
    await owner.query('checkpoint')
    await owner.query("select pg_create_physical_replication_slot('forgotten', true)")
    expect(await slots()).toMatchObject({ level: 'good' })
    const write = (bytes: number) =>
      owner.query("select pg_logical_emit_message(false, 'health', repeat('x', $1))", [bytes])
    // What was inserted is in the log's files a moment later.
    await write(12_000_000)
    await vi.waitFor(
      async () =>
        expect(await slots()).toMatchObject({
          level: 'warning',
          text: expect.stringContaining('forgotten'),
        }),
      SOON,
    )
    await write(16_000_000)
    await vi.waitFor(async () => expect(await slots()).toMatchObject({ level: 'bad' }), SOON)
    await owner.query("select pg_drop_replication_slot('forgotten')")
    expect(await slots()).toMatchObject({ level: 'good' })
  })

  test('replicas', { timeout: patience(60_000) }, async () => {
    expect(await line(owner, 'replicas')).toMatchObject({ level: 'good', text: 'no standby is connected' })
    const standby = await startPostgres({ replicaOf: server, settings: { max_connections: '23' } })
    const replayed = connect(standby.url)
    const replicas = () => line(owner, 'replicas', { replicaBytes: { warning: 500_000, bad: 2_000_000 } })
    await vi.waitFor(
      async () =>
        expect(await replicas()).toMatchObject({ level: 'good', text: expect.stringContaining('streaming') }),
      SOON,
    )
    await replayed.query('select pg_wal_replay_pause()')
    await vi.waitFor(async () => {
      const [row] = await replayed.query<{ state: string }>('select pg_get_wal_replay_pause_state() as state')
      expect(row!.state).toBe('paused')
    }, SOON)
    const write = (bytes: number) =>
      owner.query("select pg_logical_emit_message(false, 'health', repeat('x', $1))", [bytes])
    await write(1_000_000)
    await vi.waitFor(async () => expect(await replicas()).toMatchObject({ level: 'warning' }), SOON)
    await write(1_500_000)
    await vi.waitFor(async () => expect(await replicas()).toMatchObject({ level: 'bad' }), SOON)
    await replayed.close()
    await standby.stop()
  })

  test('sync_waits', async () => {
    const watcher = connect(url())
    const waits = (seconds: { warning: number; bad: number }) =>
      line(watcher, 'sync_waits', { syncWaitSeconds: seconds })
    expect(await waits({ warning: 0.1, bad: 1 })).toMatchObject({ level: 'good' })
    await set("set synchronous_standby_names = 'nobody'")
    await vi.waitFor(
      async () => expect(await line(watcher, 'replicas')).toMatchObject({ level: 'bad' }),
      SOON,
    )
    const writer = connect(url(), { max: 1 })
    await writer.query('set synchronous_commit = on')
    const written = writer.query('create table waited_for ()')
    await vi.waitFor(
      async () => expect(await waits({ warning: 0.1, bad: 1_000 })).toMatchObject({ level: 'warning' }),
      SOON,
    )
    await vi.waitFor(
      async () => expect(await waits({ warning: 0.1, bad: 0.5 })).toMatchObject({ level: 'bad' }),
      SOON,
    )
    await set('reset synchronous_standby_names')
    await written
    await Promise.all([writer.close(), watcher.close()])
  })

  test('autovacuum', async () => {
    const autovacuum = () => line(owner, 'autovacuum')
    expect(await autovacuum()).toMatchObject({ level: 'good' })
    await owner.query('create table left_out (id integer) with (autovacuum_enabled = false)')
    expect(await autovacuum()).toMatchObject({ level: 'warning', text: expect.stringContaining('left_out') })
    await set('set autovacuum = off')
    await vi.waitFor(async () => expect(await autovacuum()).toMatchObject({ level: 'bad' }), SOON)
    await owner.query('drop table left_out')
    await set('reset autovacuum')
    await vi.waitFor(async () => expect(await autovacuum()).toMatchObject({ level: 'good' }), SOON)
  })

  test('archive', async () => {
    const archive = (bad: number) => line(owner, 'archive', { archiveFailingSeconds: { warning: 0, bad } })
    expect(await archive(10)).toMatchObject({ level: 'good' })
    await set("set archive_command = 'false'")
    await owner.query("select pg_logical_emit_message(false, 'health', 'x')")
    await owner.query('select pg_switch_wal()')
    await vi.waitFor(async () => expect(await archive(1e9)).toMatchObject({ level: 'warning' }), SOON)
    await vi.waitFor(async () => expect(await archive(0.1)).toMatchObject({ level: 'bad' }), SOON)
    await set('reset archive_command')
  })

  test('checksums', { timeout: patience(60_000) }, async () => {
    expect(await line(owner, 'checksums')).toMatchObject({ level: 'warning' })
    await owner.query('create table damaged as select i as id from generate_series(1, 1000) i')
    const [file] = await owner.query<{ path: string }>("select pg_relation_filepath('damaged') as path")
    await server.shutdown()
    await run(join(server.binDir, 'pg_checksums'), ['--enable', '--pgdata', server.dataDir], {
      ...(await serverUser()),
      cwd: '/',
    })
    const page = await open(join(server.dataDir, file!.path), 'r+')
    await server.start()
    expect(await line(owner, 'checksums')).toMatchObject({ level: 'good' })
    await page.write('this page was damaged', 4_000)
    await page.close()
    await expect(owner.query('select sum(id) from damaged')).rejects.toMatchObject({ code: 'XX001' })
    await vi.waitFor(async () => expect(await line(owner, 'checksums')).toMatchObject({ level: 'bad' }), SOON)
  })
})
