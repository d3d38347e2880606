import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'

const tags = ['service']
export const REPLICA_STATES = ['streaming', 'behind', 'unavailable', 'off'] as const
export const FEED_STATES = ['starting', 'streaming', 'reconnecting', 'idle', 'stopped', 'off'] as const

export interface Readiness {
  database: boolean
  migrations: boolean
  /** State of realtime's change feed; `off` where this process runs no gateway. REST works without it. */
  feed: (typeof FEED_STATES)[number]
  /** State of the replica at the last read; `off` where none is configured. Without it the primary answers every read. */
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
          summary: 'Check that the process is alive',
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
          summary: 'Check that the service can take traffic',
          description:
            'The service is ready when the database answers and has exactly the migrations of this version. A background check runs every second; this route returns its last result and sends no query.',
          tags,
          security: [],
          response: {
            200: readiness,
            503: {
              description:
                'The service cannot take traffic: the database does not answer, or does not have the migrations of this version.',
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
