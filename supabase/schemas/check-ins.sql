-- Check-ins: where a guard was, judged by the database, in whatever order phones deliver it.
--
-- * Only the professional of a shift that is assigned, active or completed checks in, with a device time from 2 hours
--   before its start to 12 hours after its end, and not in the future.
-- * d = distance to the site, a = reported accuracy, R = radius: inside if d + a ≤ R, outside if d − a > R, else
--   uncertain. `is_within_radius` is d ≤ R. All computed here, whatever the client sends.
-- * The shift's state follows from the *set* of its check-ins, never from their order of arrival: the first clock_in
--   that is not outside starts it, the first clock_out after that ends it and fixes the pay.
-- * The device makes the id: the same check-in again (shift, kind and device time) is a success that changes nothing, and
--   meets none of these rules a second time.
-- * A check-in locks its shift first, so it is either before or after a release, a cancellation, a new time, and the
--   check-ins of one shift stand in one queue. Whoever records several goes by shift, then id: no deadlock.
-- * Who the caller is, is looked up once per statement. The functions that store check-ins name the caller as the professional of
--   each row: a column on which no caller has a grant.

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
$$;
comment on function muster.tg_gps_checkins__judge() is
  'Fills in what the database computes. Security definer: the radius and the shift are not the client''s to choose.';

create or replace function muster.clock_times(
  shift public.shifts, out clocked_in timestamptz, out clocked_out timestamptz
)
language plpgsql
stable
set search_path = pg_catalog, extensions, public, pg_temp
as $$
begin
  select min(c.recorded_at) into clocked_in
  from public.gps_checkins c
  where c.shift_id = shift.id
    and c.professional_id = shift.professional_id
    and c.kind = 'clock_in'
    and c.verdict <> 'outside';
  select min(c.recorded_at) into clocked_out
  from public.gps_checkins c
  where c.shift_id = shift.id
    and c.professional_id = shift.professional_id
    and c.kind = 'clock_out'
    and c.recorded_at >= clocked_in;
end
$$;
comment on function muster.clock_times(public.shifts) is
  'When the professional of a shift began to work and stopped, by their check-ins; null for what has not happened.';
grant execute on function muster.clock_times(public.shifts) to muster_definer;

create or replace function muster.advance_shift(advanced uuid) returns void
language plpgsql
security definer
set search_path = pg_catalog, extensions, public, pg_temp
as $$
declare
  shift public.shifts;
  clocked_in timestamptz;
  clocked_out timestamptz;
begin
  -- Each statement of this function must see the check-ins that others have committed before it got the lock.
  if current_setting('transaction_isolation') <> 'read committed' then
    perform muster.fail('isolation_unsupported');
  end if;
  select * into shift from public.shifts s where s.id = advanced for no key update;

  select t.clocked_in, t.clocked_out into clocked_in, clocked_out from muster.clock_times(shift) t;

  if shift.status = 'assigned' and clocked_in is not null then
    update public.shifts s set status = 'active' where s.id = shift.id;
    shift.status := 'active';
  end if;
  if shift.status = 'active' and clocked_out is not null then
    update public.shifts s set status = 'completed' where s.id = shift.id;
    shift.status := 'completed';
  end if;
  if shift.status = 'completed' and clocked_out is not null then
    update public.finqle_transactions t
    -- As in tg_shifts__follow_assignment: locked whatever its status.
    set amount = case when t.status = 'pending' then muster.shift_pay(
      shift.hourly_rate, shift.overtime_rate, shift.start_datetime, shift.end_datetime, clocked_in, clocked_out
    ) else t.amount end
    where t.shift_id = shift.id and t.status <> 'voided';
  end if;
end
$$;
comment on function muster.advance_shift(uuid) is
  'Brings a shift''s state and pay in step with its check-ins. Security definer: no role moves a shift to active by hand.';

create or replace function muster.tg_gps_checkins__advance_shifts() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, extensions, public, pg_temp
as $$
declare
  clocked uuid;
begin
  -- One order for everybody, so that two batches cannot deadlock.
  for clocked in
    select distinct i.shift_id from inserted i where i.kind <> 'ping' order by i.shift_id
  loop
    perform muster.advance_shift(clocked);
  end loop;
  return null;
end
$$;
comment on function muster.tg_gps_checkins__advance_shifts() is 'Security definer: see muster.advance_shift.';

create or replace trigger judge before insert on public.gps_checkins
  for each row execute function muster.tg_gps_checkins__judge();
