import { randomUUID } from 'node:crypto'
import type { LightMyRequestResponse } from 'fastify'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { describeApi } from '../../src/cli/openapi.ts'
import { CODES, type Code } from '../../src/platform/http/codes.ts'
import { problemBody } from '../../src/platform/http/problem.ts'
import { openApi, type TestApi } from '../support/api.ts'
import { arrangeLoad } from '../support/freight-loads.ts'
import {
  BROKERS,
  buildFreightWorld,
  DRIVERS,
  FREIGHT_ORGANIZATIONS,
  FREIGHT_USERS,
  type FreightPersona,
  TRAILERS,
  TRUCKS,
  vinOf,
} from '../support/freight-world.ts'
import {
  BROKEN_BODIES,
  HOSTILE_IDEMPOTENCY_KEYS,
  HOSTILE_JSON,
  HOSTILE_QUERIES,
  HOSTILE_SEGMENTS,
  HOSTILE_STRINGS,
  WRONG_BODIES,
  WRONG_CONTENT_TYPES,
} from '../support/hostile-values.ts'
import { OpenApi, placesIn, type Route, withTextAt } from '../support/openapi.ts'
import { patience } from '../support/patience.ts'
import { forge } from '../support/tokens.ts'
import {
  arrangeShift,
  LOCATIONS,
  ORGANIZATIONS,
  type Persona,
  PROFESSIONALS,
  USERS,
} from '../support/world.ts'

/** Longer than any timeout of ours: what takes longer hangs. */
const DEADLINE_MS = patience(15_000)
/** A route has up to a thousand hostile requests. */
const ROUTE_TIMEOUT_MS = patience(120_000)

/** What comes no further than HTTP is the same on each engine. */
const TRIES_HTTP = inject('database').engine === 'server'
/** And most that a field refuses: of those the embedded engine gets each third, beginning with another one in each place. */
const shareOf = <T>(values: readonly T[], place: number): readonly T[] =>
  TRIES_HTTP ? values : values.filter((_, nth) => (nth + place) % 3 === 0)

const document = new OpenApi(await describeApi())
const v1 = document.routes.filter(({ isPublic }) => !isPublic)

/** What the other tenant has: in no answer, in no log. */
const SECRET = /SECRET|foreign\w*@example\.com/i
/** What the requests of these tests are about, and who makes them: in no log. */
const PERSONAL = /HIDDEN|@example\.(?:com|org)|52\.98765|4\.12345|eyJ[\w-]{10}|Bearer/
/** What only the database, the driver or the code would say. */
const INTERNAL =
  /syntax error|violates|duplicate key|relation "|invalid input syntax|PostgresError|at \S+\.[jt]s:\d+|node_modules|insert into|pg_catalog/i

let api: TestApi
const logged: string[] = []

beforeAll(async () => {
  const logTo = { write: (line: string) => void logged.push(line) }
  api = await openApi(
    { LOG_LEVEL: 'trace', BODY_LIMIT_BYTES: '1048576' },
    undefined,
    logTo,
    buildFreightWorld,
  )
  await api.owner.script(`
    update locations set name = 'SECRET location', address = 'SECRET address' where id = '${LOCATIONS.foreignSite}';
    update organizations set name = 'SECRET organization' where tenant_id = (select tenant_id from users where id = '${USERS.foreignAdmin}');
    update users set name = 'SECRET person' where tenant_id = (select tenant_id from users where id = '${USERS.foreignAdmin}');
    update certificates set number = 'SECRET number' where professional_id = '${PROFESSIONALS.foreignGuard}';
  `)
  known = {
    ...KNOWN,
    shift_id: await arrangeShift(api.owner, { status: 'assigned' }),
    recorded_at: new Date().toISOString(),
    occurred_at: new Date().toISOString(),
  }
  await api.owner.query(
    "insert into certificates (id, professional_id, kind, number, valid_until) values ($1, $2, 'bhv', '1', '2031-01-01')",
    [CERTIFICATE, PROFESSIONALS.guard],
  )
  await api.owner.query(
    `insert into incidents (id, shift_id, reported_by, category, severity, description, occurred_at)
     values ($1, $2, $3, 'other', 'low', 'HIDDEN', now())`,
    [INCIDENT, String(known.shift_id), USERS.guard],
  )
  await api.owner.query(
    "insert into driver_documents (id, driver_id, kind, number, expiry_date) values ($1, $2, 'twic', '1', '2031-01-01')",
    [DOCUMENT, DRIVERS.driver],
  )
  await api.owner.query(
    "insert into driver_deductions (id, driver_id, amount, explanation, valid_from) values ($1, $2, 1, 'Lease', '2026-01-01')",
    [DEDUCTION, DRIVERS.driver],
  )
  await api.owner.query(
    `insert into driver_statements (id, tenant_id, organization_id, driver_id, number, first_day, last_day, currency, gross, deductions, net,
                                    carried_in, payable, carried_out)
     select $1, tenant_id, organization_id, id, 1, '2026-01-01', '2026-01-31', 'USD', 1, 0, 1, 0, 1, 0 from drivers where id = $2`,
    [STATEMENT, DRIVERS.driver],
  )
  await arrangeLoad(api.owner, { id: LOAD })
  await api.owner.query("update load_stops set id = $2 where load_id = $1 and kind = 'pickup'", [LOAD, STOP])
}, patience(120_000))
afterAll(() => api.close())

