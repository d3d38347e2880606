import { describe, expect, it } from 'vitest'
import { summarize } from '../../src/platform/live/page/announce.js'
import {
  distanceMeters,
  metersPerPixel,
  parsePoint,
  project,
  unproject,
} from '../../src/platform/live/page/geo.js'
import { groupNear } from '../../src/platform/live/page/group.js'
import {
  checkInText,
  distance,
  period,
  positionText,
  STALE_AFTER_MS,
} from '../../src/platform/live/page/words.js'

const DAM = { latitude: 52.3731, longitude: 4.8926 }
const UTRECHT = { latitude: 52.0907, longitude: 5.1214 }

describe('places', () => {
  it('survive the way to the map and back', () => {
    for (const place of [
      DAM,
      UTRECHT,
      { latitude: -33.9, longitude: 151.2 },
      { latitude: 0, longitude: -180 },
    ]) {
      const back = unproject(project(place))
      expect(back.latitude).toBeCloseTo(place.latitude, 9)
      expect(back.longitude).toBeCloseTo(place.longitude, 9)
    }
    expect(project({ latitude: 90, longitude: 0 }).y).toBeCloseTo(0, 4)
  })

  it('are as far apart as they are, to 0.3 %', () => {
    // GeographicLib, WGS 84: 35,096.7 m.
    expect(distanceMeters(DAM, UTRECHT)).toBeGreaterThan(35_096.7 * 0.997)
    expect(distanceMeters(DAM, UTRECHT)).toBeLessThan(35_096.7 * 1.003)
    // At zoom 0 the equator is 256 pixels.
    expect(metersPerPixel(0, 0) * 256).toBeCloseTo(40_075_016.7, 0)
  })

  it('are read from the form of the change stream, of either byte order, and from nothing else', () => {
    const little = '0101000020E6100000000000000000144000000000000 04A40'.replace(' ', '')
    expect(parsePoint(little)).toEqual({ latitude: 52, longitude: 5 })
    expect(parsePoint('0020000001000010E64014000000000000404A000000000000')).toEqual({
      latitude: 52,
      longitude: 5,
    })
    // No SRID; a line; cut off; a place that is none.
    for (const wrong of [
      '010100000000000000000014400000000000004A40',
      '0102000020E610000000000000000014400000000000004A40',
      '0101000020E6100000',
      '0101000020E61000000000000000001440000000000000694F',
      null,
      42,
    ]) {
      expect(parsePoint(wrong)).toBeNull()
    }
  })
})

describe('marks', () => {
  const at = (x: number, y: number) => ({ x, y })
  const group = (points: { x: number; y: number }[]) =>
    groupNear(points, (point) => point, 1).map(({ items }) => items.length)

  it('are one where they would cover each other, also across the border of a cell', () => {
    expect(group([at(0.99, 0.99), at(1.01, 1.01), at(5, 5)])).toEqual([2, 1])
    expect(group([at(-0.1, 0), at(0.1, 0)])).toEqual([2])
  })

  it('stand apart where they do not', () => {
    expect(group([at(0.1, 0.1), at(0.9, 0.9), at(2.2, 0.1)])).toEqual([1, 1, 1])
  })
})

describe('words', () => {
  it('have times at the site', () => {
    const shift = {
      start_datetime: '2026-11-22T21:00:00+00:00',
      end_datetime: '2026-11-23T05:00:00+00:00',
      time_zone: 'Asia/Tokyo',
    }
    expect(period(shift as never)).toBe('Mon 23 Nov, 06:00–14:00 (Tokyo)')
  })

  it('have distances as far as they matter', () => {
    expect([7.4, 999.4, 1_234, 12_345].map(distance)).toEqual(['7 m', '999 m', '1.2 km', '12 km'])
  })

  it('say how old a position is', () => {
    const now = Date.parse('2026-11-22T12:00:00Z')
    const position = { place: DAM, accuracyMeters: 8, at: now }
    expect(positionText(position, DAM, now)).toMatch(/^Live \d\d:\d\d:\d\d, 0 m from the site$/)
    expect(positionText(position, null, now + STALE_AFTER_MS + 1)).toMatch(
      /^No position since \d\d:\d\d:\d\d$/,
    )
  })

  it('say of an old check-in which day it was', () => {
    const checkIn = {
      kind: 'clock_in',
      verdict: 'inside',
      distance_meters: 7,
      recorded_at: '2026-11-20T12:00:00Z',
    }
    const today = Date.parse(checkIn.recorded_at)
    expect(checkInText(checkIn as never, today)).toMatch(/^Clocked in \d\d:\d\d, inside \(7 m\)$/)
    expect(checkInText(checkIn as never, today + 3 * 86_400_000)).toMatch(
      /^Clocked in \w+.* 20 Nov.*, \d\d:\d\d, inside/,
    )
  })

  it('are few when much happens at once', () => {
    expect(summarize(['a.', 'a.', 'b.'])).toBe('a. b.')
    expect(summarize(['a.', 'b.', 'c.'])).toBe('3 changes. The last: c.')
  })
})
