import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { useApi } from '../support/api.ts'
import {
  type Assignment,
  arrangeAssignment,
  type CheckInBody,
  checkInAt,
  distanceBetween,
  type Fix,
  minutes,
  type Point,
  readTrack,
  stateOf,
} from '../support/check-ins.ts'
import { line, payOf, read, type WorkedAssignment, workedIntervals } from '../support/hours-model.ts'
import { trialSize } from '../support/trial.ts'
import { ORGANIZATIONS, PROFESSIONALS } from '../support/world.ts'

const api = useApi()

type Item = CheckInBody & { shift_id: string }
type Guard = 'guard' | 'otherGuard'

const MAX_BATCH = 1_000

/** Delivers items as batches, and gives what became of each. */
async function deliver(guard: Guard, items: readonly Item[], size = MAX_BATCH): Promise<string[]> {
  const statuses: string[] = []
  for (let from = 0; from < items.length; from += size) {
    const response = await api()
      .as(guard)
      .post('/v1/checkins/batch', { items: items.slice(from, from + size) })
    expect(response.statusCode).toBe(200)
    statuses.push(...response.json().results.map(({ status }: { status: string }) => status))
  }
  return statuses
}

/** The same order for the same seed, on every machine (mulberry32 and Fisher–Yates). */
function shuffle<T>(items: readonly T[], seed: number): T[] {
  let state = seed
  const random = () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const shuffled = [...items]
  for (let last = shuffled.length - 1; last > 0; last -= 1) {
    const other = Math.floor(random() * (last + 1))
    ;[shuffled[last], shuffled[other]] = [shuffled[other]!, shuffled[last]!]
  }
  return shuffled
}

describe('two devices on one run', () => {
  const tracks = { watch: readTrack('run_03_garmin.csv'), phone: readTrack('run_03_iphone_4s.csv') }
  const { watch, phone } = tracks
  const began = phone[0]!.at

  /** Both devices at one instant: the fix of the watch, and that of the phone, which has one every second. */
  const pairs = watch.map((fix) => {
    const nearest = phone.reduce((best, other) =>
      Math.abs(other.at - fix.at) < Math.abs(best.at - fix.at) ? other : best,
    )
    return { watch: fix, phone: nearest, apart: distanceBetween(fix, nearest) }
  })

  /** A shift somewhere on the way. */
  async function arrange(guard: Guard, site: Point, radius: number): Promise<Assignment> {
    const [location] = await api().owner.query<{ id: string }>(
      `insert into locations (organization_id, name, address, location_point, radius_meters)
       values ($1, 'Run', 'On the way', st_point($2::float8, $3::float8)::geography, $4) returning id`,
      [ORGANIZATIONS.client, site.longitude, site.latitude, radius],
    )
    return arrangeAssignment(api().owner, { professional: PROFESSIONALS[guard], location: location!.id })
  }

  const toItem = (shift: Assignment, { at, latitude, longitude }: Fix, accuracy_meters: number): Item => ({
    ...checkInAt(new Date(shift.start.getTime() + at - began), { accuracy_meters }),
    latitude,
    longitude,
    shift_id: shift.id,
  })

  it.each(['watch', 'phone'] as const)(
    'give a shift the same state in any of five orders: the %s',
    async (device) => {
      // The run starts and ends here: in at the first fix on site, out at the last.
      const [track, site] = [tracks[device], watch[0]!]
      const onSite = track.filter((fix) => distanceBetween(fix, site) < 50)
      const kinds = new Map([
        [onSite.at(0), 'clock_in' as const],
        [onSite.at(-1), 'clock_out' as const],
      ])
      const toItems = (shift: Assignment) =>
        track.map((fix) => ({ ...toItem(shift, fix, 10), kind: kinds.get(fix) ?? ('ping' as const) }))

      const inOrder = await arrange('guard', site, 100)
      expect(new Set(await deliver('guard', toItems(inOrder)))).toEqual(new Set(['created']))
      const expected = await stateOf(api().owner, inOrder)
      const hours = (onSite.at(-1)!.at - onSite.at(0)!.at) / 3_600_000
      expect(expected).toMatchObject({
        status: 'completed',
        transactions: [{ status: 'pending', amount: Math.round(25 * hours * 100) / 100 }],
      })

      const shuffled = await arrange('guard', site, 100)
      const items = toItems(shuffled)
      for (const seed of [1, 2, 3, 4, 5]) {
        const statuses = await deliver('guard', shuffle(items, seed))
        expect(new Set(statuses)).toEqual(new Set([seed === 1 ? 'created' : 'duplicate']))
        expect(await stateOf(api().owner, shuffled)).toEqual(expected)
      }
    },
  )

  it.each([
    { fix: 0, radius: 800, disagreements: 2 },
    { fix: 100, radius: 300, disagreements: 4 },
    { fix: 200, radius: 800, disagreements: 4 },
    { fix: 280, radius: 50, disagreements: 4 },
  ])(
    'never contradict each other where their accuracies cover what they differ by: $radius m, site %#',
    async ({ fix, radius, disagreements }) => {
      const site = watch[fix]!
      const [ofWatch, ofPhone] = [
        await arrange('guard', site, radius),
        await arrange('otherGuard', site, radius),
      ]
      // The accuracies own up to the difference: together they are a little more than it.
      const watchItems = pairs.map((pair) => toItem(ofWatch, pair.watch, pair.apart / 4 + 0.01))
      const phoneItems = pairs.map((pair) => toItem(ofPhone, pair.phone, (pair.apart / 4) * 3 + 0.01))
      await deliver('guard', shuffle(watchItems, 6))
      await deliver('otherGuard', shuffle(phoneItems, 7))
      const rows = await api().owner.query<{ id: string; verdict: string; is_within_radius: boolean }>(
        'select id, verdict, is_within_radius from gps_checkins where shift_id in ($1, $2)',
        [ofWatch.id, ofPhone.id],
      )
      const stored = new Map(rows.map((row) => [row.id, row]))

      const both = pairs.map((_, nth) => [stored.get(watchItems[nth]!.id)!, stored.get(phoneItems[nth]!.id)!])
      const said = new Set(both.map(([a, b]) => `${a!.verdict}, ${b!.verdict}`))
      expect(said).not.toContain('inside, outside')
      expect(said).not.toContain('outside, inside')
      // That this says something: they were in and out, and did contradict each other about the radius alone.
      expect([...said]).toEqual(expect.arrayContaining(['inside, inside', 'outside, outside']))
      expect(both.filter(([a, b]) => a!.is_within_radius !== b!.is_within_radius)).toHaveLength(disagreements)
    },
  )
})

