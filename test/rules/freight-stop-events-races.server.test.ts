import { randomUUID } from 'node:crypto'
import { beforeAll, expect, test } from 'vitest'
import { callerFromClaims } from '../../src/platform/auth/caller.ts'
import { type SQL, sql } from '../../src/platform/db/drizzle.ts'
import type { Database } from '../../src/platform/db/engine/database.ts'
import { useApi } from '../support/api.ts'
import { arrangeDriver, arrangeLoad, arrangeVehicle, assignAs, inHours } from '../support/freight-loads.ts'
import { buildFreightWorld, freightCallerOf } from '../support/freight-world.ts'
import { failOnDeadlock, interleave } from '../support/interleave.ts'
import { patience } from '../support/patience.ts'
import { pick, seededRandom } from '../support/random.ts'
import { type Outcome, outcomeOf, runAs } from '../support/rehearsal.ts'
import { trialSeed, trialSize } from '../support/trial.ts'

/* Phones that report of loads while the office plans them. */

const CLIENTS = 8
const api = useApi(
  { DATABASE_POOL_SIZE: String(CLIENTS + 1), DATABASE_CALLER_CONNECTIONS: String(CLIENTS) },
  buildFreightWorld,
)
let owner: Database
beforeAll(() => {
  owner = api().owner
})

const OFFICE = freightCallerOf('office')
const callerOf = (userId: string) =>
  callerFromClaims({
    sub: userId,
    role: 'authenticated',
    email: 'driver@example.com',
    exp: Math.floor(Date.now() / 1000) + 3600,
  })

/** A load that is on now, which a driver has since yesterday. */
async function assignedLoad(from = -1, given?: { id: string; userId: string }) {
  const driver = given ?? (await arrangeDriver(owner))
  const truck = await arrangeVehicle(owner, 'trucks')
  const load = await arrangeLoad(owner, { from, to: from + 0.9 })
  await assignAs(owner, load, { driver: driver.id, truck })
  await owner.query("update load_assignments set created_at = now() - interval '1 day' where load_id = $1", [
    load,
  ])
  const stops = await owner.query<{ id: string }>(
    'select id from load_stops where load_id = $1 order by position',
    [load],
  )
  return { load, truck, driver, caller: callerOf(driver.userId), stops: stops.map(({ id }) => id) }
}

const event = (kind: string, stop: string, recorded: string) => ({
  id: randomUUID(),
  kind,
  stop_id: stop,
  latitude: 41.85003,
  longitude: -87.65005,
  accuracy_meters: 10,
  recorded_at: recorded,
})
const report = (items: object[]): SQL =>
  sql`select muster.record_stop_events(${JSON.stringify(items)}::jsonb) as answer`
const unassignment = (load: string): SQL => sql`select muster.unassign_load(${load})`

async function stateOf(load: string) {
  const [state] = await owner.query<{ status: string; arrived: boolean; counting: number; evidence: number }>(
    `select l.status, exists (select from load_stops s where s.load_id = l.id and s.arrived_at is not null) as arrived,
            (select count(*)::int from stop_events e where e.load_id = l.id and e.counts) as counting,
            (select count(*)::int from stop_events e where e.load_id = l.id and not e.counts) as evidence
     from loads l where l.id = $1`,
    [load],
  )
  return state
}

test('an unassignment and an arrival at one moment: the one that is first decides', async () => {
  const strict = failOnDeadlock(api().api)
  const one = await assignedLoad()
  expect(
    await interleave(
      strict,
      { actor: OFFICE, statement: unassignment(one.load) },
      { actor: one.caller, statement: report([event('arrival', one.stops[0]!, inHours(-0.5))]) },
    ),
  ).toEqual({ first: 'ok', second: 'ok', waited: true })
  expect(await stateOf(one.load)).toEqual({ status: 'pending', arrived: false, counting: 0, evidence: 1 })

  const other = await assignedLoad()
  expect(
    await interleave(
      strict,
      { actor: other.caller, statement: report([event('arrival', other.stops[0]!, inHours(-0.5))]) },
      { actor: OFFICE, statement: unassignment(other.load) },
    ),
  ).toEqual({ first: 'ok', second: 'load_state', waited: true })
  expect(await stateOf(other.load)).toEqual({ status: 'in_transit', arrived: true, counting: 1, evidence: 0 })
})

test('one batch that is sent twice at one moment is stored once', async () => {
  const { load, caller, stops } = await assignedLoad()
  const items = [event('arrival', stops[0]!, inHours(-0.5)), event('departure', stops[0]!, inHours(-0.25))]
  expect(
    await interleave(
      failOnDeadlock(api().api),
      { actor: caller, statement: report(items) },
      { actor: caller, statement: report([...items].reverse()) },
    ),
  ).toEqual({ first: 'ok', second: 'ok', waited: true })
  expect(await stateOf(load)).toMatchObject({ status: 'in_transit', counting: 2 })
})

const STORM_MS = trialSize(3_000, 20_000)
const SEED = trialSeed()

test(
  `a storm (seed ${SEED}) of phones that report of several loads, while the office unassigns, assigns and corrects them, never deadlocks`,
  async () => {
    const drivers = await Promise.all(Array.from({ length: 3 }, () => arrangeDriver(owner)))
    const loads = await Promise.all(
      Array.from({ length: 9 }, (_, n) => assignedLoad(-1 + Math.floor(n / 3), drivers[n % 3])),
    )
    const strict = failOnDeadlock(api().api)
    const end = performance.now() + STORM_MS
    const found: Outcome[] = []
    await Promise.all(
      Array.from({ length: CLIENTS }, async (_, client) => {
        const random = seededRandom(SEED + client)
        while (performance.now() < end) {
          const { load, driver, truck, stops } = pick(random, loads)
          const own = loads.filter((one) => one.driver.id === driver.id)
          const acts: Record<string, () => [typeof OFFICE, SQL]> = {
            report: () => [
              callerOf(driver.userId),
              report(
                Array.from({ length: 5 }, () => {
                  const one = pick(random, own)
                  const kind = pick(random, ['arrival', 'departure', 'position'])
                  return event(kind, pick(random, one.stops), inHours(-random()))
                }),
              ),
            ],
            unassign: () => [OFFICE, unassignment(load)],
            assign: () => [OFFICE, sql`select muster.assign_load(${load}, 1, ${driver.id}, ${truck})`],
            correct: () => [
              OFFICE,
              sql`select muster.change_stop(${pick(random, stops)}, ${JSON.stringify({ arrived_at: inHours(-1) })}::jsonb)`,
            ],
          }
          const [caller, statement] =
            acts[pick(random, ['report', 'report', 'unassign', 'assign', 'correct'])]!()
          found.push(await outcomeOf(runAs(strict, caller, statement)))
        }
      }),
    )
    expect(found).toContain('ok')
    const allowed = new Set([
      'ok',
      'load_not_open',
      'load_state',
      'driver_overlap',
      'truck_overlap',
      'validation_failed',
    ])
    expect(found.filter((outcome) => !allowed.has(outcome))).toEqual([])
    // Whatever happened, each stop is what its events and hands say: those that phones told of alone follow from their set.
    const wrong = await owner.query(
      `select s.id, s.arrived_at from load_stops s
       where s.arrival_is_reported and s.arrived_at is distinct from (
         select min(e.recorded_at) from stop_events e where e.stop_id = s.id and e.kind = 'arrival' and e.counts
           and e.recorded_at <= coalesce(case when s.departure_is_reported is not true then s.departed_at end, 'infinity'))`,
    )
    expect(wrong).toEqual([])
  },
  patience(STORM_MS + 30_000),
)
