import { users } from '../../people/table.ts'
import { changedXid, id, instant, point, timestamps } from '../../platform/db/columns.ts'
import {
  type AnyPgColumn,
  check,
  foreignKey,
  index,
  pgTable,
  sql,
  text,
  uniqueIndex,
  uuid,
} from '../../platform/db/drizzle.ts'
import { drivers } from '../drivers/table.ts'

/** 49 CFR 395.8(b); the driver of Regulation 561/2006 has the same four: rest, rest in a bunk, driving, other work. */
export const DUTY_STATUSES = ['off_duty', 'sleeper', 'driving', 'on_duty'] as const
export const DUTY_EDIT_KINDS = ['another', 'added', 'void'] as const
export const DUTY_EDIT_SIDES = ['driver', 'carrier'] as const
export const DUTY_EDIT_STATES = ['proposed', 'accepted', 'refused'] as const

/**
 * The log of a driver, as the device recorded it: rows are appended. The device makes the id, so that sending again changes nothing. A
 * status lasts until the next one begins. Whose it is, is copied from the driver.
 */
export const dutyStatusChanges = pgTable(
  'duty_status_changes',
  {
    id: id(),
    tenant_id: uuid('tenant_id').notNull(),
    organization_id: uuid('organization_id').notNull(),
    driver_id: uuid('driver_id').notNull(),
    status: text('status', { enum: DUTY_STATUSES }).notNull(),
    /** The device's clock, as is `recorded_at`; `created_at` is the server's. */
    began_at: instant('began_at').notNull(),
    recorded_at: instant('recorded_at').notNull(),
    device_id: text('device_id').notNull(),
    duty_point: point('duty_point'),
    ...timestamps,
    changed_xid: changedXid(),
  },
  (t) => [
    foreignKey({
      name: 'duty_status_changes_driver_fk',
      columns: [t.driver_id, t.organization_id],
      foreignColumns: [drivers.id, drivers.organization_id],
    }).onDelete('restrict'),
    check(
      'duty_status_changes_status_known',
      sql`${t.status} in ('off_duty', 'sleeper', 'driving', 'on_duty')`,
    ),
    check('duty_status_changes_recorded_after_begin', sql`${t.recorded_at} >= ${t.began_at}`),
    check(
      'duty_status_changes_times_in_range',
      sql`${t.began_at} >= timestamptz '2000-01-01 00:00:00+00' and ${t.recorded_at} < timestamptz '2100-01-01 00:00:00+00'`,
    ),
    check('duty_status_changes_device_form', sql`${t.device_id} ~ '^[A-Za-z0-9][A-Za-z0-9 ._:-]{0,63}$'`),
    check(
      'duty_status_changes_point_valid',
      sql`${t.duty_point} is null or coalesce(st_x(${t.duty_point}::geometry) between -180 and 180 and st_y(${t.duty_point}::geometry) between -90 and 90, false)`,
    ),
    index('duty_status_changes_driver_idx').on(t.driver_id, t.began_at, t.id),
    index('duty_status_changes_organization_idx').on(t.organization_id, t.began_at, t.id),
    index('duty_status_changes_changed_idx').on(t.changed_xid, t.id),
  ],
)

/**
 * What somebody says about an entry of a log that is wrong, or missing: rows are appended, a proposal is decided on once. `entry_id` is
 * the id of the change of status, or of the edit that added the entry; of `change_id` and `edit_id` one is the same, as a reference.
 */
