import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { idParams, pageQuery } from '../../platform/http/fields.ts'
import { found } from '../../platform/http/found.ts'
import { readCursor, toPage } from '../../platform/http/page.ts'
import { problems } from '../../platform/http/problem.ts'
import { changeProfessional, listProfessionals, professionalById } from './queries.ts'
import { professional, professionalChange, professionalPage, professionalStatus } from './schemas.ts'

const tags = ['professionals']

export const professionalRoutes: FastifyPluginAsyncZod = async (app) => {
  app.get(
    '/professionals',
    {
      schema: {
        operationId: 'listProfessionals',
        summary: 'List professionals by name',
        description:
          'Guards see only themselves, companies and clients see the professionals on their shifts, and admins see all professionals of the tenant.',
        tags,
        querystring: z.strictObject({ status: professionalStatus.optional(), ...pageQuery }),
        response: { 200: professionalPage, ...problems('cursor_invalid') },
      },
    },
    async (request) => {
      const { limit, cursor, ...filter } = request.query
      const position = readCursor('professionals', 'name', cursor, filter)
      const rows = await request.rows(listProfessionals(filter, limit, position))
      return toPage('professionals', rows, limit, filter, (item) => [item.name, item.id])
    },
  )

  app.get(
    '/professionals/:id',
    {
      schema: {
        operationId: 'getProfessional',
        summary: 'Get a professional',
        tags,
        params: idParams,
        response: { 200: professional, ...problems('not_found') },
      },
    },
    async (request) => found(await request.row(professionalById(request.params))),
  )

  app.patch(
    '/professionals/:id',
    {
      schema: {
        operationId: 'changeProfessional',
        summary: 'Change a professional',
        description:
          'Guards may change the position of their home; null deletes it. Admins may also change the status: to deactivate a professional, first release the assigned shifts.',
        tags,
        params: idParams,
        body: professionalChange,
        response: { 200: professional, ...problems('not_found', 'forbidden', 'professional_in_use') },
      },
    },
    async (request) =>
      found(await request.write((session) => changeProfessional(session, request.params.id, request.body))),
  )
}
