alter publication supabase_realtime drop table public.statements;
--> statement-breakpoint
drop function muster.notify_of_credit_note(statements);
--> statement-breakpoint
drop function muster.correct_statement(uuid,text);
--> statement-breakpoint
drop function muster.make_statement(pay_periods,uuid,uuid);
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.tg_follow_definitions()
 RETURNS event_trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  perform muster.sync_change_capture();
  perform pg_notify('muster_changes', json_build_array(nextval('muster.change_numbers'), null)::text);
end
$function$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.codes_of_guarding()
 RETURNS jsonb
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
 SET search_path TO 'pg_catalog', 'pg_temp'
RETURN jsonb_build_object('shift_overlap', 'MU001', 'certificate_missing', 'MU002', 'certificate_expired', 'MU003', 'professional_inactive', 'MU004', 'shift_not_open', 'MU005', 'invalid_transition', 'MU006', 'outside_check_in_window', 'MU007', 'recorded_in_future', 'MU008', 'shift_not_assigned', 'MU009', 'certificate_in_use', 'MU012', 'professional_in_use', 'MU013', 'location_in_use', 'MU014', 'payment_missing', 'MU015', 'id_conflict', 'MU016', 'shift_over', 'MU021', 'daily_limit_reached', 'MU025', 'too_many_pings', 'MU030', 'professional_unavailable', 'MU300', 'shift_begun', 'MU301', 'rate_lowered', 'MU302', 'end_worked', 'MU303', 'assignment_released', 'MU330', 'correction_decided', 'MU331', 'correction_open', 'MU332', 'too_many_corrections', 'MU333', 'own_hours', 'MU340', 'timesheet_state', 'MU341', 'lines_undecided', 'MU342', 'timesheet_changed', 'MU343', 'dispute_too_late', 'MU344', 'hours_impossible', 'MU345', 'pay_period_closed', 'MU350', 'pay_period_not_over', 'MU351', 'pay_period_not_next', 'MU352', 'payout_state', 'MU360');
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.notification_types_of_guarding()
 RETURNS text[]
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
 SET search_path TO 'pg_catalog', 'pg_temp'
RETURN ARRAY['shift_assigned'::text, 'shift_released'::text, 'shift_cancelled'::text, 'shift_changed'::text, 'shift_late'::text, 'shift_no_show'::text, 'guard_suspended'::text, 'correction_proposed'::text, 'correction_accepted'::text, 'correction_refused'::text, 'correction_imposed'::text, 'certificate_expiring'::text, 'payments_stale'::text, 'timesheet_approved'::text, 'timesheet_disputed'::text, 'timesheet_countered'::text, 'timesheet_resolved'::text, 'pay_period_closed'::text, 'statement_made'::text, 'payout_completed'::text, 'payout_failed'::text, 'payout_refunded'::text];
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.unsettled_lines(period pay_periods, professional uuid)
 RETURNS TABLE(line timesheet_lines, sheet timesheets)
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
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
      and not exists (select from public.statement_lines s where s.timesheet_line_id = l.id);
end
$function$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.make_statement(period pay_periods, professional uuid)
 RETURNS uuid
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
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
    gross, deductions, net, vat_amount, total, carried_in, payable, carried_out
  )
  select
    period.tenant_id, period.company_id, professional, period.id, coalesce(before.number, 0) + 1,
    case when made.gross < 0 then 'credit_note' else 'invoice' end,
    (now() at time zone period.time_zone)::date, period.first_day, period.last_day, o.name, u.name,
    taxes.vat_rate, taxes.vat_exemption, taxes.vat_number, taxes.deduction_percent, taxes.deduction_reason,
    made.gross, made.deductions, made.net, made.vat_amount, made.total, made.carried_in,
    greatest(made.carried_in + made.total, 0), least(made.carried_in + made.total, 0)
  from public.organizations o
  cross join public.security_professionals p
  join public.users u on u.id = p.user_id
  where o.id = period.company_id and p.id = professional
  returning s.* into made;
  insert into public.statement_lines (
    tenant_id, company_id, professional_id, statement_id, timesheet_line_id, timesheet_id, position, work_date, kind, seconds, rate,
    factor, amount, explanation
  )
  select
    made.tenant_id, made.company_id, made.professional_id, made.id, (u.line).id, (u.sheet).id,
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
$function$;
--> statement-breakpoint
alter publication supabase_realtime add table public.statements (carried_in, carried_out, company_id, company_name, created_at, currency, deduction_percent, deduction_reason, deductions, first_day, gross, id, issued_on, kind, last_day, net, number, pay_period_id, payable, professional_id, professional_name, total, updated_at, vat_amount, vat_exemption, vat_number, vat_rate);
--> statement-breakpoint
revoke execute on function muster.make_statement(pay_periods,uuid) from public;
--> statement-breakpoint
grant execute on function muster.make_statement(pay_periods,uuid) to muster_definer;
--> statement-breakpoint
comment on function muster.make_statement(pay_periods,uuid) is 'The statement of a professional for a period that is being closed; null where there is nothing to settle.';
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1796038903_credit_notes';
