import { beforeAll, describe, expect, it } from 'vitest'
import type { NearbyFilter, NearbyShift } from '../../src/guarding/shifts/schemas.ts'
import { sql } from '../../src/platform/db/drizzle.ts'
import { useApi } from '../support/api.ts'
import { loadManyShifts, MIDDLE, SHIFTS_PER_LOCATION } from '../support/many-shifts.ts'
import { CALLS, measureReads, type Reads } from '../support/reads.ts'
import { type Persona, PROFESSIONALS } from '../support/world.ts'

const api = useApi()

async function measure(
  persona: Persona,
  filter: Partial<NearbyFilter>,
  limit: number,
): Promise<Reads & { items: NearbyShift[] }> {
  const whole: NearbyFilter = { ...MIDDLE, radius_meters: 5_000, eligible_only: false, ...filter }
  const { result, reads } = await measureReads(api(), 'shifts_open_point_idx', persona, (session) =>
    session.value<NearbyShift[]>(sql`select (muster.nearby_shifts(
      latitude => ${whole.latitude},
      longitude => ${whole.longitude},
      within_meters => ${whole.radius_meters},
      max_items => ${limit},
      min_hourly_rate => ${whole.min_hourly_rate ?? null},
      eligible_only => ${whole.eligible_only}
    )).items`),
  )
  return { items: result, ...reads }
}

const nothing: Reads = { scans: 0, entries: 0, otherEntries: 0, tableScans: 0 }

/** Makes a transaction that of the function: its role, and its settings. */
const takeOnSettings = `
  select set_config('role', 'muster_definer', true), set_config(split_part(s, '=', 1), split_part(s, '=', 2), true)
  from pg_proc p, unnest(p.proconfig) s
  where p.proname = 'nearby_shifts'
`

describe('a search among forty thousand open shifts', () => {
  beforeAll(() => loadManyShifts(api().owner))

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
    expect(reads.items).toHaveLength(limit)
    expect(reads.tableScans).toBe(0)
    expect(reads.scans).toBeLessThanOrEqual(2)
    // Within the radius lie some 16,000. A filter may leave half of those that it comes by.
    expect(reads.entries).toBeLessThan(10 * limit)
    // The certificates that open shifts ask for are looked up, whatever the number of shifts.
    expect(reads.otherEntries).toBeLessThanOrEqual('eligible_only' in filter ? 10 : 0)
  })

  it('reads no further than the radius where it finds less than a page', async () => {
    const { items, ...reads } = await measure('guard', { radius_meters: 3_000 }, 100)
    expect(items.length).toBeGreaterThan(0)
    expect(items.length).toBeLessThan(100)
    expect(reads.tableScans).toBe(0)
    // The index knows boxes: at their corners is a little more than within the radius.
    expect(reads.entries).toBeLessThanOrEqual(items.length + 2 * SHIFTS_PER_LOCATION)
    expect(reads.scans).toBe(1)
  })

  it('reads nothing where there is nothing', async () => {
    const { items, ...reads } = await measure(
      'guard',
      { latitude: 40, longitude: -30, radius_meters: 100_000 },
      20,
    )
    expect(items).toEqual([])
    expect(reads).toEqual({ ...nothing, scans: 1 })
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

    it('finds at once that no shift requires no more than the guard has', async () => {
      await api().owner.query('update certificates set verified_at = null where professional_id = $1', [
        PROFESSIONALS.otherGuard,
      ])
      const before = await lookUps()
      const { items, ...reads } = await measure('otherGuard', everything, 20)
      expect(items).toEqual([])
      expect(reads.entries).toBe(0)
      expect(reads.otherEntries).toBeLessThanOrEqual(10)
      expect(((await lookUps()) - before) / CALLS).toBeLessThan(2)
    })

    it('looks at none for a guard who may not work', async () => {
      await api().owner.query("update security_professionals set status = 'inactive' where id = $1", [
        PROFESSIONALS.otherGuard,
      ])
      const { items, ...reads } = await measure('otherGuard', everything, 20)
      expect(items).toEqual([])
      expect(reads).toEqual(nothing)
    })
  })

  it('is bounded by the index itself, for the role and with the settings of the function', async () => {
    const plan = await api().owner.transaction(async (tx) => {
      await tx.query(takeOnSettings)
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

  it('runs without JIT compilation, which would take longer than the search', async () => {
    const plan = await api().owner.transaction(async (tx) => {
      await tx.query(takeOnSettings)
      const [row] = await tx.query<{ 'QUERY PLAN': [{ Plan: { 'Total Cost': number }; JIT?: unknown }] }>(`
        explain (format json)
        select s.id from shifts s order by st_distance(s.location_point, st_point(5, 52)::geography)
      `)
      return row!['QUERY PLAN'][0]
    })
    // Above this PostgreSQL compiles, unless it is told not to (jit_above_cost).
    expect(plan.Plan['Total Cost']).toBeGreaterThan(100_000)
    expect(plan.JIT).toBeUndefined()
  })
})
