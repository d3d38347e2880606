import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { itemsOf } from '../../platform/http/batch.ts'
import { idParams } from '../../platform/http/fields.ts'
import { found } from '../../platform/http/found.ts'
import { sendJsonText } from '../../platform/http/json-text.ts'
import { readCursor, toPage } from '../../platform/http/page.ts'
import { problems } from '../../platform/http/problem.ts'
import { answerAsItIs, ignoredInBatch } from '../../platform/positions/batch.ts'
import { takeBatches } from '../../platform/positions/intake.ts'
import { BATCH_BODY_LIMIT_BYTES } from '../../platform/positions/item.ts'
import { visibleLoad } from '../records.ts'
import { answerBatch, stopEventBatch } from './batch.ts'
import { listStopEvents, recordStopEvents } from './queries.ts'
import { batchResults, stopEventPage, stopEventQuery } from './schemas.ts'

const tags = ['stop-events']

export interface StopEventOptions {
  /** The number of batch items that one caller may send. */
  perMinute: number
}

export const stopEventRoutes: FastifyPluginAsyncZod<StopEventOptions> = async (app, options) => {
  app.get(
    '/freight/loads/:id/stop-events',
    {
      schema: {
        operationId: 'listStopEvents',
        summary: 'List the stop events of a load by device time',
        description:
          'The office and dispatchers see the events of the loads of their carrier, and drivers those that they reported. Users of the broker see those that came while the load was `in_transit`, or together with the arrival that began it.',
        tags,
        params: idParams,
        querystring: stopEventQuery,
        response: { 200: stopEventPage, ...problems('not_found', 'cursor_invalid') },
      },
    },
    async (request) => {
      const { limit, cursor, ...given } = request.query
      const { id } = request.params
      const filter = { id, ...given }
      const position = readCursor('stop_events', 'instant', cursor, filter)
      const rows = await request.rows(listStopEvents(id, given, limit, position))
      if (rows.length === 0) found(await request.row(visibleLoad({ id })))
      return toPage('stop_events', rows, limit, filter, (item) => [item.recorded_at, item.id])
    },
  )

  await app.register(batchRoute, options)
}

const batchRoute: FastifyPluginAsyncZod<StopEventOptions> = async (app, { perMinute }) => {
  const hooks = takeBatches(app, perMinute)
  app.post(
    '/freight/stop-events/batch',
    {
      bodyLimit: BATCH_BODY_LIMIT_BYTES,
      ...hooks,
      schema: {
        operationId: 'createStopEvents',
        summary: 'Record a batch of arrivals, departures and positions, such as those recorded offline',
        description:
          'A driver, or co-driver, reports events of the loads that they had at the device time, from 12 hours before the window of the load begins to 48 hours after it ends. A batch has up to 1,000 events of any loads, in any order; it may contain and repeat events that were sent before. Each item is decided by itself: a rejected item does not affect the others. The database computes the distance to the stop and the verdict. A stop was reached with the first arrival that counts, and left with the last departure that counts and is not before it, whatever the order in which events arrive; what somebody sets with `PATCH /v1/freight/stops/{id}` stands. The first arrival makes an assigned load `in_transit`, and leaving the last stop makes it `delivered`. Unknown members are ignored, and `ignored` names them once. The response has one result per item, in the same order. Items count towards a limit per minute. Beyond it the whole batch is refused with `rate_limited` and nothing is stored: send it again after `Retry-After`.',
        tags,
        body: stopEventBatch,
        response: { 200: batchResults, ...problems('forbidden', 'payload_too_large') },
      },
    },
    async (request, reply) => {
      const recorded = await recordStopEvents(request, itemsOf(request.body))
      const ignored = ignoredInBatch(request.body)
      const asItIs = answerAsItIs(request.body, recorded, ignored)
      if (asItIs !== undefined) return sendJsonText(reply, asItIs)
      return { results: answerBatch(request.body, JSON.parse(recorded)), ...(ignored && { ignored }) }
    },
  )
}
