import { z } from 'zod'
import { answerItems, type ReadItem, readItem } from '../../platform/http/batch.ts'
import type { Code } from '../../platform/http/codes.ts'
import type { Recorded } from './queries.ts'
import { type BatchItem, type BatchResult, batchItem, ignoredIn, MAX_BATCH_ITEMS } from './schemas.ts'

/** A check-in of a batch, with the members that the API does not know. */
type ReadCheckIn = ReadItem<BatchItem> & { ignored?: string[] }

/**
 * Validates each item by itself, so that a bad item never fails the others. An item that is not a valid check-in stops here: its
 * content and its nesting never reach the database.
 */
export const checkinBatch = z
  .looseObject({
    items: z
      .array(
        z
          .unknown()
          .meta({
            ...z.toJSONSchema(batchItem, { io: 'input' }),
            id: 'BatchCheckIn',
            description: 'A check-in, with the `shift_id` of its shift.',
          })
          .transform(readCheckIn),
      )
      .max(MAX_BATCH_ITEMS),
  })
  .meta({ id: 'CheckInBatch' })

export type Batch = z.infer<typeof checkinBatch>

function readCheckIn(given: unknown): ReadCheckIn {
  const read = readItem(batchItem, given)
  const ignored = read.item && ignoredIn([given], batchItem.shape)
  return { ...read, ...(ignored && { ignored }) }
}

/** The members of the batch and of its valid items that the API does not know. */
export function ignoredInBatch(batch: Batch): string[] | undefined {
  const ofItems = batch.items.flatMap(({ ignored = [] }) => ignored)
  return ignoredIn([batch, Object.fromEntries(ofItems.map((name) => [name, true]))], { items: true })
}

/** By code of a database refusal: the member of the item that it is about. */
const MEMBER_OF: Partial<Record<Code, keyof BatchItem>> = {
  id_conflict: 'id',
  not_found: 'shift_id',
  forbidden: 'shift_id',
  shift_not_assigned: 'shift_id',
  outside_check_in_window: 'recorded_at',
  recorded_in_future: 'recorded_at',
  too_many_pings: 'recorded_at',
}

/** One answer per item, in order. @param recorded what became of `itemsOf(batch)` */
export const answerBatch = (batch: Batch, recorded: readonly Recorded[]): BatchResult[] =>
  answerItems(batch, recorded, MEMBER_OF, ({ id }, { status, checkin }) => ({ id, status, checkin }))

/**
 * Fast path: returns the database's JSON as the whole response when no item was rejected and each id is spelled as PostgreSQL
 * spells it. Most batches are full and valid, and parsing 500 KB of results would cost as much as parsing the request.
 *
 * @param recorded the JSON of what became of `itemsOf(batch)`
 * @param ignored what `ignoredInBatch` gives
 */
export function answerAsItIs(
  batch: Batch,
  recorded: string,
  ignored: string[] | undefined,
): string | undefined {
  // The results hold only ids, times and fixed words, so a client cannot place this word in them.
  if (recorded.includes('"rejected"')) return undefined
  const isPlain = batch.items.every(({ id, item }) => item && id === id?.toLowerCase())
  if (!isPlain) return undefined
  return `{${ignored ? `"ignored":${JSON.stringify(ignored)},` : ''}"results":${recorded}}`
}
