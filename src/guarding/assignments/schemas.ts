import { z } from 'zod'
import { instantOut, pageQuery, queryFlag, uuid } from '../../platform/http/fields.ts'
import { pageOf } from '../../platform/http/page.ts'
import { ASSIGNMENT_ENDINGS, ASSIGNMENT_FLAGS } from './table.ts'

export const assignment = z
  .strictObject({
    id: uuid,
    company_id: uuid,
    shift_id: uuid,
    professional_id: uuid,
    begun_at: instantOut.meta({ description: 'When the shift was assigned.' }),
    ended_at: instantOut
      .nullable()
      .meta({ description: 'When the assignment ended; null while it is in force.' }),
    ended_as: z.enum(ASSIGNMENT_ENDINGS).nullable().meta({
      description:
        'How the assignment ended. `stopped` means that the company cancelled the shift after work had begun; `cancelled` means before.',
    }),
    start_datetime: instantOut.meta({
      description:
        'The planned start, as it was when the assignment ended; as it is while the assignment is in force.',
    }),
    end_datetime: instantOut.meta({ description: 'The planned end, likewise.' }),
    hourly_rate: z.number().meta({ description: 'The agreed hourly rate in euros.' }),
    overtime_rate: z
      .number()
      .meta({ description: 'The agreed factor on the hourly rate for time worked after the planned end.' }),
    radius_meters: z.int().meta({
      description: 'The radius of the site by which check-ins of this assignment are judged, in meters.',
    }),
    late_after_minutes: z
      .int()
      .meta({ description: "The company's term, as it was when the shift was assigned." }),
    auto_close_minutes: z.int(),
    minimum_minutes: z.int().meta({
      description: 'What is paid at least when the company cancels the shift while it is active, in minutes.',
    }),
    give_back_minutes: z.int(),
    delivery_days: z.int(),
    overtime_tolerance_minutes: z.int(),
    plan_tolerance_minutes: z.int(),
    approve_after_days: z.int(),
    dispute_days: z.int(),
    moved_at: instantOut
      .nullable()
      .meta({ description: 'When the company last changed the times or the place of the assigned shift.' }),
    auto_closed_at: instantOut.nullable().meta({
      description: 'When the shift was closed because nobody had clocked out.',
    }),
    flags: z.array(z.enum(ASSIGNMENT_FLAGS)).meta({
      description:
        'What a person should look at. `outside`: work ended by a clock_out outside the site. `imprecise`: a clock event with an accuracy over 100 m. `overdue`: a clock event that arrived too late to count by itself. `conflict`: events that cannot all be true, or that arrived after a correction was decided on. `corrected`: a correction is in effect. `late`: no clock_in in time. `auto_closed`: nobody clocked out.',
    }),
    created_at: instantOut,
    updated_at: instantOut,
  })
  .meta({ id: 'Assignment' })

export type Assignment = z.infer<typeof assignment>

export const assignmentPage = pageOf(assignment)

export const assignmentQuery = z.strictObject({
  shift_id: uuid.optional(),
  professional_id: uuid.optional(),
  in_force: queryFlag
    .optional()
    .meta({ description: 'Only assignments that are in force, or only those that have ended.' }),
  ...pageQuery,
})

export type AssignmentFilter = Omit<z.infer<typeof assignmentQuery>, keyof typeof pageQuery>
