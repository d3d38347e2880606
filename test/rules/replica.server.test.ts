import { type AddressInfo, createServer } from 'node:net'
import { setTimeout as pass } from 'node:timers/promises'
import type { FastifyInstance, LightMyRequestResponse } from 'fastify'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { buildApp } from '../../src/app.ts'
import { readConfig } from '../../src/config.ts'
import { resolveTokenSettings } from '../../src/platform/auth/development-secret.ts'
import { issueToken } from '../../src/platform/auth/issue.ts'
import { createVerifier } from '../../src/platform/auth/verifier.ts'
import { sql } from '../../src/platform/db/drizzle.ts'
import type { Database } from '../../src/platform/db/engine/database.ts'
import { openServer } from '../../src/platform/db/engine/server.ts'
import { enableLogins, loginAt } from '../../src/platform/db/logins.ts'
import { type Databases, openDatabases } from '../../src/platform/db/open.ts'
import { openSessions } from '../../src/platform/db/session.ts'
import { ALL_WELL } from '../../src/platform/operations/routes.ts'
import { SECRET } from '../support/api.ts'
import { patience } from '../support/patience.ts'
import { type PostgresServer, startPostgres } from '../support/postgres-server.ts'
import { urlOf } from '../support/server-databases.ts'
import { arrangeShift, buildWorld, callerOf, ORGANIZATIONS, type Persona, USERS } from '../support/world.ts'

/* A real primary and a real streaming replica, each with fsync and synchronous commit as in production. */

interface Service {
  app: FastifyInstance
  databases: Databases
  /** What it has logged of the replica. */
  logged: string[]
  get(persona: Persona, path: string): Promise<LightMyRequestResponse>
  post(persona: Persona, path: string, body?: object): Promise<LightMyRequestResponse>
}

const DATABASE = 'muster'
/** Far more than replay takes on a busy machine, for tests where the replica is to answer. */
const PATIENT_MS = '10000'

let primary: PostgresServer
let replica: PostgresServer
let owner: Database
let standby: Database
const services: Service[] = []

/** With the owner's user and password, which must not be taken. */
const addressOf = (server: PostgresServer): string => server.url.replace(/\/postgres$/, '')

/** A process of the service: it shares nothing with another one. */
async function startService(maxLagMs: string, more: Record<string, string> = {}): Promise<Service> {
  const config = readConfig({
    NODE_ENV: 'test',
    LOG_LEVEL: 'silent',
    RATE_LIMIT_PER_MINUTE: '1000000',
    JWT_SECRET: SECRET,
    DATABASE_URL: urlOf(primary.url, DATABASE),
    DATABASE_REPLICA_URL: addressOf(replica),
    DATABASE_REPLICA_MAX_LAG_MS: maxLagMs,
    DATABASE_STATEMENT_TIMEOUT_MS: '8765',
    ...more,
  })
  const logged: string[] = []
  const databases = await openDatabases(config, () => {}, {
    info: (_, message) => logged.push(message),
    warn: (_, message) => logged.push(message),
  })
  const app = await buildApp({
    config,
    version: '0.0.0-test',
    sessions: openSessions(databases.api, databases.replica),
    verifier: createVerifier(await resolveTokenSettings(config)),
    checkReadiness: async () => ({ ...ALL_WELL, replica: databases.replica?.state ?? 'off' }),
  })
  const send = async (persona: Persona, method: 'GET' | 'POST', url: string, payload?: object) =>
    app.inject({
      method,
      url,
      headers: {
        authorization: `Bearer ${await issueToken(SECRET, { sub: USERS[persona], audience: config.JWT_AUDIENCE })}`,
      },
      ...(payload && { payload }),
    })
  const service: Service = {
    app,
    databases,
    logged,
    get: (persona, path) => send(persona, 'GET', path),
    post: (persona, path, body) => send(persona, 'POST', path, body),
  }
  services.push(service)
  return service
}

/** Statements that the replica was sent by the service so far. */
async function sentToReplica(): Promise<string[]> {
  const lines = (await replica.log()).split('\n')
  return lines.flatMap(
    (line) => /muster_api_\d+@\w+ LOG: {2}(?:statement|execute [^:]+): (.*)/.exec(line)?.[1] ?? [],
  )
}

const readsOnReplica = async (): Promise<number> =>
  (await sentToReplica()).filter((text) => text === 'begin read only').length

/** Until a read is answered by the replica: after its pause, and when it has replayed everything. */
async function untilUsed(service: Service): Promise<void> {
  await vi.waitUntil(
    async () => {
      await service.get('guard', '/v1/me')
      return service.databases.replica!.state === 'streaming'
    },
    { timeout: patience(20_000), interval: 50 },
  )
}

