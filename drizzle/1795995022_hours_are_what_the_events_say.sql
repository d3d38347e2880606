drop trigger shifts_assigned_has_payment on public.shifts;
--> statement-breakpoint
drop trigger move_shifts on public.locations;
--> statement-breakpoint
drop trigger c_check_assignment_on_update on public.shifts;
--> statement-breakpoint
drop function muster.refuse_check_in(shifts,boolean,uuid,timestamp with time zone);
--> statement-breakpoint
drop function muster.check_in_time_refusal(shifts,timestamp with time zone);
--> statement-breakpoint
drop function muster.check_in_refusal(shifts,boolean,uuid);
--> statement-breakpoint
drop function muster.clock_times(shifts);
--> statement-breakpoint
drop function muster.advance_shift(uuid);
--> statement-breakpoint
drop function muster.shift_pay(numeric,numeric,timestamp with time zone,timestamp with time zone,timestamp with time zone,timestamp with time zone);
--> statement-breakpoint
create or replace function muster.audience_of_assignments(viewed jsonb, at timestamptz) returns text[]
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
CREATE OR REPLACE FUNCTION muster.seen_of_assignments(changes jsonb)
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return (
    select jsonb_object_agg(c.nth, jsonb_build_object(
      'audience', case when true then array_remove(
        muster.audience_of_assignments((c.value -> 'image') || jsonb_build_object('tenant_id', r.tenant_id), clock_timestamp()), null
      ) else '{}' end,
      'filled', case when c.value ? 'lacks' and to_jsonb(r) || (c.value -> 'image') = to_jsonb(r) then (
        select jsonb_object_agg(l.name, (to_jsonb(r) -> l.name)::text)
        from jsonb_array_elements_text(c.value -> 'lacks') as l (name)
      ) end
    ))
    from jsonb_array_elements(changes) with ordinality as c (value, nth)
    join public.assignments r on r.id = (c.value #>> '{image,id}')::uuid
    where c.value ->> 'relation' = 'assignments'
  );
end
$function$;
--> statement-breakpoint
CREATE TRIGGER updated_at BEFORE UPDATE ON public.assignments FOR EACH ROW EXECUTE FUNCTION muster.set_updated_at();
--> statement-breakpoint
CREATE TRIGGER z_stamp_change BEFORE INSERT OR UPDATE ON public.assignments FOR EACH ROW EXECUTE FUNCTION muster.tg_stamp_change();
--> statement-breakpoint
CREATE TRIGGER note_departure_on_delete AFTER DELETE ON public.assignments FOR EACH ROW EXECUTE FUNCTION muster.tg_note_departure();
--> statement-breakpoint
CREATE TRIGGER note_departure_on_update AFTER UPDATE ON public.assignments FOR EACH ROW WHEN (((old.tenant_id IS DISTINCT FROM new.tenant_id) OR (old.company_id IS DISTINCT FROM new.company_id) OR (old.professional_id IS DISTINCT FROM new.professional_id))) EXECUTE FUNCTION muster.tg_note_departure();
--> statement-breakpoint
create policy internal on public.assignments for all to service_role, muster_definer
  using (true)
  with check (true);
--> statement-breakpoint
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
    radius_meters, late_after_minutes, auto_close_minutes, minimum_minutes, give_back_minutes, delivery_days
  )
  select
    -- Not `now()`: of two assignments in one transaction one is the later.
    shift.tenant_id, shift.company_id, shift.id, shift.professional_id, clock_timestamp(), shift.start_datetime, shift.end_datetime,
    shift.hourly_rate, shift.overtime_rate, l.radius_meters,
    terms.late_after_minutes, terms.auto_close_minutes, terms.minimum_minutes, terms.give_back_minutes, terms.delivery_days
  from public.locations l
  where l.id = shift.location_id
  returning id into assignment;
  return assignment;
end
$$;
--> statement-breakpoint
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
--> statement-breakpoint
create or replace function muster.reopen_assignment(shift uuid) returns void
language sql
volatile
set search_path = pg_catalog, pg_temp
begin atomic
  update public.assignments a
  set ended_at = null, ended_as = null
  where a.shift_id = shift and a.ended_as = 'completed';
end;
--> statement-breakpoint
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
--> statement-breakpoint
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
--> statement-breakpoint
create policy assignments_read on public.assignments for select to authenticated
  using (
    company_id = (select muster.company_id())
    or professional_id = (select muster.professional_id())
    or tenant_id = (select muster.admin_tenant_id())
  );
--> statement-breakpoint
-- The check-ins of one page, in the form of the API, by device time, and where the next page begins (null on the last one).
create or replace function muster.nearby_check_ins(
  latitude float8,
  longitude float8,
  within_meters float8,
  recorded_from timestamptz,
  recorded_to timestamptz,
  max_items integer,
  after_time timestamptz default null,
  after_id uuid default null,
  out items json,
  out next_time timestamptz,
  out next_id uuid
)
language plpgsql
stable
security definer
set search_path = pg_catalog, extensions, public, pg_temp
-- As for nearby_shifts: the index has the place, and the planner has no better idea.
set jit = off
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
as $$
declare
  here constant geography := st_point(longitude, latitude)::geography;
  -- What earlier pages showed is left out; with the same time the id decides.
  earliest constant timestamptz := greatest(recorded_from, after_time);
  caller record;
  tenant uuid;
  company uuid;
  client uuid;
