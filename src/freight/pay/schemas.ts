import { z } from 'zod'
import { day, instantOut, pageQuery, queryFlag, text, uuid } from '../../platform/http/fields.ts'
import { pageOf } from '../../platform/http/page.ts'
import { carrierId, currency, decimal, distanceUnit, MAX_MONEY } from '../fields.ts'
import { PAY_KINDS, PAYMENT_STATUSES, PAYMENT_TYPES } from './table.ts'

/** A tenth of what `numeric(14,4)` holds: more than any distance, time or sum of money here. */
const MAX_QUANTITY = 999_999_999.9999
/** What `numeric(10,4)` holds. */
const MAX_RATE = 999_999.9999
const MAX_EXPLANATION = 500
const MAX_PERCENTAGE = 100

const dayOut = z.iso.date()
const money = (description: string) => z.number().meta({ description })

const driverId = uuid.meta({ description: 'The driver.' })
const organizationId = uuid.meta({ description: 'The carrier.' })
const type = z.enum(PAYMENT_TYPES).meta({
  description:
    'What the payment is for. `linehaul_per_distance`, `linehaul_percentage`, `total_percentage` and `flat` pay for driving a load: there is one of them for each load and driver. `advance` and `deduction` are taken off.',
})
const status = z.enum(PAYMENT_STATUSES).meta({
  description:
    'What became of the money: `pending`, `processing`, then `completed` or `failed`; a failed one is tried again, and a completed one may be `refunded`.',
})
const explanation = text(1, MAX_EXPLANATION).meta({
  description: 'What the driver reads on the statement.',
  examples: ['Detention in Detroit'],
})

const payKind = z.enum(PAY_KINDS).meta({
  description:
    'How a delivered load pays the driver: `per_distance` (for each mile or kilometer), `percentage` (of what the load pays), `flat` (for each load). Only the field of the kind is set.',
})
const FIELD_OF_KIND = {
  per_distance: 'pay_per_distance',
  percentage: 'pay_percentage',
  flat: 'pay_flat',
} as const
const perDistance = { description: 'What a mile or a kilometer pays, as `distance_unit` says.' }
const percentage = { description: 'From 0 to 100, of what the load pays, in its currency.' }
const flat = { description: 'What each load pays.' }
const termsCurrency = currency.meta({
  description:
    'Of `pay_per_distance` and `pay_flat`, and the default for payments and deductions of the driver; an ISO 4217 code.',
})
const termsUnit = distanceUnit.meta({ description: 'The unit of `pay_per_distance`: miles or kilometers.' })

export const driverPayTerms = z
  .strictObject({
    organization_id: organizationId,
    driver_id: driverId,
    pay_kind: payKind,
    pay_per_distance: z.number().nullable().meta(perDistance),
    pay_percentage: z.number().nullable().meta(percentage),
    pay_flat: z.number().nullable().meta(flat),
    currency: termsCurrency,
    distance_unit: termsUnit,
    created_at: instantOut,
    updated_at: instantOut,
  })
  .meta({ id: 'DriverPayTerms' })
export type DriverPayTerms = z.infer<typeof driverPayTerms>

export const newDriverPayTerms = z
  .strictObject({
    pay_kind: payKind,
    pay_per_distance: decimal(MAX_RATE, 4).nullable().default(null).meta(perDistance),
    pay_percentage: decimal(MAX_PERCENTAGE, 2).nullable().default(null).meta(percentage),
    pay_flat: decimal(MAX_MONEY, 2).nullable().default(null).meta(flat),
    currency: termsCurrency.default('USD'),
    distance_unit: termsUnit.default('mi'),
  })
  .refine(
    (given) =>
      Object.entries(FIELD_OF_KIND).every(
        ([kind, field]) => (given[field] !== null) === (kind === given.pay_kind),
      ),
    { path: ['pay_kind'], message: 'needs the field of its kind, and no other' },
  )
  .meta({ id: 'NewDriverPayTerms' })
export type NewDriverPayTerms = z.infer<typeof newDriverPayTerms>

export const driverPayment = z
  .strictObject({
    id: uuid,
    organization_id: organizationId,
    driver_id: driverId,
    load_id: uuid.nullable(),
    deduction_id: uuid.nullable().meta({ description: 'The recurring deduction that made this payment.' }),
    statement_id: uuid.nullable().meta({ description: 'The statement that settled this payment.' }),
    type,
    amount: money('Below zero for an `advance` and a `deduction`.'),
    currency,
    quantity: z.number().nullable().meta({
      description: 'Such as miles or hours, or the money of which `rate` is a percentage.',
    }),
    rate: z.number().nullable().meta({
      description:
        'What one of `quantity` pays, or a percentage: `amount` is the product, half up to the cent.',
    }),
    explanation: z.string(),
    earned_on: dayOut.meta({
      description:
        'The local day of the delivery, or the day for which the office put the payment on record.',
    }),
    status: status.meta({ description: 'The status of the statement; `pending` before there is one.' }),
    is_automatic: z.boolean().meta({ description: 'Whether a rule made the payment, and not the office.' }),
    created_at: instantOut,
    updated_at: instantOut,
  })
  .meta({ id: 'DriverPayment' })
