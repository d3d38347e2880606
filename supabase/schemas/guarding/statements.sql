-- Statements: what a company pays a professional for a pay period, as an invoice that it writes for them (self-billed).
--
-- * docs/decisions/038-statements-settle-what-was-locked.md has the rules; this file says them in SQL.
-- * Closing a period makes one statement for each professional who has lines to settle: those of the timesheets that it locks, and the
--   adjustments of timesheets that were locked before. A line is settled on one statement: its turns (1 settled, 2 taken back, 3 settled
--   anew) are unique.
-- * Numbers count from 1 without a gap, for each company and professional. They are given while the professional is locked, and a
--   constraint holds that no two are equal.
-- * Nothing of a statement ever changes, and none is removed: an adjustment is a line of a later one. One whose lines add up to less
--   than zero is a credit note.
-- * An invoice that is wrong is corrected by muster.correct_statement, once (docs/decisions/047-credit-notes-replace-invoices.md): a
--   credit note takes back each of its lines, and an invoice that replaces it settles them anew, with the tax terms and names as they are
--   known now and the adjustments that wait. One transaction makes both. A credit note pays nothing: what it takes back is carried over.
-- * A statement pays what is above zero after what the one before left below zero; what is below zero is carried over.
-- * Tax terms are versions: of the rows of a professional, the one with the newest `valid_from` that had come on the last day of the
--   period is valid. The professional states VAT; admins may state deductions, too. A version is never changed or removed.
-- * The company, the professional and admins see statements and their lines; the professional and admins see tax terms.

create or replace function muster.audience_of_statements(viewed jsonb, at timestamptz) returns text[]
language plpgsql
stable
parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  return array[
    'admins:' || (viewed ->> 'tenant_id'),
    'company:' || (viewed ->> 'company_id'),
    'professional:' || (viewed ->> 'professional_id')
  ];
end
$$;
comment on function muster.audience_of_statements(jsonb, timestamptz) is 'Who sees a statement: statements_read, as groups.';

create or replace function muster.audience_of_statement_lines(viewed jsonb, at timestamptz) returns text[]
language plpgsql
stable
parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  return array[
    'admins:' || (viewed ->> 'tenant_id'),
    'company:' || (viewed ->> 'company_id'),
    'professional:' || (viewed ->> 'professional_id')
  ];
end
$$;
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
    'gross', 'deductions', 'net', 'vat_amount', 'total', 'carried_in', 'payable', 'carried_out', 'corrects_id', 'correction_reason',
    'replaces_id', 'created_at', 'updated_at'],
  audience => array['tenant_id', 'company_id', 'professional_id']
);
select muster.follow_table(
  'public.statement_lines',
  trail => 'none',
  published => array['id', 'company_id', 'professional_id', 'statement_id', 'timesheet_line_id', 'timesheet_id', 'position', 'work_date',
    'kind', 'seconds', 'rate', 'factor', 'amount', 'currency', 'explanation', 'created_at', 'updated_at'],
  audience => array['tenant_id', 'company_id', 'professional_id']
);

-- ---- Making -------------------------------------------------------------------------------------------------------------

create or replace function muster.tax_terms_on(professional uuid, day date) returns public.professional_tax_terms
language plpgsql
stable
set search_path = pg_catalog, public, pg_temp
as $$
declare
  terms public.professional_tax_terms;
begin
  select t.* into terms
  from public.professional_tax_terms t
  where t.professional_id = professional and t.valid_from <= day
  order by t.valid_from desc
  limit 1;
  if not found then
    terms.vat_rate := 0;
    terms.vat_exemption := 'not_registered';
    terms.deduction_percent := 0;
  end if;
  return terms;
end
$$;
comment on function muster.tax_terms_on(uuid, date) is
  'The tax terms of a professional that are valid on that day. Who has stated nothing charges no VAT.';

-- Of the timesheets that the period locked, and adjustments of those and of earlier ones. A credit note has taken back what was settled.
create or replace function muster.unsettled_lines(period public.pay_periods, professional uuid)
returns table (line public.timesheet_lines, sheet public.timesheets)
language plpgsql
stable
set search_path = pg_catalog, public, pg_temp
as $$
begin
  return query
    select l, t
    from public.timesheets t
    join public.timesheet_lines l on l.timesheet_id = t.id
    where t.pay_period_id = period.id and t.professional_id = professional and l.is_approved and l.kind <> 'adjustment'
    union all
    select l, t
    from public.timesheet_lines l
    join public.timesheets t on t.id = l.timesheet_id
    where l.company_id = period.company_id
      and l.professional_id = professional
      and l.kind = 'adjustment'
      and coalesce((select max(s.turn) from public.statement_lines s where s.timesheet_line_id = l.id), 0) % 2 = 0
      -- Of a later period: on the next statement.
      and not exists (select from public.pay_periods p where p.id = t.pay_period_id and p.first_day > period.first_day);
