import { and, asc, desc, eq, gte, lt, type SQL, sql } from '../../platform/db/drizzle.ts'
import { belongsTo, mergeBranches } from '../../platform/db/policy-branches.ts'
import type { Session } from '../../platform/db/session.ts'
import { before, build, type PageValues, pageValues } from '../../platform/db/sql.ts'
import { type RowsStatement, writtenOnce } from '../../platform/db/statement.ts'
import type { Code } from '../../platform/http/codes.ts'
import type { Position } from '../../platform/http/page.ts'
import { codeOf } from '../../platform/http/problem.ts'
import { checkinColumns } from '../check-in-form.ts'
import { gpsCheckins } from '../checkins/table.ts'
import type { Approval, Counter, Resolution, Timesheet, TimesheetDetail, TimesheetFilter } from './schemas.ts'
import { timesheetLines, timesheetSteps, timesheets } from './table.ts'

/** As the caller sees the lines: whoever sees none sees no money, which is not the same as nothing. */
const total = sql<number | null>`case when (select muster.client_id()) is null then (
  select coalesce(sum(l.amount), 0) from timesheet_lines l where l.timesheet_id = timesheets.id and l.is_approved and l.kind <> 'adjustment'
) end`.as('total')

const columns = {
  id: timesheets.id,
  company_id: timesheets.company_id,
  client_id: timesheets.client_id,
  shift_id: timesheets.shift_id,
  assignment_id: timesheets.assignment_id,
  professional_id: timesheets.professional_id,
  state: timesheets.state,
  start_datetime: timesheets.start_datetime,
  end_datetime: timesheets.end_datetime,
  time_zone: timesheets.time_zone,
  work_date: timesheets.work_date,
  worked: timesheets.worked,
  paid: timesheets.paid,
  clocked: timesheets.clocked,
  agreed: timesheets.agreed,
  adjusted: timesheets.adjusted,
  worked_seconds: timesheets.worked_seconds,
  break_seconds: timesheets.break_seconds,
  paid_seconds: timesheets.paid_seconds,
  currency: timesheets.currency,
  flags: timesheets.flags,
  proposed_at: timesheets.proposed_at,
  approved_at: timesheets.approved_at,
  approved_by: timesheets.approved_by,
  locked_at: timesheets.locked_at,
  pay_period_id: timesheets.pay_period_id,
  created_at: timesheets.created_at,
  updated_at: timesheets.updated_at,
  total,
}

/** A caller has one role: no timesheet is in two branches. */
const BRANCHES: SQL[] = [
  belongsTo(timesheets.company_id, sql`muster.company_id()`),
  belongsTo(timesheets.client_id, sql`muster.client_id()`),
  belongsTo(timesheets.professional_id, sql`muster.professional_id()`),
  belongsTo(timesheets.tenant_id, sql`muster.admin_tenant_id()`),
]

const timesheetPage = writtenOnce<TimesheetFilter & PageValues, Timesheet>((given) =>
  mergeBranches(
    BRANCHES.map((branch) =>
      build
        .select(columns)
        .from(timesheets)
        .where(
          and(
            branch,
            given.state && eq(timesheets.state, given.state),
            given.shift_id && eq(timesheets.shift_id, given.shift_id),
            given.professional_id && eq(timesheets.professional_id, given.professional_id),
            given.flagged && sql`(${timesheets.flags} <> '{}') = ${given.flagged}::boolean`,
            given.starts_after && gte(timesheets.start_datetime, given.starts_after),
            given.starts_before && lt(timesheets.start_datetime, given.starts_before),
            before(timesheets.start_datetime, timesheets.id, given),
          ),
        )
        .orderBy(desc(timesheets.start_datetime), desc(timesheets.id)),
    ),
    sql`start_datetime desc, id desc`,
    given.limit,
  ),
)

/** The latest start first. */
export const listTimesheets = (
  filter: TimesheetFilter,
  limit: number,
  position: Position | undefined,
): RowsStatement<Timesheet> => timesheetPage({ ...filter, ...pageValues(limit, position) })

const listOf = (rows: SQL): SQL => sql`(select coalesce(json_agg(row), '[]') from (${rows}) as row)`

