import type { LightMyRequestResponse } from 'fastify'
import { beforeAll, describe, expect, it } from 'vitest'
import { sql } from '../../src/platform/db/drizzle.ts'
import { openSessions } from '../../src/platform/db/session.ts'
import type { Code } from '../../src/platform/http/codes.ts'
import { expectProblem, useApi } from '../support/api.ts'
import {
  arrangeDriver,
  arrangeLoad,
  arrangeVehicle,
  assignAs,
  inHours,
  stopsFor,
} from '../support/freight-loads.ts'
import {
  BROKERS,
  buildFreightWorld,
  DRIVERS,
  FREIGHT_ORGANIZATIONS,
  FREIGHT_USERS,
  freightCallerOf,
  TRAILERS,
  TRUCKS,
} from '../support/freight-world.ts'

/* What loads, stops and assignments hold beside who sees and writes them, which the access matrix tries. */

const api = useApi({}, buildFreightWorld)
let driver: { id: string; userId: string }
let truck: string

/** Each test has days of its own, so that nobody's loads overlap by chance. */
let day = 0
const nextDay = (): number => 24 * 3 * ++day
/** Of a load that is over when its test is: drivers report of it from 12 hours before it begins. */
const SOON = 2

beforeAll(async () => {
  driver = await arrangeDriver(api().owner)
  truck = await arrangeVehicle(api().owner, 'trucks')
})

/** With what it is about. */
function expectRefusal(response: LightMyRequestResponse, code: Code, subject: string): void {
  expectProblem(response, code)
  expect(response.json().subject).toBe(subject)
}

const newLoad = (from: number, to = from + 8, more: object = {}) => ({
  broker_id: BROKERS.carrier,
  rate: 1250.5,
  stops: stopsFor(from, to),
  ...more,
})
const createLoad = async (from: number, to?: number, more?: object) => {
  const created = await api()
    .as('dispatcher')
    .post('/v1/freight/loads', newLoad(from, to, more))
  expect(created.statusCode, created.body).toBe(201)
  return created.json()
}
const leg = (more: object = {}) => ({ driver_id: driver.id, truck_id: truck, ...more })
const assign = (load: string, more: object = {}, persona: 'office' | 'dispatcher' = 'dispatcher') =>
  api().as(persona).post(`/v1/freight/loads/${load}/assign`, leg(more))
const step = (
  load: string,
  name: string,
  persona: 'office' | 'dispatcher' | 'driver' | 'broker' = 'dispatcher',
  body = {},
) => api().as(persona).post(`/v1/freight/loads/${load}/${name}`, body)
const statusOf = async (load: string): Promise<string> =>
  (await api().as('office').get(`/v1/freight/loads/${load}`)).json().status
const toldOf = (user: string, load: string) =>
  api()
    .owner.query<{ type: string }>(
      "select type from notifications where user_id = $1 and data ->> 'load_id' = $2 order by created_at, id",
      [user, load],
    )
    .then((rows) => rows.map(({ type }) => type))

