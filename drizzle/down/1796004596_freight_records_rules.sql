drop policy trucks_remove on public.trucks;
--> statement-breakpoint
drop policy trucks_edit on public.trucks;
--> statement-breakpoint
drop policy trucks_create on public.trucks;
--> statement-breakpoint
drop policy trucks_read on public.trucks;
--> statement-breakpoint
drop policy internal on public.trucks;
--> statement-breakpoint
drop policy trailers_remove on public.trailers;
--> statement-breakpoint
drop policy trailers_edit on public.trailers;
--> statement-breakpoint
drop policy trailers_create on public.trailers;
--> statement-breakpoint
drop policy trailers_read on public.trailers;
--> statement-breakpoint
drop policy internal on public.trailers;
--> statement-breakpoint
drop policy invitations_withdraw_of_freight on public.invitations;
--> statement-breakpoint
drop policy invitations_read_of_freight on public.invitations;
--> statement-breakpoint
drop policy memberships_read_of_freight on public.memberships;
--> statement-breakpoint
drop policy users_read_of_freight on public.users;
--> statement-breakpoint
drop policy organizations_read_of_freight on public.organizations;
--> statement-breakpoint
drop policy drivers_remove on public.drivers;
--> statement-breakpoint
drop policy drivers_edit on public.drivers;
--> statement-breakpoint
drop policy drivers_create on public.drivers;
--> statement-breakpoint
drop policy drivers_read on public.drivers;
--> statement-breakpoint
drop policy internal on public.drivers;
--> statement-breakpoint
drop policy brokers_remove on public.brokers;
--> statement-breakpoint
drop policy brokers_edit on public.brokers;
--> statement-breakpoint
drop policy brokers_create on public.brokers;
--> statement-breakpoint
drop policy brokers_read on public.brokers;
--> statement-breakpoint
drop policy internal on public.brokers;
--> statement-breakpoint
drop policy memberships_read_of_people on public.memberships;
--> statement-breakpoint
drop policy invitations_withdraw_of_people on public.invitations;
--> statement-breakpoint
drop policy invitations_read_of_people on public.invitations;
--> statement-breakpoint
drop trigger a_set_tenant on public.trucks;
--> statement-breakpoint
drop trigger soft_delete on public.trucks;
--> statement-breakpoint
drop trigger edit_trail on public.trucks;
--> statement-breakpoint
drop trigger a_set_tenant on public.trailers;
--> statement-breakpoint
drop trigger soft_delete on public.trailers;
--> statement-breakpoint
drop trigger edit_trail on public.trailers;
--> statement-breakpoint
drop trigger note_caller_on_update on public.drivers;
--> statement-breakpoint
drop trigger note_caller on public.drivers;
--> statement-breakpoint
drop trigger b_check_member on public.drivers;
--> statement-breakpoint
drop trigger a_set_tenant on public.drivers;
--> statement-breakpoint
drop trigger soft_delete on public.drivers;
--> statement-breakpoint
drop trigger edit_trail on public.drivers;
--> statement-breakpoint
drop trigger a_set_tenant on public.brokers;
--> statement-breakpoint
drop trigger soft_delete on public.brokers;
--> statement-breakpoint
drop trigger edit_trail on public.brokers;
--> statement-breakpoint
drop function muster.groups_of_freight(uuid[]);
--> statement-breakpoint
drop function muster.invites_of_freight(text,uuid);
--> statement-breakpoint
drop function muster.roles_of_freight();
--> statement-breakpoint
drop function muster.tg_drivers__check_member();
--> statement-breakpoint
drop function muster.codes_of_freight();
--> statement-breakpoint
drop function muster.tg_set_tenant_of_carrier();
--> statement-breakpoint
drop function muster.broker_id();
--> statement-breakpoint
drop function muster.driver_id();
--> statement-breakpoint
drop function muster.office_carrier_id();
--> statement-breakpoint
create policy invitations_read on public.invitations for select to authenticated
  using (((inviting_organization_id = ( SELECT muster.company_id() AS company_id)) OR (tenant_id = ( SELECT muster.admin_tenant_id() AS admin_tenant_id))));
