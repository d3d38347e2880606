alter publication supabase_realtime drop table public.stop_events;
--> statement-breakpoint
drop policy stop_events_read on public.stop_events;
--> statement-breakpoint
drop policy internal on public.stop_events;
--> statement-breakpoint
drop trigger move_stops on public.stop_events;
--> statement-breakpoint
drop trigger a_keep on public.stop_events;
--> statement-breakpoint
drop trigger a_place on public.stop_events;
--> statement-breakpoint
drop trigger note_departure_on_update on public.stop_events;
--> statement-breakpoint
drop trigger note_departure_on_delete on public.stop_events;
--> statement-breakpoint
drop trigger z_stamp_change on public.stop_events;
--> statement-breakpoint
drop trigger updated_at on public.stop_events;
--> statement-breakpoint
drop function muster.record_stop_events(jsonb);
--> statement-breakpoint
drop function muster.tg_stop_events__move_stops();
--> statement-breakpoint
drop function muster.follow_stop_events(uuid[]);
--> statement-breakpoint
drop function muster.tg_stop_events__keep();
--> statement-breakpoint
drop function muster.tg_stop_events__place();
--> statement-breakpoint
drop function muster.positions_in_minute(uuid,uuid,timestamp with time zone);
--> statement-breakpoint
drop function muster.stop_event_refusal(loads,uuid,timestamp with time zone);
--> statement-breakpoint
drop function muster.load_assignment_at(uuid,uuid,timestamp with time zone);
--> statement-breakpoint
drop function muster.broker_on_the_way(loads);
--> statement-breakpoint
drop function muster.most_positions_a_minute();
--> statement-breakpoint
drop function muster.stop_radius_meters();
--> statement-breakpoint
drop function muster.seen_of_stop_events(jsonb);
--> statement-breakpoint
drop function muster.audience_of_stop_events(jsonb,timestamp with time zone);
--> statement-breakpoint
drop function muster.advance_load(uuid);
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.codes_of_freight()
 RETURNS jsonb
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
 SET search_path TO 'pg_catalog', 'pg_temp'
RETURN jsonb_build_object('load_not_open', 'MU400', 'load_state', 'MU401', 'driver_overlap', 'MU402', 'truck_overlap', 'MU403', 'trailer_overlap', 'MU404', 'driver_in_use', 'MU405', 'equipment_in_use', 'MU406', 'broker_in_use', 'MU407', 'document_in_use', 'MU408', 'driver_inactive', 'MU410', 'license_expired', 'MU411', 'equipment_out_of_service', 'MU412', 'inspection_expired', 'MU413', 'leg_outside_load', 'MU414', 'stops_invalid', 'MU415', 'stop_in_future', 'MU416', 'license_missing', 'MU417', 'medical_card_missing', 'MU418', 'medical_card_expired', 'MU419', 'hours_of_service', 'MU420', 'duty_in_future', 'MU421', 'duty_id_conflict', 'MU422', 'too_many_duty_changes', 'MU423', 'duty_edit_decided', 'MU424', 'duty_edit_open', 'MU425', 'too_many_duty_edits', 'MU426', 'driver_statement_state', 'MU440', 'statement_in_future', 'MU441');
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.change_stop(wanted uuid, change jsonb)
 RETURNS jsonb
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'extensions', 'public', 'pg_temp'
AS $function$
declare
  -- A clock that is not exact.
  most_ahead constant interval := interval '5 minutes';
  reports constant text[] := array['arrived_at', 'departed_at'];
  load public.loads;
  stop public.load_stops;
begin
  select s.load_id into stop.load_id from public.load_stops s where s.id = wanted and s.deleted_at is null;
  load := muster.lock_load(stop.load_id, false);
  -- Again, now that nobody else may change it.
  select s.* into stop from public.load_stops s where s.id = wanted and s.deleted_at is null;
  if not found then
    perform muster.fail('not_found', 'id');
  elsif not (muster.plans_load(load) or (change - reports = '{}' and muster.drives_load(load.id))) then
    perform muster.fail('forbidden');
  elsif load.status not in ('pending', 'assigned', 'in_transit') or (change ?| reports and load.status = 'pending') then
    perform muster.fail('load_state', 'status');
  end if;
  stop := jsonb_populate_record(
    stop,
    (select coalesce(jsonb_object_agg(c.key, c.value), '{}') from jsonb_each(change) c where c.key <> all (array['latitude', 'longitude']))
  );
  if greatest(stop.arrived_at, stop.departed_at) > now() + most_ahead then
    perform muster.fail('stop_in_future', case when stop.departed_at > now() + most_ahead then 'departed_at' else 'arrived_at' end);
  end if;
  if change ? 'latitude' then
    stop.stop_point := st_point((change ->> 'longitude')::float8, (change ->> 'latitude')::float8)::geography;
  end if;
  update public.load_stops s
  set kind = stop.kind, name = stop.name, address = stop.address, stop_point = stop.stop_point, time_zone = stop.time_zone,
      window_starts_at = stop.window_starts_at, window_ends_at = stop.window_ends_at, arrived_at = stop.arrived_at,
      departed_at = stop.departed_at
  where s.id = wanted
  returning s.* into stop;
  if load.status = 'assigned' and stop.arrived_at is not null then
    update public.loads l set status = 'in_transit' where l.id = load.id returning l.* into load;
  end if;
  if load.status = 'in_transit' and stop.departed_at is not null and not exists (
    select from public.load_stops s where s.load_id = load.id and s.position > stop.position and s.deleted_at is null
  ) then
    update public.loads l set status = 'delivered' where l.id = load.id;
  end if;
  return muster.stop_json(stop);
end
$function$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.tg_loads__lead()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  if (new.broker_organization_id, new.driver_ids, new.deleted_at)
    is distinct from (old.broker_organization_id, old.driver_ids, old.deleted_at)
  then
    update public.load_stops s
    set broker_organization_id = new.broker_organization_id, driver_ids = new.driver_ids, deleted_at = new.deleted_at
    where s.load_id = new.id and s.deleted_at is null;
  end if;
  if (new.starts_at, new.ends_at, new.last_day) is distinct from (old.starts_at, old.ends_at, old.last_day) then
    perform muster.move_legs(new);
  end if;
  if new.status <> old.status and new.status in ('delivered', 'cancelled') then
    update public.load_assignments a
    set ended_at = now(), ended_as = case new.status when 'delivered' then 'completed' else 'cancelled' end
    where a.load_id = new.id and a.ended_at is null;
  end if;
  return null;
end
$function$;
--> statement-breakpoint
alter table public.stop_events disable row level security;
--> statement-breakpoint
alter table public.stop_events no force row level security;
--> statement-breakpoint
revoke select, insert (accuracy_meters, driver_id, event_point, id, kind, load_id, recorded_at, stop_id), update (broker_organization_id) on table public.stop_events from muster_definer;
--> statement-breakpoint
revoke select on table public.stop_events from authenticated;
--> statement-breakpoint
revoke insert, select on table public.stop_events from service_role;
--> statement-breakpoint
comment on function muster.tg_loads__lead() is 'Stops and assignments follow their load. Security definer: nobody else writes these columns.';
--> statement-breakpoint
select muster.declare_audiences();
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1796064016_stop_events';
