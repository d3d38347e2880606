-- Assignments: who drives which leg of a load, with which truck and trailer.
--
-- * A leg has a driver and a truck, and may have a co-driver (a team) and a trailer. A load has one leg or more: a relay, or another
--   trailer on the way, is a leg with times of its own. A leg that has none has those of the load, and follows them.
-- * A driver is active, has the role for the carrier still, and has the required documents (driver-documents.sql), verified and valid
--   through the last day of the leg; truck and trailer are in service and inspected through it. muster.leg_violations lists everything
--   that speaks against a leg.
-- * A driver alone has time for the whole load, within the hours of service by which they drive (hours-of-service.sql): its driving time, or
--   else its distance, is compared with its window. A team and a leg with times of its own are not judged.
-- * Who plans a load sees everything that speaks against each driver of the carrier, and how far the driver was last from the first
--   pickup: muster.load_candidates.
-- * A driver, whether as driver or co-driver, a truck and a trailer are in one place at a time: each that an assignment in force takes is
--   a row of muster.load_bookings, whose exclusion constraints no path evades.
-- * Whatever decides about them locks their rows first (drivers, trucks, trailers, each by id) and looks afterwards: assignments, loads
--   that move, and the changes that take a driver or a vehicle out of service queue at the row that they are about.
-- * An assignment ends as `completed` (with the load), `unassigned`, or `cancelled` (with the load).
-- * A driver who is suspended gives back the legs of loads that nobody has picked up yet; of the others the carrier is told.
-- * Nobody writes assignments: muster.assign_load and muster.unassign_load do. Brokers see none of them.

create or replace function muster.audience_of_load_assignments(viewed jsonb, at timestamptz) returns text[]
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
    'driver:' || (viewed ->> 'co_driver_id')
  ];
end
$$;
comment on function muster.audience_of_load_assignments(jsonb, timestamptz) is
  'Who sees an assignment: load_assignments_read, as groups.';
grant execute on function muster.audience_of_load_assignments(jsonb, timestamptz) to muster_definer;

select muster.follow_table('muster.load_bookings', trail => 'none');
select muster.follow_table(
  'public.load_assignments',
  published => array['id', 'organization_id', 'load_id', 'leg', 'driver_id', 'co_driver_id', 'truck_id', 'trailer_id', 'leg_starts_at',
    'leg_ends_at', 'starts_at', 'ends_at', 'last_day', 'ended_at', 'ended_as', 'created_at', 'updated_at'],
  audience => array['tenant_id', 'organization_id', 'driver_id', 'co_driver_id']
);

-- Half-open ranges: whoever delivers at noon picks up at noon.
do $$
begin
  if not exists (select from pg_catalog.pg_constraint where conname = 'load_bookings_driver_no_overlap') then
    alter table muster.load_bookings
      add constraint load_bookings_driver_no_overlap
        exclude using gist (booked_id with =, tstzrange(starts_at, ends_at) with &&) where (kind = 'driver'),
      add constraint load_bookings_truck_no_overlap
        exclude using gist (booked_id with =, tstzrange(starts_at, ends_at) with &&) where (kind = 'truck'),
      add constraint load_bookings_trailer_no_overlap
        exclude using gist (booked_id with =, tstzrange(starts_at, ends_at) with &&) where (kind = 'trailer');
  end if;
end
$$;
comment on constraint load_bookings_driver_no_overlap on muster.load_bookings is
  'A driver, or co-driver, drives one load at a time.';
comment on constraint load_bookings_truck_no_overlap on muster.load_bookings is 'A truck is on one load at a time.';
comment on constraint load_bookings_trailer_no_overlap on muster.load_bookings is 'A trailer is on one load at a time.';

