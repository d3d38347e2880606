set search_path = public, extensions;
--> statement-breakpoint
create or replace function muster.record_check_ins(items jsonb) returns json
language plpgsql
volatile
set search_path = pg_catalog, extensions, public, pg_temp
as $$
declare
  item record;
  created bigint[] := '{}';
  refusals jsonb[] := array_fill(null::jsonb, array[jsonb_array_length(items)]);
  state text;
  constraint_ text;
  hint_ text;
  caller constant uuid := muster.professional_id();
begin
  -- All at once while nothing is wrong with any of them; what is known already does not meet the rules again.
  begin
    with fresh as (
      select distinct on (i.id) i.*
      from rows from (jsonb_to_recordset(items) as (
        id uuid, shift_id uuid, kind text, latitude float8, longitude float8, accuracy_meters float8,
        recorded_at timestamptz
      )) with ordinality as i (id, shift_id, kind, latitude, longitude, accuracy_meters, recorded_at, nth)
      where not exists (select from public.gps_checkins c where c.id = i.id)
      order by i.id, i.nth
    ), inserted as (
      insert into public.gps_checkins as c (id, shift_id, kind, gps_point, accuracy_meters, recorded_at)
      select f.id, f.shift_id, f.kind, st_point(f.longitude, f.latitude)::geography, f.accuracy_meters, f.recorded_at
      from fresh f
      order by f.shift_id, f.id
      on conflict do nothing
      returning c.id
    )
    -- A join of the two would be planned for a row or two, and compare each with each.
    select coalesce(array_agg(f.nth) filter (where f.id in (select i.id from inserted i)), '{}') into created
    from fresh f;
  exception
    -- A rule refused an item: then one by one, so that a bad item never costs the others.
    when others then
      get stacked diagnostics state = returned_sqlstate;
      if not muster.is_refusal(state) then
        raise;
      end if;
      for item in
        select i.*
        from rows from (jsonb_to_recordset(items) as (
          id uuid, shift_id uuid, kind text, latitude float8, longitude float8, accuracy_meters float8,
          recorded_at timestamptz
        )) with ordinality as i (id, shift_id, kind, latitude, longitude, accuracy_meters, recorded_at, nth)
        order by i.shift_id, i.id, i.nth
      loop
        begin
          insert into public.gps_checkins as c (id, shift_id, kind, gps_point, accuracy_meters, recorded_at)
          select item.id, item.shift_id, item.kind, st_point(item.longitude, item.latitude)::geography,
                 item.accuracy_meters, item.recorded_at
          where not exists (select from public.gps_checkins c where c.id = item.id)
          on conflict do nothing;
          if found then
            created := created || item.nth;
          end if;
        exception
          when others then
            get stacked diagnostics
              state = returned_sqlstate, constraint_ = constraint_name, hint_ = pg_exception_hint;
            if not muster.is_refusal(state) then
              raise;
            end if;
            refusals[item.nth] := jsonb_build_object(
              'sqlstate', state, 'constraint', nullif(constraint_, ''),
              -- Our own words are safe for the caller; others' may quote rows.
              'hint', case when left(state, 2) = 'MU' then nullif(hint_, '') end
            );
        end;
      end loop;
  end;

  return (
    select coalesce(json_agg(
      case
        when r.refusal is not null then
          json_build_object(
            'id', i.id,
            'status', 'rejected',
            'sqlstate', r.refusal ->> 'sqlstate',
            'constraint', r.refusal ->> 'constraint',
            'hint', r.refusal ->> 'hint'
          )
        when c.shift_id = i.shift_id
          and c.kind = i.kind
          and c.recorded_at = i.recorded_at
          and c.professional_id = caller
        then
          json_build_object(
            'id', i.id,
            'status', case when n.nth is null then 'duplicate' else 'created' end,
            'checkin', muster.checkin_json(c)
          )
        else
          -- The id stands for another check-in, which may be somebody else's: nothing is said about it.
          json_build_object('id', i.id, 'status', 'rejected', 'sqlstate', 'MU016', 'constraint', null, 'hint', 'id')
      end
      order by i.nth
    ), '[]')
    from rows from (jsonb_to_recordset(items) as (
      id uuid, shift_id uuid, kind text, recorded_at timestamptz
    )) with ordinality as i (id, shift_id, kind, recorded_at, nth)
    left join unnest(created) as n (nth) on n.nth = i.nth
    left join unnest(refusals) with ordinality as r (refusal, nth) on r.nth = i.nth
    left join public.gps_checkins c on c.id = i.id
  );