begin
  select u.role, u.tenant_id, u.organization_id into caller
  from public.users u
  where u.id = muster.user_id() and u.deleted_at is null;
  case caller.role
    when 'admin' then tenant := caller.tenant_id;
    when 'company' then company := caller.organization_id;
    when 'client' then client := caller.organization_id;
    -- A guard's own are in the lists of their shifts.
    else perform muster.fail('forbidden');
  end case;

  with found_items as materialized (
    select c.*
    from public.gps_checkins c
    where st_dwithin(c.gps_point, here, within_meters)
      -- `is true` keeps it from the index by shift and time, which would be read as a whole.
      and (c.recorded_at >= earliest and c.recorded_at < recorded_to) is true
      and (c.tenant_id = tenant or c.company_id = company or c.client_id = client)
      and (after_time is null or (c.recorded_at, c.id) > (after_time, after_id))
    order by c.recorded_at, c.id
    limit max_items + 1
  ), page as (
    select c.* from found_items c order by c.recorded_at, c.id limit max_items
  )
  select
    coalesce(json_agg(item order by page.recorded_at, page.id), '[]'),
    max(page.recorded_at) filter (where (select count(*) from found_items) > max_items),
    (array_agg(page.id order by page.recorded_at, page.id))[
      case when (select count(*) from found_items) > max_items then max_items end
    ]
  into items, next_time, next_id
  from page
  cross join lateral (
    select
      page.id,
      page.shift_id,
      page.assignment_id,
      page.professional_id,
      page.kind,
      st_y(page.gps_point::geometry) as latitude,
      st_x(page.gps_point::geometry) as longitude,
      page.accuracy_meters,
      page.distance_meters,
      page.is_within_radius,
      page.verdict,
      muster.checkin_flags(page.accuracy_meters) as flags,
      page.recorded_at,
      page.created_at,
      st_distance(page.gps_point, here) as meters_away
  ) item;
end
$$;
--> statement-breakpoint
-- What the rules say to a check-in of the professional of an assignment (a row of nulls where there is none): the code that
-- refuses it, or null. The one is asked once for each shift of a batch, the other for each time.
create or replace function muster.check_in_refusal(
  shift public.shifts, assignment public.assignments, by_caller boolean
) returns text
language plpgsql
volatile
security definer
set search_path = pg_catalog, public, pg_temp
as $$
begin
  if shift.id is null or shift.deleted_at is not null then
    return 'not_found';
  end if;
  if assignment.id is null then
    -- Those who see the shift are told that it is not theirs to check in to; to others it does not exist.
    return case
      when not by_caller or shift.professional_id = muster.professional_id() then 'shift_not_assigned'
      when muster.sees_shift(shift) then 'forbidden'
      else 'not_found'
    end;
  end if;
  return null;
end
$$;
--> statement-breakpoint
-- Without a SET clause, so that it is inlined: it is asked for each check-in.
create or replace function muster.check_in_time_refusal(assignment public.assignments, at_time timestamptz) returns text
language sql
volatile
return case
  when assignment.ended_as in ('released', 'cancelled', 'stopped') and at_time > assignment.ended_at
    then 'shift_not_assigned'
  when at_time < assignment.start_datetime - interval '2 hours' or at_time > assignment.end_datetime + interval '12 hours'
    then 'outside_check_in_window'
  -- Phones set their clocks by the network; more than this is a wrong clock or a forged time.
  when at_time > clock_timestamp() + interval '5 minutes'
    then 'recorded_in_future'
end;
--> statement-breakpoint
create or replace function muster.tg_gps_checkins__judge() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, extensions, public, pg_temp
as $$
declare
  most_precise constant float8 := 100;
  shift public.shifts;
  assignment public.assignments;
  refusal text;
  by_caller constant boolean := muster.acts_for_caller();
begin
  select s.* into shift from public.shifts s where s.id = new.shift_id for no key update;
  -- Callers may name neither: muster.store_check_in names the professional, whom it looked up; muster.store_check_ins also the
  -- assignment.
  if by_caller and new.assignment_id is not null then
    select a.* into assignment from public.assignments a where a.id = new.assignment_id;
  else
    select a.* into assignment
    from public.assignments a
    where a.shift_id = shift.id
      and a.professional_id = case
        when by_caller then coalesce(new.professional_id, muster.professional_id())
        else shift.professional_id
      end
    -- As muster.assignment_at, without a call for each row.
    order by
      new.recorded_at between a.begun_at and coalesce(a.ended_at, 'infinity') desc, a.ended_at is null desc, a.begun_at desc
    limit 1;
  end if;
  -- The rules in one expression, for each check-in there is. Which of them it was, is asked where one speaks against it.
  if (
    shift.deleted_at is null
    and assignment.id is not null
    and muster.check_in_time_refusal(assignment, new.recorded_at) is null
  ) is not true then
    refusal := coalesce(
      muster.check_in_refusal(shift, assignment, by_caller), muster.check_in_time_refusal(assignment, new.recorded_at)
    );
    perform muster.fail(
      refusal, case when refusal in ('outside_check_in_window', 'recorded_in_future') then 'recorded_at' else 'shift_id' end
    );
  end if;
  -- The functions count for themselves.
  if by_caller and new.professional_id is null and new.kind = 'ping'
    and muster.pings_in_minute(shift.id, assignment.professional_id, new.recorded_at) >= muster.most_pings_a_minute()
  then
    perform muster.fail('too_many_pings', 'recorded_at');
  end if;

  new.tenant_id := shift.tenant_id;
  new.company_id := shift.company_id;
  new.client_id := shift.client_id;
  new.assignment_id := assignment.id;
  new.professional_id := assignment.professional_id;
  new.created_at := now();
  new.updated_at := now();
  new.distance_meters := st_distance(new.gps_point, shift.location_point);
  new.is_within_radius := new.distance_meters <= assignment.radius_meters;
  new.verdict := case
    when new.distance_meters + new.accuracy_meters <= assignment.radius_meters and new.accuracy_meters <= most_precise then 'inside'
    when new.distance_meters - new.accuracy_meters > assignment.radius_meters then 'outside'
    else 'uncertain'
  end;
  return new;
