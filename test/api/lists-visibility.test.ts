import { type SQL, sql } from 'drizzle-orm'
import { expect, it } from 'vitest'
import { openSessions } from '../../src/platform/db/session.ts'
import { ACCESS_PERSONAS, type AccessPersona, accessCaller, buildAccessWorld } from '../rules/access-world.ts'
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

const LISTS: readonly List[] = [
  { route: '/organizations', rows: sql`select id from organizations` },
  { route: '/invitations', rows: sql`select id from invitations` },
  { route: '/notifications', rows: sql`select id from notifications` },
  { route: '/locations', rows: sql`select id from locations` },
  {
    route: '/professionals',
    // By name, which is the user's: of a user who was deleted there is none to list.
    rows: sql`select p.id from security_professionals p join users u on u.id = p.user_id`,
  },
  { route: '/certificates', rows: sql`select id from certificates` },
  { route: '/shifts', rows: sql`select id from shifts` },
  {
    route: '/shifts/nearby',
    query: `${here}&radius_meters=100000`,
    rows: sql`select id from shifts where status = 'published' and start_datetime > now()`,
  },
  { route: '/incidents', rows: sql`select id from incidents` },
  { route: '/assignments', rows: sql`select id from assignments` },
  { route: '/company-terms', rows: sql`select id from company_terms` },
  { route: '/transactions', rows: sql`select id from finqle_transactions` },
  ...PUBLISHED_TABLES.map((table) => ({
    route: `/sync/${table}`,
    rows: sql`select id from ${sql.identifier(table)}`,
  })),
]

/** Lists of something else than the rows of a table that the caller may read, each with a test of its own. */
const OTHERS = ['/shifts/{id}/candidates', '/shifts/{id}/checkins', '/checkins/nearby']

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

it('the table above has every list of the API', async () => {
  const { paths } = (await api().as(null).get('/openapi.json')).json()
  const lists = Object.keys(paths).filter((path) =>
    paths[path].get?.parameters?.some(({ name }: { name: string }) => name === 'limit'),
  )
  const tested = [...LISTS.map(({ route }) => route.replace(/^\/sync\/.*/, '/sync/{table}')), ...OTHERS]
  expect(lists.sort()).toEqual([...new Set(tested)].map((route) => `/v1${route}`).sort())
})
