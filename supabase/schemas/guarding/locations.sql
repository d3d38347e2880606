-- Locations: where shifts are.
--
-- * A location is in its organization's tenant; its organization and admins edit it, and companies see their clients'.
-- * Its time zone is one that this server knows, by its present name.
-- * Shifts that are not over follow a location that moves, until they have begun (hours.sql); a location with such shifts is not removed.
-- * Locks are taken in the order location, shift, professional (shifts.sql).

select muster.follow_table('public.locations', soft_delete => true);

create or replace function muster.tg_locations__name_time_zone() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  known constant text := muster.canonical_time_zone(new.time_zone);
begin
  if known is null then
    raise exception using
      errcode = 'check_violation',
      message = 'no time zone that this server knows',
      schema = 'public', table = 'locations', column = 'time_zone', constraint = 'locations_time_zone_known';
  end if;
  new.time_zone := known;
  return new;
end
$$;
comment on function muster.tg_locations__name_time_zone() is
  'Only time zones that exist are stored, by their present name. A row whose zone has gone since can still be changed.';

create or replace function muster.tg_locations__move_shifts() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, extensions, public, pg_temp
as $$
begin
  -- A shift that came here while this waited for the location must be seen.
  perform muster.require_read_committed();
  -- All shifts, then all professionals, each in one order: two locations that move at once do not deadlock.
  perform from public.shifts s
  where s.location_id = new.id and s.status in ('draft', 'published', 'assigned', 'active')
  order by s.id
  for no key update;
  perform from public.security_professionals p
  where p.id in (
    select s.professional_id from public.shifts s
    where s.location_id = new.id and s.status in ('assigned', 'active')
  )
  order by p.id
  for no key update;
  -- A shift that has begun stays where its professional was sent.
  update public.shifts s
  set location_point = new.location_point, time_zone = new.time_zone
  where s.location_id = new.id
    and (s.time_zone <> new.time_zone or s.location_point::text <> new.location_point::text)
    and (
      s.status in ('draft', 'published')
      or (s.status = 'assigned' and not exists (
        select from public.assignments a
        where a.shift_id = s.id and a.ended_at is null and muster.has_begun(s, a.id)
      ))
    );
  update public.assignments a
  set radius_meters = new.radius_meters
  from public.shifts s
  where s.location_id = new.id
    and s.status = 'assigned'
    and a.shift_id = s.id
    and a.ended_at is null
    and a.radius_meters <> new.radius_meters
    and not muster.has_begun(s, a.id);
  return null;
end
$$;
comment on function muster.tg_locations__move_shifts() is
  'Shifts that are not over follow their location. Security definer: also those of companies that the caller cannot see.';

create or replace function muster.tg_locations__check_unused() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, extensions, public, pg_temp
as $$
begin
  perform muster.require_read_committed();
  if exists (
    select from public.shifts s
    where s.location_id = new.id and s.status in ('draft', 'published', 'assigned', 'active') and s.deleted_at is null
  ) then
    perform muster.fail('location_in_use');
  end if;
  return null;
end
$$;
comment on function muster.tg_locations__check_unused() is 'A location with shifts that are not over cannot be removed.';

-- An organization that the caller does not see does not exist.
create or replace function muster.tg_set_tenant_from_organization() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  select o.tenant_id into new.tenant_id
  from public.organizations o
  where o.id = new.organization_id and o.deleted_at is null;
  if not found then
    perform muster.fail('not_found', 'organization_id');
  end if;
  return new;
end
$$;
comment on function muster.tg_set_tenant_from_organization() is
  'A location is in its organization''s tenant; whose it may be the insert policy decides.';

-- ---- Triggers ---------------------------------------------------------------------------------------------------------

create or replace trigger b_name_time_zone_on_insert before insert on public.locations
  for each row execute function muster.tg_locations__name_time_zone();
create or replace trigger b_name_time_zone_on_update before update on public.locations
  for each row when (old.time_zone is distinct from new.time_zone)
  execute function muster.tg_locations__name_time_zone();
create or replace trigger move_shifts after update on public.locations
  for each row when (
    old.time_zone <> new.time_zone or old.location_point::text <> new.location_point::text
    or old.radius_meters <> new.radius_meters
  )
  execute function muster.tg_locations__move_shifts();
create or replace trigger check_unused after update on public.locations
  for each row when (old.deleted_at is null and new.deleted_at is not null)
  execute function muster.tg_locations__check_unused();
create or replace trigger a_set_tenant before insert on public.locations
  for each row execute function muster.tg_set_tenant_from_organization();

-- ---- Policies ---------------------------------------------------------------------------------------------------------

drop policy if exists locations_read on public.locations;
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
        and exists (select from public.shifts s where s.location_id = locations.id offset 0)
      )
    )
  );
comment on policy locations_read on public.locations is
  'Companies theirs and their clients''; clients theirs; guards those of the shifts that they see; admins the tenant''s.';
drop policy if exists locations_create on public.locations;
create policy locations_create on public.locations for insert to authenticated
  with check (
    organization_id = (select muster.company_id())
    or organization_id = any ((select muster.company_client_ids())::uuid[])
    or organization_id = (select muster.client_id())
    or tenant_id = (select muster.admin_tenant_id())
  );
comment on policy locations_create on public.locations is
  'Companies for themselves and their clients; clients for themselves; admins for any organization of the tenant.';
drop policy if exists locations_edit on public.locations;
create policy locations_edit on public.locations for update to authenticated
  using (
    deleted_at is null
    and (
      organization_id = (select muster.company_id())
      or organization_id = (select muster.client_id())
      or tenant_id = (select muster.admin_tenant_id())
    )
  )
  with check (
    organization_id = (select muster.company_id())
    or organization_id = (select muster.client_id())
    or tenant_id = (select muster.admin_tenant_id())
  );
comment on policy locations_edit on public.locations is 'Its own organization, and admins.';
drop policy if exists locations_remove on public.locations;
create policy locations_remove on public.locations for delete to authenticated
  using (
    deleted_at is null
    and (
      organization_id = (select muster.company_id())
      or organization_id = (select muster.client_id())
      or tenant_id = (select muster.admin_tenant_id())
    )
  );
comment on policy locations_remove on public.locations is 'Its own organization, and admins.';

-- ---- Grants -----------------------------------------------------------------------------------------------------------

grant select, delete on public.locations to authenticated;
grant insert (id, organization_id, name, address, location_point, radius_meters, time_zone)
  on public.locations to authenticated;
grant update (name, address, location_point, radius_meters, time_zone) on public.locations to authenticated;
grant select, insert, update, delete on public.locations to service_role;
grant select, update on public.locations to muster_definer;

alter function muster.tg_locations__move_shifts() owner to muster_definer;
alter function muster.tg_locations__check_unused() owner to muster_definer;
