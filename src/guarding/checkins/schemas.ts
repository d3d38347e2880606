import { z } from 'zod'
import type { Code } from '../../platform/http/codes.ts'
import { instant, latitude, longitude, pageQuery, queryNumber, uuid } from '../../platform/http/fields.ts'
import { pageOf } from '../../platform/http/page.ts'
import { fieldErrors, retry } from '../../platform/http/problem.ts'
import { ignored } from '../../platform/positions/ignored.ts'
import { positionMembers } from '../../platform/positions/item.ts'
import { checkin } from '../check-in-form.ts'
import { CHECKIN_KINDS } from './table.ts'

export { MAX_BATCH_ITEMS } from '../../platform/positions/item.ts'

const kind = z.enum(CHECKIN_KINDS)
const { id, ...position } = positionMembers('check-in')

export const checkinPage = pageOf(checkin)

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
export const newCheckin = z.object({ id, kind, ...position })

/** Loose, so that the answer can name what the API does not know. */
export const newCheckinBody = newCheckin.loose().meta({ id: 'NewCheckIn' })

export const batchItem = newCheckin.extend({ shift_id: uuid })

export type BatchItem = z.infer<typeof batchItem>

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
