drop policy memberships_read on public.memberships;
--> statement-breakpoint
drop policy invitations_withdraw on public.invitations;
--> statement-breakpoint
drop policy invitations_read on public.invitations;
--> statement-breakpoint
create or replace function muster.office_carrier_id() returns uuid
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  caller constant uuid := muster.user_id();
begin
  return (
    select m.organization_id
    from public.memberships m
    join public.users u on u.id = m.user_id
    where m.user_id = caller and m.role = 'office' and u.deleted_at is null
  );
end
$$;
--> statement-breakpoint
create or replace function muster.driver_id() returns uuid
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  caller constant uuid := muster.user_id();
begin
  return (
    select d.id
    from public.memberships m
    join public.users u on u.id = m.user_id
    join public.drivers d on d.user_id = m.user_id and d.organization_id = m.organization_id
    where m.user_id = caller and m.role = 'driver' and u.deleted_at is null and d.deleted_at is null
  );
end
$$;
--> statement-breakpoint
create or replace function muster.broker_id() returns uuid
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  caller constant uuid := muster.user_id();
begin
  return (
    select m.organization_id
    from public.memberships m
    join public.users u on u.id = m.user_id
    where m.user_id = caller and m.role = 'broker' and u.deleted_at is null
  );
end
$$;
--> statement-breakpoint
create policy invitations_read_of_people on public.invitations for select to authenticated
  using (
    inviting_organization_id = (select muster.company_id())
    or tenant_id = (select muster.admin_tenant_id())
  );
--> statement-breakpoint
create policy invitations_withdraw_of_people on public.invitations for delete to authenticated
  using (
    accepted_at is null
    and (inviting_organization_id = (select muster.company_id()) or tenant_id = (select muster.admin_tenant_id()))
  );
--> statement-breakpoint
create policy memberships_read_of_people on public.memberships for select to authenticated
  using (
    (user_id = (select auth.uid()) and tenant_id = (select muster.tenant_id()))
    or organization_id = (select muster.company_id())
    or organization_id = (select muster.client_id())
    or tenant_id = (select muster.admin_tenant_id())
  );
--> statement-breakpoint
CREATE TRIGGER edit_trail BEFORE INSERT OR UPDATE ON public.brokers FOR EACH ROW EXECUTE FUNCTION muster.set_edit_trail();
--> statement-breakpoint
CREATE TRIGGER soft_delete BEFORE DELETE ON public.brokers FOR EACH ROW EXECUTE FUNCTION muster.tg_soft_delete();
--> statement-breakpoint
create policy internal on public.brokers for all to service_role, muster_definer
  using (true)
  with check (true);
--> statement-breakpoint
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
--> statement-breakpoint
create or replace trigger a_set_tenant before insert on public.brokers
  for each row execute function muster.tg_set_tenant_of_carrier();
--> statement-breakpoint
create policy brokers_read on public.brokers for select to authenticated
  using (
    deleted_at is null
    and (organization_id = (select muster.carrier_id()) or tenant_id = (select muster.admin_tenant_id()))
  );
--> statement-breakpoint
create policy brokers_create on public.brokers for insert to authenticated
  with check (organization_id = (select muster.carrier_id()) or tenant_id = (select muster.admin_tenant_id()));
--> statement-breakpoint
create policy brokers_edit on public.brokers for update to authenticated
  using (
    deleted_at is null
    and (organization_id = (select muster.carrier_id()) or tenant_id = (select muster.admin_tenant_id()))
  )
  with check (organization_id = (select muster.carrier_id()) or tenant_id = (select muster.admin_tenant_id()));
--> statement-breakpoint
create policy brokers_remove on public.brokers for delete to authenticated
  using (
    deleted_at is null
    and (organization_id = (select muster.office_carrier_id()) or tenant_id = (select muster.admin_tenant_id()))
  );
--> statement-breakpoint
create or replace function muster.codes_of_freight() returns jsonb
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return jsonb_build_object();
--> statement-breakpoint
CREATE TRIGGER edit_trail BEFORE INSERT OR UPDATE ON public.drivers FOR EACH ROW EXECUTE FUNCTION muster.set_edit_trail();
--> statement-breakpoint
CREATE TRIGGER soft_delete BEFORE DELETE ON public.drivers FOR EACH ROW EXECUTE FUNCTION muster.tg_soft_delete();
--> statement-breakpoint
create policy internal on public.drivers for all to service_role, muster_definer
  using (true)
  with check (true);
