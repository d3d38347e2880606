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
  'driver_statement_state', 'MU440',
  'statement_in_future', 'MU441'
);
--> statement-breakpoint
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
$$;
--> statement-breakpoint
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
--> statement-breakpoint
create or replace function muster.tg_loads__lead() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
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
$$;
--> statement-breakpoint
create or replace function muster.audience_of_stop_events(viewed jsonb, at timestamptz) returns text[]
language sql
stable
parallel safe
set search_path = pg_catalog, pg_temp
return array[
  'admins:' || (viewed ->> 'tenant_id'),
  'carrier:' || (viewed ->> 'organization_id'),
  'driver:' || (viewed ->> 'driver_id'),
  'broker:' || (viewed ->> 'broker_organization_id')
];
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.seen_of_stop_events(changes jsonb)
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return (
    select jsonb_object_agg(c.nth, jsonb_build_object(
      'audience', case when true then array_remove(
        muster.audience_of_stop_events((c.value -> 'image') || jsonb_build_object('tenant_id', r.tenant_id), clock_timestamp()), null
      ) else '{}' end,
      'filled', case when c.value ? 'lacks' and to_jsonb(r) || (c.value -> 'image') = to_jsonb(r) then (
        select jsonb_object_agg(l.name, (to_jsonb(r) -> l.name)::text)
        from jsonb_array_elements_text(c.value -> 'lacks') as l (name)
      ) end
    ))
    from jsonb_array_elements(changes) with ordinality as c (value, nth)
    join public.stop_events r on r.id = (c.value #>> '{image,id}')::uuid
    where c.value ->> 'relation' = 'stop_events'
  );
end
$function$;
--> statement-breakpoint
CREATE TRIGGER updated_at BEFORE UPDATE ON public.stop_events FOR EACH ROW EXECUTE FUNCTION muster.set_updated_at();
--> statement-breakpoint
CREATE TRIGGER z_stamp_change BEFORE INSERT OR UPDATE ON public.stop_events FOR EACH ROW EXECUTE FUNCTION muster.tg_stamp_change();
--> statement-breakpoint
CREATE TRIGGER note_departure_on_delete AFTER DELETE ON public.stop_events FOR EACH ROW EXECUTE FUNCTION muster.tg_note_departure();
--> statement-breakpoint
CREATE TRIGGER note_departure_on_update AFTER UPDATE ON public.stop_events FOR EACH ROW WHEN (((old.tenant_id IS DISTINCT FROM new.tenant_id) OR (old.organization_id IS DISTINCT FROM new.organization_id) OR (old.driver_id IS DISTINCT FROM new.driver_id) OR (old.broker_organization_id IS DISTINCT FROM new.broker_organization_id))) EXECUTE FUNCTION muster.tg_note_departure();
--> statement-breakpoint
create policy internal on public.stop_events for all to service_role, muster_definer
  using (true)
  with check (true);
--> statement-breakpoint
alter publication supabase_realtime add table public.stop_events (accuracy_meters, assignment_id, broker_organization_id, counts, created_at, distance_meters, driver_id, event_point, id, kind, load_id, organization_id, recorded_at, stop_id, updated_at, verdict);
--> statement-breakpoint
-- The point of an address is at a gate or in the middle of a roof. A distribution centre with its yard is up to a kilometre long, and
-- trucks wait for their dock at its edge: within 500 m a truck is there.
create or replace function muster.stop_radius_meters() returns float8
language sql
immutable
parallel safe
return 500;
--> statement-breakpoint
-- One in five seconds: 140 m at 100 km/h. More tell nothing, and brokers lose sight of all of them when the load is delivered.
create or replace function muster.most_positions_a_minute() returns integer
language sql
immutable
parallel safe
return 12;
--> statement-breakpoint
create or replace function muster.broker_on_the_way(load public.loads) returns uuid
language sql
immutable
parallel safe
return case when load.status = 'in_transit' then load.broker_organization_id end;
--> statement-breakpoint
-- A driver may have several legs, or have had the load before: that which was in force then, else the last one.
create or replace function muster.load_assignment_at(load uuid, driver uuid, at_time timestamptz) returns public.load_assignments
language plpgsql
stable
set search_path = pg_catalog, public, pg_temp
as $$
declare
  assignment public.load_assignments;
begin
  select a.* into assignment
  from public.load_assignments a
  where a.load_id = load and (a.driver_id = driver or a.co_driver_id = driver)
  order by
    at_time between a.created_at and coalesce(a.ended_at, 'infinity') desc,
    at_time between a.starts_at and a.ends_at desc,
    a.ended_at is null desc,
    a.created_at desc,
    a.id
  limit 1;
  return assignment;
end
$$;
--> statement-breakpoint
create or replace function muster.stop_event_refusal(load public.loads, driver uuid, at_time timestamptz) returns text
language plpgsql
volatile
set search_path = pg_catalog, public, pg_temp
as $$
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
$$;
--> statement-breakpoint
create or replace function muster.positions_in_minute(of_load uuid, of_driver uuid, minute timestamptz) returns bigint
language plpgsql
volatile
set search_path = pg_catalog, public, pg_temp
as $$
begin
  return (
    select count(*)
    from public.stop_events e
    where e.load_id = of_load
      and e.recorded_at >= minute
      and e.recorded_at < minute + interval '1 minute'
      and e.kind = 'position'
      and e.driver_id = of_driver
  );
end
$$;
--> statement-breakpoint
create or replace function muster.tg_stop_events__place() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, extensions, public, pg_temp
as $$
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
$$;
--> statement-breakpoint
create or replace function muster.tg_stop_events__keep() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  perform muster.fail('forbidden');
  return null;
end
$$;
--> statement-breakpoint
create or replace function muster.follow_stop_events(stops uuid[]) returns void
language plpgsql
volatile
set search_path = pg_catalog, extensions, public, pg_temp
as $$
begin
  update public.load_stops s
  set arrived_at = t.arrived_at,
      departed_at = t.departed_at,
      arrival_is_reported = t.arrived_at is not null and h.arrived_at is null,
      departure_is_reported = t.departed_at is not null and h.departed_at is null
  from public.load_stops present
  -- By hand.
  cross join lateral (
    select
      case when present.arrival_is_reported is not true then present.arrived_at end as arrived_at,
      case when present.departure_is_reported is not true then present.departed_at end as departed_at
  ) h
  cross join lateral (
    select coalesce(h.arrived_at, (
      select e.recorded_at
      from public.stop_events e
      where e.stop_id = present.id and e.kind = 'arrival' and e.counts and e.recorded_at <= coalesce(h.departed_at, 'infinity')
      order by e.recorded_at
      limit 1
    )) as arrived_at
  ) a
  cross join lateral (
    select a.arrived_at, coalesce(h.departed_at, (
      select e.recorded_at
      from public.stop_events e
      where e.stop_id = present.id and e.kind = 'departure' and e.counts and e.recorded_at >= a.arrived_at
      order by e.recorded_at desc
      limit 1
    )) as departed_at
  ) t
  where present.id = any (stops)
    and present.deleted_at is null
    and s.id = present.id
    and (s.arrived_at, s.departed_at) is distinct from (t.arrived_at, t.departed_at);
end
$$;
--> statement-breakpoint
create or replace function muster.tg_stop_events__move_stops() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, extensions, public, pg_temp
as $$
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
$$;
--> statement-breakpoint
-- `items` is an array of {id, kind, stop_id, load_id, latitude, longitude, accuracy_meters, recorded_at}, already of the right types and
-- ranges. Gives for each, in order, {id, status: created | duplicate | rejected, verdict}; a rejected one has a code instead.
create or replace function muster.record_stop_events(items jsonb) returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, extensions, public, pg_temp
as $$
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
$$;
--> statement-breakpoint
create or replace trigger a_place before insert on public.stop_events
  for each row execute function muster.tg_stop_events__place();
--> statement-breakpoint
create or replace trigger a_keep before update on public.stop_events
  for each row when (
    (old.id, old.tenant_id, old.organization_id, old.load_id, old.stop_id, old.assignment_id, old.driver_id, old.kind,
      old.event_point::text, old.accuracy_meters, old.distance_meters, old.verdict, old.counts, old.recorded_at, old.created_at)
    is distinct from
    (new.id, new.tenant_id, new.organization_id, new.load_id, new.stop_id, new.assignment_id, new.driver_id, new.kind,
      new.event_point::text, new.accuracy_meters, new.distance_meters, new.verdict, new.counts, new.recorded_at, new.created_at)
  )
  execute function muster.tg_stop_events__keep();
--> statement-breakpoint
create or replace trigger move_stops after insert on public.stop_events
  referencing new table as created
  for each statement execute function muster.tg_stop_events__move_stops();
--> statement-breakpoint
create policy stop_events_read on public.stop_events for select to authenticated
  using (
    organization_id = (select muster.carrier_id())
    or broker_organization_id = (select muster.broker_id())
    or driver_id = (select muster.driver_id())
    or tenant_id = (select muster.admin_tenant_id())
  );
--> statement-breakpoint
alter function muster.tg_stop_events__place() owner to muster_definer;
--> statement-breakpoint
alter function muster.tg_stop_events__move_stops() owner to muster_definer;
--> statement-breakpoint
alter function muster.record_stop_events(jsonb) owner to muster_definer;
--> statement-breakpoint
alter table public.stop_events enable row level security;
--> statement-breakpoint
alter table public.stop_events force row level security;
--> statement-breakpoint
revoke all on table public.stop_events from public, anon, authenticated, service_role;
--> statement-breakpoint
revoke execute on function muster.tg_stop_events__keep() from public;
--> statement-breakpoint
revoke execute on function muster.positions_in_minute(uuid,uuid,timestamp with time zone) from public;
--> statement-breakpoint
revoke execute on function muster.follow_stop_events(uuid[]) from public;
--> statement-breakpoint
revoke execute on function muster.tg_stop_events__place() from public;
--> statement-breakpoint
revoke execute on function muster.tg_stop_events__move_stops() from public;
--> statement-breakpoint
revoke execute on function muster.record_stop_events(jsonb) from public;
--> statement-breakpoint
revoke execute on function muster.stop_radius_meters() from public;
--> statement-breakpoint
revoke execute on function muster.most_positions_a_minute() from public;
--> statement-breakpoint
revoke execute on function muster.broker_on_the_way(loads) from public;
--> statement-breakpoint
revoke execute on function muster.load_assignment_at(uuid,uuid,timestamp with time zone) from public;
--> statement-breakpoint
revoke execute on function muster.advance_load(uuid) from public;
--> statement-breakpoint
revoke execute on function muster.audience_of_stop_events(jsonb,timestamp with time zone) from public;
--> statement-breakpoint
revoke execute on function muster.seen_of_stop_events(jsonb) from public;
--> statement-breakpoint
revoke execute on function muster.stop_event_refusal(loads,uuid,timestamp with time zone) from public;
--> statement-breakpoint
grant execute on function muster.advance_load(uuid) to muster_definer;
--> statement-breakpoint
grant execute on function muster.audience_of_stop_events(jsonb,timestamp with time zone) to muster_definer;
--> statement-breakpoint
grant execute on function muster.broker_on_the_way(loads) to muster_definer;
--> statement-breakpoint
grant execute on function muster.follow_stop_events(uuid[]) to muster_definer;
--> statement-breakpoint
grant execute on function muster.load_assignment_at(uuid,uuid,timestamp with time zone) to muster_definer;
--> statement-breakpoint
grant execute on function muster.most_positions_a_minute() to muster_definer;
--> statement-breakpoint
grant execute on function muster.positions_in_minute(uuid,uuid,timestamp with time zone) to muster_definer;
--> statement-breakpoint
grant execute on function muster.record_stop_events(jsonb) to authenticated, muster_api;
--> statement-breakpoint
grant execute on function muster.seen_of_stop_events(jsonb) to muster_definer;
--> statement-breakpoint
grant execute on function muster.stop_event_refusal(loads,uuid,timestamp with time zone) to muster_definer;
--> statement-breakpoint
grant execute on function muster.stop_radius_meters() to muster_definer;
--> statement-breakpoint
grant select, insert (accuracy_meters, driver_id, event_point, id, kind, load_id, recorded_at, stop_id), update (broker_organization_id) on table public.stop_events to muster_definer;
--> statement-breakpoint
grant select on table public.stop_events to authenticated;
--> statement-breakpoint
grant insert, select on table public.stop_events to service_role;
--> statement-breakpoint
comment on function muster.advance_load(uuid) is
  'A load follows its stops, with the load locked: the first arrival begins it when it is assigned, and leaving the last stop delivers it.';
--> statement-breakpoint
comment on function muster.tg_loads__lead() is
  'Stops, assignments and stop events follow their load. Security definer: nobody else writes these columns.';
--> statement-breakpoint
comment on function muster.audience_of_stop_events(jsonb, timestamptz) is 'Who sees a stop event: stop_events_read, as groups.';
--> statement-breakpoint
comment on policy internal on public.stop_events is 'Background work and the security definer functions; their grants say how far they reach.';
--> statement-breakpoint
comment on function muster.seen_of_stop_events(jsonb) is 'Which groups see changes of this table, and the values that the log left out. Made by muster.follow_table.';
--> statement-breakpoint
comment on function muster.stop_radius_meters() is 'How far from the point of a stop a truck may be, and still is there.';
--> statement-breakpoint
comment on function muster.most_positions_a_minute() is 'How many positions of a load a driver reports for one minute of device time.';
--> statement-breakpoint
comment on function muster.broker_on_the_way(public.loads) is
  'The organization of the broker that sees the events of a load: while it is in transit.';
--> statement-breakpoint
comment on function muster.load_assignment_at(uuid, uuid, timestamptz) is
  'By which assignment a driver, or co-driver, had a load at that time; a row of nulls for none.';
--> statement-breakpoint
comment on function muster.stop_event_refusal(public.loads, uuid, timestamptz) is
  'The code that refuses a driver''s event of a load at that device time; null for none.';
--> statement-breakpoint
comment on function muster.positions_in_minute(uuid, uuid, timestamptz) is
  'The positions of a load that a driver reported for the minute of device time that begins then.';
--> statement-breakpoint
comment on function muster.tg_stop_events__place() is
  'Whose an event is, and what the database computes of it. Security definer: neither is the client''s to choose.';
--> statement-breakpoint
comment on function muster.tg_stop_events__keep() is 'Events are appended: nobody changes what was recorded.';
--> statement-breakpoint
comment on function muster.follow_stop_events(uuid[]) is
  'Stops follow from the set of their events, with their loads locked: the first arrival, and the last departure that is not before it.';
--> statement-breakpoint
comment on function muster.tg_stop_events__move_stops() is
  'Stops follow their events, and loads their stops. Security definer: nobody else writes these.';
--> statement-breakpoint
comment on function muster.record_stop_events(jsonb) is
  'Records events of the caller''s loads, one result for each item. Security definer: no caller may say whose an event is.';
--> statement-breakpoint
comment on policy stop_events_read on public.stop_events is
  'Office and dispatchers those of their carrier; the driver who reported it; users of the broker those of a load in transit; admins. Nobody writes: a function does, with the load locked.';
--> statement-breakpoint
select muster.declare_audiences();
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1796065291_stop_events_rules';