export const dutyStatusEdits = pgTable(
  'duty_status_edits',
  {
    id: id(),
    tenant_id: uuid('tenant_id').notNull(),
    organization_id: uuid('organization_id').notNull(),
    driver_id: uuid('driver_id').notNull(),
    entry_id: uuid('entry_id').notNull(),
    change_id: uuid('change_id'),
    edit_id: uuid('edit_id'),
    kind: text('kind', { enum: DUTY_EDIT_KINDS }).notNull(),
    /** Null: the entry does not count. */
    status: text('status', { enum: DUTY_STATUSES }),
    began_at: instant('began_at'),
    reason: text('reason').notNull(),
    proposed_by: uuid('proposed_by').notNull(),
    proposed_as: text('proposed_as', { enum: DUTY_EDIT_SIDES }).notNull(),
    state: text('state', { enum: DUTY_EDIT_STATES }).notNull().default('proposed'),
    decided_by: uuid('decided_by'),
    decided_at: instant('decided_at'),
    ...timestamps,
    changed_xid: changedXid(),
  },
  (t) => [
    foreignKey({
      name: 'duty_status_edits_driver_fk',
      columns: [t.driver_id, t.organization_id],
      foreignColumns: [drivers.id, drivers.organization_id],
    }).onDelete('restrict'),
    foreignKey({
      name: 'duty_status_edits_change_fk',
      columns: [t.change_id],
      foreignColumns: [dutyStatusChanges.id],
    }).onDelete('restrict'),
    foreignKey({
      name: 'duty_status_edits_edit_fk',
      columns: [t.edit_id],
      foreignColumns: [t.id as AnyPgColumn],
    }).onDelete('restrict'),
    foreignKey({
      name: 'duty_status_edits_proposed_by_fk',
      columns: [t.proposed_by, t.tenant_id],
      foreignColumns: [users.id, users.tenant_id],
    }).onDelete('restrict'),
    foreignKey({
      name: 'duty_status_edits_decided_by_fk',
      columns: [t.decided_by, t.tenant_id],
      foreignColumns: [users.id, users.tenant_id],
    }).onDelete('restrict'),
    check('duty_status_edits_kind_known', sql`${t.kind} in ('another', 'added', 'void')`),
    check(
      'duty_status_edits_status_known',
      sql`${t.status} in ('off_duty', 'sleeper', 'driving', 'on_duty')`,
    ),
    check('duty_status_edits_side_known', sql`${t.proposed_as} in ('driver', 'carrier')`),
    check('duty_status_edits_state_known', sql`${t.state} in ('proposed', 'accepted', 'refused')`),
    check(
      'duty_status_edits_entry_once',
      sql`${t.entry_id} = coalesce(${t.change_id}, ${t.edit_id}, ${t.id}) and (${t.change_id} is null or ${t.edit_id} is null) and (${t.kind} = 'added') = (${t.entry_id} = ${t.id})`,
    ),
    check(
      'duty_status_edits_complete',
      sql`(${t.kind} = 'void') = (${t.status} is null) and (${t.status} is null) = (${t.began_at} is null)`,
    ),
    check(
      'duty_status_edits_time_in_range',
      sql`${t.began_at} >= timestamptz '2000-01-01 00:00:00+00' and ${t.began_at} < timestamptz '2100-01-01 00:00:00+00'`,
    ),
    check('duty_status_edits_reason_length', sql`char_length(${t.reason}) between 1 and 1000`),
    check(
      'duty_status_edits_decided',
      sql`(${t.state} = 'proposed') = (${t.decided_at} is null) and (${t.decided_at} is null) = (${t.decided_by} is null)`,
    ),
    // Also for one who drives and dispatches: two sides are two people.
    check('duty_status_edits_decided_by_other', sql`${t.decided_by} <> ${t.proposed_by}`),
    uniqueIndex('duty_status_edits_one_open').on(t.entry_id).where(sql`${t.state} = 'proposed'`),
    // What counts.
    index('duty_status_edits_entry_idx')
      .on(t.driver_id, t.entry_id, t.decided_at, t.id)
      .where(sql`${t.state} = 'accepted'`),
    index('duty_status_edits_driver_idx').on(t.driver_id, t.created_at, t.id),
    index('duty_status_edits_change_idx').on(t.change_id),
    index('duty_status_edits_edit_idx').on(t.edit_id),
    index('duty_status_edits_proposed_by_idx').on(t.proposed_by, t.tenant_id),
    index('duty_status_edits_decided_by_idx').on(t.decided_by, t.tenant_id),
    index('duty_status_edits_organization_idx').on(t.organization_id, t.created_at, t.id),
    index('duty_status_edits_changed_idx').on(t.changed_xid, t.id),
  ],
)
