-- Payouts: what is payable of a statement, on its way through the payment provider.
--
-- * docs/decisions/045-a-payout-is-an-outbox-row.md says why. A statement with something payable has one payout, queued by the transaction
--   that makes the statement. Its amount never changes, and nor does its idempotency key, for which the provider pays once.
-- * Background work takes payouts that are due (muster.take_payouts), calls the provider without a transaction, and notes what it
--   said (muster.note_payout_answer). What was taken is due again when the lease is over: whoever takes it then asks before it sends.
-- * Where the provider gave no answer, it is asked again, with pauses that double; after too many tries in a row the payout is a dead
--   letter, until an admin retries it.
-- * A status never goes backwards: pending, processing, failed, completed, refunded, in this order. Only what failed for good, or is a
--   dead letter, begins anew, by muster.retry_payout. What the provider says too late is kept as an event, and changes nothing.
-- * A webhook has the provider's id: one that comes again changes nothing.
-- * Company, professional and admins see payouts and events. Nobody writes them but by the functions below.

create or replace function muster.audience_of_payouts(viewed jsonb, at timestamptz) returns text[]
language plpgsql
stable
parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  return array[
    'admins:' || (viewed ->> 'tenant_id'),
    'company:' || (viewed ->> 'company_id'),
    'professional:' || (viewed ->> 'professional_id')
  ];
end
$$;
comment on function muster.audience_of_payouts(jsonb, timestamptz) is 'Who sees a payout: payouts_read, as groups.';
grant execute on function muster.audience_of_payouts(jsonb, timestamptz) to muster_definer;

select muster.follow_table(
  'public.payouts',
  published => array['id', 'company_id', 'professional_id', 'statement_id', 'amount', 'currency', 'status', 'dead_at', 'completed_at',
    'created_at', 'updated_at'],
  audience => array['tenant_id', 'company_id', 'professional_id']
);
select muster.follow_table('public.payout_events', trail => 'none');

-- ---- Queueing -----------------------------------------------------------------------------------------------------------

create or replace function muster.tg_statements__queue_payout() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, public, pg_temp
as $$
begin
  insert into public.payouts (tenant_id, company_id, professional_id, statement_id, amount, currency)
  values (new.tenant_id, new.company_id, new.professional_id, new.id, new.payable, new.currency);
  return null;
end
$$;
comment on function muster.tg_statements__queue_payout() is
  'The payout of a statement is queued with it, or neither is made. Security definer: nobody may write payouts.';

-- ---- Sending ------------------------------------------------------------------------------------------------------------

create or replace function muster.take_payouts(most integer, lease interval)
returns table (
  id uuid, key uuid, amount text, currency text, payee uuid, payer uuid, reference text, was_sent boolean
)
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
begin atomic
  with due as (
    select p.id, p.sent_at is not null as was_sent
    from public.payouts p
    where p.next_attempt_at <= now()
    order by p.next_attempt_at
    limit most
    for no key update skip locked
  ), taken as (
    update public.payouts p
    set status = 'processing', attempts = p.attempts + 1, sent_at = coalesce(p.sent_at, now()), next_attempt_at = now() + lease
    from due
    where p.id = due.id
    returning p.*, due.was_sent
  )
  select t.id, t.idempotency_key, t.amount::text, t.currency, t.professional_id, t.company_id,
    format('Statement %s of %s', s.number, s.issued_on), t.was_sent
  from taken t
  join public.statements s on s.id = t.statement_id;
end;
comment on function muster.take_payouts(integer, interval) is
  'Background work: payouts that are due, which belong to the caller until the lease is over; whether somebody may have sent one before. Security definer: background work reads no tables.';

-- Half of the pause at random, so that what failed together is not tried again together.
create or replace function muster.payout_backoff(attempts integer) returns interval
language sql
volatile
set search_path = pg_catalog, pg_temp
return least(interval '1 hour', interval '5 seconds' * power(2, least(attempts - 1, 20))) * (0.5 + random() / 2);
comment on function muster.payout_backoff(integer) is 'How long to wait after so many tries without an answer.';

create or replace function muster.notify_of_payout(payout public.payouts, notification_type text, to_professional boolean) returns void
language sql
volatile
set search_path = pg_catalog, pg_temp
begin atomic
  insert into public.notifications (tenant_id, user_id, type, data)
  select payout.tenant_id, told.id, notification_type, jsonb_build_object(
    'payout_id', payout.id,
    'statement_id', payout.statement_id,
    'amount', payout.amount,
    'currency', payout.currency,
    'reason', payout.last_error
  )
  from (
    select p.user_id as id from public.security_professionals p where to_professional and p.id = payout.professional_id
    union
    select m.user_id
    from public.memberships m
    join public.users u on u.id = m.user_id
    where not to_professional
      and m.tenant_id = payout.tenant_id
      and (m.role = 'admin' or (m.role = 'company' and m.organization_id = payout.company_id))
      and u.deleted_at is null
      and u.suspended_at is null
  ) told;
