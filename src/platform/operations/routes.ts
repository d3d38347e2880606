import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'

const tags = ['service']
const REPLICA_STATES = ['streaming', 'behind', 'unavailable', 'off'] as const
const FEED_STATES = ['starting', 'streaming', 'reconnecting', 'idle', 'stopped', 'off'] as const

export interface Readiness {
  database: boolean
  migrations: boolean
  /** The change feed of realtime; `off` where this service is no gateway. REST goes on without it. */
  feed: (typeof FEED_STATES)[number]
  /** As the last read found it; `off` where there is none. Without it the primary answers every read. */
  replica: (typeof REPLICA_STATES)[number]
}

/** @param checkReadiness what has to hold before traffic is sent here */
export const serviceRoutes =
  (checkReadiness: () => Promise<Readiness>): FastifyPluginAsyncZod =>
  async (app) => {
    app.get(
      '/health',
      {
        schema: {
          operationId: 'health',
          summary: 'Is the process alive?',
          tags,
          security: [],
          response: { 200: z.strictObject({ status: z.literal('ok') }) },
        },
        logLevel: 'warn',
      },
      async () => ({ status: 'ok' as const }),
    )

    const readiness = z.strictObject({
      status: z.enum(['ready', 'not_ready']),
      database: z.boolean(),
      migrations: z.boolean(),
      feed: z.enum(FEED_STATES),
      replica: z.enum(REPLICA_STATES),
    })
    app.get(
      '/ready',
      {
        schema: {
          operationId: 'ready',
          summary: 'Can it take traffic?',
          description:
            'The database answers, and has exactly the migrations of this version. It is asked every second in the background; a question here costs nothing.',
          tags,
          security: [],
          response: {
            200: readiness,
            503: {
              description: 'Not yet, or not any more.',
              content: { 'application/json': { schema: readiness } },
            },
          },
        },
        logLevel: 'warn',
      },
      async (_request, reply) => {
        const found = await checkReadiness()
        const isReady = found.database && found.migrations
        return reply
          .code(isReady ? 200 : 503)
          .send({ status: isReady ? ('ready' as const) : ('not_ready' as const), ...found })
      },
    )
  }
