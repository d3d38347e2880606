import { describe, expect, it, onTestFinished } from 'vitest'
import { expectProblem, useApi } from '../support/api.ts'
import {
  type Assignment,
  type AssignmentFixture,
  arrangeAssignment,
  type CheckInBody,
  checkInAt,
  minutes,
  seconds,
} from '../support/check-ins.ts'
import { arrangeShift, type Persona, PROFESSIONALS, USERS } from '../support/world.ts'

const api = useApi()

const arrange = (fixture: AssignmentFixture = {}) => arrangeAssignment(api().owner, fixture)

/** One request for each, in this order; gives their ids. */
async function record(
  shift: Pick<Assignment, 'id'>,
  ...events: [kind: CheckInBody['kind'], at: Date, meters?: number, accuracy?: number][]
): Promise<string[]> {
  const ids: string[] = []
  for (const [kind, at, meters = 10, accuracy_meters = 5] of events) {
    const body = checkInAt(at, { kind, meters, accuracy_meters })
    const response = await api().as('guard').post(`/v1/shifts/${shift.id}/checkins`, body)
    expect(response.statusCode).toBe(201)
    ids.push(body.id)
  }
  return ids
}

const hours = (time: Date, n: number): Date => minutes(time, n * 60)

async function stateOf({ id }: Pick<Assignment, 'id'>) {
  const guard = api().as('guard')
  const shift = (await guard.get(`/v1/shifts/${id}`)).json()
  const [payment] = (await guard.get(`/v1/transactions?shift_id=${id}`)).json().items
  const [assignment] = (await guard.get(`/v1/assignments?shift_id=${id}`)).json().items
  return { status: shift.status, amount: payment.amount, payment: payment.status, flags: assignment.flags }
}

const change = (persona: Persona, { id }: Pick<Assignment, 'id'>, body: object) =>
  api().as(persona).patch(`/v1/shifts/${id}`, body)

interface Line {
  kind: string
  amount: number
  open_reason: string | null
  is_approved: boolean
}

/** What a row of the table comes to, as the guard and the company see it. */
interface Outcome {
  status: string
  amount: number
  payment: string
  flags: string[]
  /** What the timesheet pays, and why something waits for the company; null where there is no sheet. */
  lines: [kind: string, amount: number, openReason?: string][] | null
}

async function outcomeOf(shift: Pick<Assignment, 'id'>): Promise<Outcome> {
  const company = api().as('company')
  const [listed] = (await company.get(`/v1/timesheets?shift_id=${shift.id}`)).json().items
  const sheet = listed && (await company.get(`/v1/timesheets/${listed.id}`)).json()
  const state = await stateOf(shift)
  if (!sheet) return { ...state, lines: null }
  const lines: Line[] = sheet.lines
  const counted = lines.filter(({ is_approved }) => is_approved)
  const cents = counted.reduce((sum, { amount }) => sum + Math.round(amount * 100), 0)
  expect([sheet.total, state.amount]).toEqual([cents / 100, cents / 100])
  return {
    ...state,
    lines: lines.map(({ kind, amount, open_reason }) =>
      open_reason ? [kind, amount, open_reason] : [kind, amount],
    ),
  }
}

const correct = (persona: Persona, assignment: string, body: object) =>
  api()
    .as(persona)
    .post(`/v1/assignments/${assignment}/corrections`, { reason: 'It was a wrong tap.', ...body })

/** A clock_out by mistake after 72 seconds, and the assignment. */
async function tapWrongly() {
  const shift = await arrange()
  const [, wrong] = await record(shift, ['clock_in', shift.start], ['clock_out', seconds(shift.start, 72)])
  expect(await stateOf(shift)).toMatchObject({ status: 'completed', amount: 0.5 })
  await record(shift, ['clock_in', minutes(shift.start, 5)])
  expect(await stateOf(shift)).toMatchObject({ status: 'active', amount: 200 })
  await record(shift, ['clock_out', shift.end])
  const [{ id: assignment }] = (await api().as('guard').get(`/v1/assignments?shift_id=${shift.id}`)).json()
    .items
  return { shift, assignment, neverHappened: { change: 'never_happened', event_id: wrong! } }
}

