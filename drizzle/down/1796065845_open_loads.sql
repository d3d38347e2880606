DROP INDEX "load_stops_open_idx";
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1796065291_stop_events_rules';
