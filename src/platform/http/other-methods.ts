import type { FastifyInstance } from 'fastify'
import { Problem } from './problem.ts'

/** `OPTIONS` is CORS's, and `HEAD` comes with `GET`. */
const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const

/**
 * Remembers the routes that are added from now on. Call the result when all are there: it answers their other methods with
 * 405 and an `Allow` header (RFC 9110 section 15.5.6), where the router alone would not know the path.
 */
export function watchMethods(app: FastifyInstance): () => void {
  const taken = new Map<string, Set<string>>()
  app.addHook('onRoute', ({ url, method }) => {
    const known = taken.get(url) ?? new Set()
    for (const one of [method].flat()) known.add(one)
    taken.set(url, known)
  })

  return () => {
    for (const [url, known] of [...taken]) {
      const others = METHODS.filter((method) => !known.has(method))
      if (url.includes('*') || others.length === 0) continue
      const allow = [...known].sort().join(', ')
      app.route({
        method: others,
        url,
        schema: { hide: true },
        // Whoever asks: it is about the path.
        config: { unregistered: true },
        // Before the body: it may be of a kind that no route takes.
        onRequest: async (_request, reply) => {
          reply.header('allow', allow)
          throw new Problem('method_not_allowed')
        },
        handler: () => {},
      })
    }
  }
}
