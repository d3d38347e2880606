import { describe, expect, it } from 'vitest'
import { seedDemo as seedFreight } from '../../src/freight/demo/seed.ts'
import { seedDemo } from '../../src/guarding/demo/seed.ts'
import { DEMO_USERS } from '../../src/guarding/demo/users.ts'
import { callerFromClaims } from '../../src/platform/auth/caller.ts'
import { sql } from '../../src/platform/db/drizzle.ts'
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
    const [found] = await database().owner.query(`
      select to_json(array(select distinct t.state from timesheets t order by 1)) as states,
        to_json(array(select distinct s.step from timesheet_steps s order by 1)) as steps,
        (select max(t.work_date) - min(t.work_date) from timesheets t) > 20 as "hasMonth",
        to_json(array(select distinct f.flag from timesheets t, unnest(t.flags) as f (flag) order by f.flag)) as flags,
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
      states: ['approved', 'disputed', 'locked', 'proposed'],
      steps: ['approved', 'approved_by_itself', 'countered', 'disputed', 'resolved'],
      hasMonth: true,
      flags: ['auto_closed', 'corrected', 'late'],
      lines: ['Night 22', 'Overtime', 'Planned time', 'Sunday'],
      open: ['overtime_beyond_tolerance'],
      corrections: ['accepted', 'imposed', 'proposed', 'proposed', 'refused'],
      periods: ['closed', 'open'],
      hasStatements: true,
      isOff: false,
    })
  })

  it('has payouts in every state, with what the provider said, and tells of those that went wrong', async () => {
    const rows = await database().owner.query(`
      select p.status, count(*) > 0 as some, bool_and((e.status is not null) = (p.completed_at is not null or p.status = 'failed')) as heard,
        bool_and((n.told is not null) = (p.status in ('completed', 'failed', 'refunded'))) as told
      from payouts p
      left join lateral (
        select e.status from payout_events e where e.payout_id = p.id and e.status = p.status and e.is_applied
      ) e on true
      left join lateral (
        select count(*) as told from notifications n
        where n.type = 'payout_' || p.status and n.data ->> 'payout_id' = p.id::text
        having count(*) > 0
      ) n on true
      group by p.status order by p.status`)
    expect(rows).toEqual(
      ['completed', 'failed', 'pending', 'processing', 'refunded'].map((status) => ({
        status,
        some: true,
        heard: true,
        told: true,
      })),
    )
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

describe('the demo of a carrier', () => {
  it('has loads in every state between real places, whose window is that of their stops', async () => {
    expect(await seedFreight(database().owner)).toBe(true)
    expect(await seedFreight(database().owner)).toBe(false)
    const rows = await database().owner.query(`
      select l.status, count(*)::int as loads, bool_and(l.driver_ids <> '{}') as driven, bool_and(
        (l.starts_at, l.ends_at) = (select min(s.window_starts_at), max(s.window_ends_at) from load_stops s where s.load_id = l.id)
      ) as agree
      from loads l group by l.status order by l.status`)
    expect(rows).toEqual([
      { status: 'assigned', loads: 3, driven: true, agree: true },
      { status: 'cancelled', loads: 1, driven: false, agree: true },
      { status: 'delivered', loads: 1, driven: true, agree: true },
      { status: 'in_transit', loads: 1, driven: true, agree: true },
      { status: 'invoiced', loads: 1, driven: true, agree: true },
      { status: 'paid', loads: 1, driven: true, agree: true },
      { status: 'pending', loads: 2, driven: false, agree: true },
    ])
  })
})
