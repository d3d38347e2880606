import { z } from 'zod'
import {
  instant,
  instantOut,
  latitude,
  longitude,
  pageQuery,
  queryFlag,
  queryNumber,
  text,
  uuid,
} from '../../platform/http/fields.ts'
import { pageOf } from '../../platform/http/page.ts'
import { ASSIGNMENT_ENDINGS, MAX_LEGS } from '../assignments/table.ts'
import { carrierId, currency, decimal, distanceUnit, MAX_MONEY } from '../fields.ts'
import { driverHours } from '../hours-form.ts'
import { LOAD_STATUSES, MAX_METADATA_BYTES, MAX_STOPS, STOP_KINDS } from './table.ts'

/** One statement inserts all loads, one all their stops: at this size it takes well under a second. */
export const MAX_BULK_ITEMS = 100

const NUL = String.fromCharCode(0)
/** More than anything that people keep with a load. */
const MAX_METADATA_LEVELS = 20

/** What `numeric(10,2)` holds, of miles or kilometers. */
const MAX_DISTANCE = 99_999_999.99

const loadId = uuid.meta({ description: 'The load.' })
const brokerId = uuid.meta({ description: 'The record of the broker who gives the load.' })
const dispatcherId = uuid.nullable().meta({
  description: 'The user of the office or dispatcher who plans the load; null when nobody is named.',
})
const reference = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9 ./#_-]{0,39}$/)
  .nullable()
  .meta({ description: 'The number that the broker gave the load.', examples: ['LL-20991'] })
const rate = decimal(MAX_MONEY, 2).meta({
  description: 'What the broker pays for the load, in `currency`.',
  examples: [2450],
})
const distance = decimal(MAX_DISTANCE, 2)
  .nullable()
  .meta({ description: 'The distance, in `distance_unit`.', examples: [482.5] })
/** Ten weeks: more than any load takes. */
const MAX_DRIVING_MINUTES = 100_000

const drivingMinutes = z
  .int()
  .min(0)
  .max(MAX_DRIVING_MINUTES)
  .nullable()
  .meta({
    description:
      'How long the driving takes, as the planner reckons; null when nobody said. A driver alone gets no load whose window is shorter than this takes with the rests and breaks of hours of service (`hours_of_service`). Without it the distance is taken, at the highest speed that is allowed anywhere.',
    examples: [465],
  })
/** Bounded, for a body may nest more deeply than a stack holds. */
const isShallow = (value: unknown, levels = MAX_METADATA_LEVELS): boolean =>
  typeof value !== 'object' ||
  value === null ||
  (levels > 0 && Object.values(value).every((member) => isShallow(member, levels - 1)))

/** As `text`: PostgreSQL holds neither NUL nor half of a character, in a member's name either. */
const isStorable = (value: unknown): boolean =>
  typeof value === 'string'
    ? value.isWellFormed() && !value.includes(NUL)
    : typeof value !== 'object' || value === null || Object.entries(value).flat().every(isStorable)

const metadata = z
  .record(z.string(), z.unknown())
  .refine((value) => isShallow(value), {
    abort: true,
    error: `must not nest more than ${MAX_METADATA_LEVELS} levels`,
  })
  .refine(isStorable, 'must be well-formed Unicode without the character NUL')
  .refine(
    (value) => Buffer.byteLength(JSON.stringify(value)) <= MAX_METADATA_BYTES,
    `must have at most ${MAX_METADATA_BYTES} bytes as JSON`,
  )
  .meta({
    description: `What another system keeps with the load: a JSON object of at most ${MAX_METADATA_BYTES} bytes and ${MAX_METADATA_LEVELS} levels. Everybody who sees the load can read it. Changes of it alone are not in the change stream.`,
    examples: [{ purchase_order: 'PO-7781' }],
  })
const status = z.enum(LOAD_STATUSES)

const stopKind = z.enum(STOP_KINDS)
const stopName = text(1, 200).meta({ examples: ['Lakeside warehouse'] })
const stopAddress = text(1, 500).meta({ examples: ['1200 Harbor Road, Cleveland, OH'] })
const timeZone = text(1, 64).meta({
  description: 'The IANA name of the time zone of the stop.',
  examples: ['America/New_York'],
})

export const stop = z
  .strictObject({
    id: uuid,
    load_id: loadId,
    position: z.int().meta({ description: 'The place in the order of the stops, from 1.' }),
    kind: stopKind,
    name: z.string(),
    address: z.string(),
    latitude,
    longitude,
    time_zone: z.string().meta({ description: 'The IANA name of the time zone of the stop.' }),
    window_starts_at: instantOut,
    window_ends_at: instantOut,
    arrived_at: instantOut.nullable(),
    departed_at: instantOut.nullable(),
    created_at: instantOut,
    updated_at: instantOut,
  })
  .meta({ id: 'Stop' })

