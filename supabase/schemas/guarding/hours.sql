-- Hours: what was worked, as the set of clock events says, and what it pays.
--
-- * docs/decisions/034-hours-are-what-the-events-say.md has the rules; this file says them in SQL.
-- * muster.clocked reads the events of one assignment: intervals, state and flags. muster.worked_intervals takes from these what
--   later shifts of the same person claim, and splits them at the planned end. Whatever pays or shows hours uses that.
-- * muster.advance_assignment brings a shift's state, the flags and the pay in step with the events.
-- * Whoever prices an assignment locks its payment first and looks afterwards, from the later shift to the earlier. So of two phones
--   that deliver at the same moment one sees what the other stored, and they do not deadlock.

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
begin
  intervals := '{}';
  -- What check-ins do not decide stays as it is.
  flags := array(select f.flag from unnest(assignment.flags) as f (flag) where f.flag in ('auto_closed', 'late'));
  for event in
    select c.kind, c.recorded_at, c.verdict, c.accuracy_meters, c.created_at
    from public.gps_checkins c
    where c.assignment_id = assignment.id and c.kind <> 'ping'
    -- Of two of one kind at one instant the first decides: the one that shows that they were there.
    order by
      c.recorded_at,
      array_position(array['clock_in', 'break_start', 'break_end', 'clock_out'], c.kind),
      c.verdict = 'outside'
  loop
    continue when event.accuracy_meters > most_imprecise;
    if event.created_at > event.recorded_at + delivery then
      flags := flags || 'overdue'::text;
      continue;
    end if;
    if assignment.ended_as in ('released', 'cancelled') then
      flags := flags || 'conflict'::text;
      continue;
    end if;
    continue when assignment.ended_as = 'stopped' and event.recorded_at > assignment.ended_at;
    continue when event.kind = 'clock_in' and event.verdict = 'outside';
    if event.accuracy_meters > most_precise then
      flags := flags || 'imprecise'::text;
    end if;

    if event.kind in ('clock_in', 'break_end') then
      if at_work_since is null and (event.kind = 'clock_in' or is_on_break) then
        at_work_since := event.recorded_at;
        began_at := coalesce(began_at, event.recorded_at);
        is_on_break := false;
      end if;
    elsif event.kind = 'clock_out' then
      if at_work_since is not null or is_on_break then
        left_at := event.recorded_at;
        if event.verdict = 'outside' then
          flags := flags || 'outside'::text;
        end if;
      end if;
      intervals := intervals + muster.interval_from(
        assignment,
        at_work_since,
        -- Nobody saw that they were there after the planned end.
        case event.verdict when 'outside' then least(event.recorded_at, assignment.end_datetime) else event.recorded_at end
      );
      at_work_since := null;
      is_on_break := false;
    elsif at_work_since is not null then
      intervals := intervals + muster.interval_from(assignment, at_work_since, event.recorded_at);
      at_work_since := null;
      is_on_break := true;
    end if;
  end loop;

  if assignment.ended_as = 'stopped' then
    intervals := intervals + muster.interval_from(
      assignment, at_work_since, least(assignment.ended_at, assignment.end_datetime)
    );
    at_work_since := null;
    is_on_break := false;
  end if;
  claimed := intervals + muster.interval_from(assignment, at_work_since, 'infinity');
  status := case
    when began_at is null then 'assigned'
    when at_work_since is null and not is_on_break and left_at >= assignment.start_datetime then 'completed'
    else 'active'
  end;
  flags := array(select distinct f.flag from unnest(flags) as f (flag) order by f.flag);
end
$$;
comment on function muster.clocked(public.assignments) is
  'What the clock events of an assignment say: intervals from the planned start on, what they claim (also what is not over), state and flags.';

create or replace function muster.interval_from(
  assignment public.assignments, began_at timestamptz, left_at timestamptz
) returns tstzmultirange
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return case
  when began_at is null or left_at <= greatest(began_at, assignment.start_datetime) then '{}'::tstzmultirange
  else tstzmultirange(tstzrange(greatest(began_at, assignment.start_datetime), left_at))
end;
comment on function muster.interval_from(public.assignments, timestamptz, timestamptz) is
  'From one moment to another, as far as it is not before the planned start; nothing where it did not begin.';

create or replace function muster.worked_intervals(of_assignment uuid)
returns table (worked_from timestamptz, worked_to timestamptz, is_overtime boolean)
language plpgsql
stable
set search_path = pg_catalog, public, pg_temp
as $$
declare
  assignment public.assignments;
  own tstzmultirange;
  taken tstzmultirange;
begin
  select a.* into assignment from public.assignments a where a.id = of_assignment;
  own := (muster.clocked(assignment)).intervals;
  if isempty(own) then
    return;
  end if;
  -- What both claim is the later shift's.
  select range_agg(c.claimed) into taken
  from public.assignments a
  cross join lateral muster.clocked(a) c
  where a.professional_id = assignment.professional_id
    and a.start_datetime >= assignment.start_datetime
    and (a.start_datetime, a.shift_id) > (assignment.start_datetime, assignment.shift_id)
    and a.start_datetime < upper(own);
  return query
    select lower(part.span), upper(part.span), part.is_overtime
    from unnest(own - coalesce(taken, '{}')) as worked (span)
    cross join lateral (values
      (worked.span * tstzrange(null, assignment.end_datetime), false),
      (worked.span * tstzrange(assignment.end_datetime, null), true)
    ) as part (span, is_overtime)
    where not isempty(part.span)
    order by 1;
end
$$;
comment on function muster.worked_intervals(uuid) is
  'When somebody worked for an assignment, by their clock events: half-open intervals in order, cut at the planned end.';