const CERTIFICATE = 'ce000000-0000-7000-8000-000000000001'
const LOAD = '10ad0000-0000-7000-8000-000000000001'
const STOP = '10ad0000-0000-7000-8000-000000000002'
const DOCUMENT = '10ad0000-0000-7000-8000-000000000003'
const DEDUCTION = '10ad0000-0000-7000-8000-000000000004'
const STATEMENT = '10ad0000-0000-7000-8000-000000000005'
const INCIDENT = '1c000000-0000-7000-8000-000000000001'

/** Members that need a certain value for a request to come as far as the database. */
const KNOWN: Record<string, unknown> = {
  organization_id: ORGANIZATIONS.client,
  client_id: ORGANIZATIONS.client,
  client_of: ORGANIZATIONS.company,
  company_id: ORGANIZATIONS.company,
  location_id: LOCATIONS.office,
  professional_id: PROFESSIONALS.guard,
  latitude: 52.987654,
  longitude: 4.123456,
  radius_meters: 100,
  time_zone: 'Europe/Amsterdam',
  email: 'hidden@example.org',
  name: 'HIDDEN name',
  address: 'HIDDEN address',
  description: 'HIDDEN description',
  title: 'HIDDEN title',
  id: 'c4ec0000-0000-7000-8000-000000000001',
  event_id: 'c4ec0000-0000-7000-8000-000000000001',
  becomes_at: '2030-01-01T08:00:00Z',
  instructions: 'HIDDEN instructions',
  number: 'HIDDEN number',
  reason: 'HIDDEN reason',
  kind: 'ping',
  role: 'zzp',
  start_datetime: '2030-01-01T08:00:00Z',
  end_datetime: '2030-01-01T16:00:00Z',
  starts_after: '2030-01-01T00:00:00Z',
  valid_from: '2030-01-01T00:00:00Z',
  from: '2030-01-01T00:00:00Z',
  to: '2030-01-02T00:00:00Z',
  starts_before: '2031-01-01T00:00:00Z',
  valid_until: '2031-01-01',
  hourly_rate: 25,
  overtime_rate: 1.5,
  required_certificates: ['vca'],
}
let known = KNOWN

