import { describe, expect, it } from 'vitest'
import { serializeClaims } from '../../src/platform/auth/caller.ts'
import { ACCESS_PERSONAS, accessCaller, buildAccessWorld } from '../rules/access-world.ts'
import { readersOf, sectionOf, wrongCells } from '../support/change-matrix.ts'
import { useRouter } from '../support/changes.ts'
import { PUBLISHED_TABLES } from '../support/modules.ts'

const rt = useRouter(async (owner) => {
  await buildAccessWorld(owner)
  await owner.script(`
    create table markers (id int primary key generated always as identity);
    grant select on markers to anon, authenticated;
    alter publication supabase_realtime add table markers;
  `)
})

it('the groups of a caller are those by which the policies know them', async () => {
  for (const persona of ACCESS_PERSONAS) {
    const [groups] = await rt().owner.transaction(async (tx) => {
      await tx.query("select set_config('request.jwt.claims', $1, true)", [
        serializeClaims(accessCaller(persona).claims),
      ])
      return tx.query(`
        select
          array(select unnest(muster.caller_audience()) order by 1) as told,
          array(
            select g from unnest(array[
              'admins:' || muster.admin_tenant_id(),
              'company:' || muster.company_id(),
              case when muster.tenant_id() is not null then 'user:' || muster.user_id() end,
              'client:' || muster.client_id(),
              'professional:' || muster.professional_id(),
              'guards:' || muster.guard_tenant_id(),
              'carrier:' || muster.carrier_id(),
              'office:' || muster.office_carrier_id(),
              'driver:' || muster.driver_id(),
              'broker:' || muster.broker_id()
            ]) as g
            where g is not null
            order by 1
          ) as known`)
    })
    expect({ persona, groups: groups!.told }).toEqual({ persona, groups: groups!.known })
  }
})

describe('change events reach those who may read the row, and nobody else', () => {
  it.each(PUBLISHED_TABLES)('%s', async (table) => {
    const rows = Object.keys(sectionOf(table).rows)
    expect(rows.some((row) => readersOf(table, row).length > 0)).toBe(true)
    const { checks } = rt().router.health
    expect(await wrongCells(rt(), table)).toEqual([])
    expect(rt().gaps).toEqual([])
    // Told by audience: nobody was asked for one by one.
    expect(rt().router.health.checks).toBe(checks)
  })

  it.each(PUBLISHED_TABLES)(
    '%s: the same where a policy of somebody’s own makes that the database asks for each',
    async (table) => {
      await rt().owner.query(`create policy of_theirs on ${table} for select to authenticated using (false)`)
      const { checks } = rt().router.health
      expect(await wrongCells(rt(), table)).toEqual([])
      expect(rt().router.health.checks).toBeGreaterThan(checks)
      await rt().owner.query(`drop policy of_theirs on ${table}`)
    },
  )
})
