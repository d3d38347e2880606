import type { LightMyRequestResponse } from 'fastify'
import { describe, expect, it } from 'vitest'
import type { NearbyShift } from '../../src/guarding/shifts/schemas.ts'
import { expectProblem, useApi } from '../support/api.ts'
import { arrangeLocation, type Place, type QueryParameters, queryOf } from '../support/places.ts'
import {
  arrangeShift,
  ORGANIZATIONS,
  type Persona,
  PROFESSIONALS,
  type ShiftFixture,
  SITE,
} from '../support/world.ts'

const api = useApi()

/** A place of its own for each test, out of reach of the others' (and of every search around them). */
let meridian = 20
const somewhere = (): Place => {
  meridian += 5
  return { latitude: 10, longitude: meridian }
}

/** Degrees of latitude that are about so many metres. */
const north = (place: Place, meters: number): Place => ({
  ...place,
  latitude: place.latitude + meters / 111_000,
})

const arrangeAt = async (place: Place, fixture: ShiftFixture = {}): Promise<string> =>
  arrangeShift(api().owner, { location: await arrangeLocation(api().owner, place), ...fixture })

const search = (persona: Persona | null, parameters: QueryParameters, accept?: string) =>
  api()
    .as(persona)
    .get(`/v1/shifts/nearby?${queryOf(parameters)}`, accept ? { headers: { accept } } : {})

async function idsFor(persona: Persona, parameters: QueryParameters): Promise<string[]> {
  const response = await search(persona, parameters)
  expect(response.statusCode, response.body).toBe(200)
  return response.json().items.map(({ id }: NearbyShift) => id)
}

/** The address of the next page, as a client makes it out (RFC 8288). */
function nextOf({ headers }: LightMyRequestResponse): string {
  const [, reference = ''] = /^<(.+)>; rel="next"$/.exec(String(headers.link)) ?? []
  const { pathname, search } = new URL(reference, 'http://service.example/v1/shifts/nearby?limit=1')
  return `${pathname}${search}`
}

const hoursFromNow = (hours: number): string => new Date(Date.now() + hours * 3_600_000).toISOString()

