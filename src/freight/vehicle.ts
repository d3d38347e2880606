import { z } from 'zod'
import { edited, id } from '../platform/db/columns.ts'
import {
  type AnyPgColumn,
  check,
  date,
  index,
  sql,
  text,
  unique,
  uniqueIndex,
} from '../platform/db/drizzle.ts'
import { instantOut, text as textField, uuid } from '../platform/http/fields.ts'
import { carrierKey, ofCarrier } from './columns.ts'
import { carrierId, day } from './fields.ts'

export const OWNERSHIPS = ['company', 'owner_operator', 'lease'] as const
export const EQUIPMENT_STATUSES = ['in_service', 'out_of_service', 'sold'] as const

/* What trucks and trailers share. */

export const vehicle = {
  id: id(),
  ...ofCarrier,
  unit_number: text('unit_number').notNull(),
  /** ISO 3779, with the check digit of 49 CFR 565.15. */
  vin: text('vin').notNull(),
  ownership: text('ownership', { enum: OWNERSHIPS }).notNull().default('company'),
  status: text('status', { enum: EQUIPMENT_STATUSES }).notNull().default('in_service'),
  /** The last day for which the inspection holds. */
  inspection_due_on: date('inspection_due_on').notNull(),
  ...edited,
}

type Vehicle = Record<keyof typeof vehicle, AnyPgColumn>

export const vehicleRules = (table: string, t: Vehicle) => [
  carrierKey(table, t),
  unique(`${table}_id_carrier_key`).on(t.id, t.organization_id),
  check(`${table}_unit_number_length`, sql`char_length(${t.unit_number}) between 1 and 40`),
  check(`${table}_vin_valid`, sql`muster.is_vin(${t.vin})`),
  check(`${table}_ownership_known`, sql`${t.ownership} in ('company', 'owner_operator', 'lease')`),
  check(`${table}_status_known`, sql`${t.status} in ('in_service', 'out_of_service', 'sold')`),
  check(
    `${table}_inspection_range`,
    sql`${t.inspection_due_on} >= date '2000-01-01' and ${t.inspection_due_on} < date '2100-01-01'`,
  ),
  // Of one carrier: that another has a vehicle of this number would be news of a rival's, or of another tenant's.
  uniqueIndex(`${table}_vin_key`)
    .on(t.organization_id, t.vin)
    .where(sql`${t.deleted_at} is null and ${t.status} <> 'sold'`),
  uniqueIndex(`${table}_unit_number_key`)
    .on(t.organization_id, t.unit_number)
    .where(sql`${t.deleted_at} is null`),
  index(`${table}_tenant_idx`).on(t.tenant_id, t.unit_number, t.id).where(sql`${t.deleted_at} is null`),
]

const vin = z
  .string()
  .regex(/^[A-HJ-NPR-Z0-9]{17}$/)
  .meta({
    description:
      'The vehicle identification number (ISO 3779), with a correct check digit (49 CFR 565.15). A carrier has it once among the vehicles that it has not sold.',
    examples: ['1M8GDM9AXKP042788'],
  })
const unitNumber = textField(1, 40).meta({
  description: 'What the carrier calls the vehicle; unique for the carrier.',
  examples: ['T-104'],
})
const ownership = z.enum(OWNERSHIPS)
export const vehicleStatus = z.enum(EQUIPMENT_STATUSES)
const inspectionDueOn = day.meta({ description: 'The last day for which the inspection holds.' })

export const vehicleOut = {
  id: uuid,
  organization_id: uuid.meta({ description: 'The carrier.' }),
  unit_number: z.string(),
  vin: z.string(),
  ownership,
  status: vehicleStatus,
  inspection_due_on: z.iso.date(),
  created_at: instantOut,
  updated_at: instantOut,
}

export const newVehicle = {
  organization_id: carrierId,
  unit_number: unitNumber,
  vin,
  ownership: ownership.default('company'),
  status: vehicleStatus.default('in_service'),
  inspection_due_on: inspectionDueOn,
}

export const vehicleChange = {
  unit_number: unitNumber,
  vin,
  ownership,
  status: vehicleStatus,
  inspection_due_on: inspectionDueOn,
}