describe('a load', () => {
  it('has the window of its stops, and who created it dispatches it', async () => {
    const from = nextDay()
    const created = await createLoad(from, from + 9, { metadata: { order: 7 }, reference: 'LL-1' })
    expect(created).toMatchObject({
      organization_id: FREIGHT_ORGANIZATIONS.carrier,
      broker_organization_id: FREIGHT_ORGANIZATIONS.brokerage,
      dispatcher_id: FREIGHT_USERS.dispatcher,
      status: 'pending',
      rate: 1250.5,
      currency: 'USD',
      distance: null,
      is_factored: false,
      metadata: { order: 7 },
      driver_ids: [],
    })
    const detail = (await api().as('office').get(`/v1/freight/loads/${created.id}`)).json()
    expect(detail).toMatchObject(created)
    expect(
      detail.stops.map(({ kind, position }: { kind: string; position: number }) => [position, kind]),
    ).toEqual([
      [1, 'pickup'],
      [2, 'delivery'],
    ])
    expect(Date.parse(detail.starts_at)).toBe(Date.parse(detail.stops[0].window_starts_at))
    expect(Date.parse(detail.ends_at)).toBe(Date.parse(detail.stops[1].window_ends_at))
    expect(detail.assignments).toEqual([])
  })

  it('is factored by the terms of its broker when it is created, or comes to another one', async () => {
    const office = api().as('office')
    const factoring = (
      await office.post('/v1/freight/brokers', { name: 'Factored', payment_terms: 'factoring' })
    ).json()
    const load = await createLoad(nextDay(), undefined, { broker_id: factoring.id })
    expect(load).toMatchObject({ is_factored: true, broker_organization_id: null })
    await office.patch(`/v1/freight/brokers/${factoring.id}`, { payment_terms: 'days', payment_days: 30 })
    const url = `/v1/freight/loads/${load.id}`
    expect((await office.get(url)).json().is_factored).toBe(true)
    const moved = await office.patch(url, { broker_id: BROKERS.carrier })
    expect(moved.json()).toMatchObject({
      is_factored: false,
      broker_organization_id: FREIGHT_ORGANIZATIONS.brokerage,
    })
    expectProblem(await office.patch(url, { broker_id: BROKERS.rivalCarrier }), 'not_found')
  })

  it('refuses stops out of order, zones that there are not, and metadata that is too large', async () => {
    const from = nextDay()
    const create = (more: object) =>
      api()
        .as('dispatcher')
        .post('/v1/freight/loads', newLoad(from, from + 8, more))
    const [pickup, delivery] = stopsFor(from, from + 8)
    expectProblem(await create({ stops: [delivery, pickup] }), 'stops_invalid')
    expectProblem(await create({ stops: [pickup, { ...pickup }] }), 'stops_invalid')
    const [late] = stopsFor(from + 20, from + 28)
    expectProblem(await create({ stops: [late, delivery] }), 'stops_invalid')
    expectProblem(await create({ stops: [pickup] }), 'validation_failed')
    expectProblem(
      await create({ stops: [{ ...pickup, time_zone: 'America/Springfield' }, delivery] }),
      'validation_failed',
    )
    expectProblem(await create({ metadata: { note: 'x'.repeat(17_000) } }), 'validation_failed')
    // As text: JavaScript itself cannot spell what nests so deeply.
    for (const [levels, code] of [
      [21, 'validation_failed'],
      [100_000, 'malformed_request'],
    ] as const) {
      const text = JSON.stringify(newLoad(from, from + 8, { metadata: { deep: 'HERE' } }))
      const body = text.replace('"HERE"', '['.repeat(levels) + ']'.repeat(levels))
      const headers = { 'content-type': 'application/json' }
      expectProblem(await api().as('dispatcher').post('/v1/freight/loads', body, { headers }), code)
    }
    for (const wrong of [{ nul: '\u0000' }, { half: ['\ud800'] }, { '\udfff': 1 }])
      expectProblem(await create({ metadata: wrong }), 'validation_failed')
    expect((await create({ metadata: { path: 'C:\\u0000' } })).statusCode).toBe(201)
    expectProblem(await create({ dispatcher_id: FREIGHT_USERS.driver }), 'not_found')
    expectProblem(await create({ organization_id: FREIGHT_ORGANIZATIONS.rivalCarrier }), 'forbidden')
    for (const persona of ['driver', 'broker', 'guard'] as const)
      expectProblem(await api().as(persona).post('/v1/freight/loads', newLoad(from)), 'forbidden')
  })

  it('is created with others, all or none, once for each Idempotency-Key', async () => {
    const from = nextDay()
    const items = [
      newLoad(from),
      newLoad(from + 1),
      { ...newLoad(from + 2), broker_id: BROKERS.rivalCarrier },
    ]
    const refused = await api().as('dispatcher').post('/v1/freight/loads/bulk', { items })
    expectProblem(refused, 'not_found')
    expect(refused.json().errors).toMatchObject([{ pointer: '/body/items/2/broker_id' }])
    const key = { headers: { 'idempotency-key': 'bulk-of-loads' } }
    const first = await api()
      .as('dispatcher')
      .post('/v1/freight/loads/bulk', { items: items.slice(0, 2) }, key)
    const again = await api()
      .as('dispatcher')
      .post('/v1/freight/loads/bulk', { items: items.slice(0, 2) }, key)
    expect(first.statusCode, first.body).toBe(201)
    expect(again.json()).toEqual(first.json())
    const [stored] = await api().owner.query<{ loads: number; stops: number }>(
      `select count(distinct l.id)::int as loads, count(s.id)::int as stops
       from loads l join load_stops s on s.load_id = l.id where l.id = any ($1::uuid[])`,
      [
        `{${first
          .json()
          .items.map(({ id }: { id: string }) => id)
          .join()}}`,
      ],
    )
    expect(stored).toEqual({ loads: 2, stops: 4 })
  })

  it('goes from pending to paid by those who may take each step, and not further', async () => {
    const load = await arrangeLoad(api().owner, { from: SOON })
    expectProblem(await step(load, 'dispatch'), 'load_state')
    await assignAs(api().owner, load, { truck: TRUCKS.carrier })
    for (const name of ['deliver', 'invoice', 'pay'])
      expectProblem(await step(load, name, 'office'), 'load_state')
    expectProblem(await step(load, 'cancel', 'driver', { reason: 'x' }), 'forbidden')
    expectProblem(await step(load, 'dispatch', 'broker'), 'forbidden')
    expect((await step(load, 'dispatch', 'driver')).json()).toMatchObject({ status: 'in_transit' })
    expect((await step(load, 'deliver', 'driver')).json()).toMatchObject({ status: 'delivered' })
    expectProblem(await step(load, 'cancel', 'office', { reason: 'x' }), 'load_state')
    expectProblem(await step(load, 'invoice', 'dispatcher'), 'forbidden')
    expectProblem(await step(load, 'invoice', 'driver'), 'forbidden')
    expect((await step(load, 'invoice', 'office')).json()).toMatchObject({ status: 'invoiced' })
    const url = `/v1/freight/loads/${load}`
    expectProblem(await api().as('office').patch(url, { rate: 1 }), 'load_state')
    expect(
      (
        await api()
          .as('office')
          .patch(url, { metadata: { invoice: 12 } })
      ).statusCode,
    ).toBe(200)
    expect((await step(load, 'pay', 'office')).json()).toMatchObject({ status: 'paid' })
    expectProblem(await step(load, 'pay', 'office'), 'load_state')
    expectProblem(await api().as('office').delete(url), 'load_state')
  })

  it('is removed by the office while it is pending or cancelled, with its stops', async () => {
    const load = await arrangeLoad(api().owner, { from: nextDay() })
    const url = `/v1/freight/loads/${load}`
    expectProblem(await api().as('dispatcher').delete(url), 'forbidden')
    expectProblem(await api().as('rivalOffice').delete(url), 'not_found')
    expect((await api().as('office').delete(url)).statusCode).toBe(204)
    expectProblem(await api().as('office').get(url), 'not_found')
    const left = await api().owner.query('select from load_stops where load_id = $1 and deleted_at is null', [
      load,
    ])
    expect(left).toEqual([])
  })
})

