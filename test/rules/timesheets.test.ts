import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { type SQL, sql } from '../../src/platform/db/drizzle.ts'
import type { Database, Row } from '../../src/platform/db/engine/database.ts'
import { arrangeAssignment, checkInId, imposeCorrection, positionFrom } from '../support/check-ins.ts'
import { useTestDatabase } from '../support/database.ts'
import { type ClockEvent, EVENT_KINDS, type EventKind, type Interval } from '../support/hours-model.ts'
import { patience } from '../support/patience.ts'
import { arrangePayPeriod } from '../support/pay-periods.ts'
import { rehearse, type Stage } from '../support/rehearsal.ts'
import { paymentsOf, shiftIn } from '../support/shifts.ts'
import { linesOf, type ModelSheet, type Side, TimesheetModel } from '../support/timesheet-model.ts'
import { trialSize } from '../support/trial.ts'
import { acquaint, buildWorld, PROFESSIONALS, SITE } from '../support/world.ts'

interface PublicHoliday extends Row {
  calendar: string
  day: string
  name: string
}

const PUBLIC_HOLIDAYS: PublicHoliday[] = JSON.parse(
  readFileSync(new URL('../../src/guarding/allowances/public-holidays.json', import.meta.url), 'utf8'),
)

const prepared = useTestDatabase()
let database: Database

beforeAll(async () => {
  database = prepared().owner
  await buildWorld(database)
  await acquaint(database, [PROFESSIONALS.guard])
})

const TIMEOUT_MS = patience(120_000)
const HOUR = 3_600
/** With a day for deliveries, what was clocked in the first seven hours is overdue, and nothing after that. */
const BEGAN_HOURS_AGO = 31
const OVERDUE_UNTIL = 7 * HOUR
/** The moment of the test, to the second. */
const ARRIVED_AT = BEGAN_HOURS_AGO * HOUR
const RATE = 27.53
const TOLERANCE_MINUTES = 20

/** Two shifts of the guard, back to back: eight hours and four. */
const SPANS = [
  { start: 0, end: 8 * HOUR, lateAfter: HOUR / 2 },
  { start: 8 * HOUR, end: 12 * HOUR, lateAfter: HOUR / 2 },
] as const

/** From when to when each takes check-ins, less than its window, so that some of what is clocked is outside the plan. */
const WINDOWS = [
  [0, 20 * HOUR],
  [6 * HOUR, 24 * HOUR],
] as const

type Step = { nth: 0 | 1 } & (
  | { do: 'clock'; event: ClockEvent }
  | {
      do: 'correct'
      which: number
      adds: boolean
      kind: EventKind
      becomes: number | null
      decidedAt: number
    }
  | { do: 'approve'; reasons: readonly string[] | undefined }
  | { do: 'dispute' }
  | { do: 'counter'; by: Side; worked: Interval[] }
  | { do: 'resolve clocked'; by: 'guard' | 'admin' }
  | { do: 'resolve countered'; by: Side | 'admin' }
  | { do: 'close' }
)

const step: fc.Arbitrary<Step> = fc.constantFrom(0 as const, 1 as const).chain((nth) => {
  const [min, max] = WINDOWS[nth]
  // Some meet each other, the planned times, or the end of what is tolerated.
  const time = fc.oneof(
    fc.integer({ min, max }),
    fc
      .constantFrom(0, HOUR, 8 * HOUR, 8 * HOUR + TOLERANCE_MINUTES * 60, 9 * HOUR, 12 * HOUR)
      .filter((at) => at >= min && at <= max),
  )
  const kind = fc.constantFrom(...EVENT_KINDS, 'clock_in', 'clock_out')
  const of = <Do extends Step['do']>(name: Do) => ({ nth: fc.constant(nth), do: fc.constant(name) })
  return fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({
        ...of('clock'),
        event: fc.record<ClockEvent>({
          kind,
          at: time,
          isOutside: fc.constantFrom(false, false, false, true),
        }),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        ...of('correct'),
        which: fc.nat({ max: 15 }),
        adds: fc.boolean(),
        kind,
        becomes: fc.option(time, { freq: 3 }),
        // Mostly of what had arrived by then.
        decidedAt: fc.oneof(fc.constant(ARRIVED_AT), fc.nat({ max: ARRIVED_AT - 1 })),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        ...of('approve'),
        reasons: fc.constantFrom(
          undefined,
          [],
          ['overtime_beyond_tolerance'],
          ['overdue_events'],
          ['overtime_beyond_tolerance', 'overdue_events'],
        ),
      }),
    },
    fc.record(of('dispute')),
    {
      weight: 2,
      arbitrary: fc.record({
        ...of('counter'),
        by: fc.constantFrom('company' as const, 'guard' as const),
        worked: fc.uniqueArray(time, { maxLength: 4 }).map(inPairs),
      }),
    },
    fc.record(of('close')),
    fc.record({ ...of('resolve clocked'), by: fc.constantFrom('guard' as const, 'admin' as const) }),
    {
      weight: 2,
      arbitrary: fc.record({
        ...of('resolve countered'),
        by: fc.constantFrom('company' as const, 'guard' as const, 'admin' as const),
      }),
    },
  )
})

