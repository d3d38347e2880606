import { and, asc, eq } from '../../platform/db/drizzle.ts'
import { type Action, action, functionCall, readingCall } from '../../platform/db/function-call.ts'
import type { FunctionCaller } from '../../platform/db/session.ts'
import { after, build, type PageValues, pageValues } from '../../platform/db/sql.ts'
import { type RowsStatement, writtenOnce } from '../../platform/db/statement.ts'
import type { Refusal } from '../../platform/http/batch.ts'
import type { Position } from '../../platform/http/page.ts'
import { type CheckIn, checkinColumns } from '../check-in-form.ts'
import { shifts } from '../shifts/table.ts'
import type { BatchItem, NearbyCheckInFilter } from './schemas.ts'
import { gpsCheckins } from './table.ts'

interface CheckInFilter {
  shift_id: string
  kind?: CheckIn['kind'] | undefined
}

const checkInPage = writtenOnce<CheckInFilter & PageValues, CheckIn>((given) =>
  build
    .select(checkinColumns)
    .from(gpsCheckins)
    .where(
      and(
        eq(gpsCheckins.shift_id, given.shift_id),
        given.kind && eq(gpsCheckins.kind, given.kind),
        after(gpsCheckins.recorded_at, gpsCheckins.id, given),
      ),
    )
    .orderBy(asc(gpsCheckins.recorded_at), asc(gpsCheckins.id))
    .limit(given.limit),
)

/** By device time. */
export const listCheckIns = (
  filter: CheckInFilter,
  limit: number,
  position: Position | undefined,
): RowsStatement<CheckIn> => checkInPage({ ...filter, ...pageValues(limit, position) })

/** Only whether the caller sees the shift: one without check-ins has an empty list, and none has no list. */
export const visibleShift = writtenOnce<{ id: string }, { id: string }>(({ id }) =>
  build.select({ id: shifts.id }).from(shifts).where(eq(shifts.id, id)),
)

const nearbyCheckIns = readingCall(
  'muster.nearby_check_ins',
  [
    'latitude',
    'longitude',
    'within_meters',
    'recorded_from',
    'recorded_to',
    'max_items',
    'after_time',
    'after_id',
  ],
  {
    items: '(answer).items::text',
    // As JSON spells it, to the microsecond: a cursor keeps it as it is.
    next_time: "to_json((answer).next_time) #>> '{}'",
    next_id: '(answer).next_id',
  },
)

/**
 * Who was near a place at that time, by device time (then by id).
 *
 * @returns the items as JSON text, each in the form of `nearbyCheckin`, and where the next page begins
 */
export async function listNearbyCheckIns(
  request: FunctionCaller,
  filter: NearbyCheckInFilter,
  limit: number,
  position: Position | undefined,
): Promise<{ items: string; next: Position | undefined }> {
  const page = await request.call<{ items: string; next_time: string | null; next_id: string | null }>(
    nearbyCheckIns,
    [
      filter.latitude,
      filter.longitude,
      filter.radius_meters,
      filter.from,
      filter.to,
      limit,
      position?.[0] ?? null,
      position?.[1] ?? null,
    ],
  )
  const { items, next_time, next_id } = page
  return { items, next: next_id === null ? undefined : [next_time!, next_id] }
}

const recordOne = action(
  'muster.record_check_in',
  ['check_in_id', 'at_shift', 'kind_of', 'latitude', 'longitude', 'accuracy', 'at_time'],
  { needsKey: false },
)

/** How `muster.record_check_in` spells its answer. */
const RECORDED = /^\{"status" : "(created|duplicate)", "checkin" : (\{.*"verdict" : "(\w+)".*\})\}$/s

/**
 * Stored now, or before: then nothing has changed. What the database refuses is an error.
 *
 * @returns also the check-in, as JSON text, for nobody here looks into it
 */
export async function recordCheckIn(
  request: FunctionCaller,
  item: BatchItem,
): Promise<{ isNew: boolean; verdict: string; checkin: string }> {
  const answer = await request.performForText(recordOne, [
    item.id,
    item.shift_id,
    item.kind,
    item.latitude,
    item.longitude,
    item.accuracy_meters,
    item.recorded_at,
  ])
  const [, status, checkin, verdict] = RECORDED.exec(answer)!
  return { isNew: status === 'created', verdict: verdict!, checkin: checkin! }
}

/** What became of one item: stored now or before, or refused by the database, which says why. */
export type Recorded = { id: string; status: 'created' | 'duplicate'; checkin: CheckIn } | Refusal

/** Under a key, the database keeps what became of each item instead of the answer, and makes the same answer again. */
const recordMany: Action = {
  plain: functionCall('muster.record_check_ins', ['items'], { answer: 'answer::text' }),
  once: functionCall('muster.record_check_ins_once', ['idempotency_key', 'hash', 'items'], {
    answer: 'answer::text',
  }),
}

/**
 * One result per item, in order. A refused item undoes none of the others.
 *
 * @returns the JSON of `Recorded[]`
 */
export const recordCheckIns = (request: FunctionCaller, items: readonly BatchItem[]): Promise<string> =>
  request.performForText(recordMany, [JSON.stringify(items)])
