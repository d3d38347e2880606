import { z } from 'zod'
import { answerItems } from '../../platform/http/batch.ts'
import type { Code } from '../../platform/http/codes.ts'
import { readPosition } from '../../platform/positions/batch.ts'
import type { Recorded } from './queries.ts'
import { type BatchItem, type BatchResult, batchItem, MAX_BATCH_ITEMS } from './schemas.ts'

/** Each item is validated by itself. */
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
          .transform((given) => readPosition(batchItem, batchItem.shape, given)),
      )
      .max(MAX_BATCH_ITEMS),
  })
  .meta({ id: 'CheckInBatch' })

export type Batch = z.infer<typeof checkinBatch>

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
