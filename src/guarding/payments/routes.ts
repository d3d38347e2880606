import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { readCursor, toPage } from '../../platform/http/page.ts'
import { problems } from '../../platform/http/problem.ts'
import { listTransactions } from './queries.ts'
import { transactionPage, transactionQuery } from './schemas.ts'

export const transactionRoutes: FastifyPluginAsyncZod = async (app) => {
  app.get(
    '/transactions',
    {
      schema: {
        operationId: 'listTransactions',
        summary: 'List payments for shifts, newest first',
        description:
          'A payment is what an assignment pays: an estimate, and after approval the total of its timesheet. Payments are read-only: the database creates and updates them with assignments and check-ins. What is sent to the payment provider are payouts. The company that pays, the guard who is paid, and admins see a payment.',
        tags: ['transactions'],
        querystring: transactionQuery,
        response: { 200: transactionPage, ...problems('cursor_invalid') },
      },
    },
    async (request) => {
      const { limit, cursor, ...filter } = request.query
      const position = readCursor('transactions', 'instant', cursor, filter)
      const rows = await request.rows(listTransactions(filter, limit, position))
      return toPage('transactions', rows, limit, filter, (item) => [item.created_at, item.id])
    },
  )
}