create or replace trigger advance_shifts after insert on public.gps_checkins
  referencing new table as inserted
  for each statement execute function muster.tg_gps_checkins__advance_shifts();

-- One check-in as a client sees it: the row, with its point as latitude and longitude.
create or replace function muster.checkin_json(checkin public.gps_checkins) returns json
language sql
stable
parallel safe
return json_build_object(
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
comment on function muster.checkin_json(public.gps_checkins) is 'A check-in in the form of the API.';

-- Callers insert check-ins by policy, too. These two are for the functions below: they ask once who the caller is, where the
-- policies and the trigger ask five times, the trigger for each row. What they let through is the same: the trigger takes
-- check-ins to the caller's own shifts alone, and they give back nothing but what they stored.
create or replace function muster.store_check_in(
  check_in_id uuid, at_shift uuid, kind_of text, at_point geography, accuracy float8, at_time timestamptz
) returns public.gps_checkins
language plpgsql
volatile
security definer
set search_path = pg_catalog, extensions, public, pg_temp
as $$
declare
  stored public.gps_checkins;
begin
  insert into public.gps_checkins as c (id, shift_id, professional_id, kind, gps_point, accuracy_meters, recorded_at)
  values (check_in_id, at_shift, muster.professional_id(), kind_of, at_point, accuracy, at_time)
  on conflict do nothing
  returning c.* into stored;
  return stored;
end
$$;
comment on function muster.store_check_in(uuid, uuid, text, geography, float8, timestamptz) is
  'Stores a check-in of the caller, null where its id is taken. Security definer: no caller may say whose a check-in is.';

create or replace function muster.store_check_ins(
  check_in_ids uuid[], at_shifts uuid[], kinds text[], at_points geography[], accuracies float8[], at_times timestamptz[]
) returns setof uuid
language plpgsql
volatile
security definer
set search_path = pg_catalog, extensions, public, pg_temp
as $$
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
$$;
comment on function muster.store_check_ins(uuid[], uuid[], text[], geography[], float8[], timestamptz[]) is
  'Stores check-ins of the caller, gives the ids that were not taken. Security definer: no caller may say whose a check-in is.';
alter function muster.store_check_in(uuid, uuid, text, geography, float8, timestamptz) owner to muster_definer;
alter function muster.store_check_ins(uuid[], uuid[], text[], geography[], float8[], timestamptz[]) owner to muster_definer;
grant execute on function
  muster.store_check_in(uuid, uuid, text, geography, float8, timestamptz),
  muster.store_check_ins(uuid[], uuid[], text[], geography[], float8[], timestamptz[])
to authenticated;

-- One check-in, as the caller: its policies and the triggers above decide. Gives {status, checkin}, where the status is
-- created or duplicate; whatever else becomes of it is an error.
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
    stored := muster.store_check_in(
      check_in_id, at_shift, kind_of, st_point(longitude, latitude)::geography, accuracy, at_time
    );
    if stored.id is null then
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
comment on function muster.record_check_in(uuid, uuid, text, float8, float8, float8, timestamptz) is
  'Records one check-in as the caller.';

-- Runs as the caller: its policies and the triggers above decide about each item. `items` is an array of
-- {id, shift_id, kind, latitude, longitude, accuracy_meters, recorded_at}, already of the right types and ranges.
-- Gives one {id, status, checkin} per item, in order; a rejected one has the SQLSTATE, constraint and hint that refused it.
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
$$;
comment on function muster.record_check_ins(jsonb) is 'Records check-ins as the caller, one result per item.';

-- What says no to an item (rule, constraint, policy, value), as against what stops the work (lock, limit, shutdown).
create or replace function muster.is_refusal(state text) returns boolean
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return left(state, 2) in ('MU', '22', '23') or state = '42501';
comment on function muster.is_refusal(text) is 'Whether a SQLSTATE refuses a row, and trying again would be refused again.';

grant execute on function muster.is_refusal(text), muster.checkin_json(public.gps_checkins) to authenticated;
-- The API calls them in one statement, which takes on the caller's role after the login was asked for this privilege.
grant execute on function
  muster.record_check_in(uuid, uuid, text, float8, float8, float8, timestamptz),
  muster.record_check_ins(jsonb)
to authenticated, muster_api;

alter function muster.tg_gps_checkins__judge() owner to muster_definer;
alter function muster.advance_shift(uuid) owner to muster_definer;
alter function muster.tg_gps_checkins__advance_shifts() owner to muster_definer;
