import { Geodesic } from 'geographiclib-geodesic'
import { describe, expect, it } from 'vitest'
import type { NearbyShift } from '../../src/guarding/shifts/schemas.ts'
import { useApi } from '../support/api.ts'
import { arrangeLocation, type Place, queryOf } from '../support/places.ts'
import { arrangeShift } from '../support/world.ts'

const api = useApi()

/** GeographicLib (C. Karney, https://doi.org/10.1007/s00190-012-0578-z) is accurate to 15 nanometres. */
const { WGS84 } = Geodesic
const MILLIMETER = 0.001

const distanceBetween = (a: Place, b: Place): number =>
  WGS84.Inverse(a.latitude, a.longitude, b.latitude, b.longitude).s12!

/** The place that lies `meters` away in a direction, in a form that a query string carries in full. */
function placeFrom(from: Place, azimuth: number, meters: number): Place {
  const { lat2, lon2 } = WGS84.Direct(from.latitude, from.longitude, azimuth, meters)
  return { latitude: Number(lat2!.toFixed(12)), longitude: Number(lon2!.toFixed(12)) }
}

async function search(place: Place, radius_meters: number): Promise<NearbyShift[]> {
  const query = queryOf({
    latitude: place.latitude.toFixed(12),
    longitude: place.longitude.toFixed(12),
    radius_meters,
    limit: 100,
  })
  const response = await api().as('guard').get(`/v1/shifts/nearby?${query}`)
  expect(response.statusCode, response.body).toBe(200)
  return response.json().items
}

/** A repeatable stream of numbers from 0 to 1 (mulberry32): a failure can be run again. */
function numbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}

const regions: Record<string, (random: () => number) => Place> = {
  'anywhere on earth': (random) => ({
    latitude: (Math.asin(2 * random() - 1) * 180) / Math.PI,
    longitude: 360 * random() - 180,
  }),
  'across the antimeridian': (random) => ({
    latitude: 140 * random() - 70,
    longitude: (random() < 0.5 ? -1 : 1) * (180 - 0.3 * random()),
  }),
  'around the north pole': (random) => ({ latitude: 90 - 0.4 * random(), longitude: 360 * random() - 180 }),
  'around the south pole': (random) => ({ latitude: -90 + 0.4 * random(), longitude: 360 * random() - 180 }),
}

describe('distances are those of GeographicLib, to the millimetre', () => {
  it.each(Object.keys(regions))('%s', async (region) => {
    const random = numbers(region.length)
    for (let n = 0; n < 25; n += 1) {
      const at = regions[region]!(random)
      const site = { latitude: Number(at.latitude.toFixed(9)), longitude: Number(at.longitude.toFixed(9)) }
      const id = await arrangeShift(api().owner, { location: await arrangeLocation(api().owner, site) })
      const from = placeFrom(site, 360 * random(), 95_000 * random())
      const expected = distanceBetween(from, site)
      const items = await search(from, 100_000)
      const item = items.find((candidate) => candidate.id === id)
      expect(item, JSON.stringify({ site, from, expected })).toBeDefined()
      expect(Math.abs(item!.distance_meters - expected)).toBeLessThan(MILLIMETER)
      const distances = items.map(({ distance_meters }) => distance_meters)
      expect(distances).toEqual([...distances].sort((a, b) => a - b))
      for (const { latitude, longitude, distance_meters } of items) {
        expect(Math.abs(distance_meters - distanceBetween(from, { latitude, longitude }))).toBeLessThan(
          MILLIMETER,
        )
      }
    }
  })
})

describe('the radius', () => {
  const edges = [
    { latitude: 52.3731, longitude: 4.8926 },
    { latitude: 0, longitude: 180 },
    { latitude: 89.95, longitude: -120 },
    { latitude: -45.5, longitude: -179.999 },
  ]

  it.each(edges)('is inclusive, to the metre, around $latitude, $longitude', async (centre) => {
    for (const [azimuth, radius] of [
      [0, 50],
      [77, 1_000],
      [180, 5_000],
      [271, 100_000],
    ] as const) {
      const at = async (meters: number): Promise<string> =>
        arrangeShift(api().owner, {
          location: await arrangeLocation(api().owner, placeFrom(centre, azimuth, meters)),
        })
      const within = await at(radius - MILLIMETER)
      const beyond = await at(radius + MILLIMETER)
      const ids = (await search(centre, radius)).map(({ id }) => id)
      expect(ids).toContain(within)
      expect(ids).not.toContain(beyond)
      if (radius < 100_000) {
        expect((await search(centre, radius + 1)).map(({ id }) => id)).toContain(beyond)
      }
      expect((await search(centre, radius - 1)).map(({ id }) => id)).not.toContain(within)
    }
  })
})