export type DriverPayment = z.infer<typeof driverPayment>
export const driverPaymentPage = pageOf(driverPayment)

export const newDriverPayment = z
  .strictObject({
    driver_id: driverId,
    load_id: uuid.optional().meta({
      description:
        'A load that the driver has or had. Required but for `flat`, `fuel`, `advance` and `deduction`.',
    }),
    type,
    amount: decimal(MAX_MONEY, 2).optional().meta({
      description:
        'Without the sign: an `advance` of 200 is stored as −200. Left out where `quantity` and `rate` are given.',
    }),
    quantity: decimal(MAX_QUANTITY, 4).optional(),
    rate: decimal(MAX_RATE, 4).optional().meta({
      description: 'What one of `quantity` pays; from 0 to 100 for a percentage.',
    }),
    currency: currency.optional().meta({
      description:
        'The default is the currency of the pay terms of the driver; `USD` for a driver who has none.',
    }),
    explanation,
    earned_on: day.meta({
      description: 'The payment is on the first statement whose period ends on this day or later.',
    }),
  })
  .refine(
    (given) => (given.quantity === undefined) === (given.rate === undefined),
    'quantity and rate are given together',
  )
  .refine(
    (given) => (given.amount === undefined) === (given.rate !== undefined),
    'either amount, or quantity and rate',
  )
  .refine((given) => given.rate !== undefined || !isPercentage(given.type), {
    path: ['rate'],
    message: 'a percentage has quantity and rate',
  })
  .refine((given) => !isPercentage(given.type) || (given.rate ?? 0) <= MAX_PERCENTAGE, {
    path: ['rate'],
    message: 'must be at most 100',
  })
  .refine((given) => given.load_id !== undefined || isWithoutLoad(given.type), {
    path: ['load_id'],
    message: 'is required for this type',
  })
  .refine((given) => !isDeduction(given.type) || given.amount !== 0, {
    path: ['amount'],
    message: 'must be above zero',
  })
  .meta({ id: 'NewDriverPayment' })
export type NewDriverPayment = z.infer<typeof newDriverPayment>

type PaymentType = (typeof PAYMENT_TYPES)[number]
const isPercentage = (given: PaymentType): boolean =>
  given === 'linehaul_percentage' || given === 'total_percentage'
const isDeduction = (given: PaymentType): boolean => given === 'advance' || given === 'deduction'
const isWithoutLoad = (given: PaymentType): boolean =>
  given === 'flat' || given === 'fuel' || isDeduction(given)

export const driverPaymentQuery = z.strictObject({
  driver_id: uuid.optional(),
  load_id: uuid.optional(),
  statement_id: uuid.optional(),
  unsettled_only: queryFlag.default(false).meta({ description: 'Only payments that no statement has yet.' }),
  ...pageQuery,
})
export type DriverPaymentFilter = Omit<z.infer<typeof driverPaymentQuery>, keyof typeof pageQuery>

const statementMembers = {
  id: uuid,
  organization_id: organizationId,
  driver_id: driverId,
  number: z.int().meta({ description: 'Of this carrier: 1, 2, 3, without a gap.' }),
  first_day: dayOut.meta({ description: 'The first day of the period.' }),
  last_day: dayOut.meta({ description: 'The last day: the statement has what was earned until then.' }),
  currency: currency.meta({ description: 'Of every amount of the statement.' }),
  gross: money('The sum of the payments above zero.'),
  deductions: money('The sum of the payments below zero, without the sign.'),
  net: money('`gross` − `deductions`.'),
  carried_in: money('What the statement before left below zero; 0 or less.'),
  payable: money('What is owed now: `carried_in` + `net` where that is above zero.'),
  carried_out: money('What the next statement begins with: `carried_in` + `net` where that is below zero.'),
  status: status.meta({
    description:
      'What became of the money, as the office says it. A statement that pays nothing is `completed` as it is made.',
  }),
  created_at: instantOut,
  updated_at: instantOut,
}
export const driverStatement = z.strictObject(statementMembers).meta({ id: 'DriverStatement' })
export type DriverStatement = z.infer<typeof driverStatement>
export const driverStatementPage = pageOf(driverStatement)

export const driverStatementDetail = z
  .strictObject({
    ...statementMembers,
    lines: z
      .array(driverPayment)
      .meta({ description: 'The payments that it settles, by the day on which they were earned.' }),
  })
  .meta({ id: 'DriverStatementDetail' })
