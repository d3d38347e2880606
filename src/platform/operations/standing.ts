import type { FastifyInstance } from 'fastify'
import fastifyPlugin from 'fastify-plugin'
import { Problem, RETRY_AFTER_BUSY_SECONDS } from '../http/problem.ts'
import type { Standing } from './readiness.ts'

/** Lets clients of a process that stops, or that cannot live with the schema, go to another one. */
export const standing = fastifyPlugin(
  async (app: FastifyInstance, { standing }: { standing: () => Standing }) => {
    app.addHook('onRequest', (request, reply, done) => {
      const now = standing()
      if (now === 'serving') return done()
      // The client's next request comes on a new connection, and so to another process.
      reply.header('connection', 'close')
      // Each would fail somewhere else, and some would do the wrong thing.
      const isRefused = now === 'refusing' && request.routeOptions.url?.startsWith('/v1/')
      done(isRefused ? new Problem('busy', { retryAfterSeconds: RETRY_AFTER_BUSY_SECONDS }) : undefined)
    })
  },
  { name: 'standing', fastify: '5.x', dependencies: ['error-handler'] },
)
