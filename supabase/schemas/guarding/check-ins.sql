-- Check-ins: where a guard was, judged by the database, in whatever order phones deliver it.
--
-- * Who has or had the shift checks in, with a device time from 2 hours before its start to 12 hours after its end, and not in the
--   future. A check-in belongs to the assignment that was in force at its device time; after a release or a cancellation only what
--   was recorded before it is taken, as evidence or as hours (hours.sql).
-- * The verdict is that of platform/positions.sql, of the distance to the site against its radius; `is_within_radius` says whether the
--   distance is within it. All computed here, whatever the client sends.
-- * The shift's state follows from the *set* of its check-ins, never from their order of arrival: hours.sql says how.
-- * The device makes the id: the same check-in again (shift, kind and device time) is a success that changes nothing, and
--   meets none of these rules a second time.
-- * A shift takes 120 pings for each minute of the device's clock: two a second. More tell nothing, and would only fill the table. Clock events are never counted: one that is refused is a day's pay.
-- * A check-in locks its shift first, so it is either before or after a release, a cancellation, a new time, and the
--   check-ins of one shift stand in one queue. Whoever records several goes by shift, then id: no deadlock.
-- * Who the caller is, is looked up once per statement. muster.store_check_in names the caller as the professional of its row: a column
--   on which no caller has a grant. The trigger judges each row, but for those of a batch, which muster.store_check_ins judged by the same
--   functions.

create or replace function muster.audience_of_gps_checkins(viewed jsonb, at timestamptz) returns text[]
language plpgsql
stable
parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  return array[
    'admins:' || (viewed ->> 'tenant_id'),
    'company:' || (viewed ->> 'company_id'),
    'client:' || (viewed ->> 'client_id'),
    'professional:' || (viewed ->> 'professional_id')
  ];
end
$$;
comment on function muster.audience_of_gps_checkins(jsonb, timestamptz) is 'Who sees a check-in: gps_checkins_read, as groups.';
grant execute on function muster.audience_of_gps_checkins(jsonb, timestamptz) to muster_definer;

select muster.follow_table(
  'public.gps_checkins',
  trail => 'none',
  published => array['id', 'company_id', 'client_id', 'shift_id', 'assignment_id', 'professional_id', 'kind',
    'gps_point', 'accuracy_meters', 'distance_meters', 'is_within_radius', 'verdict', 'recorded_at', 'created_at', 'updated_at'],
  audience => array['tenant_id', 'company_id', 'client_id', 'professional_id']
);

-- What the rules say to a check-in of the professional of an assignment (a row of nulls where there is none): the code that
-- refuses it, or null. The one is asked once for each shift of a batch, the other for each time.
create or replace function muster.check_in_refusal(
  shift public.shifts, assignment public.assignments, by_caller boolean
) returns text
language plpgsql
volatile
security definer
set search_path = pg_catalog, public, pg_temp
as $$
begin
  if shift.id is null or shift.deleted_at is not null then
    return 'not_found';
  end if;
  if assignment.id is null then
    -- Those who see the shift are told that it is not theirs to check in to; to others it does not exist.
    return case
      when not by_caller or shift.professional_id = muster.professional_id() then 'shift_not_assigned'
      when muster.sees_shift(shift) then 'forbidden'
      else 'not_found'
    end;
  end if;
  return null;
end
$$;
comment on function muster.check_in_refusal(public.shifts, public.assignments, boolean) is
  'The code that refuses a caller, or anybody, to check in to a shift; null for none. Security definer: who sees a shift is asked of all.';

-- Without a SET clause, so that it is inlined: it is asked for each check-in.
create or replace function muster.check_in_time_refusal(assignment public.assignments, at_time timestamptz) returns text
language sql
volatile
return case
  when assignment.ended_as in ('released', 'cancelled', 'stopped') and at_time > assignment.ended_at
    then 'shift_not_assigned'
  when at_time < assignment.start_datetime - interval '2 hours' or at_time > assignment.end_datetime + interval '12 hours'
    then 'outside_check_in_window'
  when muster.is_recorded_in_future(at_time)
    then 'recorded_in_future'
