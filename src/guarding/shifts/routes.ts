import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { chooseMediaType, varyBy } from '../../platform/http/accept.ts'
import { idParams, pageQuery, queryFlag } from '../../platform/http/fields.ts'
import { found } from '../../platform/http/found.ts'
import { sendJsonText } from '../../platform/http/json-text.ts'
import { nextLink } from '../../platform/http/next-link.ts'
import { readCursor, toPageText, writeCursor } from '../../platform/http/page.ts'
import { problems } from '../../platform/http/problem.ts'
import { countAssignment } from '../metrics.ts'
import {
  assignShift,
  cancelShift,
  changeShift,
  claimShift,
  createShift,
  createShifts,
  listCandidates,
  listNearbyShifts,
  listShifts,
  publishShift,
  releaseShift,
  removeShift,
  shiftById,
} from './queries.ts'
import {
  cancellation,
  candidatePage,
  createdShifts,
  MAX_BULK_ITEMS,
  type NearbyShift,
  nearbyFeatures,
  nearbyFilter,
  nearbyPage,
  newAssignment,
  newShift,
  newShifts,
  type Shift,
  shift,
  shiftChange,
  shiftDetail,
  shiftFilter,
  shiftPage,
} from './schemas.ts'

const tags = ['shifts']

/** The forms in which places can be asked for, the usual one first. */
const FORMATS = { json: 'application/json', geojson: 'application/geo+json' } as const

/** What can speak against a professional. */
const ASSIGNMENT_PROBLEMS = [
  'shift_overlap',
  'certificate_missing',
  'certificate_expired',
  'professional_inactive',
] as const

/** What a company is told of a guard whom it does not know, and how often in a day. */
const STRANGER_PROBLEMS = ['professional_unavailable', 'daily_limit_reached'] as const

const STRANGER_NOTE =
  'For a guard who never worked for the company, a company is told `professional_unavailable` instead of the reason, at most 100 times per day (UTC); after that, `daily_limit_reached` for each such guard until the next day.'

