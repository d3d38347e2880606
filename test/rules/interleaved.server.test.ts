import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { type SQL, sql } from '../../src/platform/db/drizzle.ts'
import type { Database } from '../../src/platform/db/engine/database.ts'
import { openServer } from '../../src/platform/db/engine/server.ts'
import { arrangeAssignment } from '../support/check-ins.ts'
import { useTestDatabase } from '../support/database.ts'
import { failOnDeadlock, interleave, type Step } from '../support/interleave.ts'
import { expectInvariants } from '../support/invariants.ts'
import { patience } from '../support/patience.ts'
import { type Outcome, outcomeOf, runAs } from '../support/rehearsal.ts'
import { inHours, updateShift } from '../support/shifts.ts'
import {
  arrangeGuards,
  arrangeShift,
  buildWorld,
  type Guard,
  LOCATIONS,
  ORGANIZATIONS,
  SITE,
  USERS,
} from '../support/world.ts'

/*
 * Two things at the same moment, in both orders: whoever comes second waits for the first, and then decides by what the
 * first has left behind.
 */

const prepared = useTestDatabase()
let database: Database

beforeAll(async () => {
  await buildWorld(prepared().owner)
  database = failOnDeadlock(openServer({ url: prepared().ownerUrl ?? '', max: 4 }))
})
afterAll(() => database.close())
afterEach(() => expectInvariants(prepared().owner))

/** What a case plays with: a guard and a location that no other case uses. */
interface Scene {
  guard: Guard
  rival: Guard
  location: string
  /** Two certificates of the guard, `vca` and `bhv`. */
  vca: string
  bhv: string
  shift(fixture?: Parameters<typeof arrangeShift>[1]): Promise<string>
}

async function setScene(): Promise<Scene> {
  const { owner } = prepared()
  const [guard, rival] = await arrangeGuards(owner, 2, ['vca', 'bhv'])
  const [location] = await owner.query<{ id: string }>(
    `insert into locations (organization_id, name, address, location_point)
     values ($1, 'Gate', 'Dam 1', st_point($2::float8, $3::float8)::geography) returning id`,
    [ORGANIZATIONS.company, SITE.longitude, SITE.latitude],
  )
  const certificates = await owner.query<{ id: string; kind: string }>(
    'select id, kind from certificates where professional_id = $1',
    [guard!.professionalId],
  )
  return {
    guard: guard!,
    rival: rival!,
    location: location!.id,
    vca: certificates.find(({ kind }) => kind === 'vca')!.id,
    bhv: certificates.find(({ kind }) => kind === 'bhv')!.id,
    shift: (fixture = {}) =>
      arrangeShift(owner, { location: location!.id, professional: guard!.professionalId, ...fixture }),
  }
}

const claim = (guard: Guard, shift: string): Step => ({
  actor: guard.caller,
  statement: sql`select muster.claim_shift(${shift})`,
})
const assign = (guard: Guard, shift: string): Step =>
  change(shift, sql`status = 'assigned', professional_id = ${guard.professionalId}`)
/** As an admin, who is told every reason. */
const change = (shift: string, changes: SQL): Step => asAdmin(updateShift(shift, changes))
const release = (shift: string): Step => change(shift, sql`status = 'published'`)
const cancel = (shift: string): Step => change(shift, sql`status = 'cancelled', cancel_reason = 'x'`)
const asAdmin = (statement: SQL): Step => ({ actor: 'admin', statement })
const withdraw = (certificate: string): Step =>
  asAdmin(sql`update certificates set verified_at = null where id = ${certificate} returning id`)
const end = (certificate: string): Step =>
  asAdmin(sql`update certificates set valid_until = current_date - 1 where id = ${certificate} returning id`)
const remove = (certificate: string): Step => ({
  actor: 'service_role',
  statement: sql`delete from certificates where id = ${certificate} returning id`,
})
const suspend = (guard: Guard): Step =>
  asAdmin(
    sql`update security_professionals set status = 'suspended' where id = ${guard.professionalId} returning id`,
  )
const changeLocation = (location: string, changes: SQL): Step =>
  asAdmin(sql`update locations set ${changes} where id = ${location} returning id`)
const checkIn = (guard: Guard, shift: string, kind: 'clock_in' | 'ping' | 'clock_out'): Step => ({
  actor: guard.caller,
  statement: sql`
    insert into gps_checkins (shift_id, kind, gps_point, accuracy_meters, recorded_at)
    values (${shift}, ${kind}, st_point(${SITE.longitude}::float8, ${SITE.latitude}::float8)::geography, 5, clock_timestamp())
    returning id`,
})

