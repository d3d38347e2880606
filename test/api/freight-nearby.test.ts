import { describe, expect, it } from 'vitest'
import { expectProblem, useApi } from '../support/api.ts'
import { distanceBetween } from '../support/check-ins.ts'
import { arrangeDriver, arrangeLoad, arrangeVehicle, assignAs } from '../support/freight-loads.ts'
import {
  BROKERS,
  buildFreightWorld,
  DRIVERS,
  FREIGHT_ORGANIZATIONS,
  type FreightPersona,
} from '../support/freight-world.ts'

/* Open loads around a place, and candidates by where they were last. */

const api = useApi({}, buildFreightWorld)

const CHICAGO = { latitude: 41.85003, longitude: -87.65005 }
/** A place of its own for each test, where no other loads are. */
let places = 0
const somewhere = () => ({ latitude: 20 + 5 * places++, longitude: 10 })

async function loadAt(
  place: { latitude: number; longitude: number },
  given: Parameters<typeof arrangeLoad>[1] = {},
): Promise<string> {
  const load = await arrangeLoad(api().owner, given)
  await api().owner.query(
    'update load_stops set stop_point = st_point($2, $3)::geography where load_id = $1 and position = 1',
    [load, place.longitude, place.latitude],
  )
  return load
}
const north = ({ latitude, longitude }: typeof CHICAGO, degrees: number) => ({
  latitude: latitude + degrees,
  longitude,
})

interface Found {
  id: string
  status: string
  distance_meters: number
}
const ask = (persona: FreightPersona | 'admin', query: Record<string, unknown>) =>
  api()
    .as(persona)
    .get(`/v1/freight/loads/nearby?${new URLSearchParams(query as Record<string, string>)}`)
const find = async (persona: FreightPersona | 'admin', query: object): Promise<Found[]> => {
  const response = await ask(persona, { limit: 100, ...query })
  expect(response.statusCode, response.body).toBe(200)
  return response.json().items
}

/** Reports a position of a load that the driver has now. As the owner. */
async function report(
  driver: string,
  { latitude, longitude }: typeof CHICAGO,
  { hours = 1, accuracy = 10 } = {},
): Promise<void> {
  const { owner } = api()
  const [has] = await owner.query<{ load_id: string }>(
    'select load_id from load_assignments where driver_id = $1 limit 1',
    [driver],
  )
  const load = has?.load_id ?? (await arrangeLoad(owner, { from: -2, to: 1 }))
  if (!has) await assignAs(owner, load, { driver, truck: await arrangeVehicle(owner, 'trucks') })
  await owner.query(
    `insert into stop_events (load_id, driver_id, kind, event_point, accuracy_meters, recorded_at)
     values ($1, $2, 'position', st_point($3, $4)::geography, $5, now() - make_interval(secs => $6))`,
    [load, driver, longitude, latitude, accuracy, hours * 3600],
  )
}

