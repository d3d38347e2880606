import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { DEFAULT_TERMS } from '../../src/guarding/terms/schemas.ts'
import { sql } from '../../src/platform/db/drizzle.ts'
import type { Database } from '../../src/platform/db/engine/database.ts'
import { arrangeAssignment, checkInId, imposeCorrection, positionFrom } from '../support/check-ins.ts'
import { useTestDatabase } from '../support/database.ts'
import {
  type ClockEvent,
  type Decision,
  EVENT_KINDS,
  type EventKind,
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
import { acquaint, buildWorld, ORGANIZATIONS, PROFESSIONALS, SITE, USERS } from '../support/world.ts'

const prepared = useTestDatabase()
let database: Database

beforeAll(async () => {
  database = prepared().owner
  await buildWorld(database)
  await acquaint(database, [PROFESSIONALS.guard, PROFESSIONALS.otherGuard])
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
    sql`insert into gps_checkins (id, shift_id, kind, gps_point, accuracy_meters, recorded_at)
        values (${event.id ?? checkInId()}, ${shift}, ${event.kind},
                st_point(${longitude}::float8, ${latitude}::float8)::geography, ${accuracy}, ${at})
        on conflict do nothing returning id`,
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
  { start: 0, end: 8 * HOUR, lateAfter: HOUR / 2 },
  { start: 8 * HOUR, end: 12 * HOUR, lateAfter: HOUR / 2 },
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

  test(
    'are the same for some orders of more events than have all their orders tried',
    async () => {
      const events: ClockEvent[] = [
        { kind: 'clock_in', at: -900, isOutside: false },
        { kind: 'clock_out', at: -600, isOutside: true },
        { kind: 'clock_in', at: 300, isOutside: false },
        { kind: 'break_start', at: 2 * HOUR, isOutside: false },
        { kind: 'break_end', at: 2.5 * HOUR, isOutside: false },
        { kind: 'break_start', at: 5 * HOUR, isOutside: false, accuracy: 400 },
        { kind: 'clock_out', at: 6 * HOUR, isOutside: false },
        { kind: 'clock_in', at: 6 * HOUR, isOutside: false },
        { kind: 'clock_out', at: 9 * HOUR, isOutside: false },
      ]
      const expected = expectedOf({ ...SPANS[0], shift: '0', events }, [])
      const orders = fc.sample(fc.shuffledSubarray(events, { minLength: events.length }), trialSize(6, 500))
      await rehearse(database, async (stage) => {
        for (const order of orders) {
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

  test(
    'are what the model says, also of corrections, of phones that deliver late or twice, and of shifts that nobody left',
    async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 16 }), async (steps) => {
          await rehearse(database, async (stage) => {
            const { base, ids } = await openShifts(stage)
            await stage.owner.query('update assignments set delivery_days = 1 where shift_id = any ($1)', [
              `{${ids.join()}}`,
            ])
            const worked = SPANS.map((span, nth) => ({ ...span, ...NOTHING, shift: String(nth) }))
            for (const one of steps) await play(stage, one, { base, ids, worked })
            await stage.run('owner', sql`select muster.close_missed_shifts()`)
            for (const [nth, id] of ids.entries()) {
              const found = await lookAt(stage, id, base)
              const expected = expectedOf(worked[nth]!, worked)
              // It pays nothing, whatever it would have paid; and whoever came late before it turned out that nobody came, was late.
              if (found.status === 'no_show')
                expect({ ...found, status: 'assigned', amount: expected.amount }).toMatchObject({
                  ...expected,
                  flags: expect.arrayContaining(expected.flags),
                })
              else expect(found).toEqual(expected)
            }
          })
        }),
        { numRuns: trialSize(20, 2_000) },
      )
    },
    TIMEOUT_MS * trialSize(1, 20),
  )
})

/** As long as nothing has been played. */
const NOTHING = {
  events: [] as ClockEvent[],
  decisions: [] as Decision[],
  isAutoClosed: false,
}

type Step =
  | { type: 'event'; nth: 0 | 1; event: ClockEvent; delay: number }
  | { type: 'again'; nth: 0 | 1; which: number }
  | {
      type: 'correction'
      nth: 0 | 1
      which: number
      adds: boolean
      kind: EventKind
      becomes: number | null
      decidedAt: number
    }
  | { type: 'close' }

const WINDOWS = [
  [-2 * HOUR, 20 * HOUR],
  [6 * HOUR, 24 * HOUR],
] as const

const step: fc.Arbitrary<Step> = fc.constantFrom(0 as const, 1 as const).chain((nth) => {
  const [from, to] = WINDOWS[nth]
  const some = fc.nat({ max: 15 })
  return fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({
        type: fc.constant('event' as const),
        nth: fc.constant(nth),
        event: event(from, to),
        delay: fc.oneof(fc.constant(0), fc.nat({ max: 36 * HOUR })),
      }),
    },
    fc.record({ type: fc.constant('again' as const), nth: fc.constant(nth), which: some }),
    {
      weight: 4,
      arbitrary: fc.record({
        type: fc.constant('correction' as const),
        nth: fc.constant(nth),
        which: some,
        adds: fc.boolean(),
        kind: fc.constantFrom(...EVENT_KINDS),
        becomes: fc.option(fc.integer({ min: from, max: to }), { freq: 3 }),
        // No two at the same moment: the later one counts.
        decidedAt: fc.nat({ max: BEGAN_HOURS_AGO * HOUR - 1 }),
      }),
    },
    fc.constant({ type: 'close' as const }),
  )
})