/** Of a shift that takes place now: its check-ins would claim the time of other tests. */
const forgetLater = ({ id }: Pick<Assignment, 'id'>): void =>
  onTestFinished(
    async () => void (await api().owner.query('delete from gps_checkins where shift_id = $1', [id])),
  )

const paid = (amount: number, ...lines: NonNullable<Outcome['lines']>): Outcome => ({
  status: 'completed',
  amount,
  payment: 'pending',
  flags: [],
  lines: lines.length > 0 ? lines : [['planned', amount]],
})

/** What users did, what is refused on the way, and what comes of the shifts. */
const MISTAKES: [done: string, play: () => Promise<Pick<Assignment, 'id'>[]>, comes: Outcome[]][] = [
  [
    'a clock_out by mistake after 72 s, then in and out again properly',
    async () => [(await tapWrongly()).shift],
    // 72 s and 7 h 55 min.
    [paid(198.42)],
  ],
  [
    'a clock_out by mistake of which the company says that it never happened, and the guard agrees',
    async () => {
      const { shift, assignment, neverHappened } = await tapWrongly()
      const proposed = await correct('company', assignment, neverHappened)
      expect((await api().as('guard').post(`/v1/corrections/${proposed.json().id}/accept`)).statusCode).toBe(
        200,
      )
      return [shift]
    },
    [{ ...paid(200), flags: ['corrected'] }],
  ],
  [
    'a clock_out by mistake that an admin corrects',
    async () => {
      const { shift, assignment, neverHappened } = await tapWrongly()
      expect((await correct('admin', assignment, neverHappened)).json().state).toBe('imposed')
      return [shift]
    },
    [{ ...paid(200), flags: ['corrected'] }],
  ],
  [
    'clock_in and clock_out 1.9 h before the start: the guard stays busy, and the company can cancel',
    async () => {
      const id = await arrangeShift(api().owner, { status: 'assigned', startsInHours: 1.9 })
      const now = new Date()
      await record({ id }, ['clock_in', seconds(now, -60)], ['clock_out', now])
      expect(await stateOf({ id })).toMatchObject({ status: 'active', amount: 200 })
      const parallel = await arrangeShift(api().owner, { startsInHours: 2 })
      expectProblem(await api().as('guard').post(`/v1/shifts/${parallel}/claim`), 'shift_overlap')
      const cancelled = await api().as('company').post(`/v1/shifts/${id}/cancel`, { reason: 'Closed' })
      expect(cancelled.statusCode).toBe(200)
      return [{ id }]
    },
    [{ ...paid(75, ['minimum', 75]), status: 'cancelled' }],
  ],
  [
    'the rate of an active shift lowered, and its start moved to 59 minutes ahead',
    async () => {
      const shift = await arrange({ rate: 60 })
      await record(shift, ['clock_in', shift.start])
      expectProblem(await change('company', shift, { hourly_rate: 15 }), 'rate_lowered')
      const ahead = new Date(Date.now() + 59 * 60_000)
      expectProblem(
        await change('company', shift, {
          start_datetime: ahead.toISOString(),
          end_datetime: hours(ahead, 8).toISOString(),
        }),
        'shift_begun',
      )
      await record(shift, ['clock_out', shift.end])
      return [shift]
    },
    [paid(480)],
  ],
  [
    'a release after the end, before the offline phone delivers',
    async () => {
      const over = await arrange()
      expectProblem(await api().as('company').post(`/v1/shifts/${over.id}/release`), 'shift_over')
      const begun = await arrangeShift(api().owner, {
        status: 'assigned',
        startsInHours: -0.5,
        hours: 1,
        professional: PROFESSIONALS.otherGuard,
      })
      expectProblem(await api().as('company').post(`/v1/shifts/${begun}/release`), 'shift_begun')
      const items = (['clock_in', 'clock_out'] as const).map((kind) => ({
        ...checkInAt(kind === 'clock_in' ? over.start : over.end, { kind }),
        shift_id: over.id,
      }))
      const { results } = (await api().as('guard').post('/v1/checkins/batch', { items })).json()
      expect(results.map(({ status }: { status: string }) => status)).toEqual(['created', 'created'])
      return [over]
    },
    [paid(200)],
  ],
  [
    'an active shift cancelled after 7 of 8 hours, of which the phone shows 6.5',
    async () => [await cancelAfter(7)],
    [{ ...paid(162.5), status: 'cancelled' }],
  ],
  [
    'a late clock_in after completion: it waits for the company',
    async () => {
      const shift = await arrange({ rate: 100 })
      await record(shift, ['clock_in', hours(shift.start, 7.9)], ['clock_out', shift.end])
      expect(await outcomeOf(shift)).toEqual({ ...paid(10), flags: ['late'] })
      await api().owner.query('update gps_checkins set created_at = recorded_at where shift_id = $1', [
        shift.id,
      ])
      // The shift was days ago.
      await api().owner.query('update assignments set delivery_days = 1 where shift_id = $1', [shift.id])
      await record(shift, ['clock_in', shift.start])
      return [shift]
    },
    [{ ...paid(10, ['planned', 10], ['planned', 790, 'overdue_events']), flags: ['late', 'overdue'] }],
  ],
  [
    'a clock_out from Paris three hours after the end of a shift in Amsterdam',
    async () => {
      const shift = await arrange()
      await record(shift, ['clock_in', shift.start], ['clock_out', hours(shift.end, 3), 430_000])
      return [shift]
    },
    [{ ...paid(200), flags: ['outside'] }],
  ],
  [
    'two back-to-back shifts, both left at the same moment',
    async () => {
      const first = await arrange()
      const second = await arrange({ start: first.end })
      await record(first, ['clock_in', first.start])
      await record(second, ['clock_in', second.start], ['clock_out', second.end])
      await record(first, ['clock_out', hours(first.end, 8)])
      return [first, second]
    },
    [paid(200), paid(200)],
  ],
  [
    'nobody comes',
    async () => {
      const shift = await arrange()
      await api().owner.query('select muster.close_missed_shifts(1000)')
      return [shift]
    },
    [{ status: 'no_show', amount: 200, payment: 'voided', flags: [], lines: null }],
  ],
]

