-- Gone with their schemas, where those were made by the up migration: extensions, auth functions.
drop schema muster cascade;
--> statement-breakpoint
do $$
begin
  if obj_description(to_regnamespace('auth'), 'pg_namespace') = 'created by muster' then
    drop schema auth cascade;
  end if;
  if exists (
    select from pg_catalog.pg_extension e
    where e.extname = 'btree_gist' and obj_description(e.oid, 'pg_extension') = 'created by muster'
  ) then
    drop extension btree_gist;
  end if;
  if exists (
    select from pg_catalog.pg_extension e
    where e.extname = 'postgis' and obj_description(e.oid, 'pg_extension') = 'created by muster'
  ) then
    drop extension postgis;
  end if;
  if obj_description(to_regnamespace('extensions'), 'pg_namespace') = 'created by muster' then
    drop schema extensions;
  end if;
end
$$;
--> statement-breakpoint
do $$
declare
  role_name text;
begin
  foreach role_name in array array['muster_worker', 'muster_api', 'muster_definer', 'service_role', 'authenticated', 'anon'] loop
    if (
      select shobj_description(r.oid, 'pg_authid') from pg_catalog.pg_roles r where r.rolname = role_name
    ) = 'created by muster' then
      execute format('drop owned by %I', role_name);
      begin
        execute format('drop role %I', role_name);
      exception
        -- Roles belong to the whole server: another database on it uses this one.
        when dependent_objects_still_exist then null;
      end;
    end if;
  end loop;
end
$$;
