import { changedXid, id, timestamps } from '../../platform/db/columns.ts'
import {
  boolean,
  check,
  date,
  foreignKey,
  index,
  integer,
  numeric,
  pgTable,
  sql,
  text,
  unique,
  uniqueIndex,
  uuid,
} from '../../platform/db/drizzle.ts'
import { carrierKey, unitChecks, units } from '../columns.ts'
import { drivers } from '../drivers/table.ts'
import { loads } from '../loads/table.ts'

/** What a driver is paid for driving a load: one of these for each load and driver. */
export const LINEHAUL_TYPES = [
  'linehaul_per_distance',
  'linehaul_percentage',
  'total_percentage',
  'flat',
] as const
/** What is taken off: the amount is below zero. */
export const DEDUCTION_TYPES = ['advance', 'deduction'] as const
export const PAYMENT_TYPES = [...LINEHAUL_TYPES, 'detention', 'fuel', 'lumper', ...DEDUCTION_TYPES] as const
/** How a driver is paid for driving a load. */
export const PAY_KINDS = ['per_distance', 'percentage', 'flat'] as const
export const PAYMENT_STATUSES = ['pending', 'processing', 'completed', 'failed', 'refunded'] as const

/** Whose a row is: copied from the driver, or written by the function that settles. */
const ofDriver = {
  tenant_id: uuid('tenant_id').notNull(),
  organization_id: uuid('organization_id').notNull(),
  driver_id: uuid('driver_id').notNull(),
}

const trail = {
  ...timestamps,
  created_by: uuid('created_by'),
  updated_by: uuid('updated_by'),
}

/** The sum of many payments may be larger than one of them. */
const sum = (name: string) => numeric(name, { precision: 12, scale: 2, mode: 'number' }).notNull()

/** What a delivered load pays a driver. Beside the driver's record, which dispatchers read. */
export const driverPayTerms = pgTable(
  'driver_pay_terms',
  {
    id: id(),
    ...ofDriver,
    pay_kind: text('pay_kind', { enum: PAY_KINDS }).notNull(),
    /** For each mile or kilometre, as `distance_unit` says. */
    pay_per_distance: numeric('pay_per_distance', { precision: 10, scale: 4, mode: 'number' }),
    /** Of what the load pays. */
    pay_percentage: numeric('pay_percentage', { precision: 5, scale: 2, mode: 'number' }),
    /** For each load. */
    pay_flat: numeric('pay_flat', { precision: 10, scale: 2, mode: 'number' }),
    // Beside the rate: whoever changes both changes them at once, whatever load is delivered meanwhile.
    ...units,
    ...trail,
  },
  (t) => [
    carrierKey('driver_pay_terms', t),
    unique('driver_pay_terms_one_per_driver').on(t.driver_id),
    foreignKey({
      name: 'driver_pay_terms_driver_fk',
      columns: [t.driver_id, t.organization_id],
      foreignColumns: [drivers.id, drivers.organization_id],
    }).onDelete('restrict'),
    check('driver_pay_terms_kind_known', sql`${t.pay_kind} in ('per_distance', 'percentage', 'flat')`),
    check(
      'driver_pay_terms_by_kind',
      sql`(${t.pay_kind} = 'per_distance') = (${t.pay_per_distance} is not null) and (${t.pay_kind} = 'percentage') = (${t.pay_percentage} is not null) and (${t.pay_kind} = 'flat') = (${t.pay_flat} is not null)`,
    ),
    check('driver_pay_terms_not_negative', sql`${t.pay_per_distance} >= 0 and ${t.pay_flat} >= 0`),
    check('driver_pay_terms_percentage_range', sql`${t.pay_percentage} between 0 and 100`),
    ...unitChecks('driver_pay_terms', t),
    index('driver_pay_terms_organization_idx').on(t.organization_id),
    index('driver_pay_terms_tenant_idx').on(t.tenant_id),
  ],
)

