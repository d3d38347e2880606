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
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1796008200_clock_events_at_one_instant';
