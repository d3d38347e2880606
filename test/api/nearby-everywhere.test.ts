import fc from 'fast-check'
import { Geodesic } from 'geographiclib-geodesic'
import { describe, expect, it } from 'vitest'
import type { NearbyShift } from '../../src/guarding/shifts/schemas.ts'
import { useApi } from '../support/api.ts'
import { arrangeLocation, type Place, queryOf } from '../support/places.ts'
import { arrangeShift, TENANTS } from '../support/world.ts'

/* The index measures on a sphere, answers are in metres on the spheroid: pages must be right wherever the two differ. */

const api = useApi()

const RADIUS_METERS = 100_000

function placeFrom(from: Place, azimuth: number, meters: number): Place {
  const { lat2, lon2 } = Geodesic.WGS84.Direct(from.latitude, from.longitude, azimuth, meters)
  return { latitude: Number(lat2!.toFixed(12)), longitude: Number(lon2!.toFixed(12)) }
}

async function walk(from: Place, limit: number): Promise<string[]> {
  const ids: string[] = []
  let cursor: string | undefined
  do {
    const query = queryOf({ ...from, radius_meters: RADIUS_METERS, limit, cursor })
    const response = await api().as('guard').get(`/v1/shifts/nearby?${query}`)
    expect(response.statusCode, response.body).toBe(200)
    const page = response.json() as { items: NearbyShift[]; next_cursor: string | null }
    ids.push(...page.items.map(({ id }) => id))
    cursor = page.next_cursor ?? undefined
  } while (cursor)
  return ids
}

/** What a walk must give, without any index or page. */
async function sorted({ latitude, longitude }: Place): Promise<string[]> {
  const rows = await api().owner.query<{ id: string }>(
    `select s.id
     from shifts s
     cross join lateral (select st_distance(s.location_point, st_point($1::float8, $2::float8)::geography) as distance) d
     where s.tenant_id = $3 and s.status = 'published' and s.deleted_at is null and s.start_datetime > now()
       and d.distance <= $4
     order by d.distance, s.id`,
    [longitude, latitude, TENANTS.a, RADIUS_METERS],
  )
  return rows.map(({ id }) => id)
}

const MIDDLES = {
  'the north pole': { latitude: 90, longitude: 0 },
  'near the south pole': { latitude: -89.6, longitude: 77 },
  'the antimeridian': { latitude: 65.3, longitude: 179.9 },
  'the antimeridian and the equator': { latitude: -0.2, longitude: -179.8 },
  'the equator': { latitude: 0, longitude: 20 },
  Utrecht: { latitude: 52.09, longitude: 5.12 },
} as const satisfies Record<string, Place>

/**
 * Around a middle: many so nearly as far that the sphere has them in another order, a few anywhere, and some at one spot.
 * The belt is as thick as a metre differs with its direction at the equator.
 */
const spots = fc.array(
  fc.record({
    azimuth: fc.integer({ min: 0, max: 359 }),
    meters: fc.oneof(
      { weight: 4, arbitrary: fc.integer({ min: 79_500, max: 80_100 }) },
      { weight: 1, arbitrary: fc.integer({ min: 0, max: RADIUS_METERS + 1000 }) },
    ),
    shifts: fc.oneof({ weight: 4, arbitrary: fc.constant(1) }, { weight: 1, arbitrary: fc.constant(4) }),
  }),
  { minLength: 30, maxLength: 40 },
)

describe('the pages of a search are what sorting all open shifts gives', () => {
  it.each(Object.entries(MIDDLES))('around %s', async (_, middle) => {
    await fc.assert(
      fc.asyncProperty(spots, async (some) => {
        await api().owner.query('delete from shifts where status = $1', ['published'])
        for (const { azimuth, meters, shifts } of some) {
          const location = await arrangeLocation(api().owner, placeFrom(middle, azimuth, meters))
          for (let n = 0; n < shifts; n += 1) await arrangeShift(api().owner, { location })
        }
        const all = await sorted(middle)
        expect(all.length).toBeGreaterThan(0)
        expect(await walk(middle, 1)).toEqual(all)
        expect(await walk(middle, 7)).toEqual(all)
      }),
      { numRuns: 2 },
    )
  })
})

it('reads on while any shift may come before those that it has', async () => {
  const equator = { latitude: 0, longitude: 20 }
  await api().owner.query('delete from shifts where status = $1', ['published'])
  // To the index the northern one is 80.4 km away, behind all of the others: they are more than what is read at once.
  for (const [azimuth, meters, shifts] of [
    [90, 80_000, 30],
    [90, 80_200, 30],
    [0, 79_950, 1],
  ] as const) {
    const location = await arrangeLocation(api().owner, placeFrom(equator, azimuth, meters))
    for (let n = 0; n < shifts; n += 1) await arrangeShift(api().owner, { location })
  }
  expect(await walk(equator, 5)).toEqual(await sorted(equator))
})

describe('a metre on the sphere', () => {
  const degrees = (most: number) =>
    fc.integer({ min: -most * 1e6, max: most * 1e6 }).map((millionths) => millionths / 1e6)
  const ways = fc.array(
    fc.record({
      latitude: fc.oneof(degrees(90), fc.constantFrom(-90, -45, 0, 0.5, 89.9, 90)),
      longitude: degrees(180),
      // Along the meridian and across it, it is as long or as short as it gets.
      azimuth: fc.oneof(degrees(180), fc.constantFrom(0, 90, 180, 270)),
      meters: fc.integer({ min: 1_000, max: RADIUS_METERS }),
    }),
    { minLength: 1, maxLength: 200, size: 'max' },
  )

  it('is on the spheroid between the bounds, which are not far apart', async () => {
    const column = (values: number[]): string => `{${values.join(',')}}`
    await fc.assert(
      fc.asyncProperty(ways, async (some) => {
        const beyond = await api().owner.query(
          `select *
           from unnest($1::float8[], $2::float8[], $3::float8[], $4::float8[]) as w (latitude, longitude, azimuth, meters)
           cross join lateral (select st_point(w.longitude, w.latitude)::geography as here) h
           cross join lateral (select st_project(h.here, w.meters, radians(w.azimuth)) as there) t
           cross join lateral (select st_distance(h.here, t.there) / (h.here <-> t.there) as metre) m
           cross join lateral (
             select
               muster.metre_at_least(w.latitude, w.meters) as shortest,
               muster.metre_at_most(w.latitude, w.meters) as longest
           ) b
           where m.metre not between b.shortest and b.longest or b.longest - b.shortest > 0.0075`,
          [
            column(some.map(({ latitude }) => latitude)),
            column(some.map(({ longitude }) => longitude)),
            column(some.map(({ azimuth }) => azimuth)),
            column(some.map(({ meters }) => meters)),
          ],
        )
        expect(beyond).toEqual([])
      }),
      { numRuns: 20 },
    )
  })
})
