-- Access: who sees and does what. Row level security is enabled and forced on every table; nothing is granted that is
-- not written here.
--
-- * `anon` gets nothing.
-- * `authenticated` is everybody with a token; the policies tell company, client, guard and admin apart. One policy per
--   table and command. Every id that a policy compares belongs to one tenant, so tenants never meet.
-- * A deleted user has a valid token for a while: the helpers of foundation.sql know nothing of them, and `auth.uid()`
--   stands beside a `tenant_id`, which they no longer have.
-- * A helper is evaluated on first use, so conditions without a helper come first. A change of an open shift is checked for
--   hundreds of guards at once, so the guards' condition is the first one.
-- * The most expensive condition comes last, and a subquery comes after an `is not null`: `null and exists (…)` runs it for every
--   row. The subquery ends in `offset 0`, so that the planner does not turn it into a hashed subplan: it is an index lookup for each
--   row of a page, where a hash would read all shifts before the first row.
-- * Column grants say what may be written at all: what the database computes is granted to nobody. `email` and
--   `home_point` are not granted for reading either (see registration.sql), nor what is between us and the payment provider.
-- * `service_role` (background work) and `muster_definer` (the security definer functions) see all rows through a policy,
--   and have the table privileges listed at the end.

do $$
declare
  relation regclass;
begin
  foreach relation in array array[
    'public.tenants', 'public.organizations', 'public.company_clients', 'public.users', 'public.invitations',
    'public.security_professionals', 'public.certificates', 'public.locations', 'public.shifts',
    'public.shift_briefings', 'public.gps_checkins', 'public.incidents', 'public.finqle_transactions', 'public.notifications',
    'muster.idempotency_keys', 'muster.idempotency_usage', 'muster.candidate_pages'
  ]::regclass[] loop
    execute format('alter table %s enable row level security', relation);
    execute format('alter table %s force row level security', relation);
    execute format('revoke all on %s from public, anon, authenticated, service_role', relation);
    execute format('drop policy if exists internal on %s', relation);
    execute format(
      'create policy internal on %s to muster_definer, service_role using (true) with check (true)', relation
    );
    execute format(
      'comment on policy internal on %s is %L', relation,
      'Background work and the security definer functions; their grants say how far they reach.'
    );
  end loop;
end
$$;

-- tenants
drop policy if exists tenants_read on public.tenants;
create policy tenants_read on public.tenants for select to authenticated
  using (id = (select muster.tenant_id()));
comment on policy tenants_read on public.tenants is 'One''s own.';

-- organizations
drop policy if exists organizations_read on public.organizations;
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
          exists (
            select from public.shifts s
            where s.company_id = organizations.id and s.start_datetime > now()
            order by s.start_datetime
            offset 0
          )
          or exists (
            select from public.shifts s
            where s.client_id = organizations.id and s.start_datetime > now()
            order by s.start_datetime
            offset 0
          )
          or exists (
            select from public.shifts s
            where s.professional_id = (select muster.professional_id())
              and organizations.id in (s.company_id, s.client_id)
            offset 0
          )
        )
      )
    )
  );
comment on policy organizations_read on public.organizations is
  'Companies and clients see themselves and each other; guards those of the shifts that they see; admins their tenant''s.';
drop policy if exists organizations_create on public.organizations;
create policy organizations_create on public.organizations for insert to authenticated
  with check (tenant_id = (select muster.admin_tenant_id()));
comment on policy organizations_create on public.organizations is 'Admins.';

-- company_clients
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

-- users
drop policy if exists users_read on public.users;
create policy users_read on public.users for select to authenticated
  using (
    deleted_at is null
    and (
      id = (select auth.uid())
      or organization_id = (select muster.company_id())
      or organization_id = (select muster.client_id())
      or tenant_id = (select muster.admin_tenant_id())
      or exists (select from public.security_professionals p where p.user_id = users.id offset 0)
    )
  );
comment on policy users_read on public.users is
  'Oneself, colleagues, the professionals that one sees; admins all of the tenant.';

-- invitations
drop policy if exists invitations_read on public.invitations;
create policy invitations_read on public.invitations for select to authenticated
  using (
    inviting_organization_id = (select muster.company_id())
    or tenant_id = (select muster.admin_tenant_id())
  );
comment on policy invitations_read on public.invitations is 'A company its own, an admin the tenant''s.';
drop policy if exists invitations_withdraw on public.invitations;
create policy invitations_withdraw on public.invitations for delete to authenticated
  using (
    accepted_at is null
    and (inviting_organization_id = (select muster.company_id()) or tenant_id = (select muster.admin_tenant_id()))
  );