describe('open loads around a place', () => {
  it('are the pending ones of the carrier, nearest first, page by page', async () => {
    const place = somewhere()
    const [far, near, middle] = [
      await loadAt(north(place, 0.6)),
      await loadAt(place),
      await loadAt(north(place, 0.3)),
    ]
    await loadAt(north(place, 1.6))
    const assigned = await loadAt(north(place, 0.1), { from: 24 * 90 })
    await assignAs(api().owner, assigned, { truck: await arrangeVehicle(api().owner, 'trucks') })
    const cancelled = await loadAt(north(place, 0.1))
    await api().owner.query("update loads set status = 'cancelled', cancel_reason = 'x' where id = $1", [
      cancelled,
    ])
    const removed = await loadAt(north(place, 0.1))
    await api().owner.query('update loads set deleted_at = now() where id = $1', [removed])
    await loadAt(north(place, 0.1), {
      organization: FREIGHT_ORGANIZATIONS.rivalCarrier,
      broker: BROKERS.rivalCarrier,
    })
    const found = await find('dispatcher', place)
    expect(found.map(({ id }) => id)).toEqual([near, middle, far])
    for (const [nth, degrees] of [0, 0.3, 0.6].entries())
      expect(found[nth]!.distance_meters).toBeCloseTo(distanceBetween(place, north(place, degrees)), 2)
    expect((await find('office', { ...place, radius_meters: 50_000 })).map(({ id }) => id)).toEqual([
      near,
      middle,
    ])
    expect(await find('admin', place)).toHaveLength(4)
    expect(await find('rivalOffice', place)).toHaveLength(1)
    expect(await find('foreignOffice', place)).toEqual([])

    const first = (await ask('office', { ...place, limit: 2 })).json()
    expect(first.items.map(({ id }: Found) => id)).toEqual([near, middle])
    const second = (await ask('office', { ...place, limit: 2, cursor: first.next_cursor })).json()
    expect(second.items.map(({ id }: Found) => id)).toEqual([far])
    expect(second.next_cursor).toBeNull()
  })

  it('can be those of a period, and pages go on among loads of one place', async () => {
    const place = somewhere()
    const starts = (hours: number) => new Date(Date.now() + hours * 3_600_000).toISOString()
    const loads = [
      await loadAt(place, { from: 10 }),
      await loadAt(place, { from: 40 }),
      await loadAt(place),
    ].sort()
    expect(await find('office', { ...place, starts_after: starts(30) })).toHaveLength(1)
    expect(
      await find('office', { ...place, starts_before: starts(30), starts_after: starts(20) }),
    ).toHaveLength(1)
    const listed: string[] = []
    let cursor = ''
    do {
      const page = (await ask('office', { ...place, limit: 1, ...(cursor && { cursor }) })).json()
      listed.push(...page.items.map(({ id }: Found) => id))
      cursor = page.next_cursor
    } while (cursor)
    expect(listed).toEqual(loads)
  })

  it('stay around where the driver was on the first page, wherever the driver goes meanwhile', async () => {
    const place = somewhere()
    const { id: driver } = await arrangeDriver(api().owner)
    const loads = [
      await loadAt(north(place, 0.1)),
      await loadAt(north(place, 0.2)),
      await loadAt(north(place, 0.3)),
    ]
    await report(driver, place, { hours: 2 })
    const listed: Found[] = []
    let cursor = ''
    do {
      const page = (await ask('office', { driver_id: driver, limit: 1, ...(cursor && { cursor }) })).json()
      listed.push(...page.items)
      cursor = page.next_cursor
      // To the farthest of the loads, from where the first one would be the last.
      await report(driver, north(place, 0.3), { hours: 1 })
    } while (cursor)
    expect(listed.map(({ id }) => id)).toEqual(loads)
    for (const [nth, { distance_meters }] of listed.entries())
      expect(distance_meters).toBeCloseTo(distanceBetween(place, north(place, 0.1 * (nth + 1))), 2)
    const [nearest] = await find('office', { driver_id: driver })
    expect(nearest!.id).toBe(loads[2])
    const forged = Buffer.from(JSON.stringify([[1, 91, 0], driver, 'x'])).toString('base64url')
    expectProblem(await ask('office', { driver_id: driver, cursor: forged }), 'cursor_invalid')
  })

  it('are found around the last position of a driver', async () => {
    const place = somewhere()
    const load = await loadAt(place)
    const { id: driver } = await arrangeDriver(api().owner)
    expectProblem(await ask('dispatcher', { driver_id: driver }), 'driver_position_unknown')
    await report(driver, place, { hours: 25 })
    expectProblem(await ask('dispatcher', { driver_id: driver }), 'driver_position_unknown')
    await report(driver, CHICAGO, { hours: 3 })
    await report(driver, north(place, 0.2), { hours: 2 })
    // Nobody knows where that was.
    await report(driver, CHICAGO, { hours: 1, accuracy: 5_000 })
    const [found] = await find('dispatcher', { driver_id: driver })
    expect(found!.id).toBe(load)
    expect(found!.distance_meters).toBeCloseTo(distanceBetween(place, north(place, 0.2)), 2)
    expectProblem(await ask('dispatcher', { driver_id: DRIVERS.rivalDriver }), 'not_found')
    expectProblem(await ask('rivalOffice', { driver_id: driver }), 'not_found')
  })

  it('are not for those who plan nothing, and take a place or a driver', async () => {
    for (const persona of ['driver', 'broker'] as const)
      expectProblem(await ask(persona, { ...CHICAGO }), 'forbidden')
    for (const query of [
      {},
      { latitude: 41 },
      { ...CHICAGO, driver_id: DRIVERS.driver },
      { ...CHICAGO, radius_meters: 0 },
      { ...CHICAGO, radius_meters: 1_000_001 },
      { latitude: 91, longitude: 0 },
    ])
      expectProblem(await ask('office', query), 'validation_failed')
  })
})

describe('candidates for a load', () => {
  it('come by violations, then by how far they were last from the first pickup, those of whom nothing is known last', async () => {
    const { owner } = api()
    const place = somewhere()
    const load = await loadAt(place, { from: 24 * 200 })
    const someone = async () => (await arrangeDriver(owner)).id
    const [far, near, unknown, bare] = [await someone(), await someone(), await someone(), await someone()]
    await report(far, north(place, 1))
    await report(near, north(place, 0.1))
    await report(near, CHICAGO, { hours: 5 })
    await report(bare, place)
    // The driver keeps the load that is on, and gets no other.
    await owner.query(
      "update driver_documents set expiry_date = current_date + 30, verified_at = clock_timestamp() where driver_id = $1 and kind = 'license'",
      [bare],
    )
    const url = `/v1/freight/loads/${load}/candidates`
    const list = async (query: string) => {
      const items: {
        driver_id: string
        distance_meters: number | null
        position_recorded_at: string | null
      }[] = []
      let cursor = ''
      do {
        const response = await api()
          .as('office')
          .get(`${url}?${query}${cursor && `&cursor=${cursor}`}`)
        expect(response.statusCode, response.body).toBe(200)
        items.push(...response.json().items)
        cursor = response.json().next_cursor
      } while (cursor)
      return items
    }
    const all = await list('limit=3')
    const own = all.filter(({ driver_id }) => [far, near, unknown, bare].includes(driver_id))
    expect(own.map(({ driver_id }) => driver_id)).toEqual([near, far, unknown, bare])
    expect(new Set(all.map(({ driver_id }) => driver_id)).size).toBe(all.length)
    expect(own[0]!.distance_meters).toBeCloseTo(distanceBetween(place, north(place, 0.1)), 2)
    expect(Date.parse(own[0]!.position_recorded_at!)).toBeGreaterThan(Date.now() - 2 * 3_600_000)
    expect(own[2]).toMatchObject({ distance_meters: null, position_recorded_at: null })
    expect((await list('limit=100&radius_meters=50000')).map(({ driver_id }) => driver_id)).toEqual([
      near,
      bare,
    ])
    expect((await list('radius_meters=50000&eligible_only=true')).map(({ driver_id }) => driver_id)).toEqual([
      near,
    ])
  })
})
