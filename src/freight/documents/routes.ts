import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { idParams, pageQuery } from '../../platform/http/fields.ts'
import { found } from '../../platform/http/found.ts'
import { readCursor, toPage } from '../../platform/http/page.ts'
import { problems } from '../../platform/http/problem.ts'
import { visibleDriver } from '../records.ts'
import {
  changeDocument,
  createDocument,
  documentById,
  listDocuments,
  removeDocument,
  verifyDocument,
} from './queries.ts'
import { documentChange, documentPage, documentVerification, driverDocument, newDocument } from './schemas.ts'

const tags = ['drivers']

export const documentRoutes: FastifyPluginAsyncZod = async (app) => {
  app.get(
    '/freight/drivers/:id/documents',
    {
      schema: {
        operationId: 'listDriverDocuments',
        summary: 'List the documents of a driver by last day',
        description: 'The office and dispatchers see those of their carrier, and drivers their own.',
        tags,
        params: idParams,
        querystring: z.strictObject(pageQuery),
        response: { 200: documentPage, ...problems('not_found', 'cursor_invalid') },
      },
    },
    async (request) => {
      const { limit, cursor } = request.query
      const { id } = request.params
      const position = readCursor('driver_documents', 'day', cursor, { id })
      const rows = await request.rows(listDocuments(id, limit, position))
      if (rows.length === 0) found(await request.row(visibleDriver({ id })))
      return toPage('driver_documents', rows, limit, { id }, (item) => [item.expiry_date, item.id])
    },
  )

  app.post(
    '/freight/drivers/:id/documents',
    {
      schema: {
        operationId: 'createDriverDocument',
        summary: 'Put a document of a driver on record',
        description:
          'The office and dispatchers of the carrier, and drivers for themselves. A document counts once the office has verified it. A driver has one document of a kind.',
        tags,
        params: idParams,
        body: newDocument,
        response: {
          201: driverDocument,
          ...problems('forbidden', 'not_found', 'already_exists', 'idempotency_key_reused'),
        },
      },
    },
    async (request, reply) => {
      const created = await request.write((session) =>
        createDocument(session, request.params.id, request.body),
      )
      return reply.code(201).header('location', `/v1/freight/driver-documents/${created.id}`).send(created)
    },
  )

  app.get(
    '/freight/driver-documents/:id',
    {
      schema: {
        operationId: 'getDriverDocument',
        summary: 'Get a document of a driver',
        tags,
        params: idParams,
        response: { 200: driverDocument, ...problems('not_found') },
      },
    },
    async (request) => found(await request.row(documentById(request.params))),
  )

  app.patch(
    '/freight/driver-documents/:id',
    {
      schema: {
        operationId: 'changeDriverDocument',
        summary: 'Change the number or the last day of a document',
        description:
          'Takes the verification away, so that the document does not count until the office has verified it again. Refused while a load needs the document (`document_in_use`): the office verifies what replaces it by `POST /v1/freight/driver-documents/{id}/verify`.',
        tags,
        params: idParams,
        body: documentChange,
        response: { 200: driverDocument, ...problems('not_found', 'forbidden', 'document_in_use') },
      },
    },
    async (request) =>
      found(await request.write((session) => changeDocument(session, request.params.id, request.body))),
  )

  app.post(
    '/freight/driver-documents/:id/verify',
    {
      schema: {
        operationId: 'verifyDriverDocument',
        summary: 'Verify a document, or withdraw its verification',
        description:
          'Only the office of the carrier and admins verify, and not documents of their own. With `number` or `expiry_date` the document is changed and verified in one step, also while a load needs it: this is how a document is renewed.',
        tags,
        params: idParams,
        body: documentVerification,
        response: {
          200: driverDocument,
          ...problems('not_found', 'forbidden', 'document_in_use', 'idempotency_key_reused'),
        },
      },
    },
    async (request) =>
      found(await request.write((session) => verifyDocument(session, request.params.id, request.body))),
  )

  app.delete(
    '/freight/driver-documents/:id',
    {
      schema: {
        operationId: 'removeDriverDocument',
        summary: 'Remove a document of a driver',
        description:
          'The office removes any document that no load needs; dispatchers and drivers one that is not verified.',
        tags,
        params: idParams,
        response: { 204: z.null(), ...problems('not_found', 'forbidden', 'document_in_use') },
      },
    },
    async (request, reply) => {
      found(await request.write((session) => removeDocument(session, request.params.id)))
      return reply.code(204).send(null)
    },
  )
}