export type Stop = z.infer<typeof stop>

const assignment = z
  .strictObject({
    id: uuid,
    load_id: loadId,
    leg: z.int(),
    driver_id: uuid,
    co_driver_id: uuid.nullable(),
    truck_id: uuid,
    trailer_id: uuid.nullable(),
    starts_at: instantOut,
    ends_at: instantOut,
    ended_at: instantOut.nullable().meta({ description: 'Null while the assignment is in force.' }),
    ended_as: z.enum(ASSIGNMENT_ENDINGS).nullable(),
    created_at: instantOut,
    updated_at: instantOut,
  })
  .meta({ id: 'LoadAssignment' })

export const load = z
  .strictObject({
    id: uuid,
    organization_id: uuid.meta({ description: 'The carrier.' }),
    broker_id: brokerId,
    broker_organization_id: uuid.nullable().meta({
      description: 'The organization of the broker, whose users see the load; null when none is named.',
    }),
    dispatcher_id: dispatcherId,
    reference,
    status: status.meta({
      description:
        '`pending`: nobody has it. `assigned`: a driver has it. `in_transit`: it was dispatched, or its driver arrived at a stop. `cancelled`: with a reason.',
    }),
    rate: z.number().meta({ description: 'What the broker pays for the load, in `currency`.' }),
    distance: z.number().nullable().meta({ description: 'The distance, in `distance_unit`.' }),
    driving_minutes: drivingMinutes,
    currency,
    distance_unit: distanceUnit,
    is_factored: z.boolean().meta({
      description:
        'Whether a factor pays: by the terms of the broker when the load was created, or came to this broker.',
    }),
    metadata: z.record(z.string(), z.unknown()),
    starts_at: instantOut.meta({ description: 'When the window of the first stop begins.' }),
    ends_at: instantOut.meta({ description: 'When the window of the last stop ends.' }),
    last_day: z.iso.date().meta({
      description:
        'The local day on which the last stop ends: licenses and inspections have to hold through it.',
    }),
    driver_ids: z.array(uuid).meta({ description: 'The drivers and co-drivers of the load.' }),
    cancel_reason: z.string().nullable(),
    created_at: instantOut,
    updated_at: instantOut,
  })
  .meta({ id: 'Load' })

export type Load = z.infer<typeof load>

const lastPosition = z
  .strictObject({
    recorded_at: instantOut.meta({
      description: 'When the truck was there, by the clock of the device.',
    }),
    latitude,
    longitude,
    accuracy_meters: z.number(),
  })
  .nullable()
  .meta({
    description:
      'Where the load was at the newest of its stop events that you may see, of those with an accuracy of at most 1,000 m; null when there is none, and when the load is not `in_transit`.',
  })

const details = {
  stops: z.array(stop),
  assignments: z.array(assignment).meta({
    description: 'The assignments of the load that you may see, by leg; also those that ended.',
  }),
  last_position: lastPosition,
}

export const loadDetail = z.strictObject({ ...load.shape, ...details }).meta({ id: 'LoadDetail' })

const listedLoad = load
  .extend({
    stops: details.stops.optional(),
    assignments: details.assignments.optional(),
    last_position: lastPosition.optional(),
  })
  .meta({ id: 'ListedLoad' })

export type ListedLoad = z.infer<typeof listedLoad>

export const loadPage = pageOf(listedLoad)

export type LoadDetail = z.infer<typeof loadDetail>

interface Window {
  window_starts_at?: string | undefined
  window_ends_at?: string | undefined
}

/** The database enforces the same rule; checking it here lets the response point at the field. */
const windowIsPossible = ({ window_starts_at, window_ends_at }: Window): boolean =>
  window_starts_at === undefined ||
  window_ends_at === undefined ||
  Date.parse(window_ends_at) > Date.parse(window_starts_at)
const windowRule = { path: ['window_ends_at'], error: 'must be after the start of the window' }

const newStop = z
  .strictObject({
    kind: stopKind,
    name: stopName,
    address: stopAddress,
    latitude,
    longitude,
    time_zone: timeZone,
    window_starts_at: instant,
    window_ends_at: instant,
  })
  .refine(windowIsPossible, windowRule)
  .meta({ id: 'NewStop' })

