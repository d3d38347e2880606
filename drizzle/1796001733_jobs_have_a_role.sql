-- What background jobs act as. Roles belong to the whole server, so another database may have made it.
do $$
begin
  if not exists (select from pg_catalog.pg_roles where rolname = 'muster_jobs') then
    create role muster_jobs nologin noinherit;
    comment on role muster_jobs is 'created by muster';
  end if;
end
$$;
--> statement-breakpoint
grant muster_jobs to muster_worker;
--> statement-breakpoint
grant usage on schema muster to muster_jobs;
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1796001733_jobs_have_a_role';
