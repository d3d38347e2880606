-- Pay periods: the days for which a company pays at once, and what it is to close one.
--
-- * docs/decisions/038-statements-settle-what-was-locked.md has the rules; this file says them in SQL.
-- * Pay terms are versions: of the rows of a company, the one with the newest `valid_from` that had come on the first day of a period
--   says how long the period is and in which zone its days begin. A version is never changed or removed. A company without a row has
--   the defaults of muster.pay_terms_on.
-- * The periods of a company follow each other without a gap, and are closed in that order, once they are over. A period that is there
--   keeps its days, whatever terms come later.
-- * Closing one locks the timesheets that were approved and began before its end, and settles their lines on statements
--   (statements.sql), in one transaction. Hours that are approved later are locked by the next period.
-- * Whoever closes locks the period, then all professionals in the order of their ids, as everybody does who approves many
--   (timesheets.sql): nobody approves, disputes or corrects these hours meanwhile.
-- * The company and admins see its terms and periods. They add terms, and close periods by muster.close_pay_period.

create or replace function muster.audience_of_pay_periods(viewed jsonb, at timestamptz) returns text[]
language sql
stable
parallel safe
set search_path = pg_catalog, pg_temp
return array[
  'admins:' || (viewed ->> 'tenant_id'),
  'company:' || (viewed ->> 'company_id')
];
comment on function muster.audience_of_pay_periods(jsonb, timestamptz) is 'Who sees a pay period: pay_periods_read, as groups.';
grant execute on function muster.audience_of_pay_periods(jsonb, timestamptz) to muster_definer;

select muster.follow_table('public.pay_terms', trail => 'none');
select muster.follow_table(
  'public.pay_periods',
  published => array['id', 'company_id', 'period', 'time_zone', 'first_day', 'last_day', 'starts_at', 'ends_at', 'state', 'closed_at',
    'closed_by', 'created_at', 'updated_at'],
  audience => array['tenant_id', 'company_id']
);

-- Runs with the rights of whoever writes: an organization that they do not see does not exist.
create or replace function muster.tg_pay_terms__complete() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  known constant text := muster.canonical_time_zone(new.time_zone);
begin
  select o.tenant_id into new.tenant_id
  from public.organizations o
  where o.id = new.company_id and o.kind = 'company' and o.deleted_at is null;
  if not found then
    perform muster.fail('not_found', 'company_id');
  end if;
  if known is null then
    raise exception using
      errcode = 'check_violation',
      message = 'no time zone that this server knows',
      schema = 'public', table = 'pay_terms', column = 'time_zone', constraint = 'pay_terms_time_zone_known';
  end if;
  new.time_zone := known;
  return new;
end
$$;
comment on function muster.tg_pay_terms__complete() is
  'Pay terms are in the tenant of their company, in a zone by its present name; whose they may be the insert policy decides.';

-- ---- Triggers ---------------------------------------------------------------------------------------------------------

create or replace trigger a_complete before insert on public.pay_terms
  for each row execute function muster.tg_pay_terms__complete();

-- ---- Policies ---------------------------------------------------------------------------------------------------------

drop policy if exists pay_terms_read on public.pay_terms;
create policy pay_terms_read on public.pay_terms for select to authenticated
  using (
    company_id = (select muster.company_id())
    or tenant_id = (select muster.admin_tenant_id())
  );
comment on policy pay_terms_read on public.pay_terms is 'The company, and admins.';
drop policy if exists pay_terms_create on public.pay_terms;
create policy pay_terms_create on public.pay_terms for insert to authenticated
  with check (
    company_id = (select muster.company_id())
    or tenant_id = (select muster.admin_tenant_id())
  );
comment on policy pay_terms_create on public.pay_terms is 'The company, and admins. No version is changed or removed.';
drop policy if exists pay_periods_read on public.pay_periods;
create policy pay_periods_read on public.pay_periods for select to authenticated
  using (
    company_id = (select muster.company_id())
    or tenant_id = (select muster.admin_tenant_id())
  );
comment on policy pay_periods_read on public.pay_periods is
  'The company, and admins. Nobody writes: background work opens periods, muster.close_pay_period closes them.';

-- ---- Grants -----------------------------------------------------------------------------------------------------------

grant select on public.pay_terms to authenticated;
grant insert (id, company_id, valid_from, period, time_zone) on public.pay_terms to authenticated;
grant select, insert, update, delete on public.pay_terms to service_role;
grant select on public.pay_terms to muster_definer;
grant select on public.pay_periods to authenticated;
grant select, insert, update, delete on public.pay_periods to service_role;
grant select, insert, update on public.pay_periods to muster_definer;
