import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { CHECKIN_KINDS } from '../../db/schema/gps-checkins.ts'
import { idParams, pageQuery } from '../../http/fields.ts'
import { found } from '../../http/found.ts'
import { sendJsonText } from '../../http/json-text.ts'
import { readCursor, toPage, writeCursor } from '../../http/page.ts'
import { problems } from '../../http/problems.ts'
import { answerAsItIs, answerBatch, checkinBatch, itemsOf } from './batch.ts'
import { findShift, listCheckIns, listNearbyCheckIns, recordCheckIn, recordCheckIns } from './queries.ts'
import {
  BATCH_BODY_LIMIT_BYTES,
  batchResults,
  checkin,
  checkinPage,
  nearbyCheckinFilter,
  nearbyCheckinPage,
  newCheckin,
} from './schemas.ts'

const tags = ['check-ins']

export const checkinRoutes: FastifyPluginAsyncZod = async (app) => {
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
      const position = readCursor('checkins', cursor, filter)
      const rows = await request.read(
        async (session) => {
          const rows = await listCheckIns(session, filter, limit, position)
          if (rows.length === 0) found(await findShift(session, id))
          return rows
        },
        { single: false },
      )
      return toPage('checkins', rows, limit, filter, (item) => [item.recorded_at, item.id])
    },
  )

  app.get(
    '/checkins/nearby',
    {
      schema: {
        operationId: 'listNearbyCheckIns',
        summary: 'List who checked in near a place at that time',
        description:
          'Check-ins of your own shifts, by device time: for companies, for clients (of the shifts at their sites), and for admins.',
        tags,
        querystring: nearbyCheckinFilter,
        response: { 200: nearbyCheckinPage, ...problems('cursor_invalid', 'forbidden') },
      },
    },
    async (request, reply) => {
      const { limit, cursor, ...filter } = request.query
      const position = readCursor('nearby_checkins', cursor, filter)
      const { items, next } = await listNearbyCheckIns(request, filter, limit, position)
      const next_cursor = next ? writeCursor('nearby_checkins', next, filter) : null
      // The database has built the answer: it goes out as it is. A test holds it to the schema.
      return sendJsonText(reply, `{"items":${items},"next_cursor":${JSON.stringify(next_cursor)}}`)
    },
  )

  app.post(
    '/shifts/:id/checkins',
    {
      schema: {
        operationId: 'createCheckIn',
        summary: 'Check in to a shift of your own',
        description:
          'The database judges the position. A `clock_in` that is not outside starts the shift, a `clock_out` after it completes the shift and fixes its pay, whatever the order in which they arrive. Sent again (the same id, shift, kind and device time), it is answered with 200 and what was stored the first time; with another of those, the id stands for something else: `id_conflict`.',
        tags,
        params: idParams,
        body: newCheckin,
        response: {
          201: checkin,
          200: {
            description: 'It was known already; nothing has changed.',
            content: { 'application/json': { schema: checkin } },
          },
          ...problems(
            'forbidden',
            'not_found',
            'shift_not_assigned',
            'id_conflict',
            'outside_check_in_window',
            'recorded_in_future',
          ),
        },
      },
    },
    async (request, reply) => {
      const item = { ...request.body, shift_id: request.params.id }
      const recorded = await recordCheckIn(request, item)
      return reply.code(recorded.status === 'created' ? 201 : 200).send(recorded.checkin)
    },
  )

  await app.register(batchRoute)
}

const batchRoute: FastifyPluginAsyncZod = async (app) => {
  // Elsewhere a body with a member `__proto__` is refused as a whole. Here that is one bad item: a check-in is made of
  // its known members alone, so there is nothing that such a name could reach. So it is with bytes that are not UTF-8.
  app.removeContentTypeParser('application/json')
  app.addContentTypeParser(
    'application/json',
    { parseAs: 'string' },
    app.getDefaultJsonParser('ignore', 'ignore'),
  )

  app.post(
    '/checkins/batch',
    {
      bodyLimit: BATCH_BODY_LIMIT_BYTES,
      schema: {
        operationId: 'createCheckIns',
        summary: 'Deliver check-ins that were recorded offline',
        description:
          'Up to 1,000, of any shifts, in any order, with as many repetitions as it takes. Each is judged by itself: a bad one is rejected and costs the others nothing. One result per item, in order.',
        tags,
        body: checkinBatch,
        response: { 200: batchResults, ...problems('payload_too_large') },
      },
    },
    async (request, reply) => {
      const recorded = await recordCheckIns(request, itemsOf(request.body))
      const asItIs = answerAsItIs(request.body, recorded)
      if (asItIs !== undefined) return sendJsonText(reply, asItIs)
      return { results: answerBatch(request.body, JSON.parse(recorded)) }
    },
  )
}
