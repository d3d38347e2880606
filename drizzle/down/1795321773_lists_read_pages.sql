-- The indexes and policies of before.

set search_path = public, extensions;
--> statement-breakpoint
drop index public.users_name_idx;
--> statement-breakpoint
drop index public.locations_organization_idx;
--> statement-breakpoint
drop index public.certificates_tenant_idx;
--> statement-breakpoint
create index certificates_tenant_idx on public.certificates using btree (tenant_id);
--> statement-breakpoint
create index locations_organization_idx on public.locations using btree (organization_id) where deleted_at is null;
--> statement-breakpoint
drop policy organizations_read on public.organizations;
--> statement-breakpoint
create policy organizations_read on public.organizations for select to authenticated
  using (
    deleted_at is null
    and (
      id = (select muster.company_id())
      or id = (select muster.client_id())
      or id = any ((select muster.company_client_ids())::uuid[])
      or id = any ((select muster.client_company_ids())::uuid[])
      or tenant_id = (select muster.admin_tenant_id())
      or (
        (select muster.guard_tenant_id()) is not null
        and tenant_id = (select muster.guard_tenant_id())
        and (
          exists (select from public.shifts s where s.company_id = organizations.id)
          or exists (select from public.shifts s where s.client_id = organizations.id)
        )
      )
    )
  );
--> statement-breakpoint
comment on policy organizations_read on public.organizations is
  'Companies and clients see themselves and each other; guards those of the shifts that they see; admins their tenant''s.';
--> statement-breakpoint
drop policy users_read on public.users;
--> statement-breakpoint
create policy users_read on public.users for select to authenticated
  using (
    deleted_at is null
    and (
      id = (select auth.uid())
      or organization_id = (select muster.company_id())
      or organization_id = (select muster.client_id())
      or tenant_id = (select muster.admin_tenant_id())
      or exists (select from public.security_professionals p where p.user_id = users.id)
    )
  );
--> statement-breakpoint
comment on policy users_read on public.users is
  'Oneself, colleagues, the professionals that one sees; admins all of the tenant.';
--> statement-breakpoint
drop policy security_professionals_read on public.security_professionals;
--> statement-breakpoint
create policy security_professionals_read on public.security_professionals for select to authenticated
  using (
    deleted_at is null
    and (
      id = (select muster.professional_id())
      or tenant_id = (select muster.admin_tenant_id())
      or exists (
        select from public.shifts s
        where s.professional_id = security_professionals.id
          and (s.company_id = (select muster.company_id()) or s.client_id = (select muster.client_id()))
      )
    )
  );
--> statement-breakpoint
comment on policy security_professionals_read on public.security_professionals is
  'A guard oneself; companies and clients those on their shifts; admins all of the tenant.';
--> statement-breakpoint
drop policy certificates_read on public.certificates;
--> statement-breakpoint
create policy certificates_read on public.certificates for select to authenticated
  using (
    deleted_at is null
    and (
      professional_id = (select muster.professional_id())
      or tenant_id = (select muster.admin_tenant_id())
      or exists (
        select from public.shifts s
        where s.professional_id = certificates.professional_id
          and s.company_id = (select muster.company_id())
          and s.status in ('assigned', 'active')
      )
    )
  );
--> statement-breakpoint
comment on policy certificates_read on public.certificates is
  'Guards their own; companies those of professionals assigned to their shifts; admins all of the tenant.';
--> statement-breakpoint
drop policy locations_read on public.locations;
--> statement-breakpoint
create policy locations_read on public.locations for select to authenticated
  using (
    deleted_at is null
    and (
      organization_id = (select muster.company_id())
      or organization_id = any ((select muster.company_client_ids())::uuid[])
      or organization_id = (select muster.client_id())
      or tenant_id = (select muster.admin_tenant_id())
      or (
        (select muster.guard_tenant_id()) is not null
        and tenant_id = (select muster.guard_tenant_id())
        and exists (select from public.shifts s where s.location_id = locations.id)
      )
    )
  );
--> statement-breakpoint
comment on policy locations_read on public.locations is
  'Companies theirs and their clients''; clients theirs; guards those of the shifts that they see; admins the tenant''s.';
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1795320914_check_ins_without_nested_joins';
