drop function muster.reports_of_stop(uuid,uuid,text);
--> statement-breakpoint
drop function muster.most_reports_of_stop();
--> statement-breakpoint
drop function muster.is_time_of_load(loads,timestamp with time zone);
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.codes_of_freight()
 RETURNS jsonb
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
 SET search_path TO 'pg_catalog', 'pg_temp'
RETURN jsonb_build_object('load_not_open', 'MU400', 'load_state', 'MU401', 'driver_overlap', 'MU402', 'truck_overlap', 'MU403', 'trailer_overlap', 'MU404', 'driver_in_use', 'MU405', 'equipment_in_use', 'MU406', 'broker_in_use', 'MU407', 'document_in_use', 'MU408', 'driver_inactive', 'MU410', 'license_expired', 'MU411', 'equipment_out_of_service', 'MU412', 'inspection_expired', 'MU413', 'leg_outside_load', 'MU414', 'stops_invalid', 'MU415', 'stop_in_future', 'MU416', 'license_missing', 'MU417', 'medical_card_missing', 'MU418', 'medical_card_expired', 'MU419', 'hours_of_service', 'MU420', 'duty_in_future', 'MU421', 'duty_id_conflict', 'MU422', 'too_many_duty_changes', 'MU423', 'duty_edit_decided', 'MU424', 'duty_edit_open', 'MU425', 'too_many_duty_edits', 'MU426', 'load_not_driven', 'MU427', 'outside_load_window', 'MU428', 'too_many_positions', 'MU429', 'driver_position_unknown', 'MU430', 'driver_statement_state', 'MU440', 'statement_in_future', 'MU441');
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
      departed_at = stop.departed_at,
      arrival_is_reported = s.arrival_is_reported and not change ? 'arrived_at',
      departure_is_reported = s.departure_is_reported and not change ? 'departed_at'
  where s.id = wanted;
  if change ?| reports then
    perform muster.follow_stop_events(array[wanted]);
  end if;
  perform muster.advance_load(load.id);
  select s.* into stop from public.load_stops s where s.id = wanted;
  return muster.stop_json(stop);
end
$function$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.move_load(wanted uuid, next_status text, reason text DEFAULT NULL::text)
 RETURNS jsonb
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'extensions', 'public', 'pg_temp'
AS $function$
declare
  load public.loads := muster.lock_load(wanted, false);
  may_do constant boolean := case
    when next_status in ('in_transit', 'delivered') then muster.plans_load(load) or muster.drives_load(load.id)
    when next_status in ('invoiced', 'paid') then
      coalesce(load.organization_id = muster.office_carrier_id() or load.tenant_id = muster.admin_tenant_id(), false)
    else muster.plans_load(load) and next_status = 'cancelled'
  end;
begin
  if not may_do then
    perform muster.fail('forbidden');
  end if;
  if next_status = load.status then
    perform muster.fail('load_state', 'status');
  end if;
  update public.loads l set status = next_status, cancel_reason = reason where l.id = wanted returning l.* into load;
  return muster.load_json(load);
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
  if muster.broker_on_the_way(new) is distinct from muster.broker_on_the_way(old) then
    update public.stop_events e
    set broker_organization_id = muster.broker_on_the_way(new)
    where e.load_id = new.id and e.broker_organization_id is distinct from muster.broker_on_the_way(new);
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
CREATE OR REPLACE FUNCTION muster.stop_event_refusal(load loads, driver uuid, at_time timestamp with time zone)
 RETURNS text
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
declare
  -- Who has to be there at six comes the evening before, and rests ten hours in the yard (49 CFR 395.3).
  earliest constant interval := '12 hours';
  -- A dock that is full, or a breakdown, costs a weekend.
  latest constant interval := '48 hours';
  -- The clock of the phone may be behind as far as it may be ahead.
  slow_clock constant interval := '5 minutes';
  assignment constant public.load_assignments := muster.load_assignment_at(load.id, driver, at_time);
