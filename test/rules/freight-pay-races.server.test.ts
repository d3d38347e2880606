import { afterEach, beforeAll, expect, test } from 'vitest'
import { sql } from '../../src/platform/db/drizzle.ts'
import type { Database } from '../../src/platform/db/engine/database.ts'
import { useApi } from '../support/api.ts'
import {
  arrangeHaul,
  arrangePaidDriver,
  arrangePayment,
  brokenStatements,
  dayAgo,
} from '../support/driver-pay.ts'
import {
  buildFreightWorld,
  FREIGHT_ORGANIZATIONS,
  FREIGHT_USERS,
  freightCallerOf,
} from '../support/freight-world.ts'
import { failOnDeadlock, interleave } from '../support/interleave.ts'
import { patience } from '../support/patience.ts'
import { pick, seededRandom } from '../support/random.ts'
import { outcomeOf, runAs } from '../support/rehearsal.ts'
import { trialSeed, trialSize } from '../support/trial.ts'

/* Many who settle, deliver and put on record at once. What is left is checked by a query that knows nothing of the rules. */

const CLIENTS = 8
const api = useApi(
  { DATABASE_POOL_SIZE: String(CLIENTS + 1), DATABASE_CALLER_CONNECTIONS: String(CLIENTS) },
  buildFreightWorld,
)
let owner: Database

const OFFICE = freightCallerOf('office')
const FLAT = { pay_kind: 'flat', pay_flat: 180 } as const

beforeAll(() => {
  owner = api().owner
})
afterEach(async () => {
  expect(await brokenStatements(owner)).toEqual([])
})

const settlement = (last: number, driver: string | null = null) => ({
  actor: OFFICE,
  statement: sql`select muster.settle_driver_payments(${dayAgo(last + 30)}, ${dayAgo(last)}, null, ${driver})`,
})
const delivery = (load: string) => ({
  actor: OFFICE,
  statement: sql`select muster.move_load(${load}, 'delivered')`,
})
const settled = (driver: string): Promise<{ number: number; net: string }[]> =>
  owner.query(
    `select s.number, s.net::text as net from driver_statements s where s.driver_id = $1 order by s.number`,
    [driver],
  )
const unsettled = async (driver: string): Promise<number> =>
  (
    await owner.query<{ left: number }>(
      'select count(*)::int as left from driver_payments where driver_id = $1 and statement_id is null',
      [driver],
    )
  )[0]!.left

test('two who settle one period: the second waits, and each payment is on one statement', async () => {
  const strict = failOnDeadlock(api().api)
  const driver = await arrangePaidDriver(owner, FLAT)
  for (const daysAgo of [3, 4]) await arrangePayment(owner, driver.id, { daysAgo })
  expect(await interleave(strict, settlement(2), settlement(2))).toEqual({
    first: 'ok',
    second: 'ok',
    waited: true,
  })
  expect(await settled(driver.id)).toMatchObject([{ net: '200.00' }])
  expect(await unsettled(driver.id)).toBe(0)
})

test('two who settle different drivers of one carrier: the numbers have no gap', async () => {
  const strict = failOnDeadlock(api().api)
  const [one, other] = await Promise.all([arrangePaidDriver(owner, FLAT), arrangePaidDriver(owner, FLAT)])
  for (const { id } of [one, other]) await arrangePayment(owner, id)
  expect(await interleave(strict, settlement(1, one.id), settlement(1, other.id))).toEqual({
    first: 'ok',
    second: 'ok',
    waited: true,
  })
  const numbers = [...(await settled(one.id)), ...(await settled(other.id))].map(({ number }) => number)
  expect(numbers).toEqual([numbers[0], numbers[0]! + 1])
})

test('a load that is delivered while somebody settles is on the next statement', async () => {
  const strict = failOnDeadlock(api().api)
  const driver = await arrangePaidDriver(owner, FLAT)
  await arrangePayment(owner, driver.id, { daysAgo: 3 })
  const load = await arrangeHaul(owner, driver.id, { daysAgo: 3 })
  expect(await interleave(strict, delivery(load), settlement(2))).toEqual({
    first: 'ok',
    second: 'ok',
    waited: false,
  })
  expect(await settled(driver.id)).toMatchObject([{ net: '100.00' }])
  expect(await unsettled(driver.id)).toBe(1)
  const late = await arrangeHaul(owner, driver.id, { daysAgo: 3 })
  expect(await interleave(strict, settlement(2), delivery(late))).toEqual({
    first: 'ok',
    second: 'ok',
    waited: false,
  })
  expect(await settled(driver.id)).toMatchObject([{ net: '100.00' }, { net: '180.00' }])
  expect(await unsettled(driver.id)).toBe(1)
})