describe('a search', () => {
  it('takes numbers as programs print them, near Greenwich as well', async () => {
    for (const [latitude, longitude] of [
      ['51.5073509', '-0.12775829999998223'],
      ['51.48', '-4e-7'],
      ['5.148E1', '4.0E-7'],
    ]) {
      const response = await api()
        .as('guard')
        .get(`/v1/shifts/nearby?latitude=${latitude}&longitude=${longitude}&limit=2.0`)
      expect([longitude, response.statusCode]).toEqual([longitude, 200])
    }
  })

  it('lists shifts as they are, with their location and distance, nearest first', async () => {
    const place = somewhere()
    const far = await arrangeAt(north(place, 4_000))
    const here = await arrangeAt(place)
    const near = await arrangeAt(north(place, 1_000))
    const response = await search('guard', place)
    const { items, next_cursor } = response.json()
    expect(items.map(({ id }: NearbyShift) => id)).toEqual([here, near, far])
    expect(next_cursor).toBeNull()
    const { location, professional, checkin_count, last_checkin, ...read } = (
      await api().as('guard').get(`/v1/shifts/${here}`)
    ).json()
    expect(items[0]).toEqual({ ...read, location_name: 'place', distance_meters: 0 })
  })

  it('reaches 5 km, or as far as it is told', async () => {
    const place = somewhere()
    const near = await arrangeAt(north(place, 4_900))
    const far = await arrangeAt(north(place, 5_100))
    const farthest = await arrangeAt(north(place, 99_000))
    expect(await idsFor('guard', place)).toEqual([near])
    expect(await idsFor('guard', { ...place, radius_meters: 1_000 })).toEqual([])
    expect(await idsFor('guard', { ...place, radius_meters: 10_000 })).toEqual([near, far])
    expect(await idsFor('guard', { ...place, radius_meters: 100_000 })).toEqual([near, far, farthest])
  })

  it('filters by start and by rate', async () => {
    const place = somewhere()
    const location = await arrangeLocation(api().owner, place)
    const soon = await arrangeShift(api().owner, { location, startsInHours: 2, rate: 20 })
    const later = await arrangeShift(api().owner, { location, startsInHours: 50, rate: 25 })
    const all = [soon, later].sort()
    expect(await idsFor('guard', { ...place, starts_after: hoursFromNow(24) })).toEqual([later])
    expect(await idsFor('guard', { ...place, starts_before: hoursFromNow(24) })).toEqual([soon])
    expect(
      await idsFor('guard', { ...place, starts_after: hoursFromNow(1), starts_before: hoursFromNow(60) }),
    ).toEqual(all)
    expect(await idsFor('guard', { ...place, min_hourly_rate: 20.01 })).toEqual([later])
    expect(await idsFor('guard', { ...place, min_hourly_rate: 20 })).toEqual(all)

    // From the start itself on; and no longer at the start itself.
    const start = (await api().as('guard').get(`/v1/shifts/${later}`)).json().start_datetime
    expect(await idsFor('guard', { ...place, starts_after: start })).toEqual([later])
    expect(await idsFor('guard', { ...place, starts_before: start })).toEqual([soon])
  })

  it('understands instants of the night in which the clocks change', async () => {
    const place = somewhere()
    const location_id = await arrangeLocation(api().owner, place)
    const created = await api().as('company').post('/v1/shifts', {
      location_id,
      status: 'published',
      start_datetime: '2027-03-28T01:30:00+01:00',
      end_datetime: '2027-03-28T03:30:00+02:00',
      hourly_rate: 20,
      title: 'One hour, whatever the clock says',
    })
    const { id } = created.json()
    // 03:00 in summer time is 02:00 in winter time: half an hour after the start.
    expect(await idsFor('guard', { ...place, starts_before: '2027-03-28T03:00:00+02:00' })).toEqual([id])
    expect(await idsFor('guard', { ...place, starts_after: '2027-03-28T03:00:00+02:00' })).toEqual([])
    expect(await idsFor('guard', { ...place, starts_after: '2027-03-28T00:30:00Z' })).toEqual([id])
  })
})

describe('who finds what', () => {
  const place = { latitude: -33.86, longitude: 151.21 }
  const found: Record<string, Persona[]> = {
    ofCompany: ['company', 'colleague', 'client', 'guard', 'otherGuard', 'admin'],
    ofRival: ['rival', 'client', 'guard', 'otherGuard', 'admin'],
    ofRivalElsewhere: ['rival', 'otherClient', 'guard', 'otherGuard', 'admin'],
    foreign: ['foreignCompany', 'foreignClient', 'foreignGuard', 'foreignAdmin'],
    draft: [],
    assigned: [],
    cancelled: [],
    begun: [],
    removed: [],
  }

  it('is open, and theirs to see', async () => {
    const { owner } = api()
    const at = (organization: string) => arrangeLocation(owner, place, organization)
    const client = await at(ORGANIZATIONS.client)
    const shifts: Record<keyof typeof found, string> = {
      ofCompany: await arrangeShift(owner, { location: client }),
      ofRival: await arrangeShift(owner, { location: client, company: ORGANIZATIONS.rival }),
      ofRivalElsewhere: await arrangeShift(owner, {
        location: await at(ORGANIZATIONS.otherClient),
        company: ORGANIZATIONS.rival,
      }),
      foreign: await arrangeShift(owner, {
        location: await at(ORGANIZATIONS.foreignClient),
        company: ORGANIZATIONS.foreignCompany,
      }),
      draft: await arrangeShift(owner, { location: client, status: 'draft' }),
      assigned: await arrangeShift(owner, { location: client, status: 'assigned', startsInHours: 300 }),
      cancelled: await arrangeShift(owner, { location: client }),
      begun: await arrangeShift(owner, { location: client, startsInHours: -1 }),
      removed: await arrangeShift(owner, { location: client }),
    }
    await api().as('company').post(`/v1/shifts/${shifts.cancelled}/cancel`, { reason: 'Rain' })
    await api().as('company').delete(`/v1/shifts/${shifts.removed}`)

    const personas = [...new Set(Object.values(found).flat())] as Persona[]
    for (const persona of personas) {
      const expected = Object.entries(found)
        .filter(([, who]) => who.includes(persona))
        .map(([name]) => shifts[name])
      expect((await idsFor(persona, place)).sort(), persona).toEqual(expected.sort())
      // What a search shows can be read, too: the function says what the policies say.
      for (const id of expected) {
        expect((await api().as(persona).get(`/v1/shifts/${id}`)).statusCode).toBe(200)
      }
    }
    expectProblem(await search(null, place), 'unauthenticated')
  })
})