interface Case {
  name: string
  /** The two steps, on what was arranged for them. */
  arrange(scene: Scene): Promise<[a: Step, b: Step]>
  /** Outcomes of a and b when a comes first. */
  aFirst: [a: Outcome, b: Outcome]
  /** Outcomes of a and b when b comes first. */
  bFirst: [a: Outcome, b: Outcome]
}

const CASES: Case[] = [
  {
    name: 'two guards claim one shift',
    async arrange({ guard, rival, shift }) {
      const id = await shift()
      return [claim(guard, id), claim(rival, id)]
    },
    aFirst: ['ok', 'shift_not_open'],
    bFirst: ['shift_not_open', 'ok'],
  },
  {
    name: 'one guard claims two shifts that overlap',
    async arrange({ guard, shift }) {
      return [claim(guard, await shift()), claim(guard, await shift({ startsInHours: 5 }))]
    },
    aFirst: ['ok', 'shift_overlap'],
    bFirst: ['shift_overlap', 'ok'],
  },
  {
    name: 'two companies assign one guard',
    async arrange({ guard, shift }) {
      const rivals = await shift({ company: ORGANIZATIONS.rival, location: LOCATIONS.site })
      return [assign(guard, await shift()), assign(guard, rivals)]
    },
    aFirst: ['ok', 'shift_overlap'],
    bFirst: ['shift_overlap', 'ok'],
  },
  {
    name: 'a claim, and the certificate is withdrawn',
    async arrange({ guard, vca, shift }) {
      return [claim(guard, await shift()), withdraw(vca)]
    },
    aFirst: ['ok', 'certificate_in_use'],
    bFirst: ['certificate_missing', 'ok'],
  },
  {
    name: 'an assignment, and the certificate is shortened',
    async arrange({ guard, vca, shift }) {
      return [assign(guard, await shift()), end(vca)]
    },
    aFirst: ['ok', 'certificate_in_use'],
    bFirst: ['certificate_expired', 'ok'],
  },
  {
    name: 'an assignment, and the certificate is deleted',
    async arrange({ guard, vca, shift }) {
      return [assign(guard, await shift()), remove(vca)]
    },
    aFirst: ['ok', 'certificate_in_use'],
    bFirst: ['certificate_missing', 'ok'],
  },
  {
    name: 'a claim, and the guard is suspended',
    async arrange({ guard, shift }) {
      return [claim(guard, await shift()), suspend(guard)]
    },
    aFirst: ['ok', 'professional_in_use'],
    bFirst: ['professional_inactive', 'ok'],
  },
  {
    name: 'two certificates of one kind are withdrawn',
    async arrange({ guard, vca, bhv, shift }) {
      await prepared().owner.query("update certificates set kind = 'vca' where id = $1", [bhv])
      await shift({ status: 'assigned', professional: guard.professionalId })
      return [withdraw(vca), withdraw(bhv)]
    },
    aFirst: ['ok', 'certificate_in_use'],
    bFirst: ['certificate_in_use', 'ok'],
  },
  {
    name: 'a claim, and another shift of the guard is moved to the same hours',
    async arrange({ guard, shift }) {
      const taken = await shift({ status: 'assigned', startsInHours: 40 })
      const hours = sql`start_datetime = ${inHours(2)}, end_datetime = ${inHours(4)}`
      return [claim(guard, await shift()), change(taken, hours)]
    },
    aFirst: ['ok', 'shift_overlap'],
    bFirst: ['shift_overlap', 'ok'],
  },
  {
    name: 'a claim, and the shift itself is moved onto another of the guard',
    async arrange({ guard, shift }) {
      await shift({ status: 'assigned', startsInHours: 40 })
      const open = await shift()
      const hours = sql`start_datetime = ${inHours(41)}, end_datetime = ${inHours(43)}`
      return [claim(guard, open), change(open, hours)]
    },
    aFirst: ['ok', 'shift_overlap'],
    bFirst: ['shift_overlap', 'ok'],
  },
  {
    name: 'a claim, and the shift comes to require more',
    async arrange({ guard, shift }) {
      const open = await shift()
      return [claim(guard, open), change(open, sql`required_certificates = '{vca,svpb}'`)]
    },
    aFirst: ['ok', 'certificate_missing'],
    bFirst: ['certificate_missing', 'ok'],
  },
  {
    name: 'an assigned shift comes to require a certificate, and that is withdrawn',
    async arrange({ bhv, shift }) {
      const taken = await shift({ status: 'assigned' })
      return [change(taken, sql`required_certificates = '{vca,bhv}'`), withdraw(bhv)]
    },
    aFirst: ['ok', 'certificate_in_use'],
    bFirst: ['certificate_missing', 'ok'],
  },
  {
    name: 'a claim, and the location goes to a zone where the certificate has ended',
    async arrange({ guard, location, vca, shift }) {
      const open = await shift()
      await endShiftOnLastDay(open, vca)
      return [claim(guard, open), changeLocation(location, sql`time_zone = 'Pacific/Kiritimati'`)]
    },
    aFirst: ['ok', 'certificate_expired'],
    bFirst: ['certificate_expired', 'ok'],
  },
  {
    name: 'the location goes to a later zone, and the certificate is shortened',
    async arrange({ guard, location, vca, shift }) {
      const open = await shift()
      await endShiftOnLastDay(open, vca)
      await prepared().owner.query('update certificates set valid_until = valid_until + 1 where id = $1', [
        vca,
      ])
      await prepared().owner.query(
        "update shifts set status = 'assigned', professional_id = $2 where id = $1",
        [open, guard.professionalId],
      )
      return [
        changeLocation(location, sql`time_zone = 'Pacific/Kiritimati'`),
        asAdmin(sql`update certificates set valid_until = valid_until - 1 where id = ${vca} returning id`),
      ]
    },
    aFirst: ['ok', 'certificate_in_use'],
    bFirst: ['certificate_expired', 'ok'],
  },
  {
    name: 'a shift is created, and its location moves',
    async arrange({ location }) {
      return [create(location), changeLocation(location, sql`location_point = st_point(5, 52)::geography`)]
    },
    aFirst: ['ok', 'ok'],
    bFirst: ['ok', 'ok'],
  },
  {
    name: 'a shift goes to a location, and that moves',
    async arrange({ location, shift }) {
      const elsewhere = await shift({ location: LOCATIONS.site })
      return [
        change(elsewhere, sql`location_id = ${location}`),
        changeLocation(location, sql`location_point = st_point(5, 52)::geography, time_zone = 'UTC'`),
      ]
    },
    aFirst: ['ok', 'ok'],
    bFirst: ['ok', 'ok'],
  },
  {
    name: 'a shift is created, and its location is removed',
    async arrange({ location }) {
      const gone = sql`update locations set deleted_at = now() where id = ${location} returning id`
      return [create(location), { actor: 'service_role', statement: gone }]
    },
    aFirst: ['ok', 'location_in_use'],
    bFirst: ['not_found', 'ok'],
  },
  {
    name: 'a shift goes to a location, and that is removed',
    async arrange({ location, shift }) {
      const elsewhere = await shift({ location: LOCATIONS.site })
      const gone = sql`update locations set deleted_at = now() where id = ${location} returning id`
      return [change(elsewhere, sql`location_id = ${location}`), { actor: 'service_role', statement: gone }]
    },
    aFirst: ['ok', 'location_in_use'],
    bFirst: ['not_found', 'ok'],
  },
  {
    name: 'a release, and the guard clocks in',
    async arrange({ guard, shift }) {
      const taken = await shift({ status: 'assigned' })
      return [release(taken), checkIn(guard, taken, 'clock_in')]
    },
    // It was recorded after the release.
    aFirst: ['ok', 'shift_not_assigned'],
    bFirst: ['invalid_transition', 'ok'],
  },
  {
    name: 'a cancellation, and the guard clocks in',
    async arrange({ guard, shift }) {
      const taken = await shift({ status: 'assigned' })
      return [cancel(taken), checkIn(guard, taken, 'clock_in')]
    },
    aFirst: ['ok', 'shift_not_assigned'],
    bFirst: ['ok', 'ok'],
  },
  {
    name: 'a release, and a cancellation',
    async arrange({ shift }) {
      const taken = await shift({ status: 'assigned' })
      return [release(taken), cancel(taken)]
    },
    aFirst: ['ok', 'ok'],
    bFirst: ['invalid_transition', 'ok'],
  },
  {
    name: 'a claim, and the shift is deleted',
    async arrange({ guard, shift }) {
      const open = await shift()
      return [
        claim(guard, open),
        { actor: 'company', statement: sql`delete from shifts where id = ${open} returning id` },
      ]
    },
    aFirst: ['ok', 'invalid_transition'],
    // What is deleted is hidden: the statement answers with no row.
    bFirst: ['not_found', 'unseen'],
  },
  {
    name: 'a claim, and the shift is cancelled',
    async arrange({ guard, shift }) {
      const open = await shift()
      return [claim(guard, open), cancel(open)]
    },
    aFirst: ['ok', 'ok'],
    bFirst: ['shift_not_open', 'ok'],
  },
  {
    name: 'a release, and background work takes up the payment',
    async arrange({ shift }) {
      const taken = await shift({ status: 'assigned' })
      const process = sql`update finqle_transactions set status = 'processing' where shift_id = ${taken} returning id`
      return [release(taken), { actor: 'service_role', statement: process }]
    },
    aFirst: ['ok', 'shift_not_assigned'],
    bFirst: ['ok', 'ok'],
  },
  {
    // The invariants say what it must come to: the planned pay.
    name: 'an assigned shift becomes longer, and its payment is tried again',
    async arrange({ shift }) {
      const taken = await shift({ status: 'assigned' })
      await prepared().owner.query("update finqle_transactions set status = 'failed' where shift_id = $1", [
        taken,
      ])
      const again = sql`update finqle_transactions set status = 'pending' where shift_id = ${taken} returning id`
      return [
        change(taken, sql`end_datetime = end_datetime + interval '1 hour'`),
        { actor: 'service_role', statement: again },
      ]
    },
    aFirst: ['ok', 'ok'],
    bFirst: ['ok', 'ok'],
  },
  {
    name: 'two phones of one guard clock in and out',
    async arrange({ guard, shift }) {
      const taken = await shift({ status: 'assigned' })
      return [checkIn(guard, taken, 'clock_in'), checkIn(guard, taken, 'clock_out')]
    },
    aFirst: ['ok', 'ok'],
    bFirst: ['ok', 'ok'],
  },
  {
    name: 'a correction is accepted and refused',
    async arrange({ guard, shift }) {
      const correction = await proposeTo(await shift({ status: 'assigned' }))
      return [decide(guard, correction, 'accepted'), decide(guard, correction, 'refused')]
    },
    aFirst: ['ok', 'correction_decided'],
    bFirst: ['correction_decided', 'ok'],
  },
  {
    name: 'a correction is accepted, and a phone delivers',
    async arrange({ guard, shift }) {
      const taken = await shift({ status: 'assigned' })
      return [decide(guard, await proposeTo(taken), 'accepted'), checkIn(guard, taken, 'clock_in')]
    },
    aFirst: ['ok', 'ok'],
    bFirst: ['ok', 'ok'],
  },
  {
    name: 'an approval of hours, and the guard clocks in again',
    async arrange(scene) {
      const { guard } = scene
      const worked = await workedBetween(scene, [-2, -1], [-2, -1])
      return [approve(worked), checkIn(guard, worked, 'clock_in')]
    },
    aFirst: ['ok', 'ok'],
    bFirst: ['timesheet_state', 'ok'],
  },
  {
    // The invariants say that no second is paid twice.
    name: 'an approval of hours, and the clock_out of the next shift, which has some of the same',
    async arrange(scene) {
      const { guard } = scene
      const worked = await workedBetween(scene, [-3, -2], [-3, -1.9])
      const next = await assignedBetween(scene, [-2, -1])
      await runAs(database, guard.caller, checkInAgo(next, 'clock_in', -2))
      return [approve(worked), checkIn(guard, next, 'clock_out')]
    },
    aFirst: ['ok', 'ok'],
    bFirst: ['ok', 'ok'],
  },
]

