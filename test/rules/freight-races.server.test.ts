import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { callerFromClaims } from '../../src/platform/auth/caller.ts'
import { type SQL, sql } from '../../src/platform/db/drizzle.ts'
import type { Database } from '../../src/platform/db/engine/database.ts'
import { useApi } from '../support/api.ts'
import {
  arrangeDriver,
  arrangeLoad,
  arrangeVehicle,
  assignAs,
  brokenAssignments,
  inHours,
  overlapsAmong,
  stopsFor,
} from '../support/freight-loads.ts'
import {
  BROKERS,
  buildFreightWorld,
  FREIGHT_ORGANIZATIONS,
  freightCallerOf,
} from '../support/freight-world.ts'
import { failOnDeadlock, interleave } from '../support/interleave.ts'
import { patience } from '../support/patience.ts'
import { pick, seededRandom } from '../support/random.ts'
import { type Outcome, outcomeOf, runAs } from '../support/rehearsal.ts'
import { trialSeed, trialSize } from '../support/trial.ts'

/*
 * Many who decide about the same loads, drivers and vehicles at once. What is left is checked by functions that know nothing of the
 * rules of the database.
 */

/** As many as the storm has clients, so that they meet in the database and not in the queue before it. */
const CLIENTS = 16
const api = useApi(
  { DATABASE_POOL_SIZE: String(CLIENTS + 1), DATABASE_CALLER_CONNECTIONS: String(CLIENTS) },
  buildFreightWorld,
)
let owner: Database

const OFFICE = freightCallerOf('office')
const DISPATCHER = freightCallerOf('dispatcher')

beforeAll(() => {
  owner = api().owner
})
afterEach(async () => {
  expect(await overlapsAmong(owner)).toEqual([])
  expect(await brokenAssignments(owner)).toEqual([])
})

const count = (outcomes: readonly Outcome[]): Record<Outcome, number> =>
  Object.fromEntries(
    [...new Set(outcomes)].map((outcome) => [outcome, outcomes.filter((one) => one === outcome).length]),
  )

const assignment = (load: string, driver: string, truck: string, coDriver: string | null = null): SQL =>
  sql`select muster.assign_load(${load}, 1, ${driver}, ${truck}, ${coDriver})`
const unassignment = (load: string): SQL => sql`select muster.unassign_load(${load})`
const movement = (load: string, from: number, hours: number): SQL =>
  sql`select muster.put_stops(${load}, ${JSON.stringify(stopsFor(from, from + hours))}::jsonb)`
const withStatus = (table: 'drivers' | 'trucks' | 'trailers', id: string, status: string): SQL =>
  sql`update ${sql.identifier(table)} set status = ${status} where id = ${id} returning id`

const medicalCard = (driver: string, verifiedAt: SQL): SQL =>
  sql`update driver_documents set verified_at = ${verifiedAt} where driver_id = ${driver} and kind = 'medical_card' returning id`

test('two hundred dispatchers assign one load: one does, and the others are told that somebody has it', async () => {
  const MANY = 200
  const dispatchers = await owner.query<{ id: string }>(
    `insert into users (id, tenant_id, organization_id, role, name, email)
     select muster.uuid_v7(), o.tenant_id, o.id, 'dispatcher', 'Dispatcher', muster.uuid_v7() || '@example.com'
     from organizations o, generate_series(1, $2) where o.id = $1 returning id`,
    [FREIGHT_ORGANIZATIONS.carrier, MANY],
  )
  const drivers = await Promise.all(Array.from({ length: 5 }, () => arrangeDriver(owner)))
  const trucks = await Promise.all(Array.from({ length: 5 }, () => arrangeVehicle(owner, 'trucks')))
  const load = await arrangeLoad(owner, { from: 24 * 300 })
  const headers = await Promise.all(dispatchers.map(({ id }) => api().authorize(id)))
  const responses = await Promise.all(
    headers.map((header, n) =>
      api().app.inject({
        method: 'POST',
        url: `/v1/freight/loads/${load}/assign`,
        headers: header,
        payload: { driver_id: drivers[n % 5]!.id, truck_id: trucks[n % 5] },
      }),
    ),
  )
  const outcomes = responses.map((response) =>
    response.statusCode === 200 ? 'ok' : (response.json() as { code: string }).code,
  )
  expect(count(outcomes as Outcome[])).toEqual({ ok: 1, load_not_open: MANY - 1 })
  const [left] = await owner.query<{ assignments: number; told: number }>(
    `select (select count(*)::int from load_assignments where load_id = $1) as assignments,
            (select count(*)::int from notifications where data ->> 'load_id' = $1::text) as told`,
    [load],
  )
  expect(left).toEqual({ assignments: 1, told: 1 })
})

