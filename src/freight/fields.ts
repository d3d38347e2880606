import { z } from 'zod'
import { DISTANCE_UNITS } from './columns.ts'

/* Fields that the resources of freight share. */

/** A number with at most so many decimals: the database (`numeric`) would silently round another one. */
export const decimal = (max: number, decimals: number) =>
  z
    .number()
    .min(0)
    .max(max)
    .refine((value) => Number(value.toFixed(decimals)) === value, `must have at most ${decimals} decimals`)

/** What `numeric(10,2)` holds. */
export const MAX_MONEY = 99_999_999.99

export const currency = z
  .string()
  .regex(/^[A-Z]{3}$/)
  .meta({ description: 'The currency, as an ISO 4217 code.', examples: ['USD'] })

export const distanceUnit = z
  .enum(DISTANCE_UNITS)
  .meta({ description: 'The unit of distances, and of rates for a distance: miles or kilometers.' })

/** A day, such as `2026-03-28`, in the range of the database's checks. */
export const day = z.iso
  .date()
  .refine(
    (value) => value >= '1950-01-01' && value < '2100-01-01',
    'must lie between the years 1950 and 2100',
  )

export const carrierId = z.guid().optional().meta({
  description:
    'The carrier. Admins must send it; for the office and dispatchers, their own carrier is the default.',
})