end;
comment on function muster.check_in_time_refusal(public.assignments, timestamptz) is
  'The code that refuses a check-in at that device time; null for none.';

-- GPS gives a fix a second, at times that waver: a real track has 61 in some minutes. Twice that is no phone.
create or replace function muster.most_pings_a_minute() returns integer
language sql
immutable
parallel safe
return 120;
comment on function muster.most_pings_a_minute() is 'How many pings a shift takes for one minute of device time.';

create or replace function muster.pings_in_minute(at_shift uuid, professional uuid, at_time timestamptz) returns bigint
language plpgsql
volatile
security definer
set search_path = pg_catalog, public, pg_temp
as $$
declare
  minute constant timestamptz := date_trunc('minute', at_time, 'UTC');
begin
  return (
    select count(*)
    from public.gps_checkins c
    where c.shift_id = at_shift
      and c.recorded_at >= minute
      and c.recorded_at < minute + interval '1 minute'
      and c.kind = 'ping'
      and c.professional_id = professional
  );
end
$$;
comment on function muster.pings_in_minute(uuid, uuid, timestamptz) is
  'The pings of a professional at a shift in that minute of device time. Security definer: the trigger''s rules see all rows.';

create or replace function muster.tg_gps_checkins__judge() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, extensions, public, pg_temp
as $$
declare
  -- Not the whole row: it has thirty columns, and each costs in each statement.
  shift record;
  assignment public.assignments;
  refusal text;
  by_caller constant boolean := muster.acts_for_caller();
begin
  select s.id, s.tenant_id, s.company_id, s.client_id, s.professional_id, s.location_point, s.deleted_at into shift
  from public.shifts s
  where s.id = new.shift_id
  for no key update;
  -- Callers may not name the professional: muster.store_check_in does, who looked them up.
  select a.* into assignment
  from public.assignments a
  where a.shift_id = shift.id
    and a.professional_id = case
      when by_caller then coalesce(new.professional_id, muster.professional_id())
      else shift.professional_id
    end
  -- As muster.assignment_at, without a call for each row.
  order by
    new.recorded_at between a.begun_at and coalesce(a.ended_at, 'infinity') desc, a.ended_at is null desc, a.begun_at desc
  limit 1;
  -- The rules in one expression, for each check-in there is. Which of them it was, is asked where one speaks against it.
  if (
    shift.deleted_at is null
    and assignment.id is not null
    and muster.check_in_time_refusal(assignment, new.recorded_at) is null
  ) is not true then
    -- What is known already does not meet the rules again. Looked up only here: nearly all are new, and are taken.
    if by_caller
      and exists (select from public.gps_checkins c where c.id = new.id and c.professional_id = new.professional_id)
    then
      return null;
    end if;
    refusal := coalesce(
      muster.check_in_refusal((select s from public.shifts s where s.id = shift.id), assignment, by_caller),
      muster.check_in_time_refusal(assignment, new.recorded_at)
    );
    perform muster.fail(
      refusal, case when refusal in ('outside_check_in_window', 'recorded_in_future') then 'recorded_at' else 'shift_id' end
    );
  end if;
  -- The functions count for themselves.
  if by_caller and new.professional_id is null and new.kind = 'ping'
    and muster.pings_in_minute(shift.id, assignment.professional_id, new.recorded_at) >= muster.most_pings_a_minute()
  then
    perform muster.fail('too_many_pings', 'recorded_at');
  end if;

  new.tenant_id := shift.tenant_id;
  new.company_id := shift.company_id;
  new.client_id := shift.client_id;
  new.assignment_id := assignment.id;
  new.professional_id := assignment.professional_id;
  new.created_at := now();
  new.updated_at := now();
  new.distance_meters := st_distance(new.gps_point, shift.location_point);
  new.is_within_radius := new.distance_meters <= assignment.radius_meters;
  new.verdict := muster.position_verdict(new.distance_meters, new.accuracy_meters, assignment.radius_meters);
  return new;
