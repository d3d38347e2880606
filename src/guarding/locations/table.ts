import { organizations } from '../../people/table.ts'
import { edited, id, point } from '../../platform/db/columns.ts'
import {
  check,
  foreignKey,
  index,
  integer,
  pgTable,
  sql,
  text,
  unique,
  uuid,
} from '../../platform/db/drizzle.ts'

export const locations = pgTable(
  'locations',
  {
    id: id(),
    tenant_id: uuid('tenant_id').notNull(),
    organization_id: uuid('organization_id').notNull(),
    name: text('name').notNull(),
    address: text('address').notNull(),
    location_point: point('location_point').notNull(),
    /** How far from the point still counts as on site. */
    radius_meters: integer('radius_meters').notNull().default(100),
    /** An IANA name: a certificate is valid through the last day of the shift *there*. */
    time_zone: text('time_zone').notNull().default('Europe/Amsterdam'),
    ...edited,
  },
  (t) => [
    unique('locations_id_organization_key').on(t.id, t.organization_id),
    foreignKey({
      name: 'locations_organization_fk',
      columns: [t.organization_id, t.tenant_id],
      foreignColumns: [organizations.id, organizations.tenant_id],
    }).onDelete('restrict'),
    check('locations_name_length', sql`char_length(${t.name}) between 1 and 200`),
    check('locations_address_length', sql`char_length(${t.address}) between 1 and 500`),
    check('locations_radius_range', sql`${t.radius_meters} between 50 and 1000`),
    check('locations_time_zone_known', sql`muster.is_time_zone(${t.time_zone})`),
    check(
      'locations_point_valid',
      sql`coalesce(st_x(${t.location_point}::geometry) between -180 and 180 and st_y(${t.location_point}::geometry) between -90 and 90, false)`,
    ),
    index('locations_organization_idx')
      .on(t.organization_id, t.name, t.id)
      .where(sql`${t.deleted_at} is null`),
    index('locations_tenant_idx').on(t.tenant_id, t.name, t.id).where(sql`${t.deleted_at} is null`),
    index('locations_point_idx').using('gist', t.location_point),
  ],
)