end
$$;
--> statement-breakpoint
create or replace function muster.checkin_flags(accuracy_meters float8) returns text[]
language sql
immutable
parallel safe
return array_remove(array[
  case when accuracy_meters > 1000 then 'evidence' end,
  case when accuracy_meters > 100 then 'imprecise' end
], null);
--> statement-breakpoint
-- One check-in as a client sees it: the row, with its point as latitude and longitude.
create or replace function muster.checkin_json(checkin public.gps_checkins) returns json
language sql
stable
parallel safe
return json_build_object(
  'id', checkin.id,
  'shift_id', checkin.shift_id,
  'assignment_id', checkin.assignment_id,
  'professional_id', checkin.professional_id,
  'kind', checkin.kind,
  'latitude', st_y(checkin.gps_point::geometry),
  'longitude', st_x(checkin.gps_point::geometry),
  'accuracy_meters', checkin.accuracy_meters,
  'distance_meters', checkin.distance_meters,
  'is_within_radius', checkin.is_within_radius,
  'verdict', checkin.verdict,
  'flags', muster.checkin_flags(checkin.accuracy_meters),
  'recorded_at', checkin.recorded_at,
  'created_at', checkin.created_at
);
--> statement-breakpoint
create or replace function muster.store_check_ins(
  check_in_ids uuid[], at_shifts uuid[], kinds text[], at_points geography[], accuracies float8[], at_times timestamptz[]
) returns text[]
language plpgsql
volatile
security definer
set search_path = pg_catalog, extensions, public, pg_temp
as $$
declare
  caller constant uuid := muster.professional_id();
  most_pings constant integer := muster.most_pings_a_minute();
  assignments uuid[] := array_fill(null::uuid, array[cardinality(check_in_ids)]);
  outcomes text[] := array_fill(null::text, array[cardinality(check_in_ids)]);
  shift public.shifts;
  assignment public.assignments;
  has_several boolean;
  at_shift uuid;
  at_minute timestamptz;
  last_id uuid;
  pings bigint;
  refusal text;
  item record;
begin
  -- Before anything is judged, and in one order for everybody. Of others' shifts there is nothing to wait for.
  perform from public.shifts s
  where s.id in (
    select a.shift_id from public.assignments a where a.shift_id = any (at_shifts) and a.professional_id = caller
  )
  order by s.id
  for no key update;

  -- What a rule refuses is told from the rest by a value. An exception for each would be a subtransaction for each: a refused item
  -- would cost many times as much, for everybody else on the server, too.
  for item in
    select g.nth, g.id, g.shift_id, g.kind, g.recorded_at, date_trunc('minute', g.recorded_at, 'UTC') as minute
    from unnest(check_in_ids, at_shifts, kinds, at_times) with ordinality as g (id, shift_id, kind, recorded_at, nth)
    -- Others were stored since the caller looked, by another request with the same items.
    where not exists (select from public.gps_checkins c where c.id = g.id and c.professional_id = caller)
    order by g.shift_id, minute, g.id, g.nth
  loop
    if item.shift_id is distinct from at_shift then
      at_shift := item.shift_id;
      at_minute := null;
      select s.* into shift from public.shifts s where s.id = at_shift;
      assignment := muster.assignment_at(at_shift, caller, item.recorded_at);
      has_several := 1 < (
        select count(*) from public.assignments a where a.shift_id = at_shift and a.professional_id = caller
      );
      refusal := muster.check_in_refusal(shift, assignment, true);
    elsif has_several then
      assignment := muster.assignment_at(at_shift, caller, item.recorded_at);
    end if;
    assignments[item.nth] := assignment.id;
    outcomes[item.nth] := coalesce(refusal, muster.check_in_time_refusal(assignment, item.recorded_at));
    continue when outcomes[item.nth] is not null or item.kind <> 'ping';

    if item.minute is distinct from at_minute then
      at_minute := item.minute;
      last_id := null;
      pings := muster.pings_in_minute(at_shift, caller, at_minute);
    end if;
    if item.id is distinct from last_id then
      last_id := item.id;
      pings := pings + 1;
    end if;
    if pings > most_pings then
      outcomes[item.nth] := 'too_many_pings';
    end if;
  end loop;

  with given as materialized (
    -- Of several with one id the first that is good is stored.
    select g.*, row_number() over (partition by g.id, g.outcome order by g.nth) as copy
    from unnest(check_in_ids, at_shifts, assignments, kinds, at_points, accuracies, at_times, outcomes) with ordinality
      as g (id, shift_id, assignment_id, kind, gps_point, accuracy_meters, recorded_at, outcome, nth)
  ), stored as (
    insert into public.gps_checkins as c (
      id, shift_id, assignment_id, professional_id, kind, gps_point, accuracy_meters, recorded_at
    )
    select g.id, g.shift_id, g.assignment_id, caller, g.kind, g.gps_point, g.accuracy_meters, g.recorded_at
    from given g
    where g.outcome is null and g.copy = 1
    order by g.shift_id, g.id
    on conflict do nothing
    returning c.id
  )
  select array_agg(
    case
      when g.outcome is not null then g.outcome
      when g.copy = 1 and g.id in (select s.id from stored s) then 'created'
    end
    order by g.nth
  ) into outcomes
  from given g;
  return outcomes;
end
$$;
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
  'end_worked', 'MU303'
);
--> statement-breakpoint
create policy internal on public.company_terms for all to service_role, muster_definer
  using (true)
  with check (true);
--> statement-breakpoint
create or replace function muster.terms_at(company uuid, at timestamptz) returns public.company_terms
language plpgsql
stable
set search_path = pg_catalog, public, pg_temp
as $$
declare
  terms public.company_terms;
begin
  select t.* into terms
  from public.company_terms t
  where t.company_id = company and t.valid_from <= at
  order by t.valid_from desc
  limit 1;
  if not found then
    terms.late_after_minutes := 30;
    terms.auto_close_minutes := 120;
    -- Three hours: what Dutch law gives on-call workers for each call (Burgerlijk Wetboek 7, article 628a).
    terms.minimum_minutes := 180;
    terms.give_back_minutes := 1440;
    terms.delivery_days := 14;
  end if;
  return terms;