const newStopList = z.array(newStop).min(2).max(MAX_STOPS).meta({
  description:
    'The stops in order: a pickup is first, a delivery last, and none is over before the one before it begins (`stops_invalid`).',
})

const newLoadMembers = {
  organization_id: carrierId,
  broker_id: brokerId,
  dispatcher_id: dispatcherId.optional().meta({
    description:
      'The user of the office or dispatcher who plans the load; whoever of the carrier creates it, when not given.',
  }),
  reference: reference.default(null),
  rate,
  distance: distance.default(null),
  driving_minutes: drivingMinutes.default(null),
  currency: currency.default('USD'),
  distance_unit: distanceUnit.default('mi'),
  metadata: metadata.default({}),
  stops: newStopList,
}

export const newLoad = z.strictObject(newLoadMembers).meta({ id: 'NewLoad' })

export type NewLoad = z.infer<typeof newLoad>

export const newLoads = z
  .strictObject({ items: z.array(newLoad).min(1).max(MAX_BULK_ITEMS) })
  .meta({ id: 'NewLoads' })

export const createdLoads = z.strictObject({ items: z.array(load) })

export const loadChange = z
  .strictObject({
    broker_id: brokerId,
    dispatcher_id: dispatcherId,
    reference,
    rate,
    distance,
    driving_minutes: drivingMinutes,
    currency,
    distance_unit: distanceUnit,
    metadata,
  })
  .partial()
  .refine((change) => Object.keys(change).length > 0, 'must change something')
  .meta({ id: 'LoadChange' })

export type LoadChange = z.infer<typeof loadChange>

export const newStops = z.strictObject({ stops: newStopList }).meta({ id: 'NewStops' })
export const stopsOut = z.strictObject({ items: z.array(stop) })

export const stopChange = z
  .strictObject({
    kind: stopKind,
    name: stopName,
    address: stopAddress,
    latitude,
    longitude,
    time_zone: timeZone,
    window_starts_at: instant,
    window_ends_at: instant,
    arrived_at: instant.nullable().meta({
      description:
        'When the truck arrived. The first arrival of an assigned load makes it `in_transit`. Drivers of the load may set it.',
    }),
    departed_at: instant.nullable().meta({
      description:
        'When the truck left, not before it arrived. Leaving the last stop makes the load `delivered`. Drivers of the load may set it.',
    }),
  })
  .partial()
  .refine((change) => Object.keys(change).length > 0, 'must change something')
  .refine(({ latitude, longitude }) => (latitude === undefined) === (longitude === undefined), {
    path: ['longitude'],
    message: 'comes with the latitude',
  })
  .refine(windowIsPossible, windowRule)
  .meta({ id: 'StopChange' })

export type StopChange = z.infer<typeof stopChange>

const leg = z.int().min(1).max(MAX_LEGS)

export const newLoadAssignment = z
  .strictObject({
    leg: leg.default(1).meta({
      description:
        'Which leg of the load: 1 when not given. A relay, or another trailer on the way, is another leg with times of its own.',
    }),
    driver_id: uuid,
    co_driver_id: uuid
      .nullable()
      .default(null)
      .meta({ description: 'The second driver of a team; null when there is none.' }),
    truck_id: uuid,
    trailer_id: uuid.nullable().default(null),
    starts_at: instant.nullable().default(null).meta({
      description: 'When the leg begins; with the load, and moving with it, when it is null.',
    }),
    ends_at: instant.nullable().default(null).meta({
      description: 'When the leg ends; with the load, and moving with it, when it is null.',
    }),
  })
  .refine(({ driver_id, co_driver_id }) => driver_id !== co_driver_id, {
    path: ['co_driver_id'],
    message: 'must be somebody else than the driver',
  })
  .meta({ id: 'NewLoadAssignment' })

export type NewLoadAssignment = z.infer<typeof newLoadAssignment>

export const unassignment = z
  .strictObject({
    leg: leg.nullable().default(null).meta({ description: 'Which leg of the load; all of them when null.' }),
  })
  .meta({ id: 'Unassignment' })

export const loadCancellation = z.strictObject({ reason: text(1, 1_000) }).meta({ id: 'LoadCancellation' })

/** Accepts `status=pending&status=assigned` and `status=pending,assigned`, which mean the same. */
const statuses = z
  .union([z.string(), z.array(z.string())])
  .transform((given) => [...new Set([given].flat().flatMap((words) => words.split(',')))].sort())
  .pipe(z.array(status))
  .meta({
    description: 'Only loads with one of these statuses: repeat the parameter, or separate values by commas.',
    examples: ['pending,assigned'],
  })

