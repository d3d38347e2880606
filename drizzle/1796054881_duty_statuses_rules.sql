alter publication supabase_realtime drop table public.loads;
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
  'too_many_duty_edits', 'MU426'
);
--> statement-breakpoint
create or replace function muster.tg_drivers__name_time_zone() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  known constant text := muster.canonical_time_zone(new.home_time_zone);
begin
  if known is null then
    raise exception using
      errcode = 'check_violation', schema = 'public', table = 'drivers', column = 'home_time_zone',
      constraint = 'drivers_home_time_zone_known', message = 'no time zone that this server knows';
  end if;
  new.home_time_zone := known;
  return new;
end
$$;
--> statement-breakpoint
create or replace trigger c_name_time_zone_on_insert before insert on public.drivers
  for each row execute function muster.tg_drivers__name_time_zone();
--> statement-breakpoint
create or replace trigger c_name_time_zone_on_update before update on public.drivers
  for each row when (old.home_time_zone <> new.home_time_zone)
  execute function muster.tg_drivers__name_time_zone();
--> statement-breakpoint
create or replace function muster.audience_of_duty_status_edits(viewed jsonb, at timestamptz) returns text[]
language sql
stable
parallel safe
set search_path = pg_catalog, pg_temp
return array[
  'admins:' || (viewed ->> 'tenant_id'),
  'carrier:' || (viewed ->> 'organization_id'),
  'driver:' || (viewed ->> 'driver_id')
];
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.seen_of_duty_status_edits(changes jsonb)
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return (
    select jsonb_object_agg(c.nth, jsonb_build_object(
      'audience', case when true then array_remove(
        muster.audience_of_duty_status_edits((c.value -> 'image') || jsonb_build_object('tenant_id', r.tenant_id), clock_timestamp()), null
      ) else '{}' end,
      'filled', case when c.value ? 'lacks' and to_jsonb(r) || (c.value -> 'image') = to_jsonb(r) then (
        select jsonb_object_agg(l.name, (to_jsonb(r) -> l.name)::text)
        from jsonb_array_elements_text(c.value -> 'lacks') as l (name)
      ) end
    ))
    from jsonb_array_elements(changes) with ordinality as c (value, nth)
    join public.duty_status_edits r on r.id = (c.value #>> '{image,id}')::uuid
    where c.value ->> 'relation' = 'duty_status_edits'
  );
end
$function$;
--> statement-breakpoint
CREATE TRIGGER updated_at BEFORE UPDATE ON public.duty_status_edits FOR EACH ROW EXECUTE FUNCTION muster.set_updated_at();
--> statement-breakpoint
CREATE TRIGGER z_stamp_change BEFORE INSERT OR UPDATE ON public.duty_status_edits FOR EACH ROW EXECUTE FUNCTION muster.tg_stamp_change();
--> statement-breakpoint
CREATE TRIGGER note_departure_on_delete AFTER DELETE ON public.duty_status_edits FOR EACH ROW EXECUTE FUNCTION muster.tg_note_departure();
--> statement-breakpoint
CREATE TRIGGER note_departure_on_update AFTER UPDATE ON public.duty_status_edits FOR EACH ROW WHEN (((old.tenant_id IS DISTINCT FROM new.tenant_id) OR (old.organization_id IS DISTINCT FROM new.organization_id) OR (old.driver_id IS DISTINCT FROM new.driver_id))) EXECUTE FUNCTION muster.tg_note_departure();
--> statement-breakpoint
create policy internal on public.duty_status_edits for all to service_role, muster_definer
  using (true)
  with check (true);
--> statement-breakpoint
alter publication supabase_realtime add table public.duty_status_edits (began_at, created_at, decided_at, decided_by, driver_id, entry_id, id, kind, organization_id, proposed_as, proposed_by, reason, state, status, updated_at);
--> statement-breakpoint
create or replace function muster.duty_edit_json(edit public.duty_status_edits) returns jsonb
language sql
stable
parallel safe
set search_path = pg_catalog, pg_temp
return jsonb_build_object(
  'id', edit.id,
  'organization_id', edit.organization_id,
  'driver_id', edit.driver_id,
  'entry_id', edit.entry_id,
  'kind', edit.kind,
  'status', edit.status,
  'began_at', edit.began_at,
  'reason', edit.reason,
  'proposed_by', edit.proposed_by,
  'proposed_as', edit.proposed_as,
  'state', edit.state,
  'decided_by', edit.decided_by,
  'decided_at', edit.decided_at,
  'created_at', edit.created_at,
  'updated_at', edit.updated_at
);
--> statement-breakpoint
create or replace function muster.side_of_log(driver uuid, carrier uuid, tenant uuid) returns text
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return case
    when driver = muster.driver_id() then 'driver'
    when carrier = muster.carrier_id() then 'carrier'
    when tenant = muster.admin_tenant_id() then 'admin'
  end;
end
$$;
--> statement-breakpoint
create or replace function muster.propose_duty_edit(
  of_driver uuid, kind_of text, of_entry uuid, becomes text, becomes_at timestamptz, why text
) returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  side text;
  edit public.duty_status_edits;
begin
  select muster.side_of_log(d.id, d.organization_id, d.tenant_id) into side
  from public.drivers d
  where d.id = of_driver and d.deleted_at is null;
  if side is null then
    perform muster.fail('not_found', 'id');
  elsif side = 'admin' then
    perform muster.fail('forbidden');
  end if;
  -- The trigger finds out what the entry is, and whose.
  insert into public.duty_status_edits as e (driver_id, entry_id, kind, status, began_at, reason, proposed_by, proposed_as)
  values (of_driver, of_entry, kind_of, becomes, becomes_at, why, muster.user_id(), side)
  returning e.* into edit;
  return muster.duty_edit_json(edit);
end
$$;
--> statement-breakpoint
create or replace function muster.decide_duty_edit(wanted uuid, verdict text) returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  edit public.duty_status_edits;
  side text;
begin
  perform muster.require_read_committed();
  select e.* into edit from public.duty_status_edits e where e.id = wanted;
  side := muster.side_of_log(edit.driver_id, edit.organization_id, edit.tenant_id);
  if side is null then
    perform muster.fail('not_found', 'id');
  end if;
  perform from public.drivers d where d.id = edit.driver_id for no key update;
  -- Somebody of the same side may have decided meanwhile.
  select e.* into edit from public.duty_status_edits e where e.id = wanted;
  if edit.state <> 'proposed' then
    perform muster.fail('duty_edit_decided', 'state');
  elsif side = 'admin' or side = edit.proposed_as or edit.proposed_by = muster.user_id() then
    perform muster.fail('forbidden', 'state');
  end if;
  update public.duty_status_edits e
  set state = verdict, decided_by = muster.user_id(), decided_at = clock_timestamp()
  where e.id = wanted
  returning e.* into edit;
  return muster.duty_edit_json(edit);
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
  if muster.is_duty_in_future(new.began_at) then
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
create or replace function muster.tg_duty_status_edits__keep() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if old.state <> 'proposed' or (
    (to_jsonb(new) - '{state,decided_by,decided_at,updated_at}'::text[])
    <> (to_jsonb(old) - '{state,decided_by,decided_at,updated_at}'::text[])
  ) then
    perform muster.fail('duty_edit_decided', 'state');
  end if;
  return new;
end
$$;
--> statement-breakpoint
create or replace trigger a_check before insert on public.duty_status_edits
  for each row execute function muster.tg_duty_status_edits__check();
--> statement-breakpoint
create or replace trigger a_keep before update on public.duty_status_edits
  for each row execute function muster.tg_duty_status_edits__keep();
--> statement-breakpoint
create policy duty_status_edits_read on public.duty_status_edits for select to authenticated
  using (
    organization_id = (select muster.carrier_id())
    or driver_id = (select muster.driver_id())
    or tenant_id = (select muster.admin_tenant_id())
  );
--> statement-breakpoint
create or replace function muster.audience_of_duty_status_changes(viewed jsonb, at timestamptz) returns text[]
language sql
stable
parallel safe
set search_path = pg_catalog, pg_temp
return array[
  'admins:' || (viewed ->> 'tenant_id'),
  'carrier:' || (viewed ->> 'organization_id'),
  'driver:' || (viewed ->> 'driver_id')
];
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.seen_of_duty_status_changes(changes jsonb)
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return (
    select jsonb_object_agg(c.nth, jsonb_build_object(
      'audience', case when true then array_remove(
        muster.audience_of_duty_status_changes((c.value -> 'image') || jsonb_build_object('tenant_id', r.tenant_id), clock_timestamp()), null
      ) else '{}' end,
      'filled', case when c.value ? 'lacks' and to_jsonb(r) || (c.value -> 'image') = to_jsonb(r) then (
        select jsonb_object_agg(l.name, (to_jsonb(r) -> l.name)::text)
        from jsonb_array_elements_text(c.value -> 'lacks') as l (name)
      ) end
    ))
    from jsonb_array_elements(changes) with ordinality as c (value, nth)
    join public.duty_status_changes r on r.id = (c.value #>> '{image,id}')::uuid
    where c.value ->> 'relation' = 'duty_status_changes'
  );
end
$function$;
--> statement-breakpoint
CREATE TRIGGER z_stamp_change BEFORE INSERT OR UPDATE ON public.duty_status_changes FOR EACH ROW EXECUTE FUNCTION muster.tg_stamp_change();
--> statement-breakpoint
CREATE TRIGGER note_departure_on_delete AFTER DELETE ON public.duty_status_changes FOR EACH ROW EXECUTE FUNCTION muster.tg_note_departure();
--> statement-breakpoint
CREATE TRIGGER note_departure_on_update AFTER UPDATE ON public.duty_status_changes FOR EACH ROW WHEN (((old.tenant_id IS DISTINCT FROM new.tenant_id) OR (old.organization_id IS DISTINCT FROM new.organization_id) OR (old.driver_id IS DISTINCT FROM new.driver_id))) EXECUTE FUNCTION muster.tg_note_departure();
--> statement-breakpoint
create policy internal on public.duty_status_changes for all to service_role, muster_definer
  using (true)
  with check (true);
--> statement-breakpoint
alter publication supabase_realtime add table public.duty_status_changes (began_at, created_at, device_id, driver_id, duty_point, id, organization_id, recorded_at, status, updated_at);
--> statement-breakpoint
-- Of the clock of a phone, as in guarding: more than this is a wrong clock or a forged time.
create or replace function muster.is_duty_in_future(recorded_at timestamptz) returns boolean
language sql
volatile
set search_path = pg_catalog, pg_temp
return recorded_at > clock_timestamp() + interval '5 minutes';
--> statement-breakpoint
create or replace function muster.most_duty_changes_a_day() returns integer
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return 1440;
--> statement-breakpoint
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
  if is_direct and muster.is_duty_in_future(new.recorded_at) then
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
create or replace function muster.tg_duty_status_changes__keep() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  perform muster.fail('forbidden');
  return null;
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
    select g.*, muster.is_duty_in_future(g.recorded_at) as is_in_future, date_trunc('day', g.began_at, 'UTC') as day
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
--> statement-breakpoint
create or replace trigger a_place before insert on public.duty_status_changes
  for each row execute function muster.tg_duty_status_changes__place();
--> statement-breakpoint
create or replace trigger a_keep before update on public.duty_status_changes
  for each row execute function muster.tg_duty_status_changes__keep();
--> statement-breakpoint
create policy duty_status_changes_read on public.duty_status_changes for select to authenticated
  using (
    organization_id = (select muster.carrier_id())
    or driver_id = (select muster.driver_id())
    or tenant_id = (select muster.admin_tenant_id())
  );
--> statement-breakpoint
create policy duty_status_changes_create on public.duty_status_changes for insert to authenticated
  with check (driver_id = (select muster.driver_id()));
--> statement-breakpoint
-- Limits in seconds. A new version of the law is another row, whose limits hold from its day on, at the home terminal.
create or replace function muster.hours_of_service_rules() returns table (pack text, valid_from date, limits jsonb)
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
begin atomic
  select r.pack, r.valid_from, r.limits
  from (
    values
      -- 49 CFR 395.3 and 395.1(g), as amended by 85 FR 33396.
      ('us_property', date '2020-09-29', jsonb_build_object(
        'driving', 39600, 'window', 50400, 'rest', 36000,
        'until_break', 28800, 'break', 1800,
        'half_rest', 7200, 'half_in_berth', 25200,
        'cycle_60/7', 216000, 'days_60/7', 7, 'cycle_70/8', 252000, 'days_70/8', 8, 'restart', 122400,
        -- 85 mph, the highest limit of any road (Texas 130), in meters an hour.
        'fastest', 136794
      )),
      -- Regulation (EC) No 561/2006, articles 4 and 6 to 8, as amended by Regulation (EU) 2020/1054.
      ('eu_561', date '2020-08-20', jsonb_build_object(
        'driving', 32400, 'driving_extended', 36000, 'extensions', 2,
        'day', 86400, 'rest', 39600, 'reduced_rest', 32400, 'reduced_rests', 3, 'first_part_of_rest', 10800,
        'until_break', 16200, 'break', 2700, 'first_part_of_break', 900, 'second_part_of_break', 1800,
        'week', 201600, 'fortnight', 324000,
        'until_weekly_rest', 518400, 'weekly_rest', 162000, 'reduced_weekly_rest', 86400,
        -- 90 km/h, to which limiters hold trucks (Directive 92/6/EEC), in meters an hour.
        'fastest', 90000
      ))
  ) as r (pack, valid_from, limits);
end;
--> statement-breakpoint
create or replace function muster.limits_of(wanted text, on_day date) returns jsonb
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
begin atomic
  select r.limits
  from muster.hours_of_service_rules() r
  where r.pack = wanted
  -- Before the first version there is none other.
  order by r.valid_from <= on_day desc, abs(r.valid_from - on_day)
  limit 1;
end;
--> statement-breakpoint
create or replace function muster.midnight_of(local_day date, zone text) returns bigint
language sql
stable
parallel safe
set search_path = pg_catalog, pg_temp
return floor(extract(epoch from local_day::timestamp at time zone zone))::bigint;
--> statement-breakpoint
-- 49 CFR 395.3, and the split of 395.1(g)(1)(ii). The log is in order; what lasts no second is not there.
create or replace function muster.hours_left_us_property(
  limits jsonb, cycle text, zone text, statuses text[], begins bigint[], at bigint
) returns jsonb
language plpgsql
stable
parallel safe
set search_path = pg_catalog, pg_temp
as $$
declare
  most_driving constant bigint := limits ->> 'driving';
  most_window constant bigint := limits ->> 'window';
  full_rest constant bigint := limits ->> 'rest';
  half_rest constant bigint := limits ->> 'half_rest';
  half_in_berth constant bigint := limits ->> 'half_in_berth';
  most_until_break constant bigint := limits ->> 'until_break';
  break_length constant bigint := limits ->> 'break';
  most_cycle constant bigint := limits ->> ('cycle_' || cycle);
  restart constant bigint := limits ->> 'restart';
  today constant date := (to_timestamp(at) at time zone zone)::date;
  first_day constant date := today - ((limits ->> ('days_' || cycle))::integer - 1);
  -- The days of the cycle begin there today, tomorrow and the day after.
  cycle_from constant bigint[] := array[
    muster.midnight_of(first_day, zone), muster.midnight_of(first_day + 1, zone), muster.midnight_of(first_day + 2, zone)
  ];
  next_midnights constant bigint[] := array[muster.midnight_of(today + 1, zone), muster.midnight_of(today + 2, zone)];
  entries constant integer := coalesce(cardinality(begins), 0);
  from_time bigint;
  to_time bigint;
  status text;
  driven bigint := 0;
  driven_at_break bigint := 0;
  on_duty bigint[] := array[0, 0, 0];
  -- From when driving and window count, what had been driven then, and the rest after it that the window leaves out.
  counts_from bigint := 0;
  driven_before bigint := 0;
  left_out bigint := 0;
  -- Rests that are not over ten hours, since the last that was: any may be half of a split.
  half_ends bigint[] := '{}';
  half_lengths bigint[] := '{}';
  half_berths boolean[] := '{}';
  half_driven bigint[] := '{}';
  rest_from bigint := 0;
  idle_from bigint := 0;
  berth_from bigint;
  berth bigint := 0;
  rested bigint;
  nth integer;
  goes_on_in_berth boolean;
  candidates bigint[];
  then_at bigint;
  berth_then bigint;
  driving_left bigint;
  window_left bigint;
  break_left bigint;
  cycle_left bigint;
  answer jsonb;
begin
  for i in 1 .. entries loop
    from_time := begins[i];
    to_time := case when i < entries then begins[i + 1] else at end;
    continue when to_time <= from_time;
    status := statuses[i];
    if status in ('off_duty', 'sleeper') then
      rest_from := coalesce(rest_from, from_time);
      idle_from := coalesce(idle_from, from_time);
      if status = 'sleeper' then
        berth_from := coalesce(berth_from, from_time);
      elsif berth_from is not null then
        berth := greatest(berth, from_time - berth_from);
        berth_from := null;
      end if;
      continue;
    end if;

    if rest_from is not null then
      rested := from_time - rest_from;
      berth := greatest(berth, from_time - berth_from);
      if rested >= full_rest then
        counts_from := from_time;
        driven_before := driven;
        left_out := 0;
        half_ends := '{}';
        half_lengths := '{}';
        half_berths := '{}';
        half_driven := '{}';
      elsif rested >= half_rest then
        nth := cardinality(half_ends);
        while nth > 0 and half_ends[nth] > counts_from loop
          if half_lengths[nth] + rested >= full_rest and (half_berths[nth] or berth >= half_in_berth) then
            counts_from := half_ends[nth];
            driven_before := half_driven[nth];
            left_out := rested;
            exit;
          end if;
          nth := nth - 1;
        end loop;
        half_ends := half_ends || from_time;
        half_lengths := half_lengths || rested;
        half_berths := half_berths || (berth >= half_in_berth);
        half_driven := half_driven || driven;
      end if;
      if rested >= restart then
        on_duty := array[0, 0, 0];
      end if;
      rest_from := null;
      berth_from := null;
      berth := 0;
    end if;

    if status = 'driving' then
      if from_time - idle_from >= break_length then
        driven_at_break := driven;
      end if;
      idle_from := null;
      driven := driven + to_time - from_time;
    else
      idle_from := coalesce(idle_from, from_time);
    end if;
    if to_time > cycle_from[1] then
      for day in 1 .. 3 loop
        on_duty[day] := on_duty[day] + greatest(0, to_time - greatest(from_time, cycle_from[day]));
      end loop;
    end if;
  end loop;

  rest_from := coalesce(rest_from, at);
  idle_from := coalesce(idle_from, at);
  goes_on_in_berth := coalesce(statuses[entries] = 'sleeper', false);
  -- Whatever changes for one who rests, changes at one of these.
  candidates := array[at, idle_from + break_length, rest_from + full_rest, rest_from + restart] || next_midnights;
  for half in 1 .. cardinality(half_ends) loop
    candidates := candidates
      || (rest_from + greatest(half_rest, full_rest - half_lengths[half]))
      || greatest(rest_from + greatest(half_rest, full_rest - half_lengths[half]), coalesce(berth_from, at) + half_in_berth);
  end loop;

  for then_at in select distinct c.at from unnest(candidates) as c (at) where c.at >= hours_left_us_property.at order by c.at loop
    rested := then_at - rest_from;
    berth_then := greatest(berth, case when goes_on_in_berth then then_at else at end - case
      when goes_on_in_berth then coalesce(berth_from, at) else berth_from
    end);
    driving_left := most_driving;
    window_left := most_window;
    if rested < full_rest then
      driving_left := most_driving - (driven - driven_before);
      window_left := most_window - (then_at - counts_from - left_out);
      nth := cardinality(half_ends);
      while rested >= half_rest and nth > 0 and half_ends[nth] > counts_from loop
        if half_lengths[nth] + rested >= full_rest and (half_berths[nth] or berth_then >= half_in_berth) then
          driving_left := most_driving - (driven - half_driven[nth]);
          window_left := most_window - (rest_from - half_ends[nth]);
          exit;
        end if;
        nth := nth - 1;
      end loop;
    end if;
    break_left := most_until_break - case when then_at - idle_from >= break_length then 0 else driven - driven_at_break end;
    cycle_left := most_cycle - case
      when rested >= restart then 0
      when then_at < next_midnights[1] then on_duty[1]
      when then_at < next_midnights[2] then on_duty[2]
      else on_duty[3]
    end;
    if answer is null then
      answer := jsonb_build_object(
        'driving', greatest(0, driving_left),
        'window', greatest(0, window_left),
        'until_break', greatest(0, break_left),
        'cycle', greatest(0, cycle_left),
        'week', null,
        'fortnight', null
      );
    end if;
    if least(driving_left, window_left, break_left, cycle_left) > 0 then
      answer := answer || jsonb_build_object('can_drive_at', then_at);
      exit;
    end if;
  end loop;
  return answer;
end
$$;
--> statement-breakpoint
-- Regulation (EC) No 561/2006, articles 4 and 6 to 8.
create or replace function muster.hours_left_eu_561(limits jsonb, zone text, statuses text[], begins bigint[], at bigint) returns jsonb
language plpgsql
stable
parallel safe
set search_path = pg_catalog, pg_temp
as $$
declare
  most_driving constant bigint := limits ->> 'driving';
  most_extended constant bigint := limits ->> 'driving_extended';
  extensions constant integer := limits ->> 'extensions';
  day_length constant bigint := limits ->> 'day';
  full_rest constant bigint := limits ->> 'rest';
  reduced_rest constant bigint := limits ->> 'reduced_rest';
  reduced_rests constant integer := limits ->> 'reduced_rests';
  first_of_rest constant bigint := limits ->> 'first_part_of_rest';
  most_until_break constant bigint := limits ->> 'until_break';
  full_break constant bigint := limits ->> 'break';
  first_of_break constant bigint := limits ->> 'first_part_of_break';
  second_of_break constant bigint := limits ->> 'second_part_of_break';
  most_week constant bigint := limits ->> 'week';
  most_fortnight constant bigint := limits ->> 'fortnight';
  until_weekly_rest constant bigint := limits ->> 'until_weekly_rest';
  weekly_rest constant bigint := limits ->> 'weekly_rest';
  reduced_weekly_rest constant bigint := limits ->> 'reduced_weekly_rest';
  this_week constant date := date_trunc('week', to_timestamp(at) at time zone zone)::date;
  -- The mondays of the last week, this one, the next and that after it.
  mondays constant bigint[] := array(
    select muster.midnight_of(this_week + 7 * w.n, zone) from generate_series(-1, 2) as w (n) order by w.n
  );
  entries constant integer := coalesce(cardinality(begins), 0);
  from_time bigint;
  to_time bigint;
  driven bigint := 0;
  driven_at_break bigint := 0;
  driven_last_week bigint := 0;
  driven_this_week bigint := 0;
  has_first_of_break boolean := false;
  -- The day between two daily rests. It is of the week in which it began.
  day_from bigint := 0;
  day_week date;
  driven_before_day bigint := 0;
  has_first_of_rest boolean := false;
  reduced integer := 0;
  -- In the week of the last day that was extended.
  extended integer := 0;
  extended_week date;
  week_from bigint := 0;
  was_regular boolean := true;
  rest_from bigint := 0;
  rested bigint;
  then_at bigint;
  week_then date;
  is_weekly boolean;
  is_daily boolean;
  reduced_then integer;
  extended_then integer;
  driving_left bigint;
  window_left bigint;
  break_left bigint;
  cycle_left bigint;
  week_left bigint;
  fortnight_left bigint;
  answer jsonb;
begin
  for i in 1 .. entries loop
    from_time := begins[i];
    to_time := case when i < entries then begins[i + 1] else at end;
    continue when to_time <= from_time;
    if statuses[i] in ('off_duty', 'sleeper') then
      rest_from := coalesce(rest_from, from_time);
      continue;
    end if;

    if rest_from is not null then
      rested := from_time - rest_from;
      if rested >= full_break or (has_first_of_break and rested >= second_of_break) then
        driven_at_break := driven;
        has_first_of_break := false;
      elsif rested >= first_of_break then
        has_first_of_break := true;
      end if;
      is_weekly := rested >= weekly_rest or (was_regular and rested >= reduced_weekly_rest);
      is_daily := is_weekly
        or rested >= full_rest
        or (rested >= reduced_rest and (has_first_of_rest or reduced < reduced_rests));
      if is_weekly then
        was_regular := rested >= weekly_rest;
        week_from := from_time;
        reduced := 0;
      elsif is_daily and rested < full_rest and not has_first_of_rest then
        reduced := reduced + 1;
      end if;
      if is_daily then
        if driven - driven_before_day > most_driving then
          extended := case when extended_week = day_week then extended + 1 else 1 end;
          extended_week := day_week;
        end if;
        day_from := from_time;
        day_week := date_trunc('week', to_timestamp(from_time) at time zone zone)::date;
        driven_before_day := driven;
        has_first_of_rest := false;
      elsif rested >= first_of_rest then
        has_first_of_rest := true;
      end if;
      rest_from := null;
    end if;

    if statuses[i] = 'driving' then
      driven := driven + to_time - from_time;
      driven_last_week := driven_last_week + greatest(0, least(to_time, mondays[2]) - greatest(from_time, mondays[1]));
      driven_this_week := driven_this_week + greatest(0, to_time - greatest(from_time, mondays[2]));
    end if;
  end loop;

  rest_from := coalesce(rest_from, at);
  -- Whatever changes for one who rests, changes at one of these.
  for then_at in
    select distinct c.at
    from unnest(array[
      hours_left_eu_561.at, rest_from + second_of_break, rest_from + full_break, rest_from + first_of_rest, rest_from + reduced_rest,
      rest_from + full_rest, rest_from + reduced_weekly_rest, rest_from + weekly_rest, mondays[3], mondays[4]
    ]) as c (at)
    where c.at >= hours_left_eu_561.at
    order by c.at
  loop
    rested := then_at - rest_from;
    is_weekly := rested >= weekly_rest or (was_regular and rested >= reduced_weekly_rest);
    is_daily := is_weekly
      or rested >= full_rest
      or (rested >= reduced_rest and (has_first_of_rest or reduced < reduced_rests));
    reduced_then := case
      when is_weekly then 0
      when is_daily and rested < full_rest and not has_first_of_rest then reduced + 1
      else reduced
    end;
    week_then := case
      when not is_daily then day_week
      when then_at < mondays[3] then this_week
      when then_at < mondays[4] then this_week + 7
      else this_week + 14
    end;
    extended_then := case when extended_week = week_then then extended else 0 end;
    if is_daily and day_week = week_then and driven - driven_before_day > most_driving then
      extended_then := extended_then + 1;
    end if;
    driving_left := case when extended_then < extensions then most_extended else most_driving end
      - case when is_daily then 0 else driven - driven_before_day end;
    window_left := day_length
      - case
        when reduced_then < reduced_rests or (not is_daily and (has_first_of_rest or rested >= first_of_rest)) then reduced_rest
        else full_rest
      end
      - case when is_daily then 0 else then_at - day_from end;
    break_left := most_until_break - case
      when rested >= full_break or (has_first_of_break and rested >= second_of_break) then 0
      else driven - driven_at_break
    end;
    cycle_left := until_weekly_rest - case when is_weekly then 0 else then_at - week_from end;
    week_left := most_week - case when then_at < mondays[3] then driven_this_week else 0 end;
    fortnight_left := most_fortnight - case
      when then_at < mondays[3] then driven_last_week + driven_this_week
      when then_at < mondays[4] then driven_this_week
      else 0
    end;
    if answer is null then
      answer := jsonb_build_object(
        'driving', greatest(0, driving_left),
        'window', greatest(0, window_left),
        'until_break', greatest(0, break_left),
        'cycle', greatest(0, cycle_left),
        'week', greatest(0, week_left),
        'fortnight', greatest(0, fortnight_left)
      );
    end if;
    if least(driving_left, window_left, break_left, cycle_left, week_left, fortnight_left) > 0 then
      answer := answer || jsonb_build_object('can_drive_at', then_at);
      exit;
    end if;
  end loop;
  return answer;
end
$$;
--> statement-breakpoint
create or replace function muster.hours_left(
  pack text, cycle text, zone text, statuses text[], begins bigint[], at bigint
) returns jsonb
language plpgsql
stable
parallel safe
set search_path = pg_catalog, pg_temp
as $$
declare
  limits constant jsonb := muster.limits_of(pack, (to_timestamp(at) at time zone zone)::date);
begin
  return case pack
    when 'us_property' then muster.hours_left_us_property(limits, cycle, zone, statuses, begins, at)
    else muster.hours_left_eu_561(limits, zone, statuses, begins, at)
  end;
end
$$;
--> statement-breakpoint
-- From below: rests and breaks that no way of splitting them spares a rested driver, and nothing for loading, or for what they drove before.
create or replace function muster.least_driving_span(pack text, limits jsonb, driving bigint) returns bigint
language plpgsql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
as $$
declare
  longest constant bigint := limits ->> case pack when 'eu_561' then 'driving_extended' else 'driving' end;
  rest constant bigint := limits ->> case pack when 'eu_561' then 'reduced_rest' else 'rest' end;
  stretches constant bigint := ceil(driving::numeric / longest);
  -- A rest is a break, too; in the United States one of ten hours may be two.
  breaks constant bigint := ceil(driving::numeric / (limits ->> 'until_break')::bigint) - 1
    - (stretches - 1) * case pack when 'eu_561' then 1 else 2 end;
begin
  return driving + greatest(0, stretches - 1) * rest + greatest(0, breaks) * (limits ->> 'break')::bigint;
end
$$;
--> statement-breakpoint
create or replace function muster.least_span_of_load(load public.loads, pack text, zone text) returns bigint
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  limits constant jsonb := muster.limits_of(pack, (load.starts_at at time zone zone)::date);
  meters constant numeric := load.distance * case load.distance_unit when 'mi' then 1609.344 else 1000 end;
begin
  return muster.least_driving_span(
    pack, limits, coalesce(load.driving_minutes * 60, floor(meters * 3600 / (limits ->> 'fastest')::numeric))::bigint
  );
end
$$;
--> statement-breakpoint
create or replace function muster.hours_of_drivers(drivers uuid[], at timestamptz) returns table (driver_id uuid, hours jsonb)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  own constant uuid := muster.driver_id();
  planned constant uuid := muster.carrier_id();
  administered constant uuid := muster.admin_tenant_id();
begin
  return query
    select d.id, jsonb_build_object(
      'driver_id', d.id,
      'at', to_timestamp(floor(extract(epoch from hours_of_drivers.at))),
      'pack', d.hours_pack,
      'cycle', case d.hours_pack when 'us_property' then d.hours_cycle end,
      'time_zone', d.home_time_zone,
      'status', log.status,
      'since', log.since,
      'can_drive_at', to_timestamp((h.hours ->> 'can_drive_at')::float8),
      'driving_seconds_left', h.hours -> 'driving',
      'window_seconds_left', h.hours -> 'window',
      'break_seconds_left', h.hours -> 'until_break',
      'cycle_seconds_left', h.hours -> 'cycle',
      'week_seconds_left', h.hours -> 'week',
      'fortnight_seconds_left', h.hours -> 'fortnight'
    )
    from public.drivers d
    cross join lateral (
      select
        coalesce(array_agg(l.status order by l.began_at, l.entry_id), '{}') as statuses,
        coalesce(array_agg(floor(extract(epoch from l.began_at))::bigint order by l.began_at, l.entry_id), '{}') as begins,
        (array_agg(l.status order by l.began_at desc, l.entry_id desc))[1] as status,
        max(l.began_at) as since
      from muster.duty_log(d.id, hours_of_drivers.at - interval '28 days', hours_of_drivers.at) l
    ) log
    cross join lateral (
      select muster.hours_left(
        d.hours_pack, d.hours_cycle, d.home_time_zone, log.statuses, log.begins,
        floor(extract(epoch from hours_of_drivers.at))::bigint
      ) as hours
    ) h
    where d.id = any (drivers)
      and d.deleted_at is null
      and (d.organization_id = planned or d.id = own or d.tenant_id = administered);
end
$$;
--> statement-breakpoint
create or replace function muster.hours_of_service(driver uuid, at timestamptz default now()) returns jsonb
language sql
stable
set search_path = pg_catalog, pg_temp
begin atomic
  select h.hours from muster.hours_of_drivers(array[driver], at) h;
end;
--> statement-breakpoint
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
--> statement-breakpoint
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
--> statement-breakpoint
alter publication supabase_realtime add table public.loads (broker_id, broker_organization_id, cancel_reason, created_at, currency, dispatcher_id, distance, distance_unit, driver_ids, driving_minutes, ends_at, id, is_factored, last_day, organization_id, rate, reference, starts_at, status, updated_at);
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
--> statement-breakpoint
alter function muster.propose_duty_edit(uuid,text,uuid,text,timestamp with time zone,text) owner to muster_definer;
--> statement-breakpoint
alter function muster.hours_of_drivers(uuid[],timestamp with time zone) owner to muster_definer;
--> statement-breakpoint
alter function muster.decide_duty_edit(uuid,text) owner to muster_definer;
--> statement-breakpoint
alter function muster.tg_duty_status_edits__check() owner to muster_definer;
--> statement-breakpoint
alter function muster.record_duty_statuses(jsonb) owner to muster_definer;
--> statement-breakpoint
alter function muster.tg_duty_status_changes__place() owner to muster_definer;
--> statement-breakpoint
alter table public.duty_status_edits enable row level security;
--> statement-breakpoint
alter table public.duty_status_edits force row level security;
--> statement-breakpoint
alter table public.duty_status_changes enable row level security;
--> statement-breakpoint
alter table public.duty_status_changes force row level security;
--> statement-breakpoint
revoke all on table public.duty_status_edits from public, anon, authenticated, service_role;
--> statement-breakpoint
revoke all on table public.duty_status_changes from public, anon, authenticated, service_role;
--> statement-breakpoint
revoke execute on function muster.hours_left(text,text,text,text[],bigint[],bigint) from public;
--> statement-breakpoint
revoke execute on function muster.propose_duty_edit(uuid,text,uuid,text,timestamp with time zone,text) from public;
--> statement-breakpoint
revoke execute on function muster.side_of_log(uuid,uuid,uuid) from public;
--> statement-breakpoint
revoke execute on function muster.tg_duty_status_changes__keep() from public;
--> statement-breakpoint
revoke execute on function muster.hours_left_eu_561(jsonb,text,text[],bigint[],bigint) from public;
--> statement-breakpoint
revoke execute on function muster.least_driving_span(text,jsonb,bigint) from public;
--> statement-breakpoint
revoke execute on function muster.least_span_of_load(loads,text,text) from public;
--> statement-breakpoint
revoke execute on function muster.hours_of_service(uuid,timestamp with time zone) from public;
--> statement-breakpoint
revoke execute on function muster.hours_of_drivers(uuid[],timestamp with time zone) from public;
--> statement-breakpoint
revoke execute on function muster.tg_drivers__name_time_zone() from public;
--> statement-breakpoint
revoke execute on function muster.audience_of_duty_status_edits(jsonb,timestamp with time zone) from public;
--> statement-breakpoint
revoke execute on function muster.seen_of_duty_status_edits(jsonb) from public;
--> statement-breakpoint
revoke execute on function muster.tg_duty_status_edits__keep() from public;
--> statement-breakpoint
revoke execute on function muster.duty_edit_json(duty_status_edits) from public;
--> statement-breakpoint
revoke execute on function muster.decide_duty_edit(uuid,text) from public;
--> statement-breakpoint
revoke execute on function muster.tg_duty_status_edits__check() from public;
--> statement-breakpoint
revoke execute on function muster.audience_of_duty_status_changes(jsonb,timestamp with time zone) from public;
--> statement-breakpoint
revoke execute on function muster.seen_of_duty_status_changes(jsonb) from public;
--> statement-breakpoint
revoke execute on function muster.is_duty_in_future(timestamp with time zone) from public;
--> statement-breakpoint
revoke execute on function muster.most_duty_changes_a_day() from public;
--> statement-breakpoint
revoke execute on function muster.duty_changes_of_day(uuid,timestamp with time zone) from public;
--> statement-breakpoint
revoke execute on function muster.duty_log(uuid,timestamp with time zone,timestamp with time zone) from public;
--> statement-breakpoint
revoke execute on function muster.record_duty_statuses(jsonb) from public;
--> statement-breakpoint
revoke execute on function muster.tg_duty_status_changes__place() from public;
--> statement-breakpoint
revoke execute on function muster.hours_of_service_rules() from public;
--> statement-breakpoint
revoke execute on function muster.limits_of(text,date) from public;
--> statement-breakpoint
revoke execute on function muster.midnight_of(date,text) from public;
--> statement-breakpoint
revoke execute on function muster.hours_left_us_property(jsonb,text,text,text[],bigint[],bigint) from public;
--> statement-breakpoint
grant execute on function muster.audience_of_duty_status_changes(jsonb,timestamp with time zone) to muster_definer;
--> statement-breakpoint
grant execute on function muster.audience_of_duty_status_edits(jsonb,timestamp with time zone) to muster_definer;
--> statement-breakpoint
grant execute on function muster.decide_duty_edit(uuid,text) to authenticated, muster_api;
--> statement-breakpoint
grant execute on function muster.duty_changes_of_day(uuid,timestamp with time zone) to muster_definer;
--> statement-breakpoint
grant execute on function muster.duty_edit_json(duty_status_edits) to muster_definer;
--> statement-breakpoint
grant execute on function muster.duty_log(uuid,timestamp with time zone,timestamp with time zone) to muster_definer;
--> statement-breakpoint
grant execute on function muster.hours_left(text,text,text,text[],bigint[],bigint) to muster_definer;
--> statement-breakpoint
grant execute on function muster.hours_left_eu_561(jsonb,text,text[],bigint[],bigint) to muster_definer;
--> statement-breakpoint
grant execute on function muster.hours_left_us_property(jsonb,text,text,text[],bigint[],bigint) to muster_definer;
--> statement-breakpoint
grant execute on function muster.hours_of_drivers(uuid[],timestamp with time zone) to authenticated;
--> statement-breakpoint
grant execute on function muster.hours_of_service(uuid,timestamp with time zone) to authenticated;
--> statement-breakpoint
grant execute on function muster.hours_of_service_rules() to muster_definer;
--> statement-breakpoint
grant execute on function muster.is_duty_in_future(timestamp with time zone) to muster_definer;
--> statement-breakpoint
grant execute on function muster.least_driving_span(text,jsonb,bigint) to muster_definer;
--> statement-breakpoint
grant execute on function muster.least_span_of_load(loads,text,text) to muster_definer;
--> statement-breakpoint
grant execute on function muster.limits_of(text,date) to muster_definer;
--> statement-breakpoint
grant execute on function muster.midnight_of(date,text) to muster_definer;
--> statement-breakpoint
grant execute on function muster.most_duty_changes_a_day() to muster_definer;
--> statement-breakpoint
grant execute on function muster.propose_duty_edit(uuid,text,uuid,text,timestamp with time zone,text) to authenticated, muster_api;
--> statement-breakpoint
grant execute on function muster.record_duty_statuses(jsonb) to authenticated, muster_api;
--> statement-breakpoint
grant execute on function muster.seen_of_duty_status_changes(jsonb) to muster_definer;
--> statement-breakpoint
grant execute on function muster.seen_of_duty_status_edits(jsonb) to muster_definer;
--> statement-breakpoint
grant execute on function muster.side_of_log(uuid,uuid,uuid) to muster_definer;
--> statement-breakpoint
grant insert (home_time_zone, hours_cycle, hours_pack), update (home_time_zone, hours_cycle, hours_pack) on table public.drivers to authenticated;
--> statement-breakpoint
grant select, insert (began_at, device_id, duty_point, id, recorded_at, status) on table public.duty_status_changes to authenticated;
--> statement-breakpoint
grant select, insert (began_at, device_id, driver_id, duty_point, id, recorded_at, status) on table public.duty_status_changes to muster_definer;
--> statement-breakpoint
grant delete, insert, select, update on table public.duty_status_changes to service_role;
--> statement-breakpoint
grant select on table public.duty_status_edits to authenticated;
--> statement-breakpoint
grant insert, select, update on table public.duty_status_edits to muster_definer;
--> statement-breakpoint
grant delete, insert, select, update on table public.duty_status_edits to service_role;
--> statement-breakpoint
grant update (driving_minutes) on table public.loads to authenticated;
--> statement-breakpoint
comment on function muster.tg_drivers__name_time_zone() is 'Only time zones that exist are stored, by their present name.';
--> statement-breakpoint
comment on function muster.audience_of_duty_status_edits(jsonb, timestamptz) is
  'Who sees an edit of a log: duty_status_edits_read, as groups.';
--> statement-breakpoint
comment on policy internal on public.duty_status_edits is 'Background work and the security definer functions; their grants say how far they reach.';
--> statement-breakpoint
comment on function muster.seen_of_duty_status_edits(jsonb) is 'Which groups see changes of this table, and the values that the log left out. Made by muster.follow_table.';
--> statement-breakpoint
comment on function muster.duty_edit_json(public.duty_status_edits) is 'An edit of a log in the form of the API.';
--> statement-breakpoint
comment on function muster.side_of_log(uuid, uuid, uuid) is 'As whom the caller sees the log of a driver; null for those who do not.';
--> statement-breakpoint
comment on function muster.propose_duty_edit(uuid, text, uuid, text, timestamptz, text) is
  'An edit of a log, proposed by the caller''s side. Security definer: nobody may say whose an edit is.';
--> statement-breakpoint
comment on function muster.decide_duty_edit(uuid, text) is
  'The side that did not propose it accepts or refuses an edit of a log. Security definer: no caller writes edits.';
--> statement-breakpoint
comment on function muster.tg_duty_status_edits__check() is
  'Fills in what an edit is about, and refuses what cannot be edited. Security definer: it locks the driver and reads the log.';
--> statement-breakpoint
comment on function muster.tg_duty_status_edits__keep() is 'Edits are appended: a proposal is decided on, once, and nothing else changes.';
--> statement-breakpoint
comment on policy duty_status_edits_read on public.duty_status_edits is
  'Office and dispatchers those of their carrier; drivers their own; admins. Nobody writes: functions say who may propose and decide.';
--> statement-breakpoint
comment on function muster.audience_of_duty_status_changes(jsonb, timestamptz) is
  'Who sees an entry of a log: duty_status_changes_read, as groups.';
--> statement-breakpoint
comment on policy internal on public.duty_status_changes is 'Background work and the security definer functions; their grants say how far they reach.';
--> statement-breakpoint
comment on function muster.seen_of_duty_status_changes(jsonb) is 'Which groups see changes of this table, and the values that the log left out. Made by muster.follow_table.';
--> statement-breakpoint
comment on function muster.is_duty_in_future(timestamptz) is 'Whether a device time lies more than 5 minutes in the future.';
--> statement-breakpoint
comment on function muster.most_duty_changes_a_day() is 'How many entries a log takes for one day in UTC: one a minute.';
--> statement-breakpoint
comment on function muster.duty_changes_of_day(uuid, timestamptz) is 'How many entries a log has on that day in UTC.';
--> statement-breakpoint
comment on function muster.tg_duty_status_changes__place() is
  'Whose an entry is. Security definer: the lock, and rules that see the whole log.';
--> statement-breakpoint
comment on function muster.tg_duty_status_changes__keep() is 'Entries of a log are appended: nobody changes what was recorded.';
--> statement-breakpoint
comment on function muster.record_duty_statuses(jsonb) is
  'Appends to the log of the caller, one result for each item. Security definer: no caller may say whose log an entry is of.';
--> statement-breakpoint
comment on function muster.duty_log(uuid, timestamptz, timestamptz) is
  'The entries of a log in a period as they count, with what lasted when it began; in no order.';
--> statement-breakpoint
comment on policy duty_status_changes_read on public.duty_status_changes is
  'Office and dispatchers those of their carrier; drivers their own; admins all of the tenant.';
--> statement-breakpoint
comment on policy duty_status_changes_create on public.duty_status_changes is 'Drivers their own (a trigger says whose it is).';
--> statement-breakpoint
comment on function muster.hours_of_service_rules() is
  'The limits of hours of service in seconds, by pack and by the day from which they hold.';
--> statement-breakpoint
comment on function muster.limits_of(text, date) is 'The limits of a pack that hold on that day.';
--> statement-breakpoint
comment on function muster.midnight_of(date, text) is 'When a day begins in a time zone, in seconds of Unix time.';
--> statement-breakpoint
comment on function muster.hours_left_us_property(jsonb, text, text, text[], bigint[], bigint) is
  'What 49 CFR 395.3 leaves a driver, in seconds, and when they may drive, in seconds of Unix time.';
--> statement-breakpoint
comment on function muster.hours_left_eu_561(jsonb, text, text[], bigint[], bigint) is
  'What Regulation 561/2006 leaves a driver, in seconds, and when they may drive, in seconds of Unix time.';
--> statement-breakpoint
comment on function muster.hours_left(text, text, text, text[], bigint[], bigint) is
  'What the rules of a pack leave a driver with that log, in order: statuses, and the seconds of Unix time at which they began, none after `at`.';
--> statement-breakpoint
comment on function muster.least_driving_span(text, jsonb, bigint) is
  'How many seconds it takes at least to drive for so many, with the rests and breaks of a pack.';
--> statement-breakpoint
comment on function muster.least_span_of_load(public.loads, text, text) is
  'How many seconds a driver alone needs for a load at least, by its driving time or else its distance; null where it has neither.';
--> statement-breakpoint
comment on function muster.hours_of_drivers(uuid[], timestamptz) is
  'What is left to each of the drivers whom the caller sees, by their logs as they are in effect. Security definer: it reads each log once, as drivers_read says.';
--> statement-breakpoint
comment on function muster.hours_of_service(uuid, timestamptz) is
  'What is left to a driver then, and when they may drive; null for a driver whom the caller does not see.';
--> statement-breakpoint
select muster.declare_audiences();
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1796054881_duty_statuses_rules';
