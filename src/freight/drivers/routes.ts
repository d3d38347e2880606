import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { idParams, pageQuery } from '../../platform/http/fields.ts'
import { found } from '../../platform/http/found.ts'
import { pageOf, readCursor, toPage } from '../../platform/http/page.ts'
import { problems } from '../../platform/http/problem.ts'
import { driverRecords } from './queries.ts'
import { driver, driverChange, driverStatus, newDriver } from './schemas.ts'

const tags = ['drivers']

export const driverRoutes: FastifyPluginAsyncZod = async (app) => {
  app.get(
    '/freight/drivers',
    {
      schema: {
        operationId: 'listDrivers',
        summary: 'List drivers by name',
        description:
          'The office and the dispatchers of the carrier see its drivers, and drivers see themselves.',
        tags,
        querystring: z.strictObject({ status: driverStatus.optional(), ...pageQuery }),
        response: { 200: pageOf(driver), ...problems('cursor_invalid') },
      },
    },
    async (request) => {
      const { limit, cursor, ...filter } = request.query
      const position = readCursor('drivers', 'name', cursor, filter)
      const rows = await request.rows(driverRecords.list(filter, limit, position))
      return toPage('drivers', rows, limit, filter, (item) => [item.name, item.id])
    },
  )

  app.post(
    '/freight/drivers',
    {
      schema: {
        operationId: 'createDriver',
        summary: 'Create a driver',
        description:
          'For the office and admins. What the driver is paid is set by `PUT /v1/freight/drivers/{id}/pay-terms`.',
        tags,
        body: newDriver,
        response: {
          201: driver,
          ...problems('forbidden', 'not_found', 'already_exists', 'idempotency_key_reused'),
        },
      },
    },
    async (request, reply) => {
      const created = await request.write((session) => driverRecords.create(session, request.body))
      return reply.code(201).header('location', `/v1/freight/drivers/${created.id}`).send(created)
    },
  )

  app.get(
    '/freight/drivers/:id',
    {
      schema: {
        operationId: 'getDriver',
        summary: 'Get a driver',
        tags,
        params: idParams,
        response: { 200: driver, ...problems('not_found') },
      },
    },
    async (request) => found(await request.row(driverRecords.byId(request.params))),
  )

  app.patch(
    '/freight/drivers/:id',
    {
      schema: {
        operationId: 'changeDriver',
        summary: 'Change a driver',
        tags,
        params: idParams,
        body: driverChange,
        response: { 200: driver, ...problems('not_found', 'forbidden', 'already_exists', 'driver_in_use') },
      },
    },
    async (request) =>
      found(await request.write((session) => driverRecords.change(session, request.params.id, request.body))),
  )

  app.delete(
    '/freight/drivers/:id',
    {
      schema: {
        operationId: 'removeDriver',
        summary: 'Remove a driver',
        tags,
        params: idParams,
        response: { 204: z.null(), ...problems('not_found', 'forbidden', 'driver_in_use') },
      },
    },
    async (request, reply) => {
      found(await request.write((session) => driverRecords.remove(session, request.params.id)))
      return reply.code(204).send(null)
    },
  )
}
