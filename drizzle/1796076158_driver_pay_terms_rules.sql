drop function muster.nearby_loads(double precision,double precision,uuid,double precision,integer,timestamp with time zone,timestamp with time zone,double precision,uuid);
--> statement-breakpoint
drop function muster.linehaul_of(loads,drivers);
--> statement-breakpoint
drop function muster.is_duty_in_future(timestamp with time zone);
--> statement-breakpoint
CREATE TRIGGER edit_trail BEFORE INSERT OR UPDATE ON public.driver_pay_terms FOR EACH ROW EXECUTE FUNCTION muster.set_edit_trail();
--> statement-breakpoint
create policy internal on public.driver_pay_terms for all to service_role, muster_definer
  using (true)
  with check (true);
--> statement-breakpoint
-- Runs with the rights of whoever writes: a driver whom they do not see does not exist.
create or replace function muster.tg_driver_pay_terms__copy_driver() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  select d.tenant_id, d.organization_id into new.tenant_id, new.organization_id
  from public.drivers d
  where d.id = new.driver_id;
  if not found then
    perform muster.fail('not_found', 'driver_id');
  end if;
  return new;
end
$$;
--> statement-breakpoint
create or replace trigger a_copy_driver before insert on public.driver_pay_terms
  for each row execute function muster.tg_driver_pay_terms__copy_driver();
--> statement-breakpoint
create policy driver_pay_terms_read on public.driver_pay_terms for select to authenticated
  using (
    organization_id = (select muster.office_carrier_id())
    or driver_id = (select muster.driver_id())
    or tenant_id = (select muster.admin_tenant_id())
  );
--> statement-breakpoint
create policy driver_pay_terms_create on public.driver_pay_terms for insert to authenticated
  with check (organization_id = (select muster.office_carrier_id()) or tenant_id = (select muster.admin_tenant_id()));
--> statement-breakpoint
create policy driver_pay_terms_edit on public.driver_pay_terms for update to authenticated
  using (organization_id = (select muster.office_carrier_id()) or tenant_id = (select muster.admin_tenant_id()))
  with check (organization_id = (select muster.office_carrier_id()) or tenant_id = (select muster.admin_tenant_id()));
--> statement-breakpoint
create or replace function muster.linehaul_of(
  load public.loads, terms public.driver_pay_terms,
  out type text, out quantity numeric, out rate numeric, out amount numeric, out currency text, out explanation text
)
language plpgsql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
as $$
declare
  -- The international mile (NIST Special Publication 811).
  km_per_mile constant numeric := 1.609344;
begin
  case terms.pay_kind
    when 'per_distance' then
      type := 'linehaul_per_distance';
      quantity := round(
        case
          when load.distance_unit = terms.distance_unit then load.distance
          when terms.distance_unit = 'km' then load.distance * km_per_mile
          else load.distance / km_per_mile
        end, 2
      );
      rate := terms.pay_per_distance;
      amount := round(quantity * rate, 2);
      currency := terms.currency;
      explanation := format('%s %s at %s %s', quantity, terms.distance_unit, rate, currency);
    when 'percentage' then
      type := 'linehaul_percentage';
      quantity := load.rate;
      rate := terms.pay_percentage;
      amount := round(quantity * rate / 100, 2);
      currency := load.currency;
      explanation := format('%s %% of %s %s', rate, quantity, currency);
    when 'flat' then
      type := 'flat';
      amount := terms.pay_flat;
      currency := terms.currency;
      explanation := 'For the load';
  end case;
end
$$;
--> statement-breakpoint
create or replace function muster.tg_loads__pay_drivers() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  -- What numeric(10,2) holds: nobody is kept from delivering a load by what somebody once typed.
  most constant numeric := 99999999.99;
  paid constant uuid[] := array(
    select v.id
    from public.load_assignments a
    cross join lateral (values (a.driver_id), (a.co_driver_id)) as v (id)
    where a.load_id = new.id and a.ended_as = 'completed' and v.id is not null
  );