describe('an assignment', () => {
  it('tells its drivers, and shows them the load until it ends', async () => {
    const from = nextDay()
    const load = await createLoad(from)
    const coDriver = await arrangeDriver(api().owner)
    const url = `/v1/freight/loads/${load.id}`
    const by = async (userId: string) => {
      const headers = await api().authorize(userId)
      return api().app.inject({ url, headers })
    }
    expect((await by(driver.userId)).statusCode).toBe(404)
    const assigned = await assign(load.id, { co_driver_id: coDriver.id, trailer_id: TRAILERS.carrier })
    expect(assigned.json()).toMatchObject({ status: 'assigned' })
    expect(assigned.json().driver_ids.sort()).toEqual([driver.id, coDriver.id].sort())
    for (const { userId } of [driver, coDriver]) {
      const seen = (await by(userId)).json()
      expect(seen.stops).toHaveLength(2)
      expect(seen.assignments).toMatchObject([
        { driver_id: driver.id, co_driver_id: coDriver.id, ended_at: null },
      ])
    }
    expectProblem(await assign(load.id), 'load_not_open')

    const moved = await api()
      .as('dispatcher')
      .put(`${url}/stops`, { stops: stopsFor(from + 2, from + 12) })
    expect(moved.statusCode, moved.body).toBe(200)
    const { starts_at, ends_at, assignments } = (await api().as('office').get(url)).json()
    expect(assignments).toMatchObject([{ starts_at, ends_at }])

    expect((await step(load.id, 'unassign')).json()).toMatchObject({ status: 'pending', driver_ids: [] })
    expect((await by(driver.userId)).statusCode).toBe(404)
    for (const { userId } of [driver, coDriver])
      expect(await toldOf(userId, load.id)).toEqual(['load_assigned', 'load_changed', 'load_unassigned'])
    expectProblem(await step(load.id, 'unassign'), 'load_state')

    await assign(load.id)
    await step(load.id, 'cancel', 'dispatcher', { reason: 'Withdrawn' })
    expect(await toldOf(driver.userId, load.id)).toContain('load_cancelled')
    expect((await by(driver.userId)).json()).toMatchObject({
      status: 'cancelled',
      cancel_reason: 'Withdrawn',
    })
  })

  it('takes driver, co-driver, truck and trailer on one load at a time', async () => {
    const from = nextDay()
    const other = await arrangeDriver(api().owner)
    const otherTruck = await arrangeVehicle(api().owner, 'trucks')
    const trailer = await arrangeVehicle(api().owner, 'trailers')
    const [first, second, next] = await Promise.all([
      createLoad(from),
      createLoad(from + 4),
      createLoad(from + 8),
    ])
    expect((await assign(first.id, { trailer_id: trailer })).statusCode).toBe(200)
    expectRefusal(await assign(second.id, { truck_id: otherTruck }), 'driver_overlap', 'driver_id')
    expectRefusal(
      await assign(second.id, { driver_id: other.id, co_driver_id: driver.id, truck_id: otherTruck }),
      'driver_overlap',
      'co_driver_id',
    )
    expectProblem(await assign(second.id, { driver_id: other.id }), 'truck_overlap')
    expectProblem(
      await assign(second.id, { driver_id: other.id, truck_id: otherTruck, trailer_id: trailer }),
      'trailer_overlap',
    )
    // One that begins when the other ends.
    expect((await assign(next.id, { trailer_id: trailer })).statusCode).toBe(200)
    // All reasons at once, for those who plan.
    const listed = await openSessions(api().api).read(freightCallerOf('dispatcher'), (session) =>
      session.rows<{ code: string; detail: string }>(
        sql`select * from muster.load_violations(${second.id}, ${driver.id}, ${truck}, null, ${trailer})`,
      ),
    )
    expect(listed).toEqual([
      { code: 'driver_overlap', detail: 'driver_id' },
      { code: 'truck_overlap', detail: 'truck_id' },
      { code: 'trailer_overlap', detail: 'trailer_id' },
    ])
    // Delivered early, everything is free again.
    await step(first.id, 'dispatch')
    await step(first.id, 'deliver')
    expectProblem(await assign(second.id), 'driver_overlap')
    await step(next.id, 'unassign')
    expect((await assign(second.id, { trailer_id: trailer })).statusCode).toBe(200)
  })

  it('has legs of a relay, each within the load and with its own driver', async () => {
    const from = nextDay()
    const load = await createLoad(from, from + 10)
    const other = await arrangeDriver(api().owner)
    const otherTruck = await arrangeVehicle(api().owner, 'trucks')
    const second = { leg: 2, driver_id: other.id, truck_id: otherTruck, starts_at: inHours(from + 5) }
    expect((await assign(load.id, { ends_at: inHours(from + 5) })).statusCode).toBe(200)
    expectProblem(await assign(load.id, { ...second, starts_at: inHours(from - 1) }), 'leg_outside_load')
    expectProblem(await assign(load.id, { ...second, ends_at: inHours(from + 4) }), 'leg_outside_load')
    expect((await assign(load.id, second)).statusCode).toBe(200)
    // The first driver is free for the second half.
    const later = await createLoad(from + 6, from + 9)
    expect((await assign(later.id)).statusCode).toBe(200)
    // A load does not move away from a leg that has times of its own.
    const url = `/v1/freight/loads/${load.id}/stops`
    expectProblem(
      await api()
        .as('dispatcher')
        .put(url, { stops: stopsFor(from + 6, from + 10) }),
      'leg_outside_load',
    )
    await step(load.id, 'dispatch')
    expect((await step(load.id, 'unassign', 'dispatcher', { leg: 1 })).statusCode).toBe(200)
    expectProblem(await step(load.id, 'unassign', 'dispatcher', { leg: 2 }), 'load_state')
    expectProblem(await step(load.id, 'unassign', 'dispatcher', { leg: 7 }), 'not_found')
  })

  it('needs a driver who drives for the carrier, with a license through the last delivery', async () => {
    const from = nextDay()
    const load = await createLoad(from)
    const { id } = await arrangeDriver(api().owner)
    const set = (change: object) => api().as('office').patch(`/v1/freight/drivers/${id}`, change)
    const outcome = async () => assign(load.id, { driver_id: id })
    for (const status of ['inactive', 'on_leave']) {
      await set({ status })
      expectRefusal(await outcome(), 'driver_inactive', 'driver_id')
    }
    await set({ status: 'active', license_valid_until: inHours(from - 24).slice(0, 10) })
    expectRefusal(await outcome(), 'license_expired', 'driver_id')
    await set({ license_valid_until: load.last_day, termination_date: inHours(from - 24).slice(0, 10) })
    expectRefusal(await outcome(), 'driver_inactive', 'driver_id')
    await set({ termination_date: null })
    expectRefusal(await assign(load.id, { driver_id: DRIVERS.rivalDriver }), 'not_found', 'driver_id')
    expect((await outcome()).statusCode).toBe(200)
    // While there is a load, none of this is taken away.
    for (const change of [
      { status: 'on_leave' },
      { license_valid_until: inHours(from - 24).slice(0, 10) },
      { termination_date: inHours(from - 24).slice(0, 10) },
    ])
      expectProblem(await set(change), 'driver_in_use')
    expectProblem(await api().as('office').delete(`/v1/freight/drivers/${id}`), 'driver_in_use')
    await step(load.id, 'unassign')
    expect((await set({ status: 'on_leave' })).statusCode).toBe(200)
  })

  it.each(['license', 'medical_card'] as const)(
    'needs a verified %s through the last delivery, and keeps it',
    async (kind) => {
      const load = await createLoad(nextDay())
      const { id } = await arrangeDriver(api().owner)
      const path = `/v1/freight/drivers/${id}/documents`
      const office = api().as('office')
      const [document] = (await office.get(path))
        .json()
        .items.filter((one: { kind: string }) => one.kind === kind)
      const url = `/v1/freight/driver-documents/${document.id}`
      const dayBefore = new Date(Date.parse(load.last_day) - 86_400_000).toISOString().slice(0, 10)
      const outcome = () => assign(load.id, { driver_id: id })

      expect((await office.patch(url, { number: 'D-2' })).json().is_verified).toBe(false)
      expectRefusal(await outcome(), `${kind}_missing`, 'driver_id')
      expectRefusal(await assign(load.id, { co_driver_id: id }), `${kind}_missing`, 'co_driver_id')
      await office.post(`${url}/verify`, { expiry_date: dayBefore })
      expectRefusal(await outcome(), `${kind}_expired`, 'driver_id')
      await office.post(`${url}/verify`, { expiry_date: load.last_day })
      expect((await outcome()).statusCode).toBe(200)

      // What a load rests on stays, whatever way it would go.
      for (const refused of [
        await office.post(`${url}/verify`, { verified: false }),
        await office.post(`${url}/verify`, { expiry_date: dayBefore }),
        await office.patch(url, { number: 'D-3' }),
        await api().as('dispatcher').patch(url, { expiry_date: '2099-12-31' }),
        await office.delete(url),
      ])
        expectRefusal(refused, 'document_in_use', kind)
      for (const gone of [
        'delete from driver_documents where id = $1',
        'update driver_documents set deleted_at = now() where id = $1',
      ])
        await expect(api().owner.query(gone, [document.id])).rejects.toMatchObject({ code: 'MU408' })
      // The load does not move behind it; renewed, it holds for longer.
      const later = () =>
        api()
          .as('dispatcher')
          .put(`/v1/freight/loads/${load.id}/stops`, {
            stops: stopsFor(24 * 3 * day + 30, 24 * 3 * day + 40),
          })
      expectRefusal(await later(), `${kind}_expired`, 'driver_id')
      const renewed = await office.post(`${url}/verify`, { number: 'D-4', expiry_date: '2099-12-31' })
      expect(renewed.json()).toMatchObject({ number: 'D-4', is_verified: true })
      expect((await later()).statusCode).toBe(200)
      await step(load.id, 'unassign')
      expect((await office.delete(url)).statusCode).toBe(204)
      expectRefusal(await outcome(), `${kind}_missing`, 'driver_id')
    },
  )

  it('needs a driver who has the role for the carrier still', async () => {
    const load = await createLoad(nextDay())
    const { id, userId } = await arrangeDriver(api().owner)
    await api().owner.query('update users set deleted_at = now() where id = $1', [userId])
    expectProblem(await assign(load.id, { driver_id: id }), 'driver_inactive')
    await api().owner.query('update users set deleted_at = null where id = $1', [userId])
    await api().owner.query('delete from memberships where user_id = $1', [userId])
    expectProblem(await assign(load.id, { driver_id: id }), 'driver_inactive')
  })

  it('needs a truck and a trailer in service, inspected through the last delivery', async () => {
    const from = nextDay()
    const load = await createLoad(from)
    const ownTruck = await arrangeVehicle(api().owner, 'trucks')
    const ownTrailer = await arrangeVehicle(api().owner, 'trailers')
    const outcome = () => assign(load.id, { truck_id: ownTruck, trailer_id: ownTrailer })
    for (const [table, id, field] of [
      ['trucks', ownTruck, 'truck_id'],
      ['trailers', ownTrailer, 'trailer_id'],
    ] as const) {
      const set = (change: object) => api().as('office').patch(`/v1/freight/${table}/${id}`, change)
      await set({ status: 'out_of_service' })
      expectRefusal(await outcome(), 'equipment_out_of_service', field)
      await set({ status: 'in_service', inspection_due_on: inHours(from - 24).slice(0, 10) })
      expectRefusal(await outcome(), 'inspection_expired', field)
      await set({ inspection_due_on: load.last_day })
    }
    expectRefusal(await assign(load.id, { truck_id: TRUCKS.rivalCarrier }), 'not_found', 'truck_id')
    expectRefusal(await assign(load.id, { trailer_id: TRAILERS.rivalCarrier }), 'not_found', 'trailer_id')
    expect((await outcome()).statusCode).toBe(200)
    for (const [table, id] of [
      ['trucks', ownTruck],
      ['trailers', ownTrailer],
    ] as const) {
      const url = `/v1/freight/${table}/${id}`
      for (const change of [
        { status: 'out_of_service' },
        { inspection_due_on: inHours(from - 24).slice(0, 10) },
      ])
        expectProblem(await api().as('office').patch(url, change), 'equipment_in_use')
      expectProblem(await api().as('office').delete(url), 'equipment_in_use')
      // A load that moves behind the inspection is refused, too.
      expectProblem(
        await api()
          .as('dispatcher')
          .put(`/v1/freight/loads/${load.id}/stops`, { stops: stopsFor(from + 48, from + 56) }),
        'inspection_expired',
      )
    }
  })
})

