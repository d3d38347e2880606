import { z } from 'zod'
import { CODES, type Code } from '../../errors/codes.ts'
import { uuid } from '../../http/fields.ts'
import type { Recorded } from './queries.ts'
import { type BatchItem, type BatchResult, batchItem, MAX_BATCH_ITEMS } from './schemas.ts'

/** An item of a batch: what it asks for, or nothing when it is no check-in. */
interface ReadItem {
  /** As the item spells it (a phone that writes it in capitals must find its item by it); null when it has none. */
  id: string | null
  item?: BatchItem
}

/**
 * Items are read one by one, so that a bad one never costs the others. What is no check-in goes no further: neither
 * what it holds, nor how deep that is, reaches anything behind this.
 */
export const checkinBatch = z.strictObject({
  items: z
    .array(
      z
        .unknown()
        .meta({
          ...z.toJSONSchema(z.strictObject(batchItem.shape), { io: 'input' }),
          description: 'A check-in with its `shift_id`.',
        })
        .transform(readItem),
    )
    .max(MAX_BATCH_ITEMS),
})

export type Batch = z.infer<typeof checkinBatch>

function readItem(given: unknown): ReadItem {
  const read = batchItem.safeParse(given)
  return read.success ? { id: read.data.id, item: read.data } : { id: idOf(given) }
}

function idOf(given: unknown): string | null {
  if (typeof given !== 'object' || given === null || !('id' in given)) return null
  return uuid.safeParse(given.id).data ?? null
}

/** What the database is asked about. */
export const itemsOf = (batch: Batch): BatchItem[] => batch.items.flatMap(({ item }) => item ?? [])

/**
 * One answer per item, in order.
 *
 * @param recorded what became of `itemsOf(batch)`
 */
export function answerBatch(batch: Batch, recorded: readonly Recorded[]): BatchResult[] {
  const outcomes = recorded.values()
  return batch.items.map(({ id, item }) => {
    if (!item) return refused(id, 'validation_failed')
    const outcome = outcomes.next().value!
    return outcome.status === 'rejected'
      ? refused(id, outcome.code)
      : { id, status: outcome.status, checkin: outcome.checkin }
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

const refused = (id: string | null, code: Code): BatchResult => ({
  id,
  status: 'rejected',
  code,
  retry: CODES[code].retry,
})
