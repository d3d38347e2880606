import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { chooseMediaType, varyBy } from '../../platform/http/accept.ts'
import { idParams, pageQuery, queryFlag } from '../../platform/http/fields.ts'
import { found } from '../../platform/http/found.ts'
import { sendJsonText } from '../../platform/http/json-text.ts'
import { readCursor, toPage, writeCursor } from '../../platform/http/page.ts'
import { problems } from '../../platform/http/problem-responses.ts'
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
  assignment,
  cancellation,
  candidatePage,
  createdShifts,
  MAX_BULK_ITEMS,
  type NearbyShift,
  nearbyFeatures,
  nearbyFilter,
  nearbyPage,
  newShift,
  newShifts,
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

export const shiftRoutes: FastifyPluginAsyncZod = async (app) => {
  app.get(
    '/shifts/nearby',
    {
      schema: {
        operationId: 'listNearbyShifts',
        summary: 'List open shifts, nearest first',
        description:
          'Published shifts that have not begun: a guard and an admin see those of the tenant, a company and a client their own. With `Accept: application/geo+json`, or `format=geojson`, as a GeoJSON FeatureCollection (RFC 7946). The next page is in `next_cursor`, and in a `Link` header with `rel="next"`.',
        tags,
        querystring: z.strictObject({
          ...nearbyFilter,
          ...pageQuery,
          format: z
            .enum(Object.keys(FORMATS) as [keyof typeof FORMATS])
            .optional()
            .meta({ description: 'Decides instead of `Accept`, for clients that cannot set that header.' }),
        }),
        response: {
          200: {
            description: 'One page.',
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
    async (request) => {
      const { limit, cursor, ...filter } = request.query
      const position = readCursor('shifts', 'instant', cursor, filter)
      const rows = await request.rows(listShifts(filter, limit, position))
      return toPage('shifts', rows, limit, filter, (item) => [item.start_datetime, item.id])
    },
  )

  app.post(
    '/shifts',
    {
      schema: {
        operationId: 'createShift',
        summary: 'Create a shift',
        description:
          'A draft, unless `status` says `published`; a shift that is over is not published. Client, position and time zone come from the location. Everybody who sees the shift reads its `description`; its `instructions` are for its guard alone.',
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
          'All or none: when one is refused, none is created, the `code` is that of the first refused, and `errors` has a pointer to each.',
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
          'Only what is given changes. An assigned shift must stay possible for its professional, who is notified. A shift that is completed or cancelled does not change, nor does one that is not assigned at a client for whom the company does not work any more (`not_found`). Instructions alone leave `updated_at` as it is.',
        tags,
        params: idParams,
        body: shiftChange,
        response: {
          200: shift,
          ...problems('not_found', 'forbidden', 'invalid_transition', 'shift_over', ...ASSIGNMENT_PROBLEMS),
        },
      },
    },
    async (request) =>
      found(await request.write((session) => changeShift(session, request.params.id, request.body))),
  )

  app.delete(
    '/shifts/:id',
    {
      schema: {
        operationId: 'removeShift',
        summary: 'Remove a shift',
        description:
          'A draft, a published or a cancelled one; an assigned shift is released or cancelled first.',
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
          'Refused for a shift that is over (`shift_over`), and at a client for whom the company does not work any more (`not_found`).',
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
      schema: {
        operationId: 'assignShift',
        summary: 'Assign a professional to a published shift',
        description: 'The professional is notified, and the payment is prepared: all three or none.',
        tags,
        params: idParams,
        body: assignment,
        response: {
          200: shift,
          ...problems('not_found', 'forbidden', 'shift_not_open', ...ASSIGNMENT_PROBLEMS),
        },
      },
    },
    (request) => assignShift(request, request.params.id, request.body.professional_id),
  )

  app.post(
    '/shifts/:id/claim',
    {
      schema: {
        operationId: 'claimShift',
        summary: 'Take an open shift',
        description: 'For guards: as if the company had assigned them.',
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
          'The shift is open again, the professional is notified, and the payment is voided. A shift that is over, or at a client for whom the company does not work any more, is cancelled instead.',
        tags,
        params: idParams,
        response: { 200: shift, ...problems('not_found', 'forbidden', 'invalid_transition', 'shift_over') },
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
          'For the company of the shift and for admins, while the shift is a draft or published and has not begun. Guards come in the order of their distance, then of their id; those who did not say where they live come last. Of a guard who never worked for the company it learns whether the guard is eligible, and no reason why not. A company may ask for 300 different pages a day (UTC): another place, time, set of certificates, filter, limit or cursor makes another page, and asking for the same one again is free.',
        tags,
        params: idParams,
        querystring: z.strictObject({
          eligible_only: queryFlag.default(false).meta({
            description:
              'Only guards who could be assigned. A page then looks at the next 100 guards (or at `limit`, where that is more) and leaves out the others: it may have fewer items than `limit`, or none, and still a `next_cursor`.',
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

/**
 * RFC 8288. A query alone is relative to the address that the client asked (RFC 3986 section 5.3): right behind any proxy, and made
 * of nothing that a request can say of its host.
 */
function nextLink(url: string, cursor: string): string {
  const parameters = new URLSearchParams(url.split('?', 2)[1])
  parameters.set('cursor', cursor)
  return `<?${parameters}>; rel="next"`
}

const toFeature = ({ latitude, longitude, ...properties }: NearbyShift) => ({
  type: 'Feature' as const,
  id: properties.id,
  geometry: { type: 'Point' as const, coordinates: [longitude, latitude] as [number, number] },
  properties,
})
