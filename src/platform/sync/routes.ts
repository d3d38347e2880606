import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { problems } from '../http/problem-responses.ts'
import { changesSince, readWatermark, writeWatermark } from './queries.ts'
import { syncPage, syncParams, syncQuery } from './schemas.ts'

const tags = ['realtime']

export const syncRoutes: FastifyPluginAsyncZod<{ tables: readonly string[] }> = async (app, { tables }) => {
  app.get(
    '/sync/:table',
    {
      schema: {
        operationId: 'syncTable',
        summary: 'What changed in a table since the last time',
        description:
          'For a client that keeps a copy of what it sees: subscribe to the table’s changes, then ask here until `complete`; after a gap (a `CHANNEL_ERROR`, and `SUBSCRIBED` again) ask again. Nothing is missed, however long transactions take and overlap.',
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
