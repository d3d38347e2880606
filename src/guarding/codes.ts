import type { ProblemCode } from '../platform/http/codes.ts'

export const codes = {
  shift_overlap: {
    status: 409,
    title: 'The professional already has another shift at that time.',
    retry: 'after_change',
    when: 'When the other shift has been released, cancelled or moved.',
    sqlstate: 'MU001',
    constraint: 'shifts_no_overlap',
  },
  shift_not_open: {
    status: 409,
    title: 'The shift is no longer open.',
    retry: 'after_change',
    when: 'When the shift has been released.',
    sqlstate: 'MU005',
  },
  invalid_transition: {
    status: 409,
    title: 'The status of the shift does not allow this.',
    retry: 'after_change',
    when: 'When the shift is in a state that allows it.',
    sqlstate: 'MU006',
  },
  shift_not_assigned: {
    status: 409,
    title: 'No professional is assigned to the shift.',
    retry: 'after_change',
    when: 'When the shift has been assigned.',
    sqlstate: 'MU009',
  },
  certificate_in_use: {
    status: 409,
    title: 'An assigned shift needs this certificate: release the shift first.',
    retry: 'after_change',
    when: 'When the shift has been released.',
    sqlstate: 'MU012',
  },
  professional_in_use: {
    status: 409,
    title: 'The professional has assigned shifts: release them first.',
    retry: 'after_change',
    when: 'When the shifts have been released.',
    sqlstate: 'MU013',
  },
  location_in_use: {
    status: 409,
    title: 'The location still has shifts that are not over.',
    retry: 'after_change',
    when: 'When the shifts are over, or have been cancelled or moved.',
    sqlstate: 'MU014',
  },
  payment_missing: {
    status: 409,
    title: 'An assigned shift must keep its payment.',
    retry: 'after_change',
    when: 'When the payment is there.',
    sqlstate: 'MU015',
  },
  id_conflict: {
    status: 409,
    title: 'The id is already used for something else.',
    retry: 'never',
    sqlstate: 'MU016',
    constraint: 'gps_checkins_pkey',
  },
  certificate_missing: {
    status: 422,
    title: 'The professional lacks a verified certificate that the shift requires.',
    retry: 'after_change',
    when: 'When the certificate has been verified.',
    sqlstate: 'MU002',
  },
  certificate_expired: {
    status: 422,
    title: 'A required certificate is not valid through the end of the shift.',
    retry: 'after_change',
    when: 'When a newer one has been verified.',
    sqlstate: 'MU003',
  },
  professional_inactive: {
    status: 422,
    title: 'The professional is not active.',
    retry: 'after_change',
    when: 'When the professional is active again.',
    sqlstate: 'MU004',
  },
  professional_unavailable: {
    status: 409,
    title:
      'The professional cannot work this shift; the reason is told to companies for which they have worked.',
    retry: 'after_change',
    when: 'When the professional or the times of the shift have changed: see the candidates of the shift.',
    sqlstate: 'MU300',
  },
  outside_check_in_window: {
    status: 422,
    title: 'Check-ins are accepted from 2 hours before the start to 12 hours after the end of the shift.',
    retry: 'after_change',
    when: 'When the times of the shift have been moved; otherwise the phone can drop it.',
    sqlstate: 'MU007',
  },
  shift_over: {
    status: 422,
    title: 'The shift would already be over.',
    retry: 'never',
    sqlstate: 'MU021',
  },
  shift_begun: {
    status: 409,
    title: 'The shift has begun: its start and its place stay, and it is not released.',
    retry: 'never',
    sqlstate: 'MU301',
  },
  rate_lowered: {
    status: 409,
    title: 'The rates of an assigned shift can only rise.',
    retry: 'never',
    sqlstate: 'MU302',
  },
  end_worked: {
    status: 409,
    title: 'Somebody has worked beyond that end: the end of the shift stays after what was worked.',
    retry: 'never',
    sqlstate: 'MU303',
  },
  own_hours: {
    status: 403,
    title: 'Nobody approves their own hours.',
    retry: 'never',
    sqlstate: 'MU340',
  },
  timesheet_state: {
    status: 409,
    title: 'The state of the timesheet does not allow this.',
    retry: 'after_change',
    when: 'When the timesheet is in a state that allows it, and its shift is over.',
    sqlstate: 'MU341',
  },
  lines_undecided: {
    status: 409,
    title: 'The timesheet has open lines: say which of them are approved.',
    retry: 'after_change',
    when: 'With `open_lines`, which may be an empty list.',
    sqlstate: 'MU342',
  },
  timesheet_changed: {
    status: 409,
    title: 'The total of the timesheet is another one by now.',
    retry: 'after_change',
    when: 'With the total that the timesheet has now.',
    sqlstate: 'MU343',
  },
  dispute_too_late: {
    status: 409,
    title: 'The time to dispute these hours is over.',
    retry: 'never',
    sqlstate: 'MU344',
  },
  hours_impossible: {
    status: 422,
    title: 'Nobody can have worked then: hours begin before they end, near the shift, and not in the future.',
    retry: 'never',
    sqlstate: 'MU345',
  },
  recorded_in_future: {
    status: 422,
    title: 'The device time is in the future.',
    retry: 'later',
    when: 'When the clock of this service (see the header Date) is less than 5 minutes behind the device time.',
    sqlstate: 'MU008',
  },
  too_many_pings: {
    status: 422,
    title: 'The shift already has 120 pings in that minute of device time: further ones are rejected.',
    retry: 'never',
    sqlstate: 'MU030',
  },
  daily_limit_reached: {
    status: 429,
    title: 'Your company has reached its daily limit of questions about guards: see Retry-After.',
    retry: 'later',
    when: 'After as many seconds as Retry-After says: a new day has begun in UTC then.',
    sqlstate: 'MU025',
    isCountedByDay: true,
  },
} as const satisfies Record<string, ProblemCode>

declare module '../platform/http/codes.ts' {
  interface CodeNames {
    guarding: keyof typeof codes
  }
}
