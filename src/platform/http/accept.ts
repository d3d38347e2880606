import type { FastifyReply } from 'fastify'
import { Problem } from './problem.ts'

/**
 * The media type to answer with, by the request's `Accept` (RFC 9110, section 12.5.1): of those on offer the one with the
 * highest weight, and of equal ones the first. Parameters other than `q` do not count.
 *
 * @param offered full types in lower case, the preferred one first
 * @throws Problem `not_acceptable` when the client takes none of them.
 */
export function chooseMediaType<T extends string>(accept: string | undefined, offered: readonly T[]): T {
  const ranges = (accept ?? '').split(',').flatMap(readRange)
  // An empty field says as little as a missing one.
  if (ranges.length === 0 && !accept?.trim()) return offered[0]!
  const weights = offered.map((type) => weightOf(type, ranges))
  const best = Math.max(...weights)
  if (best <= 0) throw new Problem('not_acceptable', { subject: 'accept' })
  return offered[weights.indexOf(best)]!
}

/** A cache must not give one form to a client that asked for the other. What others vary by stays. */
export function varyBy(reply: FastifyReply, field: string): void {
  const others = reply.getHeader('vary')
  reply.header('vary', others === undefined ? field : `${others}, ${field}`)
}

interface MediaRange {
  type: string
  weight: number
}

const TOKEN = "[!#$%&'*+.^_`|~\\w-]+"
const RANGE = new RegExp(`^(${TOKEN}/${TOKEN})$`)
/** The grammar, and what clients write beside it: `.2` (java.net.HttpURLConnection up to 18) and more digits than three. */
const WEIGHT = /^q=(0?\.\d+|0\.?|1(?:\.0*)?)$/

/** One element of the list; what is no media range is left out, as if it had not been sent. */
function readRange(element: string): MediaRange[] {
  const [given = '', ...parameters] = element.split(';').map((part) => part.trim().toLowerCase())
  // As java.net.HttpURLConnection up to 18 spells it (JDK-8163921).
  const type = given === '*' ? '*/*' : given
  if (!RANGE.test(type)) return []
  const q = parameters.find((parameter) => parameter.startsWith('q='))
  if (q === undefined) return [{ type, weight: 1 }]
  const weight = WEIGHT.exec(q)?.[1]
  return weight === undefined ? [] : [{ type, weight: Number(weight) }]
}

// The most specific range decides: `application/json;q=0` beside a wildcard takes everything but JSON.
function weightOf(type: string, ranges: readonly MediaRange[]): number {
  const [main] = type.split('/', 1)
  for (const range of [type, `${main}/*`, '*/*']) {
    const weights = ranges.filter((candidate) => candidate.type === range).map(({ weight }) => weight)
    if (weights.length > 0) return Math.max(...weights)
  }
  return 0
}
