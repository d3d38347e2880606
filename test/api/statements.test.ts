import type { LightMyRequestResponse } from 'fastify'
import { describe, expect, it } from 'vitest'
import { jobs } from '../../src/guarding/jobs.ts'
import { registerJobs, runJob } from '../../src/platform/jobs/runner.ts'
import { expectProblem, useApi } from '../support/api.ts'
import { type Assignment, arrangeAssignment, checkInAt, minutes } from '../support/check-ins.ts'
import { expectInvariants } from '../support/invariants.ts'
import { arrangePayPeriod } from '../support/pay-periods.ts'
import { ORGANIZATIONS, type Persona, PROFESSIONALS, USERS } from '../support/world.ts'

const api = useApi()

interface Statement {
  id: string
  number: number
  kind: string
  gross: number
  deductions: number
  net: number
  vat_amount: number
  total: number
  carried_in: number
  payable: number
  carried_out: number
  corrects_id: string | null
  replaces_id: string | null
  related: { relation: string; id: string; number: number }[]
  lines: { kind: string; amount: number; seconds: number; explanation: string; timesheet_id: string }[]
}

interface Worked extends Assignment {
  assignment: string
  sheet: string
  clockOut: string
}

async function ok(response: Promise<LightMyRequestResponse>) {
  const answer = await response
  expect(answer.statusCode, answer.body).toBeLessThan(300)
  return answer.json()
}

/** A shift of 8 hours at 25 euros that was worked as planned. */
async function work(fixture: Parameters<typeof arrangeAssignment>[1] = {}): Promise<Worked> {
  const shift = await arrangeAssignment(api().owner, fixture)
  const guard = api().as(fixture.professional === PROFESSIONALS.otherGuard ? 'otherGuard' : 'guard')
  const clock = async (kind: 'clock_in' | 'clock_out', at: Date) =>
    (await ok(guard.post(`/v1/shifts/${shift.id}/checkins`, checkInAt(at, { kind })))).id as string
  await clock('clock_in', shift.start)
  const clockOut = await clock('clock_out', shift.end)
  const [row] = await api().owner.query<{ id: string; assignment_id: string }>(
    'select id, assignment_id from timesheets where shift_id = $1',
    [shift.id],
  )
  return { ...shift, sheet: row!.id, assignment: row!.assignment_id, clockOut }
}

const approve = ({ sheet }: Worked, persona: Persona = 'company') =>
  ok(api().as(persona).post(`/v1/timesheets/${sheet}/approve`, {}))

const close = (period: string, persona: Persona = 'company') =>
  api().as(persona).post(`/v1/pay-periods/${period}/close`)

async function closeNext(persona: Persona = 'company', company?: string): Promise<string> {
  const period = await arrangePayPeriod(api().owner, company)
  await ok(close(period, persona))
  return period
}

async function statementsOf(period: string, persona: Persona = 'company'): Promise<Statement[]> {
  const { items } = await ok(api().as(persona).get(`/v1/statements?pay_period_id=${period}`))
  return Promise.all(
    (items as { id: string }[]).map(
      async ({ id }) => (await ok(api().as(persona).get(`/v1/statements/${id}`))) as unknown as Statement,
    ),
  )
}

async function theStatementOf(period: string): Promise<Statement> {
  const [statement, ...others] = await statementsOf(period)
  expect(others).toEqual([])
  return statement!
}

/** An admin imposes it. */
const correct = ({ assignment }: Worked, correction: object) =>
  ok(
    api()
      .as('admin')
      .post(`/v1/assignments/${assignment}/corrections`, { reason: 'So it was', ...correction }),
  )

const leftAt = (worked: Worked, minutesAfterEnd: number) =>
  correct(worked, {
    change: 'another_time',
    event_id: worked.clockOut,
    becomes_at: minutes(worked.end, minutesAfterEnd).toISOString(),
  })

const sheetOf = async ({ sheet }: Worked) => ok(api().as('company').get(`/v1/timesheets/${sheet}`))

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