end;
comment on function muster.notify_of_payout(public.payouts, text, boolean) is
  'A notification for the professional who is paid; or for each planner of the company that pays, and each admin.';

-- The payout is locked.
create or replace function muster.move_payout(
  payout public.payouts, said text, said_reference text, why text, event_source text,
  event_id text default null, event_time timestamptz default null
) returns boolean
language plpgsql
volatile
set search_path = pg_catalog, public, pg_temp
as $$
declare
  states constant text[] := array['pending', 'processing', 'failed', 'completed', 'refunded'];
  is_news constant boolean := array_position(states, said) > array_position(states, payout.status);
begin
  -- An answer that says nothing new is not worth a row each minute.
  if is_news or event_source = 'webhook' then
    insert into public.payout_events (
      tenant_id, company_id, professional_id, payout_id, source, provider_event_id, status, reason, occurred_at, is_applied
    )
    values (
      payout.tenant_id, payout.company_id, payout.professional_id, payout.id, event_source, event_id, said, why, event_time, is_news
    );
  end if;
  if not is_news and said <> payout.status then
    return false;
  end if;
  update public.payouts p
  set status = said,
      provider_reference = coalesce(said_reference, p.provider_reference),
      attempts = 0,
      last_error = case when said = 'failed' then why end,
      dead_at = null,
      -- What the provider has taken is asked about after a minute, and less often the longer it takes: a webhook may be lost.
      next_attempt_at = case when said = 'processing' then
        now() + least(interval '1 hour', greatest(interval '1 minute', (now() - p.sent_at) / 2))
      end,
      completed_at = case when said in ('completed', 'refunded') then coalesce(p.completed_at, now()) end
  where p.id = payout.id
  returning p.* into payout;
  if is_news and said = 'completed' then
    perform muster.notify_of_payout(payout, 'payout_completed', true);
  elsif is_news and said = 'failed' then
    perform muster.notify_of_payout(payout, 'payout_failed', false);
  elsif is_news and said = 'refunded' then
    perform muster.notify_of_payout(payout, 'payout_refunded', true);
    perform muster.notify_of_payout(payout, 'payout_refunded', false);
  end if;
  return is_news;
end
$$;
comment on function muster.move_payout(public.payouts, text, text, text, text, text, timestamptz) is
  'What the provider said of a payout: applied when it is further than what is known, else only kept; gives whether it was applied.';

create or replace function muster.note_payout_answer(wanted uuid, said text, reference text, why text, most_attempts integer) returns text
language plpgsql
volatile
security definer
set search_path = pg_catalog, public, pg_temp
as $$
declare
  payout public.payouts;
begin
  perform muster.require_read_committed();
  select p.* into payout from public.payouts p where p.id = wanted for no key update;
  if said <> 'none' then
    perform muster.move_payout(payout, said, reference, why, 'answer');
    return said;
  elsif payout.status not in ('pending', 'processing') or payout.dead_at is not null then
    -- Somebody else knows more by now.
    return 'no_answer';
  elsif payout.attempts < most_attempts then
    update public.payouts p
    set last_error = why, next_attempt_at = now() + muster.payout_backoff(p.attempts)
    where p.id = wanted;
    return 'no_answer';
  end if;
  update public.payouts p
  set last_error = why, next_attempt_at = null, dead_at = now()
  where p.id = wanted
  returning p.* into payout;
  perform muster.notify_of_payout(payout, 'payout_failed', false);
  return 'dead_letter';
end
$$;
comment on function muster.note_payout_answer(uuid, text, text, text, integer) is
  'Background work: notes what the provider answered of a payout, or that it did not (none): then it is tried again, or after so many tries a dead letter; gives what came of it. Security definer: nobody may write payouts.';

create or replace function muster.receive_payout_event(
  event_id text, key uuid, reference text, said text, occurred_at timestamptz, why text
) returns text
language plpgsql
volatile
security definer
set search_path = pg_catalog, public, pg_temp
as $$
declare
  payout public.payouts;
begin
  perform muster.require_read_committed();
  if key is not null then
    select p.* into payout from public.payouts p where p.idempotency_key = key for no key update;
  else
    select p.* into payout
    from public.payouts p
    where p.provider_reference = reference
      -- A name that two payouts have is none.
      and not exists (select from public.payouts o where o.provider_reference = reference and o.id <> p.id)
    for no key update;
  end if;
  if payout.id is null then
    return 'unknown';
  elsif exists (select from public.payout_events e where e.provider_event_id = event_id) then
    return 'duplicate';
  elsif muster.move_payout(payout, said, reference, why, 'webhook', event_id, occurred_at) then
    return 'applied';
  end if;
  return 'ignored';
end
$$;
comment on function muster.receive_payout_event(text, uuid, text, text, timestamptz, text) is
  'Background work: takes what the provider reported of a payout, once for each event; gives applied, ignored (the payout is further already), duplicate or unknown. Security definer: nobody may write payouts.';

-- ---- Retrying -----------------------------------------------------------------------------------------------------------

