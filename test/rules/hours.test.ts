import { sql } from 'drizzle-orm'
import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { DEFAULT_TERMS } from '../../src/guarding/terms/schemas.ts'
import type { Database } from '../../src/platform/db/engine/database.ts'
import { arrangeAssignment, positionFrom } from '../support/check-ins.ts'
import { useTestDatabase } from '../support/database.ts'
import {
  type ClockEvent,
  EVENT_KINDS,
  line,
  payOf,
  read,
  type WorkedAssignment,
  workedIntervals,
} from '../support/hours-model.ts'
import { patience } from '../support/patience.ts'
import { rehearse, type Stage } from '../support/rehearsal.ts'
import { paymentsOf, shiftIn, updateShift } from '../support/shifts.ts'
import { trialSize } from '../support/trial.ts'
import { acquaint, buildWorld, ORGANIZATIONS, PROFESSIONALS, SITE } from '../support/world.ts'

const prepared = useTestDatabase()
let database: Database

beforeAll(async () => {
  database = prepared().owner
  await buildWorld(database)
  await acquaint(database, [PROFESSIONALS.guard])
})

const TIMEOUT_MS = patience(120_000)
/** Times are seconds after the start of the first shift, which began so long ago that all of them have passed. */
const HOUR = 3_600
const BEGAN_HOURS_AGO = 48
const RATE = 27.53
/** What shifts have when nothing else is said. */
const OVERTIME = 1.5
const TERMS = { rate: RATE, overtime: OVERTIME, hour: HOUR }

const OUTSIDE_METERS = 2_500

/** Metres from the site (radius 100) and the accuracy; an imprecise one is uncertain, unless it is far away. */
const positionOf = ({ isOutside, accuracy = 5 }: ClockEvent) => {
  const { latitude, longitude } = positionFrom(SITE, isOutside ? OUTSIDE_METERS : 10)
  return { latitude, longitude, accuracy }
}

const clock = (stage: Stage, shift: string, base: Date, event: ClockEvent) => {
  const { latitude, longitude, accuracy } = positionOf(event)
  const at = new Date(base.getTime() + event.at * 1000).toISOString()
  return stage.run(
    'guard',
    sql`insert into gps_checkins (shift_id, kind, gps_point, accuracy_meters, recorded_at)
        values (${shift}, ${event.kind}, st_point(${longitude}::float8, ${latitude}::float8)::geography, ${accuracy}, ${at})
        returning id`,
  )
}

interface Found {
  status: string
  flags: string[]
  amount: number
  intervals: [number, number][]
}

async function lookAt(stage: Stage, shift: string, base: Date): Promise<Found> {
  const [row] = await stage.run<Found>(
    'owner',
    sql`select s.status, a.flags, t.amount, coalesce((
          select jsonb_agg(jsonb_build_array(
            extract(epoch from w.worked_from - ${base.toISOString()}::timestamptz),
            extract(epoch from w.worked_to - ${base.toISOString()}::timestamptz)) order by w.worked_from)
          from muster.worked_intervals(a.id) w
        ), '[]') as intervals
        from shifts s join assignments a on a.shift_id = s.id join finqle_transactions t on t.assignment_id = a.id
        where s.id = ${shift}`,
  )
  return row!
}

/** As `worked_intervals` gives them: cut at the planned end. */
const cut = (intervals: ReturnType<typeof workedIntervals>, end: number) =>
  intervals.flatMap(([from, to]) =>
    [
      [from, Math.min(to, end)],
      [Math.max(from, end), to],
    ].filter(([a, b]) => a! < b!),
  )

function expectedOf(worked: WorkedAssignment, all: readonly WorkedAssignment[]): Found {
  const { state, flags } = read(worked)
  const intervals = workedIntervals(worked, all)
  const cents =
    state === 'completed'
      ? payOf(intervals, worked.end, TERMS)
      : line(worked.end - worked.start, RATE, 1, HOUR)
  return {
    status: state,
    flags,
    amount: cents / 100,
    intervals: cut(intervals, worked.end) as [number, number][],
  }
}

/** Two shifts of the guard, back to back: eight hours and four. */
const SPANS = [
  { start: 0, end: 8 * HOUR },
  { start: 8 * HOUR, end: 12 * HOUR },
] as const

