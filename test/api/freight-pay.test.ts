import type { LightMyRequestResponse } from 'fastify'
import { afterEach, describe, expect, it } from 'vitest'
import { jobs } from '../../src/freight/jobs.ts'
import { registerJobs, runJob } from '../../src/platform/jobs/runner.ts'
import { expectProblem, useApi } from '../support/api.ts'
import {
  arrangeHaul,
  arrangePaidDriver,
  arrangePayment,
  brokenStatements,
  dayAgo,
  deliver,
  type Haul,
  type PayTerms,
} from '../support/driver-pay.ts'
import { arrangeDriver, arrangeLoad, arrangeVehicle, assignAs } from '../support/freight-loads.ts'
import { buildFreightWorld, DRIVERS, FREIGHT_ORGANIZATIONS } from '../support/freight-world.ts'
import { pick, seededRandom } from '../support/random.ts'
import { trialSeed, trialSize } from '../support/trial.ts'

/* What drivers are paid, beside who sees and writes it, which the access matrix tries. */

const api = useApi({}, buildFreightWorld)

afterEach(async () => {
  expect(await brokenStatements(api().owner)).toEqual([])
})

async function ok(response: Promise<LightMyRequestResponse>) {
  const answer = await response
  expect(answer.statusCode, answer.body).toBeLessThan(300)
  return answer.json()
}

interface Payment {
  id: string
  driver_id: string
  load_id: string | null
  statement_id: string | null
  type: string
  amount: number
  quantity: number | null
  rate: number | null
  currency: string
  explanation: string
  earned_on: string
  status: string
  is_automatic: boolean
}

const paymentsOf = async (query: string): Promise<Payment[]> =>
  (await ok(api().as('office').get(`/v1/freight/driver-payments?limit=100&${query}`))).items

const record = (body: object) => api().as('office').post('/v1/freight/driver-payments', body)
const settle = async (body: object) =>
  (await ok(api().as('office').post('/v1/freight/statements', body))).items
const move = (id: string, status: string) =>
  api().as('office').post(`/v1/freight/statements/${id}/status`, { status })

const FLAT: PayTerms = { pay_kind: 'flat', pay_flat: 180 }
const newPayment = (driver: string, more: object = {}) => ({
  driver_id: driver,
  type: 'flat',
  amount: 100,
  explanation: 'Shuttle',
  earned_on: dayAgo(1),
  ...more,
})

describe('pay terms', () => {
  const path = (driver: string) => `/v1/freight/drivers/${driver}/pay-terms`
  const put = (
    driver: string,
    body: object,
    persona: 'office' | 'dispatcher' | 'driver' | 'broker' = 'office',
  ) => api().as(persona).put(path(driver), body)

  it('are set by the office, for one way of pay, and read by the driver', async () => {
    const own = DRIVERS.driver
    expectProblem(await put(own, { pay_kind: 'flat' }), 'validation_failed')
    expectProblem(await put(own, { pay_kind: 'flat', pay_percentage: 10 }), 'validation_failed')
    expectProblem(await put(own, { ...FLAT, pay_percentage: 10 }), 'validation_failed')
    expectProblem(await put(own, { pay_kind: 'percentage', pay_percentage: 100.01 }), 'validation_failed')
    expectProblem(await put(own, { pay_kind: 'percentage', pay_percentage: 0.001 }), 'validation_failed')
    const rates = { pay_kind: 'per_distance', pay_per_distance: 0.4375, currency: 'CAD', distance_unit: 'km' }
    const terms = await ok(put(own, rates))
    expect(terms).toMatchObject({ driver_id: own, ...rates, pay_percentage: null, pay_flat: null })
    expect(await ok(api().as('driver').get(path(own)))).toEqual(terms)
    // All at once: what is left out is the default, and not what was there.
    expect(await ok(put(own, FLAT))).toMatchObject({
      ...FLAT,
      pay_per_distance: null,
      currency: 'USD',
      distance_unit: 'mi',
      created_at: terms.created_at,
    })
    await ok(put(own, { pay_kind: 'percentage', pay_percentage: 25 }))
  })

  it('are nothing that dispatchers and brokers learn, and dispatchers see the driver without them', async () => {
    const dispatcher = api().as('dispatcher')
    for (const persona of ['dispatcher', 'broker'] as const)
      expectProblem(await api().as(persona).get(path(DRIVERS.driver)), 'not_found')
    expectProblem(await put(DRIVERS.driver, FLAT, 'dispatcher'), 'forbidden')
    expectProblem(await put(DRIVERS.driver, FLAT, 'driver'), 'forbidden')
    expectProblem(await put(DRIVERS.driver, FLAT, 'broker'), 'not_found')
    expectProblem(await put(DRIVERS.rivalDriver, FLAT), 'not_found')
    const { items } = await ok(dispatcher.get('/v1/freight/drivers'))
    expect(items.length).toBeGreaterThan(0)
    for (const driver of [...items, await ok(dispatcher.get(`/v1/freight/drivers/${DRIVERS.driver}`))])
      expect(Object.keys(driver).filter((name) => /pay|currency/.test(name))).toEqual([])
  })

  it('are none for a new driver, whom no load pays automatically until the office has set them', async () => {
    const { owner } = api()
    const { id } = await arrangeDriver(owner)
    await owner.query('delete from driver_pay_terms where driver_id = $1', [id])
    expectProblem(await api().as('office').get(path(id)), 'not_found')
    const [before, after] = [await arrangeHaul(owner, id, { daysAgo: 5 }), await arrangeHaul(owner, id)]
    await deliver(owner, before)
    await ok(put(id, FLAT))
    await deliver(owner, after)
    expect(await paymentsOf(`driver_id=${id}`)).toMatchObject([{ load_id: after, amount: 180 }])
    // By hand.
    await ok(record(newPayment(id, { load_id: before })))
  })

  it('name the currency of what is put on record without one', async () => {
    const { owner } = api()
    const driver = await arrangePaidDriver(owner, { ...FLAT, currency: 'CAD' })
    expect(await ok(record(newPayment(driver.id)))).toMatchObject({ currency: 'CAD' })
    const lease = { driver_id: driver.id, amount: 5, explanation: 'Lease', valid_from: '2090-01-01' }
    const add = () => ok(api().as('office').post('/v1/freight/recurring-deductions', lease))
    expect(await add()).toMatchObject({ currency: 'CAD' })
    await owner.query('delete from driver_pay_terms where driver_id = $1', [driver.id])
    expect(await ok(record(newPayment(driver.id)))).toMatchObject({ currency: 'USD' })
    expect(await add()).toMatchObject({ currency: 'USD' })
  })
})

