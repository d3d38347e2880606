import { organizations, users } from '../../people/table.ts'
import { changedXid, edited, id, instant, point } from '../../platform/db/columns.ts'
import {
  boolean,
  check,
  date,
  foreignKey,
  index,
  integer,
  jsonb,
  numeric,
  pgTable,
  sql,
  text,
  unique,
  uniqueIndex,
  uuid,
} from '../../platform/db/drizzle.ts'
import { brokers } from '../brokers/table.ts'
import { carrierKey, ofCarrier, unitChecks, units } from '../columns.ts'

export const LOAD_STATUSES = [
  'pending',
  'assigned',
  'in_transit',
  'delivered',
  'invoiced',
  'paid',
  'cancelled',
] as const
export const STOP_KINDS = ['pickup', 'delivery'] as const

/** A long load has a dozen of stops. */
export const MAX_STOPS = 50
/** What another system keeps with a load: keys and short notes. */
export const MAX_METADATA_BYTES = 16_384

/**
 * Who sees a load is read from the row: `broker_organization_id` is copied from the broker's record, and `driver_ids` are the drivers of
 * its assignments. Its window is that of its stops. Triggers keep them.
 */
export const loads = pgTable(
  'loads',
  {
    id: id(),
    ...ofCarrier,
    broker_id: uuid('broker_id').notNull(),
    broker_organization_id: uuid('broker_organization_id'),
    /** A user of the office, or a dispatcher. */
    dispatcher_id: uuid('dispatcher_id'),
    /** The broker's number of the load. */
    reference: text('reference'),
    status: text('status', { enum: LOAD_STATUSES }).notNull().default('pending'),
    /** What the broker pays for the load. */
    rate: numeric('rate', { precision: 10, scale: 2, mode: 'number' }).notNull(),
    distance: numeric('distance', { precision: 10, scale: 2, mode: 'number' }),
    ...units,
    is_factored: boolean('is_factored').notNull().default(false),
    metadata: jsonb('metadata').notNull().default(sql`'{}'`),
    /** When the window of the first stop begins. */
    starts_at: instant('starts_at').notNull(),
    /** When the window of the last stop ends. */
    ends_at: instant('ends_at').notNull(),
    /** The day of `ends_at` at the last stop: through it licenses and inspections have to hold. */
    last_day: date('last_day').notNull(),
    driver_ids: uuid('driver_ids').array().notNull().default(sql`'{}'`),
    cancel_reason: text('cancel_reason'),
    ...edited,
    changed_xid: changedXid(),
    // The last one, as in a database that had the table before: functions return its rows.
    /** How long the planner reckons that the driving takes; null when nobody said. */
    driving_minutes: integer('driving_minutes'),
  },
  (t) => [
    carrierKey('loads', t),
    unique('loads_id_carrier_key').on(t.id, t.organization_id),
    foreignKey({
      name: 'loads_broker_fk',
      columns: [t.broker_id, t.organization_id],
      foreignColumns: [brokers.id, brokers.organization_id],
    }).onDelete('restrict'),
    foreignKey({
      name: 'loads_broker_organization_fk',
      columns: [t.broker_organization_id, t.tenant_id],
      foreignColumns: [organizations.id, organizations.tenant_id],
    }).onDelete('restrict'),
    foreignKey({
      name: 'loads_dispatcher_fk',
      columns: [t.dispatcher_id, t.tenant_id],
      foreignColumns: [users.id, users.tenant_id],
    }).onDelete('restrict'),
    // No quotes, and nothing that a spreadsheet takes for a formula.
    check('loads_reference_form', sql`${t.reference} ~ '^[A-Za-z0-9][A-Za-z0-9 ./#_-]{0,39}$'`),
    check(
      'loads_status_known',
      sql`${t.status} in ('pending', 'assigned', 'in_transit', 'delivered', 'invoiced', 'paid', 'cancelled')`,
    ),
    check('loads_rate_not_negative', sql`${t.rate} >= 0`),
    check('loads_distance_not_negative', sql`${t.distance} >= 0`),
    check('loads_driving_minutes_range', sql`${t.driving_minutes} between 0 and 100000`),
    ...unitChecks('loads', t),
    check('loads_metadata_is_object', sql`jsonb_typeof(${t.metadata}) = 'object'`),
    check('loads_metadata_size', sql`octet_length(${t.metadata}::text) <= 16384`),
    check('loads_end_after_start', sql`${t.ends_at} > ${t.starts_at}`),
    check(
      'loads_times_in_range',
      sql`${t.starts_at} >= timestamptz '2000-01-01 00:00:00+00' and ${t.ends_at} < timestamptz '2100-01-01 00:00:00+00'`,
    ),
    check('loads_cancel_reason_length', sql`char_length(${t.cancel_reason}) between 1 and 1000`),
    check('loads_cancelled_has_reason', sql`(${t.status} = 'cancelled') = (${t.cancel_reason} is not null)`),
    check(
      'loads_deleted_is_not_driven',
      sql`${t.deleted_at} is null or ${t.status} in ('pending', 'cancelled')`,
    ),
    index('loads_organization_idx')
      .on(t.organization_id, t.starts_at, t.id)
      .where(sql`${t.deleted_at} is null`),
    index('loads_tenant_idx').on(t.tenant_id, t.starts_at, t.id).where(sql`${t.deleted_at} is null`),
    index('loads_broker_organization_idx').on(t.broker_organization_id, t.starts_at, t.id),
    index('loads_broker_idx').on(t.broker_id, t.starts_at, t.id),
    index('loads_dispatcher_idx').on(t.dispatcher_id),
    index('loads_metadata_idx').using('gin', t.metadata.op('jsonb_path_ops')),
    index('loads_changed_idx').on(t.changed_xid, t.id),
  ],
)

