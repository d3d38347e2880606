import { sql } from 'drizzle-orm'
import type { Database } from '../../src/db/engine/types.ts'
import { openSessions, type Session } from '../../src/db/session.ts'
import { callerOf, ORGANIZATIONS, type Persona, TENANTS } from './world.ts'

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

/** What was read of the table `shifts`. */
export interface Reads {
  /** Scans of the open shifts' spatial index, and the entries that they gave. */
  spatialScans: number
  spatialEntries: number
  /** Entries of the other indexes. */
  otherEntries: number
  /** Scans of the whole table. */
  tableScans: number
}

async function readStatistics(owner: Database): Promise<Reads> {
  const [row] = await owner.query<Record<keyof Reads, number>>(`
    select
      sum(i.idx_scan) filter (where i.indexrelname = 'shifts_open_point_idx')::int as "spatialScans",
      sum(i.idx_tup_read) filter (where i.indexrelname = 'shifts_open_point_idx')::int as "spatialEntries",
      sum(i.idx_tup_read) filter (where i.indexrelname <> 'shifts_open_point_idx')::int as "otherEntries",
      (select t.seq_scan from pg_stat_user_tables t where t.relid = 'shifts'::regclass)::int as "tableScans"
    from pg_stat_user_indexes i
    where i.relid = 'shifts'::regclass
  `)
  return row!
}

/** More than the five for which PostgreSQL, left alone, plans for the very parameters. */
export const CALLS = 8

/**
 * Runs `work` `CALLS` times in one session of a persona.
 *
 * @returns what it gave last, and what one run read on average.
 */
export async function measureReads<T>(
  database: { owner: Database; api: Database },
  persona: Persona,
  work: (session: Session) => Promise<T>,
): Promise<{ result: T; reads: Reads }> {
  const before = await readStatistics(database.owner)
  const result = await openSessions(database.api).read(callerOf(persona), async (session) => {
    let last = await work(session)
    for (let call = 1; call < CALLS; call += 1) last = await work(session)
    await session.value(sql`select pg_stat_force_next_flush()`)
    return last
  })
  const after = await readStatistics(database.owner)
  const each = (name: keyof Reads) => (after[name] - before[name]) / CALLS
  return {
    result,
    reads: {
      spatialScans: each('spatialScans'),
      spatialEntries: each('spatialEntries'),
      otherEntries: each('otherEntries'),
      tableScans: each('tableScans'),
    },
  }
}