describe('a delivered load', () => {
  it.each<[string, PayTerms, Haul, Partial<Payment>]>([
    [
      'by distance, half up to the cent',
      { pay_kind: 'per_distance', pay_per_distance: 0.6215 },
      { distance: 283 },
      {
        type: 'linehaul_per_distance',
        amount: 175.88,
        quantity: 283,
        rate: 0.6215,
        explanation: '283.00 mi at 0.6215 USD',
      },
    ],
    [
      'by distance in the unit of the terms',
      { pay_kind: 'per_distance', pay_per_distance: 0.5, distance_unit: 'km', currency: 'CAD' },
      { distance: 100 },
      { amount: 80.47, quantity: 160.93, currency: 'CAD' },
    ],
    [
      'by distance from kilometers to miles',
      { pay_kind: 'per_distance', pay_per_distance: 1 },
      { distance: 100, distance_unit: 'km' },
      { amount: 62.14, quantity: 62.14 },
    ],
    [
      'by percentage of what the load pays, in its currency',
      { pay_kind: 'percentage', pay_percentage: 27.5 },
      { rate: 1234.6, currency: 'EUR' },
      { type: 'linehaul_percentage', amount: 339.52, quantity: 1234.6, rate: 27.5, currency: 'EUR' },
    ],
    ['by the load', FLAT, {}, { type: 'flat', amount: 180, quantity: null, rate: null }],
  ])('pays its driver %s', async (_, terms, haul, expected) => {
    const { owner } = api()
    const driver = await arrangePaidDriver(owner, terms)
    const load = await arrangeHaul(owner, driver.id, haul)
    expect(await paymentsOf(`load_id=${load}`)).toEqual([])
    await ok(api().as('office').post(`/v1/freight/loads/${load}/deliver`))
    expect(await paymentsOf(`load_id=${load}`)).toEqual([
      expect.objectContaining({
        ...expected,
        driver_id: driver.id,
        earned_on: dayAgo(1),
        status: 'pending',
        is_automatic: true,
      }),
    ])
  })

  it('pays each of a team once, by the terms of each, and not who was taken off before', async () => {
    const { owner } = api()
    const driver = await arrangePaidDriver(owner, FLAT)
    const other = await arrangePaidDriver(owner, { pay_kind: 'percentage', pay_percentage: 10 })
    const left = await arrangePaidDriver(owner, FLAT)
    const load = await arrangeLoad(owner)
    await assignAs(owner, load, { driver: left.id, truck: await arrangeVehicle(owner, 'trucks') })
    await ok(api().as('office').post(`/v1/freight/loads/${load}/unassign`, { leg: 1 }))
    for (const leg of [1, 2])
      await owner.query(
        `insert into load_assignments (load_id, leg, driver_id, co_driver_id, truck_id, leg_starts_at, leg_ends_at)
         select l.id, $2::int, $3, $4, $5, l.starts_at + ($2::int - 1) * interval '4 hours', l.starts_at + $2::int * interval '4 hours'
         from loads l where l.id = $1`,
        [load, leg, driver.id, other.id, await arrangeVehicle(owner, 'trucks')],
      )
    for (const status of ['assigned', 'in_transit'])
      await owner.query('update loads set status = $2 where id = $1', [load, status])
    await deliver(owner, load)
    const paid = await paymentsOf(`load_id=${load}`)
    expect(paid.map(({ driver_id, amount }) => [driver_id, amount]).sort()).toEqual(
      [
        [driver.id, 180],
        [other.id, 100],
      ].sort(),
    )
  })

  it('pays nobody when it is cancelled', async () => {
    const { owner } = api()
    const driver = await arrangePaidDriver(owner, FLAT)
    const load = await arrangeHaul(owner, driver.id)
    await ok(api().as('office').post(`/v1/freight/loads/${load}/cancel`, { reason: 'Withdrawn' }))
    expect(await paymentsOf(`load_id=${load}`)).toEqual([])
  })

  it('pays by distance once it has one, and follows its rate and distance until it is settled', async () => {
    const { owner } = api()
    const driver = await arrangePaidDriver(owner, { pay_kind: 'per_distance', pay_per_distance: 0.5 })
    const load = await arrangeHaul(owner, driver.id)
    await deliver(owner, load)
    expect(await paymentsOf(`load_id=${load}`)).toEqual([])
    const change = (distance: number) =>
      ok(api().as('office').patch(`/v1/freight/loads/${load}`, { distance }))
    const amounts = async () => (await paymentsOf(`load_id=${load}`)).map(({ amount }) => amount)
    await change(200)
    expect(await amounts()).toEqual([100])
    await change(210)
    expect(await amounts()).toEqual([105])
    await settle({ driver_id: driver.id, first_day: dayAgo(7), last_day: dayAgo(0) })
    await change(300)
    expect(await amounts()).toEqual([105])
  })

  it('is delivered also where it would pay more than a payment holds, and then pays by hand', async () => {
    const { owner } = api()
    const driver = await arrangePaidDriver(owner, { pay_kind: 'per_distance', pay_per_distance: 999_999 })
    const load = await arrangeHaul(owner, driver.id, { distance: 99_999_999 })
    await deliver(owner, load)
    expect(await paymentsOf(`load_id=${load}`)).toEqual([])
  })

  it('keeps what the office agreed before, and pays no second time for driving', async () => {
    const { owner } = api()
    const driver = await arrangePaidDriver(owner, FLAT)
    const load = await arrangeHaul(owner, driver.id)
    const agreed = {
      type: 'linehaul_per_distance',
      quantity: 120,
      rate: 0.55,
      amount: undefined,
      load_id: load,
    }
    expect(await ok(record(newPayment(driver.id, agreed)))).toMatchObject({ amount: 66, is_automatic: false })
    await deliver(owner, load)
    expect(await paymentsOf(`load_id=${load}`)).toMatchObject([{ amount: 66 }])
    expectProblem(await record(newPayment(driver.id, { load_id: load })), 'already_exists')
    await ok(record(newPayment(driver.id, { load_id: load, type: 'detention', amount: 45 })))
  })
})