/** From the first to the second, and so on. */
const inPairs = (times: readonly number[]): Interval[] => {
  const [from, to, ...rest] = times.toSorted((a, b) => a - b)
  return from === undefined || to === undefined ? [] : [[from, to], ...inPairs(rest)]
}

const OUTSIDE_METERS = 2_500

async function clock(
  stage: Stage,
  shift: string,
  base: Date,
  { id = checkInId(), kind, at, isOutside }: ClockEvent,
): Promise<void> {
  const { latitude, longitude } = positionFrom(SITE, isOutside ? OUTSIDE_METERS : 10)
  const recorded = new Date(base.getTime() + at * 1000).toISOString()
  const answer = await stage.attempt(
    'guard',
    sql`insert into gps_checkins (id, shift_id, kind, gps_point, accuracy_meters, recorded_at)
        values (${id}, ${shift}, ${kind}, st_point(${longitude}::float8, ${latitude}::float8)::geography, 5, ${recorded})
        returning id`,
  )
  expect(answer).toBe('ok')
}

/** What the step comes to: the state of the sheet, or the code of the refusal. */
async function decide(
  stage: Stage,
  actor: Side | 'admin',
  shift: string,
  call: (id: string) => SQL,
): Promise<string> {
  const find = sql`select id, state from timesheets where shift_id = ${shift}`
  const [sheet] = await stage.run<{ id: string; state: string }>('owner', find)
  if (!sheet) return 'not_found'
  // Within one transaction no time passes: what was done before is made to be before.
  await stage.owner.query(
    "update timesheet_steps set created_at = created_at - interval '1 second' where timesheet_id = $1",
    [sheet.id],
  )
  const answer = await stage.attempt(actor, sql`select ${call(sheet.id)}`)
  return answer === 'ok' ? (await stage.run<{ state: string }>('owner', find))[0]!.state : answer
}

/** The shifts on the database, and their model. */
interface Played {
  stage: Stage
  base: Date
  ids: string[]
  model: TimesheetModel
  /** By which corrections name them. */
  known: { event: string; kind: EventKind }[][]
}

