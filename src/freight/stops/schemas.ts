import { z } from 'zod'
import type { Code } from '../../platform/http/codes.ts'
import { instant, instantOut, latitude, longitude, pageQuery, uuid } from '../../platform/http/fields.ts'
import { pageOf } from '../../platform/http/page.ts'
import { fieldErrors, retry } from '../../platform/http/problem.ts'
import { ignored } from '../../platform/positions/ignored.ts'
import { positionMembers } from '../../platform/positions/item.ts'
import { POSITION_FLAGS, VERDICTS } from '../../platform/positions/verdict.ts'
import { STOP_EVENT_KINDS } from './table.ts'

const kind = z.enum(STOP_EVENT_KINDS)
const verdict = z.enum(VERDICTS).meta({
  description:
    '`inside` when distance plus accuracy is at most 500 m and the accuracy is at most 100 m; `outside` when distance minus accuracy is greater than 500 m; otherwise `uncertain`.',
})

const counts = z.boolean().meta({
  description:
    'Whether the event moves its stop. Evidence does not: a position; an event that is `outside` or has an accuracy over 1,000 m; one of a driver who was unassigned and does not have the load again; one that was recorded after the load was delivered, or came after it was cancelled or invoiced.',
})

export const stopEvent = z
  .strictObject({
    id: uuid,
    organization_id: uuid.meta({ description: 'The carrier.' }),
    load_id: uuid,
    stop_id: uuid.nullable().meta({ description: 'The stop; null for a position on the way.' }),
    assignment_id: uuid.meta({ description: 'The assignment by which the driver had the load.' }),
    driver_id: uuid.meta({ description: 'The driver, or co-driver, who reported the event.' }),
    kind,
    latitude,
    longitude,
    accuracy_meters: z.number(),
    distance_meters: z
      .number()
      .nullable()
      .meta({ description: 'The distance to the stop in meters, on the WGS 84 ellipsoid.' }),
    verdict: verdict.nullable(),
    flags: z.array(z.enum(POSITION_FLAGS)).meta({
      description:
        '`imprecise`: the accuracy is over 100 m. `evidence`: it is over 1,000 m, so the event is stored and moves nothing.',
    }),
    counts,
    recorded_at: instantOut.meta({ description: 'When the event was recorded, by the clock of the device.' }),
    created_at: instantOut.meta({ description: 'When the event arrived at the service.' }),
  })
  .meta({ id: 'StopEvent' })

export type StopEvent = z.infer<typeof stopEvent>

export const stopEventPage = pageOf(stopEvent)

export const stopEventQuery = z.strictObject({
  kind: kind.optional(),
  stop_id: uuid.optional().meta({ description: 'Only events at this stop.' }),
  from: instant.optional().meta({
    description: 'Only events recorded at this time or later, by the clock of the device.',
  }),
  to: instant.optional().meta({ description: 'Only events recorded before this time.' }),
  ...pageQuery,
})

export type StopEventFilter = Omit<z.infer<typeof stopEventQuery>, keyof typeof pageQuery>

const { id, ...position } = positionMembers('event')

const newStopEventMembers = z.object({
  id,
  kind: kind.meta({
    description: '`arrival` and `departure` are at a stop; `position` is on the way, or at a stop.',
  }),
  stop_id: uuid.nullish().meta({ description: 'The stop. An arrival and a departure need it.' }),
  load_id: uuid.nullish().meta({ description: 'The load. A position needs it, or `stop_id`.' }),
  ...position,
})

/** By name: what else an item has is ignored. */
export const NEW_STOP_EVENT_MEMBERS = newStopEventMembers.shape

/** Not strict: what a newer app sends beside these never costs an event. */
export const newStopEvent = newStopEventMembers
  .refine(({ kind, stop_id }) => kind === 'position' || stop_id != null, {
    path: ['stop_id'],
    message: 'an arrival or departure is at a stop',
  })
  .refine(({ stop_id, load_id }) => stop_id != null || load_id != null, {
    path: ['load_id'],
    message: 'a position is of a load',
  })

export type NewStopEvent = z.infer<typeof newStopEvent>

/** The codes with which an event of a batch can be refused. */
export const STOP_EVENT_PROBLEMS = [
  'not_found',
  'forbidden',
  'load_not_driven',
  'id_conflict',
  'outside_load_window',
  'recorded_in_future',
  'too_many_stop_events',
] as const satisfies Code[]

const storedEvent = z
  .strictObject({
    id: uuid.meta({ description: 'The id of the item, in the spelling of the request.' }),
    status: z.enum(['created', 'duplicate']),
    verdict: verdict.optional(),
    counts,
  })
  .meta({ id: 'StoredStopEvent' })

const rejectedEvent = z
  .strictObject({
    id: uuid.nullable().meta({ description: 'The id of the item; null when the item has no valid id.' }),
    status: z.literal('rejected'),
    // A plain string, so that serializing a response never fails on a code that is missing from the list.
    code: z.string().meta({
      enum: ['validation_failed', ...STOP_EVENT_PROBLEMS],
      description: 'Why the event was rejected; `retry` says whether to send it again.',
    }),
    retry,
    errors: fieldErrors.optional().meta({
      description:
        'The invalid members. `pointer` is a JSON Pointer (RFC 6901) into the request, such as `/body/items/0/kind`.',
    }),
  })
  .meta({ id: 'RejectedStopEvent' })

export const batchResult = z.discriminatedUnion('status', [storedEvent, rejectedEvent]).meta({
  id: 'StopEventResult',
  discriminator: {
    propertyName: 'status',
    mapping: {
      created: '#/components/schemas/StoredStopEvent',
      duplicate: '#/components/schemas/StoredStopEvent',
      rejected: '#/components/schemas/RejectedStopEvent',
    },
  },
})

export type BatchResult = z.infer<typeof batchResult>

export const batchResults = z.strictObject({
  ignored,
  results: z
    .array(batchResult)
    .meta({ description: 'The results, one for each item of the request, in the same order.' }),
})
