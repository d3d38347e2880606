import { randomBytes, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import WebSocket from 'ws'
import { issueToken } from '../../src/platform/auth/issue.ts'
import type { Database } from '../../src/platform/db/engine/database.ts'
import { openServer } from '../../src/platform/db/engine/server.ts'
import { enableLogins } from '../../src/platform/db/logins.ts'
import { buildFreightWorld, FREIGHT_USERS } from '../support/freight-world.ts'
import { startMigratedPostgres } from '../support/migrated-postgres.ts'
import { patience } from '../support/patience.ts'
import type { PostgresServer } from '../support/postgres-server.ts'
import type { RouteRequest } from '../support/route-arrangements.ts'
import { ROUTE_REQUESTS } from '../support/route-requests.ts'
import { type ServiceProcess, startService } from '../support/service-process.ts'
import { arrangeShift, LOCATIONS, ORGANIZATIONS, SITE, USERS } from '../support/world.ts'

/*
 * A service as it runs, on a server that logs every statement: what it tells of itself, and what it does not tell.
 */

const PATIENCE_MS = patience(90_000)
const SECRET = `planted-${randomBytes(24).toString('hex')}`
const ANON_KEY = `sb_publishable_planted_${randomBytes(12).toString('hex')}`
const TRACE_ID = randomBytes(16).toString('hex')
const PARENT_ID = randomBytes(8).toString('hex')

/** What must be in no log, by what it is. */
const planted = new Map<string, string>()
function plant(what: string, value = `planted${randomBytes(8).toString('hex')}`): string {
  planted.set(what, value)
  return value
}

/** The settings of PostgreSQL that the documentation advises. */
async function readAdvice(): Promise<Record<string, string>> {
  const text = await readFile(new URL('../../docs/deploy.md', import.meta.url), 'utf8')
  const [, block = ''] = /## What PostgreSQL logs[\s\S]*?```ini\n([\s\S]*?)```/.exec(text) ?? []
  const settings = [...block.matchAll(/^(\w+) = '?([^'#\n]*?)'?\s*(?:#.*)?$/gm)]
  return Object.fromEntries(settings.map(([, name = '', value = '']) => [name, value]))
}

/** Keeps what the service sends to it. */
async function startCollector() {
  const received: string[] = []
  const server = createServer(async (request, answer) => {
    let body = ''
    for await (const chunk of request) body += chunk
    received.push(body)
    answer.writeHead(200, { 'content-type': 'application/json' }).end('{}')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}

let postgres: PostgresServer
let collector: Awaited<ReturnType<typeof startCollector>>
let service: ServiceProcess
let owner: Database
const tokens = new Map<string, string>()

beforeAll(async () => {
  postgres = await startMigratedPostgres({
    settings: {
      ...(await readAdvice()),
      log_statement: 'all',
      log_min_duration_statement: '0',
      log_min_messages: 'info',
    },
  })
  plant('the password of the owner', decodeURIComponent(new URL(postgres.url).password))
  plant('JWT_SECRET', SECRET)
  plant('ANON_KEY', ANON_KEY)
  collector = await startCollector()
  service = await startService({
    DATABASE_URL: postgres.url,
    JWT_SECRET: SECRET,
    ANON_KEY,
    LOG_LEVEL: 'trace',
    RATE_LIMIT_PER_MINUTE: '1000000',
    METRICS_PORT: '0',
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
  })
  owner = openServer({ url: postgres.url, max: 2, applicationName: 'muster-test-owner' })
  // As the service has made them.
  for (const [login, url] of Object.entries(await enableLogins(owner, postgres.url)))
    plant(`the password of ${login}`, decodeURIComponent(new URL(url).password))
  await buildFreightWorld(owner)
  for (const [persona, sub] of Object.entries({ ...USERS, ...FREIGHT_USERS })) {
    const email = plant(`the e-mail address of ${persona}`, `planted-${randomUUID()}@example.com`)
    const token = await issueToken(SECRET, { sub, email, audience: 'authenticated' })
    tokens.set(persona, token)
    plant(`the token of ${persona}`, token)
    plant(`the signature of ${persona}'s token`, token.split('.')[2]!)
  }
}, PATIENCE_MS)

afterAll(async () => {
  await owner?.close()
  await service?.stop()
  collector?.close()
  await postgres?.stop()
}, PATIENCE_MS)

interface Sent {
  method?: string
  body?: unknown
  headers?: Record<string, string>
}

async function send(
  persona: RouteRequest['persona'] | null,
  path: string,
  { method, body, headers = {} }: Sent = {},
) {
  const answer = await fetch(new URL(path, service.url), {
    method: method ?? (body === undefined ? 'GET' : 'POST'),
    headers: {
      ...(persona && { authorization: `Bearer ${tokens.get(persona)}` }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  })
  return { status: answer.status, id: answer.headers.get('x-request-id'), text: await answer.text() }
}

const metrics = async (): Promise<string> => {
  const [url = ''] = /http:[^"]+\/metrics/.exec(service.printed.join('\n')) ?? []
  return (await fetch(url)).text()
}

/** The value of one series; 0 where it is not printed yet. */
async function seriesValue(series: string): Promise<number> {
  const line = (await metrics()).split('\n').find((one) => one.startsWith(`${series} `))
  return Number(line?.split(' ')[1] ?? 0)
}

describe('the metrics of a service that runs', () => {
  it('have pools, the feed, slots and the process', async () => {
    const text = await metrics()
    for (const pattern of [
      /^muster_pool_connections_max\{pool="api"\} 4$/m,
      /^muster_pool_connections_max\{pool="worker"\} 2$/m,
      /^muster_pool_used_seconds_total\{pool="api"\} \d/m,
      /^muster_ready\{part="migrations"\} 1$/m,
      /^muster_realtime_feed_state\{state="(?:streaming|idle)"\} 1$/m,
      /^muster_replica_state\{state="off"\} 1$/m,
      /^nodejs_eventloop_lag_p99_seconds \d/m,
      /^muster_realtime_sockets 0$/m,
    ])
      expect(text).toMatch(pattern)
  })

  it('name the slots of others, and how much log the server keeps for them', async () => {
    await owner.query("select pg_create_physical_replication_slot('somebody', true)")
    await owner.query('select pg_switch_wal()')
    expect(await seriesValue('muster_replication_slot_active{slot="somebody"}')).toBe(0)
    expect(await seriesValue('muster_replication_slot_kept_bytes{slot="somebody"}')).toBeGreaterThan(0)
    await owner.query("select pg_drop_replication_slot('somebody')")
    expect(await metrics()).not.toContain('slot="somebody"')
  })

  it('count check-ins by verdict, and assignments by outcome', async () => {
    const shift = await arrangeShift(owner, { status: 'published', startsInHours: 1 })
    const counted = async () => ({
      assigned: await seriesValue('muster_assignments_total{outcome="assigned"}'),
      notOpen: await seriesValue('muster_assignments_total{outcome="shift_not_open"}'),
      inside: await seriesValue('muster_checkins_total{verdict="inside"}'),
      duplicate: await seriesValue('muster_checkins_total{verdict="duplicate"}'),
      rejected: await seriesValue('muster_checkins_total{verdict="rejected"}'),
    })
    const before = await counted()
    expect((await send('guard', `/v1/shifts/${shift}/claim`, { method: 'POST' })).status).toBe(200)
    expect((await send('guard', `/v1/shifts/${shift}/claim`, { method: 'POST' })).status).toBe(409)
    const ping = () => ({
      id: randomUUID(),
      kind: 'ping',
      ...SITE,
      accuracy_meters: 5,
      recorded_at: new Date().toISOString(),
    })
    const first = ping()
    for (const status of [201, 200])
      expect((await send('guard', `/v1/shifts/${shift}/checkins`, { body: first })).status).toBe(status)
    const items = [
      { ...first, shift_id: shift },
      { ...ping(), shift_id: shift },
      { ...ping(), shift_id: randomUUID() },
      { ...ping(), shift_id: shift, kind: 'planted' },
    ]
    const batch = await send('guard', '/v1/checkins/batch', { body: { items } })
    expect(JSON.parse(batch.text).results.map(({ status }: { status: string }) => status)).toEqual([
      'duplicate',
      'created',
      'rejected',
      'rejected',
    ])
    expect(await counted()).toEqual({
      assigned: before.assigned + 1,
      notOpen: before.notOpen + 1,
      inside: before.inside + 2,
      duplicate: before.duplicate + 2,
      rejected: before.rejected + 2,
    })
  })

  it('count what the database refuses, and what waits for a lock as use of the pool', async () => {
    const shift = await arrangeShift(owner, { status: 'published', startsInHours: 30 })
    const used = await seriesValue('muster_pool_used_seconds_total{pool="api"}')
    const refused = await seriesValue('muster_database_errors_total{sqlstate="MU005"}')
    let named: string | undefined
    let claimed: Promise<{ status: number; id: string | null }> | undefined
    await owner.transaction(async (tx) => {
      await tx.query('select from shifts where id = $1 for update', [shift])
      claimed = send('guard', `/v1/shifts/${shift}/claim`, { method: 'POST' })
      // While it waits, the session says for which request.
      const [waiting] = await untilWaiting()
      expect(waiting).toMatch(/^muster-api [0-9a-f-]{36}$/)
      expect(await seriesValue('muster_pool_connections{pool="api",state="used"}')).toBe(1)
      named = waiting!.split(' ')[1]
    })
    const { status, id } = (await claimed)!
    expect(status).toBe(200)
    expect(named).toBe(id)
    expect((await send('guard', `/v1/shifts/${shift}/claim`, { method: 'POST' })).status).toBe(409)
    expect(await seriesValue('muster_database_errors_total{sqlstate="MU005"}')).toBe(refused + 1)
    expect(await seriesValue('muster_pool_used_seconds_total{pool="api"}')).toBeGreaterThan(used)
  })
})

/** The names of the service's sessions that wait for a lock, as soon as there is one. */
async function untilWaiting(): Promise<string[]> {
  const deadline = performance.now() + PATIENCE_MS / 2
  while (performance.now() < deadline) {
    // Outside of the transaction that holds the lock: that one sees the names as they were when it first looked.
    const rows = await owner.query<{ name: string }>(
      "select application_name as name from pg_stat_activity where wait_event_type = 'Lock' and application_name like 'muster-api%'",
    )
    if (rows.length > 0) return rows.map(({ name }) => name)
  }
  throw new Error('Nobody waits for the lock.')
}

describe('what nobody may read', () => {
  it(
    'is in no log, no metric and no trace, wherever a client or an operator puts it',
    async () => {
      const idempotencyKey = plant('an Idempotency-Key')
      const headers = {
        'idempotency-key': idempotencyKey,
        cookie: `session=${plant('a cookie')}`,
        'x-api-key': plant('a header that is a key'),
        'user-agent': plant('the name of a browser'),
        traceparent: `00-${TRACE_ID}-${PARENT_ID}-01`,
        tracestate: `vendor=${plant('the state of a trace')}`,
      }
      // A request of each route, as those who may send it.
      for (const [route, arrange] of Object.entries(ROUTE_REQUESTS)) {
        for (const { persona, url, body } of await arrange({ owner, items: 2 })) {
          const method = route.split(' ')[0]!
          const key = { ...headers, 'idempotency-key': plant(`the Idempotency-Key of ${route}`) }
          await send(persona, url, { method, body, headers: key })
        }
      }
      const position = { latitude: 52.37654321, longitude: 4.89123456 }
      for (const [name, value] of Object.entries(position)) plant(name, String(value))

      // What is taken.
      const location = await send('client', '/v1/locations', {
        body: {
          organization_id: ORGANIZATIONS.client,
          name: plant('the name of a site'),
          address: plant('an address'),
          ...position,
        },
        headers,
      })
      const hour = (hours: number): string => new Date(Date.now() + hours * 3_600_000).toISOString()
      const shift = await send('company', '/v1/shifts', {
        body: {
          location_id: LOCATIONS.site,
          title: plant('a title'),
          description: plant('a description'),
          instructions: plant('instructions'),
          start_datetime: hour(50),
          end_datetime: hour(58),
          hourly_rate: 25,
        },
        headers,
      })
      const invitation = await send('admin', '/v1/invitations', {
        body: {
          role: 'zzp',
          email: plant('the e-mail address of somebody invited', `${randomUUID()}@example.com`),
        },
      })
      expect([location.status, shift.status, invitation.status]).toEqual([201, 201, 201])
      const code = plant('the code of an invitation', JSON.parse(invitation.text).code)
      await send('stranger', '/v1/me', { body: { code, name: plant('a name') } })
      await send(
        'guard',
        `/v1/shifts/nearby?latitude=${position.latitude}&longitude=${position.longitude}&radius_meters=5000`,
      )

      // What is refused: by the rules, by the schema, by the parser, by nobody in particular.
      await send('guard', '/v1/shifts', {
        body: { title: plant('a refused title'), location_id: LOCATIONS.site },
      })
      await send('guard', `/v1/shifts/${randomUUID()}/claim`, { method: 'POST', headers })
      await send('stranger', '/v1/me', {
        body: { code: plant('a wrong code', randomBytes(16).toString('hex')), name: 'N' },
      })
      await send('company', '/v1/shifts', { body: `{"title": "${plant('broken JSON')}` })
      await send('company', `/v1/shifts?cursor=${plant('a cursor')}&${plant('a parameter')}=1`)
      await send(null, '/v1/me', { headers: { authorization: `Bearer ${plant('a token that is none')}` } })
      const expired = await issueToken(SECRET, {
        sub: USERS.guard,
        audience: 'authenticated',
        expiresInSeconds: -60,
      })
      await send(null, '/v1/me', {
        headers: { authorization: `Bearer ${plant('an expired token', expired)}` },
      })
      await send(null, `/?apikey=${plant('a key in the address')}`)

      // Realtime: keys stand in the address of a websocket, and people's words in frames.
      const socket = new WebSocket(
        `${service.url.replace('http', 'ws')}/realtime/v1/websocket?apikey=${tokens.get('guard')}&vsn=1.0.0`,
      )
      await once(socket, 'open')
      const frame = (event: string, payload: object) =>
        socket.send(JSON.stringify({ topic: 'realtime:room', event, payload, ref: '1', join_ref: '1' }))
      frame('phx_join', { config: { broadcast: { ack: true } }, access_token: tokens.get('guard') })
      await once(socket, 'message')
      frame('broadcast', { type: 'broadcast', event: 'said', payload: { text: plant('a broadcast') } })
      await once(socket, 'message')
      socket.close()
      await once(socket, 'close')
      const refused = new WebSocket(
        `${service.url.replace('http', 'ws')}/realtime/v1/websocket?apikey=${plant('a wrong key of a websocket')}`,
      )
      await once(refused, 'error')
      await send(null, '/realtime/v1/api/broadcast', {
        body: {
          messages: [{ topic: 'room', event: 'said', payload: { text: plant('a broadcast by HTTP') } }],
        },
        headers: { apikey: ANON_KEY },
      })

      // PostgreSQL itself: what it would print of rows and of parameters.
      const email = plant('the e-mail address in a refused row', `${randomUUID()}@example.com`)
      await expect(
        owner.query('insert into users (id, email, role, name) values ($1, $2, $3, $4)', [
          USERS.guard,
          email,
          'zzp',
          plant('the name in a refused row'),
        ]),
      ).rejects.toThrow()

      const printedMetrics = await metrics()
      await service.stop()
      const logs: Record<string, string> = {
        'the log of the service': service.printed.join('\n'),
        'the metrics': printedMetrics,
        'the traces': collector.received.join('\n'),
        "PostgreSQL's log": await postgres.log(),
      }
      const found = Object.entries(logs).flatMap(([log, text]) =>
        [...planted].filter(([, value]) => text.includes(value)).map(([what]) => `${what} in ${log}`),
      )
      expect(found).toEqual([])

      // A websocket that closes is no request whose client left.
      expect(printedMetrics).not.toMatch(/websocket",status="gone"/)
      // They are not empty either.
      expect(logs['the log of the service']).toContain(`"trace_id":"${TRACE_ID}"`)
      expect(logs['the metrics']).toMatch(
        /muster_http_requests_total\{method="POST",route="\/v1\/shifts",status="201"\} \d/,
      )
      expect(logs["PostgreSQL's log"]).toMatch(new RegExp(`muster-api ${shift.id} LOG: `))
      const spans = collector.received.flatMap((body) => spansOf(body))
      const request = spans.find((span) => span.attributes['muster.request_id'] === shift.id)
      expect(request).toMatchObject({
        name: 'POST /v1/shifts',
        traceId: TRACE_ID,
        parentSpanId: PARENT_ID,
        attributes: { 'http.route': '/v1/shifts', 'http.response.status_code': '201' },
      })
      expect(spans).toContainEqual(
        expect.objectContaining({ name: 'database write', traceId: TRACE_ID, parentSpanId: request?.spanId }),
      )
    },
    PATIENCE_MS,
  )
})

interface Span {
  name: string
  traceId: string
  spanId: string
  parentSpanId?: string
  attributes: Record<string, string>
}

function spansOf(body: string): Span[] {
  const { resourceSpans } = JSON.parse(body) as {
    resourceSpans: {
      scopeSpans: {
        spans: (Omit<Span, 'attributes'> & {
          attributes: { key: string; value: Record<string, string | number> }[]
        })[]
      }[]
    }[]
  }
  return resourceSpans
    .flatMap(({ scopeSpans }) => scopeSpans)
    .flatMap(({ spans }) => spans)
    .map((span) => ({
      ...span,
      attributes: Object.fromEntries(
        span.attributes.map(({ key, value }) => [key, String(Object.values(value)[0])]),
      ),
    }))
}
