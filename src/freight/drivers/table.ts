import { users } from '../../people/table.ts'
import { edited, id } from '../../platform/db/columns.ts'
import {
  check,
  date,
  foreignKey,
  index,
  pgTable,
  sql,
  text,
  unique,
  uniqueIndex,
  uuid,
} from '../../platform/db/drizzle.ts'
import { carrierKey, ofCarrier } from '../columns.ts'

export const DRIVER_TYPES = ['company', 'owner_operator', 'lease'] as const
export const DRIVER_STATUSES = ['active', 'inactive', 'terminated', 'on_leave'] as const
/** 49 CFR 395 for carriers of property, and Regulation (EC) No 561/2006. */
export const HOURS_PACKS = ['us_property', 'eu_561'] as const
/** 49 CFR 395.3(b): on duty for 60 hours in 7 days, or 70 in 8. */
export const HOURS_CYCLES = ['60/7', '70/8'] as const

/** Who drives for a carrier: a user with the role `driver` there. */
export const drivers = pgTable(
  'drivers',
  {
    id: id(),
    ...ofCarrier,
    user_id: uuid('user_id').notNull(),
    /** As on the license. */
    name: text('name').notNull(),
    license_number: text('license_number').notNull(),
    /** `A` in the United States, `CE` in the European Union. */
    license_class: text('license_class').notNull(),
    /** The last day of the license; null when it is not on record. */
    license_valid_until: date('license_valid_until'),
    endorsements: text('endorsements').array().notNull().default(sql`'{}'`),
    driver_type: text('driver_type', { enum: DRIVER_TYPES }).notNull().default('company'),
    status: text('status', { enum: DRIVER_STATUSES }).notNull().default('active'),
    hire_date: date('hire_date').notNull(),
    termination_date: date('termination_date'),
    ...edited,
    // The last ones, as in a database that had the table before: functions return its rows.
    hours_pack: text('hours_pack', { enum: HOURS_PACKS }).notNull().default('us_property'),
    /** Of the pack of the United States. */
    hours_cycle: text('hours_cycle', { enum: HOURS_CYCLES }).notNull().default('70/8'),
    /** That of the home terminal: there the days of a cycle and the weeks begin. */
    home_time_zone: text('home_time_zone').notNull().default('America/Chicago'),
  },
  (t) => [
    carrierKey('drivers', t),
    unique('drivers_id_carrier_key').on(t.id, t.organization_id),
    foreignKey({
      name: 'drivers_user_fk',
      columns: [t.user_id, t.tenant_id],
      foreignColumns: [users.id, users.tenant_id],
    }).onDelete('restrict'),
    check('drivers_name_length', sql`char_length(${t.name}) between 1 and 200`),
    check('drivers_license_number_form', sql`${t.license_number} ~ '^[A-Z0-9][A-Z0-9-]{0,24}$'`),
    check('drivers_license_class_form', sql`${t.license_class} ~ '^[A-Z][A-Z0-9]{0,3}$'`),
    check(
      'drivers_endorsements_form',
      sql`array_to_string(${t.endorsements}, ',') ~ '^([A-Z]{1,2}(,[A-Z]{1,2}){0,9})?$'`,
    ),
    check('drivers_type_known', sql`${t.driver_type} in ('company', 'owner_operator', 'lease')`),
    check('drivers_status_known', sql`${t.status} in ('active', 'inactive', 'terminated', 'on_leave')`),
    check(
      'drivers_dates_range',
      sql`${t.hire_date} >= date '1950-01-01' and ${t.hire_date} < date '2100-01-01' and coalesce(${t.termination_date} < date '2100-01-01', true)`,
    ),
    check(
      'drivers_license_range',
      sql`${t.license_valid_until} >= date '1950-01-01' and ${t.license_valid_until} < date '2100-01-01'`,
    ),
    check('drivers_termination_after_hire', sql`${t.termination_date} >= ${t.hire_date}`),
    check(
      'drivers_terminated_has_date',
      sql`${t.status} <> 'terminated' or ${t.termination_date} is not null`,
    ),
    check('drivers_hours_pack_known', sql`${t.hours_pack} in ('us_property', 'eu_561')`),
    check('drivers_hours_cycle_known', sql`${t.hours_cycle} in ('60/7', '70/8')`),
    check('drivers_home_time_zone_form', sql`muster.is_time_zone(${t.home_time_zone})`),
    uniqueIndex('drivers_license_number_key')
      .on(t.organization_id, t.license_number)
      .where(sql`${t.deleted_at} is null`),
    // Of somebody who left a carrier there is a row there still.
    uniqueIndex('drivers_user_key').on(t.user_id, t.organization_id).where(sql`${t.deleted_at} is null`),
    index('drivers_organization_idx').on(t.organization_id, t.name, t.id).where(sql`${t.deleted_at} is null`),
    index('drivers_tenant_idx').on(t.tenant_id, t.name, t.id).where(sql`${t.deleted_at} is null`),
  ],
)
