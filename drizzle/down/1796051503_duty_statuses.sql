DROP TABLE "duty_status_edits";
--> statement-breakpoint
DROP TABLE "duty_status_changes";
--> statement-breakpoint
ALTER TABLE "drivers"
  DROP CONSTRAINT "drivers_hours_pack_known",
  DROP CONSTRAINT "drivers_hours_cycle_known",
  DROP CONSTRAINT "drivers_home_time_zone_form",
  DROP COLUMN "hours_pack",
  DROP COLUMN "hours_cycle",
  DROP COLUMN "home_time_zone";
--> statement-breakpoint
ALTER TABLE "loads"
  DROP CONSTRAINT "loads_driving_minutes_range",
  DROP COLUMN "driving_minutes";
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1796047200_driver_documents_rules';
