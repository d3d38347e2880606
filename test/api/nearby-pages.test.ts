import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { NearbyShift } from '../../src/guarding/shifts/schemas.ts'
import { useApi } from '../support/api.ts'
import { arrangeLocation, type Place, queryOf } from '../support/places.ts'
import { arrangeShift } from '../support/world.ts'

const api = useApi()

/** Each run has a region of its own, out of reach of the others'. */
let region = 0
const nextRegion = (): Place => {
  region += 1
  return { latitude: -60 + 3 * (region % 40), longitude: -175 + 4 * Math.floor(region / 40) }
}

async function pageOf(place: Place, limit: number, cursor?: string) {
  const query = queryOf({ ...place, radius_meters: 50_000, limit, cursor })
  const response = await api().as('guard').get(`/v1/shifts/nearby?${query}`)
  expect(response.statusCode, response.body).toBe(200)
  return response.json() as { items: NearbyShift[]; next_cursor: string | null }
}

/** Every page, one after the other; `between` runs after each. */
async function walk(
  place: Place,
  limit: number,
  between: () => Promise<void> = async () => {},
): Promise<NearbyShift[]> {
  const items: NearbyShift[] = []
  let cursor: string | undefined
  do {
    const page = await pageOf(place, limit, cursor)
    expect(page.items.length).toBeLessThanOrEqual(limit)
    items.push(...page.items)
    cursor = page.next_cursor ?? undefined
    await between()
  } while (cursor)
  return items
}

const byDistance = (a: NearbyShift, b: NearbyShift): number =>
  a.distance_meters - b.distance_meters || (a.id < b.id ? -1 : 1)

/** Where a shift is: one of a few spots around the region's middle, so that many share a spot or a distance. */
const spot = fc.constantFrom<[north: number, east: number]>(
  [0, 0],
  [0.01, 0],
  // As far as the one before, on the other side: equal to the last digit, or nearly.
  [0, 0.01],
  [0, -0.01],
  // Nearer on the sphere, or on the spheroid: the order of the index is not the order of the answer.
  [0.1, 0],
  [0, 0.1001],
  [0.2, 0.2],
  [0.4, 0],
)

const around = ({ latitude, longitude }: Place, [north, east]: [number, number]): Place => ({
  latitude: latitude + north,
  longitude: longitude + east,
})

describe('pages of a search', () => {
  it('together give the whole list, in its order', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(spot, { minLength: 1, maxLength: 12 }), async (spots) => {
        const place = nextRegion()
        for (const at of spots) {
          const location = await arrangeLocation(api().owner, around(place, at))
          await arrangeShift(api().owner, { location })
        }
        const { items: all, next_cursor } = await pageOf(place, 100)
        expect(next_cursor).toBeNull()
        expect(all).toHaveLength(spots.length)
        expect(all).toEqual([...all].sort(byDistance))
        for (const limit of [1, 2, 3]) expect(await walk(place, limit)).toEqual(all)
      }),
      { numRuns: 10 },
    )
  })

  it('neither skip nor repeat when shifts come in between', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(spot, { minLength: 2, maxLength: 8 }),
        fc.array(spot, { maxLength: 6 }),
        fc.integer({ min: 1, max: 3 }),
        async (spots, later, limit) => {
          const place = nextRegion()
          const arrange = async (at: [number, number]): Promise<string> => {
            const location = await arrangeLocation(api().owner, around(place, at))
            return arrangeShift(api().owner, { location })
          }
          for (const at of spots) await arrange(at)
          const { items: all } = await pageOf(place, 100)
          const waiting = [...later]
          const seen = await walk(place, limit, async () => {
            const at = waiting.shift()
            if (at) await arrange(at)
          })
          const known = new Set(all.map(({ id }) => id))
          expect(new Set(seen.map(({ id }) => id)).size).toBe(seen.length)
          expect(seen.filter(({ id }) => known.has(id))).toEqual(all)
          expect(seen).toEqual([...seen].sort(byDistance))
        },
      ),
      { numRuns: 10 },
    )
  })

  it('go by id among shifts at one location', async () => {
    const place = nextRegion()
    const location = await arrangeLocation(api().owner, place)
    const ids: string[] = []
    for (let n = 0; n < 25; n += 1) ids.push(await arrangeShift(api().owner, { location }))
    expect((await walk(place, 7)).map(({ id }) => id)).toEqual(ids.sort())
  })

  it('go by the spheroid where the sphere of the index would have it otherwise', async () => {
    // At the equator a degree of latitude is shorter than one of longitude (110.6 and 111.3 km); on the sphere it is not.
    const equator = { latitude: 0, longitude: 150 }
    const eastern = await arrangeLocation(api().owner, around(equator, [0, 0.0998]))
    const northern = await arrangeLocation(api().owner, around(equator, [0.1, 0]))
    const farther: string[] = []
    // More of them than a page and one: the index gives these first.
    for (let n = 0; n < 3; n += 1) farther.push(await arrangeShift(api().owner, { location: eastern }))
    const nearer = await arrangeShift(api().owner, { location: northern })
    expect((await walk(equator, 1)).map(({ id }) => id)).toEqual([nearer, ...farther.sort()])
  })

  it('end with the last full page, without an empty one after it', async () => {
    const place = nextRegion()
    const location = await arrangeLocation(api().owner, place)
    for (let n = 0; n < 4; n += 1) await arrangeShift(api().owner, { location })
    expect((await pageOf(place, 4)).next_cursor).toBeNull()
    const { next_cursor } = await pageOf(place, 2)
    expect((await pageOf(place, 2, next_cursor!)).next_cursor).toBeNull()
  })
})