create or replace function muster.retry_payout(wanted uuid) returns uuid
language plpgsql
volatile
security definer
set search_path = pg_catalog, public, pg_temp
as $$
declare
  payout public.payouts;
begin
  select p.* into payout from public.payouts p where p.id = wanted for no key update;
  if payout.tenant_id is distinct from muster.admin_tenant_id() then
    perform muster.fail(
      case
        when payout.company_id = muster.company_id() or payout.professional_id = muster.professional_id() then 'forbidden'
        else 'not_found'
      end,
      'id'
    );
  elsif payout.id is null then
    perform muster.fail('not_found', 'id');
  elsif payout.status <> 'failed' and payout.dead_at is null then
    perform muster.fail('payout_state', 'status');
  end if;
  update public.payouts p
  set status = 'pending',
      attempts = 0,
      dead_at = null,
      next_attempt_at = now(),
      last_error = null,
      -- Of what failed the provider would say so again: it is sent. A dead letter may have been paid: it is asked about first.
      sent_at = case when p.status = 'failed' then null else p.sent_at end
  where p.id = wanted;
  return wanted;
end
$$;
comment on function muster.retry_payout(uuid) is
  'An admin begins a payout anew that failed, or that is a dead letter, with the same key. Security definer: nobody may write payouts.';

-- ---- Watching -----------------------------------------------------------------------------------------------------------

create or replace function muster.payout_queue()
returns table (waiting bigint, oldest_seconds float8, dead bigint, failed bigint)
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
begin atomic
  select
    (select count(*) from public.payouts p where p.next_attempt_at is not null),
    coalesce((select extract(epoch from now() - min(p.next_attempt_at)) from public.payouts p where p.next_attempt_at <= now()), 0)::float8,
    (select count(*) from public.payouts p where p.dead_at is not null),
    (select count(*) from public.payouts p where p.status = 'failed');
end;
comment on function muster.payout_queue() is
  'How the outbox stands: payouts on their way, how long the oldest has been due, dead letters, and those that failed. Security definer: whoever looks at the health of the service reads no payouts.';

-- ---- Triggers ---------------------------------------------------------------------------------------------------------

create or replace trigger queue_payout after insert on public.statements
  for each row when (new.payable > 0) execute function muster.tg_statements__queue_payout();

-- ---- Policies ---------------------------------------------------------------------------------------------------------

drop policy if exists payouts_read on public.payouts;
create policy payouts_read on public.payouts for select to authenticated
  using (
    company_id = (select muster.company_id())
    or professional_id = (select muster.professional_id())
    or tenant_id = (select muster.admin_tenant_id())
  );
comment on policy payouts_read on public.payouts is
  'The company that pays, the professional who is paid, admins. Nobody writes: the functions of payouts.sql do.';
drop policy if exists payout_events_read on public.payout_events;
create policy payout_events_read on public.payout_events for select to authenticated
  using (
    company_id = (select muster.company_id())
    or professional_id = (select muster.professional_id())
    or tenant_id = (select muster.admin_tenant_id())
  );
comment on policy payout_events_read on public.payout_events is 'As payouts_read.';

-- ---- Grants -----------------------------------------------------------------------------------------------------------

-- Without the key: whoever has it could ask the provider.
grant select (id, tenant_id, company_id, professional_id, statement_id, amount, currency, status, provider_reference, sent_at, attempts,
  next_attempt_at, last_error, dead_at, completed_at, created_at, updated_at, changed_xid)
  on public.payouts to authenticated;
grant select (id, tenant_id, company_id, professional_id, payout_id, source, status, reason, occurred_at, is_applied, created_at)
  on public.payout_events to authenticated;
grant select on public.payouts, public.payout_events to service_role;
-- What is paid to whom stays as it was queued.
grant select, insert,
  update (status, provider_reference, sent_at, attempts, next_attempt_at, last_error, dead_at, completed_at)
  on public.payouts to muster_definer;
grant select, insert on public.payout_events to muster_definer;

grant execute on function
  muster.payout_backoff(integer),
  muster.notify_of_payout(public.payouts, text, boolean),
  muster.move_payout(public.payouts, text, text, text, text, text, timestamptz)
to muster_definer;
grant execute on function muster.retry_payout(uuid) to authenticated;
grant execute on function
  muster.take_payouts(integer, interval),
  muster.note_payout_answer(uuid, text, text, text, integer),
  muster.receive_payout_event(text, uuid, text, text, timestamptz, text)
to muster_jobs;
grant execute on function muster.payout_queue() to service_role;

alter function muster.tg_statements__queue_payout() owner to muster_definer;
alter function muster.take_payouts(integer, interval) owner to muster_definer;
alter function muster.note_payout_answer(uuid, text, text, text, integer) owner to muster_definer;
alter function muster.receive_payout_event(text, uuid, text, text, timestamptz, text) owner to muster_definer;
alter function muster.retry_payout(uuid) owner to muster_definer;
alter function muster.payout_queue() owner to muster_definer;
