import { afterEach, beforeAll, expect, test } from 'vitest'
import type { Database } from '../../src/platform/db/engine/database.ts'
import { useApi } from '../support/api.ts'
import { type Assignment, arrangeAssignment, checkInAt, minutes } from '../support/check-ins.ts'
import { expectInvariants } from '../support/invariants.ts'
import { patience } from '../support/patience.ts'
import { arrangePayPeriod } from '../support/pay-periods.ts'
import { ORGANIZATIONS, type Persona, PROFESSIONALS } from '../support/world.ts'

/* Who closes a pay period, while others approve, dispute, correct and deliver: the same cents, whoever is first. */

const CLIENTS = 16
const ROUNDS = 8
const api = useApi({
  DATABASE_POOL_SIZE: String(CLIENTS + 1),
  DATABASE_CALLER_CONNECTIONS: String(CLIENTS),
})
let owner: Database

beforeAll(() => {
  owner = api().owner
})
afterEach(() => expectInvariants(owner))

interface Worked extends Assignment {
  assignment: string
  sheet: string
  clockOut: string
  guard: Persona
}

async function ok(persona: Persona, url: string, body?: unknown) {
  const response = await api().as(persona).post(url, body)
  expect(response.statusCode, `${url}: ${response.body}`).toBeLessThan(300)
  return response.json()
}

/** Eight hours at 25 euros. */
async function work(guard: 'guard' | 'otherGuard'): Promise<Worked> {
  const shift = await arrangeAssignment(owner, { professional: PROFESSIONALS[guard] })
  await ok(guard, `/v1/shifts/${shift.id}/checkins`, checkInAt(shift.start, { kind: 'clock_in' }))
  const { id } = await ok(
    guard,
    `/v1/shifts/${shift.id}/checkins`,
    checkInAt(shift.end, { kind: 'clock_out' }),
  )
  const [sheet] = await owner.query<{ id: string; assignment_id: string }>(
    'select id, assignment_id from timesheets where shift_id = $1',
    [shift.id],
  )
  return { ...shift, guard, clockOut: id, sheet: sheet!.id, assignment: sheet!.assignment_id }
}

const approve = ({ sheet }: Worked) => ok('company', `/v1/timesheets/${sheet}/approve`, {})
const leaveLater = ({ assignment, clockOut, end }: Worked) =>
  ok('admin', `/v1/assignments/${assignment}/corrections`, {
    change: 'another_time',
    event_id: clockOut,
    becomes_at: minutes(end, 30).toISOString(),
    reason: 'So it was',
  })
const deliverLate = ({ id, end, guard }: Worked) =>
  ok(guard, '/v1/checkins/batch', {
    items: [
      { ...checkInAt(minutes(end, 60), { kind: 'clock_in' }), shift_id: id },
      { ...checkInAt(minutes(end, 120), { kind: 'clock_out' }), shift_id: id },
    ],
  })

/** Whether it came before the lock. */
async function dispute({ sheet, guard }: Worked): Promise<boolean> {
  const response = await api().as(guard).post(`/v1/timesheets/${sheet}/dispute`, { reason: 'It was longer.' })
  expect([200, 409], response.body).toContain(response.statusCode)
  return response.statusCode === 200
}

const settled = (sheet: string) =>
  owner.query<{ id: string; amount: number }>(
    'select id, amount::float8 from statement_lines where timesheet_id = $1 order by id',
    [sheet],
  )

const linesOf = (period: string) =>
  owner.query(
    `select l.*, s.gross from statements s join statement_lines l on l.statement_id = s.id where s.pay_period_id = $1 order by l.id`,
    [period],
  )

