-- Codes: what rules of people refuse. The same list as src/people/codes.ts.

create or replace function muster.codes_of_people() returns jsonb
language plpgsql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  return jsonb_build_object(
    'invitation_invalid', 'MU017',
    'already_registered', 'MU018',
    'user_ended', 'MU210'
  );
end
$$;
comment on function muster.codes_of_people() is 'The codes that rules of people raise, with their SQLSTATEs.';
grant execute on function muster.codes_of_people() to anon, authenticated, service_role, muster_definer;
