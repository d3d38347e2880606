-- Realtime: what subscribers are told of, how their rights are checked, and how they catch up.
--
-- * The publication `supabase_realtime` holds the six tables that clients follow, with the columns that they get: not
--   `deleted_at` (a row that is visible has none), not who edited, nor what only the payment provider needs. A
--   publication that exists is kept, and gets these tables.
-- * A change of these tables is delivered to those who see the row as the change left it: muster.audience names the groups of
--   callers that do, in one question per change and not per subscriber (muster.change_audiences). It holds for as long as a
--   table has the policies that it was written for (muster.has_audience).
-- * Of any other table a change is delivered to a subscriber if the row is visible under the subscriber's role and claims, in
--   a snapshot that sees the change (muster.visible_rows).
-- * The embedded engine has no logical replication: there triggers report the changes by NOTIFY. They are made by
--   muster.enable_change_capture(), and never on a server, where NOTIFY takes a lock of the whole cluster at each commit.
-- * Whoever was away catches up by transaction ids (muster.changes_since): every row knows the transaction that wrote it
--   last, and what leaves somebody's view is noted in muster.departed_rows.
-- * Private channels: `shift:<id>` is for an active shift. Its professional sends, and those who see the shift listen.

-- ---- Who wrote the row last ------------------------------------------------------------------------------------

create or replace function muster.tg_stamp_change() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  new.changed_xid := pg_current_xact_id();
  return new;
end
$$;
comment on function muster.tg_stamp_change() is 'The transaction that wrote the row last, whatever the client sends.';

-- The name sorts last, so that the other triggers compare old and new without it.
create or replace trigger z_stamp_change before insert or update on public.shifts
  for each row execute function muster.tg_stamp_change();
create or replace trigger z_stamp_change before insert or update on public.shift_briefings
  for each row execute function muster.tg_stamp_change();
create or replace trigger z_stamp_change before insert or update on public.gps_checkins
  for each row execute function muster.tg_stamp_change();
create or replace trigger z_stamp_change before insert or update on public.incidents
  for each row execute function muster.tg_stamp_change();
create or replace trigger z_stamp_change before insert or update on public.finqle_transactions
  for each row execute function muster.tg_stamp_change();
create or replace trigger z_stamp_change before insert or update on public.notifications
  for each row execute function muster.tg_stamp_change();

-- ---- What left whose view --------------------------------------------------------------------------------------

-- No TypeScript reads or writes it, so it is declared here and not in Drizzle's schema.
create table if not exists muster.departed_rows (
  changed_xid xid8 not null default pg_current_xact_id(),
  relation text not null,
  row_id uuid not null,
  audience text[] not null,
  departed_at timestamptz not null default now(),
  constraint departed_rows_pkey primary key (relation, changed_xid, row_id)
);
comment on table muster.departed_rows is
  'Rows that left somebody''s view by a change of theirs: which, whose view, and in which transaction. Kept 31 days.';
create index if not exists departed_rows_departed_at_idx on muster.departed_rows (departed_at);

alter table muster.departed_rows enable row level security;
alter table muster.departed_rows force row level security;
revoke all on muster.departed_rows from public, anon, authenticated, service_role;
drop policy if exists internal on muster.departed_rows;
create policy internal on muster.departed_rows to muster_definer using (true) with check (true);
comment on policy internal on muster.departed_rows is 'The security definer functions of realtime.sql.';
grant select, insert, update, delete on muster.departed_rows to muster_definer;

-- The read policies of the published tables once more, as names of groups of callers: a test holds the two alike.
-- `at` is when; null stands for any time before the shift began.
create or replace function muster.audience(relation text, viewed jsonb, at timestamptz) returns text[]
language sql
stable
parallel safe
set search_path = pg_catalog, pg_temp
return case when viewed ->> 'deleted_at' is null then array_remove(array[
  'admins:' || (viewed ->> 'tenant_id'),
  'company:' || (viewed ->> 'company_id'),
  'user:' || coalesce(viewed ->> 'user_id', viewed ->> 'reported_by'),
  case when relation <> 'shifts' or viewed ->> 'status' <> 'draft' then
    'client:' || (viewed ->> 'client_id')
  end,
  'professional:' || (viewed ->> 'professional_id'),
  case when relation = 'shifts'
    and viewed ->> 'status' = 'published'
    and (at is null or (viewed ->> 'start_datetime')::timestamptz > at)
  then
    'guards:' || (viewed ->> 'tenant_id')
  end
], null) else '{}' end;
comment on function muster.audience(text, jsonb, timestamptz) is 'The groups of callers that see a row of a published table.';

create or replace function muster.audiences_of(callers uuid[]) returns table (caller uuid, audience text[])
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
begin atomic
  -- A deleted user has a token, and no tenant.
  select u.id, array_remove(array[
    'user:' || u.id,
    case u.role when 'admin' then 'admins:' || u.tenant_id end,
    case u.role when 'company' then 'company:' || u.organization_id end,
    case u.role when 'client' then 'client:' || u.organization_id end,
    case u.role when 'zzp' then 'guards:' || u.tenant_id end,
    case u.role when 'zzp' then 'professional:' || p.id end
  ], null)
  from public.users u
  left join public.security_professionals p on p.user_id = u.id and p.deleted_at is null
  where u.id = any (callers) and u.deleted_at is null;
end;
comment on function muster.audiences_of(uuid[]) is
  'The groups to which each of many callers belongs. Security definer: the change feed asks for all of its subscribers.';

create or replace function muster.caller_audience() returns text[]
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
begin atomic
  select coalesce((select a.audience from muster.audiences_of(array[muster.user_id()]) a), '{}');
end;
comment on function muster.caller_audience() is
  'The groups to which the caller belongs. Security definer: nobody else''s are told.';

-- ---- Whose groups changed --------------------------------------------------------------------------------------