/** The window of both shifts is open from -2 h to 20 h of the first, and from 6 h to 24 h. */
const event = (from: number, to: number) =>
  fc.record<ClockEvent>({
    kind: fc.constantFrom(...EVENT_KINDS, 'clock_in', 'clock_out'),
    // Some meet each other, or the planned times.
    at: fc.oneof(
      fc.integer({ min: from, max: to }),
      fc.constantFrom(0, HOUR, 8 * HOUR, 12 * HOUR).filter((at) => at >= from && at <= to),
    ),
    isOutside: fc.constantFrom(false, false, false, true),
    accuracy: fc.constantFrom(5, 5, 5, 600, 2_000),
  })

/** Seen from the database: what is that imprecise can be outside only from farther away than the radius and the accuracy. */
const story = fc.tuple(
  fc.array(event(-2 * HOUR, 20 * HOUR), { maxLength: 6 }),
  fc.array(event(6 * HOUR, 24 * HOUR), { maxLength: 4 }),
)

/** The first of two equals decides: not the one that was stored first. */
const TAPS: ClockEvent[] = [
  { kind: 'clock_in', at: 0, isOutside: false },
  { kind: 'clock_out', at: 12 * HOUR, isOutside: true },
  { kind: 'clock_out', at: 12 * HOUR, isOutside: false },
]
const TWO_OUTS_AT_ONE_INSTANT = {
  events: [TAPS, []] as [ClockEvent[], ClockEvent[]],
  order: TAPS.map((one) => ({ nth: 0, one })),
}

async function openShifts(stage: Stage): Promise<{ base: Date; ids: string[] }> {
  const base = new Date(Math.floor(Date.now() / 1000) * 1000 - BEGAN_HOURS_AGO * HOUR * 1000)
  const ids: string[] = []
  for (const { start, end } of SPANS) {
    const { id } = await arrangeAssignment(stage.owner, {
      start: new Date(base.getTime() + start * 1000),
      hours: (end - start) / HOUR,
      rate: RATE,
    })
    ids.push(id)
  }
  return { base, ids }
}

describe('hours', () => {
  test(
    'are what the model says, whatever the events and the order in which they come',
    async () => {
      const deliveries = story.chain(([first, second]) => {
        const all = [...first.map((one) => ({ nth: 0, one })), ...second.map((one) => ({ nth: 1, one }))]
        return fc.record({
          events: fc.constant([first, second]),
          order: fc.shuffledSubarray(all, { minLength: all.length, maxLength: all.length }),
        })
      })
      await fc.assert(
        fc.asyncProperty(deliveries, async ({ events, order }) => {
          await rehearse(database, async (stage) => {
            const { base, ids } = await openShifts(stage)
            const worked = SPANS.map((span, nth) => ({ ...span, shift: String(nth), events: events[nth]! }))
            for (const { nth, one } of order) await clock(stage, ids[nth]!, base, one)
            for (const [nth, id] of ids.entries())
              expect(await lookAt(stage, id, base)).toEqual(expectedOf(worked[nth]!, worked))
          })
        }),
        { numRuns: trialSize(40, 2_000), examples: [[TWO_OUTS_AT_ONE_INSTANT]] },
      )
    },
    TIMEOUT_MS * trialSize(1, 20),
  )

  test(
    'are the same for all orders of the same events',
    async () => {
      // A wrong tap that is mended, a break without an end, and at one instant out and in.
      const all: ClockEvent[] = [
        { kind: 'clock_in', at: 0, isOutside: false },
        { kind: 'clock_out', at: 72, isOutside: false },
        { kind: 'clock_in', at: 300, isOutside: false },
        { kind: 'break_start', at: 2 * HOUR, isOutside: false },
        { kind: 'clock_in', at: 3 * HOUR, isOutside: false },
        { kind: 'clock_out', at: 9 * HOUR, isOutside: false },
      ]
      const events = all.slice(0, trialSize(4, 6))
      const expected = expectedOf({ ...SPANS[0], shift: '0', events }, [])
      await rehearse(database, async (stage) => {
        for (const order of permutations(events)) {
          await stage.tryOut(async () => {
            const { base, ids } = await openShifts(stage)
            for (const one of order) await clock(stage, ids[0]!, base, one)
            expect(await lookAt(stage, ids[0]!, base)).toEqual(expected)
          })
        }
      })
    },
    TIMEOUT_MS * trialSize(1, 10),
  )
})

