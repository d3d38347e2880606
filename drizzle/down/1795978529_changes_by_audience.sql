drop trigger note_caller on public.users;
--> statement-breakpoint
drop trigger note_caller_on_update on public.users;
--> statement-breakpoint
drop trigger note_caller on public.security_professionals;
--> statement-breakpoint
drop trigger note_caller_on_update on public.security_professionals;
--> statement-breakpoint
drop function muster.change_audiences(jsonb, bigint[], interval, xid8);
--> statement-breakpoint
drop function muster.has_audience(oid, name[]);
--> statement-breakpoint
drop function muster.tg_note_caller();
--> statement-breakpoint
create or replace function muster.caller_audience() returns text[]
language sql
stable
set search_path = pg_catalog, pg_temp
return array_remove(array[
  'admins:' || muster.admin_tenant_id(),
  'company:' || muster.company_id(),
  -- A deleted user has a token, and no tenant.
  case when muster.tenant_id() is not null then 'user:' || muster.user_id() end,
  'client:' || muster.client_id(),
  'professional:' || muster.professional_id(),
  'guards:' || muster.guard_tenant_id()
], null);
--> statement-breakpoint
comment on function muster.caller_audience() is 'The groups to which the caller belongs.';
--> statement-breakpoint
create or replace function muster.forget_departed_rows() returns bigint
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
begin atomic
  with forgotten as (
    -- A day longer than a watermark is good for (muster.changes_since).
    delete from muster.departed_rows d where d.departed_at < now() - interval '31 days' returning 1
  )
  select count(*) from forgotten;
end;
--> statement-breakpoint
comment on function muster.forget_departed_rows() is 'Ends the retention of departed rows. For background work.';
--> statement-breakpoint
alter function muster.caller_audience() owner to current_user;
--> statement-breakpoint
drop function muster.audiences_of(uuid[]);
--> statement-breakpoint
drop function muster.declare_audiences();
--> statement-breakpoint
drop table muster.audiences;
--> statement-breakpoint
drop function muster.read_policies(oid);
--> statement-breakpoint
drop table muster.changed_callers;
--> statement-breakpoint
revoke execute on function muster.await_xids(bigint[], interval) from muster_definer;
--> statement-breakpoint
revoke select on public.incidents, public.notifications from muster_definer;
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1795333763_home_areas_in_place';
