-- Check-ins and the steps of a shift are one statement each: the API sets the caller's role and claims, claims the
-- idempotency key, does the work and keeps the answer in one round trip. What every row passes through on the way
-- is cheaper: expressions that the planner can put in the place of their call, and plans that are kept.

-- For the names of those expressions, which are settled now.
set search_path = public, extensions;
--> statement-breakpoint
create or replace function muster.user_id() returns uuid
language sql
stable
parallel safe
return nullif(nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub', '')::uuid;
--> statement-breakpoint
create or replace function muster.acting_role() returns text
language sql
stable
parallel safe
return coalesce(nullif(current_setting('role'), 'none'), session_user);
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
create or replace function muster.checkin_json(checkin public.gps_checkins) returns jsonb
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
create or replace function muster.shift_json(shift public.shifts) returns jsonb
language sql
stable
parallel safe
return jsonb_build_object(
  'id', shift.id,
  'company_id', shift.company_id,
  'client_id', shift.client_id,
  'location_id', shift.location_id,
  'professional_id', shift.professional_id,
  'status', shift.status,
  'start_datetime', shift.start_datetime,
  'end_datetime', shift.end_datetime,
  'time_zone', shift.time_zone,
  'hourly_rate', shift.hourly_rate,
  'overtime_rate', shift.overtime_rate,
  'required_certificates', shift.required_certificates,
  'title', shift.title,
  'instructions', shift.instructions,
  'cancel_reason', shift.cancel_reason,
  'latitude', st_y(shift.location_point::geometry),
  'longitude', st_x(shift.location_point::geometry),
  'created_at', shift.created_at,
  'updated_at', shift.updated_at
);
--> statement-breakpoint
create or replace function muster.record_check_in(
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
revoke execute on function muster.record_check_in(uuid, uuid, text, float8, float8, float8, timestamptz) from public;
--> statement-breakpoint
-- Another type of result.
drop function muster.keep_idempotent_response(text, text);
--> statement-breakpoint
create function muster.keep_idempotent_response(idempotency_key text, body text) returns text
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  update muster.idempotency_keys k
  set response_body = body
  where k.user_id = muster.user_id() and k.key = idempotency_key and k.response_body is null;
  return body;
end
$$;
--> statement-breakpoint
comment on function muster.keep_idempotent_response(text, text) is
  'Keeps the answer for the claimed key, and gives it. Security definer: as claim_idempotency_key.';
--> statement-breakpoint
revoke execute on function muster.keep_idempotent_response(text, text) from public;
--> statement-breakpoint
-- The login is asked for the privilege before the statement takes on the caller's role.
grant execute on function
  muster.record_check_in(uuid, uuid, text, float8, float8, float8, timestamptz),
  muster.keep_idempotent_response(text, text)
to authenticated, muster_api;
--> statement-breakpoint
grant execute on function
  muster.claim_idempotency_key(text, text), muster.claim_shift(uuid),
  muster.move_shift(uuid, text[], text, uuid, text), muster.record_check_ins(jsonb)
to muster_api;
--> statement-breakpoint
alter function muster.keep_idempotent_response(text, text) owner to muster_definer;
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1795319646_writes_in_one_statement';
