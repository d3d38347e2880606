DROP TABLE "muster"."idempotency_usage" CASCADE;
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1795978347_shifts_have_briefings';
