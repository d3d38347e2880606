import { type SQL, sql } from 'drizzle-orm'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { Caller } from '../../src/auth/caller.ts'
import type { Database } from '../../src/db/engine/types.ts'
import { useApi } from '../support/api.ts'
import { failOnDeadlock } from '../support/interleave.ts'
import { expectInvariants } from '../support/invariants.ts'
import { pick, seededRandom } from '../support/random.ts'
import { type Actor, type Outcome, outcomeOf, runAs } from '../support/rehearsal.ts'
import { inHours, updateShift } from '../support/shifts.ts'
import { arrangeGuards, arrangeShift, type Guard, LOCATIONS, SITE } from '../support/world.ts'

/** As many as the storm has clients, so that they meet in the database and not in the queue before it. */
const CLIENTS = 16
const api = useApi({ DATABASE_POOL_SIZE: String(CLIENTS) })
let owner: Database

beforeAll(() => {
  owner = api().owner
})
afterEach(() => expectInvariants(owner))

const count = (outcomes: readonly Outcome[]): Record<Outcome, number> =>
  Object.fromEntries(
    [...new Set(outcomes)].map((outcome) => [outcome, outcomes.filter((one) => one === outcome).length]),
  )

const rowsAbout = async (shifts: readonly string[]) => {
  const [row] = await owner.query<{ assigned: string; payments: string; notifications: string }>(
    `select
       (select count(*) from shifts where id = any ($1::uuid[]) and status = 'assigned') as assigned,
       (select count(*) from finqle_transactions where shift_id = any ($1::uuid[])) as payments,
       (select count(*) from notifications where (data ->> 'shift_id')::uuid = any ($1::uuid[])) as notifications`,
    [`{${shifts.join(',')}}`],
  )
  return row
}
const ONE_OF_EACH = { assigned: '1', payments: '1', notifications: '1' }

describe('two hundred at once', () => {
  const MANY = 200

  const codesOf = async (
    requests: Promise<{ statusCode: number; json: () => { code?: string } }>[],
  ): Promise<Record<Outcome, number>> =>
    count(
      (await Promise.all(requests)).map((response) => response.json().code ?? String(response.statusCode)),
    )

  test('guards claim one shift: one has it', async () => {
    const guards = await arrangeGuards(owner, MANY)
    const shift = await arrangeShift(owner)
    const headers = await Promise.all(guards.map(({ userId }) => api().authorize(userId)))
    const claims = headers.map((header) =>
      api().app.inject({ method: 'POST', url: `/v1/shifts/${shift}/claim`, headers: header }),
    )
    expect(await codesOf(claims)).toEqual({ 200: 1, shift_not_open: MANY - 1 })
    expect(await rowsAbout([shift])).toEqual(ONE_OF_EACH)
  })

  test('guards claim one shift by an update of their own: one has it, the others find it gone', async () => {
    const guards = await arrangeGuards(owner, MANY)
    const shift = await arrangeShift(owner)
    const claims = guards.map(({ caller, professionalId }) =>
      outcomeOf(
        runAs(
          api().api,
          caller,
          updateShift(shift, sql`status = 'assigned', professional_id = ${professionalId}`),
        ),
      ),
    )
    expect(count(await Promise.all(claims))).toEqual({ ok: 1, unseen: MANY - 1 })
    expect(await rowsAbout([shift])).toEqual(ONE_OF_EACH)
  })

  test('shifts of the same hours are assigned to one guard: one is', async () => {
    const [guard] = await arrangeGuards(owner, 1)
    const shifts = await Promise.all(
      Array.from({ length: MANY }, (_, nth) =>
        arrangeShift(owner, { startsInHours: 1 + nth / MANY, hours: 2 }),
      ),
    )
    const assignments = shifts.map((shift) =>
      api().as('company').post(`/v1/shifts/${shift}/assign`, { professional_id: guard!.professionalId }),
    )
    expect(await codesOf(assignments)).toEqual({ 200: 1, shift_overlap: MANY - 1 })
    expect(await rowsAbout(shifts)).toEqual(ONE_OF_EACH)
  })

  test('shifts of the same hours are claimed by one guard with many phones: one is', async () => {
    const [guard] = await arrangeGuards(owner, 1)
    const shifts = await Promise.all(
      Array.from({ length: MANY }, (_, nth) =>
        arrangeShift(owner, { startsInHours: 1 + nth / MANY, hours: 2 }),
      ),
    )
    const header = await api().authorize(guard!.userId)
    const claims = shifts.map((shift) =>
      api().app.inject({ method: 'POST', url: `/v1/shifts/${shift}/claim`, headers: header }),
    )
    expect(await codesOf(claims)).toEqual({ 200: 1, shift_overlap: MANY - 1 })
    expect(await rowsAbout(shifts)).toEqual(ONE_OF_EACH)
  })
})