comment on policy invitations_withdraw on public.invitations is 'Until it is accepted, whoever sees it.';

-- security_professionals
drop policy if exists security_professionals_read on public.security_professionals;
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
        offset 0
      )
    )
  );
comment on policy security_professionals_read on public.security_professionals is
  'A guard oneself; companies and clients those on their shifts; admins all of the tenant.';
drop policy if exists security_professionals_edit on public.security_professionals;
create policy security_professionals_edit on public.security_professionals for update to authenticated
  using (
    deleted_at is null
    and (id = (select muster.professional_id()) or tenant_id = (select muster.admin_tenant_id()))
  )
  with check (id = (select muster.professional_id()) or tenant_id = (select muster.admin_tenant_id()));
comment on policy security_professionals_edit on public.security_professionals is
  'A guard their home point (a trigger keeps the status for admins); admins all of the tenant.';

-- certificates
drop policy if exists certificates_read on public.certificates;
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
        offset 0
      )
    )
  );
comment on policy certificates_read on public.certificates is
  'Guards their own; companies those of professionals assigned to their shifts; admins all of the tenant.';
drop policy if exists certificates_create on public.certificates;
create policy certificates_create on public.certificates for insert to authenticated
  with check (
    (professional_id = (select muster.professional_id()) and verified_at is null)
    or tenant_id = (select muster.admin_tenant_id())
  );
comment on policy certificates_create on public.certificates is 'Guards their own, unverified; admins any.';
drop policy if exists certificates_edit on public.certificates;
create policy certificates_edit on public.certificates for update to authenticated
  using (deleted_at is null and tenant_id = (select muster.admin_tenant_id()))
  with check (tenant_id = (select muster.admin_tenant_id()));
comment on policy certificates_edit on public.certificates is 'Admins verify and withdraw.';
drop policy if exists certificates_remove on public.certificates;
create policy certificates_remove on public.certificates for delete to authenticated
  using (
    deleted_at is null
    and (
      (professional_id = (select muster.professional_id()) and verified_at is null)
      or tenant_id = (select muster.admin_tenant_id())
    )
  );
comment on policy certificates_remove on public.certificates is 'Guards what is not verified yet; admins any.';

-- locations
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

-- shifts
drop policy if exists shifts_read on public.shifts;
create policy shifts_read on public.shifts for select to authenticated
  using (
    deleted_at is null
    and (
      (status = 'published' and start_datetime > now() and tenant_id = (select muster.guard_tenant_id()))
      or company_id = (select muster.company_id())
      or (status <> 'draft' and client_id = (select muster.client_id()))
      or professional_id = (select muster.professional_id())
      or tenant_id = (select muster.admin_tenant_id())
    )
  );
comment on policy shifts_read on public.shifts is
  'Companies theirs; clients those at their sites, no drafts; guards those that are open and their own, also cancelled ones; admins all.';
drop policy if exists shifts_create on public.shifts;
create policy shifts_create on public.shifts for insert to authenticated
  with check (
    company_id = (select muster.company_id())
    or tenant_id = (select muster.admin_tenant_id())
  );
comment on policy shifts_create on public.shifts is 'Companies their own; admins for any company of the tenant.';
drop policy if exists shifts_edit on public.shifts;
create policy shifts_edit on public.shifts for update to authenticated
  using (
    deleted_at is null
    and (
      company_id = (select muster.company_id())
      or (tenant_id = (select muster.guard_tenant_id()) and status = 'published' and start_datetime > now())
      or tenant_id = (select muster.admin_tenant_id())
    )
  )
  with check (
    company_id = (select muster.company_id())
    or (professional_id = (select muster.professional_id()) and status = 'assigned')
    or tenant_id = (select muster.admin_tenant_id())
  );
comment on policy shifts_edit on public.shifts is
  'Companies theirs; guards claim an open one (a trigger holds them to that); admins all.';
drop policy if exists shifts_remove on public.shifts;
create policy shifts_remove on public.shifts for delete to authenticated
  using (
    deleted_at is null
    and (company_id = (select muster.company_id()) or tenant_id = (select muster.admin_tenant_id()))
  );
comment on policy shifts_remove on public.shifts is 'Companies theirs; admins all. A trigger makes it a soft delete.';

-- shift_briefings
drop policy if exists shift_briefings_read on public.shift_briefings;
create policy shift_briefings_read on public.shift_briefings for select to authenticated
  using (
    deleted_at is null
    and (
      company_id = (select muster.company_id())
      or client_id = (select muster.client_id())
      or professional_id = (select muster.professional_id())
      or tenant_id = (select muster.admin_tenant_id())
    )
  );
