drop function muster.interval_from(assignments,timestamp with time zone,timestamp with time zone);
--> statement-breakpoint
create or replace function muster.codes_of_guarding() returns jsonb
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return jsonb_build_object(
  'shift_overlap', 'MU001',
  'certificate_missing', 'MU002',
  'certificate_expired', 'MU003',
  'professional_inactive', 'MU004',
  'shift_not_open', 'MU005',
  'invalid_transition', 'MU006',
  'outside_check_in_window', 'MU007',
  'recorded_in_future', 'MU008',
  'shift_not_assigned', 'MU009',
  'certificate_in_use', 'MU012',
  'professional_in_use', 'MU013',
  'location_in_use', 'MU014',
  'payment_missing', 'MU015',
  'id_conflict', 'MU016',
  'shift_over', 'MU021',
  'daily_limit_reached', 'MU025',
  'too_many_pings', 'MU030',
  'professional_unavailable', 'MU300',
  'shift_begun', 'MU301',
  'rate_lowered', 'MU302',
  'end_worked', 'MU303',
  'assignment_released', 'MU330',
  'correction_decided', 'MU331',
  'correction_open', 'MU332',
  'too_many_corrections', 'MU333'
);
--> statement-breakpoint
create or replace function muster.audience_of_corrections(viewed jsonb, at timestamptz) returns text[]
language sql
stable
parallel safe
set search_path = pg_catalog, pg_temp
return array[
  'admins:' || (viewed ->> 'tenant_id'),
  'company:' || (viewed ->> 'company_id'),
  'professional:' || (viewed ->> 'professional_id')
];
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.seen_of_corrections(changes jsonb)
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return (
    select jsonb_object_agg(c.nth, jsonb_build_object(
      'audience', case when true then array_remove(
        muster.audience_of_corrections((c.value -> 'image') || jsonb_build_object('tenant_id', r.tenant_id), clock_timestamp()), null
      ) else '{}' end,
      'filled', case when c.value ? 'lacks' and to_jsonb(r) || (c.value -> 'image') = to_jsonb(r) then (
        select jsonb_object_agg(l.name, (to_jsonb(r) -> l.name)::text)
        from jsonb_array_elements_text(c.value -> 'lacks') as l (name)
      ) end
    ))
    from jsonb_array_elements(changes) with ordinality as c (value, nth)
    join public.corrections r on r.id = (c.value #>> '{image,id}')::uuid
    where c.value ->> 'relation' = 'corrections'
  );
end
$function$;
--> statement-breakpoint
CREATE TRIGGER updated_at BEFORE UPDATE ON public.corrections FOR EACH ROW EXECUTE FUNCTION muster.set_updated_at();
--> statement-breakpoint
CREATE TRIGGER z_stamp_change BEFORE INSERT OR UPDATE ON public.corrections FOR EACH ROW EXECUTE FUNCTION muster.tg_stamp_change();
--> statement-breakpoint
CREATE TRIGGER note_departure_on_delete AFTER DELETE ON public.corrections FOR EACH ROW EXECUTE FUNCTION muster.tg_note_departure();
--> statement-breakpoint
CREATE TRIGGER note_departure_on_update AFTER UPDATE ON public.corrections FOR EACH ROW WHEN (((old.tenant_id IS DISTINCT FROM new.tenant_id) OR (old.company_id IS DISTINCT FROM new.company_id) OR (old.professional_id IS DISTINCT FROM new.professional_id))) EXECUTE FUNCTION muster.tg_note_departure();
--> statement-breakpoint
create policy internal on public.corrections for all to service_role, muster_definer
  using (true)
  with check (true);
--> statement-breakpoint
alter publication supabase_realtime add table public.corrections (assignment_id, becomes_at, change, company_id, created_at, decided_at, decided_by, event_id, id, kind, professional_id, proposed_as, proposed_by, reason, shift_id, state, updated_at, was_at);
--> statement-breakpoint
create or replace function muster.correction_json(correction public.corrections) returns jsonb
language sql
stable
parallel safe
return jsonb_build_object(
  'id', correction.id,
  'company_id', correction.company_id,
  'shift_id', correction.shift_id,
  'assignment_id', correction.assignment_id,
  'professional_id', correction.professional_id,
  'event_id', correction.event_id,
  'change', correction.change,
  'kind', correction.kind,
  'was_at', correction.was_at,
  'becomes_at', correction.becomes_at,
  'reason', correction.reason,
  'proposed_by', correction.proposed_by,
  'proposed_as', correction.proposed_as,
  'state', correction.state,
  'decided_by', correction.decided_by,
  'decided_at', correction.decided_at,
  'created_at', correction.created_at,
  'updated_at', correction.updated_at
);
--> statement-breakpoint
create or replace function muster.side_in(assignment public.assignments) returns text
language sql
stable
set search_path = pg_catalog, pg_temp
return case
  when assignment.company_id = muster.company_id() then 'company'
  when assignment.professional_id = muster.professional_id() then 'professional'
  when assignment.tenant_id = muster.admin_tenant_id() then 'admin'
end;
--> statement-breakpoint
-- Without a SET clause, so that it is inlined: it is asked for whenever hours are.
create or replace function muster.corrections_in_effect(of_assignment uuid) returns setof public.corrections
language sql
stable
parallel safe
begin atomic
  select distinct on (c.event_id) c.*
  from public.corrections c
  where c.assignment_id = of_assignment and c.state in ('accepted', 'imposed')
  order by c.event_id, c.decided_at desc, c.id desc;
end;
--> statement-breakpoint
create or replace function muster.propose_correction(
  of_assignment uuid, change_of text, of_event uuid, kind_of text, at_time timestamptz, why text
) returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, public, pg_temp
as $$
declare
  assignment public.assignments;
  correction public.corrections;
  side text;
begin
  select a.* into assignment from public.assignments a where a.id = of_assignment;
  side := muster.side_in(assignment);
  if side is null then
    perform muster.fail('not_found', 'id');
  end if;
  -- The trigger finds out whether it is a check-in or what an earlier correction added.
  insert into public.corrections as c (
    assignment_id, event_id, change, kind, becomes_at, reason, proposed_by, proposed_as, state, decided_by, decided_at
  )
  values (
    of_assignment, of_event, change_of, kind_of, at_time, why, muster.user_id(), side,
    case side when 'admin' then 'imposed' else 'proposed' end,
    case side when 'admin' then muster.user_id() end,
    case side when 'admin' then now() end
  )
  returning c.* into correction;
  return muster.correction_json(correction);
end
$$;
--> statement-breakpoint
create or replace function muster.decide_correction(wanted uuid, verdict text) returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, public, pg_temp
as $$
declare
  decider constant uuid := muster.user_id();
  correction public.corrections;
  side text;
begin
  select c.* into correction from public.corrections c where c.id = wanted;
  select muster.side_in(a) into side from public.assignments a where a.id = correction.assignment_id;
  if side is null then
    perform muster.fail('not_found', 'id');
  end if;
  perform from public.shifts s where s.id = correction.shift_id for no key update;
  -- Somebody of the same side may have decided meanwhile.
  select c.* into correction from public.corrections c where c.id = wanted;
  if correction.state <> 'proposed' then
    perform muster.fail('correction_decided', 'state');
  end if;
  if side = 'admin' or side = correction.proposed_as then
    perform muster.fail('forbidden', 'state');
  end if;
  update public.corrections c
  set state = verdict, decided_by = decider, decided_at = now()
  where c.id = wanted
  returning c.* into correction;
  return muster.correction_json(correction);
end
$$;
--> statement-breakpoint
create or replace function muster.tg_corrections__check() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, public, pg_temp
as $$
declare
  -- Some for each event that a shift has. A person reads each of them.
  most_corrections constant integer := 100;
  assignment public.assignments;
  agreed record;
  refusal text;
begin
  perform muster.require_read_committed();
  select a.* into assignment from public.assignments a where a.id = new.assignment_id;
  perform from public.shifts s where s.id = assignment.shift_id for no key update;
  select a.* into assignment from public.assignments a where a.id = new.assignment_id;
  if not found then
    perform muster.fail('not_found', 'assignment_id');
  end if;
  -- Somebody else has, or can have, the shift, and is paid for it.
  if assignment.ended_as = 'released' then
    perform muster.fail('assignment_released', 'assignment_id');
  end if;
  if most_corrections <= (select count(*) from public.corrections c where c.assignment_id = new.assignment_id) then
    perform muster.fail('too_many_corrections', 'assignment_id');
  end if;

  new.tenant_id := assignment.tenant_id;
  new.company_id := assignment.company_id;
  new.shift_id := assignment.shift_id;
  new.professional_id := assignment.professional_id;
  if new.change = 'happened' then
    new.event_id := new.id;
  else
    select c.id, c.kind, c.recorded_at into new.checkin_id, new.kind, new.was_at
    from public.gps_checkins c
    where c.id = new.event_id and c.assignment_id = new.assignment_id and c.kind <> 'ping';
    if not found then
      select c.id, c.kind, c.becomes_at into new.corrects_id, new.kind, new.was_at
      from public.corrections c
      where c.id = new.event_id
        and c.assignment_id = new.assignment_id
        and c.change = 'happened'
        and c.state in ('accepted', 'imposed');
      if not found then
        perform muster.fail('not_found', 'event_id');
      end if;
    end if;
    -- As it was last agreed on.
    select d.becomes_at into agreed from muster.corrections_in_effect(new.assignment_id) d where d.event_id = new.event_id;
    if found then
      new.was_at := agreed.becomes_at;
    end if;
    if exists (select from public.corrections c where c.event_id = new.event_id and c.state = 'proposed') then
      perform muster.fail('correction_open', 'event_id');
    end if;
  end if;

  if new.becomes_at is not null then
    -- Both sides may agree on any time of the window, also on one after the assignment ended.
    assignment.ended_as := null;
    refusal := muster.check_in_time_refusal(assignment, new.becomes_at);
    if refusal is not null then
      perform muster.fail(refusal, 'becomes_at');
    end if;
  end if;
  return new;
end
$$;
--> statement-breakpoint
create or replace function muster.tg_corrections__keep() returns trigger
language plpgsql
set search_path = pg_catalog, public, pg_temp
as $$
begin
  if old.state <> 'proposed' or (
    (to_jsonb(new) - 'state' - 'decided_by' - 'decided_at' - 'updated_at')
    <> (to_jsonb(old) - 'state' - 'decided_by' - 'decided_at' - 'updated_at')
  ) then
    perform muster.fail('correction_decided', 'state');
  end if;
  return new;
end
$$;
--> statement-breakpoint
create or replace function muster.notify_of_correction(correction public.corrections, told text) returns void
language sql
volatile
set search_path = pg_catalog, pg_temp
begin atomic
  insert into public.notifications (tenant_id, user_id, type, data)
  select u.tenant_id, u.id, 'correction_' || correction.state, jsonb_build_object(
    'correction_id', correction.id,
    'assignment_id', correction.assignment_id,
    'shift_id', correction.shift_id,
    'change', correction.change,
    'kind', correction.kind,
    'was_at', correction.was_at,
    'becomes_at', correction.becomes_at,
    'reason', correction.reason
  )
  from public.users u
  where u.deleted_at is null
    and case told
      when 'company' then u.organization_id = correction.company_id and u.role = 'company'
      else u.id = (select p.user_id from public.security_professionals p where p.id = correction.professional_id)
    end;
end;
--> statement-breakpoint
create or replace function muster.apply_correction(correction public.corrections) returns void
language plpgsql
volatile
set search_path = pg_catalog, public, pg_temp
as $$
begin
  perform muster.advance_assignment(correction.assignment_id);
end
$$;
--> statement-breakpoint
create or replace function muster.tg_corrections__apply() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, public, pg_temp
as $$
begin
  if new.state in ('accepted', 'imposed') then
    perform muster.apply_correction(new);
  end if;
  perform muster.notify_of_correction(new, t.side)
  from unnest(case
    when new.state = 'imposed' then array['company', 'professional']
    when new.state <> 'proposed' then array[new.proposed_as]
    when new.proposed_as = 'company' then array['professional']
    else array['company']
  end) as t (side);
  return null;
end
$$;
--> statement-breakpoint
create or replace trigger a_check before insert on public.corrections
  for each row execute function muster.tg_corrections__check();
--> statement-breakpoint
create or replace trigger a_keep before update on public.corrections
  for each row execute function muster.tg_corrections__keep();
--> statement-breakpoint
create or replace trigger apply after insert or update on public.corrections
  for each row execute function muster.tg_corrections__apply();
--> statement-breakpoint
create policy corrections_read on public.corrections for select to authenticated
  using (
    company_id = (select muster.company_id())
    or professional_id = (select muster.professional_id())
    or tenant_id = (select muster.admin_tenant_id())
  );
--> statement-breakpoint
-- Without a SET clause, so that it is inlined: it is asked for whenever hours are.
create or replace function muster.clock_events(of_assignment uuid)
returns table (
  event_id uuid, kind text, at_time timestamptz, verdict text, accuracy_meters float8, delivered_at timestamptz, correction_id uuid
)
language sql
stable
begin atomic
  with agreed as (select * from muster.corrections_in_effect(of_assignment))
  select
    e.id, e.kind, coalesce(a.becomes_at, e.recorded_at), case when a.id is null then e.verdict end, e.accuracy_meters, e.created_at, a.id
  from public.gps_checkins e
  left join agreed a on a.checkin_id = e.id
  where e.assignment_id = of_assignment and e.kind <> 'ping' and a.change is distinct from 'never_happened'
  union all
  select a.event_id, a.kind, a.becomes_at, null, null, null, a.id
  from agreed a
  where a.checkin_id is null and a.change <> 'never_happened';
end;
--> statement-breakpoint
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
    order by e.at_time, array_position(array['clock_in', 'break_start', 'break_end', 'clock_out'], e.kind)
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
--> statement-breakpoint
create or replace function muster.interval_from(began_at timestamptz, left_at timestamptz) returns tstzmultirange
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return case
  when began_at is null or left_at <= began_at then '{}'::tstzmultirange
  else tstzmultirange(tstzrange(began_at, left_at))
end;
--> statement-breakpoint
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
    -- A correction begins it as early as its check-in window does.
    and a.start_datetime < upper(own) + interval '2 hours';
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
--> statement-breakpoint
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
      and a.start_datetime between later.start_datetime - longest_shift - window_after - window_before and later.start_datetime
      and (a.start_datetime, a.shift_id) < (later.start_datetime, later.shift_id)
      and a.end_datetime + window_after > later.start_datetime - window_before
      and a.ended_as in ('completed', 'stopped')
    order by a.start_datetime desc, a.shift_id desc
  loop
    perform muster.price_assignment(earlier);
  end loop;
end
$$;
--> statement-breakpoint
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

  if assignment.ended_as is null or assignment.ended_as in ('completed', 'no_show') then
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

  if said.status <> 'assigned' or 'corrected' = any (said.flags) then
    -- What is being worked pays what was planned, as before.
    if said.status = 'completed' or assignment.ended_as is not null then
      perform muster.price_assignment(assignment.id);
    end if;
    perform muster.price_earlier_assignments(assignment);
  end if;
end
$$;
--> statement-breakpoint
create or replace function muster.notification_types_of_guarding() returns text[]
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return array[
  'shift_assigned', 'shift_released', 'shift_cancelled', 'shift_changed', 'shift_late', 'shift_no_show', 'correction_proposed',
  'correction_accepted', 'correction_refused', 'correction_imposed', 'certificate_expiring', 'payments_stale'
];
--> statement-breakpoint
alter function muster.tg_corrections__apply() owner to muster_definer;
--> statement-breakpoint
alter function muster.propose_correction(uuid,text,uuid,text,timestamp with time zone,text) owner to muster_definer;
--> statement-breakpoint
alter function muster.decide_correction(uuid,text) owner to muster_definer;
--> statement-breakpoint
alter function muster.tg_corrections__check() owner to muster_definer;
--> statement-breakpoint
alter table public.corrections enable row level security;
--> statement-breakpoint
alter table public.corrections force row level security;
--> statement-breakpoint
revoke all on table public.corrections from public, anon, authenticated, service_role;
--> statement-breakpoint
revoke execute on function muster.tg_corrections__apply() from public;
--> statement-breakpoint
revoke execute on function muster.audience_of_corrections(jsonb,timestamp with time zone) from public;
--> statement-breakpoint
revoke execute on function muster.clock_events(uuid) from public;
--> statement-breakpoint
revoke execute on function muster.seen_of_corrections(jsonb) from public;
--> statement-breakpoint
revoke execute on function muster.tg_corrections__keep() from public;
--> statement-breakpoint
revoke execute on function muster.correction_json(corrections) from public;
--> statement-breakpoint
revoke execute on function muster.side_in(assignments) from public;
--> statement-breakpoint
revoke execute on function muster.corrections_in_effect(uuid) from public;
--> statement-breakpoint
revoke execute on function muster.notify_of_correction(corrections,text) from public;
--> statement-breakpoint
revoke execute on function muster.apply_correction(corrections) from public;
--> statement-breakpoint
revoke execute on function muster.propose_correction(uuid,text,uuid,text,timestamp with time zone,text) from public;
--> statement-breakpoint
revoke execute on function muster.decide_correction(uuid,text) from public;
--> statement-breakpoint
revoke execute on function muster.tg_corrections__check() from public;
--> statement-breakpoint
revoke execute on function muster.interval_from(timestamp with time zone,timestamp with time zone) from public;
--> statement-breakpoint
grant execute on function muster.apply_correction(corrections) to muster_definer;
--> statement-breakpoint
grant execute on function muster.audience_of_corrections(jsonb,timestamp with time zone) to muster_definer;
--> statement-breakpoint
grant execute on function muster.clock_events(uuid) to muster_definer;
--> statement-breakpoint
grant execute on function muster.correction_json(corrections) to muster_definer;
--> statement-breakpoint
grant execute on function muster.corrections_in_effect(uuid) to muster_definer;
--> statement-breakpoint
grant execute on function muster.decide_correction(uuid,text) to authenticated, muster_api;
--> statement-breakpoint
grant execute on function muster.interval_from(timestamp with time zone,timestamp with time zone) to muster_definer;
--> statement-breakpoint
grant execute on function muster.notify_of_correction(corrections,text) to muster_definer;
--> statement-breakpoint
grant execute on function muster.propose_correction(uuid,text,uuid,text,timestamp with time zone,text) to authenticated, muster_api;
--> statement-breakpoint
grant execute on function muster.seen_of_corrections(jsonb) to muster_definer;
--> statement-breakpoint
grant execute on function muster.side_in(assignments) to muster_definer;
--> statement-breakpoint
grant select on table public.corrections to authenticated;
--> statement-breakpoint
grant insert, select, update on table public.corrections to muster_definer;
--> statement-breakpoint
grant delete, insert, select, update on table public.corrections to service_role;
--> statement-breakpoint
comment on function muster.audience_of_corrections(jsonb, timestamptz) is 'Who sees a correction: corrections_read, as groups.';
--> statement-breakpoint
comment on policy internal on public.corrections is 'Background work and the security definer functions; their grants say how far they reach.';
--> statement-breakpoint
comment on function muster.seen_of_corrections(jsonb) is 'Which groups see changes of this table, and the values that the log left out. Made by muster.follow_table.';
--> statement-breakpoint
comment on function muster.correction_json(public.corrections) is 'A correction in the form of the API.';
--> statement-breakpoint
comment on function muster.side_in(public.assignments) is 'As whom the caller sees an assignment; null for those who do not.';
--> statement-breakpoint
comment on function muster.corrections_in_effect(uuid) is 'Of each event of an assignment what was last agreed on, or imposed.';
--> statement-breakpoint
comment on function muster.propose_correction(uuid, text, uuid, text, timestamptz, text) is
  'A correction of an assignment, proposed by the caller''s side, or imposed by an admin. Security definer: nobody may say whose a correction is.';
--> statement-breakpoint
comment on function muster.decide_correction(uuid, text) is
  'The side that did not propose it accepts or refuses a correction. Security definer: no caller writes corrections.';
--> statement-breakpoint
comment on function muster.tg_corrections__check() is
  'Fills in what a correction is about, and refuses what cannot be corrected. Security definer: it reads the check-ins of the shift.';
--> statement-breakpoint
comment on function muster.tg_corrections__keep() is 'Corrections are appended: a proposal is decided on, once, and nothing else changes.';
--> statement-breakpoint
comment on function muster.notify_of_correction(public.corrections, text) is 'A notification for everybody of one side of a correction.';
--> statement-breakpoint
comment on function muster.apply_correction(public.corrections) is
  'What follows from a correction that is in effect from now on. The one place from which it reaches hours, state and pay.';
--> statement-breakpoint
comment on function muster.tg_corrections__apply() is
  'Tells the other side, and brings what is in effect to hours, state and pay. Security definer: see muster.advance_assignment.';
--> statement-breakpoint
comment on policy corrections_read on public.corrections is
  'The company, the guard, admins: as assignments. Nobody writes: functions say who may propose and decide.';
--> statement-breakpoint
comment on function muster.clock_events(uuid) is
  'The clock events of an assignment after corrections. One with a correction was agreed on: it counts, and its place is not judged.';
--> statement-breakpoint
comment on function muster.clocked(public.assignments) is
  'What the clock events of an assignment say: intervals, without what is before the planned start and was not agreed on, what they claim (also what is not over), state and flags.';
--> statement-breakpoint
comment on function muster.interval_from(timestamptz, timestamptz) is
  'From one moment to another; nothing where it did not begin, or ended before.';
--> statement-breakpoint
select muster.declare_audiences();
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1796004258_corrections_rules';
