// The lists, over HTTP.

/** The largest page that the service gives. */
const PAGE_SIZE = 100
/** Less than the page's promise to say within 10 s what is wrong. */
const TIMEOUT_MS = 8_000
const FIRST_RETRY_MS = 1_000
const LAST_RETRY_MS = 30_000

/** The token is not good, or not any more. */
export class SignedOut extends Error {
  /** @override */
  name = 'SignedOut'
}

/** The network, or the service, is away. */
export class Unreachable extends Error {
  /** @override */
  name = 'Unreachable'
}

/** What the service answered instead; the message is its own words. */
export class Refused extends Error {
  /** @override */
  name = 'Refused'
}

/** @typedef {Record<string, unknown>} Row */

/** @param {() => Promise<string>} accessToken @throws {SignedOut} when there is none any more */
export function openApi(accessToken) {
  const aborting = new AbortController()

  /** @param {string} path @returns {Promise<any>} */
  async function get(path) {
    const token = await accessToken()
    const response = await fetch(path, {
      headers: { authorization: `Bearer ${token}`, accept: 'application/json' },
      signal: AbortSignal.any([aborting.signal, AbortSignal.timeout(TIMEOUT_MS)]),
    }).catch(() => {
      throw new Unreachable('The service does not answer.')
    })
    if (response.status === 401) throw new SignedOut('The token is not good, or has expired.')
    const body = await response.json().catch(() => {
      throw new Unreachable('The service does not answer.')
    })
    if (!response.ok) throw new Refused(body.title ?? `The service answered ${response.status}.`)
    return body
  }

  /**
   * All pages of a list, up to a number of them.
   *
   * @param {string} path
   * @param {Record<string, string>} filter
   * @param {number} maxPages
   * @returns {Promise<{ items: Row[], isComplete: boolean }>}
   */
  async function list(path, filter, maxPages) {
    /** @type {Row[]} */
    const items = []
    let cursor = null
    for (let page = 0; page < maxPages; page += 1) {
      const query = new URLSearchParams({ ...filter, limit: String(PAGE_SIZE), ...(cursor && { cursor }) })
      const answer = await get(`${path}?${query}`)
      items.push(...answer.items)
      cursor = answer.next_cursor
      if (cursor === null) return { items, isComplete: true }
    }
    return { items, isComplete: false }
  }

  return { get, list, close: () => aborting.abort() }
}

/** @typedef {ReturnType<typeof openApi>} Api */

/**
 * How long to wait after so many failures in a row: longer each time, and not all pages at the same moment.
 *
 * @param {number} failures
 */
export const retryDelayMs = (failures) =>
  Math.min(FIRST_RETRY_MS * 2 ** (failures - 1), LAST_RETRY_MS) * (0.5 + Math.random())

/**
 * When a token says that it ends, in ms since 1970; that is for its issuer to say, so nothing is decided by it.
 *
 * @param {string} token
 */
export function readExpiry(token) {
  try {
    const payload = (token.split('.')[1] ?? '').replaceAll('-', '+').replaceAll('_', '/')
    const { exp } = JSON.parse(atob(payload))
    return typeof exp === 'number' ? exp * 1000 : Number.POSITIVE_INFINITY
  } catch {
    return Number.POSITIVE_INFINITY
  }
}
