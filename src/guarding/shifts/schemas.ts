import { z } from 'zod'
import {
  instant,
  instantOut,
  latitude,
  longitude,
  queryFlag,
  queryNumber,
  text,
  uuid,
} from '../../platform/http/fields.ts'
import { pageOf } from '../../platform/http/page.ts'
import { POSITION_FLAGS, VERDICTS } from '../../platform/positions/verdict.ts'
import { CHECKIN_KINDS } from '../checkins/table.ts'
import { SHIFT_STATUSES } from './table.ts'

/** One statement inserts all items and fires their triggers: at this size it takes well under a second. */
export const MAX_BULK_ITEMS = 100
export const DEFAULT_RADIUS_METERS = 5_000
/** Twice a long commute; to list shifts further away there is `GET /v1/shifts`. */
export const MAX_RADIUS_METERS = 100_000

const MAX_SHIFT_HOURS = 48
const MAX_REQUIRED_CERTIFICATES = 20
const HOUR_MS = 3_600_000

/** An amount with at most 2 decimals: the database (`numeric(…, 2)`) would silently round a third one. */
const decimal = (min: number, max: number) =>
  z
    .number()
    .min(min)
    .max(max)
    .refine((value) => Number(value.toFixed(2)) === value, 'must have at most 2 decimals')

const hourlyRate = decimal(15, 500).meta({ description: 'The hourly rate in euros.', examples: [27.5] })
const overtimeRate = decimal(1, 5).meta({
  description: 'The factor on the hourly rate for time worked after the end of the shift.',
})
const certificateKind = z.string().regex(/^[a-z][a-z0-9_]{0,39}$/)
const requiredCertificates = z
  .array(certificateKind)
  .max(MAX_REQUIRED_CERTIFICATES)
  .meta({
    description:
      'The kinds of certificates that the professional needs, each verified and valid through the end of the shift.',
    examples: [['vca', 'bhv']],
  })

/** A page of search results has twenty descriptions. */
const MAX_DESCRIPTION_LENGTH = 2_000
const MAX_INSTRUCTIONS_LENGTH = 10_000
const description = text(0, MAX_DESCRIPTION_LENGTH)
  .nullable()
  .meta({ description: 'A text for everybody who sees the shift.' })
const instructions = text(0, MAX_INSTRUCTIONS_LENGTH).nullable().meta({
  description:
    'Confidential instructions, such as alarm codes. Of guards, only the guard of the shift can read them. Do not put such details into `description`, which everybody reads.',
})

/** The shape of `muster.shift_json`: every route and the change stream use the same members. */
export const shift = z
  .strictObject({
    id: uuid,
    company_id: uuid,
    client_id: uuid.meta({ description: 'The client at whose location the shift takes place.' }),
    location_id: uuid,
    professional_id: uuid.nullable(),
    status: z.enum(SHIFT_STATUSES).meta({
      description:
        '`no_show`: the shift is over and nobody clocked in. Check-ins that arrive later make it active or completed.',
    }),
    start_datetime: instantOut,
    end_datetime: instantOut,
    time_zone: z.string().meta({ description: 'The time zone of the location, as an IANA name.' }),
    hourly_rate: z.number(),
    overtime_rate: z.number(),
    required_certificates: z.array(z.string()),
    title: z.string(),
    description: z.string().nullable().meta({
      description:
        'A text for everybody who sees the shift. While the shift is open, every guard of the tenant sees it.',
    }),
    instructions: z.string().nullable().meta({
      description:
        'Confidential instructions, such as alarm codes. The guard of the shift, those who manage the shift, and its client can read them; for everybody else they are null.',
    }),
    cancel_reason: z.string().nullable(),
    latitude,
    longitude,
    created_at: instantOut,
    updated_at: instantOut,
  })
  .meta({ id: 'Shift' })

export type Shift = z.infer<typeof shift>

export const shiftPage = pageOf(shift)

export const shiftDetail = z
  .strictObject({
    ...shift.shape,
    location: z
      .strictObject({
        id: uuid,
        name: z.string(),
        address: z.string(),
        latitude,
        longitude,
        radius_meters: z.int(),
        time_zone: z.string(),
      })
      .nullable()
      .meta({
        description:
          'The location of the shift; null when it was removed after the shift, or when you may no longer see it.',
      }),
    professional: z.strictObject({ id: uuid, name: z.string() }).nullable().meta({
      description: 'The assigned professional; null when there is none, or when you may not see them.',
    }),
    checkin_count: z.int().meta({ description: 'The number of check-ins of the shift that you may see.' }),
    last_checkin: z
      .strictObject({
        id: uuid,
        shift_id: uuid,
        assignment_id: uuid,
        professional_id: uuid,
        kind: z.enum(CHECKIN_KINDS),
        latitude,
        longitude,
        accuracy_meters: z.number(),
        distance_meters: z.number(),
        is_within_radius: z.boolean(),
        verdict: z.enum(VERDICTS),
        flags: z.array(z.enum(POSITION_FLAGS)),
        recorded_at: instantOut,
        created_at: instantOut,
      })
      .nullable()
      .meta({ description: 'The latest check-in by device time, regardless of when it arrived.' }),
  })
  .meta({ id: 'ShiftDetail' })

export type ShiftDetail = z.infer<typeof shiftDetail>

interface Times {
  start_datetime?: string | undefined
  end_datetime?: string | undefined
}

/** The database enforces the same rule; checking it here lets the response point at the field. */
function durationIsPossible({ start_datetime, end_datetime }: Times): boolean {
  if (start_datetime === undefined || end_datetime === undefined) return true
  const hours = (Date.parse(end_datetime) - Date.parse(start_datetime)) / HOUR_MS
  return hours > 0 && hours <= MAX_SHIFT_HOURS
}
const durationRule = {
  path: ['end_datetime'],
  error: `must be after the start, by at most ${MAX_SHIFT_HOURS} hours`,
}

