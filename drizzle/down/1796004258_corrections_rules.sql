alter publication supabase_realtime drop table public.corrections;
--> statement-breakpoint
drop policy corrections_read on public.corrections;
--> statement-breakpoint
drop policy internal on public.corrections;
--> statement-breakpoint
drop trigger apply on public.corrections;
--> statement-breakpoint
drop trigger a_keep on public.corrections;
--> statement-breakpoint
drop trigger a_check on public.corrections;
--> statement-breakpoint
drop trigger note_departure_on_update on public.corrections;
--> statement-breakpoint
drop trigger note_departure_on_delete on public.corrections;
--> statement-breakpoint
drop trigger z_stamp_change on public.corrections;
--> statement-breakpoint
drop trigger updated_at on public.corrections;
--> statement-breakpoint
drop function muster.interval_from(timestamp with time zone,timestamp with time zone);
--> statement-breakpoint
drop function muster.clock_events(uuid);
--> statement-breakpoint
drop function muster.tg_corrections__apply();
--> statement-breakpoint
drop function muster.apply_correction(corrections);
--> statement-breakpoint
drop function muster.notify_of_correction(corrections,text);
--> statement-breakpoint
drop function muster.tg_corrections__keep();
--> statement-breakpoint
drop function muster.tg_corrections__check();
--> statement-breakpoint
drop function muster.decide_correction(uuid,text);
--> statement-breakpoint
drop function muster.propose_correction(uuid,text,uuid,text,timestamp with time zone,text);
--> statement-breakpoint
drop function muster.corrections_in_effect(uuid);
--> statement-breakpoint
drop function muster.side_in(assignments);
--> statement-breakpoint
drop function muster.correction_json(corrections);
--> statement-breakpoint
drop function muster.seen_of_corrections(jsonb);
--> statement-breakpoint
drop function muster.audience_of_corrections(jsonb,timestamp with time zone);
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.codes_of_guarding()
 RETURNS jsonb
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
 SET search_path TO 'pg_catalog', 'pg_temp'
RETURN jsonb_build_object('shift_overlap', 'MU001', 'certificate_missing', 'MU002', 'certificate_expired', 'MU003', 'professional_inactive', 'MU004', 'shift_not_open', 'MU005', 'invalid_transition', 'MU006', 'outside_check_in_window', 'MU007', 'recorded_in_future', 'MU008', 'shift_not_assigned', 'MU009', 'certificate_in_use', 'MU012', 'professional_in_use', 'MU013', 'location_in_use', 'MU014', 'payment_missing', 'MU015', 'id_conflict', 'MU016', 'shift_over', 'MU021', 'daily_limit_reached', 'MU025', 'too_many_pings', 'MU030', 'professional_unavailable', 'MU300', 'shift_begun', 'MU301', 'rate_lowered', 'MU302', 'end_worked', 'MU303');
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.notification_types_of_guarding()
 RETURNS text[]
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
 SET search_path TO 'pg_catalog', 'pg_temp'
RETURN ARRAY['shift_assigned'::text, 'shift_released'::text, 'shift_cancelled'::text, 'shift_changed'::text, 'shift_late'::text, 'shift_no_show'::text, 'certificate_expiring'::text, 'payments_stale'::text];
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.clocked(assignment assignments, OUT intervals tstzmultirange, OUT claimed tstzmultirange, OUT at_work_since timestamp with time zone, OUT status text, OUT flags text[])
 RETURNS record
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
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
  flags := '{}';
  for event in
    select c.kind, c.recorded_at, c.verdict, c.accuracy_meters, c.created_at
    from public.gps_checkins c
    where c.assignment_id = assignment.id and c.kind <> 'ping'
    order by c.recorded_at, array_position(array['clock_in', 'break_start', 'break_end', 'clock_out'], c.kind)
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
  -- Nobody said when it ended: at the planned end, until somebody does.
  if assignment.auto_closed_at is not null
    and began_at is not null
    and (at_work_since is not null or is_on_break or left_at < assignment.start_datetime)
  then
    intervals := intervals + muster.interval_from(assignment, at_work_since, assignment.end_datetime);
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
  claimed := intervals + muster.interval_from(assignment, at_work_since, 'infinity');
  status := case
    when began_at is null then 'assigned'
    when at_work_since is null and not is_on_break and left_at >= assignment.start_datetime then 'completed'
    else 'active'
  end;
  flags := array(select distinct f.flag from unnest(flags) as f (flag) order by f.flag);
end
$function$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.interval_from(assignment assignments, began_at timestamp with time zone, left_at timestamp with time zone)
 RETURNS tstzmultirange
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
 SET search_path TO 'pg_catalog', 'pg_temp'
RETURN CASE WHEN ((began_at IS NULL) OR (left_at <= GREATEST(began_at, (assignment).start_datetime))) THEN '{}'::tstzmultirange ELSE tstzmultirange(tstzrange(GREATEST(began_at, (assignment).start_datetime), left_at)) END;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.worked_intervals(of_assignment uuid)
 RETURNS TABLE(worked_from timestamp with time zone, worked_to timestamp with time zone, is_overtime boolean)
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
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
$function$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.price_earlier_assignments(later assignments)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
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
$function$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.advance_assignment(advanced uuid)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
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

  if assignment.ended_as is null or assignment.ended_as in ('completed', 'no_show') then
    next_status := case said.status when 'assigned' then shift.status else said.status end;
    -- Active is told also of a shift that was completed meanwhile.
    if shift.status = 'assigned' and next_status = 'completed' then
      update public.shifts s set status = 'active' where s.id = shift.id;
      shift.status := 'active';
    end if;
    if shift.status in ('completed', 'no_show') and next_status = 'active' then
      perform from public.security_professionals p where p.id = assignment.professional_id for no key update;
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

  if said.status <> 'assigned' then
    -- What is being worked pays what was planned, as before.
    if said.status = 'completed' or assignment.ended_as is not null then
      perform muster.price_assignment(assignment.id);
    end if;
    perform muster.price_earlier_assignments(assignment);
  end if;
end
$function$;
--> statement-breakpoint
alter table public.corrections disable row level security;
--> statement-breakpoint
alter table public.corrections no force row level security;
--> statement-breakpoint
revoke select on table public.corrections from authenticated;
--> statement-breakpoint
revoke insert, select, update on table public.corrections from muster_definer;
--> statement-breakpoint
revoke delete, insert, select, update on table public.corrections from service_role;
--> statement-breakpoint
revoke execute on function muster.interval_from(assignments,timestamp with time zone,timestamp with time zone) from public;
--> statement-breakpoint
grant execute on function muster.interval_from(assignments,timestamp with time zone,timestamp with time zone) to muster_definer;
--> statement-breakpoint
comment on function muster.clocked(assignments) is 'What the clock events of an assignment say: intervals from the planned start on, what they claim (also what is not over), state and flags.';
--> statement-breakpoint
comment on function muster.interval_from(assignments,timestamp with time zone,timestamp with time zone) is 'From one moment to another, as far as it is not before the planned start; nothing where it did not begin.';
--> statement-breakpoint
select muster.declare_audiences();
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1796004229_corrections';