comment on policy shift_briefings_read on public.shift_briefings is
  'Company and client of the shift (no drafts), its guard, admins. A trigger keeps the columns as the shift has them.';
drop policy if exists shift_briefings_create on public.shift_briefings;
create policy shift_briefings_create on public.shift_briefings for insert to authenticated
  with check (
    company_id = (select muster.company_id())
    or tenant_id = (select muster.admin_tenant_id())
  );
comment on policy shift_briefings_create on public.shift_briefings is 'Those who manage the shift.';
drop policy if exists shift_briefings_edit on public.shift_briefings;
create policy shift_briefings_edit on public.shift_briefings for update to authenticated
  using (
    deleted_at is null
    and (company_id = (select muster.company_id()) or tenant_id = (select muster.admin_tenant_id()))
  )
  with check (company_id = (select muster.company_id()) or tenant_id = (select muster.admin_tenant_id()));
comment on policy shift_briefings_edit on public.shift_briefings is 'Those who manage the shift; only the text is granted.';

-- gps_checkins
drop policy if exists gps_checkins_read on public.gps_checkins;
create policy gps_checkins_read on public.gps_checkins for select to authenticated
  using (
    company_id = (select muster.company_id())
    or client_id = (select muster.client_id())
    or professional_id = (select muster.professional_id())
    or tenant_id = (select muster.admin_tenant_id())
  );
comment on policy gps_checkins_read on public.gps_checkins is
  'Company and client of the shift; the guard; admins.';
drop policy if exists gps_checkins_create on public.gps_checkins;
create policy gps_checkins_create on public.gps_checkins for insert to authenticated
  with check (professional_id = (select muster.professional_id()));
comment on policy gps_checkins_create on public.gps_checkins is 'The guard of the shift (a trigger says who that is).';

-- incidents
drop policy if exists incidents_read on public.incidents;
create policy incidents_read on public.incidents for select to authenticated
  using (
    deleted_at is null
    and (
      company_id = (select muster.company_id())
      or client_id = (select muster.client_id())
      or (reported_by = (select auth.uid()) and tenant_id = (select muster.tenant_id()))
      or tenant_id = (select muster.admin_tenant_id())
    )
  );
comment on policy incidents_read on public.incidents is 'Company and client of the shift; who reported it; admins.';
drop policy if exists incidents_create on public.incidents;
create policy incidents_create on public.incidents for insert to authenticated
  with check (
    reported_by = (select auth.uid())
    and exists (
      select from public.shifts s
      where s.id = shift_id and s.professional_id = (select muster.professional_id()) and s.status <> 'cancelled'
    )
  );
comment on policy incidents_create on public.incidents is 'A guard, of a shift of their own that was not cancelled.';
drop policy if exists incidents_edit on public.incidents;
create policy incidents_edit on public.incidents for update to authenticated
  using (
    deleted_at is null
    and (company_id = (select muster.company_id()) or tenant_id = (select muster.admin_tenant_id()))
  )
  with check (company_id = (select muster.company_id()) or tenant_id = (select muster.admin_tenant_id()));
comment on policy incidents_edit on public.incidents is 'The company of the shift, and admins; only the status is granted.';

-- Runs with the rights of whoever writes: a shift that they do not see does not exist.
create or replace function muster.tg_incidents__copy_shift() returns trigger
language plpgsql
set search_path = pg_catalog, extensions, public, pg_temp
as $$
begin
  select s.tenant_id, s.company_id, s.client_id into new.tenant_id, new.company_id, new.client_id
  from public.shifts s
  where s.id = new.shift_id and s.deleted_at is null;
  if not found then
    perform muster.fail('not_found', 'shift_id');
  end if;
  new.reported_by := coalesce(muster.user_id(), new.reported_by);
  return new;
end
$$;
comment on function muster.tg_incidents__copy_shift() is
  'Whose incident it is follows from the shift; of those that the caller sees, the insert policy decides.';
create or replace trigger a_copy_shift before insert on public.incidents
  for each row execute function muster.tg_incidents__copy_shift();
create or replace trigger b_edit_trail before insert or update on public.incidents
  for each row execute function muster.set_edit_trail();

-- As above: an organization that the caller does not see does not exist.
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
create or replace trigger a_set_tenant before insert on public.locations
  for each row execute function muster.tg_set_tenant_from_organization();

-- finqle_transactions
drop policy if exists finqle_transactions_read on public.finqle_transactions;
create policy finqle_transactions_read on public.finqle_transactions for select to authenticated
  using (
    company_id = (select muster.company_id())
    or professional_id = (select muster.professional_id())
    or tenant_id = (select muster.admin_tenant_id())
  );