begin
  if load.id is null or load.deleted_at is not null then
    return 'not_found';
  elsif assignment.id is null then
    -- Those who see the load are told that it is not theirs to report of; to others it does not exist.
    return case when muster.sees_load(load) then 'forbidden' else 'not_found' end;
  end if;
  return case
    when at_time < assignment.created_at - slow_clock
      or (assignment.ended_as in ('unassigned', 'cancelled') and at_time > assignment.ended_at)
      then 'load_not_driven'
    when at_time < load.starts_at - earliest or at_time > load.ends_at + latest
      then 'outside_load_window'
    when muster.is_recorded_in_future(at_time)
      then 'recorded_in_future'
  end;
end
$function$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.tg_stop_events__place()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'extensions', 'public', 'pg_temp'
AS $function$
declare
  load public.loads;
  stop public.load_stops;
  assignment public.load_assignments;
begin
  if new.stop_id is not null then
    select s.* into stop from public.load_stops s where s.id = new.stop_id;
    new.load_id := coalesce(new.load_id, stop.load_id);
  end if;
  select l.* into load from public.loads l where l.id = new.load_id for no key update;
  if load.id is null or (new.stop_id is not null and stop.load_id is distinct from load.id) then
    perform muster.fail('not_found', 'load_id');
  end if;
  assignment := muster.load_assignment_at(load.id, new.driver_id, new.recorded_at);
  if assignment.id is null then
    perform muster.fail('load_not_driven', 'load_id');
  end if;

  new.tenant_id := load.tenant_id;
  new.organization_id := load.organization_id;
  new.assignment_id := assignment.id;
  new.broker_organization_id := muster.broker_on_the_way(load);
  new.created_at := now();
  new.updated_at := now();
  new.distance_meters := st_distance(new.event_point, stop.stop_point);
  new.verdict := case
    when stop.id is not null then
      muster.position_verdict(new.distance_meters, new.accuracy_meters, muster.stop_radius_meters())
  end;
  new.counts := coalesce(
    new.kind <> 'position'
      and new.verdict <> 'outside'
      and not 'evidence' = any (muster.position_flags(new.accuracy_meters))
      and stop.deleted_at is null
      and load.status in ('assigned', 'in_transit', 'delivered')
      and coalesce(assignment.ended_as, 'completed') = 'completed',
    false
  );
  return new;
end
$function$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.tg_stop_events__move_stops()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'extensions', 'public', 'pg_temp'
AS $function$
declare
  moving constant uuid[] := array(select distinct c.stop_id from created c where c.counts);
  load uuid;
begin
  if moving = '{}' then
    return null;
  end if;
  perform muster.follow_stop_events(moving);
  for load in select distinct c.load_id from created c where c.counts order by c.load_id loop
    perform muster.advance_load(load);
  end loop;
  return null;
end
$function$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.record_stop_events(items jsonb)
 RETURNS jsonb
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'extensions', 'public', 'pg_temp'
AS $function$
declare
  own constant uuid := muster.driver_id();
  answer jsonb;