describe('closing a pay period', () => {
  it('locks what is approved and settles it on a statement, once', async () => {
    const one = await work()
    const other = await work({ rate: 20.01 })
    const waiting = await work()
    await approve(one)
    await approve(other)
    const period = await closeNext()
    const statement = await theStatementOf(period)
    expect(statement).toMatchObject({
      kind: 'invoice',
      gross: 360.08,
      deductions: 0,
      vat_amount: 0,
      total: 360.08,
      payable: 360.08,
      carried_in: 0,
      carried_out: 0,
    })
    expect(statement.lines.map(({ kind, amount }) => [kind, amount])).toEqual([
      ['planned', 160.08],
      ['planned', 200],
    ])
    expect(await sheetOf(one)).toMatchObject({ state: 'locked', pay_period_id: period, total: 200 })
    expect(await sheetOf(waiting)).toMatchObject({ state: 'proposed', pay_period_id: null })

    // Approved later: the next period has it, and nothing else.
    await approve(waiting)
    const next = await theStatementOf(await closeNext())
    expect(next).toMatchObject({ number: statement.number + 1, gross: 200 })
    expect(next.lines.map(({ timesheet_id }) => timesheet_id)).toEqual([waiting.sheet])
  })

  it('is for the company and admins, in order, once and not before the end', async () => {
    const period = await arrangePayPeriod(api().owner)
    const later = await arrangePayPeriod(api().owner, undefined, true)
    for (const persona of ['rival', 'guard', 'client', 'foreignAdmin'] as const) {
      expectProblem(await close(period, persona), 'not_found')
    }
    expectProblem(await close(later), 'pay_period_not_next')
    expect(await ok(close(period, 'admin'))).toMatchObject({ state: 'closed', closed_by: USERS.admin })
    expectProblem(await close(period), 'pay_period_closed')
    await api().owner.query("update pay_periods set ends_at = now() + interval '1 hour' where id = $1", [
      later,
    ])
    expectProblem(await close(later), 'pay_period_not_over')
    await api().owner.query('update pay_periods set ends_at = now() where id = $1', [later])
    await ok(close(later))
  })

  it('makes a statement for each guard, and tells both sides', async () => {
    await approve(await work())
    await approve(await work({ professional: PROFESSIONALS.otherGuard }))
    const period = await closeNext()
    const made = await statementsOf(period)
    expect(made).toHaveLength(2)
    const told = await api().owner.query<{ user_id: string; type: string }>(
      `select user_id, type from notifications
       where data ->> 'pay_period_id' = $1
          or data ->> 'statement_id' = any (array(select jsonb_array_elements_text($2::jsonb)))
       order by type, user_id`,
      [period, JSON.stringify(made.map(({ id }) => id))],
    )
    const planners = [USERS.company, USERS.colleague].sort()
    expect(told).toEqual([
      ...planners.map((user_id) => ({ user_id, type: 'pay_period_closed' })),
      ...[USERS.guard, USERS.otherGuard].sort().map((user_id) => ({ user_id, type: 'statement_made' })),
    ])
  })

  it('shows a statement to the guard, the company and admins, and to nobody else', async () => {
    await approve(await work())
    const { id } = await theStatementOf(await closeNext())
    for (const persona of ['guard', 'company', 'admin'] as const) {
      expect((await ok(api().as(persona).get(`/v1/statements/${id}`))).id).toBe(id)
    }
    for (const persona of ['otherGuard', 'rival', 'client', 'foreignAdmin', 'foreignGuard'] as const) {
      expectProblem(await api().as(persona).get(`/v1/statements/${id}`), 'not_found')
    }
  })
})