const decide = (guard: Guard, correction: string, verdict: 'accepted' | 'refused'): Step => ({
  actor: guard.caller,
  statement: sql`select muster.decide_correction(${correction}, ${verdict})`,
})

/** A correction by the company: the guard clocked in a minute ago. */
async function proposeTo(shift: string): Promise<string> {
  const [row] = await prepared().owner.query<{ id: string }>(
    `insert into corrections (assignment_id, change, kind, becomes_at, reason, proposed_by, proposed_as)
     select id, 'happened', 'clock_in', now() - interval '1 minute', 'Seen there', $2, 'company'
     from assignments where shift_id = $1 returning id`,
    [shift, USERS.company],
  )
  return row!.id
}

const approve = (shift: string): Step =>
  asAdmin(sql`select muster.approve_timesheet(t.id, '{}') from timesheets t where t.shift_id = ${shift}`)

const checkInAgo = (shift: string, kind: 'clock_in' | 'clock_out', hours: number): SQL => sql`
  insert into gps_checkins (shift_id, kind, gps_point, accuracy_meters, recorded_at)
  values (${shift}, ${kind}, st_point(${SITE.longitude}::float8, ${SITE.latitude}::float8)::geography, 5, ${inHours(hours)})
  returning id`

type Hours = readonly [from: number, to: number]

