drop trigger close_channel on public.shifts;
--> statement-breakpoint
drop function muster.tg_shifts__close_channel();
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1795305603_realtime';