/** Where a load is picked up and delivered, in order. Whose it is, is copied from the load. */
export const loadStops = pgTable(
  'load_stops',
  {
    id: id(),
    tenant_id: uuid('tenant_id').notNull(),
    organization_id: uuid('organization_id').notNull(),
    load_id: uuid('load_id').notNull(),
    broker_organization_id: uuid('broker_organization_id'),
    driver_ids: uuid('driver_ids').array().notNull().default(sql`'{}'`),
    /** From 1. */
    position: integer('position').notNull(),
    kind: text('kind', { enum: STOP_KINDS }).notNull(),
    name: text('name').notNull(),
    address: text('address').notNull(),
    stop_point: point('stop_point').notNull(),
    time_zone: text('time_zone').notNull(),
    window_starts_at: instant('window_starts_at').notNull(),
    window_ends_at: instant('window_ends_at').notNull(),
    arrived_at: instant('arrived_at'),
    departed_at: instant('departed_at'),
    ...edited,
    changed_xid: changedXid(),
    // The last ones, as in a database that had the table before: functions return its rows.
    /** Whether `arrived_at` follows from stop events; what somebody set by hand stands. Null is no: see the migration. */
    arrival_is_reported: boolean('arrival_is_reported'),
    /** As `arrival_is_reported`, of `departed_at`. */
    departure_is_reported: boolean('departure_is_reported'),
  },
  (t) => [
    foreignKey({
      name: 'load_stops_load_fk',
      columns: [t.load_id, t.organization_id],
      foreignColumns: [loads.id, loads.organization_id],
    }).onDelete('restrict'),
    check('load_stops_position_range', sql`${t.position} between 1 and 50`),
    check('load_stops_kind_known', sql`${t.kind} in ('pickup', 'delivery')`),
    check('load_stops_name_length', sql`char_length(${t.name}) between 1 and 200`),
    check('load_stops_address_length', sql`char_length(${t.address}) between 1 and 500`),
    check('load_stops_time_zone_form', sql`muster.is_time_zone(${t.time_zone})`),
    check('load_stops_window_end_after_start', sql`${t.window_ends_at} > ${t.window_starts_at}`),
    check(
      'load_stops_window_in_range',
      sql`${t.window_starts_at} >= timestamptz '2000-01-01 00:00:00+00' and ${t.window_ends_at} < timestamptz '2100-01-01 00:00:00+00'`,
    ),
    check(
      'load_stops_departed_after_arrived',
      sql`${t.departed_at} is null or (${t.arrived_at} is not null and ${t.departed_at} >= ${t.arrived_at})`,
    ),
    uniqueIndex('load_stops_position_key').on(t.load_id, t.position).where(sql`${t.deleted_at} is null`),
    index('load_stops_load_idx').on(t.load_id),
    index('load_stops_organization_idx').on(t.organization_id),
    // Where loads are picked up that nobody has: of the loads that there ever were a few, for none of those has been driven.
    index('load_stops_open_idx')
      .using('gist', t.organization_id, t.stop_point)
      .where(sql`${t.position} = 1 and ${t.driver_ids} = '{}' and ${t.deleted_at} is null`),
    index('load_stops_changed_idx').on(t.changed_xid, t.id),
  ],
)
