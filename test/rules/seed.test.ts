import { sql } from 'drizzle-orm'
import { describe, expect, it } from 'vitest'
import { seedDemo } from '../../src/guarding/demo/seed.ts'
import { DEMO_USERS } from '../../src/guarding/demo/users.ts'
import { callerFromClaims } from '../../src/platform/auth/caller.ts'
import { openSessions } from '../../src/platform/db/session.ts'
import { useTestDatabase } from '../support/database.ts'

const database = useTestDatabase()

describe('the demo', () => {
  it('fills an empty database, once', async () => {
    expect(await seedDemo(database().owner)).toBe(true)
    expect(await seedDemo(database().owner)).toBe(false)
  })

  it('has shifts in every state, and a payment for each that somebody works', async () => {
    const rows = await database().owner.query(`
      select s.status, count(*)::int > 0 as some, bool_and((t.id is not null) = (s.professional_id is not null)) as paid
      from shifts s left join finqle_transactions t on t.shift_id = s.id
      group by s.status order by s.status
    `)
    expect(rows).toEqual(
      ['active', 'assigned', 'cancelled', 'completed', 'draft', 'published'].map((status) => ({
        status,
        some: true,
        paid: true,
      })),
    )
  })

  it('shows both guards open shifts around them that they could take, and the outsider none', async () => {
    const seen: Record<string, number> = {}
    for (const { email, id } of DEMO_USERS.filter(({ role }) => role === 'zzp')) {
      const caller = callerFromClaims({
        sub: id,
        role: 'authenticated',
        exp: Math.floor(Date.now() / 1000) + 60,
      })
      seen[email] = await openSessions(database().owner).read(caller, (session) =>
        session.value<number>(
          sql`select json_array_length((muster.nearby_shifts(52.37, 4.9, 5000, 100, eligible_only => true)).items)`,
        ),
      )
    }
    expect(seen['guard@example.com']).toBeGreaterThan(5)
    expect(seen['guard2@example.com']).toBe(seen['guard@example.com'])
    expect(seen['outsider@example.com']).toBe(0)
  })
})
