import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Candidate } from '../../src/guarding/shifts/schemas.ts'
import { sql } from '../../src/platform/db/drizzle.ts'
import type { Code } from '../../src/platform/http/codes.ts'
import { expectProblem, useApi } from '../support/api.ts'
import { arrangeLocation, type Place, type QueryParameters, queryOf } from '../support/places.ts'
import { outcomeOf, runAs } from '../support/rehearsal.ts'
import { updateShift } from '../support/shifts.ts'
import {
  acquaint,
  arrangeShift,
  LOCATIONS,
  ORGANIZATIONS,
  type Persona,
  PROFESSIONALS,
  TENANTS,
} from '../support/world.ts'

const api = useApi()

const candidatesPath = (shift: string, parameters: QueryParameters = {}) =>
  `/v1/shifts/${shift}/candidates?${queryOf(parameters)}`

async function pageFor(persona: Persona, shift: string, parameters: QueryParameters = {}) {
  const response = await api().as(persona).get(candidatesPath(shift, parameters))
  expect(response.statusCode, response.body).toBe(200)
  return response.json() as { items: Candidate[]; next_cursor: string | null }
}

/** As an admin, who is told the reasons of all, however often. */
const candidatesFor = async (shift: string, parameters: QueryParameters = {}): Promise<Candidate[]> =>
  (await pageFor('admin', shift, { limit: 100, ...parameters })).items

/** As the company of the shift. */
const candidatesOfCompany = async (shift: string, parameters: QueryParameters = {}): Promise<Candidate[]> =>
  (await pageFor('company', shift, { limit: 100, ...parameters })).items

/** The company has asked nothing today. */
const forgetPages = () => api().owner.query('delete from muster.candidate_pages')

/** A guard of tenant A without certificates, living at a place, or nowhere known. Gives the professional's id. */
async function arrangeGuard(home: Place | null): Promise<string> {
  const user = randomUUID()
  await api().owner.query(
    "insert into users (id, tenant_id, role, name, email) values ($1, $2, 'zzp', 'candidate', $3)",
    [user, TENANTS.a, `${user}@example.com`],
  )
  const [row] = await api().owner.query<{ id: string }>(
    `insert into security_professionals (tenant_id, user_id, home_point)
     values ($1, $2, st_point($3::float8, $4::float8)::geography) returning id`,
    [TENANTS.a, user, home?.longitude ?? null, home?.latitude ?? null],
  )
  return row!.id
}

const northOf = ({ latitude, longitude }: Place, degrees: number): Place => ({
  latitude: latitude + degrees,
  longitude,
})

