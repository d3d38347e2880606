import { describe, expect, it } from 'vitest'
import { Board, OVER_MS } from '../../src/freight/live/board.js'
import { detailsOf } from '../../src/freight/live/details.js'
import { entriesOf } from '../../src/freight/live/entries.js'
import { LOOKS, linesOf, placeOfTruck, spotsOf, trucksOf } from '../../src/freight/live/marks.js'
import { FREE_TIME_MS, needsOf, UNCOVERED_AHEAD_MS } from '../../src/freight/live/needs.js'

const HOUR_MS = 3_600_000
const NOW = Date.parse('2026-11-30T12:00:00Z')

type Row = Record<string, unknown>

const at = (hours: number) => new Date(NOW + hours * HOUR_MS).toISOString()

const CITIES = [
  { name: 'Chicago', latitude: 41.85, longitude: -87.65, time_zone: 'America/Chicago' },
  { name: 'Detroit', latitude: 42.33, longitude: -83.05, time_zone: 'America/Detroit' },
]

/** A load from Chicago to Detroit, whose windows begin so many hours from now and five hours later, each two hours long. */
function load(id: string, status: string, from: number, stops: Row[] = [], more: Row = {}): Row {
  return {
    id,
    reference: `REF-${id}`,
    status,
    broker_id: 'broker',
    starts_at: at(from),
    ends_at: at(from + 7),
    distance: 283,
    distance_unit: 'mi',
    cancel_reason: null,
    stops: CITIES.map((city, nth) => ({
      id: `${id}-${nth + 1}`,
      load_id: id,
      position: nth + 1,
      kind: nth === 0 ? 'pickup' : 'delivery',
      address: 'a street',
      window_starts_at: at(from + nth * 5),
      window_ends_at: at(from + nth * 5 + 2),
      arrived_at: null,
      departed_at: null,
      ...city,
      ...stops[nth],
    })),
    assignments:
      status === 'pending'
        ? []
        : [
            {
              id: `${id}-leg`,
              load_id: id,
              leg: 1,
              driver_id: 'dana',
              co_driver_id: null,
              truck_id: 'truck',
              ended_at: null,
              ended_as: null,
            },
          ],
    ...more,
  }
}

function boardWith(...loads: Row[]) {
  const board = new Board()
  board.beginReading(NOW)
  board.finishReading({
    loads,
    drivers: [{ id: 'dana', name: 'Dana' }],
    trucks: [{ id: 'truck', unit_number: 'T-101' }],
    brokers: [{ id: 'broker', name: 'Prairie' }],
  })
  return board
}
const needs = (...given: Parameters<typeof load>) => {
  const board = boardWith(load(...given))
  return needsOf(board, board.loads.get(given[0])!, NOW).map(({ kind, text }) => `${kind}: ${text}`)
}
const changed = (table: string, record: Row, type: 'INSERT' | 'UPDATE' | 'DELETE' = 'UPDATE') =>
  type === 'DELETE' ? { table, type, record: {}, old: record } : { table, type, record, old: {} }
const [been, there] = [
  { arrived_at: at(-4.5), departed_at: at(-4) },
  { arrived_at: at(-0.5), departed_at: null },
]

describe('what of a load needs a person', () => {
  it.each([
    ['nothing before its window ends', 'in_transit', -5, [been], []],
    [
      'it is late when the window of the next stop is over',
      'in_transit',
      -8,
      [been],
      ['late: was due at Detroit 1 h ago'],
    ],
    ['one that did not begin is late, too', 'assigned', -3, [], ['late: was due at Chicago 1 h ago']],
    ['nothing where it arrived in time', 'in_transit', -5.5, [been, there], []],
    ['one without a driver, a day ahead', 'pending', 5, [], ['uncovered: pickup in 5 h']],
    ['none without a driver that begins later', 'pending', UNCOVERED_AHEAD_MS / HOUR_MS + 1, [], []],
    [
      'one that stands for two hours',
      'in_transit',
      -3,
      [{ ...there, arrived_at: at(-2.5) }],
      ['held: at Chicago for 2 h 30 min'],
    ],
    ['none that came before its window', 'in_transit', -1, [{ ...there, arrived_at: at(-2.5) }], []],
    ['nothing of one that is over', 'delivered', -30, [been], []],
  ] as const)('%s', (_, status, from, stops, wanted) => {
    expect(needs('1', status, from, stops as unknown as Row[])).toEqual(wanted)
  })

  it('begins when the free time is over', () => {
    const stops = [{ arrived_at: at(-FREE_TIME_MS / HOUR_MS), departed_at: null }]
    expect(needs('1', 'in_transit', -4, stops)).toEqual(['held: at Chicago for 2 h'])
  })
})

