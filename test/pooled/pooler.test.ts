import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { readConfig } from '../../src/config.ts'
import { openServer } from '../../src/db/engine/server.ts'
import type { Database } from '../../src/db/engine/types.ts'
import { enableLogins, LOGINS, loginAt, loginUrl } from '../../src/db/logins.ts'
import { type Databases, openDatabases } from '../../src/db/open.ts'
import { openSessions } from '../../src/db/session.ts'
import { SECRET, useApi } from '../support/api.ts'
import { useTestDatabase } from '../support/database.ts'
import { SERVER_CONNECTIONS } from '../support/setup-pooled.ts'
import { callerOf } from '../support/world.ts'

/* What transaction mode does to a session: nothing stays in it, and others have it next. */

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
  const api = useApi(TIMEOUTS)

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
    const login = loginUrl(api().ownerUrl!, LOGINS.api)
    const stranger = openServer({
      url: login,
      poolerUrl: loginAt(api().poolerUrl!, login),
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
        expect(row).toMatchObject({ statement: '0', lock: '0', idle: '0', user: LOGINS.api })
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
      `select count(*)::int as sessions from pg_stat_activity where datname = current_database() and usename = '${LOGINS.api}'`,
    )
    expect(used!.sessions).toBeGreaterThan(0)
    expect(used!.sessions).toBeLessThanOrEqual(SERVER_CONNECTIONS)
  })

  it('is opened anew also when another process of the service has started meanwhile', async () => {
    expect((await api().as('guard').get('/v1/me')).statusCode).toBe(200)
    await enableLogins(api().owner, api().ownerUrl!)
    await api().owner.query(
      `select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = current_database() and usename = '${LOGINS.api}'`,
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
    await vi.waitUntil(isRunning, { timeout: 5_000 })
    const others = Promise.all(
      Array.from({ length: 2 * SERVER_CONNECTIONS }, () => api().as('guard').get('/v1/shifts')),
    )
    gone.abort(new Error('nobody waits'))
    await expect(slow).rejects.toThrow('nobody waits')
    expect(await isRunning()).toBe(false)
    for (const { statusCode } of await others) expect(statusCode).toBe(200)
  })
})

describe('the databases of a service with a pooler', () => {
  const database = useTestDatabase()
  let databases: Databases
  let service: Database

  beforeAll(async () => {
    const { ownerUrl, poolerUrl } = database()
    databases = await openDatabases(
      readConfig({
        NODE_ENV: 'test',
        JWT_SECRET: SECRET,
        DATABASE_URL: ownerUrl,
        DATABASE_POOLER_URL: poolerUrl,
        ...TIMEOUTS,
      }),
      () => {},
    )
    service = databases.checks
  })
  afterAll(() => databases?.close())

  it('know the migrations', async () => {
    expect(await databases.isMigrated()).toBe(true)
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
    await vi.waitUntil(() => heard.length > 0, { timeout: 5_000 })
    expect(heard).toEqual(['a topic'])
    await stop()
  })
})