end
$$;
--> statement-breakpoint
-- Runs with the rights of whoever writes: an organization that they do not see does not exist.
create or replace function muster.tg_company_terms__set_tenant() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  select o.tenant_id into new.tenant_id
  from public.organizations o
  where o.id = new.company_id and o.kind = 'company' and o.deleted_at is null;
  if not found then
    perform muster.fail('not_found', 'company_id');
  end if;
  return new;
end
$$;
--> statement-breakpoint
create or replace trigger a_set_tenant before insert on public.company_terms
  for each row execute function muster.tg_company_terms__set_tenant();
--> statement-breakpoint
create policy company_terms_read on public.company_terms for select to authenticated
  using (
    company_id = (select muster.company_id())
    or tenant_id = (select muster.admin_tenant_id())
  );
--> statement-breakpoint
create policy company_terms_create on public.company_terms for insert to authenticated
  with check (
    company_id = (select muster.company_id())
    or tenant_id = (select muster.admin_tenant_id())
  );
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
begin
  intervals := '{}';
  -- What check-ins do not decide stays as it is.
  flags := array(select f.flag from unnest(assignment.flags) as f (flag) where f.flag in ('auto_closed', 'late'));
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
--> statement-breakpoint
create or replace function muster.pay_for(
  hourly_rate numeric, overtime_rate numeric, planned_seconds numeric, overtime_seconds numeric
) returns numeric
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
-- Divided last: a rate per second has no end (18.03 / 3600), and half an hour of it would come to a cent too little.
return round(hourly_rate * planned_seconds / 3600, 2) + round(hourly_rate * overtime_rate * overtime_seconds / 3600, 2);
--> statement-breakpoint
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
--> statement-breakpoint
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
--> statement-breakpoint
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
--> statement-breakpoint
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
--> statement-breakpoint
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
--> statement-breakpoint
create or replace function muster.has_begun(shift public.shifts, assignment uuid) returns boolean
language sql
stable
set search_path = pg_catalog, pg_temp
begin atomic
  select shift.start_datetime <= now()
    or shift.status = 'active'
    or exists (select from public.gps_checkins c where c.assignment_id = assignment);
end;
--> statement-breakpoint
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
--> statement-breakpoint
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
--> statement-breakpoint
create or replace trigger b_keep_promises before update on public.shifts
  for each row when (
    old.status in ('assigned', 'active')
    and (old.status, old.hourly_rate, old.overtime_rate, old.start_datetime, old.end_datetime, old.location_id)
      <> (new.status, new.hourly_rate, new.overtime_rate, new.start_datetime, new.end_datetime, new.location_id)
  )
  execute function muster.tg_shifts__keep_promises();
--> statement-breakpoint
create or replace function muster.tg_locations__move_shifts() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, extensions, public, pg_temp
as $$
begin
  -- A shift that came here while this waited for the location must be seen.
  perform muster.require_read_committed();
  -- All shifts, then all professionals, each in one order: two locations that move at once do not deadlock.
  perform from public.shifts s
  where s.location_id = new.id and s.status in ('draft', 'published', 'assigned', 'active')
  order by s.id
  for no key update;
  perform from public.security_professionals p
  where p.id in (
    select s.professional_id from public.shifts s
    where s.location_id = new.id and s.status in ('assigned', 'active')
  )
  order by p.id
  for no key update;
  -- A shift that has begun stays where its professional was sent.
  update public.shifts s
  set location_point = new.location_point, time_zone = new.time_zone
  where s.location_id = new.id
    and (s.time_zone <> new.time_zone or s.location_point::text <> new.location_point::text)
    and (
      s.status in ('draft', 'published')
      or (s.status = 'assigned' and not exists (
        select from public.assignments a
        where a.shift_id = s.id and a.ended_at is null and muster.has_begun(s, a.id)
      ))
    );
  update public.assignments a
  set radius_meters = new.radius_meters
  from public.shifts s
  where s.location_id = new.id
    and s.status = 'assigned'
    and a.shift_id = s.id
    and a.ended_at is null
    and a.radius_meters <> new.radius_meters
    and not muster.has_begun(s, a.id);
  return null;
end
$$;
--> statement-breakpoint
create or replace trigger move_shifts after update on public.locations
  for each row when (
    old.time_zone <> new.time_zone or old.location_point::text <> new.location_point::text
    or old.radius_meters <> new.radius_meters
  )
  execute function muster.tg_locations__move_shifts();
--> statement-breakpoint
create or replace function muster.tg_shifts__follow_assignment() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, extensions, public, pg_temp
as $$
declare
  was_assigned boolean := tg_op = 'UPDATE' and old.status in ('assigned', 'active');
  is_assigned boolean := new.status in ('assigned', 'active');
  ended uuid;
begin
  if tg_op = 'UPDATE' and old.status = 'completed' then
    perform muster.reopen_assignment(new.id);

  elsif (is_assigned and not was_assigned) or (tg_op = 'INSERT' and new.status = 'completed') then
    insert into public.finqle_transactions (tenant_id, company_id, shift_id, assignment_id, professional_id, amount)
    values (
      new.tenant_id, new.company_id, new.id, muster.begin_assignment(new), new.professional_id,
      muster.pay_for(
        new.hourly_rate, new.overtime_rate, extract(epoch from new.end_datetime - new.start_datetime), 0
      )
    );
    if new.status = 'completed' then
      perform muster.end_assignment(new.id, 'completed');
    end if;
    perform muster.notify_professional(new, new.professional_id, 'shift_assigned');

  elsif was_assigned and new.status = 'completed' then
    perform muster.end_assignment(new.id, 'completed');

  elsif was_assigned and new.status = 'cancelled' and old.status = 'active' then
    ended := muster.end_assignment(new.id, 'stopped');
    perform muster.price_assignment(ended);
    -- Work that was going on claims no more.
    perform muster.price_earlier_assignments(a) from public.assignments a where a.id = ended;
    perform muster.notify_professional(new, old.professional_id, 'shift_cancelled');

  elsif was_assigned and new.status in ('published', 'cancelled') then
    ended := muster.end_assignment(new.id, case new.status when 'published' then 'released' else 'cancelled' end);
    update public.finqle_transactions t set status = 'voided' where t.assignment_id = ended;
    perform muster.notify_professional(
      new, old.professional_id, case new.status when 'published' then 'shift_released' else 'shift_cancelled' end
    );

  elsif was_assigned and is_assigned and (
    new.start_datetime, new.end_datetime, new.hourly_rate, new.overtime_rate, new.location_id
  ) is distinct from (
    old.start_datetime, old.end_datetime, old.hourly_rate, old.overtime_rate, old.location_id
  ) then
    perform muster.price_assignment(muster.follow_shift(
      new,
      (new.start_datetime, new.end_datetime, new.location_id)
        is distinct from (old.start_datetime, old.end_datetime, old.location_id)
    ));
    perform muster.notify_professional(new, new.professional_id, 'shift_changed');
  end if;
  return null;
