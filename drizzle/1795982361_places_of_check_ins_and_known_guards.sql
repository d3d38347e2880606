-- muster: no transaction
-- Who was near a place at that time, and whom a company knows. Check-ins go on while the indexes are built.

create index concurrently if not exists "gps_checkins_point_idx" on "gps_checkins" using gist ("gps_point");
--> statement-breakpoint
create index concurrently if not exists "shifts_worked_idx" on "shifts" using btree ("company_id", "professional_id")
where "shifts"."status" in ('active', 'completed') and "shifts"."deleted_at" is null;
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1795982361_places_of_check_ins_and_known_guards';