describe('a payment by the office', () => {
  it('has the sign of its type, the currency of the driver, and the product of quantity and rate', async () => {
    const driver = await arrangePaidDriver(api().owner, { ...FLAT, currency: 'CAD' })
    for (const type of ['advance', 'deduction'])
      expect(await ok(record(newPayment(driver.id, { type, amount: 200 })))).toMatchObject({
        amount: -200,
        currency: 'CAD',
      })
    expect(
      await ok(record(newPayment(driver.id, { type: 'fuel', amount: 12.34, currency: 'USD' }))),
    ).toMatchObject({
      amount: 12.34,
      currency: 'USD',
    })
    const { owner } = api()
    const load = await arrangeHaul(owner, driver.id)
    const product = { type: 'detention', amount: undefined, quantity: 2.25, rate: 33.3333, load_id: load }
    expect(await ok(record(newPayment(driver.id, product)))).toMatchObject({ amount: 75 })
    const share = { ...product, type: 'total_percentage', quantity: 1000.1, rate: 12.5 }
    expect(await ok(record(newPayment(driver.id, share)))).toMatchObject({ amount: 125.01 })
  })

  it('is of a load that the driver had, and is nothing else than it says', async () => {
    const { owner } = api()
    const driver = await arrangePaidDriver(owner, FLAT)
    const load = await arrangeHaul(owner, (await arrangeDriver(owner)).id)
    for (const [body, code] of [
      [{ type: 'detention', load_id: load }, 'not_found'],
      [{ driver_id: DRIVERS.rivalDriver }, 'not_found'],
      [{ type: 'detention' }, 'validation_failed'],
      [{ amount: -5 }, 'validation_failed'],
      [{ type: 'advance', amount: 0 }, 'validation_failed'],
      [{ quantity: 2, rate: 3 }, 'validation_failed'],
      [{ amount: undefined }, 'validation_failed'],
      [{ type: 'total_percentage', load_id: load, amount: 5 }, 'validation_failed'],
      [{ amount: 1.005 }, 'validation_failed'],
    ] as const)
      expectProblem(await record(newPayment(driver.id, body)), code)
    for (const persona of ['dispatcher', 'driver'] as const)
      expectProblem(
        await api().as(persona).post('/v1/freight/driver-payments', newPayment(DRIVERS.driver)),
        'forbidden',
      )
    expectProblem(
      await api().as('broker').post('/v1/freight/driver-payments', newPayment(DRIVERS.driver)),
      'not_found',
    )
  })

  it('is refused by the database where the API is passed by', async () => {
    const { owner } = api()
    const driver = await arrangePaidDriver(owner, FLAT)
    const insert = (type: string, amount: number | null, quantity: number | null, rate: number | null) =>
      owner.query(
        `insert into driver_payments (driver_id, type, amount, quantity, rate, explanation, earned_on) values ($1, $2, $3, $4, $5, 'X', $6)`,
        [driver.id, type, amount, quantity, rate, dayAgo(1)],
      )
    const refused = (constraint: string) =>
      expect.objectContaining({ message: expect.stringContaining(constraint) })
    await expect(insert('flat', -1, null, null)).rejects.toEqual(refused('driver_payments_amount_sign'))
    await expect(insert('deduction', -1, null, null)).rejects.toEqual(refused('driver_payments_amount_sign'))
    await expect(insert('flat', 5, 2, 3)).rejects.toEqual(refused('driver_payments_amount_is_product'))
    await expect(insert('detention', 5, null, null)).rejects.toEqual(refused('driver_payments_type_of_load'))
  })
})

