DROP TABLE "driver_payments";
--> statement-breakpoint
DROP TABLE "driver_statements";
--> statement-breakpoint
DROP TABLE "driver_deductions";
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1796054881_duty_statuses_rules';
