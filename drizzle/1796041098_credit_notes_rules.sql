alter publication supabase_realtime drop table public.statements;
--> statement-breakpoint
drop function muster.make_statement(pay_periods,uuid);
--> statement-breakpoint
create or replace function muster.tg_follow_definitions() returns event_trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  -- It makes no tables but those of a refresh beside readers, which end with it (reports.sql).
  if current_user = 'muster_definer' then
    return;
  end if;
  perform muster.sync_change_capture();
  perform pg_notify('muster_changes', json_build_array(nextval('muster.change_numbers'), null)::text);
end
$$;
--> statement-breakpoint
create or replace function muster.codes_of_guarding() returns jsonb
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return jsonb_build_object(
  'shift_overlap', 'MU001',
  'certificate_missing', 'MU002',
  'certificate_expired', 'MU003',
  'professional_inactive', 'MU004',
  'shift_not_open', 'MU005',
  'invalid_transition', 'MU006',
  'outside_check_in_window', 'MU007',
  'recorded_in_future', 'MU008',
  'shift_not_assigned', 'MU009',
  'certificate_in_use', 'MU012',
  'professional_in_use', 'MU013',
  'location_in_use', 'MU014',
  'payment_missing', 'MU015',
  'id_conflict', 'MU016',
  'shift_over', 'MU021',
  'daily_limit_reached', 'MU025',
  'too_many_pings', 'MU030',
  'professional_unavailable', 'MU300',
  'shift_begun', 'MU301',
  'rate_lowered', 'MU302',
  'end_worked', 'MU303',
  'assignment_released', 'MU330',
  'correction_decided', 'MU331',
  'correction_open', 'MU332',
  'too_many_corrections', 'MU333',
  'own_hours', 'MU340',
  'timesheet_state', 'MU341',
  'lines_undecided', 'MU342',
  'timesheet_changed', 'MU343',
  'dispute_too_late', 'MU344',
  'hours_impossible', 'MU345',
  'pay_period_closed', 'MU350',
  'pay_period_not_over', 'MU351',
  'pay_period_not_next', 'MU352',
  'statement_state', 'MU353',
  'payout_state', 'MU360'
);
--> statement-breakpoint
create or replace function muster.notification_types_of_guarding() returns text[]
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return array[
  'shift_assigned', 'shift_released', 'shift_cancelled', 'shift_changed', 'shift_late', 'shift_no_show', 'guard_suspended', 'correction_proposed',
  'correction_accepted', 'correction_refused', 'correction_imposed', 'certificate_expiring', 'payments_stale',
  'timesheet_approved', 'timesheet_disputed', 'timesheet_countered', 'timesheet_resolved', 'pay_period_closed', 'statement_made',
  'statement_corrected', 'payout_completed', 'payout_failed', 'payout_refunded'
];
--> statement-breakpoint
alter publication supabase_realtime add table public.statements (carried_in, carried_out, company_id, company_name, correction_reason, corrects_id, created_at, currency, deduction_percent, deduction_reason, deductions, first_day, gross, id, issued_on, kind, last_day, net, number, pay_period_id, payable, professional_id, professional_name, replaces_id, total, updated_at, vat_amount, vat_exemption, vat_number, vat_rate);
--> statement-breakpoint
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
--> statement-breakpoint
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
--> statement-breakpoint
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
--> statement-breakpoint
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
--> statement-breakpoint
alter function muster.correct_statement(uuid,text) owner to muster_definer;
--> statement-breakpoint
revoke execute on function muster.notify_of_credit_note(statements) from public;
--> statement-breakpoint
revoke execute on function muster.make_statement(pay_periods,uuid,uuid) from public;
--> statement-breakpoint
revoke execute on function muster.correct_statement(uuid,text) from public;
--> statement-breakpoint
grant execute on function muster.correct_statement(uuid,text) to authenticated;
--> statement-breakpoint
grant execute on function muster.make_statement(pay_periods,uuid,uuid) to muster_definer;
--> statement-breakpoint
grant execute on function muster.notify_of_credit_note(statements) to muster_definer;
--> statement-breakpoint
comment on function muster.make_statement(public.pay_periods, uuid, uuid) is
  'The statement of a professional for a period that is being closed, or the one that replaces another; null where there is nothing to settle.';
--> statement-breakpoint
comment on function muster.correct_statement(uuid, text) is
  'Takes back an invoice by a credit note, as its company or an admin, and makes the invoice that replaces it; gives the credit note. Security definer: nobody writes statements by themselves.';
--> statement-breakpoint
comment on function muster.notify_of_credit_note(public.statements) is
  'A notification for the professional, and for each planner of the company, that a statement was taken back.';
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1796041098_credit_notes_rules';
