-- Hours: what was worked, as the set of clock events says, and what it pays.
--
-- * docs/decisions/034-hours-are-what-the-events-say.md has the rules; this file says them in SQL.
-- * muster.clock_events gives the clock events of an assignment after corrections (corrections.sql), muster.clocked what they come
--   to: intervals, state and flags. What other shifts of the same person have of these is taken from them by muster.hours_of, and
--   what they pay is the timesheet (timesheets.sql).
-- * muster.advance_assignment brings a shift's state, the flags and the pay in step with the events.
-- * Whoever prices an assignment locks its professional and its payment first and looks afterwards, from the later shift to the
--   earlier. So of two phones that deliver at the same moment one sees what the other stored, and they do not deadlock.

-- Without a SET clause, so that it is inlined: it is asked for whenever hours are.
create or replace function muster.clock_events(of_assignment uuid)
returns table (
  event_id uuid, kind text, at_time timestamptz, verdict text, accuracy_meters float8, delivered_at timestamptz, correction_id uuid
)
language sql
stable
begin atomic
  with agreed as (
    select c.id, c.event_id, c.checkin_id, c.change, c.kind, c.becomes_at from muster.corrections_in_effect(of_assignment) c
  )
  select
    e.id as event_id,
    e.kind,
    coalesce(a.becomes_at, e.recorded_at) as at_time,
    case when a.id is null then e.verdict end as verdict,
    e.accuracy_meters,
    e.created_at as delivered_at,
    a.id as correction_id
  from public.gps_checkins e
  left join agreed a on a.checkin_id = e.id
  where e.assignment_id = of_assignment and e.kind <> 'ping' and a.change is distinct from 'never_happened'
  union all
  select
    a.event_id,
    a.kind,
    a.becomes_at as at_time,
    -- With a type and a name: without them a restored backup would not print this function as it is printed here.
    null::text as verdict,
    null::float8 as accuracy_meters,
    null::timestamptz as delivered_at,
    a.id as correction_id
  from agreed a
  where a.checkin_id is null and a.change <> 'never_happened';
end;
comment on function muster.clock_events(uuid) is
  'The clock events of an assignment after corrections. One with a correction was agreed on: it counts, and its place is not judged.';

-- Events from one to another: whether they count, and what they come to.
create or replace function muster.clocked(
  assignment public.assignments,
  out intervals tstzmultirange,
  out claimed tstzmultirange,
  out at_work_since timestamptz,
  out status text,
  out flags text[]
)
language plpgsql
stable
set search_path = pg_catalog, public, pg_temp
as $$
declare
  most_precise constant float8 := 100;
  most_imprecise constant float8 := 1000;
  delivery constant interval := make_interval(days => assignment.delivery_days);
  is_on_break boolean := false;
  began_at timestamptz;
  left_at timestamptz;
  event record;
  decided_at constant timestamptz[] := array(
    select c.decided_at from public.corrections c where c.assignment_id = assignment.id and c.state in ('accepted', 'imposed')
  );
