-- Stop events: where a load is on the way, as the phones of its drivers report it, in whatever order they deliver it.
--
-- * A driver, or co-driver, reports an `arrival`, a `departure` or a `position` of a load that they had at the device time, from 12 hours
--   before the window of the load begins to 48 hours after it ends, and not in the future. Nobody else reports, and nobody writes events
--   themselves: muster.record_stop_events does, with the loads locked.
-- * Distance and verdict are computed here (platform/positions.sql), against 500 m around the stop.
-- * An arrival or departure moves its stop unless it is evidence: one that is `outside`, one with an accuracy over 1,000 m, one of a
--   driver who was unassigned and has not the load again, one that was recorded after the load was delivered, and one of a load that is
--   cancelled or invoiced. A position moves nothing.
-- * A stop follows from the *set* of the events that move it, never from their order of arrival: its driver came with the first arrival,
--   and left with the last departure that is not before it. Each event can only make a load go on, so its status does not depend on the
--   order either. What somebody set by hand stands (load-stops.sql).
-- * The device makes the id: the same event again (kind, stop, load and device time) is a success that changes nothing, and meets none of
--   these rules a second time.
-- * Events are appended, and stay as they were recorded.
-- * The driver who reported it sees an event, office and dispatchers of the carrier, and admins. Users of the broker see those that came
--   while their load was in transit, or together with the arrival that began it, also when it is delivered: no later step of a load
--   rewrites its events, however many there are.
-- * Loads are locked by id before anything is judged: an event comes before or after an unassignment, and the events of one load stand
--   in one queue. Nothing that is locked later (drivers, trucks, trailers) is locked here.

create or replace function muster.audience_of_stop_events(viewed jsonb, at timestamptz) returns text[]
language plpgsql
stable
parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  return array[
    'admins:' || (viewed ->> 'tenant_id'),
    'carrier:' || (viewed ->> 'organization_id'),
    'driver:' || (viewed ->> 'driver_id'),
    'broker:' || (viewed ->> 'broker_organization_id')
  ];
end
$$;
comment on function muster.audience_of_stop_events(jsonb, timestamptz) is 'Who sees a stop event: stop_events_read, as groups.';
grant execute on function muster.audience_of_stop_events(jsonb, timestamptz) to muster_definer;

select muster.follow_table(
  'public.stop_events',
  published => array['id', 'organization_id', 'load_id', 'stop_id', 'assignment_id', 'driver_id', 'broker_organization_id', 'kind',
    'event_point', 'accuracy_meters', 'distance_meters', 'verdict', 'counts', 'recorded_at', 'created_at', 'updated_at'],
  audience => array['tenant_id', 'organization_id', 'driver_id', 'broker_organization_id']
);

-- The point of an address is at a gate or in the middle of a roof. A distribution centre with its yard is up to a kilometre long, and
-- trucks wait for their dock at its edge: within 500 m a truck is there.
create or replace function muster.stop_radius_meters() returns float8
language sql
immutable
parallel safe
return 500;
comment on function muster.stop_radius_meters() is 'How far from the point of a stop a truck may be, and still is there.';

-- One in five seconds: 140 m at 100 km/h. More tell nothing.
create or replace function muster.most_positions_a_minute() returns integer
language sql
immutable
parallel safe
return 12;
comment on function muster.most_positions_a_minute() is 'How many positions of a load a driver reports for one minute of device time.';

-- Drivers tap twice, and a trailer is moved from dock to dock. No stop has a hundred arrivals.
create or replace function muster.most_reports_of_stop() returns integer
language sql
immutable
parallel safe
return 100;
comment on function muster.most_reports_of_stop() is 'How many arrivals, and how many departures, a driver reports of one stop.';

create or replace function muster.broker_on_the_way(load public.loads) returns uuid
language sql
immutable
parallel safe
return case when load.status = 'in_transit' then load.broker_organization_id end;
comment on function muster.broker_on_the_way(public.loads) is
  'The organization of the broker that sees an event of a load that comes now: while the load is in transit.';

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
comment on function muster.load_assignment_at(uuid, uuid, timestamptz) is
  'By which assignment a driver, or co-driver, had a load at that time; a row of nulls for none.';

