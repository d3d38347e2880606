import type { FastifyReply, FastifyRequest } from 'fastify'
import { ClientGone, Problem } from '../http/problem.ts'

/** Batches of one caller that are worked on at once: a phone sends one after the other. */
const AT_ONCE = 2
/** How many more may wait: a client that sends its backlog at once is served, one that floods is told to slow down. */
const MAX_WAITING = 16
/** Seconds: about what two batches take on a service that is busy. */
const RETRY_AFTER_SECONDS = 2

/**
 * An `onRequest` hook that lets a caller's requests through two at a time, before their bodies are read: to parse and check a
 * thousand items takes this thread, which all callers share, some 10 ms.
 *
 * @throws Problem `rate_limited` when too many wait
 */
export function takeTurns(): (request: FastifyRequest, reply: FastifyReply) => Promise<void> {
  const lines = new Map<string, { underWay: number; waiting: (() => void)[] }>()
  return async ({ caller }, { raw }) => {
    const key = caller.userId ?? caller.role
    const line = lines.get(key) ?? { underWay: 0, waiting: [] }
    lines.set(key, line)
    if (line.underWay < AT_ONCE) line.underWay += 1
    else if (line.waiting.length < MAX_WAITING) await new Promise<void>((goOn) => line.waiting.push(goOn))
    else throw new Problem('rate_limited', { retryAfterSeconds: RETRY_AFTER_SECONDS })

    const leave = (): void => {
      const next = line.waiting.shift()
      if (next) next()
      else line.underWay -= 1
      if (line.underWay === 0) lines.delete(key)
    }
    if (raw.destroyed) {
      leave()
      throw new ClientGone()
    }
    raw.once('close', leave)
  }
}
