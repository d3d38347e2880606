import { describe, expect, it } from 'vitest'
import { useTestDatabase } from '../support/database.ts'
import {
  type DutyStatus,
  type Entry,
  HOUR,
  type Left,
  leftAt,
  mayDrive,
  type Pack,
  type Terms,
} from '../support/hours-of-service.ts'
import { patience } from '../support/patience.ts'
import { pick, seededRandom } from '../support/random.ts'
import { trialSeed, trialSize } from '../support/trial.ts'

/* What the rules leave a driver, by the database and by a program that was written from the regulations. */

const database = useTestDatabase()

const LOGS = trialSize(400, 10_000)
/** So many in one statement. */
const AT_ONCE = 200
const TIMEOUT_MS = patience(trialSize(60_000, 1_200_000))
const QUARTER = 900
/** Nobody waits longer: two weeks from a monday to the monday after the next. */
const LONGEST_WAIT = 15 * 24 * HOUR

interface Case extends Terms {
  log: Entry[]
  at: number
}
type Found = Left & { can_drive_at: number }

const ZONES: Record<Pack, readonly string[]> = {
  us_property: [
    ...['America/New_York', 'America/Chicago', 'America/Denver', 'America/Phoenix', 'America/Los_Angeles'],
    ...['America/St_Johns', 'Australia/Lord_Howe'],
  ],
  eu_561: ['Europe/Amsterdam', 'Europe/Lisbon', 'Europe/Bucharest', 'Etc/UTC', 'Australia/Lord_Howe'],
}
/** Days around which clocks are set, and one on which none is. */
const DAYS = ['2026-03-08', '2026-03-29', '2026-10-25', '2026-11-01', '2026-06-17'].map(
  (day) => Date.parse(day) / 1000,
)
/** Hours about the limits, where rules meet. */
const LENGTHS: Record<DutyStatus, readonly number[]> = {
  off_duty: [0.25, 0.5, 0.5, 0.75, 1, 2, 3, 7, 9, 9.25, 10, 10, 10.5, 11, 11, 12, 14, 24, 34, 36, 45, 50],
  sleeper: [0.25, 0.5, 1, 2, 2.5, 3, 7, 7, 7.25, 8, 8, 9, 10, 11],
  driving: [0.25, 0.5, 1, 2, 2, 3, 3, 4, 4.5, 4.5, 5, 6, 8, 9, 10, 11],
  on_duty: [0, 0.25, 0.5, 0.5, 1, 2, 4],
}
/** A working day, and whatever comes. */
const NEXT: Record<DutyStatus, readonly DutyStatus[]> = {
  off_duty: ['driving', 'driving', 'on_duty', 'sleeper'],
  sleeper: ['driving', 'driving', 'driving', 'on_duty', 'off_duty'],
  driving: ['off_duty', 'off_duty', 'sleeper', 'on_duty'],
  on_duty: ['driving', 'driving', 'off_duty', 'sleeper'],
}

/** @param isFine whether times are any seconds, or full quarters of an hour */
function randomCase(random: () => number, isFine: boolean): Case {
  const pack = pick(random, ['us_property', 'eu_561'] as const)
  const at = pick(random, DAYS) + Math.floor(random() * 4 * 96) * QUARTER
  const log: Entry[] = []
  let time = at - Math.floor(random() ** 2 * 25 * 96) * QUARTER
  let status: DutyStatus = pick(random, ['off_duty', 'sleeper', 'driving', 'on_duty'])
  while (time <= at) {
    log.push({ status, at: time })
    const jitter = isFine ? Math.floor(random() * 3 - 1) * Math.floor(random() * 100) : 0
    time += Math.max(0, pick(random, LENGTHS[status]) * HOUR + jitter)
    status = pick(random, NEXT[status])
  }
  return { pack, cycle: pick(random, ['60/7', '70/8'] as const), zone: pick(random, ZONES[pack]), log, at }
}

async function ask(cases: readonly Case[]): Promise<Found[]> {
  const [row] = await database().owner.query<{ found: string }>(
    `select jsonb_agg(muster.hours_left(c.pack, c.cycle, c.zone, c.statuses, c.begins, c.at) order by c.nth)::text as found
     from rows from (jsonb_to_recordset($1::jsonb) as (
       pack text, cycle text, zone text, statuses text[], begins bigint[], at bigint
     )) with ordinality as c (pack, cycle, zone, statuses, begins, at, nth)`,
    [
      JSON.stringify(
        cases.map(({ log, ...rest }) => ({
          ...rest,
          statuses: log.map(({ status }) => status),
          begins: log.map(({ at }) => at),
        })),
      ),
    ],
  )
  return JSON.parse(row!.found)
}

/** The first quarter of an hour in which the driver may drive. */
function firstQuarter({ log, at, ...terms }: Case): number {
  for (let then = at; then <= at + LONGEST_WAIT; then += QUARTER)
    if (mayDrive(log, terms, at, then)) return then
  return Number.NaN
}