begin
  intervals := '{}';
  flags := case when decided_at = '{}' then '{}'::text[] else array['corrected'] end;
  for event in
    select e.kind, e.at_time, e.verdict, e.accuracy_meters, e.delivered_at, e.correction_id is not null as is_agreed
    from muster.clock_events(assignment.id) e
    -- Of two of one kind at one instant the first decides: what people agreed on, then what shows that they were there.
    order by
      e.at_time,
      array_position(array['clock_in', 'break_start', 'break_end', 'clock_out'], e.kind),
      e.correction_id is null,
      e.verdict = 'outside'
  loop
    if not event.is_agreed then
      continue when event.accuracy_meters > most_imprecise;
      -- Whoever decided did not know of it.
      if exists (select from unnest(decided_at) as d (at) where event.at_time <= d.at and d.at < event.delivered_at) then
        flags := flags || 'conflict'::text;
        continue;
      end if;
      if event.delivered_at > event.at_time + delivery then
        flags := flags || 'overdue'::text;
        continue;
      end if;
      if assignment.ended_as in ('released', 'cancelled') then
        flags := flags || 'conflict'::text;
        continue;
      end if;
      continue when assignment.ended_as = 'stopped' and event.at_time > assignment.ended_at;
      continue when event.kind = 'clock_in' and event.verdict = 'outside';
      if event.accuracy_meters > most_precise then
        flags := flags || 'imprecise'::text;
      end if;
    end if;

    if event.kind in ('clock_in', 'break_end') then
      if at_work_since is null and (event.kind = 'clock_in' or is_on_break) then
        began_at := coalesce(began_at, event.at_time);
        -- Nothing before the planned start is paid, unless people agreed on it.
        at_work_since := case
          when event.is_agreed then event.at_time else greatest(event.at_time, assignment.start_datetime)
        end;
        is_on_break := false;
      end if;
    elsif event.kind = 'clock_out' then
      if at_work_since is not null or is_on_break then
        left_at := event.at_time;
        if event.verdict = 'outside' then
          flags := flags || 'outside'::text;
        end if;
      end if;
      intervals := intervals + muster.interval_from(
        at_work_since,
        -- Nobody saw that they were there after the planned end.
        case event.verdict when 'outside' then least(event.at_time, assignment.end_datetime) else event.at_time end
      );
      at_work_since := null;
      is_on_break := false;
    elsif at_work_since is not null then
      intervals := intervals + muster.interval_from(at_work_since, event.at_time);
      at_work_since := null;
      is_on_break := true;
    end if;
  end loop;

  if assignment.ended_as = 'stopped' then
    intervals := intervals + muster.interval_from(at_work_since, least(assignment.ended_at, assignment.end_datetime));
    at_work_since := null;
    is_on_break := false;
  end if;
  -- Nobody said when it ended: at the planned end, until somebody does.
  if assignment.auto_closed_at is not null
    and began_at is not null
    and (at_work_since is not null or is_on_break or left_at < assignment.start_datetime)
  then
    intervals := intervals + muster.interval_from(at_work_since, assignment.end_datetime);
    at_work_since := null;
    is_on_break := false;
    left_at := greatest(left_at, assignment.end_datetime);
    flags := flags || 'auto_closed'::text;
  end if;
  -- As long as nobody came, it is for muster.flag_late_shifts to say.
  if began_at > assignment.start_datetime + make_interval(mins => assignment.late_after_minutes)
    or (began_at is null and 'late' = any (assignment.flags))
  then
    flags := flags || 'late'::text;
  end if;
  claimed := intervals + muster.interval_from(at_work_since, 'infinity');
  status := case
    when began_at is null then 'assigned'
    when at_work_since is null and not is_on_break and left_at >= assignment.start_datetime then 'completed'
    else 'active'
  end;
  flags := array(select distinct f.flag from unnest(flags) as f (flag) order by f.flag);
end
$$;
comment on function muster.clocked(public.assignments) is
  'What the clock events of an assignment say: intervals, without what is before the planned start and was not agreed on, what they claim (also what is not over), state and flags.';

create or replace function muster.interval_from(began_at timestamptz, left_at timestamptz) returns tstzmultirange
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return case
  when began_at is null or left_at <= began_at then '{}'::tstzmultirange
  else tstzmultirange(tstzrange(began_at, left_at))
end;
comment on function muster.interval_from(timestamptz, timestamptz) is
  'From one moment to another; nothing where it did not begin, or ended before.';

create or replace function muster.worked_intervals(of_assignment uuid)
returns table (worked_from timestamptz, worked_to timestamptz, is_overtime boolean)
language plpgsql
stable
set search_path = pg_catalog, public, pg_temp
as $$
begin
  return query
    select lower(part.span), upper(part.span), part.is_overtime
    from public.assignments a
    cross join lateral muster.hours_of(a, null) h
    cross join lateral unnest(h.worked) as worked (span)
    cross join lateral (values
      (worked.span * tstzrange(null, a.end_datetime), false),
      (worked.span * tstzrange(a.end_datetime, null), true)
    ) as part (span, is_overtime)
    where a.id = of_assignment and not isempty(part.span)
    order by 1;
end
$$;
comment on function muster.worked_intervals(uuid) is
  'When somebody worked for an assignment, by their clock events: half-open intervals in order, cut at the planned end.';

