import { expect, it } from 'vitest'
import { describeApi } from '../../src/cli/openapi.ts'
import { type SQL, sql } from '../../src/platform/db/drizzle.ts'
import { openSessions } from '../../src/platform/db/session.ts'
import {
  ACCESS_PERSONAS,
  type AccessPersona,
  accessCaller,
  buildAccessWorld,
  SHIFT_ROWS,
} from '../rules/access-world.ts'
import { useApi } from '../support/api.ts'
import { PUBLISHED_TABLES } from '../support/modules.ts'
import { SITE } from '../support/world.ts'

/*
 * Some lists write the terms of a read policy once more, so that an index serves each of them. Here every list is compared with
 * its policy: what a persona is listed is what the same persona reads of the table, row by row, in the world of the access matrix.
 */

const api = useApi({}, buildAccessWorld)

/** Everybody with a token: those without one are refused before any route. */
const PERSONAS = ACCESS_PERSONAS.filter((persona) => persona !== 'anon')

/** More than any list of this world has, and no more than a page takes. */
const LIMIT = 100
const here = `latitude=${SITE.latitude}&longitude=${SITE.longitude}`

interface List {
  readonly route: string
  readonly query?: string
  /** The ids that it should show, as a select; the policies add their terms. */
  readonly rows: SQL
}

const NAMED: readonly List[] = [
  {
    route: '/professionals',
    // By name, which is the user's: of a user who was deleted there is none to list.
    rows: sql`select p.id from security_professionals p join users u on u.id = p.user_id`,
  },
  {
    route: '/shifts/nearby',
    query: `${here}&radius_meters=100000`,
    // Guards look for what they can claim: nothing of a company that no longer works for the client.
    rows: sql`select id from shifts where status = 'published' and start_datetime > now()
              and (muster.guard_tenant_id() is null or id <> ${SHIFT_ROWS.formerPublished.id})`,
  },
  { route: '/assignments', rows: sql`select id from assignments` },
  { route: '/corrections', rows: sql`select id from corrections` },
  { route: '/company-terms', rows: sql`select id from company_terms` },
  { route: '/tax-terms', rows: sql`select id from professional_tax_terms` },
  // The trade has statements of its own.
  { route: '/freight/statements', rows: sql`select id from driver_statements` },
  { route: '/freight/recurring-deductions', rows: sql`select id from driver_deductions` },
  { route: '/transactions', rows: sql`select id from finqle_transactions` },
  ...PUBLISHED_TABLES.map((table) => ({
    route: `/sync/${table}`,
    rows: sql`select id from ${sql.identifier(table)}`,
  })),
]

/** Lists of something else than the rows of a table that the caller may read, each with a test of its own. */
const OTHERS = [
  ...['/shifts/{id}/candidates', '/shifts/{id}/checkins', '/checkins/nearby'],
  // The same query as /timesheets.
  '/timesheets.csv',
  // The same query as /freight/loads.
  ...['/freight/loads.csv', '/freight/brokers/{id}/loads'],
  // The same query as /freight/statements.
  '/freight/statements.csv',
  // Drivers with what speaks against each, in freight-loads.test.ts.
  '/freight/loads/{id}/candidates',
  // Open loads, in freight-nearby.test.ts.
  '/freight/loads/nearby',
  // Below.
  ...[
    '/freight/drivers/{id}/documents',
    '/freight/drivers/{id}/duty-statuses',
    '/freight/drivers/{id}/duty-edits',
    '/freight/loads/{id}/stop-events',
  ],
  // Sums, in statements.test.ts and freight-pay.test.ts.
  ...['/reports/earnings', '/reports/hours', '/freight/reports/driver-earnings'],
]

/** Every list of the API, such as `/shifts/{id}/candidates`. */
const ROUTES = Object.entries((await describeApi()).paths as Record<string, Methods>)
  .filter(([, { get }]) => get?.parameters?.some(({ name }) => name === 'limit'))
  .map(([path]) => path.replace(/^\/v1/, ''))

interface Methods {
  get?: { parameters?: { name: string }[] }
}

