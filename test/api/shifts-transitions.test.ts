import { describe, expect, it } from 'vitest'
import { expectProblem, useApi } from '../support/api.ts'
import {
  acquaint,
  arrangeShift,
  type Persona,
  PROFESSIONALS,
  type ShiftFixture,
  USERS,
} from '../support/world.ts'

const api = useApi()

const UNKNOWN = '00000000-0000-7000-8000-000000000000'

/** Each a day apart, so that no test's shifts overlap another's. */
let day = 10
const arrange = (fixture: ShiftFixture = {}) => {
  day += 1
  return arrangeShift(api().owner, { startsInHours: day * 24, ...fixture })
}

const arrangeAs = async (status: 'active' | 'completed' | 'cancelled'): Promise<string> => {
  const id = await arrange({ status: 'assigned' })
  const steps = {
    active: ["status = 'active'"],
    completed: ["status = 'active'", "status = 'completed'"],
    cancelled: ["status = 'cancelled', cancel_reason = 'Rain'"],
  }
  for (const step of steps[status]) await api().owner.query(`update shifts set ${step} where id = $1`, [id])
  return id
}

const step = (persona: Persona, id: string, name: string, body?: unknown) =>
  api().as(persona).post(`/v1/shifts/${id}/${name}`, body)

const assign = (persona: Persona, id: string, professional_id: string = PROFESSIONALS.guard) =>
  step(persona, id, 'assign', { professional_id })

const payments = (id: string) =>
  api().owner.query<{ status: string }>(
    'select status, professional_id from finqle_transactions where shift_id = $1 order by id',
    [id],
  )

const notifications = (id: string) =>
  api().owner.query<{ type: string; user_id: string }>(
    "select type, user_id from notifications where data ->> 'shift_id' = $1 order by id",
    [id],
  )

describe('every step', () => {
  const bodies: Record<string, unknown> = {
    publish: undefined,
    assign: { professional_id: PROFESSIONALS.guard },
    release: undefined,
    cancel: { reason: 'Rain' },
  }
  /** Where a step begins; from everywhere else it is refused, with this code. */
  const from: Record<string, { states: string[]; otherwise: 'invalid_transition' | 'shift_not_open' }> = {
    publish: { states: ['draft'], otherwise: 'invalid_transition' },
    assign: { states: ['published'], otherwise: 'shift_not_open' },
    release: { states: ['assigned'], otherwise: 'invalid_transition' },
    cancel: { states: ['draft', 'published', 'assigned', 'active'], otherwise: 'invalid_transition' },
  }
  const STATES = ['draft', 'published', 'assigned', 'active', 'completed', 'cancelled'] as const

  const inState = (status: (typeof STATES)[number]): Promise<string> =>
    status === 'draft' || status === 'published' || status === 'assigned'
      ? arrange({ status })
      : arrangeAs(status)

  it.each(
    Object.entries(from).flatMap(([name, { states, otherwise }]) =>
      STATES.map((state) => ({ name, state, allowed: states.includes(state), otherwise })),
    ),
  )('$name from $state', async ({ name, state, allowed, otherwise }) => {
    const id = await inState(state)
    const response = await step('company', id, name, bodies[name])
    if (allowed) expect(response.statusCode, response.body).toBe(200)
    else {
      expectProblem(response, otherwise)
      expect((await api().as('company').get(`/v1/shifts/${id}`)).json().status).toBe(state)
    }
  })

  it.each(Object.keys(from))('%s is for the company and its admin', async (name) => {
    const state = from[name]!.states[0] === 'draft' ? 'published' : (from[name]!.states[0] as 'published')
    const seen = await arrange({ status: state, professional: PROFESSIONALS.guard })
    for (const persona of ['client', 'guard'] as const) {
      // A guard may assign, but only themselves: that is what claiming is.
      const body = name === 'assign' ? { professional_id: PROFESSIONALS.otherGuard } : bodies[name]
      expectProblem(await step(persona, seen, name, body), 'forbidden')
    }
    for (const persona of ['rival', 'otherClient', 'foreignAdmin', 'foreignGuard'] as const) {
      expectProblem(await step(persona, seen, name, bodies[name]), 'not_found')
    }
    expectProblem(await api().as(null).post(`/v1/shifts/${seen}/${name}`, bodies[name]), 'unauthenticated')
    expectProblem(await step('company', UNKNOWN, name, bodies[name]), 'not_found')

    const id = await arrange({ status: from[name]!.states[0] as 'draft' })
    expect((await step('admin', id, name, bodies[name])).statusCode).toBe(200)
  })

  it('answers with the shift as reading it does', async () => {
    const id = await arrange({ status: 'draft' })
    for (const [name, body] of Object.entries(bodies)) {
      const answered = (await step('company', id, name, body)).json()
      const read = (await api().as('company').get(`/v1/shifts/${id}`)).json()
      expect(read).toMatchObject(answered)
      expect(Object.keys(read)).toEqual([
        ...Object.keys(answered),
        'location',
        'professional',
        'checkin_count',
        'last_checkin',
      ])
    }
  })
})

