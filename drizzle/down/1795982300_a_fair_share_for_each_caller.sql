drop policy internal on muster.idempotency_usage;
--> statement-breakpoint
drop function muster.claim_idempotency_key(text,text,boolean);
--> statement-breakpoint
drop function muster.record_check_ins_once(text,text,jsonb);
--> statement-breakpoint
drop function muster.answer_check_ins(jsonb,text[]);
--> statement-breakpoint
drop function muster.take_check_ins(jsonb);
--> statement-breakpoint
drop function muster.store_check_ins(uuid[],uuid[],text[],geography[],double precision[],timestamp with time zone[]);
--> statement-breakpoint
drop function muster.refuse_check_in(shifts,boolean,uuid,timestamp with time zone);
--> statement-breakpoint
drop function muster.pings_in_minute(uuid,uuid,timestamp with time zone);
--> statement-breakpoint
drop function muster.most_pings_a_minute();
--> statement-breakpoint
drop function muster.check_in_time_refusal(shifts,timestamp with time zone);
--> statement-breakpoint
drop function muster.check_in_refusal(shifts,boolean,uuid);
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.fail(code text, subject text DEFAULT NULL::text)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  state text := case code
    when 'shift_overlap' then 'MU001'
    when 'certificate_missing' then 'MU002'
    when 'certificate_expired' then 'MU003'
    when 'professional_inactive' then 'MU004'
    when 'shift_not_open' then 'MU005'
    when 'invalid_transition' then 'MU006'
    when 'outside_check_in_window' then 'MU007'
    when 'recorded_in_future' then 'MU008'
    when 'shift_not_assigned' then 'MU009'
    when 'forbidden' then 'MU010'
    when 'not_found' then 'MU011'
    when 'certificate_in_use' then 'MU012'
    when 'professional_in_use' then 'MU013'
    when 'location_in_use' then 'MU014'
    when 'payment_missing' then 'MU015'
    when 'id_conflict' then 'MU016'
    when 'invitation_invalid' then 'MU017'
    when 'already_registered' then 'MU018'
    when 'idempotency_key_reused' then 'MU019'
    when 'isolation_unsupported' then 'MU020'
    when 'shift_over' then 'MU021'
  end;
begin
  if state is null then
    raise exception 'muster.fail: % is not a registered code', code;
  end if;
  raise exception using errcode = state, message = code, hint = coalesce(subject, '');
end
$function$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.tg_gps_checkins__judge()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'extensions', 'public', 'pg_temp'
AS $function$
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
    -- Named by muster.store_check_in(s), which has looked the caller up. Nobody else who acts for a caller may name one.
    caller := coalesce(new.professional_id, muster.professional_id());
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
$function$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.claim_idempotency_key(idempotency_key text, hash text)
 RETURNS text
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  known record;
begin
  if muster.user_id() is null then
    perform muster.fail('forbidden');
  end if;
  insert into muster.idempotency_keys (user_id, key, request_hash)
  values (muster.user_id(), idempotency_key, hash)
  on conflict do nothing;
  if found then
    return null;
  end if;
  select k.request_hash, k.response_body into known
  from muster.idempotency_keys k
  where k.user_id = muster.user_id() and k.key = idempotency_key;
  if known.request_hash <> hash then
    perform muster.fail('idempotency_key_reused');
  end if;
  return known.response_body;
end
$function$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.forget_idempotency_keys(older_than interval)
 RETURNS bigint
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
BEGIN ATOMIC
 WITH forgotten AS (
          DELETE FROM muster.idempotency_keys k
           WHERE (k.created_at < (now() - forget_idempotency_keys.older_than))
           RETURNING 1 AS "?column?"
         )
  SELECT count(*) AS count
    FROM forgotten;
END;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.keep_idempotent_response(idempotency_key text, body text)
 RETURNS text
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  update muster.idempotency_keys k
  set response_body = body
  where k.user_id = muster.user_id() and k.key = idempotency_key and k.response_body is null;
  return body;