const newLocation = (name: string) => ({
  organization_id: ORGANIZATIONS.client,
  name,
  address: 'Somewhere 1',
  latitude: 52.1,
  longitude: 4.9,
  radius_meters: 100,
})

const setDelay = async (value: string): Promise<void> => {
  await standby.query(`alter system set recovery_min_apply_delay = '${value}'`)
  await standby.query('select pg_reload_conf()')
}

const pauseReplay = async (): Promise<void> => {
  await standby.query('select pg_wal_replay_pause()')
  await vi.waitUntil(
    async () =>
      (await standby.query<{ s: string }>('select pg_get_wal_replay_pause_state() as s'))[0]!.s === 'paused',
    { timeout: patience(10_000) },
  )
}
const resumeReplay = () => standby.query('select pg_wal_replay_resume()')

beforeAll(async () => {
  primary = await startPostgres({ durable: true })
  const administrator = openServer({ url: primary.url, max: 1 })
  await administrator.query(`create database ${DATABASE}`)
  await administrator.close()
  // Migrates, and lets the logins in, before the copy is made.
  const first = await openDatabases(
    readConfig({ NODE_ENV: 'test', JWT_SECRET: SECRET, DATABASE_URL: urlOf(primary.url, DATABASE) }),
    () => {},
  )
  await first.close()
  owner = openServer({ url: urlOf(primary.url, DATABASE), max: 2 })
  await buildWorld(owner)
  replica = await startPostgres({
    durable: true,
    replicaOf: primary,
    settings: { log_statement: 'all', log_line_prefix: '%u@%d ', hot_standby_feedback: 'on' },
  })
  standby = openServer({ url: replica.url, max: 1 })
})

afterEach(async () => {
  for (const { app, databases } of services.splice(0)) {
    await app.close()
    await databases.close()
  }
})

afterAll(async () => {
  await standby?.close()
  await owner?.close()
  await replica?.stop()
  await primary?.stop()
})

describe('reads', () => {
  it('are answered by the replica, each by one transaction there', async () => {
    const shift = await arrangeShift(owner)
    const service = await startService(PATIENT_MS)
    const before = await readsOnReplica()
    const paths = [
      '/v1/me',
      '/v1/shifts',
      `/v1/shifts/${shift}`,
      '/v1/shifts/nearby?latitude=52.37&longitude=4.9',
      '/v1/locations',
      '/v1/notifications',
      '/v1/transactions',
      '/v1/incidents',
      '/v1/certificates',
      '/v1/professionals',
      `/v1/shifts/${shift}/checkins`,
    ]
    for (const path of paths) {
      const { statusCode, body } = await service.get('company', path)
      expect(statusCode, `${path}: ${body}`).toBe(200)
    }
    // Which pages of candidates a company asked for is counted, so the primary answers.
    expect((await service.get('company', `/v1/shifts/${shift}/candidates`)).statusCode).toBe(200)
    expect((await readsOnReplica()) - before).toBe(paths.length)
  })

  it('are under the same rules and settings there', async () => {
    const shift = await arrangeShift(owner)
    const service = await startService(PATIENT_MS)
    expect((await service.get('company', `/v1/shifts/${shift}`)).statusCode).toBe(200)
    expect((await service.get('foreignGuard', `/v1/shifts/${shift}`)).statusCode).toBe(404)
    expect((await service.get('stranger', '/v1/shifts')).statusCode).toBe(403)
    const { api, replica: there } = service.databases
    const [answer] = await openSessions(api, there).read(callerOf('guard'), (session) =>
      session.rows(sql`
        select pg_is_in_recovery() as standby, session_user::text as login, current_user::text as role, auth.uid() as uid,
               current_setting('statement_timeout') as timeout, current_setting('timezone') as zone,
               current_setting('transaction_read_only') as read_only`),
    )
    expect(answer).toEqual({
      standby: true,
      login: expect.stringMatching(/^muster_api_\d+$/),
      role: 'authenticated',
      uid: USERS.guard,
      timeout: '8765ms',
      zone: 'UTC',
      read_only: 'on',
    })
  })

  it('of what only the primary knows go to the primary', async () => {
    const service = await startService(PATIENT_MS)
    const before = await readsOnReplica()
    expect((await service.get('company', '/v1/sync/shifts')).statusCode).toBe(200)
    expect(await readsOnReplica()).toBe(before)
  })
})

