import { setTimeout as nextTurn } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest'
import { readConfig } from '../../src/config.ts'
import { sql } from '../../src/platform/db/drizzle.ts'
import type { Database } from '../../src/platform/db/engine/database.ts'
import { openServer } from '../../src/platform/db/engine/server.ts'
import { enableLogins, type LoginEvent, loginAt } from '../../src/platform/db/logins.ts'
import { type Databases, openDatabases } from '../../src/platform/db/open.ts'
import { openSessions } from '../../src/platform/db/session.ts'
import { SECRET, useApi } from '../support/api.ts'
import { useTestDatabase } from '../support/database.ts'
import { buildFreightWorld } from '../support/freight-world.ts'
import { startMigratedPostgres } from '../support/migrated-postgres.ts'
import { patience } from '../support/patience.ts'
import { type Pgbouncer, startPgbouncer } from '../support/pgbouncer.ts'
import type { PostgresServer } from '../support/postgres-server.ts'
import { ROUTE_REQUESTS } from '../support/route-requests.ts'
import { sendRoute } from '../support/send-route.ts'
import { arrangeShift, callerOf } from '../support/world.ts'

/* What PgBouncer's transaction mode does to a session: nothing stays in it, and others have it next. */

/**
 * Fewer than the service's own pool has, so that its connections take turns with each of them; and enough for those requests that
 * wait for each other inside the database.
 */
const SERVER_CONNECTIONS = 5
/** PgBouncer is installed where it is missing. */
const INSTALL_TIMEOUT_MS = patience(300_000)

let pooler: Pgbouncer

beforeAll(async () => {
  const prepared = inject('database')
  if (prepared.engine !== 'server') throw new Error('A pooler stands before a server.')
  pooler = await startPgbouncer(prepared.url, SERVER_CONNECTIONS)
}, INSTALL_TIMEOUT_MS)
afterAll(() => pooler?.stop())

const SETTINGS = `
  select current_setting('statement_timeout') as statement, current_setting('lock_timeout') as lock,
         current_setting('idle_in_transaction_session_timeout') as idle, current_setting('search_path') as path,
         current_setting('timezone') as zone, current_setting('jit') as jit`
/** What the service does not connect with, so that it can only come from its settings. */
const TIMEOUTS = {
  DATABASE_STATEMENT_TIMEOUT_MS: '4321',
  DATABASE_LOCK_TIMEOUT_MS: '1234',
  DATABASE_IDLE_TRANSACTION_TIMEOUT_MS: '5432',
}
const WANTED = {
  statement: '4321ms',
  lock: '1234ms',
  idle: '5432ms',
  path: 'public, extensions',
  zone: 'UTC',
  jit: 'off',
}

