-- Helpers are called when they are first needed: whether a guard sees an open shift takes one of them instead of four.

alter policy shifts_read on public.shifts
  using (
    deleted_at is null
    and (
      (status = 'published' and start_datetime > now() and tenant_id = (select muster.guard_tenant_id()))
      or company_id = (select muster.company_id())
      or (status <> 'draft' and client_id = (select muster.client_id()))
      or (status in ('assigned', 'active', 'completed') and professional_id = (select muster.professional_id()))
      or tenant_id = (select muster.admin_tenant_id())
    )
  );
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1795324577_open_shifts_are_seen_first';
