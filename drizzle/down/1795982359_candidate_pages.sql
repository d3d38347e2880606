ALTER TABLE "muster"."candidate_pages" DISABLE ROW LEVEL SECURITY;
--> statement-breakpoint
DROP TABLE "muster"."candidate_pages" CASCADE;
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1795982300_a_fair_share_for_each_caller';
