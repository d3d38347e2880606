import { recordQueries } from '../records.ts'
import type { Truck } from './schemas.ts'
import { trucks } from './table.ts'

export const truckRecords = recordQueries<Truck>({
  table: trucks,
  columns: {
    id: trucks.id,
    organization_id: trucks.organization_id,
    unit_number: trucks.unit_number,
    vin: trucks.vin,
    ownership: trucks.ownership,
    status: trucks.status,
    inspection_due_on: trucks.inspection_due_on,
    created_at: trucks.created_at,
    updated_at: trucks.updated_at,
  },
  order: trucks.unit_number,
})
