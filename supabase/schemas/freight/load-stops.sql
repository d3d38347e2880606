-- Stops: where and when a load is picked up and delivered.
--
-- * A load has its stops in order: a pickup is first, a delivery last, and none is over before the one before it may begin.
-- * The window of a load is that of its stops: from the first beginning to the last end. Its last day is the latest local day on which
--   a stop ends.
-- * Nobody writes stops themselves: muster.put_stops replaces those of a load that has not begun, muster.change_stop changes one, or says
--   when its driver came and left. Both lock the load first, so that its window and its assignments agree with the stops.
-- * The first arrival begins an assigned load, and leaving the last stop delivers it: muster.advance_load, whoever told of it.
-- * Phones tell of arrivals and departures by events (stop-events.sql). What somebody sets by hand stands, until it is set to null: then
--   the events count again.
-- * Who sees a stop sees its load: whose it is, is copied from the load and follows it.

create or replace function muster.audience_of_load_stops(viewed jsonb, at timestamptz) returns text[]
language plpgsql
stable
parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  return array[
    'admins:' || (viewed ->> 'tenant_id'),
    'carrier:' || (viewed ->> 'organization_id'),
    'broker:' || (viewed ->> 'broker_organization_id')
  ] || array(select 'driver:' || d.id from jsonb_array_elements_text(viewed -> 'driver_ids') as d (id));
end
$$;
comment on function muster.audience_of_load_stops(jsonb, timestamptz) is 'Who sees a stop: load_stops_read, as groups.';
grant execute on function muster.audience_of_load_stops(jsonb, timestamptz) to muster_definer;

select muster.follow_table(
  'public.load_stops',
  published => array['id', 'organization_id', 'load_id', 'broker_organization_id', 'driver_ids', 'position', 'kind', 'name', 'address',
    'stop_point', 'time_zone', 'window_starts_at', 'window_ends_at', 'arrived_at', 'departed_at', 'created_at', 'updated_at'],
  audience => array['tenant_id', 'organization_id', 'broker_organization_id', 'driver_ids', 'deleted_at']
);

create or replace function muster.stop_json(stop public.load_stops) returns jsonb
language sql
stable
parallel safe
return jsonb_build_object(
  'id', stop.id,
  'load_id', stop.load_id,
  'position', stop.position,
  'kind', stop.kind,
  'name', stop.name,
  'address', stop.address,
  'latitude', st_y(stop.stop_point::geometry),
  'longitude', st_x(stop.stop_point::geometry),
  'time_zone', stop.time_zone,
  'window_starts_at', stop.window_starts_at,
  'window_ends_at', stop.window_ends_at,
  'arrived_at', stop.arrived_at,
  'departed_at', stop.departed_at,
  'created_at', stop.created_at,
  'updated_at', stop.updated_at
);
comment on function muster.stop_json(public.load_stops) is 'A stop in the form of the API.';

-- A stop that ends at midnight ends with the day before: it takes no moment of the next one. At UTC+14 where the zone is not known (the
-- stop itself is refused then).
create or replace function muster.local_day(ends_at timestamptz, zone text) returns date
language sql
stable
parallel safe
set search_path = pg_catalog, pg_temp
return (ends_at - interval '1 microsecond') at time zone coalesce(muster.canonical_time_zone(zone), 'Etc/GMT-14');
comment on function muster.local_day(timestamptz, text) is 'The last day of what ends then, in a time zone.';

create or replace function muster.window_of_stops(stops jsonb, out starts_at timestamptz, out ends_at timestamptz, out last_day date)
language sql
stable
set search_path = pg_catalog, pg_temp
begin atomic
  select min(s.window_starts_at), max(s.window_ends_at), max(muster.local_day(s.window_ends_at, s.time_zone))
  from jsonb_to_recordset(stops) as s (window_starts_at timestamptz, window_ends_at timestamptz, time_zone text);
end;
comment on function muster.window_of_stops(jsonb) is 'The window of a load that has these stops, as muster.tg_load_stops__lead_load keeps it.';

-- `given` is [{load_id, stops: [...]}], the stops of each load in order.
create or replace function muster.insert_stops(given jsonb) returns void
language sql
volatile
set search_path = pg_catalog, extensions, public, pg_temp
as $$
  insert into public.load_stops (
    load_id, position, kind, name, address, stop_point, time_zone, window_starts_at, window_ends_at
  )
  select (g.item ->> 'load_id')::uuid, s.nth, i.kind, i.name, i.address, st_point(i.longitude, i.latitude)::geography, i.time_zone,
         i.window_starts_at, i.window_ends_at
  from jsonb_array_elements(given) as g (item)
  cross join lateral jsonb_array_elements(g.item -> 'stops') with ordinality as s (item, nth)
  cross join lateral jsonb_to_record(s.item) as i (
    kind text, name text, address text, latitude float8, longitude float8, time_zone text, window_starts_at timestamptz,
    window_ends_at timestamptz
  )
