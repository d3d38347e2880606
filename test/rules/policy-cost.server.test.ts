import { describe, expect, it } from 'vitest'
import { readConfig } from '../../src/config.ts'
import { openDatabases } from '../../src/platform/db/open.ts'
import { useApi } from '../support/api.ts'
import { arrangeShift, callerOf, type Persona, USERS } from '../support/world.ts'

const api = useApi()

interface Plan {
  'Relation Name'?: string
  'Actual Loops': number
  Plans?: Plan[]
}

/** How often a plan that was run read `relation`, in all its nodes. */
function readsOf(relation: string, plan: Plan): number {
  const own = plan['Relation Name'] === relation ? plan['Actual Loops'] : 0
  return (plan.Plans ?? []).reduce((sum, inner) => sum + readsOf(relation, inner), own)
}

/** Runs `statement` in a session of the persona, row by row: an index could leave out what the policy would look at. */
async function planOf(persona: Persona, statement: string): Promise<Plan> {
  const [row] = await api().api.transaction(async (tx) => {
    await tx.query(
      `select set_config('enable_bitmapscan', 'off', true), set_config('role', 'authenticated', true),
              set_config('request.jwt.claims', $1, true)`,
      [JSON.stringify(callerOf(persona).claims)],
    )
    return tx.query(`explain (analyze, format json) ${statement}`)
  })
  return (row!['QUERY PLAN'] as { Plan: Plan }[])[0]!.Plan
}

describe('policies', () => {
  // PostgreSQL joins the policies of people and of guarding with OR, in the order of their names, backwards.
  it.each([
    ['admin', 'guard'],
    ['company', 'company'],
    ['client', 'client'],
    ['guard', 'guard'],
  ] as const)(
    'of guarding are not asked where %s sees the user %s by that of people',
    async (persona, user) => {
      const plan = await planOf(persona, `select id from users where id = '${USERS[user]}'`)
      expect(readsOf('users', plan)).toBe(1)
      expect(readsOf('security_professionals', plan)).toBe(0)
    },
  )

  it.each(['admin', 'company', 'client', 'foreignAdmin', 'stranger'] as const)(
    'do not look through the shifts for what %s sees without them',
    async (persona) => {
      await arrangeShift(api().owner)
      for (const table of ['organizations', 'locations']) {
        const plan = await planOf(persona, `select id from ${table}`)
        expect(readsOf(table, plan), table).toBe(1)
        expect(readsOf('shifts', plan), table).toBe(0)
      }
    },
  )

  it('do look through them for a guard', async () => {
    expect(readsOf('shifts', await planOf('guard', 'select id from organizations'))).toBeGreaterThan(0)
  })
})

it('queries of the service are not compiled: policies make every plan look expensive', async () => {
  const config = readConfig({ DATABASE_URL: api().ownerUrl, MIGRATE_ON_START: 'false' })
  const databases = await openDatabases(config, () => {})
  try {
    for (const database of [databases.api, databases.worker]) {
      expect(await database.query('show jit')).toEqual([{ jit: 'off' }])
    }
  } finally {
    await databases.close()
  }
})

/**
 * A function in SQL that has a SET clause is no part of the statement that asks for it, and is read and planned again for each call: 50 µs.
 * In PL/pgSQL its plan is kept.
 */
it('functions that are asked for each row, by a default or by their names, keep their plans', async () => {
  const planned = await api().owner.query(`
    select distinct p.oid::regprocedure::text as function
    from pg_proc p
    join pg_language l on l.oid = p.prolang and l.lanname = 'sql'
    left join pg_depend d on d.refclassid = 'pg_proc'::regclass and d.refobjid = p.oid and d.classid = 'pg_attrdef'::regclass
    where p.pronamespace = 'muster'::regnamespace
      and p.proconfig is not null
      and (d.objid is not null or p.proname ~ '^(audience|codes|notification_types)_of_')`)
  expect(planned).toEqual([])
})
