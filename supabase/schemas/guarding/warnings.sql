-- Warnings: what people are told because time passes. Background work calls these functions, each day.
--
-- * `once_key` of a notification says what it tells of: a second one of the same user and key is not made, so a job may be run
--   again at any time.
-- * A certificate is told of 30, 7 and 1 days before it expires, to its guard; not when a later one of the same kind replaces it. The
--   steps are those of all trades (people/documents.sql).
-- * Hours that nobody agrees on and payouts that are not paid are told of to the admins of the tenant, together, once a week.

create or replace function muster.expiring_documents_of_guarding(first_day date, last_day date)
returns table (tenant_id uuid, user_id uuid, type text, document_id uuid, expires_on date, data jsonb)
language sql
stable
set search_path = pg_catalog, pg_temp
begin atomic
  select p.tenant_id, p.user_id, 'certificate_expiring'::text as type, c.id as document_id, c.valid_until as expires_on,
    jsonb_build_object('certificate_id', c.id, 'kind', c.kind, 'valid_until', c.valid_until) as data
  from public.certificates c
  join public.security_professionals p on p.id = c.professional_id
  where c.deleted_at is null
    and c.verified_at is not null
    and c.valid_until between first_day and last_day
    and not exists (
      select from public.certificates l
      where l.professional_id = c.professional_id
        and l.kind = c.kind
        and l.company_id is not distinct from c.company_id
        and l.valid_until > c.valid_until
        and l.verified_at is not null
        and l.deleted_at is null
    );
end;
comment on function muster.expiring_documents_of_guarding(date, date) is
  'The verified certificates that end in these days and that no later one replaces, for their guards. For muster.warn_of_expiring_documents.';

create or replace function muster.warn_of_expiring_certificates() returns bigint
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
return muster.warn_of_expiring_documents('guarding');
comment on function muster.warn_of_expiring_certificates() is
  'Background work: guards learn in time that a certificate expires. Security definer: it writes other people''s notifications.';

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
    join public.users u on u.id = a.user_id and u.deleted_at is null and u.suspended_at is null
    on conflict (user_id, once_key) where once_key is not null do nothing
    returning 1
  )
  select count(*) from told;
end;
comment on function muster.warn_of_stale_payments() is
  'Background work: admins learn of payments that wait too long. Security definer: as above.';

grant execute on function muster.expiring_documents_of_guarding(date, date) to muster_definer;
grant execute on function muster.warn_of_expiring_certificates(), muster.warn_of_stale_payments() to service_role, muster_jobs;

alter function muster.warn_of_expiring_certificates() owner to muster_definer;
alter function muster.warn_of_stale_payments() owner to muster_definer;