describe('candidates', () => {
  it('lists the guards of the tenant, each with all of its violations', async () => {
    await arrangeShift(api().owner, {
      status: 'assigned',
      professional: PROFESSIONALS.otherGuard,
      startsInHours: 50,
      company: ORGANIZATIONS.rival,
    })
    await api().owner.query(
      "insert into certificates (professional_id, kind, number, valid_until, verified_at) values ($1, 'bhv', 'B-1', current_date, now())",
      [PROFESSIONALS.guard],
    )
    const shift = await arrangeShift(api().owner, { startsInHours: 52, certificates: ['vca', 'bhv'] })
    const candidates = await candidatesFor(shift)
    expect(candidates).toEqual([
      {
        professional_id: PROFESSIONALS.guard,
        name: 'guard',
        distance_meters: expect.any(Number),
        eligible: false,
        violations: [{ code: 'certificate_expired', detail: 'bhv' }],
      },
      {
        professional_id: PROFESSIONALS.otherGuard,
        name: 'otherGuard',
        distance_meters: expect.any(Number),
        eligible: false,
        violations: [
          { code: 'certificate_missing', detail: 'bhv' },
          { code: 'shift_overlap', detail: null },
        ],
      },
    ])

    await api().owner.query("update security_professionals set status = 'suspended' where id = $1", [
      PROFESSIONALS.guard,
    ])
    expect((await candidatesFor(shift))[0]!.violations[0]).toEqual({
      code: 'professional_inactive',
      detail: null,
    })
    await api().owner.query("update security_professionals set status = 'active' where id = $1", [
      PROFESSIONALS.guard,
    ])
  })

  it('can be assigned when eligible, and otherwise are refused with the first listed violation', async () => {
    const shift = await arrangeShift(api().owner, { startsInHours: 54 })
    const candidates = await candidatesFor(shift)
    expect(new Set(candidates.map(({ eligible }) => eligible))).toEqual(new Set([true, false]))
    const eligible = await candidatesFor(shift, { eligible_only: true })
    expect(eligible).toEqual(candidates.filter((candidate) => candidate.eligible))
    expect(await candidatesFor(shift, { eligible_only: false })).toEqual(candidates)
    expect(
      (await candidatesOfCompany(shift)).map(({ professional_id, eligible }) => [professional_id, eligible]),
    ).toEqual(candidates.map(({ professional_id, eligible }) => [professional_id, eligible]))
    for (const { professional_id, violations } of candidates.filter((candidate) => !candidate.eligible)) {
      const response = await api().as('admin').post(`/v1/shifts/${shift}/assign`, { professional_id })
      expectProblem(response, violations[0]!.code as Code)
    }
    const [first] = eligible
    expect(
      (
        await api()
          .as('company')
          .post(`/v1/shifts/${shift}/assign`, { professional_id: first!.professional_id })
      ).statusCode,
    ).toBe(200)
  })

  it('are shown only to those who manage the shift', async () => {
    const shift = await arrangeShift(api().owner, { startsInHours: 70 })
    for (const persona of ['company', 'colleague', 'admin'] as const) {
      expect((await pageFor(persona, shift)).items.length).toBeGreaterThan(0)
    }
    for (const persona of ['client', 'guard'] as const) {
      expectProblem(await api().as(persona).get(candidatesPath(shift)), 'forbidden')
    }
    for (const persona of ['rival', 'otherClient', 'foreignAdmin', 'foreignGuard'] as const) {
      expectProblem(await api().as(persona).get(candidatesPath(shift)), 'not_found')
    }
    expectProblem(await api().as(null).get(candidatesPath(shift)), 'unauthenticated')
    expectProblem(await api().as('company').get(candidatesPath(randomUUID())), 'not_found')
    const draft = await arrangeShift(api().owner, { status: 'draft' })
    expectProblem(await api().as('client').get(candidatesPath(draft)), 'not_found')
    await api().as('company').delete(`/v1/shifts/${draft}`)
    expectProblem(await api().as('company').get(candidatesPath(draft)), 'not_found')
  })

  it('are told for drafts and published shifts that have not begun, whose company still works there', async () => {
    const { owner } = api()
    const refused = async (shift: string) => {
      for (const persona of ['company', 'admin'] as const) {
        expectProblem(await api().as(persona).get(candidatesPath(shift)), 'shift_not_open')
      }
    }
    for (const status of ['draft', 'published'] as const) {
      await candidatesOfCompany(await arrangeShift(owner, { status, startsInHours: 90 }))
      await refused(await arrangeShift(owner, { status, startsInHours: -1 }))
    }
    const assigned = await arrangeShift(owner, { status: 'assigned', startsInHours: 600 })
    await refused(assigned)
    await api().as('company').post(`/v1/shifts/${assigned}/cancel`, { reason: 'Rain' })
    await refused(assigned)
    const draft = await arrangeShift(owner, { status: 'draft', startsInHours: 90 })
    const contract = 'company_id = $1 and client_id = $2'
    const parties = [ORGANIZATIONS.company, ORGANIZATIONS.client]
    await owner.query(`delete from company_clients where ${contract}`, parties)
    await refused(draft)
    await owner.query('insert into company_clients (tenant_id, company_id, client_id) values ($1, $2, $3)', [
      TENANTS.a,
      ...parties,
    ])
  })

  it.each(['eligible_only=1', 'limit=0', 'limit=101', 'radius_meters=5'])('refuse %s', async (query) => {
    const shift = await arrangeShift(api().owner)
    expectProblem(
      await api().as('company').get(`/v1/shifts/${shift}/candidates?${query}`),
      'validation_failed',
    )
  })
})