begin
  -- In the order in which whoever settles locks them.
  perform from public.driver_payments p where p.load_id = new.id and p.statement_id is null order by p.id for no key update;
  -- Once new terms are confirmed to whoever changed them, no load is delivered by the old ones any more.
  perform from public.driver_pay_terms t where t.driver_id = any (paid) order by t.driver_id for share;
  insert into public.driver_payments as p (
    driver_id, load_id, type, amount, currency, quantity, rate, explanation, earned_on, is_automatic
  )
  select t.driver_id, new.id, l.type, l.amount, l.currency, l.quantity, l.rate, l.explanation, muster.delivery_day(new), true
  from public.driver_pay_terms t
  cross join lateral muster.linehaul_of(new, t) l
  where t.driver_id = any (paid) and l.amount <= most
  order by t.driver_id
  on conflict (load_id, driver_id) where type in ('linehaul_per_distance', 'linehaul_percentage', 'total_percentage', 'flat')
  do update set
    type = excluded.type, amount = excluded.amount, currency = excluded.currency, quantity = excluded.quantity, rate = excluded.rate,
    explanation = excluded.explanation
  where p.is_automatic
    and p.statement_id is null
    and (p.type, p.amount, p.currency, p.quantity, p.rate)
      is distinct from (excluded.type, excluded.amount, excluded.currency, excluded.quantity, excluded.rate);
  return null;
end
$$;
--> statement-breakpoint
-- Runs with the rights of whoever writes: a driver or a load that they do not see does not exist.
create or replace function muster.tg_driver_payments__complete() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  select d.tenant_id, d.organization_id, coalesce(new.currency, t.currency, 'USD')
  into new.tenant_id, new.organization_id, new.currency
  from public.drivers d
  left join public.driver_pay_terms t on t.driver_id = d.id
  where d.id = new.driver_id;
  if not found then
    perform muster.fail('not_found', 'driver_id');
  elsif new.load_id is not null and not exists (
    select from public.load_assignments a
    where a.load_id = new.load_id and (a.driver_id = new.driver_id or a.co_driver_id = new.driver_id)
  ) then
    perform muster.fail('not_found', 'load_id');
  end if;
  new.amount := coalesce(
    new.amount,
    round(new.quantity * new.rate / case when new.type in ('linehaul_percentage', 'total_percentage') then 100 else 1 end, 2)
  );
  if new.type in ('advance', 'deduction') then
    new.amount := -new.amount;
  end if;
  return new;
end
$$;
--> statement-breakpoint
create or replace function muster.tg_driver_deductions__copy_driver() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  select d.tenant_id, d.organization_id, coalesce(new.currency, t.currency, 'USD')
  into new.tenant_id, new.organization_id, new.currency
  from public.drivers d
  left join public.driver_pay_terms t on t.driver_id = d.id
  where d.id = new.driver_id;
  if not found then
    perform muster.fail('not_found', 'driver_id');
  end if;
  return new;
end
$$;
--> statement-breakpoint
create or replace function muster.tg_duty_status_edits__check() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  -- A person reads each of them.
  most_open constant integer := 100;
begin
  perform muster.require_read_committed();
  select d.tenant_id, d.organization_id into new.tenant_id, new.organization_id
  from public.drivers d
  where d.id = new.driver_id
  for no key update;
  if not found then
    perform muster.fail('not_found', 'driver_id');
  end if;
  if new.kind = 'added' then
    new.entry_id := new.id;
  else
    select c.id into new.change_id
    from public.duty_status_changes c
    where c.id = new.entry_id and c.driver_id = new.driver_id;
    if not found then
      select e.id into new.edit_id
      from public.duty_status_edits e
      where e.id = new.entry_id and e.driver_id = new.driver_id and e.kind = 'added' and e.state = 'accepted';
      if not found then
        perform muster.fail('not_found', 'entry_id');
      end if;
    end if;
    if exists (select from public.duty_status_edits e where e.entry_id = new.entry_id and e.state = 'proposed') then
      perform muster.fail('duty_edit_open', 'entry_id');
    end if;
  end if;
  if muster.is_recorded_in_future(new.began_at) then
    perform muster.fail('duty_in_future', 'began_at');
  end if;
  if new.state = 'proposed'
    and most_open <= (
      select count(*) from public.duty_status_edits e where e.driver_id = new.driver_id and e.state = 'proposed'
    )
  then
    perform muster.fail('too_many_duty_edits', 'driver_id');
  end if;
  return new;
