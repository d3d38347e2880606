import { changedXid, id, instant, timestamps } from '../../platform/db/columns.ts'
import {
  boolean,
  check,
  date,
  foreignKey,
  index,
  jsonb,
  numeric,
  pgTable,
  smallint,
  sql,
  text,
  unique,
  uuid,
} from '../../platform/db/drizzle.ts'
import { allowances } from '../allowances/table.ts'
import { assignments } from '../assignments/table.ts'
import { payPeriods } from '../pay-periods/table.ts'
import { securityProfessionals } from '../professionals/table.ts'
import { shifts } from '../shifts/table.ts'

export const TIMESHEET_STATES = ['proposed', 'disputed', 'approved', 'locked'] as const

/** `minimum`: the difference to what a stopped shift pays at least. `adjustment`: of a later pay period; it may be negative. */
export const LINE_KINDS = ['planned', 'overtime', 'allowance', 'minimum', 'adjustment'] as const

/** Why a line is paid only when the company approves it. */
export const OPEN_REASONS = ['overtime_beyond_tolerance', 'overdue_events'] as const

export const TIMESHEET_STEPS = [
  'approved',
  'approved_by_itself',
  'disputed',
  'countered',
  'resolved',
  'withdrawn',
] as const

/** Part of a day on which somebody worked: half-open, in order. */
export interface Span {
  from: string
  to: string
}

/** PostgreSQL's `extract(epoch)` has microseconds, and so have the clocks of phones. */
const seconds = (name: string) => numeric(name, { precision: 14, scale: 6, mode: 'number' })

const money = (name: string) => numeric(name, { precision: 12, scale: 2, mode: 'number' })

