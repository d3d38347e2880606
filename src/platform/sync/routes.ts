import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { problems } from '../http/problem.ts'
import { changesSince, readWatermark, writeWatermark } from './queries.ts'
import { syncPage, syncParams, syncQuery } from './schemas.ts'

const tags = ['realtime']

export const syncRoutes: FastifyPluginAsyncZod<{ tables: readonly string[] }> = async (app, { tables }) => {
  app.get(
    '/sync/:table',
    {
      schema: {
        operationId: 'syncTable',
        summary: 'List the changes of a table since a watermark',
        description:
          'Resync for a client that keeps a local copy of the rows it may see. Subscribe to the changes of the table, then call this route until `complete` is true. After a gap (`CHANNEL_ERROR`, then `SUBSCRIBED` again) call it again. No change is missed, even when transactions are long and overlap.',
        tags,
        params: syncParams(tables),
        querystring: syncQuery,
        response: { 200: syncPage, ...problems('cursor_invalid', 'not_found') },
      },
    },
    async (request) => {
      const { after, limit } = request.query
      const { next, ...page } = await request.value(
        changesSince(request.params.table, readWatermark(after), limit),
        // A watermark says which transactions were under way: only the primary knows, a replica's snapshots do not list them.
        { onPrimary: true },
      )
      return { ...page, next: writeWatermark(next) }
    },
  )
}
