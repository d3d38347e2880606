-- Without a SET clause, so that it is inlined: it is asked for each check-in.
create or replace function muster.check_in_time_refusal(shift public.shifts, at_time timestamptz) returns text
language sql
volatile
return case
  when at_time < shift.start_datetime - interval '2 hours' or at_time > shift.end_datetime + interval '12 hours'
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
  shift public.shifts;
  radius integer;
  caller uuid;
  by_caller constant boolean := muster.acts_for_caller();
begin
  select s.* into shift from public.shifts s where s.id = new.shift_id for no key update;
  -- Whom a caller may not name, muster.store_check_in(s) name.
  if by_caller then
    caller := coalesce(new.professional_id, muster.professional_id());
  end if;
  -- The rules in one expression, for each check-in there is. Which of them it was, is asked where one speaks against it.
  if (
    shift.deleted_at is null
    and shift.status in ('assigned', 'active', 'completed')
    and (not by_caller or shift.professional_id = caller)
    and muster.check_in_time_refusal(shift, new.recorded_at) is null
  ) is not true then
    perform muster.refuse_check_in(shift, by_caller, caller, new.recorded_at);
  end if;
  -- The functions count for themselves.
  if by_caller and new.professional_id is null and new.kind = 'ping'
    and muster.pings_in_minute(shift.id, shift.professional_id, new.recorded_at) >= muster.most_pings_a_minute()
  then
    perform muster.fail('too_many_pings', 'recorded_at');
  end if;

  new.tenant_id := shift.tenant_id;
  new.company_id := shift.company_id;
  new.client_id := shift.client_id;
  new.professional_id := shift.professional_id;
  new.created_at := now();
  new.updated_at := now();
  select l.radius_meters into radius from public.locations l where l.id = shift.location_id;
  new.distance_meters := st_distance(new.gps_point, shift.location_point);
  new.is_within_radius := new.distance_meters <= radius;
  new.verdict := case
    when new.distance_meters + new.accuracy_meters <= radius then 'inside'
    when new.distance_meters - new.accuracy_meters > radius then 'outside'
    else 'uncertain'
  end;
  return new;
end
$$;
--> statement-breakpoint
-- Callers insert check-ins by policy, too. These two are for the functions below: they ask once who the caller is, where the
-- policies and the trigger ask five times, the trigger for each row. What they let through is the same: they ask the trigger's rules,
-- with the shift locked, and they give back nothing but what they stored.
create or replace function muster.store_check_in(
  check_in_id uuid, at_shift uuid, kind_of text, at_point geography, accuracy float8, at_time timestamptz
) returns public.gps_checkins
language plpgsql
volatile
security definer
set search_path = pg_catalog, extensions, public, pg_temp
as $$
declare
  caller constant uuid := muster.professional_id();
  stored public.gps_checkins;
begin
  -- The trigger locks the shift, and asks the rules.
  insert into public.gps_checkins as c (id, shift_id, professional_id, kind, gps_point, accuracy_meters, recorded_at)
  values (check_in_id, at_shift, caller, kind_of, at_point, accuracy, at_time)
  on conflict do nothing
  returning c.* into stored;
  -- This one is among them; the error takes it out again.
  if stored.kind = 'ping' and muster.pings_in_minute(at_shift, caller, at_time) > muster.most_pings_a_minute() then
    perform muster.fail('too_many_pings', 'recorded_at');
  end if;
  return stored;
end
$$;
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1795990353_a_check_in_asks_the_rules_once';
