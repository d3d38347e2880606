drop function muster.store_check_ins(uuid[],uuid[],text[],geography[],double precision[],timestamp with time zone[]);
--> statement-breakpoint
drop function muster.claim_idempotency_key(text,text);
--> statement-breakpoint
-- The one way to refuse. The code is what the API answers with; src/errors/codes.ts has the same list, and a test
-- compares the two. `subject` says what it is about in words safe for the caller (it travels as the hint).
create or replace function muster.fail(code text, subject text default null) returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
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
    when 'too_many_pings' then 'MU030'
    when 'too_many_idempotency_keys' then 'MU031'
    when 'answer_too_large' then 'MU032'
  end;
begin
  if state is null then
    raise exception 'muster.fail: % is not a registered code', code;
  end if;
  raise exception using errcode = state, message = code, hint = coalesce(subject, '');
end
$$;
--> statement-breakpoint
create policy internal on muster.idempotency_usage for all to service_role, muster_definer
  using (true)
  with check (true);
--> statement-breakpoint
-- What the rules say to a check-in: the code that refuses it, or null. The one is asked once for each shift of a batch, the other for
-- each time.
create or replace function muster.check_in_refusal(shift public.shifts, by_caller boolean, caller uuid) returns text
language plpgsql
volatile
security definer
set search_path = pg_catalog, public, pg_temp
as $$
begin
  if shift.id is null or shift.deleted_at is not null then
    return 'not_found';
  end if;
  -- A caller without a professional must not pass as the null professional of an open shift.
  if by_caller and (caller is null or shift.professional_id is distinct from caller) then
    -- Those who see the shift are told that it is not theirs to check in to; to others it does not exist.
    return case when muster.sees_shift(shift) then 'forbidden' else 'not_found' end;
  end if;
  if shift.professional_id is null or shift.status not in ('assigned', 'active', 'completed') then
    return 'shift_not_assigned';
  end if;
  return null;
end
$$;
--> statement-breakpoint
create or replace function muster.check_in_time_refusal(shift public.shifts, at_time timestamptz) returns text
language plpgsql
volatile
set search_path = pg_catalog, public, pg_temp
as $$
declare
  early constant interval := interval '2 hours';
  late constant interval := interval '12 hours';
  -- Phones set their clocks by the network; more than this is a wrong clock or a forged time.
  clock_skew constant interval := interval '5 minutes';
begin
  if at_time < shift.start_datetime - early or at_time > shift.end_datetime + late then
    return 'outside_check_in_window';
  end if;
  if at_time > clock_timestamp() + clock_skew then
    return 'recorded_in_future';
  end if;
  return null;
end
$$;
--> statement-breakpoint
-- GPS gives a fix a second, at times that waver: a real track has 61 in some minutes. Twice that is no phone.
create or replace function muster.most_pings_a_minute() returns integer
language sql
immutable
parallel safe
return 120;
--> statement-breakpoint
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
--> statement-breakpoint
create or replace function muster.refuse_check_in(
  shift public.shifts, by_caller boolean, caller uuid, at_time timestamptz
) returns void
language plpgsql
volatile
set search_path = pg_catalog, public, pg_temp
as $$
declare
  refusal text := muster.check_in_refusal(shift, by_caller, caller);
begin
  if refusal is not null then
    perform muster.fail(refusal, 'shift_id');
  end if;
  refusal := muster.check_in_time_refusal(shift, at_time);
  if refusal is not null then
    perform muster.fail(refusal, 'recorded_at');
  end if;
end
$$;
--> statement-breakpoint
create or replace function muster.tg_gps_checkins__judge() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, extensions, public, pg_temp
as $$
declare
  shift public.shifts;
  radius integer;
  by_caller constant boolean := muster.acts_for_caller();
