import { z } from 'zod'
import { CODES, type Code } from '../../platform/http/codes.ts'
import { uuid } from '../../platform/http/fields.ts'
import type { FieldError } from '../../platform/http/problem.ts'
import type { Recorded } from './queries.ts'
import { type BatchItem, type BatchResult, batchItem, MAX_BATCH_ITEMS } from './schemas.ts'

/** An item of a batch: what it asks for, or nothing when it is no check-in. */
interface ReadItem {
  /** As the item spells it (a phone that writes it in capitals must find its item by it); null when it has none. */
  id: string | null
  item?: BatchItem
  /** What is wrong with it, by pointers into the item. */
  errors?: FieldError[]
}

/** An item with more wrong fields is told of the first ones: a thousand bad items must not make a huge answer. */
const MAX_ITEM_ERRORS = 5
/** Unknown members are named in a message, and a client may have made up long ones. */
const MAX_MESSAGE_LENGTH = 200

/**
 * Items are read one by one, so that a bad one never costs the others. What is no check-in goes no further: neither
 * what it holds, nor how deep that is, reaches anything behind this.
 */
export const checkinBatch = z
  .strictObject({
    items: z
      .array(
        z
          .unknown()
          .meta({
            ...z.toJSONSchema(z.strictObject(batchItem.shape), { io: 'input' }),
            id: 'BatchCheckIn',
            description: 'A check-in with its `shift_id`.',
          })
          .transform(readItem),
      )
      .max(MAX_BATCH_ITEMS),
  })
  .meta({ id: 'CheckInBatch' })

export type Batch = z.infer<typeof checkinBatch>

function readItem(given: unknown): ReadItem {
  const read = batchItem.safeParse(given)
  if (read.success) return { id: read.data.id, item: read.data }
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

/** What the database is asked about. */
export const itemsOf = (batch: Batch): BatchItem[] => batch.items.flatMap(({ item }) => item ?? [])

/** The member of an item that a refusal of the database is about. */
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
 * The whole answer, where the database's own is it already: none was refused, and each id is spelled as PostgreSQL does. A full
 * batch that is fine is the usual one, and to read and check its 500 KB costs as much as to read what came in.
 *
 * @param recorded the JSON of what became of `itemsOf(batch)`
 */
export function answerAsItIs(batch: Batch, recorded: string): string | undefined {
  // In what was stored there is no text but ids, times and our own words, so nobody can write this one into it.
  if (recorded.includes('"rejected"')) return undefined
  const isPlain = batch.items.every(({ id, item }) => item && id === id?.toLowerCase())
  return isPlain ? `{"results":${recorded}}` : undefined
}

const refused = (id: string | null, code: Code, errors?: FieldError[]): BatchResult => ({
  id,
  status: 'rejected',
  code,
  retry: CODES[code].retry,
  ...(errors && { errors }),
})