describe('candidates for a load', () => {
  it('are the drivers of the carrier, each with every rule against them, fewest first, page by page', async () => {
    const { owner } = api()
    const load = await createLoad(nextDay())
    const busyWith = await createLoad(24 * 3 * day)
    const someone = async () => (await arrangeDriver(owner)).id
    const [free, busy, bare] = [await someone(), await someone(), await someone()]
    const [away, left, removed] = [await someone(), await someone(), await someone()]
    expect((await assign(busyWith.id, { driver_id: busy })).statusCode).toBe(200)
    await owner.query('delete from driver_documents where driver_id = $1', [bare])
    await owner.query(
      "update driver_documents set expiry_date = '2026-01-01', verified_at = clock_timestamp() where driver_id = $1",
      [away],
    )
    await owner.query("update drivers set status = 'on_leave' where id = $1", [away])
    await owner.query(
      "update drivers set status = 'terminated', termination_date = current_date where id = $1",
      [left],
    )
    await owner.query('update drivers set deleted_at = now() where id = $1', [removed])
    const url = `/v1/freight/loads/${load.id}/candidates`
    const listed: { driver_id: string; violations: { code: string }[]; eligible: boolean }[] = []
    let cursor: string | null = ''
    while (cursor !== null) {
      const page: { items: typeof listed; next_cursor: string | null } = (
        await api()
          .as('dispatcher')
          .get(`${url}?limit=2${cursor === '' ? '' : `&cursor=${cursor}`}`)
      ).json()
      listed.push(...page.items)
      cursor = page.next_cursor
    }
    const codesOf = (id: string) =>
      listed.find(({ driver_id }) => driver_id === id)?.violations.map(({ code }) => code)
    expect(codesOf(free)).toEqual([])
    expect(codesOf(busy)).toEqual(['driver_overlap'])
    expect(codesOf(bare)).toEqual(['license_missing', 'medical_card_missing'])
    expect(codesOf(away)).toEqual(['driver_inactive', 'license_expired', 'medical_card_expired'])
    expect(codesOf(left)).toBeUndefined()
    expect(codesOf(removed)).toBeUndefined()
    expect(codesOf(DRIVERS.rivalDriver)).toBeUndefined()
    const counts = listed.map(({ violations }) => violations.length)
    expect(counts).toEqual([...counts].sort((a, b) => a - b))
    expect(new Set(listed.map(({ driver_id }) => driver_id)).size).toBe(listed.length)
    for (const { eligible, violations } of listed) expect(eligible).toBe(violations.length === 0)
    // What an assignment says is the first of them.
    for (const id of [busy, bare, away])
      expectRefusal(await assign(load.id, { driver_id: id }), codesOf(id)![0] as Code, 'driver_id')
    const able = (await api().as('office').get(`${url}?eligible_only=true&limit=100`)).json().items
    // The hours left are those of another moment.
    const idsOf = (candidates: { driver_id: string }[]) => candidates.map(({ driver_id }) => driver_id)
    expect(idsOf(able)).toEqual(idsOf(listed.filter(({ eligible }) => eligible)))

    for (const [persona, code] of [
      ['driver', 'not_found'],
      ['broker', 'forbidden'],
      ['rivalOffice', 'not_found'],
    ] as const)
      expectProblem(await api().as(persona).get(url), code)
    await step(load.id, 'cancel', 'office', { reason: 'x' })
    expectProblem(await api().as('office').get(url), 'load_not_open')
  })
})

