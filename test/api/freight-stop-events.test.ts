import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { Code } from '../../src/platform/http/codes.ts'
import { expectProblem, useApi } from '../support/api.ts'
import { arrangeDriver, arrangeLoad, arrangeVehicle, assignAs } from '../support/freight-loads.ts'
import { buildFreightWorld, FREIGHT_USERS, type FreightPersona } from '../support/freight-world.ts'
import { pick, seededRandom } from '../support/random.ts'

/* Stop events beside who sees them, which the access matrix tries. */

const api = useApi({}, buildFreightWorld)
const BATCH = '/v1/freight/stop-events/batch'
const HOUR_MS = 3_600_000

const hoursAgo = (hours: number): string => new Date(Date.now() - hours * HOUR_MS).toISOString()
const instant = (time: string | null): number | null => (time === null ? null : Date.parse(time))

/** Of the two stops of a load: see `stopsFor`. */
const PLACES = {
  pickup: { latitude: 41.85003, longitude: -87.65005 },
  delivery: { latitude: 42.33143, longitude: -83.04575 },
}
/** 900 m north of the pickup. */
const OUTSIDE = { latitude: 41.85813, longitude: -87.65005 }

interface Item {
  id: string
  kind: string
  recorded_at: string
  [member: string]: unknown
}
interface Result {
  id: string | null
  status: string
  code?: string
  verdict?: string
  counts?: boolean
  errors?: { pointer: string }[]
}

/** A load that began an hour ago, of a driver who has it since yesterday. */
async function someLoad({ assigned = true, coDriver = false } = {}) {
  const { owner } = api()
  const driver = await arrangeDriver(owner)
  const second = coDriver ? await arrangeDriver(owner) : undefined
  const id = await arrangeLoad(owner, { from: -6, to: 6 })
  if (assigned) {
    await assignAs(owner, id, {
      driver: driver.id,
      coDriver: second?.id ?? null,
      truck: await arrangeVehicle(owner, 'trucks'),
    })
    await owner.query(
      "update load_assignments set created_at = now() - interval '1 day' where load_id = $1",
      [id],
    )
  }
  const stops = await owner.query<{ id: string; kind: 'pickup' | 'delivery' }>(
    'select id, kind from load_stops where load_id = $1 order by position',
    [id],
  )
  const stopId = { pickup: stops[0]!.id, delivery: stops[1]!.id }
  return {
    id,
    driver,
    second,
    stopId,
    event: (kind: string, stop: 'pickup' | 'delivery', hours: number, more: object = {}): Item => ({
      id: randomUUID(),
      kind,
      stop_id: stopId[stop],
      ...PLACES[stop],
      accuracy_meters: 12,
      recorded_at: hoursAgo(hours),
      ...more,
    }),
    position: (recorded: string, more: object = {}): Item => ({
      id: randomUUID(),
      kind: 'position',
      load_id: id,
      latitude: 42,
      longitude: -86,
      accuracy_meters: 12,
      recorded_at: recorded,
      ...more,
    }),
    state: async () => {
      const detail = (await api().as('office').get(`/v1/freight/loads/${id}`)).json()
      return {
        status: detail.status as string,
        stops: detail.stops.map((stop: Record<string, string | null>) => [
          instant(stop.arrived_at!),
          instant(stop.departed_at!),
        ]) as (number | null)[][],
      }
    },
    step: async (name: string, body: object = {}) => {
      const response = await api().as('office').post(`/v1/freight/loads/${id}/${name}`, body)
      expect(response.statusCode, response.body).toBe(200)
    },
    setByHand: (stop: 'pickup' | 'delivery', change: object) =>
      api().as('office').patch(`/v1/freight/stops/${stopId[stop]}`, change),
    events: async (persona: 'office' | 'broker', query = '') =>
      (await api().as(persona).get(`/v1/freight/loads/${id}/stop-events?limit=100${query}`)).json().items as {
        id: string
        recorded_at: string
        counts: boolean
        verdict: string | null
        distance_meters: number | null
        flags: string[]
      }[],
  }
}

async function send(userId: string, items: unknown[]): Promise<Result[]> {
  const headers = await api().authorize(userId, 'driver@example.com')
  const response = await api().app.inject({ method: 'POST', url: BATCH, headers, payload: { items } })
  expect(response.statusCode, response.body).toBe(200)
  return response.json().results
}
const outcomes = (results: Result[]): string[] => results.map(({ status, code }) => code ?? status)

