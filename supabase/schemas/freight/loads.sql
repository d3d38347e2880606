-- Loads: what a carrier moves for a broker, from the first stop to the last.
--
-- * A load is a carrier's; its office and its dispatchers plan it, and admins of the tenant. Its drivers see it, and the users of the
--   broker's organization see the loads of the records that name it: nothing of who is paid what (load-assignments.sql).
-- * pending → assigned → in_transit → delivered → invoiced → paid; cancelled from the first three, with a reason; back to pending when
--   the last driver is taken off before it begins. A driver of a load begins and delivers it, the office invoices it. Nobody writes
--   `status`: muster.move_load and the functions of load-assignments.sql do, each with the load locked.
-- * It is created with its stops, whose window it has (load-stops.sql): muster.create_loads.
-- * Whether it is factored, the terms of the broker say when it is created, or when it goes to another broker.
-- * Once invoiced or cancelled, nothing but `metadata` changes.
-- * A driver, a truck, a trailer or a broker of a load that is not over stays as the load needs it: whoever takes one away meets the
--   load, or the load meets that (docs/decisions/046-one-queue-for-drivers-and-equipment.md).
-- * Locks are taken in the order broker, load, drivers, trucks, trailers, each kind by id.

create or replace function muster.audience_of_loads(viewed jsonb, at timestamptz) returns text[]
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
comment on function muster.audience_of_loads(jsonb, timestamptz) is 'Who sees a load: loads_read, as groups.';
grant execute on function muster.audience_of_loads(jsonb, timestamptz) to muster_definer;

select muster.follow_table(
  'public.loads',
  soft_delete => true,
  published => array['id', 'organization_id', 'broker_id', 'broker_organization_id', 'dispatcher_id', 'reference', 'status', 'rate',
    'distance', 'currency', 'distance_unit', 'is_factored', 'starts_at', 'ends_at', 'last_day', 'driver_ids', 'cancel_reason',
    'created_at', 'updated_at', 'driving_minutes'],
  audience => array['tenant_id', 'organization_id', 'broker_organization_id', 'driver_ids', 'deleted_at']
);

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
comment on function muster.plans_load(public.loads) is
  'Whether the caller is of the office or a dispatcher of the load''s carrier, or an admin.';

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
comment on function muster.sees_load(public.loads) is 'What policy loads_read says of one load.';

-- Who has to be there at six comes the evening before, and rests ten hours in the yard (49 CFR 395.3). A dock that is full, or a
-- breakdown, costs a weekend.
create or replace function muster.is_time_of_load(load public.loads, at_time timestamptz) returns boolean
language sql
stable
parallel safe
return at_time between load.starts_at - interval '12 hours' and load.ends_at + interval '48 hours';
comment on function muster.is_time_of_load(public.loads, timestamptz) is
  'Whether a driver can have reported something of the load then: from 12 hours before its window begins to 48 hours after it ends.';

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
comment on function muster.lock_load(uuid, boolean) is
  'The load, locked; not_found for who does not see it, and forbidden for who may not plan it.';

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
  'driving_minutes', load.driving_minutes,
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
comment on function muster.load_json(public.loads) is 'A load in the form of the API.';

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
  elsif not muster.plans_load(load) and next_status in ('in_transit', 'delivered') and not muster.is_time_of_load(load, now()) then
    perform muster.fail('outside_load_window');
  end if;
  update public.loads l set status = next_status, cancel_reason = reason where l.id = wanted returning l.* into load;
  return muster.load_json(load);
end
$$;
comment on function muster.move_load(uuid, text, text) is
  'Begins, delivers, invoices, closes or cancels a load as the caller: the load in the form of the API. Security definer: nobody may write the status itself.';

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
        distance_unit text, metadata jsonb, driving_minutes integer
      )
      cross join lateral muster.window_of_stops(e.item -> 'stops') as w
    ), inserted as (
      insert into public.loads as l (
        id, organization_id, broker_id, dispatcher_id, reference, rate, distance, currency, distance_unit, metadata, starts_at, ends_at,
        last_day, driving_minutes
      )
      select g.id, coalesce(g.organization_id, own), g.broker_id,
             coalesce(g.dispatcher_id, case when coalesce(g.organization_id, own) = own then muster.user_id() end),
             g.reference, g.rate, g.distance, g.currency, g.distance_unit, coalesce(g.metadata, '{}'), g.starts_at, g.ends_at, g.last_day,
             g.driving_minutes
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
comment on function muster.create_loads(jsonb) is
  'Creates loads with their stops for the caller''s carrier, all or none, and tells which were refused. Security definer: a load without stops is none, so nobody inserts one alone.';

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
comment on function muster.tg_loads__copy_broker() is
  'A broker of the carrier, whose organization sees the load, and whose terms say whether it is factored. Security definer: the lock.';

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
      and u.suspended_at is null
  ) then
    perform muster.fail('not_found', 'dispatcher_id');
  end if;
  return new;
