CREATE OR REPLACE FUNCTION muster.tg_gps_checkins__judge()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'extensions', 'public', 'pg_temp'
AS $function$
declare
  shift public.shifts;
  radius integer;
  by_caller constant boolean := muster.acts_for_caller();
begin
  select s.* into shift from public.shifts s where s.id = new.shift_id for no key update;
  -- Whom a caller may not name, muster.store_check_in(s) name when they have locked the shift and asked the rules.
  if not by_caller or new.professional_id is null then
    perform muster.refuse_check_in(shift, by_caller, case when by_caller then muster.professional_id() end, new.recorded_at);
    if by_caller and new.kind = 'ping'
      and muster.pings_in_minute(shift.id, shift.professional_id, new.recorded_at) >= muster.most_pings_a_minute()
    then
      perform muster.fail('too_many_pings', 'recorded_at');
    end if;
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
$function$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.store_check_in(check_in_id uuid, at_shift uuid, kind_of text, at_point geography, accuracy double precision, at_time timestamp with time zone)
 RETURNS gps_checkins
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'extensions', 'public', 'pg_temp'
AS $function$
declare
  caller constant uuid := muster.professional_id();
  shift public.shifts;
  stored public.gps_checkins;
begin
  select s.* into shift from public.shifts s where s.id = at_shift for no key update;
  perform muster.refuse_check_in(shift, true, caller, at_time);
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
$function$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.check_in_time_refusal(shift shifts, at_time timestamp with time zone)
 RETURNS text
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
declare
  early constant interval := interval '2 hours';
  late constant interval := interval '12 hours';
  -- Phones set their clocks by the network; more than this is a wrong clock or a forged time.
  clock_skew constant interval := interval '5 minutes';
begin
  if at_time < shift.start_datetime - early or at_time > shift.end_datetime + late then
    return 'outside_check_in_window';
  end if;
  if at_time > clock_timestamp() + clock_skew then
    return 'recorded_in_future';
  end if;
  return null;
end
$function$;
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1795984662_tables_are_followed_in_one_call';