/** Some thousands of statements, of which each meets the others. */
const STORM_MS = trialSize(4_000, 20_000)
/** What seldom succeeds gets this long to do so once, on a machine that is busy with other tests. */
const LONGEST_STORM_MS = patience(60_000)
const SEED = trialSeed()

test(
  `a storm (seed ${SEED}) of 16 clients who assign 5 drivers and 5 trucks, move loads and take both out of service breaks no rule, and never deadlocks`,
  async () => {
    const drivers = await Promise.all(Array.from({ length: 5 }, () => arrangeDriver(owner)))
    const trucks = await Promise.all(Array.from({ length: 5 }, () => arrangeVehicle(owner, 'trucks')))
    const loads = await Promise.all(
      Array.from({ length: 60 }, (_, n) =>
        arrangeLoad(owner, { from: 24 * 100 + n, to: 24 * 100 + n + 2 + (n % 3) }),
      ),
    )
    // Given no load: to leave and to break down succeeds at times, however busy the seed makes the others.
    const anyDriver = [...drivers, await arrangeDriver(owner)]
    const anyTruck = [...trucks, await arrangeVehicle(owner, 'trucks')]
    const strict = failOnDeadlock(api().api)
    const as = (statement: SQL): Promise<Outcome> => outcomeOf(runAs(strict, OFFICE, statement))
    const driverOf = (random: () => number): string => pick(random, drivers).id
    const ACTS: Record<string, (random: () => number, load: string) => Promise<Outcome>> = {
      assign: (random, load) => as(assignment(load, driverOf(random), pick(random, trucks))),
      team: (random, load) => {
        const [one, other] = [pick(random, drivers).id, pick(random, drivers).id]
        return as(assignment(load, one, pick(random, trucks), one === other ? null : other))
      },
      unassign: (_, load) => as(unassignment(load)),
      move: (random, load) => as(movement(load, 24 * 100 + Math.floor(random() * 60), 3)),
      leave: (random) => as(withStatus('drivers', pick(random, anyDriver).id, 'on_leave')),
      comeBack: (random) => as(withStatus('drivers', pick(random, anyDriver).id, 'active')),
      breakDown: (random) => as(withStatus('trucks', pick(random, anyTruck), 'out_of_service')),
      repair: (random) => as(withStatus('trucks', pick(random, anyTruck), 'in_service')),
      withdraw: (random) => as(medicalCard(pick(random, anyDriver).id, sql`null`)),
      verify: (random) => as(medicalCard(pick(random, anyDriver).id, sql`now()`)),
    }
    const found = new Map<string, Outcome[]>(Object.keys(ACTS).map((kind) => [kind, []]))
    const started = performance.now()
    const rages = (): boolean => {
      const elapsed = performance.now() - started
      const isComplete = [...found.values()].every((outcomes) => outcomes.includes('ok'))
      return elapsed < STORM_MS || (!isComplete && elapsed < LONGEST_STORM_MS)
    }
    const kinds = [
      'assign',
      'assign',
      'assign',
      'team',
      'team',
      'unassign',
      'move',
      'move',
      'leave',
      'comeBack',
    ]
    await Promise.all(
      Array.from({ length: CLIENTS }, async (_, client) => {
        const random = seededRandom(SEED + client)
        while (rages()) {
          const kind = pick(random, [...kinds, 'breakDown', 'repair', 'withdraw', 'verify'])
          found.get(kind)!.push(await ACTS[kind]!(random, pick(random, loads)))
        }
      }),
    )
    const outcomes = (kind: string): string[] => Object.keys(count(found.get(kind)!)).sort()
    for (const kind of found.keys()) expect(outcomes(kind), kind).toContain('ok')
    const allowed = new Set([
      ...['ok', 'load_not_open', 'driver_overlap', 'truck_overlap', 'driver_inactive'],
      ...['equipment_out_of_service', 'load_state', 'driver_in_use', 'equipment_in_use'],
      ...['medical_card_missing', 'document_in_use'],
    ])
    expect([...found.values()].flat().filter((outcome) => !allowed.has(outcome))).toEqual([])
  },
  LONGEST_STORM_MS + 30_000,
)

