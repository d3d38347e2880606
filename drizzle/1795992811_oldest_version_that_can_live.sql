create or replace function muster.oldest_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1795984662_tables_are_followed_in_one_call';
--> statement-breakpoint
revoke execute on function muster.oldest_version() from public;
--> statement-breakpoint
grant execute on function muster.oldest_version() to anon, authenticated, muster_api, muster_worker, service_role;
--> statement-breakpoint
comment on function muster.oldest_version() is 'The oldest version of the service that can live with this schema: a process of an older one stops.';
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1795992811_oldest_version_that_can_live';