end
$$;
comment on function muster.unsettled_lines(public.pay_periods, uuid) is
  'The lines of timesheets that a period settles for a professional. They are locked.';

-- The professional is locked: nobody else gives a number.
create or replace function muster.make_statement(period public.pay_periods, professional uuid, replaced uuid default null) returns uuid
language plpgsql
volatile
set search_path = pg_catalog, public, pg_temp
as $$
declare
  taxes constant public.professional_tax_terms := muster.tax_terms_on(professional, period.last_day);
  before public.statements;
  made public.statements;
begin
  select sum((u.line).amount) into made.gross from muster.unsettled_lines(period, professional) u;
  if made.gross is null then
    return null;
  end if;
  select s.* into before
  from public.statements s
  where s.company_id = period.company_id and s.professional_id = professional
  order by s.number desc
  limit 1;
  -- Half up. What is withheld lowers no VAT: the service costs its gross.
  made.deductions := round(made.gross * taxes.deduction_percent / 100, 2);
  made.net := made.gross - made.deductions;
  made.vat_amount := round(made.gross * taxes.vat_rate / 100, 2);
  made.total := made.net + made.vat_amount;
  made.carried_in := coalesce(before.carried_out, 0);
  insert into public.statements as s (
    tenant_id, company_id, professional_id, pay_period_id, number, kind, issued_on, first_day, last_day, company_name, professional_name,
    vat_rate, vat_exemption, vat_number, deduction_percent, deduction_reason,
    gross, deductions, net, vat_amount, total, carried_in, payable, carried_out, replaces_id
  )
  select
    period.tenant_id, period.company_id, professional, period.id, coalesce(before.number, 0) + 1,
    case when made.gross < 0 then 'credit_note' else 'invoice' end,
    (now() at time zone period.time_zone)::date, period.first_day, period.last_day, o.name, u.name,
    taxes.vat_rate, taxes.vat_exemption, taxes.vat_number, taxes.deduction_percent, taxes.deduction_reason,
    made.gross, made.deductions, made.net, made.vat_amount, made.total, made.carried_in,
    greatest(made.carried_in + made.total, 0), least(made.carried_in + made.total, 0), replaced
  from public.organizations o
  cross join public.security_professionals p
  join public.users u on u.id = p.user_id
  where o.id = period.company_id and p.id = professional
  returning s.* into made;
  insert into public.statement_lines (
    tenant_id, company_id, professional_id, statement_id, timesheet_line_id, timesheet_id, turn, position, work_date, kind, seconds, rate,
    factor, amount, explanation
  )
  select
    made.tenant_id, made.company_id, made.professional_id, made.id, (u.line).id, (u.sheet).id,
    coalesce((select max(s.turn) from public.statement_lines s where s.timesheet_line_id = (u.line).id), 0) + 1,
    row_number() over (order by (u.sheet).start_datetime, (u.sheet).id, (u.line).position, (u.line).id),
    (u.sheet).work_date, (u.line).kind, (u.line).seconds, (u.line).rate, (u.line).factor, (u.line).amount, (u.line).explanation
  from muster.unsettled_lines(period, professional) u;
  insert into public.notifications (tenant_id, user_id, type, data)
  select made.tenant_id, p.user_id, 'statement_made', jsonb_build_object(
    'statement_id', made.id,
    'company_id', made.company_id,
    'number', made.number,
    'first_day', made.first_day,
    'last_day', made.last_day,
    'total', made.total,
    'payable', made.payable,
    'currency', made.currency
  )
  from public.security_professionals p
  where p.id = professional;
  return made.id;
end
$$;
comment on function muster.make_statement(public.pay_periods, uuid, uuid) is
  'The statement of a professional for a period that is being closed, or the one that replaces another; null where there is nothing to settle.';

-- ---- Correcting ---------------------------------------------------------------------------------------------------------

create or replace function muster.correct_statement(wanted uuid, why text) returns uuid
language plpgsql
volatile
security definer
set search_path = pg_catalog, public, pg_temp
as $$
declare
  wrong public.statements;
  period public.pay_periods;
  credit public.statements;
  balance numeric;