-- The change feed remembers the groups of its subscribers, and asks with each change whose it has to read again. One row per
-- transaction and user, so that no writer waits for another.
create table if not exists muster.changed_callers (
  changed_xid xid8 not null default pg_current_xact_id(),
  user_id uuid not null,
  changed_at timestamptz not null default now(),
  constraint changed_callers_pkey primary key (changed_xid, user_id)
);
comment on table muster.changed_callers is
  'Users whose groups may have changed, by the transaction that did it. Kept for a day.';
create index if not exists changed_callers_changed_at_idx on muster.changed_callers (changed_at);

alter table muster.changed_callers enable row level security;
alter table muster.changed_callers force row level security;
revoke all on muster.changed_callers from public, anon, authenticated, service_role;
drop policy if exists internal on muster.changed_callers;
create policy internal on muster.changed_callers to muster_definer using (true) with check (true);
comment on policy internal on muster.changed_callers is 'The security definer functions of realtime.sql.';
grant select, insert, delete on muster.changed_callers to muster_definer;

create or replace function muster.tg_note_caller() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  -- The column that names the user differs: `id` of users, `user_id` of professionals.
  column_ constant text := tg_argv[0];
begin
  insert into muster.changed_callers (user_id)
  select distinct c.id
  from unnest(array[(to_jsonb(old) ->> column_)::uuid, (to_jsonb(new) ->> column_)::uuid]) as c (id)
  where c.id is not null
  on conflict do nothing;
  return null;
end
$$;
comment on function muster.tg_note_caller() is
  'Notes whose groups may have changed. Security definer: no caller may write or read that list.';

create or replace trigger note_caller after insert or delete on public.users
  for each row execute function muster.tg_note_caller('id');
create or replace trigger note_caller_on_update after update on public.users
  for each row when (
    (old.id, old.tenant_id, old.organization_id, old.role, old.deleted_at)
    is distinct from (new.id, new.tenant_id, new.organization_id, new.role, new.deleted_at)
  )
  execute function muster.tg_note_caller('id');
create or replace trigger note_caller after insert or delete on public.security_professionals
  for each row execute function muster.tg_note_caller('user_id');
create or replace trigger note_caller_on_update after update on public.security_professionals
  for each row when (
    (old.id, old.user_id, old.tenant_id, old.deleted_at)
    is distinct from (new.id, new.user_id, new.tenant_id, new.deleted_at)
  )
  execute function muster.tg_note_caller('user_id');
-- A user who is written with triggers off, too, sees at once what they may see, and no more.
alter table public.users enable always trigger note_caller;
alter table public.users enable always trigger note_caller_on_update;
alter table public.security_professionals enable always trigger note_caller;
alter table public.security_professionals enable always trigger note_caller_on_update;

create or replace function muster.tg_note_departure() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  former text[] := muster.audience(tg_table_name, to_jsonb(old), null);
begin
  if tg_op = 'UPDATE' then
    former := array(
      select unnest(former) except select unnest(muster.audience(tg_table_name, to_jsonb(new), now()))
    );
  end if;
  if cardinality(former) > 0 then
    insert into muster.departed_rows as d (relation, row_id, audience)
    values (tg_table_name, old.id, former)
    -- The same row again in the same transaction: whoever saw it before still has to be told.
    on conflict (relation, changed_xid, row_id) do update
      set audience = array(select unnest(d.audience) union select unnest(excluded.audience));
  end if;
  return null;
end
$$;
comment on function muster.tg_note_departure() is
  'Notes whose view a row leaves. Security definer: no caller may write or read that list.';

create or replace trigger note_departure_on_delete after delete on public.shifts
  for each row execute function muster.tg_note_departure();
create or replace trigger note_departure_on_delete after delete on public.shift_briefings
  for each row execute function muster.tg_note_departure();
create or replace trigger note_departure_on_delete after delete on public.gps_checkins
  for each row execute function muster.tg_note_departure();
create or replace trigger note_departure_on_delete after delete on public.incidents
  for each row execute function muster.tg_note_departure();
create or replace trigger note_departure_on_delete after delete on public.finqle_transactions
  for each row execute function muster.tg_note_departure();
create or replace trigger note_departure_on_delete after delete on public.notifications
  for each row execute function muster.tg_note_departure();
create or replace trigger note_departure_on_update after update on public.shifts
  for each row when (
    (old.status, old.tenant_id, old.company_id, old.client_id, old.professional_id, old.start_datetime, old.deleted_at)
    is distinct from
    (new.status, new.tenant_id, new.company_id, new.client_id, new.professional_id, new.start_datetime, new.deleted_at)
  )
  execute function muster.tg_note_departure();
create or replace trigger note_departure_on_update after update on public.shift_briefings
  for each row when (
    (old.tenant_id, old.company_id, old.client_id, old.professional_id, old.deleted_at)
    is distinct from (new.tenant_id, new.company_id, new.client_id, new.professional_id, new.deleted_at)
  )
  execute function muster.tg_note_departure();
create or replace trigger note_departure_on_update after update on public.gps_checkins
  for each row when (
    (old.tenant_id, old.company_id, old.client_id, old.professional_id)
    is distinct from (new.tenant_id, new.company_id, new.client_id, new.professional_id)
  )
  execute function muster.tg_note_departure();
create or replace trigger note_departure_on_update after update on public.incidents
  for each row when (
    (old.tenant_id, old.company_id, old.client_id, old.reported_by, old.deleted_at)
    is distinct from (new.tenant_id, new.company_id, new.client_id, new.reported_by, new.deleted_at)
  )
  execute function muster.tg_note_departure();
create or replace trigger note_departure_on_update after update on public.finqle_transactions
  for each row when (
    (old.tenant_id, old.company_id, old.professional_id)
    is distinct from (new.tenant_id, new.company_id, new.professional_id)
  )
  execute function muster.tg_note_departure();