/** On the database and on the model. @returns what it comes to on each */
async function play(
  { stage, base, ids, model, known }: Played,
  taken: Step,
  nthStep: number,
): Promise<string[]> {
  const { nth } = taken
  const shift = ids[nth]!
  const timeOf = (at: number): Date => new Date(base.getTime() + at * 1000)
  switch (taken.do) {
    case 'clock': {
      const event = { ...taken.event, id: checkInId() }
      await clock(stage, shift, base, event)
      known[nth]!.push({ event: event.id, kind: event.kind })
      model.clock(nth, {
        ...event,
        isOverdue: event.at <= OVERDUE_UNTIL,
        arrivedAt: ARRIVED_AT,
      })
      return []
    }
    case 'correct': {
      const target = taken.adds ? undefined : known[nth]![taken.which % known[nth]!.length]
      if (!target && taken.becomes === null) return []
      // Of two decisions the later one counts: no two are at the same moment.
      const decision = {
        kind: target?.kind ?? taken.kind,
        becomes: taken.becomes,
        decidedAt: taken.decidedAt + (1 + nthStep) / 1000 + Number(taken.decidedAt === ARRIVED_AT),
      }
      const event = await imposeCorrection(stage.owner, shift, target?.event, {
        ...decision,
        becomes: decision.becomes === null ? null : timeOf(decision.becomes),
        decidedAt: timeOf(decision.decidedAt),
      })
      if (!target) known[nth]!.push({ event, kind: decision.kind })
      model.correct(nth, { event, ...decision })
      return []
    }
    case 'approve': {
      const reasons = taken.reasons ? `{${taken.reasons.join(',')}}` : null
      return [
        await decide(
          stage,
          'company',
          shift,
          (id) => sql`muster.approve_timesheet(${id}::uuid, ${reasons}::text[])`,
        ),
        model.approve(nth, taken.reasons),
      ]
    }
    case 'dispute':
      return [
        await decide(stage, 'guard', shift, (id) => sql`muster.dispute_timesheet(${id}::uuid, 'Wrong')`),
        model.dispute(nth),
      ]
    case 'counter': {
      const worked = JSON.stringify(
        taken.worked.map(([from, to]) => ({ from: timeOf(from), to: timeOf(to) })),
      )
      return [
        await decide(
          stage,
          taken.by,
          shift,
          (id) => sql`muster.counter_timesheet(${id}::uuid, ${worked}::jsonb, 'So')`,
        ),
        model.counter(nth, taken.by, taken.worked),
      ]
    }
    case 'close': {
      // Of hours that nobody has worked there is no period.
      const sheets = await stage.run('owner', sql`select id from timesheets`)
      if (sheets.length === 0) return []
      const period = await arrangePayPeriod(stage.owner)
      expect(await stage.attempt('company', sql`select muster.close_pay_period(${period})`)).toBe('ok')
      const [made] = await stage.run<{ cents: string }>(
        'owner',
        sql`select (coalesce(sum(s.gross), 0) * 100)::int::text as cents
            from statements s where s.pay_period_id = ${period}
              and s.gross = (select sum(l.amount) from statement_lines l where l.statement_id = s.id)`,
      )
      return [made!.cents, String(model.close())]
    }
    case 'resolve clocked':
      return [
        await decide(stage, taken.by, shift, (id) => sql`muster.resolve_timesheet(${id}::uuid, 'clocked')`),
        model.resolveClocked(nth, taken.by),
      ]
    case 'resolve countered':
      return [
        await decide(stage, taken.by, shift, (id) => sql`muster.resolve_timesheet(${id}::uuid, 'countered')`),
        model.resolveCountered(nth, taken.by),
      ]
  }
}

async function lookAt(stage: Stage, shift: string, base: Date): Promise<ModelSheet | undefined> {
  const seconds = (column: string) => sql`coalesce((
    select jsonb_agg(jsonb_build_array(
      extract(epoch from (s ->> 'from')::timestamptz - ${base.toISOString()}::timestamptz),
      extract(epoch from (s ->> 'to')::timestamptz - ${base.toISOString()}::timestamptz)) order by s ->> 'from')
    from jsonb_array_elements(t.${sql.identifier(column)}) s
  ), '[]')`
  const [row] = await stage.run<ModelSheet>(
    'owner',
    sql`select t.state, t.total * 100 as total, t.flags, ${seconds('worked')} as worked, ${seconds('paid')} as paid,
          case when t.adjusted is not null then ${seconds('adjusted')} end as adjusted,
          case when a.ended_at is not null and p.status <> 'voided' then p.amount * 100 end as payment,
          coalesce((
            select jsonb_agg(jsonb_build_object('kind', l.kind, 'seconds', l.seconds, 'cents', l.amount * 100, 'open', l.open_reason,
              'isApproved', l.is_approved) order by l.position)
            from timesheet_lines l where l.timesheet_id = t.id
          ), '[]') as lines
        from timesheets t
        join assignments a on a.id = t.assignment_id
        join finqle_transactions p on p.assignment_id = t.assignment_id
        where t.shift_id = ${shift}`,
  )
  return row
}

