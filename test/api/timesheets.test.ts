import { describe, expect, it } from 'vitest'
import { jobs } from '../../src/guarding/jobs.ts'
import { registerJobs, runJob } from '../../src/platform/jobs/runner.ts'
import { useApi } from '../support/api.ts'
import {
  type Assignment,
  type AssignmentFixture,
  arrangeAssignment,
  type CheckInBody,
  checkInAt,
  minutes,
} from '../support/check-ins.ts'
import { type Persona, PROFESSIONALS, USERS } from '../support/world.ts'

const api = useApi()

interface Line {
  kind: string
  amount: number
  seconds: number
  open_reason: string | null
  is_approved: boolean
  explanation: string
}

interface Sheet {
  id: string
  state: string
  total: number | null
  flags: string[]
  worked_seconds: number
  break_seconds: number
  paid_seconds: number
  worked: { from: string; to: string }[]
  lines: Line[]
  steps: { step: string }[]
}

/** A shift of 8 hours at 25 euros, as the default terms have it: 15 minutes after the end are paid without a word. */
async function arrange(
  fixture: AssignmentFixture = {},
  terms = 'overtime_tolerance_minutes = 15',
): Promise<Assignment> {
  const shift = await arrangeAssignment(api().owner, fixture)
  await api().owner.query(`update assignments set ${terms} where shift_id = $1`, [shift.id])
  return shift
}

/** One request for each, in this order. */
async function record(
  shift: Assignment,
  ...events: [kind: CheckInBody['kind'], at: Date, meters?: number, persona?: Persona][]
): Promise<void> {
  for (const [kind, at, meters = 10, persona = 'guard'] of events) {
    const response = await api()
      .as(persona)
      .post(`/v1/shifts/${shift.id}/checkins`, checkInAt(at, { kind, meters }))
    expect(response.statusCode, response.body).toBe(201)
  }
}

const work = (shift: Assignment, afterStart = 0, afterEnd = 0): Promise<void> =>
  record(shift, ['clock_in', minutes(shift.start, afterStart)], ['clock_out', minutes(shift.end, afterEnd)])

async function sheetOf(shift: Assignment, persona: Persona = 'company'): Promise<Sheet> {
  const { items } = (await api().as(persona).get(`/v1/timesheets?shift_id=${shift.id}`)).json()
  expect(items).toHaveLength(1)
  const response = await api().as(persona).get(`/v1/timesheets/${items[0].id}`)
  expect(response.statusCode, response.body).toBe(200)
  return response.json()
}

async function post(persona: Persona, { id }: Sheet, step: string, body: unknown = {}) {
  const response = await api().as(persona).post(`/v1/timesheets/${id}/${step}`, body)
  const answer = response.json()
  return response.statusCode === 200 ? (answer as Sheet).state : (answer as { code: string }).code
}

async function runNow(name: string): Promise<void> {
  const job = jobs.find((one) => one.name === name)!
  await registerJobs(api().owner, [job])
  await api().owner.query(
    "update muster.jobs set next_run_at = now() - interval '1 second' where name = $1",
    [name],
  )
  const log = { info: () => {}, warn: (data: object) => expect.unreachable(JSON.stringify(data)) }
  expect(await runJob(api().owner, job, log)).toBe(true)
}

const amountsOf = ({ lines }: Sheet) =>
  lines.map(({ kind, amount, open_reason }) => [kind, amount, ...(open_reason ? [open_reason] : [])])

const paymentOf = async (shift: Assignment): Promise<number> =>
  (await api().as('guard').get(`/v1/transactions?shift_id=${shift.id}`)).json().items[0].amount