it('what a driver follows leaves their copy when the load is taken from them', async () => {
  const load = await arrangeLoad(api().owner, { from: nextDay() })
  const sync = async (table: string, after: string) => {
    const answer = await api().as('driver').get(`/v1/sync/${table}?after=${after}`)
    expect(answer.statusCode, answer.body).toBe(200)
    return answer.json()
  }
  const tables = ['loads', 'load_stops'] as const
  const watermarks = await Promise.all(tables.map(async (table) => (await sync(table, 'now')).next))
  await assignAs(api().owner, load, { truck: TRUCKS.carrier })
  const given = await Promise.all(tables.map((table, n) => sync(table, watermarks[n])))
  expect(given[0].items.map(({ id }: { id: string }) => id)).toContain(load)
  // A row may come more than once.
  const items: { id: string; load_id: string }[] = given[1].items
  const stops = [...new Set(items.filter(({ load_id }) => load_id === load).map(({ id }) => id))].sort()
  expect(stops).toHaveLength(2)
  await step(load, 'unassign')
  const taken = await Promise.all(tables.map((table, n) => sync(table, given[n].next)))
  expect(taken.map(({ removed }) => removed.sort())).toEqual([[load], stops])
})

describe('a stop', () => {
  it('tells of the driver, who begins and delivers the load by it', async () => {
    const load = await arrangeLoad(api().owner, { from: SOON })
    await assignAs(api().owner, load, { truck: TRUCKS.carrier })
    const { stops } = (await api().as('driver').get(`/v1/freight/loads/${load}`)).json()
    const change = (
      nth: number,
      body: object,
      persona: 'driver' | 'dispatcher' | 'broker' | 'rivalDriver' = 'driver',
    ) => api().as(persona).patch(`/v1/freight/stops/${stops[nth].id}`, body)
    expectProblem(await change(0, { name: 'Another' }), 'forbidden')
    expectProblem(await change(0, { arrived_at: inHours(-1) }, 'broker'), 'forbidden')
    expectProblem(await change(0, { arrived_at: inHours(-1) }, 'rivalDriver'), 'not_found')
    expectRefusal(await change(0, { arrived_at: inHours(1) }), 'stop_in_future', 'arrived_at')
    expectProblem(await change(0, { departed_at: inHours(-1) }), 'validation_failed')
    expect((await change(0, { arrived_at: inHours(-2) })).statusCode).toBe(200)
    expect(await statusOf(load)).toBe('in_transit')
    expectProblem(await change(0, { departed_at: inHours(-3) }), 'validation_failed')
    expect((await change(0, { departed_at: inHours(-1.5) })).statusCode).toBe(200)
    expect(await statusOf(load)).toBe('in_transit')
    expectProblem(
      await api()
        .as('dispatcher')
        .put(`/v1/freight/loads/${load}/stops`, { stops: stopsFor(1, 9) }),
      'load_state',
    )
    expect((await change(1, { name: 'Gate 3' }, 'dispatcher')).json()).toMatchObject({ name: 'Gate 3' })
    const left = await change(1, { arrived_at: inHours(-1), departed_at: inHours(-0.5) })
    expect(left.statusCode, left.body).toBe(200)
    expect(await statusOf(load)).toBe('delivered')
    expectProblem(await change(1, { departed_at: inHours(-0.25) }), 'forbidden')
    expectProblem(await change(1, { name: 'Gate 4' }, 'dispatcher'), 'load_state')
  })

  it('moves its load with the window, and a place comes as a pair', async () => {
    const from = nextDay()
    const load = await createLoad(from)
    const { stops } = (await api().as('office').get(`/v1/freight/loads/${load.id}`)).json()
    const url = `/v1/freight/stops/${stops[1].id}`
    const later = await api()
      .as('dispatcher')
      .patch(url, { window_ends_at: inHours(from + 30) })
    expect(later.statusCode, later.body).toBe(200)
    const moved = (await api().as('office').get(`/v1/freight/loads/${load.id}`)).json()
    expect(moved.ends_at).toBe(later.json().window_ends_at)
    expectProblem(await api().as('dispatcher').patch(url, { latitude: 1 }), 'validation_failed')
    const placed = await api().as('dispatcher').patch(url, { latitude: 40.5, longitude: -80.25 })
    expect(placed.json()).toMatchObject({ latitude: 40.5, longitude: -80.25 })
    expectProblem(
      await api()
        .as('dispatcher')
        .patch(url, { window_ends_at: inHours(from - 9) }),
      'validation_failed',
    )
  })
})