end
$$;
--> statement-breakpoint
create or replace function muster.tg_duty_status_changes__place() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  -- Callers may not name a driver: muster.record_duty_statuses names the one of the caller, and has asked these rules.
  is_direct constant boolean := new.driver_id is null;
begin
  if is_direct then
    new.driver_id := muster.driver_id();
  end if;
  select d.tenant_id, d.organization_id into new.tenant_id, new.organization_id
  from public.drivers d
  where d.id = new.driver_id
  for no key update;
  if not found then
    perform muster.fail('forbidden', 'driver_id');
  end if;
  if is_direct and muster.is_recorded_in_future(new.recorded_at) then
    perform muster.fail('duty_in_future', 'recorded_at');
  elsif is_direct and muster.duty_changes_of_day(new.driver_id, new.began_at) >= muster.most_duty_changes_a_day() then
    perform muster.fail('too_many_duty_changes', 'began_at');
  end if;
  new.created_at := now();
  new.updated_at := now();
  return new;
end
$$;
--> statement-breakpoint
-- `items` is an array of {id, status, began_at, recorded_at, device_id, latitude, longitude}, already of the right types and ranges. Gives
-- for each, in order, {id, status: created | duplicate | rejected}; a rejected one has a code.
create or replace function muster.record_duty_statuses(items jsonb) returns jsonb
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
  -- Before anything is judged: two batches of one driver stand in one queue.
  perform from public.drivers d where d.id = own for no key update;

  with given as materialized (
    select i.*, row_number() over (partition by i.id order by i.nth) as copy
    from rows from (jsonb_to_recordset(items) as (
      id uuid, status text, began_at timestamptz, recorded_at timestamptz, device_id text, latitude float8, longitude float8
    )) with ordinality as i (id, status, began_at, recorded_at, device_id, latitude, longitude, nth)
  ), fresh as materialized (
    -- What is known already does not meet the rules again; of several with one id the first is stored.
    select g.*, muster.is_recorded_in_future(g.recorded_at) as is_in_future, date_trunc('day', g.began_at, 'UTC') as day
    from given g
    where g.copy = 1 and not exists (select from public.duty_status_changes c where c.id = g.id)
  ), days as materialized (
    select f.day, muster.duty_changes_of_day(own, f.day) as changes
    from (select distinct f.day from fresh f) f
  ), judged as materialized (
    select
      f.*,
      case
        when f.is_in_future then 'duty_in_future'
        when d.changes + row_number() over (partition by f.day, f.is_in_future order by f.nth) > muster.most_duty_changes_a_day()
          then 'too_many_duty_changes'
      end as refusal
    from fresh f
    join days d on d.day = f.day
  ), stored as (
    insert into public.duty_status_changes as c (id, driver_id, status, began_at, recorded_at, device_id, duty_point)
    select j.id, own, j.status, j.began_at, j.recorded_at, j.device_id, st_point(j.longitude, j.latitude)::geography
    from judged j
    where j.refusal is null
    order by j.id
    on conflict do nothing
    returning c.id
  )
  select coalesce(jsonb_agg(
    jsonb_strip_nulls(jsonb_build_object('id', g.id, 'status', o.status, 'code', case when o.status = 'rejected' then o.code end))
    order by g.nth
  ), '[]') into answer
  from given g
  left join judged first on first.id = g.id
  left join stored s on s.id = g.id
  left join public.duty_status_changes known on known.id = g.id
  cross join lateral (
    select
      case
        when first.refusal is not null then 'rejected'
        when s.id is not null and g.copy = 1 then 'created'
        when (g.status, g.began_at) is not distinct from (coalesce(first.status, known.status), coalesce(first.began_at, known.began_at))
          and (s.id is not null or known.driver_id = own)
          then 'duplicate'
        -- The id stands for another entry, which may be somebody else's: nothing is said about it.
        else 'rejected'
      end as status,
      coalesce(first.refusal, 'duty_id_conflict') as code
  ) o;
  return answer;
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
) returns table (load jsonb, distance_meters float8, around_latitude float8, around_longitude float8)
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
    select muster.load_json(l), n.distance, st_y(here::geometry), st_x(here::geometry)
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
      and l.ends_at > now()
      and (nearby_loads.starts_after is null or l.starts_at >= nearby_loads.starts_after)
      and (nearby_loads.starts_before is null or l.starts_at < nearby_loads.starts_before)
      and (after_distance is null or (n.distance, l.id) > (after_distance, after_id))
    order by n.distance, l.id
    limit max_items;
