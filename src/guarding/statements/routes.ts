import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { chooseMediaType, varyBy } from '../../platform/http/accept.ts'
import { idParams } from '../../platform/http/fields.ts'
import { found } from '../../platform/http/found.ts'
import { readCursor, toPage } from '../../platform/http/page.ts'
import { problems } from '../../platform/http/problem.ts'
import { toCsv } from './csv.ts'
import { STATEMENT_PAGE_POLICY, toPageOf } from './page.ts'
import { correctStatement, createTaxTerms, listStatements, listTaxTerms, statementById } from './queries.ts'
import {
  newCorrection,
  newTaxTerms,
  statementCorrection,
  statementDetail,
  statementPage,
  statementQuery,
  taxTerms,
  taxTermsPage,
  taxTermsQuery,
} from './schemas.ts'

const tags = ['statements']

/** The forms of a statement, the usual one first. */
const FORMATS = { json: 'application/json', csv: 'text/csv', html: 'text/html' } as const

export const statementRoutes: FastifyPluginAsyncZod = async (app) => {
  app.get(
    '/statements',
    {
      schema: {
        operationId: 'listStatements',
        summary: 'List statements, latest period first',
        description:
          'A statement is the invoice of a guard to a company for a pay period, which the company writes for them (self-billed). The company, the guard and admins see it.',
        tags,
        querystring: statementQuery,
        response: { 200: statementPage, ...problems('cursor_invalid') },
      },
    },
    async (request) => {
      const { limit, cursor, ...filter } = request.query
      const position = readCursor('statements', 'day', cursor, filter)
      const rows = await request.rows(listStatements(filter, limit, position))
      return toPage('statements', rows, limit, filter, (item) => [item.last_day, item.id])
    },
  )

  app.get(
    '/statements/:id',
    {
      schema: {
        operationId: 'getStatement',
        summary: 'Get a statement with its lines',
        description:
          'With `Accept: text/csv` or `format=csv`, the response has the lines as CSV (RFC 4180) with a header line; with `Accept: text/html` or `format=html`, it is a page to print.',
        tags,
        params: idParams,
        querystring: z.strictObject({
          format: z
            .enum(Object.keys(FORMATS) as [keyof typeof FORMATS])
            .optional()
            .meta({
              description:
                'The response format. It overrides `Accept`, for clients that cannot set that header.',
            }),
        }),
        response: {
          200: {
            description: 'The statement.',
            content: {
              'application/json': { schema: statementDetail },
              'text/csv': { schema: z.string() },
              'text/html': { schema: z.string() },
            },
          },
          ...problems('not_found', 'not_acceptable'),
        },
      },
    },
    async (request, reply) => {
      const { format } = request.query
      const type = format ? FORMATS[format] : chooseMediaType(request.headers.accept, Object.values(FORMATS))
      const statement = found(await request.row(statementById(request.params.id)))
      varyBy(reply, 'Accept')
      if (type === 'text/csv')
        return reply.type('text/csv; charset=utf-8; header=present').send(toCsv(statement))
      if (type === 'text/html') {
        return reply
          .header('content-security-policy', STATEMENT_PAGE_POLICY)
          .type('text/html; charset=utf-8')
          .send(toPageOf(statement))
      }
      return reply.type(type).send(statement)
    },
  )

  app.post(
    '/statements/:id/correct',
    {
      schema: {
        operationId: 'correctStatement',
        summary: 'Take back a wrong invoice by a credit note, and replace it',
        description:
          'A statement is never changed. A credit note takes back each line of the invoice, and a new statement of the same period settles the lines anew: with the tax terms and names as they are stated now, and with the adjustments of corrected hours that wait for a statement. Correct these first. Both have the next numbers. What the invoice paid stays paid: the new statement pays the difference, and what was paid too much is carried over. For the company and admins, once for each invoice.',
        tags,
        params: idParams,
        body: newCorrection,
        response: { 200: statementCorrection, ...problems('not_found', 'forbidden', 'statement_state') },
      },
    },
    (request) => request.write((session) => correctStatement(session, request.params.id, request.body)),
  )

  app.get(
    '/tax-terms',
    {
      schema: {
        operationId: 'listTaxTerms',
        summary: 'List the versions of the tax terms of guards, newest first',
        description:
          'What a guard states about VAT, and what is withheld from their pay. The guard and admins see them; a company reads on a statement what was valid for it. A guard without a version charges no VAT.',
        tags,
        querystring: taxTermsQuery,
        response: { 200: taxTermsPage, ...problems('cursor_invalid') },
      },
    },
    async (request) => {
      const { limit, cursor, ...filter } = request.query
      const position = readCursor('tax_terms', 'day', cursor, filter)
      const rows = await request.rows(listTaxTerms(filter, limit, position))
      return toPage('tax_terms', rows, limit, filter, (item) => [item.valid_from, item.id])
    },
  )

  app.post(
    '/tax-terms',
    {
      schema: {
        operationId: 'createTaxTerms',
        summary: 'Add a version of the tax terms of a guard',
        description:
          'Statements that were made before stay as they are. A version is never changed or removed: add another one. Only admins state deductions.',
        tags,
        body: newTaxTerms,
        response: { 201: taxTerms, ...problems('forbidden', 'not_found', 'already_exists') },
      },
    },
    async (request, reply) => {
      const created = await request.write((session) => createTaxTerms(session, request.body))
      return reply.code(201).send(created)
    },
  )
}