describe('a correction after the hours were locked', () => {
  it('is an adjustment on the next statement, and changes no line that was settled', async () => {
    const worked = await work()
    await approve(worked)
    const period = await closeNext()
    const before = [await sheetOf(worked), await theStatementOf(period)]
    // An hour of overtime more.
    await leftAt(worked, 60)
    const [sheet, statement] = [await sheetOf(worked), await theStatementOf(period)]
    expect(statement).toEqual(before[1])
    expect(sheet).toMatchObject({ state: 'locked', total: 200, adjusted: [{ from: expect.anything() }] })
    expect((sheet.lines as object[]).slice(0, 1)).toEqual(before[0]!.lines)
    const next = await theStatementOf(await closeNext())
    expect(next).toMatchObject({ gross: 37.5, kind: 'invoice' })
    expect(next.lines).toMatchObject([
      {
        kind: 'adjustment',
        amount: 37.5,
        seconds: 3600,
        explanation: 'Corrected: 9:00:00 h instead of 8:00:00 h',
      },
    ])
  })

  it('takes back what was paid too much: below zero nothing is paid, and the next statement shows it', async () => {
    const worked = await work()
    await approve(worked)
    await closeNext()
    await leftAt(worked, -240)
    const negative = await theStatementOf(await closeNext())
    expect(negative).toMatchObject({
      kind: 'credit_note',
      gross: -100,
      total: -100,
      payable: 0,
      carried_out: -100,
    })
    await approve(await work({ hours: 2 }))
    const small = await theStatementOf(await closeNext())
    expect(small).toMatchObject({ gross: 50, carried_in: -100, payable: 0, carried_out: -50 })
    await approve(await work())
    expect(await theStatementOf(await closeNext())).toMatchObject({
      gross: 200,
      carried_in: -50,
      payable: 150,
      carried_out: 0,
    })
  })

  it('and another one of the same event add up to what the last one says', async () => {
    const worked = await work()
    await approve(worked)
    await closeNext()
    await leftAt(worked, 61)
    await leftAt(worked, -30)
    const { gross, lines } = await theStatementOf(await closeNext())
    expect(lines.map(({ kind }) => kind)).toEqual(['adjustment', 'adjustment'])
    expect(gross).toBe(-12.5)
  })

  it('moves no minutes that a phone delivered meanwhile and nobody agreed on', async () => {
    const worked = await work()
    await approve(worked)
    await closeNext()
    for (const [kind, after] of [
      ['clock_in', 60],
      ['clock_out', 180],
    ] as const) {
      const late = checkInAt(minutes(worked.end, after), { kind })
      await ok(api().as('guard').post(`/v1/shifts/${worked.id}/checkins`, late))
    }
    expect(await sheetOf(worked)).toMatchObject({ state: 'locked', adjusted: null, flags: ['conflict'] })
    await leftAt(worked, 12)
    expect((await theStatementOf(await closeNext())).gross).toBe(7.5)
  })

  it('pays no minute that another shift has: not the same company’s, nor another one’s', async () => {
    const worked = await work()
    const rival = await work({ company: ORGANIZATIONS.rival, start: worked.end, hours: 2 })
    await approve(worked)
    await approve(rival, 'rival')
    await closeNext()
    await leftAt(worked, 180)
    // Of three hours two are the rival's, and nobody is told so.
    expect((await theStatementOf(await closeNext())).gross).toBe(37.5)
  })
})

