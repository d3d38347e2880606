create policy internal on muster.jobs for all to service_role, muster_definer
  using (true)
  with check (true);
--> statement-breakpoint
create policy internal on muster.size_samples for all to service_role, muster_definer
  using (true)
  with check (true);
--> statement-breakpoint
create or replace function muster.sample_sizes() returns bigint
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
begin atomic
  delete from muster.size_samples s where s.sampled_on < (now() at time zone 'UTC')::date - 400;
  with sampled as (
    insert into muster.size_samples (sampled_on, relation, bytes)
    select (now() at time zone 'UTC')::date, format('%I.%I', n.nspname, c.relname), pg_total_relation_size(c.oid)
    from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'm') and n.nspname in ('public', 'muster')
    on conflict do nothing
    returning 1
  )
  select count(*) from sampled;
end;
--> statement-breakpoint
create or replace function muster.notification_types_of_guarding() returns text[]
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return array[
  'shift_assigned', 'shift_released', 'shift_cancelled', 'shift_changed', 'certificate_expiring', 'payments_stale'
];
--> statement-breakpoint
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
--> statement-breakpoint
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
    select a.tenant_id, a.id, 'payments_stale',
      jsonb_build_object('payments', s.payments, 'oldest_created_at', s.oldest),
      'payments_stale ' || to_char(now() at time zone 'UTC', 'IYYY"W"IW')
    from stale s
    join public.users a on a.tenant_id = s.tenant_id and a.role = 'admin' and a.deleted_at is null
    on conflict (user_id, once_key) where once_key is not null do nothing
    returning 1
  )
  select count(*) from told;
end;
--> statement-breakpoint
alter function muster.sample_sizes() owner to muster_definer;
--> statement-breakpoint
alter function muster.warn_of_expiring_certificates() owner to muster_definer;
--> statement-breakpoint
alter function muster.warn_of_stale_payments() owner to muster_definer;
--> statement-breakpoint
alter table muster.jobs enable row level security;
--> statement-breakpoint
alter table muster.jobs force row level security;
--> statement-breakpoint
alter table muster.size_samples enable row level security;
--> statement-breakpoint
alter table muster.size_samples force row level security;
--> statement-breakpoint
revoke all on table muster.jobs from public, anon, authenticated, service_role;
--> statement-breakpoint
revoke all on table muster.size_samples from public, anon, authenticated, service_role;
--> statement-breakpoint
revoke execute on function muster.sample_sizes() from public;
--> statement-breakpoint
revoke execute on function muster.warn_of_expiring_certificates() from public;
--> statement-breakpoint
revoke execute on function muster.warn_of_stale_payments() from public;
--> statement-breakpoint
grant execute on function muster.sample_sizes() to service_role;
--> statement-breakpoint
grant execute on function muster.warn_of_expiring_certificates() to service_role;
--> statement-breakpoint
grant execute on function muster.warn_of_stale_payments() to service_role;
--> statement-breakpoint
grant insert, select, update on table muster.jobs to service_role;
--> statement-breakpoint
grant delete, insert, select on table muster.size_samples to muster_definer;
--> statement-breakpoint
comment on policy internal on muster.jobs is 'Background work and the security definer functions; their grants say how far they reach.';
--> statement-breakpoint
comment on policy internal on muster.size_samples is 'Background work and the security definer functions; their grants say how far they reach.';
--> statement-breakpoint
comment on function muster.sample_sizes() is
  'Background work: the size of each table today. Security definer: the samples are nobody''s to write.';
--> statement-breakpoint
comment on function muster.warn_of_expiring_certificates() is
  'Background work: guards learn in time that a certificate expires. Security definer: it writes other people''s notifications.';
--> statement-breakpoint
comment on function muster.warn_of_stale_payments() is
  'Background work: admins learn of payments that wait too long. Security definer: as above.';
--> statement-breakpoint
select muster.declare_audiences();
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1795993189_jobs_and_warnings';
