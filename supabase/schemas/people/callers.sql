-- Callers: who is calling, for the rules of every table.
--
-- * Each function returns null for everybody it is not about, so that `column = (select muster.company_id())` is a complete
--   rule: an id belongs to one tenant, and null equals nothing.
-- * A user has a role as long as they have a membership with it: nothing here asks for `users.role`, with which they came.
-- * They are plpgsql so that their plans are kept, and security definer because they read tables whose policies use them.
-- * A deleted or suspended user has a valid token for a while: these functions know nothing of them, and a policy that uses `auth.uid()`
--   compares a `tenant_id` as well, which they no longer have.
-- * Columns have them as defaults: this file runs before the tables are made.
-- * Which roles there are is said here, too: triggers of several tables ask.

create or replace function muster.tenant_id() returns uuid
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return (select u.tenant_id from public.users u where u.id = muster.user_id() and u.deleted_at is null and u.suspended_at is null);
end
$$;
comment on function muster.tenant_id() is 'The caller''s tenant.';

create or replace function muster.admin_tenant_id() returns uuid
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  -- Read from the claims once: the join would do so for each of its tables.
  caller constant uuid := muster.user_id();
begin
  return (
    select m.tenant_id
    from public.memberships m
    join public.users u on u.id = m.user_id
    where m.user_id = caller and m.role = 'admin' and u.deleted_at is null and u.suspended_at is null
  );
end
$$;
comment on function muster.admin_tenant_id() is 'The tenant that the caller administers; null for others.';

create or replace function muster.company_id() returns uuid
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  -- Read from the claims once: the join would do so for each of its tables.
  caller constant uuid := muster.user_id();
begin
  return (
    select m.organization_id
    from public.memberships m
    join public.users u on u.id = m.user_id
    where m.user_id = caller and m.role = 'company' and u.deleted_at is null and u.suspended_at is null
  );
end
$$;
comment on function muster.company_id() is 'The company that the caller works for; null for others.';

create or replace function muster.client_id() returns uuid
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  -- Read from the claims once: the join would do so for each of its tables.
  caller constant uuid := muster.user_id();
begin
  return (
    select m.organization_id
    from public.memberships m
    join public.users u on u.id = m.user_id
    where m.user_id = caller and m.role = 'client' and u.deleted_at is null and u.suspended_at is null
  );
end
$$;
comment on function muster.client_id() is 'The client that the caller works for; null for others.';

create or replace function muster.company_client_ids() returns uuid[]
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select array_agg(c.client_id) from public.company_clients c where c.company_id = muster.company_id()
  );
end
$$;
comment on function muster.company_client_ids() is 'The clients of the caller''s company; null for others.';

create or replace function muster.client_company_ids() returns uuid[]
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select array_agg(c.company_id) from public.company_clients c where c.client_id = muster.client_id()
  );
end
$$;
comment on function muster.client_company_ids() is 'The companies that work for the caller''s client organization; null for others.';

create or replace function muster.roles_of_people() returns jsonb
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return jsonb_build_object('admin', null);
comment on function muster.roles_of_people() is 'The roles that people knows by itself, with the kinds of their organizations.';

create or replace function muster.roles() returns jsonb
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  roles text;
  part jsonb;
  found_ jsonb := '{}';
begin
  for roles in select muster.functions_of('roles') loop
    execute format('select muster.%I()', roles) into part;
    found_ := found_ || part;
  end loop;
  return found_;
end
$$;
comment on function muster.roles() is 'The roles of all modules, each with the kind of organization for which one has it; null for none.';

-- Both refuse as the check constraints that they stand for: no constraint can ask the modules.
create or replace function muster.tg_set_organization_kind() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  roles constant jsonb := muster.roles();
begin
  if not roles ? new.role then
    raise exception using
      errcode = 'check_violation', schema = tg_table_schema, table = tg_table_name, column = 'role',
      constraint = tg_table_name || '_role_known', message = 'no module has this role';
  end if;
  new.organization_kind := roles ->> new.role;
  return new;
end
$$;
comment on function muster.tg_set_organization_kind() is
  'A role that no module has is refused. The kind of its organization is written beside it, for the foreign key.';

create or replace function muster.tg_organizations__check_kind() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if exists (select from jsonb_each_text(muster.roles()) r where r.value = new.kind) then
    return new;
  end if;
  raise exception using
    errcode = 'check_violation', schema = 'public', table = 'organizations', column = 'kind',
    constraint = 'organizations_kind_known', message = 'no module has organizations of this kind';
end
$$;
comment on function muster.tg_organizations__check_kind() is 'A kind that no role of a module belongs to is refused.';

grant execute on function
  muster.tenant_id(),
  muster.admin_tenant_id(),
  muster.company_id(),
  muster.client_id(),
  muster.company_client_ids(),
  muster.client_company_ids()
to anon, authenticated, service_role, muster_definer;
-- The API calls it in one statement, which takes on the caller's role after the login was asked for this privilege.
grant execute on function muster.tenant_id() to muster_api;

alter function muster.tenant_id() owner to muster_definer;
alter function muster.admin_tenant_id() owner to muster_definer;
alter function muster.company_id() owner to muster_definer;
alter function muster.client_id() owner to muster_definer;
alter function muster.company_client_ids() owner to muster_definer;
alter function muster.client_company_ids() owner to muster_definer;

grant execute on function muster.roles_of_people(), muster.roles() to authenticated, service_role, muster_definer;
