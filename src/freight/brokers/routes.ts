import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { idParams, pageQuery } from '../../platform/http/fields.ts'
import { found } from '../../platform/http/found.ts'
import { pageOf, readCursor, toPage } from '../../platform/http/page.ts'
import { problems } from '../../platform/http/problem.ts'
import { brokerRecords, createBroker } from './queries.ts'
import { broker, brokerChange, newBroker } from './schemas.ts'

const tags = ['brokers']

export const brokerRoutes: FastifyPluginAsyncZod = async (app) => {
  app.get(
    '/freight/brokers',
    {
      schema: {
        operationId: 'listBrokers',
        summary: 'List brokers by name',
        description: 'Brokers are records of a carrier: its office and its dispatchers see and write them.',
        tags,
        querystring: z.strictObject({ ...pageQuery }),
        response: { 200: pageOf(broker), ...problems('cursor_invalid') },
      },
    },
    async (request) => {
      const { limit, cursor, ...filter } = request.query
      const position = readCursor('brokers', 'name', cursor, filter)
      const rows = await request.rows(brokerRecords.list(filter, limit, position))
      return toPage('brokers', rows, limit, filter, (item) => [item.name, item.id])
    },
  )

  app.post(
    '/freight/brokers',
    {
      schema: {
        operationId: 'createBroker',
        summary: 'Create a broker',
        tags,
        body: newBroker,
        response: {
          201: broker,
          ...problems(
            'forbidden',
            'not_found',
            'already_exists',
            'invalid_reference',
            'idempotency_key_reused',
          ),
        },
      },
    },
    async (request, reply) => {
      const created = await request.write((session) => createBroker(session, request.body))
      return reply.code(201).header('location', `/v1/freight/brokers/${created.id}`).send(created)
    },
  )

  app.get(
    '/freight/brokers/:id',
    {
      schema: {
        operationId: 'getBroker',
        summary: 'Get a broker',
        tags,
        params: idParams,
        response: { 200: broker, ...problems('not_found') },
      },
    },
    async (request) => found(await request.row(brokerRecords.byId(request.params))),
  )

  app.patch(
    '/freight/brokers/:id',
    {
      schema: {
        operationId: 'changeBroker',
        summary: 'Change a broker',
        tags,
        params: idParams,
        body: brokerChange,
        response: {
          200: broker,
          ...problems('not_found', 'forbidden', 'already_exists', 'invalid_reference'),
        },
      },
    },
    async (request) =>
      found(await request.write((session) => brokerRecords.change(session, request.params.id, request.body))),
  )

  app.delete(
    '/freight/brokers/:id',
    {
      schema: {
        operationId: 'removeBroker',
        summary: 'Remove a broker',
        tags,
        params: idParams,
        response: { 204: z.null(), ...problems('not_found', 'forbidden', 'broker_in_use') },
      },
    },
    async (request, reply) => {
      found(await request.write((session) => brokerRecords.remove(session, request.params.id)))
      return reply.code(204).send(null)
    },
  )
}