/** The company cancels an active shift after so many hours; then the phone brings a clock_out of half an hour before. */
async function cancelAfter(worked: number): Promise<Assignment> {
  const start = hours(new Date(), -worked)
  const shift = await arrange({ start })
  forgetLater(shift)
  await record(shift, ['clock_in', start])
  const cancelled = await api().as('company').post(`/v1/shifts/${shift.id}/cancel`, { reason: 'Closed' })
  expect(cancelled.statusCode).toBe(200)
  const { amount } = await stateOf(shift)
  // The seconds of this test are worked, too.
  expect(amount).toBeGreaterThanOrEqual(Math.max(75, 25 * worked))
  expect(amount).toBeLessThan(Math.max(75, 25 * worked) + 0.5)
  await record(shift, ['clock_out', minutes(start, worked * 60 - 30)])
  const after = checkInAt(seconds(new Date(), 60), { kind: 'clock_out' })
  expectProblem(await api().as('guard').post(`/v1/shifts/${shift.id}/checkins`, after), 'shift_not_assigned')
  return shift
}

describe('what people do by mistake', () => {
  it.each(MISTAKES)('%s', async (_, play, comes) => {
    const shifts = await play()
    const found: Outcome[] = []
    for (const shift of shifts) found.push(await outcomeOf(shift))
    expect(found).toEqual(comes)
  })
})