end
$function$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.record_check_ins(items jsonb)
 RETURNS json
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'extensions', 'public', 'pg_temp'
AS $function$
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
    ), stored as (
      select muster.store_check_ins(
        array_agg(f.id), array_agg(f.shift_id), array_agg(f.kind),
        array_agg(st_point(f.longitude, f.latitude)::geography), array_agg(f.accuracy_meters), array_agg(f.recorded_at)
      ) as id
      from fresh f
    )
    -- A join of the two would be planned for a row or two, and compare each with each.
    select coalesce(array_agg(f.nth) filter (where f.id in (select s.id from stored s)), '{}') into created
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
          if not exists (select from public.gps_checkins c where c.id = item.id) and (muster.store_check_in(
            item.id, item.shift_id, item.kind, st_point(item.longitude, item.latitude)::geography,
            item.accuracy_meters, item.recorded_at
          )).id is not null then
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
$function$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.store_check_in(check_in_id uuid, at_shift uuid, kind_of text, at_point geography, accuracy double precision, at_time timestamp with time zone)
 RETURNS gps_checkins
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'extensions', 'public', 'pg_temp'
AS $function$
declare
  stored public.gps_checkins;
begin
  insert into public.gps_checkins as c (id, shift_id, professional_id, kind, gps_point, accuracy_meters, recorded_at)
  values (check_in_id, at_shift, muster.professional_id(), kind_of, at_point, accuracy, at_time)
  on conflict do nothing
  returning c.* into stored;
  return stored;
end
$function$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.store_check_ins(check_in_ids uuid[], at_shifts uuid[], kinds text[], at_points geography[], accuracies double precision[], at_times timestamp with time zone[])
 RETURNS SETOF uuid
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'extensions', 'public', 'pg_temp'
AS $function$
declare
  caller constant uuid := muster.professional_id();
begin
  return query
    insert into public.gps_checkins as c (id, shift_id, professional_id, kind, gps_point, accuracy_meters, recorded_at)
    select g.id, g.shift_id, caller, g.kind, g.gps_point, g.accuracy_meters, g.recorded_at
    from unnest(check_in_ids, at_shifts, kinds, at_points, accuracies, at_times)
      as g (id, shift_id, kind, gps_point, accuracy_meters, recorded_at)
    order by g.shift_id, g.id
    on conflict do nothing
    returning c.id;
end
$function$;
--> statement-breakpoint
alter function muster.claim_idempotency_key(text,text) owner to muster_definer;
--> statement-breakpoint
alter function muster.store_check_ins(uuid[],uuid[],text[],geography[],double precision[],timestamp with time zone[]) owner to muster_definer;
--> statement-breakpoint
alter table muster.idempotency_usage disable row level security;
--> statement-breakpoint
alter table muster.idempotency_usage no force row level security;
--> statement-breakpoint
revoke delete, insert, select, update on table muster.idempotency_usage from muster_definer;
--> statement-breakpoint
revoke execute on function muster.claim_idempotency_key(text,text) from public;
--> statement-breakpoint
revoke execute on function muster.store_check_ins(uuid[],uuid[],text[],geography[],double precision[],timestamp with time zone[]) from public;
--> statement-breakpoint
grant execute on function muster.claim_idempotency_key(text,text) to authenticated, muster_api;
--> statement-breakpoint
grant execute on function muster.store_check_ins(uuid[],uuid[],text[],geography[],double precision[],timestamp with time zone[]) to authenticated;
--> statement-breakpoint
comment on function muster.claim_idempotency_key(text,text) is 'Null when the key is new and now claimed, else the answer that was given. Security definer: the table is nobody''s to read.';
--> statement-breakpoint
comment on function muster.store_check_ins(uuid[],uuid[],text[],geography[],double precision[],timestamp with time zone[]) is 'Stores check-ins of the caller, gives the ids that were not taken. Security definer: no caller may say whose a check-in is.';
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1795982198_what_callers_keep';