const lines = listOf(
  build
    .select({
      id: timesheetLines.id,
      position: timesheetLines.position,
      kind: timesheetLines.kind,
      seconds: timesheetLines.seconds,
      rate: timesheetLines.rate,
      factor: timesheetLines.factor,
      amount: timesheetLines.amount,
      currency: timesheetLines.currency,
      explanation: timesheetLines.explanation,
      allowance_id: timesheetLines.allowance_id,
      open_reason: timesheetLines.open_reason,
      is_approved: timesheetLines.is_approved,
    })
    .from(timesheetLines)
    .where(eq(timesheetLines.timesheet_id, sql`timesheets.id`))
    .orderBy(asc(timesheetLines.position), asc(timesheetLines.id))
    .getSQL(),
)

const steps = listOf(
  build
    .select({
      id: timesheetSteps.id,
      step: timesheetSteps.step,
      taken_by: timesheetSteps.taken_by,
      by_professional: timesheetSteps.by_professional,
      reason: timesheetSteps.reason,
      worked: timesheetSteps.worked,
      created_at: timesheetSteps.created_at,
    })
    .from(timesheetSteps)
    .where(eq(timesheetSteps.timesheet_id, sql`timesheets.id`))
    .orderBy(asc(timesheetSteps.created_at), asc(timesheetSteps.id))
    .getSQL(),
)

const events = listOf(
  build
    .select(checkinColumns)
    .from(gpsCheckins)
    // Written out: with a parameter the index of clock events could not be used by a plan for all requests.
    .where(
      and(eq(gpsCheckins.assignment_id, sql`timesheets.assignment_id`), sql`${gpsCheckins.kind} <> 'ping'`),
    )
    .orderBy(asc(gpsCheckins.recorded_at), asc(gpsCheckins.id))
    .getSQL(),
)

const detail = {
  ...columns,
  lines: sql<TimesheetDetail['lines']>`${lines}`.as('lines'),
  steps: sql<TimesheetDetail['steps']>`${steps}`.as('steps'),
}
const explained = { ...detail, events: sql<TimesheetDetail['events']>`${events}`.as('events') }

const byId = writtenOnce<{ id: string }, TimesheetDetail>(({ id }) =>
  build.select(detail).from(timesheets).where(eq(timesheets.id, id)),
)
const explainedById = writtenOnce<{ id: string }, TimesheetDetail>(({ id }) =>
  build.select(explained).from(timesheets).where(eq(timesheets.id, id)),
)

/** @param explain with the clock events from which the hours follow */
export const timesheetById = (id: string, explain = false): RowsStatement<TimesheetDetail> =>
  explain ? explainedById({ id }) : byId({ id })

/** Each of these decides as the caller, and gives the timesheet as it is then. */
const decide = async (session: Session, id: string, decision: SQL): Promise<TimesheetDetail> => {
  await session.value(decision)
  return (await session.row(timesheetById(id)))!
}

export const approveTimesheet = (session: Session, id: string, { open_lines, total }: Approval) =>
  decide(
    session,
    id,
    sql`select muster.approve_timesheet(${id}::uuid, ${
      open_lines ? sql`array(select jsonb_array_elements_text(${JSON.stringify(open_lines)}::jsonb))` : null
    }::text[], ${total ?? null}::numeric)`,
  )

export const disputeTimesheet = (session: Session, id: string, reason: string) =>
  decide(session, id, sql`select muster.dispute_timesheet(${id}::uuid, ${reason})`)

export const counterTimesheet = (session: Session, id: string, { worked, reason }: Counter) =>
  decide(
    session,
    id,
    sql`select muster.counter_timesheet(${id}::uuid, ${JSON.stringify(worked)}::jsonb, ${reason})`,
  )

export const resolveTimesheet = (session: Session, id: string, { outcome, reason }: Resolution) =>
  decide(session, id, sql`select muster.resolve_timesheet(${id}::uuid, ${outcome}, ${reason ?? null}::text)`)

interface ApprovalResult {
  id: string
  status: 'approved' | 'rejected'
  code?: Code
}

/** Each by itself, in the order given: one that is refused does not fail the others. */
export async function approveTimesheets(session: Session, ids: readonly string[]): Promise<ApprovalResult[]> {
  const results = await session.value<{ id: string; sqlstate: string | null }[]>(
    sql`select muster.approve_timesheets(array(select jsonb_array_elements_text(${JSON.stringify(ids)}::jsonb)::uuid))`,
  )
  return results.map(({ id, sqlstate }) =>
    sqlstate === null
      ? { id, status: 'approved' }
      : { id, status: 'rejected', code: codeOf({ sqlstate, constraint: undefined }) },
  )
}