test('a period is closed while hours are approved, disputed, corrected and delivered: each cent is paid once, and what is closed stays', {
  timeout: patience(120_000),
}, async () => {
  const sums = new Map<string, number>()
  for (let round = 0; round < ROUNDS; round += 1) {
    const worked = await Promise.all(
      (['guard', 'otherGuard'] as const).flatMap((guard) => Array.from({ length: 5 }, () => work(guard))),
    )
    const disputed: Worked[] = []
    const races: (() => Promise<unknown>)[] = []
    for (const [nth, one] of worked.entries()) {
      const kind = nth % 5
      sums.set(one.sheet, kind === 1 ? 200 + 18.75 : 200)
      if (kind !== 0) await approve(one)
      if (kind === 0) races.push(() => approve(one))
      if (kind === 1) races.push(() => leaveLater(one))
      if (kind === 2) races.push(() => deliverLate(one))
      if (kind === 3) races.push(async () => (await dispute(one)) && disputed.push(one))
    }
    const period = await arrangePayPeriod(owner)
    races.splice(round % races.length, 0, () => ok('company', `/v1/pay-periods/${period}/close`))
    await Promise.all(races.map((race) => race()))

    const closed = await linesOf(period)
    for (const { sheet } of disputed) {
      expect(await settled(sheet)).toEqual([])
      await ok('admin', `/v1/timesheets/${sheet}/resolve`, { outcome: 'clocked', reason: 'So it was' })
    }
    await ok('company', `/v1/pay-periods/${await arrangePayPeriod(owner)}/close`)
    expect(await linesOf(period)).toEqual(closed)
  }
  for (const [sheet, sum] of sums) {
    const lines = await settled(sheet)
    expect(lines.reduce((total, { amount }) => total + amount, 0)).toBe(sum)
  }
  const [differing] = await owner.query(
    `select
         (select count(*)::int from statement_lines s join timesheet_lines l on l.id = s.timesheet_line_id where s.amount <> l.amount) as amounts,
         (select count(*)::int from statements s
          where s.gross <> (select sum(l.amount) from statement_lines l where l.statement_id = s.id)) as sums,
         (select count(*)::int from timesheets t where t.company_id = $1 and t.state <> 'locked') as unlocked`,
    [ORGANIZATIONS.company],
  )
  expect(differing).toEqual({ amounts: 0, sums: 0, unlocked: 0 })
})

test('two who close a period at the same moment: one does, and each number is given once', async () => {
  await approve(await work('guard'))
  const period = await arrangePayPeriod(owner)
  const answers = await Promise.all(
    Array.from({ length: 8 }, (_, nth) =>
      api()
        .as(nth % 2 === 0 ? 'company' : 'admin')
        .post(`/v1/pay-periods/${period}/close`),
    ),
  )
  const codes = answers.map((answer) => answer.json().code ?? 'closed').sort()
  expect(codes).toEqual(['closed', ...Array.from({ length: 7 }, () => 'pay_period_closed')])
  const [statements] = await owner.query(
    'select count(*)::int as n from statements where pay_period_id = $1',
    [period],
  )
  expect(statements).toEqual({ n: 1 })
})

test('an invoice is corrected by several at once, while its hours are corrected and the next period is closed: each line is settled once', async () => {
  const one = await work('guard')
  await approve(one)
  await ok('company', `/v1/pay-periods/${await arrangePayPeriod(owner)}/close`)
  const [wrong] = await owner.query<{ id: string }>(
    'select statement_id as id from statement_lines where timesheet_id = $1',
    [one.sheet],
  )
  await approve(await work('guard'))
  const next = await arrangePayPeriod(owner)
  const corrections = Array.from({ length: 6 }, (_, nth) =>
    api()
      .as(nth % 2 === 0 ? 'company' : 'admin')
      .post(`/v1/statements/${wrong!.id}/correct`, { reason: 'The VAT number was missing.' }),
  )
  const [answers] = await Promise.all([
    Promise.all(corrections),
    leaveLater(one),
    ok('company', `/v1/pay-periods/${next}/close`),
  ])
  expect(answers.map((answer) => answer.json().code ?? 'corrected').sort()).toEqual([
    'corrected',
    ...Array.from({ length: 5 }, () => 'statement_state'),
  ])
  await ok('company', `/v1/pay-periods/${await arrangePayPeriod(owner)}/close`)
  const sum = (await settled(one.sheet)).reduce((total, { amount }) => total + amount, 0)
  expect(sum).toBe(200 + 18.75)
})

test('what is locked is changed by nobody who writes past the functions', async () => {
  const one = await work('guard')
  await approve(one)
  const period = await arrangePayPeriod(owner)
  await ok('company', `/v1/pay-periods/${period}/close`)
  for (const statement of [
    "update timesheets set state = 'approved', locked_at = null where id = $1",
    'update timesheets set total = 1 where id = $1',
    'delete from timesheet_lines where timesheet_id = $1',
    'update timesheet_lines set amount = amount + 1 where timesheet_id = $1',
    `insert into timesheet_lines (tenant_id, company_id, professional_id, timesheet_id, position, kind, seconds, rate, factor, amount,
                                  explanation, is_approved)
     select tenant_id, company_id, professional_id, id, 9, 'planned', 60, 60, 1, 1, 'More', true from timesheets where id = $1`,
  ]) {
    await expect(owner.query(statement, [one.sheet]), statement).rejects.toMatchObject({
      code: expect.anything(),
    })
  }
})