/** What a route needs beside that, or instead. */
const KNOWN_OF: Record<string, Record<string, unknown>> = {
  'POST /v1/organizations': { kind: 'client', client_of: [ORGANIZATIONS.company] },
  'POST /v1/invitations': { organization_id: undefined },
  'POST /v1/timesheets/approve': { ids: ['c4ec0000-0000-7000-8000-000000000001'] },
  'POST /v1/allowances': {
    kind: 'sunday',
    percent: 50,
    amount_per_hour: undefined,
    window_from: undefined,
    window_to: undefined,
    notice_hours: undefined,
  },
  'POST /v1/pay-terms': { valid_from: '2030-01-01' },
  'POST /v1/tax-terms': {
    valid_from: '2030-01-01',
    vat_rate: 21,
    vat_exemption: undefined,
    vat_number: 'NL123456789B01',
    deduction_percent: 5,
    deduction_reason: 'HIDDEN reason',
  },
  ...ofFreight('brokers', {
    mc_number: '384210',
    dot_number: '2233541',
    payment_terms: 'days',
    payment_days: 30,
    broker_organization_id: FREIGHT_ORGANIZATIONS.brokerage,
  }),
  ...ofFreight('drivers', {
    user_id: FREIGHT_USERS.newDriver,
    license_number: 'H1',
    license_class: 'A',
    license_valid_until: '2031-01-01',
    endorsements: ['N'],
    hire_date: '2020-01-01',
    termination_date: '2031-01-01',
    hours_pack: 'us_property',
    home_time_zone: 'America/Chicago',
  }),
  'POST /v1/freight/duty-statuses/batch': {
    items: [
      {
        id: 'c4ec0000-0000-7000-8000-000000000002',
        status: 'driving',
        began_at: '2026-01-01T08:00:00Z',
        device_id: 'HIDDEN',
      },
    ],
  },
  'POST /v1/freight/stop-events/batch': {
    items: [
      {
        id: 'c4ec0000-0000-7000-8000-000000000003',
        kind: 'arrival',
        stop_id: STOP,
        load_id: undefined,
        latitude: 41.85,
        longitude: -87.65,
        accuracy_meters: 10,
        recorded_at: '2026-01-01T08:00:00Z',
      },
    ],
  },
  'POST /v1/freight/drivers/{id}/duty-edits': {
    kind: 'added',
    entry_id: undefined,
    status: 'driving',
    began_at: '2026-01-01T08:00:00Z',
    reason: 'HIDDEN reason',
  },
  'POST /v1/freight/drivers/{id}/documents': {
    kind: 'tachograph_card',
    number: 'H1',
    expiry_date: '2031-01-01',
  },
  'PUT /v1/freight/drivers/{id}/pay-terms': {
    pay_kind: 'flat',
    pay_per_distance: null,
    pay_percentage: null,
    pay_flat: 100,
    currency: 'USD',
  },
  'POST /v1/freight/driver-payments': {
    driver_id: DRIVERS.driver,
    load_id: undefined,
    type: 'flat',
    amount: 10,
    quantity: undefined,
    rate: undefined,
    currency: 'USD',
    explanation: 'Work',
    earned_on: '2026-01-30',
  },
  'POST /v1/freight/statements': {
    organization_id: FREIGHT_ORGANIZATIONS.carrier,
    driver_id: DRIVERS.driver,
    first_day: '2026-01-01',
    last_day: '2026-01-31',
  },
  'POST /v1/freight/statements/{id}/status': { status: 'processing' },
  'POST /v1/freight/recurring-deductions': {
    driver_id: DRIVERS.driver,
    amount: 10,
    currency: 'USD',
    explanation: 'Lease',
    valid_from: '2026-01-01',
    valid_until: null,
  },
  'PATCH /v1/freight/recurring-deductions/{id}': { valid_until: '2026-12-31' },
  'PATCH /v1/freight/driver-documents/{id}': { number: 'H1', expiry_date: '2031-01-01' },
  'POST /v1/freight/driver-documents/{id}/verify': {
    verified: true,
    number: 'H1',
    expiry_date: '2031-01-01',
  },
  ...ofFreight('trucks', { vin: vinOf(77), inspection_due_on: '2099-12-31' }),
  ...ofLoads(),
  ...ofFreight('trailers', { vin: vinOf(78), inspection_due_on: '2099-12-31', kind: 'tank' }),
}

/** Of a carrier's records, for creating and for changing one. */
function ofFreight(name: string, members: Record<string, unknown>): Record<string, Record<string, unknown>> {
  const given = { organization_id: FREIGHT_ORGANIZATIONS.carrier, status: undefined, ...members }
  return { [`POST /v1/freight/${name}`]: given, [`PATCH /v1/freight/${name}/{id}`]: given }
}

/** Of loads and their stops: the sample of a list has one item, and a load has two stops. */
function ofLoads(): Record<string, Record<string, unknown>> {
  const stop = {
    name: 'HIDDEN name',
    address: 'HIDDEN address',
    latitude: 41.85,
    longitude: -87.65,
    time_zone: 'America/Chicago',
    window_starts_at: '2030-01-01T08:00:00Z',
    window_ends_at: '2030-01-01T16:00:00Z',
  }
  const stops = [
    { ...stop, kind: 'pickup' },
    { ...stop, kind: 'delivery' },
  ]
  const load = {
    broker_id: BROKERS.carrier,
    dispatcher_id: FREIGHT_USERS.dispatcher,
    reference: 'HIDDEN-1',
    rate: 1250.5,
    distance: 346.5,
    driving_minutes: 400,
    currency: 'USD',
    metadata: { note: 'HIDDEN note' },
  }
  const leg = { driver_id: DRIVERS.driver, truck_id: TRUCKS.carrier, trailer_id: TRAILERS.carrier }
  return {
    'POST /v1/freight/loads': { organization_id: FREIGHT_ORGANIZATIONS.carrier, ...load, stops },
    'POST /v1/freight/loads/bulk': {
      items: [{ organization_id: FREIGHT_ORGANIZATIONS.carrier, ...load, distance_unit: 'mi', stops }],
    },
    'PATCH /v1/freight/loads/{id}': load,
    'PUT /v1/freight/loads/{id}/stops': { stops },
    'PATCH /v1/freight/stops/{id}': {
      ...stop,
      kind: 'pickup',
      arrived_at: '2026-01-01T08:00:00Z',
      departed_at: '2026-01-01T09:00:00Z',
    },
    'POST /v1/freight/loads/{id}/assign': {
      ...leg,
      co_driver_id: null,
      leg: 1,
      starts_at: null,
      ends_at: null,
    },
    'POST /v1/freight/loads/{id}/unassign': { leg: 1 },
  }
}
const sampleOf = (route: Route): unknown =>
  document.sample(route.body!, { ...known, ...KNOWN_OF[route.name] })

