import { expect } from 'vitest'
import type { Database } from '../../src/platform/db/engine/database.ts'

/**
 * What is true of every database in which the rules were kept, in plain SQL: it uses no function of the project's own, so a
 * wrong rule cannot confirm itself. Each query gives one row per break, with `subject` to find it by.
 *
 * States are held to follow from check-ins; a fixture that sets `active` by hand breaks that.
 */
const INVARIANTS: Record<string, string> = {
  'nobody works two shifts at once': `
    select a.id || ' and ' || b.id as subject
    from shifts a
    join shifts b on b.professional_id = a.professional_id and b.id > a.id
    where a.status in ('assigned', 'active') and a.deleted_at is null
      and b.status in ('assigned', 'active') and b.deleted_at is null
      and a.start_datetime < b.end_datetime and b.start_datetime < a.end_datetime`,

  'a worked shift that is not over has every certificate': `
    select s.id || ' lacks ' || required as subject
    from shifts s
    cross join unnest(s.required_certificates) as required
    where s.status in ('assigned', 'active') and s.end_datetime > clock_timestamp()
      and not exists (
        select from certificates c
        where c.professional_id = s.professional_id and c.kind = required
          and c.verified_at is not null and c.deleted_at is null
          and (c.company_id is null or c.company_id = s.company_id)
          and c.valid_until >= cast(s.end_datetime at time zone s.time_zone as date)
      )`,

  'a worked shift that is not over has an active professional of its tenant': `
    select s.id::text as subject
    from shifts s
    left join security_professionals p on p.id = s.professional_id
    where s.status in ('assigned', 'active') and s.end_datetime > clock_timestamp()
      and (p.status, p.tenant_id, p.deleted_at is null) is distinct from ('active', s.tenant_id, true)`,

  'a worked shift has one live payment, of its professional': `
    select s.id || ': ' || count(t.id) as subject
    from shifts s
    left join finqle_transactions t
      on t.shift_id = s.id and t.status <> 'voided' and t.professional_id = s.professional_id
    where s.status in ('assigned', 'active', 'completed')
    group by s.id
    having count(t.id) <> 1`,

  'no other shift has a live payment, unless work was stopped': `
    select t.shift_id::text as subject
    from finqle_transactions t
    join shifts s on s.id = t.shift_id
    join assignments a on a.id = t.assignment_id
    where t.status <> 'voided' and s.status not in ('assigned', 'active', 'completed') and a.ended_as <> 'stopped'`,

  'each assignment has one payment, void where it was given back or cancelled, or nobody came': `
    select a.id || ': ' || count(t.id) as subject
    from assignments a
    left join finqle_transactions t
      on t.assignment_id = a.id and t.shift_id = a.shift_id and t.professional_id = a.professional_id
      and (t.status = 'voided') = (coalesce(a.ended_as, '') in ('released', 'cancelled', 'no_show'))
    group by a.id
    having count(t.id) <> 1`,

  'the pending payment of an assignment is the planned pay': `
    select s.id || ': ' || t.amount as subject
    from shifts s
    join finqle_transactions t on t.shift_id = s.id and t.status = 'pending'
    where s.status in ('assigned', 'active')
      and t.amount <> round(extract(epoch from s.end_datetime - s.start_datetime) * s.hourly_rate / 3600, 2)`,

  'what was worked has a timesheet, whose lines add up to its total and to its pending payment': `
    select a.id || ': ' || coalesce(l.sum, 0) || ' in lines, ' || coalesce(t.total, -1) || ' in all, ' || p.amount || ' paid' as subject
    from assignments a
    join finqle_transactions p on p.assignment_id = a.id and p.status = 'pending'
    left join timesheets t on t.assignment_id = a.id
    left join lateral (
      select sum(amount) from timesheet_lines where timesheet_id = t.id and is_approved and kind <> 'adjustment'
    ) l on true
    where a.ended_as in ('completed', 'stopped') and (t.total, t.total) is distinct from (coalesce(l.sum, 0), p.amount)`,

  'no second of a person is paid twice': `
    select a.id || ' and ' || b.id as subject
    from timesheets a
    join timesheets b on b.professional_id = a.professional_id and b.id > a.id
    join assignments one on one.id = a.assignment_id and one.ended_as in ('completed', 'stopped')
    join assignments other on other.id = b.assignment_id and other.ended_as in ('completed', 'stopped')
    where muster.spans_of(coalesce(a.adjusted, a.paid)) && muster.spans_of(coalesce(b.adjusted, b.paid))`,

  'a line of a timesheet that was settled is settled once, whatever credit notes took back': `
    select l.id || ': ' || sum(s.amount) || ' of ' || l.amount as subject
    from statement_lines s
    join timesheet_lines l on l.id = s.timesheet_line_id
    group by l.id
    having sum(s.amount) <> l.amount or count(*) % 2 <> 1`,

  'statements have numbers without a gap, and pay what they add up to but for what is carried over': `
    select s.company_id || ', ' || s.professional_id as subject
    from statements s
    group by s.company_id, s.professional_id
    having max(s.number) <> count(*)
      or sum(s.payable) + (array_agg(s.carried_out order by s.number desc))[1] <> sum(s.total)`,

  'each payment was announced to its professional, each voided one taken back': `
    select coalesce(p.shift_id, n.shift_id) || ': ' || p.payments || '/' || p.voided || ' payments, ' || n.assigned || '/'
      || n.taken_back || ' notifications' as subject
    from (
      select t.shift_id, g.user_id, count(*) as payments,
             count(*) filter (where a.ended_as in ('released', 'cancelled', 'stopped')) as voided
      from finqle_transactions t
      join assignments a on a.id = t.assignment_id
      join security_professionals g on g.id = t.professional_id
      group by 1, 2
    ) p
    full join (
      select cast(data ->> 'shift_id' as uuid) as shift_id, user_id,
             count(*) filter (where type = 'shift_assigned') as assigned,
             count(*) filter (where type in ('shift_released', 'shift_cancelled')) as taken_back
      from notifications
      where type in ('shift_assigned', 'shift_released', 'shift_cancelled')
      group by 1, 2
    ) n on n.shift_id = p.shift_id and n.user_id = p.user_id
    where (p.payments, p.voided) is distinct from (n.assigned, n.taken_back)`,

  // Without breaks: a clock_in that is the last one is ended by the first clock_out that follows it.
  'the state of a shift follows from its check-ins': `
    select s.id || ' is ' || s.status || ', not ' || c.status as subject
    from shifts s
    join assignments a on a.shift_id = s.id and (a.ended_at is null or a.ended_as = 'completed')
    cross join lateral (
      select max(i.recorded_at) as clocked_in
      from gps_checkins i
      where i.assignment_id = a.id and i.kind = 'clock_in' and i.verdict <> 'outside' and i.accuracy_meters <= 1000
    ) i
    cross join lateral (
      select min(o.recorded_at) as clocked_out
      from gps_checkins o
      where o.assignment_id = a.id and o.kind = 'clock_out' and o.recorded_at >= i.clocked_in and o.accuracy_meters <= 1000
    ) o
    cross join lateral (
      select case
        when i.clocked_in is null then 'assigned'
        when o.clocked_out >= s.start_datetime then 'completed'
        else 'active'
      end as status
    ) c
    where s.status in ('assigned', 'active', 'completed') and s.status <> c.status and not a.flags && '{auto_closed,conflict,corrected,overdue}'
      -- What was approved stays completed.
      and not exists (select from timesheets t where t.assignment_id = a.id and t.state in ('approved', 'locked'))`,

  'a shift is where its location is until it has begun': `
    select s.id::text as subject
    from shifts s
    join locations l on l.id = s.location_id
    where (s.client_id <> l.organization_id or s.tenant_id <> l.tenant_id
        or s.time_zone <> l.time_zone or cast(s.location_point as text) <> cast(l.location_point as text))
      and (
        s.status in ('draft', 'published')
        or (s.status = 'assigned' and s.start_datetime > clock_timestamp()
            and not exists (select from gps_checkins c where c.shift_id = s.id))
      )`,

  'a location that was removed has no shift that is not over': `
    select s.id::text as subject
    from shifts s
    join locations l on l.id = s.location_id
    where l.deleted_at is not null and s.deleted_at is null and s.status not in ('completed', 'cancelled', 'no_show')`,

  'what is deleted is not worked': `
    select id::text as subject from shifts where deleted_at is not null and status in ('assigned', 'active')`,

  'check-ins are of their shift': `
    select c.id::text as subject
    from gps_checkins c
    join shifts s on s.id = c.shift_id
    join assignments a on a.id = c.assignment_id
    where (c.tenant_id, c.company_id, c.shift_id, c.professional_id)
      is distinct from (s.tenant_id, s.company_id, a.shift_id, a.professional_id)`,
}

/** Which invariants are broken, and by what; empty when none is. `owner` sees all rows. */
export async function findBrokenInvariants(owner: Database): Promise<Record<string, string[]>> {
  const broken: Record<string, string[]> = {}
  for (const [name, query] of Object.entries(INVARIANTS)) {
    const rows = await owner.query<{ subject: string }>(query)
    if (rows.length > 0) broken[name] = rows.map(({ subject }) => subject)
  }
  return broken
}

/** Expects that no invariant is broken. */
export async function expectInvariants(owner: Database): Promise<void> {
  expect(await findBrokenInvariants(owner)).toEqual({})
}
