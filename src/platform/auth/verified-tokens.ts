import { hash } from 'node:crypto'
import type { Caller } from './caller.ts'

/** Tokens remembered at once: a caller takes 1.3 KiB (measured), all of them 2.5 MiB. One more user costs a verification. */
export const MAX_VERIFIED_TOKENS = 2_000

/**
 * Longer tokens are verified each time. Supabase's have about 800 characters; but users fill `user_metadata` themselves,
 * and claims made of empty objects take 15 times their token's length (measured): 2,000 such of 8 KiB would be 250 MB.
 */
export const MAX_REMEMBERED_LENGTH = 2_048

/**
 * How long a verification is relied on. It bounds what a withdrawn key can still do, on top of the age of the key
 * set, and it makes a busy server look at its key set at least this often.
 */
export const VERIFIED_TOKEN_MAX_AGE_MS = 60_000

interface Entry {
  caller: Caller
  verifiedAt: number
  keysVersion: number
}

/**
 * Remembers which tokens were verified, so that a client's next request costs a hash and not a signature check.
 *
 * Why this is safe: an entry is found only by the SHA-256 of the whole token, signature included, so another payload or
 * another signature is another entry, and a lookup compares hashes, whose timing says nothing of a token. Only
 * accepted tokens are kept, so a flood of bad ones evicts nothing. What can change after verification is
 * checked at each hit: expiry (by the verifier), the key set (`keysVersion`), the entry's own age. Callers are frozen,
 * so no request can alter another's. The tokens themselves are not kept, and cannot leak in a heap dump.
 */
export class VerifiedTokens {
  /** A Map iterates in insertion order, and a hit is inserted again: the first key is the least recently used. */
  readonly #entries = new Map<string, Entry>()

  get size(): number {
    return this.#entries.size
  }

  find(token: string, nowMs: number, keysVersion: number): Caller | null {
    const key = keyOf(token)
    const entry = this.#entries.get(key)
    if (entry === undefined) return null
    this.#entries.delete(key)
    if (!isCurrent(entry, nowMs, keysVersion)) return null
    this.#entries.set(key, entry)
    return entry.caller
  }

  remember(token: string, caller: Caller, verifiedAt: number, keysVersion: number): void {
    if (token.length > MAX_REMEMBERED_LENGTH) return
    const key = keyOf(token)
    this.#entries.delete(key)
    this.#entries.set(key, { caller, verifiedAt, keysVersion })
    if (this.#entries.size <= MAX_VERIFIED_TOKENS) return
    for (const oldest of this.#entries.keys()) {
      this.#entries.delete(oldest)
      return
    }
  }
}

/** An age below zero means that the clock was set back: the entry's true age is unknown. */
function isCurrent(entry: Entry, nowMs: number, keysVersion: number): boolean {
  const ageMs = nowMs - entry.verifiedAt
  return entry.keysVersion === keysVersion && ageMs >= 0 && ageMs < VERIFIED_TOKEN_MAX_AGE_MS
}

function keyOf(token: string): string {
  return hash('sha256', token, 'base64url')
}
