-- Trucks: what drivers drive.
--
-- * The vehicle identification number has its check digit (muster.is_vin), and a carrier has it once among those that it has not sold.
-- * The office writes trucks, and admins of the tenant; dispatchers see them.

select muster.follow_table('public.trucks', soft_delete => true);

-- ---- Triggers ---------------------------------------------------------------------------------------------------------

create or replace trigger a_set_tenant before insert on public.trucks
  for each row execute function muster.tg_set_tenant_of_carrier();

-- ---- Policies ---------------------------------------------------------------------------------------------------------

drop policy if exists trucks_read on public.trucks;
create policy trucks_read on public.trucks for select to authenticated
  using (
    deleted_at is null
    and (organization_id = (select muster.carrier_id()) or tenant_id = (select muster.admin_tenant_id()))
  );
comment on policy trucks_read on public.trucks is 'Office and dispatchers those of their carrier; admins all of the tenant.';
drop policy if exists trucks_create on public.trucks;
create policy trucks_create on public.trucks for insert to authenticated
  with check (organization_id = (select muster.office_carrier_id()) or tenant_id = (select muster.admin_tenant_id()));
comment on policy trucks_create on public.trucks is 'The office for its carrier; admins for any of the tenant.';
drop policy if exists trucks_edit on public.trucks;
create policy trucks_edit on public.trucks for update to authenticated
  using (
    deleted_at is null
    and (organization_id = (select muster.office_carrier_id()) or tenant_id = (select muster.admin_tenant_id()))
  )
  with check (organization_id = (select muster.office_carrier_id()) or tenant_id = (select muster.admin_tenant_id()));
comment on policy trucks_edit on public.trucks is 'The office of its carrier, and admins.';
drop policy if exists trucks_remove on public.trucks;
create policy trucks_remove on public.trucks for delete to authenticated
  using (
    deleted_at is null
    and (organization_id = (select muster.office_carrier_id()) or tenant_id = (select muster.admin_tenant_id()))
  );
comment on policy trucks_remove on public.trucks is 'The office of its carrier, and admins.';

-- ---- Grants -----------------------------------------------------------------------------------------------------------

grant select, delete on public.trucks to authenticated;
grant insert (id, organization_id, unit_number, vin, ownership, status, inspection_due_on)
  on public.trucks to authenticated;
grant update (unit_number, vin, ownership, status, inspection_due_on) on public.trucks to authenticated;
grant select, insert, update, delete on public.trucks to service_role;
