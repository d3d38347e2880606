// A session at Muster: signs in with e-mail and password, and has a token whenever one is needed. It runs in Node, in browsers and in
// React Native, and needs no package.

/** A token is renewed when so much of its life is over: the rest is for a slow answer, and for another try. */
const RENEW_AFTER = 1 / 2
/** After a failure it is tried again when so much of its life is over, and not more often than each half second. */
const RETRY_AFTER = 1 / 10
const LEAST_RETRY_MS = 500

/** What ends a session: it is not tried again. Anything else (a busy service, a bad line) passes. */
const FINAL = ['session_ended', 'account_suspended', 'second_factor_required']

/** Why there is no token: `code` is of the problem (RFC 9457), such as `credentials_wrong` or `session_ended`. */
export class SignInError extends Error {
  name = 'SignInError'

  /** @param {string} code @param {string} title */
  constructor(code, title) {
    super(title)
    this.code = code
  }
}

/**
 * @param {string} url of the service, such as `https://muster.example.com`
 * @param {string} path
 * @param {object} body
 */
async function post(url, path, body) {
  const response = await fetch(`${url}/auth${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  const answer = response.status === 204 ? null : await response.json()
  if (response.ok) return answer
  throw new SignInError(answer.code, answer.title)
}

/**
 * Signs in. Keep `refreshToken()` where no other app reads it (the Keychain, a file of the user's own), and pass it to `resume` after a
 * restart: each renewal replaces it, and the service ends a session whose old refresh token is shown again.
 *
 * @param {string} url
 * @param {{ email: string, password: string }} credentials
 * @throws {SignInError}
 */
export async function signIn(url, credentials) {
  const grant = await post(url, '/sign-in/email', credentials)
  // The code of an authenticator app: `POST /auth/two-factor/verify-totp`, with the cookie of this answer.
  if (grant.second_factor) throw new SignInError('second_factor_required', 'A second factor is wanted.')
  return openSession(url, grant)
}

/**
 * @param {string} url
 * @param {string} refreshToken
 * @throws {SignInError}
 */
export const resume = async (url, refreshToken) =>
  openSession(url, await post(url, '/token', { refresh_token: refreshToken }))

/** @param {unknown} error */
const isFinal = (error) => error instanceof SignInError && FINAL.includes(error.code)

/** @typedef {{ access_token: string, expires_in: number, refresh_token: string }} Grant */

/** @param {string} url @param {Grant} first */
function openSession(url, first) {
  let grant = first
  /** By the clock that is never set: the one of a phone may be wrong. */
  let renewAt = 0
  let endsAt = 0
  /** @type {Promise<void> | undefined} */
  let renewing
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer
  /** @type {(token: string) => void} */
  let onRenewed = () => {}

  /** @param {Grant} next */
  function keep(next) {
    grant = next
    const lifeMs = grant.expires_in * 1000
    renewAt = performance.now() + lifeMs * RENEW_AFTER
    endsAt = performance.now() + lifeMs
    renewIn(lifeMs * RENEW_AFTER)
  }

  /** @param {number} ms */
  function renewIn(ms) {
    clearTimeout(timer)
    timer = setTimeout(() => void renew().catch(() => {}), ms)
  }

  /** Callers at the same moment share one request. */
  async function renew() {
    renewing ??= post(url, '/token', { refresh_token: grant.refresh_token })
      .then((next) => {
        keep(next)
        onRenewed(next.access_token)
      })
      .catch((error) => {
        if (!isFinal(error)) renewIn(Math.max(LEAST_RETRY_MS, grant.expires_in * 1000 * RETRY_AFTER))
        throw error
      })
      .finally(() => {
        renewing = undefined
      })
    await renewing
  }

  /** @throws {SignInError} `session_ended` or `account_suspended`: sign in again */
  async function accessToken() {
    if (performance.now() < renewAt) return grant.access_token
    await renew().catch((error) => {
      // The one that there is will do until it ends.
      if (isFinal(error) || performance.now() >= endsAt) throw error
    })
    return grant.access_token
  }

  keep(first)
  return {
    accessToken,
    refreshToken: () => grant.refresh_token,
    /** A socket is told of the next token before the one it has ends. @param {(token: string) => void} listener */
    whenRenewed(listener) {
      onRenewed = listener
    },
    async signOut() {
      clearTimeout(timer)
      await fetch(`${url}/auth/sign-out`, {
        method: 'POST',
        headers: { authorization: `Bearer ${grant.refresh_token}` },
      })
    },
    /** Ends the timer, and leaves the session as it is. */
    close: () => clearTimeout(timer),
  }
}

/** @typedef {Awaited<ReturnType<typeof signIn>>} Session */
