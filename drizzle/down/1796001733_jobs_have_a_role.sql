do $$
begin
  if (
    select shobj_description(r.oid, 'pg_authid') from pg_catalog.pg_roles r where r.rolname = 'muster_jobs'
  ) = 'created by muster' then
    drop owned by muster_jobs;
    begin
      drop role muster_jobs;
    exception
      -- Another database of the server uses it.
      when dependent_objects_still_exist then null;
    end;
  end if;
end
$$;
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1796000188_released_shifts_follow_their_location';