end
$$;
--> statement-breakpoint
alter function muster.nearby_loads(double precision,double precision,uuid,double precision,integer,timestamp with time zone,timestamp with time zone,double precision,uuid) owner to muster_definer;
--> statement-breakpoint
alter table public.driver_pay_terms enable row level security;
--> statement-breakpoint
alter table public.driver_pay_terms force row level security;
--> statement-breakpoint
revoke all on table public.driver_pay_terms from public, anon, authenticated, service_role;
--> statement-breakpoint
revoke execute on function muster.tg_driver_pay_terms__copy_driver() from public;
--> statement-breakpoint
revoke execute on function muster.linehaul_of(loads,driver_pay_terms) from public;
--> statement-breakpoint
revoke execute on function muster.nearby_loads(double precision,double precision,uuid,double precision,integer,timestamp with time zone,timestamp with time zone,double precision,uuid) from public;
--> statement-breakpoint
grant execute on function muster.linehaul_of(loads,driver_pay_terms) to muster_definer;
--> statement-breakpoint
grant execute on function muster.nearby_loads(double precision,double precision,uuid,double precision,integer,timestamp with time zone,timestamp with time zone,double precision,uuid) to authenticated;
--> statement-breakpoint
grant select, insert (currency, distance_unit, driver_id, id, pay_flat, pay_kind, pay_per_distance, pay_percentage), update (currency, distance_unit, pay_flat, pay_kind, pay_per_distance, pay_percentage) on table public.driver_pay_terms to authenticated;
--> statement-breakpoint
grant select, update (updated_at) on table public.driver_pay_terms to muster_definer;
--> statement-breakpoint
grant insert, select, update on table public.driver_pay_terms to service_role;
--> statement-breakpoint
comment on policy internal on public.driver_pay_terms is 'Background work and the security definer functions; their grants say how far they reach.';
--> statement-breakpoint
comment on function muster.tg_driver_pay_terms__copy_driver() is 'Whose terms these are, as their driver says.';
--> statement-breakpoint
comment on policy driver_pay_terms_read on public.driver_pay_terms is
  'The office those of its carrier; drivers their own; admins all of the tenant. Dispatchers none.';
--> statement-breakpoint
comment on policy driver_pay_terms_create on public.driver_pay_terms is
  'The office for drivers of its carrier; admins for any of the tenant.';
--> statement-breakpoint
comment on policy driver_pay_terms_edit on public.driver_pay_terms is 'The office of its carrier, and admins. Nobody removes terms.';
--> statement-breakpoint
comment on function muster.linehaul_of(public.loads, public.driver_pay_terms) is
  'What a load pays by the terms of a driver; the amount is null for a load that has no distance, where it is paid by distance.';
--> statement-breakpoint
comment on function muster.nearby_loads(
  float8, float8, uuid, float8, integer, timestamptz, timestamptz, float8, uuid
) is
  'Pending loads of the caller''s carrier around a point, or the last position of a driver. Security definer: the spatial index.';
--> statement-breakpoint
select muster.declare_audiences();
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1796076158_driver_pay_terms_rules';