end
$$;
--> statement-breakpoint
create or replace function muster.tg_finqle_transactions__renew_amount() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, extensions, public, pg_temp
as $$
declare
  assignment public.assignments;
begin
  select a.* into assignment from public.assignments a where a.id = new.assignment_id;
  new.amount := muster.assignment_pay(assignment);
  return new;
end
$$;
--> statement-breakpoint
-- Deferred to the commit, and therefore reads what is there then, not what the row was when it was queued.
create or replace function muster.tg_check_payment() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, extensions, public, pg_temp
as $$
declare
  checked uuid[];
begin
  if tg_table_name = 'shifts' then
    checked := array[new.id];
  else
    checked := array[old.shift_id, new.shift_id];
  end if;
  if exists (
    select from public.shifts s
    where s.id = any (checked)
      and s.status in ('assigned', 'active', 'completed')
      and not exists (
        select from public.assignments a
        where a.shift_id = s.id
          and a.professional_id = s.professional_id
          and case s.status when 'completed' then a.ended_as = 'completed' else a.ended_at is null end
      )
  ) or exists (
    select from public.assignments a
    where a.shift_id = any (checked)
      and (a.ended_as is null or a.ended_as in ('completed', 'stopped'))
      and not exists (
        select from public.finqle_transactions t
        where t.assignment_id = a.id and t.professional_id = a.professional_id and t.shift_id = a.shift_id
          and t.status <> 'voided'
      )
  ) then
    perform muster.fail('payment_missing');
  end if;
  if exists (
    select from public.finqle_transactions t
    join public.assignments a on a.id = t.assignment_id
    where t.shift_id = any (checked)
      and t.status <> 'voided'
      and a.ended_as not in ('completed', 'stopped')
  ) then
    perform muster.fail('shift_not_assigned', 'shift_id');
  end if;
  return null;
end
$$;
--> statement-breakpoint
create constraint trigger shifts_assigned_has_payment after insert or update on public.shifts
  deferrable initially deferred
  for each row when (new.status in ('assigned', 'active', 'completed', 'cancelled'))
  execute function muster.tg_check_payment();
--> statement-breakpoint
-- What rules most shifts out for a guard at a glance; what it leaves is looked at closely by assignment_violations.
-- `professional` is null for those who are no guards, `held` for guards who may claim nothing of what there is.
create or replace function muster.eligibility(out professional uuid, out held text[], out busy tstzmultirange)
language plpgsql
stable
security definer
set search_path = pg_catalog, extensions, public, pg_temp
as $$
declare
  -- Open shifts ask for few different sets of certificates. Where there are more than this, no more are compared.
  most_sets constant integer := 100;
  guard record;
begin
  select p.id, p.tenant_id, p.status into guard
  from public.users u
  join public.security_professionals p on p.user_id = u.id
  where u.id = muster.user_id() and u.role = 'zzp' and u.deleted_at is null and p.deleted_at is null;
  professional := guard.id;
  if guard.status is distinct from 'active' then
    return;
  end if;

  -- A shift ends in the future, and so, give or take the time zones, must the certificate. For which company matters later.
  held := array(
    select c.kind
    from public.certificates c
    where c.professional_id = guard.id
      and c.verified_at is not null
      and c.deleted_at is null
      and c.valid_until >= (now() - interval '2 days')::date
  );
  -- The index gives each set once. It would take long to find in it, shift by shift, that none will do.
  if not exists (
    with recursive sets as (
      (
        select s.required_certificates as kinds
        from public.shifts s
        where s.tenant_id = guard.tenant_id and s.status = 'published' and s.deleted_at is null
        order by s.required_certificates
        limit 1
      )
      union all
      select (
        select s.required_certificates
        from public.shifts s
        where s.tenant_id = guard.tenant_id
          and s.status = 'published'
          and s.deleted_at is null
          and s.required_certificates > sets.kinds
        order by s.required_certificates
        limit 1
      )
      from sets
      where sets.kinds is not null
    )
    select
    from (select sets.kinds, row_number() over () as nth from sets limit most_sets) s
    where s.kinds <@ held or s.nth = most_sets
  ) then
    held := null;
    return;
  end if;

  busy := coalesce(
    (
      select range_agg(tstzrange(s.start_datetime, s.end_datetime))
      from public.shifts s
      where s.professional_id = guard.id
        -- As muster.assignment_violations has it.
        and (s.status in ('assigned', 'active') or (s.status = 'completed' and s.end_datetime > now()))
        and s.deleted_at is null
    ),
    '{}'
  );