create or replace function muster.assignment_pay(assignment public.assignments) returns numeric
language plpgsql
stable
set search_path = pg_catalog, public, pg_temp
as $$
begin
  return coalesce(
    (
      select t.total
      from public.timesheets t
      where t.assignment_id = assignment.id and assignment.ended_as in ('completed', 'stopped')
    ),
    muster.estimated_pay(assignment)
  );
end
$$;
comment on function muster.assignment_pay(public.assignments) is
  'What an assignment pays, as far as it is known: what its timesheet says, else what was planned.';

create or replace function muster.price_assignment(priced uuid) returns void
language plpgsql
volatile
set search_path = pg_catalog, public, pg_temp
as $$
declare
  payment record;
  assignment public.assignments;
  pay numeric;
begin
  -- Before anything is read.
  select a.* into assignment from public.assignments a where a.id = priced;
  perform from public.security_professionals p where p.id = assignment.professional_id for no key update;
  select t.id, t.status, t.amount into payment
  from public.finqle_transactions t
  where t.assignment_id = priced
  for no key update;
  if coalesce(payment.status = 'voided', true) then
    return;
  end if;
  select a.* into assignment from public.assignments a where a.id = priced;
  if assignment.ended_as in ('completed', 'stopped') then
    pay := (muster.make_timesheet(assignment)).total;
  else
    pay := muster.estimated_pay(assignment);
  end if;
  -- What is not pending stays as it was sent.
  if payment.status = 'pending' and pay <> payment.amount then
    update public.finqle_transactions t set amount = pay where t.id = payment.id;
  end if;
end
$$;
comment on function muster.price_assignment(uuid) is 'Makes the timesheet of an assignment anew, and brings its pending payment in step with it.';

-- A shift begins and ends its intervals within its check-in window: 2 hours before the planned start, and 12 after the planned end.
create or replace function muster.price_earlier_assignments(later public.assignments) returns void
language plpgsql
volatile
set search_path = pg_catalog, public, pg_temp
as $$
declare
  longest_shift constant interval := interval '48 hours';
  window_before constant interval := interval '2 hours';
  window_after constant interval := interval '12 hours';
  earlier uuid;
begin
  for earlier in
    select a.id
    from public.assignments a
    where a.professional_id = later.professional_id
      and a.start_datetime
        between later.start_datetime - longest_shift - window_after - window_before and later.end_datetime + window_after + window_before
      and a.end_datetime + window_after > later.start_datetime - window_before
      and (
        (a.start_datetime, a.shift_id) < (later.start_datetime, later.shift_id)
        or (a.id <> later.id and 'overdue' = any (a.flags))
      )
      and a.ended_as in ('completed', 'stopped')
    order by a.start_datetime desc, a.shift_id desc
  loop
    perform muster.price_assignment(earlier);
  end loop;
end
$$;
comment on function muster.price_earlier_assignments(public.assignments) is
  'Prices what a shift may take minutes from: the earlier ones of the same person, and later ones that have overdue events.';

create or replace function muster.advance_assignment(advanced uuid) returns void
language plpgsql
security definer
set search_path = pg_catalog, public, pg_temp
as $$
declare
  assignment public.assignments;
  shift public.shifts;
  said record;
  next_status text;
