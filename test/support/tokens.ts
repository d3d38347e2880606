import { createHmac } from 'node:crypto'
import type { TokenSettings } from '../../src/platform/auth/development-secret.ts'

export const SECRET = 'a secret for tests that is longer than 32 bytes'
export const AUDIENCE = 'authenticated'
export const USER_ID = '0198f3c2-7a44-7cc1-9d0e-3f5b2a6c1e01'

/** Midday, as Unix seconds: tests that set the clock start here. */
export const NOON = 1_800_014_400

export const secretSettings: TokenSettings = {
  keys: { kind: 'secret', secret: SECRET },
  issuer: undefined,
  audience: AUDIENCE,
  clockToleranceSeconds: 5,
}

/** The claims of a good token at `NOON`. */
export function claimsAtNoon(changes: Record<string, unknown> = {}): Record<string, unknown> {
  return { sub: USER_ID, aud: AUDIENCE, role: 'authenticated', exp: NOON + 3_600, ...changes }
}

export function encodePart(value: unknown): string {
  return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')
}

/** Signs anything at all with HMAC: libraries refuse to make the tokens that a verifier has to refuse. */
export function forge(
  payload: unknown,
  { header = {}, secret = SECRET, hash = 'sha256' }: { header?: object; secret?: string; hash?: string } = {},
): string {
  const input = `${encodePart({ alg: 'HS256', typ: 'JWT', ...header })}.${encodePart(payload)}`
  return `${input}.${createHmac(hash, secret).update(input).digest('base64url')}`
}