describe('brokers', () => {
  it('follow the loads that they gave, and see nothing of who drives them', async () => {
    const load = await arrangeLoad(api().owner, { from: nextDay() })
    await assignAs(api().owner, load, { truck: TRUCKS.carrier })
    const broker = api().as('broker')
    const seen = (await broker.get(`/v1/freight/loads/${load}`)).json()
    expect(seen).toMatchObject({ id: load, assignments: [] })
    expect(seen.stops).toHaveLength(2)
    const listed = (await broker.get(`/v1/freight/brokers/${BROKERS.carrier}/loads?limit=100`)).json().items
    expect(listed.map(({ id }: { id: string }) => id)).toContain(load)
    expectProblem(await broker.get(`/v1/freight/brokers/${BROKERS.rivalCarrier}/loads`), 'not_found')
    expectProblem(await broker.patch(`/v1/freight/loads/${load}`, { rate: 1 }), 'forbidden')
  })

  it('lose sight of loads when their record names another organization', async () => {
    const office = api().as('office')
    const record = (
      await office.post('/v1/freight/brokers', {
        name: 'Linked',
        broker_organization_id: FREIGHT_ORGANIZATIONS.brokerage,
      })
    ).json()
    const load = await arrangeLoad(api().owner, { from: nextDay(), broker: record.id })
    const url = `/v1/freight/loads/${load}`
    expect((await api().as('broker').get(url)).json().stops).toHaveLength(2)
    await office.patch(`/v1/freight/brokers/${record.id}`, { broker_organization_id: null })
    expectProblem(await api().as('broker').get(url), 'not_found')
    expectProblem(await office.delete(`/v1/freight/brokers/${record.id}`), 'broker_in_use')
    await step(load, 'cancel', 'office', { reason: 'x' })
    expect((await office.delete(`/v1/freight/brokers/${record.id}`)).statusCode).toBe(204)
  })
})