create or replace function muster.assignment_json(assignment public.load_assignments) returns jsonb
language sql
stable
parallel safe
return jsonb_build_object(
  'id', assignment.id,
  'load_id', assignment.load_id,
  'leg', assignment.leg,
  'driver_id', assignment.driver_id,
  'co_driver_id', assignment.co_driver_id,
  'truck_id', assignment.truck_id,
  'trailer_id', assignment.trailer_id,
  'starts_at', assignment.starts_at,
  'ends_at', assignment.ends_at,
  'ended_at', assignment.ended_at,
  'ended_as', assignment.ended_as,
  'created_at', assignment.created_at,
  'updated_at', assignment.updated_at
);
comment on function muster.assignment_json(public.load_assignments) is 'An assignment in the form of the API.';

create or replace function muster.drives_load(load uuid) returns boolean
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  own constant uuid := muster.driver_id();
begin
  return exists (
    select from public.load_assignments a
    where a.load_id = load and a.ended_at is null and (a.driver_id = own or a.co_driver_id = own)
  );
end
$$;
comment on function muster.drives_load(uuid) is 'Whether the caller has an assignment of the load that is in force.';

create or replace function muster.lock_booked(drivers uuid[], trucks uuid[], trailers uuid[]) returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  perform from public.drivers d where d.id = any (drivers) order by d.id for no key update;
  perform from public.trucks t where t.id = any (trucks) order by t.id for no key update;
  perform from public.trailers t where t.id = any (trailers) order by t.id for no key update;
end
$$;
comment on function muster.lock_booked(uuid[], uuid[], uuid[]) is 'The queue of each of them, in the one order in which they are locked.';

-- Every reason against each of the drivers, in one query however many they are. In plpgsql, so that its plan is cached.
create or replace function muster.driver_violations(leg public.load_assignments, drivers uuid[])
returns table (driver_id uuid, nth integer, code text)
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return query
    select g.id, v.nth, v.code
    from unnest(drivers) as g (id)
    left join public.drivers d on d.id = g.id and d.organization_id = leg.organization_id and d.deleted_at is null
    cross join lateral (
      select 1 as nth, 'not_found' as code where d.id is null
      union all
      select 2, 'driver_inactive'
      where d.status <> 'active'
        or d.hire_date > leg.last_day
        or d.termination_date < leg.last_day
        or (d.id is not null and not exists (
          select from public.memberships m
          join public.users u on u.id = m.user_id
          where m.user_id = d.user_id and m.organization_id = d.organization_id and m.role = 'driver' and u.deleted_at is null
            and u.suspended_at is null
        ))
      union all
      select 2 + r.nth::integer, r.kind || case when c.id is null then '_missing' else '_expired' end
      from unnest(muster.required_documents()) with ordinality as r (kind, nth)
      left join public.driver_documents c on c.driver_id = d.id and c.kind = r.kind and c.is_verified and c.deleted_at is null
      where d.id is not null
        and (c.id is null or c.expiry_date < leg.last_day or (r.kind = 'license' and d.license_valid_until < leg.last_day))
      union all
      select 90, 'hours_of_service'
      from public.loads l
      where l.id = leg.load_id
        and leg.co_driver_id is null
        and leg.leg_starts_at is null
        and leg.leg_ends_at is null
        and muster.least_span_of_load(l, d.hours_pack, d.home_time_zone) > extract(epoch from leg.ends_at - leg.starts_at)
      union all
      select 100, 'driver_overlap'
      where exists (
        select from muster.load_bookings b
        where b.kind = 'driver'
          and b.booked_id = d.id
          and b.assignment_id <> leg.id
          and tstzrange(b.starts_at, b.ends_at) && tstzrange(leg.starts_at, leg.ends_at)
      )
    ) v;
end
$$;
comment on function muster.driver_violations(public.load_assignments, uuid[]) is
  'Every rule that a leg of a load would break for each of the drivers, the first of the list first by `nth`.';

-- Every reason against a leg as it is given. `detail` is the field that names whom or what the reason is about.
create or replace function muster.leg_violations(leg public.load_assignments) returns table (code text, detail text)
language plpgsql
stable
set search_path = pg_catalog, extensions, public, pg_temp
as $$
declare
  vehicle record;