/** On the database, and for the model. */
async function play(
  stage: Stage,
  one: Step,
  { base, ids, worked }: { base: Date; ids: string[]; worked: (WorkedAssignment & typeof NOTHING)[] },
): Promise<void> {
  if (one.type === 'close') {
    await stage.run('owner', sql`select muster.close_left_shifts()`)
    for (const shift of worked) shift.isAutoClosed ||= read(shift).state === 'active'
    return
  }
  const { nth } = one
  const shift = worked[nth]!
  const timeOf = (at: number) => new Date(base.getTime() + at * 1000)
  if (one.type === 'event') {
    const id = checkInId()
    const arrivedAt = Math.min(one.event.at + one.delay, BEGAN_HOURS_AGO * HOUR)
    await clock(stage, ids[nth]!, base, { ...one.event, id })
    await stage.owner.query('update gps_checkins set created_at = $2 where id = $1', [
      id,
      timeOf(arrivedAt).toISOString(),
    ])
    await stage.run(
      'owner',
      sql`select muster.advance_assignment(id) from assignments where shift_id = ${ids[nth]!}`,
    )
    shift.events = [
      ...shift.events,
      { ...one.event, id, arrivedAt, isOverdue: arrivedAt > one.event.at + 24 * HOUR },
    ]
  } else if (one.type === 'again') {
    const again = shift.events[one.which % shift.events.length]
    if (again) expect(await clock(stage, ids[nth]!, base, again)).toEqual([])
  } else {
    if (shift.decisions.some(({ decidedAt }) => decidedAt === one.decidedAt)) return
    const known = [
      ...shift.events.map(({ id, kind }) => ({ event: id!, kind })),
      ...shift.decisions.map(({ event, kind }) => ({ event, kind })),
    ]
    const target = one.adds ? undefined : known[one.which % known.length]
    if (!target && one.becomes === null) return
    const event = await imposeCorrection(stage.owner, ids[nth]!, target?.event, {
      kind: target?.kind ?? one.kind,
      becomes: one.becomes === null ? null : timeOf(one.becomes),
      decidedAt: timeOf(one.decidedAt),
    })
    shift.decisions = [
      ...shift.decisions,
      {
        event,
        kind: target?.kind ?? one.kind,
        becomes: one.becomes,
        decidedAt: one.decidedAt,
      },
    ]
  }
}

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
      `select late_after_minutes, auto_close_minutes, minimum_minutes, give_back_minutes, delivery_days,
         overtime_tolerance_minutes, plan_tolerance_minutes, approve_after_days, dispute_days
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
      const told = await stage.run(
        'owner',
        sql`select user_id from notifications where type = 'shift_released' and data ->> 'shift_id' = ${id} order by user_id`,
      )
      expect(told).toEqual(
        [USERS.company, USERS.colleague, USERS.guard].sort().map((user_id) => ({ user_id })),
      )
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

const call = (name: string, most = 100) => sql`select ${sql.raw(`muster.${name}`)}(${most}) as done`
const doneBy = async (stage: Stage, name: string, most?: number) =>
  (await stage.run<{ done: number }>('muster_jobs', call(name, most)))[0]!.done

/** Of one that came eight hours, and nobody else. */
const flagsOf = async (stage: Stage, shift: string) =>
  (
    await stage.run<{ flags: string[] }>(
      'owner',
      sql`select flags from assignments where shift_id = ${shift}`,
    )
  )[0]!.flags

describe('a shift to which nobody comes', () => {
  test('is flagged late after its grace, once, and both sides are told', async () => {
    await rehearse(database, async (stage) => {
      const id = await shiftIn(stage, { status: 'published', startsInHours: -0.75 })
      const early = await shiftIn(stage, { status: 'published', startsInHours: -0.25 })
      await stage.run(
        'admin',
        updateShift(id, sql`status = 'assigned', professional_id = ${PROFESSIONALS.guard}`),
      )
      await stage.run(
        'admin',
        updateShift(early, sql`status = 'assigned', professional_id = ${PROFESSIONALS.otherGuard}`),
      )
      expect([await doneBy(stage, 'flag_late_shifts'), await doneBy(stage, 'flag_late_shifts')]).toEqual([
        1, 0,
      ])
      expect([await flagsOf(stage, id), await flagsOf(stage, early)]).toEqual([['late'], []])
      // An offline phone delivers: they were there.
      await stage.tryOut(async () => {
        const start = new Date(Date.now() - 0.75 * HOUR * 1000)
        await clock(stage, id, start, { kind: 'clock_in', at: 0.6 * HOUR, isOutside: false })
        expect(await flagsOf(stage, id)).toEqual(['late'])
        await clock(stage, id, start, { kind: 'clock_in', at: 60, isOutside: false })
        expect(await flagsOf(stage, id)).toEqual([])
      })
      const told = await stage.run(
        'owner',
        sql`select user_id from notifications where type = 'shift_late' and data ->> 'shift_id' = ${id} order by user_id`,
      )
      expect(told).toEqual(
        [USERS.company, USERS.colleague, USERS.guard].sort().map((user_id) => ({ user_id })),
      )
    })
  })

  test('becomes a no_show at its end, and a phone that was offline moves it on', async () => {
    await rehearse(database, async (stage) => {
      const { id, start } = await arrangeAssignment(stage.owner)
      const coming = await shiftIn(stage, {
        status: 'assigned',
        startsInHours: 1,
        professional: PROFESSIONALS.otherGuard,
      })
      expect([
        await doneBy(stage, 'close_missed_shifts'),
        await doneBy(stage, 'close_missed_shifts'),
      ]).toEqual([1, 0])
      expect(await lookAt(stage, id, start)).toMatchObject({ status: 'no_show' })
      expect(await paymentsOf(stage, id)).toMatchObject([{ status: 'voided' }])
      expect(await lookAt(stage, coming, start)).toMatchObject({ status: 'assigned' })
      // Neither certificate nor status matters to a check-in.
      await stage.owner.query("update security_professionals set status = 'suspended' where id = $1", [
        PROFESSIONALS.guard,
      ])
      await clock(stage, id, start, { kind: 'clock_in', at: 0, isOutside: false })
      expect(await lookAt(stage, id, start)).toMatchObject({ status: 'active', flags: [] })
      await clock(stage, id, start, { kind: 'clock_out', at: 7 * HOUR, isOutside: false })
      expect(await lookAt(stage, id, start)).toMatchObject({ status: 'completed', amount: 175 })
      expect(await paymentsOf(stage, id)).toMatchObject([{ status: 'pending', amount: 175 }])
    })
  })

  test('stays a no_show where the guard works elsewhere by now, flagged, until its work has an end', async () => {
    await rehearse(database, async (stage) => {
      const { id, start } = await arrangeAssignment(stage.owner)
      await doneBy(stage, 'close_missed_shifts')
      await arrangeAssignment(stage.owner, { start: new Date(start.getTime() + 4 * HOUR * 1000) })
      await clock(stage, id, start, { kind: 'clock_in', at: 0, isOutside: false })
      expect(await lookAt(stage, id, start)).toMatchObject({ status: 'no_show', flags: ['conflict'] })
      await clock(stage, id, start, { kind: 'clock_out', at: 4 * HOUR, isOutside: false })
      expect(await lookAt(stage, id, start)).toMatchObject({ status: 'completed', amount: 100, flags: [] })
    })
  })

  test('is closed by background work alone', async () => {
    await rehearse(database, async (stage) => {
      const { id } = await arrangeAssignment(stage.owner)
      for (const actor of ['company', 'guard', 'admin'] as const) {
        for (const name of ['flag_late_shifts', 'close_missed_shifts', 'close_left_shifts'])
          expect(await stage.attempt(actor, call(name))).toBe('forbidden')
      }
      expect(await stage.attempt('company', updateShift(id, sql`status = 'no_show'`))).toBe('forbidden')
    })
  })
})

describe('a shift that nobody left', () => {
  test('is closed at its planned end, until a clock_out says when it was', async () => {
    await rehearse(database, async (stage) => {
      const { id, start } = await arrangeAssignment(stage.owner)
      await clock(stage, id, start, { kind: 'clock_in', at: 0, isOutside: false })
      expect([await doneBy(stage, 'close_left_shifts'), await doneBy(stage, 'close_left_shifts')]).toEqual([
        1, 0,
      ])
      expect(await lookAt(stage, id, start)).toMatchObject({
        status: 'completed',
        amount: 200,
        flags: ['auto_closed'],
      })
      await clock(stage, id, start, { kind: 'clock_out', at: 7 * HOUR, isOutside: false })
      expect(await lookAt(stage, id, start)).toMatchObject({ status: 'completed', amount: 175, flags: [] })
    })
  })

  test('is one of many: what one call leaves, the next one does', async () => {
    await rehearse(database, async (stage) => {
      for (let n = 0; n < 3; n += 1) {
        const { id, start } = await arrangeAssignment(stage.owner)
        await clock(stage, id, start, { kind: 'clock_in', at: 0, isOutside: false })
      }
      const done = [2, 2, 2].map((most) => () => doneBy(stage, 'close_left_shifts', most))
      const found: number[] = []
      for (const one of done) found.push(await one())
      expect(found).toEqual([2, 1, 0])
    })
  })
})
