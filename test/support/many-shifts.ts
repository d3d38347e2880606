import type { Database } from '../../src/platform/db/engine/database.ts'
import { ORGANIZATIONS, TENANTS } from './world.ts'

const LOCATIONS = 4_000
export const SHIFTS_PER_LOCATION = 10
/** Around the Netherlands: some 18 km² to a location. */
const AREA = { south: 50.8, west: 3.4, height: 2.6, width: 3.7 } as const
export const MIDDLE = {
  latitude: AREA.south + AREA.height / 2,
  longitude: AREA.west + AREA.width / 2,
} as const

/** Forty thousand open shifts. Triggers and foreign keys sleep meanwhile, so what they would fill in is filled in here. */
export async function loadManyShifts(owner: Database): Promise<void> {
  await owner.transaction(async (tx) => {
    await tx.query('set local session_replication_role = replica')
    // The golden ratio spreads points evenly without repeating: the same places every time.
    await tx.query(
      `insert into locations (tenant_id, organization_id, name, address, location_point)
       select $1, $2, 'Place ' || n, 'Somewhere ' || n,
              st_point($3::float8 + $4::float8 * ((n * 0.6180339887498949) % 1), $5::float8 + $6::float8 * n / $7)::geography
       from generate_series(1, $7::int) n`,
      [TENANTS.a, ORGANIZATIONS.client, AREA.west, AREA.width, AREA.south, AREA.height, LOCATIONS],
    )
    await tx.query(
      `insert into shifts (tenant_id, company_id, client_id, location_id, location_point, time_zone, status,
                           start_datetime, end_datetime, hourly_rate, title)
       select l.tenant_id, case (n + split_part(l.name, ' ', 2)::int) % 2 when 0 then $1 else $2 end::uuid,
              l.organization_id, l.id, l.location_point, l.time_zone, 'published',
              now() + n * interval '1 day', now() + n * interval '1 day' + interval '8 hours',
              20 + n, 'Watch'
       from locations l, generate_series(1, $3::int) n
       where l.name like 'Place %'`,
      [ORGANIZATIONS.company, ORGANIZATIONS.rival, SHIFTS_PER_LOCATION],
    )
  })
  await owner.script('vacuum (analyze) shifts, locations')
}