--> statement-breakpoint
create policy invitations_withdraw on public.invitations for delete to authenticated
  using (((accepted_at IS NULL) AND ((inviting_organization_id = ( SELECT muster.company_id() AS company_id)) OR (tenant_id = ( SELECT muster.admin_tenant_id() AS admin_tenant_id)))));
--> statement-breakpoint
create policy memberships_read on public.memberships for select to authenticated
  using ((((user_id = ( SELECT auth.uid() AS uid)) AND (tenant_id = ( SELECT muster.tenant_id() AS tenant_id))) OR (organization_id = ( SELECT muster.company_id() AS company_id)) OR (organization_id = ( SELECT muster.client_id() AS client_id)) OR (tenant_id = ( SELECT muster.admin_tenant_id() AS admin_tenant_id))));
--> statement-breakpoint
alter function muster.carrier_id() owner to current_user;
--> statement-breakpoint
alter table public.brokers disable row level security;
--> statement-breakpoint
alter table public.brokers no force row level security;
--> statement-breakpoint
alter table public.drivers disable row level security;
--> statement-breakpoint
alter table public.drivers no force row level security;
--> statement-breakpoint
alter table public.trailers disable row level security;
--> statement-breakpoint
alter table public.trailers no force row level security;
--> statement-breakpoint
alter table public.trucks disable row level security;
--> statement-breakpoint
alter table public.trucks no force row level security;
--> statement-breakpoint
revoke execute on function muster.carrier_id() from anon, authenticated, service_role;
--> statement-breakpoint
revoke execute on function muster.is_vin(text) from anon, authenticated, muster_definer, service_role;
--> statement-breakpoint
revoke delete, select, insert (broker_organization_id, credit_status, dot_number, id, mc_number, name, organization_id, payment_days, payment_terms), update (broker_organization_id, credit_status, dot_number, mc_number, name, payment_days, payment_terms) on table public.brokers from authenticated;
--> statement-breakpoint
revoke select, update on table public.brokers from muster_definer;
--> statement-breakpoint
revoke delete, insert, select, update on table public.brokers from service_role;
--> statement-breakpoint
revoke delete, select, insert (currency, distance_unit, driver_type, endorsements, hire_date, id, license_class, license_number, name, organization_id, pay_flat, pay_kind, pay_per_distance, pay_percentage, status, termination_date, user_id), update (currency, distance_unit, driver_type, endorsements, hire_date, license_class, license_number, name, pay_flat, pay_kind, pay_per_distance, pay_percentage, status, termination_date) on table public.drivers from authenticated;
--> statement-breakpoint
revoke select, update on table public.drivers from muster_definer;
--> statement-breakpoint
revoke delete, insert, select, update on table public.drivers from service_role;
--> statement-breakpoint
revoke delete, select, insert (id, inspection_due_on, kind, organization_id, ownership, status, unit_number, vin), update (inspection_due_on, kind, ownership, status, unit_number, vin) on table public.trailers from authenticated;
--> statement-breakpoint
revoke select, update on table public.trailers from muster_definer;
--> statement-breakpoint
revoke delete, insert, select, update on table public.trailers from service_role;
--> statement-breakpoint
revoke delete, select, insert (id, inspection_due_on, organization_id, ownership, status, unit_number, vin), update (inspection_due_on, ownership, status, unit_number, vin) on table public.trucks from authenticated;
--> statement-breakpoint
revoke select, update on table public.trucks from muster_definer;
--> statement-breakpoint
revoke delete, insert, select, update on table public.trucks from service_role;
--> statement-breakpoint
grant execute on function muster.carrier_id() to public;
--> statement-breakpoint
grant execute on function muster.is_vin(text) to public;
--> statement-breakpoint
comment on function muster.carrier_id() is null;
--> statement-breakpoint
comment on function muster.is_vin(text) is null;
--> statement-breakpoint
comment on policy invitations_read on public.invitations is 'A company its own, an admin the tenant''s.';
--> statement-breakpoint
comment on policy invitations_withdraw on public.invitations is 'Until it is accepted, whoever sees it.';
--> statement-breakpoint
comment on policy memberships_read on public.memberships is 'One''s own, those of colleagues for the organization; admins all of the tenant.';
--> statement-breakpoint
select muster.declare_audiences();
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1796004501_carriers_have_records';
