-- Organizations: companies and clients, and which company works for which client.
--
-- * Of a kind for which there is a role (memberships.sql).
-- * Only admins make organizations and links between them; a link ends when it is deleted.
-- * Companies and clients see themselves and each other. Others see those that a module above shows them, by a policy of its own.

select muster.follow_table('public.organizations');
select muster.follow_table('public.company_clients');

-- For security definer functions: a caller sees the links of their own organization alone. In plpgsql, so that its plan is
-- kept: assigning and publishing ask it.
create or replace function muster.works_for(company uuid, client uuid) returns boolean
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return company = client or exists (
    select from public.company_clients c where c.company_id = company and c.client_id = client
  );
end
$$;
comment on function muster.works_for(uuid, uuid) is
  'Whether a company works at the locations of an organization: its own, or a client''s as long as the contract lasts.';
grant execute on function muster.works_for(uuid, uuid) to muster_definer;

-- ---- Triggers ---------------------------------------------------------------------------------------------------------

create or replace trigger a_check_kind before insert or update of kind on public.organizations
  for each row execute function muster.tg_organizations__check_kind();

-- ---- Policies ---------------------------------------------------------------------------------------------------------

drop policy if exists organizations_read_of_people on public.organizations;
create policy organizations_read_of_people on public.organizations for select to authenticated
  using (
    deleted_at is null
    and (
      id = (select muster.company_id())
      or id = (select muster.client_id())
      or id = any ((select muster.company_client_ids())::uuid[])
      or id = any ((select muster.client_company_ids())::uuid[])
      or tenant_id = (select muster.admin_tenant_id())
    )
  );
comment on policy organizations_read_of_people on public.organizations is
  'Companies and clients see themselves and each other; admins their tenant''s.';
drop policy if exists organizations_create on public.organizations;
create policy organizations_create on public.organizations for insert to authenticated
  with check (tenant_id = (select muster.admin_tenant_id()));
comment on policy organizations_create on public.organizations is 'Admins.';

drop policy if exists company_clients_read on public.company_clients;
create policy company_clients_read on public.company_clients for select to authenticated
  using (
    company_id = (select muster.company_id())
    or client_id = (select muster.client_id())
    or tenant_id = (select muster.admin_tenant_id())
  );
comment on policy company_clients_read on public.company_clients is 'Either side, and admins.';
drop policy if exists company_clients_create on public.company_clients;
create policy company_clients_create on public.company_clients for insert to authenticated
  with check (tenant_id = (select muster.admin_tenant_id()));
comment on policy company_clients_create on public.company_clients is 'Admins.';
drop policy if exists company_clients_remove on public.company_clients;
create policy company_clients_remove on public.company_clients for delete to authenticated
  using (tenant_id = (select muster.admin_tenant_id()));
comment on policy company_clients_remove on public.company_clients is 'Admins.';

-- ---- Grants -----------------------------------------------------------------------------------------------------------

grant select on public.organizations to authenticated;
grant insert (id, tenant_id, name, kind, nd_number) on public.organizations to authenticated;
grant select, delete on public.company_clients to authenticated;
grant insert (id, tenant_id, company_id, client_id) on public.company_clients to authenticated;
grant select, insert, update, delete on public.organizations to service_role;
grant select, insert, update, delete on public.company_clients to service_role;
grant select on public.organizations to muster_definer;
grant select on public.company_clients to muster_definer;