create or replace trigger note_departure_on_update after update on public.notifications
  for each row when ((old.tenant_id, old.user_id) is distinct from (new.tenant_id, new.user_id))
  execute function muster.tg_note_departure();

create or replace function muster.forget_departed_rows() returns bigint
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
begin atomic
  with forgotten as (
    -- A day longer than a watermark is good for (muster.changes_since).
    delete from muster.departed_rows d where d.departed_at < now() - interval '31 days' returning 1
  ), forgotten_callers as (
    -- The change feed reads all groups again when it has not asked for an hour.
    delete from muster.changed_callers c where c.changed_at < now() - interval '1 day' returning 1
  )
  select (select count(*) from forgotten) + (select count(*) from forgotten_callers);
end;
comment on function muster.forget_departed_rows() is
  'Ends the retention of departed rows, and of users whose groups changed. For background work.';

-- ---- Catching up -----------------------------------------------------------------------------------------------

-- Transaction ids mean something in one history only: not after a restore into another cluster, nor after a recovery to
-- an earlier point (a new timeline), nor in a copy of the database.
create or replace function muster.history_id() returns text
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
begin atomic
  select md5(concat_ws('/', s.system_identifier, c.timeline_id, d.oid))
  from pg_control_system() s
  cross join pg_control_checkpoint() c
  cross join pg_catalog.pg_database d
  where d.datname = current_database();
end;
comment on function muster.history_id() is 'Names the history to which transaction ids belong.';

create or replace function muster.departures_for_caller(
  wanted text, after_xid xid8, before_xid xid8, position_xid xid8, position_id uuid, max_items integer
) returns table (changed_xid xid8, row_id uuid)
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
begin atomic
  select d.changed_xid, d.row_id
  from muster.departed_rows d
  where d.relation = wanted
    and d.changed_xid >= after_xid
    and d.changed_xid < before_xid
    and (position_xid is null or (d.changed_xid, d.row_id) > (position_xid, position_id))
    and d.audience && (select muster.caller_audience())
  order by d.changed_xid, d.row_id
  limit max_items;
end;
comment on function muster.departures_for_caller(text, xid8, xid8, xid8, uuid, integer) is
  'Rows that left the caller''s view. Security definer: ids alone, and of nothing that the caller did not see.';

create or replace function muster.shifts_begun_for_caller(since timestamptz) returns setof uuid
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
begin atomic
  select s.id
  from public.shifts s
  where s.tenant_id = muster.guard_tenant_id()
    and s.status = 'published'
    and s.deleted_at is null
    and s.start_datetime > since
    and s.start_datetime <= now();
end;
comment on function muster.shifts_begun_for_caller(timestamptz) is
  'Open shifts that left a guard''s view because they began, without a change. Security definer: ids alone.';

