import { recordQueries } from '../records.ts'
import type { Trailer } from './schemas.ts'
import { trailers } from './table.ts'

export const trailerRecords = recordQueries<Trailer>({
  table: trailers,
  columns: {
    id: trailers.id,
    organization_id: trailers.organization_id,
    unit_number: trailers.unit_number,
    vin: trailers.vin,
    ownership: trailers.ownership,
    status: trailers.status,
    inspection_due_on: trailers.inspection_due_on,
    kind: trailers.kind,
    created_at: trailers.created_at,
    updated_at: trailers.updated_at,
  },
  order: trailers.unit_number,
})
