-- muster: no transaction
drop index concurrently if exists public.shifts_worked_idx;
--> statement-breakpoint
drop index concurrently if exists public.gps_checkins_point_idx;
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1795982359_candidate_pages';