export const newShift = z
  .strictObject({
    company_id: uuid.optional().meta({
      description: 'The company of the shift. Admins must send it; companies create their own shifts.',
    }),
    location_id: uuid,
    status: z.enum(['draft', 'published']).default('draft'),
    start_datetime: instant,
    end_datetime: instant,
    hourly_rate: hourlyRate,
    overtime_rate: overtimeRate.default(1.5),
    required_certificates: requiredCertificates.default(['vca']),
    title: text(1, 200).meta({ examples: ['Night watch'] }),
    description: description.default(null),
    instructions: instructions.default(null),
  })
  .refine(durationIsPossible, durationRule)
  .meta({ id: 'NewShift' })

export type NewShift = z.infer<typeof newShift>

export const newShifts = z
  .strictObject({ items: z.array(newShift).min(1).max(MAX_BULK_ITEMS) })
  .meta({ id: 'NewShifts' })

export const createdShifts = z.strictObject({ items: z.array(shift) })

export const shiftChange = z
  .strictObject({
    location_id: uuid,
    start_datetime: instant,
    end_datetime: instant,
    hourly_rate: hourlyRate,
    overtime_rate: overtimeRate,
    required_certificates: requiredCertificates,
    title: text(1, 200),
    description,
    instructions,
  })
  .partial()
  .refine((change) => Object.keys(change).length > 0, 'must change something')
  .refine(durationIsPossible, durationRule)
  .meta({ id: 'ShiftChange' })

export type ShiftChange = z.infer<typeof shiftChange>

export const newAssignment = z.strictObject({ professional_id: uuid }).meta({ id: 'NewAssignment' })
export const cancellation = z.strictObject({ reason: text(1, 1_000) }).meta({ id: 'Cancellation' })

/** Accepts `status=draft&status=published` and `status=draft,published`, which mean the same. */
const statuses = z
  .union([z.string(), z.array(z.string())])
  .transform((given) => [...new Set([given].flat().flatMap((words) => words.split(',')))].sort())
  .pipe(z.array(z.enum(SHIFT_STATUSES)))
  .meta({
    description:
      'Only shifts with one of these statuses: repeat the parameter, or separate values by commas.',
    examples: ['assigned,active'],
  })

const period = {
  starts_after: instant.optional().meta({ description: 'Only shifts that start at this time or later.' }),
  starts_before: instant.optional().meta({ description: 'Only shifts that start before this time.' }),
}

export const shiftFilter = {
  status: statuses.optional(),
  company_id: uuid.optional(),
  client_id: uuid.optional(),
  location_id: uuid.optional(),
  professional_id: uuid.optional(),
  ...period,
}

export type ShiftFilter = z.infer<z.ZodObject<typeof shiftFilter>>

export const nearbyFilter = {
  latitude: queryNumber(latitude),
  longitude: queryNumber(longitude),
  radius_meters: queryNumber(
    z.number().min(1).max(MAX_RADIUS_METERS),
    `The search radius in meters; ${DEFAULT_RADIUS_METERS} when not given.`,
  ).default(DEFAULT_RADIUS_METERS),
  ...period,
  min_hourly_rate: queryNumber(z.number().min(0).max(500)).optional(),
  eligible_only: queryFlag.default(false).meta({
    description: 'Only shifts that you could claim now. Only guards may use it; others are refused.',
  }),
}

export type NearbyFilter = z.infer<z.ZodObject<typeof nearbyFilter>>

export const nearbyShift = z
  .strictObject({
    ...shift.shape,
    location_name: z.string(),
    distance_meters: z
      .number()
      .meta({ description: 'The geodesic distance in meters, on the WGS 84 ellipsoid.' }),
  })
  .meta({ id: 'NearbyShift' })

export type NearbyShift = z.infer<typeof nearbyShift>

export const nearbyPage = pageOf(nearbyShift)

/** RFC 7946. `next_cursor` is a foreign member (section 6.1). */
export const nearbyFeatures = z
  .strictObject({
    type: z.literal('FeatureCollection'),
    features: z.array(
      z.strictObject({
        type: z.literal('Feature'),
        id: uuid,
        geometry: z.strictObject({
          type: z.literal('Point'),
          coordinates: z
            .tuple([longitude, latitude])
            .meta({ description: 'Longitude, then latitude (RFC 7946).' }),
        }),
        properties: nearbyShift.omit({ latitude: true, longitude: true }),
      }),
    ),
    next_cursor: z.string().nullable(),
  })
  .meta({ id: 'NearbyShiftFeatures' })

export const VIOLATIONS = [
  'professional_inactive',
  'certificate_missing',
  'certificate_expired',
  'shift_overlap',
  'unavailable',
] as const

export const candidate = z
  .strictObject({
    professional_id: uuid,
    name: z.string(),
    distance_meters: z.number().nullable().meta({
      description:
        'The distance in meters from the area (of about one square kilometer) in which the guard lives; null when it is not known.',
    }),
    eligible: z.boolean(),
    violations: z.array(z.strictObject({ code: z.enum(VIOLATIONS), detail: z.string().nullable() })).meta({
      description:
        'The rules that an assignment would break; `detail` is the kind of certificate. For a guard who never worked for the company there is only `unavailable`, whatever the reasons are.',
    }),
  })
  .meta({ id: 'Candidate' })

export type Candidate = z.infer<typeof candidate>

export const candidatePage = pageOf(candidate)
