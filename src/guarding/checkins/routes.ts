import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { itemsOf } from '../../platform/http/batch.ts'
import { idParams, pageQuery } from '../../platform/http/fields.ts'
import { found } from '../../platform/http/found.ts'
import { sendJsonText } from '../../platform/http/json-text.ts'
import { readCursor, toPage, writeCursor } from '../../platform/http/page.ts'
import { problems } from '../../platform/http/problem.ts'
import { answerAsItIs, ignoredInBatch } from '../../platform/positions/batch.ts'
import { ignoredIn } from '../../platform/positions/ignored.ts'
import { takeBatches } from '../../platform/positions/intake.ts'
import { BATCH_BODY_LIMIT_BYTES } from '../../platform/positions/item.ts'
import { countCheckIn, countCheckIns } from '../metrics.ts'
import { answerBatch, checkinBatch } from './batch.ts'
import { listCheckIns, listNearbyCheckIns, recordCheckIn, recordCheckIns, visibleShift } from './queries.ts'
import {
  batchResults,
  CHECKIN_PROBLEMS,
  checkinPage,
  nearbyCheckinFilter,
  nearbyCheckinPage,
  newCheckin,
  newCheckinBody,
  recordedCheckin,
} from './schemas.ts'
import { CHECKIN_KINDS } from './table.ts'

const tags = ['check-ins']

export interface CheckinOptions {
  /** The number of batch items that one caller may send. */
  perMinute: number
}

export const checkinRoutes: FastifyPluginAsyncZod<CheckinOptions> = async (app, options) => {
  app.get(
    '/shifts/:id/checkins',
    {
      schema: {
        operationId: 'listCheckIns',
        summary: 'List the check-ins of a shift by device time',
        tags,
        params: idParams,
        querystring: z.strictObject({ kind: z.enum(CHECKIN_KINDS).optional(), ...pageQuery }),
        response: { 200: checkinPage, ...problems('cursor_invalid', 'not_found') },
      },
    },
    async (request) => {
      const { limit, cursor, ...given } = request.query
      const { id } = request.params
      const filter = { shift_id: id, ...given }
      const position = readCursor('checkins', 'instant', cursor, filter)
      const rows = await request.read(async (session) => {
        const rows = await session.rows(listCheckIns(filter, limit, position))
        if (rows.length === 0) found(await session.row(visibleShift(request.params)))
        return rows
      })
      return toPage('checkins', rows, limit, filter, (item) => [item.recorded_at, item.id])
    },
  )

  app.get(
    '/checkins/nearby',
    {
      schema: {
        operationId: 'listNearbyCheckIns',
        summary: 'List check-ins near a place in a period',
        description:
          'Lists the check-ins of your shifts within a radius of a point, ordered by device time. Companies see those of their shifts, clients those of the shifts at their sites, and admins all of the tenant.',
        tags,
        querystring: nearbyCheckinFilter,
        response: { 200: nearbyCheckinPage, ...problems('cursor_invalid', 'forbidden') },
      },
    },
    async (request, reply) => {
      const { limit, cursor, ...filter } = request.query
      const position = readCursor('nearby_checkins', 'instant', cursor, filter)
      const { items, next } = await listNearbyCheckIns(request, filter, limit, position)
      const next_cursor = next ? writeCursor('nearby_checkins', next, filter) : null
      // The database built the JSON, which is sent unchanged. A test compares it with the schema.
      return sendJsonText(reply, `{"items":${items},"next_cursor":${JSON.stringify(next_cursor)}}`)
    },
  )

  app.post(
    '/shifts/:id/checkins',
    {
      schema: {
        operationId: 'createCheckIn',
        summary: 'Record a check-in for your shift',
        description:
          'The database computes the distance to the site and the verdict. A `clock_in` that is not `outside` starts the shift. The shift is `completed` when its last clock event is a `clock_out` from its start on, and `active` again after a later `clock_in`. `break_start` and `break_end` interrupt work. The order in which check-ins arrive does not matter. After a release or a cancellation, check-ins that were recorded before it are still taken. Unknown members are ignored, and `ignored` names them. The request is idempotent: repeating it with the same id, shift, kind and device time returns 200 and the stored check-in. If one of these differs, the request is refused with `id_conflict`. A shift accepts 120 pings for each minute of device time; clock events have no such limit.',
        tags,
        params: idParams,
        body: newCheckinBody,
        response: {
          201: recordedCheckin,
          200: {
            description: 'The check-in was already stored; nothing has changed.',
            content: { 'application/json': { schema: recordedCheckin } },
          },
          ...problems(...CHECKIN_PROBLEMS),
        },
      },
    },
    async (request, reply) => {
      const { isNew, verdict, checkin } = await recordCheckIn(request, {
        ...request.body,
        shift_id: request.params.id,
      })
      countCheckIn(isNew ? verdict : 'duplicate')
      const ignored = ignoredIn([request.body], newCheckin.shape)
      reply.code(isNew ? 201 : 200)
      // The database has built the answer: it goes out as it is. A test holds it to the schema.
      return sendJsonText(
        reply,
        ignored ? `${checkin.slice(0, -1)},"ignored":${JSON.stringify(ignored)}}` : checkin,
      )
    },
  )

  await app.register(batchRoute, options)
}

const batchRoute: FastifyPluginAsyncZod<CheckinOptions> = async (app, { perMinute }) => {
  const hooks = takeBatches(app, perMinute)
  app.post(
    '/checkins/batch',
    {
      bodyLimit: BATCH_BODY_LIMIT_BYTES,
      ...hooks,
      schema: {
        operationId: 'createCheckIns',
        summary: 'Record a batch of check-ins, such as those recorded offline',
        description:
          'A batch has up to 1,000 check-ins of any shifts, in any order; it may contain and repeat check-ins that were sent before. Each item is decided by itself: a rejected item does not affect the others. Unknown members are ignored, and `ignored` names them once. The response has one result per item, in the same order. Items count towards a limit per minute. Beyond it the whole batch is refused with `rate_limited` and nothing is stored: send it again after `Retry-After`. With an `Idempotency-Key`, repeating the batch returns the same response.',
        tags,
        body: checkinBatch,
        response: { 200: batchResults, ...problems('payload_too_large') },
      },
    },
    async (request, reply) => {
      const items = itemsOf(request.body)
      const recorded = await recordCheckIns(request, items)
      countCheckIns(recorded, request.body.items.length - items.length)
      const ignored = ignoredInBatch(request.body)
      const asItIs = answerAsItIs(request.body, recorded, ignored)
      if (asItIs !== undefined) return sendJsonText(reply, asItIs)
      return { results: answerBatch(request.body, JSON.parse(recorded)), ...(ignored && { ignored }) }
    },
  )
}
