import type { Code } from '../http/codes.ts'
import { Problem } from '../http/problem.ts'

/** What better-auth answered, read. */
export interface Answer {
  hasQueued: boolean
  status: number
  body: Record<string, unknown>
  headers: Headers
}

/** @returns what a response of better-auth says; of a body that is no JSON, nothing */
export async function readAnswer(response: Response): Promise<Omit<Answer, 'hasQueued'>> {
  const text = await response.text()
  let body: unknown
  try {
    body = text === '' ? {} : JSON.parse(text)
  } catch {
    body = {}
  }
  return {
    status: response.status,
    body: typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : {},
    headers: response.headers,
  }
}

const WRONG = 'credentials_wrong' as const

/** What better-auth calls what it refuses, by our codes. */
const CODE_OF: Readonly<Record<string, [Code, subject?: string]>> = {
  INVALID_EMAIL_OR_PASSWORD: [WRONG],
  INVALID_PASSWORD: [WRONG, 'password'],
  CREDENTIAL_ACCOUNT_NOT_FOUND: [WRONG, 'password'],
  INVALID_OTP: [WRONG, 'code'],
  OTP_EXPIRED: [WRONG, 'code'],
  TOO_MANY_ATTEMPTS: [WRONG, 'code'],
  INVALID_CODE: [WRONG, 'code'],
  INVALID_BACKUP_CODE: [WRONG, 'code'],
  TOO_MANY_ATTEMPTS_REQUEST_NEW_CODE: [WRONG, 'code'],
  INVALID_TWO_FACTOR_COOKIE: [WRONG, 'code'],
  INVALID_TOKEN: [WRONG, 'token'],
  CHALLENGE_NOT_FOUND: [WRONG, 'challenge'],
  PASSKEY_NOT_FOUND: [WRONG, 'passkey'],
  AUTHENTICATION_FAILED: [WRONG, 'passkey'],
  FAILED_TO_VERIFY_REGISTRATION: [WRONG, 'passkey'],
  PREVIOUSLY_REGISTERED: ['already_exists', 'passkey'],
  SESSION_NOT_FRESH: ['session_ended', 'age'],
  PROVIDER_NOT_FOUND: ['not_found', 'provider'],
  ACCOUNT_TEMPORARILY_LOCKED: ['rate_limited'],
  new_user_signup_disabled: [WRONG, 'token'],
  MAY_NOT_SIGN_IN: ['account_suspended'],
  NOT_INVITED: ['forbidden', 'invitation'],
  TOTP_ALREADY_ENABLED: ['already_exists', 'totp'],
  TOTP_NOT_ENABLED: ['not_found', 'totp'],
  TWO_FACTOR_NOT_ENABLED: ['not_found', 'totp'],
  PASSWORD_TOO_SHORT: ['validation_failed'],
  PASSWORD_TOO_LONG: ['validation_failed'],
}

/** @returns undefined for a success */
export function problemOf({ status, body, headers }: Answer): Problem | undefined {
  if (status < 300) return undefined
  const name =
    status < 400
      ? (new URL(headers.get('location') ?? '', 'http://localhost').searchParams.get('error') ?? '')
      : String(body.code ?? '')
  const [code, subject] = CODE_OF[name] ?? []
  // As long as better-auth locks the authenticator app of an account.
  if (code === 'rate_limited') return new Problem(code, { retryAfterSeconds: 15 * 60 })
  if (code) return new Problem(code, { subject })
  if (status === 401) return new Problem('session_ended')
  if (status === 403) return new Problem('forbidden')
  if (status === 404) return new Problem('not_found')
  if (status < 500) return new Problem('malformed_request')
  return new Problem('internal', { cause: new Error('better-auth failed') })
}
