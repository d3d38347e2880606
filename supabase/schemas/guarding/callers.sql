-- Callers of guarding: guards and professionals, as people/callers.sql says who everybody else is.

create or replace function muster.guard_tenant_id() returns uuid
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  caller constant uuid := muster.user_id();
begin
  return (
    select m.tenant_id
    from public.memberships m
    join public.users u on u.id = m.user_id
    where m.user_id = caller and m.role = 'zzp' and u.deleted_at is null and u.suspended_at is null
  );
end
$$;
comment on function muster.guard_tenant_id() is 'The tenant in which the caller is a guard; null for others.';

create or replace function muster.professional_id() returns uuid
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
    select p.id
    from public.memberships m
    join public.users u on u.id = m.user_id
    join public.security_professionals p on p.user_id = m.user_id
    where m.user_id = caller and m.role = 'zzp' and u.deleted_at is null and u.suspended_at is null and p.deleted_at is null
  );
end
$$;
comment on function muster.professional_id() is 'The caller''s own professional; null for others.';

grant execute on function muster.guard_tenant_id(), muster.professional_id()
to anon, authenticated, service_role, muster_definer;

alter function muster.guard_tenant_id() owner to muster_definer;
alter function muster.professional_id() owner to muster_definer;
