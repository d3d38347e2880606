-- The newest migration that the database has, whichever tool applied it. Each migration says its own name here.

create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1795991738_hours_are_what_the_events_say';
comment on function muster.schema_version() is 'The newest migration: readiness compares it with the newest file.';
revoke execute on function muster.schema_version() from public;
grant usage on schema muster to muster_api, muster_worker;

grant execute on function muster.schema_version() to anon, authenticated, service_role, muster_api, muster_worker;
