import type { ProblemCode } from '../platform/http/codes.ts'

export const codes = {
  shift_overlap: {
    status: 409,
    title: 'The professional already has another shift at that time.',
    retry: 'after_change',
    when: 'After the other shift has been released, cancelled or moved.',
    sqlstate: 'MU001',
    constraint: 'shifts_no_overlap',
  },
  shift_not_open: {
    status: 409,
    title: 'The shift is no longer open.',
    retry: 'after_change',
    when: 'After the shift has been released.',
    sqlstate: 'MU005',
  },
  invalid_transition: {
    status: 409,
    title: 'The status of the shift does not allow this.',
    retry: 'after_change',
    when: 'After the shift has reached a status that allows it.',
    sqlstate: 'MU006',
  },
  shift_not_assigned: {
    status: 409,
    title: 'No professional is assigned to the shift.',
    retry: 'after_change',
    when: 'After the shift has been assigned.',
    sqlstate: 'MU009',
  },
  certificate_in_use: {
    status: 409,
    title: 'An assigned shift needs this certificate: release the shift first.',
    retry: 'after_change',
    when: 'After the shift has been released.',
    sqlstate: 'MU012',
  },
  professional_in_use: {
    status: 409,
    title: 'The professional has assigned shifts: release them first.',
    retry: 'after_change',
    when: 'After the shifts have been released.',
    sqlstate: 'MU013',
  },
  location_in_use: {
    status: 409,
    title: 'The location still has shifts that are not over.',
    retry: 'after_change',
    when: 'After these shifts have ended, or have been cancelled or moved.',
    sqlstate: 'MU014',
  },
  payment_missing: {
    status: 409,
    title: 'An assigned shift must keep its payment.',
    retry: 'after_change',
    when: 'After the payment has been created.',
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
    when: 'After the certificate has been verified.',
    sqlstate: 'MU002',
  },
  certificate_expired: {
    status: 422,
    title: 'A required certificate is not valid through the end of the shift.',
    retry: 'after_change',
    when: 'After a certificate that is valid for longer has been verified.',
    sqlstate: 'MU003',
  },
  professional_inactive: {
    status: 422,
    title: 'The professional is not active.',
    retry: 'after_change',
    when: 'After the professional has become active again.',
    sqlstate: 'MU004',
  },
  professional_unavailable: {
    status: 409,
    title:
      'The professional cannot work this shift; the reason is told to companies for which they have worked.',
    retry: 'after_change',
    when: 'After the professional or the times of the shift have changed: the list of candidates shows whether the professional can be assigned.',
    sqlstate: 'MU300',
  },
  outside_check_in_window: {
    status: 422,
    title: 'Check-ins are accepted from 2 hours before the start to 12 hours after the end of the shift.',
    retry: 'after_change',
    when: 'After the times of the shift have changed. If they do not change, the phone can discard the check-in.',
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
  assignment_released: {
    status: 409,
    title:
      'The assignment was released: it is not corrected, since its shift is open or has gone to somebody else.',
    retry: 'never',
    sqlstate: 'MU330',
  },
  correction_decided: {
    status: 409,
    title: 'The correction has already been decided on: propose another one.',
    retry: 'never',
    sqlstate: 'MU331',
  },
  correction_open: {
    status: 409,
    title: 'There is an open proposal about this event already.',
    retry: 'after_change',
    when: 'When the other side has accepted or refused it.',
    sqlstate: 'MU332',
    constraint: 'corrections_one_open',
  },
  too_many_corrections: {
    status: 409,
    title: 'The assignment already has 100 corrections.',
    retry: 'never',
    sqlstate: 'MU333',
  },
  recorded_in_future: {
    status: 422,
    title: 'The device time is in the future.',
    retry: 'later',
    when: 'After the clock of the service (the header Date) is less than 5 minutes behind the device time.',
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
    when: 'After the number of seconds in Retry-After, when a new day begins in UTC.',
    sqlstate: 'MU025',
    isCountedByDay: true,
  },
} as const satisfies Record<string, ProblemCode>

declare module '../platform/http/codes.ts' {
  interface CodeNames {
    guarding: keyof typeof codes
  }
}
