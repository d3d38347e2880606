import type { Code } from '../../errors/codes.ts'
import { codeOf } from '../../errors/sqlstate.ts'
import { uuid } from '../../http/fields.ts'
import type { Recorded } from './queries.ts'
import { type BatchItem, type BatchResult, batchItem } from './schemas.ts'

/** The items that the database is asked about; `results` has an answer for each of the others, and holes for these. */
export interface ReadBatch {
  items: BatchItem[]
  results: (BatchResult | undefined)[]
}

/** Looks at each item by itself: what is none at all is rejected and costs the others nothing. */
export function readBatch(given: readonly unknown[]): ReadBatch {
  const items: BatchItem[] = []
  const results = given.map((item) => {
    const read = batchItem.safeParse(item)
    if (!read.success) return rejected(idOf(item), 'validation_failed')
    items.push(read.data)
    return undefined
  })
  return { items, results }
}

/** Fills the holes, in order. */
export function answerBatch(batch: ReadBatch, recorded: readonly Recorded[]): BatchResult[] {
  const answers = batch.items.map(({ id }, nth) => answerItem(id, recorded[nth]!)).values()
  return batch.results.map((result) => result ?? answers.next().value!)
}

/** The id is the item's own spelling: a phone that writes it in capitals must find its item by it. */
function answerItem(id: string, recorded: Recorded): BatchResult {
  if (recorded.status === 'rejected') return rejected(id, codeOfRefusal(recorded))
  return { id, status: recorded.status, checkin: recorded.checkin }
}

export const codeOfRefusal = (refused: { sqlstate: string; constraint: string | null }): Code =>
  codeOf({ sqlstate: refused.sqlstate, constraint: refused.constraint ?? undefined })

const rejected = (id: string | null, code: Code): BatchResult => ({ id, status: 'rejected', code })

function idOf(item: unknown): string | null {
  if (typeof item !== 'object' || item === null || !('id' in item)) return null
  return uuid.safeParse(item.id).data ?? null
}