begin
  return query
    select v.code, g.field
    from (values (1, 'driver_id', leg.driver_id), (2, 'co_driver_id', leg.co_driver_id)) as g (nth, field, id)
    cross join lateral muster.driver_violations(leg, array[g.id]) v
    where g.id is not null
    order by g.nth, v.nth;

  for vehicle in
    select 'truck' as kind, leg.truck_id as given, t.id, t.status, t.inspection_due_on
    from (values (leg.truck_id)) as g (id)
    left join public.trucks t on t.id = g.id and t.organization_id = leg.organization_id and t.deleted_at is null
    union all
    select 'trailer', leg.trailer_id, t.id, t.status, t.inspection_due_on
    from (values (leg.trailer_id)) as g (id)
    left join public.trailers t on t.id = g.id and t.organization_id = leg.organization_id and t.deleted_at is null
  loop
    continue when vehicle.given is null;
    detail := vehicle.kind || '_id';
    if vehicle.id is null then
      code := 'not_found';
      return next;
      continue;
    end if;
    if vehicle.status <> 'in_service' then
      code := 'equipment_out_of_service';
      return next;
    end if;
    if vehicle.inspection_due_on < leg.last_day then
      code := 'inspection_expired';
      return next;
    end if;
    if exists (
      select from muster.load_bookings b
      where b.kind = vehicle.kind
        and b.booked_id = vehicle.id
        and b.assignment_id <> leg.id
        and tstzrange(b.starts_at, b.ends_at) && tstzrange(leg.starts_at, leg.ends_at)
    ) then
      code := vehicle.kind || '_overlap';
      return next;
    end if;
  end loop;
end
$$;
comment on function muster.leg_violations(public.load_assignments) is 'Every rule that a leg of a load would break.';

create or replace function muster.planned_leg(leg public.load_assignments, load public.loads) returns public.load_assignments
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
  leg.load_id := load.id;
  leg.tenant_id := load.tenant_id;
  leg.organization_id := load.organization_id;
  leg.starts_at := coalesce(leg.leg_starts_at, load.starts_at);
  leg.ends_at := coalesce(leg.leg_ends_at, load.ends_at);
  -- Where a leg ends is not known, and nowhere is it a later day than at UTC+14.
  leg.last_day := case
    when leg.leg_ends_at is null then load.last_day
    else least(load.last_day, (leg.leg_ends_at at time zone 'UTC' + interval '14 hours')::date)
  end;
  if leg.starts_at >= leg.ends_at or leg.starts_at < load.starts_at or leg.ends_at > load.ends_at then
    perform muster.fail('leg_outside_load', case when leg.leg_ends_at is null then 'starts_at' else 'ends_at' end);
  end if;
  return leg;
end
$$;
comment on function muster.planned_leg(public.load_assignments, public.loads) is
  'A leg with the times that it has in its load. Refuses one that is not within the load.';

create or replace function muster.load_violations(
  wanted uuid,
  driver uuid,
  truck uuid,
  co_driver uuid default null,
  trailer uuid default null,
  leg_starts_at timestamptz default null,
  leg_ends_at timestamptz default null
) returns table (code text, detail text)
language plpgsql
stable
security definer
set search_path = pg_catalog, extensions, public, pg_temp
as $$
declare
  load public.loads;
  leg public.load_assignments;
begin
  select l.* into load from public.loads l where l.id = wanted;
  if not muster.sees_load(load) then
    perform muster.fail('not_found', 'id');
  elsif not muster.plans_load(load) then
    perform muster.fail('forbidden');
  end if;
  leg.id := gen_random_uuid();
  leg.driver_id := driver;
  leg.truck_id := truck;
  leg.co_driver_id := co_driver;
  leg.trailer_id := trailer;
  leg.leg_starts_at := load_violations.leg_starts_at;
  leg.leg_ends_at := load_violations.leg_ends_at;
  return query select v.code, v.detail from muster.leg_violations(muster.planned_leg(leg, load)) v;