-- The rows of a published table that the caller sees and that changed since the watermark, in the form of the change
-- stream, and the ids of those that left the caller's view. Runs as the caller: policies and column grants decide.
--
-- A watermark is the oldest transaction that was running: everything older is over and was in the answer. What is newer
-- may come again, and nothing is missed, however long transactions run and overlap. Over several pages the watermark
-- stays that of the first, and transactions that the first page did not know are left to the next round, so that the
-- pages end. `cursor_` is what the last answer gave as `next`, or null, or {"now": true} for a watermark and no rows.
--
-- With `reset` the answer is the beginning of everything that the caller sees, and what a client has is to be thrown
-- away: without a cursor, with one of another history, of another scope (the caller's role or organization changed), or
-- older than departed rows are kept.
create or replace function muster.changes_since(wanted text, cursor_ jsonb, max_items integer) returns jsonb
language plpgsql
stable
set search_path = pg_catalog, extensions, public, pg_temp
as $$
declare
  retention constant interval := interval '30 days';
  snapshot constant pg_snapshot := pg_current_snapshot();
  history constant text := muster.history_id();
  scope constant text := md5(array_to_string(muster.caller_audience(), ' '));
  -- A cursor that means nothing here is no cursor.
  known constant jsonb := case
    when cursor_ ->> 'history' = history
      and cursor_ ->> 'scope' = scope
      and (cursor_ ->> 'since')::timestamptz > now() - retention
    then cursor_
  end;
  is_reset constant boolean := known is null or coalesce((known ->> 'reset')::boolean, false);
  is_first constant boolean := known -> 'position' is null;
  after_xid constant xid8 := coalesce(known ->> 'after', '0');
  -- Those of the first page, on every page.
  next_xid constant text := case when is_first then pg_snapshot_xmin(snapshot)::text else known ->> 'next' end;
  before_xid constant xid8 := case when is_first then pg_snapshot_xmax(snapshot)::text else known ->> 'before' end;
  since constant text := case when is_first then to_jsonb(now()) #>> '{}' else known ->> 'since' end;
  watermark constant jsonb := jsonb_build_object('history', history, 'scope', scope, 'since', since);
  columns_ text;
  answer jsonb;
  page_is_full boolean;
  last_position jsonb;
begin
  if coalesce((cursor_ ->> 'now')::boolean, false) then
    return jsonb_build_object(
      'items', '[]'::jsonb, 'removed', '[]'::jsonb, 'reset', false, 'complete', true,
      'next', watermark || jsonb_build_object('after', next_xid)
    );
  end if;

  select string_agg(format('%L, r.%I', a.attname, a.attname), ', ' order by a.attnum) into columns_
  from pg_publication_tables p
  join pg_attribute a
    on a.attrelid = format('%I.%I', p.schemaname, p.tablename)::regclass
    and a.attname = any (p.attnames)
    and a.attnum > 0
    and not a.attisdropped
  where p.pubname = 'supabase_realtime'
    and p.schemaname = 'public'
    and p.tablename = wanted
    and has_column_privilege(a.attrelid, a.attnum, 'select');
  if columns_ is null then
    perform muster.fail('not_found', 'table');
  end if;

  execute format(
    $query$
    with present as (
      select r.changed_xid, r.id, jsonb_build_object(%1$s) as item
      from public.%2$I r
      where r.changed_xid >= $1
        and r.changed_xid < $2
        and ($3 is null or (r.changed_xid, r.id) > ($3, $4))
      order by r.changed_xid, r.id
      limit $5 + 1
    ), departed as (
      select d.changed_xid, d.row_id as id, null::jsonb as item
      from muster.departures_for_caller(%2$L, $1, $2, $3, $4, $5 + 1) d
      where not $6
    ), page as (
      select row_number() over (order by c.changed_xid, c.id, c.item is null) as nth, c.*
      from (select * from present union all select * from departed) c
      order by c.changed_xid, c.id, c.item is null
      limit $5 + 1
    ), gone as (
      -- Seen again by now: then the row itself is, or will be, in an answer.
      select distinct p.id from page p
      where p.item is null and p.nth <= $5 and not exists (select from public.%2$I r where r.id = p.id)
    )
    select
      jsonb_build_object(
        'items', coalesce((
          select jsonb_agg(p.item order by p.nth) from page p where p.item is not null and p.nth <= $5
        ), '[]'),
        'removed', coalesce((select jsonb_agg(g.id order by g.id) from gone g), '[]')
      ),
      (select count(*) > $5 from page),
      (select jsonb_build_array(p.changed_xid, p.id) from page p where p.nth = $5)
    $query$,
    columns_, wanted
  )
  into answer, page_is_full, last_position
  using after_xid, before_xid, (known #>> '{position,0}')::xid8, (known #>> '{position,1}')::uuid, max_items, is_reset;

  if wanted = 'shifts' and is_first and not is_reset then
    answer := jsonb_set(answer, '{removed}', (answer -> 'removed') || coalesce((
      select jsonb_agg(b.id) from muster.shifts_begun_for_caller((known ->> 'since')::timestamptz) as b (id)
      where not (answer -> 'removed') ? b.id::text
    ), '[]'));
  end if;

  return answer || jsonb_build_object(
    'reset', is_reset and is_first,
    'complete', not page_is_full,
    'next', watermark || case
      when page_is_full then jsonb_build_object(
        'after', after_xid, 'next', next_xid, 'before', before_xid, 'position', last_position, 'reset', is_reset
      )
      else jsonb_build_object('after', next_xid)
    end
  );
end
$$;
comment on function muster.changes_since(text, jsonb, integer) is
  'Rows that the caller sees and that changed since a watermark, ids of those that left, and the next watermark.';

-- ---- Checking visibility ---------------------------------------------------------------------------------------

-- Which of some rows each of many subscribers sees, in one call: role and claims are set as a request's are, and one
-- statement, planned once, is run per subscriber. Not set-based: `(select auth.uid())` in a policy is computed once per
-- execution, and would make everybody the first subscriber.
--
-- `statement_name` stands for `statement`, a query with parameters of `parameter_types` that gives an array of positions
-- (integers from 1); `arguments` are the parameters as text. `claims` are JSON texts, one per line. The answer is a JSON
-- array with one text per subscriber: the positions that are visible, `1,3`, or `!` and the SQLSTATE of a policy that
-- failed, which costs nobody else anything. Null: the changes were not visible to any snapshot within `patience`.
--
-- The search path is not pinned: the policies run in the settings of the session, as those of a request do.
create or replace function muster.visible_rows(
  statement_name text,
  statement text,
  parameter_types text,
  arguments text[],
  acting_role text,
  claims text,
  xids bigint[],
  patience interval
) returns text
language plpgsql
volatile
as $$
declare
  execution constant text := pg_catalog.format(
    'execute %I (%s)',
    statement_name,
    (select pg_catalog.string_agg(pg_catalog.quote_nullable(a.value), ', ' order by a.nth)
     from pg_catalog.unnest(arguments) with ordinality a (value, nth))
  );
  subscribers constant text[] := pg_catalog.string_to_array(claims, E'\n');
  subscriber text;
  visible integer[];
  answers text[] := '{}';
begin
  if not muster.await_xids(xids, patience) then
    return null;
  end if;

  perform pg_catalog.set_config('role', acting_role, true);
  begin
    if not exists (select from pg_catalog.pg_prepared_statements p where p.name = statement_name) then
      execute pg_catalog.format('prepare %I (%s) as %s', statement_name, parameter_types, statement);
    end if;
  exception
    -- The role may not even name the table.
    when others then
      return pg_catalog.to_json(pg_catalog.array_fill(
        '!' || sqlstate, array[pg_catalog.cardinality(subscribers)]
      ));
  end;

  -- A block that catches errors costs a good part of a check: the first one is around all of them.
  begin
    foreach subscriber in array subscribers loop
      perform pg_catalog.set_config('request.jwt.claims', subscriber, true);
      visible := null;
      execute execution into visible;
      answers := answers || coalesce(pg_catalog.array_to_string(visible, ','), '');
    end loop;
    return pg_catalog.to_json(answers);
  exception
    when others then
      answers := '{}';
  end;

  -- Somebody's policy fails: nobody else is to pay for it.
  foreach subscriber in array subscribers loop
    begin
      perform pg_catalog.set_config('request.jwt.claims', subscriber, true);
      visible := null;
      execute execution into visible;
      answers := answers || coalesce(pg_catalog.array_to_string(visible, ','), '');
    exception
      when others then
        answers := answers || ('!' || sqlstate);
    end;
  end loop;
  return pg_catalog.to_json(answers);
end
$$;
comment on function muster.visible_rows(text, text, text, text[], text, text, bigint[], interval) is
  'Which of some rows each of many subscribers sees. It acts as the subscribers'' role: whoever calls it can become that.';

-- Decoding runs ahead of visibility: the log has a commit before snapshots see it, and long before when a synchronous
-- standby hangs. `xids` are 32 bits wide, as the log has them.
create or replace function muster.await_xids(xids bigint[], patience interval) returns boolean
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  epoch constant bigint := 4294967296;
  -- A commit that is not visible yet mostly is within microseconds.
  pause constant float8 := 0.0002;
  deadline constant timestamptz := clock_timestamp() + patience;
  upcoming bigint;
  wanted bigint;
begin
  foreach wanted in array xids loop
    loop
      upcoming := pg_snapshot_xmax(pg_current_snapshot())::text::bigint;
      -- Of the ids that end in these 32 bits, the one that is nearest to now.
      wanted := wanted % epoch + upcoming / epoch * epoch;
      wanted := wanted + case
        when wanted - upcoming > epoch / 2 then -epoch
        when upcoming - wanted > epoch / 2 then epoch
        else 0
      end;
      exit when pg_visible_in_snapshot(wanted::text::xid8, pg_current_snapshot());
      if clock_timestamp() > deadline then
        return false;
      end if;
      perform pg_sleep(pause);
    end loop;
  end loop;
  return true;
end
$$;
comment on function muster.await_xids(bigint[], interval) is
  'Waits until transactions are visible to new snapshots; false when the patience ended first.';

-- ---- Who sees a change -----------------------------------------------------------------------------------------

-- What a table's policies for reading say, whatever else its name and comment are.
create or replace function muster.read_policies(relation oid) returns text
language sql
stable
-- Names in the policies are printed with their schemas.
set search_path = pg_catalog, pg_temp
as $$
  select md5(concat_ws(E'\n', c.relrowsecurity, c.relforcerowsecurity, (
    select string_agg(concat_ws(' ', p.polname, p.polcmd, p.polpermissive, (
      select string_agg(coalesce(r.rolname, 'public'), ',' order by r.rolname)
      from unnest(p.polroles) as o (oid)
      left join pg_roles r on r.oid = o.oid
    ), pg_get_expr(p.polqual, p.polrelid)), E'\n' order by p.polname)
    from pg_policy p
    where p.polrelid = c.oid and p.polcmd in ('r', '*')
  )))
  from pg_class c
  where c.oid = relation
$$;
comment on function muster.read_policies(oid) is 'A digest of the policies that decide who reads a table.';

create table if not exists muster.audiences (
  relation text not null constraint audiences_pkey primary key,
  columns text[] not null,
  policies text not null
);
comment on table muster.audiences is
  'Tables of which muster.audience knows the readers: by which of the published columns, and for which policies.';
alter table muster.audiences enable row level security;
alter table muster.audiences force row level security;
revoke all on muster.audiences from public, anon, authenticated, service_role;
drop policy if exists internal on muster.audiences;
create policy internal on muster.audiences to muster_definer using (true) with check (true);
comment on policy internal on muster.audiences is 'The security definer functions of realtime.sql.';
grant select, insert, delete on muster.audiences to muster_definer;

create or replace function muster.declare_audiences() returns void
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
begin atomic
  delete from muster.audiences;
  insert into muster.audiences (relation, columns, policies)
  select d.relation, d.columns, muster.read_policies(to_regclass(format('public.%I', d.relation)))
  from (values
    ('shifts', array['id', 'company_id', 'client_id', 'professional_id', 'status', 'start_datetime']),
    ('shift_briefings', array['id', 'company_id', 'client_id', 'professional_id']),
    ('gps_checkins', array['id', 'company_id', 'client_id', 'professional_id']),
    ('incidents', array['id', 'company_id', 'client_id', 'reported_by']),
    ('finqle_transactions', array['id', 'company_id', 'professional_id']),
    ('notifications', array['id', 'user_id'])
  ) as d (relation, columns);
end;
comment on function muster.declare_audiences() is
  'Says that muster.audience holds for the policies that the tables have now. Security definer: the declarations are nobody''s to write.';

-- Where a policy was changed or added since, or a column is published no more, each subscriber is asked for.
create or replace function muster.has_audience(relation oid, published name[]) returns boolean
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
begin atomic
  select exists (
    select
    from muster.audiences a
    where has_audience.relation = to_regclass(format('public.%I', a.relation))
      and a.columns <@ published::text[]
      and a.policies = muster.read_policies(has_audience.relation)
  );
end;
comment on function muster.has_audience(oid, name[]) is
  'Whether muster.audience says who reads a table. Security definer: the declarations are nobody''s to read.';

-- For each of `changes`, `{relation, image, lacks}`: the groups that see the row as the image has it, or null for a row that is
-- gone. An image is what the log says of a row, as `to_jsonb` prints it; what the log does not say of it, its tenant and whether
-- it is deleted, is taken from the row as it is now. A value that the image lacks (`lacks`: columns of large values that an
-- update did not touch) is filled in, as JSON text, from a row that is in everything else still as the image has it.
--
-- `changed` are the users whose groups may have changed since `since_xid`, and `next` is the `since_xid` for the next time: the
-- oldest transaction that was running. Everything is of one snapshot, which sees `xids`. Null: there was none within `patience`.
create or replace function muster.change_audiences(
  changes jsonb, xids bigint[], patience interval, since_xid xid8
) returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $$
begin
  if not muster.await_xids(xids, patience) then
    return null;
  end if;
  return (
    with asked as materialized (
      select
        c.nth, c.value ->> 'relation' as relation, c.value -> 'image' as image,
        (c.value #>> '{image,id}')::uuid as id, c.value -> 'lacks' as lacks
      from jsonb_array_elements(changes) with ordinality c (value, nth)
    ), present as (
      select a.nth, r.tenant_id, r.deleted_at, case when a.lacks is not null then to_jsonb(r) end as whole
      from asked a join public.shifts r on r.id = a.id where a.relation = 'shifts'
      union all
      select a.nth, r.tenant_id, null, case when a.lacks is not null then to_jsonb(r) end
      from asked a join public.gps_checkins r on r.id = a.id where a.relation = 'gps_checkins'
      union all
      select a.nth, r.tenant_id, r.deleted_at, case when a.lacks is not null then to_jsonb(r) end
      from asked a join public.shift_briefings r on r.id = a.id where a.relation = 'shift_briefings'
      union all
      select a.nth, r.tenant_id, r.deleted_at, case when a.lacks is not null then to_jsonb(r) end
      from asked a join public.incidents r on r.id = a.id where a.relation = 'incidents'
      union all
      select a.nth, r.tenant_id, null, case when a.lacks is not null then to_jsonb(r) end
      from asked a join public.finqle_transactions r on r.id = a.id where a.relation = 'finqle_transactions'
      union all
      select a.nth, r.tenant_id, null, case when a.lacks is not null then to_jsonb(r) end
      from asked a join public.notifications r on r.id = a.id where a.relation = 'notifications'
    )
    select jsonb_build_object(
      'changes', jsonb_agg(
        case when p.nth is not null then jsonb_build_object(
          'audience', muster.audience(
            a.relation,
            a.image || jsonb_build_object('tenant_id', p.tenant_id, 'deleted_at', p.deleted_at),
            clock_timestamp()
          ),
          'filled', case when p.whole || a.image = p.whole then (
            select jsonb_object_agg(l.name, (p.whole -> l.name)::text)
            from jsonb_array_elements_text(a.lacks) as l (name)
          ) end
        ) end
        order by a.nth
      ),
      'changed', (
        select jsonb_agg(distinct c.user_id) from muster.changed_callers c where c.changed_xid >= since_xid
      ),
      'next', pg_snapshot_xmin(pg_current_snapshot())::text
    )
    from asked a
    left join present p using (nth)
  );
end
$$;
comment on function muster.change_audiences(jsonb, bigint[], interval, xid8) is
  'Which groups see which changes. Security definer: it reads the rows for the change feed, and tells of values only those that the log left out.';

-- ---- The publication -------------------------------------------------------------------------------------------

do $$
declare
  published constant jsonb := '{
    "shifts": ["id", "company_id", "client_id", "location_id", "professional_id", "status", "start_datetime",
      "end_datetime", "hourly_rate", "overtime_rate", "required_certificates", "title", "description",
      "cancel_reason", "location_point", "time_zone", "created_at", "updated_at"],
    "shift_briefings": ["id", "company_id", "client_id", "shift_id", "professional_id", "text", "created_at",
      "updated_at"],
    "gps_checkins": ["id", "company_id", "client_id", "shift_id", "professional_id", "kind", "gps_point",
      "accuracy_meters", "distance_meters", "is_within_radius", "verdict", "recorded_at", "created_at", "updated_at"],
    "incidents": ["id", "company_id", "client_id", "shift_id", "reported_by", "category", "severity", "description",
      "incident_point", "occurred_at", "status", "created_at", "updated_at"],
    "finqle_transactions": ["id", "company_id", "shift_id", "professional_id", "amount", "status", "created_at",
      "updated_at"],
    "notifications": ["id", "user_id", "type", "data", "read_at", "created_at", "updated_at"]
  }';
  entry record;
  present name[];
begin
  if not exists (select from pg_catalog.pg_publication where pubname = 'supabase_realtime') then
    create publication supabase_realtime;
    comment on publication supabase_realtime is 'created by muster';
  end if;
  -- One that has every table needs none added, and cannot have any.
  if (select puballtables from pg_catalog.pg_publication where pubname = 'supabase_realtime') then
    return;
  end if;
  for entry in
    select p.key as name, array_agg(c.value order by c.nth) as columns
    from jsonb_each(published) p
    cross join lateral jsonb_array_elements_text(p.value) with ordinality c (value, nth)
    group by p.key
    order by p.key
  loop
    select t.attnames into present
    from pg_catalog.pg_publication_tables t
    where t.pubname = 'supabase_realtime' and t.schemaname = 'public' and t.tablename = entry.name;
    if found and present::text[] @> entry.columns and present::text[] <@ entry.columns then
      continue;
    elsif found then
      execute format('alter publication supabase_realtime drop table public.%I', entry.name);
    end if;
    execute format(
      'alter publication supabase_realtime add table public.%I (%s)',
      entry.name, (select string_agg(quote_ident(c), ', ') from unnest(entry.columns) c)
    );
  end loop;
end
$$;

-- ---- Changes of the embedded engine ----------------------------------------------------------------------------

create sequence if not exists muster.change_numbers;
comment on sequence muster.change_numbers is
  'Tells apart what NOTIFY would merge: the same change twice in one transaction.';

create unlogged table if not exists muster.change_outbox (
  number bigint constraint change_outbox_pkey primary key,
  payload text not null
);
comment on table muster.change_outbox is 'Changes too large for NOTIFY, until the change feed has read them.';
alter table muster.change_outbox enable row level security;
alter table muster.change_outbox force row level security;
revoke all on muster.change_outbox from public, anon, authenticated, service_role;

-- Rows are text, as a literal of the table's row type, of which `columns` are the attribute numbers.
create or replace function muster.report_change(
  relation oid, kind text, columns integer[], present text, former text, untouched integer[]
) returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  -- PostgreSQL refuses payloads of 8000 bytes.
  most_bytes constant integer := 7999;
  number constant bigint := nextval('muster.change_numbers');
  change constant text := json_build_array(
    number, relation::bigint, kind, columns, present, former, untouched
  );
begin
  if octet_length(change) <= most_bytes then
    perform pg_notify('muster_changes', change);
  else
    insert into muster.change_outbox (number, payload) values (number, change);
    perform pg_notify('muster_changes', json_build_array(number)::text);
  end if;
end
$$;
comment on function muster.report_change(oid, text, integer[], text, text, integer[]) is
  'Tells the change feed of one change, with the TOAST values that it did not touch.';

-- One trigger function per table, because what it looks at in each row is fixed when it is made: which columns may be
-- stored out of line. An update that leaves such a value alone does not have it in the logical feed, nor here.
create or replace function muster.sync_change_capture() returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  relation record;
  function_name text;
  body text;
begin
  for relation in
    select c.oid, array_agg(a.attnum order by a.attnum) as columns, string_agg(
      format(
        'case when pg_column_toast_chunk_id(old.%1$I) = pg_column_toast_chunk_id(new.%1$I) then %2$s end',
        a.attname, a.attnum
      ),
      ', ' order by a.attnum
    ) filter (where a.attstorage in ('e', 'x')) as untouched
    from pg_publication_tables p
    join pg_class c on c.oid = format('%I.%I', p.schemaname, p.tablename)::regclass
    join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    where p.pubname = 'supabase_realtime'
    group by c.oid
  loop
    function_name := format('muster.%I', 'capture_' || relation.oid);
    body := format(
      $body$
declare
  -- First of all: to turn a row into text fetches such values into it.
  untouched constant integer[] := case when tg_op = 'UPDATE' then array_remove(array[%s]::integer[], null) end;
begin
  perform muster.report_change(
    tg_relid, tg_op, '%s',
    case when tg_op in ('INSERT', 'UPDATE') then new::text end,
    case when tg_op in ('UPDATE', 'DELETE') then old::text end,
    untouched
  );
  return null;
end
$body$,
      relation.untouched, relation.columns
    );
    if not exists (
      select from pg_proc f where f.oid = to_regprocedure(function_name || '()') and f.prosrc = body
    ) then
      -- Security definer: no writer may use the outbox. The settings are those of the logical feed's connection.
      execute format(
        'create or replace function %s() returns trigger language plpgsql security definer
         set search_path = pg_catalog, pg_temp set timezone = ''UTC'' set datestyle = ''ISO''
         set intervalstyle = ''postgres'' set bytea_output = ''hex'' set extra_float_digits = 1
         as %L',
        function_name, body
      );
      execute format('revoke execute on function %s() from public', function_name);
      -- The name sorts first: what other triggers change in turn is reported after.
      execute format(
        'create or replace trigger "0_capture" after insert or update or delete on %s
         for each row execute function %s()',
        relation.oid::regclass, function_name
      );
      -- The log has what is written with triggers off, too.
      execute format('alter table %s enable always trigger "0_capture"', relation.oid::regclass);
      execute format(
        'create or replace trigger "0_capture_truncation" after truncate on %s
         for each statement execute function %s()',
        relation.oid::regclass, function_name
      );
    end if;
  end loop;

  for relation in
    select f.oid, f.proname
    from pg_proc f
    where f.pronamespace = 'muster'::regnamespace
      and f.proname ~ '^capture_[0-9]+$'
      and not exists (
        select
        from pg_publication_tables p
        where p.pubname = 'supabase_realtime'
          and format('%I.%I', p.schemaname, p.tablename)::regclass = substr(f.proname, 9)::oid
      )
  loop
    execute format('drop function muster.%I() cascade', relation.proname);
  end loop;
end
$$;
comment on function muster.sync_change_capture() is 'Gives exactly the published tables a trigger that reports their changes.';

create or replace function muster.tg_follow_definitions() returns event_trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  perform muster.sync_change_capture();
  perform pg_notify('muster_changes', json_build_array(nextval('muster.change_numbers'), null)::text);
end
$$;
comment on function muster.tg_follow_definitions() is
  'A definition changed: the triggers follow, and the change feed is told between the changes before and after.';

create or replace function muster.enable_change_capture() returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  if current_setting('server_version_num')::integer < 170000 then
    raise exception using
      errcode = 'feature_not_supported',
      message = 'muster.enable_change_capture is for the embedded engine; a server has logical replication';
  end if;
  perform muster.sync_change_capture();
  if not exists (select from pg_catalog.pg_event_trigger where evtname = 'muster_follow_definitions') then
    create event trigger muster_follow_definitions on ddl_command_end
      when tag in (
        'ALTER TABLE', 'CREATE TABLE', 'DROP TABLE', 'CREATE INDEX', 'DROP INDEX', 'GRANT', 'REVOKE',
        'CREATE POLICY', 'ALTER POLICY', 'DROP POLICY', 'ALTER TYPE', 'ALTER DOMAIN', 'ALTER SCHEMA', 'DROP SCHEMA',
        'CREATE PUBLICATION', 'ALTER PUBLICATION', 'DROP PUBLICATION'
      )
      execute function muster.tg_follow_definitions();
  end if;
end
$$;
comment on function muster.enable_change_capture() is
  'Starts reporting changes by NOTIFY. For the embedded engine alone, at each start of the service, by a superuser.';

-- ---- Private channels ------------------------------------------------------------------------------------------

-- Supabase's own schema `realtime` is left alone; elsewhere the table and the function that its policies use are provided.
do $$
begin
  if to_regnamespace('realtime') is null then
    create schema realtime;
    comment on schema realtime is 'created by muster';
    grant usage on schema realtime to anon, authenticated, service_role, muster_api;
  end if;
  if to_regclass('realtime.messages') is null then
    create table realtime.messages (
      topic text not null,
      extension text not null,
      payload jsonb,
      event text,
      private boolean default false,
      updated_at timestamp not null default now(),
      inserted_at timestamp not null default now(),
      id uuid not null default gen_random_uuid(),
      constraint messages_pkey primary key (id, inserted_at)
    );
    comment on table realtime.messages is
      'Never holds a row: its policies say who may listen to a private channel (select) and send to it (insert).';
    alter table realtime.messages enable row level security;
    alter table realtime.messages force row level security;
    grant select, insert on realtime.messages to authenticated;
    -- The gateway tries the policies on rows of its own, which it rolls back.
    grant insert on realtime.messages to muster_api;
    create policy gateway_probes on realtime.messages for insert to muster_api with check (true);
    comment on policy gateway_probes on realtime.messages is 'Rows on which the gateway tries the other policies.';
  end if;
  if to_regprocedure('realtime.topic()') is null then
    execute $create$
      create function realtime.topic() returns text
      language sql
      stable
      set search_path = pg_catalog, pg_temp
      return nullif(current_setting('realtime.topic', true), '')
    $create$;
    comment on function realtime.topic() is 'The channel that the caller joins or sends to; null outside of one.';
  end if;
end
$$;

create or replace function muster.channel_shift_id() returns uuid
language sql
stable
set search_path = pg_catalog, pg_temp
return case
  when realtime.topic() ~ '^shift:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
    then substr(realtime.topic(), length('shift:') + 1)::uuid
end;
comment on function muster.channel_shift_id() is 'The shift of the private channel shift:<id>; null for every other channel.';

do $$
begin
  drop policy if exists shift_channel_listen on realtime.messages;
  create policy shift_channel_listen on realtime.messages for select to authenticated
    using (
      topic = (select realtime.topic())
      and extension in ('broadcast', 'presence')
      -- As the caller: whose policies show the shift hears of it.
      and exists (
        select from public.shifts s where s.id = (select muster.channel_shift_id()) and s.status = 'active'
      )
    );
  comment on policy shift_channel_listen on realtime.messages is
    'While a shift is active, those who see it: its professional, company, client and admins.';
  drop policy if exists shift_channel_send on realtime.messages;
  create policy shift_channel_send on realtime.messages for insert to authenticated
    with check (
      topic = (select realtime.topic())
      and extension in ('broadcast', 'presence')
      and exists (
        select from public.shifts s
        where s.id = (select muster.channel_shift_id())
          and s.status = 'active'
          and s.professional_id = (select muster.professional_id())
      )
    );
  comment on policy shift_channel_send on realtime.messages is
    'While a shift is active, its professional: positions by broadcast, and being there by presence.';
exception
  when insufficient_privilege then
    raise warning 'The policies of the channels shift:<id> were not made: % may not change realtime.messages.', current_user;
end
$$;

-- ---- The login of the change feed ------------------------------------------------------------------------------

-- It reads the log, and with it every change of the server's databases: a login for nothing else, which owns nothing and
-- can become nobody. Only a superuser, or from PostgreSQL 16 on a role with REPLICATION, may hand that out.
do $$
begin
  if not exists (select from pg_catalog.pg_roles where rolname = 'muster_replicator') then
    begin
      create role muster_replicator nologin noinherit replication;
    exception
      when insufficient_privilege then
        create role muster_replicator nologin noinherit;
        raise warning 'muster_replicator has no REPLICATION: realtime needs a login that has (DATABASE_REPLICATION_URL).';
    end;
    comment on role muster_replicator is 'created by muster';
  end if;
end
$$;
-- Keeps the role in the server for as long as one of its databases uses it.
grant usage on schema muster to muster_replicator;

-- ---- Grants ----------------------------------------------------------------------------------------------------

revoke execute on function
  muster.tg_stamp_change(), muster.audience(text, jsonb, timestamptz), muster.caller_audience(),
  muster.audiences_of(uuid[]), muster.tg_note_caller(), muster.read_policies(oid), muster.declare_audiences(),
  muster.has_audience(oid, name[]), muster.change_audiences(jsonb, bigint[], interval, xid8), muster.tg_note_departure(), muster.forget_departed_rows(), muster.history_id(),
  muster.departures_for_caller(text, xid8, xid8, xid8, uuid, integer), muster.shifts_begun_for_caller(timestamptz),
  muster.changes_since(text, jsonb, integer),
  muster.visible_rows(text, text, text, text[], text, text, bigint[], interval), muster.await_xids(bigint[], interval),
  muster.report_change(oid, text, integer[], text, text, integer[]), muster.sync_change_capture(), muster.tg_follow_definitions(),
  muster.enable_change_capture(), muster.channel_shift_id()
from public;
grant execute on function
  muster.audience(text, jsonb, timestamptz), muster.read_policies(oid),
  muster.await_xids(bigint[], interval)
to muster_definer;
grant select on public.incidents, public.notifications to muster_definer;
grant execute on function
  muster.caller_audience(), muster.history_id(), muster.shifts_begun_for_caller(timestamptz),
  muster.departures_for_caller(text, xid8, xid8, xid8, uuid, integer), muster.changes_since(text, jsonb, integer),
  muster.channel_shift_id()
to authenticated, muster_definer;
-- muster.changes_since runs as the caller, who may read only some columns of this table.
grant select (changed_xid) on public.finqle_transactions to authenticated;
grant execute on function muster.forget_departed_rows() to service_role;
grant execute on function
  muster.visible_rows(text, text, text, text[], text, text, bigint[], interval), muster.await_xids(bigint[], interval),
  muster.audiences_of(uuid[]), muster.has_audience(oid, name[]),
  muster.change_audiences(jsonb, bigint[], interval, xid8)
to muster_api;

alter function muster.audiences_of(uuid[]) owner to muster_definer;
alter function muster.caller_audience() owner to muster_definer;
alter function muster.tg_note_caller() owner to muster_definer;
alter function muster.declare_audiences() owner to muster_definer;
alter function muster.has_audience(oid, name[]) owner to muster_definer;
alter function muster.change_audiences(jsonb, bigint[], interval, xid8) owner to muster_definer;
alter function muster.tg_note_departure() owner to muster_definer;
alter function muster.forget_departed_rows() owner to muster_definer;
alter function muster.history_id() owner to muster_definer;
alter function muster.departures_for_caller(text, xid8, xid8, xid8, uuid, integer) owner to muster_definer;
alter function muster.shifts_begun_for_caller(timestamptz) owner to muster_definer;

-- Last of all, and again after every change of a policy of these tables: a test holds muster.audience and the policies alike.
select muster.declare_audiences();