export type DriverStatementDetail = z.infer<typeof driverStatementDetail>

export const driverStatementQuery = z.strictObject({
  driver_id: uuid.optional(),
  status: z.enum(PAYMENT_STATUSES).optional(),
  ...pageQuery,
})
export type DriverStatementFilter = Omit<z.infer<typeof driverStatementQuery>, keyof typeof pageQuery>

export const settlement = z
  .strictObject({
    organization_id: carrierId.meta({
      description: 'The carrier. Admins must send it; for the office, its own carrier is the default.',
    }),
    driver_id: uuid.optional().meta({ description: 'Only what is owed to this driver.' }),
    first_day: day.meta({ description: 'The first day of the period.' }),
    last_day: day.meta({
      description: 'The last day; what was earned on it or before, and no statement has, is settled.',
    }),
  })
  .refine((given) => given.first_day <= given.last_day, {
    path: ['last_day'],
    message: 'must not be before first_day',
  })
  .meta({ id: 'DriverSettlement' })
export type Settlement = z.infer<typeof settlement>

export const settledStatements = z
  .strictObject({
    items: z.array(driverStatement).meta({
      description: 'The statements that were made, by number: none where nothing was unsettled.',
    }),
  })
  .meta({ id: 'SettledStatements' })

export const statementStep = z
  .strictObject({
    status: z.enum(['processing', 'completed', 'failed', 'refunded']).meta({
      description:
        'The next status: `processing` from pending or failed, `completed` or `failed` from processing, `refunded` from completed.',
    }),
  })
  .meta({ id: 'DriverStatementStep' })
export type StatementStep = z.infer<typeof statementStep>

const validFrom = day.meta({ description: 'The first day of a period from which on it is taken.' })
const validUntil = day.nullable().meta({
  description:
    'The last day, or null for no end. One that lies before `valid_from` takes the deduction back before it was ever taken.',
})

export const driverDeduction = z
  .strictObject({
    id: uuid,
    organization_id: organizationId,
    driver_id: driverId,
    amount: money('What is taken off each statement.'),
    currency,
    explanation: z.string(),
    valid_from: dayOut,
    valid_until: dayOut.nullable(),
    created_at: instantOut,
    updated_at: instantOut,
  })
  .meta({ id: 'DriverDeduction' })
export type DriverDeduction = z.infer<typeof driverDeduction>
export const driverDeductionPage = pageOf(driverDeduction)

export const newDriverDeduction = z
  .strictObject({
    driver_id: driverId,
    amount: decimal(MAX_MONEY, 2)
      .refine((value) => value > 0, 'must be above zero')
      .meta({ description: 'What is taken off each statement, without the sign.', examples: [85] }),
    currency: currency.optional().meta({
      description:
        'The default is the currency of the pay terms of the driver; `USD` for a driver who has none.',
    }),
    explanation: text(1, MAX_EXPLANATION).meta({ examples: ['Trailer lease'] }),
    valid_from: validFrom,
    valid_until: validUntil.default(null),
  })
  .meta({ id: 'NewDriverDeduction' })
export type NewDriverDeduction = z.infer<typeof newDriverDeduction>

export const driverDeductionChange = z
  .strictObject({ valid_until: validUntil })
  .meta({ id: 'DriverDeductionChange' })
export type DriverDeductionChange = z.infer<typeof driverDeductionChange>

export const driverDeductionQuery = z.strictObject({ driver_id: uuid.optional(), ...pageQuery })
export type DriverDeductionFilter = Omit<z.infer<typeof driverDeductionQuery>, keyof typeof pageQuery>

const count = z.int().min(0)

const driverEarnings = z
  .strictObject({
    id: uuid,
    organization_id: organizationId,
    driver_id: driverId,
    month: z.iso.date().meta({
      description: 'The first day of the month in which the periods of the statements ended.',
      examples: ['2026-11-01'],
    }),
    currency,
    statements: count,
    loads: count.meta({ description: 'How many loads they pay for.' }),
    gross: z.number(),
    deductions: z.number(),
    net: z.number(),
    payable: z.number().meta({ description: 'The sum of what the statements paid.' }),
  })
  .meta({ id: 'DriverEarningsOfMonth' })
export type DriverEarnings = z.infer<typeof driverEarnings>
export const driverEarningsPage = pageOf(driverEarnings)

export const driverEarningsQuery = z.strictObject({
  from: day.optional().meta({ description: 'The month of this day, and later ones.' }),
  to: day.optional().meta({ description: 'The month of this day, and earlier ones.' }),
  driver_id: uuid.optional(),
  ...pageQuery,
})
export type DriverEarningsFilter = Omit<z.infer<typeof driverEarningsQuery>, keyof typeof pageQuery>