describe('settling', () => {
  it('takes what was earned until then and no statement has, once, and numbers without a gap', async () => {
    const { owner } = api()
    const driver = await arrangePaidDriver(owner, FLAT)
    const other = await arrangePaidDriver(owner, FLAT)
    const earlier = await arrangePayment(owner, driver.id, { daysAgo: 40 })
    const inside = await arrangePayment(owner, driver.id, { daysAgo: 9 })
    const later = await arrangePayment(owner, driver.id, { daysAgo: 2 })
    await arrangePayment(owner, other.id, { daysAgo: 9 })
    const period = { first_day: dayAgo(16), last_day: dayAgo(9) }
    const made = await settle(period)
    const own = made.find(({ driver_id }: Payment) => driver_id === driver.id)
    expect(own).toMatchObject({
      ...period,
      gross: 200,
      deductions: 0,
      net: 200,
      payable: 200,
      carried_in: 0,
      status: 'pending',
    })
    const numbers = made.map(({ number }: { number: number }) => number)
    expect(numbers).toEqual(numbers.map((_: number, nth: number) => numbers[0] + nth))
    const { lines } = await ok(api().as('office').get(`/v1/freight/statements/${own.id}`))
    expect(lines.map(({ id }: Payment) => id)).toEqual([earlier, inside])
    expect(await paymentsOf(`statement_id=${own.id}`)).toHaveLength(2)
    // Again: nothing is left. Then what came late, and what came after.
    expect(await settle(period)).toEqual([])
    const late = await arrangePayment(owner, driver.id, { daysAgo: 30 })
    const next = await settle({ driver_id: driver.id, first_day: dayAgo(8), last_day: dayAgo(1) })
    expect(next).toMatchObject([{ number: numbers.at(-1)! + 1, net: 200 }])
    expect((await paymentsOf(`statement_id=${next[0].id}`)).map(({ id }) => id).sort()).toEqual(
      [late, later].sort(),
    )
    expect(await paymentsOf(`driver_id=${driver.id}&unsettled_only=true`)).toEqual([])
  })

  it('carries what is below zero over to the next statement of the driver in that currency', async () => {
    const { owner } = api()
    const driver = await arrangePaidDriver(owner, FLAT)
    await arrangePayment(owner, driver.id, { type: 'advance', amount: 300.05, daysAgo: 20 })
    await ok(record(newPayment(driver.id, { currency: 'EUR', earned_on: dayAgo(20) })))
    const first = await settle({ driver_id: driver.id, first_day: dayAgo(26), last_day: dayAgo(20) })
    const inDollars = first.find(({ currency }: Payment) => currency === 'USD')
    expect(inDollars).toMatchObject({
      gross: 0,
      net: -300.05,
      payable: 0,
      carried_out: -300.05,
      status: 'completed',
    })
    expect(first).toHaveLength(2)
    expectProblem(await move(inDollars.id, 'processing'), 'driver_statement_state')
    expectProblem(await move(inDollars.id, 'refunded'), 'driver_statement_state')
    await arrangePayment(owner, driver.id, { amount: 120, daysAgo: 12 })
    await arrangePayment(owner, driver.id, { amount: 500, daysAgo: 5 })
    expect(await settle({ driver_id: driver.id, first_day: dayAgo(19), last_day: dayAgo(12) })).toMatchObject(
      [{ net: 120, carried_in: -300.05, payable: 0, carried_out: -180.05 }],
    )
    expect(await settle({ driver_id: driver.id, first_day: dayAgo(11), last_day: dayAgo(5) })).toMatchObject([
      { net: 500, carried_in: -180.05, payable: 319.95, carried_out: 0 },
    ])
  })

  it('takes a recurring deduction off each statement while it is valid, once', async () => {
    const { owner } = api()
    const driver = await arrangePaidDriver(owner, FLAT)
    const deduct = (more: object) =>
      ok(
        api()
          .as('office')
          .post('/v1/freight/recurring-deductions', {
            driver_id: driver.id,
            amount: 85,
            explanation: 'Trailer lease',
            valid_from: dayAgo(30),
            ...more,
          }),
      )
    const lease = await deduct({})
    expect(lease).toMatchObject({ amount: 85, currency: 'USD', valid_until: null })
    await deduct({ amount: 1, valid_from: dayAgo(5) })
    await deduct({ amount: 2, currency: 'EUR' })
    const mistaken = await deduct({ amount: 4 })
    const end = (id: string, valid_until: string | null) =>
      ok(api().as('office').patch(`/v1/freight/recurring-deductions/${id}`, { valid_until }))
    await end(mistaken.id, dayAgo(31))
    // Who has nothing to settle gets no statement, and nothing is taken off.
    expect(await settle({ driver_id: driver.id, first_day: dayAgo(26), last_day: dayAgo(20) })).toEqual([])
    await arrangePayment(owner, driver.id, { daysAgo: 12 })
    const [first] = await settle({ driver_id: driver.id, first_day: dayAgo(19), last_day: dayAgo(12) })
    expect(first).toMatchObject({ gross: 100, deductions: 85, net: 15 })
    expect(await paymentsOf(`statement_id=${first.id}`)).toContainEqual(
      expect.objectContaining({
        type: 'deduction',
        amount: -85,
        explanation: 'Trailer lease',
        is_automatic: true,
      }),
    )
    await end(lease.id, dayAgo(10))
    await arrangePayment(owner, driver.id, { daysAgo: 2 })
    expect(await settle({ driver_id: driver.id, first_day: dayAgo(9), last_day: dayAgo(2) })).toMatchObject([
      { deductions: 1 },
    ])
    for (const persona of ['driver', 'dispatcher'] as const) {
      const body = { driver_id: DRIVERS.driver, amount: 1, explanation: 'X', valid_from: dayAgo(1) }
      expectProblem(await api().as(persona).post('/v1/freight/recurring-deductions', body), 'forbidden')
      const path = `/v1/freight/recurring-deductions/${lease.id}`
      expectProblem(await api().as(persona).patch(path, { valid_until: null }), 'not_found')
    }
  })

  it('is for the office and admins, of their carrier, and of no period that ends in the future', async () => {
    const period = { first_day: dayAgo(7), last_day: dayAgo(1) }
    const of = (persona: 'driver' | 'dispatcher' | 'broker' | 'admin' | 'office', body: object) =>
      api().as(persona).post('/v1/freight/statements', body)
    for (const persona of ['driver', 'dispatcher', 'broker', 'admin'] as const)
      expectProblem(await of(persona, period), 'forbidden')
    const rival = { ...period, organization_id: FREIGHT_ORGANIZATIONS.rivalCarrier }
    expectProblem(await of('office', rival), 'forbidden')
    expectProblem(
      await of('admin', { ...period, organization_id: FREIGHT_ORGANIZATIONS.foreignCarrier }),
      'forbidden',
    )
    expectProblem(
      await of('admin', { ...period, organization_id: FREIGHT_ORGANIZATIONS.brokerage }),
      'forbidden',
    )
    expect((await of('admin', rival)).statusCode).toBe(201)
    expectProblem(await of('office', { ...period, driver_id: DRIVERS.rivalDriver }), 'not_found')
    expectProblem(await of('office', { ...period, last_day: dayAgo(-3) }), 'statement_in_future')
    expectProblem(await of('office', { ...period, last_day: dayAgo(8) }), 'validation_failed')
  })
})

