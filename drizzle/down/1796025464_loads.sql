DROP TABLE "muster"."load_bookings";
--> statement-breakpoint
DROP TABLE "load_assignments";
--> statement-breakpoint
DROP TABLE "load_stops";
--> statement-breakpoint
DROP TABLE "loads";
--> statement-breakpoint
ALTER TABLE "drivers" DROP CONSTRAINT "drivers_license_range";
--> statement-breakpoint
ALTER TABLE "drivers" DROP COLUMN "license_valid_until";
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1796025463_assignments_cost_less';