describe('any check-ins', () => {
  interface Event {
    kind: CheckInBody['kind']
    /** After the start of a shift of 8 hours; the window is open from -120 to 1,200. */
    minute: number
    place: keyof typeof PLACES
  }
  /** Metres from a site of 100 m, and the accuracy. */
  const PLACES = {
    inside: { meters: 20, accuracy_meters: 10 },
    uncertain: { meters: 95, accuracy_meters: 50 },
    outside: { meters: 500, accuracy_meters: 10 },
  } as const

  const RATE = 27.53
  const OVERTIME = 1.25
  const SHIFT_MINUTES = 8 * 60
  const DAY_MINUTES = 24 * 60

  const event = fc.record<Event>({
    kind: fc.constantFrom(
      'clock_in',
      'clock_in',
      'ping',
      'clock_out',
      'clock_out',
      'break_start',
      'break_end',
    ),
    minute: fc.oneof(fc.integer({ min: -120, max: 1_200 }), fc.constantFrom(-120, 0, 60, 480, 481, 1_200)),
    place: fc.constantFrom('inside', 'inside', 'uncertain', 'outside'),
  })

  /** Check-ins of two shifts, and a way of delivering them: every one at least once, in batches. */
  const story = fc
    .tuple(fc.array(event, { maxLength: 7 }), fc.array(event, { maxLength: 4 }))
    .chain(([first, second]) => {
      const events = [...first.map((e) => ({ ...e, shift: 0 })), ...second.map((e) => ({ ...e, shift: 1 }))]
      const all = events.map((_, index) => index)
      const once = fc.shuffledSubarray(all, { minLength: all.length, maxLength: all.length })
      const more = all.length === 0 ? fc.constant([]) : fc.array(fc.constantFrom(...all), { maxLength: 6 })
      return fc.record({
        events: fc.constant(events),
        order: fc.tuple(once, more).chain(([some, again]) => {
          const both = [...some, ...again]
          return fc
            .shuffledSubarray(
              both.map((_, place) => place),
              { minLength: both.length, maxLength: both.length },
            )
            .map((places) => places.map((place) => both[place]!))
        }),
        batchSize: fc.integer({ min: 1, max: 12 }),
      })
    })

  const worked = (events: readonly Event[], nth: number): WorkedAssignment => ({
    shift: String(nth),
    // The second begins a day before the first.
    start: -nth * DAY_MINUTES,
    end: SHIFT_MINUTES - nth * DAY_MINUTES,
    events: events.flatMap(({ kind, minute, place }) =>
      kind === 'ping' ? [] : { kind, at: minute - nth * DAY_MINUTES, isOutside: place === 'outside' },
    ),
  })

  /** What the rules say of the events of two shifts. */
  function outcomeOf(
    one: WorkedAssignment,
    all: readonly WorkedAssignment[],
  ): { status: string; amount: number } {
    const { state } = read(one)
    const terms = { rate: RATE, overtime: OVERTIME, hour: 60 }
    const cents =
      state === 'completed'
        ? payOf(workedIntervals(one, all), one.end, terms)
        : line(SHIFT_MINUTES, RATE, 1, 60)
    return { status: state, amount: cents / 100 }
  }

  it('give the same state in any order, in any batches, with any repetition', async () => {
    const arrange = () => arrangeAssignment(api().owner, { rate: RATE, overtime: OVERTIME })
    await fc.assert(
      fc.asyncProperty(story, async ({ events, order, batchSize }) => {
        const shifts = [await arrange(), await arrange()]
        const items = events.map(({ kind, minute, place, shift }) => ({
          ...checkInAt(minutes(shifts[shift]!.start, minute), { kind, ...PLACES[place] }),
          shift_id: shifts[shift]!.id,
        }))
        const statuses = await deliver(
          'guard',
          order.map((index) => items[index]!),
          batchSize,
        )
        expect(statuses.filter((status) => status === 'created')).toHaveLength(items.length)
        expect(statuses).not.toContain('rejected')

        const sets = [0, 1].map((nth) =>
          worked(
            events.filter(({ shift }) => shift === nth),
            nth,
          ),
        )
        for (const [nth, shift] of shifts.entries()) {
          const { status, amount } = outcomeOf(sets[nth]!, sets)
          const found = (await stateOf(api().owner, shift)) as { checkins: unknown[] | null }
          expect(found).toMatchObject({ status, transactions: [{ status: 'pending', amount }] })
          expect(found.checkins?.length ?? 0).toBe(events.filter((event) => event.shift === nth).length)
        }
      }),
      { numRuns: trialSize(25, 500) },
    )
  })
})
