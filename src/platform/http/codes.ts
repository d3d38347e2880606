/**
 * A code that a problem can carry (RFC 9457, member `code`): stable, for programs. The platform's stand here, those of a module in
 * its `codes.ts`; the documentation is generated from all of them.
 */
export interface ProblemCode {
  status: number
  title: string
  /** Whether the very same request can be sent again. */
  retry: Retry
  /** After what the client can send the request again; left out where the client never can. */
  when?: string
  /** What `muster.fail` raises for it: a rule's code is also in `muster.codes_of_<module>`, and a test compares the two. */
  sqlstate?: string
  /** The constraint that stands for the same rule. */
  constraint?: string
  /** What is refused is counted by day, so a new day (in UTC) is when it is taken again. */
  isCountedByDay?: true
}

/**
 * What a queue of requests does with one that was refused. `never`: the request itself is wrong, and is refused for as long as it is
 * the same. `later`: nothing is wrong with it, and time alone mends it. `after_change`: it is refused until somebody has changed
 * something else.
 */
export const RETRIES = ['never', 'later', 'after_change'] as const
export type Retry = (typeof RETRIES)[number]

const PLATFORM_CODES = {
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
    when: 'After you have obtained a new token.',
  },
  credentials_wrong: {
    status: 401,
    title: 'The password, code or link is wrong, used or too old, or nobody has this address.',
    retry: 'never',
  },
  session_ended: {
    status: 401,
    title: 'The session has ended: sign in again.',
    retry: 'after_change',
    when: 'After the user has signed in again.',
  },
  account_suspended: {
    status: 403,
    title: 'This account is suspended.',
    retry: 'after_change',
    when: 'After an admin has reinstated the user.',
  },
  second_factor_required: {
    status: 403,
    title:
      'This account needs a second factor: set up an authenticator app or a passkey, and sign in with it.',
    retry: 'after_change',
    when: 'After the user has signed in with a second factor.',
  },
  forbidden: {
    status: 403,
    title: 'You are not allowed to do this.',
    retry: 'after_change',
    when: 'After somebody has granted you the right.',
    sqlstate: 'MU010',
  },
  not_registered: {
    status: 403,
    title: 'The token is valid, but its user is not registered yet: see POST /v1/me.',
    retry: 'after_change',
    when: 'After the user has registered with POST /v1/me.',
  },
  not_found: {
    status: 404,
    title: 'The resource does not exist, or you may not see it.',
    retry: 'after_change',
    when: 'After the resource has been created, or after you have been given access to it.',
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
    when: 'Immediately, over a faster connection.',
  },
  already_exists: {
    status: 409,
    title: 'A resource with the same values already exists.',
    retry: 'after_change',
    when: 'After the other resource has been deleted or changed.',
  },
  id_conflict: {
    status: 409,
    title: 'The id is already used for something else.',
    retry: 'never',
    sqlstate: 'MU016',
  },
  account_known: {
    status: 409,
    title: 'Somebody with this address has an account already: sign in, and accept with POST /v1/me.',
    retry: 'never',
  },
  answer_too_large: {
    status: 413,
    title: 'The response is too large to be stored for an Idempotency-Key: send fewer items, or no key.',
    retry: 'never',
    sqlstate: 'MU032',
  },
  payload_too_large: { status: 413, title: 'The request body is too large.', retry: 'never' },
  unsupported_media_type: { status: 415, title: 'The request body must be JSON.', retry: 'never' },
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
    when: 'After the resource that the request refers to has been created.',
  },
  recorded_in_future: {
    status: 422,
    title: 'The device time is in the future.',
    retry: 'later',
    when: 'After the clock of the service (the header Date) is less than 5 minutes behind the device time.',
    sqlstate: 'MU008',
  },
  rate_limited: {
    status: 429,
    title: 'Too many requests: see Retry-After.',
    retry: 'later',
    when: 'After the number of seconds in Retry-After.',
  },
  too_many_idempotency_keys: {
    status: 429,
    title:
      'You have reached the daily limit of stored Idempotency-Key responses: see Retry-After, or send no key.',
    retry: 'later',
    when: 'After the number of seconds in Retry-After, when a new day begins in UTC; or at once, without an Idempotency-Key.',
    sqlstate: 'MU031',
    isCountedByDay: true,
  },
  headers_too_large: { status: 431, title: 'The headers of the request are too large.', retry: 'never' },
  internal: {
    status: 500,
    title: 'The service failed with an internal error.',
    retry: 'later',
    when: 'After a minute, then with exponential backoff.',
  },
  isolation_unsupported: {
    status: 500,
    title: 'This change requires the isolation level READ COMMITTED.',
    retry: 'after_change',
    when: 'After the operator has corrected the settings of the database.',
    sqlstate: 'MU020',
  },
  busy: {
    status: 503,
    title: 'The service is busy or restarting: see Retry-After.',
    retry: 'later',
    when: 'After the number of seconds in Retry-After.',
  },
  outcome_unknown: {
    status: 503,
    title:
      'The database did not confirm in time: the request may have been carried out. Send it again with the same Idempotency-Key.',
    retry: 'later',
    when: 'After the number of seconds in Retry-After, with the same Idempotency-Key: the service then carries the request out only once. Without a key, read the resource first: the request may have been carried out.',
  },
} as const satisfies Record<string, ProblemCode>

/** The names of codes, by who declares them: a module adds its own to this interface (declaration merging), and registers them. */
export interface CodeNames {
  platform: keyof typeof PLATFORM_CODES
}
export type Code = CodeNames[keyof CodeNames]

/** As a module says what its rules refuse (`module.ts`). */
export const PLATFORM = { name: 'platform', codes: PLATFORM_CODES, sqlstates: 'MU1' } as const

const registered: Record<string, ProblemCode> = { ...PLATFORM_CODES }

/** Every code of this service. */
export const CODES = registered as Readonly<Record<Code, ProblemCode>>

const ofConstraints: Record<string, Code> = {}

/** Constraints of modules that stand for a code of the platform, each with the code. */
export const CODE_OF_CONSTRAINT: Readonly<Record<string, Code>> = ofConstraints

/**
 * To be called before the first route of a module is made.
 *
 * @param constraints see `Module.constraints`
 */
export function registerCodes(
  codes: Readonly<Record<string, ProblemCode>>,
  constraints: Readonly<Record<string, Code>> = {},
): void {
  Object.assign(ofConstraints, constraints)
  for (const [name, code] of Object.entries(codes)) {
    if ((registered[name] ?? code) !== code) throw new Error(`Two modules declare the code ${name}.`)
    registered[name] = code
  }
}

/** By status. */
export const listCodes = (): [Code, ProblemCode][] =>
  (Object.entries(CODES) as [Code, ProblemCode][]).sort(([, a], [, b]) => a.status - b.status)
