import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { readConfig } from '../../src/config.ts'
import { issueToken } from '../../src/platform/auth/issue.ts'
import type { Database } from '../../src/platform/db/engine/database.ts'
import { openServer } from '../../src/platform/db/engine/server.ts'
import { ReadOnlyServer } from '../../src/platform/db/fitness.ts'
import { openDatabases } from '../../src/platform/db/open.ts'
import { SECRET } from '../support/api.ts'
import { startMigratedPostgres } from '../support/migrated-postgres.ts'
import { patience } from '../support/patience.ts'
import type { PostgresServer } from '../support/postgres-server.ts'
import { urlOf } from '../support/server-databases.ts'
import { type ServiceProcess, startService } from '../support/service-process.ts'
import { buildWorld, LOCATIONS, USERS } from '../support/world.ts'

/* A server that answers, and cannot do what the service is for: read-only, without its synchronous standby, without its settings. */

const PATIENCE_MS = patience(60_000)
const WRITERS = 20
/** With five seconds beyond, after which a statement without an answer is given up. */
const STATEMENT_TIMEOUT_MS = patience(500)

let postgres: PostgresServer
let service: ServiceProcess
let owner: Database
let token: string

beforeAll(async () => {
  postgres = await startMigratedPostgres({ settings: { synchronous_commit: 'on' } })
  service = await startService({
    DATABASE_URL: postgres.url,
    JWT_SECRET: SECRET,
    LOG_LEVEL: 'info',
    RATE_LIMIT_PER_MINUTE: '1000000',
    DATABASE_STATEMENT_TIMEOUT_MS: String(STATEMENT_TIMEOUT_MS),
    DATABASE_CALLER_CONNECTIONS: '10',
  })
  owner = openOwner()
  await buildWorld(owner)
  token = await issueToken(SECRET, { sub: USERS.company, audience: 'authenticated' })
}, PATIENCE_MS)
afterAll(async () => {
  await owner?.close()
  await service?.stop()
  await postgres?.stop()
})

const openOwner = (): Database =>
  openServer({ url: postgres.url, max: 2, applicationName: 'muster-test-owner' })
const until = (check: () => Promise<void> | void): Promise<void> =>
  vi.waitFor(check, { timeout: PATIENCE_MS, interval: 50 })

async function setOfServer(setting: string, value: string | undefined): Promise<void> {
  await owner.query(
    value === undefined ? `alter system reset ${setting}` : `alter system set ${setting} = '${value}'`,
  )
  await owner.query('select pg_reload_conf()')
}

interface Answer {
  status: number
  code: string | undefined
  retryAfter: string | null
  id: string | undefined
}

async function create(title: string): Promise<Answer> {
  const startsAt = Date.parse('2030-01-01T08:00:00Z')
  const response = await fetch(`${service.url}/v1/shifts`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      'idempotency-key': title,
    },
    body: JSON.stringify({
      location_id: LOCATIONS.site,
      start_datetime: new Date(startsAt).toISOString(),
      end_datetime: new Date(startsAt + 3_600_000).toISOString(),
      hourly_rate: 20,
      title,
    }),
  })
  const { code, id } = (await response.json()) as { code?: string; id?: string }
  return { status: response.status, code, retryAfter: response.headers.get('retry-after'), id }
}

const readiness = async (): Promise<Record<string, unknown>> =>
  (await (await fetch(`${service.url}/ready`)).json()) as Record<string, unknown>
const isReady = async (): Promise<void> =>
  expect(await readiness()).toMatchObject({
    status: 'ready',
    reason: null,
    feed: 'streaming',
    bus: 'connected',
  })

/** Warnings and what ends them, of one component of the service, from a moment on. */
function linesOf(component: string, from: number): { reason?: string; msg: string }[] {
  return service.printed
    .slice(from)
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as { msg?: string; reason?: string })
    .flatMap(({ msg = '', reason }) =>
      msg.startsWith(`${component}:`) ? [{ msg, ...(reason && { reason }) }] : [],
    )
}

test(
  'a read-only server: writes are put off, reads served, and the service is not ready until it is mended',
  async () => {
    await until(isReady)
    const from = service.printed.length
    await setOfServer('default_transaction_read_only', 'on')
    await until(async () =>
      expect(await readiness()).toMatchObject({ status: 'not_ready', reason: 'read_only', writable: false }),
    )
    expect(await create('read-only')).toMatchObject({ status: 503, code: 'busy', retryAfter: '2' })
    const read = await fetch(`${service.url}/v1/shifts`, { headers: { authorization: `Bearer ${token}` } })
    expect(read.status).toBe(200)
    // What a process prints arrives a little later than its answers.
    await until(() =>
      expect(
        service.printed.slice(from).filter((line) => line.includes('"alarm":"database_unfit"')),
      ).toHaveLength(1),
    )

    await setOfServer('default_transaction_read_only', undefined)
    await until(isReady)
    expect(await create('read-only')).toMatchObject({ status: 201 })
    await until(() => expect(linesOf('readiness', from)).toHaveLength(2))
  },
  PATIENCE_MS,
)

