import type { Database } from '../../src/platform/db/engine/database.ts'
import { arrangeDocuments, BROKERS, DRIVERS, FREIGHT_ORGANIZATIONS, vinOf } from './freight-world.ts'

/* Loads for tests: the way from Chicago to Detroit, and who may drive it. */

const HOUR_MS = 3_600_000

/** So many hours from now. */
export const inHours = (hours: number): string => new Date(Date.now() + hours * HOUR_MS).toISOString()

/** As a client sends them: a pickup at `from` hours from now, a delivery that ends at `to`. */
export const stopsFor = (from: number, to: number) => [
  {
    kind: 'pickup',
    name: 'Warehouse',
    address: 'Chicago, IL',
    latitude: 41.85003,
    longitude: -87.65005,
    time_zone: 'America/Chicago',
    window_starts_at: inHours(from),
    window_ends_at: inHours(from + 0.25),
  },
  {
    kind: 'delivery',
    name: 'Depot',
    address: 'Detroit, MI',
    latitude: 42.33143,
    longitude: -83.04575,
    time_zone: 'America/Detroit',
    window_starts_at: inHours(to - 0.25),
    window_ends_at: inHours(to),
  },
]

interface LoadGiven {
  id?: string
  from?: number
  to?: number
  organization?: string
  broker?: string
}

/** A pending load with its stops. As the owner. */
export async function arrangeLoad(
  owner: Database,
  {
    id,
    from = 24,
    to = from + 8,
    organization = FREIGHT_ORGANIZATIONS.carrier,
    broker = BROKERS.carrier,
  }: LoadGiven = {},
): Promise<string> {
  const [load] = await owner.query<{ id: string }>(
    `insert into loads (id, organization_id, broker_id, rate, starts_at, ends_at, last_day)
     values (coalesce($1, muster.uuid_v7()), $2, $3, 1000, $4, $5, $6) returning id`,
    [id ?? null, organization, broker, inHours(from), inHours(to), inHours(to).slice(0, 10)],
  )
  await owner.query(
    `insert into load_stops (load_id, position, kind, name, address, stop_point, time_zone, window_starts_at, window_ends_at)
     select $1, e.nth, s.kind, s.name, s.address, st_point(s.longitude, s.latitude)::geography, s.time_zone, s.window_starts_at,
            s.window_ends_at
     from jsonb_array_elements($2::jsonb) with ordinality as e (item, nth)
     cross join lateral jsonb_to_record(e.item) as s (kind text, name text, address text, latitude float8, longitude float8,
       time_zone text, window_starts_at timestamptz, window_ends_at timestamptz)`,
    [load!.id, JSON.stringify(stopsFor(from, to))],
  )
  return load!.id
}

export interface Leg {
  driver?: string
  coDriver?: string | null
  truck: string
  trailer?: string | null
  leg?: number
}

/** Assigns a load, as the owner. */
export async function assignAs(owner: Database, load: string, leg: Leg): Promise<void> {
  await owner.query(
    `insert into load_assignments (load_id, leg, driver_id, co_driver_id, truck_id, trailer_id) values ($1, $2, $3, $4, $5, $6)`,
    [load, leg.leg ?? 1, leg.driver ?? DRIVERS.driver, leg.coDriver ?? null, leg.truck, leg.trailer ?? null],
  )
  await owner.query("update loads set status = 'assigned' where id = $1 and status = 'pending'", [load])
}

let made = 10_000

/** A driver of the carrier, with a user of their own, the documents that loads need, and 100 for each load. As the owner. */
export async function arrangeDriver(
  owner: Database,
  organization: string = FREIGHT_ORGANIZATIONS.carrier,
): Promise<{ id: string; userId: string }> {
  const number = ++made
  const [user] = await owner.query<{ id: string }>(
    `insert into users (id, tenant_id, organization_id, role, name, email)
     select muster.uuid_v7(), tenant_id, id, 'driver', 'Driver', muster.uuid_v7() || '@example.com' from organizations where id = $1
     returning id`,
    [organization],
  )
  const [driver] = await owner.query<{ id: string }>(
    `insert into drivers (organization_id, user_id, name, license_number, license_class, hire_date)
     values ($1, $2, 'A driver', $3, 'A', '2020-01-01') returning id`,
    [organization, user!.id, `L${number}`],
  )
  await owner.query(`insert into driver_pay_terms (driver_id, pay_kind, pay_flat) values ($1, 'flat', 100)`, [
    driver!.id,
  ])
  await arrangeDocuments(owner, driver!.id)
  return { id: driver!.id, userId: user!.id }
}

/** A truck, or a trailer, of the carrier. As the owner. */
export async function arrangeVehicle(
  owner: Database,
  table: 'trucks' | 'trailers',
  organization: string = FREIGHT_ORGANIZATIONS.carrier,
): Promise<string> {
  const number = ++made
  const [vehicle] = await owner.query<{ id: string }>(
    `insert into ${table} (organization_id, unit_number, vin, inspection_due_on${table === 'trailers' ? ', kind' : ''})
     values ($1, $2, $3, '2099-12-31'${table === 'trailers' ? ", 'dry_van'" : ''}) returning id`,
    [organization, `L-${number}`, vinOf(number)],
  )
  return vehicle!.id
}

/** Two assignments in force that take the same driver, truck or trailer at once, found without the database's rules. */
export async function overlapsAmong(owner: Database): Promise<string[]> {
  const rows = await owner.query<Record<string, string | null>>(
    `select id, driver_id, co_driver_id, truck_id, trailer_id, extract(epoch from starts_at)::float8::text as starts,
            extract(epoch from ends_at)::float8::text as ends
     from load_assignments where ended_at is null`,
  )
  const found: string[] = []
  for (const [nth, one] of rows.entries()) {
    for (const other of rows.slice(nth + 1)) {
      const taken = new Set([one.driver_id, one.co_driver_id, one.truck_id, one.trailer_id].filter(Boolean))
      const shared = [other.driver_id, other.co_driver_id, other.truck_id, other.trailer_id].filter((id) =>
        taken.has(id ?? null),
      )
      const meets = Number(one.starts) < Number(other.ends) && Number(other.starts) < Number(one.ends)
      if (meets && shared.length > 0) found.push(`${one.id} and ${other.id}: ${shared.join()}`)
    }
  }
  return found
}

/** Assignments in force whose driver or vehicle may not be on the load, found without the database's rules. */
export const brokenAssignments = (owner: Database): Promise<unknown[]> =>
  owner.query(
    `select a.id, l.status, d.status as driver, t.status as truck
     from load_assignments a
     join loads l on l.id = a.load_id
     join drivers d on d.id in (a.driver_id, a.co_driver_id)
     join trucks t on t.id = a.truck_id
     left join trailers r on r.id = a.trailer_id
     where a.ended_at is null and (
       l.status not in ('assigned', 'in_transit') or a.starts_at < l.starts_at or a.ends_at > l.ends_at
       or d.status <> 'active' or d.deleted_at is not null or d.license_valid_until < l.last_day
       or exists (
         select from unnest(array['license', 'medical_card']) as needed where not exists (
           select from driver_documents c where c.driver_id = d.id and c.kind = needed and c.verified_at is not null and c.deleted_at is null
             and c.expiry_date >= a.last_day))
       or t.status <> 'in_service' or t.deleted_at is not null or t.inspection_due_on < l.last_day
       or r.status <> 'in_service' or r.inspection_due_on < l.last_day or not a.driver_id = any (l.driver_ids)
     )`,
  )
