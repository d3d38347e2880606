import type { LOAD_STATUSES } from '../loads/table.ts'
import { brokerId, DISPATCHER, driverId, loadId, stopEventId, stopId, trailerId, truckId } from './ids.ts'
import places from './places.json' with { type: 'json' }

type Row = Record<string, unknown>
type City = (typeof places)[number]['name']

interface DemoLoad {
  status: (typeof LOAD_STATUSES)[number]
  /** From now to the first pickup. The driver has one load at a time. */
  startsInHours: number
  broker: number
  cities: City[]
  rate: number
  miles: number
  /** From one stop to the next, when it is longer than usual. */
  legHours?: number
}

/** In the order of their ids: examples name them. */
const LOADS: readonly DemoLoad[] = [
  { status: 'pending', startsInHours: 24, broker: 1, cities: ['Chicago', 'Detroit'], rate: 980, miles: 283 },
  {
    status: 'assigned',
    startsInHours: 48,
    broker: 1,
    cities: ['Cleveland', 'Columbus', 'Nashville'],
    rate: 1840,
    miles: 521,
  },
  {
    status: 'assigned',
    startsInHours: 72,
    broker: 2,
    cities: ['Nashville', 'Memphis'],
    rate: 720,
    miles: 212,
  },
  {
    status: 'in_transit',
    startsInHours: -5,
    broker: 1,
    cities: ['Chicago', 'Indianapolis', 'Columbus'],
    rate: 1310,
    miles: 358,
  },
  {
    status: 'delivered',
    startsInHours: -72,
    broker: 1,
    cities: ['Detroit', 'Cleveland'],
    rate: 640,
    miles: 170,
  },
  {
    status: 'invoiced',
    startsInHours: -216,
    broker: 2,
    cities: ['Pittsburgh', 'Indianapolis'],
    rate: 1150,
    miles: 360,
  },
  { status: 'paid', startsInHours: -720, broker: 1, cities: ['Memphis', 'Chicago'], rate: 1720, miles: 532 },
  {
    status: 'cancelled',
    startsInHours: 30,
    broker: 1,
    cities: ['Columbus', 'Pittsburgh'],
    rate: 590,
    miles: 185,
  },
  {
    status: 'pending',
    startsInHours: 54,
    broker: 2,
    cities: ['Memphis', 'Pittsburgh'],
    rate: 2380,
    miles: 770,
    legHours: 22,
  },
  {
    status: 'assigned',
    startsInHours: 96,
    broker: 1,
    cities: ['Chicago', 'Nashville'],
    rate: 1490,
    miles: 474,
  },
]

const HOUR_MS = 3_600_000
/** From one stop to the next, and how long each may be reached. */
const LEG_HOURS = 5
const WINDOW_HOURS = 2

/** Before the first pickup: a driver reports of loads that they have. */
const ASSIGNED_BEFORE_HOURS = 24
/** After the window of a stop begins. */
const ARRIVES_AFTER_HOURS = 0.5
const LEAVES_AFTER_HOURS = 1.25

const IS_ON_ROAD = new Set<DemoLoad['status']>(['assigned', 'in_transit'])
const IS_OVER = new Set<DemoLoad['status']>(['delivered', 'invoiced', 'paid'])

/** In Canada a day is written as in ISO 8601. */
const localDay = (instant: string, timeZone: string): string =>
  new Intl.DateTimeFormat('en-CA', { timeZone, dateStyle: 'short' }).format(Date.parse(instant) - 1)