function permutations<T>(items: readonly T[]): T[][] {
  if (items.length < 2) return [[...items]]
  return items.flatMap((item, nth) =>
    permutations([...items.slice(0, nth), ...items.slice(nth + 1)]).map((rest) => [item, ...rest]),
  )
}

describe('the state of a load', () => {
  it('follows from the set of its events, in each of their orders', async () => {
    const { owner } = api()
    const driver = await arrangeDriver(owner)
    const truck = await arrangeVehicle(owner, 'trucks')
    const events = [
      ['arrival', 1, '08:00'],
      ['departure', 1, '09:00'],
      ['arrival', 2, '13:00'],
      ['departure', 2, '14:00'],
    ] as const
    for (const [nth, order] of permutations(events).entries()) {
      const load = await arrangeLoad(owner, { from: 24 * (nth + 10) })
      await assignAs(owner, load, { driver: driver.id, truck })
      const seen: string[] = []
      for (const [kind, position, time] of order) {
        await owner.query(
          `insert into stop_events (stop_id, driver_id, kind, event_point, accuracy_meters, recorded_at)
           select s.id, $2, $3, s.stop_point, 10, ('2020-01-01T' || $4 || 'Z')::timestamptz
           from load_stops s where s.load_id = $1 and s.position = $5`,
          [load, driver.id, kind, time, position],
        )
        const [{ status } = { status: '' }] = await owner.query<{ status: string }>(
          'select status from loads where id = $1',
          [load],
        )
        seen.push(status)
      }
      const stops = await owner.query<{ at: string }>(
        `select concat_ws(' ', to_char(arrived_at at time zone 'UTC', 'HH24:MI'), to_char(departed_at at time zone 'UTC', 'HH24:MI')) as at
         from load_stops where load_id = $1 order by position`,
        [load],
      )
      const inOrder = order.map(([kind, position]) => `${kind} ${position}`).join()
      expect(
        stops.map(({ at }) => at),
        inOrder,
      ).toEqual(['08:00 09:00', '13:00 14:00'])
      expect(seen.at(-1), inOrder).toBe('delivered')
      // On the way it only goes on.
      const rank = ['assigned', 'in_transit', 'delivered']
      expect(
        seen.map((status) => rank.indexOf(status)),
        inOrder,
      ).toEqual(seen.map((status) => rank.indexOf(status)).sort())
    }
  })

  it('does not depend on the order, the parts and the repetitions of batches', async () => {
    const random = seededRandom(7)
    const states: unknown[] = []
    const now = Date.now()
    for (let order = 0; order < 5; order += 1) {
      const load = await someLoad()
      const at = (hours: number) => ({ recorded_at: new Date(now - hours * HOUR_MS).toISOString() })
      const items = [
        load.event('departure', 'pickup', 0, at(5.9)),
        load.event('arrival', 'pickup', 0, at(5.5)),
        load.event('arrival', 'pickup', 0, at(5.2)),
        // Too early to be true, and elsewhere, or nobody knows where.
        load.event('arrival', 'pickup', 0, { ...at(7), ...OUTSIDE }),
        load.event('arrival', 'pickup', 0, { ...at(6.5), accuracy_meters: 1_500 }),
        load.event('departure', 'pickup', 0, at(4.5)),
        load.event('departure', 'pickup', 0, at(4.8)),
        load.event('arrival', 'delivery', 0, at(1)),
        load.event('departure', 'delivery', 0, at(1.5)),
        ...Array.from({ length: 5 }, (_, n) => load.position(at(4 - n / 2).recorded_at)),
      ]
      const sent = [...items, ...Array.from({ length: order * 3 }, () => pick(random, items))].sort(() =>
        order === 0 ? 0 : random() - 0.5,
      )
      while (sent.length > 0) await send(load.driver.userId, sent.splice(0, order === 0 ? 100 : 1 + order))
      expect(await load.events('office')).toHaveLength(items.length)
      states.push(await load.state())
    }
    const time = (hours: number) => now - hours * HOUR_MS
    expect(states[0]).toEqual({
      status: 'in_transit',
      stops: [
        [time(5.5), time(4.5)],
        [time(1), null],
      ],
    })
    for (const state of states) expect(state).toEqual(states[0])
  })

  it('is moved on by what was recorded before the delivery and comes after it, until it is invoiced', async () => {
    const load = await someLoad()
    const { userId } = load.driver
    await send(userId, [load.event('arrival', 'delivery', 2), load.event('departure', 'delivery', 1)])
    expect((await load.state()).status).toBe('delivered')
    // Detention that begins when the load is over.
    expect(await send(userId, [load.event('departure', 'delivery', -0.05)])).toMatchObject([
      { status: 'created', counts: false },
    ])
    const late = load.event('departure', 'delivery', 0.5)
    expect(outcomes(await send(userId, [late]))).toEqual(['created'])
    expect((await load.state()).stops[1]![1]).toBe(Date.parse(late.recorded_at))
    await load.step('invoice')
    expect(outcomes(await send(userId, [load.event('departure', 'delivery', 0.25)]))).toEqual(['created'])
    expect((await load.state()).stops[1]![1]).toBe(Date.parse(late.recorded_at))
    expect((await load.events('office')).map(({ counts }) => counts)).toEqual([
      true,
      true,
      true,
      false,
      false,
    ])
  })

  it('follows from a driver who has the load again, with another truck', async () => {
    const load = await someLoad()
    const arrival = load.event('arrival', 'pickup', 2)
    await load.step('unassign')
    await assignAs(api().owner, load.id, {
      driver: load.driver.id,
      truck: await arrangeVehicle(api().owner, 'trucks'),
    })
    expect(await send(load.driver.userId, [arrival])).toMatchObject([{ status: 'created', counts: true }])
    expect(await load.state()).toMatchObject({
      status: 'in_transit',
      stops: [
        [instant(arrival.recorded_at), null],
        [null, null],
      ],
    })
  })
})