describe('a timesheet', () => {
  it('is made when the shift completes, and explains each cent', async () => {
    const shift = await arrange()
    await record(
      shift,
      ['clock_in', shift.start],
      ['break_start', minutes(shift.start, 240)],
      ['break_end', minutes(shift.start, 270)],
      ['clock_out', minutes(shift.end, 10)],
    )
    const sheet = await sheetOf(shift)
    expect(sheet).toMatchObject({
      state: 'proposed',
      // 7.5 h x 25 + 10 min x 25 x 1.5
      total: 187.5 + 6.25,
      worked_seconds: 460 * 60,
      break_seconds: 30 * 60,
      paid_seconds: 460 * 60,
      flags: [],
    })
    expect(amountsOf(sheet)).toEqual([
      ['planned', 187.5],
      ['overtime', 6.25],
    ])
    expect(sheet.lines.map(({ explanation }) => explanation)).toEqual([
      'Planned time: 7:30:00 h × 25.00 EUR/h',
      'Overtime: 0:10:00 h × 25.00 EUR/h × 1.5',
    ])
    expect(await paymentOf(shift)).toBe(193.75)
  })

  it('is made anew by each event until it is approved, and flagged by those that come later', async () => {
    const shift = await arrange()
    await work(shift, 60, 0)
    const first = await sheetOf(shift)
    expect(first.total).toBe(175)
    await record(shift, ['clock_in', minutes(shift.start, 30)])
    expect(await sheetOf(shift)).toMatchObject({ id: first.id, total: 187.5 })

    expect(await post('company', first, 'approve', { total: 175 })).toBe('timesheet_changed')
    expect(await post('company', first, 'approve', { total: 187.5 })).toBe('approved')
    await record(shift, ['clock_in', shift.start], ['ping', minutes(shift.start, 5)])
    expect(await sheetOf(shift)).toMatchObject({ state: 'approved', total: 187.5, flags: ['conflict'] })
    expect(await paymentOf(shift)).toBe(187.5)
  })

  it('keeps its shift completed once it is approved, whoever clocks in again', async () => {
    const shift = await arrange()
    await work(shift)
    expect(await post('company', await sheetOf(shift), 'approve')).toBe('approved')
    await record(shift, ['clock_in', minutes(shift.end, 30)])
    expect((await api().as('guard').get(`/v1/shifts/${shift.id}`)).json().status).toBe('completed')
    expect(await sheetOf(shift)).toMatchObject({ total: 200, flags: ['conflict'] })
  })

  it('has no hours to agree on while its shift is active again', async () => {
    const shift = await arrange()
    await work(shift, 0, -60)
    const sheet = await sheetOf(shift)
    await record(shift, ['clock_in', minutes(shift.end, -30)])
    for (const [persona, step, body] of [
      ['company', 'approve', {}],
      ['guard', 'dispute', { reason: 'I am still here.' }],
    ] as const)
      expect(await post(persona, sheet, step, body)).toBe('timesheet_state')
    await record(shift, ['clock_out', shift.end])
    expect(await sheetOf(shift)).toMatchObject({ id: sheet.id, total: 187.5 })
  })

  it('of a stopped shift has a line up to the minimum', async () => {
    const start = minutes(new Date(), -60)
    const shift = await arrange({ start })
    await record(shift, ['clock_in', start])
    const cancelled = await api()
      .as('company')
      .post(`/v1/shifts/${shift.id}/cancel`, { reason: 'Called off' })
    expect(cancelled.statusCode).toBe(200)
    const sheet = await sheetOf(shift)
    expect(sheet.total).toBe(75)
    expect(sheet.lines.map(({ kind }) => kind)).toEqual(['planned', 'minimum'])
    expect(sheet.lines.reduce((sum, { amount }) => sum + Math.round(amount * 100), 0)).toBe(7_500)
    expect(await post('company', sheet, 'approve')).toBe('approved')
  })

  it('is seen with its money by both sides, and without it by the client', async () => {
    const shift = await arrange()
    await work(shift)
    const sheet = await sheetOf(shift)
    for (const persona of ['guard', 'colleague', 'admin'] as const)
      expect(await sheetOf(shift, persona)).toMatchObject({ total: 200, lines: [{ amount: 200 }] })
    expect(await sheetOf(shift, 'client')).toMatchObject({
      total: null,
      lines: [],
      steps: [],
      worked: sheet.worked,
    })
    for (const persona of ['rival', 'otherClient', 'otherGuard', 'foreignAdmin'] as const)
      expect((await api().as(persona).get(`/v1/timesheets/${sheet.id}`)).statusCode).toBe(404)
    expect(await post('client', sheet, 'approve')).toBe('forbidden')
    expect(await post('rival', sheet, 'approve')).toBe('not_found')
  })

  it('comes with the clock events when they are asked for, and as CSV', async () => {
    const shift = await arrange()
    await work(shift)
    const { id } = await sheetOf(shift)
    const explained = (await api().as('client').get(`/v1/timesheets/${id}?explain=true`)).json()
    expect(explained.events).toMatchObject([
      { kind: 'clock_in', verdict: 'inside' },
      { kind: 'clock_out', verdict: 'inside' },
    ])
    const csv = await api().as('company').get(`/v1/timesheets.csv?shift_id=${shift.id}`)
    expect(csv.headers['content-type']).toMatch(/^text\/csv/)
    const [names, values] = csv.body
      .trim()
      .split('\r\n')
      .map((row) => row.split(','))
    expect(values).toHaveLength(names!.length)
    expect(values![names!.indexOf('id')]).toBe(id)
    expect(values![names!.indexOf('total')]).toBe('200')
    const page = await api().as('company').get('/v1/timesheets.csv?limit=1')
    expect(page.headers.link).toMatch(/^<\?limit=1&cursor=.+>; rel="next"$/)
  })
})

