/**
 * Why a caller was not accepted. The sentences are fixed: a message built from the token would carry people's
 * claims, or the token itself, into logs and replies.
 */
const REASONS = {
  token_missing: 'This request needs a bearer token.',
  caller_anonymous: 'This request needs a signed-in user; the key or token given is for anonymous callers.',
  header_malformed: 'The Authorization header must be "Bearer" and one token.',
  token_too_large: 'The token is too large.',
  token_malformed: 'The token is not a signed JSON Web Token that can be read.',
  token_algorithm: 'The token is signed with an algorithm that this service does not accept.',
  token_key_unknown: 'The token is signed with a key that its issuer does not publish.',
  token_signature: 'The signature of the token is wrong.',
  token_expired: 'The token has expired.',
  token_not_yet_valid: 'The token is not valid yet.',
  token_issuer: 'The token comes from another issuer.',
  token_audience: 'The token is meant for another audience.',
  token_claims: 'A claim of the token is missing or cannot be used.',
  token_role: 'The role in the token is not accepted here.',
  user_suspended: 'The user of the token is suspended.',
  token_subject: 'The subject of the token is not the id of a user.',
} as const

export type UnauthenticatedReason = keyof typeof REASONS

/** Of these, a token was given, and another one would do: what RFC 6750 section 3.1 calls `invalid_token`. */
const OF_THE_TOKEN = /^token_(?!missing$)/

/**
 * The challenge of a 401 (RFC 6750 section 3). Clients go by `invalid_token` to get a new one; who gave none, or another scheme, is
 * told no more than what is needed.
 */
export function challengeFor(reason: string | undefined): string {
  const challenge = 'Bearer realm="muster"'
  if (reason === undefined || !OF_THE_TOKEN.test(reason) || !(reason in REASONS)) return challenge
  return `${challenge}, error="invalid_token", error_description="${REASONS[reason as UnauthenticatedReason]}"`
}

/**
 * Nobody acceptable stands behind the request: 401.
 *
 * It has no `cause` on purpose: jose keeps the whole payload in the cause of its errors, and loggers print causes.
 */
export class Unauthenticated extends Error {
  override name = 'Unauthenticated'
  readonly code = 'unauthenticated'
  /** Read by Fastify's own error handler, so that the status is right even where ours is not installed. */
  readonly statusCode = 401
  readonly reason: UnauthenticatedReason

  constructor(reason: UnauthenticatedReason) {
    super(REASONS[reason])
    this.reason = reason
  }
}

/**
 * The keys that would decide cannot be had at the moment: 503 with `Retry-After`, never 401. A phone that reads
 * 401 signs its user out, and an outage at the issuer would sign out everybody.
 */
export class KeysUnavailable extends Error {
  override name = 'KeysUnavailable'
  readonly code = 'busy'
  readonly statusCode = 503
  /** Whole seconds, at least 1, until asking again can give another answer. */
  readonly retryAfterSeconds: number

  constructor(retryAfterMs: number, options?: { cause?: unknown }) {
    super('The key set that verifies tokens (JWKS_URL) cannot be fetched.', options)
    this.retryAfterSeconds = Math.max(1, Math.ceil(retryAfterMs / 1000))
  }
}
