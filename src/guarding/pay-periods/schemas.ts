import { z } from 'zod'
import { day, instantOut, pageQuery, text, uuid } from '../../platform/http/fields.ts'
import { pageOf } from '../../platform/http/page.ts'
import { PAY_PERIOD_LENGTHS, PAY_PERIOD_STATES } from './table.ts'

const dayOut = z.iso.date()
const length = z.enum(PAY_PERIOD_LENGTHS).meta({
  description:
    '`week`: from Monday to Sunday. `four_weeks`: thirteen in an ISO year, of which the last one has week 53 where there is one. `month`: a calendar month.',
})
const timeZone = text(1, 64).meta({
  description: 'The IANA name of the zone in which the days of pay periods begin and end.',
  examples: ['Europe/Amsterdam'],
})

export const payTerms = z
  .strictObject({
    id: uuid,
    company_id: uuid,
    valid_from: dayOut,
    period: length,
    time_zone: timeZone,
    created_at: instantOut,
  })
  .meta({ id: 'PayTerms' })
export type PayTerms = z.infer<typeof payTerms>
export const payTermsPage = pageOf(payTerms)

export const newPayTerms = z
  .strictObject({
    company_id: uuid.optional().meta({ description: "The caller's company when not given." }),
    valid_from: day.optional().meta({
      description:
        'From which day on pay periods begin under these terms; periods that are there already keep their days. Today (UTC) when not given.',
    }),
    period: length,
    time_zone: timeZone.default('Europe/Amsterdam'),
  })
  .meta({ id: 'NewPayTerms' })
export type NewPayTerms = z.infer<typeof newPayTerms>

export const payTermsQuery = z.strictObject({ company_id: uuid.optional(), ...pageQuery })
export type PayTermsFilter = Omit<z.infer<typeof payTermsQuery>, keyof typeof pageQuery>

const state = z.enum(PAY_PERIOD_STATES)

export const payPeriod = z
  .strictObject({
    id: uuid,
    company_id: uuid,
    period: length,
    time_zone: timeZone,
    first_day: dayOut,
    last_day: dayOut,
    starts_at: instantOut,
    ends_at: instantOut.meta({ description: 'The first moment after the last day.' }),
    state: state.meta({
      description: '`closed`: its timesheets are locked, and its statements are made. Neither ever changes.',
    }),
    closed_at: instantOut.nullable(),
    closed_by: uuid.nullable(),
    created_at: instantOut,
    updated_at: instantOut,
  })
  .meta({ id: 'PayPeriod' })
export type PayPeriod = z.infer<typeof payPeriod>
export const payPeriodPage = pageOf(payPeriod)

export const payPeriodQuery = z.strictObject({
  company_id: uuid.optional(),
  state: state.optional(),
  ...pageQuery,
})
export type PayPeriodFilter = Omit<z.infer<typeof payPeriodQuery>, keyof typeof pageQuery>