describe('open lines', () => {
  it('are paid only when the company approves them, and are never forgotten', async () => {
    const shift = await arrange()
    await work(shift, 0, 90)
    const sheet = await sheetOf(shift)
    // 15 min and 75 min, x 25 x 1.5
    expect(amountsOf(sheet)).toEqual([
      ['planned', 200],
      ['overtime', 9.38],
      ['overtime', 46.88, 'overtime_beyond_tolerance'],
    ])
    expect([sheet.total, await paymentOf(shift)]).toEqual([209.38, 209.38])
    expect(await post('company', sheet, 'approve')).toBe('lines_undecided')
    expect(await post('company', sheet, 'approve', { open_lines: ['overtime_beyond_tolerance'] })).toBe(
      'approved',
    )
    expect(await sheetOf(shift)).toMatchObject({ total: 256.26, paid_seconds: 570 * 60 })
    expect(await paymentOf(shift)).toBe(256.26)
  })

  it('that were not approved are not paid', async () => {
    const shift = await arrange()
    await work(shift, 0, 90)
    expect(await post('company', await sheetOf(shift), 'approve', { open_lines: [] })).toBe('approved')
    expect(await sheetOf(shift)).toMatchObject({
      total: 209.38,
      paid_seconds: 495 * 60,
      worked_seconds: 570 * 60,
    })
  })

  it('have the time that rests on events that came too late', async () => {
    const shift = await arrange({}, 'delivery_days = 1, overtime_tolerance_minutes = 15')
    await api().owner.query('update assignments set delivery_days = 3650 where shift_id = $1', [shift.id])
    await work(shift, 60, 0)
    await api().owner.query('update assignments set delivery_days = 1 where shift_id = $1', [shift.id])
    // What came before was in time.
    await api().owner.query('update gps_checkins set created_at = recorded_at where shift_id = $1', [
      shift.id,
    ])
    await record(shift, ['clock_in', shift.start])
    const sheet = await sheetOf(shift)
    expect(sheet.flags).toEqual(['late', 'overdue'])
    expect(amountsOf(sheet)).toEqual([
      ['planned', 175],
      ['planned', 25, 'overdue_events'],
    ])
    expect(sheet.total).toBe(175)
    expect(await post('company', sheet, 'approve', { open_lines: ['overdue_events'] })).toBe('approved')
    expect(await sheetOf(shift)).toMatchObject({ total: 200, paid_seconds: 480 * 60 })
  })
})