end
$$;
--> statement-breakpoint
-- Every reason against `professional` working `shift`, in the order in which the trigger would name them.
-- `detail` is a certificate's kind, the name of a field, or null: never anything about another shift.
create or replace function muster.assignment_violations(professional uuid, shift public.shifts)
returns table (code text, detail text)
language plpgsql
stable
security definer
set search_path = pg_catalog, extensions, public, pg_temp
as $$
declare
  candidate record;
  required text;
  valid_through date;
  -- A certificate is valid until the end of its last day, and a shift that ends at 24:00 takes no moment of the day after.
  -- Subtracted from the instant, not from local time: there are zones in which a day begins at 01:00.
  last_moment timestamptz := shift.end_datetime - interval '1 microsecond';
  -- Nowhere is it a later day than at UTC+14: only a certificate that ends before needs the shift's own time zone.
  latest_day date := (last_moment at time zone 'UTC' + interval '14 hours')::date;
begin
  select p.status into candidate
  from public.security_professionals p
  join public.users u on u.id = p.user_id
  where p.id = professional
    and p.tenant_id = shift.tenant_id
    and p.deleted_at is null
    and u.deleted_at is null;
  if not found then
    code := 'not_found';
    detail := 'professional_id';
    return next;
    return;
  end if;

  if candidate.status <> 'active' then
    code := 'professional_inactive';
    return next;
  end if;

  foreach required in array shift.required_certificates loop
    select max(c.valid_until) into valid_through
    from public.certificates c
    where c.professional_id = professional
      and c.kind = required
      and c.verified_at is not null
      and c.deleted_at is null
      and (c.company_id is null or c.company_id = shift.company_id);
    if valid_through is null
      or (valid_through < latest_day and valid_through < muster.last_day_of(last_moment, shift.time_zone))
    then
      code := case when valid_through is null then 'certificate_missing' else 'certificate_expired' end;
      detail := required;
      return next;
    end if;
  end loop;

  if exists (
    select from public.shifts other
    where other.professional_id = professional
      -- One that was left early may be worked again until its end.
      and (other.status in ('assigned', 'active') or (other.status = 'completed' and other.end_datetime > now()))
      and other.deleted_at is null
      and other.id <> shift.id
      and tstzrange(other.start_datetime, other.end_datetime) && tstzrange(shift.start_datetime, shift.end_datetime)
  ) then
    code := 'shift_overlap';
    detail := null;
    return next;
  end if;
end
$$;
--> statement-breakpoint
-- Runs with the rights of whoever writes: `current_user` tells a caller from the functions that act for it.
create or replace function muster.tg_shifts__check_transition() returns trigger
language plpgsql
set search_path = pg_catalog, extensions, public, pg_temp
as $$
declare
  by_caller boolean := current_user <> 'muster_definer' and muster.acts_for_caller();
begin
  if tg_op = 'INSERT' then
    if by_caller and new.status not in ('draft', 'published') then
      perform muster.fail('invalid_transition', 'status');
    end if;
    if by_caller and new.status = 'published' and new.end_datetime <= now() then
      perform muster.fail('shift_over', 'end_datetime');
    end if;
    return new;
  end if;

  -- By check-ins alone, and nothing else changes.
  if old.status = 'completed' and new.status = 'active' and current_user = 'muster_definer' then
    return new;
  end if;
  if old.status in ('completed', 'cancelled') and (
    (to_jsonb(new) - 'updated_at' - 'updated_by' - 'deleted_at')
    <> (to_jsonb(old) - 'updated_at' - 'updated_by' - 'deleted_at')
  ) then
    perform muster.fail('invalid_transition', 'status');
  end if;

  if new.status <> old.status then
    if new.status = 'assigned' and (old.status <> 'published' or new.end_datetime <= now()) then
      perform muster.fail('shift_not_open', 'status');
    end if;
    if (old.status, new.status) not in (
      ('draft', 'published'),
      ('published', 'assigned'),
      ('assigned', 'active'),
      ('assigned', 'published'),
      ('active', 'completed'),
      ('draft', 'cancelled'),
      ('published', 'cancelled'),
      ('assigned', 'cancelled'),
      ('active', 'cancelled')
    ) then
      perform muster.fail('invalid_transition', 'status');
    end if;
    if by_caller and new.status in ('active', 'completed') then
      perform muster.fail('forbidden', 'status');
    end if;
    if new.status = 'published' then
      new.professional_id := null;
    end if;
  end if;

  -- Nobody could work it. One that is published, and whose end passed meanwhile, may still have its title changed.
  if by_caller and new.status = 'published' and new.end_datetime <= now()
    and (new.status <> old.status or new.end_datetime <> old.end_datetime)
  then
    perform muster.fail('shift_over', 'end_datetime');
  end if;

  -- A professional comes with assignment and goes with release; to swap, release first.
  if new.professional_id is distinct from old.professional_id
    and not (new.status <> old.status and new.status in ('assigned', 'published')) then
    perform muster.fail('invalid_transition', 'professional_id');
  end if;

  if by_caller and muster.guard_tenant_id() is not null and (
    new.status <> 'assigned'
    or new.professional_id is distinct from muster.professional_id()
    or (to_jsonb(new) - 'status' - 'professional_id' - 'updated_at' - 'updated_by')
      <> (to_jsonb(old) - 'status' - 'professional_id' - 'updated_at' - 'updated_by')
  ) then
    perform muster.fail('forbidden', 'claim');
  end if;

  -- Whatever c_check_assignment would find: an update that fails could be tried without end. (More than it looks at: what is
  -- told apart here is not what is refused, but what is counted.)
  if by_caller
    and new.status in ('assigned', 'active')
    and (
      old.status, old.professional_id, old.start_datetime, old.end_datetime, old.time_zone, old.required_certificates
    ) is distinct from (
      new.status, new.professional_id, new.start_datetime, new.end_datetime, new.time_zone, new.required_certificates
    )
    and new.professional_id is not null
    and muster.is_stranger(new.professional_id)
  then
    perform muster.fail('professional_unavailable', 'professional_id');
  end if;
  return new;