describe('eligible_only', () => {
  it('shows a guard what they could claim now', async () => {
    const place = somewhere()
    const location = await arrangeLocation(api().owner, place)
    const busy = { startsInHours: 500, hours: 8 }
    await arrangeShift(api().owner, { status: 'assigned', ...busy })
    const fine = await arrangeShift(api().owner, { location, startsInHours: 508 })
    const overlapping = await arrangeShift(api().owner, { location, startsInHours: 507 })
    const demanding = await arrangeShift(api().owner, { location, certificates: ['vca', 'dog'] })
    const all = [fine, overlapping, demanding].sort()
    const eligible = { ...place, eligible_only: true }

    expect(await idsFor('guard', place)).toEqual(all)
    expect(await idsFor('guard', { ...place, eligible_only: false })).toEqual(all)
    expect(await idsFor('guard', eligible)).toEqual([fine])
    expect(await idsFor('otherGuard', eligible)).toEqual([fine, overlapping].sort())
    for (const id of all.filter((candidate) => candidate !== fine)) {
      expect((await api().as('guard').post(`/v1/shifts/${id}/claim`)).statusCode).toBeGreaterThan(400)
    }
    expect((await api().as('guard').post(`/v1/shifts/${fine}/claim`)).statusCode).toBe(200)
    expect(await idsFor('guard', eligible)).toEqual([])

    const suspend = (status: string) =>
      api().owner.query('update security_professionals set status = $2 where id = $1', [
        PROFESSIONALS.otherGuard,
        status,
      ])
    await suspend('suspended')
    expect(await idsFor('otherGuard', eligible)).toEqual([])
    await suspend('active')
  })

  it('pages through the eligible ones alone', async () => {
    const place = somewhere()
    const location = await arrangeLocation(api().owner, place)
    const eligible: string[] = []
    for (let n = 0; n < 6; n += 1) {
      const id = await arrangeShift(api().owner, { location, certificates: n % 2 ? ['dog'] : ['vca'] })
      if (n % 2 === 0) eligible.push(id)
    }
    const first = (await search('otherGuard', { ...place, eligible_only: true, limit: 2 })).json()
    const rest = await idsFor('otherGuard', {
      ...place,
      eligible_only: true,
      limit: 2,
      cursor: first.next_cursor,
    })
    expect([...first.items.map(({ id }: NearbyShift) => id), ...rest]).toEqual(eligible.sort())
  })

  it('is refused to callers who are not guards', async () => {
    for (const persona of ['company', 'client', 'admin'] as const) {
      const response = await search(persona, { ...SITE, eligible_only: true })
      expectProblem(response, 'forbidden')
      expect(response.json().subject).toBe('eligible_only')
    }
  })
})

