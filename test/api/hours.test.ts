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

/** One request for each, in this order. */
async function record(
  shift: Pick<Assignment, 'id'>,
  ...events: [kind: CheckInBody['kind'], at: Date, meters?: number, accuracy?: number][]
): Promise<void> {
  for (const [kind, at, meters = 10, accuracy_meters = 5] of events) {
    const body = checkInAt(at, { kind, meters, accuracy_meters })
    const response = await api().as('guard').post(`/v1/shifts/${shift.id}/checkins`, body)
    expect(response.statusCode).toBe(201)
  }
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

describe('hours', () => {
  it('after a clock_out by mistake go on with the next clock_in', async () => {
    const shift = await arrange()
    await record(shift, ['clock_in', shift.start], ['clock_out', seconds(shift.start, 72)])
    expect(await stateOf(shift)).toMatchObject({ status: 'completed', amount: 0.5 })
    await record(shift, ['clock_in', minutes(shift.start, 5)])
    expect(await stateOf(shift)).toMatchObject({ status: 'active', amount: 200 })
    await record(shift, ['clock_out', shift.end])
    // 72 s and 7 h 55 min.
    expect(await stateOf(shift)).toMatchObject({ status: 'completed', amount: 198.42 })
  })

  it('before the start complete nothing: the guard stays busy, and the company can still cancel', async () => {
    const id = await arrangeShift(api().owner, { status: 'assigned', startsInHours: 1.9 })
    const now = new Date()
    await record({ id }, ['clock_in', seconds(now, -60)], ['clock_out', now])
    expect(await stateOf({ id })).toMatchObject({ status: 'active', amount: 200 })
    const parallel = await arrangeShift(api().owner, { startsInHours: 2 })
    expectProblem(await api().as('guard').post(`/v1/shifts/${parallel}/claim`), 'shift_overlap')
    const cancelled = await api().as('company').post(`/v1/shifts/${id}/cancel`, { reason: 'Closed' })
    expect(cancelled.statusCode).toBe(200)
    expect(await stateOf({ id })).toMatchObject({ status: 'cancelled', amount: 75, payment: 'pending' })
  })

  it('cannot be made cheaper: the rate of an active shift cannot be lowered, nor its start moved', async () => {
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
    expect(await stateOf(shift)).toMatchObject({ status: 'completed', amount: 480 })
  })

  it('of an offline phone are taken after the end: the shift is not released meanwhile', async () => {
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
    expect(await stateOf(over)).toMatchObject({ status: 'completed', amount: 200 })
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

  it.each([
    ['7 hours are paid', 7, 175],
    ['the minimum is paid for 1 hour', 1, 75],
  ])('of an active shift that is cancelled: %s', async (_, worked, amount) => {
    const start = hours(new Date(), -worked)
    const shift = await arrange({ start })
    await record(shift, ['clock_in', start])
    const cancelled = await api().as('company').post(`/v1/shifts/${shift.id}/cancel`, { reason: 'Closed' })
    expect(cancelled.statusCode).toBe(200)
    const state = await stateOf(shift)
    expect(state).toMatchObject({ status: 'cancelled', payment: 'pending' })
    // The seconds of this test are worked, too.
    expect(state.amount).toBeGreaterThanOrEqual(amount)
    expect(state.amount).toBeLessThan(amount + 0.5)
    // Of those in the way when it was cancelled, the phone brings what was recorded before.
    await record(shift, ['clock_out', minutes(start, worked * 60 - 30)])
    expect((await stateOf(shift)).amount).toBe(Math.max(75, 25 * (worked - 0.5)))
    const after = checkInAt(seconds(new Date(), 60), { kind: 'clock_out' })
    expectProblem(
      await api().as('guard').post(`/v1/shifts/${shift.id}/checkins`, after),
      'shift_not_assigned',
    )
    await api().owner.query('delete from gps_checkins where shift_id = $1', [shift.id])
  })

  it('do not grow by a clock_in that arrives weeks later: it is evidence, until somebody decides', async () => {
    const start = hours(new Date(), -20 * 24)
    const shift = await arrange({ start, rate: 100, hours: 8 })
    const setDelivery = (days: number) =>
      api().owner.query('update assignments set delivery_days = $2 where shift_id = $1', [shift.id, days])
    await setDelivery(30)
    await record(shift, ['clock_in', hours(start, 7.9)], ['clock_out', hours(start, 8)])
    expect(await stateOf(shift)).toMatchObject({ status: 'completed', amount: 10, flags: ['late'] })
    await api().owner.query('update gps_checkins set created_at = recorded_at where shift_id = $1', [
      shift.id,
    ])
    await setDelivery(14)
    await record(shift, ['clock_in', start])
    expect(await stateOf(shift)).toEqual({
      status: 'completed',
      amount: 10,
      payment: 'pending',
      flags: ['late', 'overdue'],
    })
  })

  it('end with a clock_out from far away, which is flagged and pays no overtime', async () => {
    const shift = await arrange()
    await record(shift, ['clock_in', shift.start], ['clock_out', hours(shift.end, 3), 430_000])
    expect(await stateOf(shift)).toMatchObject({ status: 'completed', amount: 200, flags: ['outside'] })
  })

  it('are in one shift only: two back-to-back shifts, both left at the same moment', async () => {
    const first = await arrange()
    const second = await arrange({ start: first.end })
    await record(first, ['clock_in', first.start])
    await record(second, ['clock_in', second.start], ['clock_out', second.end])
    await record(first, ['clock_out', hours(first.end, 8)])
    expect([(await stateOf(first)).amount, (await stateOf(second)).amount]).toEqual([200, 200])
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
  it('is no_show after its end and pays nothing, until an offline phone tells otherwise', async () => {
    const shift = await arrange()
    await api().owner.query('select muster.close_missed_shifts(1000)')
    expect(await stateOf(shift)).toMatchObject({ status: 'no_show', payment: 'voided' })
    const told = await api().owner.query<{ user_id: string }>(
      "select user_id from notifications where type = 'shift_no_show' and data ->> 'shift_id' = $1",
      [shift.id],
    )
    expect(told.map(({ user_id }) => user_id).sort()).toEqual(
      [USERS.company, USERS.colleague, USERS.guard].sort(),
    )
    await record(shift, ['clock_in', shift.start], ['clock_out', shift.end])
    expect(await stateOf(shift)).toMatchObject({ status: 'completed', amount: 200, payment: 'pending' })
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
