import { describe, expect, it } from 'vitest'
import { dayAfter, dayOf, periodOf } from '../../src/guarding/live/days.js'
import { checkInText, period, positionText, STALE_AFTER_MS } from '../../src/guarding/live/words.js'
import { summarize } from '../../src/platform/live/page/announce.js'
import { boardsFor } from '../../src/platform/live/page/boards.js'
import {
  direction,
  distanceMeters,
  graticule,
  parsePoint,
  ringAround,
} from '../../src/platform/live/page/geo.js'
import { distance, duration, excerpt, span } from '../../src/platform/live/page/text.js'

const DAM = { latitude: 52.3731, longitude: 4.8926 }
const UTRECHT = { latitude: 52.0907, longitude: 5.1214 }

describe('places', () => {
  it('are as far apart as they are, to 0.3 %', () => {
    // GeographicLib, WGS 84: 35,096.7 m.
    expect(distanceMeters(DAM, UTRECHT)).toBeGreaterThan(35_096.7 * 0.997)
    expect(distanceMeters(DAM, UTRECHT)).toBeLessThan(35_096.7 * 1.003)
  })

  it('have a direction from each other', () => {
    expect([direction(DAM, UTRECHT), direction(UTRECHT, DAM)]).toEqual(['south-east', 'north-west'])
    expect(direction(DAM, { ...DAM, longitude: 5 })).toBe('east')
    expect(direction(DAM, { ...DAM, latitude: 53 })).toBe('north')
    expect(direction(DAM, { latitude: 52.4, longitude: 4.89 })).toBe('north')
  })

  it('have circles around them, closed, and as wide everywhere', () => {
    const ring = ringAround(DAM, 150)
    expect(ring.at(-1)).toEqual(ring[0])
    for (const [longitude, latitude] of ring) {
      expect(distanceMeters(DAM, { latitude: latitude!, longitude: longitude! })).toBeCloseTo(150, 0)
    }
  })

  it('have lines between them at round degrees, and not too many', () => {
    expect(graticule(4.31, 5.42, 4)).toEqual(['4.5', '5.0'])
    expect(graticule(-0.45, 0.35, 9)).toEqual(['-0.4', '-0.3', '-0.2', '-0.1', '0.0', '0.1', '0.2', '0.3'])
    expect(graticule(4.891, 4.8943, 4)).toEqual(['4.891', '4.892', '4.893', '4.894'])
    expect(graticule(4.2, 4.4, 0)).toEqual([])
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

describe('days', () => {
  const NOON = new Date(2026, 10, 29, 12).getTime()

  it('are from midnight to midnight where the reader is, also when the clock changes', () => {
    const { from, to } = periodOf('2026-11-29', 0)
    expect([dayOf(from), new Date(from).getHours(), to - from]).toEqual(['2026-11-29', 0, 86_400_000])
    expect(span({ from, to })).toBe('Sun 29 Nov')
    for (let day = '2026-01-01'; day < '2027-01-01'; day = dayAfter(day, 1, NOON)) {
      const { to: end } = periodOf(day, NOON)
      expect([dayOf(end), new Date(end).getHours()]).toEqual([dayAfter(day, 1, NOON), 0])
    }
  })

  it('begin from today', () => {
    expect([dayAfter(null, -1, NOON), dayAfter(null, 1, NOON)]).toEqual(['2026-11-28', '2026-11-30'])
    expect(dayAfter('2026-03-01', -1, NOON)).toBe('2026-02-28')
  })

  it('are two before and two after now, if none is chosen', () => {
    expect(periodOf(null, NOON)).toEqual({ from: NOON - 2 * 86_400_000, to: NOON + 2 * 86_400_000 })
    expect(span(periodOf(null, NOON))).toBe('Fri 27 Nov, 12:00 to Tue 1 Dec, 12:00')
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

  it('have durations in hours and minutes', () => {
    expect([0, 59_999, 300_000, 3_600_000, 4_830_000].map(duration)).toEqual([
      '0 min',
      '0 min',
      '5 min',
      '1 h',
      '1 h 20 min',
    ])
  })

  it('cut what is too long for a list', () => {
    expect(excerpt('Short.')).toBe('Short.')
    expect(excerpt(undefined)).toBe('')
    expect(excerpt('long '.repeat(100))).toMatch(/^(long ){31}long…$/)
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

describe('the boards of somebody', () => {
  const [shifts, loads] = [
    { href: '/live/guarding', roles: ['company', 'client', 'zzp'] },
    { href: '/live/freight', roles: ['office', 'dispatcher', 'driver', 'broker'] },
  ]
  it.each([
    ['of one trade', ['dispatcher'], [loads]],
    ['of the other', ['zzp'], [shifts]],
    ['of both', ['zzp', 'driver'], [shifts, loads]],
    ['who is an admin', ['admin'], [shifts, loads]],
    ['who is an admin and a guard', ['admin', 'zzp'], [shifts, loads]],
    ['whose roles nobody told', [], [shifts, loads]],
  ])('%s', (_, roles, wanted) => {
    expect(boardsFor([shifts, loads], roles)).toEqual(wanted)
    expect(boardsFor([], roles)).toEqual([])
  })
})