describe('timesheets', () => {
  test(
    'are what the model says, whatever comes in whatever order',
    async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 14 }), async (steps) => {
          await rehearse(database, async (stage) => {
            const [{ now }] = (await stage.owner.query<{ now: number }>(
              "select extract(epoch from date_trunc('second', now()))::float8 as now",
            )) as [{ now: number }]
            const base = new Date((now - BEGAN_HOURS_AGO * HOUR) * 1000)
            const ids: string[] = []
            for (const { start, end } of SPANS) {
              const { id } = await arrangeAssignment(stage.owner, {
                start: new Date(base.getTime() + start * 1000),
                hours: (end - start) / HOUR,
                rate: RATE,
              })
              ids.push(id)
            }
            await stage.owner.query(
              `update assignments set overtime_tolerance_minutes = ${TOLERANCE_MINUTES}, delivery_days = 1
               where shift_id = any ($1)`,
              [`{${ids.join(',')}}`],
            )
            const model = new TimesheetModel(
              SPANS.map((span, nth) => ({
                ...span,
                shift: String(nth),
                events: [],
                rate: RATE,
                overtime: 1.5,
                tolerance: TOLERANCE_MINUTES * 60,
              })),
            )
            const played = { stage, base, ids, model, known: SPANS.map(() => []) }
            for (const [n, taken] of steps.entries()) {
              const [answer, expected] = await play(played, taken, n)
              expect(answer).toBe(expected)
              for (const [nth, id] of ids.entries())
                expect(await lookAt(stage, id, base)).toEqual(model.sheet(nth))
            }
          })
        }),
        { numRuns: trialSize(25, 1_200) },
      )
    },
    TIMEOUT_MS * trialSize(1, 20),
  )
})

type AllowanceGiven = Record<string, string | number>

const allow = (stage: Stage, given: AllowanceGiven) => {
  const values = { valid_from: '2020-01-01T00:00:00Z', ...given }
  return stage.attempt(
    'company',
    sql`insert into allowances (${sql.join(
      Object.keys(values).map((name) => sql.identifier(name)),
      sql`, `,
    )}) values (${sql.join(
      Object.values(values).map((value) => sql`${value}`),
      sql`, `,
    )}) returning id`,
  )
}

const NIGHT: AllowanceGiven = {
  kind: 'night',
  percent: 25,
  window_from: '22:00',
  window_to: '06:00',
}
const EVENING: AllowanceGiven = {
  kind: 'evening',
  amount_per_hour: 2.5,
  window_from: '18:00',
  window_to: '24:00',
}
const SATURDAY: AllowanceGiven = { kind: 'saturday', percent: 30 }
const SUNDAY: AllowanceGiven = { kind: 'sunday', percent: 50 }
const HOLIDAY: AllowanceGiven = { kind: 'public_holiday', percent: 100 }

/** The lines of a shift that was worked from its start until `until`, as the name of what is paid and its amount. */
async function paidFor(
  stage: Stage,
  given: readonly AllowanceGiven[],
  from: string,
  to: string,
  { rate = 25, until = to, timeZone = 'Europe/Amsterdam' } = {},
): Promise<[string, number][]> {
  await stage.owner.query('update locations set time_zone = $1', [timeZone])
  for (const one of given) expect(await allow(stage, one)).toBe('ok')
  const start = new Date(from)
  const { id } = await arrangeAssignment(stage.owner, {
    start,
    hours: (Date.parse(to) - start.getTime()) / (HOUR * 1000),
    rate,
  })
  const at = (instant: string) => (Date.parse(instant) - start.getTime()) / 1000
  await clock(stage, id, start, { kind: 'clock_in', at: 0, isOutside: false })
  await clock(stage, id, start, {
    kind: 'clock_out',
    at: at(until),
    isOutside: false,
  })
  const lines = await stage.run<{ name: string; amount: number }>(
    'guard',
    sql`select split_part(l.explanation, ':', 1) as name, l.amount
        from timesheet_lines l join timesheets t on t.id = l.timesheet_id
        where t.shift_id = ${id} order by l.position`,
  )
  const [sums] = await stage.run<{ total: number; payment: number }>(
    'owner',
    sql`select t.total, p.amount as payment from timesheets t join finqle_transactions p on p.assignment_id = t.assignment_id
        where t.shift_id = ${id}`,
  )
  const cents = lines.reduce((sum, { amount }) => sum + Math.round(amount * 100), 0)
  expect([Math.round(sums!.total * 100), Math.round(sums!.payment * 100)]).toEqual([cents, cents])
  return lines.map(({ name, amount }) => [name, amount])
}

