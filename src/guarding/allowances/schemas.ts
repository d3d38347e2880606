import { z } from 'zod'
import { instant, instantOut, pageQuery, uuid } from '../../platform/http/fields.ts'
import { pageOf } from '../../platform/http/page.ts'
import { ALLOWANCE_KINDS, COMBINATIONS } from './table.ts'

const MAX_NOTICE_HOURS = 14 * 24

const kind = z.enum(ALLOWANCE_KINDS)
const timeOut = z.string().meta({ examples: ['22:00:00'] })
/** `24:00` ends a day. */
const timeOfDay = z
  .string()
  .regex(/^(([01]\d|2[0-3]):[0-5]\d|24:00)$/, 'must be a time of day such as 22:00')
  .meta({ examples: ['22:00'] })

export const allowance = z
  .strictObject({
    id: uuid,
    company_id: uuid,
    kind,
    valid_from: instantOut,
    percent: z.number().nullable(),
    amount_per_hour: z.number().nullable(),
    combination: z.enum(COMBINATIONS),
    window_from: timeOut.nullable(),
    window_to: timeOut.nullable(),
    notice_hours: z.int().nullable(),
    created_at: instantOut,
  })
  .meta({ id: 'Allowance' })
export type Allowance = z.infer<typeof allowance>

export const allowancePage = pageOf(allowance)

export const newAllowance = z
  .strictObject({
    company_id: uuid.optional().meta({ description: "The caller's company when not given." }),
    kind,
    valid_from: instant.optional().meta({
      description:
        'From which planned start on this version is valid, for shifts that are assigned after it was added. Now when not given.',
    }),
    percent: z.number().min(0).max(400).multipleOf(0.01).optional().meta({
      description: 'Percent of the hourly rate. Either this or `amount_per_hour`; 0 ends an allowance.',
    }),
    amount_per_hour: z
      .number()
      .min(0)
      .max(500)
      .multipleOf(0.01)
      .optional()
      .meta({ description: 'Euros per hour.' }),
    combination: z.enum(COMBINATIONS).default('add').meta({
      description:
        '`add`: is paid beside all others. `highest`: of the allowances with this combination, only the one that pays most counts for a moment.',
    }),
    window_from: timeOfDay.optional().meta({
      description: 'For `evening` and `night`: from when on, by the clock of the site.',
    }),
    window_to: timeOfDay.optional().meta({
      description: 'Until when. A window that ends before it begins ends on the next day.',
    }),
    notice_hours: z.int().min(1).max(MAX_NOTICE_HOURS).optional().meta({
      description:
        'For `short_notice`: paid when the shift was assigned less than this before its planned start.',
    }),
  })
  .refine(
    (given) => (given.percent === undefined) !== (given.amount_per_hour === undefined),
    'either percent or amount_per_hour is required',
  )
  .refine((given) => {
    const hasWindow = given.window_from !== undefined && given.window_to !== undefined
    const hasNone = given.window_from === undefined && given.window_to === undefined
    return given.kind === 'evening' || given.kind === 'night'
      ? hasWindow && given.window_from !== given.window_to
      : hasNone
  }, 'evening and night have window_from and window_to, which differ; other kinds have none')
  .refine(
    (given) => (given.notice_hours !== undefined) === (given.kind === 'short_notice'),
    'short_notice has notice_hours; other kinds have none',
  )
  .meta({ id: 'NewAllowance' })
export type NewAllowance = z.infer<typeof newAllowance>

export const allowanceQuery = z.strictObject({
  company_id: uuid.optional(),
  kind: kind.optional(),
  ...pageQuery,
})
export type AllowanceFilter = Omit<z.infer<typeof allowanceQuery>, keyof typeof pageQuery>