create or replace function muster.stop_event_refusal(load public.loads, driver uuid, at_time timestamptz) returns text
language plpgsql
volatile
set search_path = pg_catalog, public, pg_temp
as $$
declare
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
    when not muster.is_time_of_load(load, at_time)
      then 'outside_load_window'
    when muster.is_recorded_in_future(at_time)
      then 'recorded_in_future'
  end;
end
$$;
comment on function muster.stop_event_refusal(public.loads, uuid, timestamptz) is
  'The code that refuses a driver''s event of a load at that device time; null for none.';

-- A driver who rests stays where they were; after a day nobody knows.
create or replace function muster.oldest_position() returns interval
language sql
immutable
parallel safe
return interval '24 hours';
comment on function muster.oldest_position() is 'How old the last position of a driver may be, and still says where the driver is.';

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
comment on function muster.last_position(uuid) is 'Where a driver was last, and when; no row when nothing is known of the last day.';

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
comment on function muster.positions_in_minute(uuid, uuid, timestamptz) is
  'The positions of a load that a driver reported for the minute of device time that begins then.';

create or replace function muster.reports_of_stop(of_stop uuid, of_driver uuid, of_kind text) returns bigint
language plpgsql
volatile
set search_path = pg_catalog, public, pg_temp
as $$
begin
  return (
    select count(*) from public.stop_events e where e.stop_id = of_stop and e.kind = of_kind and e.driver_id = of_driver
  );
end
$$;
comment on function muster.reports_of_stop(uuid, uuid, text) is 'The arrivals, or departures, that a driver reported of a stop.';

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
      and (
        assignment.ended_at is null
        or (assignment.ended_as = 'completed' and new.recorded_at <= assignment.ended_at)
        or (
          assignment.ended_as = 'unassigned'
          and exists (
            select from public.load_assignments a
            where a.load_id = load.id and a.ended_at is null and new.driver_id in (a.driver_id, a.co_driver_id)
          )
        )
      ),
    false
  );
  return new;
end
$$;
comment on function muster.tg_stop_events__place() is
  'Whose an event is, and what the database computes of it. Security definer: neither is the client''s to choose.';

create or replace function muster.tg_stop_events__keep() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  perform muster.fail('forbidden');
  return null;
end
$$;
comment on function muster.tg_stop_events__keep() is 'Events are appended: nobody changes what was recorded.';

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
comment on function muster.follow_stop_events(uuid[]) is
  'Stops follow from the set of their events, with their loads locked: the first arrival, and the last departure that is not before it.';

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
  -- What a phone delivers together with the arrival that begins a load.
  update public.stop_events e
  set broker_organization_id = muster.broker_on_the_way(l)
  from public.loads l
  where e.id in (select c.id from created c where c.broker_organization_id is null)
    and l.id = e.load_id
    and muster.broker_on_the_way(l) is not null
    and e.recorded_at >= (select min(s.arrived_at) from public.load_stops s where s.load_id = l.id and s.deleted_at is null);
  return null;
end
$$;
comment on function muster.tg_stop_events__move_stops() is
  'Stops follow their events, loads their stops, and what came with the first arrival is the broker''s to see. Security definer: nobody else writes these.';

