-- Capture: how the embedded engine reports changes.
--
-- * It has no logical replication: there triggers report the changes of the published tables by NOTIFY. They are made by
--   muster.enable_change_capture(), and never on a server, where NOTIFY takes a lock of the whole cluster at each commit.

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
  -- It makes no tables but those of a refresh beside readers, which end with it (reports.sql).
  if current_user = 'muster_definer' then
    return;
  end if;
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