describe('with a replica that is behind', () => {
  afterEach(async () => {
    await setDelay('0')
    await resumeReplay()
  })

  it('a caller reads what it wrote, through whichever process; others too', async () => {
    const one = await startService('20')
    const other = await startService('20')
    await untilUsed(one)
    await untilUsed(other)
    await pauseReplay()
    const { id } = (await one.post('client', '/v1/locations', newLocation('behind'))).json()
    for (const service of [one, other]) {
      for (const persona of ['client', 'admin'] as const) {
        const { statusCode, body } = await service.get(persona, `/v1/locations/${id}`)
        expect(statusCode, body).toBe(200)
      }
    }
    expect(one.databases.replica!.state).toBe('behind')
    const before = await readsOnReplica()
    await resumeReplay()
    await untilUsed(one)
    expect((await one.get('client', `/v1/locations/${id}`)).statusCode).toBe(200)
    expect(await readsOnReplica()).toBeGreaterThan(before)
  })

  it('by less than the bound, a read waits for it and is answered there', async () => {
    const service = await startService(PATIENT_MS)
    await untilUsed(service)
    await setDelay('200ms')
    for (let round = 0; round < 3; round += 1) {
      const { id } = (await service.post('client', '/v1/locations', newLocation(`delayed ${round}`))).json()
      const before = await readsOnReplica()
      expect((await service.get('client', `/v1/locations/${id}`)).statusCode).toBe(200)
      expect(await readsOnReplica()).toBe(before + 1)
    }
    expect(service.databases.replica!.state).toBe('streaming')
  })

  it('a read never shows a row after access to it was revoked', async () => {
    const service = await startService('20')
    await untilUsed(service)
    const shift = await arrangeShift(owner)
    await pauseReplay()
    await owner.query('update shifts set deleted_at = now() where id = $1', [shift])
    expect((await service.get('company', `/v1/shifts/${shift}`)).statusCode).toBe(404)
  })

  it('writers and readers at once, through two processes, always read what they wrote', async () => {
    const pair = [await startService('20'), await startService('20')] as const
    await setDelay('30ms')
    await Promise.all(
      Array.from({ length: 6 }, async (_, writer) => {
        for (let round = 0; round < 10; round += 1) {
          const name = `at once ${writer}/${round}`
          const { id } = (await pair[writer % 2]!.post('client', '/v1/locations', newLocation(name))).json()
          // Not a wait for anything: some read at once, some when the replica may have it.
          if (round % 2) await pass(Math.random() * 60)
          expect((await pair[(writer + round) % 2]!.get('client', `/v1/locations/${id}`)).statusCode).toBe(
            200,
          )
        }
      }),
    )
  })
})

describe('a replica that', () => {
  it('is killed and comes back is left and found again, and no read fails', async () => {
    const service = await startService('500')
    await untilUsed(service)
    const during = Promise.all(
      Array.from({ length: 40 }, async (_, nth) => {
        await pass(nth * 3)
        return (await service.get('company', '/v1/shifts')).statusCode
      }),
    )
    await replica.crash()
    expect(new Set(await during)).toEqual(new Set([200]))
    expect(service.databases.replica!.state).not.toBe('streaming')
    const ready = await service.app.inject({ url: '/ready' })
    expect(ready.statusCode).toBe(200)
    expect(ready.json().replica).not.toBe('streaming')
    await replica.start()
    await untilUsed(service)
    const before = await readsOnReplica()
    await service.get('company', '/v1/shifts')
    expect(await readsOnReplica()).toBe(before + 1)
    // Each reason once, and of the end nothing before it has lasted.
    expect(service.logged.length).toBeGreaterThan(0)
    expect(service.logged).toEqual(service.logged.map(() => expect.stringContaining('behind or unavailable')))
    expect(service.logged.length).toBeLessThan(5)
  })

  it('takes connections and answers nothing holds up no read', async () => {
    const silent = createServer((socket) => socket.on('error', () => {}).resume())
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
    const { port } = silent.address() as AddressInfo
    const service = await startService('100', { DATABASE_REPLICA_URL: `postgres://127.0.0.1:${port}` })
    expect((await service.get('company', '/v1/shifts')).statusCode).toBe(200)
    expect(service.databases.replica!.state).toBe('behind')
    await service.databases.close()
    silent.close()
  })

  it('is not there at all is unavailable', async () => {
    const service = await startService(PATIENT_MS, { DATABASE_REPLICA_URL: 'postgres://127.0.0.1:1' })
    expect((await service.get('company', '/v1/shifts')).statusCode).toBe(200)
    expect(service.databases.replica!.state).toBe('unavailable')
  })

  it('was promoted is no longer used as a replica, whatever it has replayed', async () => {
    const another = await startPostgres({ replicaOf: primary, settings: { hot_standby: 'on' } })
    const promoted = openServer({ url: urlOf(another.url, DATABASE), max: 1 })
    try {
      const service = await startService(PATIENT_MS, { DATABASE_REPLICA_URL: addressOf(another) })
      await untilUsed(service)
      await promoted.query('select pg_promote()')
      const shift = await arrangeShift(promoted)
      const { statusCode } = await service.get('company', `/v1/shifts/${shift}`)
      expect(statusCode).toBe(404)
    } finally {
      await promoted.close()
      await another.stop()
    }
  })
})