comment on policy finqle_transactions_read on public.finqle_transactions is
  'The company that pays, the guard who is paid, admins. Nobody writes: payments follow assignments.';

-- notifications
drop policy if exists notifications_read on public.notifications;
create policy notifications_read on public.notifications for select to authenticated
  using (
    (user_id = (select auth.uid()) and tenant_id = (select muster.tenant_id()))
    or tenant_id = (select muster.admin_tenant_id())
  );
comment on policy notifications_read on public.notifications is 'One''s own; admins all of the tenant.';
drop policy if exists notifications_mark on public.notifications;
create policy notifications_mark on public.notifications for update to authenticated
  using (user_id = (select auth.uid()) and tenant_id = (select muster.tenant_id()))
  with check (user_id = (select auth.uid()) and tenant_id = (select muster.tenant_id()));
comment on policy notifications_mark on public.notifications is 'One''s own: read_at is all that is granted.';

-- Grants to callers.
grant select on public.tenants, public.organizations, public.company_clients, public.certificates, public.locations,
  public.shifts, public.shift_briefings, public.gps_checkins, public.incidents, public.notifications
to authenticated;
grant select (id, tenant_id, company_id, shift_id, professional_id, amount, status, provider_reference, created_at,
  updated_at)
  on public.finqle_transactions to authenticated;
grant select (id, tenant_id, organization_id, role, name, created_at, updated_at, deleted_at)
  on public.users to authenticated;
grant select (id, tenant_id, user_id, status, created_at, updated_at, deleted_at)
  on public.security_professionals to authenticated;
grant select (id, tenant_id, organization_id, role, email, expires_at, accepted_at, accepted_by, created_by,
  inviting_organization_id, created_at, updated_at)
  on public.invitations to authenticated;
grant delete on public.invitations to authenticated;
grant insert (id, tenant_id, name, kind, nd_number) on public.organizations to authenticated;
grant insert (id, tenant_id, company_id, client_id) on public.company_clients to authenticated;
grant delete on public.company_clients to authenticated;
grant update (home_point, status) on public.security_professionals to authenticated;
grant insert (id, professional_id, company_id, kind, number, valid_until) on public.certificates to authenticated;
grant update (verified_at, valid_until) on public.certificates to authenticated;
grant delete on public.certificates to authenticated;
grant insert (id, organization_id, name, address, location_point, radius_meters, time_zone)
  on public.locations to authenticated;
grant update (name, address, location_point, radius_meters, time_zone) on public.locations to authenticated;
grant delete on public.locations to authenticated;
grant insert (id, company_id, location_id, status, start_datetime, end_datetime, hourly_rate, overtime_rate,
  required_certificates, title, description)
  on public.shifts to authenticated;
grant update (location_id, professional_id, status, start_datetime, end_datetime, hourly_rate, overtime_rate,
  required_certificates, title, description, cancel_reason)
  on public.shifts to authenticated;
grant delete on public.shifts to authenticated;
grant insert (id, shift_id, text) on public.shift_briefings to authenticated;
grant update (text) on public.shift_briefings to authenticated;
grant insert (id, shift_id, kind, gps_point, accuracy_meters, recorded_at) on public.gps_checkins to authenticated;
grant insert (id, shift_id, category, severity, description, incident_point, occurred_at)
  on public.incidents to authenticated;
grant update (status) on public.incidents to authenticated;
grant update (read_at) on public.notifications to authenticated;

-- Grants to background work and to the security definer functions.
grant select, insert, update, delete on
  public.tenants, public.organizations, public.company_clients, public.users, public.invitations,
  public.security_professionals, public.certificates, public.locations, public.shifts, public.shift_briefings,
  public.gps_checkins, public.incidents, public.finqle_transactions, public.notifications
to service_role;
grant select on
  public.tenants, public.organizations, public.company_clients, public.users, public.invitations,
  public.security_professionals, public.certificates, public.locations, public.shifts, public.shift_briefings,
  public.gps_checkins, public.finqle_transactions
to muster_definer;
grant insert on
  public.tenants, public.users, public.invitations, public.security_professionals, public.finqle_transactions,
  public.notifications
to muster_definer;
-- With the professional, which no caller may name: see check-ins.sql.
grant insert (id, shift_id, professional_id, kind, gps_point, accuracy_meters, recorded_at) on public.gps_checkins
to muster_definer;
grant update on
  public.invitations, public.security_professionals, public.certificates, public.locations, public.shifts,
  public.shift_briefings, public.finqle_transactions
to muster_definer;
grant select, insert, update, delete on muster.idempotency_keys, muster.idempotency_usage to muster_definer;
grant select, insert, update on muster.candidate_pages to muster_definer;
