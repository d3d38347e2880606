ALTER TABLE "notifications" DROP CONSTRAINT "notifications_type_known";
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1795992707_notification_types_of_modules';
