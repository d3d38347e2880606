import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import { Problem } from '../http/problem.ts'

/** r and p of scrypt as OWASP has them for N = 16,384; a hash then takes 32 MiB and some 60 ms of one core. */
const BLOCK_SIZE = 16
const PARALLELIZATION = 1
const KEY_BYTES = 64
const SALT_BYTES = 16
/** What is stored is trusted, and still no row may make a process ask for gigabytes. */
const HIGHEST_COST = 1 << 20

/** NIST SP 800-63B-4 asks for 15 where a password is the only factor, and for 8 beside another one. */
export const MIN_PASSWORD_LENGTH = 10
/** A hash takes the same time for each length; this bounds what is normalized and kept in memory. */
export const MAX_PASSWORD_LENGTH = 128

/** Who waits longer than a client does, or behind so many, is told to come back: see `retry-after`. */
const MAX_WAITING = 32
const RETRY_AFTER_SECONDS = 3

const derive = promisify<string, Buffer, number, object, Buffer>(scrypt)

export interface Passwords {
  hash(password: string): Promise<string>
  verify(given: { hash: string; password: string }): Promise<boolean>
  /** Hashes made since the start: equal for an address that exists and one that does not. */
  readonly made: number
}

/**
 * Slow hashes of passwords, few at once: they run on the threads of Node that also read files and resolve names, and take a core each.
 *
 * @param cost N of scrypt; each hash names its own, so that a higher one holds for new passwords
 */
export function openPasswords(cost: number, atOnce: number): Passwords {
  let running = 0
  let made = 0
  const waiting: (() => void)[] = []

  async function inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (running >= atOnce) {
      if (waiting.length >= MAX_WAITING) throw new Problem('busy', { retryAfterSeconds: RETRY_AFTER_SECONDS })
      await new Promise<void>((resolve) => waiting.push(resolve))
    } else running += 1
    try {
      return await work()
    } finally {
      // The turn goes from hand to hand.
      const next = waiting.shift()
      if (next) next()
      else running -= 1
    }
  }

  const hashWith = (password: string, salt: Buffer, n: number): Promise<Buffer> =>
    inTurn(() => {
      made += 1
      return derive(password.normalize('NFKC'), salt, KEY_BYTES, {
        N: n,
        r: BLOCK_SIZE,
        p: PARALLELIZATION,
        // Twice what N = n takes, and its few blocks beside (RFC 7914): Node's own limit is 32 MiB, which N = 16,384 takes alone.
        maxmem: 256 * BLOCK_SIZE * (n + PARALLELIZATION + 2),
      })
    })

  return {
    get made() {
      return made
    },
    async hash(password) {
      const salt = randomBytes(SALT_BYTES)
      const key = await hashWith(password, salt, cost)
      return `scrypt:${cost}:${salt.toString('hex')}:${key.toString('hex')}`
    },
    async verify({ hash, password }) {
      const [kind, n, salt, key] = hash.split(':')
      const stored = Number(n)
      if (kind !== 'scrypt' || !salt || !key || !(stored >= 2 && stored <= HIGHEST_COST)) return false
      const expected = Buffer.from(key, 'hex')
      const found = await hashWith(password, Buffer.from(salt, 'hex'), stored)
      return expected.length === found.length && timingSafeEqual(expected, found)
    },
  }
}
