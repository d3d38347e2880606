-- Assignments: that a professional has a shift, as a row of its own.
--
-- * Assigning a shift by any path makes the row, with the times, the rate and the company's terms as they are then. While the
--   assignment is in force it follows changes of the shift; the terms stay what they were.
-- * It ends as `completed` (by check-ins), `released`, `cancelled` (before work began), `stopped` (cancelled after that) or `no_show`.
--   What it was stays as it is then, whatever becomes of the shift.
-- * A shift has one assignment in force at most, and as many that ended as there were.
-- * Check-ins and payments refer to it: each assignment has one payment.
-- * Nobody writes assignments: triggers of shifts and check-ins do.

create or replace function muster.audience_of_assignments(viewed jsonb, at timestamptz) returns text[]
language plpgsql
stable
parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  return array[
    'admins:' || (viewed ->> 'tenant_id'),
    'company:' || (viewed ->> 'company_id'),
    'professional:' || (viewed ->> 'professional_id')
  ];
end
$$;
comment on function muster.audience_of_assignments(jsonb, timestamptz) is 'Who sees an assignment: assignments_read, as groups.';
grant execute on function muster.audience_of_assignments(jsonb, timestamptz) to muster_definer;

select muster.follow_table(
  'public.assignments',
  published => array['id', 'company_id', 'shift_id', 'professional_id', 'begun_at', 'ended_at', 'ended_as', 'start_datetime',
    'end_datetime', 'hourly_rate', 'overtime_rate', 'radius_meters', 'late_after_minutes', 'auto_close_minutes', 'minimum_minutes',
    'give_back_minutes', 'delivery_days', 'overtime_tolerance_minutes', 'plan_tolerance_minutes', 'approve_after_days', 'dispute_days',
    'moved_at', 'auto_closed_at', 'flags', 'created_at', 'updated_at'],
  audience => array['tenant_id', 'company_id', 'professional_id']
);

create or replace function muster.begin_assignment(shift public.shifts) returns uuid
language plpgsql
volatile
set search_path = pg_catalog, public, pg_temp
as $$
declare
  terms constant public.company_terms := muster.terms_at(shift.company_id, now());
  assignment uuid;
begin
  insert into public.assignments (
    tenant_id, company_id, shift_id, professional_id, begun_at, start_datetime, end_datetime, hourly_rate, overtime_rate,
    radius_meters, late_after_minutes, auto_close_minutes, minimum_minutes, give_back_minutes, delivery_days,
    overtime_tolerance_minutes, plan_tolerance_minutes, approve_after_days, dispute_days
  )
  select
    -- Not `now()`: of two assignments in one transaction one is the later.
    shift.tenant_id, shift.company_id, shift.id, shift.professional_id, clock_timestamp(), shift.start_datetime, shift.end_datetime,
    shift.hourly_rate, shift.overtime_rate, l.radius_meters,
    terms.late_after_minutes, terms.auto_close_minutes, terms.minimum_minutes, terms.give_back_minutes, terms.delivery_days,
    terms.overtime_tolerance_minutes, terms.plan_tolerance_minutes, terms.approve_after_days, terms.dispute_days
  from public.locations l
  where l.id = shift.location_id
  returning id into assignment;
  return assignment;
end
$$;
comment on function muster.begin_assignment(public.shifts) is 'The assignment of a shift to its professional, as agreed now.';

create or replace function muster.end_assignment(shift uuid, ending text) returns uuid
language sql
volatile
set search_path = pg_catalog, pg_temp
begin atomic
  update public.assignments a
  set ended_at = now(), ended_as = ending
  where a.shift_id = shift and a.ended_at is null
  returning a.id;
end;
comment on function muster.end_assignment(uuid, text) is 'Ends the assignment of a shift that is in force.';

create or replace function muster.reopen_assignment(shift uuid) returns void
language sql
volatile
set search_path = pg_catalog, pg_temp
begin atomic
  update public.assignments a
  set ended_at = null, ended_as = null
  where a.shift_id = shift and a.ended_as in ('completed', 'no_show');
end;
comment on function muster.reopen_assignment(uuid) is
  'The assignment of a shift that was completed, or to which nobody seemed to come, is in force again.';

create or replace function muster.follow_shift(shift public.shifts, is_moved boolean) returns uuid
language sql
volatile
set search_path = pg_catalog, pg_temp
begin atomic
  update public.assignments a
  set
    start_datetime = shift.start_datetime,
    end_datetime = shift.end_datetime,
    hourly_rate = shift.hourly_rate,
    overtime_rate = shift.overtime_rate,
    radius_meters = case when shift.status = 'active' then a.radius_meters else l.radius_meters end,
    moved_at = case when is_moved then now() else a.moved_at end
  from public.locations l
  where a.shift_id = shift.id and a.ended_at is null and l.id = shift.location_id
  returning a.id;
end;
comment on function muster.follow_shift(public.shifts, boolean) is 'Brings the assignment of a shift that is in force in step with it.';

-- The assignment that was in force at that time by the device's clock; else the present one, else the latest: clocks are not that exact.
create or replace function muster.assignment_at(shift uuid, professional uuid, at_time timestamptz) returns public.assignments
language plpgsql
stable
set search_path = pg_catalog, public, pg_temp
as $$
declare
  assignment public.assignments;
begin
  select a.* into assignment
  from public.assignments a
  where a.shift_id = shift and a.professional_id = professional
  order by at_time between a.begun_at and coalesce(a.ended_at, 'infinity') desc, a.ended_at is null desc, a.begun_at desc
  limit 1;
  return assignment;
end
$$;
comment on function muster.assignment_at(uuid, uuid, timestamptz) is 'To which assignment what a professional did at that time belongs.';

-- ---- Policies ---------------------------------------------------------------------------------------------------------

drop policy if exists assignments_read on public.assignments;
create policy assignments_read on public.assignments for select to authenticated
  using (
    company_id = (select muster.company_id())
    or professional_id = (select muster.professional_id())
    or tenant_id = (select muster.admin_tenant_id())
  );
comment on policy assignments_read on public.assignments is
  'The company, the guard, admins: as payments, since it has the rate. Nobody writes: assignments follow shifts.';

-- ---- Grants -----------------------------------------------------------------------------------------------------------

grant select on public.assignments to authenticated;
grant select, insert, update, delete on public.assignments to service_role;
grant select, insert, update on public.assignments to muster_definer;

grant execute on function
  muster.begin_assignment(public.shifts),
  muster.end_assignment(uuid, text),
  muster.reopen_assignment(uuid),
  muster.follow_shift(public.shifts, boolean),
  muster.assignment_at(uuid, uuid, timestamptz)
to muster_definer;
