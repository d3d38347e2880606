import { z } from 'zod'
import type { Code } from '../../platform/http/codes.ts'
import { instant, latitude, longitude, pageQuery, queryNumber, uuid } from '../../platform/http/fields.ts'
import { pageOf } from '../../platform/http/page.ts'
import { fieldErrors, retry } from '../../platform/http/problem.ts'
import { checkin } from '../check-in-form.ts'
import { CHECKIN_KINDS } from './table.ts'

const kind = z.enum(CHECKIN_KINDS)
const accuracy = z.number().positive().meta({
  description:
    'The accuracy that the device reports for the position: the radius of the 95 % confidence circle, in meters (W3C Geolocation). Over 100 m the check-in is flagged `imprecise`; over 1,000 m it is evidence and moves nothing.',
})

/** PostgreSQL keeps microseconds. */
const FRACTION_DIGITS = 6

/**
 * Converts an RFC 3339 instant to a form that PostgreSQL accepts: UTC (PostgreSQL refuses offsets of 16 hours and more,
 * which the grammar allows), with the fraction truncated to microseconds (PostgreSQL refuses texts over 128 characters,
 * and would round `.9999999` up to the next second).
 */
export function toMicroseconds(time: string): string {
  const seconds = new Date(Math.floor(Date.parse(time) / 1000) * 1000).toISOString().slice(0, -'.000Z'.length)
  const fraction = /\.(\d+)/.exec(time)?.[1] ?? ''
  return `${seconds}.${fraction.slice(0, FRACTION_DIGITS).padEnd(FRACTION_DIGITS, '0')}Z`
}

export const checkinPage = pageOf(checkin)

/** Enough to see what an app sends that the API does not know; a hostile item may have thousands. */
const MAX_IGNORED = 20
const MAX_IGNORED_LENGTH = 100

export const ignored = z
  .array(z.string())
  .optional()
  .meta({
    description: `The unknown members of the request, which were ignored: each once, the first ${MAX_IGNORED}.`,
  })

/** @returns the members of check-ins that the API does not know; undefined when there is none. */
export function ignoredIn(items: readonly unknown[], known: object): string[] | undefined {
  const unknown = new Set<string>()
  for (const item of items) {
    if (typeof item !== 'object' || item === null || Array.isArray(item)) continue
    for (const name in item) {
      if (!Object.hasOwn(known, name) && unknown.size < MAX_IGNORED)
        unknown.add(name.slice(0, MAX_IGNORED_LENGTH))
    }
  }
  return unknown.size === 0 ? undefined : [...unknown].sort()
}

/** What recording one check-in answers. */
export const recordedCheckin = z.strictObject({ ...checkin.shape, ignored }).meta({ id: 'RecordedCheckIn' })

/** As wide as the widest site: a check-in further away is not near the point. */
export const MAX_NEARBY_RADIUS_METERS = 1_000
export const DEFAULT_NEARBY_RADIUS_METERS = 100
/** Enough for an evening or a week; a longer period would scan much more than it returns. */
export const MAX_NEARBY_DAYS = 7

const DAY_MS = 86_400_000

export const nearbyCheckinFilter = z
  .strictObject({
    latitude: queryNumber(latitude),
    longitude: queryNumber(longitude),
    radius_meters: queryNumber(
      z.number().min(1).max(MAX_NEARBY_RADIUS_METERS),
      `${DEFAULT_NEARBY_RADIUS_METERS} when not given.`,
    ).default(DEFAULT_NEARBY_RADIUS_METERS),
    from: instant.meta({
      description: 'Only check-ins recorded at this time or later, by the clock of the device.',
    }),
    to: instant.meta({
      description: `Only check-ins recorded before this time, which is at most ${MAX_NEARBY_DAYS} days after \`from\`.`,
    }),
    ...pageQuery,
  })
  .refine(
    ({ from, to }) => {
      const period = Date.parse(to) - Date.parse(from)
      return period > 0 && period <= MAX_NEARBY_DAYS * DAY_MS
    },
    { path: ['to'], error: `must be after \`from\`, by at most ${MAX_NEARBY_DAYS} days` },
  )

export type NearbyCheckInFilter = Omit<z.infer<typeof nearbyCheckinFilter>, 'limit' | 'cursor'>

export const nearbyCheckin = z
  .strictObject({
    ...checkin.shape,
    meters_away: z.number().meta({
      description:
        'The distance in meters to the requested point; `distance_meters` is the distance to the site of the shift.',
    }),
  })
  .meta({ id: 'NearbyCheckIn' })

export const nearbyCheckinPage = pageOf(nearbyCheckin)

/** Not strict: what a newer app sends beside these never costs a check-in. */
export const newCheckin = z.object({
  id: uuid.meta({
    description:
      'The id of the check-in, which the device generates once. It makes repeated requests idempotent.',
  }),
  kind,
  latitude,
  longitude,
  accuracy_meters: accuracy,
  recorded_at: instant
    .meta({
      description:
        'When the check-in was recorded, by the clock of the device: RFC 3339, with any number of fractional digits.',
      examples: ['2026-03-28T22:16:45.0249Z'],
    })
    .transform(toMicroseconds),
})

/** Loose, so that the answer can name what the API does not know. */
export const newCheckinBody = newCheckin.loose().meta({ id: 'NewCheckIn' })

export const batchItem = newCheckin.extend({ shift_id: uuid })

export type BatchItem = z.infer<typeof batchItem>

/** A phone that records every 30 seconds fills one batch in a shift of 8 hours without a network. */
export const MAX_BATCH_ITEMS = 1_000

/**
 * An item takes some 280 bytes, and up to 450 indented and with all the digits that a double has: this fits the largest
 * batch whatever the service's general limit (`BODY_LIMIT_BYTES`) is.
 */
export const BATCH_BODY_LIMIT_BYTES = MAX_BATCH_ITEMS * 1_024

/** The codes with which a check-in can be refused, alone or in a batch. */
export const CHECKIN_PROBLEMS = [
  'forbidden',
  'not_found',
  'shift_not_assigned',
  'id_conflict',
  'outside_check_in_window',
  'recorded_in_future',
  'too_many_pings',
] as const satisfies Code[]

const storedCheckin = z
  .strictObject({
    id: uuid.meta({ description: 'The id of the item, in the spelling of the request.' }),
    status: z.enum(['created', 'duplicate']),
    checkin: checkin.meta({ description: 'The stored check-in.' }),
  })
  .meta({ id: 'StoredCheckIn' })

const rejectedCheckin = z
  .strictObject({
    id: uuid.nullable().meta({ description: 'The id of the item; null when the item has no valid id.' }),
    status: z.literal('rejected'),
    // A plain string, so that serializing a response never fails on a code that is missing from the list.
    code: z.string().meta({
      enum: ['validation_failed', ...CHECKIN_PROBLEMS],
      description:
        'The problem code that this check-in would get if it were sent alone; `retry` says whether to send it again.',
    }),
    retry,
    errors: fieldErrors.optional().meta({
      description:
        'The invalid members. `pointer` is a JSON Pointer (RFC 6901) into the request, such as `/body/items/0/kind`.',
    }),
  })
  .meta({ id: 'RejectedCheckIn' })

export const batchResult = z.discriminatedUnion('status', [storedCheckin, rejectedCheckin]).meta({
  id: 'CheckInResult',
  discriminator: {
    propertyName: 'status',
    mapping: {
      created: '#/components/schemas/StoredCheckIn',
      duplicate: '#/components/schemas/StoredCheckIn',
      rejected: '#/components/schemas/RejectedCheckIn',
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
