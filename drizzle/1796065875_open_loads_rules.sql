drop function muster.load_candidates(uuid);
--> statement-breakpoint
create or replace function muster.codes_of_freight() returns jsonb
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return jsonb_build_object(
  'load_not_open', 'MU400',
  'load_state', 'MU401',
  'driver_overlap', 'MU402',
  'truck_overlap', 'MU403',
  'trailer_overlap', 'MU404',
  'driver_in_use', 'MU405',
  'equipment_in_use', 'MU406',
  'broker_in_use', 'MU407',
  'document_in_use', 'MU408',
  'driver_inactive', 'MU410',
  'license_expired', 'MU411',
  'equipment_out_of_service', 'MU412',
  'inspection_expired', 'MU413',
  'leg_outside_load', 'MU414',
  'stops_invalid', 'MU415',
  'stop_in_future', 'MU416',
  'license_missing', 'MU417',
  'medical_card_missing', 'MU418',
  'medical_card_expired', 'MU419',
  'hours_of_service', 'MU420',
  'duty_in_future', 'MU421',
  'duty_id_conflict', 'MU422',
  'too_many_duty_changes', 'MU423',
  'duty_edit_decided', 'MU424',
  'duty_edit_open', 'MU425',
  'too_many_duty_edits', 'MU426',
  'load_not_driven', 'MU427',
  'outside_load_window', 'MU428',
  'too_many_positions', 'MU429',
  'driver_position_unknown', 'MU430',
  'driver_statement_state', 'MU440',
  'statement_in_future', 'MU441'
);
--> statement-breakpoint
create or replace function muster.load_candidates(wanted uuid, within_meters float8 default null)
returns table (
  driver_id uuid, name text, violations jsonb, violation_count integer, distance_meters float8, position_recorded_at timestamptz
)
language plpgsql
stable
security definer
set search_path = pg_catalog, extensions, public, pg_temp
as $$
declare
  load public.loads;
  leg public.load_assignments;
  pickup geography;
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
  select s.stop_point into pickup
  from public.load_stops s
  where s.load_id = load.id and s.deleted_at is null
  order by s.position
  limit 1;
  return query
    with of_carrier as materialized (
      select d.id, d.name, st_distance(p.event_point, pickup) as distance, p.recorded_at
      from public.drivers d
      left join lateral muster.last_position(d.id) p on true
      where d.organization_id = load.organization_id
        and d.status <> 'terminated'
        and d.deleted_at is null
        and (within_meters is null or st_dwithin(p.event_point, pickup, within_meters))
    ), against as (
      select v.driver_id, jsonb_agg(jsonb_build_object('code', v.code) order by v.nth) as violations, count(*)::integer as violation_count
      from muster.driver_violations(leg, array(select c.id from of_carrier c)) v
      group by v.driver_id
    )
    select c.id, c.name, coalesce(a.violations, '[]'), coalesce(a.violation_count, 0), c.distance, c.recorded_at
    from of_carrier c
    left join against a on a.driver_id = c.id;
end
$$;
--> statement-breakpoint
create or replace function muster.nearby_loads(
  latitude float8,
  longitude float8,
  of_driver uuid,
  within_meters float8,
  max_items integer,
  starts_after timestamptz default null,
  starts_before timestamptz default null,
  after_distance float8 default null,
  after_id uuid default null
) returns table (load jsonb, distance_meters float8)
language plpgsql
stable
security definer
set search_path = pg_catalog, extensions, public, pg_temp
as $$
declare
  administered constant uuid := muster.admin_tenant_id();
  carriers uuid[] := array[muster.carrier_id()];
  here geography := st_point(longitude, latitude)::geography;