describe('two at one moment, in either order', () => {
  /** A driver, a truck, a trailer and a load that no other case has, with two places in time. */
  let day = 400
  async function setScene() {
    const from = 24 * 2 * ++day
    return {
      from,
      driver: (await arrangeDriver(owner)).id,
      other: (await arrangeDriver(owner)).id,
      truck: await arrangeVehicle(owner, 'trucks'),
      otherTruck: await arrangeVehicle(owner, 'trucks'),
      trailer: await arrangeVehicle(owner, 'trailers'),
      load: await arrangeLoad(owner, { from }),
      later: await arrangeLoad(owner, { from: from + 12 }),
    }
  }
  type Scene = Awaited<ReturnType<typeof setScene>>

  interface Case {
    one: (scene: Scene) => SQL
    other: (scene: Scene) => SQL
    /** What the second is told, by which came first. */
    told: [afterOne: string, afterOther: string]
    before?: (scene: Scene) => Promise<void>
    /** What the other is told when it comes first: a soft delete gives no row. */
    otherFirst?: Outcome
  }
  const assignOne: Case['one'] = ({ load, driver, truck, trailer }) =>
    sql`select muster.assign_load(${load}, 1, ${driver}, ${truck}, null, ${trailer})`

  const CASES: Record<string, Case> = {
    'an assignment, and the driver goes on leave': {
      one: assignOne,
      other: ({ driver }) => withStatus('drivers', driver, 'on_leave'),
      told: ['driver_in_use', 'driver_inactive'],
    },
    'an assignment, and the license of the driver ends before it': {
      one: assignOne,
      other: ({ driver, from }) =>
        sql`update drivers set license_valid_until = ${inHours(from - 48).slice(0, 10)} where id = ${driver} returning id`,
      told: ['driver_in_use', 'license_expired'],
    },
    'an assignment, and the medical card of the driver is withdrawn': {
      one: assignOne,
      other: ({ driver }) => medicalCard(driver, sql`null`),
      told: ['document_in_use', 'medical_card_missing'],
    },
    'an assignment, and the medical card of the driver is found to end before it': {
      one: assignOne,
      other: ({ driver, from }) =>
        medicalCard(driver, sql`now(), expiry_date = ${inHours(from - 48).slice(0, 10)}`),
      told: ['document_in_use', 'medical_card_expired'],
    },
    'an assignment, and the medical card of the driver is removed': {
      one: assignOne,
      other: ({ driver }) =>
        sql`delete from driver_documents where driver_id = ${driver} and kind = 'medical_card' returning id`,
      told: ['document_in_use', 'medical_card_missing'],
      otherFirst: 'unseen',
    },
    'an assignment, and the truck goes out of service': {
      one: assignOne,
      other: ({ truck }) => withStatus('trucks', truck, 'out_of_service'),
      told: ['equipment_in_use', 'equipment_out_of_service'],
    },
    'an assignment, and the inspection of the trailer ends before it': {
      one: assignOne,
      other: ({ trailer, from }) =>
        sql`update trailers set inspection_due_on = ${inHours(from - 48).slice(0, 10)} where id = ${trailer} returning id`,
      told: ['equipment_in_use', 'inspection_expired'],
    },
    'an assignment, and one of the same driver as a co-driver': {
      one: assignOne,
      other: ({ later, other, driver, otherTruck }) => assignment(later, other, otherTruck, driver),
      before: async ({ later, from }) => {
        await runAs(api().api, DISPATCHER, movement(later, from + 1, 3))
      },
      told: ['driver_overlap', 'driver_overlap'],
    },
    'an assignment, and another load of the driver that moves into it': {
      one: assignOne,
      other: ({ later, from }) => movement(later, from + 1, 3),
      before: async ({ later, driver, otherTruck }) => assignAs(owner, later, { driver, truck: otherTruck }),
      told: ['driver_overlap', 'driver_overlap'],
    },
    'an assignment, and its load moves behind the inspection of the truck': {
      one: assignOne,
      other: ({ load, from }) => movement(load, from + 24 * 20, 3),
      before: async ({ truck, from }) => {
        await owner.query('update trucks set inspection_due_on = $2 where id = $1', [
          truck,
          inHours(from + 24 * 5).slice(0, 10),
        ])
      },
      told: ['inspection_expired', 'inspection_expired'],
    },
    'two assignments of one load': {
      one: assignOne,
      other: ({ load, other, otherTruck }) => assignment(load, other, otherTruck),
      told: ['load_not_open', 'load_not_open'],
    },
    'an assignment, and the load is cancelled': {
      one: ({ load }) => sql`select muster.move_load(${load}, 'cancelled', 'Withdrawn')`,
      other: assignOne,
      // Cancelled after it was assigned, it is over for its driver, too.
      told: ['load_not_open', 'ok'],
    },
  }

  test.each(Object.keys(CASES))('%s', async (name) => {
    const { one, other, told, before, otherFirst = 'ok' } = CASES[name]!
    const strict = failOnDeadlock(api().api)
    for (const [nth, steps] of [[one, other] as const, [other, one] as const].entries()) {
      const scene = await setScene()
      await before?.(scene)
      const [first, second] = steps.map((step) => ({ actor: OFFICE, statement: step(scene) }))
      expect(await interleave(strict, first!, second!), `order ${nth + 1}`).toEqual({
        first: nth === 0 ? 'ok' : otherFirst,
        second: told[nth],
        waited: true,
      })
    }
  })

  test('a load of a broker whose record is removed: one of the two is refused', async () => {
    const strict = failOnDeadlock(api().api)
    const record = async (): Promise<string> =>
      (
        await owner.query<{ id: string }>(
          "insert into brokers (organization_id, name, payment_days) values ($1, 'Short-lived', 30) returning id",
          [FREIGHT_ORGANIZATIONS.carrier],
        )
      )[0]!.id
    const creation = (broker: string): SQL =>
      sql`select muster.create_loads(${JSON.stringify([
        { broker_id: broker, rate: 1, currency: 'USD', distance_unit: 'mi', stops: stopsFor(1, 9) },
      ])}::jsonb) -> 'loads' -> 0 -> 'id' as id`
    const removal = (broker: string): SQL => sql`delete from brokers where id = ${broker} returning id`
    const first = await record()
    expect(
      await interleave(
        strict,
        { actor: OFFICE, statement: creation(first) },
        { actor: OFFICE, statement: removal(first) },
      ),
    ).toEqual({ first: 'ok', second: 'broker_in_use', waited: true })
    const second = await record()
    await interleave(
      strict,
      { actor: OFFICE, statement: removal(second) },
      { actor: OFFICE, statement: creation(second) },
    )
    const left = await owner.query('select from loads where broker_id = $1', [second])
    expect(left).toEqual([])
  })

  test('a load of a broker whose record names another organization: it sees the load, and no other does', async () => {
    const strict = failOnDeadlock(api().api)
    const link = (named: string | null): SQL =>
      sql`update brokers set broker_organization_id = ${named} where id = ${BROKERS.carrier} returning id`
    const creation = sql`select muster.create_loads(${JSON.stringify([
      {
        broker_id: BROKERS.carrier,
        reference: 'RACE',
        rate: 1,
        currency: 'USD',
        distance_unit: 'mi',
        stops: stopsFor(1, 9),
      },
    ])}::jsonb)`
    for (const [named, order] of [
      [null, 0],
      [FREIGHT_ORGANIZATIONS.brokerage, 1],
    ] as const) {
      const steps = [creation, link(named)].map((statement) => ({ actor: OFFICE, statement }))
      const [first, second] = order === 0 ? steps : steps.reverse()
      expect(await interleave(strict, first!, second!)).toEqual({ first: 'ok', second: 'ok', waited: true })
      const seen = await owner.query<{ named: string | null }>(
        `select distinct l.broker_organization_id as named from loads l where l.reference = 'RACE'
         union select distinct s.broker_organization_id from load_stops s join loads l on l.id = s.load_id where l.reference = 'RACE'`,
      )
      expect(seen).toEqual([{ named }])
    }
  })
})

