/**
 * Every code that a problem can carry (RFC 9457, member `code`): stable, for programs. `sqlstate` is what
 * `muster.fail` raises for it; a test compares the two lists. The documentation is generated from here.
 */
export interface ProblemCode {
  status: number
  title: string
  sqlstate?: string
}

export const CODES = {
  validation_failed: { status: 400, title: 'The request does not have the form that the API documents.' },
  malformed_request: { status: 400, title: 'The request could not be parsed.' },
  cursor_invalid: { status: 400, title: 'The cursor is not one that this list gave for these parameters.' },
  unauthenticated: { status: 401, title: 'A valid token is needed.' },
  forbidden: { status: 403, title: 'You may not do this.', sqlstate: 'MU010' },
  not_registered: {
    status: 403,
    title: 'The token is valid, but its user is not registered here yet: see POST /v1/me.',
  },
  not_found: { status: 404, title: 'There is no such thing, or it is not yours to see.', sqlstate: 'MU011' },
  method_not_allowed: { status: 405, title: 'This path does not take this method.' },
  not_acceptable: { status: 406, title: 'None of the accepted media types can be given.' },
  request_timeout: { status: 408, title: 'The request took too long to arrive.' },
  shift_overlap: {
    status: 409,
    title: 'The professional works another shift at that time.',
    sqlstate: 'MU001',
  },
  shift_not_open: { status: 409, title: 'The shift is not open any more.', sqlstate: 'MU005' },
  invalid_transition: {
    status: 409,
    title: 'The state of the shift does not allow this.',
    sqlstate: 'MU006',
  },
  shift_not_assigned: { status: 409, title: 'The shift has no professional working it.', sqlstate: 'MU009' },
  certificate_in_use: {
    status: 409,
    title: 'An assigned shift needs this certificate: release the shift first.',
    sqlstate: 'MU012',
  },
  professional_in_use: {
    status: 409,
    title: 'The professional has assigned shifts: release them first.',
    sqlstate: 'MU013',
  },
  location_in_use: { status: 409, title: 'Shifts at this location are not over yet.', sqlstate: 'MU014' },
  payment_missing: { status: 409, title: 'An assigned shift must keep its payment.', sqlstate: 'MU015' },
  id_conflict: { status: 409, title: 'The id already stands for something else.', sqlstate: 'MU016' },
  already_registered: { status: 409, title: 'This user is registered already.', sqlstate: 'MU018' },
  already_exists: { status: 409, title: 'There is one like it already.' },
  payload_too_large: { status: 413, title: 'The request body is too large.' },
  unsupported_media_type: { status: 415, title: 'The request body must be JSON.' },
  certificate_missing: {
    status: 422,
    title: 'The professional lacks a verified certificate that the shift requires.',
    sqlstate: 'MU002',
  },
  certificate_expired: {
    status: 422,
    title: 'A required certificate is not valid through the end of the shift.',
    sqlstate: 'MU003',
  },
  professional_inactive: { status: 422, title: 'The professional is not active.', sqlstate: 'MU004' },
  outside_check_in_window: {
    status: 422,
    title: 'Check-ins are taken from 2 hours before the start to 12 hours after the end of the shift.',
    sqlstate: 'MU007',
  },
  recorded_in_future: { status: 422, title: 'The device time lies in the future.', sqlstate: 'MU008' },
  invitation_invalid: {
    status: 422,
    title: 'The invitation is unknown, used, expired, or for another address.',
    sqlstate: 'MU017',
  },
  idempotency_key_reused: {
    status: 422,
    title: 'The Idempotency-Key was used for another request.',
    sqlstate: 'MU019',
  },
  invalid_reference: { status: 422, title: 'Something that the request refers to does not exist.' },
  rate_limited: { status: 429, title: 'Too many requests: see Retry-After.' },
  daily_limit_reached: {
    status: 429,
    title: 'Your company has asked about as many guards today as it may: see Retry-After.',
    sqlstate: 'MU025',
  },
  headers_too_large: { status: 431, title: 'The headers of the request are too large.' },
  internal: { status: 500, title: 'Something went wrong on our side.' },
  isolation_unsupported: {
    status: 500,
    title: 'Assignments are decided under READ COMMITTED.',
    sqlstate: 'MU020',
  },
  busy: { status: 503, title: 'The service is busy or restarting: see Retry-After.' },
} as const satisfies Record<string, ProblemCode>

export type Code = keyof typeof CODES
