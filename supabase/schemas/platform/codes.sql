-- Codes: how a rule refuses.
--
-- * The one way is muster.fail(code): it raises the SQLSTATE of the code, of class MU, and the API answers with the code.
-- * Each module has its codes in a function of its own, muster.codes_of_<module>, and, the same list, in src/<module>/codes.ts
--   (the platform's in src/platform/http/codes.ts): a test compares the two.
-- * MU001 to MU032 were given before modules had ranges. Since then each gives those of its range (`sqlstates` in its module.ts).

create or replace function muster.codes_of_platform() returns jsonb
language plpgsql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  return jsonb_build_object(
    'recorded_in_future', 'MU008',
    'forbidden', 'MU010',
    'not_found', 'MU011',
    'id_conflict', 'MU016',
    'idempotency_key_reused', 'MU019',
    'isolation_unsupported', 'MU020',
    'too_many_idempotency_keys', 'MU031',
    'answer_too_large', 'MU032'
  );
end
$$;
comment on function muster.codes_of_platform() is 'The codes that rules of the platform raise, with their SQLSTATEs.';

-- `subject` says what it is about in words safe for the caller (it travels as the hint).
create or replace function muster.fail(code text, subject text default null) returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  codes text;
  state text;
begin
  for codes in select muster.functions_of('codes') loop
    execute format('select muster.%I() ->> $1', codes) into state using code;
    exit when state is not null;
  end loop;
  if state is null then
    raise exception 'muster.fail: % is not a registered code', code;
  end if;
  raise exception using errcode = state, message = code, hint = coalesce(subject, '');
end
$$;
comment on function muster.fail(text, text) is 'Raises the SQLSTATE of class MU that stands for a code of the API.';

grant execute on function muster.codes_of_platform(), muster.fail(text, text)
to anon, authenticated, service_role, muster_definer;
