import { z } from 'zod'
import { CODES, type Code } from '../../platform/http/codes.ts'
import { uuid } from '../../platform/http/fields.ts'
import type { FieldError } from '../../platform/http/problem.ts'
import type { Recorded } from './queries.ts'
import { type BatchItem, type BatchResult, batchItem, ignoredIn, MAX_BATCH_ITEMS } from './schemas.ts'

/** An item of a batch: the check-in that it holds, or no `item` when it is not a valid check-in. */
interface ReadItem {
  /** The id as the item spells it, so that a phone that writes upper case can match its item; null when there is none. */
  id: string | null
  item?: BatchItem
  /** The invalid members, by JSON Pointer into the item. */
  errors?: FieldError[]
  /** The members that the API does not know. */
  ignored?: string[]
}

/** A rejected item lists at most this many invalid fields: a thousand bad items must not make a huge response. */
const MAX_ITEM_ERRORS = 5
/** Messages name unknown members, and a client can send very long names. */
const MAX_MESSAGE_LENGTH = 200

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
          .transform(readItem),
      )
      .max(MAX_BATCH_ITEMS),
  })
  .meta({ id: 'CheckInBatch' })

export type Batch = z.infer<typeof checkinBatch>

function readItem(given: unknown): ReadItem {
  const read = batchItem.safeParse(given)
  if (read.success) {
    const ignored = ignoredIn([given], batchItem.shape)
    return { id: read.data.id, item: read.data, ...(ignored && { ignored }) }
  }
  const errors = read.error.issues.slice(0, MAX_ITEM_ERRORS).map(({ path, message }) => ({
    pointer: path.map((part) => `/${String(part)}`).join(''),
    message: message.slice(0, MAX_MESSAGE_LENGTH),
  }))
  return { id: idOf(given), errors }
}

function idOf(given: unknown): string | null {
  if (typeof given !== 'object' || given === null || !('id' in given)) return null
  return uuid.safeParse(given.id).data ?? null
}

/** The members of the batch and of its valid items that the API does not know. */
export function ignoredInBatch(batch: Batch): string[] | undefined {
  const ofItems = batch.items.flatMap(({ ignored = [] }) => ignored)
  return ignoredIn([batch, Object.fromEntries(ofItems.map((name) => [name, true]))], { items: true })
}

/** The valid items: those that go to the database. */
export const itemsOf = (batch: Batch): BatchItem[] => batch.items.flatMap(({ item }) => item ?? [])

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

/**
 * One answer per item, in order.
 *
 * @param recorded what became of `itemsOf(batch)`
 */
export function answerBatch(batch: Batch, recorded: readonly Recorded[]): BatchResult[] {
  const outcomes = recorded.values()
  return batch.items.map(({ id, item, errors = [] }, position) => {
    const at = `/body/items/${position}`
    if (!item) {
      const located = errors.map(({ pointer, message }) => ({ pointer: at + pointer, message }))
      return refused(id, 'validation_failed', located)
    }
    const outcome = outcomes.next().value!
    if (outcome.status !== 'rejected')
      return { id: item.id, status: outcome.status, checkin: outcome.checkin }
    const { code } = outcome
    const member = MEMBER_OF[code]
    return refused(id, code, member && [{ pointer: `${at}/${member}`, message: CODES[code].title }])
  })
}

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

const refused = (id: string | null, code: Code, errors?: FieldError[]): BatchResult => ({
  id,
  status: 'rejected',
  code,
  retry: CODES[code].retry,
  ...(errors && { errors }),
})
