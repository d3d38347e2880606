import {
  type CryptoKey,
  createRemoteJWKSet,
  customFetch,
  errors,
  type FetchImplementation,
  type FlattenedJWSInput,
  type JWSHeaderParameters,
  type RemoteJWKSet,
} from 'jose'
import { KeysUnavailable, Unauthenticated } from './errors.ts'

/** The issuer answers from memory in milliseconds; past this a request is better off told to come back. */
export const KEYS_FETCH_TIMEOUT_MS = 5_000

/** A key is about 1 KiB and a set holds a handful; more is not a key set, and would only fill the memory. */
export const MAX_KEY_SET_BYTES = 262_144

/** From this age a key set is fetched again while it is still used: a withdrawn key is noticed without anyone waiting. */
export const KEYS_REFRESH_AFTER_MS = 300_000

/**
 * From this age a key set is used only when the issuer cannot be asked. While it can, a withdrawn key is honored for at
 * most this long, plus one fetch, plus `VERIFIED_TOKEN_MAX_AGE_MS`.
 */
export const KEYS_MAX_AGE_MS = 600_000

/** How long an outage at the issuer may last before known keys stop working too: the price of one withdrawn unseen. */
export const KEYS_MAX_STALE_MS = 3_600_000

/** Least time from one good fetch to the next for a `kid` not seen before, or invented ones would hammer the issuer. */
export const KEYS_COOLDOWN_MS = 30_000

/** Least time between a failed fetch and the next: short enough to notice the end of an outage, no hammering in it. */
export const KEYS_RETRY_MS = 5_000

/** Names of keys remembered as looked for in vain; strangers invent them. At most 256 KiB together. */
const MAX_ABSENT_KEYS = 1_000

/** RFC 7518 section 3.3. jose refuses shorter ones too, but only once the token is in doubt and not the key. */
const MIN_RSA_BITS = 2_048

/** Real ones have up to 44 characters (a thumbprint, Cognito's). */
const MAX_KID_LENGTH = 256

/**
 * What to do with a key set of this age: use it, use it and refresh it meanwhile, or wait for a new one.
 *
 * In an outage a stale set is used without waiting, or each request would hang until the fetch times out. Only a
 * failure of late counts as an outage: after a quiet night the first request must ask, not trust yesterday's set.
 *
 * @param ageMs since the fetch of the present set began; Infinity without one
 * @param sinceFailureMs since the last fetch failed; Infinity when the last one succeeded
 */
export function planRefresh(ageMs: number, sinceFailureMs: number): 'use' | 'use-and-refresh' | 'wait' {
  if (ageMs < KEYS_REFRESH_AFTER_MS) return 'use'
  if (ageMs < KEYS_MAX_AGE_MS) return 'use-and-refresh'
  const outage = sinceFailureMs < KEYS_REFRESH_AFTER_MS
  return outage && ageMs < KEYS_MAX_STALE_MS ? 'use-and-refresh' : 'wait'
}

export interface KeySetLog {
  info(details: object, message: string): void
  warn(details: object, message: string): void
}

export interface KeySetOptions {
  /** Milliseconds of Unix time. */
  now: () => number
  fetchTimeoutMs?: number | undefined
  log?: KeySetLog | undefined
}

export interface FoundKey {
  key: CryptoKey
  /** The version of the set that the key was found in. */
  version: number
}

/**
 * The public keys that an issuer publishes at a URL (RFC 7517). jose fetches, checks and selects; when to fetch is
 * decided here, because jose's own rules give up known keys as soon as the issuer is down, and cannot
 * tell "this key does not exist" from "this key could not be looked up".
 */
export class KeySet {
  readonly #remote: RemoteJWKSet
  readonly #now: () => number
  readonly #log: KeySetLog | undefined
  readonly #absent = new Set<string>()
  #fetching: Promise<boolean> | null = null
  #fetchedAt = Number.NEGATIVE_INFINITY
  #failedAt = Number.NEGATIVE_INFINITY
  #version = 0