/** What is taken off each statement of a driver while it is valid: a lease of a trailer, an insurance. */
export const driverDeductions = pgTable(
  'driver_deductions',
  {
    id: id(),
    ...ofDriver,
    /** Of each statement; above zero. */
    amount: numeric('amount', { precision: 10, scale: 2, mode: 'number' }).notNull(),
    currency: text('currency').notNull(),
    explanation: text('explanation').notNull(),
    valid_from: date('valid_from').notNull(),
    /** The last day, null for no end. One that ends before it begins is never taken. */
    valid_until: date('valid_until'),
    ...trail,
  },
  (t) => [
    carrierKey('driver_deductions', t),
    unique('driver_deductions_whose_key').on(t.id, t.organization_id, t.driver_id),
    foreignKey({
      name: 'driver_deductions_driver_fk',
      columns: [t.driver_id, t.organization_id],
      foreignColumns: [drivers.id, drivers.organization_id],
    }).onDelete('restrict'),
    check('driver_deductions_amount_positive', sql`${t.amount} > 0`),
    check('driver_deductions_currency_form', sql`${t.currency} ~ '^[A-Z]{3}$'`),
    check('driver_deductions_explanation_length', sql`char_length(${t.explanation}) between 1 and 500`),
    check(
      'driver_deductions_days_in_range',
      sql`${t.valid_from} >= date '2000-01-01' and ${t.valid_from} < date '2100-01-01' and coalesce(${t.valid_until} >= date '2000-01-01' and ${t.valid_until} < date '2100-01-01', true)`,
    ),
    index('driver_deductions_organization_idx').on(t.organization_id, t.valid_from, t.id),
    index('driver_deductions_driver_idx').on(t.driver_id, t.valid_from, t.id),
    index('driver_deductions_tenant_idx').on(t.tenant_id, t.valid_from, t.id),
  ],
)

/** What a carrier pays a driver for a period. Nothing of it changes but its status. */
export const driverStatements = pgTable(
  'driver_statements',
  {
    id: id(),
    ...ofDriver,
    /** Of this carrier: 1, 2, 3, without a gap. */
    number: integer('number').notNull(),
    first_day: date('first_day').notNull(),
    last_day: date('last_day').notNull(),
    /** ISO 4217; a driver who is owed in two currencies gets two statements. */
    currency: text('currency').notNull(),
    /** The sum of the payments above zero. */
    gross: sum('gross'),
    /** The sum of those below zero, without the sign. */
    deductions: sum('deductions'),
    net: sum('net'),
    /** What the statement before left below zero: never above zero. */
    carried_in: sum('carried_in'),
    /** What is owed now. */
    payable: sum('payable'),
    /** What the next statement begins with: never above zero. */
    carried_out: sum('carried_out'),
    /** Of the money; the payments of the statement have the same. */
    status: text('status', { enum: PAYMENT_STATUSES }).notNull().default('pending'),
    ...trail,
    changed_xid: changedXid(),
  },
  (t) => [
    carrierKey('driver_statements', t),
    unique('driver_statements_number_key').on(t.organization_id, t.number),
    // For the foreign key of payments: a payment cannot be on somebody else's statement.
    unique('driver_statements_whose_key').on(t.id, t.organization_id, t.driver_id),
    foreignKey({
      name: 'driver_statements_driver_fk',
      columns: [t.driver_id, t.organization_id],
      foreignColumns: [drivers.id, drivers.organization_id],
    }).onDelete('restrict'),
    check('driver_statements_number_positive', sql`${t.number} > 0`),
    check('driver_statements_currency_form', sql`${t.currency} ~ '^[A-Z]{3}$'`),
    check(
      'driver_statements_days_in_order',
      sql`${t.first_day} >= date '2000-01-01' and ${t.last_day} >= ${t.first_day} and ${t.last_day} < date '2100-01-01'`,
    ),
    check(
      'driver_statements_net_adds_up',
      sql`${t.gross} >= 0 and ${t.deductions} >= 0 and ${t.net} = ${t.gross} - ${t.deductions}`,
    ),
    check(
      'driver_statements_balance_adds_up',
      sql`${t.carried_in} <= 0 and ${t.payable} = greatest(${t.carried_in} + ${t.net}, 0) and ${t.carried_out} = least(${t.carried_in} + ${t.net}, 0)`,
    ),
    check(
      'driver_statements_status_known',
      sql`${t.status} in ('pending', 'processing', 'completed', 'failed', 'refunded')`,
    ),
    // No money moves for it.
    check(
      'driver_statements_nothing_payable_is_completed',
      sql`${t.payable} > 0 or ${t.status} = 'completed'`,
    ),
    index('driver_statements_organization_idx').on(t.organization_id, t.last_day, t.id),
    index('driver_statements_driver_idx').on(t.driver_id, t.last_day, t.id),
    index('driver_statements_before_idx').on(t.driver_id, t.currency, t.number),
    index('driver_statements_tenant_idx').on(t.tenant_id, t.last_day, t.id),
    index('driver_statements_changed_idx').on(t.changed_xid, t.id),
  ],
)