describe('agreeing', () => {
  it('is for the company and admins; nobody approves their own hours', async () => {
    const shift = await arrange()
    await work(shift)
    const sheet = await sheetOf(shift)
    expect(await post('guard', sheet, 'approve')).toBe('own_hours')
    // The same person, who plans for the company by now.
    await api().owner.query('update security_professionals set user_id = $1 where id = $2', [
      USERS.colleague,
      PROFESSIONALS.guard,
    ])
    try {
      expect(await post('colleague', sheet, 'approve')).toBe('own_hours')
    } finally {
      await api().owner.query('update security_professionals set user_id = $1 where id = $2', [
        USERS.guard,
        PROFESSIONALS.guard,
      ])
    }
    expect(await post('admin', sheet, 'approve')).toBe('approved')
    expect(await post('company', sheet, 'approve')).toBe('timesheet_state')
  })

  it('approves many, each by itself', async () => {
    const [plain, open] = [await arrange(), await arrange()]
    await work(plain)
    await work(open, 0, 90)
    const sheets = [await sheetOf(open), await sheetOf(plain)]
    const ghost = '99990000-0000-7000-8000-00000000dead'
    const response = await api()
      .as('company')
      .post('/v1/timesheets/approve', { ids: [...sheets.map(({ id }) => id), ghost] })
    expect(response.json().results).toEqual([
      { id: sheets[0]!.id, status: 'rejected', code: 'lines_undecided' },
      { id: sheets[1]!.id, status: 'approved' },
      { id: ghost, status: 'rejected', code: 'not_found' },
    ])
    expect((await sheetOf(plain)).state).toBe('approved')
  })

  it('can be disputed and withdrawn by the guard, who is not alone in it', async () => {
    const shift = await arrange()
    await work(shift)
    const sheet = await sheetOf(shift)
    expect(await post('company', sheet, 'dispute', { reason: 'No' })).toBe('forbidden')
    expect(await post('company', sheet, 'approve')).toBe('approved')
    expect(await post('guard', sheet, 'dispute', { reason: 'It was longer.' })).toBe('disputed')
    expect(await post('company', sheet, 'approve')).toBe('timesheet_state')
    // Events count again.
    await record(shift, ['clock_out', minutes(shift.end, 10)])
    expect(await sheetOf(shift)).toMatchObject({ state: 'disputed', total: 200 })
    expect(await post('company', sheet, 'resolve', { outcome: 'clocked' })).toBe('forbidden')
    expect(await post('guard', sheet, 'resolve', { outcome: 'clocked' })).toBe('proposed')
    expect(await post('company', sheet, 'approve')).toBe('approved')
    expect((await sheetOf(shift)).steps.map(({ step }) => step)).toEqual([
      'approved',
      'disputed',
      'withdrawn',
      'approved',
    ])
    const told = (await api().as('company').get('/v1/notifications')).json().items
    expect(told).toContainEqual(
      expect.objectContaining({
        type: 'timesheet_disputed',
        data: expect.objectContaining({ timesheet_id: sheet.id }),
      }),
    )
  })

  it('settles on the hours of a counter when the other side accepts them', async () => {
    const shift = await arrange()
    await work(shift, 0, -120)
    const sheet = await sheetOf(shift)
    const worked = [
      { from: minutes(shift.start, -30).toISOString(), to: minutes(shift.end, 60).toISOString() },
    ]
    expect(await post('guard', sheet, 'counter', { worked, reason: 'My phone was off.' })).toBe('disputed')
    expect(await post('guard', sheet, 'resolve', { outcome: 'countered' })).toBe('own_hours')
    expect(await post('company', sheet, 'resolve', { outcome: 'countered' })).toBe('approved')
    // Agreed: nothing is open, and time before the start is planned time.
    expect(await sheetOf(shift)).toMatchObject({ total: 212.5 + 37.5, paid_seconds: 570 * 60 })
    expect(await paymentOf(shift)).toBe(250)
  })

  it('lets the guard accept what the company asked for, which is no approval of their own', async () => {
    const shift = await arrange()
    await work(shift, 0, 10)
    const sheet = await sheetOf(shift)
    const worked = [{ from: shift.start.toISOString(), to: shift.end.toISOString() }]
    expect(await post('company', sheet, 'counter', { worked, reason: 'You left at six.' })).toBe('disputed')
    expect(await post('company', sheet, 'resolve', { outcome: 'countered' })).toBe('own_hours')
    expect(await post('guard', sheet, 'resolve', { outcome: 'countered' })).toBe('approved')
    expect(await sheetOf(shift)).toMatchObject({ total: 200, approved_by: USERS.company })
  })

  it('lets an admin decide', async () => {
    const shift = await arrange()
    await work(shift, 0, 10)
    const sheet = await sheetOf(shift)
    expect(await post('guard', sheet, 'counter', { worked: [], reason: 'None' })).toBe('disputed')
    expect(await post('admin', sheet, 'resolve', { outcome: 'clocked', reason: 'The gate says so.' })).toBe(
      'approved',
    )
    expect(await sheetOf(shift)).toMatchObject({ total: 206.25 })
  })

  it('refuses hours in which nobody can have worked, and a dispute that comes too late', async () => {
    const shift = await arrange()
    await work(shift)
    const sheet = await sheetOf(shift)
    const span = (from: Date, to: Date) => ({ worked: [{ from, to }], reason: 'So it was.' })
    for (const body of [
      span(shift.end, shift.start),
      span(minutes(shift.start, -121), shift.end),
      span(shift.start, minutes(shift.end, 721)),
    ])
      expect(await post('guard', sheet, 'counter', body)).toBe('hours_impossible')
    await api().owner.query("update timesheets set proposed_at = now() - interval '15 days' where id = $1", [
      sheet.id,
    ])
    expect(await post('guard', sheet, 'dispute', { reason: 'Late' })).toBe('dispute_too_late')
    expect(await post('guard', sheet, 'counter', { worked: [], reason: 'Late' })).toBe('dispute_too_late')
  })
})

