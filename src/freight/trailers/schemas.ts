import { z } from 'zod'
import { newVehicle, vehicleChange, vehicleOut } from '../vehicle.ts'
import { TRAILER_KINDS } from './table.ts'

const kind = z.enum(TRAILER_KINDS)

export const trailer = z.strictObject({ ...vehicleOut, kind }).meta({ id: 'Trailer' })

export type Trailer = z.infer<typeof trailer>

export const newTrailer = z.strictObject({ ...newVehicle, kind }).meta({ id: 'NewTrailer' })

export const trailerChange = z
  .strictObject({ ...vehicleChange, kind })
  .partial()
  .refine((change) => Object.keys(change).length > 0, 'must change something')
  .meta({ id: 'TrailerChange' })