test(
  'a process that starts at a read-only server serves reads, and is ready when the server takes writes',
  async () => {
    await owner.query('create database empty')
    await setOfServer('default_transaction_read_only', 'on')
    const environment = { DATABASE_URL: postgres.url, JWT_SECRET: SECRET, LOG_LEVEL: 'info' }
    const late = await startService(environment)
    try {
      const ready = async () => (await fetch(`${late.url}/ready`)).json()
      expect(await ready()).toMatchObject({ status: 'not_ready', reason: 'read_only' })
      const headers = { authorization: `Bearer ${token}` }
      expect((await fetch(`${late.url}/v1/shifts`, { headers })).status).toBe(200)
      expect(late.printed).toContainEqual(expect.stringMatching(/^warning: the server takes no writes/))
      // Without the schema there is nothing to serve: a message instead of a process.
      const empty = readConfig({ ...environment, DATABASE_URL: urlOf(postgres.url, 'empty') })
      await expect(openDatabases(empty, () => {})).rejects.toBeInstanceOf(ReadOnlyServer)

      await setOfServer('default_transaction_read_only', undefined)
      await until(async () => expect(await ready()).toMatchObject({ status: 'ready', feed: 'streaming' }))
    } finally {
      await setOfServer('default_transaction_read_only', undefined)
      await late.stop()
    }
    await until(isReady)
  },
  PATIENCE_MS,
)

test(
  'a lost synchronous standby: what may be stored is answered as unknown, sessions are cancelled, and the same key is safe',
  async () => {
    const titles = Array.from({ length: WRITERS }, () => randomUUID())
    await setOfServer('synchronous_standby_names', 'nobody')
    const answers = await Promise.all(titles.map(create))
    // Ten have a connection each, and are stored; the others never had one.
    expect(new Set(answers.map(({ status, code, retryAfter }) => `${status} ${code} ${retryAfter}`))).toEqual(
      new Set(['503 outcome_unknown 2', '503 busy 2']),
    )
    await until(async () => {
      const waiting = await owner.query(
        "select from pg_stat_activity where wait_event = 'SyncRep' and usename <> 'postgres' and application_name not in ('muster-worker', 'muster-jobs')",
      )
      expect(waiting).toEqual([])
    })

    await setOfServer('synchronous_standby_names', undefined)
    await until(isReady)
    for (const title of titles) expect(await create(title)).toMatchObject({ status: 201 })
    const [row] = await owner.query<{ shifts: number }>(
      'select count(*)::int as shifts from shifts where title = any ($1::text[])',
      [`{${titles.join(',')}}`],
    )
    expect(row).toEqual({ shifts: WRITERS })
  },
  PATIENCE_MS,
)

test(
  'a restart of the server: the log has the first line and the end of each streak, and each reason once',
  async () => {
    await until(isReady)
    const from = service.printed.length
    await owner.close()
    await postgres.shutdown()
    await until(async () =>
      expect(await readiness()).toMatchObject({
        reason: 'database_unreachable',
        feed: 'reconnecting',
        bus: 'disconnected',
      }),
    )
    await postgres.start()
    owner = openOwner()
    await until(isReady)
    const ends: Record<string, string> = {
      'realtime change feed': 'streaming again',
      'realtime bus': 'connected to the other processes again',
      readiness: 'the database can serve again',
    }
    await until(() => {
      for (const [component, end] of Object.entries(ends)) {
        expect(linesOf(component, from).at(-1)?.msg, component).toContain(end)
      }
    })
    for (const component of Object.keys(ends)) {
      const lines = linesOf(component, from)
      expect(new Set(lines.map(({ msg, reason }) => `${msg} ${reason}`)).size, component).toBe(lines.length)
      expect(lines.slice(0, -1).every(({ reason }) => reason !== undefined)).toBe(true)
      expect(JSON.stringify(lines)).not.toContain('pooler')
    }
  },
  PATIENCE_MS,
)

test(
  'a server that came back with wal_level=replica: the log says so, once, and /ready has the state of the feed',
  async () => {
    await until(isReady)
    const from = service.printed.length
    await owner.query("alter system set wal_level = 'replica'")
    await owner.close()
    await postgres.shutdown()
    await postgres.start()
    owner = openOwner()
    await until(async () =>
      expect(await readiness()).toMatchObject({ status: 'ready', feed: 'reconnecting', bus: 'connected' }),
    )
    await until(() =>
      expect(
        linesOf('realtime change feed', from).filter(({ reason }) => reason?.includes('wal_level=replica')),
      ).toHaveLength(1),
    )
  },
  PATIENCE_MS,
)