/** In hours from now. */
async function assignedBetween({ guard, location }: Scene, [from, to]: Hours): Promise<string> {
  const start = new Date(Date.now() + from * 3_600_000)
  const { professionalId: professional } = guard
  return (await arrangeAssignment(prepared().owner, { professional, location, start, hours: to - from })).id
}

async function workedBetween(scene: Scene, planned: Hours, [from, to]: Hours): Promise<string> {
  const id = await assignedBetween(scene, planned)
  await runAs(database, scene.guard.caller, checkInAgo(id, 'clock_in', from))
  await runAs(database, scene.guard.caller, checkInAgo(id, 'clock_out', to))
  return id
}

/** Ends the shift at noon in Amsterdam on the certificate's last day: in Kiritimati (UTC+14) it is the day after. */
async function endShiftOnLastDay(shift: string, certificate: string): Promise<void> {
  const { owner } = prepared()
  await owner.query(
    `update shifts set start_datetime = noon - interval '4 hours', end_datetime = noon
     from (select (current_date + 3 + time '12:00') at time zone 'Europe/Amsterdam' as noon) x where id = $1`,
    [shift],
  )
  await owner.query('update certificates set valid_until = current_date + 3 where id = $1', [certificate])
}

const create = (location: string): Step => ({
  actor: 'company',
  statement: sql`insert into shifts (location_id, start_datetime, end_datetime, hourly_rate, title)
                 values (${location}, ${inHours(1)}, ${inHours(2)}, 20, 'Gate') returning id`,
})