$$;
comment on function muster.insert_stops(jsonb) is 'The stops of many loads, in one statement.';

create or replace function muster.put_stops(wanted uuid, stops jsonb) returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, extensions, public, pg_temp
as $$
declare
  load constant public.loads := muster.lock_load(wanted, true);
begin
  if load.status not in ('pending', 'assigned') then
    perform muster.fail('load_state', 'status');
  end if;
  update public.load_stops s set deleted_at = now() where s.load_id = wanted and s.deleted_at is null;
  perform muster.insert_stops(jsonb_build_array(jsonb_build_object('load_id', wanted, 'stops', stops)));
  return (
    select jsonb_agg(muster.stop_json(s) order by s.position)
    from public.load_stops s
    where s.load_id = wanted and s.deleted_at is null
  );
end
$$;
comment on function muster.put_stops(uuid, jsonb) is
  'Replaces the stops of a load that has not begun, as the caller. Security definer: nobody may write a stop itself, which the load has to follow.';

create or replace function muster.change_stop(wanted uuid, change jsonb) returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, extensions, public, pg_temp
as $$
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
  elsif (load.status = 'delivered' and change - reports <> '{}')
    or load.status not in ('pending', 'assigned', 'in_transit', 'delivered')
    or (change ?| reports and load.status = 'pending')
  then
    perform muster.fail('load_state', 'status');
  end if;
  stop := jsonb_populate_record(
    stop,
    (select coalesce(jsonb_object_agg(c.key, c.value), '{}') from jsonb_each(change) c where c.key <> all (array['latitude', 'longitude']))
  );
  if greatest(stop.arrived_at, stop.departed_at) > now() + most_ahead then
    perform muster.fail('stop_in_future', case when stop.departed_at > now() + most_ahead then 'departed_at' else 'arrived_at' end);
  end if;
  -- By hand a driver says no more than by a phone.
  if not muster.plans_load(load) and exists (
    select from jsonb_each_text(change) c
    where c.key = any (reports) and not muster.is_time_of_load(load, coalesce(c.value::timestamptz, load.starts_at))
  ) then
    perform muster.fail('outside_load_window');
  end if;
  if change ? 'latitude' then
    stop.stop_point := st_point((change ->> 'longitude')::float8, (change ->> 'latitude')::float8)::geography;
  end if;
  update public.load_stops s
  set kind = stop.kind, name = stop.name, address = stop.address, stop_point = stop.stop_point, time_zone = stop.time_zone,
      window_starts_at = stop.window_starts_at, window_ends_at = stop.window_ends_at, arrived_at = stop.arrived_at,
      -- A departure that was reported is read again: it may be before the new arrival.
      departed_at = case when change ? 'departed_at' or s.departure_is_reported is not true or not change ? 'arrived_at' then stop.departed_at end,
      arrival_is_reported = s.arrival_is_reported and not change ? 'arrived_at',
      departure_is_reported = s.departure_is_reported and not change ?| reports
  where s.id = wanted;
  if change ?| reports then
    perform muster.follow_stop_events(array[wanted]);
  end if;
  perform muster.advance_load(load.id);
  select s.* into stop from public.load_stops s where s.id = wanted;
  return muster.stop_json(stop);
end
$$;
comment on function muster.change_stop(uuid, jsonb) is
  'Changes a stop, or tells of arrival and departure there, as the caller: the members of `change`, a latitude with its longitude. Security definer: as put_stops.';

create or replace function muster.advance_load(wanted uuid) returns void
language plpgsql
volatile
set search_path = pg_catalog, extensions, public, pg_temp
as $$
begin
  update public.loads l
  set status = 'in_transit'
  where l.id = wanted
    and l.status = 'assigned'
    and exists (select from public.load_stops s where s.load_id = wanted and s.arrived_at is not null and s.deleted_at is null);
  update public.loads l
  set status = 'delivered'
  where l.id = wanted
    and l.status = 'in_transit'
    and (
      select s.departed_at
      from public.load_stops s
      where s.load_id = wanted and s.deleted_at is null
      order by s.position desc
      limit 1
    ) is not null;
end
$$;
comment on function muster.advance_load(uuid) is
  'A load follows its stops, with the load locked: the first arrival begins it when it is assigned, and leaving the last stop delivers it.';

create or replace function muster.tg_load_stops__copy_load() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  load public.loads;
begin
  -- The lock keeps whose the load is until this is committed.
  select l.* into load from public.loads l where l.id = new.load_id for no key update;
  if not found then
    perform muster.fail('not_found', 'load_id');
  end if;
  new.tenant_id := load.tenant_id;
  new.organization_id := load.organization_id;
  new.broker_organization_id := load.broker_organization_id;
  new.driver_ids := load.driver_ids;
  return new;
