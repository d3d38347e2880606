import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { idParams } from '../../platform/http/fields.ts'
import { found } from '../../platform/http/found.ts'
import { nextLink } from '../../platform/http/next-link.ts'
import { readCursor, toPage } from '../../platform/http/page.ts'
import { problems } from '../../platform/http/problem.ts'
import { toCsv } from './csv.ts'
import {
  changeDeduction,
  createDeduction,
  createPayment,
  listDeductions,
  listPayments,
  listStatements,
  moveStatement,
  payTermsOf,
  putPayTerms,
  reportEarnings,
  settle,
  statementById,
} from './queries.ts'
import {
  driverDeduction,
  driverDeductionChange,
  driverDeductionPage,
  driverDeductionQuery,
  driverEarningsPage,
  driverEarningsQuery,
  driverPayment,
  driverPaymentPage,
  driverPaymentQuery,
  driverPayTerms,
  driverStatement,
  driverStatementDetail,
  driverStatementPage,
  driverStatementQuery,
  newDriverDeduction,
  newDriverPayment,
  newDriverPayTerms,
  settledStatements,
  settlement,
  statementStep,
} from './schemas.ts'

const tags = ['pay']

export const payRoutes: FastifyPluginAsyncZod = async (app) => {
  app.get(
    '/freight/drivers/:id/pay-terms',
    {
      schema: {
        operationId: 'getDriverPayTerms',
        summary: 'Get the pay terms of a driver',
        description:
          'For the office, admins, and the driver. Answers 404 for a driver who has no pay terms, and for dispatchers and brokers, who see nothing of pay.',
        tags,
        params: idParams,
        response: { 200: driverPayTerms, ...problems('not_found') },
      },
    },
    async (request) => found(await request.row(payTermsOf(request.params))),
  )

  app.put(
    '/freight/drivers/:id/pay-terms',
    {
      schema: {
        operationId: 'putDriverPayTerms',
        summary: 'Set the pay terms of a driver',
        description:
          'For the office and admins. Replaces all pay terms at once: loads that are delivered from now on pay by them. A driver without pay terms is paid for no load automatically.',
        tags,
        params: idParams,
        body: newDriverPayTerms,
        response: { 200: driverPayTerms, ...problems('not_found', 'forbidden') },
      },
    },
    (request) => request.write((session) => putPayTerms(session, request.params.id, request.body)),
  )

  app.get(
    '/freight/driver-payments',
    {
      schema: {
        operationId: 'listDriverPayments',
        summary: 'List payments of drivers, what was earned last first',
        description:
          'What drivers are owed, and what is taken off. The office sees those of its carrier, drivers their own. Dispatchers and brokers see none.',
        tags,
        querystring: driverPaymentQuery,
        response: { 200: driverPaymentPage, ...problems('cursor_invalid') },
      },
    },
    async (request) => {
      const { limit, cursor, ...filter } = request.query
      const position = readCursor('driver_payments', 'day', cursor, filter)
      const rows = await request.rows(listPayments(filter, limit, position))
      return toPage('driver_payments', rows, limit, filter, (item) => [item.earned_on, item.id])
    },
  )

  app.post(
    '/freight/driver-payments',
    {
      schema: {
        operationId: 'createDriverPayment',
        summary: 'Put a payment of a driver on record',
        description:
          'For the office and admins. A delivered load pays its drivers automatically, by their pay terms, unless the office put what it pays on record before. A payment is never changed or removed: another one sets it off.',
        tags,
        body: newDriverPayment,
        response: {
          201: driverPayment,
          ...problems('forbidden', 'not_found', 'already_exists', 'idempotency_key_reused'),
        },
      },
    },
    async (request, reply) => {
      const created = await request.write((session) => createPayment(session, request.body))
      return reply.code(201).send(created)
    },
  )

  app.get(
    '/freight/statements',
    {
      schema: {
        operationId: 'listDriverStatements',
        summary: 'List statements of drivers, latest period first',
        description:
          'What a carrier pays a driver for a period. The office sees those of its carrier, drivers their own.',
        tags,
        querystring: driverStatementQuery,
        response: { 200: driverStatementPage, ...problems('cursor_invalid') },
      },
    },
    async (request) => {
      const { limit, cursor, ...filter } = request.query
      const position = readCursor('driver_statements', 'day', cursor, filter)
      const rows = await request.rows(listStatements(filter, limit, position))
      return toPage('driver_statements', rows, limit, filter, (item) => [item.last_day, item.id])
    },
  )

  app.get(
    '/freight/statements.csv',
    {
      schema: {
        operationId: 'exportDriverStatements',
        summary: 'List statements of drivers as CSV',
        description:
          'The same list, filters and pages as `GET /v1/freight/statements`, as CSV (RFC 4180) with a header line. A `Link` header with `rel="next"` leads to the next page.',
        tags,
        querystring: driverStatementQuery,
        response: {
          200: { description: 'One page of statements.', content: { 'text/csv': { schema: z.string() } } },
          ...problems('cursor_invalid'),
        },
      },
    },
    async (request, reply) => {
      const { limit, cursor, ...filter } = request.query
      const position = readCursor('driver_statements', 'day', cursor, filter)
      const rows = await request.rows(listStatements(filter, limit, position))
      const page = toPage('driver_statements', rows, limit, filter, (item) => [item.last_day, item.id])
      if (page.next_cursor) reply.header('link', nextLink(request.url, page.next_cursor))
      return reply.type('text/csv; charset=utf-8; header=present').send(toCsv(page.items))
    },
  )

  app.post(
    '/freight/statements',
    {
      schema: {
        operationId: 'settleDriverPayments',
        summary: 'Settle what drivers are owed for a period',
        description:
          'For the office and admins. Makes one statement for each driver and currency, all of them or none: with every payment up to `last_day` that no statement has, also of earlier periods, and with the recurring deductions. Each payment is settled once; what comes later is on the next statement. When two settle at once, one waits for the other.',
        tags,
        body: settlement,
        response: {
          201: settledStatements,
          ...problems('forbidden', 'not_found', 'statement_in_future', 'idempotency_key_reused'),
        },
      },
    },
    async (request, reply) => {
      const items = await request.write((session) => settle(session, request.body))
      return reply.code(201).send({ items })
    },
  )

  app.get(
    '/freight/statements/:id',
    {
      schema: {
        operationId: 'getDriverStatement',
        summary: 'Get a statement of a driver with its lines',
        tags,
        params: idParams,
        response: { 200: driverStatementDetail, ...problems('not_found') },
      },
    },
    async (request) => found(await request.row(statementById(request.params))),
  )

  app.post(
    '/freight/statements/:id/status',
    {
      schema: {
        operationId: 'moveDriverStatement',
        summary: 'Say what became of the money of a statement',
        description:
          'For the office and admins, who pay drivers outside of this service. The payments of the statement have the same status. A statement that pays nothing stays `completed`.',
        tags,
        params: idParams,
        body: statementStep,
        response: {
          200: driverStatement,
          ...problems('not_found', 'forbidden', 'driver_statement_state', 'idempotency_key_reused'),
        },
      },
    },
    (request) => moveStatement(request, request.params.id, request.body),
  )

  app.get(
    '/freight/recurring-deductions',
    {
      schema: {
        operationId: 'listDriverDeductions',
        summary: 'List recurring deductions, newest first',
        description:
          'What is taken off each statement of a driver while it is valid. The office sees those of its carrier, drivers their own.',
        tags,
        querystring: driverDeductionQuery,
        response: { 200: driverDeductionPage, ...problems('cursor_invalid') },
      },
    },
    async (request) => {
      const { limit, cursor, ...filter } = request.query
      const position = readCursor('driver_deductions', 'day', cursor, filter)
      const rows = await request.rows(listDeductions(filter, limit, position))
      return toPage('driver_deductions', rows, limit, filter, (item) => [item.valid_from, item.id])
    },
  )

  app.post(
    '/freight/recurring-deductions',
    {
      schema: {
        operationId: 'createDriverDeduction',
        summary: 'Add a recurring deduction',
        description: 'For the office and admins. It is taken off each statement in its currency, once.',
        tags,
        body: newDriverDeduction,
        response: { 201: driverDeduction, ...problems('forbidden', 'not_found', 'idempotency_key_reused') },
      },
    },
    async (request, reply) => {
      const created = await request.write((session) => createDeduction(session, request.body))
      return reply.code(201).send(created)
    },
  )

  app.patch(
    '/freight/recurring-deductions/:id',
    {
      schema: {
        operationId: 'changeDriverDeduction',
        summary: 'Change when a recurring deduction ends',
        description: 'For the office and admins. Statements that were made before stay as they are.',
        tags,
        params: idParams,
        body: driverDeductionChange,
        response: { 200: driverDeduction, ...problems('not_found', 'forbidden') },
      },
    },
    async (request) =>
      found(await request.write((session) => changeDeduction(session, request.params.id, request.body))),
  )

  app.get(
    '/freight/reports/driver-earnings',
    {
      schema: {
        operationId: 'reportDriverEarnings',
        summary: 'Report earnings by driver and month, latest month first',
        description:
          'The sums of the statements. Drivers see their own, the office those of its carrier, admins all of the tenant. A job refreshes the report each hour.',
        tags,
        querystring: driverEarningsQuery,
        response: { 200: driverEarningsPage, ...problems('cursor_invalid') },
      },
    },
    async (request) => {
      const { limit, cursor, ...filter } = request.query
      const position = readCursor('driver_earnings', 'day', cursor, filter)
      const rows = await request.rows(reportEarnings(filter, limit, position))
      return toPage('driver_earnings', rows, limit, filter, (item) => [item.month, item.id])
    },
  )
}
