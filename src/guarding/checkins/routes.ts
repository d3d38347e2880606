import type { FastifyRequest } from 'fastify'
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { RateLimiterMemory, type RateLimiterRes } from 'rate-limiter-flexible'
import { z } from 'zod'
import { idParams, pageQuery } from '../../platform/http/fields.ts'
import { found } from '../../platform/http/found.ts'
import { sendJsonText } from '../../platform/http/json-text.ts'
import { readCursor, toPage, writeCursor } from '../../platform/http/page.ts'
import { Problem } from '../../platform/http/problem.ts'
import { problems } from '../../platform/http/problem-responses.ts'
import { visibleShift } from '../shifts/queries.ts'
import { answerAsItIs, answerBatch, checkinBatch, itemsOf } from './batch.ts'
import { listCheckIns, listNearbyCheckIns, recordCheckIn, recordCheckIns } from './queries.ts'
import {
  BATCH_BODY_LIMIT_BYTES,
  batchResults,
  CHECKIN_PROBLEMS,
  checkin,
  checkinPage,
  MAX_BATCH_ITEMS,
  nearbyCheckinFilter,
  nearbyCheckinPage,
  newCheckin,
} from './schemas.ts'
import { CHECKIN_KINDS } from './table.ts'
import { takeTurns } from './turns.ts'

const tags = ['check-ins']

export interface CheckinOptions {
  /** How many one caller may send in batches. */
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
      const position = readCursor('nearby_checkins', 'instant', cursor, filter)
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
          'The database judges the position. A `clock_in` that is not outside starts the shift, a `clock_out` after it completes the shift and fixes its pay, whatever the order in which they arrive. Sent again (the same id, shift, kind and device time), it is answered with 200 and what was stored the first time; with another of those, the id stands for something else: `id_conflict`. A shift takes 120 pings for each minute of device time; clock events are always taken.',
        tags,
        params: idParams,
        body: newCheckin,
        response: {
          201: checkin,
          200: {
            description: 'It was known already; nothing has changed.',
            content: { 'application/json': { schema: checkin } },
          },
          ...problems(...CHECKIN_PROBLEMS),
        },
      },
    },
    async (request, reply) => {
      const item = { ...request.body, shift_id: request.params.id }
      const recorded = await recordCheckIn(request, item)
      return reply.code(recorded.status === 'created' ? 201 : 200).send(recorded.checkin)
    },
  )

  await app.register(batchRoute, options)
}

const batchRoute: FastifyPluginAsyncZod<CheckinOptions> = async (app, { perMinute }) => {
  // A batch is one request to the rate limit, and costs as much as a thousand.
  const budget = new RateLimiterMemory({ points: perMinute, duration: 60 })
  async function spend({ caller, body }: FastifyRequest): Promise<void> {
    const items = (body as { items?: unknown } | undefined)?.items
    const spent = await budget
      .consume(
        caller.userId ?? caller.role,
        Array.isArray(items) ? Math.min(items.length, MAX_BATCH_ITEMS) : 1,
      )
      .catch((refused: RateLimiterRes) => refused)
    if (spent.consumedPoints <= perMinute) return
    throw new Problem('rate_limited', { retryAfterSeconds: Math.ceil(spent.msBeforeNext / 1000) })
  }

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
      onRequest: takeTurns(),
      preValidation: spend,
      schema: {
        operationId: 'createCheckIns',
        summary: 'Deliver check-ins that were recorded offline',
        description:
          'Up to 1,000, of any shifts, in any order, with as many repetitions as it takes. Each is judged by itself: a bad one is rejected and costs the others nothing. One result per item, in order. Items count towards a limit per minute: beyond it the whole batch is `rate_limited`, nothing is lost, and it is sent again after `Retry-After`. With an `Idempotency-Key` the same batch again is given the same answer.',
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