interface Window {
  kind: string
  window_from?: string
  window_to?: string
}

/** Not inside the hour that the clock skips or shows twice: that is how PostgreSQL reads such a time, and tested above. */
const hourOfDay = fc.constantFrom('00:00', '01:30', '05:00', '06:15', '18:00', '20:00', '22:00', '23:00')
const window = (kind: string): fc.Arbitrary<Window> =>
  fc
    .tuple(hourOfDay, hourOfDay)
    .filter(([from, to]) => from !== to)
    .map(([window_from, window_to]) => ({ kind, window_from, window_to }))

const allowanceStory = fc.record({
  day: fc.constantFrom('2026-03-28T12:00Z', '2025-10-25T12:00Z', '2025-12-31T12:00Z', '2026-02-28T12:00Z'),
  minute: fc.integer({ min: 0, max: 16 * 60 }),
  seconds: fc.integer({ min: 1, max: 20 * HOUR }),
  planned: fc.constantFrom(8, 9, 12),
  rate: fc.constantFrom(15, 18.03, 27.53),
  given: fc
    .tuple(
      fc.subarray([25, 33.33, 50, 12.5, 100]),
      fc.tuple(
        window('night'),
        window('evening'),
        ...['saturday', 'sunday', 'public_holiday'].map((kind) => fc.constant<Window>({ kind })),
      ),
      fc.array(fc.boolean(), { minLength: 5, maxLength: 5 }),
    )
    // Each has another percentage, so none is as high as another.
    .map(([percents, windows, flags]) =>
      percents.map((percent, n) => ({
        ...windows[n]!,
        percent,
        isHighestOnly: flags[n]!,
      })),
    ),
})

const amsterdam = new Intl.DateTimeFormat('en-CA', {
  ...{ timeZone: 'Europe/Amsterdam', hourCycle: 'h23', weekday: 'short' },
  ...{
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
  },
})

/** Minute by minute, as a clock on the wall shows it. */
function localHours(
  { kind, window_from = '', window_to = '' }: Window,
  start: Date,
  seconds: number,
): [number, number][] {
  const hours: [number, number][] = []
  for (let at = 0; at < seconds; at += 60) {
    const parts = Object.fromEntries(
      amsterdam.formatToParts(start.getTime() + at * 1000).map(({ type, value }) => [type, value]),
    )
    const time = `${parts.hour}:${parts.minute}`
    const day = `${parts.year}-${parts.month}-${parts.day}`
    const isPaid = {
      saturday: parts.weekday === 'Sat',
      sunday: parts.weekday === 'Sun',
      public_holiday: PUBLIC_HOLIDAYS.some((one) => one.calendar === 'NL' && one.day === day),
    }[kind]
    const isWithin =
      window_from < window_to
        ? time >= window_from && time < window_to
        : time >= window_from || time < window_to
    if (isPaid ?? isWithin) hours.push([at, at + 60])
  }
  return hours
}

