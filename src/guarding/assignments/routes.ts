import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { readCursor, toPage } from '../../platform/http/page.ts'
import { problems } from '../../platform/http/problem.ts'
import { listAssignments } from './queries.ts'
import { assignmentPage, assignmentQuery } from './schemas.ts'

export const assignmentRoutes: FastifyPluginAsyncZod = async (app) => {
  app.get(
    '/assignments',
    {
      schema: {
        operationId: 'listAssignments',
        summary: 'List assignments, latest start first',
        description:
          'Assignments are read-only: the database creates and ends them with the steps of their shifts. Each keeps the times, the rate and the terms that were agreed, also after the shift went to somebody else. The company, its guard and admins see an assignment.',
        tags: ['assignments'],
        querystring: assignmentQuery,
        response: { 200: assignmentPage, ...problems('cursor_invalid') },
      },
    },
    async (request) => {
      const { limit, cursor, ...filter } = request.query
      const position = readCursor('assignments', 'instant', cursor, filter)
      const rows = await request.rows(listAssignments(filter, limit, position))
      return toPage('assignments', rows, limit, filter, (item) => [item.start_datetime, item.id])
    },
  )
}
