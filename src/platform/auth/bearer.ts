import { Unauthenticated } from './errors.ts'

/**
 * The longest token that is looked at, in characters, checked before any parsing. Supabase's have about 800; Node
 * accepts 16 KiB of headers in all, so this leaves room for the others and bounds what a stranger can make us decode.
 */
export const MAX_TOKEN_LENGTH = 8_192

const SCHEME_LENGTH = 'Bearer '.length

/** RFC 6750 section 2.1 (`b64token`). The scheme's case does not matter (RFC 9110 section 11.1), nor how many spaces follow (11.4). */
const BEARER = /^bearer +([\w.~+/-]+=*)$/i

/**
 * Reads the token out of an `Authorization` header.
 *
 * @returns null when there is no header: an anonymous request.
 * @throws Unauthenticated for any other header than `Bearer <token>`. It is never read as "anonymous": a client
 *         that meant to sign in must learn that it did not.
 */
export function readBearerToken(header: unknown): string | null {
  if (header === undefined) return null
  if (typeof header !== 'string') throw new Unauthenticated('header_malformed')
  if (header.length > SCHEME_LENGTH + MAX_TOKEN_LENGTH) throw new Unauthenticated('token_too_large')
  const token = BEARER.exec(header)?.[1]
  if (token === undefined) throw new Unauthenticated('header_malformed')
  return token
}
