import type { z } from 'zod'
import { CODES, type Code } from './codes.ts'
import { uuid } from './fields.ts'
import type { FieldError } from './problem.ts'

/* Batches that phones send: each item is decided by itself, so that a bad one fails no other and blocks no queue. */

/** An item of a batch: what it holds, or no `item` when it is not valid. */
export interface ReadItem<Item> {
  /** As the item spells it, so that a phone that writes upper case can match its item; null when there is none. */
  id: string | null
  item?: Item
  /** The invalid members, by JSON Pointer into the item. */
  errors?: FieldError[]
}

/** What the database tells of an item that it refused. */
export interface Refusal {
  id: string
  status: 'rejected'
  code: Code
}

/** What the client is told of it, or of one that was not valid. */
export interface RejectedItem {
  id: string | null
  status: 'rejected'
  code: Code
  retry: (typeof CODES)[Code]['retry']
  errors?: FieldError[]
}

/** A rejected item lists at most this many invalid fields: a thousand bad items must not make a huge response. */
const MAX_ITEM_ERRORS = 5
/** Messages name unknown members, and a client can send very long names. */
const MAX_MESSAGE_LENGTH = 200

/** What is not valid by `schema` stops here: its content and its nesting never reach the database. */
export function readItem<Item extends { id: string }>(
  schema: z.ZodType<Item>,
  given: unknown,
): ReadItem<Item> {
  const read = schema.safeParse(given)
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

/** The valid items of a batch: those that go to the database. */
export const itemsOf = <Item>({ items }: { items: readonly ReadItem<Item>[] }): Item[] =>
  items.flatMap(({ item }) => item ?? [])

/**
 * One answer per item, in order.
 *
 * @param recorded what became of `itemsOf(batch)`
 * @param memberOf by code of a database refusal, the member of the item that it is about
 * @param accepted the answer of an item that was not refused
 */
export function answerItems<Item, Kept extends { status: 'created' | 'duplicate' }, Answer>(
  { items }: { items: readonly ReadItem<Item>[] },
  recorded: readonly (Kept | Refusal)[],
  memberOf: Partial<Record<Code, keyof Item & string>>,
  accepted: (item: Item, kept: Kept) => Answer,
): (Answer | RejectedItem)[] {
  const outcomes = recorded.values()
  return items.map(({ id, item, errors = [] }, position) => {
    const at = `/body/items/${position}`
    if (!item) {
      const located = errors.map(({ pointer, message }) => ({ pointer: at + pointer, message }))
      return rejected(id, 'validation_failed', located)
    }
    const outcome = outcomes.next().value!
    if (outcome.status !== 'rejected') return accepted(item, outcome)
    const { code } = outcome
    const member = memberOf[code]
    return rejected(id, code, member && [{ pointer: `${at}/${member}`, message: CODES[code].title }])
  })
}

const rejected = (id: string | null, code: Code, errors?: FieldError[]): RejectedItem => ({
  id,
  status: 'rejected',
  code,
  retry: CODES[code].retry,
  ...(errors && { errors }),
})
