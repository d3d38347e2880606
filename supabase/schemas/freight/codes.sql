-- Codes: what rules of freight refuse. The same list as src/freight/codes.ts.

create or replace function muster.codes_of_freight() returns jsonb
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return jsonb_build_object();
comment on function muster.codes_of_freight() is 'The codes that rules of freight raise, with their SQLSTATEs: none yet.';
grant execute on function muster.codes_of_freight() to anon, authenticated, service_role, muster_definer;