describe('a company that never had a guard on a shift', () => {
  const unavailable = [{ code: 'unavailable', detail: null }]
  const hours = (n: number) => ({ startsInHours: 2_000 + n, certificates: [] })

  it('learns whether a guard is eligible, but no violations, until the guard has worked for it', async () => {
    const ofRival = await arrangeShift(api().owner, {
      status: 'assigned',
      professional: PROFESSIONALS.otherGuard,
      company: ORGANIZATIONS.rival,
      ...hours(0),
    })
    const shift = await arrangeShift(api().owner, { ...hours(4), certificates: ['vca', 'bhv'] })
    const asked = async () =>
      (await candidatesOfCompany(shift)).find(
        ({ professional_id }) => professional_id === PROFESSIONALS.otherGuard,
      )!.violations
    expect(await asked()).toEqual(unavailable)
    // Whom another company knows this one does not.
    await api().owner.query("update shifts set status = 'active' where id = $1", [ofRival])
    expect(await asked()).toEqual(unavailable)
    // Assigned is not enough: a company assigns, and cancels, as it likes.
    const known = await arrangeShift(api().owner, {
      status: 'assigned',
      professional: PROFESSIONALS.otherGuard,
      startsInHours: 2_100,
    })
    expect(await asked()).toEqual(unavailable)
    await api().owner.query("update shifts set status = 'active' where id = $1", [known])
    expect(await asked()).toEqual([
      { code: 'certificate_missing', detail: 'bhv' },
      { code: 'shift_overlap', detail: null },
    ])
  })

  it('cannot find a reason, an order or a page that follows from the roster or the certificates', async () => {
    const site = { latitude: -50, longitude: 70 }
    const location = await arrangeLocation(api().owner, site, ORGANIZATIONS.company)
    const guards: string[] = []
    for (const degrees of [0, 0.1, 0.2]) guards.push(await arrangeGuard(northOf(site, degrees)))
    await arrangeShift(api().owner, {
      status: 'assigned',
      professional: guards[1]!,
      company: ORGANIZATIONS.rival,
      ...hours(1_000),
    })
    const kinds = [[], ['vca'], ['nobody_has_it']]
    const pages = []
    for (const certificates of kinds) {
      for (const at of [990, 1_004, 1_020]) {
        const shift = await arrangeShift(api().owner, {
          status: 'draft',
          location,
          ...hours(at),
          certificates,
        })
        pages.push(await pageFor('company', shift, { limit: 3 }))
      }
    }
    // Where nobody is left out, all pages are the same but for who is eligible.
    const shown = pages.map(({ items }) => items.map(({ professional_id }) => professional_id))
    expect(new Set(shown.map(String)).size).toBe(1)
    expect(shown[0]).toEqual(guards)
    const reasons = pages.flatMap(({ items }) => items.filter(({ eligible }) => !eligible))
    expect(reasons.length).toBeGreaterThan(0)
    expect(new Set(reasons.map(({ violations }) => JSON.stringify(violations)))).toEqual(
      new Set([JSON.stringify(unavailable)]),
    )
  })

  it('may request 300 different pages a day, and repeat each of them without limit', async () => {
    await forgetPages()
    const shift = await arrangeShift(api().owner, { status: 'draft', startsInHours: 3_000 })
    const page = () =>
      api()
        .as('company')
        .get(candidatesPath(shift, { limit: 5 }))
    const [counted] = await api().owner.query<{ first: string }>(
      `insert into muster.candidate_pages (company_id, asked_on, pages)
       select $1, (now() at time zone 'UTC')::date, array_agg(n::bigint) from generate_series(1, 299) n returning asked_on::text as first`,
      [ORGANIZATIONS.company],
    )
    for (let nth = 0; nth < 3; nth += 1) expect((await page()).statusCode).toBe(200)
    const another = await api()
      .as('colleague')
      .get(candidatesPath(shift, { limit: 6 }))
    expectProblem(another, 'daily_limit_reached')
    expect(Number(another.headers['retry-after'])).toBeGreaterThan(0)
    expect(Number(another.headers['retry-after'])).toBeLessThanOrEqual(86_401)
    expect((await page()).statusCode).toBe(200)
    // Moving the shift asks something else; an admin is not bounded, nor another company by this one.
    await api().owner.query(
      "update shifts set end_datetime = end_datetime + interval '1 minute' where id = $1",
      [shift],
    )
    expectProblem(await page(), 'daily_limit_reached')
    expect((await pageFor('admin', shift)).items.length).toBeGreaterThan(0)
    const ofRival = await arrangeShift(api().owner, { company: ORGANIZATIONS.rival, startsInHours: 3_000 })
    expect((await pageFor('rival', ofRival)).items.length).toBeGreaterThan(0)
    // A new day begins with none.
    await api().owner.query(
      'update muster.candidate_pages set asked_on = $1::date - 1 where company_id = $2',
      [counted!.first, ORGANIZATIONS.company],
    )
    expect((await page()).statusCode).toBe(200)
  })

  describe('assigns one', () => {
    const AT = 4_000
    /** Somebody who can work anything without certificates. */
    const arrangeStranger = () => arrangeGuard(null)
    const open = (startsInHours: number, certificates: string[] = [], hours = 8) =>
      arrangeShift(api().owner, { startsInHours, hours, certificates })
    const assign = (persona: Persona, shift: string, professional_id: string, headers = {}) =>
      api().as(persona).post(`/v1/shifts/${shift}/assign`, { professional_id }, { headers })
    const byUpdate = (shift: string, professional: string) =>
      outcomeOf(
        runAs(
          api().api,
          'company',
          updateShift(shift, sql`status = 'assigned', professional_id = ${professional}::uuid`),
        ),
      )
    const forgetRefusals = () => api().owner.query('delete from muster.refused_assignments')

    const REASONS: [code: Code, required: string[], arrange: (guard: string) => Promise<unknown>][] = [
      [
        'shift_overlap',
        [],
        (professional) =>
          arrangeShift(api().owner, {
            status: 'assigned',
            professional,
            company: ORGANIZATIONS.rival,
            startsInHours: AT,
            certificates: [],
          }),
      ],
      ['certificate_missing', ['bhv'], async () => undefined],
      [
        'certificate_expired',
        ['bhv'],
        (professional) =>
          api().owner.query(
            "insert into certificates (professional_id, kind, number, valid_until, verified_at) values ($1, 'bhv', 'B-1', current_date, now())",
            [professional],
          ),
      ],
      [
        'professional_inactive',
        [],
        (professional) =>
          api().owner.query("update security_professionals set status = 'suspended' where id = $1", [
            professional,
          ]),
      ],
    ]

    it.each(REASONS)('and cannot find out %s by any path', async (code, required, arrange) => {
      const guard = await arrangeStranger()
      await arrange(guard)
      const shift = await open(AT + 1, required)
      const refused = await assign('company', shift, guard)
      expectProblem(refused, 'professional_unavailable')
      expect(refused.json()).not.toHaveProperty('subject')
      expect(await byUpdate(shift, guard)).toBe('professional_unavailable')
      expectProblem(await assign('admin', shift, guard), code)
      // Whom it knows it is told about.
      await acquaint(api().owner, [guard])
      expectProblem(await assign('company', shift, guard), code)
      expect(await byUpdate(shift, guard)).toBe(code)
    })

    it('and gets the same answer from a direct UPDATE for an eligible guard', async () => {
      const guard = await arrangeStranger()
      const shift = await open(AT)
      expect(await byUpdate(shift, guard)).toBe('professional_unavailable')
      const inTheEnd = sql`select muster.move_shift(${shift}, '{published}', 'assigned', ${guard})`
      expect(await outcomeOf(runAs(api().api, 'company', inTheEnd))).toBe('professional_unavailable')
      expect((await assign('company', shift, guard)).statusCode).toBe(200)
      const longer = updateShift(shift, sql`end_datetime = end_datetime + interval '1 hour'`)
      expect(await outcomeOf(runAs(api().api, 'company', longer))).toBe('professional_unavailable')
    })

    it('and changes the shift, without being told why a change is refused', async () => {
      const guard = await arrangeStranger()
      await arrangeShift(api().owner, {
        status: 'assigned',
        professional: guard,
        company: ORGANIZATIONS.rival,
        startsInHours: AT + 20,
        certificates: [],
      })
      const shift = await open(AT)
      const assigned = (await assign('company', shift, guard)).json()
      const path = `/v1/shifts/${shift}`
      const later = (hours: number) =>
        new Date(Date.parse(assigned.end_datetime) + hours * 3_600_000).toISOString()
      const longer = await api()
        .as('company')
        .patch(path, { end_datetime: later(12), title: 'Longer', instructions: 'Ring twice' })
      expect(longer.json()).toMatchObject({ title: 'Longer', instructions: 'Ring twice' })
      expect(Date.parse(longer.json().end_datetime)).toBe(Date.parse(later(12)))

      const tooLong = { end_datetime: later(12.1), title: 'Too long' }
      expectProblem(await api().as('company').patch(path, tooLong), 'professional_unavailable')
      expectProblem(await api().as('admin').patch(path, tooLong), 'shift_overlap')
      expectProblem(
        await api()
          .as('company')
          .patch(path, { required_certificates: ['bhv'] }),
        'professional_unavailable',
      )
      expectProblem(
        await api().as('company').patch(path, { end_datetime: assigned.start_datetime }),
        'validation_failed',
      )
      expect((await api().as('company').get(path)).json().title).toBe('Longer')
      const office = { location_id: LOCATIONS.office }
      expect((await api().as('company').patch(path, office)).json().location_id).toBe(LOCATIONS.office)
    })

    it('and is refused a hundred times a day, whatever it tries, and no more after that', async () => {
      await forgetRefusals()
      const guard = await arrangeStranger()
      const free = await arrangeStranger()
      const ofRival = await arrangeShift(api().owner, {
        status: 'assigned',
        professional: guard,
        company: ORGANIZATIONS.rival,
        startsInHours: AT,
        certificates: [],
      })
      const shift = await open(AT + 1)
      await api().owner.query(
        `insert into muster.refused_assignments (company_id, refused_on, refused)
         values ($1, (now() at time zone 'UTC')::date, 98)`,
        [ORGANIZATIONS.company],
      )
      // An update of its own, a key, and a guard who is not there are refused without an answer, or by the same one.
      await byUpdate(shift, guard)
      expectProblem(await assign('company', shift, randomUUID()), 'not_found')
      const key = { 'idempotency-key': randomUUID() }
      expectProblem(await assign('company', shift, guard, key), 'professional_unavailable')
      expectProblem(await assign('colleague', shift, guard), 'professional_unavailable')
      for (const [professional, headers] of [
        [guard, key],
        [guard, {}],
        [free, {}],
      ] as const) {
        const limited = await assign('company', shift, professional, headers)
        expectProblem(limited, 'daily_limit_reached')
        expect(Number(limited.headers['retry-after'])).toBeGreaterThan(0)
      }
      // Neither those whom the company knows, nor other companies, nor admins are bounded by it.
      await acquaint(api().owner, [free])
      expect((await assign('company', shift, free)).statusCode).toBe(200)
      const another = await open(AT + 1)
      expectProblem(await assign('admin', another, guard), 'shift_overlap')
      expectProblem(
        await assign(
          'rival',
          await arrangeShift(api().owner, {
            company: ORGANIZATIONS.rival,
            startsInHours: AT + 1,
            certificates: [],
          }),
          guard,
        ),
        'professional_unavailable',
      )
      // What it can change is bounded, too, and a new day begins with none.
      await api().owner.query(
        "update shifts set status = 'cancelled', cancel_reason = 'Rain' where id = $1",
        [ofRival],
      )
      expectProblem(await assign('company', another, guard), 'daily_limit_reached')
      await api().owner.query('update muster.refused_assignments set refused_on = refused_on - 1')
      // The refusal was not kept for the key: the guard can come by now.
      expect((await assign('company', another, guard, { 'idempotency-key': randomUUID() })).statusCode).toBe(
        200,
      )
      const [counted] = await api().owner.query<{ refused: number }>(
        'select refused from muster.refused_assignments where company_id = $1',
        [ORGANIZATIONS.company],
      )
      expect(counted).toEqual({ refused: 100 })
    })

    it('and may send a refused request again under its key', async () => {
      await forgetRefusals()
      const guard = await arrangeStranger()
      const ofRival = await arrangeShift(api().owner, {
        status: 'assigned',
        professional: guard,
        company: ORGANIZATIONS.rival,
        startsInHours: AT,
        certificates: [],
      })
      const shift = await open(AT + 1)
      const key = { 'idempotency-key': randomUUID() }
      expectProblem(await assign('company', shift, guard, key), 'professional_unavailable')
      await api().owner.query(
        "update shifts set status = 'cancelled', cancel_reason = 'Rain' where id = $1",
        [ofRival],
      )
      const done = await assign('company', shift, guard, key)
      expect(done.statusCode).toBe(200)
      expect((await assign('company', shift, guard, key)).json()).toEqual(done.json())
    })
  })
})