function permutations<T>(items: readonly T[]): T[][] {
  if (items.length === 0) return [[]]
  return items.flatMap((item, nth) => permutations(items.toSpliced(nth, 1)).map((rest) => [item, ...rest]))
}

describe('an assignment', () => {
  const assignmentsOf = (stage: Stage, shift: string) =>
    stage.run<Record<string, unknown>>(
      'owner',
      sql`select professional_id, ended_as, hourly_rate, minimum_minutes from assignments where shift_id = ${shift} order by begun_at`,
    )

  test('is made by assigning, and stays as it was when the shift goes to somebody else', async () => {
    await rehearse(database, async (stage) => {
      const id = await shiftIn(stage, { status: 'assigned', rate: 25 })
      const raised = sql`hourly_rate = 26`
      expect(await stage.attempt('company', updateShift(id, raised))).toBe('ok')
      expect(await stage.attempt('company', updateShift(id, sql`status = 'published'`))).toBe('ok')
      expect(await stage.attempt('company', updateShift(id, sql`hourly_rate = 20`))).toBe('ok')
      expect(await stage.attempt('otherGuard', sql`select muster.claim_shift(${id})`)).toBe('ok')
      expect(await assignmentsOf(stage, id)).toEqual([
        { professional_id: PROFESSIONALS.guard, ended_as: 'released', hourly_rate: 26, minimum_minutes: 180 },
        { professional_id: PROFESSIONALS.otherGuard, ended_as: null, hourly_rate: 20, minimum_minutes: 180 },
      ])
    })
  })

  test('keeps the terms that were valid when it was made', async () => {
    await rehearse(database, async (stage) => {
      const setTerms = (minutes: number, validFrom = sql`now() - interval '1 second' * ${1_000 - minutes}`) =>
        stage.attempt(
          'company',
          sql`insert into company_terms (valid_from, late_after_minutes, auto_close_minutes, minimum_minutes, give_back_minutes,
                                         delivery_days)
              values (${validFrom}, 10, 20, ${minutes}, 30, 5) returning id`,
        )
      expect(await setTerms(240)).toBe('ok')
      expect(await setTerms(300, sql`now() + interval '1 hour'`)).toBe('ok')
      const id = await shiftIn(stage, { status: 'assigned' })
      expect(await setTerms(120)).toBe('ok')
      const other = await shiftIn(stage, { status: 'assigned', startsInHours: 30 })
      // The newest that has come: 120 is valid from an earlier moment than 240.
      expect((await assignmentsOf(stage, id))[0]).toMatchObject({ minimum_minutes: 240 })
      expect((await assignmentsOf(stage, other))[0]).toMatchObject({ minimum_minutes: 240 })
    })
  })

  test('has the default terms of the API where the company has set none', async () => {
    const [terms] = await database.query(
      `select late_after_minutes, auto_close_minutes, minimum_minutes, give_back_minutes, delivery_days
       from muster.terms_at($1, now())`,
      [ORGANIZATIONS.rival],
    )
    expect(terms).toEqual(DEFAULT_TERMS)
  })

  test('keeps its payment as long as it can be paid, and nobody can delete it', async () => {
    await rehearse(database, async (stage) => {
      const id = await shiftIn(stage, { status: 'active', rate: 20 })
      const cancel = sql`status = 'cancelled', cancel_reason = 'Called off'`
      expect(await stage.attempt('company', updateShift(id, cancel))).toBe('ok')
      expect(await paymentsOf(stage, id)).toMatchObject([{ status: 'pending', amount: 60 }])
      const tamper = sql`update finqle_transactions set status = 'voided' where shift_id = ${id} returning id`
      expect(await stage.attempt('service_role', tamper)).toBe('payment_missing')
    })
  })
})