describe('a wrong invoice', () => {
  const reason = 'No <b>VAT</b> number'
  const correctStatement = (id: string, persona: Persona = 'company') =>
    api().as(persona).post(`/v1/statements/${id}/correct`, { reason })
  const get = (id: string) => ok(api().as('company').get(`/v1/statements/${id}`)) as Promise<Statement>
  const payoutsOf = (...ids: string[]) =>
    api().owner.query<{ amount: number }>(
      'select amount::float8 from payouts where statement_id = any ($1::uuid[]) order by id',
      [`{${ids.join(',')}}`],
    )

  it('is taken back by a credit note and replaced by the right one: the difference alone is paid', async () => {
    const worked = await work({ professional: PROFESSIONALS.otherGuard })
    await approve(worked)
    const wrong = await theStatementOf(await closeNext())
    expect(wrong).toMatchObject({ vat_amount: 0, payable: 200, related: [] })
    await ok(
      api()
        .as('otherGuard')
        .post('/v1/tax-terms', { vat_rate: 21, vat_number: 'NL123456789B01', valid_from: '2019-01-01' }),
    )
    for (const persona of ['rival', 'client', 'guard', 'foreignAdmin'] as const) {
      expectProblem(await correctStatement(wrong.id, persona), 'not_found')
    }
    expectProblem(await correctStatement(wrong.id, 'otherGuard'), 'forbidden')
    const made = await ok(correctStatement(wrong.id))
    const [credit, replacement] = [await get(made.credit_note.id), await get(made.replacement.id)]
    expect(credit).toMatchObject({
      ...{ kind: 'credit_note', number: wrong.number + 1, corrects_id: wrong.id, correction_reason: reason },
      ...{ gross: -200, vat_rate: 0, total: -200, carried_in: 0, payable: 0, carried_out: -200 },
    })
    expect(credit.lines).toMatchObject([
      { amount: -200, seconds: -28_800, explanation: `Credited: ${wrong.lines[0]!.explanation}` },
    ])
    expect(replacement).toMatchObject({
      ...{ kind: 'invoice', number: wrong.number + 2, replaces_id: wrong.id, corrects_id: null },
      ...{ gross: 200, vat_amount: 42, total: 242, carried_in: -200, payable: 42, carried_out: 0 },
    })
    expect(await payoutsOf(wrong.id, credit.id, replacement.id)).toEqual([{ amount: 200 }, { amount: 42 }])
    const { related, ...same } = await get(wrong.id)
    expect({ ...same, related: [] }).toEqual(wrong)
    expect(related).toMatchObject([
      { relation: 'corrected_by', id: credit.id, number: credit.number },
      { relation: 'replaced_by', id: replacement.id },
    ])
    const told = await api().owner.query<{ user_id: string }>(
      "select user_id from notifications where type = 'statement_corrected' and data ->> 'credit_note_id' = $1 order by user_id",
      [credit.id],
    )
    expect(told.map(({ user_id }) => user_id)).toEqual(
      [USERS.company, USERS.colleague, USERS.otherGuard].sort(),
    )
    const page = await api().as('company').get(`/v1/statements/${credit.id}?format=html`)
    expect(page.body).toContain(`<dd>invoice ${wrong.number} of `)
    expect(page.body).toContain('No &lt;b&gt;VAT&lt;/b&gt; number')

    for (const id of [wrong.id, credit.id])
      expectProblem(await correctStatement(id, 'admin'), 'statement_state')
    // What replaces it may be wrong, too; whatever happens, the next period has none of its lines.
    const { replacement: again } = await ok(correctStatement(replacement.id, 'admin'))
    expect(again).toMatchObject({ number: wrong.number + 4, total: 242, payable: 0, carried_out: 0 })
    await approve(await work({ professional: PROFESSIONALS.otherGuard }))
    expect(await theStatementOf(await closeNext())).toMatchObject({ gross: 200, payable: 242 })
    await expectInvariants(api().owner)
  })

  it('is replaced by one with the corrected hours, and what was paid too much is carried over', async () => {
    const worked = await work()
    await approve(worked)
    const wrong = await theStatementOf(await closeNext())
    await leftAt(worked, -240)
    const { replacement } = await ok(correctStatement(wrong.id))
    expect(replacement).toMatchObject({ gross: 100, carried_in: -200, payable: 0, carried_out: -100 })
    expect((await get(replacement.id)).lines.map(({ kind, amount }) => [kind, amount])).toEqual([
      ['planned', 200],
      ['adjustment', -100],
    ])
    await approve(await work())
    const next = await theStatementOf(await closeNext())
    expect(next).toMatchObject({ gross: 200, carried_in: -100, payable: 100 })
    expect(next.lines.map(({ kind }) => kind)).toEqual(['planned'])
    // An earlier invoice does not take the adjustments of a later period.
    const later = await work()
    await approve(later)
    await closeNext()
    await leftAt(later, 60)
    expect((await ok(correctStatement(replacement.id))).replacement.gross).toBe(100)
    expect((await theStatementOf(await closeNext())).gross).toBe(37.5)
  })
})

