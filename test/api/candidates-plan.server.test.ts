import { beforeAll, describe, expect, it } from 'vitest'
import { listCandidates } from '../../src/resources/shifts/queries.ts'
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

  it.each([false, true])('with eligible_only=%s are read, and few others', async (eligible_only) => {
    const shift = await arrangeShift(api().owner)
    const { result, reads } = await measureReads(
      api(),
      'security_professionals_home_area_idx',
      'company',
      (session) => listCandidates(session, shift, { eligible_only }, LIMIT, undefined),
    )
    expect(result).toHaveLength(LIMIT + 1)
    expect(reads.tableScans).toBe(0)
    expect(reads.scans).toBe(1)
    // A cursor fetches up to fifty ahead, and of those read one in three is eligible.
    expect(reads.entries).toBeLessThan(300)
  })

  it('are worth no compilation, which takes longer than the search', async () => {
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