describe('a session that is lent for one transaction', () => {
  const api = useApi(() => ({ ...TIMEOUTS, DATABASE_POOLER_URL: pooler.url }))

  it('has the settings of the service in each, also for a single statement', async () => {
    const wants = await Promise.all(
      Array.from({ length: 3 * SERVER_CONNECTIONS }, async (_, nth) =>
        nth % 2 === 0
          ? api().api.query(SETTINGS)
          : api().api.transaction((tx) => tx.query(SETTINGS), { readOnly: nth % 3 === 0 }),
      ),
    )
    for (const [settings] of wants) expect(settings).toEqual(WANTED)
  })

  it('keeps nothing of them, nor of a caller, for its next borrower', async () => {
    // Its transactions bring no timeouts along: those that it finds were left behind.
    const { api: login } = await enableLogins(api().owner, api().ownerUrl!, { names: [] })
    const stranger = openServer({
      url: login,
      poolerUrl: loginAt(pooler.url, login),
      max: SERVER_CONNECTIONS,
      prepare: false,
    })
    try {
      await Promise.all(Array.from({ length: SERVER_CONNECTIONS }, () => api().as('guard').get('/v1/shifts')))
      const left = await Promise.all(
        Array.from({ length: SERVER_CONNECTIONS }, () =>
          stranger.transaction(async (tx) => {
            const [row] = await tx.query<Record<string, string>>(
              `${SETTINGS}, current_user::text as "user", current_setting('request.jwt.claims', true) as claims`,
            )
            return row!
          }),
        ),
      )
      for (const row of left) {
        expect(row).toMatchObject({ statement: '0', lock: '0', idle: '0', user: new URL(login).username })
        expect(row.claims || null).toBeNull()
      }
    } finally {
      await stranger.close()
    }
  })

  it('is shared: many callers at once need few of the server’s', async () => {
    const answers = Promise.all(
      Array.from({ length: 8 * SERVER_CONNECTIONS }, () => api().as('guard').get('/v1/shifts')),
    )
    for (const { statusCode } of await answers) expect(statusCode).toBe(200)
    const [used] = await api().owner.query<{ sessions: number }>(
      `select count(*)::int as sessions from pg_stat_activity where datname = current_database() and usename ~ '^muster_api_'`,
    )
    expect(used!.sessions).toBeGreaterThan(0)
    expect(used!.sessions).toBeLessThanOrEqual(SERVER_CONNECTIONS)
  })

  it('is opened anew also when another process of the service has started meanwhile', async () => {
    expect((await api().as('guard').get('/v1/me')).statusCode).toBe(200)
    await enableLogins(api().owner, api().ownerUrl!)
    await api().owner.query(
      `select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = current_database() and usename ~ '^muster_api_'`,
    )
    expect((await api().as('guard').get('/v1/me')).statusCode).toBe(200)
  })

  it('is cancelled when nobody waits any more, and no other statement is', async () => {
    const gone = new AbortController()
    const sessions = openSessions(api().api)
    const slow = sessions.read(
      callerOf('guard'),
      (session) => session.value(sql`select 'left behind' from pg_sleep(4)`),
      { signal: gone.signal },
    )
    const isRunning = async (): Promise<boolean> =>
      (
        await api().owner.query(
          `select from pg_stat_activity where datname = current_database() and state = 'active' and query like '%left behind%' and pid <> pg_backend_pid()`,
        )
      ).length > 0
    await vi.waitUntil(isRunning, { timeout: patience(5_000) })
    const others = Promise.all(
      Array.from({ length: 2 * SERVER_CONNECTIONS }, () => api().as('guard').get('/v1/shifts')),
    )
    gone.abort(new Error('nobody waits'))
    await expect(slow).rejects.toThrow('nobody waits')
    expect(await isRunning()).toBe(false)
    for (const { statusCode } of await others) expect(statusCode).toBe(200)
  })
})

describe('a service behind a pooler', () => {
  const api = useApi(() => ({ DATABASE_POOLER_URL: pooler.url }), buildFreightWorld)

  it.each(Object.keys(ROUTE_REQUESTS))('answers %s', (route) => sendRoute(api(), route, 3))

  it('gives one of many who claim a shift at once the shift, and refuses the others', async () => {
    const shift = await arrangeShift(api().owner, { startsInHours: 5_000 })
    const claims = Array.from({ length: 4 * SERVER_CONNECTIONS }, (_, nth) =>
      api()
        .as(nth % 2 === 0 ? 'guard' : 'otherGuard')
        .post(`/v1/shifts/${shift}/claim`),
    )
    const statuses = (await Promise.all(claims)).map(({ statusCode }) => statusCode)
    expect(statuses.filter((status) => status === 200)).toHaveLength(1)
    expect(new Set(statuses)).toEqual(new Set([200, 409]))
  })

  it('answers a request again by its Idempotency-Key', async () => {
    const body = { name: 'Firm', kind: 'company' }
    const request = { headers: { 'idempotency-key': 'behind-a-pooler' } }
    const [first, again] = [
      await api().as('admin').post('/v1/organizations', body, request),
      await api().as('admin').post('/v1/organizations', body, request),
    ]
    expect([first.statusCode, again.statusCode, again.body]).toEqual([201, 201, first.body])
  })
})