/** A path with good values in the place of its parameters: they name nothing, or what the caller may touch. */
const pathOf = (route: Route, replace: Record<string, string> = {}): string =>
  route.path.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
    if (replace[name] !== undefined) return replace[name]
    if (route.path.startsWith('/v1/shifts')) return String(known.shift_id)
    if (route.path.startsWith('/v1/locations')) return LOCATIONS.office
    if (route.path.startsWith('/v1/organizations')) return ORGANIZATIONS.company
    if (route.path.startsWith('/v1/professionals')) return PROFESSIONALS.guard
    if (route.path.startsWith('/v1/certificates')) return CERTIFICATE
    if (route.path.startsWith('/v1/incidents')) return INCIDENT
    if (route.path.startsWith('/v1/freight/brokers')) return BROKERS.carrier
    if (route.path.startsWith('/v1/freight/loads')) return LOAD
    if (route.path.startsWith('/v1/freight/stops')) return STOP
    if (route.path.startsWith('/v1/freight/driver-documents')) return DOCUMENT
    if (route.path.startsWith('/v1/freight/statements')) return STATEMENT
    if (route.path.startsWith('/v1/freight/recurring-deductions')) return DEDUCTION
    if (route.path.startsWith('/v1/freight/drivers')) return DRIVERS.driver
    if (route.path.startsWith('/v1/freight/trucks')) return TRUCKS.carrier
    if (route.path.startsWith('/v1/freight/trailers')) return TRAILERS.carrier
    return randomUUID()
  })

/** These batches judge each item by itself, so strange names and bytes cost them no more than their item. */
const TAKES_STRANGE_ITEMS = /\/(checkins|stop-events)\/batch$/

/** The persona whom most routes of this kind are for. */
const personaFor = ({ path, method }: Route): Persona | FreightPersona => {
  if (/\/(duty-statuses|stop-events)\/batch$/.test(path)) return 'driver'
  if (path.startsWith('/v1/freight/')) return 'office'
  if (/checkins|claim|notifications/.test(path)) return 'guard'
  if (/certificates|incidents/.test(path)) return path.endsWith('verify') ? 'admin' : 'guard'
  if (/professionals|organizations|transactions|invitations/.test(path)) return 'admin'
  return method === 'POST' && path === '/v1/me' ? 'stranger' : 'company'
}

interface Shot {
  url?: string
  method?: string
  payload?: string | Buffer
  headers?: Record<string, string>
  persona?: Persona | FreightPersona | null
}

async function shoot(route: Route, shot: Shot): Promise<LightMyRequestResponse> {
  const { url = pathOf(route), method = route.method, payload, headers, persona = personaFor(route) } = shot
  const answer = api.app.inject({
    method: method as Route['method'],
    url,
    headers: {
      ...(persona ? { authorization: `Bearer ${await api.tokenOf(persona)}` } : {}),
      ...(payload === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(payload === undefined ? {} : { payload }),
  })
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`hangs: ${method} ${url.slice(0, 100)}`)), DEADLINE_MS)
  })
  return Promise.race([answer, late]).finally(() => clearTimeout(timer))
}

/** What is wrong with an answer, whatever the request was. */
function flawsOf(response: LightMyRequestResponse): string[] {
  const { statusCode, headers, body } = response
  const flaws: string[] = []
  if (SECRET.test(body)) flaws.push('tells secrets')
  if (headers['x-request-id'] === undefined) flaws.push('has no request id')
  if (statusCode < 400) return flaws
  if (statusCode >= 500) flaws.push(`${statusCode}`)
  if (INTERNAL.test(body)) flaws.push('tells internals')
  if (!String(headers['content-type']).startsWith('application/problem+json')) {
    return [...flaws, `${statusCode} without a problem: ${body.slice(0, 100)}`]
  }
  const problem = problemBody().safeParse(response.json())
  if (!problem.success) return [...flaws, `no problem by its schema: ${body.slice(0, 200)}`]
  const { code, status } = problem.data
  if (status !== statusCode || CODES[code].status !== status)
    flaws.push(`${code} with ${status}, ${statusCode}`)
  return flaws
}

