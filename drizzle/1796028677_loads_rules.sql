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
  'driver_inactive', 'MU410',
  'license_expired', 'MU411',
  'equipment_out_of_service', 'MU412',
  'inspection_expired', 'MU413',
  'leg_outside_load', 'MU414',
  'stops_invalid', 'MU415',
  'stop_in_future', 'MU416'
);
--> statement-breakpoint
create or replace function muster.audience_of_load_assignments(viewed jsonb, at timestamptz) returns text[]
language sql
stable
parallel safe
set search_path = pg_catalog, pg_temp
return array[
  'admins:' || (viewed ->> 'tenant_id'),
  'carrier:' || (viewed ->> 'organization_id'),
  'driver:' || (viewed ->> 'driver_id'),
  'driver:' || (viewed ->> 'co_driver_id')
];
--> statement-breakpoint
create policy internal on muster.load_bookings for all to service_role, muster_definer
  using (true)
  with check (true);
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.seen_of_load_assignments(changes jsonb)
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return (
    select jsonb_object_agg(c.nth, jsonb_build_object(
      'audience', case when true then array_remove(
        muster.audience_of_load_assignments((c.value -> 'image') || jsonb_build_object('tenant_id', r.tenant_id), clock_timestamp()), null
      ) else '{}' end,
      'filled', case when c.value ? 'lacks' and to_jsonb(r) || (c.value -> 'image') = to_jsonb(r) then (
        select jsonb_object_agg(l.name, (to_jsonb(r) -> l.name)::text)
        from jsonb_array_elements_text(c.value -> 'lacks') as l (name)
      ) end
    ))
    from jsonb_array_elements(changes) with ordinality as c (value, nth)
    join public.load_assignments r on r.id = (c.value #>> '{image,id}')::uuid
    where c.value ->> 'relation' = 'load_assignments'
  );
end
$function$;
--> statement-breakpoint
CREATE TRIGGER edit_trail BEFORE INSERT OR UPDATE ON public.load_assignments FOR EACH ROW EXECUTE FUNCTION muster.set_edit_trail();
--> statement-breakpoint
CREATE TRIGGER z_stamp_change BEFORE INSERT OR UPDATE ON public.load_assignments FOR EACH ROW EXECUTE FUNCTION muster.tg_stamp_change();
--> statement-breakpoint
CREATE TRIGGER note_departure_on_delete AFTER DELETE ON public.load_assignments FOR EACH ROW EXECUTE FUNCTION muster.tg_note_departure();
--> statement-breakpoint
CREATE TRIGGER note_departure_on_update AFTER UPDATE ON public.load_assignments FOR EACH ROW WHEN (((old.tenant_id IS DISTINCT FROM new.tenant_id) OR (old.organization_id IS DISTINCT FROM new.organization_id) OR (old.driver_id IS DISTINCT FROM new.driver_id) OR (old.co_driver_id IS DISTINCT FROM new.co_driver_id))) EXECUTE FUNCTION muster.tg_note_departure();
--> statement-breakpoint
create policy internal on public.load_assignments for all to service_role, muster_definer
  using (true)
  with check (true);
--> statement-breakpoint
alter publication supabase_realtime add table public.load_assignments (co_driver_id, created_at, driver_id, ended_as, ended_at, ends_at, id, last_day, leg, leg_ends_at, leg_starts_at, load_id, organization_id, starts_at, trailer_id, truck_id, updated_at);
--> statement-breakpoint
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
--> statement-breakpoint
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
--> statement-breakpoint
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
--> statement-breakpoint
-- Every reason against a leg as it is given. `detail` is the field that names whom or what the reason is about.
create or replace function muster.leg_violations(leg public.load_assignments) returns table (code text, detail text)
language plpgsql
stable
set search_path = pg_catalog, extensions, public, pg_temp
as $$
declare
  person record;
  vehicle record;
begin
  for person in
    select g.field, d.id, d.status, d.hire_date, d.termination_date, d.license_valid_until, exists (
      select from public.memberships m
      join public.users u on u.id = m.user_id
      where m.user_id = d.user_id and m.organization_id = d.organization_id and m.role = 'driver' and u.deleted_at is null
    ) as is_member
    from (values (1, 'driver_id', leg.driver_id), (2, 'co_driver_id', leg.co_driver_id)) as g (nth, field, id)
    left join public.drivers d on d.id = g.id and d.organization_id = leg.organization_id and d.deleted_at is null
    where g.id is not null
    order by g.nth
  loop
    detail := person.field;
    if person.id is null then
      code := 'not_found';
      return next;
      continue;
    end if;
    if person.status <> 'active' or not person.is_member or person.hire_date > leg.last_day or person.termination_date < leg.last_day then
      code := 'driver_inactive';
      return next;
    end if;
    if person.license_valid_until < leg.last_day then
      code := 'license_expired';
      return next;
    end if;
    if exists (
      select from muster.load_bookings b
      where b.kind = 'driver'
        and b.booked_id = person.id
        and b.assignment_id <> leg.id
        and tstzrange(b.starts_at, b.ends_at) && tstzrange(leg.starts_at, leg.ends_at)
    ) then
      code := 'driver_overlap';
      return next;
    end if;
  end loop;

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
--> statement-breakpoint
create or replace function muster.planned_leg(leg public.load_assignments, load public.loads) returns public.load_assignments
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
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
--> statement-breakpoint
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
--> statement-breakpoint
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
--> statement-breakpoint
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
--> statement-breakpoint
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
--> statement-breakpoint
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
--> statement-breakpoint
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
--> statement-breakpoint
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
--> statement-breakpoint
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
--> statement-breakpoint
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
--> statement-breakpoint
create or replace trigger b_check_use before update on public.drivers
  for each row when (
    (old.status, old.deleted_at, old.license_valid_until, old.termination_date, old.hire_date)
    is distinct from (new.status, new.deleted_at, new.license_valid_until, new.termination_date, new.hire_date)
  )
  execute function muster.tg_drivers__check_use();
--> statement-breakpoint
create or replace trigger b_check_use before update on public.trucks
  for each row when (
    (old.status, old.deleted_at, old.inspection_due_on) is distinct from (new.status, new.deleted_at, new.inspection_due_on)
  )
  execute function muster.tg_check_vehicle_use();
--> statement-breakpoint
create or replace trigger b_check_use before update on public.trailers
  for each row when (
    (old.status, old.deleted_at, old.inspection_due_on) is distinct from (new.status, new.deleted_at, new.inspection_due_on)
  )
  execute function muster.tg_check_vehicle_use();
--> statement-breakpoint
create or replace trigger a_plan_on_insert before insert on public.load_assignments
  for each row execute function muster.tg_load_assignments__plan();
--> statement-breakpoint
create or replace trigger a_plan_on_update before update on public.load_assignments
  for each row when (
    new.ended_at is null
    and (old.driver_id, old.co_driver_id, old.truck_id, old.trailer_id, old.starts_at, old.ends_at, old.last_day, old.ended_at)
    is distinct from (new.driver_id, new.co_driver_id, new.truck_id, new.trailer_id, new.starts_at, new.ends_at, new.last_day, new.ended_at)
  )
  execute function muster.tg_load_assignments__plan();
--> statement-breakpoint
create or replace trigger book after insert or update on public.load_assignments
  for each row execute function muster.tg_load_assignments__book();
--> statement-breakpoint
create policy load_assignments_read on public.load_assignments for select to authenticated
  using (
    organization_id = (select muster.carrier_id())
    or driver_id = (select muster.driver_id())
    or co_driver_id = (select muster.driver_id())
    or tenant_id = (select muster.admin_tenant_id())
  );
--> statement-breakpoint
create or replace function muster.audience_of_load_stops(viewed jsonb, at timestamptz) returns text[]
language sql
stable
parallel safe
set search_path = pg_catalog, pg_temp
return array[
  'admins:' || (viewed ->> 'tenant_id'),
  'carrier:' || (viewed ->> 'organization_id'),
  'broker:' || (viewed ->> 'broker_organization_id')
] || array(select 'driver:' || d.id from jsonb_array_elements_text(viewed -> 'driver_ids') as d (id));
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.seen_of_load_stops(changes jsonb)
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return (
    select jsonb_object_agg(c.nth, jsonb_build_object(
      'audience', case when r.deleted_at is null then array_remove(
        muster.audience_of_load_stops((c.value -> 'image') || jsonb_build_object('tenant_id', r.tenant_id), clock_timestamp()), null
      ) else '{}' end,
      'filled', case when c.value ? 'lacks' and to_jsonb(r) || (c.value -> 'image') = to_jsonb(r) then (
        select jsonb_object_agg(l.name, (to_jsonb(r) -> l.name)::text)
        from jsonb_array_elements_text(c.value -> 'lacks') as l (name)
      ) end
    ))
    from jsonb_array_elements(changes) with ordinality as c (value, nth)
    join public.load_stops r on r.id = (c.value #>> '{image,id}')::uuid
    where c.value ->> 'relation' = 'load_stops'
  );
end
$function$;
--> statement-breakpoint
CREATE TRIGGER edit_trail BEFORE INSERT OR UPDATE ON public.load_stops FOR EACH ROW EXECUTE FUNCTION muster.set_edit_trail();
--> statement-breakpoint
CREATE TRIGGER z_stamp_change BEFORE INSERT OR UPDATE ON public.load_stops FOR EACH ROW EXECUTE FUNCTION muster.tg_stamp_change();
--> statement-breakpoint
CREATE TRIGGER note_departure_on_delete AFTER DELETE ON public.load_stops FOR EACH ROW EXECUTE FUNCTION muster.tg_note_departure();
--> statement-breakpoint
CREATE TRIGGER note_departure_on_update AFTER UPDATE ON public.load_stops FOR EACH ROW WHEN (((old.tenant_id IS DISTINCT FROM new.tenant_id) OR (old.organization_id IS DISTINCT FROM new.organization_id) OR (old.broker_organization_id IS DISTINCT FROM new.broker_organization_id) OR (old.driver_ids IS DISTINCT FROM new.driver_ids) OR (old.deleted_at IS DISTINCT FROM new.deleted_at))) EXECUTE FUNCTION muster.tg_note_departure();
--> statement-breakpoint
create policy internal on public.load_stops for all to service_role, muster_definer
  using (true)
  with check (true);
--> statement-breakpoint
alter publication supabase_realtime add table public.load_stops (address, arrived_at, broker_organization_id, created_at, departed_at, driver_ids, id, kind, load_id, name, organization_id, "position", stop_point, time_zone, updated_at, window_ends_at, window_starts_at);
--> statement-breakpoint
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
--> statement-breakpoint
-- A stop that ends at midnight ends with the day before: it takes no moment of the next one. At UTC+14 where the zone is not known (the
-- stop itself is refused then).
create or replace function muster.local_day(ends_at timestamptz, zone text) returns date
language sql
stable
parallel safe
set search_path = pg_catalog, pg_temp
return (ends_at - interval '1 microsecond') at time zone coalesce(muster.canonical_time_zone(zone), 'Etc/GMT-14');
--> statement-breakpoint
create or replace function muster.window_of_stops(stops jsonb, out starts_at timestamptz, out ends_at timestamptz, out last_day date)
language sql
stable
set search_path = pg_catalog, pg_temp
begin atomic
  select min(s.window_starts_at), max(s.window_ends_at), max(muster.local_day(s.window_ends_at, s.time_zone))
  from jsonb_to_recordset(stops) as s (window_starts_at timestamptz, window_ends_at timestamptz, time_zone text);
end;
--> statement-breakpoint
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
--> statement-breakpoint
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
$$;
--> statement-breakpoint
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
--> statement-breakpoint
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
--> statement-breakpoint
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
--> statement-breakpoint
create or replace trigger a_copy_load before insert on public.load_stops
  for each row execute function muster.tg_load_stops__copy_load();
--> statement-breakpoint
create or replace trigger b_name_time_zone_on_insert before insert on public.load_stops
  for each row execute function muster.tg_load_stops__name_time_zone();
--> statement-breakpoint
create or replace trigger b_name_time_zone_on_update before update on public.load_stops
  for each row when (old.time_zone is distinct from new.time_zone)
  execute function muster.tg_load_stops__name_time_zone();
--> statement-breakpoint
create or replace trigger lead_load_on_insert after insert on public.load_stops
  referencing new table as changed
  for each statement execute function muster.tg_load_stops__lead_load();
--> statement-breakpoint
create or replace trigger lead_load_on_update after update on public.load_stops
  referencing new table as changed
  for each statement execute function muster.tg_load_stops__lead_load();
--> statement-breakpoint
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
--> statement-breakpoint
create or replace function muster.audience_of_loads(viewed jsonb, at timestamptz) returns text[]
language sql
stable
parallel safe
set search_path = pg_catalog, pg_temp
return array[
  'admins:' || (viewed ->> 'tenant_id'),
  'carrier:' || (viewed ->> 'organization_id'),
  'broker:' || (viewed ->> 'broker_organization_id')
] || array(select 'driver:' || d.id from jsonb_array_elements_text(viewed -> 'driver_ids') as d (id));
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.seen_of_loads(changes jsonb)
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return (
    select jsonb_object_agg(c.nth, jsonb_build_object(
      'audience', case when r.deleted_at is null then array_remove(
        muster.audience_of_loads((c.value -> 'image') || jsonb_build_object('tenant_id', r.tenant_id), clock_timestamp()), null
      ) else '{}' end,
      'filled', case when c.value ? 'lacks' and to_jsonb(r) || (c.value -> 'image') = to_jsonb(r) then (
        select jsonb_object_agg(l.name, (to_jsonb(r) -> l.name)::text)
        from jsonb_array_elements_text(c.value -> 'lacks') as l (name)
      ) end
    ))
    from jsonb_array_elements(changes) with ordinality as c (value, nth)
    join public.loads r on r.id = (c.value #>> '{image,id}')::uuid
    where c.value ->> 'relation' = 'loads'
  );
end
$function$;
--> statement-breakpoint
CREATE TRIGGER edit_trail BEFORE INSERT OR UPDATE ON public.loads FOR EACH ROW EXECUTE FUNCTION muster.set_edit_trail();
--> statement-breakpoint
CREATE TRIGGER soft_delete BEFORE DELETE ON public.loads FOR EACH ROW EXECUTE FUNCTION muster.tg_soft_delete();
--> statement-breakpoint
CREATE TRIGGER z_stamp_change BEFORE INSERT OR UPDATE ON public.loads FOR EACH ROW EXECUTE FUNCTION muster.tg_stamp_change();
--> statement-breakpoint
CREATE TRIGGER note_departure_on_delete AFTER DELETE ON public.loads FOR EACH ROW EXECUTE FUNCTION muster.tg_note_departure();
--> statement-breakpoint
CREATE TRIGGER note_departure_on_update AFTER UPDATE ON public.loads FOR EACH ROW WHEN (((old.tenant_id IS DISTINCT FROM new.tenant_id) OR (old.organization_id IS DISTINCT FROM new.organization_id) OR (old.broker_organization_id IS DISTINCT FROM new.broker_organization_id) OR (old.driver_ids IS DISTINCT FROM new.driver_ids) OR (old.deleted_at IS DISTINCT FROM new.deleted_at))) EXECUTE FUNCTION muster.tg_note_departure();
--> statement-breakpoint
create policy internal on public.loads for all to service_role, muster_definer
  using (true)
  with check (true);
--> statement-breakpoint
alter publication supabase_realtime add table public.loads (broker_id, broker_organization_id, cancel_reason, created_at, currency, dispatcher_id, distance, distance_unit, driver_ids, ends_at, id, is_factored, last_day, organization_id, rate, reference, starts_at, status, updated_at);
--> statement-breakpoint
-- The policies of `loads` once more, for functions that write for the caller. A test holds them alike.
create or replace function muster.plans_load(load public.loads) returns boolean
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return coalesce(load.organization_id = muster.carrier_id() or load.tenant_id = muster.admin_tenant_id(), false);
end
$$;
--> statement-breakpoint
create or replace function muster.sees_load(load public.loads) returns boolean
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return load.deleted_at is null and coalesce(
    muster.plans_load(load)
    or load.broker_organization_id = muster.broker_id()
    or muster.driver_id() = any (load.driver_ids),
    false
  );
end
$$;
--> statement-breakpoint
create or replace function muster.lock_load(wanted uuid, only_planners boolean) returns public.loads
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  load public.loads;
begin
  perform muster.require_read_committed();
  -- Only what the caller sees is locked.
  select l.* into load from public.loads l where l.id = wanted and muster.sees_load(l) for no key update;
  if not found then
    perform muster.fail('not_found', 'id');
  elsif only_planners and not muster.plans_load(load) then
    perform muster.fail('forbidden');
  end if;
  return load;
end
$$;
--> statement-breakpoint
create or replace function muster.load_json(load public.loads) returns jsonb
language sql
stable
parallel safe
return jsonb_build_object(
  'id', load.id,
  'organization_id', load.organization_id,
  'broker_id', load.broker_id,
  'broker_organization_id', load.broker_organization_id,
  'dispatcher_id', load.dispatcher_id,
  'reference', load.reference,
  'status', load.status,
  'rate', load.rate,
  'distance', load.distance,
  'currency', load.currency,
  'distance_unit', load.distance_unit,
  'is_factored', load.is_factored,
  'metadata', load.metadata,
  'starts_at', load.starts_at,
  'ends_at', load.ends_at,
  'last_day', load.last_day,
  'driver_ids', load.driver_ids,
  'cancel_reason', load.cancel_reason,
  'created_at', load.created_at,
  'updated_at', load.updated_at
);
--> statement-breakpoint
-- One step of a load by hand. The trigger has the order of the steps; this says who may take which.
create or replace function muster.move_load(wanted uuid, next_status text, reason text default null) returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, extensions, public, pg_temp
as $$
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
$$;
--> statement-breakpoint
-- All or none, as muster.create_shifts: `items` is an array of loads with every member of the insert below, each with its `stops` in order.
-- Gives {"loads": [...]} in order, or, with nothing created, {"refused": [{index, sqlstate, constraint, hint}]}.
create or replace function muster.create_loads(items jsonb) returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, extensions, public, pg_temp
as $$
declare
  own constant uuid := muster.carrier_id();
  administered constant uuid := muster.admin_tenant_id();
  created jsonb;
  refused jsonb := '[]';
  answer jsonb;
  state text;
  constraint_ text;
  hint_ text;
begin
  begin
    if exists (
      select from jsonb_array_elements(items) as e (item)
      left join public.organizations o on o.id = coalesce((e.item ->> 'organization_id')::uuid, own)
      where coalesce(o.id = own or o.tenant_id = administered, false) is false
    ) then
      perform muster.fail('forbidden', 'organization_id');
    end if;
    with given as materialized (
      select muster.uuid_v7() as id, e.nth, e.item -> 'stops' as stops, i.*, w.*
      from jsonb_array_elements(items) with ordinality as e (item, nth)
      cross join lateral jsonb_to_record(e.item) as i (
        organization_id uuid, broker_id uuid, dispatcher_id uuid, reference text, rate numeric, distance numeric, currency text,
        distance_unit text, metadata jsonb
      )
      cross join lateral muster.window_of_stops(e.item -> 'stops') as w
    ), inserted as (
      insert into public.loads as l (
        id, organization_id, broker_id, dispatcher_id, reference, rate, distance, currency, distance_unit, metadata, starts_at, ends_at,
        last_day
      )
      select g.id, coalesce(g.organization_id, own), g.broker_id,
             coalesce(g.dispatcher_id, case when coalesce(g.organization_id, own) = own then muster.user_id() end),
             g.reference, g.rate, g.distance, g.currency, g.distance_unit, coalesce(g.metadata, '{}'), g.starts_at, g.ends_at, g.last_day
      from given g
      -- Brokers are locked in one order.
      order by g.broker_id, g.nth
      returning l.id, l as load
    )
    select
      coalesce(jsonb_agg(muster.load_json(i.load) order by g.nth), '[]'),
      coalesce(jsonb_agg(jsonb_build_object('load_id', g.id, 'stops', g.stops) order by g.nth), '[]')
    into created, answer
    from inserted i
    join given g on g.id = i.id;
    perform muster.insert_stops(answer);
    return jsonb_build_object('loads', created);
  exception
    when others then
      get stacked diagnostics
        state = returned_sqlstate, constraint_ = constraint_name, hint_ = pg_exception_hint;
      if not muster.is_refusal(state) then
        raise;
      end if;
  end;
  if jsonb_array_length(items) = 1 then
    return jsonb_build_object('refused', jsonb_build_array(
      jsonb_build_object('index', 0, 'sqlstate', state, 'constraint', constraint_, 'hint', hint_)
    ));
  end if;

  -- Which ones? Each is tried by itself, and what that creates is undone.
  created := '[]';
  begin
    for nth in 0 .. jsonb_array_length(items) - 1 loop
      answer := muster.create_loads(jsonb_build_array(items -> nth));
      created := created || coalesce(answer -> 'loads', '[]');
      if answer ? 'refused' then
        refused := refused || jsonb_set(answer #> '{refused,0}', '{index}', to_jsonb(nth));
      end if;
    end loop;
    if refused <> '[]' then
      raise sqlstate 'MU000';
    end if;
  exception
    when sqlstate 'MU000' then
      return jsonb_build_object('refused', refused);
  end;
  return jsonb_build_object('loads', created);
end
$$;
--> statement-breakpoint
create or replace function muster.tg_loads__copy_broker() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  -- The lock keeps the record, and whom it names, until this load is committed; what changes there then meets the load.
  select b.broker_organization_id, b.payment_terms = 'factoring' into new.broker_organization_id, new.is_factored
  from public.brokers b
  where b.id = new.broker_id and b.organization_id = new.organization_id and b.deleted_at is null
  for share;
  if not found then
    perform muster.fail('not_found', 'broker_id');
  end if;
  return new;
end
$$;
--> statement-breakpoint
create or replace function muster.tg_loads__check_dispatcher() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if not exists (
    select from public.memberships m
    join public.users u on u.id = m.user_id
    where m.user_id = new.dispatcher_id
      and m.organization_id = new.organization_id
      and m.role in ('office', 'dispatcher')
      and u.deleted_at is null
  ) then
    perform muster.fail('not_found', 'dispatcher_id');
  end if;
  return new;
end
$$;
--> statement-breakpoint
create or replace function muster.tg_loads__check_transition() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if new.status <> old.status then
    if (old.status, new.status) not in (
      ('pending', 'assigned'),
      ('assigned', 'pending'),
      ('assigned', 'in_transit'),
      ('in_transit', 'delivered'),
      ('delivered', 'invoiced'),
      ('invoiced', 'paid'),
      ('pending', 'cancelled'),
      ('assigned', 'cancelled'),
      ('in_transit', 'cancelled')
    ) then
      perform muster.fail('load_state', 'status');
    end if;
  elsif old.status in ('invoiced', 'paid', 'cancelled')
    and to_jsonb(new) - '{updated_at,updated_by,deleted_at,metadata,broker_organization_id,driver_ids}'::text[]
      <> to_jsonb(old) - '{updated_at,updated_by,deleted_at,metadata,broker_organization_id,driver_ids}'::text[]
  then
    perform muster.fail('load_state', 'status');
  end if;
  if new.deleted_at is not null and old.deleted_at is null and new.status not in ('pending', 'cancelled') then
    perform muster.fail('load_state', 'status');
  end if;
  return new;
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
  if new.status <> old.status and new.status in ('delivered', 'cancelled') then
    update public.load_assignments a
    set ended_at = now(), ended_as = case new.status when 'delivered' then 'completed' else 'cancelled' end
    where a.load_id = new.id and a.ended_at is null;
  end if;
  return null;
end
$$;
--> statement-breakpoint
create or replace function muster.tg_brokers__check_use() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform muster.require_read_committed();
  if exists (
    select from public.loads l
    where l.broker_id = new.id and l.status in ('pending', 'assigned', 'in_transit') and l.deleted_at is null
  ) then
    perform muster.fail('broker_in_use');
  end if;
  return new;
end
$$;
--> statement-breakpoint
create or replace function muster.tg_brokers__lead_loads() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform from public.loads l where l.broker_id = new.id order by l.id for no key update;
  update public.loads l set broker_organization_id = new.broker_organization_id where l.broker_id = new.id;
  return null;
end
$$;
--> statement-breakpoint
create or replace trigger b_check_use before update on public.brokers
  for each row when (old.deleted_at is null and new.deleted_at is not null)
  execute function muster.tg_brokers__check_use();
--> statement-breakpoint
create or replace trigger lead_loads after update on public.brokers
  for each row when (old.broker_organization_id is distinct from new.broker_organization_id)
  execute function muster.tg_brokers__lead_loads();
--> statement-breakpoint
create or replace trigger a_set_tenant before insert on public.loads
  for each row execute function muster.tg_set_tenant_of_carrier();
--> statement-breakpoint
create or replace trigger b_copy_broker_on_insert before insert on public.loads
  for each row execute function muster.tg_loads__copy_broker();
--> statement-breakpoint
create or replace trigger b_copy_broker_on_update before update on public.loads
  for each row when (old.broker_id <> new.broker_id)
  execute function muster.tg_loads__copy_broker();
--> statement-breakpoint
create or replace trigger c_check_dispatcher_on_insert before insert on public.loads
  for each row when (new.dispatcher_id is not null)
  execute function muster.tg_loads__check_dispatcher();
--> statement-breakpoint
create or replace trigger c_check_dispatcher_on_update before update on public.loads
  for each row when (new.dispatcher_id is distinct from old.dispatcher_id and new.dispatcher_id is not null)
  execute function muster.tg_loads__check_dispatcher();
--> statement-breakpoint
create or replace trigger d_check_transition before update on public.loads
  for each row execute function muster.tg_loads__check_transition();
--> statement-breakpoint
create or replace trigger lead after update on public.loads
  for each row execute function muster.tg_loads__lead();
--> statement-breakpoint
create policy loads_read on public.loads for select to authenticated
  using (
    deleted_at is null
    and (
      organization_id = (select muster.carrier_id())
      or broker_organization_id = (select muster.broker_id())
      or (select muster.driver_id()) = any (driver_ids)
      or tenant_id = (select muster.admin_tenant_id())
    )
  );
--> statement-breakpoint
create policy loads_edit on public.loads for update to authenticated
  using (
    deleted_at is null
    and (organization_id = (select muster.carrier_id()) or tenant_id = (select muster.admin_tenant_id()))
  )
  with check (organization_id = (select muster.carrier_id()) or tenant_id = (select muster.admin_tenant_id()));
--> statement-breakpoint
create policy loads_remove on public.loads for delete to authenticated
  using (
    deleted_at is null
    and (organization_id = (select muster.office_carrier_id()) or tenant_id = (select muster.admin_tenant_id()))
  );
--> statement-breakpoint
create or replace function muster.notification_types_of_freight() returns text[]
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return array['load_assigned', 'load_unassigned', 'load_changed', 'load_cancelled'];
--> statement-breakpoint
alter function muster.tg_loads__check_dispatcher() owner to muster_definer;
--> statement-breakpoint
alter function muster.tg_brokers__check_use() owner to muster_definer;
--> statement-breakpoint
alter function muster.tg_brokers__lead_loads() owner to muster_definer;
--> statement-breakpoint
alter function muster.put_stops(uuid,jsonb) owner to muster_definer;
--> statement-breakpoint
alter function muster.tg_loads__lead() owner to muster_definer;
--> statement-breakpoint
alter function muster.move_load(uuid,text,text) owner to muster_definer;
--> statement-breakpoint
alter function muster.unassign_load(uuid,integer) owner to muster_definer;
--> statement-breakpoint
alter function muster.tg_drivers__check_use() owner to muster_definer;
--> statement-breakpoint
alter function muster.load_violations(uuid,uuid,uuid,uuid,uuid,timestamp with time zone,timestamp with time zone) owner to muster_definer;
--> statement-breakpoint
alter function muster.assign_load(uuid,integer,uuid,uuid,uuid,uuid,timestamp with time zone,timestamp with time zone) owner to muster_definer;
--> statement-breakpoint
alter function muster.tg_load_assignments__plan() owner to muster_definer;
--> statement-breakpoint
alter function muster.tg_load_assignments__book() owner to muster_definer;
--> statement-breakpoint
alter function muster.tg_check_vehicle_use() owner to muster_definer;
--> statement-breakpoint
alter function muster.change_stop(uuid,jsonb) owner to muster_definer;
--> statement-breakpoint
alter function muster.tg_load_stops__copy_load() owner to muster_definer;
--> statement-breakpoint
alter function muster.tg_load_stops__lead_load() owner to muster_definer;
--> statement-breakpoint
alter function muster.tg_loads__copy_broker() owner to muster_definer;
--> statement-breakpoint
alter function muster.create_loads(jsonb) owner to muster_definer;
--> statement-breakpoint
alter table public.load_assignments enable row level security;
--> statement-breakpoint
alter table public.load_assignments force row level security;
--> statement-breakpoint
alter table muster.load_bookings enable row level security;
--> statement-breakpoint
alter table muster.load_bookings force row level security;
--> statement-breakpoint
alter table public.load_stops enable row level security;
--> statement-breakpoint
alter table public.load_stops force row level security;
--> statement-breakpoint
alter table public.loads enable row level security;
--> statement-breakpoint
alter table public.loads force row level security;
--> statement-breakpoint
revoke all on table public.load_assignments from public, anon, authenticated, service_role;
--> statement-breakpoint
revoke all on table muster.load_bookings from public, anon, authenticated, service_role;
--> statement-breakpoint
revoke all on table public.load_stops from public, anon, authenticated, service_role;
--> statement-breakpoint
revoke all on table public.loads from public, anon, authenticated, service_role;
--> statement-breakpoint
revoke execute on function muster.notify_drivers(load_assignments,text) from public;
--> statement-breakpoint
revoke execute on function muster.tg_loads__check_dispatcher() from public;
--> statement-breakpoint
revoke execute on function muster.tg_brokers__check_use() from public;
--> statement-breakpoint
revoke execute on function muster.tg_brokers__lead_loads() from public;
--> statement-breakpoint
revoke execute on function muster.plans_load(loads) from public;
--> statement-breakpoint
revoke execute on function muster.move_legs(loads) from public;
--> statement-breakpoint
revoke execute on function muster.assignment_json(load_assignments) from public;
--> statement-breakpoint
revoke execute on function muster.tg_load_stops__name_time_zone() from public;
--> statement-breakpoint
revoke execute on function muster.put_stops(uuid,jsonb) from public;
--> statement-breakpoint
revoke execute on function muster.seen_of_load_assignments(jsonb) from public;
--> statement-breakpoint
revoke execute on function muster.lock_load(uuid,boolean) from public;
--> statement-breakpoint
revoke execute on function muster.tg_loads__lead() from public;
--> statement-breakpoint
revoke execute on function muster.drives_load(uuid) from public;
--> statement-breakpoint
revoke execute on function muster.notification_types_of_freight() from public;
--> statement-breakpoint
revoke execute on function muster.lock_booked(uuid[],uuid[],uuid[]) from public;
--> statement-breakpoint
revoke execute on function muster.move_load(uuid,text,text) from public;
--> statement-breakpoint
revoke execute on function muster.unassign_load(uuid,integer) from public;
--> statement-breakpoint
revoke execute on function muster.audience_of_load_assignments(jsonb,timestamp with time zone) from public;
--> statement-breakpoint
revoke execute on function muster.leg_violations(load_assignments) from public;
--> statement-breakpoint
revoke execute on function muster.planned_leg(load_assignments,loads) from public;
--> statement-breakpoint
revoke execute on function muster.tg_drivers__check_use() from public;
--> statement-breakpoint
revoke execute on function muster.load_violations(uuid,uuid,uuid,uuid,uuid,timestamp with time zone,timestamp with time zone) from public;
--> statement-breakpoint
revoke execute on function muster.assign_load(uuid,integer,uuid,uuid,uuid,uuid,timestamp with time zone,timestamp with time zone) from public;
--> statement-breakpoint
revoke execute on function muster.tg_load_assignments__plan() from public;
--> statement-breakpoint
revoke execute on function muster.tg_load_assignments__book() from public;
--> statement-breakpoint
revoke execute on function muster.tg_check_vehicle_use() from public;
--> statement-breakpoint
revoke execute on function muster.audience_of_load_stops(jsonb,timestamp with time zone) from public;
--> statement-breakpoint
revoke execute on function muster.seen_of_load_stops(jsonb) from public;
--> statement-breakpoint
revoke execute on function muster.local_day(timestamp with time zone,text) from public;
--> statement-breakpoint
revoke execute on function muster.window_of_stops(jsonb) from public;
--> statement-breakpoint
revoke execute on function muster.insert_stops(jsonb) from public;
--> statement-breakpoint
revoke execute on function muster.stop_json(load_stops) from public;
--> statement-breakpoint
revoke execute on function muster.change_stop(uuid,jsonb) from public;
--> statement-breakpoint
revoke execute on function muster.tg_load_stops__copy_load() from public;
--> statement-breakpoint
revoke execute on function muster.tg_load_stops__lead_load() from public;
--> statement-breakpoint
revoke execute on function muster.audience_of_loads(jsonb,timestamp with time zone) from public;
--> statement-breakpoint
revoke execute on function muster.seen_of_loads(jsonb) from public;
--> statement-breakpoint
revoke execute on function muster.sees_load(loads) from public;
--> statement-breakpoint
revoke execute on function muster.tg_loads__check_transition() from public;
--> statement-breakpoint
revoke execute on function muster.tg_loads__copy_broker() from public;
--> statement-breakpoint
revoke execute on function muster.load_json(loads) from public;
--> statement-breakpoint
revoke execute on function muster.create_loads(jsonb) from public;
--> statement-breakpoint
grant execute on function muster.assign_load(uuid,integer,uuid,uuid,uuid,uuid,timestamp with time zone,timestamp with time zone) to authenticated, muster_api;
--> statement-breakpoint
grant execute on function muster.assignment_json(load_assignments) to authenticated, muster_definer;
--> statement-breakpoint
grant execute on function muster.audience_of_load_assignments(jsonb,timestamp with time zone) to muster_definer;
--> statement-breakpoint
grant execute on function muster.audience_of_load_stops(jsonb,timestamp with time zone) to muster_definer;
--> statement-breakpoint
grant execute on function muster.audience_of_loads(jsonb,timestamp with time zone) to muster_definer;
--> statement-breakpoint
grant execute on function muster.change_stop(uuid,jsonb) to authenticated, muster_api;
--> statement-breakpoint
grant execute on function muster.create_loads(jsonb) to authenticated;
--> statement-breakpoint
grant execute on function muster.drives_load(uuid) to muster_definer;
--> statement-breakpoint
grant execute on function muster.insert_stops(jsonb) to muster_definer;
--> statement-breakpoint
grant execute on function muster.is_refusal(text) to muster_definer;
--> statement-breakpoint
grant execute on function muster.leg_violations(load_assignments) to muster_definer;
--> statement-breakpoint
grant execute on function muster.load_json(loads) to muster_definer;
--> statement-breakpoint
grant execute on function muster.load_violations(uuid,uuid,uuid,uuid,uuid,timestamp with time zone,timestamp with time zone) to authenticated;
--> statement-breakpoint
grant execute on function muster.local_day(timestamp with time zone,text) to muster_definer;
--> statement-breakpoint
grant execute on function muster.lock_booked(uuid[],uuid[],uuid[]) to muster_definer;
--> statement-breakpoint
grant execute on function muster.lock_load(uuid,boolean) to muster_definer;
--> statement-breakpoint
grant execute on function muster.move_legs(loads) to muster_definer;
--> statement-breakpoint
grant execute on function muster.move_load(uuid,text,text) to authenticated, muster_api;
--> statement-breakpoint
grant execute on function muster.notification_types_of_freight() to muster_definer, service_role;
--> statement-breakpoint
grant execute on function muster.notify_drivers(load_assignments,text) to muster_definer;
--> statement-breakpoint
grant execute on function muster.planned_leg(load_assignments,loads) to muster_definer;
--> statement-breakpoint
grant execute on function muster.plans_load(loads) to muster_definer;
--> statement-breakpoint
grant execute on function muster.put_stops(uuid,jsonb) to authenticated, muster_api;
--> statement-breakpoint
grant execute on function muster.seen_of_load_assignments(jsonb) to muster_definer;
--> statement-breakpoint
grant execute on function muster.seen_of_load_stops(jsonb) to muster_definer;
--> statement-breakpoint
grant execute on function muster.seen_of_loads(jsonb) to muster_definer;
--> statement-breakpoint
grant execute on function muster.sees_load(loads) to muster_definer;
--> statement-breakpoint
grant execute on function muster.stop_json(load_stops) to authenticated, muster_definer;
--> statement-breakpoint
grant execute on function muster.unassign_load(uuid,integer) to authenticated, muster_api;
--> statement-breakpoint
grant execute on function muster.window_of_stops(jsonb) to muster_definer;
--> statement-breakpoint
grant delete, insert, select on table muster.load_bookings to muster_definer;
--> statement-breakpoint
grant insert (license_valid_until), update (license_valid_until) on table public.drivers to authenticated;
--> statement-breakpoint
grant select on table public.load_assignments to authenticated;
--> statement-breakpoint
grant insert, select, update on table public.load_assignments to muster_definer;
--> statement-breakpoint
grant delete, insert, select, update on table public.load_assignments to service_role;
--> statement-breakpoint
grant select on table public.load_stops to authenticated;
--> statement-breakpoint
grant insert, select, update on table public.load_stops to muster_definer;
--> statement-breakpoint
grant delete, insert, select, update on table public.load_stops to service_role;
--> statement-breakpoint
grant delete, select, update (broker_id, currency, dispatcher_id, distance, distance_unit, metadata, rate, reference) on table public.loads to authenticated;
--> statement-breakpoint
grant insert, select, update on table public.loads to muster_definer;
--> statement-breakpoint
grant delete, insert, select, update on table public.loads to service_role;
--> statement-breakpoint
comment on function muster.codes_of_freight() is 'The codes that rules of freight raise, with their SQLSTATEs.';
--> statement-breakpoint
comment on function muster.audience_of_load_assignments(jsonb, timestamptz) is
  'Who sees an assignment: load_assignments_read, as groups.';
--> statement-breakpoint
comment on policy internal on muster.load_bookings is 'Background work and the security definer functions; their grants say how far they reach.';
--> statement-breakpoint
comment on policy internal on public.load_assignments is 'Background work and the security definer functions; their grants say how far they reach.';
--> statement-breakpoint
comment on function muster.seen_of_load_assignments(jsonb) is 'Which groups see changes of this table, and the values that the log left out. Made by muster.follow_table.';
--> statement-breakpoint
comment on constraint load_bookings_driver_no_overlap on muster.load_bookings is
  'A driver, or co-driver, drives one load at a time.';
--> statement-breakpoint
comment on constraint load_bookings_truck_no_overlap on muster.load_bookings is 'A truck is on one load at a time.';
--> statement-breakpoint
comment on constraint load_bookings_trailer_no_overlap on muster.load_bookings is 'A trailer is on one load at a time.';
--> statement-breakpoint
comment on function muster.assignment_json(public.load_assignments) is 'An assignment in the form of the API.';
--> statement-breakpoint
comment on function muster.drives_load(uuid) is 'Whether the caller has an assignment of the load that is in force.';
--> statement-breakpoint
comment on function muster.lock_booked(uuid[], uuid[], uuid[]) is 'The queue of each of them, in the one order in which they are locked.';
--> statement-breakpoint
comment on function muster.leg_violations(public.load_assignments) is 'Every rule that a leg of a load would break.';
--> statement-breakpoint
comment on function muster.planned_leg(public.load_assignments, public.loads) is
  'A leg with the times that it has in its load. Refuses one that is not within the load.';
--> statement-breakpoint
comment on function muster.load_violations(uuid, uuid, uuid, uuid, uuid, timestamptz, timestamptz) is
  'Every rule that an assignment of the load would break, for those who plan it. Security definer: bookings are nobody''s to read.';
--> statement-breakpoint
comment on function muster.assign_load(uuid, integer, uuid, uuid, uuid, uuid, timestamptz, timestamptz) is
  'Assigns a leg of a load as the caller: the load in the form of the API. Security definer: nobody may write an assignment itself.';
--> statement-breakpoint
comment on function muster.unassign_load(uuid, integer) is
  'Ends the assignment of a leg, or of all, as the caller: the load in the form of the API. Security definer: as assign_load.';
--> statement-breakpoint
comment on function muster.move_legs(public.loads) is 'The legs of a load that moved move with it, or refuse.';
--> statement-breakpoint
comment on function muster.notify_drivers(public.load_assignments, text) is 'A notification for the driver and the co-driver.';
--> statement-breakpoint
comment on function muster.tg_load_assignments__plan() is
  'Locks whom and what a leg takes, and refuses what a rule is against. Security definer: bookings are nobody''s to read.';
--> statement-breakpoint
comment on function muster.tg_load_assignments__book() is
  'What an assignment in force takes, who drives its load, and what drivers are told. Security definer: nobody else writes these.';
--> statement-breakpoint
comment on function muster.tg_drivers__check_use() is
  'A driver who has a load stays able to drive it. Security definer: bookings are nobody''s to read.';
--> statement-breakpoint
comment on function muster.tg_check_vehicle_use() is
  'A truck or trailer that a load has stays in service. Security definer: bookings are nobody''s to read.';
--> statement-breakpoint
comment on policy load_assignments_read on public.load_assignments is
  'Office and dispatchers those of their carrier; driver and co-driver; admins. Nobody writes: functions do, with the load locked.';
--> statement-breakpoint
comment on function muster.audience_of_load_stops(jsonb, timestamptz) is 'Who sees a stop: load_stops_read, as groups.';
--> statement-breakpoint
comment on policy internal on public.load_stops is 'Background work and the security definer functions; their grants say how far they reach.';
--> statement-breakpoint
comment on function muster.seen_of_load_stops(jsonb) is 'Which groups see changes of this table, and the values that the log left out. Made by muster.follow_table.';
--> statement-breakpoint
comment on function muster.stop_json(public.load_stops) is 'A stop in the form of the API.';
--> statement-breakpoint
comment on function muster.local_day(timestamptz, text) is 'The last day of what ends then, in a time zone.';
--> statement-breakpoint
comment on function muster.window_of_stops(jsonb) is 'The window of a load that has these stops, as muster.tg_load_stops__lead_load keeps it.';
--> statement-breakpoint
comment on function muster.insert_stops(jsonb) is 'The stops of many loads, in one statement.';
--> statement-breakpoint
comment on function muster.put_stops(uuid, jsonb) is
  'Replaces the stops of a load that has not begun, as the caller. Security definer: nobody may write a stop itself, which the load has to follow.';
--> statement-breakpoint
comment on function muster.change_stop(uuid, jsonb) is
  'Changes a stop, or tells of arrival and departure there, as the caller: the members of `change`, a latitude with its longitude. Security definer: as put_stops.';
--> statement-breakpoint
comment on function muster.tg_load_stops__copy_load() is 'Whose a stop is, as its load says. Security definer: the lock.';
--> statement-breakpoint
comment on function muster.tg_load_stops__name_time_zone() is 'Only time zones that exist are stored, by their present name.';
--> statement-breakpoint
comment on function muster.tg_load_stops__lead_load() is
  'The order of the stops, and the window of the load. Security definer: nobody else writes the columns of the load.';
--> statement-breakpoint
comment on policy load_stops_read on public.load_stops is 'Those who see the load. Nobody writes: functions do, with the load locked.';
--> statement-breakpoint
comment on function muster.audience_of_loads(jsonb, timestamptz) is 'Who sees a load: loads_read, as groups.';
--> statement-breakpoint
comment on policy internal on public.loads is 'Background work and the security definer functions; their grants say how far they reach.';
--> statement-breakpoint
comment on function muster.seen_of_loads(jsonb) is 'Which groups see changes of this table, and the values that the log left out. Made by muster.follow_table.';
--> statement-breakpoint
comment on function muster.plans_load(public.loads) is
  'Whether the caller is of the office or a dispatcher of the load''s carrier, or an admin.';
--> statement-breakpoint
comment on function muster.sees_load(public.loads) is 'What policy loads_read says of one load.';
--> statement-breakpoint
comment on function muster.lock_load(uuid, boolean) is
  'The load, locked; not_found for who does not see it, and forbidden for who may not plan it.';
--> statement-breakpoint
comment on function muster.load_json(public.loads) is 'A load in the form of the API.';
--> statement-breakpoint
comment on function muster.move_load(uuid, text, text) is
  'Begins, delivers, invoices, closes or cancels a load as the caller: the load in the form of the API. Security definer: nobody may write the status itself.';
--> statement-breakpoint
comment on function muster.create_loads(jsonb) is
  'Creates loads with their stops for the caller''s carrier, all or none, and tells which were refused. Security definer: a load without stops is none, so nobody inserts one alone.';
--> statement-breakpoint
comment on function muster.tg_loads__copy_broker() is
  'A broker of the carrier, whose organization sees the load, and whose terms say whether it is factored. Security definer: the lock.';
--> statement-breakpoint
comment on function muster.tg_loads__check_dispatcher() is
  'Who dispatches a load plans for its carrier. Security definer: memberships are not everybody''s to read.';
--> statement-breakpoint
comment on function muster.tg_loads__check_transition() is 'The state machine; what of a closed load still changes; and which loads are removed.';
--> statement-breakpoint
comment on function muster.tg_loads__lead() is
  'Stops and assignments follow their load. Security definer: nobody else writes these columns.';
--> statement-breakpoint
comment on function muster.tg_brokers__check_use() is
  'A broker is not removed while loads of it are not over. Security definer: it has to see a load that came at this moment.';
--> statement-breakpoint
comment on function muster.tg_brokers__lead_loads() is
  'The organization that a record names sees its loads, from now on. Security definer: nobody else writes the column.';
--> statement-breakpoint
comment on policy loads_read on public.loads is
  'Office and dispatchers those of their carrier; drivers their own; users of a broker those that it gave; admins all of the tenant.';
--> statement-breakpoint
comment on policy loads_edit on public.loads is 'Office and dispatchers of its carrier, and admins; status and times are not granted.';
--> statement-breakpoint
comment on policy loads_remove on public.loads is 'The office of its carrier, and admins. A trigger makes it a soft delete.';
--> statement-breakpoint
comment on function muster.notification_types_of_freight() is 'What freight tells users of.';
--> statement-breakpoint
select muster.declare_audiences();
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1796028677_loads_rules';