--> statement-breakpoint
-- A user whom the caller does not see does not exist.
create or replace function muster.tg_drivers__check_member() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if not exists (
    select from public.memberships m
    where m.user_id = new.user_id and m.organization_id = new.organization_id and m.role = 'driver'
  ) then
    perform muster.fail('not_found', 'user_id');
  end if;
  return new;
end
$$;
--> statement-breakpoint
create or replace trigger a_set_tenant before insert on public.drivers
  for each row execute function muster.tg_set_tenant_of_carrier();
--> statement-breakpoint
create or replace trigger b_check_member before insert on public.drivers
  for each row execute function muster.tg_drivers__check_member();
--> statement-breakpoint
create or replace trigger note_caller after insert or delete on public.drivers
  for each row execute function muster.tg_note_caller('user_id');
--> statement-breakpoint
create or replace trigger note_caller_on_update after update on public.drivers
  for each row when (
    (old.id, old.user_id, old.organization_id, old.deleted_at)
    is distinct from (new.id, new.user_id, new.organization_id, new.deleted_at)
  )
  execute function muster.tg_note_caller('user_id');
--> statement-breakpoint
create policy drivers_read on public.drivers for select to authenticated
  using (
    deleted_at is null
    and (
      organization_id = (select muster.carrier_id())
      or id = (select muster.driver_id())
      or tenant_id = (select muster.admin_tenant_id())
    )
  );
--> statement-breakpoint
create policy drivers_create on public.drivers for insert to authenticated
  with check (organization_id = (select muster.office_carrier_id()) or tenant_id = (select muster.admin_tenant_id()));
--> statement-breakpoint
create policy drivers_edit on public.drivers for update to authenticated
  using (
    deleted_at is null
    and (organization_id = (select muster.office_carrier_id()) or tenant_id = (select muster.admin_tenant_id()))
  )
  with check (organization_id = (select muster.office_carrier_id()) or tenant_id = (select muster.admin_tenant_id()));
--> statement-breakpoint
create policy drivers_remove on public.drivers for delete to authenticated
  using (
    deleted_at is null
    and (organization_id = (select muster.office_carrier_id()) or tenant_id = (select muster.admin_tenant_id()))
  );
--> statement-breakpoint
create or replace function muster.roles_of_freight() returns jsonb
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return jsonb_build_object('office', 'carrier', 'dispatcher', 'carrier', 'driver', 'carrier', 'broker', 'broker');
--> statement-breakpoint
create or replace function muster.invites_of_freight(role text, organization uuid) returns boolean
language sql
stable
set search_path = pg_catalog, pg_temp
return coalesce(role in ('office', 'dispatcher', 'driver') and organization = muster.office_carrier_id(), false);
--> statement-breakpoint
create or replace function muster.groups_of_freight(callers uuid[]) returns table (caller uuid, groups text[])
language sql
stable
set search_path = pg_catalog, pg_temp
begin atomic
  select m.user_id, array_agg(case
    when m.role in ('office', 'dispatcher') then 'carrier:' || m.organization_id
    when m.role = 'broker' then 'broker:' || m.organization_id
    when m.role = 'driver' then 'driver:' || d.id
  end)
  from public.memberships m
  join public.users u on u.id = m.user_id
  left join public.drivers d
    on m.role = 'driver' and d.user_id = m.user_id and d.organization_id = m.organization_id and d.deleted_at is null
  where m.user_id = any (callers) and m.role in ('office', 'dispatcher', 'broker', 'driver') and u.deleted_at is null
  group by m.user_id;
end;
--> statement-breakpoint
create policy organizations_read_of_freight on public.organizations for select to authenticated
  using (
    deleted_at is null
    and (
      id = (select muster.carrier_id())
      or id = (select muster.broker_id())
      or exists (
        select from public.memberships m
        where m.user_id = (select auth.uid()) and m.role = 'driver' and m.organization_id = organizations.id
        offset 0
      )
    )
  );
--> statement-breakpoint
create policy users_read_of_freight on public.users for select to authenticated
  using (
    deleted_at is null
    and (select muster.carrier_id()) is not null
    and exists (
      select from public.memberships m
      where m.user_id = users.id and m.organization_id = (select muster.carrier_id())
      offset 0
    )
  );
--> statement-breakpoint
create policy memberships_read_of_freight on public.memberships for select to authenticated
  using (organization_id = (select muster.carrier_id()));
--> statement-breakpoint
create policy invitations_read_of_freight on public.invitations for select to authenticated
  using (inviting_organization_id = (select muster.office_carrier_id()));
--> statement-breakpoint
create policy invitations_withdraw_of_freight on public.invitations for delete to authenticated
  using (accepted_at is null and inviting_organization_id = (select muster.office_carrier_id()));
