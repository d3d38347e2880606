import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { readCursor, toPage } from '../../platform/http/page.ts'
import { problems } from '../../platform/http/problem.ts'
import { reportEarnings, reportHours } from './queries.ts'
import { earningsPage, earningsQuery, hoursPage, hoursQuery } from './schemas.ts'

const tags = ['reports']

export const reportRoutes: FastifyPluginAsyncZod = async (app) => {
  app.get(
    '/reports/earnings',
    {
      schema: {
        operationId: 'reportEarnings',
        summary: 'Report earnings by guard, company and month, latest month first',
        description:
          'The sums of the statements. Guards see their own, companies what they pay, admins all of the tenant. A job refreshes the report each hour.',
        tags,
        querystring: earningsQuery,
        response: { 200: earningsPage, ...problems('cursor_invalid') },
      },
    },
    async (request) => {
      const { limit, cursor, ...filter } = request.query
      const position = readCursor('earnings', 'day', cursor, filter)
      const rows = await request.rows(reportEarnings(filter, limit, position))
      return toPage('earnings', rows, limit, filter, (item) => [item.month, item.id])
    },
  )

  app.get(
    '/reports/hours',
    {
      schema: {
        operationId: 'reportHours',
        summary: 'Report hours by client, location and month, latest month first',
        description:
          'The agreed hours of a company and what they pay. The company and admins see them. A job refreshes the report each hour.',
        tags,
        querystring: hoursQuery,
        response: { 200: hoursPage, ...problems('cursor_invalid') },
      },
    },
    async (request) => {
      const { limit, cursor, ...filter } = request.query
      const position = readCursor('hours', 'day', cursor, filter)
      const rows = await request.rows(reportHours(filter, limit, position))
      return toPage('hours', rows, limit, filter, (item) => [item.month, item.id])
    },
  )
}
