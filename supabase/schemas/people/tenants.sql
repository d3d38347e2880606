-- Tenants: marketplaces, of which nothing crosses into another.
--
-- * The first admin comes with the tenant: the owner makes both (`npm run tenant`).

select muster.follow_table('public.tenants');

create or replace function muster.create_tenant(tenant_name text, admin_name text, admin_email text, admin_user_id uuid)
returns uuid
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  tenant uuid;
begin
  insert into public.tenants (name) values (tenant_name) returning id into tenant;
  insert into public.users (id, tenant_id, role, name, email)
  values (admin_user_id, tenant, 'admin', admin_name, admin_email);
  return tenant;
end
$$;
comment on function muster.create_tenant(text, text, text, uuid) is
  'A marketplace with its first admin. For the owner alone. Security definer: forced row level security binds the owner.';

-- ---- Triggers ---------------------------------------------------------------------------------------------------------

-- ---- Policies ---------------------------------------------------------------------------------------------------------

drop policy if exists tenants_read on public.tenants;
create policy tenants_read on public.tenants for select to authenticated
  using (id = (select muster.tenant_id()));
comment on policy tenants_read on public.tenants is 'One''s own.';

-- ---- Grants -----------------------------------------------------------------------------------------------------------

grant select on public.tenants to authenticated;
grant select, insert, update, delete on public.tenants to service_role;
grant select, insert on public.tenants to muster_definer;

grant execute on function muster.create_tenant(text, text, text, uuid) to service_role;

alter function muster.create_tenant(text, text, text, uuid) owner to muster_definer;