end
$$;
--> statement-breakpoint
create or replace trigger c_check_assignment_on_update before update on public.shifts
  for each row when (
    new.status in ('assigned', 'active')
    and (
      -- A check-in that makes a completed shift active again meets no rule about who may be assigned.
      old.status not in ('assigned', 'active', 'completed')
      or new.professional_id is distinct from old.professional_id
      or new.start_datetime <> old.start_datetime
      or new.end_datetime <> old.end_datetime
      -- Where it is no longer matters when it is over: what it rested on may have gone since.
      or (new.time_zone <> old.time_zone and new.end_datetime > now())
      or new.required_certificates <> old.required_certificates
    )
  )
  execute function muster.tg_shifts__check_assignment();
--> statement-breakpoint
alter function muster.check_in_refusal(shifts,assignments,boolean) owner to muster_definer;
--> statement-breakpoint
alter function muster.advance_assignment(uuid) owner to muster_definer;
--> statement-breakpoint
alter function muster.tg_shifts__keep_promises() owner to muster_definer;
--> statement-breakpoint
alter function muster.give_back_shift(uuid) owner to muster_definer;
--> statement-breakpoint
alter table public.assignments enable row level security;
--> statement-breakpoint
alter table public.assignments force row level security;
--> statement-breakpoint
alter table public.company_terms enable row level security;
--> statement-breakpoint
alter table public.company_terms force row level security;
--> statement-breakpoint
revoke all on table public.assignments from public, anon, authenticated, service_role;
--> statement-breakpoint
revoke all on table public.company_terms from public, anon, authenticated, service_role;
--> statement-breakpoint
revoke execute on function muster.reopen_assignment(uuid) from public;
--> statement-breakpoint
revoke execute on function muster.assignment_at(uuid,uuid,timestamp with time zone) from public;
--> statement-breakpoint
revoke execute on function muster.tg_company_terms__set_tenant() from public;
--> statement-breakpoint
revoke execute on function muster.release_shift(uuid) from public;
--> statement-breakpoint
revoke execute on function muster.price_assignment(uuid) from public;
--> statement-breakpoint
revoke execute on function muster.audience_of_assignments(jsonb,timestamp with time zone) from public;
--> statement-breakpoint
revoke execute on function muster.seen_of_assignments(jsonb) from public;
--> statement-breakpoint
revoke execute on function muster.terms_at(uuid,timestamp with time zone) from public;
--> statement-breakpoint
revoke execute on function muster.price_earlier_assignments(assignments) from public;
--> statement-breakpoint
revoke execute on function muster.begin_assignment(shifts) from public;
--> statement-breakpoint
revoke execute on function muster.end_assignment(uuid,text) from public;
--> statement-breakpoint
revoke execute on function muster.follow_shift(shifts,boolean) from public;
--> statement-breakpoint
revoke execute on function muster.check_in_refusal(shifts,assignments,boolean) from public;
--> statement-breakpoint
revoke execute on function muster.checkin_flags(double precision) from public;
--> statement-breakpoint
revoke execute on function muster.check_in_time_refusal(assignments,timestamp with time zone) from public;
--> statement-breakpoint
revoke execute on function muster.worked_intervals(uuid) from public;
--> statement-breakpoint
revoke execute on function muster.clocked(assignments) from public;
--> statement-breakpoint
revoke execute on function muster.interval_from(assignments,timestamp with time zone,timestamp with time zone) from public;
--> statement-breakpoint
revoke execute on function muster.pay_for(numeric,numeric,numeric,numeric) from public;
--> statement-breakpoint
revoke execute on function muster.assignment_pay(assignments) from public;
--> statement-breakpoint
revoke execute on function muster.has_begun(shifts,uuid) from public;
--> statement-breakpoint
revoke execute on function muster.advance_assignment(uuid) from public;
--> statement-breakpoint
revoke execute on function muster.tg_shifts__keep_promises() from public;
--> statement-breakpoint
revoke execute on function muster.give_back_shift(uuid) from public;
--> statement-breakpoint
grant execute on function muster.assignment_at(uuid,uuid,timestamp with time zone) to muster_definer;
--> statement-breakpoint
grant execute on function muster.assignment_pay(assignments) to muster_definer;
--> statement-breakpoint
grant execute on function muster.audience_of_assignments(jsonb,timestamp with time zone) to muster_definer;
--> statement-breakpoint
grant execute on function muster.begin_assignment(shifts) to muster_definer;
--> statement-breakpoint
grant execute on function muster.check_in_time_refusal(assignments,timestamp with time zone) to muster_definer;
--> statement-breakpoint
grant execute on function muster.checkin_flags(double precision) to authenticated, muster_definer;
--> statement-breakpoint
grant execute on function muster.clocked(assignments) to muster_definer;
--> statement-breakpoint
grant execute on function muster.end_assignment(uuid,text) to muster_definer;
--> statement-breakpoint
grant execute on function muster.follow_shift(shifts,boolean) to muster_definer;
--> statement-breakpoint
grant execute on function muster.give_back_shift(uuid) to authenticated;
--> statement-breakpoint
grant execute on function muster.has_begun(shifts,uuid) to muster_definer;
--> statement-breakpoint
grant execute on function muster.interval_from(assignments,timestamp with time zone,timestamp with time zone) to muster_definer;
--> statement-breakpoint
grant execute on function muster.pay_for(numeric,numeric,numeric,numeric) to muster_definer;
--> statement-breakpoint
grant execute on function muster.price_assignment(uuid) to muster_definer;
--> statement-breakpoint
grant execute on function muster.price_earlier_assignments(assignments) to muster_definer;
--> statement-breakpoint
grant execute on function muster.release_shift(uuid) to authenticated, muster_api;
--> statement-breakpoint
grant execute on function muster.reopen_assignment(uuid) to muster_definer;
--> statement-breakpoint
grant execute on function muster.seen_of_assignments(jsonb) to muster_definer;
--> statement-breakpoint
grant execute on function muster.terms_at(uuid,timestamp with time zone) to muster_definer;
--> statement-breakpoint
grant execute on function muster.worked_intervals(uuid) to muster_definer;
--> statement-breakpoint
grant select on table public.assignments to authenticated;
--> statement-breakpoint
grant insert, select, update on table public.assignments to muster_definer;
--> statement-breakpoint
grant delete, insert, select, update on table public.assignments to service_role;
--> statement-breakpoint
grant select, insert (auto_close_minutes, company_id, delivery_days, give_back_minutes, id, late_after_minutes, minimum_minutes, valid_from) on table public.company_terms to authenticated;
--> statement-breakpoint
grant select on table public.company_terms to muster_definer;
--> statement-breakpoint
grant delete, insert, select, update on table public.company_terms to service_role;
--> statement-breakpoint
grant select (assignment_id) on table public.finqle_transactions to authenticated;
--> statement-breakpoint
grant insert (assignment_id) on table public.gps_checkins to muster_definer;
--> statement-breakpoint
comment on function muster.audience_of_assignments(jsonb, timestamptz) is 'Who sees an assignment: assignments_read, as groups.';
--> statement-breakpoint
comment on policy internal on public.assignments is 'Background work and the security definer functions; their grants say how far they reach.';
--> statement-breakpoint
comment on function muster.seen_of_assignments(jsonb) is 'Which groups see changes of this table, and the values that the log left out. Made by muster.follow_table.';
--> statement-breakpoint
comment on function muster.begin_assignment(public.shifts) is 'The assignment of a shift to its professional, as agreed now.';
--> statement-breakpoint
comment on function muster.end_assignment(uuid, text) is 'Ends the assignment of a shift that is in force.';
--> statement-breakpoint
comment on function muster.reopen_assignment(uuid) is 'The assignment of a shift that was completed is in force again.';
--> statement-breakpoint
comment on function muster.follow_shift(public.shifts, boolean) is 'Brings the assignment of a shift that is in force in step with it.';
--> statement-breakpoint
comment on function muster.assignment_at(uuid, uuid, timestamptz) is 'To which assignment what a professional did at that time belongs.';
--> statement-breakpoint
comment on policy assignments_read on public.assignments is
  'The company, the guard, admins: as payments, since it has the rate. Nobody writes: assignments follow shifts.';