--> statement-breakpoint
CREATE TRIGGER edit_trail BEFORE INSERT OR UPDATE ON public.trailers FOR EACH ROW EXECUTE FUNCTION muster.set_edit_trail();
--> statement-breakpoint
CREATE TRIGGER soft_delete BEFORE DELETE ON public.trailers FOR EACH ROW EXECUTE FUNCTION muster.tg_soft_delete();
--> statement-breakpoint
create policy internal on public.trailers for all to service_role, muster_definer
  using (true)
  with check (true);
--> statement-breakpoint
create or replace trigger a_set_tenant before insert on public.trailers
  for each row execute function muster.tg_set_tenant_of_carrier();
--> statement-breakpoint
create policy trailers_read on public.trailers for select to authenticated
  using (
    deleted_at is null
    and (organization_id = (select muster.carrier_id()) or tenant_id = (select muster.admin_tenant_id()))
  );
--> statement-breakpoint
create policy trailers_create on public.trailers for insert to authenticated
  with check (organization_id = (select muster.office_carrier_id()) or tenant_id = (select muster.admin_tenant_id()));
--> statement-breakpoint
create policy trailers_edit on public.trailers for update to authenticated
  using (
    deleted_at is null
    and (organization_id = (select muster.office_carrier_id()) or tenant_id = (select muster.admin_tenant_id()))
  )
  with check (organization_id = (select muster.office_carrier_id()) or tenant_id = (select muster.admin_tenant_id()));
--> statement-breakpoint
create policy trailers_remove on public.trailers for delete to authenticated
  using (
    deleted_at is null
    and (organization_id = (select muster.office_carrier_id()) or tenant_id = (select muster.admin_tenant_id()))
  );
--> statement-breakpoint
CREATE TRIGGER edit_trail BEFORE INSERT OR UPDATE ON public.trucks FOR EACH ROW EXECUTE FUNCTION muster.set_edit_trail();
--> statement-breakpoint
CREATE TRIGGER soft_delete BEFORE DELETE ON public.trucks FOR EACH ROW EXECUTE FUNCTION muster.tg_soft_delete();
--> statement-breakpoint
create policy internal on public.trucks for all to service_role, muster_definer
  using (true)
  with check (true);
--> statement-breakpoint
create or replace trigger a_set_tenant before insert on public.trucks
  for each row execute function muster.tg_set_tenant_of_carrier();
--> statement-breakpoint
create policy trucks_read on public.trucks for select to authenticated
  using (
    deleted_at is null
    and (organization_id = (select muster.carrier_id()) or tenant_id = (select muster.admin_tenant_id()))
  );
--> statement-breakpoint
create policy trucks_create on public.trucks for insert to authenticated
  with check (organization_id = (select muster.office_carrier_id()) or tenant_id = (select muster.admin_tenant_id()));
--> statement-breakpoint
create policy trucks_edit on public.trucks for update to authenticated
  using (
    deleted_at is null
    and (organization_id = (select muster.office_carrier_id()) or tenant_id = (select muster.admin_tenant_id()))
  )
  with check (organization_id = (select muster.office_carrier_id()) or tenant_id = (select muster.admin_tenant_id()));
--> statement-breakpoint
create policy trucks_remove on public.trucks for delete to authenticated
  using (
    deleted_at is null
    and (organization_id = (select muster.office_carrier_id()) or tenant_id = (select muster.admin_tenant_id()))
  );
