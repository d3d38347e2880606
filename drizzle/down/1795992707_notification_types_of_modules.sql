ALTER TABLE "notifications" ADD CONSTRAINT "notifications_type_known" CHECK ("notifications"."type" in ('shift_assigned', 'shift_released', 'shift_cancelled', 'shift_changed'));
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1795990353_a_check_in_asks_the_rules_once';
