drop function muster.last_position(uuid);
--> statement-breakpoint
drop function muster.oldest_position();
--> statement-breakpoint
drop function muster.nearby_loads(double precision,double precision,uuid,double precision,integer,timestamp with time zone,timestamp with time zone,double precision,uuid);
--> statement-breakpoint
drop function muster.load_candidates(uuid,double precision);
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.codes_of_freight()
 RETURNS jsonb
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
 SET search_path TO 'pg_catalog', 'pg_temp'
RETURN jsonb_build_object('load_not_open', 'MU400', 'load_state', 'MU401', 'driver_overlap', 'MU402', 'truck_overlap', 'MU403', 'trailer_overlap', 'MU404', 'driver_in_use', 'MU405', 'equipment_in_use', 'MU406', 'broker_in_use', 'MU407', 'document_in_use', 'MU408', 'driver_inactive', 'MU410', 'license_expired', 'MU411', 'equipment_out_of_service', 'MU412', 'inspection_expired', 'MU413', 'leg_outside_load', 'MU414', 'stops_invalid', 'MU415', 'stop_in_future', 'MU416', 'license_missing', 'MU417', 'medical_card_missing', 'MU418', 'medical_card_expired', 'MU419', 'hours_of_service', 'MU420', 'duty_in_future', 'MU421', 'duty_id_conflict', 'MU422', 'too_many_duty_changes', 'MU423', 'duty_edit_decided', 'MU424', 'duty_edit_open', 'MU425', 'too_many_duty_edits', 'MU426', 'load_not_driven', 'MU427', 'outside_load_window', 'MU428', 'too_many_positions', 'MU429', 'driver_statement_state', 'MU440', 'statement_in_future', 'MU441');
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.load_candidates(wanted uuid)
 RETURNS TABLE(driver_id uuid, name text, violations jsonb, violation_count integer)
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'extensions', 'public', 'pg_temp'
AS $function$
declare
  load public.loads;
  leg public.load_assignments;
begin
  select l.* into load from public.loads l where l.id = wanted;
  if not muster.sees_load(load) then
    perform muster.fail('not_found', 'id');
  elsif not muster.plans_load(load) then
    perform muster.fail('forbidden');
  elsif load.status not in ('pending', 'assigned', 'in_transit') then
    perform muster.fail('load_not_open', 'status');
  end if;
  leg.id := gen_random_uuid();
  leg := muster.planned_leg(leg, load);
  return query
    with of_carrier as materialized (
      select d.id, d.name
      from public.drivers d
      where d.organization_id = load.organization_id and d.status <> 'terminated' and d.deleted_at is null
    ), against as (
      select v.driver_id, jsonb_agg(jsonb_build_object('code', v.code) order by v.nth) as violations, count(*)::integer as violation_count
      from muster.driver_violations(leg, array(select c.id from of_carrier c)) v
      group by v.driver_id
    )
    select c.id, c.name, coalesce(a.violations, '[]'), coalesce(a.violation_count, 0)
    from of_carrier c
    left join against a on a.driver_id = c.id;
end
$function$;
--> statement-breakpoint
alter function muster.load_candidates(uuid) owner to muster_definer;
--> statement-breakpoint
revoke execute on function muster.load_candidates(uuid) from public;
--> statement-breakpoint
grant execute on function muster.load_candidates(uuid) to authenticated;
--> statement-breakpoint
comment on function muster.load_candidates(uuid) is 'The drivers of the carrier with everything that speaks against each, for those who plan the load. Security definer: bookings are nobody''s to read.';
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1796065845_open_loads';