/** The hours of an assignment, and what they pay: made from clock events, agreed by both sides, then locked. */
export const timesheets = pgTable(
  'timesheets',
  {
    id: id(),
    tenant_id: uuid('tenant_id').notNull(),
    company_id: uuid('company_id').notNull(),
    client_id: uuid('client_id').notNull(),
    shift_id: uuid('shift_id').notNull(),
    assignment_id: uuid('assignment_id').notNull(),
    professional_id: uuid('professional_id').notNull(),
    state: text('state', { enum: TIMESHEET_STATES }).notNull().default('proposed'),
    /** What was planned, as the assignment has it. */
    start_datetime: instant('start_datetime').notNull(),
    end_datetime: instant('end_datetime').notNull(),
    time_zone: text('time_zone').notNull(),
    /** The local date of the planned start. */
    work_date: date('work_date').notNull(),
    /** When somebody worked, whether or not it is paid. */
    worked: jsonb('worked').$type<Span[]>().notNull(),
    /** What the lines that count pay. In an approved sheet these minutes are nobody else's. */
    paid: jsonb('paid').$type<Span[]>().notNull(),
    /** What the events of this assignment said when the sheet was made, whatever other shifts claim of it. */
    clocked: jsonb('clocked').$type<Span[]>().notNull(),
    /** What both sides agreed on in place of the events. */
    agreed: jsonb('agreed').$type<Span[]>(),
    /** What is paid after corrections that people agreed on since the approval; null where they agreed on none. */
    adjusted: jsonb('adjusted').$type<Span[]>(),
    worked_seconds: seconds('worked_seconds').notNull(),
    /** Between the first and the last moment that was worked, what was not. */
    break_seconds: seconds('break_seconds').notNull(),
    paid_seconds: seconds('paid_seconds').notNull(),
    /** The sum of the lines that count. Clients see the row, so nobody reads this column: lines say it. */
    total: money('total').notNull(),
    currency: text('currency').notNull().default('EUR'),
    /** The assignment's, and `conflict`. */
    flags: text('flags').array().notNull().default(sql`'{}'`),
    proposed_at: instant('proposed_at').notNull().defaultNow(),
    approved_at: instant('approved_at'),
    /** Null also where hours that match the plan were approved by themselves. */
    approved_by: uuid('approved_by'),
    locked_at: instant('locked_at'),
    pay_period_id: uuid('pay_period_id'),
    ...timestamps,
    changed_xid: changedXid(),
  },
  (t) => [
    unique('timesheets_one_per_assignment').on(t.assignment_id),
    // For the foreign keys of lines and steps: theirs cannot be other people's.
    unique('timesheets_whose_key').on(t.id, t.company_id, t.professional_id),
    foreignKey({
      name: 'timesheets_assignment_fk',
      columns: [t.assignment_id],
      foreignColumns: [assignments.id],
    }).onDelete('restrict'),
    foreignKey({ name: 'timesheets_shift_fk', columns: [t.shift_id], foreignColumns: [shifts.id] }).onDelete(
      'restrict',
    ),
    foreignKey({
      name: 'timesheets_professional_fk',
      columns: [t.professional_id, t.tenant_id],
      foreignColumns: [securityProfessionals.id, securityProfessionals.tenant_id],
    }).onDelete('restrict'),
    foreignKey({
      name: 'timesheets_pay_period_fk',
      columns: [t.pay_period_id, t.company_id],
      foreignColumns: [payPeriods.id, payPeriods.company_id],
    }).onDelete('restrict'),
    check('timesheets_state_known', sql`${t.state} in ('proposed', 'disputed', 'approved', 'locked')`),
    check(
      'timesheets_approved_somewhen',
      sql`(${t.approved_at} is not null) = (${t.state} in ('approved', 'locked'))`,
    ),
    check('timesheets_locked_somewhen', sql`(${t.locked_at} is not null) = (${t.state} = 'locked')`),
    check(
      'timesheets_seconds_not_negative',
      sql`${t.worked_seconds} >= 0 and ${t.break_seconds} >= 0 and ${t.paid_seconds} >= 0`,
    ),
    check('timesheets_currency_known', sql`${t.currency} = 'EUR'`),
    index('timesheets_shift_idx').on(t.shift_id),
    // Lists; and which minutes of a professional are settled.
    index('timesheets_professional_idx').on(t.professional_id, t.start_datetime, t.id),
    index('timesheets_company_idx').on(t.company_id, t.start_datetime, t.id),
    index('timesheets_client_idx').on(t.client_id, t.start_datetime, t.id),
    index('timesheets_tenant_idx').on(t.tenant_id, t.start_datetime, t.id),
    // What may be approved by itself.
    index('timesheets_proposed_idx').on(t.proposed_at).where(sql`${t.state} = 'proposed'`),
    index('timesheets_pay_period_idx').on(t.pay_period_id).where(sql`${t.pay_period_id} is not null`),
    // What closing a period locks.
    index('timesheets_approved_idx').on(t.company_id, t.start_datetime).where(sql`${t.state} = 'approved'`),
    index('timesheets_changed_idx').on(t.changed_xid, t.id),
  ],
)