test('the distance of a load that changes while its payment is settled changes no statement', async () => {
  const strict = failOnDeadlock(api().api)
  const correction = (load: string) => ({
    actor: OFFICE,
    statement: sql`update loads set distance = 500 where id = ${load} returning id`,
  })
  for (const [order, net] of [
    ['settle first', '100.00'],
    ['correct first', '250.00'],
  ] as const) {
    const driver = await arrangePaidDriver(owner, { pay_kind: 'per_distance', pay_per_distance: 0.5 })
    const load = await arrangeHaul(owner, driver.id, { distance: 200 })
    await runAs(strict, OFFICE, delivery(load).statement)
    const steps = [settlement(0, driver.id), correction(load)]
    const [first, second] = order === 'settle first' ? steps : steps.reverse()
    expect(await interleave(strict, first!, second!), order).toEqual({
      first: 'ok',
      second: 'ok',
      waited: true,
    })
    expect(await settled(driver.id), order).toMatchObject([{ net }])
  }
})

test('a load that is delivered twice at once pays its driver once', async () => {
  const strict = failOnDeadlock(api().api)
  const driver = await arrangePaidDriver(owner, FLAT)
  const load = await arrangeHaul(owner, driver.id)
  expect(await interleave(strict, delivery(load), delivery(load))).toEqual({
    first: 'ok',
    second: 'load_state',
    waited: true,
  })
  expect(await unsettled(driver.id)).toBe(1)
})

test('a load that is delivered while the terms of its driver change pays by the ones or the others', async () => {
  const strict = failOnDeadlock(api().api)
  const change = (driver: string) => ({
    actor: OFFICE,
    statement: sql`
      insert into driver_pay_terms (driver_id, pay_kind, pay_per_distance, distance_unit) values (${driver}, 'per_distance', 2, 'km')
      on conflict (driver_id) do update
      set (pay_kind, pay_per_distance, pay_flat, distance_unit) = ('per_distance', excluded.pay_per_distance, null, excluded.distance_unit)
      returning driver_id`,
  })
  for (const [order, amounts] of [
    ['deliver first', [180, 321.86]],
    ['change first', [321.86, 321.86]],
  ] as const) {
    const driver = await arrangePaidDriver(owner, FLAT)
    const [load, later] = [
      await arrangeHaul(owner, driver.id, { distance: 100, daysAgo: 5 }),
      await arrangeHaul(owner, driver.id, { distance: 100, daysAgo: 3 }),
    ]
    const steps = [delivery(load), change(driver.id)]
    const [first, second] = order === 'deliver first' ? steps : steps.reverse()
    expect(await interleave(strict, first!, second!), order).toEqual({
      first: 'ok',
      second: 'ok',
      waited: true,
    })
    await runAs(strict, OFFICE, delivery(later).statement)
    const paid = await owner.query<{ amount: number }>(
      'select amount::float8 as amount from driver_payments where driver_id = $1 order by earned_on',
      [driver.id],
    )
    expect(
      paid.map(({ amount }) => amount),
      order,
    ).toEqual(amounts)
  }
})

test('two who set the first terms of a driver: the second replaces those of the first', async () => {
  const strict = failOnDeadlock(api().api)
  const driver = await arrangePaidDriver(owner, FLAT)
  await owner.query('delete from driver_pay_terms where driver_id = $1', [driver.id])
  const put = (flat: number) => ({
    actor: OFFICE,
    statement: sql`
      insert into driver_pay_terms (driver_id, pay_kind, pay_flat) values (${driver.id}, 'flat', ${flat})
      on conflict (driver_id) do update set pay_flat = excluded.pay_flat returning driver_id`,
  })
  expect(await interleave(strict, put(1), put(2))).toEqual({ first: 'ok', second: 'ok', waited: true })
  expect(
    await owner.query('select pay_flat::int as flat from driver_pay_terms where driver_id = $1', [driver.id]),
  ).toEqual([{ flat: 2 }])
})