describe('assigning', () => {
  it('makes the payment and tells the professional', async () => {
    const id = await arrange()
    expect((await assign('company', id)).json()).toMatchObject({
      status: 'assigned',
      professional_id: PROFESSIONALS.guard,
    })
    expect(await payments(id)).toEqual([{ status: 'pending', professional_id: PROFESSIONALS.guard }])
    expect(await notifications(id)).toEqual([{ type: 'shift_assigned', user_id: USERS.guard }])
  })

  it('accepts only a professional of the tenant', async () => {
    for (const professional of [PROFESSIONALS.foreignGuard, UNKNOWN]) {
      const response = await assign('company', await arrange(), professional)
      expectProblem(response, 'not_found')
      expect(response.json().subject).toBe('professional_id')
    }
    expectProblem(await step('company', await arrange(), 'assign', {}), 'validation_failed')
    expectProblem(await step('company', await arrange(), 'assign'), 'validation_failed')
  })

  it('is refused for each rule that it would break, and then leaves nothing behind', async () => {
    await acquaint(api().owner, [PROFESSIONALS.guard, PROFESSIONALS.otherGuard])
    const lasting = await arrange({ certificates: ['vca', 'bhv'] })
    const missing = await assign('company', lasting)
    expectProblem(missing, 'certificate_missing')
    expect(missing.json().subject).toBe('bhv')

    await api().owner.query(
      "insert into certificates (professional_id, kind, number, valid_until, verified_at) values ($1, 'bhv', 'B-1', current_date, now())",
      [PROFESSIONALS.guard],
    )
    const expired = await assign('company', lasting)
    expectProblem(expired, 'certificate_expired')
    expect(expired.json().subject).toBe('bhv')

    const first = await arrange({ status: 'assigned', startsInHours: 100_000, hours: 8 })
    expect(first).toBeDefined()
    const overlapping = await arrange({ startsInHours: 100_007, hours: 2 })
    expectProblem(await assign('company', overlapping), 'shift_overlap')
    expect((await assign('company', await arrange({ startsInHours: 100_008 }))).statusCode).toBe(200)

    await api().owner.query("update security_professionals set status = 'suspended' where id = $1", [
      PROFESSIONALS.otherGuard,
    ])
    const suspended = await arrange()
    expectProblem(await assign('company', suspended, PROFESSIONALS.otherGuard), 'professional_inactive')
    await api().owner.query("update security_professionals set status = 'active' where id = $1", [
      PROFESSIONALS.otherGuard,
    ])

    for (const id of [lasting, overlapping, suspended]) {
      expect(await payments(id)).toEqual([])
      expect(await notifications(id)).toEqual([])
    }
  })

  it('is refused when the shift is already assigned, also to the same professional', async () => {
    const id = await arrange({ status: 'assigned' })
    expectProblem(await assign('company', id, PROFESSIONALS.otherGuard), 'shift_not_open')
    expectProblem(await assign('company', id, PROFESSIONALS.guard), 'shift_not_open')
  })

  it('is possible until the end of the shift', async () => {
    const running = await arrange({ startsInHours: -1, hours: 4 })
    expect((await assign('company', running)).statusCode).toBe(200)
    const over = await arrange({ startsInHours: -9, hours: 4 })
    expectProblem(await assign('company', over, PROFESSIONALS.otherGuard), 'shift_not_open')
  })

  it('counts the last day of a certificate at the place of the shift', async () => {
    // Ends at 23:30 UTC of the 27th, which is 00:30 of the 28th in Amsterdam: the clocks have not changed yet.
    const id = await arrange({ certificates: ['svpb'] })
    await api().owner.query(
      "update shifts set start_datetime = '2027-03-27T16:00:00Z', end_datetime = '2027-03-27T23:30:00Z' where id = $1",
      [id],
    )
    const hold = (until: string) =>
      api().owner.query(
        "insert into certificates (professional_id, kind, number, valid_until, verified_at) values ($1, 'svpb', 'S-1', $2, now())",
        [PROFESSIONALS.guard, until],
      )
    await hold('2027-03-27')
    expectProblem(await assign('company', id), 'certificate_expired')
    await hold('2027-03-28')
    expect((await assign('company', id)).statusCode).toBe(200)
  })
})

