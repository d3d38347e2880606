alter policy shifts_read on public.shifts
  using (
    deleted_at is null
    and (
      company_id = (select muster.company_id())
      or (client_id = (select muster.client_id()) and status <> 'draft')
      or (professional_id = (select muster.professional_id()) and status in ('assigned', 'active', 'completed'))
      or (tenant_id = (select muster.guard_tenant_id()) and status = 'published' and start_datetime > now())
      or tenant_id = (select muster.admin_tenant_id())
    )
  );
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1795321773_lists_read_pages';