describe('of a shift that somebody has', () => {
  test.each([
    ['company', 'rate_lowered'],
    ['service_role', 'rate_lowered'],
  ] as const)('the rate only rises: %s', async (actor, refusal) => {
    await rehearse(database, async (stage) => {
      for (const status of ['assigned', 'active'] as const) {
        const id = await shiftIn(stage, { status, startsInHours: status === 'active' ? 30 : 1, rate: 25 })
        expect(await stage.attempt(actor, updateShift(id, sql`hourly_rate = 24.99`))).toBe(refusal)
        expect(await stage.attempt(actor, updateShift(id, sql`overtime_rate = 1.4`))).toBe(refusal)
        expect(await stage.attempt(actor, updateShift(id, sql`hourly_rate = 25.01`))).toBe('ok')
      }
    })
  })

  test('start and place stay when it has begun, and it is not released', async () => {
    await rehearse(database, async (stage) => {
      const later = sql`start_datetime = start_datetime + interval '10 minutes'`
      const early = await shiftIn(stage, { status: 'assigned', startsInHours: 1 })
      expect(await stage.attempt('company', updateShift(early, later))).toBe('ok')
      const { id: begun } = await arrangeAssignment(stage.owner)
      const active = await shiftIn(stage, { status: 'active', startsInHours: 30 })
      for (const id of [begun, active])
        expect(await stage.attempt('company', updateShift(id, later))).toBe('shift_begun')
      const running = await shiftIn(stage, {
        status: 'assigned',
        startsInHours: -0.25,
        hours: 1,
        professional: PROFESSIONALS.otherGuard,
      })
      expect(await stage.attempt('company', updateShift(running, sql`status = 'published'`))).toBe(
        'shift_begun',
      )
    })
  })

  test('the end moves, but not before what was worked, nor past overtime', async () => {
    await rehearse(database, async (stage) => {
      const id = await shiftIn(stage, { status: 'assigned', startsInHours: -4, hours: 8, rate: 20 })
      const base = new Date(Date.now() - 4 * HOUR * 1000)
      await clock(stage, id, base, { kind: 'clock_in', at: 60, isOutside: false })
      const end = (hours: number) =>
        stage.attempt(
          'company',
          updateShift(id, sql`end_datetime = start_datetime + ${hours}::float8 * interval '1 hour'`),
        )
      // They are at work now, four hours after the start.
      expect([await end(3), await end(5), await end(9)]).toEqual(['end_worked', 'ok', 'ok'])
      await clock(stage, id, base, { kind: 'clock_out', at: 2 * HOUR, isOutside: false })
      await clock(stage, id, base, { kind: 'clock_in', at: 3 * HOUR, isOutside: false })
      expect(await end(2)).toBe('end_worked')
    })
  })

  test('its guard gives it back after it was moved, before the start, and otherwise not', async () => {
    await rehearse(database, async (stage) => {
      const id = await shiftIn(stage, { status: 'assigned', startsInHours: 5 })
      const giveBack = sql`select muster.release_shift(${id})`
      expect(await stage.attempt('guard', giveBack)).toBe('forbidden')
      expect(await stage.attempt('otherGuard', giveBack)).toBe('not_found')
      const later = sql`start_datetime = start_datetime + interval '10 minutes'`
      expect(await stage.attempt('company', updateShift(id, later))).toBe('ok')
      await stage.tryOut(async () => {
        await stage.owner.query(
          "update assignments set moved_at = now() - interval '25 hours' where shift_id = $1",
          [id],
        )
        expect(await stage.attempt('guard', giveBack)).toBe('forbidden')
      })
      expect(await stage.attempt('guard', giveBack)).toBe('ok')
      expect(await paymentsOf(stage, id)).toMatchObject([{ status: 'voided' }])
    })
  })

  test('point and radius stay when its location moves after it has begun', async () => {
    await rehearse(database, async (stage) => {
      const begun = await shiftIn(stage, { status: 'assigned', startsInHours: -1 })
      const early = await shiftIn(stage, {
        status: 'assigned',
        startsInHours: 3,
        professional: PROFESSIONALS.otherGuard,
      })
      await stage.run(
        'client',
        sql`update locations set radius_meters = 500, location_point = st_point(5, 52)::geography returning id`,
      )
      const placeOf = (id: string) =>
        stage.run(
          'owner',
          sql`select a.radius_meters, round(st_x(s.location_point::geometry)::numeric, 2)::float8 as x
              from shifts s join assignments a on a.shift_id = s.id where s.id = ${id}`,
        )
      expect(await placeOf(begun)).toEqual([{ radius_meters: 100, x: Number(SITE.longitude.toFixed(2)) }])
      expect(await placeOf(early)).toEqual([{ radius_meters: 500, x: 5 }])
    })
  })
})