describe('hours', () => {
  it('of a shift that is cancelled after one pay the minimum', async () => {
    const shift = await cancelAfter(1)
    expect(await outcomeOf(shift)).toEqual({
      ...paid(75, ['planned', 12.5], ['minimum', 62.5]),
      status: 'cancelled',
    })
  })

  it('that arrive for an assignment that was released are kept as evidence, and pay nothing', async () => {
    const id = await arrangeShift(api().owner, { status: 'assigned', startsInHours: 1, hours: 2, rate: 31 })
    const body = checkInAt(seconds(new Date(), -60), { kind: 'clock_in' })
    const released = await api().as('company').post(`/v1/shifts/${id}/release`)
    expect(released.statusCode).toBe(200)
    expect((await api().as('guard').post(`/v1/shifts/${id}/checkins`, body)).statusCode).toBe(201)
    const late = checkInAt(seconds(new Date(), 30), { kind: 'clock_in' })
    expectProblem(await api().as('guard').post(`/v1/shifts/${id}/checkins`, late), 'shift_not_assigned')
    expect(await stateOf({ id })).toEqual({
      status: 'published',
      amount: 62,
      payment: 'voided',
      flags: ['conflict'],
    })
  })

  it('of one batch belong each to the assignment that was in force at its device time', async () => {
    const id = await arrangeShift(api().owner, { status: 'assigned', startsInHours: 1, hours: 2 })
    const release = () => api().as('company').post(`/v1/shifts/${id}/release`)
    expect((await release()).statusCode).toBe(200)
    onTestFinished(async () => void (await release()))
    const body = { professional_id: PROFESSIONALS.guard }
    expect((await api().as('company').post(`/v1/shifts/${id}/assign`, body)).statusCode).toBe(200)
    const [first, second] = await api()
      .owner.query<{ id: string; inForce: boolean }>(
        `update assignments set
         begun_at = now() - case when ended_at is null then interval '10 minutes' else interval '30 minutes' end,
         ended_at = ended_at - interval '20 minutes'
       where shift_id = $1 returning id, ended_at is null as "inForce"`,
        [id],
      )
      .then((rows) => rows.sort((a, b) => Number(a.inForce) - Number(b.inForce)))
    const now = new Date()
    const items = [-25, -5].map((at) => ({ ...checkInAt(minutes(now, at)), shift_id: id }))
    const { results } = (await api().as('guard').post('/v1/checkins/batch', { items })).json()
    expect(
      results.map(({ checkin }: { checkin?: { assignment_id: string } }) => checkin?.assignment_id),
    ).toEqual([first!.id, second!.id])
  })

  it('are cut also when the check-ins of the later shift arrive last', async () => {
    const first = await arrange()
    const second = await arrange({ start: first.end })
    await record(first, ['clock_in', first.start], ['clock_out', hours(first.end, 2)])
    expect((await stateOf(first)).amount).toBe(275)
    await record(second, ['clock_in', second.start], ['clock_out', second.end])
    expect([(await stateOf(first)).amount, (await stateOf(second)).amount]).toEqual([200, 200])
  })

  it('do not include breaks', async () => {
    const shift = await arrange()
    await record(
      shift,
      ['clock_in', shift.start],
      ['break_start', hours(shift.start, 4)],
      ['break_end', hours(shift.start, 4.5)],
      ['clock_out', shift.end],
    )
    expect(await stateOf(shift)).toMatchObject({ status: 'completed', amount: 187.5 })
  })
})

describe('a shift to which nobody comes', () => {
  it('is told to both sides, and an offline phone makes it completed after all', async () => {
    const shift = await arrange()
    await api().owner.query('select muster.close_missed_shifts(1000)')
    const told = await api().owner.query<{ user_id: string }>(
      "select user_id from notifications where type = 'shift_no_show' and data ->> 'shift_id' = $1",
      [shift.id],
    )
    expect(told.map(({ user_id }) => user_id).sort()).toEqual(
      [USERS.company, USERS.colleague, USERS.guard].sort(),
    )
    await record(shift, ['clock_in', shift.start], ['clock_out', shift.end])
    expect(await outcomeOf(shift)).toEqual(paid(200))
  })
})

