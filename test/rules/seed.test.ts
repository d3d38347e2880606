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
      ['active', 'assigned', 'cancelled', 'completed', 'draft', 'no_show', 'published'].map((status) => ({
        status,
        some: true,
        paid: true,
      })),
    )
  })

  it('has a month of hours in every state, to the cent', async () => {
    const rows = await database().owner.query(`
      select t.state, to_json(array_agg(distinct s.step order by s.step) filter (where s.step is not null)) as steps,
        max(max(t.work_date)) over () - min(min(t.work_date)) over () as days
      from timesheets t left join timesheet_steps s on s.timesheet_id = t.id group by t.state order by t.state`)
    expect(rows).toMatchObject([
      { state: 'approved', steps: ['approved', 'approved_by_itself', 'disputed', 'resolved'] },
      { state: 'disputed', steps: ['countered', 'disputed'] },
      { state: 'locked', steps: ['approved_by_itself'] },
      { state: 'proposed', steps: null },
    ])
    expect(rows[0]!.days).toBeGreaterThan(20)
    const [found] = await database().owner.query(`
      select to_json(array(select distinct f.flag from timesheets t, unnest(t.flags) as f (flag) order by f.flag)) as flags,
        to_json(array(select distinct split_part(l.explanation, ':', 1) from timesheet_lines l where l.is_approved order by 1)) as lines,
        to_json(array(select distinct l.open_reason from timesheet_lines l where not l.is_approved)) as open,
        to_json(array(select c.state from corrections c order by c.state)) as corrections,
        to_json(array(select p.state from pay_periods p group by p.state order by p.state)) as periods,
        (select count(*) from statements s where s.payable > 0) > 1 as "hasStatements",
        exists (
          select from timesheets t
          join finqle_transactions p on p.assignment_id = t.assignment_id
          where p.amount <> t.total
            or t.total <> (select coalesce(sum(l.amount), 0) from timesheet_lines l where l.timesheet_id = t.id and l.is_approved)
        ) as "isOff"`)
    expect(found).toEqual({
      flags: ['auto_closed', 'corrected', 'late'],
      lines: ['Night 22', 'Overtime', 'Planned time', 'Sunday'],
      open: ['overtime_beyond_tolerance'],
      corrections: ['accepted', 'imposed', 'proposed', 'proposed', 'refused'],
      periods: ['closed', 'open'],
      hasStatements: true,
      isOff: false,
    })
  })

  it('has a guard who is late, of whom background work tells', async () => {
    expect(await database().owner.query('select muster.flag_late_shifts() as flagged')).toEqual([
      { flagged: 1 },
    ])
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