-- `items` is an array of {id, kind, stop_id, load_id, latitude, longitude, accuracy_meters, recorded_at}, already of the right types and
-- ranges. Gives for each, in order, {id, status: created | duplicate | rejected, verdict, counts}; a rejected one has a code instead.
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
  if own is null or exists (select from public.drivers d where d.id = own and d.status = 'terminated') then
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
  ), stops as materialized (
    select r.stop_id, r.kind, muster.reports_of_stop(r.stop_id, own, r.kind) as reports
    from (select distinct f.stop_id, f.kind from fresh f where f.kind <> 'position' and f.rule is null) r
  ), judged as materialized (
    select
      f.*,
      case
        when f.rule is not null then f.rule
        when r.reports + row_number() over (partition by f.stop_id, f.kind, f.rule is null order by f.nth) > muster.most_reports_of_stop()
          then 'too_many_stop_events'
        when m.positions
          + row_number() over (partition by f.of_load, f.minute, f.kind, f.rule is null order by f.nth) > muster.most_positions_a_minute()
          then 'too_many_stop_events'
      end as refusal
    from fresh f
    left join minutes m on f.kind = 'position' and m.of_load = f.of_load and m.minute = f.minute
    left join stops r on r.stop_id = f.stop_id and r.kind = f.kind
  ), stored as (
    insert into public.stop_events as e (id, load_id, stop_id, driver_id, kind, event_point, accuracy_meters, recorded_at)
    select j.id, j.of_load, j.stop_id, own, j.kind, st_point(j.longitude, j.latitude)::geography, j.accuracy_meters, j.recorded_at
    from judged j
    where j.refusal is null
    order by j.of_load, j.id
    on conflict do nothing
    returning e.id, e.verdict, e.counts
  )
  select coalesce(jsonb_agg(
    jsonb_strip_nulls(jsonb_build_object(
      'id', g.id,
      'status', o.status,
      'code', case when o.status = 'rejected' then o.code end,
      'verdict', case when o.status <> 'rejected' then coalesce(s.verdict, known.verdict) end,
      'counts', case when o.status <> 'rejected' then coalesce(s.counts, known.counts) end
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
comment on function muster.record_stop_events(jsonb) is
  'Records events of the caller''s loads, one result for each item. Security definer: no caller may say whose an event is.';

-- ---- Triggers ---------------------------------------------------------------------------------------------------------

create or replace trigger a_place before insert on public.stop_events
  for each row execute function muster.tg_stop_events__place();
create or replace trigger a_keep before update on public.stop_events
  for each row when (
    (old.id, old.tenant_id, old.organization_id, old.load_id, old.stop_id, old.assignment_id, old.driver_id, old.kind,
      old.event_point::text, old.accuracy_meters, old.distance_meters, old.verdict, old.counts, old.recorded_at, old.created_at)
    is distinct from
    (new.id, new.tenant_id, new.organization_id, new.load_id, new.stop_id, new.assignment_id, new.driver_id, new.kind,
      new.event_point::text, new.accuracy_meters, new.distance_meters, new.verdict, new.counts, new.recorded_at, new.created_at)
  )
  execute function muster.tg_stop_events__keep();
create or replace trigger move_stops after insert on public.stop_events
  referencing new table as created
  for each statement execute function muster.tg_stop_events__move_stops();

-- ---- Policies ---------------------------------------------------------------------------------------------------------

drop policy if exists stop_events_read on public.stop_events;
create policy stop_events_read on public.stop_events for select to authenticated
  using (
    organization_id = (select muster.carrier_id())
    or broker_organization_id = (select muster.broker_id())
    or driver_id = (select muster.driver_id())
    or tenant_id = (select muster.admin_tenant_id())
  );
comment on policy stop_events_read on public.stop_events is
  'Office and dispatchers those of their carrier; the driver who reported it; users of the broker those that came while the load was in transit; admins. Nobody writes: a function does, with the load locked.';

-- ---- Grants -----------------------------------------------------------------------------------------------------------

grant select on public.stop_events to authenticated;
-- Nobody changes or deletes what was recorded.
grant select, insert on public.stop_events to service_role;
grant select on public.stop_events to muster_definer;
grant insert (id, load_id, stop_id, driver_id, kind, event_point, accuracy_meters, recorded_at) on public.stop_events to muster_definer;
grant update (broker_organization_id) on public.stop_events to muster_definer;

grant execute on function
  muster.stop_radius_meters(),
  muster.most_positions_a_minute(),
  muster.most_reports_of_stop(),
  muster.broker_on_the_way(public.loads),
  muster.load_assignment_at(uuid, uuid, timestamptz),
  muster.oldest_position(),
  muster.last_position(uuid),
  muster.stop_event_refusal(public.loads, uuid, timestamptz),
  muster.positions_in_minute(uuid, uuid, timestamptz),
  muster.reports_of_stop(uuid, uuid, text),
  muster.follow_stop_events(uuid[])
to muster_definer;
-- The API calls it in one statement, which takes on the caller's role after the login was asked for this privilege.
grant execute on function muster.record_stop_events(jsonb) to authenticated, muster_api;

alter function muster.tg_stop_events__place() owner to muster_definer;
alter function muster.tg_stop_events__move_stops() owner to muster_definer;
alter function muster.record_stop_events(jsonb) owner to muster_definer;
