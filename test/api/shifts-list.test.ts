import { describe, expect, it } from 'vitest'
import type { Shift } from '../../src/guarding/shifts/schemas.ts'
import { expectProblem, useApi } from '../support/api.ts'
import { arrangeLocation, type QueryParameters, queryOf } from '../support/places.ts'
import {
  arrangeShift,
  LOCATIONS,
  ORGANIZATIONS,
  type Persona,
  PROFESSIONALS,
  SITE,
} from '../support/world.ts'

const api = useApi()

const list = (persona: Persona, parameters: QueryParameters | string = {}) =>
  api()
    .as(persona)
    .get(`/v1/shifts?${typeof parameters === 'string' ? parameters : queryOf(parameters)}`)

async function idsFor(persona: Persona, parameters: QueryParameters | string = {}): Promise<string[]> {
  const response = await list(persona, parameters)
  expect(response.statusCode, response.body).toBe(200)
  return response.json().items.map(({ id }: Shift) => id)
}

/** Every page, one after the other; `between` runs after each. */
async function pagesFor(
  persona: Persona,
  parameters: QueryParameters,
  between: () => Promise<void> = async () => {},
): Promise<string[]> {
  const ids: string[] = []
  let cursor: string | undefined
  do {
    const page = (await list(persona, { ...parameters, cursor })).json()
    ids.push(...page.items.map(({ id }: Shift) => id))
    cursor = page.next_cursor ?? undefined
    await between()
  } while (cursor)
  return ids
}

const ofOffice = { location_id: LOCATIONS.office }

describe('filters', () => {
  it('choose by status, one or several, however they are written', async () => {
    const at = { location: LOCATIONS.otherClientSite, company: ORGANIZATIONS.rival }
    const draft = await arrangeShift(api().owner, { ...at, status: 'draft', startsInHours: 1 })
    const published = await arrangeShift(api().owner, { ...at, startsInHours: 2 })
    const assigned = await arrangeShift(api().owner, { ...at, status: 'assigned', startsInHours: 100 })
    const location_id = LOCATIONS.otherClientSite
    expect(await idsFor('rival', { location_id })).toEqual([draft, published, assigned])
    expect(await idsFor('rival', { location_id, status: 'draft' })).toEqual([draft])
    expect(await idsFor('rival', { location_id, status: 'assigned,draft' })).toEqual([draft, assigned])
    expect(await idsFor('rival', `location_id=${location_id}&status=assigned&status=draft,draft`)).toEqual([
      draft,
      assigned,
    ])
    expect(await idsFor('rival', { location_id, status: 'completed' })).toEqual([])
  })

  it('choose by company, client, location and professional', async () => {
    const location = await arrangeLocation(api().owner, SITE)
    const ours = await arrangeShift(api().owner, { location, startsInHours: 200 })
    const theirs = await arrangeShift(api().owner, {
      location,
      company: ORGANIZATIONS.rival,
      status: 'assigned',
      professional: PROFESSIONALS.otherGuard,
      startsInHours: 201,
    })
    const here = { location_id: location }
    expect(await idsFor('admin', here)).toEqual([ours, theirs])
    expect(await idsFor('admin', { ...here, company_id: ORGANIZATIONS.company })).toEqual([ours])
    expect(await idsFor('admin', { ...here, company_id: ORGANIZATIONS.rival })).toEqual([theirs])
    expect(await idsFor('admin', { ...here, client_id: ORGANIZATIONS.client })).toEqual([ours, theirs])
    expect(await idsFor('admin', { ...here, client_id: ORGANIZATIONS.otherClient })).toEqual([])
    expect(await idsFor('admin', { ...here, professional_id: PROFESSIONALS.otherGuard })).toEqual([theirs])
    expect(await idsFor('company', { ...here, company_id: ORGANIZATIONS.rival })).toEqual([])
  })

  it('choose by start: from a time on, and before one', async () => {
    const ids: string[] = []
    for (const [start, end] of [
      ['2027-10-31T00:30:00Z', '2027-10-31T01:30:00Z'],
      ['2027-10-31T01:30:00Z', '2027-10-31T02:30:00Z'],
    ]) {
      const created = await api().as('company').post('/v1/shifts', {
        location_id: LOCATIONS.office,
        start_datetime: start,
        end_datetime: end,
        hourly_rate: 20,
        title: 'The clocks go back',
      })
      ids.push(created.json().id)
    }
    // Both begin at 02:30 by the clock of that night: an instant tells them apart.
    const between = (starts_after: string, starts_before: string) =>
      idsFor('company', { ...ofOffice, starts_after, starts_before })
    expect(await between('2027-10-31T02:30:00+02:00', '2027-10-31T02:30:00+01:00')).toEqual([ids[0]])
    expect(await between('2027-10-31T02:30:00+01:00', '2027-10-31T03:30:00+01:00')).toEqual([ids[1]])
    expect(await between('2027-10-31T02:30:00+02:00', '2027-10-31T02:30:01+01:00')).toEqual(ids)
  })

  it.each([
    'status=open',
    'status=',
    'status=draft,',
    'company_id=company',
    'starts_after=yesterday',
    'limit=0',
    'limit=101',
    'sort=title',
  ])('refuse %s', async (query) => {
    expectProblem(await list('company', query), 'validation_failed')
  })
})

