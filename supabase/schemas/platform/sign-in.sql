-- Sign-in: who can sign in, and by what. The tables are src/platform/sign-in/table.ts; better-auth writes most of them.
--
-- * `muster_signin` alone uses them, on a login of its own. No role that callers have or become can read or write them, and what is
--   secret in them is hashed (passwords), encrypted (keys, authenticator secrets) or of no use without a signature (session tokens).
-- * It can touch nothing else: the functions that are granted to it say whether a user may sign in, and make the user of an
--   invitation whose code it is given.
-- * A session is a family of tokens. Each refresh gives the next one; the one before is good for the moment in which others of the
--   same client refresh, too. Whoever shows it later has stolen it, or was stolen from: the family ends.
-- * Whoever suspends a user ends their sessions in the same transaction, as muster_definer.

select muster.follow_table('sign_in.users', trail => 'none');
select muster.follow_table('sign_in.sessions', trail => 'none');
select muster.follow_table('sign_in.spent_tokens', trail => 'none');
select muster.follow_table('sign_in.accounts', trail => 'none');
select muster.follow_table('sign_in.verifications', trail => 'none');
select muster.follow_table('sign_in.two_factors', trail => 'none');
select muster.follow_table('sign_in.passkeys', trail => 'none');
select muster.follow_table('sign_in.keys', trail => 'none');

create or replace function muster.may_sign_in(account uuid) returns boolean
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  said_by text;
  may boolean := false;
begin
  for said_by in select muster.functions_of('sign_in') loop
    execute format('select muster.%I($1)', said_by) into may using account;
    exit when may is not true;
  end loop;
  return coalesce(may, false);
end
$$;
comment on function muster.may_sign_in(uuid) is
  'Whether every module lets an account in (muster.sign_in_of_<module>). Security definer: sign-in can read nothing of theirs.';
grant execute on function muster.may_sign_in(uuid) to muster_signin, muster_worker, service_role;

create or replace function muster.refresh_session(presented text, fresh text, grace interval, good_for interval)
returns table (outcome text, session_id uuid, user_id uuid, token text, email text, expires_at timestamptz)
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  presented_hash constant text := encode(sha256(convert_to(presented, 'UTF8')), 'hex');
  session sign_in.sessions;
  spent sign_in.spent_tokens;
begin
  select * into session from sign_in.sessions s where s.token = presented for update;
  if not found then
    -- Of several refreshes at once the first has replaced the token while the others waited for the row.
    select * into spent from sign_in.spent_tokens t where t.token_hash = presented_hash;
    if found then
      select * into session from sign_in.sessions s where s.id = spent.session_id for update;
      if found and spent.spent_at < clock_timestamp() - grace then
        delete from sign_in.spent_tokens t where t.session_id = session.id;
        delete from sign_in.sessions s where s.id = session.id;
        return query select 'reused'::text, session.id, session.user_id, null::text, null::text, null::timestamptz;
        return;
      end if;
    end if;
  end if;
  if session.id is null or session.expires_at <= now() then
    return query select 'unknown'::text, null::uuid, null::uuid, null::text, null::text, null::timestamptz;
    return;
  elsif not muster.may_sign_in(session.user_id) then
    return query select 'refused'::text, session.id, session.user_id, null::text, null::text, null::timestamptz;
    return;
  end if;
  if session.token = presented then
    insert into sign_in.spent_tokens (token_hash, session_id, spent_at) values (presented_hash, session.id, clock_timestamp());
    update sign_in.sessions s
    set token = fresh, updated_at = now(), expires_at = now() + good_for
    where s.id = session.id
    returning * into session;
  end if;
  return query
    select 'refreshed'::text, session.id, session.user_id, session.token, u.email, session.expires_at
    from sign_in.users u
    where u.id = session.user_id;
end
$$;
comment on function muster.refresh_session(text, text, interval, interval) is
  'The next token of a session, for the one before; a token that was replaced longer ago than the grace ends the session.';

create or replace function muster.tidy_sign_in() returns bigint
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  gone bigint;
  done bigint := 0;
begin
  delete from sign_in.sessions s where s.expires_at < now();
  get diagnostics gone = row_count;
  done := done + gone;
  delete from sign_in.spent_tokens t where not exists (select from sign_in.sessions s where s.id = t.session_id);
  delete from sign_in.verifications v where v.expires_at < now();
  get diagnostics gone = row_count;
  return done + gone;
end
$$;
comment on function muster.tidy_sign_in() is
  'Background work: what has expired goes. Security definer: nobody but sign-in reaches its tables.';

-- ---- Policies ---------------------------------------------------------------------------------------------------------

drop policy if exists run on sign_in.users;
create policy run on sign_in.users for all to muster_signin using (true) with check (true);
comment on policy run on sign_in.users is 'Sign-in keeps its own tables.';
drop policy if exists run on sign_in.sessions;
create policy run on sign_in.sessions for all to muster_signin using (true) with check (true);
comment on policy run on sign_in.sessions is 'Sign-in keeps its own tables.';
drop policy if exists run on sign_in.spent_tokens;
create policy run on sign_in.spent_tokens for all to muster_signin using (true) with check (true);
comment on policy run on sign_in.spent_tokens is 'Sign-in keeps its own tables.';
drop policy if exists run on sign_in.accounts;
create policy run on sign_in.accounts for all to muster_signin using (true) with check (true);
comment on policy run on sign_in.accounts is 'Sign-in keeps its own tables.';
drop policy if exists run on sign_in.verifications;
create policy run on sign_in.verifications for all to muster_signin using (true) with check (true);
comment on policy run on sign_in.verifications is 'Sign-in keeps its own tables.';
drop policy if exists run on sign_in.two_factors;
create policy run on sign_in.two_factors for all to muster_signin using (true) with check (true);
comment on policy run on sign_in.two_factors is 'Sign-in keeps its own tables.';
drop policy if exists run on sign_in.passkeys;
create policy run on sign_in.passkeys for all to muster_signin using (true) with check (true);
comment on policy run on sign_in.passkeys is 'Sign-in keeps its own tables.';
drop policy if exists run on sign_in.keys;
create policy run on sign_in.keys for all to muster_signin using (true) with check (true);
comment on policy run on sign_in.keys is 'Sign-in keeps its own tables.';

-- ---- Grants -----------------------------------------------------------------------------------------------------------

grant select, insert, update, delete
on sign_in.users, sign_in.sessions, sign_in.spent_tokens, sign_in.accounts, sign_in.verifications, sign_in.two_factors,
  sign_in.passkeys, sign_in.keys
to muster_signin;
-- To end sessions, and to take away what has expired; nothing that is secret.
grant select (id, user_id, expires_at), delete on sign_in.sessions to muster_definer;
grant select (session_id), delete on sign_in.spent_tokens to muster_definer;
grant select (expires_at), delete on sign_in.verifications to muster_definer;

grant execute on function muster.refresh_session(text, text, interval, interval) to muster_signin;
grant execute on function muster.tidy_sign_in() to muster_jobs, service_role;

alter function muster.may_sign_in(uuid) owner to muster_definer;
alter function muster.tidy_sign_in() owner to muster_definer;
