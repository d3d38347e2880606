import { z } from 'zod'
import { instant, instantOut, pageQuery, text, uuid } from '../../platform/http/fields.ts'
import { pageOf } from '../../platform/http/page.ts'
import { CORRECTION_CHANGES, CORRECTION_SIDES, CORRECTION_STATES } from './table.ts'

const kind = z.enum(['clock_in', 'break_start', 'break_end', 'clock_out'])

export const correction = z
  .strictObject({
    id: uuid,
    company_id: uuid,
    shift_id: uuid,
    assignment_id: uuid,
    professional_id: uuid,
    event_id: uuid.meta({
      description:
        'The corrected event: the id of a check-in, or of the correction that added the event. A correction of the change `happened` adds an event with its own id.',
    }),
    change: z.enum(CORRECTION_CHANGES).meta({
      description:
        '`another_time`: the event was at `becomes_at`. `never_happened`: the event does not count. `happened`: something happened at `becomes_at` of which there is no event.',
    }),
    kind,
    was_at: instantOut.nullable().meta({
      description:
        'The time at which the event counted when the correction was proposed; null if it did not.',
    }),
    becomes_at: instantOut
      .nullable()
      .meta({ description: 'The time that the event gets; null for `never_happened`.' }),
    reason: z.string(),
    proposed_by: uuid.meta({ description: 'The user who proposed or imposed the correction.' }),
    proposed_as: z.enum(CORRECTION_SIDES),
    state: z.enum(CORRECTION_STATES).meta({
      description:
        '`proposed`: the other side has not decided yet. `accepted` and `imposed` (by an admin) are in effect. Of several that are in effect for one event, the last decision counts.',
    }),
    decided_by: uuid.nullable(),
    decided_at: instantOut.nullable(),
    created_at: instantOut,
    updated_at: instantOut,
  })
  .meta({ id: 'Correction' })

export type Correction = z.infer<typeof correction>

export const correctionPage = pageOf(correction)

const reason = text(1, 1_000).meta({ description: 'Why. Both sides read it.' })
const event_id = uuid.meta({
  description: 'The id of a check-in of the assignment, or of a correction in effect that added an event.',
})

export const newCorrection = z
  .discriminatedUnion('change', [
    z.strictObject({ change: z.literal('another_time'), event_id, becomes_at: instant, reason }),
    z.strictObject({ change: z.literal('never_happened'), event_id, reason }),
    z.strictObject({ change: z.literal('happened'), kind, becomes_at: instant, reason }),
  ])
  .meta({ id: 'NewCorrection' })

export type NewCorrection = z.infer<typeof newCorrection>

export const correctionQuery = z.strictObject({
  assignment_id: uuid.optional(),
  shift_id: uuid.optional(),
  professional_id: uuid.optional(),
  state: z.enum(CORRECTION_STATES).optional(),
  ...pageQuery,
})

export type CorrectionFilter = Omit<z.infer<typeof correctionQuery>, keyof typeof pageQuery>