describe('the databases of a service with a pooler', () => {
  const database = useTestDatabase()
  let databases: Databases
  let service: Database

  beforeAll(async () => {
    const { ownerUrl } = database()
    databases = await openDatabases(
      readConfig({
        NODE_ENV: 'test',
        JWT_SECRET: SECRET,
        DATABASE_URL: ownerUrl,
        DATABASE_POOLER_URL: pooler.url,
        ...TIMEOUTS,
      }),
      () => {},
    )
    service = databases.checks
  })
  afterAll(() => databases?.close())

  it('know the migrations', async () => {
    expect(await databases.findObstacle()).toBeUndefined()
  })

  it('check what subscribers see with a snapshot per statement', async () => {
    const [level] = await service.transaction((tx) =>
      tx.query("select current_setting('transaction_isolation') as is"),
    )
    expect(level).toEqual({ is: 'read committed' })
  })

  it('listen past the pooler, which would forget them', async () => {
    const heard: string[] = []
    const stop = await service.listen('muster_channel_rights', (payload) => heard.push(payload))
    await service.query("select pg_notify('muster_channel_rights', 'a topic')")
    await vi.waitUntil(() => heard.length > 0, { timeout: patience(5_000) })
    expect(heard).toEqual(['a topic'])
    await stop()
  })
})

describe('a server of its own behind a pooler', () => {
  let cluster: PostgresServer
  let own: Pgbouncer
  let superuser: Database
  let databases: Databases
  const events: string[] = []

  beforeAll(async () => {
    cluster = await startMigratedPostgres()
    // Who waits for a session that cannot be opened waits this long.
    own = await startPgbouncer(cluster.url, 2, { query_wait_timeout: '3' })
    superuser = openServer({ url: cluster.url, max: 1 })
    databases = await openDatabases(
      readConfig({ JWT_SECRET: SECRET, DATABASE_URL: cluster.url, DATABASE_POOLER_URL: own.url }),
      () => {},
      { info() {}, warn: (event) => events.push((event as LoginEvent).state) },
    )
  }, patience(60_000))
  afterAll(async () => {
    await databases?.close()
    await superuser?.close()
    await own?.stop()
    await cluster?.stop()
  })

  const answers = (): Promise<boolean> =>
    databases.api.query('select 1').then(
      () => true,
      () => false,
    )

  it(
    'that is away for two seconds is back soon after',
    async () => {
      expect(await answers()).toBe(true)
      await cluster.shutdown()
      const until = performance.now() + 2_000
      while (performance.now() < until)
        expect(await Promise.race([answers(), nextTurn(100, false)])).toBe(false)
      await cluster.start()
      const startedAt = performance.now()
      await vi.waitUntil(answers, { timeout: patience(14_000), interval: 50 })
      console.info(`back ${Math.round(performance.now() - startedAt)} ms after the server`)
      expect(performance.now() - startedAt).toBeLessThan(patience(5_000))
    },
    patience(60_000),
  )

  it(
    'serves again by itself when somebody has changed the password of the login',
    async () => {
      const [before] = await databases.api.query<{ login: string }>('select session_user::text as login')
      await superuser.query(`alter role ${before!.login} password 'another'`)
      await superuser.query(
        `select pg_terminate_backend(pid, 5000) from pg_stat_activity where usename = '${before!.login}'`,
      )
      await vi.waitUntil(answers, { timeout: patience(20_000), interval: 50 })
      const [after] = await databases.api.query<{ login: string }>('select session_user::text as login')
      expect([after!.login.startsWith(`${before!.login}_`), events]).toEqual([true, ['renewed']])
    },
    patience(60_000),
  )
})
