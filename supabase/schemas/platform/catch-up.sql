-- Catch-up: how a client that was away learns what it missed.
--
-- * It goes by transaction ids (muster.changes_since): every row knows the transaction that wrote it last, and what leaves
--   somebody's view is noted in muster.departed_rows.
-- * Where rows leave a view because time passes, without a change, the table has a function that gives their ids to the caller:
--   muster.lapsed_of_<table>(since).
-- * Transaction ids count within one history (muster.history_id): after a restore or a failover every client starts anew.
-- * The tables are those of the publication, with the columns that are published and that the caller may read.

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
comment on policy internal on muster.departed_rows is 'The security definer functions of catch-up.sql.';

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

-- Transaction ids mean something in one history only: not after a restore into another cluster, nor after a recovery to
-- an earlier point (a new timeline), nor in a copy of the database. Cluster, timeline and database tell most histories apart.
-- Not a data folder that was put back as it was, nor two embedded databases, which begin as copies of one folder: for those
-- there is the epoch, which muster.begin_history renews.
create table if not exists muster.history (
  only_row boolean not null default true,
  epoch uuid not null default gen_random_uuid(),
  begun_at timestamptz not null default now(),
  constraint history_pkey primary key (only_row),
  constraint history_one_row check (only_row)
);
insert into muster.history default values on conflict do nothing;
comment on table muster.history is 'The epoch of the history to which transaction ids belong: one row.';

alter table muster.history enable row level security;
alter table muster.history force row level security;
revoke all on muster.history from public, anon, authenticated, service_role;
drop policy if exists internal on muster.history;
create policy internal on muster.history to muster_definer using (true) with check (true);
comment on policy internal on muster.history is 'The security definer functions of catch-up.sql.';
grant select on muster.history to muster_definer;

-- The timeline is read from the position in the log: the last checkpoint keeps the old one for minutes after a promotion, and
-- clients would be told that nothing had changed. A standby has no such position; it answers nobody's catch-up.
create or replace function muster.history_id() returns text
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
begin atomic
  select md5(concat_ws(
    '/',
    s.system_identifier,
    case
      when pg_is_in_recovery() then lpad(upper(to_hex(c.timeline_id)), 8, '0')
      else left(pg_walfile_name(pg_current_wal_lsn()), 8)
    end,
    d.oid,
    h.epoch
  ))
  from pg_control_system() s
  cross join pg_control_checkpoint() c
  cross join pg_catalog.pg_database d
  left join muster.history h on true
  where d.datname = current_database();
end;
comment on function muster.history_id() is 'Names the history to which transaction ids belong.';

-- Row level security shows all rows to background work, which asks when the service starts.
create or replace function muster.tables_from_future() returns text[]
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  unreached constant xid8 := pg_snapshot_xmax(pg_current_snapshot());
  relation name;
  is_found boolean;
  found_in text[] := '{}';
begin
  for relation in
    select p.tablename from pg_publication_tables p
    join pg_attribute a on a.attrelid = format('%I.%I', p.schemaname, p.tablename)::regclass and a.attname = 'changed_xid'
    where p.pubname = 'supabase_realtime' and p.schemaname = 'public'
    order by p.tablename
  loop
    execute format('select exists (select from public.%I r where r.changed_xid >= $1)', relation) into is_found using unreached;
    if is_found then
      found_in := found_in || relation::text;
    end if;
  end loop;
  return found_in;
end
$$;
comment on function muster.tables_from_future() is
  'Published tables with rows of a transaction that this cluster has not had yet: they were restored from another one.';

-- Run by whoever restored the database, as its owner, while no process of the service runs: `npm run db:restore` does it,
-- `npm run db:adopt` after a restore by other means. Rows of transactions that this cluster has not had yet are given the
-- present one; every client starts anew, so nobody has to be told what left its view before. Neither a trigger nor who
-- wrote a row and when takes part: the row is what it was. The owner is no superuser, so forced row level security and the
-- triggers are lifted for the duration of the transaction, which locks the tables.
create or replace function muster.begin_history() returns bigint
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  present constant xid8 := pg_current_xact_id();
  relation regclass;
  adopted bigint := 0;
  affected bigint;
begin
  for relation in
    select a.attrelid::regclass
    from pg_publication_tables p
    join pg_attribute a on a.attrelid = format('%I.%I', p.schemaname, p.tablename)::regclass and a.attname = 'changed_xid'
    where p.pubname = 'supabase_realtime' and p.schemaname = 'public'
    order by 1
  loop
    execute format('alter table %s no force row level security, disable trigger user', relation);
    execute format('update %s set changed_xid = $1 where changed_xid > $1', relation) using present;
    get diagnostics affected = row_count;
    adopted := adopted + affected;
    execute format('alter table %s force row level security, enable trigger user', relation);
  end loop;

  foreach relation in array array['muster.departed_rows', 'muster.changed_callers', 'muster.history']::regclass[] loop
    execute format('alter table %s no force row level security', relation);
    execute format('delete from %s', relation);
  end loop;
  insert into muster.history default values;
  foreach relation in array array['muster.departed_rows', 'muster.changed_callers', 'muster.history']::regclass[] loop
    execute format('alter table %s force row level security', relation);
  end loop;
  return adopted;
end
$$;
comment on function muster.begin_history() is
  'Brings restored rows into the time of this cluster, and lets every client start anew. @returns how many rows.';

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
--
-- A row whose transaction this cluster has not had yet was restored from another one (muster.begin_history mends that). It
-- counts as changed in every round: when it was written in this history, if ever, cannot be known.
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
  lapsed constant regprocedure := to_regprocedure(format('muster.%I(timestamptz)', 'lapsed_of_' || wanted));
  columns_ text;
  answer jsonb;
  lapsed_ids jsonb;
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
        and (r.changed_xid < $2 or r.changed_xid >= $7)
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
  using after_xid, before_xid, (known #>> '{position,0}')::xid8, (known #>> '{position,1}')::uuid, max_items, is_reset,
    pg_snapshot_xmax(snapshot);

  if lapsed is not null and is_first and not is_reset then
    execute format('select jsonb_agg(l.id) from %s($1) as l (id) where not $2 ? l.id::text', lapsed::regproc)
    into lapsed_ids using (known ->> 'since')::timestamptz, answer -> 'removed';
    answer := jsonb_set(answer, '{removed}', (answer -> 'removed') || coalesce(lapsed_ids, '[]'));
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

grant select, insert, update, delete on muster.departed_rows to muster_definer;

grant execute on function
  muster.history_id(),
  muster.departures_for_caller(text, xid8, xid8, xid8, uuid, integer),
  muster.changes_since(text, jsonb, integer)
to authenticated, muster_definer;
grant execute on function muster.forget_departed_rows(), muster.tables_from_future() to service_role;
grant execute on function muster.forget_departed_rows() to muster_jobs;

alter function muster.tg_note_departure() owner to muster_definer;
alter function muster.forget_departed_rows() owner to muster_definer;
alter function muster.history_id() owner to muster_definer;
alter function muster.departures_for_caller(text, xid8, xid8, xid8, uuid, integer) owner to muster_definer;
