import { organizations, PROFESSIONAL_STATUSES, users } from '../../people/table.ts'
import { edited, id, instant, point } from '../../platform/db/columns.ts'
import {
  check,
  date,
  foreignKey,
  index,
  pgTable,
  sql,
  text,
  unique,
  uuid,
} from '../../platform/db/drizzle.ts'

/** A guard. The home point is known to the guard and to admins alone; companies get distances. */
export const securityProfessionals = pgTable(
  'security_professionals',
  {
    id: id(),
    tenant_id: uuid('tenant_id').notNull(),
    user_id: uuid('user_id').notNull(),
    home_point: point('home_point'),
    status: text('status', { enum: PROFESSIONAL_STATUSES }).notNull().default('active'),
    ...edited,
  },
  (t) => [
    unique('security_professionals_user_key').on(t.user_id),
    unique('security_professionals_id_tenant_key').on(t.id, t.tenant_id),
    foreignKey({
      name: 'security_professionals_user_fk',
      columns: [t.user_id, t.tenant_id],
      foreignColumns: [users.id, users.tenant_id],
    }).onDelete('restrict'),
    check('security_professionals_status_known', sql`${t.status} in ('active', 'inactive', 'suspended')`),
    check(
      'security_professionals_home_point_valid',
      sql`${t.home_point} is null or coalesce(st_x(${t.home_point}::geometry) between -180 and 180 and st_y(${t.home_point}::geometry) between -90 and 90, false)`,
    ),
    index('security_professionals_tenant_idx').on(t.tenant_id),
    // Candidates are compared by the area in which they live, never by the address.
    index('security_professionals_home_area_idx').using('gist', sql`muster.home_area(${t.home_point})`),
  ],
)

/** Only verified ones count. One with a `company_id` (a guard pass is issued for an employer) counts for that company alone. */
export const certificates = pgTable(
  'certificates',
  {
    id: id(),
    tenant_id: uuid('tenant_id').notNull(),
    professional_id: uuid('professional_id').notNull(),
    company_id: uuid('company_id'),
    kind: text('kind').notNull(),
    number: text('number').notNull(),
    /** The last day on which it is valid, in the time zone of the place of work. */
    valid_until: date('valid_until', { mode: 'string' }).notNull(),
    verified_at: instant('verified_at'),
    verified_by: uuid('verified_by'),
    ...edited,
  },
  (t) => [
    foreignKey({
      name: 'certificates_professional_fk',
      columns: [t.professional_id, t.tenant_id],
      foreignColumns: [securityProfessionals.id, securityProfessionals.tenant_id],
    }).onDelete('restrict'),
    foreignKey({
      name: 'certificates_company_fk',
      columns: [t.company_id, t.tenant_id],
      foreignColumns: [organizations.id, organizations.tenant_id],
    }).onDelete('restrict'),
    check('certificates_kind_form', sql`${t.kind} ~ '^[a-z][a-z0-9_]{0,39}$'`),
    check('certificates_number_length', sql`char_length(${t.number}) between 1 and 100`),
    check(
      'certificates_valid_until_range',
      sql`${t.valid_until} between date '2000-01-01' and date '2099-12-31'`,
    ),
    index('certificates_professional_idx').on(t.professional_id, t.kind),
    index('certificates_company_idx').on(t.company_id),
    index('certificates_tenant_idx').on(t.tenant_id, t.created_at, t.id),
  ],
)