begin
  select s.* into shift from public.shifts s where s.id = new.shift_id for no key update;
  -- Whom a caller may not name, muster.store_check_in(s) name when they have locked the shift and asked the rules.
  if not by_caller or new.professional_id is null then
    perform muster.refuse_check_in(shift, by_caller, case when by_caller then muster.professional_id() end, new.recorded_at);
    if by_caller and new.kind = 'ping'
      and muster.pings_in_minute(shift.id, shift.professional_id, new.recorded_at) >= muster.most_pings_a_minute()
    then
      perform muster.fail('too_many_pings', 'recorded_at');
    end if;
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
  shift public.shifts;
  stored public.gps_checkins;
begin
  select s.* into shift from public.shifts s where s.id = at_shift for no key update;
  perform muster.refuse_check_in(shift, true, caller, at_time);
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
--> statement-breakpoint
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
  outcomes text[] := array_fill(null::text, array[cardinality(check_in_ids)]);
  shift public.shifts;
  at_shift uuid;
  at_minute timestamptz;
  last_id uuid;
  pings bigint;
  refusal text;
  item record;
begin
  -- Before anything is judged, and in one order for everybody. Of others' shifts there is nothing to wait for.
  perform from public.shifts s
  where s.id = any (at_shifts) and s.professional_id = caller
  order by s.id
  for no key update;

  -- What a rule refuses is told from the rest by a value. An exception for each would be a subtransaction for each: a refused item
  -- would cost many times as much, for everybody else on the server, too.
  for item in
    select g.nth, g.id, g.shift_id, g.kind, g.recorded_at, date_trunc('minute', g.recorded_at, 'UTC') as minute
    from unnest(check_in_ids, at_shifts, kinds, at_times) with ordinality as g (id, shift_id, kind, recorded_at, nth)
    -- Others were stored since the caller looked, by another request with the same items.
    where not exists (select from public.gps_checkins c where c.id = g.id and c.professional_id = caller)
    order by g.shift_id, minute, g.id, g.nth
  loop
    if item.shift_id is distinct from at_shift then
      at_shift := item.shift_id;
      at_minute := null;
      select s.* into shift from public.shifts s where s.id = at_shift;
      refusal := muster.check_in_refusal(shift, true, caller);
    end if;
    outcomes[item.nth] := coalesce(refusal, muster.check_in_time_refusal(shift, item.recorded_at));
    continue when outcomes[item.nth] is not null or item.kind <> 'ping';

    if item.minute is distinct from at_minute then
      at_minute := item.minute;
      last_id := null;
      pings := muster.pings_in_minute(at_shift, caller, at_minute);
    end if;
    if item.id is distinct from last_id then
      last_id := item.id;
      pings := pings + 1;
    end if;
    if pings > most_pings then
      outcomes[item.nth] := 'too_many_pings';
    end if;
  end loop;

  with given as materialized (
    -- Of several with one id the first that is good is stored.
    select g.*, row_number() over (partition by g.id, g.outcome order by g.nth) as copy
    from unnest(check_in_ids, at_shifts, kinds, at_points, accuracies, at_times, outcomes) with ordinality
      as g (id, shift_id, kind, gps_point, accuracy_meters, recorded_at, outcome, nth)
  ), stored as (
    insert into public.gps_checkins as c (id, shift_id, professional_id, kind, gps_point, accuracy_meters, recorded_at)
    select g.id, g.shift_id, caller, g.kind, g.gps_point, g.accuracy_meters, g.recorded_at
    from given g
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
    order by g.nth
  ) into outcomes
  from given g;
  return outcomes;
end
$$;
--> statement-breakpoint
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
--> statement-breakpoint
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
--> statement-breakpoint
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
--> statement-breakpoint
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
--> statement-breakpoint
create or replace function muster.claim_idempotency_key(idempotency_key text, hash text, is_needed boolean default true)
returns text
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  -- A request every nine seconds, all day: a machine that creates more uses the bulk route.
  most_keys constant integer := 10000;
  -- 16 MiB: 1,600 bytes for each of those, which is what a shift takes.
  most_bytes constant bigint := 16777216;
  caller constant uuid := muster.user_id();
  known record;