describe('allowances', () => {
  test.each<
    [string, Parameters<typeof paidFor> extends [Stage, ...infer Rest] ? Rest : never, [string, number][]]
  >([
    [
      'a night of 7 hours, in which the clock goes forward',
      [[NIGHT], '2026-03-28T22:00:00+01:00', '2026-03-29T06:00:00+02:00'],
      // 7 x 25; 7 x 25 x 0.25
      [
        ['Planned time', 175],
        ['Night 22', 43.75],
      ],
    ],
    [
      'a night of 9 hours, in which the clock goes back',
      [[NIGHT], '2025-10-25T22:00:00+02:00', '2025-10-26T06:00:00+01:00'],
      // 9 x 25; 9 x 25 x 0.25
      [
        ['Planned time', 225],
        ['Night 22', 56.25],
      ],
    ],
    [
      'the last hours of a Saturday and the first of a Sunday of 23 hours',
      [[SATURDAY, SUNDAY], '2026-03-28T20:00:00+01:00', '2026-03-29T08:00:00+02:00'],
      // 11 x 25; Sunday 7 h x 25 x 0.5; Saturday 4 h x 25 x 0.3
      [
        ['Planned time', 275],
        ['Sunday', 87.5],
        ['Saturday', 30],
      ],
    ],
    [
      'a whole Sunday of 25 hours',
      [[SUNDAY], '2025-10-26T00:00:00+02:00', '2025-10-27T00:00:00+01:00'],
      // 25 x 25; 25 x 25 x 0.5
      [
        ['Planned time', 625],
        ['Sunday', 312.5],
      ],
    ],
    [
      'the end of a day, a month and a year, and a public holiday that begins with the next',
      [[EVENING, NIGHT, HOLIDAY], '2025-12-31T20:00:00+01:00', '2026-01-01T04:00:00+01:00'],
      // 8 x 25; holiday 4 h x 25; night 6 h x 25 x 0.25; evening 4 h x 2.50
      [
        ['Planned time', 200],
        ['Public holiday', 100],
        ['Night 22', 37.5],
        ['Evening 18', 10],
      ],
    ],
    [
      "King's Day in the Netherlands is no holiday in Belgium",
      [[HOLIDAY], '2026-04-27T08:00:00+02:00', '2026-04-27T16:00:00+02:00', { timeZone: 'Europe/Brussels' }],
      [['Planned time', 200]],
    ],
    [
      'the national holiday of Belgium',
      [[HOLIDAY], '2026-07-21T08:00:00+02:00', '2026-07-21T16:00:00+02:00', { timeZone: 'Europe/Brussels' }],
      [
        ['Planned time', 200],
        ['Public holiday', 200],
      ],
    ],
    [
      'only the highest of those that say so, beside those that add',
      [
        [
          { ...NIGHT, combination: 'highest' },
          { ...SUNDAY, combination: 'highest' },
          { ...EVENING, amount_per_hour: 1 },
        ],
        '2026-05-10T20:00:00+02:00',
        '2026-05-11T02:00:00+02:00',
      ],
      // 6 x 25; Sunday 4 h x 25 x 0.5; night 2 h (of Monday) x 25 x 0.25; evening 4 h x 1
      [
        ['Planned time', 150],
        ['Sunday', 50],
        ['Night 22', 12.5],
        ['Evening 18', 4],
      ],
    ],
    [
      'half a cent is rounded up in each line, and allowances never multiply overtime',
      [
        [NIGHT],
        '2026-05-12T14:00:00+02:00',
        '2026-05-12T22:00:00+02:00',
        { rate: 20, until: '2026-05-12T22:00:03.6+02:00' },
      ],
      // 3.6 s x 20 x 1.5 = 0.03; 3.6 s x 20 x 0.25 = 0.005
      [
        ['Planned time', 160],
        ['Overtime', 0.03],
        ['Night 22', 0.01],
      ],
    ],
    [
      'a window inside the hour that the clock skips has no time',
      [
        [{ ...NIGHT, window_from: '02:15', window_to: '02:45' }],
        '2025-03-29T23:00:00+01:00',
        '2025-03-30T05:00:00+02:00',
      ],
      // 5 x 25; the window is read as 03:15 to 03:45
      [
        ['Planned time', 125],
        ['Night 02', 3.13],
      ],
    ],
  ])('%s', async (_, given, expected) => {
    await rehearse(database, async (stage) => {
      expect(await paidFor(stage, ...given)).toEqual(expected)
    })
  })

  test(
    'are what the model says, around nights on which the clock changes and years end',
    async () => {
      await fc.assert(
        fc.asyncProperty(allowanceStory, async ({ day, minute, seconds, planned, rate, given }) => {
          await rehearse(database, async (stage) => {
            const start = new Date(Date.parse(day) + minute * 60_000)
            for (const { isHighestOnly, percent, ...window } of given)
              expect(
                await allow(stage, {
                  ...window,
                  percent,
                  combination: isHighestOnly ? 'highest' : 'add',
                }),
              ).toBe('ok')
            const { id } = await arrangeAssignment(stage.owner, {
              start,
              hours: planned,
              rate,
            })
            await clock(stage, id, start, {
              kind: 'clock_in',
              at: 0,
              isOutside: false,
            })
            await clock(stage, id, start, {
              kind: 'clock_out',
              at: seconds,
              isOutside: false,
            })
            const allowances = given.map(({ percent, isHighestOnly, ...window }) => ({
              percent,
              isHighestOnly,
              hours: localHours(window, start, seconds),
            }))
            const expected = linesOf(
              { rate, overtime: 1.5, end: planned * HOUR, allowances },
              [[0, seconds]],
              null,
            )
            expect((await lookAt(stage, id, start))!.lines).toEqual(expected)
          })
        }),
        { numRuns: trialSize(25, 1_000) },
      )
    },
    TIMEOUT_MS * trialSize(1, 10),
  )

  test('on open time are open lines too', async () => {
    await rehearse(database, async (stage) => {
      expect(await allow(stage, NIGHT)).toBe('ok')
      const start = new Date('2026-05-13T14:00:00+02:00')
      const { id } = await arrangeAssignment(stage.owner, { start, hours: 8 })
      await stage.owner.query('update assignments set overtime_tolerance_minutes = 15 where shift_id = $1', [
        id,
      ])
      await clock(stage, id, start, {
        kind: 'clock_in',
        at: 0,
        isOutside: false,
      })
      await clock(stage, id, start, {
        kind: 'clock_out',
        at: 9 * HOUR,
        isOutside: false,
      })
      expect(
        await stage.run(
          'guard',
          sql`select l.kind, l.amount, l.is_approved from timesheet_lines l join timesheets t on t.id = l.timesheet_id
              where t.shift_id = ${id} order by l.position`,
        ),
      ).toEqual([
        { kind: 'planned', amount: 200, is_approved: true },
        // 15 min x 25 x 1.5, and x 0.25; 45 min likewise
        { kind: 'overtime', amount: 9.38, is_approved: true },
        { kind: 'allowance', amount: 1.56, is_approved: true },
        { kind: 'overtime', amount: 28.13, is_approved: false },
        { kind: 'allowance', amount: 4.69, is_approved: false },
      ])
    })
  })

  test('for short notice are paid for shifts that were assigned less than that before', async () => {
    await rehearse(database, async (stage) => {
      expect(
        await allow(stage, {
          kind: 'short_notice',
          percent: 10,
          notice_hours: 24,
        }),
      ).toBe('ok')
      const estimate = async (startsInHours: number) =>
        (
          await paymentsOf(
            stage,
            await shiftIn(stage, {
              status: 'assigned',
              startsInHours,
              hours: 8,
              rate: 25,
            }),
          )
        )[0]!.amount
      expect([await estimate(23), await estimate(34)]).toEqual([220, 200])
    })
  })
})

describe('public holidays', () => {
  test('are those of the data file', async () => {
    const rows = await database.query<PublicHoliday>(
      "select calendar, to_char(day, 'YYYY-MM-DD') as day, name from muster.public_holidays order by calendar, day",
    )
    expect(rows).toEqual(PUBLIC_HOLIDAYS)
    const days = (calendar: string, year: number) =>
      rows
        .filter((row) => row.calendar === calendar && row.day.startsWith(String(year)))
        .map(({ day }) => day.slice(5))
    // As the governments list them.
    expect(days('BE', 2026)).toEqual([
      ...['01-01', '04-06', '05-01', '05-14', '05-25'],
      ...['07-21', '08-15', '11-01', '11-11', '12-25'],
    ])
    expect(days('DE', 2026)).toEqual([
      ...['01-01', '04-03', '04-06', '05-01', '05-14', '05-25', '10-03', '12-25', '12-26'],
    ])
  })
})
