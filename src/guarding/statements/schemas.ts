import { z } from 'zod'
import { day, instantOut, pageQuery, text, uuid } from '../../platform/http/fields.ts'
import { pageOf } from '../../platform/http/page.ts'
import { LINE_KINDS } from '../timesheets/table.ts'
import { STATEMENT_KINDS, VAT_EXEMPTIONS } from './table.ts'

const dayOut = z.iso.date()
const currency = z.literal('EUR')
const money = (description: string) => z.number().meta({ description })
const percent = (max: number, description: string) =>
  z.number().min(0).max(max).multipleOf(0.01).meta({ description })

const vatExemption = z.enum(VAT_EXEMPTIONS).meta({
  description:
    'Why no VAT is charged. `small_business`: the scheme for small enterprises. `reverse_charge`: the company owes the VAT. `not_registered`: the guard has stated nothing about VAT.',
})

const taxMembers = {
  vat_rate: z.number().meta({ description: 'In percent of the gross.' }),
  vat_exemption: vatExemption.nullable(),
  vat_number: z.string().nullable(),
  deduction_percent: z
    .number()
    .meta({ description: 'The percentage of the gross that is withheld from what is paid.' }),
  deduction_reason: z.string().nullable(),
}

export const taxTerms = z
  .strictObject({
    id: uuid,
    professional_id: uuid,
    valid_from: dayOut,
    ...taxMembers,
    created_at: instantOut,
  })
  .meta({ id: 'TaxTerms' })
export type TaxTerms = z.infer<typeof taxTerms>
export const taxTermsPage = pageOf(taxTerms)

/** What the tables' checks hold, too. */
const MAX_VAT_RATE = 50

export const newTaxTerms = z
  .strictObject({
    professional_id: uuid.optional().meta({ description: "The caller's own when not given." }),
    valid_from: day.optional().meta({
      description:
        'A statement has the version with the newest `valid_from` that had come on the last day of its period. Today (UTC) when not given.',
    }),
    vat_rate: percent(MAX_VAT_RATE, 'In percent of the gross; 0 with an exemption.'),
    vat_exemption: vatExemption.optional(),
    vat_number: z
      .string()
      .regex(/^[A-Z]{2}[0-9A-Z+*]{2,13}$/, 'must be a VAT number such as NL123456789B01')
      .optional()
      .meta({ description: 'Required where VAT is charged, and with `reverse_charge`.' }),
    deduction_percent: percent(
      100,
      'The percentage of the gross that is withheld from what is paid. Only admins may state more than 0.',
    ).optional(),
    deduction_reason: text(1, 200).optional(),
  })
  .refine((given) => given.vat_exemption === undefined || given.vat_rate === 0, 'an exemption has vat_rate 0')
  .refine(
    (given) =>
      given.vat_number !== undefined || (given.vat_rate === 0 && given.vat_exemption !== 'reverse_charge'),
    'vat_number is required where VAT is charged, and with reverse_charge',
  )
  .refine(
    (given) => (given.deduction_percent ?? 0) > 0 === (given.deduction_reason !== undefined),
    'a deduction has a reason, and a reason a deduction',
  )
  .meta({ id: 'NewTaxTerms' })
export type NewTaxTerms = z.infer<typeof newTaxTerms>

export const taxTermsQuery = z.strictObject({ professional_id: uuid.optional(), ...pageQuery })
export type TaxTermsFilter = Omit<z.infer<typeof taxTermsQuery>, keyof typeof pageQuery>

