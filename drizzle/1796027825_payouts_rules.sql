create or replace function muster.codes_of_guarding() returns jsonb
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return jsonb_build_object(
  'shift_overlap', 'MU001',
  'certificate_missing', 'MU002',
  'certificate_expired', 'MU003',
  'professional_inactive', 'MU004',
  'shift_not_open', 'MU005',
  'invalid_transition', 'MU006',
  'outside_check_in_window', 'MU007',
  'recorded_in_future', 'MU008',
  'shift_not_assigned', 'MU009',
  'certificate_in_use', 'MU012',
  'professional_in_use', 'MU013',
  'location_in_use', 'MU014',
  'payment_missing', 'MU015',
  'id_conflict', 'MU016',
  'shift_over', 'MU021',
  'daily_limit_reached', 'MU025',
  'too_many_pings', 'MU030',
  'professional_unavailable', 'MU300',
  'shift_begun', 'MU301',
  'rate_lowered', 'MU302',
  'end_worked', 'MU303',
  'assignment_released', 'MU330',
  'correction_decided', 'MU331',
  'correction_open', 'MU332',
  'too_many_corrections', 'MU333',
  'own_hours', 'MU340',
  'timesheet_state', 'MU341',
  'lines_undecided', 'MU342',
  'timesheet_changed', 'MU343',
  'dispute_too_late', 'MU344',
  'hours_impossible', 'MU345',
  'pay_period_closed', 'MU350',
  'pay_period_not_over', 'MU351',
  'pay_period_not_next', 'MU352',
  'payout_state', 'MU360'
);
--> statement-breakpoint
create or replace function muster.audience_of_payouts(viewed jsonb, at timestamptz) returns text[]
language sql
stable
parallel safe
set search_path = pg_catalog, pg_temp
return array[
  'admins:' || (viewed ->> 'tenant_id'),
  'company:' || (viewed ->> 'company_id'),
  'professional:' || (viewed ->> 'professional_id')
];
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.seen_of_payouts(changes jsonb)
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return (
    select jsonb_object_agg(c.nth, jsonb_build_object(
      'audience', case when true then array_remove(
        muster.audience_of_payouts((c.value -> 'image') || jsonb_build_object('tenant_id', r.tenant_id), clock_timestamp()), null
      ) else '{}' end,
      'filled', case when c.value ? 'lacks' and to_jsonb(r) || (c.value -> 'image') = to_jsonb(r) then (
        select jsonb_object_agg(l.name, (to_jsonb(r) -> l.name)::text)
        from jsonb_array_elements_text(c.value -> 'lacks') as l (name)
      ) end
    ))
    from jsonb_array_elements(changes) with ordinality as c (value, nth)
    join public.payouts r on r.id = (c.value #>> '{image,id}')::uuid
    where c.value ->> 'relation' = 'payouts'
  );
end
$function$;
--> statement-breakpoint
CREATE TRIGGER updated_at BEFORE UPDATE ON public.payouts FOR EACH ROW EXECUTE FUNCTION muster.set_updated_at();
--> statement-breakpoint
CREATE TRIGGER z_stamp_change BEFORE INSERT OR UPDATE ON public.payouts FOR EACH ROW EXECUTE FUNCTION muster.tg_stamp_change();
--> statement-breakpoint
CREATE TRIGGER note_departure_on_delete AFTER DELETE ON public.payouts FOR EACH ROW EXECUTE FUNCTION muster.tg_note_departure();
--> statement-breakpoint
CREATE TRIGGER note_departure_on_update AFTER UPDATE ON public.payouts FOR EACH ROW WHEN (((old.tenant_id IS DISTINCT FROM new.tenant_id) OR (old.company_id IS DISTINCT FROM new.company_id) OR (old.professional_id IS DISTINCT FROM new.professional_id))) EXECUTE FUNCTION muster.tg_note_departure();
--> statement-breakpoint
create policy internal on public.payouts for all to service_role, muster_definer
  using (true)
  with check (true);
--> statement-breakpoint
alter publication supabase_realtime add table public.payouts (amount, company_id, completed_at, created_at, currency, dead_at, id, professional_id, statement_id, status, updated_at);
--> statement-breakpoint
create policy internal on public.payout_events for all to service_role, muster_definer
  using (true)
  with check (true);
--> statement-breakpoint
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
--> statement-breakpoint
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
--> statement-breakpoint
-- Half of the pause at random, so that what failed together is not tried again together.
create or replace function muster.payout_backoff(attempts integer) returns interval
language sql
volatile
set search_path = pg_catalog, pg_temp
return least(interval '1 hour', interval '5 seconds' * power(2, least(attempts - 1, 20))) * (0.5 + random() / 2);
--> statement-breakpoint
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
  ) told;
end;
--> statement-breakpoint
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
--> statement-breakpoint
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
--> statement-breakpoint
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
--> statement-breakpoint
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
--> statement-breakpoint
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
--> statement-breakpoint
create or replace trigger queue_payout after insert on public.statements
  for each row when (new.payable > 0) execute function muster.tg_statements__queue_payout();