describe('claiming', () => {
  it('is assigning oneself', async () => {
    const id = await arrange()
    expect((await step('otherGuard', id, 'claim')).json()).toMatchObject({
      id,
      status: 'assigned',
      professional_id: PROFESSIONALS.otherGuard,
    })
    expect(await payments(id)).toEqual([{ status: 'pending', professional_id: PROFESSIONALS.otherGuard }])
    expect(await notifications(id)).toEqual([{ type: 'shift_assigned', user_id: USERS.otherGuard }])
  })

  it('is for guards of the tenant', async () => {
    const id = await arrange()
    for (const persona of ['company', 'client', 'admin'] as const) {
      expectProblem(await step(persona, id, 'claim'), 'forbidden')
    }
    expectProblem(await step('foreignGuard', id, 'claim'), 'not_found')
    // Not even that it was there: it is another tenant's.
    expectProblem(await step('foreignGuard', await arrange({ status: 'assigned' }), 'claim'), 'not_found')
    expectProblem(await step('guard', UNKNOWN, 'claim'), 'not_found')
    expectProblem(await step('guard', await arrange({ status: 'draft' }), 'claim'), 'not_found')
  })

  it('is refused when the shift is taken, has begun or is over', async () => {
    const taken = await arrange({ status: 'assigned', professional: PROFESSIONALS.otherGuard })
    expectProblem(await step('guard', taken, 'claim'), 'shift_not_open')
    // Also for whoever has it: who must know that a repeated request did the same sends an Idempotency-Key.
    expectProblem(await step('otherGuard', taken, 'claim'), 'shift_not_open')
    expectProblem(await step('guard', await arrange({ startsInHours: -1 }), 'claim'), 'shift_not_open')
    expectProblem(await step('guard', await arrangeAs('cancelled'), 'claim'), 'shift_not_open')
  })

  it('obeys the rules of an assignment', async () => {
    const missing = await step('guard', await arrange({ certificates: ['dog'] }), 'claim')
    expectProblem(missing, 'certificate_missing')
    expect(missing.json().subject).toBe('dog')
    const first = await arrange({ startsInHours: 200_000 })
    const second = await arrange({ startsInHours: 200_004 })
    expect((await step('guard', first, 'claim')).statusCode).toBe(200)
    expectProblem(await step('guard', second, 'claim'), 'shift_overlap')
  })
})

describe('releasing', () => {
  it('opens the shift again, voids the payment and tells the professional', async () => {
    const id = await arrange({ status: 'assigned' })
    expect((await step('company', id, 'release')).json()).toMatchObject({
      status: 'published',
      professional_id: null,
    })
    expect(await payments(id)).toEqual([{ status: 'voided', professional_id: PROFESSIONALS.guard }])
    expect((await notifications(id)).map(({ type }) => type)).toEqual(['shift_assigned', 'shift_released'])
    expect((await step('otherGuard', id, 'claim')).statusCode).toBe(200)
    expect((await payments(id)).map(({ status }) => status)).toEqual(['voided', 'pending'])
  })
})

describe('cancelling', () => {
  it('needs a reason, keeps the professional, voids the payment', async () => {
    const id = await arrange({ status: 'assigned' })
    for (const body of [undefined, {}, { reason: '' }, { reason: 'x'.repeat(1_001) }]) {
      expectProblem(await step('company', id, 'cancel', body), 'validation_failed')
    }
    expect((await step('company', id, 'cancel', { reason: 'Event called off' })).json()).toMatchObject({
      status: 'cancelled',
      cancel_reason: 'Event called off',
      professional_id: PROFESSIONALS.guard,
    })
    expect(await payments(id)).toEqual([{ status: 'voided', professional_id: PROFESSIONALS.guard }])
    expect((await notifications(id)).map(({ type }) => type)).toEqual(['shift_assigned', 'shift_cancelled'])
  })
})