describe('a statement', () => {
  it('goes through its steps with its payments, moved by the office alone', async () => {
    const { owner } = api()
    await arrangePayment(owner, DRIVERS.driver, { daysAgo: 3 })
    const [made] = await settle({ driver_id: DRIVERS.driver, first_day: dayAgo(7), last_day: dayAgo(3) })
    const path = `/v1/freight/statements/${made.id}/status`
    const body = { status: 'processing' }
    expectProblem(await api().as('driver').post(path, body), 'forbidden')
    for (const persona of ['dispatcher', 'broker', 'rivalOffice', 'rivalDriver', 'foreignAdmin'] as const)
      expectProblem(await api().as(persona).post(path, body), 'not_found')
    for (const status of ['completed', 'failed', 'refunded'])
      expectProblem(await move(made.id, status), 'driver_statement_state')
    for (const status of ['processing', 'failed', 'processing', 'completed', 'refunded']) {
      expect(await ok(move(made.id, status))).toEqual({ ...made, status, updated_at: expect.any(String) })
      expect((await paymentsOf(`statement_id=${made.id}`)).map((line) => line.status)).toEqual([status])
    }
    expectProblem(await move(made.id, 'processing'), 'driver_statement_state')
    expect(await ok(api().as('driver').get(`/v1/freight/statements/${made.id}`))).toMatchObject({
      number: made.number,
      status: 'refunded',
      lines: [{ amount: 100, status: 'refunded' }],
    })
  })

  it('never changes, and nor does what it settled, whoever writes', async () => {
    const { owner } = api()
    const payment = await arrangePayment(owner, DRIVERS.driver, { daysAgo: 3 })
    const [made] = await settle({ driver_id: DRIVERS.driver, first_day: dayAgo(7), last_day: dayAgo(3) })
    for (const [table, id, change] of [
      ['driver_payments', payment, 'amount = 1'],
      ['driver_payments', payment, 'statement_id = null'],
      ['driver_payments', payment, "status = 'refunded'"],
      ['driver_statements', made.id, 'payable = 1, net = 1, gross = 1'],
    ])
      await expect(owner.query(`update ${table} set ${change} where id = $1`, [id])).rejects.toMatchObject({
        code: 'MU440',
      })
  })

  it('is listed page by page, and as CSV, for whom it is for', async () => {
    const { owner } = api()
    for (const daysAgo of [6, 5, 4]) {
      await arrangePayment(owner, DRIVERS.driver, { daysAgo })
      await settle({ driver_id: DRIVERS.driver, first_day: dayAgo(daysAgo), last_day: dayAgo(daysAgo) })
    }
    const listed: string[] = []
    let cursor: string | null = ''
    while (cursor !== null) {
      const url: string = `/v1/freight/statements?limit=2${cursor === '' ? '' : `&cursor=${cursor}`}`
      const page = await ok(api().as('driver').get(url))
      listed.push(...page.items.map(({ last_day }: { last_day: string }) => last_day))
      cursor = page.next_cursor
    }
    expect(listed.length).toBeGreaterThan(2)
    expect(listed).toEqual([...listed].sort().reverse())
    const csv = await api().as('driver').get('/v1/freight/statements.csv?limit=2')
    expect(csv.headers['content-type']).toContain('text/csv')
    expect(csv.headers.link).toContain('rel="next"')
    expect(csv.body.trimEnd().split('\r\n')).toHaveLength(3)
    const whole = await api().as('driver').get('/v1/freight/statements.csv?limit=100')
    const [head, ...rows] = whole.body.trimEnd().split('\r\n')
    expect(head).toBe(
      'id,number,driver_id,first_day,last_day,currency,gross,deductions,net,carried_in,payable,carried_out,status',
    )
    expect(rows.map((row) => row.split(',').slice(2, 8))).toContainEqual([
      ...[DRIVERS.driver, dayAgo(4), dayAgo(4), 'USD', '100', '0'],
    ])
    for (const persona of ['dispatcher', 'broker', 'rivalDriver'] as const)
      for (const list of ['statements', 'driver-payments', 'recurring-deductions'])
        expect((await ok(api().as(persona).get(`/v1/freight/${list}`))).items, `${persona} ${list}`).toEqual(
          [],
        )
  })
})

