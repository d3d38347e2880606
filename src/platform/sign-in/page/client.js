// Requests of the pages to sign-in at /auth. The session is a cookie that no script can read.

/** A phone on a bad line answers within this time, or has none. */
const TIMEOUT_MS = 15_000

/** What the service answered instead, or that it did not. `code` is of the problem (RFC 9457); `unreachable` where there was no answer. */
export class AuthError extends Error {
  /** @override */
  name = 'AuthError'

  /** @param {string} code @param {string} message @param {number} [retryAfterSeconds] */
  constructor(code, message, retryAfterSeconds) {
    super(message)
    this.code = code
    this.retryAfterSeconds = retryAfterSeconds
  }
}

/**
 * @param {string} path below /auth
 * @param {object} [body] of a POST; without one it is a GET
 * @param {string} [method]
 * @returns {Promise<any>} the JSON of the answer; null where there is none
 */
export async function callAuth(path, body, method = body === undefined ? 'GET' : 'POST') {
  const response = await fetch(`/auth${path}`, {
    method,
    headers: {
      accept: 'application/json',
      ...(body !== undefined && { 'content-type': 'application/json' }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
    credentials: 'same-origin',
    signal: AbortSignal.timeout(TIMEOUT_MS),
  }).catch(() => {
    throw new AuthError('unreachable', 'The service does not answer.')
  })
  const answer = await response.json().catch(() => null)
  if (response.ok) return answer
  throw new AuthError(
    String(answer?.code ?? response.status),
    String(answer?.title ?? `The service answered ${response.status}.`),
    Number(response.headers.get('retry-after')) || undefined,
  )
}

/** Ends the session of this browser. */
export async function signOut() {
  forgetSession()
  await callAuth('/sign-out', {})
}

/**
 * The session is a cookie that scripts do not see. This says whether there may be one, so that a page asks for a token only then:
 * whoever comes for the first time is refused nothing.
 */
const HINT_KEY = 'muster.signed-in'
export const rememberSession = () => localStorage.setItem(HINT_KEY, 'yes')
const forgetSession = () => localStorage.removeItem(HINT_KEY)
export const mayHaveSession = () => localStorage.getItem(HINT_KEY) !== null

/** A token is renewed when so much of its life is over: the rest is for a slow answer, and for another try. */
const RENEW_AFTER = 1 / 2
/** After a failure it is tried again when so much of its life is over, and not more often than each half second. */
const RETRY_AFTER = 1 / 10
const LEAST_RETRY_MS = 500
/** What ends a session: it is not tried again. Anything else (a busy service, a bad line) passes. */
const FINAL = ['session_ended', 'account_suspended', 'second_factor_required', 'unauthenticated']
/** @param {unknown} error */
export const isFinal = (error) => error instanceof AuthError && FINAL.includes(error.code)

/**
 * The tokens of the session of this browser: `accessToken` for supabase-js, and for requests. Several callers share one request.
 */
export function openTokens() {
  /** @type {string | null} */
  let token = null
  /** @type {{ id: string, email: string } | null} */
  let user = null
  let renewAt = 0
  let endsAt = 0
  let lifeMs = 0
  /** @type {Promise<void> | null} */
  let asking = null
  let isClosed = false
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer
  /** @type {() => void} */
  let onRenewed = () => {}

  async function ask() {
    const grant = await callAuth('/token', {})
    const isFirst = token === null
    token = String(grant.access_token)
    user = grant.user
    // Not `expires_at`: the clock of a phone may be wrong.
    lifeMs = grant.expires_in * 1000
    renewAt = performance.now() + lifeMs * RENEW_AFTER
    endsAt = performance.now() + lifeMs
    // A socket has to be told before its token ends; nobody asks for another one by itself.
    renewIn(lifeMs * RENEW_AFTER)
    if (!isFirst) onRenewed()
  }

  /** @param {number} ms */
  function renewIn(ms) {
    clearTimeout(timer)
    if (!isClosed) timer = setTimeout(() => void renew().catch(() => {}), ms)
  }

  async function renew() {
    asking ??= ask()
      .catch((error) => {
        if (isFinal(error)) forgetSession()
        else if (token !== null) renewIn(Math.max(LEAST_RETRY_MS, lifeMs * RETRY_AFTER))
        throw error
      })
      .finally(() => {
        asking = null
      })
    await asking
  }

  /** @returns {Promise<string>} @throws {AuthError} when the session is over, or the service is away */
  async function accessToken() {
    if (token === null || performance.now() >= renewAt) {
      await renew().catch((error) => {
        // The one that there is will do until it ends.
        if (token === null || isFinal(error) || performance.now() >= endsAt) throw error
      })
    }
    return /** @type {string} */ (token)
  }

  /** Who has signed in. @throws {AuthError} */
  async function whoSignedIn() {
    await accessToken()
    return /** @type {{ id: string, email: string }} */ (user)
  }

  return {
    accessToken,
    whoSignedIn,
    /** @param {() => void} listener told of each further token */
    whenRenewed(listener) {
      onRenewed = listener
    },
    close() {
      isClosed = true
      clearTimeout(timer)
      token = null
    },
  }
}

/** @typedef {ReturnType<typeof openTokens>} Tokens */
