import { organizations } from '../people/table.ts'
import { check, foreignKey, sql, text, uuid } from '../platform/db/drizzle.ts'

/* What the tables of freight share. */

/** Whose a row is: a carrier's. A trigger holds that it is one, and writes the tenant. */
export const ofCarrier = {
  tenant_id: uuid('tenant_id').notNull(),
  organization_id: uuid('organization_id').notNull().default(sql`muster.carrier_id()`),
}

interface CarrierColumns {
  tenant_id: Parameters<typeof foreignKey>[0]['columns'][0]
  organization_id: Parameters<typeof foreignKey>[0]['columns'][0]
}

/** @param table the name, which the constraint begins with */
export const carrierKey = (table: string, t: CarrierColumns) =>
  foreignKey({
    name: `${table}_carrier_fk`,
    columns: [t.organization_id, t.tenant_id],
    foreignColumns: [organizations.id, organizations.tenant_id],
  }).onDelete('restrict')

export const DISTANCE_UNITS = ['mi', 'km'] as const

/** Money and distances say in what they are. */
export const units = {
  /** ISO 4217. */
  currency: text('currency').notNull().default('USD'),
  distance_unit: text('distance_unit', { enum: DISTANCE_UNITS }).notNull().default('mi'),
}

interface UnitColumns {
  currency: Parameters<typeof foreignKey>[0]['columns'][0]
  distance_unit: Parameters<typeof foreignKey>[0]['columns'][0]
}

export const unitChecks = (table: string, t: UnitColumns) => [
  check(`${table}_currency_form`, sql`${t.currency} ~ '^[A-Z]{3}$'`),
  check(`${table}_distance_unit_known`, sql`${t.distance_unit} in ('mi', 'km')`),
]
