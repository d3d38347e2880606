import { z } from 'zod'
import { CODES, type Code } from '../../platform/http/codes.ts'
import { uuid } from '../../platform/http/fields.ts'
import type { FieldError } from '../../platform/http/problem.ts'
import type { Recorded } from './queries.ts'
import { type BatchResult, MAX_BATCH_ITEMS, type NewDutyStatus, newDutyStatus } from './schemas.ts'

/** An item of a batch: the entry that it holds, or no `item` when it is not a valid entry. */
interface ReadItem {
  /** As the item spells it, so that a phone that writes upper case can match its item; null when there is none. */
  id: string | null
  item?: NewDutyStatus
  /** The invalid members, by JSON Pointer into the item. */
  errors?: FieldError[]
}

/** A batch of bad items must not make a huge response. */
const MAX_ITEM_ERRORS = 5
/** Messages name unknown members, and a client can send very long names. */
const MAX_MESSAGE_LENGTH = 200

/** Validates each item by itself, so that a bad item never fails the others, nor blocks the queue of a phone. */
export const dutyBatch = z
  .object({
    items: z
      .array(
        z
          .unknown()
          .meta({
            ...z.toJSONSchema(newDutyStatus, { io: 'input' }),
            id: 'NewDutyStatus',
            description: 'A status that began.',
          })
          .transform(readItem),
      )
      .max(MAX_BATCH_ITEMS),
  })
  .meta({ id: 'DutyStatusBatch' })

type Batch = z.infer<typeof dutyBatch>

function readItem(given: unknown): ReadItem {
  const read = newDutyStatus.safeParse(given)
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

/** The valid items: those that go to the database. */
export const itemsOf = ({ items }: Batch): NewDutyStatus[] => items.flatMap(({ item }) => item ?? [])

/** By code of a refusal: the member of the item that it is about. */
const MEMBER_OF: Partial<Record<Code, keyof NewDutyStatus>> = {
  duty_in_future: 'recorded_at',
  duty_id_conflict: 'id',
  too_many_duty_changes: 'began_at',
}

/**
 * One answer per item, in order.
 *
 * @param recorded what became of `itemsOf(batch)`
 */
export function answerBatch({ items }: Batch, recorded: readonly Recorded[]): BatchResult[] {
  const outcomes = recorded.values()
  return items.map(({ id, item, errors = [] }, position) => {
    const at = `/body/items/${position}`
    if (!item) {
      const located = errors.map(({ pointer, message }) => ({ pointer: at + pointer, message }))
      return refused(id, 'validation_failed', located)
    }
    const outcome = outcomes.next().value!
    if (outcome.status !== 'rejected') return { id: item.id, status: outcome.status }
    const { code } = outcome
    const member = MEMBER_OF[code]
    return refused(id, code, member && [{ pointer: `${at}/${member}`, message: CODES[code].title }])
  })
}

const refused = (id: string | null, code: Code, errors?: FieldError[]): BatchResult => ({
  id,
  status: 'rejected',
  code,
  retry: CODES[code].retry,
  ...(errors && { errors }),
})
