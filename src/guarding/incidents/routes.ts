import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { idParams } from '../../platform/http/fields.ts'
import { found } from '../../platform/http/found.ts'
import { readCursor, toPage } from '../../platform/http/page.ts'
import { problems } from '../../platform/http/problem.ts'
import { changeIncident, createIncident, listIncidents } from './queries.ts'
import { incident, incidentChange, incidentPage, incidentQuery, newIncident } from './schemas.ts'

const tags = ['incidents']

export const incidentRoutes: FastifyPluginAsyncZod = async (app) => {
  app.get(
    '/incidents',
    {
      schema: {
        operationId: 'listIncidents',
        summary: 'List incidents, latest report first',
        tags,
        querystring: incidentQuery,
        response: { 200: incidentPage, ...problems('cursor_invalid') },
      },
    },
    async (request) => {
      const { limit, cursor, ...filter } = request.query
      const position = readCursor('incidents', 'instant', cursor, filter)
      const rows = await request.rows(listIncidents(filter, limit, position))
      return toPage('incidents', rows, limit, filter, (item) => [item.created_at, item.id])
    },
  )

  app.post(
    '/incidents',
    {
      schema: {
        operationId: 'createIncident',
        summary: 'Report an incident',
        description:
          'Only the guard of the shift may report an incident, from the assignment on, also after the shift is over.',
        tags,
        body: newIncident,
        response: { 201: incident, ...problems('forbidden', 'not_found') },
      },
    },
    async (request, reply) => {
      const created = await request.write((session) => createIncident(session, request.body))
      return reply.code(201).send(created)
    },
  )

  app.patch(
    '/incidents/:id',
    {
      schema: {
        operationId: 'changeIncident',
        summary: 'Change the status of an incident',
        description: 'Only the company of the shift and admins may change the status.',
        tags,
        params: idParams,
        body: incidentChange,
        response: { 200: incident, ...problems('not_found', 'forbidden') },
      },
    },
    async (request) =>
      found(
        await request.write((session) => changeIncident(session, request.params.id, request.body.status)),
      ),
  )
}
