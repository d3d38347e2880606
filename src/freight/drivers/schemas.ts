import { z } from 'zod'
import { instantOut, text, uuid } from '../../platform/http/fields.ts'
import { carrierId, day } from '../fields.ts'
import { DRIVER_STATUSES, DRIVER_TYPES, HOURS_CYCLES, HOURS_PACKS } from './table.ts'

const MAX_ENDORSEMENTS = 10

const userId = uuid.meta({ description: 'The user, who has the role `driver` for the carrier.' })
const name = text(1, 200).meta({ description: 'The name on the license.', examples: ['Dana Whitfield'] })
const licenseNumber = z
  .string()
  .regex(/^[A-Z0-9][A-Z0-9-]{0,24}$/)
  .meta({ description: 'The number of the license; unique for the carrier.', examples: ['W40512877'] })
const licenseClass = z
  .string()
  .regex(/^[A-Z][A-Z0-9]{0,3}$/)
  .meta({ description: 'Such as `A` in the United States, `CE` in the European Union.', examples: ['A'] })
const endorsements = z
  .array(z.string().regex(/^[A-Z]{1,2}$/))
  .max(MAX_ENDORSEMENTS)
  .meta({
    description: 'Such as `H` (hazardous materials), `N` (tank) or `T` (doubles and triples).',
    examples: [['N']],
  })
const licenseValidUntil = day.nullable().meta({
  description:
    'The last day of the license; null when it is not on record. A driver gets no load that ends after it.',
  examples: ['2031-03-31'],
})
const driverType = z.enum(DRIVER_TYPES)
export const driverStatus = z.enum(DRIVER_STATUSES)
const hoursPack = z.enum(HOURS_PACKS).meta({
  description:
    'By which rules the hours of service are counted: `us_property` (49 CFR 395, carriers of property) or `eu_561` (Regulation (EC) No 561/2006).',
})
const hoursCycle = z.enum(HOURS_CYCLES).meta({
  description: 'In the United States: 60 hours on duty in 7 days, or 70 in 8.',
})
const homeTimeZone = text(1, 64).meta({
  description:
    'The IANA name of the time zone of the home terminal: there the days of a cycle and the weeks begin.',
  examples: ['America/Chicago'],
})

export const driver = z
  .strictObject({
    id: uuid,
    organization_id: uuid.meta({ description: 'The carrier.' }),
    user_id: userId,
    name: z.string(),
    license_number: z.string(),
    license_class: z.string(),
    license_valid_until: z.iso.date().nullable(),
    endorsements: z.array(z.string()),
    driver_type: driverType,
    status: driverStatus,
    hire_date: z.iso.date(),
    termination_date: z.iso.date().nullable(),
    hours_pack: hoursPack,
    hours_cycle: hoursCycle,
    home_time_zone: z.string(),
    created_at: instantOut,
    updated_at: instantOut,
  })
  .meta({ id: 'Driver' })

export type Driver = z.infer<typeof driver>

export const newDriver = z
  .strictObject({
    organization_id: carrierId,
    user_id: userId,
    name,
    license_number: licenseNumber,
    license_class: licenseClass,
    license_valid_until: licenseValidUntil.default(null),
    endorsements: endorsements.default([]),
    driver_type: driverType.default('company'),
    status: driverStatus.default('active'),
    hire_date: day,
    termination_date: day.nullable().default(null),
    hours_pack: hoursPack.default('us_property'),
    hours_cycle: hoursCycle.default('70/8'),
    home_time_zone: homeTimeZone.default('America/Chicago'),
  })
  .meta({ id: 'NewDriver' })

export const driverChange = z
  .strictObject({
    name,
    license_number: licenseNumber,
    license_class: licenseClass,
    license_valid_until: licenseValidUntil,
    endorsements,
    driver_type: driverType,
    status: driverStatus,
    hire_date: day,
    termination_date: day.nullable(),
    hours_pack: hoursPack,
    hours_cycle: hoursCycle,
    home_time_zone: homeTimeZone,
  })
  .partial()
  .refine((change) => Object.keys(change).length > 0, 'must change something')
  .meta({ id: 'DriverChange' })