end
$$;
comment on function muster.load_violations(uuid, uuid, uuid, uuid, uuid, timestamptz, timestamptz) is
  'Every rule that an assignment of the load would break, for those who plan it. Security definer: bookings are nobody''s to read.';

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
comment on function muster.load_candidates(uuid, float8) is
  'The drivers of the carrier with everything that speaks against each, and how far each was last from the first pickup, for those who plan the load. Security definer: bookings are nobody''s to read.';

create or replace function muster.assign_load(
  wanted uuid,
  leg integer,
  driver uuid,
  truck uuid,
  co_driver uuid default null,
  trailer uuid default null,
  leg_starts_at timestamptz default null,
  leg_ends_at timestamptz default null
) returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, extensions, public, pg_temp
as $$
declare
  load public.loads := muster.lock_load(wanted, true);
begin
  if load.status not in ('pending', 'assigned', 'in_transit') or exists (
    select from public.load_assignments a where a.load_id = wanted and a.leg = assign_load.leg and a.ended_at is null
  ) then
    perform muster.fail('load_not_open', case when load.status = 'assigned' then 'leg' else 'status' end);
  end if;
  insert into public.load_assignments (
    load_id, leg, driver_id, co_driver_id, truck_id, trailer_id, leg_starts_at, leg_ends_at
  )
  values (
    wanted, assign_load.leg, driver, co_driver, truck, trailer, assign_load.leg_starts_at, assign_load.leg_ends_at
  );
  update public.loads l set status = 'assigned' where l.id = wanted and l.status = 'pending';
  select l.* into load from public.loads l where l.id = wanted;
  return muster.load_json(load);
end
$$;
comment on function muster.assign_load(uuid, integer, uuid, uuid, uuid, uuid, timestamptz, timestamptz) is
  'Assigns a leg of a load as the caller: the load in the form of the API. Security definer: nobody may write an assignment itself.';

create or replace function muster.unassign_load(wanted uuid, leg integer default null) returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, extensions, public, pg_temp
as $$
declare
  load public.loads := muster.lock_load(wanted, true);
begin
  if load.status not in ('assigned', 'in_transit') then
    perform muster.fail('load_state', 'status');
  end if;
  update public.load_assignments a
  set ended_at = now(), ended_as = 'unassigned'
  where a.load_id = wanted and a.ended_at is null and a.leg = coalesce(unassign_load.leg, a.leg);
  if not found then
    perform muster.fail('not_found', 'leg');
  end if;
  if not exists (select from public.load_assignments a where a.load_id = wanted and a.ended_at is null) then
    -- What is on the way stays with somebody: assign another leg first.
    if load.status = 'in_transit' then
      perform muster.fail('load_state', 'leg');
    end if;
    update public.loads l set status = 'pending' where l.id = wanted;
  end if;
  select l.* into load from public.loads l where l.id = wanted;
  return muster.load_json(load);
end
$$;
comment on function muster.unassign_load(uuid, integer) is
  'Ends the assignment of a leg, or of all, as the caller: the load in the form of the API. Security definer: as assign_load.';

create or replace function muster.move_legs(load public.loads) returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  perform muster.lock_booked(
    array(
      select v.id from public.load_assignments a cross join lateral (values (a.driver_id), (a.co_driver_id)) as v (id)
      where a.load_id = load.id and a.ended_at is null
    ),
    array(select a.truck_id from public.load_assignments a where a.load_id = load.id and a.ended_at is null),
    array(select a.trailer_id from public.load_assignments a where a.load_id = load.id and a.ended_at is null)
  );
  perform muster.planned_leg(a, load) from public.load_assignments a where a.load_id = load.id and a.ended_at is null;
  update public.load_assignments a
  set starts_at = coalesce(a.leg_starts_at, load.starts_at),
      ends_at = coalesce(a.leg_ends_at, load.ends_at),
      last_day = case when a.leg_ends_at is null then load.last_day else a.last_day end
  where a.load_id = load.id and a.ended_at is null;
