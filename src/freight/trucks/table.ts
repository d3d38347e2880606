import { pgTable } from '../../platform/db/drizzle.ts'
import { vehicle, vehicleRules } from '../vehicle.ts'

export const trucks = pgTable('trucks', vehicle, (t) => vehicleRules('trucks', t))