describe('a correction between the approval and the end of the period', () => {
  it('is settled with the hours, and counts once when they are disputed before that', async () => {
    const settled = await work()
    await approve(settled)
    await leftAt(settled, 60)
    const disputed = await work()
    await approve(disputed)
    await leftAt(disputed, 60)
    await ok(api().as('guard').post(`/v1/timesheets/${disputed.sheet}/dispute`, { reason: 'It was longer.' }))
    await ok(
      api()
        .as('admin')
        .post(`/v1/timesheets/${disputed.sheet}/resolve`, { outcome: 'clocked', reason: 'Yes' }),
    )
    const { lines, gross } = await theStatementOf(await closeNext())
    expect(gross).toBe(237.5 * 2)
    expect(lines.map(({ kind, amount }) => [kind, amount])).toEqual([
      ['planned', 200],
      ['overtime', 37.5],
      ['planned', 200],
      ['adjustment', 37.5],
    ])
  })
})

describe('tax terms', () => {
  it('give VAT and deductions half up to the cent, by the version of the last day', async () => {
    const guard = api().as('guard')
    const vat = { vat_rate: 21, vat_number: 'NL123456789B01' }
    expectProblem(await guard.post('/v1/tax-terms', { vat_rate: 21 }), 'validation_failed')
    expectProblem(
      await guard.post('/v1/tax-terms', { ...vat, deduction_percent: 3, deduction_reason: 'Fee' }),
      'forbidden',
    )
    expectProblem(await api().as('company').post('/v1/tax-terms', vat), 'not_found')
    await ok(guard.post('/v1/tax-terms', { ...vat, valid_from: '2019-01-01' }))
    await ok(
      api()
        .as('admin')
        .post('/v1/tax-terms', {
          ...vat,
          professional_id: PROFESSIONALS.guard,
          valid_from: '2019-06-01',
          deduction_percent: 1.5,
          deduction_reason: 'Payment service',
        }),
    )
    expectProblem(await guard.post('/v1/tax-terms', { ...vat, valid_from: '2019-06-01' }), 'already_exists')
    // Not yet valid.
    await ok(
      guard.post('/v1/tax-terms', { vat_rate: 0, vat_exemption: 'small_business', valid_from: '2090-01-01' }),
    )
    // 15 minutes at 33.40: 8.35, of which 0.13 (0.12525) is withheld; VAT 1.75 (1.7535).
    await approve(await work({ hours: 0.25, rate: 33.4 }))
    expect(await theStatementOf(await closeNext())).toMatchObject({
      gross: 8.35,
      deductions: 0.13,
      net: 8.22,
      vat_amount: 1.75,
      total: 9.97,
      payable: 9.97,
    })
  })
})

describe('a statement', () => {
  it('comes as CSV and as a page in which nothing of a name is markup', async () => {
    await api().owner.query('update users set name = $2 where id = $1', [
      USERS.guard,
      `<script>alert("1")</script> & Co's`,
    ])
    await approve(await work())
    const { id } = await theStatementOf(await closeNext())
    const csv = await api().as('guard').get(`/v1/statements/${id}?format=csv`)
    expect(csv.headers['content-type']).toBe('text/csv; charset=utf-8; header=present')
    expect(csv.body.split('\r\n')[1]).toMatch(
      /^1,\d{4}-\d\d-\d\d,planned,28800,25,1,200,EUR,Planned time: 8:00:00 h × 25\.00 EUR\/h,/,
    )
    const page = await api()
      .as('guard')
      .get(`/v1/statements/${id}`, { headers: { accept: 'text/html' } })
    expect(page.headers['content-type']).toBe('text/html; charset=utf-8')
    expect(page.headers['content-security-policy']).toContain("default-src 'none'")
    expect(page.body).toContain('&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; &amp; Co&#39;s')
    expect(page.body).not.toContain('<script')
    expect(page.body).toContain('200.00 EUR')
    expectProblem(
      await api()
        .as('guard')
        .get(`/v1/statements/${id}`, { headers: { accept: 'image/png' } }),
      'not_acceptable',
    )
  })

  it('has a number without a gap for each company and guard', async () => {
    const rows = await api().owner.query<{ numbers: string; wanted: string }>(
      `select string_agg(number::text, ' ' order by number) as numbers,
              (select string_agg(n::text, ' ' order by n) from generate_series(1, count(s.*)::int) n) as wanted
       from statements s group by company_id, professional_id`,
    )
    expect(rows.length).toBeGreaterThan(1)
    for (const { numbers, wanted } of rows) expect(numbers).toBe(wanted)
  })
})