describe('what somebody set by hand', () => {
  it('stands whatever phones report, until it is set to null', async () => {
    const load = await someLoad()
    const { userId } = load.driver
    const arrival = load.event('arrival', 'pickup', 4)
    await send(userId, [arrival])
    const byHand = hoursAgo(3.5)
    expect((await load.setByHand('pickup', { arrived_at: byHand })).statusCode).toBe(200)
    const departure = load.event('departure', 'pickup', 3)
    await send(userId, [
      load.event('arrival', 'pickup', 5),
      load.event('departure', 'pickup', 3.75),
      departure,
    ])
    expect((await load.state()).stops[0]).toEqual([Date.parse(byHand), Date.parse(departure.recorded_at)])

    const left = hoursAgo(2.5)
    expect((await load.setByHand('pickup', { departed_at: left })).statusCode).toBe(200)
    await send(userId, [load.event('departure', 'pickup', 1)])
    expect((await load.state()).stops[0]).toEqual([Date.parse(byHand), Date.parse(left)])

    // The name of the stop is not a time.
    expect((await load.setByHand('pickup', { name: 'Gate 4' })).statusCode).toBe(200)
    const given = await load.setByHand('pickup', { arrived_at: null, departed_at: null })
    expect(given.statusCode, given.body).toBe(200)
    const events = await api().owner.query<{ kind: string; at: string }>(
      `select kind, to_json(case kind when 'arrival' then min(recorded_at) else max(recorded_at) end) #>> '{}' as at
       from stop_events where load_id = $1 group by kind order by kind`,
      [load.id],
    )
    expect((await load.state()).stops[0]).toEqual(events.map(({ at }) => Date.parse(at)))
    expect(instant(given.json().arrived_at)).toBe(Date.parse(events[0]!.at))
  })

  it('gives back one of two times that phones reported, also where the other would come before it', async () => {
    const load = await someLoad()
    const [arrival, departure] = [load.event('arrival', 'pickup', 4), load.event('departure', 'pickup', 3)]
    await send(load.driver.userId, [arrival, departure])
    const reported = [instant(arrival.recorded_at), instant(departure.recorded_at)]
    const later = hoursAgo(2)
    expect((await load.setByHand('pickup', { arrived_at: later })).json()).toMatchObject({
      departed_at: null,
    })
    expect((await load.state()).stops[0]).toEqual([instant(later), null])
    const given = await load.setByHand('pickup', { arrived_at: null })
    expect(given.statusCode, given.body).toBe(200)
    expect((await load.state()).stops[0]).toEqual(reported)
  })

  it('is the office’s to correct until the load is invoiced, and no driver’s when it is delivered', async () => {
    const load = await someLoad()
    const { userId } = load.driver
    await send(userId, [load.event('arrival', 'delivery', 2), load.event('departure', 'delivery', 1)])
    const url = `/v1/freight/stops/${load.stopId.delivery}`
    const change = { departed_at: hoursAgo(1.5) }
    const headers = await api().authorize(userId, 'driver@example.com')
    expectProblem(await api().app.inject({ method: 'PATCH', url, headers, payload: change }), 'forbidden')
    expectProblem(await load.setByHand('delivery', { name: 'Gate 4' }), 'load_state')
    expect((await load.setByHand('delivery', change)).statusCode).toBe(200)
    expect((await load.state()).stops[1]![1]).toBe(instant(change.departed_at))
    await load.step('invoice')
    expectProblem(await load.setByHand('delivery', change), 'load_state')
  })

  it('says no more of a driver than a phone may: nothing long before the load', async () => {
    const load = await someLoad()
    const headers = await api().authorize(load.driver.userId, 'driver@example.com')
    const url = `/v1/freight/stops/${load.stopId.pickup}`
    const patch = (payload: object) => api().app.inject({ method: 'PATCH', url, headers, payload })
    expectProblem(await patch({ arrived_at: '2001-01-01T00:00:00Z' }), 'outside_load_window')
    expect((await patch({ arrived_at: hoursAgo(3) })).statusCode).toBe(200)
    const early = await arrangeLoad(api().owner, { from: 24, to: 30 })
    await assignAs(api().owner, early, {
      driver: load.driver.id,
      truck: await arrangeVehicle(api().owner, 'trucks'),
    })
    for (const step of ['dispatch', 'deliver']) {
      const asked = {
        method: 'POST',
        url: `/v1/freight/loads/${early}/${step}`,
        headers,
        payload: {},
      } as const
      expectProblem(await api().app.inject(asked), 'outside_load_window')
    }
    expect((await api().as('office').post(`/v1/freight/loads/${early}/dispatch`, {})).statusCode).toBe(200)
  })

  it('bounds what phones report of the same stop', async () => {
    const load = await someLoad()
    await load.step('dispatch')
    await load.setByHand('pickup', { arrived_at: hoursAgo(4), departed_at: hoursAgo(3) })
    await send(load.driver.userId, [load.event('arrival', 'pickup', 2), load.event('departure', 'pickup', 1)])
    const { stops } = await load.state()
    expect(stops[0]!.map((time) => Math.round((Date.now() - time!) / HOUR_MS))).toEqual([4, 3])
  })
})