--> statement-breakpoint
alter function muster.carrier_id() owner to muster_definer;
--> statement-breakpoint
alter function muster.office_carrier_id() owner to muster_definer;
--> statement-breakpoint
alter function muster.driver_id() owner to muster_definer;
--> statement-breakpoint
alter function muster.broker_id() owner to muster_definer;
--> statement-breakpoint
alter table public.brokers enable row level security;
--> statement-breakpoint
alter table public.brokers force row level security;
--> statement-breakpoint
alter table public.drivers enable row level security;
--> statement-breakpoint
alter table public.drivers force row level security;
--> statement-breakpoint
alter table public.trailers enable row level security;
--> statement-breakpoint
alter table public.trailers force row level security;
--> statement-breakpoint
alter table public.trucks enable row level security;
--> statement-breakpoint
alter table public.trucks force row level security;
--> statement-breakpoint
alter table public.drivers enable always trigger note_caller_on_update;
--> statement-breakpoint
alter table public.drivers enable always trigger note_caller;
--> statement-breakpoint
revoke all on table public.brokers from public, anon, authenticated, service_role;
--> statement-breakpoint
revoke all on table public.drivers from public, anon, authenticated, service_role;
--> statement-breakpoint
revoke all on table public.trailers from public, anon, authenticated, service_role;
--> statement-breakpoint
revoke all on table public.trucks from public, anon, authenticated, service_role;
--> statement-breakpoint
revoke execute on function muster.carrier_id() from public;
--> statement-breakpoint
revoke execute on function muster.is_vin(text) from public;
--> statement-breakpoint
revoke execute on function muster.groups_of_freight(uuid[]) from public;
--> statement-breakpoint
revoke execute on function muster.office_carrier_id() from public;
--> statement-breakpoint
revoke execute on function muster.driver_id() from public;
--> statement-breakpoint
revoke execute on function muster.broker_id() from public;
--> statement-breakpoint
revoke execute on function muster.tg_set_tenant_of_carrier() from public;
--> statement-breakpoint
revoke execute on function muster.tg_drivers__check_member() from public;
--> statement-breakpoint
revoke execute on function muster.codes_of_freight() from public;
--> statement-breakpoint
revoke execute on function muster.invites_of_freight(text,uuid) from public;
--> statement-breakpoint
revoke execute on function muster.roles_of_freight() from public;
--> statement-breakpoint
grant execute on function muster.broker_id() to anon, authenticated, service_role;
--> statement-breakpoint
grant execute on function muster.carrier_id() to anon, authenticated, service_role;
--> statement-breakpoint
grant execute on function muster.codes_of_freight() to anon, authenticated, muster_definer, service_role;
--> statement-breakpoint
grant execute on function muster.driver_id() to anon, authenticated, service_role;
--> statement-breakpoint
grant execute on function muster.groups_of_freight(uuid[]) to muster_definer;
--> statement-breakpoint
grant execute on function muster.invites_of_freight(text,uuid) to muster_definer;
--> statement-breakpoint
grant execute on function muster.is_vin(text) to anon, authenticated, muster_definer, service_role;
--> statement-breakpoint
grant execute on function muster.office_carrier_id() to anon, authenticated, service_role;
--> statement-breakpoint
grant execute on function muster.roles_of_freight() to authenticated, muster_definer, service_role;
--> statement-breakpoint
grant delete, select, insert (broker_organization_id, credit_status, dot_number, id, mc_number, name, organization_id, payment_days, payment_terms), update (broker_organization_id, credit_status, dot_number, mc_number, name, payment_days, payment_terms) on table public.brokers to authenticated;
--> statement-breakpoint
grant select, update on table public.brokers to muster_definer;
--> statement-breakpoint
grant delete, insert, select, update on table public.brokers to service_role;
--> statement-breakpoint
grant delete, select, insert (currency, distance_unit, driver_type, endorsements, hire_date, id, license_class, license_number, name, organization_id, pay_flat, pay_kind, pay_per_distance, pay_percentage, status, termination_date, user_id), update (currency, distance_unit, driver_type, endorsements, hire_date, license_class, license_number, name, pay_flat, pay_kind, pay_per_distance, pay_percentage, status, termination_date) on table public.drivers to authenticated;
--> statement-breakpoint
grant select, update on table public.drivers to muster_definer;
--> statement-breakpoint
grant delete, insert, select, update on table public.drivers to service_role;
--> statement-breakpoint
grant delete, select, insert (id, inspection_due_on, kind, organization_id, ownership, status, unit_number, vin), update (inspection_due_on, kind, ownership, status, unit_number, vin) on table public.trailers to authenticated;
--> statement-breakpoint
grant select, update on table public.trailers to muster_definer;
--> statement-breakpoint
grant delete, insert, select, update on table public.trailers to service_role;
--> statement-breakpoint
grant delete, select, insert (id, inspection_due_on, organization_id, ownership, status, unit_number, vin), update (inspection_due_on, ownership, status, unit_number, vin) on table public.trucks to authenticated;
--> statement-breakpoint
grant select, update on table public.trucks to muster_definer;
--> statement-breakpoint
grant delete, insert, select, update on table public.trucks to service_role;
--> statement-breakpoint
comment on function muster.carrier_id() is 'The carrier for which the caller plans, as its office or a dispatcher; null for others.';
--> statement-breakpoint
comment on function muster.office_carrier_id() is 'The carrier that the caller administers; null for others.';
--> statement-breakpoint
comment on function muster.driver_id() is 'The caller''s own driver; null for others.';
--> statement-breakpoint
comment on function muster.broker_id() is 'The broker that the caller works for; null for others.';
--> statement-breakpoint
comment on function muster.is_vin(text) is 'Whether the text is a vehicle identification number with the right check digit (49 CFR 565.15).';
--> statement-breakpoint
comment on policy invitations_read_of_people on public.invitations is 'A company its own, an admin the tenant''s.';
--> statement-breakpoint
comment on policy invitations_withdraw_of_people on public.invitations is 'Until it is accepted, whoever sees it.';
--> statement-breakpoint
comment on policy memberships_read_of_people on public.memberships is
  'One''s own, those of colleagues for the organization; admins all of the tenant.';