describe('pay periods', () => {
  it.each([
    ['week', '2026-03-29', '2026-03-23', '2026-03-29'],
    ['month', '2028-02-10', '2028-02-01', '2028-02-29'],
    ['four_weeks', '2026-01-01', '2025-12-29', '2026-01-25'],
    ['four_weeks', '2026-01-26', '2026-01-26', '2026-02-22'],
    // ISO 8601 gives 2026 a week 53.
    ['four_weeks', '2026-12-31', '2026-11-30', '2027-01-03'],
    ['four_weeks', '2027-01-04', '2027-01-04', '2027-01-31'],
  ])('of a %s: %s lies in the one from %s to %s', async (length, day, first, last) => {
    const [days] = await api().owner.query(
      'select first_day::text, last_day::text from muster.pay_period_days($1, $2)',
      [length, day],
    )
    expect(days).toEqual({ first_day: first, last_day: last })
  })

  it('are made by background work from the first hours on, by the terms of their first day', async () => {
    const company = ORGANIZATIONS.rival
    await api().owner.query('delete from pay_periods where company_id = $1 and state = $2', [company, 'open'])
    await ok(api().as('rival').post('/v1/pay-terms', { period: 'four_weeks', valid_from: '2000-01-03' }))
    expectProblem(
      await api().as('rival').post('/v1/pay-terms', { period: 'week', company_id: ORGANIZATIONS.company }),
      'not_found',
    )
    expectProblem(
      await api().as('rival').post('/v1/pay-terms', { period: 'week', time_zone: 'Mars/Base' }),
      'validation_failed',
    )
    await runNow('guarding.open_pay_periods')
    const { items } = await ok(api().as('rival').get('/v1/pay-periods?limit=100'))
    const periods = items as { period: string; ends_at: string; starts_at: string }[]
    expect(new Set(periods.map(({ period }) => period))).toEqual(new Set(['four_weeks']))
    expect(Date.parse(periods[0]!.ends_at)).toBeGreaterThan(Date.now())
    for (const [n, { starts_at }] of periods.entries()) {
      if (periods[n + 1]) expect(periods[n + 1]!.ends_at).toBe(starts_at)
    }
  })
})

describe('reports', () => {
  it('add up what statements and timesheets say, each for those whose they are', async () => {
    await runNow('guarding.refresh_professional_earnings_summary')
    await runNow('guarding.refresh_company_hours_summary')
    const sums = async (persona: Persona, report: string) => {
      const { items } = await ok(api().as(persona).get(`/v1/reports/${report}?limit=100`))
      return (items as { total: number }[]).reduce((sum, { total }) => sum + Math.round(total * 100), 0)
    }
    const [row] = await api().owner.query<{ mine: number; company: number; hours: number }>(
      `select (select (100 * coalesce(sum(total), 0))::int from statements where professional_id = $1) as mine,
              (select (100 * coalesce(sum(total), 0))::int from statements where company_id = $2) as company,
              (select (100 * coalesce(sum(l.amount), 0))::int from timesheet_lines l join timesheets t on t.id = l.timesheet_id
               where t.company_id = $2 and t.state in ('approved', 'locked') and l.is_approved) as hours`,
      [PROFESSIONALS.guard, ORGANIZATIONS.company],
    )
    expect(row!.mine).toBeGreaterThan(0)
    expect(await sums('guard', 'earnings')).toBe(row!.mine)
    expect(await sums('company', 'earnings')).toBe(row!.company)
    expect(await sums('admin', 'earnings')).toBeGreaterThanOrEqual(row!.company)
    expect(await sums('client', 'earnings')).toBe(0)
    expect(await sums('foreignAdmin', 'earnings')).toBe(0)
    expect(await sums('company', 'hours')).toBe(row!.hours)
    expect(await sums('guard', 'hours')).toBe(0)
    expect(await sums('client', 'hours')).toBe(0)
  })
})
