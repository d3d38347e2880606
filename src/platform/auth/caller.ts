import { Unauthenticated } from './errors.ts'

/**
 * The roles that a bearer token may ask for. `service_role` is missing on purpose: it bypasses every policy, so
 * one leaked token would read everything. Background work has a login and a pool of its own and needs no token.
 * A role that is not listed (`postgres`, a typing error, an array) is refused rather than mapped to something.
 */
export const BEARER_ROLES = ['anon', 'authenticated'] as const

export type CallerRole = (typeof BEARER_ROLES)[number]

/** Whoever stands behind a request. Frozen all the way down: one object serves many requests from the cache. */
export interface Caller {
  readonly role: CallerRole
  /** The lower-case UUID of an authenticated user, as PostgreSQL prints it; null for anonymous callers. */
  readonly userId: string | null
  /** The claims as signed, fit for PostgreSQL's `request.jwt.claims` (see `serializeClaims`). */
  readonly claims: Readonly<Record<string, unknown>>
  /** Unix seconds, without clock tolerance; null when the caller showed no token. */
  readonly expiresAt: number | null
}

/**
 * The longest JSON text passed as `request.jwt.claims`: it travels with every transaction. Claims of Supabase
 * Auth take about 600 bytes. It has its own limit beside the token's, because JSON written again can be longer than what
 * was signed: `1e20` becomes 21 digits.
 */
export const MAX_CLAIMS_BYTES = 8_192

/**
 * PostgreSQL's JSON parser recurses, and users edit `user_metadata` themselves. A token has room for 3,000 levels, which
 * the embedded engine still reads; at 6,000 it returned no rows and no error. Issuers' claims nest two or three deep.
 */
export const MAX_CLAIMS_DEPTH = 32

/** The largest number of seconds a JavaScript date can hold; beyond it (`1e999` too) `exp` would mean "never". */
const MAX_UNIX_SECONDS = 8_640_000_000_000

/** Every spelling of RFC 9562's layout, whatever the version: the database compares them as `uuid`. */
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

const ANONYMOUS: Caller = Object.freeze({
  role: 'anon',
  userId: null,
  claims: Object.freeze({ role: 'anon' }),
  expiresAt: null,
})

/** The caller of a request without a token, or with no more than the publishable key. */
export function anonymousCaller(): Caller {
  return ANONYMOUS
}

/**
 * Whether the caller's token would be refused by now, as the verifier judges it. Whoever serves one caller for long asks before
 * each act.
 */
export function hasExpired({ expiresAt }: Caller, toleranceSeconds: number): boolean {
  return expiresAt !== null && Date.now() >= (expiresAt + toleranceSeconds) * 1000
}

export function isBearerRole(role: unknown): role is CallerRole {
  return BEARER_ROLES.some((accepted) => accepted === role)
}

export function isUserId(subject: unknown): subject is string {
  return typeof subject === 'string' && UUID.test(subject)
}

/** The JSON text for `request.jwt.claims`: at most `MAX_CLAIMS_BYTES` for every `Caller` made here. */
export function serializeClaims(claims: Caller['claims']): string {
  return JSON.stringify(claims)
}

/**
 * Makes a caller of claims whose signature, times, issuer and audience have been verified. Freezes the claims.
 *
 * @throws Unauthenticated when the role is not a bearer role, the subject does not fit the role, or PostgreSQL
 *         could not hold the claims.
 */
export function callerFromClaims(claims: Record<string, unknown>): Caller {
  const { role, sub, exp } = claims
  if (!isBearerRole(role)) throw new Unauthenticated('token_role')
  if (typeof exp !== 'number' || exp > MAX_UNIX_SECONDS) throw new Unauthenticated('token_claims')
  const userId = readUserId(role, sub)
  freezeStorable(claims, MAX_CLAIMS_DEPTH)
  if (Buffer.byteLength(serializeClaims(claims)) > MAX_CLAIMS_BYTES) throw new Unauthenticated('token_claims')
  return Object.freeze({ role, userId, claims, expiresAt: exp })
}

/** Refuses an anonymous token with a subject: `auth.uid()` reads `sub`, and would treat an anonymous caller as a user. */
function readUserId(role: CallerRole, subject: unknown): string | null {
  if (role === 'anon' && subject === undefined) return null
  if (role === 'authenticated' && isUserId(subject)) return subject.toLowerCase()
  throw new Unauthenticated('token_subject')
}

function freezeStorable(value: unknown, depthLeft: number): void {
  if (typeof value === 'string') requireStorable(value)
  if (typeof value !== 'object' || value === null) return
  if (depthLeft === 0) throw new Unauthenticated('token_claims')
  for (const [name, inner] of Object.entries(value)) {
    requireStorable(name)
    freezeStorable(inner, depthLeft - 1)
  }
  Object.freeze(value)
}

/**
 * `jsonb` refuses NUL (22P05) and half a surrogate pair (22P02). Let through, either would fail inside every policy
 * that reads a claim: an error 500 at each request, instead of one clear refusal.
 */
function requireStorable(text: string): void {
  if (text.includes('\u0000') || !text.isWellFormed()) throw new Unauthenticated('token_claims')
}
