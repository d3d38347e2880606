import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { idParams, pageQuery, uuid } from '../../platform/http/fields.ts'
import { found } from '../../platform/http/found.ts'
import { readCursor, toPage } from '../../platform/http/page.ts'
import { problems } from '../../platform/http/problem.ts'
import { changeLocation, createLocation, listLocations, locationById, removeLocation } from './queries.ts'
import { location, locationChange, locationPage, newLocation } from './schemas.ts'

const tags = ['locations']

export const locationRoutes: FastifyPluginAsyncZod = async (app) => {
  app.get(
    '/locations',
    {
      schema: {
        operationId: 'listLocations',
        summary: 'List locations by name',
        tags,
        querystring: z.strictObject({ organization_id: uuid.optional(), ...pageQuery }),
        response: { 200: locationPage, ...problems('cursor_invalid') },
      },
    },
    async (request) => {
      const { limit, cursor, ...filter } = request.query
      const position = readCursor('locations', 'name', cursor, filter)
      const rows = await request.rows(listLocations(filter, limit, position))
      return toPage('locations', rows, limit, filter, (item) => [item.name, item.id])
    },
  )

  app.post(
    '/locations',
    {
      schema: {
        operationId: 'createLocation',
        summary: 'Create a location',
        tags,
        body: newLocation,
        response: { 201: location, ...problems('forbidden', 'not_found') },
      },
    },
    async (request, reply) => {
      const created = await request.write((session) => createLocation(session, request.body))
      return reply.code(201).header('location', `/v1/locations/${created.id}`).send(created)
    },
  )

  app.get(
    '/locations/:id',
    {
      schema: {
        operationId: 'getLocation',
        summary: 'Get a location',
        tags,
        params: idParams,
        response: { 200: location, ...problems('not_found') },
      },
    },
    async (request) => found(await request.row(locationById(request.params))),
  )

  app.patch(
    '/locations/:id',
    {
      schema: {
        operationId: 'changeLocation',
        summary: 'Change a location',
        description:
          'The change also applies to shifts at the location that are not over yet: they get the new position and time zone. When a certificate would not last through a shift in the new time zone, an admin, and a company for which the guard has worked, is told `certificate_expired`; others are told `professional_unavailable`.',
        tags,
        params: idParams,
        body: locationChange,
        response: {
          200: location,
          ...problems('not_found', 'forbidden', 'certificate_expired', 'professional_unavailable'),
        },
      },
    },
    async (request) =>
      found(await request.write((session) => changeLocation(session, request.params.id, request.body))),
  )

  app.delete(
    '/locations/:id',
    {
      schema: {
        operationId: 'removeLocation',
        summary: 'Remove a location',
        description: 'A location can be removed only when every shift there is over.',
        tags,
        params: idParams,
        response: { 204: z.null(), ...problems('not_found', 'forbidden', 'location_in_use') },
      },
    },
    async (request, reply) => {
      found(await request.write((session) => removeLocation(session, request.params.id)))
      return reply.code(204).send(null)
    },
  )
}