begin
  -- Each statement of this function must see the check-ins that others have committed before it got the lock.
  perform muster.require_read_committed();
  select a.* into assignment from public.assignments a where a.id = advanced;
  select s.* into shift from public.shifts s where s.id = assignment.shift_id for no key update;
  select c.* into said from muster.clocked(assignment) c;

  -- It was called off before anybody knew that work had begun, and people agreed on that since.
  if assignment.ended_as = 'cancelled' and said.status <> 'assigned' then
    update public.assignments a set ended_as = 'stopped' where a.id = assignment.id returning a.* into assignment;
    update public.finqle_transactions t set status = 'pending' where t.assignment_id = assignment.id and t.status = 'voided';
    select c.* into said from muster.clocked(assignment) c;
  end if;

  -- What was approved stays: the sheet is flagged instead. Nobody approves meanwhile (muster.lock_timesheet).
  perform from public.security_professionals p where p.id = assignment.professional_id for no key update;
  if (assignment.ended_as is null or assignment.ended_as in ('completed', 'no_show'))
    and not muster.hours_are_settled(assignment.id)
  then
    next_status := case
      when said.status <> 'assigned' then said.status
      -- A correction took away what began the work.
      when 'corrected' = any (said.flags) and shift.status <> 'assigned' then
        case when shift.end_datetime <= now() then 'no_show' else 'assigned' end
      else shift.status
    end;
    -- Active is told also of a shift that was completed meanwhile.
    if shift.status = 'assigned' and next_status = 'completed' then
      update public.shifts s set status = 'active' where s.id = shift.id;
      shift.status := 'active';
    end if;
    if shift.status in ('completed', 'no_show') and next_status in ('assigned', 'active') then
      if exists (
        select from public.shifts other
        where other.professional_id = assignment.professional_id
          and other.status in ('assigned', 'active')
          and other.deleted_at is null
          and other.id <> shift.id
          and tstzrange(other.start_datetime, other.end_datetime) && tstzrange(shift.start_datetime, shift.end_datetime)
      ) then
        said.flags := array(select distinct f.flag from unnest(said.flags || 'conflict'::text) as f (flag) order by f.flag);
        next_status := shift.status;
      end if;
    end if;
    if next_status <> shift.status then
      update public.shifts s set status = next_status where s.id = shift.id;
    end if;
  end if;
  if said.flags <> assignment.flags then
    update public.assignments a set flags = said.flags where a.id = assignment.id;
  end if;

  if said.status <> 'assigned' or 'corrected' = any (said.flags) then
    -- What is being worked pays what was planned, as before.
    if said.status = 'completed' or assignment.ended_as is not null then
      perform muster.price_assignment(assignment.id);
    end if;
    perform muster.price_earlier_assignments(assignment);
  end if;
end
$$;
comment on function muster.advance_assignment(uuid) is
  'Brings a shift''s state and the pay in step with its clock events. Security definer: no role moves a shift to active by hand.';

create or replace function muster.tg_gps_checkins__advance_shifts() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, public, pg_temp
as $$
declare
  clocked uuid;
begin
  -- One order for everybody, from the later shift to the earlier: two batches cannot deadlock.
  for clocked in
    select a.id
    from public.assignments a
    where a.id in (select i.assignment_id from inserted i where i.kind <> 'ping')
    order by a.start_datetime desc, a.shift_id desc
  loop
    perform muster.advance_assignment(clocked);
  end loop;
  return null;
end
$$;
comment on function muster.tg_gps_checkins__advance_shifts() is 'Security definer: see muster.advance_assignment.';

-- ---- What changes after somebody was assigned ---------------------------------------------------------------------------

create or replace function muster.tg_shifts__keep_promises() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, public, pg_temp
as $$
declare
  assignment public.assignments;
  said record;
  worked_until timestamptz;
begin
  if new.status = 'published' and old.start_datetime <= now() then
    perform muster.fail('shift_begun', 'status');
  end if;
  if new.status not in ('assigned', 'active') then
    return new;
  end if;
  if new.hourly_rate < old.hourly_rate or new.overtime_rate < old.overtime_rate then
    perform muster.fail(
      'rate_lowered', case when new.hourly_rate < old.hourly_rate then 'hourly_rate' else 'overtime_rate' end
    );
  end if;
  if (new.start_datetime, new.end_datetime, new.location_id) = (old.start_datetime, old.end_datetime, old.location_id) then
    return new;
  end if;

  -- A check-in that was stored while this waited for the shift must be seen.
  perform muster.require_read_committed();
  select a.* into assignment from public.assignments a where a.shift_id = old.id and a.ended_at is null;
  if not muster.has_begun(old, assignment.id) then
    return new;
  end if;
  if new.start_datetime <> old.start_datetime or new.location_id <> old.location_id then
    perform muster.fail(
      'shift_begun', case when new.start_datetime <> old.start_datetime then 'start_datetime' else 'location_id' end
    );
  end if;
  select c.* into said from muster.clocked(assignment) c;
  worked_until := case when said.at_work_since < now() then now() else upper(said.intervals) end;
  -- Overtime that was worked stays overtime.
  if worked_until > least(new.end_datetime, old.end_datetime) then
    perform muster.fail('end_worked', 'end_datetime');
  end if;
  return new;
