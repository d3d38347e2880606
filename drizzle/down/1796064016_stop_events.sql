DROP TABLE "stop_events";
--> statement-breakpoint
ALTER TABLE "load_stops" DROP COLUMN "arrival_is_reported";
--> statement-breakpoint
ALTER TABLE "load_stops" DROP COLUMN "departure_is_reported";
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1796063376_positions_rules';
