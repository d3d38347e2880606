alter publication supabase_realtime drop table public.loads;
--> statement-breakpoint
alter publication supabase_realtime drop table public.load_stops;
--> statement-breakpoint
alter publication supabase_realtime drop table public.load_assignments;
--> statement-breakpoint
drop policy loads_remove on public.loads;
--> statement-breakpoint
drop policy loads_edit on public.loads;
--> statement-breakpoint
drop policy loads_read on public.loads;
--> statement-breakpoint
drop policy internal on public.loads;
--> statement-breakpoint
drop policy load_stops_read on public.load_stops;
--> statement-breakpoint
drop policy internal on public.load_stops;
--> statement-breakpoint
drop policy load_assignments_read on public.load_assignments;
--> statement-breakpoint
drop policy internal on public.load_assignments;
--> statement-breakpoint
drop policy internal on muster.load_bookings;
--> statement-breakpoint
drop trigger lead on public.loads;
--> statement-breakpoint
drop trigger d_check_transition on public.loads;
--> statement-breakpoint
drop trigger c_check_dispatcher_on_update on public.loads;
--> statement-breakpoint
drop trigger c_check_dispatcher_on_insert on public.loads;
--> statement-breakpoint
drop trigger b_copy_broker_on_update on public.loads;
--> statement-breakpoint
drop trigger b_copy_broker_on_insert on public.loads;
--> statement-breakpoint
drop trigger a_set_tenant on public.loads;
--> statement-breakpoint
drop trigger lead_loads on public.brokers;
--> statement-breakpoint
drop trigger b_check_use on public.brokers;
--> statement-breakpoint
drop trigger note_departure_on_update on public.loads;
--> statement-breakpoint
drop trigger note_departure_on_delete on public.loads;
--> statement-breakpoint
drop trigger z_stamp_change on public.loads;
--> statement-breakpoint
drop trigger soft_delete on public.loads;
--> statement-breakpoint
drop trigger edit_trail on public.loads;
--> statement-breakpoint
drop trigger lead_load_on_update on public.load_stops;
--> statement-breakpoint
drop trigger lead_load_on_insert on public.load_stops;
--> statement-breakpoint
drop trigger b_name_time_zone_on_update on public.load_stops;
--> statement-breakpoint
drop trigger b_name_time_zone_on_insert on public.load_stops;
--> statement-breakpoint
drop trigger a_copy_load on public.load_stops;
--> statement-breakpoint
drop trigger note_departure_on_update on public.load_stops;
--> statement-breakpoint
drop trigger note_departure_on_delete on public.load_stops;
--> statement-breakpoint
drop trigger z_stamp_change on public.load_stops;
--> statement-breakpoint
drop trigger edit_trail on public.load_stops;
--> statement-breakpoint
drop trigger book on public.load_assignments;
--> statement-breakpoint
drop trigger a_plan_on_update on public.load_assignments;
--> statement-breakpoint
drop trigger a_plan_on_insert on public.load_assignments;
--> statement-breakpoint
drop trigger b_check_use on public.trailers;
--> statement-breakpoint
drop trigger b_check_use on public.trucks;
--> statement-breakpoint
drop trigger b_check_use on public.drivers;
--> statement-breakpoint
drop trigger note_departure_on_update on public.load_assignments;
--> statement-breakpoint
drop trigger note_departure_on_delete on public.load_assignments;
--> statement-breakpoint
drop trigger z_stamp_change on public.load_assignments;
--> statement-breakpoint
drop trigger edit_trail on public.load_assignments;
--> statement-breakpoint
drop function muster.notification_types_of_freight();
--> statement-breakpoint
drop function muster.tg_brokers__lead_loads();
--> statement-breakpoint
drop function muster.tg_brokers__check_use();
--> statement-breakpoint
drop function muster.tg_loads__lead();
--> statement-breakpoint
drop function muster.tg_loads__check_transition();
--> statement-breakpoint
drop function muster.tg_loads__check_dispatcher();
--> statement-breakpoint
drop function muster.tg_loads__copy_broker();
--> statement-breakpoint
drop function muster.create_loads(jsonb);
--> statement-breakpoint
drop function muster.move_load(uuid,text,text);
--> statement-breakpoint
drop function muster.load_json(loads);
--> statement-breakpoint
drop function muster.lock_load(uuid,boolean);
--> statement-breakpoint
drop function muster.sees_load(loads);
--> statement-breakpoint
drop function muster.plans_load(loads);
--> statement-breakpoint
drop function muster.seen_of_loads(jsonb);
--> statement-breakpoint
drop function muster.audience_of_loads(jsonb,timestamp with time zone);
--> statement-breakpoint
drop function muster.tg_load_stops__lead_load();
--> statement-breakpoint
drop function muster.tg_load_stops__name_time_zone();
--> statement-breakpoint
drop function muster.tg_load_stops__copy_load();
--> statement-breakpoint
drop function muster.change_stop(uuid,jsonb);
--> statement-breakpoint
drop function muster.put_stops(uuid,jsonb);
--> statement-breakpoint
drop function muster.insert_stops(jsonb);
--> statement-breakpoint
drop function muster.window_of_stops(jsonb);
--> statement-breakpoint
drop function muster.local_day(timestamp with time zone,text);
--> statement-breakpoint
drop function muster.stop_json(load_stops);
--> statement-breakpoint
drop function muster.seen_of_load_stops(jsonb);
--> statement-breakpoint
drop function muster.audience_of_load_stops(jsonb,timestamp with time zone);
--> statement-breakpoint
drop function muster.tg_check_vehicle_use();
--> statement-breakpoint
drop function muster.tg_drivers__check_use();
--> statement-breakpoint
drop function muster.tg_load_assignments__book();
--> statement-breakpoint
drop function muster.tg_load_assignments__plan();
--> statement-breakpoint
drop function muster.notify_drivers(load_assignments,text);
--> statement-breakpoint
drop function muster.move_legs(loads);
--> statement-breakpoint
drop function muster.unassign_load(uuid,integer);
--> statement-breakpoint
drop function muster.assign_load(uuid,integer,uuid,uuid,uuid,uuid,timestamp with time zone,timestamp with time zone);
--> statement-breakpoint
drop function muster.load_violations(uuid,uuid,uuid,uuid,uuid,timestamp with time zone,timestamp with time zone);
--> statement-breakpoint
drop function muster.planned_leg(load_assignments,loads);
--> statement-breakpoint
drop function muster.leg_violations(load_assignments);
--> statement-breakpoint
drop function muster.lock_booked(uuid[],uuid[],uuid[]);
--> statement-breakpoint
drop function muster.drives_load(uuid);
--> statement-breakpoint
drop function muster.assignment_json(load_assignments);
--> statement-breakpoint
drop function muster.seen_of_load_assignments(jsonb);
--> statement-breakpoint
drop function muster.audience_of_load_assignments(jsonb,timestamp with time zone);
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.codes_of_freight()
 RETURNS jsonb
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
 SET search_path TO 'pg_catalog', 'pg_temp'