describe('homes', () => {
  it('order candidates: the nearest first, the unknown last', async () => {
    const site = { latitude: -20, longitude: 60 }
    const location = await arrangeLocation(api().owner, site)
    const shift = await arrangeShift(api().owner, { location, startsInHours: 300 })
    const unknown = await arrangeGuard(null)
    const far = await arrangeGuard(northOf(site, 0.3))
    const near = await arrangeGuard(northOf(site, 0.1))
    const here = await arrangeGuard(site)
    const ours = new Set([unknown, far, near, here])
    const items = (await candidatesFor(shift)).filter(({ professional_id }) => ours.has(professional_id))
    expect(items.map(({ professional_id }) => professional_id)).toEqual([here, near, far, unknown])
    expect(items[0]!.distance_meters).toBe(0)
    expect(items[1]!.distance_meters).toBeCloseTo(11_071, -1)
    expect(items[3]!.distance_meters).toBeNull()
  })

  it('are shown by area only, so that exact homes cannot be compared', async () => {
    const centre = { latitude: 10.25, longitude: 100.25 }
    const guard = await arrangeGuard({ latitude: 10.2512, longitude: 100.2534 })
    const neighbour = await arrangeGuard({ latitude: 10.2488, longitude: 100.2461 })
    const distances = new Set<number | null>()
    for (const at of [centre, northOf(centre, 0.2), { latitude: 10.25, longitude: 100.5 }]) {
      const location = await arrangeLocation(api().owner, at, ORGANIZATIONS.company)
      const shift = await arrangeShift(api().owner, { location, status: 'draft' })
      const items = await candidatesFor(shift)
      const [first, second] = [guard, neighbour].map(
        (id) => items.find(({ professional_id }) => professional_id === id)!.distance_meters,
      )
      expect(first).toBe(second)
      distances.add(first!)
    }
    // Whoever measures from three sides finds the middle of the area.
    expect(distances).toContain(0)
    expect(distances.size).toBe(3)
  })
})