describe('the list', () => {
  it('goes by start, page by page, with filters, and as CSV', async () => {
    const url = '/v1/freight/loads'
    const listed: { id: string; starts_at: string }[] = []
    let cursor: string | null = ''
    while (cursor !== null) {
      const page: { items: typeof listed; next_cursor: string | null } = (
        await api()
          .as('office')
          .get(`${url}?limit=5${cursor === '' ? '' : `&cursor=${cursor}`}`)
      ).json()
      listed.push(...page.items)
      cursor = page.next_cursor
    }
    const starts = listed.map(({ starts_at }) => Date.parse(starts_at))
    expect(starts).toEqual([...starts].sort((a, b) => a - b))
    expect(new Set(listed.map(({ id }) => id)).size).toBe(listed.length)

    const some = (await api().as('office').get(`${url}?limit=100&status=pending,cancelled`)).json().items
    expect(new Set(some.map(({ status }: { status: string }) => status))).toEqual(
      new Set(['pending', 'cancelled']),
    )
    const ofDriver = (await api().as('office').get(`${url}?limit=100&driver_id=${driver.id}`)).json().items
    expect(ofDriver.length).toBeGreaterThan(0)
    for (const { driver_ids } of ofDriver) expect(driver_ids).toContain(driver.id)

    const csv = await api().as('office').get(`${url}.csv?limit=5`)
    const lines = csv.body.split('\r\n')
    expect(csv.headers['content-type']).toContain('text/csv')
    expect(csv.headers.link).toContain('rel="next"')
    expect(lines[0]).toContain('id,reference,status')
    expect(lines.slice(1, -1).map((line) => line.split(',')[0])).toEqual(
      listed.slice(0, 5).map(({ id }) => id),
    )
    expectProblem(await api().as('office').get(`${url}?cursor=${cursor}x`), 'cursor_invalid')
  })
})