describe('the board of loads', () => {
  it('lists what is in transit first, and says where each is, who drives it, and until when it is due', () => {
    const board = boardWith(load('2', 'pending', 30), load('1', 'in_transit', -5, [been]))
    const [first, second] = entriesOf(board, NOW)
    expect(first).toMatchObject({
      id: '1',
      title: 'REF-1',
      place: 'Chicago → Detroit',
      who: 'Dana, T-101',
      startsAt: at(0),
      siteIds: ['1-1', '1-2'],
    })
    expect(first!.when).toMatch(/^Next: Detroit, Mon,? 30 Nov, 07:00–09:00 \(Detroit\)$/)
    expect(first!.seen).toMatch(/^Left Chicago \d\d:00\. Due within 2 h\.$/)
    expect(second).toMatchObject({ id: '2', status: 'pending', who: '', seen: '' })
    expect(detailsOf(board, board.loads.get('1')!, NOW).facts).toMatchObject({
      State: 'In transit',
      Driver: 'Dana, T-101',
      Broker: 'Prairie',
      Distance: '283 mi',
    })
  })

  it('tells of arrivals and departures once, with their own time', () => {
    const board = boardWith(load('1', 'in_transit', -1))
    const stop = board.stopsOf('1')[0]!
    const arrival = { ...stop, arrived_at: at(-0.5), stop_point: null }
    expect(board.apply(changed('load_stops', arrival))).toMatchObject({
      id: '1',
      text: 'REF-1 arrived at Chicago.',
      at: Date.parse(at(-0.5)),
      key: 'arrived 1-1',
    })
    expect(board.apply(changed('load_stops', arrival))).toBeNull()
    // As the list tells it to who comes later.
    expect(board.past().map(({ text, key }) => [text, key])).toEqual([
      ['REF-1 arrived at Chicago.', 'arrived 1-1'],
    ])
    expect(board.apply(changed('load_stops', { ...arrival, departed_at: at(0) }))).toMatchObject({
      text: 'REF-1 left Chicago.',
    })
    expect(board.progressOf('1')).toMatchObject({
      at: null,
      last: { name: 'Chicago' },
      next: { name: 'Detroit' },
    })
  })

  it('follows a load from its first change, and tells who has it', () => {
    const board = boardWith()
    const { stops, assignments, ...row } = load('1', 'pending', 4)
    expect(board.apply(changed('loads', row, 'INSERT'))?.text).toBe('REF-1: new, pending.')
    for (const stop of stops as Row[]) board.apply(changed('load_stops', stop, 'INSERT'))
    const [leg] = load('1', 'assigned', 4).assignments as Row[]
    expect(board.apply(changed('load_assignments', leg!, 'INSERT'))).toMatchObject({
      text: 'REF-1: Dana, T-101 has it.',
      isQuiet: true,
    })
    expect(board.apply(changed('loads', { ...row, status: 'assigned' }))?.text).toBe(
      'REF-1, Chicago to Detroit: pending, now assigned.',
    )
    expect(assignments).toEqual([])
    expect(
      board.apply(changed('load_assignments', { ...leg, ended_at: at(0), ended_as: 'unassigned' }))?.text,
    ).toBe('REF-1: Dana, T-101 has it no more.')
    expect(board.legsOf('1')).toEqual([])
    expect(board.apply(changed('loads', { id: '1' }, 'DELETE'))?.text).toBe(
      'REF-1, Chicago to Detroit was removed.',
    )
    expect(board.list()).toEqual([])
  })

  it('believes an event against a list that was read meanwhile, and forgets what the list no longer has', () => {
    const board = boardWith(load('1', 'assigned', 4), load('2', 'assigned', 4))
    board.beginReading(NOW)
    board.apply(changed('loads', { id: '1', status: 'in_transit' }))
    board.finishReading({ loads: [load('1', 'assigned', 4)], drivers: [], trucks: [], brokers: [] })
    expect(board.list().map(({ id, status }) => [id, status])).toEqual([['1', 'in_transit']])
    expect(board.stopsOf('2')).toEqual([])
    // Of long ago, and of no interest.
    expect(board.apply(changed('loads', { ...load('3', 'paid', -OVER_MS / HOUR_MS - 1) }))).toBeNull()
  })
})

describe('the map of loads', () => {
  it('has a mark where each load is next, dots at its other stops, and its way', () => {
    const board = boardWith(load('1', 'in_transit', -5, [been]), load('2', 'assigned', 4))
    const spots = spotsOf(board, board.list(), NOW)
    expect(spots.map(({ name, rank, itemIds }) => [name, LOOKS[rank], itemIds])).toEqual([
      ['Chicago', 'assigned', ['1', '2']],
      ['Detroit', 'in_transit', ['1', '2']],
    ])
    expect(spots[1]!.describe()).toBe('1 in transit, 1 assigned')
    expect(linesOf(board, board.list())[0]).toMatchObject({ itemId: '1', places: { length: 2 } })
  })

  it('has the truck at the stop where it arrived last, and none before that or after delivery', () => {
    const board = boardWith(
      load('1', 'in_transit', -5, [been]),
      load('2', 'assigned', 4),
      load('3', 'in_transit', -1),
    )
    expect(placeOfTruck(board, '1')).toEqual({ latitude: 41.85, longitude: -87.65 })
    expect(trucksOf(board, board.list(), NOW)).toMatchObject([
      { itemId: '1', look: 'truck', accuracyMeters: 0 },
    ])
    board.apply(changed('loads', { id: '1', status: 'delivered' }))
    expect(trucksOf(board, board.list(), NOW)).toEqual([])
  })
})