--> statement-breakpoint
comment on function muster.check_in_refusal(public.shifts, public.assignments, boolean) is
  'The code that refuses a caller, or anybody, to check in to a shift; null for none. Security definer: who sees a shift is asked of all.';
--> statement-breakpoint
comment on function muster.check_in_time_refusal(public.assignments, timestamptz) is
  'The code that refuses a check-in at that device time; null for none.';
--> statement-breakpoint
comment on function muster.tg_gps_checkins__judge() is
  'Fills in what the database computes. Security definer: the radius and the assignment are not the client''s to choose.';
--> statement-breakpoint
comment on function muster.checkin_flags(float8) is
  'What a position with that accuracy is marked as: imprecise over 100 m; over 1,000 m evidence, which moves nothing.';
--> statement-breakpoint
comment on policy internal on public.company_terms is 'Background work and the security definer functions; their grants say how far they reach.';
--> statement-breakpoint
comment on function muster.terms_at(uuid, timestamptz) is 'The terms of a company that are valid at that time.';
--> statement-breakpoint
comment on function muster.tg_company_terms__set_tenant() is
  'Terms are in the tenant of their company; whose they may be the insert policy decides.';
--> statement-breakpoint
comment on policy company_terms_read on public.company_terms is 'The company, and admins.';
--> statement-breakpoint
comment on policy company_terms_create on public.company_terms is 'The company, and admins. No version is changed or removed.';
--> statement-breakpoint
comment on function muster.clocked(public.assignments) is
  'What the clock events of an assignment say: intervals from the planned start on, what they claim (also what is not over), state and flags.';
--> statement-breakpoint
comment on function muster.interval_from(public.assignments, timestamptz, timestamptz) is
  'From one moment to another, as far as it is not before the planned start; nothing where it did not begin.';
--> statement-breakpoint
comment on function muster.worked_intervals(uuid) is
  'When somebody worked for an assignment, by their clock events: half-open intervals in order, cut at the planned end.';
--> statement-breakpoint
comment on function muster.pay_for(numeric, numeric, numeric, numeric) is
  'What planned time and overtime pay: two lines, each rounded half up to the cent.';
--> statement-breakpoint
comment on function muster.assignment_pay(public.assignments) is 'What an assignment pays, as far as it is known.';
--> statement-breakpoint
comment on function muster.price_assignment(uuid) is 'Brings the pending payment of an assignment in step with what it pays.';
--> statement-breakpoint
comment on function muster.price_earlier_assignments(public.assignments) is
  'Prices what a shift may take minutes from: the earlier ones of the same person.';
--> statement-breakpoint
comment on function muster.advance_assignment(uuid) is
  'Brings a shift''s state and the pay in step with its clock events. Security definer: no role moves a shift to active by hand.';
--> statement-breakpoint
comment on function muster.tg_gps_checkins__advance_shifts() is 'Security definer: see muster.advance_assignment.';
--> statement-breakpoint
comment on function muster.tg_shifts__keep_promises() is
  'What a company may change of a shift that somebody has. Security definer: it reads the check-ins of the shift.';
--> statement-breakpoint
comment on function muster.has_begun(public.shifts, uuid) is
  'Whether a shift that is assigned has begun: its start has come, or its professional has checked in.';
--> statement-breakpoint
comment on function muster.give_back_shift(uuid) is
  'The guard of a shift releases it, after the company has moved it. Security definer: guards edit no shift that is assigned.';
--> statement-breakpoint
comment on function muster.release_shift(uuid) is 'Releases as the caller: those who manage the shift, or its guard after a change.';
--> statement-breakpoint
comment on function muster.tg_check_payment() is
  'What an assignment may pay has its payment, and nothing else has one. Security definer: whether or not the caller sees it.';
--> statement-breakpoint
select muster.declare_audiences();
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1795995022_hours_are_what_the_events_say';