it('catch-up begins anew at the moment of a promotion, before the first checkpoint of the new timeline', async () => {
  const next = await startPostgres({
    replicaOf: primary,
    // As long as in production, so that only the position in the log tells the timeline.
    settings: { checkpoint_timeout: '30min' },
  })
  const promoted = openServer({ url: urlOf(next.url, DATABASE), max: 1 })
  try {
    const shift = await arrangeShift(owner)
    const service = await startService(PATIENT_MS)
    const before = await service.get('company', '/v1/sync/shifts?limit=1000')
    expect(before.json().items.map(({ id }: { id: string }) => id)).toContain(shift)
    const [position] = await owner.query<{ lsn: string }>('select pg_current_wal_flush_lsn()::text as lsn')
    await vi.waitUntil(
      async () =>
        (
          await promoted.query<{ there: boolean }>('select pg_last_wal_replay_lsn() >= $1::pg_lsn as there', [
            position!.lsn,
          ])
        )[0]!.there,
      { timeout: patience(10_000) },
    )
    // From here on the old primary is alone: the client has the row, and the new primary does not.
    await promoted.query("alter system set primary_conninfo = ''")
    await promoted.query('select pg_reload_conf()')
    await vi.waitUntil(async () => (await promoted.query('select from pg_stat_wal_receiver')).length === 0, {
      timeout: patience(10_000),
    })
    const ghost = await arrangeShift(owner)
    const { next: watermark } = (await service.get('company', '/v1/sync/shifts?limit=1000')).json()
    await promoted.query('select pg_promote()')

    const failedOver = await startService(PATIENT_MS, { DATABASE_URL: urlOf(next.url, DATABASE) })
    const answer = await failedOver.get('company', `/v1/sync/shifts?limit=1000&after=${watermark}`)
    expect(answer.statusCode, answer.body).toBe(200)
    const { reset, items } = answer.json()
    const ids = items.map(({ id }: { id: string }) => id)
    expect({ reset, hasShift: ids.includes(shift), hasGhost: ids.includes(ghost) }).toEqual({
      reset: true,
      hasShift: true,
      hasGhost: false,
    })
    const [control] = await promoted.query<{ timeline: number; present: string }>(
      'select timeline_id as timeline, left(pg_walfile_name(pg_current_wal_lsn()), 8) as present from pg_control_checkpoint()',
    )
    // Otherwise the test would not show it.
    expect(control).toEqual({ timeline: 1, present: '00000002' })
  } finally {
    await promoted.close()
    await next.stop()
  }
})

it('nothing but reads is sent there', async () => {
  const service = await startService(PATIENT_MS)
  const shift = await arrangeShift(owner)
  expect((await service.get('guard', '/v1/shifts')).statusCode).toBe(200)
  expect((await service.post('guard', `/v1/shifts/${shift}/claim`)).statusCode).toBe(200)
  expect((await service.post('client', '/v1/locations', newLocation('written'))).statusCode).toBe(201)
  const texts = new Set(await sentToReplica())
  expect([...texts].filter((text) => /^begin/.test(text))).toEqual(['begin read only'])
  expect([...texts].filter((text) => /\b(insert|update|delete|claim_shift)\b/i.test(text))).toEqual([])
})

it('a service that is pointed at a standby is not ready, says so, and puts writes off', async () => {
  const ownerUrl = urlOf(primary.url, DATABASE)
  const owner = openServer({ url: ownerUrl, max: 1 })
  const logins = await enableLogins(owner, ownerUrl)
  await owner.close()
  const at = (login: string): string => loginAt(addressOf(replica), login)
  const service = await startService(PATIENT_MS, {
    DATABASE_URL: '',
    DATABASE_REPLICA_URL: '',
    DATABASE_API_URL: at(logins.api),
    DATABASE_WORKER_URL: at(logins.worker),
  })
  expect(await service.databases.findObstacle()).toBe('standby')
  const response = await service.post('client', '/v1/locations', newLocation('put off'))
  expect([response.statusCode, response.json().code, response.headers['retry-after']]).toEqual([
    503,
    'busy',
    '2',
  ])
  expect((await service.get('company', '/v1/shifts')).statusCode).toBe(200)
})
