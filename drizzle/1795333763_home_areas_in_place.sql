-- The planner puts home_area in the call's place, which takes a third off the search for candidates.

create or replace function muster.home_area(home geography) returns geography
language sql
immutable
strict
parallel safe
-- Names are resolved here and now, so there is no search_path to set: the planner puts the expression in the call's place.
return st_snaptogrid(home::geometry, 0.01)::geography;
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1795333763_home_areas_in_place';
