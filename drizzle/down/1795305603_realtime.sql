-- The embedded engine's capture, where a service has run on it.
drop event trigger if exists muster_follow_definitions;
--> statement-breakpoint
do $$
declare
  found_ record;
begin
  for found_ in
    select p.oid::regprocedure as signature
    from pg_catalog.pg_proc p
    where p.pronamespace = 'muster'::regnamespace and p.proname ~ '^capture_[0-9]+$'
  loop
    execute format('drop function %s cascade', found_.signature);
  end loop;
end
$$;
--> statement-breakpoint
do $$
begin
  if to_regclass('realtime.messages') is not null then
    drop policy if exists shift_channel_listen on realtime.messages;
    drop policy if exists shift_channel_send on realtime.messages;
  end if;
end
$$;
--> statement-breakpoint
drop function muster.channel_shift_id();
--> statement-breakpoint
do $$
begin
  if obj_description(to_regnamespace('realtime'), 'pg_namespace') = 'created by muster' then
    drop schema realtime cascade;
  end if;
end
$$;
--> statement-breakpoint
do $$
declare
  found_ record;
begin
  if obj_description(
    (select oid from pg_catalog.pg_publication where pubname = 'supabase_realtime'), 'pg_publication'
  ) = 'created by muster' then
    drop publication supabase_realtime;
    return;
  end if;
  for found_ in
    select r.prrelid::regclass as relation
    from pg_catalog.pg_publication_rel r
    join pg_catalog.pg_publication p on p.oid = r.prpubid
    where p.pubname = 'supabase_realtime'
      and r.prrelid = any (array[
        'public.shifts', 'public.gps_checkins', 'public.incidents', 'public.finqle_transactions', 'public.notifications'
      ]::regclass[])
  loop
    execute format('alter publication supabase_realtime drop table %s', found_.relation);
  end loop;
end
$$;
--> statement-breakpoint
do $$
declare
  found_ record;
begin
  for found_ in
    select t.tgname, t.tgrelid::regclass as relation
    from pg_catalog.pg_trigger t
    where t.tgfoid = any (array['muster.tg_stamp_change()', 'muster.tg_note_departure()']::regprocedure[])
  loop
    execute format('drop trigger %I on %s', found_.tgname, found_.relation);
  end loop;
end
$$;
--> statement-breakpoint
drop function
  muster.enable_change_capture(), muster.tg_follow_definitions(), muster.sync_change_capture(),
  muster.report_change(oid, text, integer[], text, text, integer[]),
  muster.visible_rows(text, text, text, text[], text, text, bigint[], interval), muster.await_xids(bigint[], interval),
  muster.changes_since(text, jsonb, integer), muster.shifts_begun_for_caller(timestamptz),
  muster.departures_for_caller(text, xid8, xid8, xid8, uuid, integer), muster.history_id(),
  muster.forget_departed_rows(), muster.tg_note_departure(), muster.caller_audience(),
  muster.audience(text, jsonb, timestamptz), muster.tg_stamp_change();
--> statement-breakpoint
revoke select (changed_xid) on public.finqle_transactions from authenticated;
--> statement-breakpoint
drop table muster.change_outbox, muster.departed_rows;
--> statement-breakpoint
drop sequence muster.change_numbers;
--> statement-breakpoint
do $$
begin
  if (
    select shobj_description(r.oid, 'pg_authid') from pg_catalog.pg_roles r where r.rolname = 'muster_replicator'
  ) = 'created by muster' then
    drop owned by muster_replicator;
    begin
      drop role muster_replicator;
    exception
      -- Roles belong to the whole server: another database on it uses this one.
      when dependent_objects_still_exist then null;
    end;
  end if;
end
$$;
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1795305602_rules';
