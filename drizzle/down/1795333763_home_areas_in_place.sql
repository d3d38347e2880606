create or replace function muster.home_area(home geography) returns geography
language sql
immutable
strict
parallel safe
set search_path = pg_catalog, extensions, public, pg_temp
as $$
  select st_snaptogrid(home::geometry, 0.01)::geography
$$;
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1795333519_check_ins_ask_once';