end
$$;
comment on function muster.tg_gps_checkins__judge() is
  'Fills in what the database computes. Security definer: the radius and the assignment are not the client''s to choose.';

create or replace function muster.checkin_flags(accuracy_meters float8) returns text[]
language sql
immutable
parallel safe
return muster.position_flags(accuracy_meters);
comment on function muster.checkin_flags(float8) is 'What a check-in with that accuracy is marked as.';

-- One check-in as a client sees it: the row, with its point as latitude and longitude.
create or replace function muster.checkin_json(checkin public.gps_checkins) returns json
language sql
stable
parallel safe
return json_build_object(
  'id', checkin.id,
  'shift_id', checkin.shift_id,
  'assignment_id', checkin.assignment_id,
  'professional_id', checkin.professional_id,
  'kind', checkin.kind,
  'latitude', st_y(checkin.gps_point::geometry),
  'longitude', st_x(checkin.gps_point::geometry),
  'accuracy_meters', checkin.accuracy_meters,
  'distance_meters', checkin.distance_meters,
  'is_within_radius', checkin.is_within_radius,
  'verdict', checkin.verdict,
  'flags', muster.checkin_flags(checkin.accuracy_meters),
  'recorded_at', checkin.recorded_at,
  'created_at', checkin.created_at
);
comment on function muster.checkin_json(public.gps_checkins) is 'A check-in in the form of the API.';

-- Callers insert check-ins by policy, too. These two are for the functions below: they ask once who the caller is, where the
-- policies and the trigger ask five times, the trigger for each row. What they let through is the same: they ask the trigger's rules,
-- with the shift locked, and they give back nothing but what they stored.
create or replace function muster.store_check_in(
  check_in_id uuid, at_shift uuid, kind_of text, at_point geography, accuracy float8, at_time timestamptz
) returns public.gps_checkins
language plpgsql
volatile
security definer
set search_path = pg_catalog, extensions, public, pg_temp
as $$
declare
  caller constant uuid := muster.professional_id();
  stored public.gps_checkins;
begin
  -- The trigger locks the shift, and asks the rules.
  insert into public.gps_checkins as c (id, shift_id, professional_id, kind, gps_point, accuracy_meters, recorded_at)
  values (check_in_id, at_shift, caller, kind_of, at_point, accuracy, at_time)
  on conflict do nothing
  returning c.* into stored;
  -- This one is among them; the error takes it out again.
  if stored.kind = 'ping' and muster.pings_in_minute(at_shift, caller, at_time) > muster.most_pings_a_minute() then
    perform muster.fail('too_many_pings', 'recorded_at');
  end if;
  return stored;
end
$$;
comment on function muster.store_check_in(uuid, uuid, text, geography, float8, timestamptz) is
  'Stores a check-in of the caller, null where its id is taken. Security definer: no caller may say whose a check-in is.';

create or replace function muster.store_check_ins(
  check_in_ids uuid[], at_shifts uuid[], kinds text[], at_points geography[], accuracies float8[], at_times timestamptz[]
) returns text[]
language plpgsql
volatile
security definer
set search_path = pg_catalog, extensions, public, pg_temp
as $$
declare
  caller constant uuid := muster.professional_id();
  most_pings constant integer := muster.most_pings_a_minute();
  outcomes text[];
