import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { idParams, pageQuery, uuid } from '../../platform/http/fields.ts'
import { found } from '../../platform/http/found.ts'
import { pageOf, readCursor, toPage } from '../../platform/http/page.ts'
import { problems } from '../../platform/http/problem.ts'
import { kindOf, type Roles } from '../roles.ts'
import {
  createOrganization,
  linkClient,
  listOrganizations,
  organizationById,
  unlinkClient,
} from './queries.ts'
import { newOrganization, organization } from './schemas.ts'

const tags = ['organizations']
const linkParams = z.strictObject({
  id: uuid.meta({ description: 'The id of the company.' }),
  client_id: uuid.meta({ description: 'The id of the client for which the company works.' }),
})

export const organizationRoutes: FastifyPluginAsyncZod<{ roles: Roles }> = async (app, { roles }) => {
  const one = organization(roles)
  app.get(
    '/organizations',
    {
      schema: {
        operationId: 'listOrganizations',
        summary: 'List organizations by name',
        tags,
        querystring: z.strictObject({
          kind: kindOf(roles).optional(),
          client_of: uuid.optional().meta({ description: 'Only the clients of the company with this id.' }),
          ...pageQuery,
        }),
        response: { 200: pageOf(one), ...problems('cursor_invalid') },
      },
    },
    async (request) => {
      const { limit, cursor, ...filter } = request.query
      const position = readCursor('organizations', 'name', cursor, filter)
      const rows = await request.rows(listOrganizations(filter, limit, position))
      return toPage('organizations', rows, limit, filter, (item) => [item.name, item.id])
    },
  )

  app.post(
    '/organizations',
    {
      schema: {
        operationId: 'createOrganization',
        summary: 'Create an organization',
        description: 'Only admins may call this.',
        tags,
        body: newOrganization(roles),
        response: { 201: one, ...problems('forbidden', 'not_found', 'idempotency_key_reused') },
      },
    },
    async (request, reply) => {
      const created = await request.write((session) => createOrganization(session, request.body))
      return reply.code(201).header('location', `/v1/organizations/${created.id}`).send(created)
    },
  )

  app.get(
    '/organizations/:id',
    {
      schema: {
        operationId: 'getOrganization',
        summary: 'Get an organization',
        tags,
        params: idParams,
        response: { 200: one, ...problems('not_found') },
      },
    },
    async (request) => found(await request.row(organizationById(request.params))),
  )

  app.put(
    '/organizations/:id/clients/:client_id',
    {
      schema: {
        operationId: 'linkClient',
        summary: 'Link a company to a client',
        description:
          'Only admins may call this. The company then sees the locations of the client and may plan shifts there.',
        tags,
        params: linkParams,
        response: { 204: z.null(), ...problems('forbidden', 'not_found') },
      },
    },
    async (request, reply) => {
      const { id, client_id } = request.params
      found(await request.write((session) => linkClient(session, [id], client_id)))
      return reply.code(204).send(null)
    },
  )

  app.delete(
    '/organizations/:id/clients/:client_id',
    {
      schema: {
        operationId: 'unlinkClient',
        summary: 'Unlink a company from a client',
        description: 'Only admins may call this. Shifts that are already planned stay.',
        tags,
        params: linkParams,
        response: { 204: z.null(), ...problems('forbidden', 'not_found') },
      },
    },
    async (request, reply) => {
      const { id, client_id } = request.params
      found(await request.write((session) => unlinkClient(session, id, client_id)))
      return reply.code(204).send(null)
    },
  )
}
