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

  'no other shift has a live payment': `
    select t.shift_id::text as subject
    from finqle_transactions t
    join shifts s on s.id = t.shift_id
    where t.status <> 'voided' and s.status not in ('assigned', 'active', 'completed')`,

  'the pending payment of an assignment is the planned pay': `
    select s.id || ': ' || t.amount as subject
    from shifts s
    join finqle_transactions t on t.shift_id = s.id and t.status = 'pending'
    where s.status in ('assigned', 'active')
      and t.amount <> round(extract(epoch from s.end_datetime - s.start_datetime) * s.hourly_rate / 3600, 2)`,

  'each payment was announced to its professional, each voided one taken back': `
    select coalesce(p.shift_id, n.shift_id) || ': ' || p.payments || '/' || p.voided || ' payments, ' || n.assigned || '/'
      || n.taken_back || ' notifications' as subject
    from (
      select t.shift_id, g.user_id, count(*) as payments, count(*) filter (where t.status = 'voided') as voided
      from finqle_transactions t
      join security_professionals g on g.id = t.professional_id
      group by 1, 2
    ) p
    full join (
      select cast(data ->> 'shift_id' as uuid) as shift_id, user_id,
             count(*) filter (where type = 'shift_assigned') as assigned,
             count(*) filter (where type in ('shift_released', 'shift_cancelled')) as taken_back
      from notifications
      group by 1, 2
    ) n on n.shift_id = p.shift_id and n.user_id = p.user_id
    where (p.payments, p.voided) is distinct from (n.assigned, n.taken_back)`,

  'the state of a shift follows from its check-ins': `
    select s.id || ' is ' || s.status || ', not ' || c.status as subject
    from shifts s
    cross join lateral (
      select min(i.recorded_at) as clocked_in
      from gps_checkins i
      where i.shift_id = s.id and i.professional_id = s.professional_id
        and i.kind = 'clock_in' and i.verdict <> 'outside'
    ) i
    cross join lateral (
      select case
        when i.clocked_in is null then 'assigned'
        when exists (
          select from gps_checkins o
          where o.shift_id = s.id and o.professional_id = s.professional_id
            and o.kind = 'clock_out' and o.recorded_at >= i.clocked_in
        ) then 'completed'
        else 'active'
      end as status
    ) c
    where s.status in ('assigned', 'active', 'completed') and s.status <> c.status`,

  'a shift is where its location is until it is over': `
    select s.id::text as subject
    from shifts s
    join locations l on l.id = s.location_id
    where s.status in ('draft', 'published', 'assigned', 'active')
      and (s.time_zone <> l.time_zone or cast(s.location_point as text) <> cast(l.location_point as text)
           or s.client_id <> l.organization_id or s.tenant_id <> l.tenant_id)`,

  'a location that was removed has no shift that is not over': `
    select s.id::text as subject
    from shifts s
    join locations l on l.id = s.location_id
    where l.deleted_at is not null and s.deleted_at is null and s.status not in ('completed', 'cancelled')`,

  'what is deleted is not worked': `
    select id::text as subject from shifts where deleted_at is not null and status in ('assigned', 'active')`,

  'check-ins are of their shift': `
    select c.id::text as subject
    from gps_checkins c
    join shifts s on s.id = c.shift_id
    where (c.tenant_id, c.company_id) is distinct from (s.tenant_id, s.company_id)`,
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
