import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { idParams, pageQuery } from '../../platform/http/fields.ts'
import { found } from '../../platform/http/found.ts'
import { pageOf, readCursor, toPage } from '../../platform/http/page.ts'
import { problems } from '../../platform/http/problem.ts'
import { vehicleStatus } from '../vehicle.ts'
import { truckRecords } from './queries.ts'
import { newTruck, truck, truckChange } from './schemas.ts'

const tags = ['equipment']

export const truckRoutes: FastifyPluginAsyncZod = async (app) => {
  app.get(
    '/freight/trucks',
    {
      schema: {
        operationId: 'listTrucks',
        summary: 'List trucks by unit number',
        tags,
        querystring: z.strictObject({ status: vehicleStatus.optional(), ...pageQuery }),
        response: { 200: pageOf(truck), ...problems('cursor_invalid') },
      },
    },
    async (request) => {
      const { limit, cursor, ...filter } = request.query
      const position = readCursor('trucks', 'name', cursor, filter)
      const rows = await request.rows(truckRecords.list(filter, limit, position))
      return toPage('trucks', rows, limit, filter, (item) => [item.unit_number, item.id])
    },
  )

  app.post(
    '/freight/trucks',
    {
      schema: {
        operationId: 'createTruck',
        summary: 'Create a truck',
        tags,
        body: newTruck,
        response: {
          201: truck,
          ...problems('forbidden', 'not_found', 'already_exists', 'idempotency_key_reused'),
        },
      },
    },
    async (request, reply) => {
      const created = await request.write((session) => truckRecords.create(session, request.body))
      return reply.code(201).header('location', `/v1/freight/trucks/${created.id}`).send(created)
    },
  )

  app.get(
    '/freight/trucks/:id',
    {
      schema: {
        operationId: 'getTruck',
        summary: 'Get a truck',
        tags,
        params: idParams,
        response: { 200: truck, ...problems('not_found') },
      },
    },
    async (request) => found(await request.row(truckRecords.byId(request.params))),
  )

  app.patch(
    '/freight/trucks/:id',
    {
      schema: {
        operationId: 'changeTruck',
        summary: 'Change a truck',
        tags,
        params: idParams,
        body: truckChange,
        response: { 200: truck, ...problems('not_found', 'forbidden', 'already_exists', 'equipment_in_use') },
      },
    },
    async (request) =>
      found(await request.write((session) => truckRecords.change(session, request.params.id, request.body))),
  )

  app.delete(
    '/freight/trucks/:id',
    {
      schema: {
        operationId: 'removeTruck',
        summary: 'Remove a truck',
        tags,
        params: idParams,
        response: { 204: z.null(), ...problems('not_found', 'forbidden', 'equipment_in_use') },
      },
    },
    async (request, reply) => {
      found(await request.write((session) => truckRecords.remove(session, request.params.id)))
      return reply.code(204).send(null)
    },
  )
}
