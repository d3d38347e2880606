-- The caller's claims are an expression in the place of the call, as muster.user_id() is: each of the checks for a
-- subscriber of changes asks for them, and a function with a setting is started and planned anew each time.

do $$
declare
  made regprocedure;
begin
  foreach made in array array['auth.jwt()', 'auth.uid()', 'auth.role()']::regprocedure[] loop
    -- Supabase's own are not ours to alter. They set nothing either.
    if obj_description(made, 'pg_proc') like '%of the caller''s token; null without one.' then
      execute format('alter function %s reset search_path', made);
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
return '1795320748_callers_claims_read_in_place';
