-- Pay terms of drivers: what a delivered load pays whom.
--
-- * docs/decisions/053-pay-terms-are-a-row-of-their-own.md says why they are beside the record of the driver, which dispatchers read.
-- * A driver has one row of terms, or none: then no load pays them by rule, and the office puts on record what they are owed
--   (driver-payments.sql). Rate, unit and currency change together.
-- * Terms count from the next delivery on. Whoever changes them while a load is delivered waits for it, or is waited for.
-- * The office and admins write them, and drivers read their own. Dispatchers and brokers see nothing of pay. Nobody takes them away.

select muster.follow_table('public.driver_pay_terms');

-- Runs with the rights of whoever writes: a driver whom they do not see does not exist.
create or replace function muster.tg_driver_pay_terms__copy_driver() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  select d.tenant_id, d.organization_id into new.tenant_id, new.organization_id
  from public.drivers d
  where d.id = new.driver_id;
  if not found then
    perform muster.fail('not_found', 'driver_id');
  end if;
  return new;
end
$$;
comment on function muster.tg_driver_pay_terms__copy_driver() is 'Whose terms these are, as their driver says.';

-- ---- Triggers ---------------------------------------------------------------------------------------------------------

create or replace trigger a_copy_driver before insert on public.driver_pay_terms
  for each row execute function muster.tg_driver_pay_terms__copy_driver();

-- ---- Policies ---------------------------------------------------------------------------------------------------------

drop policy if exists driver_pay_terms_read on public.driver_pay_terms;
create policy driver_pay_terms_read on public.driver_pay_terms for select to authenticated
  using (
    organization_id = (select muster.office_carrier_id())
    or driver_id = (select muster.driver_id())
    or tenant_id = (select muster.admin_tenant_id())
  );
comment on policy driver_pay_terms_read on public.driver_pay_terms is
  'The office those of its carrier; drivers their own; admins all of the tenant. Dispatchers none.';
drop policy if exists driver_pay_terms_create on public.driver_pay_terms;
create policy driver_pay_terms_create on public.driver_pay_terms for insert to authenticated
  with check (organization_id = (select muster.office_carrier_id()) or tenant_id = (select muster.admin_tenant_id()));
comment on policy driver_pay_terms_create on public.driver_pay_terms is
  'The office for drivers of its carrier; admins for any of the tenant.';
drop policy if exists driver_pay_terms_edit on public.driver_pay_terms;
create policy driver_pay_terms_edit on public.driver_pay_terms for update to authenticated
  using (organization_id = (select muster.office_carrier_id()) or tenant_id = (select muster.admin_tenant_id()))
  with check (organization_id = (select muster.office_carrier_id()) or tenant_id = (select muster.admin_tenant_id()));
comment on policy driver_pay_terms_edit on public.driver_pay_terms is 'The office of its carrier, and admins. Nobody removes terms.';

-- ---- Grants -----------------------------------------------------------------------------------------------------------

grant select on public.driver_pay_terms to authenticated;
grant insert (id, driver_id, pay_kind, pay_per_distance, pay_percentage, pay_flat, currency, distance_unit)
  on public.driver_pay_terms to authenticated;
grant update (pay_kind, pay_per_distance, pay_percentage, pay_flat, currency, distance_unit) on public.driver_pay_terms to authenticated;
grant select, insert, update on public.driver_pay_terms to service_role;
-- A delivery locks the terms by which it pays, and changes none: a row lock takes the right to update a column.
grant select, update (updated_at) on public.driver_pay_terms to muster_definer;