end
$$;
comment on function muster.tg_shifts__keep_promises() is
  'What a company may change of a shift that somebody has. Security definer: it reads the check-ins of the shift.';

create or replace function muster.has_begun(shift public.shifts, assignment uuid) returns boolean
language sql
stable
set search_path = pg_catalog, pg_temp
begin atomic
  select shift.start_datetime <= now()
    or shift.status = 'active'
    or exists (select from public.gps_checkins c where c.shift_id = shift.id and c.assignment_id = assignment);
end;
comment on function muster.has_begun(public.shifts, uuid) is
  'Whether a shift that is assigned has begun: its start has come, or its professional has checked in.';

-- As the guard of the shift.
create or replace function muster.give_back_shift(wanted uuid) returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, public, pg_temp
as $$
declare
  shift public.shifts;
  deadline timestamptz;
begin
  select s.* into shift
  from public.shifts s
  where s.id = wanted and s.professional_id = muster.professional_id() and s.deleted_at is null
  for no key update;
  if not found then
    select s.* into shift from public.shifts s where s.id = wanted;
    perform muster.fail(case when muster.sees_shift(shift) then 'forbidden' else 'not_found' end, 'id');
  end if;
  if shift.status <> 'assigned' then
    perform muster.fail('invalid_transition', 'status');
  end if;
  select a.moved_at + make_interval(mins => a.give_back_minutes) into deadline
  from public.assignments a
  where a.shift_id = shift.id and a.ended_at is null;
  if deadline is null or deadline < now() then
    perform muster.fail('forbidden', 'status');
  end if;
  update public.shifts s set status = 'published' where s.id = wanted returning s.* into shift;
  perform muster.notify_company(shift, 'shift_released');
  return muster.shift_json(shift, null);
end
$$;
comment on function muster.give_back_shift(uuid) is
  'The guard of a shift releases it, after the company has moved it. Security definer: guards edit no shift that is assigned.';

create or replace function muster.release_shift(wanted uuid) returns jsonb
language plpgsql
volatile
set search_path = pg_catalog, public, pg_temp
as $$
begin
  if muster.professional_id() is not null then
    return muster.give_back_shift(wanted);
  end if;
  return muster.move_shift(wanted, array['assigned'], 'published');
end
$$;
comment on function muster.release_shift(uuid) is 'Releases as the caller: those who manage the shift, or its guard after a change.';

-- ---- Triggers ---------------------------------------------------------------------------------------------------------

create or replace trigger advance_shifts after insert on public.gps_checkins
  referencing new table as inserted
  for each statement execute function muster.tg_gps_checkins__advance_shifts();
create or replace trigger b_keep_promises before update on public.shifts
  for each row when (
    old.status in ('assigned', 'active')
    and (old.status, old.hourly_rate, old.overtime_rate, old.start_datetime, old.end_datetime, old.location_id)
      <> (new.status, new.hourly_rate, new.overtime_rate, new.start_datetime, new.end_datetime, new.location_id)
  )
  execute function muster.tg_shifts__keep_promises();

-- ---- Grants -----------------------------------------------------------------------------------------------------------

grant execute on function
  muster.clocked(public.assignments),
  muster.clock_events(uuid),
  muster.interval_from(timestamptz, timestamptz),
  muster.worked_intervals(uuid),
  muster.assignment_pay(public.assignments),
  muster.price_assignment(uuid),
  muster.price_earlier_assignments(public.assignments),
  muster.has_begun(public.shifts, uuid)
to muster_definer;
grant execute on function muster.give_back_shift(uuid) to authenticated;
-- The API calls it in one statement, which takes on the caller's role after the login was asked for this privilege.
grant execute on function muster.release_shift(uuid) to authenticated, muster_api;

alter function muster.advance_assignment(uuid) owner to muster_definer;
alter function muster.tg_gps_checkins__advance_shifts() owner to muster_definer;
alter function muster.tg_shifts__keep_promises() owner to muster_definer;
alter function muster.give_back_shift(uuid) owner to muster_definer;
