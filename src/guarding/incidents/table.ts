import { users } from '../../people/table.ts'
import { changedXid, edited, id, instant, point } from '../../platform/db/columns.ts'
import { check, foreignKey, index, pgTable, sql, text, uuid } from '../../platform/db/drizzle.ts'
import { shifts } from '../shifts/table.ts'

export const INCIDENT_CATEGORIES = [
  'theft',
  'trespass',
  'violence',
  'vandalism',
  'medical',
  'fire',
  'safety',
  'other',
] as const
export const INCIDENT_SEVERITIES = ['low', 'medium', 'high', 'critical'] as const
export const INCIDENT_STATUSES = ['open', 'acknowledged', 'resolved'] as const

export const incidents = pgTable(
  'incidents',
  {
    id: id(),
    tenant_id: uuid('tenant_id').notNull(),
    company_id: uuid('company_id').notNull(),
    client_id: uuid('client_id').notNull(),
    shift_id: uuid('shift_id').notNull(),
    reported_by: uuid('reported_by').notNull(),
    category: text('category', { enum: INCIDENT_CATEGORIES }).notNull(),
    severity: text('severity', { enum: INCIDENT_SEVERITIES }).notNull(),
    description: text('description').notNull(),
    incident_point: point('incident_point'),
    occurred_at: instant('occurred_at').notNull(),
    status: text('status', { enum: INCIDENT_STATUSES }).notNull().default('open'),
    ...edited,
    changed_xid: changedXid(),
  },
  (t) => [
    foreignKey({ name: 'incidents_shift_fk', columns: [t.shift_id], foreignColumns: [shifts.id] }).onDelete(
      'restrict',
    ),
    foreignKey({
      name: 'incidents_reported_by_fk',
      columns: [t.reported_by, t.tenant_id],
      foreignColumns: [users.id, users.tenant_id],
    }).onDelete('restrict'),
    check(
      'incidents_category_known',
      sql`${t.category} in ('theft', 'trespass', 'violence', 'vandalism', 'medical', 'fire', 'safety', 'other')`,
    ),
    check('incidents_severity_known', sql`${t.severity} in ('low', 'medium', 'high', 'critical')`),
    check('incidents_status_known', sql`${t.status} in ('open', 'acknowledged', 'resolved')`),
    // `infinity` is no time that a client could read.
    check(
      'incidents_occurred_in_range',
      sql`${t.occurred_at} >= timestamptz '2000-01-01 00:00:00+00' and ${t.occurred_at} < timestamptz '2100-01-01 00:00:00+00'`,
    ),
    check('incidents_description_length', sql`char_length(${t.description}) between 1 and 10000`),
    check(
      'incidents_point_valid',
      sql`${t.incident_point} is null or coalesce(st_x(${t.incident_point}::geometry) between -180 and 180 and st_y(${t.incident_point}::geometry) between -90 and 90, false)`,
    ),
    index('incidents_shift_idx').on(t.shift_id),
    index('incidents_reported_by_idx').on(t.reported_by, t.created_at, t.id),
    index('incidents_company_idx').on(t.company_id, t.created_at, t.id),
    index('incidents_client_idx').on(t.client_id, t.created_at, t.id),
    index('incidents_tenant_idx').on(t.tenant_id, t.created_at, t.id),
    index('incidents_point_idx').using('gist', t.incident_point),
    index('incidents_changed_idx').on(t.changed_xid, t.id),
  ],
)
