-- Company terms: what a company and its guards agree on beside the rate.
--
-- * Versions: of the rows of a company, the one with the newest `valid_from` that has come is valid. A version is never changed or
--   removed, since assignments were made under it.
-- * A company that has no row yet has the defaults of muster.terms_at.
-- * An assignment keeps the terms that were valid when it was made (assignments.sql): a later version changes nothing about it.
-- * The company and admins read and add versions. A guard reads the terms of an assignment with the assignment.

select muster.follow_table('public.company_terms', trail => 'none');

create or replace function muster.terms_at(company uuid, at timestamptz) returns public.company_terms
language plpgsql
stable
set search_path = pg_catalog, public, pg_temp
as $$
declare
  terms public.company_terms;
begin
  select t.* into terms
  from public.company_terms t
  where t.company_id = company and t.valid_from <= at
  order by t.valid_from desc
  limit 1;
  if not found then
    terms.late_after_minutes := 30;
    terms.auto_close_minutes := 120;
    -- Three hours: what Dutch law gives on-call workers for each call (Burgerlijk Wetboek 7, article 628a).
    terms.minimum_minutes := 180;
    terms.give_back_minutes := 1440;
    terms.delivery_days := 14;
    terms.overtime_tolerance_minutes := 15;
    terms.plan_tolerance_minutes := 15;
    terms.approve_after_days := 7;
    terms.dispute_days := 14;
  end if;
  return terms;
end
$$;
comment on function muster.terms_at(uuid, timestamptz) is 'The terms of a company that are valid at that time.';
grant execute on function muster.terms_at(uuid, timestamptz) to muster_definer;

-- Runs with the rights of whoever writes: an organization that they do not see does not exist.
create or replace function muster.tg_company_terms__set_tenant() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  select o.tenant_id into new.tenant_id
  from public.organizations o
  where o.id = new.company_id and o.kind = 'company' and o.deleted_at is null;
  if not found then
    perform muster.fail('not_found', 'company_id');
  end if;
  return new;
end
$$;
comment on function muster.tg_company_terms__set_tenant() is
  'Terms are in the tenant of their company; whose they may be the insert policy decides.';

-- ---- Triggers ---------------------------------------------------------------------------------------------------------

create or replace trigger a_set_tenant before insert on public.company_terms
  for each row execute function muster.tg_company_terms__set_tenant();

-- ---- Policies ---------------------------------------------------------------------------------------------------------

drop policy if exists company_terms_read on public.company_terms;
create policy company_terms_read on public.company_terms for select to authenticated
  using (
    company_id = (select muster.company_id())
    or tenant_id = (select muster.admin_tenant_id())
  );
comment on policy company_terms_read on public.company_terms is 'The company, and admins.';
drop policy if exists company_terms_create on public.company_terms;
create policy company_terms_create on public.company_terms for insert to authenticated
  with check (
    company_id = (select muster.company_id())
    or tenant_id = (select muster.admin_tenant_id())
  );
comment on policy company_terms_create on public.company_terms is 'The company, and admins. No version is changed or removed.';

-- ---- Grants -----------------------------------------------------------------------------------------------------------

grant select on public.company_terms to authenticated;
grant insert (id, company_id, valid_from, late_after_minutes, auto_close_minutes, minimum_minutes, give_back_minutes, delivery_days,
    overtime_tolerance_minutes, plan_tolerance_minutes, approve_after_days, dispute_days)
  on public.company_terms to authenticated;
grant select, insert, update, delete on public.company_terms to service_role;
grant select on public.company_terms to muster_definer;
