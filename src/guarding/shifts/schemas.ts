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
import { CHECKIN_KINDS, VERDICTS } from '../checkins/table.ts'
import { SHIFT_STATUSES } from './table.ts'

/** One statement inserts them all, each with its triggers: at this size it stays well within a second. */
export const MAX_BULK_ITEMS = 100
export const DEFAULT_RADIUS_METERS = 5_000
/** Twice a long commute; beyond it "nearby" is a list of everything, for which there is `GET /v1/shifts`. */
export const MAX_RADIUS_METERS = 100_000

const MAX_SHIFT_HOURS = 48
const MAX_REQUIRED_CERTIFICATES = 20
const HOUR_MS = 3_600_000

/** An amount that `numeric(…, 2)` keeps as it is: the database would round a third decimal without a word. */
const decimal = (min: number, max: number) =>
  z
    .number()
    .min(min)
    .max(max)
    .refine((value) => Number(value.toFixed(2)) === value, 'must have at most 2 decimals')

const hourlyRate = decimal(15, 500).meta({ description: 'Euros an hour.', examples: [27.5] })
const overtimeRate = decimal(1, 5).meta({
  description: 'Factor on the hourly rate for time worked after the end.',
})
const certificateKind = z.string().regex(/^[a-z][a-z0-9_]{0,39}$/)
const requiredCertificates = z
  .array(certificateKind)
  .max(MAX_REQUIRED_CERTIFICATES)
  .meta({ description: 'Kinds, each needed verified and valid through the end.', examples: [['vca', 'bhv']] })

/** A page of a search carries twenty of them. */
const MAX_DESCRIPTION_LENGTH = 2_000
const MAX_INSTRUCTIONS_LENGTH = 10_000
const description = text(0, MAX_DESCRIPTION_LENGTH)
  .nullable()
  .meta({ description: 'What everybody who sees the shift may read.' })
const instructions = text(0, MAX_INSTRUCTIONS_LENGTH).nullable().meta({
  description:
    'What only the guard of the shift is told, such as alarm codes. Not for the `description`, which everybody reads.',
})

/** What `muster.shift_json` gives: the same members from every route, and from the change stream's point of view. */
export const shift = z
  .strictObject({
    id: uuid,
    company_id: uuid,
    client_id: uuid.meta({ description: 'Whose location it is.' }),
    location_id: uuid,
    professional_id: uuid.nullable(),
    status: z.enum(SHIFT_STATUSES),
    start_datetime: instantOut,
    end_datetime: instantOut,
    time_zone: z.string().meta({ description: 'Of the location: an IANA name.' }),
    hourly_rate: z.number(),
    overtime_rate: z.number(),
    required_certificates: z.array(z.string()),
    title: z.string(),
    description: z
      .string()
      .nullable()
      .meta({ description: 'For everybody who sees the shift, every guard of the tenant while it is open.' }),
    instructions: z.string().nullable().meta({
      description:
        'For the guard of the shift alone, such as alarm codes. Those who manage the shift and its client read them too; for everybody else they are null.',
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
      .meta({ description: 'Null when it was removed after the shift, or is not yours to see any more.' }),
    professional: z
      .strictObject({ id: uuid, name: z.string() })
      .nullable()
      .meta({ description: 'Null when there is none, or when it is not yours to see.' }),
    checkin_count: z.int().meta({ description: 'Of the check-ins that you may see.' }),
    last_checkin: z
      .strictObject({
        id: uuid,
        shift_id: uuid,
        professional_id: uuid,
        kind: z.enum(CHECKIN_KINDS),
        latitude,
        longitude,
        accuracy_meters: z.number(),
        distance_meters: z.number(),
        is_within_radius: z.boolean(),
        verdict: z.enum(VERDICTS),
        recorded_at: instantOut,
        created_at: instantOut,
      })
      .nullable()
      .meta({ description: 'The newest by the time of the device, whenever it arrived.' }),
  })
  .meta({ id: 'ShiftDetail' })

export type ShiftDetail = z.infer<typeof shiftDetail>

interface Times {
  start_datetime?: string | undefined
  end_datetime?: string | undefined
}

/** The database checks the same; here both fields are at hand, so the answer can point at one. */
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
    company_id: uuid.optional().meta({ description: 'For admins: companies create their own.' }),
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

export const assignment = z.strictObject({ professional_id: uuid }).meta({ id: 'Assignment' })
export const cancellation = z.strictObject({ reason: text(1, 1_000) }).meta({ id: 'Cancellation' })

/** `status=draft&status=published` and `status=draft,published` are the same. */
const statuses = z
  .union([z.string(), z.array(z.string())])
  .transform((given) => [...new Set([given].flat().flatMap((words) => words.split(',')))].sort())
  .pipe(z.array(z.enum(SHIFT_STATUSES)))
  .meta({ description: 'One or more, repeated or separated by commas.', examples: ['assigned,active'] })

const period = {
  starts_after: instant.optional().meta({ description: 'Starts at this time or later.' }),
  starts_before: instant.optional().meta({ description: 'Starts earlier than this.' }),
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
    `${DEFAULT_RADIUS_METERS} when not given.`,
  ).default(DEFAULT_RADIUS_METERS),
  ...period,
  min_hourly_rate: queryNumber(z.number().min(0).max(500)).optional(),
  eligible_only: queryFlag
    .default(false)
    .meta({ description: 'Only what you could claim now. For guards; refused to others.' }),
}

export type NearbyFilter = z.infer<z.ZodObject<typeof nearbyFilter>>

export const nearbyShift = z
  .strictObject({
    ...shift.shape,
    location_name: z.string(),
    distance_meters: z.number().meta({ description: 'Along the surface of the WGS 84 ellipsoid.' }),
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
          coordinates: z.tuple([longitude, latitude]).meta({ description: 'Longitude, latitude.' }),
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
        'From the area (of about a square kilometre) in which the guard lives; null when that is not known.',
    }),
    eligible: z.boolean(),
    violations: z.array(z.strictObject({ code: z.enum(VIOLATIONS), detail: z.string().nullable() })).meta({
      description:
        'Every rule that assigning would break; `detail` is the kind of certificate. Of a guard who never worked for the company there is one, `unavailable`, whatever the reasons are.',
    }),
  })
  .meta({ id: 'Candidate' })

export type Candidate = z.infer<typeof candidate>

export const candidatePage = pageOf(candidate)
