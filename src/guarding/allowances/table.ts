import { organizations } from '../../people/table.ts'
import { id, instant, timestamps } from '../../platform/db/columns.ts'
import {
  check,
  date,
  foreignKey,
  index,
  numeric,
  pgSchema,
  pgTable,
  primaryKey,
  smallint,
  sql,
  text,
  time,
  unique,
  uuid,
} from '../../platform/db/drizzle.ts'

export const ALLOWANCE_KINDS = [
  'evening',
  'night',
  'saturday',
  'sunday',
  'public_holiday',
  'short_notice',
] as const

/** Whose public holidays the database knows. */
export const CALENDARS = ['BE', 'DE', 'NL'] as const

/** `highest`: of the allowances that say so, only the highest is paid for a moment. */
export const COMBINATIONS = ['add', 'highest'] as const

/** Versions: of a company's rows of a kind, the one with the newest `valid_from` that has come is valid. */
export const allowances = pgTable(
  'allowances',
  {
    id: id(),
    tenant_id: uuid('tenant_id').notNull(),
    company_id: uuid('company_id').notNull().default(sql`muster.company_id()`),
    kind: text('kind', { enum: ALLOWANCE_KINDS }).notNull(),
    valid_from: instant('valid_from').notNull().defaultNow(),
    /** Of the hourly rate. */
    percent: numeric('percent', { precision: 6, scale: 2, mode: 'number' }),
    /** In euros. */
    amount_per_hour: numeric('amount_per_hour', { precision: 10, scale: 2, mode: 'number' }),
    combination: text('combination', { enum: COMBINATIONS }).notNull().default('add'),
    /** Local time of the site: `evening` and `night` alone. A window that ends before it begins ends on the next day. */
    window_from: time('window_from'),
    window_to: time('window_to'),
    /** `short_notice` alone: assigned less than this before the planned start. */
    notice_hours: smallint('notice_hours'),
    ...timestamps,
  },
  (t) => [
    unique('allowances_one_per_moment').on(t.company_id, t.kind, t.valid_from),
    foreignKey({
      name: 'allowances_company_fk',
      columns: [t.company_id, t.tenant_id],
      foreignColumns: [organizations.id, organizations.tenant_id],
    }).onDelete('restrict'),
    check(
      'allowances_kind_known',
      sql`${t.kind} in ('evening', 'night', 'saturday', 'sunday', 'public_holiday', 'short_notice')`,
    ),
    check('allowances_percent_or_amount', sql`num_nonnulls(${t.percent}, ${t.amount_per_hour}) = 1`),
    check('allowances_percent_range', sql`${t.percent} between 0 and 400`),
    check('allowances_amount_range', sql`${t.amount_per_hour} between 0 and 500`),
    check('allowances_combination_known', sql`${t.combination} in ('add', 'highest')`),
    check(
      'allowances_window_given',
      sql`num_nonnulls(${t.window_from}, ${t.window_to}) = case when ${t.kind} in ('evening', 'night') then 2 else 0 end`,
    ),
    check('allowances_window_not_empty', sql`${t.window_from} <> ${t.window_to}`),
    check('allowances_notice_given', sql`(${t.notice_hours} is not null) = (${t.kind} = 'short_notice')`),
    check('allowances_notice_range', sql`${t.notice_hours} between 1 and 336`),
    index('allowances_tenant_idx').on(t.tenant_id, t.valid_from, t.id),
  ],
)

/** As `src/platform/idempotency/table.ts` declares it. */
const muster = pgSchema('muster')

/** Written by migrations alone: public-holidays.md says from what. */
export const publicHolidays = muster.table(
  'public_holidays',
  {
    calendar: text('calendar', { enum: CALENDARS }).notNull(),
    day: date('day').notNull(),
    name: text('name').notNull(),
  },
  (t) => [primaryKey({ name: 'public_holidays_pkey', columns: [t.calendar, t.day] })],
)