end
$$;
comment on function muster.tg_load_stops__copy_load() is 'Whose a stop is, as its load says. Security definer: the lock.';

create or replace function muster.tg_load_stops__name_time_zone() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  known constant text := muster.canonical_time_zone(new.time_zone);
begin
  if known is null then
    raise exception using
      errcode = 'check_violation', schema = 'public', table = 'load_stops', column = 'time_zone',
      constraint = 'load_stops_time_zone_known', message = 'no time zone that this server knows';
  end if;
  new.time_zone := known;
  return new;
end
$$;
comment on function muster.tg_load_stops__name_time_zone() is 'Only time zones that exist are stored, by their present name.';

create or replace function muster.tg_load_stops__lead_load() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, public, pg_temp
as $$
begin
  if exists (
    select from (
      select
        s.kind, s.window_starts_at, s.window_ends_at,
        lag(s.window_starts_at) over in_order as begun_before,
        row_number() over in_order as nth,
        row_number() over (partition by s.load_id order by s.position desc) as nth_last
      from public.load_stops s
      where s.load_id in (select c.load_id from changed c) and s.deleted_at is null
      window in_order as (partition by s.load_id order by s.position)
    ) as s
    where (s.nth = 1 and s.kind <> 'pickup') or (s.nth_last = 1 and s.kind <> 'delivery') or s.window_ends_at < s.begun_before
  ) then
    perform muster.fail('stops_invalid', 'stops');
  end if;
  update public.loads l
  set starts_at = w.starts_at, ends_at = w.ends_at, last_day = w.last_day
  from (
    select s.load_id, min(s.window_starts_at) as starts_at, max(s.window_ends_at) as ends_at,
           max(muster.local_day(s.window_ends_at, s.time_zone)) as last_day
    from public.load_stops s
    where s.load_id in (select c.load_id from changed c) and s.deleted_at is null
    group by s.load_id
  ) as w
  where l.id = w.load_id and (l.starts_at, l.ends_at, l.last_day) is distinct from (w.starts_at, w.ends_at, w.last_day);
  return null;
end
$$;
comment on function muster.tg_load_stops__lead_load() is
  'The order of the stops, and the window of the load. Security definer: nobody else writes the columns of the load.';

-- ---- Triggers ---------------------------------------------------------------------------------------------------------

create or replace trigger a_copy_load before insert on public.load_stops
  for each row execute function muster.tg_load_stops__copy_load();
create or replace trigger b_name_time_zone_on_insert before insert on public.load_stops
  for each row execute function muster.tg_load_stops__name_time_zone();
create or replace trigger b_name_time_zone_on_update before update on public.load_stops
  for each row when (old.time_zone is distinct from new.time_zone)
  execute function muster.tg_load_stops__name_time_zone();
create or replace trigger lead_load_on_insert after insert on public.load_stops
  referencing new table as changed
  for each statement execute function muster.tg_load_stops__lead_load();
create or replace trigger lead_load_on_update after update on public.load_stops
  referencing new table as changed
  for each statement execute function muster.tg_load_stops__lead_load();

-- ---- Policies ---------------------------------------------------------------------------------------------------------

drop policy if exists load_stops_read on public.load_stops;
create policy load_stops_read on public.load_stops for select to authenticated
  using (
    deleted_at is null
    and (
      organization_id = (select muster.carrier_id())
      or broker_organization_id = (select muster.broker_id())
      or (select muster.driver_id()) = any (driver_ids)
      or tenant_id = (select muster.admin_tenant_id())
    )
  );
comment on policy load_stops_read on public.load_stops is 'Those who see the load. Nobody writes: functions do, with the load locked.';

-- ---- Grants -----------------------------------------------------------------------------------------------------------

grant select on public.load_stops to authenticated;
grant select, insert, update, delete on public.load_stops to service_role;
grant select, insert, update on public.load_stops to muster_definer;

grant execute on function
  muster.advance_load(uuid),
  muster.local_day(timestamptz, text),
  muster.window_of_stops(jsonb),
  muster.insert_stops(jsonb)
to muster_definer;
-- The query of a load shows its stops so.
grant execute on function muster.stop_json(public.load_stops) to authenticated, muster_definer;
grant execute on function muster.put_stops(uuid, jsonb), muster.change_stop(uuid, jsonb) to authenticated, muster_api;

alter function muster.put_stops(uuid, jsonb) owner to muster_definer;
alter function muster.change_stop(uuid, jsonb) owner to muster_definer;
alter function muster.tg_load_stops__copy_load() owner to muster_definer;
alter function muster.tg_load_stops__lead_load() owner to muster_definer;
