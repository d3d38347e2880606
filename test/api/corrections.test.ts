import { describe, expect, it } from 'vitest'
import { expectProblem, useApi } from '../support/api.ts'
import { type Assignment, arrangeAssignment, checkInAt, minutes, seconds } from '../support/check-ins.ts'
import { arrangeShift, type Persona, USERS } from '../support/world.ts'

const api = useApi()

interface Worked extends Assignment {
  assignment: string
}

const assignmentOf = async (shift: string): Promise<string> =>
  (await api().as('company').get(`/v1/assignments?shift_id=${shift}`)).json().items[0].id

async function arrange(): Promise<Worked> {
  const shift = await arrangeAssignment(api().owner)
  return { ...shift, assignment: await assignmentOf(shift.id) }
}

/** Gives its id. */
async function clock(
  shift: Worked,
  kind: 'clock_in' | 'clock_out' | 'break_start' | 'break_end' | 'ping',
  at: Date,
  meters = 10,
): Promise<string> {
  const response = await api()
    .as('guard')
    .post(`/v1/shifts/${shift.id}/checkins`, checkInAt(at, { kind, meters }))
  expect(response.statusCode).toBe(201)
  return response.json().id
}

const propose = (persona: Persona, { assignment }: Pick<Worked, 'assignment'>, body: object) =>
  api()
    .as(persona)
    .post(`/v1/assignments/${assignment}/corrections`, { reason: 'The battery was empty', ...body })

const decide = (persona: Persona, id: string, verdict: 'accept' | 'refuse') =>
  api().as(persona).post(`/v1/corrections/${id}/${verdict}`)

/** Proposed by the guard and accepted by the company. */
async function agree(shift: Worked, body: object): Promise<string> {
  const proposed = await propose('guard', shift, body)
  expect(proposed.statusCode).toBe(201)
  expect((await decide('company', proposed.json().id, 'accept')).statusCode).toBe(200)
  return proposed.json().id
}

async function stateOf({ id }: Worked) {
  const guard = api().as('guard')
  const shift = (await guard.get(`/v1/shifts/${id}`)).json()
  const [payment] = (await guard.get(`/v1/transactions?shift_id=${id}`)).json().items
  const [assignment] = (await guard.get(`/v1/assignments?shift_id=${id}`)).json().items
  return { status: shift.status, amount: payment.amount, payment: payment.status, flags: assignment.flags }
}

const toldOf = async (type: string, correction: string) =>
  (
    await api().owner.query<{ user_id: string }>(
      "select user_id from notifications where type = $1 and data ->> 'correction_id' = $2 order by user_id",
      [type, correction],
    )
  ).map(({ user_id }) => user_id)

const PLANNERS = [USERS.company, USERS.colleague].sort()
const hours = (time: Date, n: number): Date => minutes(time, n * 60)
const at = (time: Date) => ({ becomes_at: time.toISOString() })

