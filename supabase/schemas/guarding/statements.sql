-- Statements: what a company pays a professional for a pay period, as an invoice that it writes for them (self-billed).
--
-- * docs/decisions/038-statements-settle-what-was-locked.md has the rules; this file says them in SQL.
-- * Closing a period makes one statement for each professional who has lines to settle: those of the timesheets that it locks, and the
--   adjustments of timesheets that were locked before. A line is settled on one statement (a unique constraint).
-- * Numbers count from 1 without a gap, for each company and professional. They are given while the professional is locked, and a
--   constraint holds that no two are equal.
-- * Nothing of a statement ever changes, and none is removed: an adjustment is a line of a later one. One whose lines add up to less
--   than zero is a credit note.
-- * A statement pays what is above zero after what the one before left below zero; what is below zero is carried over.
-- * Tax terms are versions: of the rows of a professional, the one with the newest `valid_from` that had come on the last day of the
--   period is valid. The professional states VAT; admins may state deductions, too. A version is never changed or removed.
-- * The company, the professional and admins see statements and their lines; the professional and admins see tax terms.

create or replace function muster.audience_of_statements(viewed jsonb, at timestamptz) returns text[]
language sql
stable
parallel safe
set search_path = pg_catalog, pg_temp
return array[
  'admins:' || (viewed ->> 'tenant_id'),
  'company:' || (viewed ->> 'company_id'),
  'professional:' || (viewed ->> 'professional_id')
];
comment on function muster.audience_of_statements(jsonb, timestamptz) is 'Who sees a statement: statements_read, as groups.';

create or replace function muster.audience_of_statement_lines(viewed jsonb, at timestamptz) returns text[]
language sql
stable
parallel safe
set search_path = pg_catalog, pg_temp
return array[
  'admins:' || (viewed ->> 'tenant_id'),
  'company:' || (viewed ->> 'company_id'),
  'professional:' || (viewed ->> 'professional_id')
];
comment on function muster.audience_of_statement_lines(jsonb, timestamptz) is
  'Who sees a line of a statement: statement_lines_read, as groups.';
grant execute on function
  muster.audience_of_statements(jsonb, timestamptz),
  muster.audience_of_statement_lines(jsonb, timestamptz)
to muster_definer;

select muster.follow_table('public.professional_tax_terms', trail => 'none');
select muster.follow_table(
  'public.statements',
  trail => 'none',
  published => array['id', 'company_id', 'professional_id', 'pay_period_id', 'number', 'kind', 'issued_on', 'first_day', 'last_day',
    'company_name', 'professional_name', 'vat_rate', 'vat_exemption', 'vat_number', 'deduction_percent', 'deduction_reason', 'currency',
    'gross', 'deductions', 'net', 'vat_amount', 'total', 'carried_in', 'payable', 'carried_out', 'created_at', 'updated_at'],
  audience => array['tenant_id', 'company_id', 'professional_id']
);
select muster.follow_table(
  'public.statement_lines',
  trail => 'none',
  published => array['id', 'company_id', 'professional_id', 'statement_id', 'timesheet_line_id', 'timesheet_id', 'position', 'work_date',
    'kind', 'seconds', 'rate', 'factor', 'amount', 'currency', 'explanation', 'created_at', 'updated_at'],
  audience => array['tenant_id', 'company_id', 'professional_id']
);

-- Runs with the rights of whoever writes: a professional whom they do not see does not exist.
create or replace function muster.tg_professional_tax_terms__set_tenant() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  select p.tenant_id into new.tenant_id
  from public.security_professionals p
  where p.id = new.professional_id and p.deleted_at is null;
  if not found then
    perform muster.fail('not_found', 'professional_id');
  end if;
  return new;
end
$$;
comment on function muster.tg_professional_tax_terms__set_tenant() is
  'Tax terms are in the tenant of their professional; whose they may be the insert policy decides.';

-- ---- Triggers ---------------------------------------------------------------------------------------------------------

create or replace trigger a_set_tenant before insert on public.professional_tax_terms
  for each row execute function muster.tg_professional_tax_terms__set_tenant();

-- ---- Policies ---------------------------------------------------------------------------------------------------------

drop policy if exists professional_tax_terms_read on public.professional_tax_terms;
create policy professional_tax_terms_read on public.professional_tax_terms for select to authenticated
  using (
    professional_id = (select muster.professional_id())
    or tenant_id = (select muster.admin_tenant_id())
  );
comment on policy professional_tax_terms_read on public.professional_tax_terms is
  'The professional, and admins. A company reads what was valid on the statement.';
drop policy if exists professional_tax_terms_create on public.professional_tax_terms;
create policy professional_tax_terms_create on public.professional_tax_terms for insert to authenticated
  with check (
    (professional_id = (select muster.professional_id()) and deduction_percent = 0)
    or tenant_id = (select muster.admin_tenant_id())
  );
comment on policy professional_tax_terms_create on public.professional_tax_terms is
  'The professional, without deductions, and admins. No version is changed or removed.';
drop policy if exists statements_read on public.statements;
create policy statements_read on public.statements for select to authenticated
  using (
    company_id = (select muster.company_id())
    or professional_id = (select muster.professional_id())
    or tenant_id = (select muster.admin_tenant_id())
  );
comment on policy statements_read on public.statements is
  'The company that pays, the professional who is paid, admins. Nobody writes: closing a period does.';
drop policy if exists statement_lines_read on public.statement_lines;
create policy statement_lines_read on public.statement_lines for select to authenticated
  using (
    company_id = (select muster.company_id())
    or professional_id = (select muster.professional_id())
    or tenant_id = (select muster.admin_tenant_id())
  );
comment on policy statement_lines_read on public.statement_lines is 'The company that pays, the professional who is paid, admins.';

-- ---- Grants -----------------------------------------------------------------------------------------------------------

grant select on public.professional_tax_terms to authenticated;
grant insert (id, professional_id, valid_from, vat_rate, vat_exemption, vat_number, deduction_percent, deduction_reason)
  on public.professional_tax_terms to authenticated;
grant select, insert, update, delete on public.professional_tax_terms to service_role;
grant select on public.professional_tax_terms to muster_definer;
-- Nobody changes or removes what was stated.
grant select on public.statements to authenticated;
grant select on public.statement_lines to authenticated;
grant select, insert on public.statements to service_role;
grant select, insert on public.statement_lines to service_role;
grant select, insert on public.statements to muster_definer;
grant select, insert on public.statement_lines to muster_definer;
