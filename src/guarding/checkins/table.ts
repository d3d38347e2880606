import { changedXid, instant, point, timestamps } from '../../platform/db/columns.ts'
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
import { assignments } from '../assignments/table.ts'

export const CHECKIN_KINDS = ['clock_in', 'break_start', 'break_end', 'ping', 'clock_out'] as const

/**
 * The device makes the id, so that sending again changes nothing. Whose shift it was is copied from the shift at
 * insert: it stays true when the shift is moved or given to somebody else later.
 */
export const gpsCheckins = pgTable(
  'gps_checkins',
  {
    id: uuid('id').primaryKey().default(sql`muster.uuid_v7()`),
    tenant_id: uuid('tenant_id').notNull(),
    company_id: uuid('company_id').notNull(),
    client_id: uuid('client_id').notNull(),
    shift_id: uuid('shift_id').notNull(),
    assignment_id: uuid('assignment_id').notNull(),
    /** The assignment's. */
    professional_id: uuid('professional_id').notNull(),
    kind: text('kind', { enum: CHECKIN_KINDS }).notNull(),
    gps_point: point('gps_point').notNull(),
    /** W3C Geolocation: radius of the 95 % confidence circle. */
    accuracy_meters: doublePrecision('accuracy_meters').notNull(),
    distance_meters: doublePrecision('distance_meters').notNull(),
    is_within_radius: boolean('is_within_radius').notNull(),
    verdict: text('verdict', { enum: VERDICTS }).notNull(),
    /** The device's clock; `created_at` is the server's. */
    recorded_at: instant('recorded_at').notNull(),
    ...timestamps,
    changed_xid: changedXid(),
  },
  (t) => [
    // With it the shift: a key of its own for that would be one more look-up for each check-in.
    foreignKey({
      name: 'gps_checkins_assignment_fk',
      columns: [t.shift_id, t.assignment_id],
      foreignColumns: [assignments.shift_id, assignments.id],
    }).onDelete('restrict'),
    check(
      'gps_checkins_kind_known',
      sql`${t.kind} in ('clock_in', 'break_start', 'break_end', 'ping', 'clock_out')`,
    ),
    check('gps_checkins_verdict_known', sql`${t.verdict} in ('inside', 'outside', 'uncertain')`),
    // What is less precise is stored, but never inside.
    check(
      'gps_checkins_accuracy_range',
      sql`${t.accuracy_meters} > 0 and ${t.accuracy_meters} < 'infinity' and (${t.accuracy_meters} <= 100 or ${t.verdict} <> 'inside')`,
    ),
    check(
      'gps_checkins_point_valid',
      sql`coalesce(st_x(${t.gps_point}::geometry) between -180 and 180 and st_y(${t.gps_point}::geometry) between -90 and 90, false)`,
    ),
    index('gps_checkins_shift_idx').on(t.shift_id, t.recorded_at, t.id),
    // What moves the shift, among up to 50,000 pings (one a second). Without it 1,000 clock events in one batch took 18 s.
    index('gps_checkins_clocks_idx').on(t.assignment_id, t.recorded_at).where(sql`${t.kind} <> 'ping'`),
    // Who was near a place at that time. With the time in it, a batch takes 17 % longer; as it is, none that can be measured.
    index('gps_checkins_point_idx').using('gist', t.gps_point),
    index('gps_checkins_changed_idx').on(t.changed_xid, t.id),
  ],
)