--> statement-breakpoint
create policy payouts_read on public.payouts for select to authenticated
  using (
    company_id = (select muster.company_id())
    or professional_id = (select muster.professional_id())
    or tenant_id = (select muster.admin_tenant_id())
  );
--> statement-breakpoint
create policy payout_events_read on public.payout_events for select to authenticated
  using (
    company_id = (select muster.company_id())
    or professional_id = (select muster.professional_id())
    or tenant_id = (select muster.admin_tenant_id())
  );
--> statement-breakpoint
create or replace function muster.notification_types_of_guarding() returns text[]
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return array[
  'shift_assigned', 'shift_released', 'shift_cancelled', 'shift_changed', 'shift_late', 'shift_no_show', 'correction_proposed',
  'correction_accepted', 'correction_refused', 'correction_imposed', 'certificate_expiring', 'payments_stale',
  'timesheet_approved', 'timesheet_disputed', 'timesheet_countered', 'timesheet_resolved', 'pay_period_closed', 'statement_made',
  'payout_completed', 'payout_failed', 'payout_refunded'
];
--> statement-breakpoint
create or replace function muster.warn_of_stale_payments() returns bigint
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
begin atomic
  with waiting as (
    -- A week for both sides to agree on the hours. What was agreed on waits for its pay period to be closed.
    select t.tenant_id, t.created_at
    from public.finqle_transactions t
    join public.shifts s on s.id = t.shift_id
    where t.status = 'pending'
      and s.status = 'completed'
      and s.end_datetime < now() - interval '7 days'
      and not exists (
        select from public.timesheets h where h.assignment_id = t.assignment_id and h.state in ('approved', 'locked')
      )
    union all
    -- A day for the provider, who answers within minutes.
    select p.tenant_id, p.created_at
    from public.payouts p
    where p.status in ('pending', 'processing', 'failed') and p.created_at < now() - interval '1 day'
  ), stale as (
    select w.tenant_id, count(*) as payments, min(w.created_at) as oldest
    from waiting w
    group by w.tenant_id
  ), told as (
    insert into public.notifications (tenant_id, user_id, type, data, once_key)
    select a.tenant_id, a.user_id, 'payments_stale',
      jsonb_build_object('payments', s.payments, 'oldest_created_at', s.oldest),
      'payments_stale ' || to_char(now() at time zone 'UTC', 'IYYY"W"IW')
    from stale s
    join public.memberships a on a.tenant_id = s.tenant_id and a.role = 'admin'
    join public.users u on u.id = a.user_id and u.deleted_at is null
    on conflict (user_id, once_key) where once_key is not null do nothing
    returning 1
  )
  select count(*) from told;