/** A number of shots at one route; each answer's flaws, and answers that none of `expected` allows. */
class Volley {
  readonly findings: string[] = []
  readonly #route: Route
  constructor(route: Route) {
    this.#route = route
  }

  async fire(
    label: string,
    shot: Shot,
    expected?: readonly (Code | 'success')[],
  ): Promise<LightMyRequestResponse> {
    const response = await shoot(this.#route, shot)
    const flaws = flawsOf(response)
    const outcome = response.statusCode < 400 ? 'success' : response.json().code
    if (expected && !expected.includes(outcome)) flaws.push(`answered ${outcome}`)
    // Another method, or a path that no longer leads to the route: not what its description is about.
    const isOfRoute = shot.method === undefined && outcome !== 'method_not_allowed'
    if (
      isOfRoute &&
      outcome !== 'success' &&
      outcome !== 'not_found' &&
      !this.#route.codes.includes(outcome)
    ) {
      flaws.push(`answered ${outcome}, which its description does not have`)
    }
    for (const flaw of flaws) this.findings.push(`${this.#route.name}, ${label.slice(0, 80)}: ${flaw}`)
    return response
  }
}

const eachRoute = (
  title: string,
  routes: Route[],
  play: (route: Route, volley: Volley) => Promise<void>,
): void => {
  test.each(routes.map((route) => [route.name, route] as const))(
    `${title}: %s`,
    async (_, route) => {
      const volley = new Volley(route)
      await play(route, volley)
      expect(volley.findings).toEqual([])
    },
    ROUTE_TIMEOUT_MS,
  )
}

const withBody = v1.filter(({ body }) => body !== undefined)
/** Routes that may change something. */
const writing = v1.filter(({ method }) => method !== 'GET')

describe('a body', () => {
  eachRoute(
    'as documented is understood, so that the hostile ones come far',
    withBody,
    async (route, volley) => {
      const { statusCode, body } = await volley.fire('the sample', {
        payload: JSON.stringify(sampleOf(route)),
      })
      if (statusCode === 400) volley.findings.push(`add what it needs to KNOWN: ${body}`)
    },
  )

  eachRoute('with something else in any place', withBody, async (route, volley) => {
    const sample = sampleOf(route)
    for (const [nth, place] of placesIn(sample).entries()) {
      for (const text of shareOf(HOSTILE_JSON, nth)) {
        await volley.fire(`${place.join('.')} = ${text}`, { payload: withTextAt(sample, place, text) })
      }
    }
  })

  eachRoute('with too much or too little', withBody, async (route, volley) => {
    const sample = sampleOf(route)
    const members = typeof sample === 'object' && sample !== null ? Object.keys(sample) : []
    for (const member of members) {
      const { [member]: _, ...without } = sample as Record<string, unknown>
      await volley.fire(`without ${member}`, { payload: JSON.stringify(without) })
    }
    // What a phone recorded is not lost for what a newer app sends beside it.
    const isFromPhone = /checkins|duty-statuses|stop-events/.test(route.path)
    for (const extra of [
      'zz_unknown',
      'tenant_id',
      'created_by',
      'deleted_at',
      'verified_at',
      'toString',
      'hasOwnProperty',
    ]) {
      const payload = JSON.stringify({ ...(sample as object), [extra]: 'HIDDEN' })
      const { statusCode } = await volley.fire(`with ${extra}`, { payload })
      if (statusCode < 400 && !isFromPhone) volley.findings.push(`${route.name} took ${extra}`)
    }
  })

  if (TRIES_HTTP) {
    eachRoute('that is broken', writing, async (route, volley) => {
      for (const [label, payload] of Object.entries(BROKEN_BODIES)) {
        const expected = TAKES_STRANGE_ITEMS.test(route.path) ? undefined : (['malformed_request'] as const)
        await volley.fire(label, { payload }, expected)
      }
      await volley.fire('10 MB', { payload: `"${'x'.repeat(10_000_000)}"` }, [
        'payload_too_large',
        ...(TAKES_STRANGE_ITEMS.test(route.path) ? (['validation_failed'] as const) : []),
      ])
    })

    eachRoute('that is JSON and no request', withBody, async (_route, volley) => {
      for (const [label, payload] of Object.entries(WRONG_BODIES)) {
        await volley.fire(label, { payload })
      }
      for (const headers of [undefined, { 'content-type': 'application/json; charset=utf-16' }]) {
        await volley.fire('empty', { payload: '', ...(headers ? { headers } : {}) })
      }
    })

    eachRoute('of another type', writing, async (_route, volley) => {
      for (const type of WRONG_CONTENT_TYPES) {
        await volley.fire(type, { payload: '{}', headers: { 'content-type': type } }, [
          'unsupported_media_type',
        ])
      }
    })
  }

  test('may be empty where none is needed, though it says it is JSON (supabase-js sends DELETE so)', async () => {
    const headers = { 'content-type': 'application/json' }
    const { statusCode } = await api.as('company').delete(`/v1/locations/${randomUUID()}`, { headers })
    expect(statusCode).toBe(404)
  })
})

describe('a path', () => {
  const withParameters = v1.filter(({ pathParameters }) => pathParameters.length > 0)
  eachRoute('with something else as a parameter', withParameters, async (route, volley) => {
    for (const name of route.pathParameters) {
      for (const segment of HOSTILE_SEGMENTS) {
        const url = pathOf(route, { [name]: segment })
        // Whoever sends `..` asks for another path: here and there a route.
        const { pathname } = new URL(url, 'http://localhost')
        if (document.routes.some(({ path }) => path === pathname)) continue
        const response = await volley.fire(`${name} = ${segment}`, { url })
        if (response.statusCode < 400) volley.findings.push(`${route.name} took ${segment}`)
      }
    }
  })

  if (TRIES_HTTP) {
    eachRoute('with a method that it does not take', document.routes, async (route, volley) => {
      const taken = document.routes.filter(({ path }) => path === route.path).map(({ method }) => method)
      for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const) {
        if (taken.includes(method)) continue
        const response = await volley.fire(method, { method }, ['method_not_allowed'])
        expect(response.headers.allow?.split(', ')).toEqual(expect.arrayContaining(taken))
      }
      for (const method of ['TRACE', 'CONNECT', 'PROPFIND', 'QUERY']) {
        await volley.fire(method, { method }, ['not_found', 'method_not_allowed', 'malformed_request'])
      }
    })

    test.each([
      '/v1',
      '/v1/',
      '/v1//shifts',
      '/V1/shifts',
      '/v1/%73hifts%2f',
      '/v1/me%00',
      '/%',
      '/v1/%E0%A4%A',
      '//evil.example/docs',
      '/docs/../../package.json',
      '/docs/js/..%2f..%2fpackage.json',
      '/.env',
      `/${'x/'.repeat(5_000)}`,
      '/v1/me;jsessionid=1',
      '/__proto__',
      '/v1/constructor',
    ])('that is none of ours: %s', async (url) => {
      const response = await api.as('company').get(url)
      expect(flawsOf(response)).toEqual([])
      expect(['not_found', 'malformed_request', 'unauthenticated']).toContain(response.json().code)
    })
  }
})

