import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { instantOut } from '../http/fields.ts'
import { type DatabaseState, REASONS } from './readiness.ts'

const tags = ['service']
export const REPLICA_STATES = ['streaming', 'behind', 'unavailable', 'off'] as const
export const FEED_STATES = ['starting', 'streaming', 'reconnecting', 'idle', 'stopped', 'off'] as const
export const BUS_STATES = ['starting', 'connected', 'disconnected', 'deaf', 'stopped', 'off'] as const

export interface Readiness extends DatabaseState {
  /** State of realtime's change feed; `off` where this process runs no gateway. REST works without it. */
  feed: (typeof FEED_STATES)[number]
  /**
   * State of the bus between processes; `off` where there is none. `disconnected` and `deaf`: broadcast and presence reach only the
   * clients of this process. REST works without it.
   */
  bus: (typeof BUS_STATES)[number]
  /** State of the replica at the last read; `off` where none is configured. Without it the primary answers every read. */
  replica: (typeof REPLICA_STATES)[number]
  /** When the newest backup of `BACKUP_DIR` began; null where there is none. It never makes the service unready. */
  last_backup?: string | null
}

/** A service that lacks nothing, and has neither realtime nor a replica. */
export const ALL_WELL: Readiness = {
  ...{ database: true, migrations: true, writable: true, reason: null },
  ...{ feed: 'off', bus: 'off', replica: 'off' },
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
      reason: z.enum(REASONS).nullable().meta({
        description:
          'Why the service takes no traffic; null when it is ready. `schema_older`: the database lacks migrations of this version, or was rolled back. `upgrade_announced` and `schema_incompatible`: a newer version brings a schema that this one cannot live with. `standby` and `read_only`: the database takes no writes. `stopping`: the process was told to stop.',
      }),
      database: z.boolean().meta({ description: 'The database answers.' }),
      migrations: z.boolean().meta({ description: 'This version of the service can live with the schema.' }),
      writable: z.boolean().meta({ description: 'The database takes writes.' }),
      feed: z.enum(FEED_STATES),
      bus: z.enum(BUS_STATES),
      replica: z.enum(REPLICA_STATES),
      last_backup: instantOut.nullable().optional().meta({
        description:
          'When the newest backup in `BACKUP_DIR` began; null without one. Informative: it does not change the status.',
      }),
    })
    app.get(
      '/ready',
      {
        schema: {
          operationId: 'ready',
          summary: 'Check that the service can take traffic',
          description:
            'The service is ready when the database answers, takes writes, and has the migrations of this version or newer ones that this version can live with, and until the process is told to stop. A background check runs every second; this route returns its last result and sends no query.',
          tags,
          security: [],
          response: {
            200: readiness,
            503: {
              description: 'The service cannot take traffic: see `reason`.',
              content: { 'application/json': { schema: readiness } },
            },
          },
        },
        logLevel: 'warn',
      },
      async (_request, reply) => {
        const found = await checkReadiness()
        const isReady = found.reason === null
        return reply
          .code(isReady ? 200 : 503)
          .send({ status: isReady ? ('ready' as const) : ('not_ready' as const), ...found })
      },
    )
  }
