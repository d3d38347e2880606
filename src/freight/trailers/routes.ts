import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { idParams, pageQuery } from '../../platform/http/fields.ts'
import { found } from '../../platform/http/found.ts'
import { pageOf, readCursor, toPage } from '../../platform/http/page.ts'
import { problems } from '../../platform/http/problem.ts'
import { vehicleStatus } from '../vehicle.ts'
import { trailerRecords } from './queries.ts'
import { newTrailer, trailer, trailerChange } from './schemas.ts'

const tags = ['equipment']

export const trailerRoutes: FastifyPluginAsyncZod = async (app) => {
  app.get(
    '/freight/trailers',
    {
      schema: {
        operationId: 'listTrailers',
        summary: 'List trailers by unit number',
        tags,
        querystring: z.strictObject({ status: vehicleStatus.optional(), ...pageQuery }),
        response: { 200: pageOf(trailer), ...problems('cursor_invalid') },
      },
    },
    async (request) => {
      const { limit, cursor, ...filter } = request.query
      const position = readCursor('trailers', 'name', cursor, filter)
      const rows = await request.rows(trailerRecords.list(filter, limit, position))
      return toPage('trailers', rows, limit, filter, (item) => [item.unit_number, item.id])
    },
  )

  app.post(
    '/freight/trailers',
    {
      schema: {
        operationId: 'createTrailer',
        summary: 'Create a trailer',
        tags,
        body: newTrailer,
        response: {
          201: trailer,
          ...problems('forbidden', 'not_found', 'already_exists', 'idempotency_key_reused'),
        },
      },
    },
    async (request, reply) => {
      const created = await request.write((session) => trailerRecords.create(session, request.body))
      return reply.code(201).header('location', `/v1/freight/trailers/${created.id}`).send(created)
    },
  )

  app.get(
    '/freight/trailers/:id',
    {
      schema: {
        operationId: 'getTrailer',
        summary: 'Get a trailer',
        tags,
        params: idParams,
        response: { 200: trailer, ...problems('not_found') },
      },
    },
    async (request) => found(await request.row(trailerRecords.byId(request.params))),
  )

  app.patch(
    '/freight/trailers/:id',
    {
      schema: {
        operationId: 'changeTrailer',
        summary: 'Change a trailer',
        tags,
        params: idParams,
        body: trailerChange,
        response: {
          200: trailer,
          ...problems('not_found', 'forbidden', 'already_exists', 'equipment_in_use'),
        },
      },
    },
    async (request) =>
      found(
        await request.write((session) => trailerRecords.change(session, request.params.id, request.body)),
      ),
  )

  app.delete(
    '/freight/trailers/:id',
    {
      schema: {
        operationId: 'removeTrailer',
        summary: 'Remove a trailer',
        tags,
        params: idParams,
        response: { 204: z.null(), ...problems('not_found', 'forbidden', 'equipment_in_use') },
      },
    },
    async (request, reply) => {
      found(await request.write((session) => trailerRecords.remove(session, request.params.id)))
      return reply.code(204).send(null)
    },
  )
}
