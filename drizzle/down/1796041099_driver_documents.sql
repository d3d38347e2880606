DROP TABLE "driver_documents";
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1796041098_credit_notes_rules';
