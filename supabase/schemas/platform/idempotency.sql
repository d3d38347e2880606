-- Idempotency-Key: a repeated POST gets the stored answer of the first one.
--
-- * The request's own transaction claims the key and stores the answer: either all of it is committed or nothing.
-- * A second request with the same key waits for the first to commit (a unique index) and then gets its answer.
-- * A refused request stores no key, so it can be sent again. A refusal is an error, which rolls the claim back, or an answer
--   {"refused": …} where something has to stay written.
-- * A key belongs to one caller; used for another request it is refused.
-- * Stored answers are limited: each in size, and those of a caller per day (UTC) in number and size. No stored answer is dropped
--   to make room, because its request could then be carried out twice: until the next day, new keys of that caller are refused
--   without any effect. Requests that are safe to repeat without a key (check-ins) are carried out, and their answers not stored.

select muster.follow_table('muster.idempotency_keys', trail => 'none');
select muster.follow_table('muster.idempotency_usage', trail => 'none');

create or replace function muster.claim_idempotency_key(idempotency_key text, hash text, is_needed boolean default true)
returns text
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  -- A request every nine seconds, all day: a machine that creates more uses the bulk route.
  most_keys constant integer := 10000;
  -- 16 MiB: 1,600 bytes for each of those, which is what a shift takes.
  most_bytes constant bigint := 16777216;
  caller constant uuid := muster.user_id();
  known record;
begin
  if caller is null then
    perform muster.fail('forbidden');
  end if;
  insert into muster.idempotency_keys (user_id, key, request_hash)
  values (caller, idempotency_key, hash)
  on conflict do nothing;
  if found then
    if exists (
      select from muster.idempotency_usage u
      where u.user_id = caller and u.day = (now() at time zone 'UTC')::date and (u.keys >= most_keys or u.bytes >= most_bytes)
    ) then
      if is_needed then
        perform muster.fail('too_many_idempotency_keys');
      end if;
      delete from muster.idempotency_keys k where k.user_id = caller and k.key = idempotency_key;
    end if;
    return null;
  end if;
  select k.request_hash, k.response_body into known
  from muster.idempotency_keys k
  where k.user_id = caller and k.key = idempotency_key;
  if known.request_hash <> hash then
    perform muster.fail('idempotency_key_reused');
  end if;
  return known.response_body;
end
$$;
comment on function muster.claim_idempotency_key(text, text, boolean) is
  'Null when the key is new and now claimed, else the answer that was given. Where it is not needed, a caller who has too many gets null, too. Security definer: the table is nobody''s to read.';

-- In plpgsql, so that its plan is kept: as above. It is the last statement of its transaction: requests of one caller wait for each
-- other at the row of the day, and no longer than a commit takes.
create or replace function muster.keep_idempotent_response(idempotency_key text, body text) returns text
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  -- 256 KiB: a hundred shifts, of 2.6 kB each.
  most_bytes constant integer := 262144;
  caller constant uuid := muster.user_id();
begin
  if octet_length(body) > most_bytes then
    perform muster.fail('answer_too_large');
  elsif starts_with(body, '{"refused": ') then
    delete from muster.idempotency_keys k where k.user_id = caller and k.key = idempotency_key;
    return body;
  end if;
  update muster.idempotency_keys k
  set response_body = body
  where k.user_id = caller and k.key = idempotency_key and k.response_body is null;
  if found then
    insert into muster.idempotency_usage as u (user_id, day, keys, bytes)
    values (caller, (now() at time zone 'UTC')::date, 1, octet_length(body))
    on conflict (user_id, day) do update set keys = u.keys + 1, bytes = u.bytes + excluded.bytes;
  end if;
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
  delete from muster.idempotency_usage u where u.day < ((now() - older_than) at time zone 'UTC')::date;
  with forgotten as (
    delete from muster.idempotency_keys k where k.created_at < now() - older_than returning 1
  )
  select count(*) from forgotten;
end;
comment on function muster.forget_idempotency_keys(interval) is 'Background work: old keys go. Security definer: as above.';
grant execute on function muster.forget_idempotency_keys(interval) to service_role, muster_jobs;

grant select, insert, update, delete on muster.idempotency_keys to muster_definer;
grant select, insert, update, delete on muster.idempotency_usage to muster_definer;

-- The API calls them in one statement with what is done under the key, which takes on the caller's role after the login was
-- asked for these privileges.
grant execute on function muster.claim_idempotency_key(text, text, boolean), muster.keep_idempotent_response(text, text)
to authenticated, muster_api;

alter function muster.claim_idempotency_key(text, text, boolean) owner to muster_definer;
alter function muster.keep_idempotent_response(text, text) owner to muster_definer;
alter function muster.forget_idempotency_keys(interval) owner to muster_definer;
