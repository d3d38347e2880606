import { createHmac, timingSafeEqual } from 'node:crypto'

/** What clients have of a session: a random token and its signature under SIGN_IN_SECRET, in a cookie or as `refresh_token`. */
const TOKEN = /^[\w-]{32,64}$/
const SIGNED = /^([\w-]{32,64})\.([\w+/=-]{40,90})$/

/** Browsers send a cookie of this name over TLS alone. */
const SECURE_PREFIX = '__Secure-'
const COOKIE = 'muster.session_token'

/** Only sign-in reads it. */
export const COOKIE_PATH = '/auth'

const signatureOf = (secret: string, token: string): Buffer =>
  createHmac('sha256', secret).update(token).digest()

/** As better-auth signs its cookies: HMAC-SHA256 in base64. */
export const signSession = (secret: string, token: string): string =>
  `${token}.${signatureOf(secret, token).toString('base64')}`

/** @returns the token; undefined unless the signature is ours */
export function readSigned(secret: string, given: string): string | undefined {
  let text = given
  if (given.includes('%')) {
    try {
      text = decodeURIComponent(given)
    } catch {
      return undefined
    }
  }
  const [, token, signature] = SIGNED.exec(text) ?? []
  if (token === undefined || signature === undefined || !TOKEN.test(token)) return undefined
  const expected = signatureOf(secret, token)
  const found = Buffer.from(signature, 'base64')
  return found.length === expected.length && timingSafeEqual(found, expected) ? token : undefined
}

export interface SessionCookie {
  readonly name: string
  set(signed: string): string
  clear(): string
  /** @returns the signed token that a `Cookie` header has */
  read(header: string | undefined): string | undefined
  /** @returns a `Cookie` header with this signed token instead of any that it had, or with none */
  replace(header: string | undefined, signed: string | undefined): string | undefined
}

export function sessionCookie(isSecure: boolean, maxAgeSeconds: number): SessionCookie {
  const name = `${isSecure ? SECURE_PREFIX : ''}${COOKIE}`
  const pairsOf = (header = ''): string[] =>
    header
      .split(';')
      .map((pair) => pair.trim())
      .filter(Boolean)
  const attributes = `Path=${COOKIE_PATH}; HttpOnly; SameSite=Lax${isSecure ? '; Secure' : ''}`
  return {
    name,
    set: (signed) => `${name}=${encodeURIComponent(signed)}; Max-Age=${maxAgeSeconds}; ${attributes}`,
    clear: () => `${name}=; Max-Age=0; ${attributes}`,
    read: (header) =>
      pairsOf(header)
        .find((pair) => pair.startsWith(`${name}=`))
        ?.slice(name.length + 1),
    replace(header, signed) {
      const others = pairsOf(header).filter((pair) => pair.split('=', 1)[0]?.trimEnd() !== name)
      const pairs = signed === undefined ? others : [...others, `${name}=${encodeURIComponent(signed)}`]
      return pairs.length === 0 ? undefined : pairs.join('; ')
    },
  }
}
