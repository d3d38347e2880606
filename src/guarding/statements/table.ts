import { organizations } from '../../people/table.ts'
import { changedXid, id, timestamps } from '../../platform/db/columns.ts'
import {
  check,
  date,
  foreignKey,
  index,
  integer,
  numeric,
  pgTable,
  smallint,
  sql,
  text,
  unique,
  uniqueIndex,
  uuid,
} from '../../platform/db/drizzle.ts'
import { payPeriods } from '../pay-periods/table.ts'
import { securityProfessionals } from '../professionals/table.ts'
import { LINE_KINDS, timesheetLines } from '../timesheets/table.ts'

export const STATEMENT_KINDS = ['invoice', 'credit_note'] as const

/**
 * Why a statement has no VAT. `small_business`: the scheme of article 284 of Directive 2006/112/EC. `reverse_charge`: the company owes it
 * (article 196). `not_registered`: the professional has stated nothing.
 */
export const VAT_EXEMPTIONS = ['small_business', 'reverse_charge', 'not_registered'] as const

const money = (name: string) => numeric(name, { precision: 12, scale: 2, mode: 'number' })
const percent = (name: string) => numeric(name, { precision: 5, scale: 2, mode: 'number' })

/** What a professional states about VAT, and what is withheld from their pay. */
const taxes = () => ({
  /** In percent; 0 with an exemption. */
  vat_rate: percent('vat_rate').notNull(),
  vat_exemption: text('vat_exemption', { enum: VAT_EXEMPTIONS }),
  vat_number: text('vat_number'),
  /** Of the gross. */
  deduction_percent: percent('deduction_percent').notNull().default(0),
  deduction_reason: text('deduction_reason'),
})

/** Versions: a statement has those with the newest `valid_from` that had come on the last day of its period. */
export const professionalTaxTerms = pgTable(
  'professional_tax_terms',
  {
    id: id(),
    tenant_id: uuid('tenant_id').notNull(),
    professional_id: uuid('professional_id').notNull().default(sql`muster.professional_id()`),
    valid_from: date('valid_from').notNull().default(sql`current_date`),
    ...taxes(),
    ...timestamps,
  },
  (t) => [
    // Also the index by which the valid row is found.
    unique('professional_tax_terms_one_per_day').on(t.professional_id, t.valid_from),
    foreignKey({
      name: 'professional_tax_terms_professional_fk',
      columns: [t.professional_id, t.tenant_id],
      foreignColumns: [securityProfessionals.id, securityProfessionals.tenant_id],
    }).onDelete('restrict'),
    check('professional_tax_terms_vat_rate_range', sql`${t.vat_rate} between 0 and 50`),
    check(
      'professional_tax_terms_vat_exemption_known',
      sql`${t.vat_exemption} in ('small_business', 'reverse_charge', 'not_registered')`,
    ),
    check(
      'professional_tax_terms_vat_rate_or_exemption',
      sql`${t.vat_exemption} is null or ${t.vat_rate} = 0`,
    ),
    // Who charges VAT has a number, and so has who says that the company owes it.
    check(
      'professional_tax_terms_vat_number_given',
      sql`${t.vat_number} is not null or (${t.vat_rate} = 0 and ${t.vat_exemption} is distinct from 'reverse_charge')`,
    ),
    check('professional_tax_terms_vat_number_form', sql`${t.vat_number} ~ '^[A-Z]{2}[0-9A-Z+*]{2,13}$'`),
    check('professional_tax_terms_deduction_range', sql`${t.deduction_percent} between 0 and 100`),
    check(
      'professional_tax_terms_deduction_explained',
      sql`(${t.deduction_percent} > 0) = (${t.deduction_reason} is not null)`,
    ),
    check(
      'professional_tax_terms_deduction_reason_length',
      sql`char_length(${t.deduction_reason}) between 1 and 200`,
    ),
    index('professional_tax_terms_tenant_idx').on(t.tenant_id, t.valid_from, t.id),
  ],
)

/**
 * What a company pays a professional for a period: an invoice that the company writes for them (self-billed). Nothing of it ever changes.
 * Amounts are in `currency`.
 */
