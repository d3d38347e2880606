-- Brokers: who gives a carrier loads.
--
-- * A record is one carrier's; its office and its dispatchers write it, and admins of the tenant. What a carrier thinks of a broker's
--   credit is no business of the broker: its users see the loads of the records that name it, and no record.
-- * A broker is removed by the office, and not while loads of it are not over (loads.sql).

select muster.follow_table('public.brokers', soft_delete => true);

-- An organization that the caller does not see does not exist.
create or replace function muster.tg_set_tenant_of_carrier() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  select o.tenant_id into new.tenant_id
  from public.organizations o
  where o.id = new.organization_id and o.kind = 'carrier' and o.deleted_at is null;
  if not found then
    perform muster.fail('not_found', 'organization_id');
  end if;
  return new;
end
$$;
comment on function muster.tg_set_tenant_of_carrier() is
  'What belongs to a carrier is in its tenant; whose it may be the insert policy decides.';

-- ---- Triggers ---------------------------------------------------------------------------------------------------------

create or replace trigger a_set_tenant before insert on public.brokers
  for each row execute function muster.tg_set_tenant_of_carrier();

-- ---- Policies ---------------------------------------------------------------------------------------------------------

drop policy if exists brokers_read on public.brokers;
create policy brokers_read on public.brokers for select to authenticated
  using (
    deleted_at is null
    and (organization_id = (select muster.carrier_id()) or tenant_id = (select muster.admin_tenant_id()))
  );
comment on policy brokers_read on public.brokers is 'Office and dispatchers those of their carrier; admins all of the tenant.';
drop policy if exists brokers_create on public.brokers;
create policy brokers_create on public.brokers for insert to authenticated
  with check (organization_id = (select muster.carrier_id()) or tenant_id = (select muster.admin_tenant_id()));
comment on policy brokers_create on public.brokers is 'Office and dispatchers for their carrier; admins for any of the tenant.';
drop policy if exists brokers_edit on public.brokers;
create policy brokers_edit on public.brokers for update to authenticated
  using (
    deleted_at is null
    and (organization_id = (select muster.carrier_id()) or tenant_id = (select muster.admin_tenant_id()))
  )
  with check (organization_id = (select muster.carrier_id()) or tenant_id = (select muster.admin_tenant_id()));
comment on policy brokers_edit on public.brokers is 'Whoever sees it.';
drop policy if exists brokers_remove on public.brokers;
create policy brokers_remove on public.brokers for delete to authenticated
  using (
    deleted_at is null
    and (organization_id = (select muster.office_carrier_id()) or tenant_id = (select muster.admin_tenant_id()))
  );
comment on policy brokers_remove on public.brokers is 'The office of its carrier, and admins.';

-- ---- Grants -----------------------------------------------------------------------------------------------------------

grant select, delete on public.brokers to authenticated;
grant insert (id, organization_id, name, mc_number, dot_number, credit_status, payment_terms, payment_days, broker_organization_id)
  on public.brokers to authenticated;
grant update (name, mc_number, dot_number, credit_status, payment_terms, payment_days, broker_organization_id)
  on public.brokers to authenticated;
grant select, insert, update, delete on public.brokers to service_role;
