import { z } from 'zod'
import { instant, instantOut, pageQuery, queryFlag, text, uuid } from '../../platform/http/fields.ts'
import { pageOf } from '../../platform/http/page.ts'
import { ASSIGNMENT_FLAGS } from '../assignments/table.ts'
import { checkin } from '../check-in-form.ts'
import { LINE_KINDS, OPEN_REASONS, TIMESHEET_STATES, TIMESHEET_STEPS } from './table.ts'

/** As many as the intervals of a shift can be, generously: a counter is typed by a person. */
const MAX_SPANS = 48
export const MAX_BULK_APPROVALS = 100

const spanOut = z.strictObject({ from: instantOut, to: instantOut }).meta({ id: 'TimeSpan' })
const seconds = z.number().min(0)
const currency = z.literal('EUR')
const state = z.enum(TIMESHEET_STATES)
const openReason = z.enum(OPEN_REASONS)

export const TIMESHEET_FLAGS = [...new Set([...ASSIGNMENT_FLAGS, 'corrected' as const])] as const

const members = {
  id: uuid,
  company_id: uuid,
  client_id: uuid,
  shift_id: uuid,
  assignment_id: uuid,
  professional_id: uuid,
  state: state.meta({
    description:
      'While it is `proposed` or `disputed`, a timesheet follows the clock events. `approved`: both sides agree, and no event changes it. `locked`: its pay period is closed.',
  }),
  start_datetime: instantOut.meta({ description: 'The planned start.' }),
  end_datetime: instantOut.meta({ description: 'The planned end.' }),
  time_zone: z.string(),
  work_date: z.iso.date().meta({ description: 'The local date of the planned start.' }),
  worked: z.array(spanOut).meta({ description: 'When the guard worked, whether or not it is paid.' }),
  paid: z.array(spanOut).meta({
    description:
      'The part of `worked` that is paid: without the time of open lines that the company did not approve.',
  }),
  clocked: z.array(spanOut).meta({
    description:
      'What the clock events of this shift said when the timesheet was made. It differs from `worked` where another shift of the guard has the same time, or where both sides agreed on other hours.',
  }),
  agreed: z
    .array(spanOut)
    .nullable()
    .meta({ description: 'The hours that both sides agreed on in place of the clocked ones.' }),
  adjusted: z.array(spanOut).nullable().meta({
    description:
      'What is paid in place of `paid` since both sides agreed on a correction, or an admin imposed one, after the approval. The next statement pays the difference.',
  }),
  worked_seconds: seconds,
  break_seconds: seconds.meta({
    description: 'The time between the first and the last moment of work that was not worked.',
  }),
  paid_seconds: seconds,
  currency,
  flags: z.array(z.enum(TIMESHEET_FLAGS)).meta({
    description:
      'What a person should look at: the flags of the assignment. `conflict` stands also for hours that were approved and whose clock events say something else since, and for hours that were cut because another approved timesheet has them.',
  }),
  proposed_at: instantOut.meta({ description: 'When the hours changed last, before their approval.' }),
  approved_at: instantOut.nullable(),
  approved_by: uuid.nullable().meta({
    description: 'The user who approved the hours; null also for hours that were approved by themselves.',
  }),
  locked_at: instantOut.nullable(),
  pay_period_id: uuid.nullable(),
  created_at: instantOut,
  updated_at: instantOut,
  total: z.number().nullable().meta({
    description:
      'The sum of the approved lines in euros, without adjustments: the amount of the payment. Null for clients, who see hours and no money.',
  }),
}

export const timesheet = z.strictObject(members).meta({ id: 'Timesheet' })
export type Timesheet = z.infer<typeof timesheet>

export const timesheetPage = pageOf(timesheet)

const line = z
  .strictObject({
    id: uuid,
    position: z.int(),
    kind: z.enum(LINE_KINDS).meta({
      description:
        '`minimum`: the difference to what a stopped shift pays at least. `adjustment`: the difference that a correction makes after the hours were locked; the next statement settles it.',
    }),
    seconds: z.number().meta({ description: 'For an `adjustment` the difference, which may be below zero.' }),
    rate: z.number().meta({ description: 'Euros per hour.' }),
    factor: z
      .number()
      .meta({ description: 'The factor on the rate: 1.5 for overtime, 0.25 for 25 percent.' }),
    amount: z.number().meta({
      description:
        'Seconds × rate × factor, rounded half up to the cent; for an `adjustment` the difference.',
    }),
    currency,
    explanation: z.string(),
    allowance_id: uuid.nullable(),
    open_reason: openReason.nullable().meta({
      description:
        'Why the line is paid only when the company approves it. `overtime_beyond_tolerance`: time later after the planned end than the terms tolerate. `overdue_events`: time that only clock events show that arrived too late.',
    }),
    is_approved: z.boolean().meta({ description: 'Whether the line counts in the total.' }),
  })
  .meta({ id: 'TimesheetLine' })