/** What a timesheet pays, and why: time × rate × factor, each rounded half up to the cent. */
export const timesheetLines = pgTable(
  'timesheet_lines',
  {
    id: id(),
    tenant_id: uuid('tenant_id').notNull(),
    company_id: uuid('company_id').notNull(),
    professional_id: uuid('professional_id').notNull(),
    timesheet_id: uuid('timesheet_id').notNull(),
    /** The order in which a person reads the lines. */
    position: smallint('position').notNull(),
    kind: text('kind', { enum: LINE_KINDS }).notNull(),
    seconds: seconds('seconds').notNull(),
    /** Per hour. */
    rate: numeric('rate', { precision: 10, scale: 2, mode: 'number' }).notNull(),
    /** On the rate: 1 for planned time, the factor of overtime, 0.25 for an allowance of 25 %. */
    factor: numeric('factor', { precision: 8, scale: 4, mode: 'number' }).notNull(),
    amount: money('amount').notNull(),
    currency: text('currency').notNull().default('EUR'),
    explanation: text('explanation').notNull(),
    /** Of a line of the kind `allowance`. */
    allowance_id: uuid('allowance_id'),
    open_reason: text('open_reason', { enum: OPEN_REASONS }),
    /** Whether it counts in the total: an open line only when the company approved it. */
    is_approved: boolean('is_approved').notNull(),
    ...timestamps,
    changed_xid: changedXid(),
  },
  (t) => [
    foreignKey({
      name: 'timesheet_lines_timesheet_fk',
      columns: [t.timesheet_id, t.company_id, t.professional_id],
      foreignColumns: [timesheets.id, timesheets.company_id, timesheets.professional_id],
    }).onDelete('restrict'),
    foreignKey({
      name: 'timesheet_lines_allowance_fk',
      columns: [t.allowance_id],
      foreignColumns: [allowances.id],
    }).onDelete('restrict'),
    check(
      'timesheet_lines_kind_known',
      sql`${t.kind} in ('planned', 'overtime', 'allowance', 'minimum', 'adjustment')`,
    ),
    check(
      'timesheet_lines_open_reason_known',
      sql`${t.open_reason} in ('overtime_beyond_tolerance', 'overdue_events')`,
    ),
    check('timesheet_lines_closed_counts', sql`${t.open_reason} is not null or ${t.is_approved}`),
    check('timesheet_lines_amount_sign', sql`${t.amount} >= 0 or ${t.kind} = 'adjustment'`),
    check('timesheet_lines_currency_known', sql`${t.currency} = 'EUR'`),
    check(
      'timesheet_lines_allowance_named',
      sql`(${t.allowance_id} is not null) = (${t.kind} = 'allowance')`,
    ),
    index('timesheet_lines_timesheet_idx').on(t.timesheet_id, t.company_id, t.professional_id, t.position),
    index('timesheet_lines_allowance_idx').on(t.allowance_id).where(sql`${t.allowance_id} is not null`),
    // What the next period settles.
    index('timesheet_lines_adjustment_idx').on(t.company_id, t.id).where(sql`${t.kind} = 'adjustment'`),
    index('timesheet_lines_company_idx').on(t.company_id, t.id),
    index('timesheet_lines_professional_idx').on(t.professional_id, t.id),
    index('timesheet_lines_tenant_idx').on(t.tenant_id, t.id),
    index('timesheet_lines_changed_idx').on(t.changed_xid, t.id),
  ],
)

/** What both sides did about a timesheet: append-only. */
export const timesheetSteps = pgTable(
  'timesheet_steps',
  {
    id: id(),
    tenant_id: uuid('tenant_id').notNull(),
    company_id: uuid('company_id').notNull(),
    professional_id: uuid('professional_id').notNull(),
    timesheet_id: uuid('timesheet_id').notNull(),
    step: text('step', { enum: TIMESHEET_STEPS }).notNull(),
    /** Null for what happened by itself. No foreign key: it must outlive the user. */
    taken_by: uuid('taken_by'),
    by_professional: boolean('by_professional').notNull(),
    reason: text('reason'),
    /** The hours that a counter asks for. */
    worked: jsonb('worked').$type<Span[]>(),
    ...timestamps,
    changed_xid: changedXid(),
  },
  (t) => [
    foreignKey({
      name: 'timesheet_steps_timesheet_fk',
      columns: [t.timesheet_id, t.company_id, t.professional_id],
      foreignColumns: [timesheets.id, timesheets.company_id, timesheets.professional_id],
    }).onDelete('restrict'),
    check(
      'timesheet_steps_step_known',
      sql`${t.step} in ('approved', 'approved_by_itself', 'disputed', 'countered', 'resolved', 'withdrawn')`,
    ),
    check('timesheet_steps_reason_length', sql`char_length(${t.reason}) between 1 and 2000`),
    check('timesheet_steps_counter_has_hours', sql`(${t.worked} is not null) = (${t.step} = 'countered')`),
    index('timesheet_steps_timesheet_idx').on(t.timesheet_id, t.company_id, t.professional_id, t.created_at),
    index('timesheet_steps_company_idx').on(t.company_id, t.id),
    index('timesheet_steps_professional_idx').on(t.professional_id, t.id),
    index('timesheet_steps_tenant_idx').on(t.tenant_id, t.id),
    index('timesheet_steps_changed_idx').on(t.changed_xid, t.id),
  ],
)