const members = {
  id: uuid,
  company_id: uuid,
  professional_id: uuid,
  pay_period_id: uuid,
  number: z.int().meta({ description: 'Of this company and guard: 1, 2, 3, without a gap.' }),
  kind: z.enum(STATEMENT_KINDS).meta({
    description:
      '`credit_note`: it takes back the invoice `corrects_id`; or, without one, adjustments took away more than was earned.',
  }),
  issued_on: dayOut,
  first_day: dayOut.meta({ description: 'The first day of the pay period.' }),
  last_day: dayOut,
  company_name: z.string().meta({ description: 'As the company was called when the statement was made.' }),
  professional_name: z.string(),
  ...taxMembers,
  currency: currency.meta({ description: 'Of every amount of the statement.' }),
  gross: money('The sum of the lines.'),
  deductions: money('What is withheld: `gross` × `deduction_percent`, rounded half up to the cent.'),
  net: money('`gross` − `deductions`.'),
  vat_amount: money('`gross` × `vat_rate`, rounded half up to the cent: what is withheld lowers no VAT.'),
  total: money('`net` + `vat_amount`.'),
  carried_in: money('What the statement before left below zero; 0 or less.'),
  payable: money('What is owed now: `carried_in` + `total` where that is above zero.'),
  carried_out: money('What the next statement begins with: `carried_in` + `total` where that is below zero.'),
  corrects_id: uuid.nullable().meta({ description: 'The invoice that this credit note takes back.' }),
  correction_reason: z.string().nullable().meta({ description: 'Why that invoice was taken back.' }),
  replaces_id: uuid.nullable().meta({
    description: 'The invoice that was taken back, and whose lines this statement settles anew.',
  }),
  created_at: instantOut,
}

export const statement = z.strictObject(members).meta({ id: 'Statement' })
export type Statement = z.infer<typeof statement>
export const statementPage = pageOf(statement)

const line = z
  .strictObject({
    id: uuid,
    timesheet_line_id: uuid,
    timesheet_id: uuid,
    position: z.int(),
    work_date: dayOut,
    kind: z.enum(LINE_KINDS),
    seconds: z.number().meta({
      description:
        'For an `adjustment` the difference, which may be below zero. On a credit note that takes back an invoice, seconds and amount have the other sign.',
    }),
    rate: z.number().meta({ description: 'Euros per hour.' }),
    factor: z.number(),
    amount: z.number(),
    currency,
    explanation: z.string(),
  })
  .meta({ id: 'StatementLine' })
export type StatementLine = z.infer<typeof line>

const related = z
  .strictObject({
    relation: z.enum(['corrects', 'replaces', 'corrected_by', 'replaced_by']).meta({
      description:
        '`corrects`: this statement takes that one back. `replaces`: this statement settles its lines anew. `corrected_by` and `replaced_by` are the other direction.',
    }),
    id: uuid,
    kind: z.enum(STATEMENT_KINDS),
    number: z.int(),
    issued_on: dayOut,
  })
  .meta({ id: 'RelatedStatement' })
export type RelatedStatement = z.infer<typeof related>

export const statementDetail = z
  .strictObject({
    ...members,
    related: z.array(related).meta({
      description: 'The statements that it corrects or replaces, or that correct or replace it, by number.',
    }),
    lines: z.array(line),
  })
  .meta({ id: 'StatementDetail' })
export type StatementDetail = z.infer<typeof statementDetail>

export const statementQuery = z.strictObject({
  company_id: uuid.optional(),
  professional_id: uuid.optional(),
  pay_period_id: uuid.optional(),
  ...pageQuery,
})
export type StatementFilter = Omit<z.infer<typeof statementQuery>, keyof typeof pageQuery>

export const newCorrection = z
  .strictObject({
    reason: text(1, 500).meta({ description: 'Why the invoice is wrong. The credit note has it.' }),
  })
  .meta({ id: 'NewStatementCorrection' })
export type NewCorrection = z.infer<typeof newCorrection>

export const statementCorrection = z
  .strictObject({
    credit_note: statement.meta({ description: 'Takes back the invoice, line by line.' }),
    replacement: statement.meta({ description: 'Settles its lines anew, and the adjustments that waited.' }),
  })
  .meta({ id: 'StatementCorrection' })
export type StatementCorrection = z.infer<typeof statementCorrection>
