-- Warnings: what people are told because time passes. Background work calls these functions, each day.
--
-- * `once_key` of a notification says what it tells of: a second one of the same user and key is not made, so a job may be run
--   again at any time.
-- * A certificate is told of 30, 7 and 1 days before it expires, to its guard; not when a later one of the same kind replaces it.
--   A day on which nothing ran is made up for, by the nearest of the three.
-- * Payments that wait too long are told of to the admins of the tenant, together, once a week.

create or replace function muster.warn_of_expiring_certificates() returns bigint
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
begin atomic
  with told as (
    insert into public.notifications (tenant_id, user_id, type, data, once_key)
    select p.tenant_id, p.user_id, 'certificate_expiring',
      jsonb_build_object('certificate_id', c.id, 'kind', c.kind, 'valid_until', c.valid_until, 'days', w.days),
      format('certificate_expiring %s %s %s', c.id, c.valid_until, w.days)
    from public.certificates c
    join public.security_professionals p on p.id = c.professional_id
    cross join lateral (
      select min(d.days) as days
      from unnest(array[30, 7, 1]) as d (days)
      where c.valid_until - (now() at time zone 'UTC')::date <= d.days
    ) w
    where c.deleted_at is null
      and c.verified_at is not null
      and c.valid_until >= (now() at time zone 'UTC')::date
      and w.days is not null
      and not exists (
        select from public.certificates l
        where l.professional_id = c.professional_id
          and l.kind = c.kind
          and l.company_id is not distinct from c.company_id
          and l.valid_until > c.valid_until
          and l.verified_at is not null
          and l.deleted_at is null
      )
    on conflict (user_id, once_key) where once_key is not null do nothing
    returning 1
  )
  select count(*) from told;
end;
comment on function muster.warn_of_expiring_certificates() is
  'Background work: guards learn in time that a certificate expires. Security definer: it writes other people''s notifications.';

create or replace function muster.warn_of_stale_payments() returns bigint
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
begin atomic
  with stale as (
    select t.tenant_id, count(*) as payments, min(t.created_at) as oldest
    from public.finqle_transactions t
    join public.shifts s on s.id = t.shift_id
    -- A week for both sides to agree on the hours; a day for the provider, who answers within minutes.
    where (t.status = 'pending' and s.status = 'completed' and s.end_datetime < now() - interval '7 days')
      or (t.status in ('processing', 'failed') and t.updated_at < now() - interval '1 day')
    group by t.tenant_id
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

grant execute on function muster.warn_of_expiring_certificates(), muster.warn_of_stale_payments() to service_role, muster_jobs;

alter function muster.warn_of_expiring_certificates() owner to muster_definer;
alter function muster.warn_of_stale_payments() owner to muster_definer;
