import { pgTable } from 'drizzle-orm/pg-core'
import { vehicle, vehicleRules } from '../vehicle.ts'

export const trucks = pgTable('trucks', vehicle, (t) => vehicleRules('trucks', t))