begin
  -- Before anything is judged, and in one order for everybody. Of others' shifts there is nothing to wait for.
  perform from public.shifts s
  where s.id in (
    select a.shift_id from public.assignments a where a.shift_id = any (at_shifts) and a.professional_id = caller
  )
  order by s.id
  for no key update;

  -- The trigger judges one row; this judges all of them at once, by the same functions, and the trigger lets them pass. What a rule
  -- refuses is told from the rest by a value. An exception for each would be a subtransaction for each: a refused item would cost many
  -- times as much, for everybody else on the server, too.
  with judged as materialized (
    select
      g.*,
      date_trunc('minute', g.recorded_at, 'UTC') as minute,
      s.tenant_id, s.company_id, s.client_id, s.location_point,
      a.id as assignment_id, a.radius_meters,
      case
        when s.id is null or s.deleted_at is not null or a.id is null then muster.check_in_refusal(s, a, true)
        else muster.check_in_time_refusal(a, g.recorded_at)
      end as refusal
    from unnest(check_in_ids, at_shifts, kinds, at_points, accuracies, at_times) with ordinality
      as g (id, shift_id, kind, gps_point, accuracy_meters, recorded_at, nth)
    left join public.shifts s on s.id = g.shift_id
    -- As muster.assignment_at, without a call for each row.
    left join lateral (
      select a.*
      from public.assignments a
      where a.shift_id = g.shift_id and a.professional_id = caller
      order by
        g.recorded_at between a.begun_at and coalesce(a.ended_at, 'infinity') desc, a.ended_at is null desc, a.begun_at desc
      limit 1
    ) a on true
    -- Others were stored since the caller looked, by another request with the same items.
    where not exists (select from public.gps_checkins c where c.id = g.id and c.professional_id = caller)
  ), ranked as (
    select
      j.*,
      dense_rank() over the_minute as nth_ping,
      row_number() over the_minute = 1 as is_first
    from judged j
    window the_minute as (partition by j.shift_id, j.minute, j.refusal is null and j.kind = 'ping' order by j.id)
  ), counted as (
    -- How many the minute has already is asked once for each.
    select
      r.*,
      r.nth_ping + max(
        case when r.is_first and r.refusal is null and r.kind = 'ping' then muster.pings_in_minute(r.shift_id, caller, r.minute) end
      ) over (partition by r.shift_id, r.minute, r.refusal is null and r.kind = 'ping') as pings
    from ranked r
  ), given as materialized (
    -- Of several with one id the first that is good is stored.
    select o.*, row_number() over (partition by o.id, o.outcome order by o.nth) as copy
    from (
      select c.*, coalesce(c.refusal, case when c.pings > most_pings then 'too_many_pings' end) as outcome
      from counted c
    ) o
  ), stored as (
    insert into public.gps_checkins as c (
      id, tenant_id, company_id, client_id, shift_id, assignment_id, professional_id, kind, gps_point, accuracy_meters,
      distance_meters, is_within_radius, verdict, recorded_at
    )
    select
      g.id, g.tenant_id, g.company_id, g.client_id, g.shift_id, g.assignment_id, caller, g.kind, g.gps_point, g.accuracy_meters,
      exact.distance, exact.distance <= g.radius_meters,
      muster.position_verdict(exact.distance, g.accuracy_meters, g.radius_meters), g.recorded_at
    from given g
    cross join lateral (select st_distance(g.gps_point, g.location_point) as distance offset 0) exact
    where g.outcome is null and g.copy = 1
    order by g.shift_id, g.id
    on conflict do nothing
    returning c.id
  )
  select array_agg(
    case
      when g.outcome is not null then g.outcome
      when g.copy = 1 and g.id in (select s.id from stored s) then 'created'
    end
    order by n.nth
  ) into outcomes
  from generate_series(1, cardinality(check_in_ids)) as n (nth)
  left join given g using (nth);
  return outcomes;
end
$$;
comment on function muster.store_check_ins(uuid[], uuid[], text[], geography[], float8[], timestamptz[]) is
  'Stores check-ins of the caller. Gives for each: created, the code that refuses it, or null where its id is taken. Security definer: no caller may say whose a check-in is.';

-- One check-in, as the caller: its policies and the triggers of the table decide. Gives {status, checkin}, where the status is
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
  stored public.gps_checkins := muster.store_check_in(
    check_in_id, at_shift, kind_of, st_point(longitude, latitude)::geography, accuracy, at_time
  );
  is_new constant boolean := stored.id is not null;