describe.each(CASES)('$name', ({ arrange, aFirst, bFirst }) => {
  test('in this order', async () => {
    const [a, b] = await arrange(await setScene())
    const { first, second, waited } = await interleave(database, a, b)
    expect({ a: first, b: second, waited }).toEqual({ a: aFirst[0], b: aFirst[1], waited: true })
  })

  test('in the other', async () => {
    const [a, b] = await arrange(await setScene())
    const { first, second, waited } = await interleave(database, b, a)
    expect({ a: second, b: first, waited }).toEqual({ a: bFirst[0], b: bFirst[1], waited: true })
  })
})

test('two locations that move at once, with the same guards in different orders, do not deadlock', async () => {
  const { owner } = prepared()
  const [one, other] = [await setScene(), await setScene()]
  const guards = [one.guard.professionalId, other.guard.professionalId]
  for (const [nth, professional] of guards.entries()) {
    await one.shift({ status: 'assigned', professional, startsInHours: 10 * nth })
  }
  for (const [nth, professional] of guards.toReversed().entries()) {
    await other.shift({ status: 'assigned', professional, startsInHours: 100 + 10 * nth })
  }

  // In the order in which they were made, on disk too: so a location's shifts are updated in that order.
  await owner.query('cluster shifts using shifts_pkey')

  // Both are held up at the guards, and let go at the same moment.
  const letGo = await hold(
    'select id from security_professionals where id = any ($1::uuid[]) for no key update',
    [`{${guards.join(',')}}`],
  )
  const moves = [one, other].map(({ location }) => start(changeLocation(location, BRUSSELS)))
  await waitForBlocked(2)
  await letGo()
  expect(await Promise.all(moves)).toEqual(['ok', 'ok'])
})

test('a location that moves does not deadlock with the claim of one of its shifts by a guard of another', async () => {
  const { guard, location, shift } = await setScene()
  await shift({ status: 'assigned', startsInHours: 100 })
  const open = await shift()
  const letGo = await hold('select id from shifts where id = $1 for no key update', [open])
  const claimed = start(claim(guard, open))
  await waitForBlocked(1)
  const moved = start(changeLocation(location, BRUSSELS))
  await waitForBlocked(2)
  await letGo()
  expect([await claimed, await moved]).toEqual(['ok', 'ok'])
})

const BRUSSELS = sql`time_zone = 'Europe/Brussels'`

const start = ({ actor, statement }: Step): Promise<Outcome> => outcomeOf(runAs(database, actor, statement))

/** Locks rows, as the owner, until the function that it gives is called. */
async function hold(text: string, parameters: string[]): Promise<() => Promise<void>> {
  const areHeld = Promise.withResolvers<void>()
  const mayGo = Promise.withResolvers<void>()
  const held = database.transaction(async (tx) => {
    await tx.query(text, parameters)
    areHeld.resolve()
    await mayGo.promise
  })
  await areHeld.promise
  return async () => {
    mayGo.resolve()
    await held
  }
}

const waitForBlocked = (sessions: number): Promise<void> =>
  vi.waitFor(async () => {
    const blocked = await prepared().owner.query(
      'select pid from pg_stat_activity where cardinality(pg_blocking_pids(pid)) > 0 and datname = current_database()',
    )
    expect(blocked).toHaveLength(sessions)
  }, patience(10_000))
