const shift = ['shift_id', 'title', 'start_datetime', 'end_datetime']
const shiftOfGuard = [...shift, 'cancel_reason']
const correction = [
  ...['correction_id', 'assignment_id', 'shift_id'],
  ...['change', 'kind', 'was_at', 'becomes_at', 'reason'],
]
const timesheet = ['timesheet_id', 'shift_id', 'work_date', 'state', 'total', 'currency']
const statement = ['statement_id', 'company_id', 'number', 'first_day', 'last_day', 'total', 'currency']
const payout = ['payout_id', 'statement_id', 'amount', 'currency', 'reason']

/** What the rules tell users of: each type, with the members of its data. */
export const notifications = {
  shift_assigned: shiftOfGuard,
  shift_released: shiftOfGuard,
  shift_cancelled: shiftOfGuard,
  shift_changed: shiftOfGuard,
  shift_late: shiftOfGuard,
  shift_no_show: shiftOfGuard,
  guard_suspended: shift,
  correction_proposed: correction,
  correction_accepted: correction,
  correction_refused: correction,
  correction_imposed: correction,
  certificate_expiring: ['certificate_id', 'kind', 'valid_until', 'days'],
  payments_stale: ['payments', 'oldest_created_at'],
  timesheet_approved: timesheet,
  timesheet_disputed: timesheet,
  timesheet_countered: timesheet,
  timesheet_resolved: timesheet,
  pay_period_closed: ['pay_period_id', 'first_day', 'last_day', 'statements', 'payable', 'currency'],
  statement_made: [...statement, 'payable'],
  statement_corrected: [...statement, 'credit_note_id', 'reason'],
  payout_completed: payout,
  payout_failed: payout,
  payout_refunded: payout,
} as const satisfies Readonly<Record<string, readonly string[]>>