/** @param own tenant and carrier */
export function demoLoads(own: Row, now = Date.now()): { loads: Row[]; stops: Row[]; assignments: Row[] } {
  const at = (hours: number): string => new Date(now + hours * HOUR_MS).toISOString()
  const stops = LOADS.flatMap(({ status, startsInHours, cities, legHours = LEG_HOURS }, n) =>
    cities.map((city, nth) => {
      const from = startsInHours + nth * legHours
      const isPast = IS_OVER.has(status) || (status === 'in_transit' && nth === 0)
      const { name, ...place } = places.find(({ name }) => name === city)!
      const { latitude, longitude, address, time_zone } = place
      return {
        id: stopId(n + 1, nth + 1),
        load_id: loadId(n + 1),
        position: nth + 1,
        kind: nth === cities.length - 1 ? 'delivery' : 'pickup',
        name: `${name} terminal`,
        address,
        stop_point: `SRID=4326;POINT(${longitude} ${latitude})`,
        time_zone,
        window_starts_at: at(from),
        window_ends_at: at(from + WINDOW_HOURS),
        arrived_at: isPast ? at(from + ARRIVES_AFTER_HOURS) : null,
        departed_at: isPast ? at(from + LEAVES_AFTER_HOURS) : null,
      }
    }),
  )
  return {
    loads: LOADS.map(({ status, broker, rate, miles, startsInHours, cities, legHours = LEG_HOURS }, n) => ({
      ...own,
      id: loadId(n + 1),
      broker_id: brokerId(broker),
      dispatcher_id: DISPATCHER,
      reference: `DL-${20_990 + n}`,
      status,
      rate,
      distance: miles,
      starts_at: at(startsInHours),
      ends_at: at(startsInHours + (cities.length - 1) * legHours + WINDOW_HOURS),
      last_day: stops
        .filter(({ load_id }) => load_id === loadId(n + 1))
        .map(({ window_ends_at, time_zone }) => localDay(window_ends_at, time_zone))
        .sort()
        .at(-1),
      cancel_reason: status === 'cancelled' ? 'The broker withdrew it.' : null,
    })),
    stops,
    assignments: LOADS.flatMap(({ status, startsInHours }, n) =>
      IS_ON_ROAD.has(status) || IS_OVER.has(status)
        ? [
            {
              ...own,
              load_id: loadId(n + 1),
              driver_id: driverId(1),
              truck_id: truckId(1),
              trailer_id: trailerId(1),
              created_at: at(Math.min(startsInHours - ASSIGNED_BEFORE_HOURS, -1)),
              ended_at: IS_OVER.has(status) ? at(0) : null,
              ended_as: IS_OVER.has(status) ? 'completed' : null,
            },
          ]
        : [],
    ),
  }
}

/** Positions between the first and the second stop of the load in transit, the last of them a minute before the demo begins. */
const POSITIONS_ON_THE_WAY = 6
const MINUTE_MS = 60_000

/** What the phone of the driver reported of the load in transit. */
export function demoStopEvents(now = Date.now()): Row[] {
  const n = LOADS.findIndex(({ status }) => status === 'in_transit')
  const { startsInHours, cities } = LOADS[n]!
  const [from, to] = cities.map((city) => places.find(({ name }) => name === city)!)
  const leftAt = now + (startsInHours + LEAVES_AFTER_HOURS) * HOUR_MS
  const event = (kind: string, time: number, way: number) => ({
    load_id: loadId(n + 1),
    driver_id: driverId(1),
    kind,
    event_point: `SRID=4326;POINT(${from!.longitude + way * (to!.longitude - from!.longitude)} ${
      from!.latitude + way * (to!.latitude - from!.latitude)
    })`,
    accuracy_meters: 8,
    recorded_at: new Date(time).toISOString(),
    stop_id: kind === 'position' ? null : stopId(n + 1, 1),
  })
  return [
    event('arrival', now + (startsInHours + ARRIVES_AFTER_HOURS) * HOUR_MS, 0),
    event('departure', leftAt, 0),
    ...Array.from({ length: POSITIONS_ON_THE_WAY }, (_, nth) => {
      const way = (nth + 1) / (POSITIONS_ON_THE_WAY + 1)
      const time = leftAt + ((nth + 1) / POSITIONS_ON_THE_WAY) * (now - MINUTE_MS - leftAt)
      return event('position', time, way)
    }),
  ].map((row, nth) => ({ id: stopEventId(nth + 1), ...row }))
}
