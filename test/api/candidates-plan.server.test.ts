import { beforeAll, describe, expect, it } from 'vitest'
import type { Candidate } from '../../src/guarding/shifts/schemas.ts'
import { sql } from '../../src/platform/db/drizzle.ts'
import { useApi } from '../support/api.ts'
import { measureReads } from '../support/reads.ts'
import { arrangeShift, TENANTS } from '../support/world.ts'

const api = useApi()
const LIMIT = 20

/** Twenty thousand guards all over the Netherlands. One in a hundred did not say where, and one in three has a certificate. */
async function loadGuards(): Promise<void> {
  const { owner } = api()
  await owner.transaction(async (tx) => {
    await tx.query('set local session_replication_role = replica')
    await tx.query(
      `insert into users (tenant_id, id, role, name, email)
       select $1, md5('user' || n)::uuid, 'zzp', 'Guard ' || n, 'guard' || n || '@example.com'
       from generate_series(1, 20000) n`,
      [TENANTS.a],
    )
    await tx.query(
      `insert into security_professionals (tenant_id, id, user_id, home_point)
       select $1, md5('guard' || n)::uuid, md5('user' || n)::uuid,
              case when n % 100 > 0 then st_point(3.4 + 3.7 * ((n * 0.6180339887498949) % 1), 50.8 + 2.6 * n / 20000)::geography end
       from generate_series(1, 20000) n`,
      [TENANTS.a],
    )
    await tx.query(
      `insert into certificates (tenant_id, professional_id, kind, number, valid_until, verified_at)
       select $1, md5('guard' || n)::uuid, 'vca', 'V-' || n, '2099-12-31', now()
       from generate_series(1, 20000, 3) n`,
      [TENANTS.a],
    )
  })
  await owner.script('vacuum (analyze) users, security_professionals, certificates')
}

describe('candidates among twenty thousand guards', () => {
  beforeAll(loadGuards)

  // Of an admin nothing is counted: a session that only reads can ask.
  it.each([
    [false, 'vca', LIMIT],
    [true, 'vca', LIMIT],
    [true, 'nobody_has_it', 0],
  ])('with eligible_only=%s and %s required are read, and few others', async (eligible_only, kind, items) => {
    const shift = await arrangeShift(api().owner, { certificates: [kind] })
    const { result, reads } = await measureReads(
      api(),
      'security_professionals_home_area_idx',
      'admin',
      (session) =>
        session.value<Candidate[]>(
          sql`select (muster.shift_candidates(${shift}, ${LIMIT}, ${eligible_only})).items`,
        ),
    )
    expect(result).toHaveLength(items)
    expect(reads.tableScans).toBe(0)
    expect(reads.scans).toBe(1)
    // A cursor fetches up to fifty ahead, and a page with eligible_only looks at a hundred.
    expect(reads.entries).toBeLessThan(200)
  })

  it('run without JIT compilation, which would take longer than the search', async () => {
    const plan = await api().owner.transaction(async (tx) => {
      await tx.query(`
        select set_config('role', 'muster_definer', true), set_config(split_part(s, '=', 1), split_part(s, '=', 2), true)
        from pg_proc p, unnest(p.proconfig) s
        where p.proname = 'shift_candidates'
      `)
      const [row] = await tx.query<{ 'QUERY PLAN': [{ Plan: { 'Total Cost': number }; JIT?: unknown }] }>(`
        explain (format json)
        select p.id from security_professionals p
        order by st_distance(muster.home_area(p.home_point), st_point(5, 52)::geography)
      `)
      return row!['QUERY PLAN'][0]
    })
    // Above this PostgreSQL compiles, unless it is told not to (jit_above_cost).
    expect(plan.Plan['Total Cost']).toBeGreaterThan(100_000)
    expect(plan.JIT).toBeUndefined()
  })
})

/** A site with a check-in an hour for four months, among a hundred others of the same. */
async function loadCheckIns(): Promise<void> {
  const { owner } = api()
  const shift = await arrangeShift(owner, { status: 'assigned', startsInHours: 5_000 })
  await owner.transaction(async (tx) => {
    await tx.query('set local session_replication_role = replica')
    await tx.query(
      `insert into gps_checkins (tenant_id, company_id, client_id, shift_id, assignment_id, professional_id, kind, gps_point, accuracy_meters,
                                 distance_meters, is_within_radius, verdict, recorded_at)
       select s.tenant_id, s.company_id, s.client_id, s.id, a.id, s.professional_id, 'ping', st_point(4 + site * 0.02, 52)::geography, 5, 1, true,
              'inside', now() - n * interval '1 hour'
       from shifts s join assignments a on a.shift_id = s.id, generate_series(1, 100) site, generate_series(1, 300) n where s.id = $1`,
      [shift],
    )
  })
  await owner.script('vacuum (analyze) gps_checkins')
}

describe('check-ins near a place, among thirty thousand', () => {
  beforeAll(loadCheckIns)

  it.each(['company', 'client', 'admin'] as const)('are read by their place for a %s', async (persona) => {
    const { result, reads } = await measureReads(api(), 'gps_checkins_point_idx', persona, (session) =>
      session.value<unknown[]>(
        sql`select (muster.nearby_check_ins(52, 5, 500, now() - interval '10 hours', now(), ${LIMIT})).items`,
      ),
    )
    expect(result).toHaveLength(9)
    expect(reads.scans).toBe(1)
    // Those of the one site, of any time.
    expect(reads.entries).toBe(300)
    expect(reads.otherEntries).toBe(0)
    expect(reads.tableScans).toBe(0)
  })
})
