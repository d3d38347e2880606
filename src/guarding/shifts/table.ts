import { organizations } from '../../people/table.ts'
import { changedXid, edited, id, instant, point } from '../../platform/db/columns.ts'
import { check, foreignKey, index, numeric, pgTable, sql, text, uuid } from '../../platform/db/drizzle.ts'
import { locations } from '../locations/table.ts'
import { securityProfessionals } from '../professionals/table.ts'

export const SHIFT_STATUSES = [
  'draft',
  'published',
  'assigned',
  'active',
  'completed',
  'cancelled',
  'no_show',
] as const

/**
 * `client_id` is the location's organization (a foreign key holds the pair); `location_point` and `time_zone` are the
 * location's, copied so that search and the certificate rule read one row.
 */
export const shifts = pgTable(
  'shifts',
  {
    id: id(),
    tenant_id: uuid('tenant_id').notNull(),
    company_id: uuid('company_id').notNull().default(sql`muster.company_id()`),
    client_id: uuid('client_id').notNull(),
    location_id: uuid('location_id').notNull(),
    professional_id: uuid('professional_id'),
    status: text('status', { enum: SHIFT_STATUSES }).notNull().default('draft'),
    start_datetime: instant('start_datetime').notNull(),
    end_datetime: instant('end_datetime').notNull(),
    hourly_rate: numeric('hourly_rate', { precision: 10, scale: 2, mode: 'number' }).notNull(),
    /** Factor on the hourly rate for time worked after `end_datetime`. */
    overtime_rate: numeric('overtime_rate', { precision: 4, scale: 2, mode: 'number' })
      .notNull()
      .default(1.5),
    required_certificates: text('required_certificates').array().notNull().default(sql`'{vca}'`),
    title: text('title').notNull(),
    /** For everybody who sees the shift. What its guard alone is told is in `shift_briefings`. */
    description: text('description'),
    cancel_reason: text('cancel_reason'),
    location_point: point('location_point').notNull(),
    time_zone: text('time_zone').notNull(),
    ...edited,
    changed_xid: changedXid(),
  },
  (t) => [
    foreignKey({
      name: 'shifts_company_fk',
      columns: [t.company_id, t.tenant_id],
      foreignColumns: [organizations.id, organizations.tenant_id],
    }).onDelete('restrict'),
    foreignKey({
      name: 'shifts_client_fk',
      columns: [t.client_id, t.tenant_id],
      foreignColumns: [organizations.id, organizations.tenant_id],
    }).onDelete('restrict'),
    foreignKey({
      name: 'shifts_location_fk',
      columns: [t.location_id, t.client_id],
      foreignColumns: [locations.id, locations.organization_id],
    }).onDelete('restrict'),
    foreignKey({
      name: 'shifts_professional_fk',
      columns: [t.professional_id, t.tenant_id],
      foreignColumns: [securityProfessionals.id, securityProfessionals.tenant_id],
    }).onDelete('restrict'),
    check(
      'shifts_status_known',
      sql`${t.status} in ('draft', 'published', 'assigned', 'active', 'completed', 'cancelled', 'no_show')`,
    ),
    check('shifts_end_after_start', sql`${t.end_datetime} > ${t.start_datetime}`),
    check(
      'shifts_times_in_range',
      sql`${t.start_datetime} >= timestamptz '2000-01-01 00:00:00+00' and ${t.end_datetime} < timestamptz '2100-01-01 00:00:00+00'`,
    ),
    // Longer ones are typing errors, and their pay could pass what the amount can hold.
    check('shifts_at_most_48_hours', sql`${t.end_datetime} - ${t.start_datetime} <= interval '48 hours'`),
    check('shifts_rate_range', sql`${t.hourly_rate} between 15.00 and 500.00`),
    check('shifts_overtime_rate_range', sql`${t.overtime_rate} between 1.00 and 5.00`),
    check('shifts_title_length', sql`char_length(${t.title}) between 1 and 200`),
    // A page of a search carries twenty of them.
    check('shifts_description_length', sql`char_length(${t.description}) <= 2000`),
    check('shifts_cancel_reason_length', sql`char_length(${t.cancel_reason}) between 1 and 1000`),
    check('shifts_cancelled_has_reason', sql`(${t.status} = 'cancelled') = (${t.cancel_reason} is not null)`),
    // Kinds as certificates have them: one that is spelt otherwise could never be met.
    check(
      'shifts_required_certificates_form',
      sql`cardinality(${t.required_certificates}) <= 20 and array_to_string(${t.required_certificates} || 'end'::text, ' ', '') ~ '^([a-z][a-z0-9_]{0,39} )*end$'`,
    ),
    check(
      'shifts_professional_by_status',
      sql`case ${t.status} when 'draft' then ${t.professional_id} is null when 'published' then ${t.professional_id} is null when 'cancelled' then true else ${t.professional_id} is not null end`,
    ),
    // Cancel it first: that voids the payment and tells the professional.
    check(
      'shifts_deleted_is_not_worked',
      sql`${t.deleted_at} is null or ${t.status} not in ('assigned', 'active')`,
    ),
    index('shifts_company_idx').on(t.company_id, t.start_datetime, t.id).where(sql`${t.deleted_at} is null`),
    index('shifts_client_idx').on(t.client_id, t.start_datetime, t.id).where(sql`${t.deleted_at} is null`),
    index('shifts_location_idx').on(t.location_id),
    index('shifts_professional_idx')
      .on(t.professional_id, t.start_datetime, t.id)
      .where(sql`${t.professional_id} is not null`),
    index('shifts_tenant_idx').on(t.tenant_id, t.start_datetime, t.id).where(sql`${t.deleted_at} is null`),
    index('shifts_open_idx')
      .on(t.tenant_id, t.start_datetime, t.id)
      .where(sql`${t.status} = 'published' and ${t.deleted_at} is null`),
    // The search's: nearest first, and what begins at another time or pays too little is left out on the way.
    index('shifts_open_point_idx')
      .using('gist', t.location_point, t.start_datetime, sql`(${t.hourly_rate}::float8)`)
      .where(sql`${t.status} = 'published' and ${t.deleted_at} is null`),
    // What certificates open shifts ask for, each set once.
    index('shifts_open_requirements_idx')
      .on(t.tenant_id, t.required_certificates)
      .where(sql`${t.status} = 'published' and ${t.deleted_at} is null`),
    // Whom a company knows: candidates who worked for it are told apart from strangers.
    index('shifts_worked_idx')
      .on(t.company_id, t.professional_id)
      .where(sql`${t.status} in ('active', 'completed') and ${t.deleted_at} is null`),
    index('shifts_changed_idx').on(t.changed_xid, t.id),
  ],
)
