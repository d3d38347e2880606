import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Candidate } from '../../src/resources/shifts/schemas.ts'
import { expectProblem, useApi } from '../support/api.ts'
import { arrangeLocation, type Place, type QueryParameters, queryOf } from '../support/places.ts'
import { arrangeShift, ORGANIZATIONS, type Persona, PROFESSIONALS, TENANTS } from '../support/world.ts'

const api = useApi()

const candidatesPath = (shift: string, parameters: QueryParameters = {}) =>
  `/v1/shifts/${shift}/candidates?${queryOf(parameters)}`

async function pageFor(persona: Persona, shift: string, parameters: QueryParameters = {}) {
  const response = await api().as(persona).get(candidatesPath(shift, parameters))
  expect(response.statusCode, response.body).toBe(200)
  return response.json() as { items: Candidate[]; next_cursor: string | null }
}

const candidatesFor = async (shift: string, parameters: QueryParameters = {}): Promise<Candidate[]> =>
  (await pageFor('company', shift, { limit: 100, ...parameters })).items

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
  it('are the guards of the tenant, each with everything that speaks against it', async () => {
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

  it('that are eligible can be assigned, and the others cannot, for the first reason given', async () => {
    const shift = await arrangeShift(api().owner, { startsInHours: 54 })
    const candidates = await candidatesFor(shift)
    expect(new Set(candidates.map(({ eligible }) => eligible))).toEqual(new Set([true, false]))
    const eligible = await candidatesFor(shift, { eligible_only: true })
    expect(eligible).toEqual(candidates.filter((candidate) => candidate.eligible))
    expect(await candidatesFor(shift, { eligible_only: false })).toEqual(candidates)
    for (const { professional_id, violations } of candidates.filter((candidate) => !candidate.eligible)) {
      const response = await api().as('company').post(`/v1/shifts/${shift}/assign`, { professional_id })
      expectProblem(response, violations[0]!.code)
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

  it('are told to those who manage the shift', async () => {
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

  it.each(['eligible_only=1', 'limit=0', 'limit=101', 'radius_meters=5'])('refuse %s', async (query) => {
    const shift = await arrangeShift(api().owner)
    expectProblem(
      await api().as('company').get(`/v1/shifts/${shift}/candidates?${query}`),
      'validation_failed',
    )
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

  it('are told apart no closer than their areas', async () => {
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
  it('are together the whole list, whoever comes in between', async () => {
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
            const page = await pageFor('company', shift, { eligible_only, limit, cursor })
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
