-- Callers: who is calling, for the rules of every table.
--
-- * Each function returns null for everybody it is not about, so that `column = (select muster.company_id())` is a complete
--   rule: an id belongs to one tenant, and null equals nothing.
-- * They are plpgsql so that their plans are kept, and security definer because they read `users`, whose policies use them.
-- * A deleted user has a valid token for a while: these functions know nothing of them, and a policy that uses `auth.uid()`
--   compares a `tenant_id` as well, which a deleted user no longer has.
-- * Columns have them as defaults: this file runs before the tables are made.

create or replace function muster.tenant_id() returns uuid
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return (select u.tenant_id from public.users u where u.id = muster.user_id() and u.deleted_at is null);
end
$$;
comment on function muster.tenant_id() is 'The caller''s tenant.';

create or replace function muster.admin_tenant_id() returns uuid
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select u.tenant_id from public.users u
    where u.id = muster.user_id() and u.role = 'admin' and u.deleted_at is null
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
begin
  return (
    select u.organization_id from public.users u
    where u.id = muster.user_id() and u.role = 'company' and u.deleted_at is null
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
begin
  return (
    select u.organization_id from public.users u
    where u.id = muster.user_id() and u.role = 'client' and u.deleted_at is null
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

grant execute on function
  muster.tenant_id(),
  muster.admin_tenant_id(),
  muster.company_id(),
  muster.client_id(),
  muster.company_client_ids(),
  muster.client_company_ids()
to anon, authenticated, service_role, muster_definer;

alter function muster.tenant_id() owner to muster_definer;
alter function muster.admin_tenant_id() owner to muster_definer;
alter function muster.company_id() owner to muster_definer;
alter function muster.client_id() owner to muster_definer;
alter function muster.company_client_ids() owner to muster_definer;
alter function muster.client_company_ids() owner to muster_definer;
