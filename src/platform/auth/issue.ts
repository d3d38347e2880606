import { SignJWT } from 'jose'
import { type CallerRole, isUserId } from './caller.ts'

/** A working day: long enough for one shift without a second sign-in, short enough for a token printed on a terminal. */
export const DEFAULT_TOKEN_LIFETIME_SECONDS = 8 * 60 * 60

export interface TokenRequest {
  /** The user's id; anonymous tokens have none. */
  sub?: string
  email?: string | undefined
  role?: CallerRole
  /** Negative makes a token that has expired. */
  expiresInSeconds?: number
  issuer?: string | undefined
  audience: string
  /** Further claims, such as `user_metadata`; the named ones win. */
  claims?: Record<string, unknown>
}

/**
 * Signs a token as Supabase Auth does (HS256, the secret's text as the key), for `npm run token` and the tests. The
 * service itself never signs a token.
 *
 * @throws TypeError when the verifier would refuse the subject anyway.
 */
export async function issueToken(secret: string, request: TokenRequest): Promise<string> {
  const { sub, email, role = 'authenticated', issuer, audience, claims } = request
  if (role === 'authenticated' ? !isUserId(sub) : sub !== undefined) {
    throw new TypeError('An authenticated token needs the UUID of a user, an anonymous one has no subject.')
  }
  const now = Math.floor(Date.now() / 1000)
  const named = {
    ...(issuer !== undefined && { iss: issuer }),
    ...(sub !== undefined && { sub }),
    ...(email !== undefined && { email }),
    aud: audience,
    role,
    iat: now,
    exp: now + (request.expiresInSeconds ?? DEFAULT_TOKEN_LIFETIME_SECONDS),
  }
  return new SignJWT({ ...claims, ...named })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .sign(new TextEncoder().encode(secret))
}