describe('a batch of stop events', () => {
  it('takes an event once, says which were there, and nothing of another driver’s', async () => {
    const load = await someLoad()
    const first = load.event('arrival', 'pickup', 3)
    const { userId } = load.driver
    expect(outcomes(await send(userId, [first, first, { ...first, kind: 'departure' }]))).toEqual([
      'created',
      'duplicate',
      'id_conflict',
    ])
    const again = await send(userId, [
      { ...first, id: first.id.toUpperCase() },
      { ...first, recorded_at: hoursAgo(2) },
    ])
    expect(outcomes(again)).toEqual(['duplicate', 'id_conflict'])
    expect(again[0]).toEqual({
      id: first.id.toUpperCase(),
      status: 'duplicate',
      verdict: 'inside',
      counts: true,
    })
    expect(again[1]!.errors![0]!.pointer).toBe('/body/items/1/id')
    const other = await someLoad()
    expect(await send(other.driver.userId, [{ ...first, stop_id: other.stopId.pickup }])).toMatchObject([
      { status: 'rejected', code: 'id_conflict' },
    ])
    expect(await other.events('office')).toEqual([])
  })

  it('decides about each item by itself, and names what it ignores', async () => {
    const load = await someLoad()
    const other = await someLoad()
    const good = load.position(hoursAgo(1))
    const headers = await api().authorize(load.driver.userId, 'driver@example.com')
    const response = await api().app.inject({
      method: 'POST',
      url: BATCH,
      headers,
      payload: {
        items: [
          7,
          { ...good, id: 'none' },
          { ...good, id: randomUUID(), load_id: undefined },
          load.event('arrival', 'pickup', 1, { stop_id: undefined }),
          load.event('arriving', 'pickup', 1),
          load.event('arrival', 'pickup', 1, { latitude: 91 }),
          load.event('arrival', 'pickup', 1, { accuracy_meters: 0 }),
          load.event('arrival', 'pickup', -0.2),
          load.event('arrival', 'pickup', 19),
          load.event('arrival', 'pickup', 30),
          load.event('arrival', 'pickup', 1, { load_id: other.id }),
          other.event('arrival', 'pickup', 1),
          load.event('arrival', 'pickup', 1, { stop_id: randomUUID() }),
          { ...good, battery: 80 },
        ],
      },
    })
    expect(response.statusCode, response.body).toBe(200)
    const { results, ignored } = response.json() as { results: Result[]; ignored: string[] }
    expect(outcomes(results)).toEqual([
      ...Array.from({ length: 7 }, () => 'validation_failed'),
      'recorded_in_future',
      'outside_load_window',
      'load_not_driven',
      'not_found',
      'not_found',
      'not_found',
      'created',
    ])
    expect(ignored).toEqual(['battery'])
    expect(results[3]!.errors![0]!.pointer).toBe('/body/items/3/stop_id')
    expect(results[7]!.errors![0]!.pointer).toBe('/body/items/7/recorded_at')
    expect(await load.events('office')).toMatchObject([{ id: good.id }])
    expect((await load.state()).status).toBe('assigned')
  })

  it('judges distance and accuracy against the stop', async () => {
    const load = await someLoad()
    const results = await send(load.driver.userId, [
      load.event('arrival', 'pickup', 5),
      load.event('arrival', 'pickup', 4.9, { accuracy_meters: 150 }),
      load.event('arrival', 'pickup', 4.8, OUTSIDE),
      load.event('arrival', 'pickup', 4.7, { ...OUTSIDE, accuracy_meters: 1_500 }),
      load.event('position', 'pickup', 4.6),
      load.position(hoursAgo(4.5)),
    ])
    expect(results.map(({ verdict }) => verdict)).toEqual([
      'inside',
      'uncertain',
      'outside',
      'uncertain',
      'inside',
      undefined,
    ])
    const events = await load.events('office')
    expect(events.map(({ counts }) => counts)).toEqual([true, true, false, false, false, false])
    expect(events.map(({ flags }) => flags.join())).toEqual([
      '',
      'imprecise',
      '',
      'evidence,imprecise',
      '',
      '',
    ])
    expect(events[2]!.distance_meters).toBeGreaterThan(880)
    expect(events[2]!.distance_meters).toBeLessThan(920)
    expect(events[5]).toMatchObject({ verdict: null, distance_meters: null })
    expect((await load.events('office', '&kind=position')).length).toBe(2)
    expect((await load.events('office', `&stop_id=${load.stopId.pickup}`)).length).toBe(5)
  })

  it('takes twelve positions of a driver for each minute, and never refuses an arrival for them', async () => {
    const load = await someLoad({ coDriver: true })
    const minute = Math.floor(Date.now() / 60_000) * 60_000 - 120_000
    const at = (second: number) => new Date(minute + second * 1_000).toISOString()
    const positions = Array.from({ length: 14 }, (_, n) => load.position(at(n)))
    const { userId } = load.driver
    const first = await send(userId, positions.slice(0, 7))
    const second = await send(userId, [
      ...positions.slice(5),
      load.event('arrival', 'pickup', 0, { recorded_at: at(30) }),
      load.position(at(60)),
    ])
    expect([...outcomes(first), ...outcomes(second)]).toEqual([
      ...Array.from({ length: 7 }, () => 'created'),
      ...Array.from({ length: 2 }, () => 'duplicate'),
      ...Array.from({ length: 5 }, () => 'created'),
      ...Array.from({ length: 2 }, () => 'too_many_stop_events'),
      'created',
      'created',
    ])
    expect(outcomes(await send(load.second!.userId, [load.position(at(20))]))).toEqual(['created'])
  })

  it('takes a hundred arrivals of a driver at one stop', async () => {
    const load = await someLoad()
    const arrivals = Array.from({ length: 102 }, (_, n) => load.event('arrival', 'pickup', 5 - n / 100))
    const results = outcomes(await send(load.driver.userId, arrivals.slice(0, 51)))
    results.push(...outcomes(await send(load.driver.userId, arrivals.slice(51))))
    expect(results.slice(0, 100).every((result) => result === 'created')).toBe(true)
    expect(results.slice(100)).toEqual(['too_many_stop_events', 'too_many_stop_events'])
    expect(outcomes(await send(load.driver.userId, [load.event('departure', 'pickup', 1)]))).toEqual([
      'created',
    ])
  })

  it('may have null where an event has no stop, or no load', async () => {
    const load = await someLoad()
    const items = [
      load.position(hoursAgo(1), { stop_id: null }),
      load.event('arrival', 'pickup', 1, { load_id: null }),
    ]
    expect(outcomes(await send(load.driver.userId, items))).toEqual(['created', 'created'])
    expect(outcomes(await send(load.driver.userId, [load.position(hoursAgo(1), { load_id: null })]))).toEqual(
      ['validation_failed'],
    )
  })

  it('is refused of a driver whose employment was terminated', async () => {
    const load = await someLoad()
    await load.step('dispatch')
    await load.step('deliver')
    await api().owner.query(
      "update drivers set status = 'terminated', termination_date = current_date where id = $1",
      [load.driver.id],
    )
    const headers = await api().authorize(load.driver.userId, 'driver@example.com')
    const payload = { items: [load.event('arrival', 'pickup', 1)] }
    expectProblem(await api().app.inject({ method: 'POST', url: BATCH, headers, payload }), 'forbidden')
  })

  it('takes of a driver who was unassigned what was recorded before, as evidence', async () => {
    const load = await someLoad()
    const { userId } = load.driver
    const early = load.event('arrival', 'pickup', 2)
    await load.step('unassign')
    expect(outcomes(await send(userId, [early]))).toEqual(['created'])
    expect(await load.state()).toMatchObject({
      status: 'pending',
      stops: [
        [null, null],
        [null, null],
      ],
    })

    await api().owner.query(
      "update load_assignments set ended_at = now() - interval '1 hour' where load_id = $1",
      [load.id],
    )
    expect(outcomes(await send(userId, [load.event('arrival', 'pickup', 0.5)]))).toEqual(['load_not_driven'])
    expect((await load.events('office')).map(({ counts }) => counts)).toEqual([false])
    // Who has it now begins it.
    const next = await arrangeDriver(api().owner)
    await assignAs(api().owner, load.id, {
      driver: next.id,
      truck: await arrangeVehicle(api().owner, 'trucks'),
    })
    expect(outcomes(await send(userId, [load.event('arrival', 'pickup', 1.5)]))).toEqual(['created'])
    expect((await load.state()).status).toBe('assigned')
    const arrival = load.event('arrival', 'pickup', 0)
    expect(outcomes(await send(next.userId, [load.event('arrival', 'pickup', 1), arrival]))).toEqual([
      'load_not_driven',
      'created',
    ])
    expect(await load.state()).toMatchObject({
      status: 'in_transit',
      stops: [
        [Date.parse(arrival.recorded_at), null],
        [null, null],
      ],
    })
  })

  it('keeps what was recorded of a load that was cancelled, which stays cancelled', async () => {
    const load = await someLoad()
    await load.step('cancel', { reason: 'Withdrawn' })
    expect(outcomes(await send(load.driver.userId, [load.event('arrival', 'pickup', 2)]))).toEqual([
      'created',
    ])
    expect((await load.state()).status).toBe('cancelled')
  })

  it('refuses an event at a stop that was replaced', async () => {
    const load = await someLoad()
    const replaced = await api()
      .as('office')
      .get(`/v1/freight/loads/${load.id}`)
      .then((response) =>
        api()
          .as('office')
          .put(`/v1/freight/loads/${load.id}/stops`, {
            stops: response
              .json()
              .stops.map(
                ({
                  id: _,
                  load_id,
                  position,
                  arrived_at,
                  departed_at,
                  created_at,
                  updated_at,
                  ...stop
                }: Item) => stop,
              ),
          }),
      )
    expect(replaced.statusCode, replaced.body).toBe(200)
    expect(outcomes(await send(load.driver.userId, [load.event('arrival', 'pickup', 1)]))).toEqual([
      'not_found',
    ])
  })

  it('is of drivers alone', async () => {
    const load = await someLoad()
    const body = { items: [load.event('arrival', 'pickup', 1)] }
    for (const persona of ['office', 'dispatcher', 'broker', 'admin', 'newDriver'] as const)
      expectProblem(await api().as(persona).post(BATCH, body), 'forbidden' satisfies Code)
    expectProblem(await api().as(null).post(BATCH, body), 'unauthenticated')
    expect(outcomes(await send(FREIGHT_USERS.driver, body.items))).toEqual(['not_found'])
  })
})