begin
  if caller is null then
    perform muster.fail('forbidden');
  end if;
  insert into muster.idempotency_keys (user_id, key, request_hash)
  values (caller, idempotency_key, hash)
  on conflict do nothing;
  if found then
    if exists (
      select from muster.idempotency_usage u
      where u.user_id = caller and u.day = (now() at time zone 'UTC')::date and (u.keys >= most_keys or u.bytes >= most_bytes)
    ) then
      if is_needed then
        perform muster.fail('too_many_idempotency_keys');
      end if;
      delete from muster.idempotency_keys k where k.user_id = caller and k.key = idempotency_key;
    end if;
    return null;
  end if;
  select k.request_hash, k.response_body into known
  from muster.idempotency_keys k
  where k.user_id = caller and k.key = idempotency_key;
  if known.request_hash <> hash then
    perform muster.fail('idempotency_key_reused');
  end if;
  return known.response_body;
end
$$;
--> statement-breakpoint
-- In plpgsql, so that its plan is kept: as above. It is the last statement of its transaction: requests of one caller wait for each
-- other at the row of the day, and no longer than a commit takes.
create or replace function muster.keep_idempotent_response(idempotency_key text, body text) returns text
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  -- 256 KiB: a hundred shifts, of 2.6 kB each.
  most_bytes constant integer := 262144;
  caller constant uuid := muster.user_id();
begin
  if octet_length(body) > most_bytes then
    perform muster.fail('answer_too_large');
  end if;
  update muster.idempotency_keys k
  set response_body = body
  where k.user_id = caller and k.key = idempotency_key and k.response_body is null;
  if found then
    insert into muster.idempotency_usage as u (user_id, day, keys, bytes)
    values (caller, (now() at time zone 'UTC')::date, 1, octet_length(body))
    on conflict (user_id, day) do update set keys = u.keys + 1, bytes = u.bytes + excluded.bytes;
  end if;
  return body;
end
$$;
--> statement-breakpoint
create or replace function muster.forget_idempotency_keys(older_than interval) returns bigint
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
begin atomic
  delete from muster.idempotency_usage u where u.day < ((now() - older_than) at time zone 'UTC')::date;
  with forgotten as (
    delete from muster.idempotency_keys k where k.created_at < now() - older_than returning 1
  )
  select count(*) from forgotten;
