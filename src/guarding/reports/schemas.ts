import { z } from 'zod'
import { day, pageQuery, uuid } from '../../platform/http/fields.ts'
import { pageOf } from '../../platform/http/page.ts'

const month = z.iso.date().meta({ description: 'The first day of the month.', examples: ['2026-11-01'] })
const currency = z.literal('EUR')
const count = z.int().min(0)

const months = {
  from: day.optional().meta({ description: 'The month of this day, and later ones.' }),
  to: day.optional().meta({ description: 'The month of this day, and earlier ones.' }),
}

const earnings = z
  .strictObject({
    id: uuid,
    company_id: uuid,
    professional_id: uuid,
    month: month.meta({ description: 'The month in which the pay periods of the statements ended.' }),
    currency,
    statements: count.meta({ description: 'How many, with credit notes and what replaces an invoice.' }),
    paid_seconds: z.number(),
    gross: z.number(),
    deductions: z.number(),
    net: z.number(),
    vat_amount: z.number(),
    total: z.number(),
    payable: z.number().meta({ description: 'The sum of what the statements paid.' }),
  })
  .meta({ id: 'EarningsOfMonth' })
export type Earnings = z.infer<typeof earnings>
export const earningsPage = pageOf(earnings)

export const earningsQuery = z.strictObject({
  ...months,
  company_id: uuid.optional(),
  professional_id: uuid.optional(),
  ...pageQuery,
})
export type EarningsFilter = Omit<z.infer<typeof earningsQuery>, keyof typeof pageQuery>

const hours = z
  .strictObject({
    id: uuid,
    company_id: uuid,
    client_id: uuid,
    location_id: uuid,
    month: month.meta({ description: 'The month of the planned starts, by the clocks of the sites.' }),
    currency,
    timesheets: count.meta({
      description: 'How many timesheets are approved or locked: the sums are theirs.',
    }),
    open_timesheets: count.meta({ description: 'How many timesheets are proposed or disputed.' }),
    worked_seconds: z.number(),
    paid_seconds: z.number(),
    total: z.number().meta({ description: 'What these hours pay, with adjustments.' }),
  })
  .meta({ id: 'HoursOfMonth' })
export type Hours = z.infer<typeof hours>
export const hoursPage = pageOf(hours)

export const hoursQuery = z.strictObject({
  ...months,
  company_id: uuid.optional(),
  client_id: uuid.optional(),
  location_id: uuid.optional(),
  ...pageQuery,
})
export type HoursFilter = Omit<z.infer<typeof hoursQuery>, keyof typeof pageQuery>
