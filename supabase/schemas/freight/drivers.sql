-- Drivers: who drives for a carrier.
--
-- * A driver is a user with the role `driver` for that carrier: who has left it drives no more, and their record stays.
-- * The office writes drivers, and admins of the tenant; dispatchers see them, and drivers themselves.
-- * What they are paid is not here, because dispatchers see nothing of pay (driver-pay-terms.sql).
-- * By which rules of hours of service they drive, and where their days begin, is on record (hours-of-service.sql).

select muster.follow_table('public.drivers', soft_delete => true);

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
comment on function muster.tg_drivers__check_member() is 'A driver is a user with that role for the carrier.';

create or replace function muster.tg_drivers__name_time_zone() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  known constant text := muster.canonical_time_zone(new.home_time_zone);
begin
  if known is null then
    raise exception using
      errcode = 'check_violation', schema = 'public', table = 'drivers', column = 'home_time_zone',
      constraint = 'drivers_home_time_zone_known', message = 'no time zone that this server knows';
  end if;
  new.home_time_zone := known;
  return new;
end
$$;
comment on function muster.tg_drivers__name_time_zone() is 'Only time zones that exist are stored, by their present name.';

-- ---- Triggers ---------------------------------------------------------------------------------------------------------

create or replace trigger a_set_tenant before insert on public.drivers
  for each row execute function muster.tg_set_tenant_of_carrier();
create or replace trigger b_check_member before insert on public.drivers
  for each row execute function muster.tg_drivers__check_member();
create or replace trigger c_name_time_zone_on_insert before insert on public.drivers
  for each row execute function muster.tg_drivers__name_time_zone();
create or replace trigger c_name_time_zone_on_update before update on public.drivers
  for each row when (old.home_time_zone <> new.home_time_zone)
  execute function muster.tg_drivers__name_time_zone();
create or replace trigger note_caller after insert or delete on public.drivers
  for each row execute function muster.tg_note_caller('user_id');
create or replace trigger note_caller_on_update after update on public.drivers
  for each row when (
    (old.id, old.user_id, old.organization_id, old.deleted_at)
    is distinct from (new.id, new.user_id, new.organization_id, new.deleted_at)
  )
  execute function muster.tg_note_caller('user_id');
alter table public.drivers enable always trigger note_caller;
alter table public.drivers enable always trigger note_caller_on_update;

-- ---- Policies ---------------------------------------------------------------------------------------------------------

drop policy if exists drivers_read on public.drivers;
create policy drivers_read on public.drivers for select to authenticated
  using (
    deleted_at is null
    and (
      organization_id = (select muster.carrier_id())
      or id = (select muster.driver_id())
      or tenant_id = (select muster.admin_tenant_id())
    )
  );
comment on policy drivers_read on public.drivers is
  'Office and dispatchers those of their carrier; drivers themselves; admins all of the tenant.';
drop policy if exists drivers_create on public.drivers;
create policy drivers_create on public.drivers for insert to authenticated
  with check (organization_id = (select muster.office_carrier_id()) or tenant_id = (select muster.admin_tenant_id()));
comment on policy drivers_create on public.drivers is 'The office for its carrier; admins for any of the tenant.';
drop policy if exists drivers_edit on public.drivers;
create policy drivers_edit on public.drivers for update to authenticated
  using (
    deleted_at is null
    and (organization_id = (select muster.office_carrier_id()) or tenant_id = (select muster.admin_tenant_id()))
  )
  with check (organization_id = (select muster.office_carrier_id()) or tenant_id = (select muster.admin_tenant_id()));
comment on policy drivers_edit on public.drivers is 'The office of its carrier, and admins.';
drop policy if exists drivers_remove on public.drivers;
create policy drivers_remove on public.drivers for delete to authenticated
  using (
    deleted_at is null
    and (organization_id = (select muster.office_carrier_id()) or tenant_id = (select muster.admin_tenant_id()))
  );
comment on policy drivers_remove on public.drivers is 'The office of its carrier, and admins.';

-- ---- Grants -----------------------------------------------------------------------------------------------------------

grant select, delete on public.drivers to authenticated;
grant insert (id, organization_id, user_id, name, license_number, license_class, license_valid_until, endorsements, driver_type, status, hire_date,
  termination_date, hours_pack, hours_cycle, home_time_zone)
  on public.drivers to authenticated;
grant update (name, license_number, license_class, license_valid_until, endorsements, driver_type, status, hire_date, termination_date, hours_pack,
  hours_cycle, home_time_zone)
  on public.drivers to authenticated;
grant select, insert, update, delete on public.drivers to service_role;