describe('pages of candidates', () => {
  it('look at a hundred guards where only the eligible are shown, and go on from there', async () => {
    const site = { latitude: 65, longitude: -60 }
    const location = await arrangeLocation(api().owner, site)
    await api().owner.query(
      `with people as materialized (select gen_random_uuid() as user_id, n from generate_series(1, 120) n), u as (
         insert into users (id, tenant_id, role, name, email)
         select user_id, $1::uuid, 'zzp', 'Neighbour', user_id || '@example.com' from people
       )
       insert into security_professionals (tenant_id, user_id, home_point)
       select $1::uuid, user_id, st_point($2::float8, $3::float8 + n * 0.01)::geography from people`,
      [TENANTS.a, site.longitude, site.latitude],
    )
    const shift = await arrangeShift(api().owner, { location, startsInHours: 700, certificates: ['vca'] })
    const first = await pageFor('company', shift, { eligible_only: true, limit: 1 })
    expect(first.items).toEqual([])
    const found: Candidate[] = []
    let cursor = first.next_cursor ?? undefined
    let pages = 1
    while (cursor) {
      const page = await pageFor('company', shift, { eligible_only: true, limit: 1, cursor })
      found.push(...page.items)
      cursor = page.next_cursor ?? undefined
      pages += 1
    }
    expect(found).toEqual(
      (await candidatesFor(shift, { eligible_only: true })).concat(
        (
          await pageFor('admin', shift, {
            eligible_only: true,
            limit: 100,
            cursor: (await pageFor('admin', shift, { eligible_only: true, limit: 100 })).next_cursor!,
          })
        ).items,
      ),
    )
    expect(pages).toBeLessThan(2 + found.length + 2)
  })

  it('together give the whole list, also when guards are added between two pages', async () => {
    const base = { latitude: 40, longitude: 20 }
    const home = fc.option(fc.constantFrom(0, 0.02, 0.02, 0.5, 1), { nil: null })
    const arrange = (degrees: number | null): Promise<string> =>
      arrangeGuard(degrees === null ? null : northOf(base, degrees))
    const location = await arrangeLocation(api().owner, base)
    const shift = await arrangeShift(api().owner, { location, startsInHours: 400 })
    await fc.assert(
      fc.asyncProperty(
        fc.array(home, { maxLength: 3 }),
        fc.array(home, { maxLength: 3 }),
        fc.integer({ min: 1, max: 3 }),
        fc.boolean(),
        async (homes, later, limit, eligible_only) => {
          for (const at of homes) await arrange(at)
          const all = await candidatesFor(shift, { eligible_only })
          const expected = [...all].sort(
            (a, b) =>
              (a.distance_meters ?? Infinity) - (b.distance_meters ?? Infinity) ||
              (a.professional_id < b.professional_id ? -1 : 1),
          )
          expect(all.map(({ professional_id }) => professional_id)).toEqual(
            expected.map(({ professional_id }) => professional_id),
          )
          const seen: Candidate[] = []
          const waiting = [...later]
          let cursor: string | undefined
          do {
            const page = await pageFor('admin', shift, { eligible_only, limit, cursor })
            seen.push(...page.items)
            cursor = page.next_cursor ?? undefined
            if (waiting.length > 0) await arrange(waiting.pop()!)
          } while (cursor)
          const known = new Set(all.map(({ professional_id }) => professional_id))
          expect(new Set(seen.map(({ professional_id }) => professional_id)).size).toBe(seen.length)
          expect(seen.filter(({ professional_id }) => known.has(professional_id))).toEqual(all)
        },
      ),
      { numRuns: 8 },
    )
  })

  it('need the cursor of the same shift', async () => {
    const one = await arrangeShift(api().owner, { startsInHours: 500 })
    const other = await arrangeShift(api().owner, { startsInHours: 500 })
    const { next_cursor: cursor } = await pageFor('company', one, { limit: 1 })
    expect((await pageFor('company', one, { limit: 1, cursor: cursor! })).items).toHaveLength(1)
    expectProblem(
      await api()
        .as('company')
        .get(candidatesPath(other, { cursor: cursor! })),
      'cursor_invalid',
    )
    expectProblem(
      await api()
        .as('company')
        .get(candidatesPath(one, { cursor: cursor!, eligible_only: true })),
      'cursor_invalid',
    )
  })
})