describe('an accuracy over 100 m', () => {
  it('is taken and flagged, and starts a shift where the guard may be there', async () => {
    const shift = await arrange()
    const body = checkInAt(shift.start, { kind: 'clock_in', accuracy_meters: 400 })
    const response = await api().as('guard').post(`/v1/shifts/${shift.id}/checkins`, body)
    expect(response.json()).toMatchObject({ verdict: 'uncertain', flags: ['imprecise'] })
    expect(await stateOf(shift)).toMatchObject({ status: 'active', flags: ['imprecise'] })
  })

  it.each([101, 1_000, 1_000_000])(
    'of %s neither starts a shift from 500 km away nor pays for it',
    async (accuracy) => {
      const shift = await arrange()
      await record(
        shift,
        ['clock_in', shift.start, 500_000, accuracy],
        ['clock_out', shift.end, 500_000, accuracy],
      )
      expect(await stateOf(shift)).toMatchObject({ status: 'assigned', amount: 200, payment: 'pending' })
    },
  )

  it('of over 1,000 m is kept as evidence and does not end a shift', async () => {
    const shift = await arrange()
    await record(shift, ['clock_in', shift.start], ['clock_out', shift.end, 10, 1_000.5])
    expect(await stateOf(shift)).toMatchObject({ status: 'active', flags: [] })
  })
})

describe('members that the API does not know', () => {
  it('do not cause a rejection, and are logged once', async () => {
    const shift = await arrange()
    const extra = { is_mock: false, speed: 1.5, altitude: null }
    const body = { ...checkInAt(shift.start, { kind: 'clock_in' }), ...extra }
    const alone = await api().as('guard').post(`/v1/shifts/${shift.id}/checkins`, body)
    expect(alone.statusCode).toBe(201)
    expect(alone.json().ignored).toEqual(['altitude', 'is_mock', 'speed'])
    const items = [60, 120].map((second) => ({
      ...checkInAt(seconds(shift.start, second)),
      shift_id: shift.id,
      ...extra,
    }))
    const batch = await api().as('guard').post('/v1/checkins/batch', { items, device: 'x' })
    expect(batch.json()).toMatchObject({
      ignored: ['altitude', 'device', 'is_mock', 'speed'],
      results: [{ status: 'created' }, { status: 'created' }],
    })
    const plain = await api().as('guard').post('/v1/checkins/batch', { items: [] })
    expect(plain.json()).toEqual({ results: [] })
  })
})

describe('assignments', () => {
  it('are listed for the company, the guard and admins, with what was agreed', async () => {
    const shift = await arrange()
    const list = async (persona: Persona) =>
      (await api().as(persona).get(`/v1/assignments?shift_id=${shift.id}&in_force=true`)).json().items
    const [seen] = await list('guard')
    expect(seen).toMatchObject({
      shift_id: shift.id,
      ended_as: null,
      hourly_rate: 25,
      minimum_minutes: 180,
      flags: [],
    })
    for (const persona of ['company', 'colleague', 'admin'] as const)
      expect(await list(persona)).toEqual([seen])
    for (const persona of ['rival', 'client', 'otherGuard', 'foreignAdmin'] as const)
      expect(await list(persona)).toEqual([])
  })
})

describe('terms of a company', () => {
  it('are added by the company, and never for another one', async () => {
    const added = await api().as('company').post('/v1/company-terms', { minimum_minutes: 240 })
    expect(added.statusCode).toBe(201)
    expect(added.json()).toMatchObject({ minimum_minutes: 240, late_after_minutes: 30 })
    const company_id = added.json().company_id
    expectProblem(await api().as('rival').post('/v1/company-terms', { company_id }), 'not_found')
    expectProblem(await api().as('guard').post('/v1/company-terms', { company_id }), 'forbidden')
    const { items } = (await api().as('colleague').get('/v1/company-terms')).json()
    expect(items).toMatchObject([{ id: added.json().id }])
    expect((await api().as('guard').get('/v1/company-terms')).json().items).toEqual([])
    // Others of this file arrange assignments.
    await api().owner.query('delete from company_terms where company_id = $1', [company_id])
  })
})
