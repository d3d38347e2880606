import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { readCursor, toPage } from '../../platform/http/page.ts'
import { problems } from '../../platform/http/problem.ts'
import { createAllowance, listAllowances } from './queries.ts'
import { allowance, allowancePage, allowanceQuery, newAllowance } from './schemas.ts'

const tags = ['timesheets']

export const allowanceRoutes: FastifyPluginAsyncZod = async (app) => {
  app.get(
    '/allowances',
    {
      schema: {
        operationId: 'listAllowances',
        summary: 'List the versions of the allowances of companies, newest first',
        description:
          'Of the versions of a kind, the one with the newest `valid_from` that has come is valid. A company without versions pays no allowances. The company and admins see them; a guard sees what an allowance paid on the timesheet.',
        tags,
        querystring: allowanceQuery,
        response: { 200: allowancePage, ...problems('cursor_invalid') },
      },
    },
    async (request) => {
      const { limit, cursor, ...filter } = request.query
      const position = readCursor('allowances', 'instant', cursor, filter)
      const rows = await request.rows(listAllowances(filter, limit, position))
      return toPage('allowances', rows, limit, filter, (item) => [item.valid_from, item.id])
    },
  )

  app.post(
    '/allowances',
    {
      schema: {
        operationId: 'createAllowance',
        summary: 'Add a version of an allowance of a company',
        description:
          'An allowance is paid beside the rate for time in the evening, at night, on Saturdays, Sundays and public holidays, or for a shift that was assigned at short notice. Shifts that are assigned already keep theirs. A version is never changed or removed: add another one.',
        tags,
        body: newAllowance,
        response: { 201: allowance, ...problems('forbidden', 'not_found', 'already_exists') },
      },
    },
    async (request, reply) => {
      const created = await request.write((session) => createAllowance(session, request.body))
      return reply.code(201).send(created)
    },
  )
}
