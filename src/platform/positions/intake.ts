import type { FastifyInstance, FastifyRequest } from 'fastify'
import { RateLimiterMemory, type RateLimiterRes } from 'rate-limiter-flexible'
import { Problem } from '../http/problem.ts'
import { MAX_BATCH_ITEMS } from './item.ts'
import { takeTurns } from './turns.ts'

/**
 * Makes the route of a batch in `app`, which is its own: callers take turns, the items count against a caller's minute, and an item
 * with a member `__proto__` is rejected by itself.
 *
 * @param perMinute items of one caller
 * @returns hooks for the route
 */
export function takeBatches(app: FastifyInstance, perMinute: number) {
  // Other routes refuse a whole body that has a member `__proto__`, or bytes that are not UTF-8. Here only the item with it is
  // rejected. That is safe, because an item is built from its known members only.
  app.removeContentTypeParser('application/json')
  app.addContentTypeParser(
    'application/json',
    { parseAs: 'string' },
    app.getDefaultJsonParser('ignore', 'ignore'),
  )
  return { onRequest: takeTurns(), preValidation: spendItems(perMinute) }
}

/** The rate limit counts a batch as one request, but it costs as much as a thousand: items have a budget of their own. */
function spendItems(perMinute: number): (request: FastifyRequest) => Promise<void> {
  const budget = new RateLimiterMemory({ points: perMinute, duration: 60 })
  return async ({ caller, body }) => {
    const items = (body as { items?: unknown } | undefined)?.items
    const spent = await budget
      .consume(
        caller.userId ?? caller.role,
        Array.isArray(items) ? Math.min(items.length, MAX_BATCH_ITEMS) : 1,
      )
      .catch((refused: RateLimiterRes) => refused)
    if (spent.consumedPoints <= perMinute) return
    throw new Problem('rate_limited', { retryAfterSeconds: Math.ceil(spent.msBeforeNext / 1000) })
  }
}