describe('a query', () => {
  const reading = v1.filter(({ method }) => method === 'GET')
  eachRoute('with something else in any parameter', reading, async (route, volley) => {
    const required = route.path.endsWith('/nearby') ? { latitude: '52.98765', longitude: '4.12345' } : {}
    const sendable = HOSTILE_STRINGS.filter((text) => text.isWellFormed() && text.length < 10_000)
    for (const [nth, name] of route.queryParameters.entries()) {
      for (const text of shareOf(sendable, nth)) {
        const query = new URLSearchParams({ ...required, [name]: text })
        const response = await volley.fire(`${name} = ${text}`, { url: `${pathOf(route)}?${query}` })
        if (response.statusCode < 400 && response.body.includes('SECRET')) volley.findings.push(name)
      }
    }
    for (const query of HOSTILE_QUERIES) {
      const url = `${pathOf(route)}?${new URLSearchParams(required)}&${query}`
      const { statusCode } = await volley.fire(query, { url })
      if (statusCode < 400 && route.queryParameters.length > 0 && query !== '&&&===&' && query !== '%') {
        volley.findings.push(`${route.name} took ?${query.slice(0, 50)}`)
      }
    }
  })

  const lists = reading.filter(({ queryParameters }) => queryParameters.includes('cursor'))
  eachRoute('with a cursor that its list did not give', lists, async (route, volley) => {
    const place = 'latitude=52.98765&longitude=4.12345&'
    const period = 'from=2030-01-01T00:00:00Z&to=2030-01-02T00:00:00Z&'
    const required = route.path.endsWith('/checkins/nearby')
      ? place + period
      : route.path.endsWith('/nearby')
        ? place
        : ''
    const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')
    const id = '00000000-0000-7000-8000-000000000001'
    const digest = 'AAAAAAAAAAAA'
    const mine = await cursorOf(route, required)
    const cursors = [
      ...(await Promise.all(others.filter((other) => other !== route).map((other) => cursorOf(other, '')))),
      encode([null, null, null]),
      encode([['a'], {}, 1]),
      encode([{ toString: 1 }, id, digest]),
      encode(["'; drop table users; --", id, digest]),
      encode({ length: 3 }),
      encode('x'.repeat(700)),
      '0',
      '%00',
      '!!!!',
      'bnVsbA',
      '..',
    ]
    for (const cursor of cursors.filter((cursor) => cursor !== undefined)) {
      const url = `${pathOf(route)}?${required}cursor=${cursor}`
      await volley.fire(`cursor ${cursor}`, { url }, ['cursor_invalid'])
    }
    // Whoever reads the code can make one that passes for the list's own: what is in it is data for all that.
    const [, , own] = JSON.parse(Buffer.from(mine ?? encode([0, id, digest]), 'base64url').toString())
    for (const value of [...HOSTILE_STRINGS.filter((text) => text.length < 400), 0, -1, 1e308, 1e-308]) {
      for (const uuid of [id, 'ffffffff-ffff-ffff-ffff-ffffffffffff']) {
        const url = `${pathOf(route)}?${required}limit=1&cursor=${encode([value, uuid, own])}`
        await volley.fire(`forged ${JSON.stringify(value)}`, { url })
      }
    }
  })

  const others = lists.filter(({ path }) => ['/v1/locations', '/v1/shifts', '/v1/incidents'].includes(path))

  /** A cursor that the list really gave, where it is long enough. */
  async function cursorOf(route: Route, required: string): Promise<string | undefined> {
    const answer = await shoot(route, { url: `${pathOf(route)}?${required}limit=1` })
    // A list that is no JSON has it in its link to the next page.
    const [, linked] = /cursor=([^&>]+)/.exec(String(answer.headers.link)) ?? []
    if (!String(answer.headers['content-type']).includes('json')) return linked && decodeURIComponent(linked)
    return answer.json().next_cursor ?? undefined
  }
})