describe('a request', () => {
  it.each([
    ['latitude', undefined],
    ['longitude', undefined],
    ['latitude', ''],
    ['latitude', '90.1'],
    ['latitude', '-90.000001'],
    ['latitude', '152.37'],
    ['latitude', 'NaN'],
    ['latitude', '5e2'],
    ['longitude', '180.5'],
    ['longitude', '-181'],
    ['longitude', '0x10'],
    ['radius_meters', '0'],
    ['radius_meters', '-5'],
    ['radius_meters', '100001'],
    ['radius_meters', 'Infinity'],
    ['limit', '0'],
    ['limit', '101'],
    ['limit', '2.5'],
    ['min_hourly_rate', '-1'],
    ['min_hourly_rate', 'lots'],
    ['starts_after', 'tomorrow'],
    ['starts_before', '2027-03-28T06:00:00'],
    ['eligible_only', 'yes'],
  ])('is refused for %s=%s', async (name, value) => {
    const response = await search('guard', { ...SITE, [name]: value })
    expectProblem(response, 'validation_failed')
    const pointers = response.json().errors.map(({ pointer }: { pointer: string }) => pointer)
    expect(new Set(pointers)).toEqual(new Set([`/querystring/${name}`]))
  })

  it('is refused for what no such parameter is', async () => {
    expectProblem(await search('guard', { ...SITE, lat: 52 }), 'validation_failed')
    // Twice the same: which one is meant?
    expectProblem(
      await api()
        .as('guard')
        .get(`/v1/shifts/nearby?${queryOf(SITE)}&latitude=1`),
      'validation_failed',
    )
  })

  it('may be at the poles and on the antimeridian', async () => {
    for (const place of [
      { latitude: 90, longitude: 0 },
      { latitude: -90, longitude: 180 },
      { latitude: 0, longitude: -180 },
    ]) {
      expect((await search('guard', place)).json()).toEqual({ items: [], next_cursor: null })
    }
  })

  it('takes a cursor for the search that gave it', async () => {
    const place = somewhere()
    const location = await arrangeLocation(api().owner, place)
    for (let n = 0; n < 3; n += 1) await arrangeShift(api().owner, { location })
    const { next_cursor: cursor } = (await search('guard', { ...place, limit: 1 })).json()
    expect(await idsFor('guard', { ...place, limit: 2, cursor })).toHaveLength(2)
    for (const other of [
      { ...place, cursor, radius_meters: 6_000 },
      { ...place, cursor, latitude: place.latitude + 0.001 },
      { ...place, cursor, min_hourly_rate: 15 },
      { ...place, cursor: cursor.slice(4) },
      { ...place, cursor: 'e30' },
    ]) {
      expectProblem(await search('guard', other), 'cursor_invalid')
    }
  })
})

describe('GeoJSON', () => {
  it('is a FeatureCollection (RFC 7946) with the same pages', async () => {
    const place = somewhere()
    const near = await arrangeAt(place)
    const far = await arrangeAt(north(place, 1_000))
    const [item] = (await search('guard', { ...place, limit: 1 })).json().items
    const response = await search('guard', { ...place, limit: 1 }, 'application/geo+json')
    expect(response.headers['content-type']).toMatch(/^application\/geo\+json/)
    expect(response.headers.vary).toContain('Accept')
    const { latitude, longitude, ...properties } = item
    const collection = response.json()
    expect(collection).toEqual({
      type: 'FeatureCollection',
      features: [
        {
          type: 'Feature',
          id: near,
          geometry: { type: 'Point', coordinates: [longitude, latitude] },
          properties,
        },
      ],
      next_cursor: expect.any(String),
    })
    expect({ latitude, longitude }).toEqual(place)

    const next = nextOf(response)
    const last = await api()
      .as('guard')
      .get(next, { headers: { accept: 'application/geo+json' } })
    expect(last.json()).toMatchObject({ features: [{ id: far }], next_cursor: null })
    expect(last.headers.link).toBeUndefined()
    expect(await idsFor('guard', { ...place, cursor: collection.next_cursor })).toEqual([far])
  })

  it('can be asked for by a client that sets no header, and then is kept to', async () => {
    const place = somewhere()
    await arrangeAt(place)
    const far = await arrangeAt(north(place, 1_000))
    const response = await search('guard', { ...place, limit: 1, format: 'geojson' }, 'text/html')
    expect(response.headers['content-type']).toMatch(/^application\/geo\+json/)
    const last = await api().as('guard').get(nextOf(response))
    expect(last.json()).toMatchObject({ type: 'FeatureCollection', features: [{ id: far }] })
    const json = await search('guard', { ...place, format: 'json' }, 'application/geo+json')
    expect(json.json().items).toHaveLength(2)
    // Another form of the same pages.
    const { next_cursor: cursor } = response.json()
    expect(await idsFor('guard', { ...place, limit: 1, cursor })).toEqual([far])
    expectProblem(await search('guard', { ...place, format: 'gpx' }), 'validation_failed')
  })

  it('leads to the next page by nothing that the request says of its host', async () => {
    const place = somewhere()
    await arrangeAt(place)
    await arrangeAt(north(place, 1_000))
    const url = `http://evil.example/v1/shifts/nearby?${queryOf({ ...place, limit: 1 })}`
    const response = await api()
      .as('guard')
      .get(url, { headers: { host: 'evil.example', 'x-forwarded-host': 'evil.example' } })
    expect(response.headers.link).toMatch(/^<\?[^>]+>; rel="next"$/)
    expect(response.headers.link).not.toContain('evil')
  })

  it('is given where it is preferred, and JSON otherwise', async () => {
    for (const [accept, type] of [
      ['*/*', 'application/json'],
      ['application/json, application/geo+json', 'application/json'],
      ['application/geo+json, application/json;q=0.5', 'application/geo+json'],
      ['text/html, application/*;q=0.8', 'application/json'],
    ] as const) {
      const response = await search('guard', SITE, accept)
      expect(response.headers['content-type'], accept).toContain(type)
    }
  })

  it('is not given as something else', async () => {
    for (const accept of ['text/html', 'nonsense', 'application/json;q=0', 'application/geojson']) {
      expectProblem(await search('guard', SITE, accept), 'not_acceptable')
    }
  })
})

