set search_path = public, extensions;
--> statement-breakpoint
-- Another type of result.
drop function muster.record_check_in(uuid, uuid, text, float8, float8, float8, timestamptz), muster.record_check_ins(jsonb), muster.checkin_json(public.gps_checkins);
--> statement-breakpoint
create function muster.checkin_json(checkin public.gps_checkins) returns jsonb
language sql
stable
parallel safe
return jsonb_build_object(
  'id', checkin.id,
  'shift_id', checkin.shift_id,
  'professional_id', checkin.professional_id,
  'kind', checkin.kind,
  'latitude', st_y(checkin.gps_point::geometry),
  'longitude', st_x(checkin.gps_point::geometry),
  'accuracy_meters', checkin.accuracy_meters,
  'distance_meters', checkin.distance_meters,
  'is_within_radius', checkin.is_within_radius,
  'verdict', checkin.verdict,
  'recorded_at', checkin.recorded_at,
  'created_at', checkin.created_at
);
--> statement-breakpoint
comment on function muster.checkin_json(public.gps_checkins) is 'A check-in in the form of the API.';
--> statement-breakpoint
create function muster.record_check_in(
  check_in_id uuid,
  at_shift uuid,
  kind_of text,
  latitude float8,
  longitude float8,
  accuracy float8,
  at_time timestamptz
) returns jsonb
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

  return jsonb_build_object(
    'status', case when is_new then 'created' else 'duplicate' end,
    'checkin', muster.checkin_json(stored)
  );
end
$$;
--> statement-breakpoint
comment on function muster.record_check_in(uuid, uuid, text, float8, float8, float8, timestamptz) is
  'Records one check-in as the caller.';
--> statement-breakpoint
create function muster.record_check_ins(items jsonb) returns jsonb
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
    select coalesce(array_agg(f.nth), '{}') into created from fresh f join inserted i on i.id = f.id;
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
    select coalesce(jsonb_agg(
      case
        when r.refusal is not null then
          jsonb_build_object('id', i.id, 'status', 'rejected') || r.refusal
        when c.shift_id = i.shift_id
          and c.kind = i.kind
          and c.recorded_at = i.recorded_at
          and c.professional_id = muster.professional_id()
        then
          jsonb_build_object(
            'id', i.id,
            'status', case when n.nth is null then 'duplicate' else 'created' end,
            'checkin', muster.checkin_json(c)
          )
        else
          -- The id stands for another check-in, which may be somebody else's: nothing is said about it.
          jsonb_build_object('id', i.id, 'status', 'rejected', 'sqlstate', 'MU016', 'constraint', null, 'hint', 'id')
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
comment on function muster.record_check_ins(jsonb) is 'Records check-ins as the caller, one result per item.';
--> statement-breakpoint
revoke execute on function muster.checkin_json(public.gps_checkins), muster.record_check_in(uuid, uuid, text, float8, float8, float8, timestamptz), muster.record_check_ins(jsonb) from public;
--> statement-breakpoint
grant execute on function muster.checkin_json(public.gps_checkins) to authenticated;
--> statement-breakpoint
grant execute on function muster.record_check_in(uuid, uuid, text, float8, float8, float8, timestamptz), muster.record_check_ins(jsonb) to authenticated, muster_api;
--> statement-breakpoint
create or replace function muster.acts_for_caller() returns boolean
language plpgsql
stable
parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  return not exists (
    select from pg_catalog.pg_roles r
    where r.rolname = muster.acting_role() and (r.rolname = 'service_role' or r.rolsuper or r.rolbypassrls)
  );
end
$$;
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1795320748_callers_claims_read_in_place';