async function refreshReport(): Promise<void> {
  const { owner } = api()
  const job = jobs.find(({ name }) => name === 'freight.refresh_driver_earnings_summary')!
  await registerJobs(owner, [job])
  await owner.query("update muster.jobs set next_run_at = now() - interval '1 second' where name = $1", [
    job.name,
  ])
  const log = { info: () => {}, warn: (data: object) => expect.unreachable(JSON.stringify(data)) }
  expect(await runJob(owner, job, log)).toBe(true)
}

describe('the report of earnings', () => {
  it('adds up the statements by driver and month, for whom they are for', async () => {
    const { owner } = api()
    const driver = await arrangePaidDriver(owner, FLAT)
    const load = await arrangeHaul(owner, driver.id)
    await deliver(owner, load)
    await arrangePayment(owner, driver.id, { type: 'advance', amount: 30 })
    await arrangePayment(owner, DRIVERS.driver)
    await settle({ first_day: dayAgo(7), last_day: dayAgo(1) })
    await refreshReport()
    const report = async (
      persona: 'driver' | 'office' | 'dispatcher' | 'rivalOffice' | 'admin',
      query = '',
    ) => (await ok(api().as(persona).get(`/v1/freight/reports/driver-earnings?limit=100${query}`))).items
    const month = `${dayAgo(1).slice(0, 7)}-01`
    expect(await report('office', `&driver_id=${driver.id}`)).toEqual([
      {
        id: expect.any(String),
        organization_id: FREIGHT_ORGANIZATIONS.carrier,
        driver_id: driver.id,
        month,
        currency: 'USD',
        statements: 1,
        loads: 1,
        gross: 180,
        deductions: 30,
        net: 150,
        payable: 150,
      },
    ])
    const [sums] = await owner.query<{ own: string; all: string }>(
      `select sum(net) filter (where driver_id = $1)::text as own, sum(net)::text as all from driver_statements
       where organization_id = $2`,
      [DRIVERS.driver, FREIGHT_ORGANIZATIONS.carrier],
    )
    const net = (rows: { net: number }[]) => rows.reduce((sum, row) => sum + Math.round(row.net * 100), 0)
    expect(net(await report('driver'))).toBe(Math.round(Number(sums!.own) * 100))
    expect(net(await report('office'))).toBe(Math.round(Number(sums!.all) * 100))
    expect(await report('dispatcher')).toEqual([])
    expect(
      (await report('rivalOffice')).every(
        (row: { organization_id: string }) => row.organization_id === FREIGHT_ORGANIZATIONS.rivalCarrier,
      ),
    ).toBe(true)
    expect(net(await report('admin'))).toBeGreaterThanOrEqual(net(await report('office')))
    expect(await report('office', `&to=2001-01-01`)).toEqual([])
  })
})