end;
--> statement-breakpoint
alter function muster.retry_payout(uuid) owner to muster_definer;
--> statement-breakpoint
alter function muster.payout_queue() owner to muster_definer;
--> statement-breakpoint
alter function muster.receive_payout_event(text,uuid,text,text,timestamp with time zone,text) owner to muster_definer;
--> statement-breakpoint
alter function muster.tg_statements__queue_payout() owner to muster_definer;
--> statement-breakpoint
alter function muster.take_payouts(integer,interval) owner to muster_definer;
--> statement-breakpoint
alter function muster.note_payout_answer(uuid,text,text,text,integer) owner to muster_definer;
--> statement-breakpoint
alter table public.payouts enable row level security;
--> statement-breakpoint
alter table public.payouts force row level security;
--> statement-breakpoint
alter table public.payout_events enable row level security;
--> statement-breakpoint
alter table public.payout_events force row level security;
--> statement-breakpoint
revoke all on table public.payouts from public, anon, authenticated, service_role;
--> statement-breakpoint
revoke all on table public.payout_events from public, anon, authenticated, service_role;
--> statement-breakpoint
revoke execute on function muster.retry_payout(uuid) from public;
--> statement-breakpoint
revoke execute on function muster.payout_queue() from public;
--> statement-breakpoint
revoke execute on function muster.payout_backoff(integer) from public;
--> statement-breakpoint
revoke execute on function muster.receive_payout_event(text,uuid,text,text,timestamp with time zone,text) from public;
--> statement-breakpoint
revoke execute on function muster.tg_statements__queue_payout() from public;
--> statement-breakpoint
revoke execute on function muster.take_payouts(integer,interval) from public;
--> statement-breakpoint
revoke execute on function muster.note_payout_answer(uuid,text,text,text,integer) from public;
--> statement-breakpoint
revoke execute on function muster.move_payout(payouts,text,text,text,text,text,timestamp with time zone) from public;
--> statement-breakpoint
revoke execute on function muster.notify_of_payout(payouts,text,boolean) from public;
--> statement-breakpoint
revoke execute on function muster.audience_of_payouts(jsonb,timestamp with time zone) from public;
--> statement-breakpoint
revoke execute on function muster.seen_of_payouts(jsonb) from public;
--> statement-breakpoint
grant execute on function muster.audience_of_payouts(jsonb,timestamp with time zone) to muster_definer;
--> statement-breakpoint
grant execute on function muster.move_payout(payouts,text,text,text,text,text,timestamp with time zone) to muster_definer;
--> statement-breakpoint
grant execute on function muster.note_payout_answer(uuid,text,text,text,integer) to muster_jobs;
--> statement-breakpoint
grant execute on function muster.notify_of_payout(payouts,text,boolean) to muster_definer;
--> statement-breakpoint
grant execute on function muster.payout_backoff(integer) to muster_definer;
--> statement-breakpoint
grant execute on function muster.payout_queue() to service_role;
--> statement-breakpoint
grant execute on function muster.receive_payout_event(text,uuid,text,text,timestamp with time zone,text) to muster_jobs;
--> statement-breakpoint
grant execute on function muster.retry_payout(uuid) to authenticated;
--> statement-breakpoint
grant execute on function muster.seen_of_payouts(jsonb) to muster_definer;
--> statement-breakpoint
grant execute on function muster.take_payouts(integer,interval) to muster_jobs;
--> statement-breakpoint
grant select (company_id, created_at, id, is_applied, occurred_at, payout_id, professional_id, reason, source, status, tenant_id) on table public.payout_events to authenticated;
--> statement-breakpoint
grant insert, select on table public.payout_events to muster_definer;
--> statement-breakpoint
grant select on table public.payout_events to service_role;
--> statement-breakpoint
grant select (amount, attempts, changed_xid, company_id, completed_at, created_at, currency, dead_at, id, last_error, next_attempt_at, professional_id, provider_reference, sent_at, statement_id, status, tenant_id, updated_at) on table public.payouts to authenticated;
--> statement-breakpoint
grant insert, select, update (attempts, completed_at, dead_at, last_error, next_attempt_at, provider_reference, sent_at, status) on table public.payouts to muster_definer;
--> statement-breakpoint
grant select on table public.payouts to service_role;
--> statement-breakpoint
comment on policy internal on public.payouts is 'Background work and the security definer functions; their grants say how far they reach.';
--> statement-breakpoint
comment on function muster.audience_of_payouts(jsonb, timestamptz) is 'Who sees a payout: payouts_read, as groups.';
--> statement-breakpoint
comment on function muster.seen_of_payouts(jsonb) is 'Which groups see changes of this table, and the values that the log left out. Made by muster.follow_table.';
--> statement-breakpoint
comment on policy internal on public.payout_events is 'Background work and the security definer functions; their grants say how far they reach.';
--> statement-breakpoint
comment on function muster.tg_statements__queue_payout() is
  'The payout of a statement is queued with it, or neither is made. Security definer: nobody may write payouts.';
--> statement-breakpoint
comment on function muster.take_payouts(integer, interval) is
  'Background work: payouts that are due, which belong to the caller until the lease is over; whether somebody may have sent one before. Security definer: background work reads no tables.';
--> statement-breakpoint
comment on function muster.payout_backoff(integer) is 'How long to wait after so many tries without an answer.';
--> statement-breakpoint
comment on function muster.notify_of_payout(public.payouts, text, boolean) is
  'A notification for the professional who is paid; or for each planner of the company that pays, and each admin.';
--> statement-breakpoint
comment on function muster.move_payout(public.payouts, text, text, text, text, text, timestamptz) is
  'What the provider said of a payout: applied when it is further than what is known, else only kept; gives whether it was applied.';
--> statement-breakpoint
comment on function muster.note_payout_answer(uuid, text, text, text, integer) is
  'Background work: notes what the provider answered of a payout, or that it did not (none): then it is tried again, or after so many tries a dead letter; gives what came of it. Security definer: nobody may write payouts.';
--> statement-breakpoint
comment on function muster.receive_payout_event(text, uuid, text, text, timestamptz, text) is
  'Background work: takes what the provider reported of a payout, once for each event; gives applied, ignored (the payout is further already), duplicate or unknown. Security definer: nobody may write payouts.';
--> statement-breakpoint
comment on function muster.retry_payout(uuid) is
  'An admin begins a payout anew that failed, or that is a dead letter, with the same key. Security definer: nobody may write payouts.';
--> statement-breakpoint
comment on function muster.payout_queue() is
  'How the outbox stands: payouts on their way, how long the oldest has been due, dead letters, and those that failed. Security definer: whoever looks at the health of the service reads no payouts.';
--> statement-breakpoint
comment on policy payouts_read on public.payouts is
  'The company that pays, the professional who is paid, admins. Nobody writes: the functions of payouts.sql do.';
--> statement-breakpoint
comment on policy payout_events_read on public.payout_events is 'As payouts_read.';
--> statement-breakpoint
select muster.declare_audiences();
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1796027825_payouts_rules';