describe('who lists what', () => {
  it('is what they may read one by one', async () => {
    const location = await arrangeLocation(api().owner, SITE)
    const at = { location, startsInHours: 400 }
    const draft = await arrangeShift(api().owner, { ...at, status: 'draft' })
    const open = await arrangeShift(api().owner, at)
    const taken = await arrangeShift(api().owner, { ...at, status: 'assigned' })
    const removed = await arrangeShift(api().owner, at)
    await api().as('company').delete(`/v1/shifts/${removed}`)
    const seen: Partial<Record<Persona, string[]>> = {
      admin: [draft, open, taken],
      company: [draft, open, taken],
      client: [open, taken],
      guard: [open, taken],
      otherGuard: [open],
      rival: [],
      otherClient: [],
      foreignAdmin: [],
      foreignGuard: [],
    }
    for (const [persona, expected] of Object.entries(seen)) {
      const ids = await idsFor(persona as Persona, { location_id: location })
      expect(ids, persona).toEqual([...expected].sort())
    }
    expectProblem(await api().as(null).get('/v1/shifts'), 'unauthenticated')
  })
})

describe('pages', () => {
  it('go by start, then by id, and neither skip nor repeat when shifts come in between', async () => {
    const location = await arrangeLocation(api().owner, SITE)
    // Three shifts at each of four times: pages end within a time as well as between two.
    const expected: string[] = []
    for (const startsInHours of [500, 510, 520, 530]) {
      const sameTime: string[] = []
      for (let n = 0; n < 3; n += 1)
        sameTime.push(await arrangeShift(api().owner, { location, startsInHours }))
      expected.push(...sameTime.sort())
    }
    for (const limit of [1, 2, 5, 12]) {
      expect(await pagesFor('company', { location_id: location, limit }), `limit ${limit}`).toEqual(expected)
    }

    const inserted = new Set<string>()
    const ids = await pagesFor('company', { location_id: location, limit: 2 }, async () => {
      if (inserted.size >= 8) return
      for (const startsInHours of [499, 515]) {
        inserted.add(await arrangeShift(api().owner, { location, startsInHours }))
      }
    })
    expect(new Set(ids).size).toBe(ids.length)
    expect(ids.filter((id) => !inserted.has(id))).toEqual(expected)
  })

  it('keep their place to the microsecond', async () => {
    const location = await arrangeLocation(api().owner, SITE)
    const expected: string[] = []
    for (const microseconds of [1, 2, 3]) {
      const id = await arrangeShift(api().owner, { location, startsInHours: 600 })
      await api().owner.query(
        "update shifts set start_datetime = start_datetime + $2::int * interval '1 microsecond' where id = $1",
        [id, microseconds],
      )
      expected.push(id)
    }
    expect(await pagesFor('company', { location_id: location, limit: 1 })).toEqual(expected)
  })

  it('need the cursor of the same list', async () => {
    const location = await arrangeLocation(api().owner, SITE)
    for (let n = 0; n < 2; n += 1) await arrangeShift(api().owner, { location })
    const { next_cursor: cursor } = (await list('company', { location_id: location, limit: 1 })).json()
    expect(await idsFor('company', { location_id: location, cursor })).toHaveLength(1)
    for (const parameters of [
      { cursor },
      { location_id: LOCATIONS.site, cursor },
      { location_id: location, status: 'draft', cursor },
      { location_id: location, cursor: 'nonsense' },
      { location_id: location, cursor: '' },
    ]) {
      expectProblem(await list('company', parameters), 'cursor_invalid')
    }
  })
})