describe('the last position of a load', () => {
  it('is its newest event that the caller sees, while it is in transit', async () => {
    const load = await someLoad({ coDriver: true })
    const tell = (items: Item[]) => send(load.driver.userId, items)
    const seenBy = async (persona: FreightPersona | { userId: string }) => {
      const headers =
        typeof persona === 'string'
          ? await api().authorize(FREIGHT_USERS[persona], 'somebody@example.com')
          : await api().authorize(persona.userId, 'driver@example.com')
      const read = async (url: string) => (await api().app.inject({ url, headers })).json()
      const alone = (await read(`/v1/freight/loads/${load.id}`)).last_position
      const { items } = await read('/v1/freight/loads?detailed=true&limit=100&status=assigned,in_transit')
      expect(items.find(({ id }: { id: string }) => id === load.id)?.last_position ?? null).toEqual(alone)
      return alone
    }
    await tell([load.position(hoursAgo(5))])
    expect(await seenBy('office')).toBeNull()
    const arrival = load.event('arrival', 'pickup', 4)
    const newest = load.position(hoursAgo(2), { latitude: 42.5, longitude: -85.25, accuracy_meters: 1_000 })
    await tell([
      newest,
      load.position(hoursAgo(3)),
      load.position(hoursAgo(1), { accuracy_meters: 1_001 }),
      arrival,
    ])
    for (const persona of ['office', 'dispatcher', 'broker', load.driver] as const) {
      const { recorded_at, ...where } = await seenBy(persona)
      expect(instant(recorded_at)).toBe(instant(newest.recorded_at))
      expect(where).toEqual({ latitude: 42.5, longitude: -85.25, accuracy_meters: 1_000 })
    }
    // A driver sees their own events alone.
    expect(await seenBy(load.second!)).toBeNull()
    await tell([load.event('arrival', 'delivery', 0.5), load.event('departure', 'delivery', 0.25)])
    for (const persona of ['office', 'broker'] as const) expect(await seenBy(persona)).toBeNull()
  })
})

