-- Users: one for each known token, in one tenant.
--
-- * Nobody writes users: they come with an invitation (invitations.sql), or with their tenant (tenants.sql).
-- * `email` is granted to nobody: muster.me() tells callers theirs.
-- * When a user changes, the change feed reads again to which groups that user belongs.

select muster.follow_table('public.users');

create or replace function muster.me() returns jsonb
language sql
stable
security definer
set search_path = pg_catalog, extensions, public, pg_temp
as $$
  select jsonb_build_object(
    'id', u.id, 'tenant_id', u.tenant_id, 'organization_id', u.organization_id, 'role', u.role, 'name', u.name,
    'email', u.email, 'created_at', u.created_at,
    'tenant_name', t.name,
    'organization', case when o.id is not null then jsonb_build_object(
      'id', o.id, 'name', o.name, 'kind', o.kind
    ) end,
    'professional', case when p.id is not null then jsonb_build_object(
      'id', p.id, 'status', p.status,
      'latitude', st_y(p.home_point::geometry), 'longitude', st_x(p.home_point::geometry)
    ) end
  )
  from public.users u
  join public.tenants t on t.id = u.tenant_id
  left join public.organizations o on o.id = u.organization_id
  left join public.security_professionals p on p.user_id = u.id and p.deleted_at is null
  where u.id = muster.user_id() and u.deleted_at is null
$$;
comment on function muster.me() is
  'The caller, with e-mail and home point. Security definer: those columns are granted to nobody.';
grant execute on function muster.me() to authenticated;

-- ---- Triggers ---------------------------------------------------------------------------------------------------------

create or replace trigger note_caller after insert or delete on public.users
  for each row execute function muster.tg_note_caller('id');
create or replace trigger note_caller_on_update after update on public.users
  for each row when (
    (old.id, old.tenant_id, old.organization_id, old.role, old.deleted_at)
    is distinct from (new.id, new.tenant_id, new.organization_id, new.role, new.deleted_at)
  )
  execute function muster.tg_note_caller('id');
-- A user who is written with triggers off, too, sees at once what they may see, and no more.
alter table public.users enable always trigger note_caller;
alter table public.users enable always trigger note_caller_on_update;

-- ---- Policies ---------------------------------------------------------------------------------------------------------

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

-- ---- Grants -----------------------------------------------------------------------------------------------------------

grant select (id, tenant_id, organization_id, role, name, created_at, updated_at, deleted_at)
  on public.users to authenticated;
grant select, insert, update, delete on public.users to service_role;
grant select, insert on public.users to muster_definer;

alter function muster.me() owner to muster_definer;