const hours = (statuses: [DutyStatus, number][]): Entry[] => {
  let time = 0
  return statuses.map(([status, length]) => {
    const entry = { status, at: time }
    time += length * HOUR
    return entry
  })
}

/** A log that begins at noon in UTC of a wednesday, at home in UTC; the last status lasts until now. */
async function leftAfter(pack: Pack, statuses: [DutyStatus, number][], cycle: Terms['cycle'] = '70/8') {
  const begin = Date.parse('2026-06-17T12:00:00Z') / 1000
  const log = hours(statuses).map(({ status, at }) => ({ status, at: at + begin }))
  const at = log.at(-1)!.at + statuses.at(-1)![1] * HOUR
  const one: Case = { pack, cycle, zone: 'Etc/UTC', log, at }
  const [found] = await ask([one])
  const { can_drive_at, ...left } = found!
  expect(left).toEqual(leftAt(log, one, at))
  const inHours = Object.fromEntries(
    Object.entries(left).map(([name, seconds]) => [name, seconds === null ? null : seconds / HOUR]),
  )
  return { ...inHours, waits: (can_drive_at - at) / HOUR }
}

describe('hours left', () => {
  it(`are those of the regulations, for ${LOGS} random logs with clocks that are set`, {
    timeout: TIMEOUT_MS,
  }, async () => {
    const random = seededRandom(trialSeed())
    let waited = 0
    for (let done = 0; done < LOGS; done += AT_ONCE) {
      const cases = Array.from({ length: AT_ONCE }, (_, nth) => randomCase(random, nth % 2 === 0))
      const found = await ask(cases)
      for (const [nth, one] of cases.entries()) {
        const { can_drive_at, ...left } = found[nth]!
        const said = JSON.stringify(one)
        expect(left, said).toEqual(leftAt(one.log, one, one.at))
        const first = firstQuarter(one)
        if (nth % 2 === 1) expect(can_drive_at, said).toBe(first)
        else {
          // To the second: then, and not one second before, and not a quarter later than any quarter is free.
          expect(mayDrive(one.log, one, one.at, can_drive_at), said).toBe(true)
          if (can_drive_at > one.at)
            expect(mayDrive(one.log, one, one.at, can_drive_at - 1), said).toBe(false)
          expect(can_drive_at, said).toBeLessThanOrEqual(first)
          expect(first - can_drive_at, said).toBeLessThan(LONGEST_WAIT)
        }
        if (can_drive_at > one.at) waited += 1
      }
    }
    // Neither everybody may drive nor nobody.
    expect(waited / LOGS).toBeGreaterThan(0.2)
    expect(waited / LOGS).toBeLessThan(0.9)
  })

  it('in the United States are 11 hours of driving in a window of 14', async () => {
    expect(await leftAfter('us_property', [['driving', 5]])).toMatchObject({
      driving: 6,
      window: 9,
      cycle: 65,
    })
    const overWindow = await leftAfter('us_property', [
      ['driving', 4],
      ['off_duty', 1],
      ['on_duty', 9],
    ])
    expect(overWindow).toMatchObject({ driving: 7, window: 0, waits: 10 })
    expect(
      await leftAfter('us_property', [
        ['driving', 11],
        ['off_duty', 9.5],
      ]),
    ).toMatchObject({ waits: 0.5 })
    expect(
      await leftAfter('us_property', [
        ['driving', 11],
        ['off_duty', 10],
      ]),
    ).toMatchObject({
      driving: 11,
      window: 14,
      waits: 0,
    })
  })

  it('in the United States end after 8 hours of driving without half an hour of anything else', async () => {
    expect(await leftAfter('us_property', [['driving', 8]])).toMatchObject({ until_break: 0, waits: 0.5 })
    const worked = await leftAfter('us_property', [
      ['driving', 8],
      ['on_duty', 0.25],
      ['off_duty', 0.25],
    ])
    expect(worked).toMatchObject({ until_break: 8, driving: 3, waits: 0 })
  })

  it('in the United States follow a split of 7 and 3 hours, or 8 and 2, once both halves are over', async () => {
    const first: [DutyStatus, number][] = [
      ['driving', 5],
      ['sleeper', 7],
      ['driving', 2],
    ]
    // Seven hours alone stop no clock.
    expect(await leftAfter('us_property', first)).toMatchObject({ driving: 4, window: 0 })
    expect(await leftAfter('us_property', [...first, ['off_duty', 2.75]])).toMatchObject({ window: 0 })
    expect(await leftAfter('us_property', [...first, ['off_duty', 3]])).toMatchObject({
      driving: 9,
      window: 12,
      waits: 0,
    })
    const eightAndTwo: [DutyStatus, number][] = [
      ['driving', 4],
      ['off_duty', 2],
      ['driving', 5],
    ]
    expect(await leftAfter('us_property', [...eightAndTwo, ['sleeper', 8]])).toMatchObject({
      driving: 6,
      window: 9,
      waits: 0,
    })
    // Off duty is no berth.
    expect(await leftAfter('us_property', [...eightAndTwo, ['off_duty', 8]])).toMatchObject({
      driving: 2,
      window: 0,
    })
  })

  it('in the United States are 60 hours in 7 days or 70 in 8, and begin anew after 34 hours off', async () => {
    const days = Array.from({ length: 6 }, (): [DutyStatus, number][] => [
      ['driving', 5],
      ['on_duty', 5],
      ['off_duty', 14],
    ]).flat()
    expect(await leftAfter('us_property', days, '60/7')).toMatchObject({ cycle: 0 })
    expect(await leftAfter('us_property', days, '70/8')).toMatchObject({ cycle: 10, waits: 0 })
    expect(await leftAfter('us_property', [...days, ['off_duty', 19.75]], '60/7')).toMatchObject({
      cycle: 10,
    })
    expect(await leftAfter('us_property', [...days, ['off_duty', 20]], '60/7')).toMatchObject({ cycle: 60 })
  })

  it('in the European Union end after 4.5 hours of driving until a break of 45 minutes, or of 15 and then 30', async () => {
    expect(await leftAfter('eu_561', [['driving', 4.5]])).toMatchObject({ until_break: 0, waits: 0.75 })
    const inParts: [DutyStatus, number][] = [
      ['driving', 2],
      ['off_duty', 0.25],
      ['driving', 2.5],
    ]
    expect(await leftAfter('eu_561', inParts)).toMatchObject({ until_break: 0, waits: 0.5 })
    expect(await leftAfter('eu_561', [...inParts, ['off_duty', 0.5]])).toMatchObject({ until_break: 4.5 })
    // Other work is no break, and the longer part is the second.
    expect(await leftAfter('eu_561', [...inParts, ['on_duty', 0.5]])).toMatchObject({ until_break: 0 })
    expect(
      await leftAfter('eu_561', [
        ['driving', 2],
        ['off_duty', 0.5],
        ['driving', 2.5],
        ['off_duty', 0.25],
      ]),
    ).toMatchObject({ until_break: 0, waits: 0.25 })
  })

  it('in the European Union are 9 hours a day, and 10 twice a week', async () => {
    const day = (driving: number): [DutyStatus, number][] => [
      ['driving', driving],
      ['off_duty', 24 - driving],
    ]
    expect(await leftAfter('eu_561', [...day(9.5), ['driving', 1]])).toMatchObject({ driving: 9 })
    expect(await leftAfter('eu_561', [...day(9.5), ...day(9.5), ['driving', 1]])).toMatchObject({
      driving: 8,
    })
    // Nine is not more than nine; and on monday comes another week.
    expect(await leftAfter('eu_561', [...day(9.5), ...day(9), ['driving', 1]])).toMatchObject({ driving: 9 })
    expect(
      await leftAfter('eu_561', [...day(9.5), ...day(9.5), ...day(1), ...day(1), ...day(1), ['driving', 1]]),
    ).toMatchObject({ driving: 9, week: 55 })
  })

  it('in the European Union leave three reduced rests between weekly rests', async () => {
    const reduced: [DutyStatus, number][] = [
      ['driving', 1],
      ['off_duty', 9],
    ]
    const three = [...reduced, ...reduced, ...reduced]
    expect(await leftAfter('eu_561', [...reduced, ['driving', 1]])).toMatchObject({ driving: 9, window: 14 })
    expect(await leftAfter('eu_561', [...three, ['driving', 1]])).toMatchObject({ driving: 9, window: 12 })
    // The fourth is none: the day goes on.
    expect(await leftAfter('eu_561', [...three, ...reduced, ['driving', 1]])).toMatchObject({ driving: 8 })
    // After three hours of rest nine more are a regular one.
    expect(
      await leftAfter('eu_561', [...three, ['driving', 1], ['off_duty', 3], ...reduced, ['driving', 1]]),
    ).toMatchObject({ driving: 9 })
  })

  it('in the European Union are 56 hours a week and 90 a fortnight, with a weekly rest after six days', async () => {
    const days = (count: number, driving: number) =>
      Array.from({ length: count }, (): [DutyStatus, number][] => [
        ['driving', driving],
        ['off_duty', 24 - driving],
      ]).flat()
    // Until sunday of the second week.
    expect(await leftAfter('eu_561', [...days(11, 9), ['driving', 9]])).toMatchObject({
      ...{ cycle: 0, week: 0, fortnight: 0 },
      // A reduced weekly rest is enough, and monday comes before it is over.
      waits: 24,
    })
    expect(await leftAfter('eu_561', [...days(6, 9), ['off_duty', 30], ['driving', 1]])).toMatchObject({
      cycle: 143,
    })
    // Of two weekly rests one is regular.
    expect(
      await leftAfter('eu_561', [
        ...days(2, 8),
        ['off_duty', 24],
        ...days(2, 8),
        ['off_duty', 24],
        ['driving', 1],
      ]),
    ).toMatchObject({ cycle: 71 })
  })
})