RETURN jsonb_build_object();
--> statement-breakpoint
alter table public.load_stops disable row level security;
--> statement-breakpoint
alter table public.load_stops no force row level security;
--> statement-breakpoint
alter table public.loads disable row level security;
--> statement-breakpoint
alter table public.loads no force row level security;
--> statement-breakpoint
alter table public.load_assignments disable row level security;
--> statement-breakpoint
alter table public.load_assignments no force row level security;
--> statement-breakpoint
alter table muster.load_bookings disable row level security;
--> statement-breakpoint
alter table muster.load_bookings no force row level security;
--> statement-breakpoint
revoke execute on function muster.is_refusal(text) from muster_definer;
--> statement-breakpoint
revoke delete, insert, select on table muster.load_bookings from muster_definer;
--> statement-breakpoint
revoke insert (license_valid_until), update (license_valid_until) on table public.drivers from authenticated;
--> statement-breakpoint
revoke select on table public.load_assignments from authenticated;
--> statement-breakpoint
revoke insert, select, update on table public.load_assignments from muster_definer;
--> statement-breakpoint
revoke delete, insert, select, update on table public.load_assignments from service_role;
--> statement-breakpoint
revoke select on table public.load_stops from authenticated;
--> statement-breakpoint
revoke insert, select, update on table public.load_stops from muster_definer;
--> statement-breakpoint
revoke delete, insert, select, update on table public.load_stops from service_role;
--> statement-breakpoint
revoke delete, select, update (broker_id, currency, dispatcher_id, distance, distance_unit, metadata, rate, reference) on table public.loads from authenticated;
--> statement-breakpoint
revoke insert, select, update on table public.loads from muster_definer;
--> statement-breakpoint
revoke delete, insert, select, update on table public.loads from service_role;
--> statement-breakpoint
comment on constraint load_bookings_driver_no_overlap on muster.load_bookings is null;
--> statement-breakpoint
comment on constraint load_bookings_truck_no_overlap on muster.load_bookings is null;
--> statement-breakpoint
comment on constraint load_bookings_trailer_no_overlap on muster.load_bookings is null;
--> statement-breakpoint
comment on function muster.codes_of_freight() is 'The codes that rules of freight raise, with their SQLSTATEs: none yet.';
--> statement-breakpoint
select muster.declare_audiences();
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1796025464_loads';