begin
  if not is_new then
    select c.* into stored from public.gps_checkins c where c.id = check_in_id;
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

-- Runs as the caller: its policies and the rules above decide about each item. `items` is an array of
-- {id, shift_id, kind, latitude, longitude, accuracy_meters, recorded_at}, already of the right types and ranges.
-- Gives for each what became of it, in order: created, the code that refuses it, or null where its id is taken. A check-in stays
-- as it is for ever, so this and the items are all that an answer needs, also a day later: it is kept for an Idempotency-Key
-- instead of the answer, which is fifty times as long.
create or replace function muster.take_check_ins(items jsonb) returns text[]
language plpgsql
volatile
set search_path = pg_catalog, extensions, public, pg_temp
as $$
begin
  return (
    with given as materialized (
      select i.*
      from rows from (jsonb_to_recordset(items) as (
        id uuid, shift_id uuid, kind text, latitude float8, longitude float8, accuracy_meters float8,
        recorded_at timestamptz
      )) with ordinality as i (id, shift_id, kind, latitude, longitude, accuracy_meters, recorded_at, nth)
    ), fresh as materialized (
      -- What is known already does not meet the rules again.
      select g.*, row_number() over (order by g.nth) as fresh_nth
      from given g
      where not exists (select from public.gps_checkins c where c.id = g.id)
    ), stored as materialized (
      select muster.store_check_ins(
        array_agg(f.id order by f.nth), array_agg(f.shift_id order by f.nth), array_agg(f.kind order by f.nth),
        array_agg(st_point(f.longitude, f.latitude)::geography order by f.nth),
        array_agg(f.accuracy_meters order by f.nth), array_agg(f.recorded_at order by f.nth)
      ) as outcomes
      from fresh f
      having count(*) > 0
    )
    select coalesce(
      array_agg((select s.outcomes from stored s)[f.fresh_nth] order by g.nth), '{}'
    )
    from given g
    left join fresh f on f.nth = g.nth
  );
end
$$;
comment on function muster.take_check_ins(jsonb) is
  'Stores check-ins as the caller. Gives for each: created, the code that refuses it, or null where its id is taken.';

create or replace function muster.answer_check_ins(items jsonb, outcomes text[]) returns json
language plpgsql
stable
set search_path = pg_catalog, extensions, public, pg_temp
as $$
declare
  caller constant uuid := muster.professional_id();
begin
  return (
    select coalesce(json_agg(
      case
        when i.outcome <> 'created' then
          json_build_object('id', i.id, 'status', 'rejected', 'code', i.outcome)
        when c.shift_id = i.shift_id
          and c.kind = i.kind
          and c.recorded_at = i.recorded_at
          and c.professional_id = caller
        then
          json_build_object(
            'id', i.id, 'status', coalesce(i.outcome, 'duplicate'), 'checkin', muster.checkin_json(c)
          )
        else
          -- The id stands for another check-in, which may be somebody else's: nothing is said about it.
          json_build_object('id', i.id, 'status', 'rejected', 'code', 'id_conflict')
      end
      order by i.nth
    ), '[]')
    from rows from (
      jsonb_to_recordset(items) as (id uuid, shift_id uuid, kind text, recorded_at timestamptz), unnest(outcomes)
    ) with ordinality as i (id, shift_id, kind, recorded_at, outcome, nth)
    left join public.gps_checkins c on c.id = i.id
  );
end
$$;
comment on function muster.answer_check_ins(jsonb, text[]) is
  'One {id, status, checkin} per item, in order; a rejected one has a code instead.';

create or replace function muster.record_check_ins(items jsonb) returns json
language plpgsql
volatile
set search_path = pg_catalog, public, pg_temp
as $$
declare
  -- A statement of its own: the answer reads what it stored.
  outcomes constant text[] := muster.take_check_ins(items);
begin
  return muster.answer_check_ins(items, outcomes);
end
$$;
comment on function muster.record_check_ins(jsonb) is 'Records check-ins as the caller, one result per item.';