end
$$;
comment on function muster.move_legs(public.loads) is 'The legs of a load that moved move with it, or refuse.';

create or replace function muster.notify_drivers(assignment public.load_assignments, notification_type text) returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  insert into public.notifications (tenant_id, user_id, type, data)
  select d.tenant_id, d.user_id, notification_type, jsonb_build_object(
    'load_id', l.id,
    'reference', l.reference,
    'starts_at', assignment.starts_at,
    'ends_at', assignment.ends_at,
    'cancel_reason', l.cancel_reason
  )
  from public.drivers d
  join public.loads l on l.id = assignment.load_id
  where d.id in (assignment.driver_id, assignment.co_driver_id);
end
$$;
comment on function muster.notify_drivers(public.load_assignments, text) is 'A notification for the driver and the co-driver.';

create or replace function muster.suspension_of_freight(account uuid) returns void
language plpgsql
volatile
set search_path = pg_catalog, extensions, public, pg_temp
as $$
declare
  suspended constant uuid[] := array(
    select d.id from public.drivers d where d.user_id = account and d.deleted_at is null order by d.id
  );
  load public.loads;
begin
  -- Twice: an assignment that was under way has locked the driver, and is seen once it is committed. A later one finds the user
  -- suspended. A load is locked before its drivers, as everywhere.
  for attempt in 1..2 loop
    for load in
      select l.* from public.loads l
      where l.status = 'assigned' and l.driver_ids && suspended and l.deleted_at is null
      order by l.id
      for no key update
    loop
      update public.load_assignments a
      set ended_at = now(), ended_as = 'unassigned'
      where a.load_id = load.id and a.ended_at is null and (a.driver_id = any (suspended) or a.co_driver_id = any (suspended));
      continue when not found;
      if not exists (select from public.load_assignments a where a.load_id = load.id and a.ended_at is null) then
        update public.loads l set status = 'pending' where l.id = load.id;
      end if;
      perform muster.notify_carrier(load, 'load_unassigned');
    end loop;
    perform muster.lock_booked(suspended, '{}', '{}');
  end loop;
  for load in
    select l.* from public.loads l
    where l.status = 'in_transit' and l.driver_ids && suspended and l.deleted_at is null
    order by l.id
  loop
    perform muster.notify_carrier(load, 'load_driver_suspended');
  end loop;
end
$$;
comment on function muster.suspension_of_freight(uuid) is
  'Unassigns what a suspended driver has not picked up yet, and tells the carrier; also of what is on the way. For muster.suspend_user.';

create or replace function muster.notify_carrier(load public.loads, notification_type text) returns void
language sql
volatile
set search_path = pg_catalog, pg_temp
begin atomic
  insert into public.notifications (tenant_id, user_id, type, data)
  select load.tenant_id, told.id, notification_type, jsonb_build_object(
    'load_id', load.id,
    'reference', load.reference,
    'starts_at', load.starts_at,
    'ends_at', load.ends_at
  )
  from (
    select muster.members_as('office', load.organization_id)
    union
    select muster.members_as('dispatcher', load.organization_id)
  ) told (id);
end;
comment on function muster.notify_carrier(public.loads, text) is 'A notification for whoever plans for the carrier of a load.';

create or replace function muster.tg_load_assignments__plan() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, extensions, public, pg_temp
as $$
declare
  load public.loads;
  violation record;
begin
  perform muster.require_read_committed();
  select l.* into load from public.loads l where l.id = new.load_id for no key update;
  if not found then
    perform muster.fail('not_found', 'load_id');
  end if;
  new := muster.planned_leg(new, load);
  if new.ended_at is not null then
    return new;
  end if;
  perform muster.lock_booked(array[new.driver_id, new.co_driver_id], array[new.truck_id], array[new.trailer_id]);
  select v.code, v.detail into violation from muster.leg_violations(new) v limit 1;
  if found then
    perform muster.fail(violation.code, violation.detail);
  end if;
  return new;