  constructor(url: URL, options: KeySetOptions) {
    this.#now = options.now
    this.#log = options.log
    this.#remote = createRemoteJWKSet(url, {
      timeoutDuration: options.fetchTimeoutMs ?? KEYS_FETCH_TIMEOUT_MS,
      // Never fetch by itself: every fetch goes through #refresh.
      cooldownDuration: Number.POSITIVE_INFINITY,
      cacheMaxAge: Number.POSITIVE_INFINITY,
      [customFetch]: fetchBounded,
    })
  }

  /** Counts the sets fetched: whatever was decided with an older one must be decided again. */
  get version(): number {
    return this.#version
  }

  /**
   * Finds the key for a token's header.
   *
   * @throws Unauthenticated (`token_key_unknown`) when the issuer was asked and does not publish such a key, or
   *         more than one fits (a token without `kid`: OpenID Connect Core 10.1 demands one then).
   * @throws KeysUnavailable when the issuer could not be asked, or not again so soon.
   */
  async find(header: JWSHeaderParameters, token: FlattenedJWSInput): Promise<FoundKey> {
    const name = nameOf(header)
    const justFetched = await this.#ensureUsable()
    const known = await this.#select(header, token)
    if (known) return known
    if (!justFetched) {
      await this.#refreshFor(name)
      const added = await this.#select(header, token)
      if (added) return added
    }
    this.#rememberAbsent(name)
    throw new Unauthenticated('token_key_unknown')
  }

  /** @returns whether it waited for a new set. */
  async #ensureUsable(): Promise<boolean> {
    const plan = planRefresh(this.#since(this.#fetchedAt), this.#since(this.#failedAt))
    if (plan === 'use') return false
    if (plan === 'use-and-refresh') {
      if (this.#retryInMs() === 0) void this.#refresh()
      return false
    }
    if (await this.#refreshUnlessRecentlyFailed()) return true
    if (this.#since(this.#fetchedAt) < KEYS_MAX_STALE_MS) return false
    throw new KeysUnavailable(this.#retryInMs())
  }

  async #refreshUnlessRecentlyFailed(): Promise<boolean> {
    return this.#fetching === null && this.#retryInMs() > 0 ? false : this.#refresh()
  }

  /**
   * Fetches the set again for a key that the present one lacks.
   *
   * During the cooldown a key that was looked for before gets its answer from memory: after a withdrawal
   * thousands of phones show the old `kid`, and each needs its 401 to go and get a new token. A key not
   * looked for yet may have been added since, so that one is told to come back.
   */
  async #refreshFor(name: string): Promise<void> {
    const cooldownMs = KEYS_COOLDOWN_MS - this.#since(this.#fetchedAt)
    if (this.#fetching === null) {
      if (cooldownMs > 0 && this.#absent.has(name)) throw new Unauthenticated('token_key_unknown')
      const waitMs = Math.max(cooldownMs, this.#retryInMs())
      if (waitMs > 0) throw new KeysUnavailable(waitMs)
    }
    if (!(await this.#refresh())) throw new KeysUnavailable(this.#retryInMs())
  }

  /** Single-flight: concurrent callers share one fetch. Never rejects; resolves to whether the fetch succeeded. */
  #refresh(): Promise<boolean> {
    this.#fetching ??= this.#fetch().finally(() => {
      this.#fetching = null
    })
    return this.#fetching
  }

  /**
   * A well-formed set replaces the old one even when it is empty: that is how an issuer withdraws its last key. Anything
   * else (an error page, a redirect, a timeout) is a failure and changes nothing.
   */
  async #fetch(): Promise<boolean> {
    const startedAt = this.#now()
    try {
      await this.#remote.reload()
    } catch (err) {
      if (this.#failedAt === Number.NEGATIVE_INFINITY)
        this.#log?.warn(
          { err },
          'token verification: the key set (JWKS_URL) cannot be fetched; the keys fetched before stay in use',
        )
      this.#failedAt = this.#now()
      return false
    }
    if (this.#failedAt !== Number.NEGATIVE_INFINITY)
      this.#log?.info({}, 'token verification: the key set (JWKS_URL) can be fetched again')
    this.#failedAt = Number.NEGATIVE_INFINITY
    this.#fetchedAt = startedAt
    this.#version += 1
    return true
  }

  async #select(header: JWSHeaderParameters, token: FlattenedJWSInput): Promise<FoundKey | null> {
    const version = this.#version
    try {
      const key = await this.#remote(header, token)
      requireStrength(key)
      return { key, version }
    } catch (error) {
      if (error instanceof errors.JWKSNoMatchingKey) return null
      if (error instanceof errors.JWKSMultipleMatchingKeys) throw new Unauthenticated('token_key_unknown')
      // The issuer publishes a key that cannot be used (off its curve, private, too short): its fault, not the caller's.
      throw new KeysUnavailable(KEYS_RETRY_MS, { cause: error })
    }
  }

  #rememberAbsent(name: string): void {
    this.#absent.add(name)
    if (this.#absent.size <= MAX_ABSENT_KEYS) return
    for (const oldest of this.#absent) {
      this.#absent.delete(oldest)
      return
    }
  }

  #retryInMs(): number {
    return Math.max(0, KEYS_RETRY_MS - this.#since(this.#failedAt))
  }

  /** A time in the future means that the clock was set back: how long ago it was is unknown, so call it long. */
  #since(time: number): number {
    const elapsed = this.#now() - time
    return elapsed < 0 ? Number.POSITIVE_INFINITY : elapsed
  }
}

function requireStrength(key: CryptoKey): void {
  const { modulusLength } = key.algorithm as { modulusLength?: number }
  if (modulusLength !== undefined && modulusLength < MIN_RSA_BITS) throw new Error('the RSA key is too short')
}

function nameOf({ alg, kid }: JWSHeaderParameters): string {
  if (kid !== undefined && (typeof kid !== 'string' || kid.length > MAX_KID_LENGTH)) {
    throw new Unauthenticated('token_malformed')
  }
  return `${alg} ${kid ?? ''}`
}

/** Fetches as jose asks (it refuses redirects and every status but 200), and reads no more than a key set's size. */
const fetchBounded: FetchImplementation = async (url, options) => {
  const response = await fetch(url, options)
  if (response.status === 200) return new Response(await readBounded(response))
  await response.body?.cancel()
  return response
}

async function readBounded(response: Response): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of response.body ?? []) {
    length += chunk.byteLength
    if (length > MAX_KEY_SET_BYTES) throw new Error('the key set is too large')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