begin
  if administered is not null then
    carriers := array(select o.id from public.organizations o where o.tenant_id = administered and o.kind = 'carrier');
  elsif carriers[1] is null then
    perform muster.fail('forbidden');
  end if;
  if of_driver is not null then
    select p.event_point into here
    from public.drivers d
    left join lateral muster.last_position(d.id) p on true
    where d.id = of_driver and d.organization_id = any (carriers) and d.deleted_at is null;
    if not found then
      perform muster.fail('not_found', 'driver_id');
    elsif here is null then
      perform muster.fail('driver_position_unknown', 'driver_id');
    end if;
  end if;
  return query
    select muster.load_json(l), n.distance
    from (
      select s.load_id, st_distance(s.stop_point, here) as distance
      from unnest(carriers) as c (id)
      join public.load_stops s on s.organization_id = c.id
      where s.position = 1
        and s.driver_ids = '{}'
        and s.deleted_at is null
        and st_dwithin(s.stop_point, here, within_meters)
    ) n
    join public.loads l on l.id = n.load_id
    where l.status = 'pending'
      and l.deleted_at is null
      and (nearby_loads.starts_after is null or l.starts_at >= nearby_loads.starts_after)
      and (nearby_loads.starts_before is null or l.starts_at < nearby_loads.starts_before)
      and (after_distance is null or (n.distance, l.id) > (after_distance, after_id))
    order by n.distance, l.id
    limit max_items;
end
$$;
--> statement-breakpoint
-- A driver who rests stays where they were; after a day nobody knows.
create or replace function muster.oldest_position() returns interval
language sql
immutable
parallel safe
return interval '24 hours';
--> statement-breakpoint
-- One read of an index, and inlined: it is asked for each driver of a carrier.
create or replace function muster.last_position(of_driver uuid) returns table (event_point geography, recorded_at timestamptz)
language sql
stable
parallel safe
begin atomic
  select e.event_point, e.recorded_at
  from public.stop_events e
  where e.driver_id = of_driver
    and e.recorded_at > now() - muster.oldest_position()
    and e.accuracy_meters <= 1000
  order by e.recorded_at desc, e.id desc
  limit 1;
end;
--> statement-breakpoint
alter function muster.load_candidates(uuid,double precision) owner to muster_definer;
--> statement-breakpoint
alter function muster.nearby_loads(double precision,double precision,uuid,double precision,integer,timestamp with time zone,timestamp with time zone,double precision,uuid) owner to muster_definer;
--> statement-breakpoint
revoke execute on function muster.load_candidates(uuid,double precision) from public;
--> statement-breakpoint
revoke execute on function muster.nearby_loads(double precision,double precision,uuid,double precision,integer,timestamp with time zone,timestamp with time zone,double precision,uuid) from public;
--> statement-breakpoint
revoke execute on function muster.oldest_position() from public;
--> statement-breakpoint
revoke execute on function muster.last_position(uuid) from public;
--> statement-breakpoint
grant execute on function muster.last_position(uuid) to muster_definer;
--> statement-breakpoint
grant execute on function muster.load_candidates(uuid,double precision) to authenticated;
--> statement-breakpoint
grant execute on function muster.nearby_loads(double precision,double precision,uuid,double precision,integer,timestamp with time zone,timestamp with time zone,double precision,uuid) to authenticated;
--> statement-breakpoint
grant execute on function muster.oldest_position() to muster_definer;
--> statement-breakpoint
comment on function muster.oldest_position() is 'How old the last position of a driver may be, and still says where the driver is.';
--> statement-breakpoint
comment on function muster.load_candidates(uuid, float8) is
  'The drivers of the carrier with everything that speaks against each, and how far each was last from the first pickup, for those who plan the load. Security definer: bookings are nobody''s to read.';
--> statement-breakpoint
comment on function muster.nearby_loads(
  float8, float8, uuid, float8, integer, timestamptz, timestamptz, float8, uuid
) is
  'Pending loads of the caller''s carrier around a point, or the last position of a driver. Security definer: the spatial index.';
--> statement-breakpoint
comment on function muster.last_position(uuid) is 'Where a driver was last, and when; no row when nothing is known of the last day.';
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1796065875_open_loads_rules';
