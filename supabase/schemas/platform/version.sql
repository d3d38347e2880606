-- The newest migration that the database has, whichever tool applied it: each migration says its own name here. And the oldest version
-- of the service that can live with the schema: a migration that processes of the versions before cannot live with says its name there,
-- too (`db:rule -- <name> --breaking`). A version of the service goes by the name of its newest migration.

create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1796092292_plans_are_kept';
comment on function muster.schema_version() is 'The newest migration: readiness compares it with the newest file.';
revoke execute on function muster.schema_version() from public;

create or replace function muster.oldest_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1796075976_driver_pay_terms';
comment on function muster.oldest_version() is 'The oldest version of the service that can live with this schema: a process of an older one stops.';
revoke execute on function muster.oldest_version() from public;

grant usage on schema muster to muster_api, muster_worker;

grant execute on function muster.schema_version() to anon, authenticated, service_role, muster_api, muster_worker;
grant execute on function muster.oldest_version() to anon, authenticated, service_role, muster_api, muster_worker;