/* The model: whole cents, and no database. */

interface ModelPayment {
  driver: string
  cents: bigint
  day: string
  statement?: number
}
interface ModelDeduction {
  driver: string
  cents: bigint
  from: string
  until: string
}

/** Half up, of numbers that are not below zero. */
const divide = (dividend: bigint, divisor: bigint): bigint => (2n * dividend + divisor) / (2n * divisor)
/** A decimal with so many places, as a whole number. */
const whole = (value: number, places: number): bigint => BigInt(Math.round(value * 10 ** places))

function linehaulCents(
  terms: PayTerms,
  haul: Required<Pick<Haul, 'rate' | 'distance' | 'distance_unit'>>,
): bigint {
  if (terms.pay_kind === 'flat') return whole(terms.pay_flat!, 2)
  if (terms.pay_kind === 'percentage')
    return divide(whole(haul.rate, 2) * whole(terms.pay_percentage!, 2), 10_000n)
  const given = whole(haul.distance!, 2)
  const unit = terms.distance_unit ?? 'mi'
  const quantity =
    haul.distance_unit === unit
      ? given
      : unit === 'km'
        ? divide(given * 1_609_344n, 1_000_000n)
        : divide(given * 1_000_000n, 1_609_344n)
  return divide(quantity * whole(terms.pay_per_distance!, 4), 10_000n)
}

const SEED = trialSeed()
const STEPS = trialSize(70, 1_500)

