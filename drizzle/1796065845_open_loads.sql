-- Where loads are picked up that nobody has.
-- An index of a few rows; the table is read once.
-- squawk-ignore-file require-concurrent-index-creation

CREATE INDEX "load_stops_open_idx" ON "load_stops" USING gist ("organization_id","stop_point") WHERE "load_stops"."position" = 1 and "load_stops"."driver_ids" = '{}' and "load_stops"."deleted_at" is null;
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1796065845_open_loads';
