drop function muster.begin_history();
--> statement-breakpoint
drop function muster.tables_from_future();
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.history_id()
 RETURNS text
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
BEGIN ATOMIC
 SELECT md5(concat_ws('/'::text, s.system_identifier, c.timeline_id, d.oid)) AS md5
    FROM ((pg_control_system() s(pg_control_version, catalog_version_no, system_identifier, pg_control_last_modified)
      CROSS JOIN pg_control_checkpoint() c(checkpoint_lsn, redo_lsn, redo_wal_file, timeline_id, prev_timeline_id, full_page_writes, next_xid, next_oid, next_multixact_id, next_multi_offset, oldest_xid, oldest_xid_dbid, oldest_active_xid, oldest_multi_xid, oldest_multi_dbid, oldest_commit_ts_xid, newest_commit_ts_xid, checkpoint_time))
      CROSS JOIN pg_database d)
   WHERE (d.datname = current_database());
END;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.changes_since(wanted text, cursor_ jsonb, max_items integer)
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'extensions', 'public', 'pg_temp'
AS $function$
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
$function$;
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1795992904_histories_have_an_epoch';