const period = {
  starts_after: instant.optional().meta({ description: 'Only loads that start at this time or later.' }),
  starts_before: instant.optional().meta({ description: 'Only loads that start before this time.' }),
}

const brokerLoadFilter = { status: statuses.optional(), dispatcher_id: uuid.optional(), ...period }

const loadFilter = {
  ...brokerLoadFilter,
  broker_id: uuid.optional(),
  driver_id: uuid.optional().meta({ description: 'Only loads of this driver, or co-driver.' }),
}

export const brokerLoadQuery = z.strictObject({ ...brokerLoadFilter, ...pageQuery })
export const loadQuery = z.strictObject({
  ...loadFilter,
  detailed: queryFlag.default(false).meta({
    description:
      '`true` gives each load its `stops`, `assignments` and `last_position`, as `GET /v1/freight/loads/{id}` does: a board reads many loads by one request.',
  }),
  ...pageQuery,
})
export const loadExportQuery = z.strictObject({ ...loadFilter, ...pageQuery })

export type LoadFilter = Omit<z.infer<typeof loadExportQuery>, keyof typeof pageQuery>

/** An empty truck goes some 100 miles for the next load. */
export const DEFAULT_NEARBY_METERS = 160_000
/** A day's driving, which is 11 hours (49 CFR 395.3). */
export const MAX_NEARBY_METERS = 1_000_000

export const nearbyLoadQuery = z
  .strictObject({
    latitude: queryNumber(latitude).optional(),
    longitude: queryNumber(longitude).optional(),
    driver_id: uuid.optional().meta({
      description:
        'Around the last position of this driver, which is at most 24 hours old, instead of `latitude` and `longitude`.',
    }),
    radius_meters: queryNumber(
      z.number().min(1).max(MAX_NEARBY_METERS),
      `The search radius in meters; ${DEFAULT_NEARBY_METERS} when not given.`,
    ).default(DEFAULT_NEARBY_METERS),
    ...period,
    ...pageQuery,
  })
  .refine(({ latitude, longitude }) => (latitude === undefined) === (longitude === undefined), {
    path: ['longitude'],
    message: 'comes with the latitude',
  })
  .refine(({ latitude, driver_id }) => (latitude === undefined) !== (driver_id === undefined), {
    path: ['driver_id'],
    message: 'either a driver, or a latitude and a longitude',
  })

export type NearbyLoadFilter = Omit<z.infer<typeof nearbyLoadQuery>, keyof typeof pageQuery>

export const nearbyLoad = z
  .strictObject({
    ...load.shape,
    distance_meters: z
      .number()
      .meta({ description: 'The geodesic distance to the first pickup in meters, on the WGS 84 ellipsoid.' }),
  })
  .meta({ id: 'NearbyLoad' })

export type NearbyLoad = z.infer<typeof nearbyLoad>

export const nearbyLoadPage = pageOf(nearbyLoad)

/** What can speak against a driver of the carrier, in the order in which an assignment is refused for it. */
const DRIVER_VIOLATIONS = [
  'driver_inactive',
  'license_missing',
  'license_expired',
  'medical_card_missing',
  'medical_card_expired',
  'hours_of_service',
  'driver_overlap',
] as const

export const loadCandidate = z
  .strictObject({
    driver_id: uuid,
    name: z.string(),
    eligible: z.boolean().meta({ description: 'Whether there are no `violations`.' }),
    distance_meters: z.number().nullable().meta({
      description:
        'How far the driver was last from the first pickup, in meters; null when the phone of the driver has reported no position in the last 24 hours.',
    }),
    position_recorded_at: instantOut.nullable().meta({
      description: 'When the driver was there, by the clock of the device.',
    }),
    violations: z
      .array(z.strictObject({ code: z.enum(DRIVER_VIOLATIONS) }))
      .meta({ description: 'The rules that an assignment of this driver would break.' }),
    hours: driverHours.meta({
      description:
        'The hours of service that the driver has left now: as `GET /v1/freight/drivers/{id}/hours`.',
    }),
  })
  .meta({ id: 'LoadCandidate' })

export type LoadCandidate = z.infer<typeof loadCandidate>

export const loadCandidatePage = pageOf(loadCandidate)

export const loadCandidateQuery = z.strictObject({
  eligible_only: queryFlag
    .default(false)
    .meta({ description: '`true` lists only drivers who can be assigned.' }),
  radius_meters: queryNumber(
    z.number().min(1).max(MAX_NEARBY_METERS),
    'Only drivers whose last position is within so many meters of the first pickup.',
  ).optional(),
  ...pageQuery,
})