const statuses = (items: readonly object[]): SQL =>
  sql`select r ->> 'id' as id, r ->> 'status' as status from jsonb_array_elements(muster.record_duty_statuses(${JSON.stringify(items)}::jsonb)) as r`
/** A driver of the carrier who keeps a log. */
async function arrangeLog() {
  const { id, userId } = await arrangeDriver(owner)
  const exp = Math.floor(Date.now() / 1000) + 3600
  return { driver: id, actor: callerFromClaims({ sub: userId, role: 'authenticated', exp }) }
}

/** As many entries as a driver makes in a week or two, and as many phones as a driver could sign in on at once. */
const ENTRIES = 60
const BATCHES = trialSize(16, 64)

test(`batches (seed ${SEED}) of one log that race leave it as one after another would; what came before is a duplicate, and none deadlocks`, async () => {
  const { driver, actor } = await arrangeLog()
  const random = seededRandom(SEED)
  const entries = Array.from({ length: ENTRIES }, (_, n) => ({
    id: crypto.randomUUID(),
    status: pick(random, ['off_duty', 'sleeper', 'driving', 'on_duty']),
    began_at: inHours(-2 * (ENTRIES - n)),
    recorded_at: inHours(-2 * (ENTRIES - n)),
    device_id: 'phone',
    latitude: null,
    longitude: null,
  }))
  // Each batch has most of the entries, in an order of its own, and some of them twice.
  const batches = Array.from({ length: BATCHES }, (_, n) => [
    ...entries.filter((_entry, nth) => nth % BATCHES === n),
    ...Array.from({ length: ENTRIES }, () => pick(random, entries)),
  ]).map((batch) => batch.sort(() => random() - 0.5))
  const strict = failOnDeadlock(api().api)
  const answers = await Promise.all(
    batches.map((batch) => runAs<{ id: string; status: string }>(strict, actor, statuses(batch))),
  )
  const results = answers.flat()
  // In whatever order they came: each entry was created once, and is a success everywhere else.
  const created = results.filter(({ status }) => status === 'created').map(({ id }) => id)
  expect(created.sort()).toEqual(entries.map(({ id }) => id).sort())
  expect(results.length - created.length).toBe(batches.flat().length - ENTRIES)
  expect(new Set(results.map(({ status }) => status))).toEqual(new Set(['created', 'duplicate']))

  const log = await owner.query(
    `select id, status, to_json(began_at) #>> '{}' as began_at from duty_status_changes where driver_id = $1 order by began_at, id`,
    [driver],
  )
  expect(log.map(({ began_at, ...entry }) => ({ ...entry, at: Date.parse(String(began_at)) }))).toEqual(
    entries.map(({ id, status, began_at }) => ({ id, status, at: Date.parse(began_at) })),
  )
})

test('two batches of one log that have an entry in common stand in one queue', async () => {
  const { actor } = await arrangeLog()
  const entry = (hours: number) => ({
    id: crypto.randomUUID(),
    status: 'driving',
    began_at: inHours(hours),
    recorded_at: inHours(hours),
    device_id: 'phone',
  })
  const [one, shared, other] = [entry(-3), entry(-2), entry(-1)]
  const both = await interleave(
    failOnDeadlock(api().api),
    { actor, statement: statuses([one, shared]) },
    { actor, statement: statuses([other, shared]) },
  )
  expect(both).toEqual({ first: 'ok', second: 'ok', waited: true })
  const again = await runAs<{ status: string }>(api().api, actor, statuses([one, shared, other]))
  expect(again.map(({ status }) => status)).toEqual(['duplicate', 'duplicate', 'duplicate'])
})