describe('minutes that two shifts of one guard have', () => {
  it('stay where they were approved; the other timesheet is cut and flagged', async () => {
    const first = await arrange({ professional: PROFESSIONALS.otherGuard })
    const second = await arrange({ professional: PROFESSIONALS.otherGuard, start: first.end, hours: 4 })
    const as = (shift: Assignment, kind: CheckInBody['kind'], at: Date) =>
      record(shift, [kind, at, 10, 'otherGuard'])
    await as(first, 'clock_in', first.start)
    await as(first, 'clock_out', minutes(first.end, 10))
    expect(await post('company', await sheetOf(first), 'approve')).toBe('approved')
    expect((await sheetOf(first)).total).toBe(206.25)

    await as(second, 'clock_in', second.start)
    await as(second, 'clock_out', second.end)
    // Ten of 240 minutes are approved elsewhere.
    expect(await sheetOf(second)).toMatchObject({ total: 95.83, flags: ['conflict'] })

    // Disputed, they are the later shift's again.
    expect(await post('otherGuard', await sheetOf(first), 'dispute', { reason: 'Wrong' })).toBe('disputed')
    expect(await sheetOf(first)).toMatchObject({ total: 200 })
    expect(await sheetOf(second)).toMatchObject({ total: 100, flags: [] })
    expect([await paymentOfOther(first), await paymentOfOther(second)]).toEqual([200, 100])
  })

  const paymentOfOther = async (shift: Assignment): Promise<number> =>
    (await api().as('otherGuard').get(`/v1/transactions?shift_id=${shift.id}`)).json().items[0].amount
})

describe('what was over before there were timesheets', () => {
  it('gets its timesheet by background work', async () => {
    const shift = await arrange()
    await work(shift, 0, -60)
    const { id } = await sheetOf(shift)
    await api().owner.query('delete from timesheet_lines where timesheet_id = $1', [id])
    await api().owner.query('delete from timesheets where id = $1', [id])
    await runNow('guarding.make_missing_timesheets')
    expect(await sheetOf(shift)).toMatchObject({ total: 175, state: 'proposed' })
  })
})

describe('hours that match the plan', () => {
  it('are approved by themselves after the days of the terms; others wait for a person', async () => {
    const terms = 'approve_after_days = 7, overtime_tolerance_minutes = 30'
    const shifts = {
      asPlanned: await arrange({}, terms),
      nearly: await arrange({}, terms),
      short: await arrange({}, terms),
      flagged: await arrange({}, terms),
      young: await arrange({}, terms),
      open: await arrange({}, `${terms}, plan_tolerance_minutes = 120`),
    }
    await work(shifts.asPlanned)
    await work(shifts.nearly, 5, 10)
    await work(shifts.short, 5, 11)
    await record(shifts.flagged, ['clock_in', shifts.flagged.start], ['clock_out', shifts.flagged.end, 500])
    await work(shifts.young)
    await work(shifts.open, 0, 60)
    const old = Object.values(shifts)
      .filter((shift) => shift !== shifts.young)
      .map(({ id }) => id)
    await api().owner.query(
      "update timesheets set proposed_at = now() - interval '7 days' where shift_id = any ($1)",
      [`{${old.join(',')}}`],
    )
    await runNow('guarding.approve_agreed_hours')

    const states = Object.fromEntries(
      await Promise.all(
        Object.entries(shifts).map(async ([name, shift]) => [name, (await sheetOf(shift)).state] as const),
      ),
    )
    expect(states).toEqual({
      asPlanned: 'approved',
      nearly: 'approved',
      short: 'proposed',
      flagged: 'proposed',
      young: 'proposed',
      open: 'proposed',
    })
    expect((await sheetOf(shifts.asPlanned)).steps).toMatchObject([
      { step: 'approved_by_itself', taken_by: null },
    ])
  })
})
