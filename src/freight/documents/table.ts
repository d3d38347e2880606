import { changedXid, edited, id, instant } from '../../platform/db/columns.ts'
import {
  boolean,
  check,
  date,
  foreignKey,
  index,
  pgTable,
  sql,
  text,
  uniqueIndex,
  uuid,
} from '../../platform/db/drizzle.ts'
import { drivers } from '../drivers/table.ts'

/**
 * What drivers carry: the license and the medical card (49 CFR 391.41), which every load needs; the hazardous materials endorsement (49
 * CFR 383.93), the credential for ports (TWIC, 49 CFR 1572), and in the European Union the tachograph card (Regulation 165/2014) and the
 * qualification card (Directive 2022/2561).
 */
export const DOCUMENT_KINDS = [
  'license',
  'medical_card',
  'hazmat_endorsement',
  'twic',
  'tachograph_card',
  'qualification_card',
] as const

/** The papers of a driver: one of each kind. Whose they are, is copied from the driver. */
export const driverDocuments = pgTable(
  'driver_documents',
  {
    id: id(),
    tenant_id: uuid('tenant_id').notNull(),
    organization_id: uuid('organization_id').notNull(),
    driver_id: uuid('driver_id').notNull(),
    kind: text('kind', { enum: DOCUMENT_KINDS }).notNull(),
    number: text('number').notNull(),
    /** The last day on which it is valid. */
    expiry_date: date('expiry_date').notNull(),
    /** As `verified_at` says. */
    is_verified: boolean('is_verified').notNull().default(false),
    verified_at: instant('verified_at'),
    verified_by: uuid('verified_by'),
    ...edited,
    changed_xid: changedXid(),
  },
  (t) => [
    foreignKey({
      name: 'driver_documents_driver_fk',
      columns: [t.driver_id, t.organization_id],
      foreignColumns: [drivers.id, drivers.organization_id],
    }).onDelete('restrict'),
    check(
      'driver_documents_kind_known',
      sql`${t.kind} in ('license', 'medical_card', 'hazmat_endorsement', 'twic', 'tachograph_card', 'qualification_card')`,
    ),
    // No quotes, and nothing that a spreadsheet takes for a formula.
    check('driver_documents_number_form', sql`${t.number} ~ '^[A-Za-z0-9][A-Za-z0-9 ./-]{0,39}$'`),
    check(
      'driver_documents_expiry_range',
      sql`${t.expiry_date} >= date '1950-01-01' and ${t.expiry_date} < date '2100-01-01'`,
    ),
    check(
      'driver_documents_verified_has_time',
      sql`${t.is_verified} = (${t.verified_at} is not null) and (${t.verified_by} is null or ${t.is_verified})`,
    ),
    uniqueIndex('driver_documents_kind_key').on(t.driver_id, t.kind).where(sql`${t.deleted_at} is null`),
    index('driver_documents_driver_idx').on(t.driver_id, t.expiry_date, t.id),
    index('driver_documents_organization_idx').on(t.organization_id, t.expiry_date, t.id),
    index('driver_documents_expiry_idx')
      .on(t.expiry_date)
      .where(sql`${t.is_verified} and ${t.deleted_at} is null`),
    index('driver_documents_changed_idx').on(t.changed_xid, t.id),
  ],
)
