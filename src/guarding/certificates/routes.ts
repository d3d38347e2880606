import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { idParams, pageQuery, queryFlag, uuid } from '../../platform/http/fields.ts'
import { found } from '../../platform/http/found.ts'
import { readCursor, toPage } from '../../platform/http/page.ts'
import { problems } from '../../platform/http/problem.ts'
import {
  certificateById,
  createCertificate,
  listCertificates,
  removeCertificate,
  verifyCertificate,
} from './queries.ts'
import { certificate, certificateKind, certificatePage, newCertificate, verification } from './schemas.ts'

const tags = ['professionals']

export const certificateRoutes: FastifyPluginAsyncZod = async (app) => {
  app.get(
    '/certificates',
    {
      schema: {
        operationId: 'listCertificates',
        summary: 'List certificates, newest first',
        description:
          'Guards see their own certificates, companies those of the guards assigned to their shifts, and admins all certificates of the tenant.',
        tags,
        querystring: z.strictObject({
          professional_id: uuid.optional(),
          kind: certificateKind.optional(),
          verified: queryFlag.optional(),
          ...pageQuery,
        }),
        response: { 200: certificatePage, ...problems('cursor_invalid') },
      },
    },
    async (request) => {
      const { limit, cursor, ...filter } = request.query
      const position = readCursor('certificates', 'instant', cursor, filter)
      const rows = await request.rows(listCertificates(filter, limit, position))
      return toPage('certificates', rows, limit, filter, (item) => [item.created_at, item.id])
    },
  )

  app.post(
    '/certificates',
    {
      schema: {
        operationId: 'createCertificate',
        summary: 'Add a certificate',
        description:
          'Guards add their own certificates; admins add certificates for any guard. A certificate counts once an admin has verified it.',
        tags,
        body: newCertificate,
        response: {
          201: certificate,
          ...problems('forbidden', 'not_found', 'invalid_reference', 'idempotency_key_reused'),
        },
      },
    },
    async (request, reply) => {
      const created = await request.write((session) => createCertificate(session, request.body))
      return reply.code(201).header('location', `/v1/certificates/${created.id}`).send(created)
    },
  )

  app.get(
    '/certificates/:id',
    {
      schema: {
        operationId: 'getCertificate',
        summary: 'Get a certificate',
        tags,
        params: idParams,
        response: { 200: certificate, ...problems('not_found') },
      },
    },
    async (request) => found(await request.row(certificateById(request.params))),
  )

  app.post(
    '/certificates/:id/verify',
    {
      schema: {
        operationId: 'verifyCertificate',
        summary: 'Verify a certificate, or withdraw its verification',
        description:
          'Only admins may call this. To withdraw a verification, first release the assigned shifts that need the certificate.',
        tags,
        params: idParams,
        body: verification,
        response: {
          200: certificate,
          ...problems('not_found', 'forbidden', 'certificate_in_use', 'idempotency_key_reused'),
        },
      },
    },
    async (request) =>
      found(
        await request.write((session) =>
          verifyCertificate(session, request.params.id, request.body?.verified ?? true),
        ),
      ),
  )

  app.delete(
    '/certificates/:id',
    {
      schema: {
        operationId: 'removeCertificate',
        summary: 'Remove a certificate',
        description:
          'Guards may remove their own certificate while it is not verified. Admins may remove any certificate that no assigned shift needs.',
        tags,
        params: idParams,
        response: { 204: z.null(), ...problems('not_found', 'forbidden', 'certificate_in_use') },
      },
    },
    async (request, reply) => {
      found(await request.write((session) => removeCertificate(session, request.params.id)))
      return reply.code(204).send(null)
    },
  )
}