/** A list that is not named here is of all rows of the table of the same name, below its trade. */
const LISTS: readonly List[] = [
  ...NAMED,
  ...ROUTES.filter(
    (route) => ![...NAMED.map((list) => list.route), ...OTHERS, '/sync/{table}'].includes(route),
  ).map((route) => ({
    route,
    rows: sql`select id from ${sql.identifier(route.replace(/^\/(freight\/)?/, '').replaceAll('-', '_'))}`,
  })),
]

const readBy = (persona: AccessPersona, rows: SQL): Promise<string[]> =>
  openSessions(api().api)
    .read(accessCaller(persona), (session) => session.rows<{ id: string }>(rows))
    .then((found) => found.map(({ id }) => id).sort())

/** What a list gives; nothing for those whom it refuses. */
async function listedTo(persona: AccessPersona, path: string): Promise<string[]> {
  const { userId, claims } = accessCaller(persona)
  const headers = await api().authorize(userId!, String(claims.email))
  const response = await api().as(null).get(`/v1${path}`, { headers })
  if (response.statusCode === 403) return []
  expect(response.statusCode, response.body).toBe(200)
  const page: { items: { id: string }[]; next_cursor?: string | null } = response.json()
  expect(page.next_cursor ?? null, `${path} has one page`).toBeNull()
  return page.items.map(({ id }) => id).sort()
}

it.each(LISTS)('$route lists to each persona what the policy shows', async ({ route, query, rows }) => {
  const seenByAnybody = new Set<string>()
  for (const persona of PERSONAS) {
    const path = `${route}?limit=${LIMIT}&${query ?? ''}`
    const seen = await readBy(persona, rows)
    expect(await listedTo(persona, path), persona).toEqual(seen)
    for (const id of seen) seenByAnybody.add(id)
  }
  expect(seenByAnybody.size, 'rows that somebody sees').toBeGreaterThan(1)
})

it('/shifts/{id}/checkins lists to each persona what the policy shows, of each shift that they see', async () => {
  for (const persona of PERSONAS) {
    const shifts = await readBy(
      persona,
      sql`select id from shifts where exists (select from gps_checkins c where c.shift_id = shifts.id)`,
    )
    for (const shift of shifts) {
      expect(await listedTo(persona, `/shifts/${shift}/checkins?limit=${LIMIT}`), persona).toEqual(
        await readBy(persona, sql`select id from gps_checkins where shift_id = ${shift}`),
      )
    }
  }
})

it.each([
  ['documents', 'driver_documents'],
  ['duty-statuses', 'duty_status_changes'],
  ['duty-edits', 'duty_status_edits'],
])(
  '/freight/drivers/{id}/%s lists to each persona what the policy shows, of each driver that they see',
  async (list, table) => {
    let drivers = 0
    for (const persona of PERSONAS) {
      for (const driver of await readBy(persona, sql`select id from drivers`)) {
        drivers += 1
        expect(await listedTo(persona, `/freight/drivers/${driver}/${list}?limit=${LIMIT}`), persona).toEqual(
          await readBy(persona, sql`select id from ${sql.identifier(table)} where driver_id = ${driver}`),
        )
      }
    }
    expect(drivers).toBeGreaterThan(3)
  },
)

it('/freight/loads/{id}/stop-events lists to each persona what the policy shows, of each load that they see', async () => {
  let events = 0
  for (const persona of PERSONAS) {
    const loads = await readBy(
      persona,
      sql`select id from loads where exists (select from stop_events e where e.load_id = loads.id)`,
    )
    for (const load of loads) {
      const listed = await listedTo(persona, `/freight/loads/${load}/stop-events?limit=${LIMIT}`)
      events += listed.length
      expect(listed, persona).toEqual(
        await readBy(persona, sql`select id from stop_events where load_id = ${load}`),
      )
    }
  }
  expect(events).toBeGreaterThan(3)
})

it('the lists that are named above are lists of the API', () => {
  const named = [...NAMED.map(({ route }) => route.replace(/^\/sync\/.*/, '/sync/{table}')), ...OTHERS]
  expect(ROUTES).toEqual(expect.arrayContaining(named))
  expect(LISTS.map(({ route }) => route)).toEqual(
    expect.arrayContaining(['/organizations', '/shifts', '/incidents', '/notifications']),
  )
})