end;
--> statement-breakpoint
alter function muster.store_check_ins(uuid[],uuid[],text[],geography[],double precision[],timestamp with time zone[]) owner to muster_definer;
--> statement-breakpoint
alter function muster.check_in_refusal(shifts,boolean,uuid) owner to muster_definer;
--> statement-breakpoint
alter function muster.pings_in_minute(uuid,uuid,timestamp with time zone) owner to muster_definer;
--> statement-breakpoint
alter function muster.claim_idempotency_key(text,text,boolean) owner to muster_definer;
--> statement-breakpoint
alter table muster.idempotency_usage enable row level security;
--> statement-breakpoint
alter table muster.idempotency_usage force row level security;
--> statement-breakpoint
revoke all on table muster.idempotency_usage from public, anon, authenticated, service_role;
--> statement-breakpoint
revoke execute on function muster.check_in_time_refusal(shifts,timestamp with time zone) from public;
--> statement-breakpoint
revoke execute on function muster.store_check_ins(uuid[],uuid[],text[],geography[],double precision[],timestamp with time zone[]) from public;
--> statement-breakpoint
revoke execute on function muster.record_check_ins_once(text,text,jsonb) from public;
--> statement-breakpoint
revoke execute on function muster.take_check_ins(jsonb) from public;
--> statement-breakpoint
revoke execute on function muster.answer_check_ins(jsonb,text[]) from public;
--> statement-breakpoint
revoke execute on function muster.refuse_check_in(shifts,boolean,uuid,timestamp with time zone) from public;
--> statement-breakpoint
revoke execute on function muster.most_pings_a_minute() from public;
--> statement-breakpoint
revoke execute on function muster.check_in_refusal(shifts,boolean,uuid) from public;
--> statement-breakpoint
revoke execute on function muster.pings_in_minute(uuid,uuid,timestamp with time zone) from public;
--> statement-breakpoint
revoke execute on function muster.claim_idempotency_key(text,text,boolean) from public;
--> statement-breakpoint
grant execute on function muster.answer_check_ins(jsonb,text[]) to authenticated;
--> statement-breakpoint
grant execute on function muster.check_in_time_refusal(shifts,timestamp with time zone) to muster_definer;
--> statement-breakpoint
grant execute on function muster.claim_idempotency_key(text,text,boolean) to authenticated, muster_api;
--> statement-breakpoint
grant execute on function muster.most_pings_a_minute() to muster_definer;
--> statement-breakpoint
grant execute on function muster.record_check_ins_once(text,text,jsonb) to authenticated, muster_api;
--> statement-breakpoint
grant execute on function muster.refuse_check_in(shifts,boolean,uuid,timestamp with time zone) to muster_definer;
--> statement-breakpoint
grant execute on function muster.store_check_ins(uuid[],uuid[],text[],geography[],double precision[],timestamp with time zone[]) to authenticated;
--> statement-breakpoint
grant execute on function muster.take_check_ins(jsonb) to authenticated;
--> statement-breakpoint
grant delete, insert, select, update on table muster.idempotency_usage to muster_definer;
--> statement-breakpoint
comment on policy internal on muster.idempotency_usage is 'Background work and the security definer functions; their grants say how far they reach.';
--> statement-breakpoint
comment on function muster.check_in_refusal(public.shifts, boolean, uuid) is
  'The code that refuses a caller, or anybody, to check in to a shift; null for none. Security definer: who sees a shift is asked of all.';
--> statement-breakpoint
comment on function muster.check_in_time_refusal(public.shifts, timestamptz) is
  'The code that refuses a check-in at that device time; null for none.';
--> statement-breakpoint
comment on function muster.most_pings_a_minute() is 'How many pings a shift takes for one minute of device time.';
--> statement-breakpoint
comment on function muster.pings_in_minute(uuid, uuid, timestamptz) is
  'The pings of a professional at a shift in that minute of device time. Security definer: the trigger''s rules see all rows.';
--> statement-breakpoint
comment on function muster.refuse_check_in(public.shifts, boolean, uuid, timestamptz) is
  'Fails where a rule refuses a check-in of a caller, or of anybody.';
--> statement-breakpoint
comment on function muster.store_check_ins(uuid[], uuid[], text[], geography[], float8[], timestamptz[]) is
  'Stores check-ins of the caller. Gives for each: created, the code that refuses it, or null where its id is taken. Security definer: no caller may say whose a check-in is.';
--> statement-breakpoint
comment on function muster.take_check_ins(jsonb) is
  'Stores check-ins as the caller. Gives for each: created, the code that refuses it, or null where its id is taken.';
--> statement-breakpoint
comment on function muster.answer_check_ins(jsonb, text[]) is
  'One {id, status, checkin} per item, in order; a rejected one has a code instead.';
--> statement-breakpoint
comment on function muster.record_check_ins_once(text, text, jsonb) is
  'As record_check_ins, under an idempotency key: the same request again is given the same answer.';
--> statement-breakpoint
comment on function muster.claim_idempotency_key(text, text, boolean) is
  'Null when the key is new and now claimed, else the answer that was given. Where it is not needed, a caller who has too many gets null, too. Security definer: the table is nobody''s to read.';
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1795982300_a_fair_share_for_each_caller';