end
$$;
comment on function muster.tg_load_assignments__plan() is
  'Locks whom and what a leg takes, and refuses what a rule is against. Security definer: bookings are nobody''s to read.';

create or replace function muster.tg_load_assignments__book() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, extensions, public, pg_temp
as $$
begin
  if tg_op = 'UPDATE' then
    delete from muster.load_bookings b where b.assignment_id = new.id;
  end if;
  if new.ended_at is null then
    insert into muster.load_bookings (assignment_id, kind, booked_id, tenant_id, organization_id, starts_at, ends_at)
    select new.id, b.kind, b.id, new.tenant_id, new.organization_id, new.starts_at, new.ends_at
    from (
      values ('driver', new.driver_id), ('driver', new.co_driver_id), ('truck', new.truck_id), ('trailer', new.trailer_id)
    ) as b (kind, id)
    where b.id is not null;
  end if;

  if tg_op = 'INSERT' or (old.driver_id, old.co_driver_id, old.ended_as) is distinct from (new.driver_id, new.co_driver_id, new.ended_as) then
    update public.loads l
    set driver_ids = d.ids
    from (
      select array(
        select distinct v.id
        from public.load_assignments a
        cross join lateral (values (a.driver_id), (a.co_driver_id)) as v (id)
        where a.load_id = new.load_id and v.id is not null and a.ended_as is distinct from 'unassigned'
        order by v.id
      ) as ids
    ) as d
    where l.id = new.load_id and l.driver_ids <> d.ids;
  end if;

  if tg_op = 'INSERT' then
    if new.ended_at is null then
      perform muster.notify_drivers(new, 'load_assigned');
    end if;
  elsif new.ended_as is distinct from old.ended_as then
    if new.ended_as in ('unassigned', 'cancelled') then
      perform muster.notify_drivers(new, 'load_' || new.ended_as);
    end if;
  elsif new.ended_at is null and (new.starts_at, new.ends_at) <> (old.starts_at, old.ends_at) then
    perform muster.notify_drivers(new, 'load_changed');
  end if;
  return null;
end
$$;
comment on function muster.tg_load_assignments__book() is
  'What an assignment in force takes, who drives its load, and what drivers are told. Security definer: nobody else writes these.';

-- ---- Drivers, trucks and trailers -------------------------------------------------------------------------------------

create or replace function muster.tg_drivers__check_use() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform muster.require_read_committed();
  if exists (
    select from muster.load_bookings b
    join public.load_assignments a on a.id = b.assignment_id
    where b.kind = 'driver'
      and b.booked_id = new.id
      and (
        new.status <> 'active' or new.deleted_at is not null or new.license_valid_until < a.last_day
        or new.termination_date < a.last_day or new.hire_date > a.last_day
      )
  ) then
    perform muster.fail('driver_in_use');
  end if;
  return new;
end
$$;
comment on function muster.tg_drivers__check_use() is
  'A driver who has a load stays able to drive it. Security definer: bookings are nobody''s to read.';

create or replace function muster.tg_check_vehicle_use() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform muster.require_read_committed();
  if exists (
    select from muster.load_bookings b
    join public.load_assignments a on a.id = b.assignment_id
    where b.kind = case tg_table_name when 'trucks' then 'truck' else 'trailer' end
      and b.booked_id = new.id
      and (new.status <> 'in_service' or new.deleted_at is not null or new.inspection_due_on < a.last_day)
  ) then
    perform muster.fail('equipment_in_use');
  end if;
  return new;
end
$$;
comment on function muster.tg_check_vehicle_use() is
  'A truck or trailer that a load has stays in service. Security definer: bookings are nobody''s to read.';

create or replace trigger b_check_use before update on public.drivers
  for each row when (
    (old.status, old.deleted_at, old.license_valid_until, old.termination_date, old.hire_date)
    is distinct from (new.status, new.deleted_at, new.license_valid_until, new.termination_date, new.hire_date)
  )
  execute function muster.tg_drivers__check_use();