end
$$;
--> statement-breakpoint
create or replace function muster.record_check_in(
  check_in_id uuid,
  at_shift uuid,
  kind_of text,
  latitude float8,
  longitude float8,
  accuracy float8,
  at_time timestamptz
) returns json
language plpgsql
volatile
set search_path = pg_catalog, extensions, public, pg_temp
as $$
declare
  stored public.gps_checkins;
  is_new boolean;
begin
  select c.* into stored from public.gps_checkins c where c.id = check_in_id;
  is_new := not found;
  if is_new then
    insert into public.gps_checkins as c (id, shift_id, kind, gps_point, accuracy_meters, recorded_at)
    values (check_in_id, at_shift, kind_of, st_point(longitude, latitude)::geography, accuracy, at_time)
    on conflict do nothing
    returning c.* into stored;
    if not found then
      -- Somebody else's, or the same one that came twice at the same moment.
      select c.* into stored from public.gps_checkins c where c.id = check_in_id;
      is_new := false;
    end if;
  end if;
  if not is_new and (stored.shift_id, stored.kind, stored.recorded_at, stored.professional_id)
    is distinct from (at_shift, kind_of, at_time, muster.professional_id()) then
    -- The id stands for another check-in, which may be somebody else's: nothing is said about it.
    perform muster.fail('id_conflict', 'id');
  end if;

  return json_build_object(
    'status', case when is_new then 'created' else 'duplicate' end,
    'checkin', muster.checkin_json(stored)
  );
end
$$;
--> statement-breakpoint
create or replace function muster.tg_gps_checkins__judge() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, extensions, public, pg_temp
as $$
declare
  early constant interval := interval '2 hours';
  late constant interval := interval '12 hours';
  -- Phones set their clocks by the network; more than this is a wrong clock or a forged time.
  clock_skew constant interval := interval '5 minutes';
  shift public.shifts;
  radius integer;
  caller uuid;
begin
  select s.* into shift from public.shifts s where s.id = new.shift_id for no key update;
  if not found or shift.deleted_at is not null then
    perform muster.fail('not_found', 'shift_id');
  end if;

  -- A caller without a professional must not pass as the null professional of an open shift.
  if muster.acts_for_caller() then
    caller := muster.professional_id();
    if caller is null or shift.professional_id is distinct from caller then
      -- Those who see the shift are told that it is not theirs to check in to; to others it does not exist.
      perform muster.fail(case when muster.sees_shift(shift) then 'forbidden' else 'not_found' end, 'shift_id');
    end if;
  end if;
  if shift.professional_id is null or shift.status not in ('assigned', 'active', 'completed') then
    perform muster.fail('shift_not_assigned', 'shift_id');
  end if;
  if new.recorded_at < shift.start_datetime - early or new.recorded_at > shift.end_datetime + late then
    perform muster.fail('outside_check_in_window', 'recorded_at');
  end if;
  if new.recorded_at > clock_timestamp() + clock_skew then
    perform muster.fail('recorded_in_future', 'recorded_at');
  end if;

  new.tenant_id := shift.tenant_id;
  new.company_id := shift.company_id;
  new.client_id := shift.client_id;
  new.professional_id := shift.professional_id;
  new.created_at := now();
  new.updated_at := now();
  select l.radius_meters into radius from public.locations l where l.id = shift.location_id;
  new.distance_meters := st_distance(new.gps_point, shift.location_point);
  new.is_within_radius := new.distance_meters <= radius;
  new.verdict := case
    when new.distance_meters + new.accuracy_meters <= radius then 'inside'
    when new.distance_meters - new.accuracy_meters > radius then 'outside'
    else 'uncertain'
  end;
  return new;
end
$$;
--> statement-breakpoint
drop function
  muster.store_check_in(uuid, uuid, text, geography, float8, timestamptz),
  muster.store_check_ins(uuid[], uuid[], text[], geography[], float8[], timestamptz[]);
--> statement-breakpoint
revoke insert (id, shift_id, professional_id, kind, gps_point, accuracy_meters, recorded_at) on public.gps_checkins
from muster_definer;
--> statement-breakpoint
create or replace function muster.professional_id() returns uuid
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select p.id
    from public.users u
    join public.security_professionals p on p.user_id = u.id
    where u.id = muster.user_id() and u.role = 'zzp' and u.deleted_at is null and p.deleted_at is null
  );
end
$$;
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1795332539_a_page_is_sure_sooner';