if (TRIES_HTTP) {
  describe('headers', () => {
    const posts = v1.filter(({ method }) => method === 'POST')
    eachRoute('with an Idempotency-Key that is none', posts, async (route, volley) => {
      const payload = route.body ? { payload: JSON.stringify(sampleOf(route)) } : {}
      for (const key of HOSTILE_IDEMPOTENCY_KEYS) {
        const headers = { 'idempotency-key': key }
        const response = await volley.fire(`key ${JSON.stringify(key)}`, { ...payload, headers })
        if (response.statusCode < 400)
          volley.findings.push(`${route.name} took the key ${JSON.stringify(key)}`)
      }
    })

    eachRoute('with a token that is not good', v1, async (route, volley) => {
      const payload = route.body ? { payload: JSON.stringify(sampleOf(route)) } : {}
      for (const [label, authorization] of Object.entries(badTokens())) {
        const response = await volley.fire(label, { ...payload, persona: null, headers: { authorization } }, [
          'unauthenticated',
        ])
        if (!String(response.headers['www-authenticate']).startsWith('Bearer realm='))
          volley.findings.push(`${label}: asks for no token`)
      }
      await volley.fire('without one', { ...payload, persona: null }, ['unauthenticated'])
    })

    test('cannot choose the id of the request', async () => {
      const forged = { 'x-request-id': 'mine', 'request-id': 'mine', 'x-correlation-id': 'mine' }
      const first = await api.as('company').get('/v1/locations/none', { headers: forged })
      const second = await api.as('company').get('/v1/locations/none', { headers: forged })
      const ids = [first, second].map((response) => response.headers['x-request-id'])
      expect(ids).toEqual([expect.stringMatching(/^[\da-f-]{36}$/), expect.stringMatching(/^[\da-f-]{36}$/)])
      expect(new Set(ids).size).toBe(2)
      expect(first.json().instance).toBe(ids[0])
      expect(logged.join('')).not.toContain('"mine"')
    })

    test.each([
      '',
      '[',
      'a b',
      'a@b',
      'http://x',
      '[::1',
      'x'.repeat(5_000),
      'a:99999999',
      '::',
      'a/b',
      'a\\b',
    ])('with the host %j are refused, or harmless', async (host) => {
      for (const url of ['/docs', '/docs/', '/v1/me', '/health']) {
        const response = await api.as('company').get(url, { headers: { host } })
        expect(flawsOf(response)).toEqual([])
      }
    })
  })
}

