import { organizations } from '../../people/table.ts'
import { changedXid, id, instant, timestamps } from '../../platform/db/columns.ts'
import {
  check,
  date,
  foreignKey,
  index,
  pgTable,
  sql,
  text,
  unique,
  uuid,
} from '../../platform/db/drizzle.ts'

export const PAY_PERIOD_LENGTHS = ['week', 'four_weeks', 'month'] as const
export const PAY_PERIOD_STATES = ['open', 'closed'] as const

/** Versions: a pay period has the terms with the newest `valid_from` that had come on its first day. A company without a row has the defaults. */
export const payTerms = pgTable(
  'pay_terms',
  {
    id: id(),
    tenant_id: uuid('tenant_id').notNull(),
    company_id: uuid('company_id').notNull().default(sql`muster.company_id()`),
    valid_from: date('valid_from').notNull().default(sql`current_date`),
    period: text('period', { enum: PAY_PERIOD_LENGTHS }).notNull(),
    /** Where the company's days begin: of its pay periods, whatever the zones of its sites are. */
    time_zone: text('time_zone').notNull(),
    ...timestamps,
  },
  (t) => [
    // Also the index by which the valid row is found.
    unique('pay_terms_one_per_day').on(t.company_id, t.valid_from),
    foreignKey({
      name: 'pay_terms_company_fk',
      columns: [t.company_id, t.tenant_id],
      foreignColumns: [organizations.id, organizations.tenant_id],
    }).onDelete('restrict'),
    check('pay_terms_period_known', sql`${t.period} in ('week', 'four_weeks', 'month')`),
    check('pay_terms_time_zone_known', sql`muster.is_time_zone(${t.time_zone})`),
    index('pay_terms_tenant_idx').on(t.tenant_id, t.valid_from, t.id),
  ],
)

/** The days for which a company pays at once. Of one company they follow each other without a gap, and are closed in order. */
export const payPeriods = pgTable(
  'pay_periods',
  {
    id: id(),
    tenant_id: uuid('tenant_id').notNull(),
    company_id: uuid('company_id').notNull(),
    period: text('period', { enum: PAY_PERIOD_LENGTHS }).notNull(),
    time_zone: text('time_zone').notNull(),
    first_day: date('first_day').notNull(),
    last_day: date('last_day').notNull(),
    /** The first moment of the first day in `time_zone`. */
    starts_at: instant('starts_at').notNull(),
    /** The first moment after the last day. */
    ends_at: instant('ends_at').notNull(),
    state: text('state', { enum: PAY_PERIOD_STATES }).notNull().default('open'),
    closed_at: instant('closed_at'),
    /** No foreign key: it must outlive the user. */
    closed_by: uuid('closed_by'),
    ...timestamps,
    changed_xid: changedXid(),
  },
  (t) => [
    unique('pay_periods_one_per_day').on(t.company_id, t.first_day),
    // For foreign keys: what a period settles is its company's.
    unique('pay_periods_id_company_key').on(t.id, t.company_id),
    foreignKey({
      name: 'pay_periods_company_fk',
      columns: [t.company_id, t.tenant_id],
      foreignColumns: [organizations.id, organizations.tenant_id],
    }).onDelete('restrict'),
    check('pay_periods_period_known', sql`${t.period} in ('week', 'four_weeks', 'month')`),
    check('pay_periods_state_known', sql`${t.state} in ('open', 'closed')`),
    check(
      'pay_periods_days_in_order',
      sql`${t.first_day} <= ${t.last_day} and ${t.starts_at} < ${t.ends_at}`,
    ),
    check('pay_periods_closed_somewhen', sql`(${t.closed_at} is not null) = (${t.state} = 'closed')`),
    index('pay_periods_company_idx').on(t.company_id, t.starts_at, t.id),
    index('pay_periods_tenant_idx').on(t.tenant_id, t.starts_at, t.id),
    index('pay_periods_changed_idx').on(t.changed_xid, t.id),
  ],
)
