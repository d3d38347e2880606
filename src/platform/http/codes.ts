/**
 * Every code that a problem can carry (RFC 9457, member `code`): stable, for programs. `sqlstate` is what
 * `muster.fail` raises for it; a test compares the two lists. The documentation is generated from here.
 */
export interface ProblemCode {
  status: number
  title: string
  /** Whether the very same request can be sent again. */
  retry: Retry
  /** When; for what is never to be sent again, and for the usual, there is nothing to say. */
  when?: string
  sqlstate?: string
}

/**
 * What a queue of requests does with one that was refused. `never`: the request itself is wrong, and is refused for as long as it is
 * the same. `later`: nothing is wrong with it, and time alone mends it. `after_change`: it is refused until somebody has changed
 * something else.
 */
export const RETRIES = ['never', 'later', 'after_change'] as const
export type Retry = (typeof RETRIES)[number]

export const CODES = {
  validation_failed: {
    status: 400,
    title: 'The request does not match the documented schema.',
    retry: 'never',
  },
  malformed_request: { status: 400, title: 'The request could not be parsed.', retry: 'never' },
  cursor_invalid: {
    status: 400,
    title: 'The cursor does not belong to this list with these parameters.',
    retry: 'never',
  },
  unauthenticated: {
    status: 401,
    title: 'A valid token is required.',
    retry: 'after_change',
    when: 'With a new token.',
  },
  forbidden: {
    status: 403,
    title: 'You are not allowed to do this.',
    retry: 'after_change',
    when: 'When somebody has given you the right.',
    sqlstate: 'MU010',
  },
  not_registered: {
    status: 403,
    title: 'The token is valid, but its user is not registered yet: see POST /v1/me.',
    retry: 'after_change',
    when: 'When the user has been registered by POST /v1/me.',
  },
  not_found: {
    status: 404,
    title: 'The resource does not exist, or you may not see it.',
    retry: 'after_change',
    when: 'When it has been created, or shown to you.',
    sqlstate: 'MU011',
  },
  method_not_allowed: { status: 405, title: 'This path does not support this method.', retry: 'never' },
  not_acceptable: {
    status: 406,
    title: 'The service supports none of the media types in Accept.',
    retry: 'never',
  },
  request_timeout: {
    status: 408,
    title: 'The request took too long to arrive.',
    retry: 'later',
    when: 'At once, over a better line.',
  },
  shift_overlap: {
    status: 409,
    title: 'The professional already has another shift at that time.',
    retry: 'after_change',
    when: 'When the other shift has been released, cancelled or moved.',
    sqlstate: 'MU001',
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
  },
  already_registered: {
    status: 409,
    title: 'This user is already registered.',
    retry: 'never',
    sqlstate: 'MU018',
  },
  already_exists: {
    status: 409,
    title: 'A resource with the same values already exists.',
    retry: 'after_change',
    when: 'When the other has gone.',
  },
  answer_too_large: {
    status: 413,
    title: 'The response is too large to be stored for an Idempotency-Key: send fewer items, or no key.',
    retry: 'never',
    sqlstate: 'MU032',
  },
  payload_too_large: { status: 413, title: 'The request body is too large.', retry: 'never' },
  unsupported_media_type: { status: 415, title: 'The request body must be JSON.', retry: 'never' },
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
  invitation_invalid: {
    status: 422,
    title: 'The invitation is unknown, used, expired, or for another address.',
    retry: 'never',
    sqlstate: 'MU017',
  },
  idempotency_key_reused: {
    status: 422,
    title: 'The Idempotency-Key was already used for a different request.',
    retry: 'never',
    sqlstate: 'MU019',
  },
  invalid_reference: {
    status: 422,
    title: 'Something that the request refers to does not exist.',
    retry: 'after_change',
    when: 'When what the request refers to has been created.',
  },
  rate_limited: {
    status: 429,
    title: 'Too many requests: see Retry-After.',
    retry: 'later',
    when: 'After as many seconds as Retry-After says.',
  },
  too_many_idempotency_keys: {
    status: 429,
    title:
      'You have reached the daily limit of stored Idempotency-Key responses: see Retry-After, or send no key.',
    retry: 'later',
    when: 'After as many seconds as Retry-After says: a new day has begun in UTC then. Or without a key.',
    sqlstate: 'MU031',
  },
  daily_limit_reached: {
    status: 429,
    title: 'Your company has reached its daily limit of candidate pages: see Retry-After.',
    retry: 'later',
    when: 'After as many seconds as Retry-After says: a new day has begun in UTC then.',
    sqlstate: 'MU025',
  },
  headers_too_large: { status: 431, title: 'The headers of the request are too large.', retry: 'never' },
  internal: {
    status: 500,
    title: 'The service failed with an internal error.',
    retry: 'later',
    when: 'After a minute, then ever more rarely.',
  },
  isolation_unsupported: {
    status: 500,
    title: 'Assignments require the isolation level READ COMMITTED.',
    retry: 'after_change',
    when: 'When the operator has mended the settings of the database.',
    sqlstate: 'MU020',
  },
  busy: {
    status: 503,
    title: 'The service is busy or restarting: see Retry-After.',
    retry: 'later',
    when: 'After as many seconds as Retry-After says.',
  },
} as const satisfies Record<string, ProblemCode>

export type Code = keyof typeof CODES
