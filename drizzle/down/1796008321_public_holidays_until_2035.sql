alter table muster.public_holidays no force row level security;
--> statement-breakpoint
delete from muster.public_holidays;
--> statement-breakpoint
alter table muster.public_holidays force row level security;
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1796008320_timesheets_and_allowances';
