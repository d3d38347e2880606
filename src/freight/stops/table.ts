import { changedXid, id, instant, point, timestamps } from '../../platform/db/columns.ts'
import {
  boolean,
  check,
  doublePrecision,
  foreignKey,
  index,
  pgTable,
  sql,
  text,
  uuid,
} from '../../platform/db/drizzle.ts'
import { VERDICTS } from '../../platform/positions/verdict.ts'
import { loadAssignments } from '../assignments/table.ts'
import { drivers } from '../drivers/table.ts'
import { loadStops, loads } from '../loads/table.ts'

export const STOP_EVENT_KINDS = ['arrival', 'departure', 'position'] as const

/**
 * What the phone of a driver reports of a load on the way: rows are appended. The device makes the id, so that sending again changes
 * nothing. Whose it is, is copied from the load; `broker_organization_id` is set on events that
 * come while the load is in transit, or with the arrival that begins it.
 */
export const stopEvents = pgTable(
  'stop_events',
  {
    id: id(),
    tenant_id: uuid('tenant_id').notNull(),
    organization_id: uuid('organization_id').notNull(),
    load_id: uuid('load_id').notNull(),
    /** Null for a position on the way. */
    stop_id: uuid('stop_id'),
    /** By which the driver had the load. */
    assignment_id: uuid('assignment_id').notNull(),
    /** Who reported it: the driver, or the co-driver. */
    driver_id: uuid('driver_id').notNull(),
    broker_organization_id: uuid('broker_organization_id'),
    kind: text('kind', { enum: STOP_EVENT_KINDS }).notNull(),
    event_point: point('event_point').notNull(),
    /** W3C Geolocation: radius of the 95 % confidence circle. */
    accuracy_meters: doublePrecision('accuracy_meters').notNull(),
    /** To the stop. */
    distance_meters: doublePrecision('distance_meters'),
    verdict: text('verdict', { enum: VERDICTS }),
    /** Whether it moves its stop; what does not is evidence. */
    counts: boolean('counts').notNull(),
    /** The device's clock; `created_at` is the server's. */
    recorded_at: instant('recorded_at').notNull(),
    ...timestamps,
    changed_xid: changedXid(),
  },
  (t) => [
    foreignKey({
      name: 'stop_events_load_fk',
      columns: [t.load_id, t.organization_id],
      foreignColumns: [loads.id, loads.organization_id],
    }).onDelete('restrict'),
    foreignKey({
      name: 'stop_events_stop_fk',
      columns: [t.stop_id],
      foreignColumns: [loadStops.id],
    }).onDelete('restrict'),
    foreignKey({
      name: 'stop_events_assignment_fk',
      columns: [t.assignment_id, t.organization_id],
      foreignColumns: [loadAssignments.id, loadAssignments.organization_id],
    }).onDelete('restrict'),
    foreignKey({
      name: 'stop_events_driver_fk',
      columns: [t.driver_id, t.organization_id],
      foreignColumns: [drivers.id, drivers.organization_id],
    }).onDelete('restrict'),
    check('stop_events_kind_known', sql`${t.kind} in ('arrival', 'departure', 'position')`),
    check('stop_events_verdict_known', sql`${t.verdict} in ('inside', 'outside', 'uncertain')`),
    check('stop_events_kind_has_stop', sql`${t.kind} = 'position' or ${t.stop_id} is not null`),
    check(
      'stop_events_stop_is_measured',
      sql`(${t.stop_id} is null) = (${t.distance_meters} is null) and (${t.stop_id} is null) = (${t.verdict} is null)`,
    ),
    check(
      'stop_events_evidence_moves_nothing',
      sql`not ${t.counts} or (${t.kind} <> 'position' and ${t.verdict} <> 'outside' and ${t.accuracy_meters} <= 1000)`,
    ),
    // What is less precise is stored, but never inside.
    check(
      'stop_events_accuracy_range',
      sql`${t.accuracy_meters} > 0 and ${t.accuracy_meters} < 'infinity' and (${t.accuracy_meters} <= 100 or ${t.verdict} is distinct from 'inside')`,
    ),
    check(
      'stop_events_point_valid',
      sql`coalesce(st_x(${t.event_point}::geometry) between -180 and 180 and st_y(${t.event_point}::geometry) between -90 and 90, false)`,
    ),
    index('stop_events_load_idx').on(t.load_id, t.recorded_at, t.id),
    // The first arrival and the last departure, among up to a thousand positions.
    index('stop_events_stop_idx').on(t.stop_id, t.kind, t.recorded_at),
    index('stop_events_assignment_idx').on(t.assignment_id),
    // Where a driver was last.
    index('stop_events_driver_idx').on(t.driver_id, t.recorded_at, t.id),
    index('stop_events_changed_idx').on(t.changed_xid, t.id),
  ],
)