const step = z
  .strictObject({
    id: uuid,
    step: z.enum(TIMESHEET_STEPS),
    taken_by: uuid.nullable(),
    by_professional: z.boolean(),
    reason: z.string().nullable(),
    worked: z.array(spanOut).nullable().meta({ description: 'The hours of a counter.' }),
    created_at: instantOut,
  })
  .meta({ id: 'TimesheetStep' })

export const timesheetDetail = z
  .strictObject({
    ...members,
    lines: z.array(line).meta({ description: 'What is paid, and why. Empty for clients.' }),
    steps: z
      .array(step)
      .meta({ description: 'What both sides did about the hours, in order. Empty for clients.' }),
    events: z.array(checkin).optional().meta({
      description: 'With `explain`: the clock events of the assignment, in the order of their device time.',
    }),
  })
  .meta({ id: 'TimesheetDetail' })
export type TimesheetDetail = z.infer<typeof timesheetDetail>

export const timesheetFilter = {
  state: state.optional(),
  shift_id: uuid.optional(),
  professional_id: uuid.optional(),
  flagged: queryFlag
    .optional()
    .meta({ description: 'Only timesheets with a flag, or only those without one.' }),
  starts_after: instant.optional().meta({ description: 'Planned start at or after this instant.' }),
  starts_before: instant.optional().meta({ description: 'Planned start before this instant.' }),
}
export const timesheetQuery = z.strictObject({ ...timesheetFilter, ...pageQuery })
export type TimesheetFilter = Omit<z.infer<typeof timesheetQuery>, keyof typeof pageQuery>

export const explainQuery = z.strictObject({
  explain: queryFlag.default(false).meta({
    description: 'Adds `events`: the clock events from which the hours follow, each with its GPS verdict.',
  }),
})

const reason = text(1, 2_000)

export const approval = z
  .strictObject({
    open_lines: z.array(openReason).max(OPEN_REASONS.length).optional().meta({
      description:
        'The reasons whose open lines are approved; the others are not paid. It may be an empty list, and is required when the timesheet has open lines.',
    }),
    total: z.number().optional().meta({
      description:
        'The total as the caller saw it, without open lines. When the timesheet has another one by now, the approval is refused (`timesheet_changed`).',
    }),
  })
  .meta({ id: 'TimesheetApproval' })
export type Approval = z.infer<typeof approval>

export const dispute = z
  .strictObject({ reason: reason.meta({ examples: ['I was there until 07:30, and the phone was off.'] }) })
  .meta({ id: 'TimesheetDispute' })

export const counter = z
  .strictObject({
    worked: z
      .array(z.strictObject({ from: instant, to: instant }))
      .max(MAX_SPANS)
      .meta({ description: 'The hours that were worked instead. An empty list: none.' }),
    reason,
  })
  .meta({ id: 'TimesheetCounter' })
export type Counter = z.infer<typeof counter>

export const resolution = z
  .strictObject({
    outcome: z.enum(['countered', 'clocked']).meta({
      description:
        '`countered`: the hours of the last counter hold, and the timesheet is approved. `clocked`: the hours of the clock hold; the guard withdraws the dispute, or an admin decides.',
    }),
    reason: reason.optional(),
  })
  .meta({ id: 'TimesheetResolution' })
export type Resolution = z.infer<typeof resolution>

export const approvalResults = z.strictObject({
  results: z.array(
    z.strictObject({
      id: uuid,
      status: z.enum(['approved', 'rejected']),
      code: z.string().optional().meta({ description: 'The code of the problem, for one that is rejected.' }),
    }),
  ),
})

export const bulkApproval = z
  .strictObject({ ids: z.array(uuid).min(1).max(MAX_BULK_APPROVALS) })
  .meta({ id: 'TimesheetApprovals' })
