import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { itemsOf } from '../../platform/http/batch.ts'
import { idParams } from '../../platform/http/fields.ts'
import { found } from '../../platform/http/found.ts'
import { readCursor, toPage } from '../../platform/http/page.ts'
import { problems } from '../../platform/http/problem.ts'
import { driverHours } from '../hours-form.ts'
import { visibleDriver } from '../records.ts'
import { answerBatch, dutyBatch } from './batch.ts'
import {
  decideDutyEdit,
  hoursOfDriver,
  listDutyEdits,
  listDutyStatuses,
  proposeDutyEdit,
  recordDutyStatuses,
} from './queries.ts'
import {
  BATCH_BODY_LIMIT_BYTES,
  batchResults,
  dutyEdit,
  dutyEditPage,
  dutyEditQuery,
  dutyStatusPage,
  dutyStatusQuery,
  hoursQuery,
  MAX_BATCH_ITEMS,
  newDutyEdit,
} from './schemas.ts'

const tags = ['duty']

export const dutyRoutes: FastifyPluginAsyncZod = async (app) => {
  app.get(
    '/freight/drivers/:id/duty-statuses',
    {
      schema: {
        operationId: 'listDutyStatuses',
        summary: 'List the log of a driver by device time',
        description:
          'The entries as the device recorded them, each with what counts instead when an edit was accepted. Entries that edits added are listed by `GET /v1/freight/drivers/{id}/duty-edits`. The office and dispatchers see the logs of their carrier, and drivers their own.',
        tags,
        params: idParams,
        querystring: dutyStatusQuery,
        response: { 200: dutyStatusPage, ...problems('not_found', 'cursor_invalid') },
      },
    },
    async (request) => {
      const { limit, cursor, ...given } = request.query
      const { id } = request.params
      const filter = { id, ...given }
      const position = readCursor('duty_statuses', 'instant', cursor, filter)
      const rows = await request.rows(listDutyStatuses(id, given, limit, position))
      if (rows.length === 0) found(await request.row(visibleDriver({ id })))
      return toPage('duty_statuses', rows, limit, filter, (item) => [item.began_at, item.id])
    },
  )

  app.get(
    '/freight/drivers/:id/hours',
    {
      schema: {
        operationId: 'getDriverHours',
        summary: 'Get the hours of service that a driver has left',
        description:
          'Follows from the log as it counts, whatever the order in which its entries arrived, by the rules of the driver (`hours_pack`, `hours_cycle`, `home_time_zone`). The rules for short hauls, adverse conditions and teams are left out. Before the log the driver is taken to have rested.',
        tags,
        params: idParams,
        querystring: hoursQuery,
        response: { 200: driverHours, ...problems('not_found') },
      },
    },
    async (request) =>
      found(await request.row(hoursOfDriver({ id: request.params.id, at: request.query.at }))),
  )

  app.get(
    '/freight/drivers/:id/duty-edits',
    {
      schema: {
        operationId: 'listDutyEdits',
        summary: 'List the edits of the log of a driver, newest first',
        description:
          'The office and dispatchers see the edits of their carrier, and drivers those of their own log, whatever became of them.',
        tags,
        params: idParams,
        querystring: dutyEditQuery,
        response: { 200: dutyEditPage, ...problems('not_found', 'cursor_invalid') },
      },
    },
    async (request) => {
      const { limit, cursor, ...given } = request.query
      const { id } = request.params
      const filter = { id, ...given }
      const position = readCursor('duty_edits', 'instant', cursor, filter)
      const rows = await request.rows(listDutyEdits(id, given, limit, position))
      if (rows.length === 0) found(await request.row(visibleDriver({ id })))
      return toPage('duty_edits', rows, limit, filter, (item) => [item.created_at, item.id])
    },
  )

  app.post(
    '/freight/drivers/:id/duty-edits',
    {
      schema: {
        operationId: 'createDutyEdit',
        summary: 'Propose an edit of the log of a driver',
        description:
          'The driver proposes and the carrier decides, or the office or a dispatcher proposes and the driver decides. An edit counts once the other side has accepted it; the entries stay as they were recorded.',
        tags,
        params: idParams,
        body: newDutyEdit,
        response: {
          201: dutyEdit,
          ...problems(
            'not_found',
            'forbidden',
            'duty_in_future',
            'duty_edit_open',
            'too_many_duty_edits',
            'idempotency_key_reused',
          ),
        },
      },
    },
    async (request, reply) => {
      const created = await proposeDutyEdit(request, request.params.id, request.body)
      return reply.code(201).send(created)
    },
  )

  app.post(
    '/freight/duty-edits/:id/accept',
    {
      schema: {
        operationId: 'acceptDutyEdit',
        summary: 'Accept an edit of a log that the other side proposed',
        description: 'From then on the edit counts for the hours of service of the driver.',
        tags,
        params: idParams,
        response: {
          200: dutyEdit,
          ...problems('not_found', 'forbidden', 'duty_edit_decided', 'idempotency_key_reused'),
        },
      },
    },
    (request) => decideDutyEdit(request, request.params.id, 'accepted'),
  )

  app.post(
    '/freight/duty-edits/:id/refuse',
    {
      schema: {
        operationId: 'refuseDutyEdit',
        summary: 'Refuse an edit of a log that the other side proposed',
        tags,
        params: idParams,
        response: {
          200: dutyEdit,
          ...problems('not_found', 'forbidden', 'duty_edit_decided', 'idempotency_key_reused'),
        },
      },
    },
    (request) => decideDutyEdit(request, request.params.id, 'refused'),
  )

  app.post(
    '/freight/duty-statuses/batch',
    {
      bodyLimit: BATCH_BODY_LIMIT_BYTES,
      schema: {
        operationId: 'createDutyStatuses',
        summary: 'Record a batch of duty statuses, such as those recorded offline',
        description: `Appends to the log of the driver who sends it. A batch has up to ${MAX_BATCH_ITEMS} entries in any order; it may contain and repeat entries that were sent before. Each item is decided by itself: a rejected item does not affect the others. Unknown members are ignored. The response has one result per item, in the same order.`,
        tags,
        body: dutyBatch,
        response: { 200: batchResults, ...problems('forbidden', 'payload_too_large') },
      },
    },
    async (request) => {
      const recorded = await recordDutyStatuses(request, itemsOf(request.body))
      return { results: answerBatch(request.body, recorded) }
    },
  )
}