it(`adds up to the cent as a model does, whatever happens in which order (seed ${SEED})`, async () => {
  const { owner } = api()
  const random = seededRandom(SEED)
  const upTo = (most: number): number => Math.floor(random() * (most + 1))
  const money = (): number => upTo(99_999) / 100
  const terms: PayTerms[] = [
    { pay_kind: 'per_distance', pay_per_distance: upTo(20_000) / 10_000 },
    { pay_kind: 'per_distance', pay_per_distance: upTo(20_000) / 10_000, distance_unit: 'km' },
    { pay_kind: 'percentage', pay_percentage: upTo(10_000) / 100 },
    { pay_kind: 'flat', pay_flat: money() },
  ]
  const drivers = await Promise.all(terms.map(async (one) => (await arrangePaidDriver(owner, one)).id))
  const payments: ModelPayment[] = []
  const deductions: ModelDeduction[] = []
  const carried = new Map<string, bigint>()
  const first = await owner.query<{ last: number }>(
    'select coalesce(max(number), 0)::int as last from driver_statements where organization_id = $1',
    [FREIGHT_ORGANIZATIONS.carrier],
  )
  let number = first[0]!.last
  // What other tests left is nobody's here.
  await settle({ first_day: dayAgo(100), last_day: dayAgo(0) }).then((made) => {
    number += made.length
  })

  const OPERATIONS = {
    async deliver() {
      const nth = upTo(terms.length - 1)
      const haul = {
        rate: money() * 10,
        distance: upTo(200_000) / 100,
        distance_unit: pick(random, ['mi', 'km'] as const),
        daysAgo: 1 + upTo(50),
      }
      haul.rate = Number(haul.rate.toFixed(2))
      const load = await arrangeHaul(owner, drivers[nth]!, haul)
      if (random() < 0.2) {
        await owner.query("update loads set status = 'cancelled', cancel_reason = 'X' where id = $1", [load])
        return
      }
      await deliver(owner, load)
      payments.push({
        driver: drivers[nth]!,
        cents: linehaulCents(terms[nth]!, haul),
        day: dayAgo(haul.daysAgo),
      })
    },
    async add() {
      const driver = pick(random, drivers)
      const type = pick(random, ['flat', 'fuel', 'advance', 'deduction'] as const)
      const amount = 0.01 + money()
      const given = Number(amount.toFixed(2))
      const day = dayAgo(1 + upTo(50))
      await ok(record(newPayment(driver, { type, amount: given, earned_on: day })))
      const cents = whole(given, 2)
      payments.push({ driver, cents: type === 'advance' || type === 'deduction' ? -cents : cents, day })
    },
    async deduct() {
      const driver = pick(random, drivers)
      const amount = Number((0.01 + money() / 10).toFixed(2))
      const [from, until] = [dayAgo(upTo(50)), dayAgo(upTo(50))]
      await ok(
        api().as('office').post('/v1/freight/recurring-deductions', {
          driver_id: driver,
          amount,
          explanation: 'Lease',
          valid_from: from,
          valid_until: until,
        }),
      )
      deductions.push({ driver, cents: whole(amount, 2), from, until })
    },
    async settle() {
      const only = random() < 0.3 ? pick(random, drivers) : undefined
      const last = upTo(50)
      const [first_day, last_day] = [dayAgo(last + upTo(14)), dayAgo(last)]
      const made = await settle({ first_day, last_day, ...(only && { driver_id: only }) })
      const expected = []
      for (const driver of [...drivers].sort()) {
        if (only && driver !== only) continue
        const taken = payments.filter(
          (payment) =>
            payment.driver === driver && payment.statement === undefined && payment.day <= last_day,
        )
        if (taken.length === 0) continue
        for (const { driver: whose, cents, from, until } of deductions)
          if (whose === driver && from <= last_day && until >= first_day && until >= from) {
            const deducted = { driver, cents: -cents, day: last_day }
            payments.push(deducted)
            taken.push(deducted)
          }
        number += 1
        for (const payment of taken) payment.statement = number
        const sum = (some: ModelPayment[]) => some.reduce((total, { cents }) => total + cents, 0n)
        const net = sum(taken)
        const carriedIn = carried.get(driver) ?? 0n
        const balance = carriedIn + net
        carried.set(driver, balance < 0n ? balance : 0n)
        const spell = (cents: bigint) => Number(cents) / 100
        expected.push({
          driver_id: driver,
          number,
          gross: spell(sum(taken.filter(({ cents }) => cents > 0n))),
          deductions: spell(-sum(taken.filter(({ cents }) => cents < 0n))),
          net: spell(net),
          carried_in: spell(carriedIn),
          payable: spell(balance > 0n ? balance : 0n),
          carried_out: spell(balance < 0n ? balance : 0n),
        })
      }
      expect(made).toMatchObject(expected)
      expect(made).toHaveLength(expected.length)
    },
  }
  const kinds = ['deliver', 'deliver', 'add', 'add', 'add', 'deduct', 'settle', 'settle'] as const
  for (let step = 0; step < STEPS; step++) await OPERATIONS[pick(random, kinds)]()
  // The rest, and then nothing: every cent of the model is on a statement.
  await OPERATIONS.settle()
  const [sums] = await owner.query<{ cents: string; settled: string }>(
    `select (100 * coalesce(sum(amount), 0))::bigint::text as cents,
            (100 * coalesce(sum(amount) filter (where statement_id is not null), 0))::bigint::text as settled
     from driver_payments where driver_id = any ($1::uuid[])`,
    [`{${drivers.join()}}`],
  )
  const total = (some: ModelPayment[]) => some.reduce((sum, { cents }) => sum + cents, 0n).toString()
  expect(sums).toEqual({
    cents: total(payments),
    settled: total(payments.filter(({ statement }) => statement !== undefined)),
  })
})
