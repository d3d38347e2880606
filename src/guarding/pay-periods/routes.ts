import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { idParams } from '../../platform/http/fields.ts'
import { readCursor, toPage } from '../../platform/http/page.ts'
import { problems } from '../../platform/http/problem.ts'
import { closePayPeriod, createPayTerms, listPayPeriods, listPayTerms } from './queries.ts'
import {
  newPayTerms,
  payPeriod,
  payPeriodPage,
  payPeriodQuery,
  payTerms,
  payTermsPage,
  payTermsQuery,
} from './schemas.ts'

const tags = ['pay periods']

export const payPeriodRoutes: FastifyPluginAsyncZod = async (app) => {
  app.get(
    '/pay-terms',
    {
      schema: {
        operationId: 'listPayTerms',
        summary: 'List the versions of the pay terms of companies, newest first',
        description:
          'How long the pay periods of a company are. A period has the version with the newest `valid_from` that had come on its first day; a company without a version has months, in the zone of Amsterdam.',
        tags,
        querystring: payTermsQuery,
        response: { 200: payTermsPage, ...problems('cursor_invalid') },
      },
    },
    async (request) => {
      const { limit, cursor, ...filter } = request.query
      const position = readCursor('pay_terms', 'day', cursor, filter)
      const rows = await request.rows(listPayTerms(filter, limit, position))
      return toPage('pay_terms', rows, limit, filter, (item) => [item.valid_from, item.id])
    },
  )

  app.post(
    '/pay-terms',
    {
      schema: {
        operationId: 'createPayTerms',
        summary: 'Add a version of the pay terms of a company',
        description:
          'The next period of the company begins where the last one that is there ends, and has the new length: the first one may be shorter. A version is never changed or removed: add another one.',
        tags,
        body: newPayTerms,
        response: { 201: payTerms, ...problems('forbidden', 'not_found', 'already_exists') },
      },
    },
    async (request, reply) => {
      const created = await request.write((session) => createPayTerms(session, request.body))
      return reply.code(201).send(created)
    },
  )

  app.get(
    '/pay-periods',
    {
      schema: {
        operationId: 'listPayPeriods',
        summary: 'List pay periods, latest first',
        description:
          'The periods of a company follow each other without a gap, from its first timesheet to today. Background work adds the present one within an hour. The company and admins see them.',
        tags,
        querystring: payPeriodQuery,
        response: { 200: payPeriodPage, ...problems('cursor_invalid') },
      },
    },
    async (request) => {
      const { limit, cursor, ...filter } = request.query
      const position = readCursor('pay_periods', 'instant', cursor, filter)
      const rows = await request.rows(listPayPeriods(filter, limit, position))
      return toPage('pay_periods', rows, limit, filter, (item) => [item.starts_at, item.id])
    },
  )

  app.post(
    '/pay-periods/:id/close',
    {
      schema: {
        operationId: 'closePayPeriod',
        summary: 'Close a pay period',
        description:
          'Locks the approved timesheets that began before its end, and makes a statement for each guard who is paid, all or nothing. Timesheets that are approved later belong to the next period. A correction that is accepted or imposed after this becomes a line of the kind `adjustment` on the next statement. Periods are closed in order, once they are over.',
        tags,
        params: idParams,
        response: {
          200: payPeriod,
          ...problems('not_found', 'pay_period_closed', 'pay_period_not_over', 'pay_period_not_next'),
        },
      },
    },
    (request) => request.write((session) => closePayPeriod(session, request.params.id)),
  )
}