begin
  if own is null then
    perform muster.fail('forbidden');
  end if;
  perform muster.require_read_committed();
  -- Before anything is judged, and in one order for everybody. Of others' loads there is nothing to wait for.
  perform from public.loads l
  where l.id in (
    select a.load_id
    from public.load_assignments a
    where (a.driver_id = own or a.co_driver_id = own)
      and a.load_id in (
        select coalesce(s.load_id, i.load_id)
        from jsonb_to_recordset(items) as i (stop_id uuid, load_id uuid)
        left join public.load_stops s on s.id = i.stop_id
      )
  )
  order by l.id
  for no key update;

  with given as materialized (
    select
      i.*,
      case when i.stop_id is null then i.load_id else s.load_id end as of_load,
      row_number() over (partition by i.id order by i.nth) as copy
    from rows from (jsonb_to_recordset(items) as (
      id uuid, kind text, stop_id uuid, load_id uuid, latitude float8, longitude float8, accuracy_meters float8, recorded_at timestamptz
    )) with ordinality as i (id, kind, stop_id, load_id, latitude, longitude, accuracy_meters, recorded_at, nth)
    left join public.load_stops s on s.id = i.stop_id and s.load_id = coalesce(i.load_id, s.load_id)
  ), fresh as materialized (
    -- What is known already does not meet the rules again; of several with one id the first is stored.
    select
      g.*,
      case
        when s.deleted_at is not null then 'not_found'
        else muster.stop_event_refusal(l, own, g.recorded_at)
      end as rule,
      date_trunc('minute', g.recorded_at, 'UTC') as minute
    from given g
    left join public.loads l on l.id = g.of_load
    left join public.load_stops s on s.id = g.stop_id
    where g.copy = 1 and not exists (select from public.stop_events e where e.id = g.id)
  ), minutes as materialized (
    select m.of_load, m.minute, muster.positions_in_minute(m.of_load, own, m.minute) as positions
    from (select distinct f.of_load, f.minute from fresh f where f.kind = 'position' and f.rule is null) m
  ), judged as materialized (
    select
      f.*,
      case
        when f.rule is not null then f.rule
        when m.positions
          + row_number() over (partition by f.of_load, f.minute, f.kind, f.rule is null order by f.nth) > muster.most_positions_a_minute()
          then 'too_many_positions'
      end as refusal
    from fresh f
    left join minutes m on f.kind = 'position' and m.of_load = f.of_load and m.minute = f.minute
  ), stored as (
    insert into public.stop_events as e (id, load_id, stop_id, driver_id, kind, event_point, accuracy_meters, recorded_at)
    select j.id, j.of_load, j.stop_id, own, j.kind, st_point(j.longitude, j.latitude)::geography, j.accuracy_meters, j.recorded_at
    from judged j
    where j.refusal is null
    order by j.of_load, j.id
    on conflict do nothing
    returning e.id, e.verdict
  )
  select coalesce(jsonb_agg(
    jsonb_strip_nulls(jsonb_build_object(
      'id', g.id,
      'status', o.status,
      'code', case when o.status = 'rejected' then o.code end,
      'verdict', case when o.status <> 'rejected' then coalesce(s.verdict, known.verdict) end
    ))
    order by g.nth
  ), '[]') into answer
  from given g
  left join judged first on first.id = g.id
  left join stored s on s.id = g.id
  left join public.stop_events known on known.id = g.id
  cross join lateral (
    select
      case
        when first.refusal is not null then 'rejected'
        when s.id is not null and g.copy = 1 then 'created'
        when (g.kind, g.stop_id, g.of_load, g.recorded_at) is not distinct from (
            coalesce(first.kind, known.kind), coalesce(first.stop_id, known.stop_id), coalesce(first.of_load, known.load_id),
            coalesce(first.recorded_at, known.recorded_at)
          )
          and (s.id is not null or known.driver_id = own)
          then 'duplicate'
        -- The id stands for another event, which may be somebody else's: nothing is said about it.
        else 'rejected'
      end as status,
      coalesce(first.refusal, 'id_conflict') as code
  ) o;
  return answer;
end
$function$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.nearby_loads(latitude double precision, longitude double precision, of_driver uuid, within_meters double precision, max_items integer, starts_after timestamp with time zone DEFAULT NULL::timestamp with time zone, starts_before timestamp with time zone DEFAULT NULL::timestamp with time zone, after_distance double precision DEFAULT NULL::double precision, after_id uuid DEFAULT NULL::uuid)
 RETURNS TABLE(load jsonb, distance_meters double precision)
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'extensions', 'public', 'pg_temp'
AS $function$
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
$function$;
--> statement-breakpoint
comment on function muster.broker_on_the_way(loads) is 'The organization of the broker that sees the events of a load: while it is in transit.';
--> statement-breakpoint
comment on function muster.tg_stop_events__move_stops() is 'Stops follow their events, and loads their stops. Security definer: nobody else writes these.';
--> statement-breakpoint
comment on policy stop_events_read on public.stop_events is 'Office and dispatchers those of their carrier; the driver who reported it; users of the broker those of a load in transit; admins. Nobody writes: a function does, with the load locked.';
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1796065875_open_loads_rules';
