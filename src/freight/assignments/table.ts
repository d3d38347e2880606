import { changedXid, id, instant, timestamps } from '../../platform/db/columns.ts'
import {
  check,
  date,
  foreignKey,
  index,
  integer,
  pgTable,
  primaryKey,
  sql,
  text,
  unique,
  uniqueIndex,
  uuid,
} from '../../platform/db/drizzle.ts'
import { muster } from '../../platform/idempotency/table.ts'
import { drivers } from '../drivers/table.ts'
import { loads } from '../loads/table.ts'
import { trailers } from '../trailers/table.ts'
import { trucks } from '../trucks/table.ts'

export const ASSIGNMENT_ENDINGS = ['completed', 'unassigned', 'cancelled'] as const

/** A relay has a few legs. */
export const MAX_LEGS = 20

/**
 * Who drives a leg of a load, with which truck and trailer. A team is a driver and a co-driver, a relay or another trailer is another
 * leg. A leg without times of its own has those of the load, and follows them.
 */
export const loadAssignments = pgTable(
  'load_assignments',
  {
    id: id(),
    tenant_id: uuid('tenant_id').notNull(),
    organization_id: uuid('organization_id').notNull(),
    load_id: uuid('load_id').notNull(),
    leg: integer('leg').notNull().default(1),
    driver_id: uuid('driver_id').notNull(),
    co_driver_id: uuid('co_driver_id'),
    truck_id: uuid('truck_id').notNull(),
    trailer_id: uuid('trailer_id'),
    /** Null for that of the load. */
    leg_starts_at: instant('leg_starts_at'),
    leg_ends_at: instant('leg_ends_at'),
    starts_at: instant('starts_at').notNull(),
    ends_at: instant('ends_at').notNull(),
    /** Through it licenses and inspections have to hold. */
    last_day: date('last_day').notNull(),
    /** Null while it is in force. */
    ended_at: instant('ended_at'),
    ended_as: text('ended_as', { enum: ASSIGNMENT_ENDINGS }),
    ...timestamps,
    created_by: uuid('created_by'),
    updated_by: uuid('updated_by'),
    changed_xid: changedXid(),
  },
  (t) => [
    unique('load_assignments_id_carrier_key').on(t.id, t.organization_id),
    foreignKey({
      name: 'load_assignments_load_fk',
      columns: [t.load_id, t.organization_id],
      foreignColumns: [loads.id, loads.organization_id],
    }).onDelete('restrict'),
    foreignKey({
      name: 'load_assignments_driver_fk',
      columns: [t.driver_id, t.organization_id],
      foreignColumns: [drivers.id, drivers.organization_id],
    }).onDelete('restrict'),
    foreignKey({
      name: 'load_assignments_co_driver_fk',
      columns: [t.co_driver_id, t.organization_id],
      foreignColumns: [drivers.id, drivers.organization_id],
    }).onDelete('restrict'),
    foreignKey({
      name: 'load_assignments_truck_fk',
      columns: [t.truck_id, t.organization_id],
      foreignColumns: [trucks.id, trucks.organization_id],
    }).onDelete('restrict'),
    foreignKey({
      name: 'load_assignments_trailer_fk',
      columns: [t.trailer_id, t.organization_id],
      foreignColumns: [trailers.id, trailers.organization_id],
    }).onDelete('restrict'),
    check('load_assignments_leg_range', sql`${t.leg} between 1 and 20`),
    check('load_assignments_co_driver_is_another', sql`${t.co_driver_id} <> ${t.driver_id}`),
    check('load_assignments_end_after_start', sql`${t.ends_at} > ${t.starts_at}`),
    check('load_assignments_ended_as_known', sql`${t.ended_as} in ('completed', 'unassigned', 'cancelled')`),
    check('load_assignments_ended_has_ending', sql`(${t.ended_at} is null) = (${t.ended_as} is null)`),
    uniqueIndex('load_assignments_leg_key').on(t.load_id, t.leg).where(sql`${t.ended_at} is null`),
    index('load_assignments_load_idx').on(t.load_id),
    index('load_assignments_driver_idx').on(t.driver_id, t.starts_at),
    index('load_assignments_co_driver_idx').on(t.co_driver_id, t.starts_at),
    index('load_assignments_truck_idx').on(t.truck_id, t.starts_at),
    index('load_assignments_trailer_idx').on(t.trailer_id, t.starts_at),
    index('load_assignments_organization_idx').on(t.organization_id),
    index('load_assignments_changed_idx').on(t.changed_xid, t.id),
  ],
)

/**
 * When a driver, a truck or a trailer is taken: a row for each that an assignment in force has. The exclusion constraints stand here,
 * for somebody is a driver in one row and a co-driver in another.
 */
export const loadBookings = muster.table(
  'load_bookings',
  {
    assignment_id: uuid('assignment_id').notNull(),
    kind: text('kind', { enum: ['driver', 'truck', 'trailer'] }).notNull(),
    booked_id: uuid('booked_id').notNull(),
    tenant_id: uuid('tenant_id').notNull(),
    organization_id: uuid('organization_id').notNull(),
    starts_at: instant('starts_at').notNull(),
    ends_at: instant('ends_at').notNull(),
  },
  (t) => [
    primaryKey({ name: 'load_bookings_pkey', columns: [t.assignment_id, t.booked_id] }),
    foreignKey({
      name: 'load_bookings_assignment_fk',
      columns: [t.assignment_id, t.organization_id],
      foreignColumns: [loadAssignments.id, loadAssignments.organization_id],
    }).onDelete('restrict'),
    check('load_bookings_kind_known', sql`${t.kind} in ('driver', 'truck', 'trailer')`),
    check('load_bookings_end_after_start', sql`${t.ends_at} > ${t.starts_at}`),
  ],
)