describe('in the end', () => {
  test('no object has members that were sent to it', () => {
    expect(Object.keys(Object.prototype)).toEqual([])
    expect(({} as Record<string, unknown>).role).toBeUndefined()
  })

  test('no caller has become another one', async () => {
    const people = await api.owner.query('select id, role from users order by id')
    const [foreign] = await api.owner.query(
      "select count(*)::int as n from locations where name like 'SECRET%' and tenant_id = (select tenant_id from users where id = $1)",
      [USERS.foreignAdmin],
    )
    expect(people.filter(({ role }) => role === 'admin').map(({ id }) => id)).toEqual([
      USERS.admin,
      USERS.foreignAdmin,
    ])
    expect(foreign).toEqual({ n: 1 })
    const me = await api.as('company').get('/v1/me')
    expect(me.json()).toMatchObject({ id: USERS.company, role: 'company' })
  })

  test('the log contains none of the values that were sent', () => {
    const lines = logged.map((line) => JSON.parse(line))
    expect(lines.length).toBeGreaterThan(1_000)
    // What was asked for is logged as it came, without its query. Milliseconds may have any digits.
    const texts = lines.map(({ req, responseTime, ...line }) =>
      JSON.stringify({ ...line, req: { ...req, path: '' } }),
    )
    const wrong = texts.filter((text) => PERSONAL.test(text) || SECRET.test(text) || INTERNAL.test(text))
    expect(wrong).toEqual([])
    expect(lines.filter(({ req }) => req?.path?.includes('?'))).toEqual([])
    expect(lines.filter(({ level }) => level >= 50)).toEqual([])
  })
})

function badTokens(): Record<string, string> {
  const secret = 'the secret of the tests, at least 32 characters long'
  const now = Math.floor(Date.now() / 1000)
  const claims = { sub: USERS.company, aud: 'authenticated', role: 'authenticated', exp: now + 3_600 }
  const bearer = (changes: Record<string, unknown>, options: Parameters<typeof forge>[1] = {}): string =>
    `Bearer ${forge({ ...claims, ...changes }, { secret, ...options })}`
  const good = forge(claims, { secret })
  return {
    expired: bearer({ exp: now - 3_600 }),
    'without expiry': bearer({ exp: undefined }),
    'expiry in text': bearer({ exp: '9999999999' }),
    'expiry without end': bearer({ exp: 1e300 }),
    'not valid yet': bearer({ nbf: now + 3_600 }),
    'of another secret': bearer({}, { secret: 'another secret of at least 32 characters' }),
    'for somebody else': bearer({ aud: 'others' }),
    'for nobody': bearer({ aud: undefined }),
    'of an unsigned kind': `Bearer ${good
      .split('.')
      .slice(0, 2)
      .map((part, n) => (n === 0 ? Buffer.from('{"alg":"none"}').toString('base64url') : part))
      .join('.')}.`,
    'without its signature': `Bearer ${good.split('.').slice(0, 2).join('.')}.`,
    'with another payload': `Bearer ${good.replace(/\.[^.]+\./, `.${Buffer.from(JSON.stringify({ ...claims, sub: USERS.admin })).toString('base64url')}.`)}`,
    'of another algorithm': bearer({}, { header: { alg: 'HS512' }, hash: 'sha512' }),
    'with a key of its own': bearer(
      {},
      {
        secret: 'a key that the token brings along',
        header: {
          jwk: { kty: 'oct', k: Buffer.from('a key that the token brings along').toString('base64url') },
          jku: 'http://127.0.0.1:1/',
        },
      },
    ),
    'with a critical header': bearer({}, { header: { crit: ['b64'], b64: false } }),
    'of the service role': bearer({ role: 'service_role' }),
    'of a superuser': bearer({ role: 'postgres' }),
    'of two roles': bearer({ role: ['authenticated', 'service_role'] }),
    'of no role': bearer({ role: undefined }),
    'with a subject that is SQL': bearer({ sub: "' or '1'='1" }),
    'with no subject': bearer({ sub: undefined }),
    'with a subject that is a list': bearer({ sub: [USERS.company] }),
    'with NUL in a claim': bearer({ user_metadata: { name: '\u0000' } }),
    'with half a surrogate pair': bearer({ user_metadata: { name: '\ud800' } }),
    'with claims without end': bearer({ user_metadata: JSON.parse(`${'['.repeat(900)}${']'.repeat(900)}`) }),
    huge: bearer({ user_metadata: { text: 'x'.repeat(9_000) } }),
    'that is a list': `Bearer ${forge([1, 2], { secret })}`,
    'that is no JSON': `Bearer ${forge('not json', { secret })}`,
    'twice over': `Bearer ${good}, Bearer ${good}`,
    'of another scheme': `Basic ${Buffer.from('company:secret').toString('base64')}`,
    'without a scheme': good,
    empty: 'Bearer ',
    garbage: 'Bearer \u00e9\u00e9\u00e9',
    'SQL instead': "Bearer ' or 1=1 --",
    'very long garbage': `Bearer ${'a'.repeat(15_000)}`,
  }
}
