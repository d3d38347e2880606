import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { idParams } from '../../platform/http/fields.ts'
import { found } from '../../platform/http/found.ts'
import { nextLink } from '../../platform/http/next-link.ts'
import { readCursor, toPage } from '../../platform/http/page.ts'
import { problems } from '../../platform/http/problem.ts'
import { toCsv } from './csv.ts'
import {
  assignLoad,
  changeLoad,
  changeStop,
  createLoad,
  createLoads,
  listCandidates,
  listLoads,
  listNearbyLoads,
  loadById,
  moveLoad,
  putStops,
  removeLoad,
  unassignLoad,
  visibleBroker,
} from './queries.ts'
import {
  brokerLoadQuery,
  createdLoads,
  load,
  loadCancellation,
  loadCandidatePage,
  loadCandidateQuery,
  loadChange,
  loadDetail,
  loadExportQuery,
  loadPage,
  loadQuery,
  MAX_BULK_ITEMS,
  nearbyLoadPage,
  nearbyLoadQuery,
  newLoad,
  newLoadAssignment,
  newLoads,
  newStops,
  stop,
  stopChange,
  stopsOut,
  unassignment,
} from './schemas.ts'

const tags = ['loads']

/** What can speak against a driver, a co-driver, a truck or a trailer. */
const LEG_PROBLEMS = [
  'driver_overlap',
  'truck_overlap',
  'trailer_overlap',
  'driver_inactive',
  'license_missing',
  'license_expired',
  'medical_card_missing',
  'medical_card_expired',
  'hours_of_service',
  'equipment_out_of_service',
  'inspection_expired',
  'leg_outside_load',
] as const

const CREATION_PROBLEMS = ['forbidden', 'not_found', 'stops_invalid', 'idempotency_key_reused'] as const

/** Of steps that drivers take, too. */
const DRIVEN_STEP_PROBLEMS = [
  'not_found',
  'forbidden',
  'load_state',
  'outside_load_window',
  'idempotency_key_reused',
] as const
const STEP_PROBLEMS = ['not_found', 'forbidden', 'load_state', 'idempotency_key_reused'] as const