create or replace function muster.pay_for(
  hourly_rate numeric, overtime_rate numeric, planned_seconds numeric, overtime_seconds numeric
) returns numeric
language sql
immutable
parallel safe
-- Divided last: a rate per second has no end (18.03 / 3600), and half an hour of it would come to a cent too little.
return round(hourly_rate * planned_seconds / 3600, 2) + round(hourly_rate * overtime_rate * overtime_seconds / 3600, 2);
comment on function muster.pay_for(numeric, numeric, numeric, numeric) is
  'What planned time and overtime pay: two lines, each rounded half up to the cent.';

create or replace function muster.assignment_pay(assignment public.assignments) returns numeric
language plpgsql
stable
set search_path = pg_catalog, public, pg_temp
as $$
declare
  planned numeric := 0;
  overtime numeric := 0;
begin
  -- Planned pay until it is known what was worked; a completed shift that was brought in as history has no events.
  if coalesce(assignment.ended_as not in ('completed', 'stopped'), true)
    or (assignment.ended_as = 'completed' and (muster.clocked(assignment)).status = 'assigned')
  then
    return muster.pay_for(
      assignment.hourly_rate, assignment.overtime_rate,
      extract(epoch from assignment.end_datetime - assignment.start_datetime), 0
    );
  end if;
  select
    coalesce(sum(extract(epoch from w.worked_to - w.worked_from)) filter (where not w.is_overtime), 0),
    coalesce(sum(extract(epoch from w.worked_to - w.worked_from)) filter (where w.is_overtime), 0)
  into planned, overtime
  from muster.worked_intervals(assignment.id) w;
  return greatest(
    muster.pay_for(assignment.hourly_rate, assignment.overtime_rate, planned, overtime),
    case assignment.ended_as when 'stopped' then
      muster.pay_for(assignment.hourly_rate, 1, assignment.minimum_minutes * 60, 0)
    end
  );
end
$$;
comment on function muster.assignment_pay(public.assignments) is 'What an assignment pays, as far as it is known.';

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
  -- Before anything is read. What is not pending stays as it was sent.
  select t.id, t.status, t.amount into payment
  from public.finqle_transactions t
  where t.assignment_id = priced
  for no key update;
  if payment.status is distinct from 'pending' then
    return;
  end if;
  select a.* into assignment from public.assignments a where a.id = priced;
  pay := muster.assignment_pay(assignment);
  if pay <> payment.amount then
    update public.finqle_transactions t set amount = pay where t.id = payment.id;
  end if;
end
$$;
comment on function muster.price_assignment(uuid) is 'Brings the pending payment of an assignment in step with what it pays.';

-- A shift ends its last interval before its check-in window does, 12 hours after the planned end.
create or replace function muster.price_earlier_assignments(later public.assignments) returns void
language plpgsql
volatile
set search_path = pg_catalog, public, pg_temp
as $$
declare
  longest_shift constant interval := interval '48 hours';
  window_after constant interval := interval '12 hours';
  earlier uuid;
begin
  for earlier in
    select a.id
    from public.assignments a
    where a.professional_id = later.professional_id
      and a.start_datetime between later.start_datetime - longest_shift - window_after and later.start_datetime
      and (a.start_datetime, a.shift_id) < (later.start_datetime, later.shift_id)
      and a.end_datetime + window_after > later.start_datetime
      and a.ended_as in ('completed', 'stopped')
    order by a.start_datetime desc, a.shift_id desc
  loop
    perform muster.price_assignment(earlier);
  end loop;
end
$$;
comment on function muster.price_earlier_assignments(public.assignments) is
  'Prices what a shift may take minutes from: the earlier ones of the same person.';

create or replace function muster.advance_assignment(advanced uuid) returns void
language plpgsql
security definer
set search_path = pg_catalog, public, pg_temp
as $$
declare
  assignment public.assignments;
  shift public.shifts;
  said record;
begin
  -- Each statement of this function must see the check-ins that others have committed before it got the lock.
  perform muster.require_read_committed();
  select a.* into assignment from public.assignments a where a.id = advanced;
  select s.* into shift from public.shifts s where s.id = assignment.shift_id for no key update;
  select c.* into said from muster.clocked(assignment) c;

  if assignment.ended_as is null or assignment.ended_as = 'completed' then
    if shift.status = 'assigned' and said.status in ('active', 'completed') then
      update public.shifts s set status = 'active' where s.id = shift.id;
      shift.status := 'active';
    end if;
    if shift.status = 'active' and said.status = 'completed' then
      update public.shifts s set status = 'completed' where s.id = shift.id;
    elsif shift.status = 'completed' and said.status = 'active' then
      perform from public.security_professionals p where p.id = assignment.professional_id for no key update;
      if exists (
        select from public.shifts other
        where other.professional_id = assignment.professional_id
          and other.status in ('assigned', 'active')
          and other.deleted_at is null
          and other.id <> shift.id
          and tstzrange(other.start_datetime, other.end_datetime) && tstzrange(shift.start_datetime, shift.end_datetime)
      ) then
        said.flags := array(select f.flag from unnest(said.flags || 'conflict'::text) as f (flag) order by f.flag);
      else
        update public.shifts s set status = 'active' where s.id = shift.id;
      end if;
    end if;
  end if;
  if said.flags <> assignment.flags then
    update public.assignments a set flags = said.flags where a.id = assignment.id;
  end if;

  if said.status <> 'assigned' then
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
    or exists (select from public.gps_checkins c where c.assignment_id = assignment);
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
  muster.interval_from(public.assignments, timestamptz, timestamptz),
  muster.worked_intervals(uuid),
  muster.pay_for(numeric, numeric, numeric, numeric),
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