describe('a location that moves', () => {
  it('takes its open shifts along', async () => {
    const from = somewhere()
    const to = somewhere()
    const location = await arrangeLocation(api().owner, from)
    const id = await arrangeShift(api().owner, { location })
    expect((await api().as('client').patch(`/v1/locations/${location}`, to)).statusCode).toBe(200)
    expect(await idsFor('guard', from)).toEqual([])
    expect(await idsFor('guard', to)).toEqual([id])
  })
})

describe('a search from where the index may not tell two points apart', () => {
  const differences = [1e-14, 5e-14, 1e-13, 5e-13, 1e-12, 2.7e-12, 3e-12, 1e-9, 1e-6]

  it.each([
    [-16.5, 180],
    [0, 180],
    [0, 0],
    [0, 90],
    [51.477, 0],
    [-24, -90],
    [24, 90],
    [90, 0],
    [-90, 33],
  ])('answers at %d, %d, with sites there and next to it, in order', async (latitude, longitude) => {
    const sites = [
      { latitude, longitude },
      ...(Math.abs(longitude) === 180 ? [{ latitude, longitude: -longitude }] : []),
      ...differences.slice(0, 6).map((by) => ({
        latitude: latitude - Math.sign(latitude || 1) * by,
        longitude: longitude - Math.sign(longitude || 1) * by,
      })),
    ]
    const shifts: string[] = []
    for (const site of sites) shifts.push(await arrangeAt(site))
    const far = await arrangeAt({ latitude: latitude - Math.sign(latitude || 1) * 0.02, longitude })
    for (const by of [0, ...differences]) {
      const response = await search('guard', {
        latitude: latitude - Math.sign(latitude || 1) * by,
        longitude: Number((longitude - Math.sign(longitude || 1) * by).toFixed(14)),
        limit: 100,
      })
      // Small numbers are for another test: not every client may write them.
      if (response.statusCode === 400) continue
      expect(response.statusCode, response.body).toBe(200)
      const ids = response.json().items.map(({ id }: NearbyShift) => id)
      expect([...ids].sort()).toEqual([...shifts, far].sort())
      expect(ids.at(-1)).toBe(far)
      const first = await search('guard', { latitude, longitude, limit: 2 })
      expect(first.json().items).toHaveLength(2)
    }
    const candidates = await api().as('admin').get(`/v1/shifts/${shifts[0]}/candidates?limit=2`)
    expect(candidates.statusCode, candidates.body).toBe(200)
  })
})