describe('the position of a truck', () => {
  const METERS_10 = { accuracy_meters: 10 }
  const position = (hours: number, longitude: number, more: Row = {}) => ({
    recorded_at: at(hours),
    latitude: 42,
    longitude,
    ...METERS_10,
    ...more,
  })
  /** As an event of the change stream. */
  const event = (hours: number, longitude: number, more: Row = {}, type?: 'UPDATE' | 'DELETE') =>
    changed(
      'stop_events',
      { id: `event ${hours} ${longitude}`, load_id: '1', ...position(hours, longitude, more) },
      type ?? 'INSERT',
    )
  const onTheWay = (last_position: Row | null, stops: Row[] = [been]) =>
    load('1', 'in_transit', -5, stops, { last_position })
  const longitudes = (board: Board) => trucksOf(board, board.list(), NOW).map(({ place }) => place.longitude)

  it('is where the phone of its driver was last, from the list and from events in any order', () => {
    const board = boardWith(onTheWay(position(-1, -86)))
    expect(trucksOf(board, board.list(), NOW)).toEqual([
      {
        itemId: '1',
        mark: 'truck',
        look: 'truck stale',
        place: { latitude: 42, longitude: -86 },
        isSeenFromAfar: true,
        accuracyMeters: 10,
      },
    ])
    expect(board.loads.get('1')).not.toHaveProperty('last_position')
    expect(board.apply(event(-0.1, -84))).toBeNull()
    board.apply(event(-0.2, -85))
    board.apply(event(-0.1, -84, {}, 'UPDATE'))
    board.apply(event(-0.1, -84, {}, 'DELETE'))
    expect(trucksOf(board, board.list(), NOW)).toMatchObject([
      { look: 'truck', place: { latitude: 42, longitude: -84 } },
    ])
  })

  it('is none that is too inexact, and none before an arrival that somebody noted', () => {
    const board = boardWith(onTheWay(position(-1, -86)))
    board.apply(event(-0.1, -84, { accuracy_meters: 1_001 }))
    board.apply(event(-0.1, -84, { latitude: null }))
    expect(longitudes(board)).toEqual([-86])
    board.apply(changed('load_stops', { ...board.stopsOf('1')[1], arrived_at: at(-0.5) }))
    expect(longitudes(board)).toEqual([-83.05])
    board.apply(event(-0.5, -83.06))
    expect(longitudes(board)).toEqual([-83.06])
  })

  it('is read anew with the lists, which stand back behind an event that came meanwhile', () => {
    const board = boardWith(onTheWay(position(-1, -86)))
    const readAnew = (last_position: Row | null, meanwhile = () => {}) => {
      board.beginReading(NOW)
      meanwhile()
      board.finishReading({ loads: [onTheWay(last_position)], drivers: [], trucks: [], brokers: [] })
      return longitudes(board)
    }
    expect(readAnew(position(-0.5, -85))).toEqual([-85])
    expect(readAnew(position(-0.5, -85), () => board.apply(event(-0.1, -84)))).toEqual([-84])
    // It is not theirs to see any more.
    expect(readAnew(null)).toEqual([-87.65])
  })

  it('is told in words, in the unit of the load, with its age', () => {
    const board = boardWith(onTheWay(null))
    const seen = () => entriesOf(board, NOW)[0]!.seen
    const told = () => detailsOf(board, board.loads.get('1')!, NOW).facts.Position
    expect([seen(), told()]).toEqual([expect.not.stringContaining('Position'), ''])
    board.apply(event(-0.1, -84))
    expect(seen()).toMatch(
      /^Left Chicago \d\d:00\. Position 6 min ago, 54 mi from Detroit\. Due within 2 h\.$/,
    )
    expect(told()).toMatch(/^Recorded \d\d:54, accurate to 10 m$/)
    board.apply(event(0, -83.06, { latitude: 42.33 }))
    expect(seen()).toContain('Position just now, 0.5 mi from Detroit.')
    board.apply(changed('loads', { id: '1', distance_unit: 'km' }))
    expect(seen()).toContain('Position just now, 822 m from Detroit.')
    board.apply(changed('loads', { id: '1', status: 'delivered' }))
    expect([seen(), told()]).toEqual([expect.not.stringContaining('Position'), ''])
  })
})
