import { organizations } from '../../people/table.ts'
import { edited, id } from '../../platform/db/columns.ts'
import {
  check,
  foreignKey,
  index,
  integer,
  pgTable,
  sql,
  text,
  unique,
  uniqueIndex,
  uuid,
} from '../../platform/db/drizzle.ts'
import { carrierKey, ofCarrier } from '../columns.ts'

export const CREDIT_STATUSES = ['unknown', 'approved', 'limited', 'declined'] as const
export const PAYMENT_TERMS = ['days', 'factoring'] as const

/** Who gives a carrier loads: the carrier's own record, which may name the organization whose users see those loads. */
export const brokers = pgTable(
  'brokers',
  {
    id: id(),
    ...ofCarrier,
    name: text('name').notNull(),
    /** Docket number of the FMCSA, without `MC-`. */
    mc_number: text('mc_number'),
    /** USDOT number. */
    dot_number: text('dot_number'),
    credit_status: text('credit_status', { enum: CREDIT_STATUSES }).notNull().default('unknown'),
    payment_terms: text('payment_terms', { enum: PAYMENT_TERMS }).notNull().default('days'),
    /** After how many days the broker pays; null where a factor does. */
    payment_days: integer('payment_days'),
    broker_organization_id: uuid('broker_organization_id'),
    /** A column, so that the foreign key can hold it. */
    broker_organization_kind: text('broker_organization_kind').notNull().default('broker'),
    ...edited,
  },
  (t) => [
    carrierKey('brokers', t),
    unique('brokers_id_carrier_key').on(t.id, t.organization_id),
    foreignKey({
      name: 'brokers_organization_is_broker_fk',
      columns: [t.broker_organization_id, t.tenant_id, t.broker_organization_kind],
      foreignColumns: [organizations.id, organizations.tenant_id, organizations.kind],
    }).onDelete('restrict'),
    check('brokers_organization_kind', sql`${t.broker_organization_kind} = 'broker'`),
    check('brokers_name_length', sql`char_length(${t.name}) between 1 and 200`),
    // Both numbers are given in turn; eight digits are what the registry's forms have room for.
    check('brokers_mc_number_form', sql`${t.mc_number} ~ '^[1-9][0-9]{0,7}$'`),
    check('brokers_dot_number_form', sql`${t.dot_number} ~ '^[1-9][0-9]{0,7}$'`),
    check(
      'brokers_credit_status_known',
      sql`${t.credit_status} in ('unknown', 'approved', 'limited', 'declined')`,
    ),
    check('brokers_payment_terms_known', sql`${t.payment_terms} in ('days', 'factoring')`),
    check(
      'brokers_payment_days_by_terms',
      sql`(${t.payment_terms} = 'days') = (${t.payment_days} is not null)`,
    ),
    check('brokers_payment_days_range', sql`${t.payment_days} between 0 and 365`),
    uniqueIndex('brokers_mc_number_key')
      .on(t.organization_id, t.mc_number)
      .where(sql`${t.deleted_at} is null`),
    uniqueIndex('brokers_dot_number_key')
      .on(t.organization_id, t.dot_number)
      .where(sql`${t.deleted_at} is null`),
    index('brokers_organization_idx').on(t.organization_id, t.name, t.id).where(sql`${t.deleted_at} is null`),
    index('brokers_tenant_idx').on(t.tenant_id, t.name, t.id).where(sql`${t.deleted_at} is null`),
    index('brokers_broker_organization_idx').on(t.broker_organization_id),
  ],
)
