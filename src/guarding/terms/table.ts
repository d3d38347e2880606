import { organizations } from '../../people/table.ts'
import { id, instant, timestamps } from '../../platform/db/columns.ts'
import { check, foreignKey, index, integer, pgTable, sql, unique, uuid } from '../../platform/db/drizzle.ts'

/** What a company and its guards agree on beside the rate. An assignment keeps the terms that were valid when it was made. */
export const terms = () => ({
  /** After the start, without a clock_in, until the guard counts as late. */
  late_after_minutes: integer('late_after_minutes').notNull(),
  /** After the planned end, until a shift that nobody left is closed. */
  auto_close_minutes: integer('auto_close_minutes').notNull(),
  /** What is paid at least when the company cancels a shift that has begun. */
  minimum_minutes: integer('minimum_minutes').notNull(),
  /** After the company has moved a shift, how long its guard may give it back. */
  give_back_minutes: integer('give_back_minutes').notNull(),
  /** After its device time, how late a clock event may arrive and still count by itself. */
  delivery_days: integer('delivery_days').notNull(),
  // These have defaults, for rows and processes of the version before.
  /** After the planned end, what is paid without anybody's word; the time after it is an open line. */
  overtime_tolerance_minutes: integer('overtime_tolerance_minutes').notNull().default(15),
  /** By how much hours may differ from the plan and still be approved by themselves. */
  plan_tolerance_minutes: integer('plan_tolerance_minutes').notNull().default(15),
  /** After hours were proposed, until those that match the plan are approved by themselves. */
  approve_after_days: integer('approve_after_days').notNull().default(7),
  /** After hours were proposed or approved, how long the guard may dispute them. */
  dispute_days: integer('dispute_days').notNull().default(14),
})

/** Versions: the row with the newest `valid_from` that has come is valid. A company without a row has the defaults. */
export const companyTerms = pgTable(
  'company_terms',
  {
    id: id(),
    tenant_id: uuid('tenant_id').notNull(),
    company_id: uuid('company_id').notNull().default(sql`muster.company_id()`),
    valid_from: instant('valid_from').notNull().defaultNow(),
    ...terms(),
    ...timestamps,
  },
  (t) => [
    // Also the index by which the valid row is found.
    unique('company_terms_one_per_moment').on(t.company_id, t.valid_from),
    foreignKey({
      name: 'company_terms_company_fk',
      columns: [t.company_id, t.tenant_id],
      foreignColumns: [organizations.id, organizations.tenant_id],
    }).onDelete('restrict'),
    check('company_terms_late_after_range', sql`${t.late_after_minutes} between 0 and 1440`),
    check('company_terms_auto_close_range', sql`${t.auto_close_minutes} between 0 and 720`),
    check('company_terms_minimum_range', sql`${t.minimum_minutes} between 0 and 2880`),
    check('company_terms_give_back_range', sql`${t.give_back_minutes} between 0 and 20160`),
    check('company_terms_delivery_range', sql`${t.delivery_days} between 1 and 3650`),
    check('company_terms_overtime_tolerance_range', sql`${t.overtime_tolerance_minutes} between 0 and 720`),
    check('company_terms_plan_tolerance_range', sql`${t.plan_tolerance_minutes} between 0 and 720`),
    check('company_terms_approve_after_range', sql`${t.approve_after_days} between 0 and 366`),
    check('company_terms_dispute_range', sql`${t.dispute_days} between 1 and 366`),
    index('company_terms_tenant_idx').on(t.tenant_id, t.valid_from, t.id),
  ],
)