end
$$;
comment on function muster.tg_loads__check_dispatcher() is
  'Who dispatches a load plans for its carrier. Security definer: memberships are not everybody''s to read.';

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
comment on function muster.tg_loads__check_transition() is 'The state machine; what of a closed load still changes; and which loads are removed.';

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
  -- The office names another broker: rare, and no step of the load.
  if new.broker_organization_id is distinct from old.broker_organization_id then
    update public.stop_events e
    set broker_organization_id = new.broker_organization_id
    where e.load_id = new.id and e.broker_organization_id = old.broker_organization_id;
  end if;
  if new.status <> old.status and new.status in ('delivered', 'cancelled') then
    update public.load_assignments a
    set ended_at = now(), ended_as = case new.status when 'delivered' then 'completed' else 'cancelled' end
    where a.load_id = new.id and a.ended_at is null;
  end if;
  return null;
end
$$;
comment on function muster.tg_loads__lead() is
  'Stops, assignments and stop events follow their load. Security definer: nobody else writes these columns.';

-- ---- Brokers ----------------------------------------------------------------------------------------------------------

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
comment on function muster.tg_brokers__check_use() is
  'A broker is not removed while loads of it are not over. Security definer: it has to see a load that came at this moment.';

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
comment on function muster.tg_brokers__lead_loads() is
  'The organization that a record names sees its loads, from now on. Security definer: nobody else writes the column.';

create or replace trigger b_check_use before update on public.brokers
  for each row when (old.deleted_at is null and new.deleted_at is not null)
  execute function muster.tg_brokers__check_use();
create or replace trigger lead_loads after update on public.brokers
  for each row when (old.broker_organization_id is distinct from new.broker_organization_id)
  execute function muster.tg_brokers__lead_loads();

-- ---- Triggers ---------------------------------------------------------------------------------------------------------

create or replace trigger a_set_tenant before insert on public.loads
  for each row execute function muster.tg_set_tenant_of_carrier();
create or replace trigger b_copy_broker_on_insert before insert on public.loads
  for each row execute function muster.tg_loads__copy_broker();
create or replace trigger b_copy_broker_on_update before update on public.loads
  for each row when (old.broker_id <> new.broker_id)
  execute function muster.tg_loads__copy_broker();
create or replace trigger c_check_dispatcher_on_insert before insert on public.loads
  for each row when (new.dispatcher_id is not null)
  execute function muster.tg_loads__check_dispatcher();
create or replace trigger c_check_dispatcher_on_update before update on public.loads
  for each row when (new.dispatcher_id is distinct from old.dispatcher_id and new.dispatcher_id is not null)
  execute function muster.tg_loads__check_dispatcher();
create or replace trigger d_check_transition before update on public.loads
  for each row execute function muster.tg_loads__check_transition();
create or replace trigger lead after update on public.loads
  for each row execute function muster.tg_loads__lead();

-- ---- Policies ---------------------------------------------------------------------------------------------------------

drop policy if exists loads_read on public.loads;
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
comment on policy loads_read on public.loads is
  'Office and dispatchers those of their carrier; drivers their own; users of a broker those that it gave; admins all of the tenant.';
drop policy if exists loads_edit on public.loads;
create policy loads_edit on public.loads for update to authenticated
  using (
    deleted_at is null
    and (organization_id = (select muster.carrier_id()) or tenant_id = (select muster.admin_tenant_id()))
  )
  with check (organization_id = (select muster.carrier_id()) or tenant_id = (select muster.admin_tenant_id()));
comment on policy loads_edit on public.loads is 'Office and dispatchers of its carrier, and admins; status and times are not granted.';
drop policy if exists loads_remove on public.loads;
create policy loads_remove on public.loads for delete to authenticated
  using (
    deleted_at is null
    and (organization_id = (select muster.office_carrier_id()) or tenant_id = (select muster.admin_tenant_id()))
  );
comment on policy loads_remove on public.loads is 'The office of its carrier, and admins. A trigger makes it a soft delete.';

-- ---- Grants -----------------------------------------------------------------------------------------------------------

grant select, delete on public.loads to authenticated;
grant update (broker_id, dispatcher_id, reference, rate, currency, distance, distance_unit, driving_minutes, metadata) on public.loads to authenticated;
grant select, insert, update, delete on public.loads to service_role;
grant select, insert, update on public.loads to muster_definer;

grant execute on function
  muster.plans_load(public.loads),
  muster.sees_load(public.loads),
  muster.is_time_of_load(public.loads, timestamptz),
  muster.lock_load(uuid, boolean),
  muster.load_json(public.loads)
to muster_definer;
grant execute on function muster.create_loads(jsonb) to authenticated;
-- The API calls it in one statement, which takes on the caller's role after the login was asked for this privilege.
grant execute on function muster.move_load(uuid, text, text) to authenticated, muster_api;

alter function muster.move_load(uuid, text, text) owner to muster_definer;
alter function muster.create_loads(jsonb) owner to muster_definer;
alter function muster.tg_loads__copy_broker() owner to muster_definer;
alter function muster.tg_loads__check_dispatcher() owner to muster_definer;
alter function muster.tg_loads__lead() owner to muster_definer;
alter function muster.tg_brokers__check_use() owner to muster_definer;
alter function muster.tg_brokers__lead_loads() owner to muster_definer;