export const statements = pgTable(
  'statements',
  {
    id: id(),
    tenant_id: uuid('tenant_id').notNull(),
    company_id: uuid('company_id').notNull(),
    professional_id: uuid('professional_id').notNull(),
    pay_period_id: uuid('pay_period_id').notNull(),
    /** Of this company and professional: 1, 2, 3, without a gap. */
    number: integer('number').notNull(),
    kind: text('kind', { enum: STATEMENT_KINDS }).notNull(),
    /** The local date of the company on which the period was closed. */
    issued_on: date('issued_on').notNull(),
    first_day: date('first_day').notNull(),
    last_day: date('last_day').notNull(),
    /** As they were called then. */
    company_name: text('company_name').notNull(),
    professional_name: text('professional_name').notNull(),
    ...taxes(),
    currency: text('currency').notNull().default('EUR'),
    /** The sum of the lines. */
    gross: money('gross').notNull(),
    deductions: money('deductions').notNull(),
    net: money('net').notNull(),
    vat_amount: money('vat_amount').notNull(),
    /** Net and VAT. */
    total: money('total').notNull(),
    /** What the statement before left below zero: never above zero. */
    carried_in: money('carried_in').notNull(),
    /** What is owed now. */
    payable: money('payable').notNull(),
    /** What the next statement begins with: never above zero. */
    carried_out: money('carried_out').notNull(),
    /** The statement that this credit note takes back, and why. */
    corrects_id: uuid('corrects_id'),
    correction_reason: text('correction_reason'),
    /** The statement that was taken back, and whose lines this one settles anew. */
    replaces_id: uuid('replaces_id'),
    ...timestamps,
    changed_xid: changedXid(),
  },
  (t) => [
    unique('statements_number_key').on(t.company_id, t.professional_id, t.number),
    // But for credit notes, and what replaces the statement that they take back.
    uniqueIndex('statements_one_per_period')
      .on(t.pay_period_id, t.professional_id)
      .where(sql`${t.corrects_id} is null and ${t.replaces_id} is null`),
    // Also the indexes of the foreign keys.
    unique('statements_corrected_once').on(t.corrects_id, t.company_id, t.professional_id),
    unique('statements_replaced_once').on(t.replaces_id, t.company_id, t.professional_id),
    // For the foreign keys of lines and payouts: theirs cannot be other people's.
    unique('statements_whose_key').on(t.id, t.company_id, t.professional_id),
    foreignKey({
      name: 'statements_company_fk',
      columns: [t.company_id, t.tenant_id],
      foreignColumns: [organizations.id, organizations.tenant_id],
    }).onDelete('restrict'),
    foreignKey({
      name: 'statements_professional_fk',
      columns: [t.professional_id, t.tenant_id],
      foreignColumns: [securityProfessionals.id, securityProfessionals.tenant_id],
    }).onDelete('restrict'),
    foreignKey({
      name: 'statements_pay_period_fk',
      columns: [t.pay_period_id, t.company_id],
      foreignColumns: [payPeriods.id, payPeriods.company_id],
    }).onDelete('restrict'),
    foreignKey({
      name: 'statements_corrects_fk',
      columns: [t.corrects_id, t.company_id, t.professional_id],
      foreignColumns: [t.id, t.company_id, t.professional_id],
    }).onDelete('restrict'),
    foreignKey({
      name: 'statements_replaces_fk',
      columns: [t.replaces_id, t.company_id, t.professional_id],
      foreignColumns: [t.id, t.company_id, t.professional_id],
    }).onDelete('restrict'),
    check('statements_kind_known', sql`${t.kind} in ('invoice', 'credit_note')`),
    check(
      'statements_kind_by_sign',
      sql`(${t.kind} = 'credit_note') = (${t.gross} < 0 or ${t.corrects_id} is not null)`,
    ),
    // What takes back an invoice pays nothing.
    check(
      'statements_correction_takes_back',
      sql`${t.corrects_id} is null or (${t.gross} <= 0 and ${t.payable} = 0 and ${t.replaces_id} is null)`,
    ),
    check(
      'statements_correction_explained',
      sql`(${t.corrects_id} is not null) = (${t.correction_reason} is not null)`,
    ),
    check('statements_correction_reason_length', sql`char_length(${t.correction_reason}) between 1 and 500`),
    check('statements_number_positive', sql`${t.number} > 0`),
    check('statements_currency_known', sql`${t.currency} = 'EUR'`),
    check(
      'statements_vat_exemption_known',
      sql`${t.vat_exemption} in ('small_business', 'reverse_charge', 'not_registered')`,
    ),
    check('statements_net_adds_up', sql`${t.net} = ${t.gross} - ${t.deductions}`),
    check('statements_total_adds_up', sql`${t.total} = ${t.net} + ${t.vat_amount}`),
    check(
      'statements_balance_adds_up',
      sql`${t.carried_in} <= 0 and ${t.payable} = greatest(${t.carried_in} + ${t.total}, 0) and ${t.carried_out} = least(${t.carried_in} + ${t.total}, 0)`,
    ),
    index('statements_pay_period_idx').on(t.pay_period_id, t.company_id),
    index('statements_company_idx').on(t.company_id, t.last_day, t.id),
    index('statements_professional_idx').on(t.professional_id, t.last_day, t.id),
    index('statements_tenant_idx').on(t.tenant_id, t.last_day, t.id),
    index('statements_changed_idx').on(t.changed_xid, t.id),
  ],
)

