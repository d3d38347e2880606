-- Users: one for each known token, in one tenant.
--
-- * Nobody writes users: they come with an invitation (invitations.sql), or with their tenant (tenants.sql).
-- * `email` is granted to nobody: muster.me() tells callers theirs.
-- * Others see those whom a module above shows them, by a policy of its own; what else it knows of the caller, it adds to
--   muster.me by a function muster.me_of_<module>(caller).
-- * When a user changes, the change feed reads again to which groups that user belongs.

select muster.follow_table('public.users');

create or replace function muster.me() returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  caller constant uuid := muster.user_id();
  answer jsonb;
  more text;
  added jsonb;
begin
  select jsonb_build_object(
    'id', u.id, 'tenant_id', u.tenant_id, 'organization_id', u.organization_id, 'role', u.role, 'name', u.name,
    'email', u.email, 'created_at', u.created_at,
    'tenant_name', t.name,
    'organization', case when o.id is not null then jsonb_build_object(
      'id', o.id, 'name', o.name, 'kind', o.kind
    ) end
  ) into answer
  from public.users u
  join public.tenants t on t.id = u.tenant_id
  left join public.organizations o on o.id = u.organization_id
  where u.id = caller and u.deleted_at is null;
  if answer is not null then
    for more in select muster.functions_of('me') loop
      execute format('select muster.%I($1)', more) into added using caller;
      answer := answer || added;
    end loop;
  end if;
  return answer;
end
$$;
comment on function muster.me() is
  'The caller, with e-mail, and what modules know of them. Security definer: columns that are granted to nobody are in it.';
grant execute on function muster.me() to authenticated;

create or replace function muster.groups_of_people(callers uuid[]) returns table (caller uuid, groups text[])
language sql
stable
set search_path = pg_catalog, pg_temp
begin atomic
  -- A deleted user has a token, and no tenant.
  select u.id, array[
    'user:' || u.id,
    case u.role when 'admin' then 'admins:' || u.tenant_id end,
    case u.role when 'company' then 'company:' || u.organization_id end,
    case u.role when 'client' then 'client:' || u.organization_id end
  ]
  from public.users u
  where u.id = any (callers) and u.deleted_at is null;
end;
comment on function muster.groups_of_people(uuid[]) is 'To which groups callers belong whom people tells apart.';
grant execute on function muster.groups_of_people(uuid[]) to muster_definer;

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

drop policy if exists users_read_of_people on public.users;
create policy users_read_of_people on public.users for select to authenticated
  using (
    deleted_at is null
    and (
      id = (select auth.uid())
      or organization_id = (select muster.company_id())
      or organization_id = (select muster.client_id())
      or tenant_id = (select muster.admin_tenant_id())
    )
  );
comment on policy users_read_of_people on public.users is
  'Oneself, colleagues; admins all of the tenant.';

-- ---- Grants -----------------------------------------------------------------------------------------------------------

grant select (id, tenant_id, organization_id, role, name, created_at, updated_at, deleted_at)
  on public.users to authenticated;
grant select, insert, update, delete on public.users to service_role;
grant select, insert on public.users to muster_definer;

alter function muster.me() owner to muster_definer;
