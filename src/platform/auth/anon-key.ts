import { hash, timingSafeEqual } from 'node:crypto'

/**
 * Tells whether `key` is the configured publishable key (`ANON_KEY`), which says which project a client belongs to
 * and nothing about who uses it. Without a configured key nothing is: none is derived from the secret.
 *
 * Both sides are hashed first, since `timingSafeEqual` wants equal lengths and the length tells something too.
 */
export function isAnonKey(key: string, configured: string | undefined): boolean {
  if (configured === undefined) return false
  return timingSafeEqual(hash('sha256', key, 'buffer'), hash('sha256', configured, 'buffer'))
}