/** A line of a timesheet, as the statement that settles it has it. Each is settled once, and anew only after a credit note took it back. */
export const statementLines = pgTable(
  'statement_lines',
  {
    id: id(),
    tenant_id: uuid('tenant_id').notNull(),
    company_id: uuid('company_id').notNull(),
    professional_id: uuid('professional_id').notNull(),
    statement_id: uuid('statement_id').notNull(),
    timesheet_line_id: uuid('timesheet_line_id').notNull(),
    timesheet_id: uuid('timesheet_id').notNull(),
    /** Of the same line of a timesheet: 1 is settled, 2 taken back by a credit note, 3 settled anew, and so on. */
    turn: smallint('turn').notNull().default(1),
    /** The order in which a person reads the lines. */
    position: integer('position').notNull(),
    work_date: date('work_date').notNull(),
    kind: text('kind', { enum: LINE_KINDS }).notNull(),
    seconds: numeric('seconds', { precision: 14, scale: 6, mode: 'number' }).notNull(),
    /** Per hour. */
    rate: numeric('rate', { precision: 10, scale: 2, mode: 'number' }).notNull(),
    factor: numeric('factor', { precision: 8, scale: 4, mode: 'number' }).notNull(),
    amount: money('amount').notNull(),
    currency: text('currency').notNull().default('EUR'),
    explanation: text('explanation').notNull(),
    ...timestamps,
    changed_xid: changedXid(),
  },
  (t) => [
    unique('statement_lines_settled_once').on(t.timesheet_line_id, t.turn),
    unique('statement_lines_position_key').on(t.statement_id, t.position),
    foreignKey({
      name: 'statement_lines_statement_fk',
      columns: [t.statement_id, t.company_id, t.professional_id],
      foreignColumns: [statements.id, statements.company_id, statements.professional_id],
    }).onDelete('restrict'),
    foreignKey({
      name: 'statement_lines_timesheet_line_fk',
      columns: [t.timesheet_line_id],
      foreignColumns: [timesheetLines.id],
    }).onDelete('restrict'),
    check(
      'statement_lines_kind_known',
      sql`${t.kind} in ('planned', 'overtime', 'allowance', 'minimum', 'adjustment')`,
    ),
    check('statement_lines_turn_positive', sql`${t.turn} > 0`),
    check(
      'statement_lines_amount_sign',
      sql`${t.kind} = 'adjustment' or case when ${t.turn} % 2 = 1 then ${t.amount} >= 0 else ${t.amount} <= 0 end`,
    ),
    check('statement_lines_currency_known', sql`${t.currency} = 'EUR'`),
    index('statement_lines_statement_idx').on(t.statement_id, t.company_id, t.professional_id),
    index('statement_lines_company_idx').on(t.company_id, t.id),
    index('statement_lines_professional_idx').on(t.professional_id, t.id),
    index('statement_lines_tenant_idx').on(t.tenant_id, t.id),
    index('statement_lines_changed_idx').on(t.changed_xid, t.id),
  ],
)