export const loadRoutes: FastifyPluginAsyncZod = async (app) => {
  app.get(
    '/freight/loads',
    {
      schema: {
        operationId: 'listLoads',
        summary: 'List loads by start',
        description:
          'The office and dispatchers see the loads of their carrier, drivers their own, and users of a broker those that it gave.',
        tags,
        querystring: loadQuery,
        response: { 200: loadPage, ...problems('cursor_invalid') },
      },
    },
    async (request) => {
      const { limit, cursor, detailed, ...filter } = request.query
      const position = readCursor('loads', 'instant', cursor, filter)
      const rows = await request.rows(listLoads(filter, limit, position, detailed))
      return toPage('loads', rows, limit, filter, (item) => [item.starts_at, item.id])
    },
  )

  app.get(
    '/freight/loads.csv',
    {
      schema: {
        operationId: 'exportLoads',
        summary: 'List loads as CSV',
        description:
          'The same list, filters and pages as `GET /v1/freight/loads`, as CSV (RFC 4180) with a header line. A `Link` header with `rel="next"` leads to the next page.',
        tags,
        querystring: loadExportQuery,
        response: {
          200: { description: 'One page of loads.', content: { 'text/csv': { schema: z.string() } } },
          ...problems('cursor_invalid'),
        },
      },
    },
    async (request, reply) => {
      const { limit, cursor, ...filter } = request.query
      const position = readCursor('loads', 'instant', cursor, filter)
      const rows = await request.rows(listLoads(filter, limit, position))
      const page = toPage('loads', rows, limit, filter, (item) => [item.starts_at, item.id])
      if (page.next_cursor) reply.header('link', nextLink(request.url, page.next_cursor))
      return reply.type('text/csv; charset=utf-8; header=present').send(toCsv(page.items))
    },
  )

  app.get(
    '/freight/loads/nearby',
    {
      schema: {
        operationId: 'listNearbyLoads',
        summary: 'List open loads around a place or a driver, nearest first',
        description:
          'Lists the `pending` loads of the carrier by the distance of their first pickup, for its office and dispatchers, and for admins those of all carriers of the tenant. Drivers see no load before it is theirs: name a `driver_id` to search around the last position that the phone of the driver reported. Further pages go by the position of the first one.',
        tags,
        querystring: nearbyLoadQuery,
        response: {
          200: nearbyLoadPage,
          ...problems('cursor_invalid', 'forbidden', 'not_found', 'driver_position_unknown'),
        },
      },
    },
    async (request) => {
      const { limit, cursor, ...filter } = request.query
      const position = readCursor('nearby_loads', 'place', cursor, filter)
      const rows = await request.rows(listNearbyLoads(filter, limit, position))
      const page = toPage('nearby_loads', rows, limit, filter, (found) => [
        [found.distance_meters, found.around_latitude, found.around_longitude],
        found.load.id,
      ])
      return { ...page, items: page.items.map(({ load, distance_meters }) => ({ ...load, distance_meters })) }
    },
  )

  app.get(
    '/freight/brokers/:id/loads',
    {
      schema: {
        operationId: 'listLoadsOfBroker',
        summary: 'List the loads of a broker by start',
        description:
          'The path names the record of the carrier. Users of the organization that it names may ask, too.',
        tags,
        params: idParams,
        querystring: brokerLoadQuery,
        response: { 200: loadPage, ...problems('not_found', 'cursor_invalid') },
      },
    },
    async (request) => {
      const { limit, cursor, ...given } = request.query
      const filter = { ...given, broker_id: request.params.id }
      const position = readCursor('loads', 'instant', cursor, filter)
      const rows = await request.rows(listLoads(filter, limit, position))
      if (rows.length === 0) found(await request.row(visibleBroker(request.params)))
      return toPage('loads', rows, limit, filter, (item) => [item.starts_at, item.id])
    },
  )

  app.post(
    '/freight/loads',
    {
      schema: {
        operationId: 'createLoad',
        summary: 'Create a load with its stops',
        description:
          'The office and dispatchers of a carrier, and admins, create loads. The window of the load is that of its stops.',
        tags,
        body: newLoad,
        response: { 201: load, ...problems(...CREATION_PROBLEMS) },
      },
    },
    async (request, reply) => {
      const created = await request.write((session) => createLoad(session, request.body))
      return reply.code(201).header('location', `/v1/freight/loads/${created.id}`).send(created)
    },
  )

  app.post(
    '/freight/loads/bulk',
    {
      schema: {
        operationId: 'createLoads',
        summary: `Create up to ${MAX_BULK_ITEMS} loads`,
        description:
          'Creates all loads or none, in one transaction. When loads are refused, none is created: `code` is the code of the first refused load, and `errors` has a pointer to each refused load.',
        tags,
        body: newLoads,
        response: { 201: createdLoads, ...problems(...CREATION_PROBLEMS) },
      },
    },
    async (request, reply) => {
      const created = await request.write((session) => createLoads(session, request.body.items))
      return reply.code(201).send(created)
    },
  )

  app.get(
    '/freight/loads/:id',
    {
      schema: {
        operationId: 'getLoad',
        summary: 'Get a load with its stops and assignments',
        tags,
        params: idParams,
        response: { 200: loadDetail, ...problems('not_found') },
      },
    },
    async (request) => found(await request.row(loadById(request.params))),
  )

  app.patch(
    '/freight/loads/:id',
    {
      schema: {
        operationId: 'changeLoad',
        summary: 'Change a load',
        description:
          'Changes only the members in the request. Once a load is invoiced or cancelled, only its `metadata` can be changed (`load_state`). Stops are changed by `PUT /v1/freight/loads/{id}/stops` and `PATCH /v1/freight/stops/{id}`.',
        tags,
        params: idParams,
        body: loadChange,
        response: { 200: load, ...problems('not_found', 'forbidden', 'load_state') },
      },
    },
    async (request) =>
      found(await request.write((session) => changeLoad(session, request.params.id, request.body))),
  )

  app.delete(
    '/freight/loads/:id',
    {
      schema: {
        operationId: 'removeLoad',
        summary: 'Remove a load',
        description: 'The office removes a pending or cancelled load. Unassign or cancel another one first.',
        tags,
        params: idParams,
        response: { 204: z.null(), ...problems('not_found', 'forbidden', 'load_state') },
      },
    },
    async (request, reply) => {
      found(await request.write((session) => removeLoad(session, request.params.id)))
      return reply.code(204).send(null)
    },
  )

  app.put(
    '/freight/loads/:id/stops',
    {
      schema: {
        operationId: 'replaceStops',
        summary: 'Replace the stops of a load',
        description:
          'Replaces all stops of a load that has not begun. An assigned load moves with its stops, and its drivers are notified; when an assignment cannot move, nothing changes.',
        tags,
        params: idParams,
        body: newStops,
        response: {
          200: stopsOut,
          ...problems('not_found', 'forbidden', 'load_state', 'stops_invalid', ...LEG_PROBLEMS),
        },
      },
    },
    async (request) => ({
      items: await request.write((session) => putStops(session, request.params.id, request.body.stops)),
    }),
  )

  app.patch(
    '/freight/stops/:id',
    {
      schema: {
        operationId: 'changeStop',
        summary: 'Change a stop, or report arrival and departure',
        description:
          'Drivers of the load may set `arrived_at` and `departed_at`; the office and dispatchers may change everything until the load is delivered, and these two until it is invoiced. A time that is set here stands, whatever phones report; `null` gives it back to the stop events. The first arrival makes an assigned load `in_transit`, and leaving the last stop makes it `delivered`.',
        tags,
        params: idParams,
        body: stopChange,
        response: {
          200: stop,
          ...problems(
            'not_found',
            'forbidden',
            'load_state',
            'stops_invalid',
            'stop_in_future',
            'outside_load_window',
            ...LEG_PROBLEMS,
          ),
        },
      },
    },
    (request) => request.write((session) => changeStop(session, request.params.id, request.body)),
  )

  app.get(
    '/freight/loads/:id/candidates',
    {
      schema: {
        operationId: 'listLoadCandidates',
        summary: 'List drivers for a load, those who can drive it first',
        description:
          'The drivers of the carrier, for those who plan the load, until it is delivered. Each has every rule that an assignment of the whole load would break: fewest first, then the nearest to the first pickup by the last position that their phones reported, then by id; and the hours of service that are left now, which may not last until the pickup. Drivers who were terminated are left out.',
        tags,
        params: idParams,
        querystring: loadCandidateQuery,
        response: {
          200: loadCandidatePage,
          ...problems('not_found', 'forbidden', 'load_not_open', 'cursor_invalid'),
        },
      },
    },
    async (request) => {
      const { limit, cursor, ...given } = request.query
      const { id } = request.params
      const filter = { id, ...given }
      const position = readCursor('load_candidates', 'meters', cursor, filter)
      const rows = await request.rows(listCandidates(id, given, limit, position))
      const page = toPage('load_candidates', rows, limit, filter, (item) => [
        item.place_in_order,
        item.driver_id,
      ])
      return { ...page, items: page.items.map(({ place_in_order: _, ...item }) => item) }
    },
  )

  app.post(
    '/freight/loads/:id/assign',
    {
      schema: {
        operationId: 'assignLoad',
        summary: 'Assign a driver and a truck to a leg of a load',
        description:
          'Assigns a leg that nobody has, and notifies driver and co-driver, in one transaction. The first assignment makes a pending load `assigned`. While a load is in transit, further legs may be assigned.',
        tags,
        params: idParams,
        body: newLoadAssignment,
        response: {
          200: load,
          ...problems('not_found', 'forbidden', 'load_not_open', 'idempotency_key_reused', ...LEG_PROBLEMS),
        },
      },
    },
    (request) => assignLoad(request, request.params.id, request.body),
  )

  app.post(
    '/freight/loads/:id/unassign',
    {
      schema: {
        operationId: 'unassignLoad',
        summary: 'End the assignment of a leg, or of all legs',
        description:
          'Notifies driver and co-driver. A load that has no assignment left is `pending` again; one in transit keeps at least one (`load_state`).',
        tags,
        params: idParams,
        body: unassignment,
        response: { 200: load, ...problems(...STEP_PROBLEMS) },
      },
    },
    (request) => unassignLoad(request, request.params.id, request.body.leg),
  )

  app.post(
    '/freight/loads/:id/dispatch',
    {
      schema: {
        operationId: 'dispatchLoad',
        summary: 'Dispatch an assigned load',
        description: 'Makes it `in_transit`. A driver of the load may do so, too.',
        tags,
        params: idParams,
        response: { 200: load, ...problems(...DRIVEN_STEP_PROBLEMS) },
      },
    },
    (request) => moveLoad(request, request.params.id, 'in_transit'),
  )

  app.post(
    '/freight/loads/:id/deliver',
    {
      schema: {
        operationId: 'deliverLoad',
        summary: 'Deliver a load in transit',
        description: 'Ends its assignments. A driver of the load may do so, too.',
        tags,
        params: idParams,
        response: { 200: load, ...problems(...DRIVEN_STEP_PROBLEMS) },
      },
    },
    (request) => moveLoad(request, request.params.id, 'delivered'),
  )

  app.post(
    '/freight/loads/:id/invoice',
    {
      schema: {
        operationId: 'invoiceLoad',
        summary: 'Mark a delivered load as invoiced',
        description: 'Only the office of the carrier and admins may do so. The load is not changed any more.',
        tags,
        params: idParams,
        response: { 200: load, ...problems(...STEP_PROBLEMS) },
      },
    },
    (request) => moveLoad(request, request.params.id, 'invoiced'),
  )

  app.post(
    '/freight/loads/:id/pay',
    {
      schema: {
        operationId: 'payLoad',
        summary: 'Mark an invoiced load as paid',
        description: 'Only the office of the carrier and admins may do so.',
        tags,
        params: idParams,
        response: { 200: load, ...problems(...STEP_PROBLEMS) },
      },
    },
    (request) => moveLoad(request, request.params.id, 'paid'),
  )

  app.post(
    '/freight/loads/:id/cancel',
    {
      schema: {
        operationId: 'cancelLoad',
        summary: 'Cancel a load that is not delivered',
        description: 'Ends its assignments, and notifies its drivers.',
        tags,
        params: idParams,
        body: loadCancellation,
        response: { 200: load, ...problems(...STEP_PROBLEMS) },
      },
    },
    (request) => moveLoad(request, request.params.id, 'cancelled', request.body.reason),
  )
}
