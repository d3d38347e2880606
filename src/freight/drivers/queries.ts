import { sql } from '../../platform/db/drizzle.ts'
import { belongsTo } from '../../platform/db/policy-branches.ts'
import { recordQueries } from '../records.ts'
import type { Driver } from './schemas.ts'
import { drivers } from './table.ts'

export const driverRecords = recordQueries<Driver>({
  table: drivers,
  columns: {
    id: drivers.id,
    organization_id: drivers.organization_id,
    user_id: drivers.user_id,
    name: drivers.name,
    license_number: drivers.license_number,
    license_class: drivers.license_class,
    license_valid_until: drivers.license_valid_until,
    endorsements: drivers.endorsements,
    driver_type: drivers.driver_type,
    status: drivers.status,
    hire_date: drivers.hire_date,
    termination_date: drivers.termination_date,
    hours_pack: drivers.hours_pack,
    hours_cycle: drivers.hours_cycle,
    home_time_zone: drivers.home_time_zone,
    created_at: drivers.created_at,
    updated_at: drivers.updated_at,
  },
  order: drivers.name,
  // A driver may dispatch, too.
  more: [
    sql`${belongsTo(drivers.id, sql`muster.driver_id()`)}
      and ${drivers.organization_id} is distinct from (select muster.carrier_id())
      and ${drivers.tenant_id} is distinct from (select muster.admin_tenant_id())`,
  ],
})
