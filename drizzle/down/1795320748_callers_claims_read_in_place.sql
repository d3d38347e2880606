do $$
declare
  made regprocedure;
begin
  foreach made in array array['auth.jwt()', 'auth.uid()', 'auth.role()']::regprocedure[] loop
    -- Supabase's own are not ours to alter. They set nothing either.
    if obj_description(made, 'pg_proc') like '%of the caller''s token; null without one.' then
      execute format('alter function %s set search_path = pg_catalog, pg_temp', made);
    end if;
  end loop;
end
$$;
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1795319646_writes_in_one_statement';