--> statement-breakpoint
comment on policy internal on public.brokers is 'Background work and the security definer functions; their grants say how far they reach.';
--> statement-breakpoint
comment on function muster.tg_set_tenant_of_carrier() is
  'What belongs to a carrier is in its tenant; whose it may be the insert policy decides.';
--> statement-breakpoint
comment on policy brokers_read on public.brokers is 'Office and dispatchers those of their carrier; admins all of the tenant.';
--> statement-breakpoint
comment on policy brokers_create on public.brokers is 'Office and dispatchers for their carrier; admins for any of the tenant.';
--> statement-breakpoint
comment on policy brokers_edit on public.brokers is 'Whoever sees it.';
--> statement-breakpoint
comment on policy brokers_remove on public.brokers is 'The office of its carrier, and admins.';
--> statement-breakpoint
comment on function muster.codes_of_freight() is 'The codes that rules of freight raise, with their SQLSTATEs: none yet.';
--> statement-breakpoint
comment on policy internal on public.drivers is 'Background work and the security definer functions; their grants say how far they reach.';
--> statement-breakpoint
comment on function muster.tg_drivers__check_member() is 'A driver is a user with that role for the carrier.';
--> statement-breakpoint
comment on policy drivers_read on public.drivers is
  'Office and dispatchers those of their carrier; drivers themselves; admins all of the tenant.';
--> statement-breakpoint
comment on policy drivers_create on public.drivers is 'The office for its carrier; admins for any of the tenant.';
--> statement-breakpoint
comment on policy drivers_edit on public.drivers is 'The office of its carrier, and admins.';
--> statement-breakpoint
comment on policy drivers_remove on public.drivers is 'The office of its carrier, and admins.';
--> statement-breakpoint
comment on function muster.roles_of_freight() is 'The roles of freight, with the kinds of their organizations.';
--> statement-breakpoint
comment on function muster.invites_of_freight(text, uuid) is 'The office invites the people of its carrier. For muster.create_invitation.';
--> statement-breakpoint
comment on function muster.groups_of_freight(uuid[]) is 'To which groups the people of carriers and brokers belong.';
--> statement-breakpoint
comment on policy organizations_read_of_freight on public.organizations is 'The people of a carrier and of a broker their own.';
--> statement-breakpoint
comment on policy users_read_of_freight on public.users is 'Office and dispatchers the people of their carrier.';
--> statement-breakpoint
comment on policy memberships_read_of_freight on public.memberships is 'Office and dispatchers those of their carrier.';
--> statement-breakpoint
comment on policy invitations_read_of_freight on public.invitations is 'The office its own.';
--> statement-breakpoint
comment on policy invitations_withdraw_of_freight on public.invitations is 'Until it is accepted, the office its own.';
--> statement-breakpoint
comment on policy internal on public.trailers is 'Background work and the security definer functions; their grants say how far they reach.';
--> statement-breakpoint
comment on policy trailers_read on public.trailers is 'Office and dispatchers those of their carrier; admins all of the tenant.';
--> statement-breakpoint
comment on policy trailers_create on public.trailers is 'The office for its carrier; admins for any of the tenant.';
--> statement-breakpoint
comment on policy trailers_edit on public.trailers is 'The office of its carrier, and admins.';
--> statement-breakpoint
comment on policy trailers_remove on public.trailers is 'The office of its carrier, and admins.';
--> statement-breakpoint
comment on policy internal on public.trucks is 'Background work and the security definer functions; their grants say how far they reach.';
--> statement-breakpoint
comment on policy trucks_read on public.trucks is 'Office and dispatchers those of their carrier; admins all of the tenant.';
--> statement-breakpoint
comment on policy trucks_create on public.trucks is 'The office for its carrier; admins for any of the tenant.';
--> statement-breakpoint
comment on policy trucks_edit on public.trucks is 'The office of its carrier, and admins.';
--> statement-breakpoint
comment on policy trucks_remove on public.trucks is 'The office of its carrier, and admins.';
--> statement-breakpoint
select muster.declare_audiences();
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1796004596_freight_records_rules';