/** What a driver is owed, or what is taken off: a line of the statement that settles it. It is settled once, and then stays as it is. */
export const driverPayments = pgTable(
  'driver_payments',
  {
    id: id(),
    ...ofDriver,
    load_id: uuid('load_id'),
    /** The recurring deduction that made it. */
    deduction_id: uuid('deduction_id'),
    /** The statement that settled it. */
    statement_id: uuid('statement_id'),
    type: text('type', { enum: PAYMENT_TYPES }).notNull(),
    /** Below zero for an advance and a deduction. */
    amount: numeric('amount', { precision: 10, scale: 2, mode: 'number' }).notNull(),
    currency: text('currency').notNull(),
    /** Such as miles, hours, or the money of which `rate` is a percentage. */
    quantity: numeric('quantity', { precision: 14, scale: 4, mode: 'number' }),
    rate: numeric('rate', { precision: 10, scale: 4, mode: 'number' }),
    explanation: text('explanation').notNull(),
    /** The local day of the delivery; or the day for which the office put it on record. */
    earned_on: date('earned_on').notNull(),
    status: text('status', { enum: PAYMENT_STATUSES }).notNull().default('pending'),
    /** Whether a rule made it, and not the office. */
    is_automatic: boolean('is_automatic').notNull().default(false),
    ...trail,
    changed_xid: changedXid(),
  },
  (t) => [
    carrierKey('driver_payments', t),
    foreignKey({
      name: 'driver_payments_driver_fk',
      columns: [t.driver_id, t.organization_id],
      foreignColumns: [drivers.id, drivers.organization_id],
    }).onDelete('restrict'),
    foreignKey({
      name: 'driver_payments_load_fk',
      columns: [t.load_id, t.organization_id],
      foreignColumns: [loads.id, loads.organization_id],
    }).onDelete('restrict'),
    foreignKey({
      name: 'driver_payments_deduction_fk',
      columns: [t.deduction_id, t.organization_id, t.driver_id],
      foreignColumns: [driverDeductions.id, driverDeductions.organization_id, driverDeductions.driver_id],
    }).onDelete('restrict'),
    foreignKey({
      name: 'driver_payments_statement_fk',
      columns: [t.statement_id, t.organization_id, t.driver_id],
      foreignColumns: [driverStatements.id, driverStatements.organization_id, driverStatements.driver_id],
    }).onDelete('restrict'),
    // Also the index of the foreign key.
    unique('driver_payments_deducted_once').on(t.deduction_id, t.statement_id),
    uniqueIndex('driver_payments_linehaul_once')
      .on(t.load_id, t.driver_id)
      .where(sql`${t.type} in ('linehaul_per_distance', 'linehaul_percentage', 'total_percentage', 'flat')`),
    check(
      'driver_payments_type_known',
      sql`${t.type} in ('linehaul_per_distance', 'linehaul_percentage', 'total_percentage', 'flat', 'detention', 'fuel', 'lumper', 'advance', 'deduction')`,
    ),
    check(
      'driver_payments_amount_sign',
      sql`case when ${t.type} in ('advance', 'deduction') then ${t.amount} < 0 else ${t.amount} >= 0 end`,
    ),
    check(
      'driver_payments_type_of_load',
      sql`${t.load_id} is not null or ${t.type} in ('flat', 'fuel', 'advance', 'deduction')`,
    ),
    check('driver_payments_currency_form', sql`${t.currency} ~ '^[A-Z]{3}$'`),
    check(
      'driver_payments_quantity_has_rate',
      sql`(${t.quantity} is null) = (${t.rate} is null) and coalesce(${t.quantity} >= 0 and ${t.rate} >= 0, true)`,
    ),
    check(
      'driver_payments_percentage_has_rate',
      sql`${t.type} not in ('linehaul_percentage', 'total_percentage') or (${t.rate} is not null and ${t.rate} <= 100)`,
    ),
    check(
      'driver_payments_amount_is_product',
      sql`${t.rate} is null or abs(${t.amount}) = round(${t.quantity} * ${t.rate} / case when ${t.type} in ('linehaul_percentage', 'total_percentage') then 100 else 1 end, 2)`,
    ),
    check('driver_payments_explanation_length', sql`char_length(${t.explanation}) between 1 and 500`),
    check(
      'driver_payments_earned_in_range',
      sql`${t.earned_on} >= date '2000-01-01' and ${t.earned_on} < date '2100-01-01'`,
    ),
    check(
      'driver_payments_status_known',
      sql`${t.status} in ('pending', 'processing', 'completed', 'failed', 'refunded')`,
    ),
    check(
      'driver_payments_unsettled_is_pending',
      sql`${t.statement_id} is not null or ${t.status} = 'pending'`,
    ),
    index('driver_payments_organization_idx').on(t.organization_id, t.earned_on, t.id),
    index('driver_payments_driver_idx').on(t.driver_id, t.earned_on, t.id),
    index('driver_payments_tenant_idx').on(t.tenant_id, t.earned_on, t.id),
    index('driver_payments_load_idx').on(t.load_id),
    index('driver_payments_statement_idx').on(t.statement_id, t.earned_on, t.id),
    index('driver_payments_unsettled_idx')
      .on(t.organization_id, t.earned_on, t.id)
      .where(sql`${t.statement_id} is null`),
    index('driver_payments_changed_idx').on(t.changed_xid, t.id),
  ],
)