create or replace trigger b_check_use before update on public.trucks
  for each row when (
    (old.status, old.deleted_at, old.inspection_due_on) is distinct from (new.status, new.deleted_at, new.inspection_due_on)
  )
  execute function muster.tg_check_vehicle_use();
create or replace trigger b_check_use before update on public.trailers
  for each row when (
    (old.status, old.deleted_at, old.inspection_due_on) is distinct from (new.status, new.deleted_at, new.inspection_due_on)
  )
  execute function muster.tg_check_vehicle_use();

-- ---- Triggers ---------------------------------------------------------------------------------------------------------

create or replace trigger a_plan_on_insert before insert on public.load_assignments
  for each row execute function muster.tg_load_assignments__plan();
create or replace trigger a_plan_on_update before update on public.load_assignments
  for each row when (
    new.ended_at is null
    and (old.driver_id, old.co_driver_id, old.truck_id, old.trailer_id, old.starts_at, old.ends_at, old.last_day, old.ended_at)
    is distinct from (new.driver_id, new.co_driver_id, new.truck_id, new.trailer_id, new.starts_at, new.ends_at, new.last_day, new.ended_at)
  )
  execute function muster.tg_load_assignments__plan();
create or replace trigger book after insert or update on public.load_assignments
  for each row execute function muster.tg_load_assignments__book();

-- ---- Policies ---------------------------------------------------------------------------------------------------------

drop policy if exists load_assignments_read on public.load_assignments;
create policy load_assignments_read on public.load_assignments for select to authenticated
  using (
    organization_id = (select muster.carrier_id())
    or driver_id = (select muster.driver_id())
    or co_driver_id = (select muster.driver_id())
    or tenant_id = (select muster.admin_tenant_id())
  );
comment on policy load_assignments_read on public.load_assignments is
  'Office and dispatchers those of their carrier; driver and co-driver; admins. Nobody writes: functions do, with the load locked.';

-- ---- Grants -----------------------------------------------------------------------------------------------------------

grant select on public.load_assignments to authenticated;
grant select, insert, update, delete on public.load_assignments to service_role;
grant select, insert, update on public.load_assignments to muster_definer;
grant select, insert, delete on muster.load_bookings to muster_definer;

grant execute on function
  muster.drives_load(uuid),
  muster.lock_booked(uuid[], uuid[], uuid[]),
  muster.driver_violations(public.load_assignments, uuid[]),
  muster.leg_violations(public.load_assignments),
  muster.planned_leg(public.load_assignments, public.loads),
  muster.move_legs(public.loads),
  muster.notify_drivers(public.load_assignments, text),
  muster.notify_carrier(public.loads, text),
  muster.suspension_of_freight(uuid)
to muster_definer;
-- The query of a load shows its assignments so.
grant execute on function muster.assignment_json(public.load_assignments) to authenticated, muster_definer;
grant execute on function
  muster.load_candidates(uuid, float8),
  muster.load_violations(uuid, uuid, uuid, uuid, uuid, timestamptz, timestamptz)
to authenticated;
-- The API calls them in one statement, which takes on the caller's role after the login was asked for this privilege.
grant execute on function
  muster.assign_load(uuid, integer, uuid, uuid, uuid, uuid, timestamptz, timestamptz),
  muster.unassign_load(uuid, integer)
to authenticated, muster_api;

alter function muster.load_candidates(uuid, float8) owner to muster_definer;
alter function muster.load_violations(uuid, uuid, uuid, uuid, uuid, timestamptz, timestamptz) owner to muster_definer;
alter function muster.assign_load(uuid, integer, uuid, uuid, uuid, uuid, timestamptz, timestamptz) owner to muster_definer;
alter function muster.unassign_load(uuid, integer) owner to muster_definer;
alter function muster.tg_load_assignments__plan() owner to muster_definer;
alter function muster.tg_load_assignments__book() owner to muster_definer;
alter function muster.tg_drivers__check_use() owner to muster_definer;
alter function muster.tg_check_vehicle_use() owner to muster_definer;
