DROP TABLE "muster"."refused_assignments" CASCADE;
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1795993189_jobs_and_warnings';
