-- Idempotency-Key: a POST that was answered is answered the same way again.
--
-- * The key is claimed and the answer kept in the request's own transaction: either both happened or neither.
-- * A second request with the same key waits for the first to commit (a unique index) and then gets its answer.
-- * A key belongs to one caller; used for another request it is refused.

create or replace function muster.claim_idempotency_key(idempotency_key text, hash text) returns text
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  known record;
begin
  if muster.user_id() is null then
    perform muster.fail('forbidden');
  end if;
  insert into muster.idempotency_keys (user_id, key, request_hash)
  values (muster.user_id(), idempotency_key, hash)
  on conflict do nothing;
  if found then
    return null;
  end if;
  select k.request_hash, k.response_body into known
  from muster.idempotency_keys k
  where k.user_id = muster.user_id() and k.key = idempotency_key;
  if known.request_hash <> hash then
    perform muster.fail('idempotency_key_reused');
  end if;
  return known.response_body;
end
$$;
comment on function muster.claim_idempotency_key(text, text) is
  'Null when the key is new and now claimed, else the answer that was given. Security definer: the table is nobody''s to read.';

-- In plpgsql, so that its plan is kept: as above.
create or replace function muster.keep_idempotent_response(idempotency_key text, body text) returns text
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  update muster.idempotency_keys k
  set response_body = body
  where k.user_id = muster.user_id() and k.key = idempotency_key and k.response_body is null;
  return body;
end
$$;
comment on function muster.keep_idempotent_response(text, text) is
  'Keeps the answer for the claimed key, and gives it. Security definer: as claim_idempotency_key.';

create or replace function muster.forget_idempotency_keys(older_than interval) returns bigint
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
begin atomic
  with forgotten as (
    delete from muster.idempotency_keys k where k.created_at < now() - older_than returning 1
  )
  select count(*) from forgotten;
end;
comment on function muster.forget_idempotency_keys(interval) is 'Background work: old keys go. Security definer: as above.';

-- The API calls them in one statement with what is done under the key, which takes on the caller's role after the login was
-- asked for these privileges.
grant execute on function
  muster.claim_idempotency_key(text, text), muster.keep_idempotent_response(text, text)
to authenticated, muster_api;
grant execute on function muster.forget_idempotency_keys(interval) to service_role;

alter function muster.claim_idempotency_key(text, text) owner to muster_definer;
alter function muster.keep_idempotent_response(text, text) owner to muster_definer;
alter function muster.forget_idempotency_keys(interval) owner to muster_definer;