/** Runs one client after another of what `act` does, side by side, for a time; gives what came of each kind of act. */
async function storm(
  seed: number,
  forMs: number,
  act: (random: () => number) => [kind: string, outcome: Promise<Outcome>],
): Promise<Record<string, Record<Outcome, number>>> {
  const found = new Map<string, Outcome[]>()
  const ends = performance.now() + forMs
  await Promise.all(
    Array.from({ length: CLIENTS }, async (_, client) => {
      const random = seededRandom(seed + client)
      while (performance.now() < ends) {
        const [kind, outcome] = act(random)
        const outcomes = found.get(kind) ?? []
        found.set(kind, outcomes)
        outcomes.push(await outcome)
      }
    }),
  )
  return Object.fromEntries([...found].map(([kind, outcomes]) => [kind, count(outcomes)]))
}

/** A new one each time; a failure names it. */
const SEED = Date.now() % 2 ** 32

const as = (actor: Actor | Caller, statement: SQL): Promise<Outcome> =>
  outcomeOf(runAs(api().api, actor, statement))

describe(`a storm (seed ${SEED})`, () => {
  test('of assignments of five guards by sixteen clients never books one twice, and never deadlocks', async () => {
    const STORM_MS = 10_000
    const guards = await arrangeGuards(owner, 5)
    const shifts = await Promise.all(
      Array.from({ length: 100 }, (_, nth) =>
        arrangeShift(owner, { startsInHours: 1 + nth / 10, hours: 1 + (nth % 3) }),
      ),
    )
    const strict = failOnDeadlock(api().api)
    const asCompany = (statement: SQL) => outcomeOf(runAs(strict, 'company', statement))
    const found = await storm(SEED, STORM_MS, (random) => {
      const shift = pick(random, shifts)
      // One in ten gives back, so that there is always something to take.
      if (random() < 0.1) return ['release', asCompany(releaseOf(shift))]
      return ['assign', asCompany(assignmentOf(shift, pick(random, guards)))]
    })
    expect(Object.keys(found.assign ?? {}).sort()).toEqual(['ok', 'shift_not_open', 'shift_overlap'])
    expect(Object.keys(found.release ?? {}).sort()).toEqual(['invalid_transition', 'ok'])
  }, 60_000)
})

const noop = async (): Promise<Outcome> => 'ok'
const assignmentOf = (shift: string, { professionalId }: Guard): SQL =>
  sql`select muster.move_shift(${shift}, '{published}', 'assigned', ${professionalId})`
const releaseOf = (shift: string): SQL => sql`select muster.move_shift(${shift}, '{assigned}', 'published')`

const setStatus = (guard: Guard, status: string): Promise<Outcome> =>
  as(
    'admin',
    sql`update security_professionals set status = ${status} where id = ${guard.professionalId} returning id`,
  )

/** At the site or a kilometre off, at any time that has been since the shift could begin. */
const checkIn = (random: () => number, shift: string, guard: Guard, kind: string): Promise<Outcome> =>
  as(
    guard.caller,
    sql`insert into gps_checkins (shift_id, kind, gps_point, accuracy_meters, recorded_at)
        values (${shift}, ${kind}, st_point(${SITE.longitude}, ${SITE.latitude + (random() < 0.3 ? 0.01 : 0)})::geography, 5,
                now() - ${random()} * interval '3 hours')
        returning id`,
  )
