import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { idParams } from '../../platform/http/fields.ts'
import { found } from '../../platform/http/found.ts'
import { readCursor, toPage } from '../../platform/http/page.ts'
import { problems } from '../../platform/http/problem.ts'
import { correctionById, decideCorrection, listCorrections, proposeCorrection } from './queries.ts'
import { correction, correctionPage, correctionQuery, newCorrection } from './schemas.ts'

const tags = ['corrections']

export const correctionRoutes: FastifyPluginAsyncZod = async (app) => {
  app.get(
    '/corrections',
    {
      schema: {
        operationId: 'listCorrections',
        summary: 'List corrections, newest first',
        description: 'The company, its guard and admins see a correction, whatever became of it.',
        tags,
        querystring: correctionQuery,
        response: { 200: correctionPage, ...problems('cursor_invalid') },
      },
    },
    async (request) => {
      const { limit, cursor, ...filter } = request.query
      const position = readCursor('corrections', 'instant', cursor, filter)
      const rows = await request.rows(listCorrections(filter, limit, position))
      return toPage('corrections', rows, limit, filter, (item) => [item.created_at, item.id])
    },
  )

  app.get(
    '/corrections/:id',
    {
      schema: {
        operationId: 'getCorrection',
        summary: 'Get a correction',
        tags,
        params: idParams,
        response: { 200: correction, ...problems('not_found') },
      },
    },
    async (request) => found(await request.row(correctionById(request.params))),
  )

  app.post(
    '/assignments/:id/corrections',
    {
      schema: {
        operationId: 'createCorrection',
        summary: 'Propose a correction of a clock event',
        description:
          'The company or the guard proposes a correction, and the other side accepts or refuses it. A correction by an admin is imposed: it is in effect at once. What is in effect changes the hours, the pay and the status of the shift as if the event had been like that; the check-ins stay as they are. The time must be within the check-in window of the shift and not in the future. An event that does not count by itself, such as one that arrived too late, counts when a correction gives it its own time. A clock event that was recorded before the decision and arrives after it does not count until another correction decides on it: the assignment has the flag `conflict` until then.',
        tags,
        params: idParams,
        body: newCorrection,
        response: {
          201: correction,
          ...problems(
            'not_found',
            'outside_check_in_window',
            'recorded_in_future',
            'assignment_released',
            'correction_open',
            'too_many_corrections',
          ),
        },
      },
    },
    async (request, reply) => {
      const created = await proposeCorrection(request, request.params.id, request.body)
      return reply.code(201).header('location', `/v1/corrections/${created.id}`).send(created)
    },
  )

  app.post(
    '/corrections/:id/accept',
    {
      schema: {
        operationId: 'acceptCorrection',
        summary: 'Accept a correction that the other side proposed',
        tags,
        params: idParams,
        response: { 200: correction, ...problems('not_found', 'forbidden', 'correction_decided') },
      },
    },
    (request) => decideCorrection(request, request.params.id, 'accepted'),
  )

  app.post(
    '/corrections/:id/refuse',
    {
      schema: {
        operationId: 'refuseCorrection',
        summary: 'Refuse a correction that the other side proposed',
        tags,
        params: idParams,
        response: { 200: correction, ...problems('not_found', 'forbidden', 'correction_decided') },
      },
    },
    (request) => decideCorrection(request, request.params.id, 'refused'),
  )
}
