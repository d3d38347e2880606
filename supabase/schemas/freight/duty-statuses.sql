-- Duty statuses: the log of a driver, as the device recorded it.
--
-- * A driver is off duty, in the sleeper berth, driving, or on duty without driving, from one entry of the log until the next one begins.
-- * The driver's phone sends entries late, shuffled and repeated, and the device makes the id: the same entry again (driver, status and
--   begin) is a success that changes nothing. Of two entries that begin at one time the one with the greater id is the later.
-- * Entries stay as they were recorded. What was wrong, edits say (duty-status-edits.sql); what counts, muster.duty_log gives.
-- * A log takes 1,440 entries for each day in UTC: one a minute. More tell nothing, and would only be read again and again.
-- * Whoever writes a log locks its driver first: the entries of one log stand in one queue.
-- * The driver reads and writes the own log, office and dispatchers of the carrier read it, and admins of the tenant. Brokers see nothing of it.

create or replace function muster.audience_of_duty_status_changes(viewed jsonb, at timestamptz) returns text[]
language plpgsql
stable
parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  return array[
    'admins:' || (viewed ->> 'tenant_id'),
    'carrier:' || (viewed ->> 'organization_id'),
    'driver:' || (viewed ->> 'driver_id')
  ];
end
$$;
comment on function muster.audience_of_duty_status_changes(jsonb, timestamptz) is
  'Who sees an entry of a log: duty_status_changes_read, as groups.';
grant execute on function muster.audience_of_duty_status_changes(jsonb, timestamptz) to muster_definer;

select muster.follow_table(
  'public.duty_status_changes',
  trail => 'none',
  published => array['id', 'organization_id', 'driver_id', 'status', 'began_at', 'recorded_at', 'device_id', 'duty_point', 'created_at',
    'updated_at'],
  audience => array['tenant_id', 'organization_id', 'driver_id']
);

create or replace function muster.most_duty_changes_a_day() returns integer
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return 1440;
comment on function muster.most_duty_changes_a_day() is 'How many entries a log takes for one day in UTC: one a minute.';

create or replace function muster.duty_changes_of_day(of_driver uuid, at timestamptz) returns bigint
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  day constant timestamptz := date_trunc('day', at, 'UTC');
begin
  return (
    select count(*)
    from public.duty_status_changes c
    where c.driver_id = of_driver and c.began_at >= day and c.began_at < day + interval '24 hours'
  );
end
$$;
comment on function muster.duty_changes_of_day(uuid, timestamptz) is 'How many entries a log has on that day in UTC.';

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
comment on function muster.tg_duty_status_changes__place() is
  'Whose an entry is. Security definer: the lock, and rules that see the whole log.';

create or replace function muster.tg_duty_status_changes__keep() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  perform muster.fail('forbidden');
  return null;
end
$$;
comment on function muster.tg_duty_status_changes__keep() is 'Entries of a log are appended: nobody changes what was recorded.';

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
comment on function muster.record_duty_statuses(jsonb) is
  'Appends to the log of the caller, one result for each item. Security definer: no caller may say whose log an entry is of.';

-- What counts of a log: its entries as the accepted edits have them. Who sees it is asked before.
create or replace function muster.duty_log(of_driver uuid, from_time timestamptz, to_time timestamptz)
returns table (entry_id uuid, status text, began_at timestamptz)
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return query
    with edited as materialized (
      select distinct on (e.entry_id) e.entry_id, e.status, e.began_at
      from public.duty_status_edits e
      where e.driver_id = of_driver and e.state = 'accepted'
      order by e.entry_id, e.decided_at desc, e.id desc
    ), within as (
      select c.id as entry_id, c.status, c.began_at
      from public.duty_status_changes c
      where c.driver_id = of_driver
        and c.began_at > from_time
        and c.began_at <= to_time
        and not exists (select from edited e where e.entry_id = c.id)
      union all
      select e.entry_id, e.status, e.began_at from edited e where e.began_at > from_time and e.began_at <= to_time
    ), before as (
      (
        select c.id as entry_id, c.status, c.began_at
        from public.duty_status_changes c
        where c.driver_id = of_driver
          and c.began_at <= from_time
          and not exists (select from edited e where e.entry_id = c.id)
        order by c.began_at desc, c.id desc
        limit 1
      )
      union all
      (
        select e.entry_id, e.status, e.began_at
        from edited e
        where e.began_at <= from_time
        order by e.began_at desc, e.entry_id desc
        limit 1
      )
    )
    select w.entry_id, w.status, w.began_at from within w
    union all
    -- What lasted when the period began, from there.
    select b.entry_id, b.status, from_time
    from (select b.* from before b order by b.began_at desc, b.entry_id desc limit 1) b;
end
$$;
comment on function muster.duty_log(uuid, timestamptz, timestamptz) is
  'The entries of a log in a period as they count, with what lasted when it began; in no order.';

-- ---- Triggers ---------------------------------------------------------------------------------------------------------

create or replace trigger a_place before insert on public.duty_status_changes
  for each row execute function muster.tg_duty_status_changes__place();
create or replace trigger a_keep before update on public.duty_status_changes
  for each row execute function muster.tg_duty_status_changes__keep();

-- ---- Policies ---------------------------------------------------------------------------------------------------------

drop policy if exists duty_status_changes_read on public.duty_status_changes;
create policy duty_status_changes_read on public.duty_status_changes for select to authenticated
  using (
    organization_id = (select muster.carrier_id())
    or driver_id = (select muster.driver_id())
    or tenant_id = (select muster.admin_tenant_id())
  );
comment on policy duty_status_changes_read on public.duty_status_changes is
  'Office and dispatchers those of their carrier; drivers their own; admins all of the tenant.';
drop policy if exists duty_status_changes_create on public.duty_status_changes;
create policy duty_status_changes_create on public.duty_status_changes for insert to authenticated
  with check (driver_id = (select muster.driver_id()));
comment on policy duty_status_changes_create on public.duty_status_changes is 'Drivers their own (a trigger says whose it is).';

-- ---- Grants -----------------------------------------------------------------------------------------------------------

grant select on public.duty_status_changes to authenticated;
grant insert (id, status, began_at, recorded_at, device_id, duty_point) on public.duty_status_changes to authenticated;
grant select, insert, update, delete on public.duty_status_changes to service_role;
grant select on public.duty_status_changes to muster_definer;
-- With the driver, whom no caller may name.
grant insert (id, driver_id, status, began_at, recorded_at, device_id, duty_point) on public.duty_status_changes to muster_definer;

grant execute on function
  muster.most_duty_changes_a_day(),
  muster.duty_changes_of_day(uuid, timestamptz),
  muster.duty_log(uuid, timestamptz, timestamptz)
to muster_definer;
-- The API calls it in one statement, which takes on the caller's role after the login was asked for this privilege.
grant execute on function muster.record_duty_statuses(jsonb) to authenticated, muster_api;

alter function muster.record_duty_statuses(jsonb) owner to muster_definer;
alter function muster.tg_duty_status_changes__place() owner to muster_definer;
