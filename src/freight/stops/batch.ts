import { z } from 'zod'
import { answerItems } from '../../platform/http/batch.ts'
import type { Code } from '../../platform/http/codes.ts'
import { readPosition } from '../../platform/positions/batch.ts'
import { MAX_BATCH_ITEMS } from '../../platform/positions/item.ts'
import type { Recorded } from './queries.ts'
import { type BatchResult, NEW_STOP_EVENT_MEMBERS, type NewStopEvent, newStopEvent } from './schemas.ts'

/** Each item is validated by itself. */
export const stopEventBatch = z
  .looseObject({
    items: z
      .array(
        z
          .unknown()
          .meta({
            ...z.toJSONSchema(newStopEvent, { io: 'input' }),
            id: 'NewStopEvent',
            description: 'What the phone of a driver reports.',
          })
          .transform((given) => readPosition(newStopEvent, NEW_STOP_EVENT_MEMBERS, given)),
      )
      .max(MAX_BATCH_ITEMS),
  })
  .meta({ id: 'StopEventBatch' })

export type Batch = z.infer<typeof stopEventBatch>

/** By code of a refusal: the member of the item that it is about. */
const MEMBER_OF: Partial<Record<Code, keyof NewStopEvent>> = {
  id_conflict: 'id',
  load_not_driven: 'recorded_at',
  outside_load_window: 'recorded_at',
  recorded_in_future: 'recorded_at',
  too_many_stop_events: 'recorded_at',
}

/** One answer per item, in order. @param recorded what became of `itemsOf(batch)` */
export const answerBatch = (batch: Batch, recorded: readonly Recorded[]): BatchResult[] =>
  answerItems(batch, recorded, MEMBER_OF, ({ id }, { status, verdict, counts }) => ({
    id,
    status,
    ...(verdict && { verdict }),
    counts,
  }))
