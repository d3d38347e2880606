import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { readCursor, toPage } from '../../platform/http/page.ts'
import { problems } from '../../platform/http/problem.ts'
import { createCompanyTerms, listCompanyTerms } from './queries.ts'
import { companyTerms, companyTermsPage, companyTermsQuery, newCompanyTerms } from './schemas.ts'

const tags = ['assignments']

export const companyTermsRoutes: FastifyPluginAsyncZod = async (app) => {
  app.get(
    '/company-terms',
    {
      schema: {
        operationId: 'listCompanyTerms',
        summary: 'List the versions of the terms of companies, newest first',
        description:
          'The version with the newest `valid_from` that has come is valid for new assignments. A company without a version has the defaults.',
        tags,
        querystring: companyTermsQuery,
        response: { 200: companyTermsPage, ...problems('cursor_invalid') },
      },
    },
    async (request) => {
      const { limit, cursor, ...filter } = request.query
      const position = readCursor('company_terms', 'instant', cursor, filter)
      const rows = await request.rows(listCompanyTerms(filter, limit, position))
      return toPage('company_terms', rows, limit, filter, (item) => [item.valid_from, item.id])
    },
  )

  app.post(
    '/company-terms',
    {
      schema: {
        operationId: 'createCompanyTerms',
        summary: 'Add a version of the terms of a company',
        description:
          'Assignments that were made before keep their terms. A version is never changed or removed: add another one.',
        tags,
        body: newCompanyTerms,
        response: { 201: companyTerms, ...problems('forbidden', 'not_found', 'already_exists') },
      },
    },
    async (request, reply) => {
      const created = await request.write((session) => createCompanyTerms(session, request.body))
      return reply.code(201).send(created)
    },
  )
}