create or replace function muster.record_check_ins_once(idempotency_key text, hash text, items jsonb) returns json
language plpgsql
volatile
set search_path = pg_catalog, public, pg_temp
as $$
declare
  kept text := muster.claim_idempotency_key(idempotency_key, hash, false);
begin
  if kept is null then
    kept := muster.keep_idempotent_response(idempotency_key, muster.take_check_ins(items)::text);
  end if;
  return muster.answer_check_ins(items, kept::text[]);
end
$$;
comment on function muster.record_check_ins_once(text, text, jsonb) is
  'As record_check_ins, under an idempotency key: the same request again is given the same answer.';

-- ---- Triggers ---------------------------------------------------------------------------------------------------------

-- What muster.store_check_ins judged has its verdict already. Nobody else may be muster_definer.
create or replace trigger judge before insert on public.gps_checkins
  for each row when (new.verdict is null or current_user <> 'muster_definer')
  execute function muster.tg_gps_checkins__judge();

-- ---- Policies ---------------------------------------------------------------------------------------------------------

drop policy if exists gps_checkins_read on public.gps_checkins;
create policy gps_checkins_read on public.gps_checkins for select to authenticated
  using (
    company_id = (select muster.company_id())
    or client_id = (select muster.client_id())
    or professional_id = (select muster.professional_id())
    or tenant_id = (select muster.admin_tenant_id())
  );
comment on policy gps_checkins_read on public.gps_checkins is
  'Company and client of the shift; the guard; admins.';
drop policy if exists gps_checkins_create on public.gps_checkins;
create policy gps_checkins_create on public.gps_checkins for insert to authenticated
  with check (professional_id = (select muster.professional_id()));
comment on policy gps_checkins_create on public.gps_checkins is 'The guard of the shift (a trigger says who that is).';

-- ---- Grants -----------------------------------------------------------------------------------------------------------

grant select on public.gps_checkins to authenticated;
grant insert (id, shift_id, kind, gps_point, accuracy_meters, recorded_at) on public.gps_checkins to authenticated;
grant select, insert, update, delete on public.gps_checkins to service_role;
grant select on public.gps_checkins to muster_definer;
-- With what no caller may name: whose it is, and what came of it.
grant insert (id, tenant_id, company_id, client_id, shift_id, assignment_id, professional_id, kind, gps_point, accuracy_meters,
  distance_meters, is_within_radius, verdict, recorded_at)
  on public.gps_checkins to muster_definer;

grant execute on function
  muster.store_check_in(uuid, uuid, text, geography, float8, timestamptz),
  muster.store_check_ins(uuid[], uuid[], text[], geography[], float8[], timestamptz[])
to authenticated;
grant execute on function muster.checkin_json(public.gps_checkins) to authenticated;
grant execute on function muster.checkin_flags(float8) to authenticated, muster_definer;
grant execute on function muster.take_check_ins(jsonb), muster.answer_check_ins(jsonb, text[]) to authenticated;
-- The API calls them in one statement, which takes on the caller's role after the login was asked for this privilege.
grant execute on function
  muster.record_check_in(uuid, uuid, text, float8, float8, float8, timestamptz),
  muster.record_check_ins(jsonb),
  muster.record_check_ins_once(text, text, jsonb)
to authenticated, muster_api;
grant execute on function
  muster.check_in_time_refusal(public.assignments, timestamptz),
  muster.most_pings_a_minute()
to muster_definer;

alter function muster.store_check_in(uuid, uuid, text, geography, float8, timestamptz) owner to muster_definer;
alter function muster.store_check_ins(uuid[], uuid[], text[], geography[], float8[], timestamptz[]) owner to muster_definer;
alter function muster.check_in_refusal(public.shifts, public.assignments, boolean) owner to muster_definer;
alter function muster.pings_in_minute(uuid, uuid, timestamptz) owner to muster_definer;
alter function muster.tg_gps_checkins__judge() owner to muster_definer;
