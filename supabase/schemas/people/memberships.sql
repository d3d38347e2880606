-- Memberships: the roles that a user has, each with the organization for which they have it.
--
-- * A user has a role at most once, and at any number of roles at once: one person may be a guard and a driver. A module whose roles
--   exclude each other has an index that says so.
-- * Roles are those of the modules: muster.roles_of_<module>() has them, each with the kind of organization for which one has it, or
--   null. The kinds of organizations are those of the roles.
-- * Nobody writes memberships: they come with the user (users.sql), or with an invitation (invitations.sql).
-- * Users see their own, colleagues those for their organization, admins all of the tenant.
-- * When a membership changes, the change feed reads again to which groups its user belongs.

select muster.follow_table('public.memberships');

create or replace function muster.members_as(in_role text, organization uuid) returns setof uuid
language sql
stable
set search_path = pg_catalog, pg_temp
begin atomic
  select m.user_id
  from public.memberships m
  join public.users u on u.id = m.user_id
  where m.organization_id = organization and m.role = in_role and u.deleted_at is null and u.suspended_at is null;
end;
comment on function muster.members_as(text, uuid) is 'The users who have a role for an organization: whoever is told of what concerns it.';
grant execute on function muster.members_as(text, uuid) to muster_definer;

-- ---- Triggers ---------------------------------------------------------------------------------------------------------

create or replace trigger a_set_kind before insert or update of role, organization_kind on public.memberships
  for each row execute function muster.tg_set_organization_kind();
create or replace trigger note_caller after insert or update or delete on public.memberships
  for each row execute function muster.tg_note_caller('user_id');
-- One that is written with triggers off, too, counts at once.
alter table public.memberships enable always trigger note_caller;

-- ---- Policies ---------------------------------------------------------------------------------------------------------

drop policy if exists memberships_read_of_people on public.memberships;
create policy memberships_read_of_people on public.memberships for select to authenticated
  using (
    (user_id = (select auth.uid()) and tenant_id = (select muster.tenant_id()))
    or organization_id = (select muster.company_id())
    or organization_id = (select muster.client_id())
    or tenant_id = (select muster.admin_tenant_id())
  );
comment on policy memberships_read_of_people on public.memberships is
  'One''s own, those of colleagues for the organization; admins all of the tenant.';

-- ---- Grants -----------------------------------------------------------------------------------------------------------

grant select on public.memberships to authenticated;
grant select, insert, update, delete on public.memberships to service_role;
grant select, insert, update on public.memberships to muster_definer;