describe('a driver who is suspended', () => {
  it('gives back what nobody has picked up, and is given nothing; the carrier is told, also of what is on the way', async () => {
    const suspended = await arrangeDriver(api().owner)
    const with_ = { driver_id: suspended.id, truck_id: await arrangeVehicle(api().owner, 'trucks') }
    const begun = await createLoad(nextDay())
    expect((await assign(begun.id, with_)).statusCode).toBe(200)
    expect((await step(begun.id, 'dispatch')).statusCode).toBe(200)
    const later = await createLoad(nextDay())
    expect((await assign(later.id, with_)).statusCode).toBe(200)

    expect((await api().as('admin').post(`/v1/users/${suspended.userId}/suspend`)).statusCode).toBe(200)

    expect([await statusOf(begun.id), await statusOf(later.id)]).toEqual(['in_transit', 'pending'])
    for (const planner of [FREIGHT_USERS.dispatcher, FREIGHT_USERS.office]) {
      expect(await toldOf(planner, later.id)).toEqual(['load_unassigned'])
      expect(await toldOf(planner, begun.id)).toEqual(['load_driver_suspended'])
    }
    const refused = await assign((await createLoad(nextDay())).id, {
      ...with_,
      truck_id: truck,
    })
    expectRefusal(refused, 'driver_inactive', 'driver_id')
  })
})

it('a list has the stops and the assignments of each load when it is asked for them, as far as the caller sees them', async () => {
  const { id } = await createLoad(nextDay())
  await assignAs(api().owner, id, { driver: driver.id, truck })
  const read = async (persona: 'dispatcher' | 'broker', more: string) => {
    const answer = await api().as(persona).get(`/v1/freight/loads?limit=100${more}`)
    expect(answer.statusCode, answer.body).toBe(200)
    return answer.json().items.find((load: { id: string }) => load.id === id)
  }
  const [alone, single] = await Promise.all([
    api().as('dispatcher').get(`/v1/freight/loads/${id}`),
    api().as('broker').get(`/v1/freight/loads/${id}`),
  ])
  expect(await read('dispatcher', '&detailed=true')).toEqual(alone.json())
  expect(alone.json().stops).toHaveLength(2)
  expect(alone.json().assignments).toMatchObject([{ driver_id: driver.id, truck_id: truck }])
  // A broker sees the stops, and nothing of who drives.
  expect(await read('broker', '&detailed=true')).toEqual(single.json())
  expect(single.json()).toMatchObject({ stops: [{ position: 1 }, { position: 2 }], assignments: [] })
  const plain = await read('dispatcher', '')
  expect(plain).not.toHaveProperty('stops')
  expect(plain).not.toHaveProperty('assignments')
})
