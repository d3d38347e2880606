import { sql } from 'drizzle-orm'
import { beforeAll, describe, expect, it } from 'vitest'
import { openSessions } from '../../src/db/session.ts'
import { listNearbyShifts } from '../../src/resources/shifts/queries.ts'
import type { NearbyFilter, NearbyShift } from '../../src/resources/shifts/schemas.ts'
import { useApi } from '../support/api.ts'
import { callerOf, ORGANIZATIONS, type Persona, PROFESSIONALS, TENANTS } from '../support/world.ts'

const api = useApi()

const LOCATIONS = 4_000
const SHIFTS_PER_LOCATION = 10
/** About where each location has one other within 3 km: the Netherlands are denser, the sea is not. */
const AREA = { south: 50.8, west: 3.4, height: 2.6, width: 3.7 } as const
const MIDDLE = { latitude: AREA.south + AREA.height / 2, longitude: AREA.west + AREA.width / 2 } as const

/** Forty thousand open shifts. Triggers and foreign keys sleep meanwhile, so what they would fill in is filled in here. */
async function loadShifts(): Promise<void> {
  await api().owner.transaction(async (tx) => {
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
       select l.tenant_id, case n % 2 when 0 then $1 else $2 end::uuid, l.organization_id, l.id, l.location_point,
              l.time_zone, 'published', now() + n * interval '1 day', now() + n * interval '1 day' + interval '8 hours',
              20 + n, 'Watch'
       from locations l, generate_series(1, $3::int) n
       where l.name like 'Place %'`,
      [ORGANIZATIONS.company, ORGANIZATIONS.rival, SHIFTS_PER_LOCATION],
    )
  })
  await api().owner.script('vacuum (analyze) shifts, locations')
}

interface Reads {
  /** Scans of the open shifts' spatial index, and the entries that they gave. */
  scans: number
  entries: number
  /** Scans of the whole table. */
  tableScans: number
  /** Entries of any other index of the table. */
  otherEntries: number
}

async function readStatistics(): Promise<Reads> {
  const [row] = await api().owner.query<Record<keyof Reads, number>>(`
    select
      sum(i.idx_scan) filter (where i.indexrelname = 'shifts_open_point_idx')::int as scans,
      sum(i.idx_tup_read) filter (where i.indexrelname = 'shifts_open_point_idx')::int as entries,
      sum(i.idx_tup_read) filter (where i.indexrelname <> 'shifts_open_point_idx')::int as "otherEntries",
      (select t.seq_scan from pg_stat_user_tables t where t.relid = 'shifts'::regclass)::int as "tableScans"
    from pg_stat_user_indexes i
    where i.relid = 'shifts'::regclass
  `)
  return row!
}

/** More than the five for which PostgreSQL, left alone, plans for the very parameters. */
const CALLS = 8

/** What `CALLS` searches in one session of a persona read, each. */
async function measure(
  persona: Persona,
  filter: Partial<NearbyFilter>,
  limit: number,
): Promise<Reads & { items: NearbyShift[] }> {
  const sessions = openSessions(api().api)
  const before = await readStatistics()
  const items = await sessions.read(callerOf(persona), async (session) => {
    let found: NearbyShift[] = []
    for (let call = 0; call < CALLS; call += 1) {
      const whole = { ...MIDDLE, radius_meters: 5_000, eligible_only: false, ...filter }
      found = await listNearbyShifts(session, whole, limit, undefined)
    }
    await session.value(sql`select pg_stat_force_next_flush()`)
    return found
  })
  const after = await readStatistics()
  const each = (name: keyof Reads) => (after[name] - before[name]) / CALLS
  return {
    items,
    scans: each('scans'),
    entries: each('entries'),
    tableScans: each('tableScans'),
    otherEntries: each('otherEntries'),
  }
}

describe('a search among forty thousand open shifts', () => {
  beforeAll(loadShifts)

  it.each([
    ['guard', { radius_meters: 100_000 }],
    ['guard', { radius_meters: 100_000, min_hourly_rate: 22 }],
    ['guard', { radius_meters: 100_000, eligible_only: true }],
    ['admin', { radius_meters: 100_000 }],
    ['company', { radius_meters: 100_000 }],
    ['client', { radius_meters: 100_000 }],
  ] as const)('of a %s with %j reads little more than it answers', async (persona, filter) => {
    const limit = 20
    const reads = await measure(persona, filter, limit)
    expect(reads.items).toHaveLength(limit + 1)
    expect(reads.tableScans).toBe(0)
    expect(reads.scans).toBe(1)
    // Within the radius lie some 16,000. The scan goes through whole locations, of which a filter may leave half, and
    // a cursor fetches up to fifty ahead.
    expect(reads.entries).toBeLessThan(10 * limit)
    // What it found is then read by its id.
    expect(reads.otherEntries).toBeLessThan(2 * limit)
  })

  it('reads no further than the radius where it finds less than a page', async () => {
    const { items, ...reads } = await measure('guard', { radius_meters: 3_000 }, 100)
    expect(items.length).toBeGreaterThan(0)
    expect(items.length).toBeLessThan(100)
    expect(reads.tableScans).toBe(0)
    // The index knows boxes: at their corners is a little more than within the radius.
    expect(reads.entries).toBeLessThanOrEqual(items.length + 2 * SHIFTS_PER_LOCATION)
  })

  it('reads nothing where there is nothing', async () => {
    const { items, ...reads } = await measure(
      'guard',
      { latitude: 40, longitude: -30, radius_meters: 100_000 },
      20,
    )
    expect(items).toEqual([])
    expect(reads).toEqual({ scans: 1, entries: 0, tableScans: 0, otherEntries: 0 })
  })

  describe('for what a guard may claim', () => {
    const everything = { radius_meters: 100_000, eligible_only: true }

    /** How often somebody's certificates were looked up: that is done for each shift that is looked at closely. */
    const lookUps = async (): Promise<number> =>
      (
        await api().owner.query<{ scans: number }>(
          "select (idx_scan + seq_scan)::int as scans from pg_stat_user_tables where relid = 'certificates'::regclass",
        )
      )[0]!.scans

    it('looks closely only at shifts that require no more than the guard has', async () => {
      await api().owner.query('update certificates set verified_at = null where professional_id = $1', [
        PROFESSIONALS.otherGuard,
      ])
      const before = await lookUps()
      const { items, ...reads } = await measure('otherGuard', everything, 20)
      expect(items).toEqual([])
      expect(reads.entries).toBeGreaterThan(10_000)
      expect(((await lookUps()) - before) / CALLS).toBeLessThan(2)
    })

    it('looks at none for a guard who may not work', async () => {
      await api().owner.query("update security_professionals set status = 'inactive' where id = $1", [
        PROFESSIONALS.otherGuard,
      ])
      const { items, ...reads } = await measure('otherGuard', everything, 20)
      expect(items).toEqual([])
      expect(reads).toEqual({ scans: 0, entries: 0, tableScans: 0, otherEntries: 0 })
    })
  })

  it('is bounded by the index itself, for the role and with the settings of the function', async () => {
    const plan = await api().owner.transaction(async (tx) => {
      await tx.query(`
        select set_config('role', 'muster_definer', true), set_config(split_part(s, '=', 1), split_part(s, '=', 2), true)
        from pg_proc p, unnest(p.proconfig) s
        where p.proname = 'nearby_shifts'
      `)
      await tx.query(`
        prepare search (geography, float8, int) as
        select s.id
        from shifts s
        where s.status = 'published' and s.deleted_at is null and st_dwithin(s.location_point, $1, $2)
        order by s.location_point <-> $1
        limit $3
      `)
      const [row] = await tx.query<{ 'QUERY PLAN': unknown }>(
        `explain (format json) execute search ('POINT(${MIDDLE.longitude} ${MIDDLE.latitude})', 100000, 20)`,
      )
      return JSON.stringify(row!['QUERY PLAN'])
    })
    expect(plan).toContain('"Index Name":"shifts_open_point_idx"')
    expect(plan).toMatch(/"Index Cond":"\(location_point && /)
    expect(plan).toMatch(/"Order By":"\(location_point <-> /)
    expect(plan).not.toContain('"Sort Key"')
  })
})