export const shiftRoutes: FastifyPluginAsyncZod = async (app) => {
  app.get(
    '/shifts/nearby',
    {
      schema: {
        operationId: 'listNearbyShifts',
        summary: 'List open shifts, nearest first',
        description:
          'Lists published shifts that have not started. Guards and admins see those of the tenant, companies and clients their own; guards do not see those whose company no longer works for the client, for nobody can claim them. With `Accept: application/geo+json` or `format=geojson`, the response is a GeoJSON FeatureCollection (RFC 7946). `next_cursor` and a `Link` header with `rel="next"` lead to the next page.',
        tags,
        querystring: z.strictObject({
          ...nearbyFilter,
          ...pageQuery,
          format: z
            .enum(Object.keys(FORMATS) as [keyof typeof FORMATS])
            .optional()
            .meta({
              description:
                'The response format. It overrides `Accept`, for clients that cannot set that header.',
            }),
        }),
        response: {
          200: {
            description: 'One page of shifts.',
            content: {
              'application/json': { schema: nearbyPage },
              'application/geo+json': { schema: nearbyFeatures },
            },
          },
          ...problems('cursor_invalid', 'forbidden', 'not_acceptable'),
        },
      },
    },
    async (request, reply) => {
      const { limit, cursor, format, ...filter } = request.query
      const type = format ? FORMATS[format] : chooseMediaType(request.headers.accept, Object.values(FORMATS))
      const position = readCursor('nearby', 'meters', cursor, filter)
      const { items, next } = await listNearbyShifts(request, filter, limit, position)
      const next_cursor = next ? writeCursor('nearby', next, filter) : null
      varyBy(reply, 'Accept')
      if (next_cursor) reply.header('link', nextLink(request.url, next_cursor))
      if (type === 'application/json') {
        // The database has built the answer: it goes out as it is. A test holds it to the schema.
        return sendJsonText(reply, `{"items":${items},"next_cursor":${JSON.stringify(next_cursor)}}`)
      }
      reply.type(type)
      const found: NearbyShift[] = JSON.parse(items)
      return { type: 'FeatureCollection' as const, features: found.map(toFeature), next_cursor }
    },
  )

  app.get(
    '/shifts',
    {
      schema: {
        operationId: 'listShifts',
        summary: 'List shifts by start',
        tags,
        querystring: z.strictObject({ ...shiftFilter, ...pageQuery }),
        response: { 200: shiftPage, ...problems('cursor_invalid') },
      },
    },
    async (request, reply) => {
      const { limit, cursor, ...filter } = request.query
      const position = readCursor('shifts', 'instant', cursor, filter)
      const rows = await request.rowsText(listShifts(filter, limit, position))
      // The database has built the answer: it goes out as it is. A test holds it to the schema.
      return sendJsonText(
        reply,
        toPageText<Shift>('shifts', rows, limit, filter, (item) => [item.start_datetime, item.id]),
      )
    },
  )

  app.post(
    '/shifts',
    {
      schema: {
        operationId: 'createShift',
        summary: 'Create a shift',
        description:
          'Creates a draft, or a published shift with `status` `published`; a shift that is over cannot be published. The location sets client, position and time zone. Everybody who sees the shift can read its `description`. Of guards, only the guard of the shift can read its `instructions`.',
        tags,
        body: newShift,
        response: { 201: shift, ...problems('forbidden', 'not_found', 'shift_over') },
      },
    },
    async (request, reply) => {
      const created = await request.write((session) => createShift(session, request.body))
      return reply.code(201).header('location', `/v1/shifts/${created.id}`).send(created)
    },
  )

  app.post(
    '/shifts/bulk',
    {
      schema: {
        operationId: 'createShifts',
        summary: `Create up to ${MAX_BULK_ITEMS} shifts`,
        description:
          'Creates all shifts or none, in one transaction. When shifts are refused, none is created: `code` is the code of the first refused shift, and `errors` has a pointer to each refused shift.',
        tags,
        body: newShifts,
        response: { 201: createdShifts, ...problems('forbidden', 'not_found', 'shift_over') },
      },
    },
    async (request, reply) => {
      const created = await request.write((session) => createShifts(session, request.body.items))
      return reply.code(201).send(created)
    },
  )

  app.get(
    '/shifts/:id',
    {
      schema: {
        operationId: 'getShift',
        summary: 'Get a shift with its location, professional and check-ins',
        tags,
        params: idParams,
        response: { 200: shiftDetail, ...problems('not_found') },
      },
    },
    async (request) => found(await request.row(shiftById(request.params))),
  )

  app.patch(
    '/shifts/:id',
    {
      schema: {
        operationId: 'changeShift',
        summary: 'Change a shift',
        description:
          'Changes only the members in the request. A change of an assigned shift must not break a rule for its professional, who is notified. The rates of an assigned shift can only rise. Once it has begun (its start has come, or its guard has checked in), its start and its location stay, and its end stays after what was worked. A completed or cancelled shift cannot be changed. A shift that is not assigned cannot be changed once its company no longer works for the client (`not_found`). A change of `instructions` alone does not change `updated_at`. ' +
          STRANGER_NOTE,
        tags,
        params: idParams,
        body: shiftChange,
        response: {
          200: shift,
          ...problems(
            'not_found',
            'forbidden',
            'invalid_transition',
            'shift_over',
            'shift_begun',
            'rate_lowered',
            'end_worked',
            ...ASSIGNMENT_PROBLEMS,
            ...STRANGER_PROBLEMS,
          ),
        },
      },
    },
    async (request) => found(await changeShift(request, request.params.id, request.body)),
  )

  app.delete(
    '/shifts/:id',
    {
      schema: {
        operationId: 'removeShift',
        summary: 'Remove a shift',
        description:
          'Removes a draft, published or cancelled shift. Release or cancel an assigned shift first.',
        tags,
        params: idParams,
        response: { 204: z.null(), ...problems('not_found', 'forbidden', 'invalid_transition') },
      },
    },
    async (request, reply) => {
      found(await request.write((session) => removeShift(session, request.params.id)))
      return reply.code(204).send(null)
    },
  )

  app.post(
    '/shifts/:id/publish',
    {
      schema: {
        operationId: 'publishShift',
        summary: 'Publish a draft',
        description:
          'Makes a draft visible to guards. A shift that is over is refused (`shift_over`), and so is a shift of a client for whom the company no longer works (`not_found`).',
        tags,
        params: idParams,
        response: { 200: shift, ...problems('not_found', 'forbidden', 'invalid_transition', 'shift_over') },
      },
    },
    (request) => publishShift(request, request.params.id),
  )

  app.post(
    '/shifts/:id/assign',
    {
      onResponse: countAssignment,
      schema: {
        operationId: 'assignShift',
        summary: 'Assign a professional to a published shift',
        description:
          'Assigns the professional, creates the notification and creates the pending payment, in one transaction. ' +
          STRANGER_NOTE,
        tags,
        params: idParams,
        body: newAssignment,
        response: {
          200: shift,
          ...problems(
            'not_found',
            'forbidden',
            'shift_not_open',
            ...ASSIGNMENT_PROBLEMS,
            ...STRANGER_PROBLEMS,
          ),
        },
      },
    },
    (request) => assignShift(request, request.params.id, request.body.professional_id),
  )

  app.post(
    '/shifts/:id/claim',
    {
      onResponse: countAssignment,
      schema: {
        operationId: 'claimShift',
        summary: 'Claim an open shift',
        description:
          'Assigns the calling guard to the shift, under the same rules as an assignment by the company. Only guards may call this.',
        tags,
        params: idParams,
        response: {
          200: shift,
          ...problems('not_found', 'forbidden', 'shift_not_open', ...ASSIGNMENT_PROBLEMS),
        },
      },
    },
    (request) => claimShift(request, request.params.id),
  )

  app.post(
    '/shifts/:id/release',
    {
      schema: {
        operationId: 'releaseShift',
        summary: 'Release the professional of an assigned shift',
        description:
          'Reopens the shift, notifies the professional and voids the payment, in one transaction. From the start of the shift on it is not released. A shift whose company no longer works for the client is cancelled instead. The guard of the shift may release it before the start, for 24 hours (a term of the company) after its times or its place were changed.',
        tags,
        params: idParams,
        response: {
          200: shift,
          ...problems('not_found', 'forbidden', 'invalid_transition', 'shift_begun', 'shift_over'),
        },
      },
    },
    (request) => releaseShift(request, request.params.id),
  )

  app.post(
    '/shifts/:id/cancel',
    {
      schema: {
        operationId: 'cancelShift',
        summary: 'Cancel a shift that is not over',
        description:
          "An assigned shift is cancelled with its payment. Of an active shift, what was worked until then is paid, at least the minimum of the company's terms.",
        tags,
        params: idParams,
        body: cancellation,
        response: { 200: shift, ...problems('not_found', 'forbidden', 'invalid_transition') },
      },
    },
    (request) => cancelShift(request, request.params.id, request.body.reason),
  )

  app.get(
    '/shifts/:id/candidates',
    {
      schema: {
        operationId: 'listCandidates',
        summary: 'List guards for a shift, nearest home first',
        description:
          'Only the company of the shift and admins may call this, while the shift is a draft or published and has not started. Guards are ordered by distance, then by id; guards without a home position come last. For a guard who never worked for the company, the company sees whether the guard is eligible, but not why not. A company may request 300 different pages per day (UTC). A different place, time, set of certificates, filter, limit or cursor is a different page; repeating the same page does not count.',
        tags,
        params: idParams,
        querystring: z.strictObject({
          eligible_only: queryFlag.default(false).meta({
            description:
              'Lists only guards who can be assigned. Each page then checks the next 100 guards (or `limit`, if greater) and omits those who are not eligible. A page can therefore have fewer items than `limit`, or none, and still a `next_cursor`.',
          }),
          ...pageQuery,
        }),
        response: {
          200: candidatePage,
          ...problems('not_found', 'forbidden', 'shift_not_open', 'cursor_invalid', 'daily_limit_reached'),
        },
      },
    },
    async (request, reply) => {
      const { limit, cursor, ...filter } = request.query
      const { id } = request.params
      const position = readCursor('candidates', 'meters', cursor, { id, ...filter })
      const { items, next } = await listCandidates(request, id, filter, limit, position)
      const next_cursor = next ? writeCursor('candidates', next, { id, ...filter }) : null
      // The database has built the answer: it goes out as it is. A test holds it to the schema.
      return sendJsonText(reply, `{"items":${items},"next_cursor":${JSON.stringify(next_cursor)}}`)
    },
  )
}

const toFeature = ({ latitude, longitude, ...properties }: NearbyShift) => ({
  type: 'Feature' as const,
  id: properties.id,
  geometry: { type: 'Point' as const, coordinates: [longitude, latitude] as [number, number] },
  properties,
})