describe('a correction', () => {
  it('that one side proposes changes hours and pay when the other side accepts it, and not before', async () => {
    const shift = await arrange()
    await clock(shift, 'clock_in', shift.start)
    const out = await clock(shift, 'clock_out', hours(shift.start, 6))
    const proposed = await propose('guard', shift, {
      change: 'another_time',
      event_id: out,
      ...at(shift.end),
    })
    expect(proposed.statusCode).toBe(201)
    expect(proposed.headers.location).toBe(`/v1/corrections/${proposed.json().id}`)
    const correction = proposed.json()
    expect(correction).toMatchObject({
      event_id: out,
      kind: 'clock_out',
      proposed_as: 'professional',
      proposed_by: USERS.guard,
      state: 'proposed',
      decided_by: null,
    })
    expect(Date.parse(correction.was_at)).toBe(hours(shift.start, 6).getTime())
    expect(await stateOf(shift)).toMatchObject({ amount: 150, flags: [] })
    expect(await toldOf('correction_proposed', correction.id)).toEqual(PLANNERS)
    const accepted = await decide('colleague', correction.id, 'accept')
    expect(accepted.json()).toMatchObject({ state: 'accepted', decided_by: USERS.colleague })
    expect(await stateOf(shift)).toMatchObject({ status: 'completed', amount: 200, flags: ['corrected'] })
    expect(await toldOf('correction_accepted', correction.id)).toEqual([USERS.guard])
    // What the phone said stays.
    const { items } = (await api().as('company').get(`/v1/shifts/${shift.id}/checkins?kind=clock_out`)).json()
    expect(items).toMatchObject([{ id: out }])
    expect(Date.parse(items[0].recorded_at)).toBe(hours(shift.start, 6).getTime())
  })

  it('that is refused changes nothing, and neither is decided on twice', async () => {
    const shift = await arrange()
    const inAt = await clock(shift, 'clock_in', shift.start)
    const later = { change: 'another_time', event_id: inAt, ...at(hours(shift.start, 1)) }
    const { id } = (await propose('company', shift, later)).json()
    expectProblem(await propose('guard', shift, later), 'correction_open')
    expect((await decide('guard', id, 'refuse')).json()).toMatchObject({ state: 'refused' })
    expect(await toldOf('correction_refused', id)).toEqual(PLANNERS)
    expect(await stateOf(shift)).toMatchObject({ status: 'active', flags: [] })
    for (const verdict of ['accept', 'refuse'] as const)
      expectProblem(await decide('guard', id, verdict), 'correction_decided')
    expect((await propose('company', shift, later)).statusCode).toBe(201)
  })

  it('is nobody’s to decide who proposed it, nor anybody’s of the same side', async () => {
    const shift = await arrange()
    const happened = { change: 'happened', kind: 'clock_in', ...at(shift.start) }
    const { id } = (await propose('company', shift, happened)).json()
    for (const persona of ['company', 'colleague', 'admin'] as const)
      expectProblem(await decide(persona, id, 'accept'), 'forbidden')
    for (const persona of ['otherGuard', 'rival', 'client', 'foreignAdmin'] as const) {
      expectProblem(await decide(persona, id, 'accept'), 'not_found')
      expectProblem(await api().as(persona).get(`/v1/corrections/${id}`), 'not_found')
      expectProblem(await propose(persona, shift, happened), 'not_found')
    }
  })

  it('by an admin is in effect at once, and both sides are told', async () => {
    const shift = await arrange()
    await clock(shift, 'clock_in', shift.start)
    const imposed = await propose('admin', shift, {
      change: 'happened',
      kind: 'clock_out',
      ...at(hours(shift.start, 4)),
    })
    expect(imposed.json()).toMatchObject({ state: 'imposed', proposed_as: 'admin', decided_by: USERS.admin })
    expect(await stateOf(shift)).toMatchObject({ status: 'completed', amount: 100, flags: ['corrected'] })
    expect(await toldOf('correction_imposed', imposed.json().id)).toEqual([...PLANNERS, USERS.guard].sort())
    // What somebody added can be wrong, too.
    const { id } = imposed.json()
    await agree(shift, { change: 'another_time', event_id: id, ...at(hours(shift.start, 5)) })
    expect(await stateOf(shift)).toMatchObject({ amount: 125 })
    await agree(shift, { change: 'never_happened', event_id: id })
    expect(await stateOf(shift)).toMatchObject({ status: 'active' })
  })

  it('mends a clock_out by mistake: the shift is active again, and closed when its time has come', async () => {
    const shift = await arrange()
    await clock(shift, 'clock_in', shift.start)
    const out = await clock(shift, 'clock_out', seconds(shift.start, 72))
    expect(await stateOf(shift)).toMatchObject({ status: 'completed', amount: 0.5 })
    await agree(shift, { change: 'never_happened', event_id: out })
    expect(await stateOf(shift)).toMatchObject({ status: 'active', amount: 200 })
    await api().owner.query('select muster.close_left_shifts(1000)')
    expect(await stateOf(shift)).toMatchObject({
      status: 'completed',
      amount: 200,
      flags: ['auto_closed', 'corrected'],
    })
  })

  it('that takes away what began the work leaves a no_show, and one that adds it takes that back', async () => {
    const shift = await arrange()
    const inAt = await clock(shift, 'clock_in', shift.start)
    await agree(shift, { change: 'never_happened', event_id: inAt })
    expect(await stateOf(shift)).toMatchObject({ status: 'no_show', payment: 'voided', flags: ['corrected'] })
    await agree(shift, { change: 'happened', kind: 'clock_in', ...at(hours(shift.start, 1)) })
    await agree(shift, { change: 'happened', kind: 'clock_out', ...at(shift.end) })
    expect(await stateOf(shift)).toMatchObject({
      status: 'completed',
      payment: 'pending',
      amount: 175,
      flags: ['corrected', 'late'],
    })
  })

  it('pays time before the planned start, which events alone do not', async () => {
    const shift = await arrange()
    const early = minutes(shift.start, -30)
    const inAt = await clock(shift, 'clock_in', early)
    await clock(shift, 'clock_out', shift.end)
    expect((await stateOf(shift)).amount).toBe(200)
    await agree(shift, { change: 'another_time', event_id: inAt, ...at(early) })
    expect((await stateOf(shift)).amount).toBe(212.5)
  })

  it('decides on what came too late, or was recorded elsewhere', async () => {
    const shift = await arrange()
    await api().owner.query('update assignments set delivery_days = 1 where id = $1', [shift.assignment])
    const inAt = await clock(shift, 'clock_in', shift.start, 430_000)
    const out = await clock(shift, 'clock_out', shift.end)
    expect(await stateOf(shift)).toMatchObject({ status: 'assigned', flags: ['overdue'] })
    await agree(shift, { change: 'another_time', event_id: inAt, ...at(shift.start) })
    await agree(shift, { change: 'another_time', event_id: out, ...at(shift.end) })
    expect(await stateOf(shift)).toMatchObject({ status: 'completed', amount: 200, flags: ['corrected'] })
  })

  it('is not silently overruled by a phone that delivers later, nor the phone by it', async () => {
    const shift = await arrange()
    await clock(shift, 'clock_in', shift.start)
    await agree(shift, { change: 'happened', kind: 'clock_out', ...at(hours(shift.start, 6)) })
    const out = await clock(shift, 'clock_out', hours(shift.start, 7))
    for (const persona of ['company', 'guard'] as const) {
      const { items } = (await api().as(persona).get(`/v1/assignments?shift_id=${shift.id}`)).json()
      expect(items[0].flags).toEqual(['conflict', 'corrected'])
    }
    expect(await stateOf(shift)).toMatchObject({ status: 'completed', amount: 150 })
    // Both sides look at it, and it counts; or it does not.
    const { items } = (await api().as('guard').get(`/v1/corrections?shift_id=${shift.id}`)).json()
    await agree(shift, { change: 'never_happened', event_id: items[0].event_id })
    await agree(shift, { change: 'another_time', event_id: out, ...at(hours(shift.start, 7)) })
    expect(await stateOf(shift)).toMatchObject({ status: 'completed', amount: 175, flags: ['corrected'] })
  })

  it('does not touch what is recorded after the decision', async () => {
    const shift = await arrangeShift(api().owner, {
      status: 'assigned',
      startsInHours: -1,
      hours: 8,
      rate: 25,
    })
    const worked = { id: shift, assignment: await assignmentOf(shift), start: new Date(), end: new Date() }
    const inAt = await clock(worked, 'clock_in', minutes(new Date(), -40))
    await agree(worked, { change: 'another_time', event_id: inAt, ...at(minutes(new Date(), -50)) })
    await clock(worked, 'break_start', seconds(new Date(), 60))
    expect(await stateOf(worked)).toMatchObject({ status: 'active', flags: ['corrected'] })
    await agree(worked, { change: 'never_happened', event_id: inAt })
    // Its end is still to come: the guard is awaited again.
    expect(await stateOf(worked)).toMatchObject({ status: 'assigned', flags: ['corrected'] })
    await api().as('company').post(`/v1/shifts/${shift}/cancel`, { reason: 'Closed' })
  })

  it('of a shift that was called off before anybody knew of the work makes it paid', async () => {
    const shift = await arrange()
    const cancelled = await api().as('company').post(`/v1/shifts/${shift.id}/cancel`, { reason: 'Closed' })
    expect(cancelled.statusCode).toBe(200)
    expect(await stateOf(shift)).toMatchObject({ status: 'cancelled', payment: 'voided' })
    await agree(shift, { change: 'happened', kind: 'clock_in', ...at(shift.start) })
    await agree(shift, { change: 'happened', kind: 'clock_out', ...at(hours(shift.start, 6)) })
    expect(await stateOf(shift)).toMatchObject({ status: 'cancelled', payment: 'pending', amount: 150 })
  })

  it('is of a clock event of the assignment, at a time of its window that has come', async () => {
    const shift = await arrange()
    const other = await arrange()
    const elsewhere = await clock(other, 'clock_in', other.start)
    const ping = await clock(shift, 'ping', shift.start)
    for (const event_id of [elsewhere, ping, shift.assignment])
      expectProblem(await propose('guard', shift, { change: 'never_happened', event_id }), 'not_found')
    const happened = (time: Date) => ({ change: 'happened', kind: 'clock_in', ...at(time) })
    expectProblem(await propose('guard', shift, happened(hours(shift.end, 13))), 'outside_check_in_window')
    const soon = await arrangeShift(api().owner, { status: 'assigned', startsInHours: 1 })
    const upcoming = { assignment: await assignmentOf(soon) }
    expectProblem(await propose('guard', upcoming, happened(minutes(new Date(), 30))), 'recorded_in_future')
    await api().as('company').post(`/v1/shifts/${soon}/release`)
    expectProblem(await propose('guard', upcoming, happened(new Date())), 'assignment_released')
    expectProblem(await propose('guard', shift, { change: 'happened', kind: 'ping' }), 'validation_failed')
    expectProblem(
      await propose('guard', shift, { ...happened(shift.start), reason: '' }),
      'validation_failed',
    )
  })

  it('is one of 100 at most', async () => {
    const shift = await arrange()
    await api().owner.query(
      `insert into corrections (assignment_id, change, kind, becomes_at, reason, proposed_by, proposed_as)
       select $1, 'happened', 'break_end', $2, 'Many', $3, 'professional' from generate_series(1, 100)`,
      [shift.assignment, shift.start.toISOString(), USERS.guard],
    )
    expectProblem(
      await propose('company', shift, { change: 'happened', kind: 'clock_in', ...at(shift.start) }),
      'too_many_corrections',
    )
    const first = (await api().as('guard').get(`/v1/corrections?shift_id=${shift.id}&limit=60`)).json()
    const second = (
      await api().as('guard').get(`/v1/corrections?shift_id=${shift.id}&limit=60&cursor=${first.next_cursor}`)
    ).json()
    expect(new Set([...first.items, ...second.items].map(({ id }) => id)).size).toBe(100)
    const accepted = await api().as('guard').get(`/v1/corrections?shift_id=${shift.id}&state=accepted`)
    expect(accepted.json().items).toEqual([])
  })
})
