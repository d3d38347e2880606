import { z } from 'zod'
import { answerItems, readItem } from '../../platform/http/batch.ts'
import type { Code } from '../../platform/http/codes.ts'
import type { Recorded } from './queries.ts'
import { type BatchResult, MAX_BATCH_ITEMS, type NewDutyStatus, newDutyStatus } from './schemas.ts'

/** Each item is validated by itself. */
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
          .transform((given) => readItem(newDutyStatus, given)),
      )
      .max(MAX_BATCH_ITEMS),
  })
  .meta({ id: 'DutyStatusBatch' })

/** By code of a refusal: the member of the item that it is about. */
const MEMBER_OF: Partial<Record<Code, keyof NewDutyStatus>> = {
  duty_in_future: 'recorded_at',
  duty_id_conflict: 'id',
  too_many_duty_changes: 'began_at',
}

/** One answer per item, in order. @param recorded what became of `itemsOf(batch)` */
export const answerBatch = (batch: z.infer<typeof dutyBatch>, recorded: readonly Recorded[]): BatchResult[] =>
  answerItems(batch, recorded, MEMBER_OF, ({ id }, { status }) => ({ id, status }))
