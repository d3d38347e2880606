-- Trailers: what trucks pull.
--
-- * The vehicle identification number has its check digit (muster.is_vin), and a carrier has it once among those that it has not sold.
-- * The office writes trailers, and admins of the tenant; dispatchers see them.

select muster.follow_table('public.trailers', soft_delete => true);

-- ---- Triggers ---------------------------------------------------------------------------------------------------------

create or replace trigger a_set_tenant before insert on public.trailers
  for each row execute function muster.tg_set_tenant_of_carrier();

-- ---- Policies ---------------------------------------------------------------------------------------------------------

drop policy if exists trailers_read on public.trailers;
create policy trailers_read on public.trailers for select to authenticated
  using (
    deleted_at is null
    and (organization_id = (select muster.carrier_id()) or tenant_id = (select muster.admin_tenant_id()))
  );
comment on policy trailers_read on public.trailers is 'Office and dispatchers those of their carrier; admins all of the tenant.';
drop policy if exists trailers_create on public.trailers;
create policy trailers_create on public.trailers for insert to authenticated
  with check (organization_id = (select muster.office_carrier_id()) or tenant_id = (select muster.admin_tenant_id()));
comment on policy trailers_create on public.trailers is 'The office for its carrier; admins for any of the tenant.';
drop policy if exists trailers_edit on public.trailers;
create policy trailers_edit on public.trailers for update to authenticated
  using (
    deleted_at is null
    and (organization_id = (select muster.office_carrier_id()) or tenant_id = (select muster.admin_tenant_id()))
  )
  with check (organization_id = (select muster.office_carrier_id()) or tenant_id = (select muster.admin_tenant_id()));
comment on policy trailers_edit on public.trailers is 'The office of its carrier, and admins.';
drop policy if exists trailers_remove on public.trailers;
create policy trailers_remove on public.trailers for delete to authenticated
  using (
    deleted_at is null
    and (organization_id = (select muster.office_carrier_id()) or tenant_id = (select muster.admin_tenant_id()))
  );
comment on policy trailers_remove on public.trailers is 'The office of its carrier, and admins.';

-- ---- Grants -----------------------------------------------------------------------------------------------------------

grant select, delete on public.trailers to authenticated;
grant insert (id, organization_id, unit_number, vin, ownership, status, inspection_due_on, kind)
  on public.trailers to authenticated;
grant update (unit_number, vin, ownership, status, inspection_due_on, kind) on public.trailers to authenticated;
grant select, insert, update, delete on public.trailers to service_role;
