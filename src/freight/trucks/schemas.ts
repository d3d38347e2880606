import { z } from 'zod'
import { newVehicle, vehicleChange, vehicleOut } from '../vehicle.ts'

export const truck = z.strictObject(vehicleOut).meta({ id: 'Truck' })

export type Truck = z.infer<typeof truck>

export const newTruck = z.strictObject(newVehicle).meta({ id: 'NewTruck' })

export const truckChange = z
  .strictObject(vehicleChange)
  .partial()
  .refine((change) => Object.keys(change).length > 0, 'must change something')
  .meta({ id: 'TruckChange' })
