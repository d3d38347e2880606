import { createHmac, timingSafeEqual } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import { Unauthenticated } from '../auth/errors.ts'

/*
 * Requests of other services: not a user's, so they have no token, but a signature of their body.
 */

const rawBodies = new WeakMap<FastifyRequest, Buffer>()

/** What is signed is the bytes, not what they say: spaces and the order of members belong to it. */
export const keepRawBody = (request: FastifyRequest, body: Buffer): void => {
  rawBodies.set(request, body)
}

/** Unix seconds, as long as there are four more centuries of them. */
const TIMESTAMP = /^\d{10}$/

/** HMAC-SHA256 (RFC 2104) of `<timestamp>.<body>`, as hexadecimal digits. @param timestamp Unix seconds */
export const signatureOf = (secret: string, timestamp: string, body: Buffer | string): string =>
  createHmac('sha256', secret).update(`${timestamp}.`).update(body).digest('hex')

export interface SignatureSettings {
  secret: string | undefined
  /** Names of headers, in lower case. */
  timestampHeader: string
  signatureHeader: string
  /** How far the timestamp may be from now, to either side. */
  toleranceSeconds: number
}

/**
 * Requires that whoever sent the request knows the secret, and signed it a moment ago: who recorded a request can send it again for no
 * longer than the tolerance.
 *
 * @throws Unauthenticated, always where there is no secret
 */
export function requireSignature(
  request: FastifyRequest,
  { secret, timestampHeader, signatureHeader, toleranceSeconds }: SignatureSettings,
  now: number = Date.now(),
): void {
  const timestamp = request.headers[timestampHeader]
  const given = request.headers[signatureHeader]
  const body = rawBodies.get(request)
  if (!secret || !body || typeof given !== 'string' || typeof timestamp !== 'string')
    throw new Unauthenticated('signature_missing')
  if (!TIMESTAMP.test(timestamp) || !isSame(given, signatureOf(secret, timestamp, body)))
    throw new Unauthenticated('signature_invalid')
  if (Math.abs(now / 1000 - Number(timestamp)) > toleranceSeconds)
    throw new Unauthenticated('signature_expired')
}

/** In constant time: how long it takes tells nothing about how much of the signature was right. */
function isSame(given: string, expected: string): boolean {
  const [left, right] = [Buffer.from(given), Buffer.from(expected)]
  return left.length === right.length && timingSafeEqual(left, right)
}