begin
  -- What others commit while this waits for the professional must be seen.
  perform muster.require_read_committed();
  select s.* into wrong from public.statements s where s.id = wanted;
  if wrong.company_id is distinct from muster.company_id() and wrong.tenant_id is distinct from muster.admin_tenant_id() then
    perform muster.fail(
      case when wrong.professional_id = muster.professional_id() then 'forbidden' else 'not_found' end, 'id'
    );
  elsif wrong.id is null then
    perform muster.fail('not_found', 'id');
  end if;
  -- Whoever holds this gives numbers, and adds adjustments.
  perform from public.security_professionals p where p.id = wrong.professional_id for no key update;
  if wrong.kind = 'credit_note' or exists (select from public.statements s where s.corrects_id = wrong.id) then
    perform muster.fail('statement_state', 'kind');
  end if;
  select p.* into period from public.pay_periods p where p.id = wrong.pay_period_id;
  select s.number, s.carried_out into credit.number, credit.carried_in
  from public.statements s
  where s.company_id = wrong.company_id and s.professional_id = wrong.professional_id
  order by s.number desc
  limit 1;
  balance := credit.carried_in - wrong.total;
  -- As the statement that it takes back has it, whatever holds by now.
  insert into public.statements as s (
    tenant_id, company_id, professional_id, pay_period_id, number, kind, issued_on, first_day, last_day, company_name, professional_name,
    vat_rate, vat_exemption, vat_number, deduction_percent, deduction_reason, currency,
    gross, deductions, net, vat_amount, total, carried_in, payable, carried_out, corrects_id, correction_reason
  )
  values (
    wrong.tenant_id, wrong.company_id, wrong.professional_id, wrong.pay_period_id, credit.number + 1, 'credit_note',
    (now() at time zone period.time_zone)::date, wrong.first_day, wrong.last_day, wrong.company_name, wrong.professional_name,
    wrong.vat_rate, wrong.vat_exemption, wrong.vat_number, wrong.deduction_percent, wrong.deduction_reason, wrong.currency,
    -wrong.gross, -wrong.deductions, -wrong.net, -wrong.vat_amount, -wrong.total,
    credit.carried_in, greatest(balance, 0), least(balance, 0), wrong.id, why
  )
  returning s.* into credit;
  insert into public.statement_lines (
    tenant_id, company_id, professional_id, statement_id, timesheet_line_id, timesheet_id, turn, position, work_date, kind, seconds, rate,
    factor, amount, currency, explanation
  )
  select
    l.tenant_id, l.company_id, l.professional_id, credit.id, l.timesheet_line_id, l.timesheet_id, l.turn + 1, l.position, l.work_date,
    l.kind, -l.seconds, l.rate, l.factor, -l.amount, l.currency, 'Credited: ' || l.explanation
  from public.statement_lines l
  where l.statement_id = wrong.id;
  perform muster.notify_of_credit_note(credit);
  perform muster.make_statement(period, wrong.professional_id, wrong.id);
  return credit.id;
end
$$;
comment on function muster.correct_statement(uuid, text) is
  'Takes back an invoice by a credit note, as its company or an admin, and makes the invoice that replaces it; gives the credit note. Security definer: nobody writes statements by themselves.';

create or replace function muster.notify_of_credit_note(credit public.statements) returns void
language plpgsql
volatile
set search_path = pg_catalog, public, pg_temp
as $$
begin
  insert into public.notifications (tenant_id, user_id, type, data)
  select credit.tenant_id, told.id, 'statement_corrected', jsonb_build_object(
    'statement_id', credit.corrects_id,
    'credit_note_id', credit.id,
    'company_id', credit.company_id,
    'number', credit.number,
    'first_day', credit.first_day,
    'last_day', credit.last_day,
    'total', credit.total,
    'currency', credit.currency,
    'reason', credit.correction_reason
  )
  from (
    select p.user_id as id from public.security_professionals p where p.id = credit.professional_id
    union
    select planner.id from muster.members_as('company', credit.company_id) planner (id)
  ) told;
end
$$;
comment on function muster.notify_of_credit_note(public.statements) is
  'A notification for the professional, and for each planner of the company, that a statement was taken back.';

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

grant execute on function
  muster.tax_terms_on(uuid, date),
  muster.unsettled_lines(public.pay_periods, uuid),
  muster.make_statement(public.pay_periods, uuid, uuid),
  muster.notify_of_credit_note(public.statements)
to muster_definer;
grant execute on function muster.correct_statement(uuid, text) to authenticated;

alter function muster.correct_statement(uuid, text) owner to muster_definer;