describe('users of the broker', () => {
  it('see where a load is while it is in transit: not where its driver was before, or is after', async () => {
    const load = await someLoad()
    const { userId } = load.driver
    await send(userId, [load.position(hoursAgo(5))])
    expect(await load.events('broker')).toEqual([])
    const [arrival, on] = [load.event('arrival', 'pickup', 4), load.position(hoursAgo(3))]
    await send(userId, [load.position(hoursAgo(4.5)), on, arrival])
    expect((await load.events('broker')).map(({ id }) => id)).toEqual([arrival.id, on.id])
    await send(userId, [load.event('arrival', 'delivery', 2)])
    await send(userId, [load.event('departure', 'delivery', 1)])
    expect((await load.state()).status).toBe('delivered')
    await send(userId, [load.position(hoursAgo(0.5))])
    expect((await load.events('broker')).map(({ recorded_at }) => instant(recorded_at))).toHaveLength(4)
    expect(await load.events('office')).toHaveLength(7)
  })

  it('see no more of a load whose broker is another one', async () => {
    const load = await someLoad()
    await load.step('dispatch')
    await send(load.driver.userId, [load.position(hoursAgo(3))])
    expect(await load.events('broker')).toHaveLength(1)
    const rewritten = await api().owner.query<{ n: number }>(
      `with changed as (update loads set broker_organization_id = null where id = $1 returning id)
       select count(*)::int as n from changed`,
      [load.id],
    )
    expect(rewritten).toEqual([{ n: 1 }])
    const [left] = await api().owner.query<{ n: number }>(
      'select count(*)::int as n from stop_events where load_id = $1 and broker_organization_id is not null',
      [load.id],
    )
    expect(left).toEqual({ n: 0 })
  })
})