test('two who move one statement: the second is told that it has moved', async () => {
  const strict = failOnDeadlock(api().api)
  const driver = await arrangePaidDriver(owner, FLAT)
  await arrangePayment(owner, driver.id)
  await runAs(strict, OFFICE, settlement(1, driver.id).statement)
  const [made] = await owner.query<{ id: string }>('select id from driver_statements where driver_id = $1', [
    driver.id,
  ])
  const step = {
    actor: OFFICE,
    statement: sql`select muster.move_driver_statement(${made!.id}, 'processing')`,
  }
  expect(await interleave(strict, step, step)).toEqual({
    first: 'ok',
    second: 'driver_statement_state',
    waited: true,
  })
})

const SEED = trialSeed()
const ROUNDS = trialSize(25, 500)

test(
  `a storm (seed ${SEED}) of ${CLIENTS} clients who settle, deliver, correct and add loses no cent, and never deadlocks`,
  async () => {
    const strict = failOnDeadlock(api().api)
    const drivers = await Promise.all(
      Array.from({ length: 3 }, () =>
        arrangePaidDriver(owner, { pay_kind: 'per_distance', pay_per_distance: 0.5 }),
      ),
    )
    const loads: string[] = []
    for (const { id } of drivers)
      for (let n = 0; n < 12; n++)
        loads.push(await arrangeHaul(owner, id, { distance: 100, daysAgo: 40 + n }))
    await Promise.all(
      Array.from({ length: CLIENTS }, async (_, client) => {
        const random = seededRandom(SEED + client)
        for (let round = 0; round < ROUNDS; round++) {
          const { id } = pick(random, drivers)
          const load = pick(random, loads)
          const acts = [
            settlement(Math.floor(random() * 50), random() < 0.5 ? id : null).statement,
            sql`select muster.move_load(${load}, 'delivered')`,
            sql`update loads set distance = ${Math.floor(random() * 1000)} where id = ${load} returning id`,
            sql`insert into driver_payments (driver_id, type, amount, explanation, earned_on)
                values (${id}, ${pick(random, ['flat', 'advance'])}, ${1 + Math.floor(random() * 100)}, 'Storm', ${dayAgo(Math.floor(random() * 50))}) returning id`,
          ]
          const outcome = await outcomeOf(runAs(strict, OFFICE, pick(random, acts)))
          expect(['ok', 'load_state']).toContain(outcome)
        }
      }),
    )
    expect(await outcomeOf(runAs(strict, OFFICE, settlement(0).statement))).toBe('ok')
    const [left] = await owner.query<{ unpaid: number; twice: number; statements: number }>(
      `select
         (select count(*)::int from loads l where l.id = any ($1::uuid[]) and l.status = 'delivered'
          and (select count(*) from driver_payments p where p.load_id = l.id and p.statement_id is not null) <> 1) as unpaid,
         (select count(*)::int from loads l where l.id = any ($1::uuid[]) and l.status <> 'delivered'
          and exists (select from driver_payments p where p.load_id = l.id)) as twice,
         (select count(*)::int from driver_statements where organization_id = $2) as statements`,
      [`{${loads.join()}}`, FREIGHT_ORGANIZATIONS.carrier],
    )
    expect(left).toMatchObject({ unpaid: 0, twice: 0 })
    expect(left!.statements).toBeGreaterThan(3)
    for (const { id } of drivers) expect(await unsettled(id)).toBe(0)
  },
  patience(60_000),
)

test('twenty of the office who settle over HTTP at once make one statement', async () => {
  const driver = await arrangePaidDriver(owner, FLAT)
  await arrangePayment(owner, driver.id)
  const headers = await api().authorize(FREIGHT_USERS.office)
  const responses = await Promise.all(
    Array.from({ length: 20 }, () =>
      api().app.inject({
        method: 'POST',
        url: '/v1/freight/statements',
        headers,
        payload: { driver_id: driver.id, first_day: dayAgo(7), last_day: dayAgo(1) },
      }),
    ),
  )
  expect(new Set(responses.map(({ statusCode }) => statusCode))).toEqual(new Set([201]))
  expect(responses.flatMap((response) => (response.json() as { items: unknown[] }).items)).toHaveLength(1)
})
