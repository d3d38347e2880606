alter publication supabase_realtime drop table public.timesheets;
--> statement-breakpoint
alter publication supabase_realtime drop table public.statement_lines;
--> statement-breakpoint
alter publication supabase_realtime drop table public.statements;
--> statement-breakpoint
alter publication supabase_realtime drop table public.payouts;
--> statement-breakpoint
alter publication supabase_realtime drop table public.pay_periods;
--> statement-breakpoint
drop policy statement_lines_read on public.statement_lines;
--> statement-breakpoint
drop policy statements_read on public.statements;
--> statement-breakpoint
drop policy professional_tax_terms_create on public.professional_tax_terms;
--> statement-breakpoint
drop policy professional_tax_terms_read on public.professional_tax_terms;
--> statement-breakpoint
drop policy internal on public.statement_lines;
--> statement-breakpoint
drop policy internal on public.statements;
--> statement-breakpoint
drop policy internal on public.professional_tax_terms;
--> statement-breakpoint
drop policy payout_events_read on public.payout_events;
--> statement-breakpoint
drop policy payouts_read on public.payouts;
--> statement-breakpoint
drop policy internal on public.payout_events;
--> statement-breakpoint
drop policy internal on public.payouts;
--> statement-breakpoint
drop policy pay_periods_read on public.pay_periods;
--> statement-breakpoint
drop policy pay_terms_create on public.pay_terms;
--> statement-breakpoint
drop policy pay_terms_read on public.pay_terms;
--> statement-breakpoint
drop policy internal on public.pay_periods;
--> statement-breakpoint
drop policy internal on public.pay_terms;
--> statement-breakpoint
drop trigger keep_locked_on_delete on public.timesheet_lines;
--> statement-breakpoint
drop trigger keep_locked_on_update on public.timesheet_lines;
--> statement-breakpoint
drop trigger keep_locked_on_insert on public.timesheet_lines;
--> statement-breakpoint
drop trigger a_keep_locked_on_delete on public.timesheets;
--> statement-breakpoint
drop trigger a_keep_locked_on_update on public.timesheets;
--> statement-breakpoint
drop trigger a_set_tenant on public.professional_tax_terms;
--> statement-breakpoint
drop trigger note_departure_on_update on public.statement_lines;
--> statement-breakpoint
drop trigger note_departure_on_delete on public.statement_lines;
--> statement-breakpoint
drop trigger z_stamp_change on public.statement_lines;
--> statement-breakpoint
drop trigger note_departure_on_update on public.statements;
--> statement-breakpoint
drop trigger note_departure_on_delete on public.statements;
--> statement-breakpoint
drop trigger z_stamp_change on public.statements;
--> statement-breakpoint
drop trigger queue_payout on public.statements;
--> statement-breakpoint
drop trigger note_departure_on_update on public.payouts;
--> statement-breakpoint
drop trigger note_departure_on_delete on public.payouts;
--> statement-breakpoint
drop trigger z_stamp_change on public.payouts;
--> statement-breakpoint
drop trigger updated_at on public.payouts;
--> statement-breakpoint
drop trigger a_complete on public.pay_terms;
--> statement-breakpoint
drop trigger note_departure_on_update on public.pay_periods;
--> statement-breakpoint
drop trigger note_departure_on_delete on public.pay_periods;
--> statement-breakpoint
drop trigger z_stamp_change on public.pay_periods;
--> statement-breakpoint
drop trigger updated_at on public.pay_periods;
--> statement-breakpoint
drop trigger b_note_clocked on public.corrections;
--> statement-breakpoint
drop index muster.company_hours_summary_tenant_idx;
--> statement-breakpoint
drop index muster.company_hours_summary_company_idx;
--> statement-breakpoint
drop index muster.company_hours_summary_key;
--> statement-breakpoint
drop index muster.professional_earnings_summary_tenant_idx;
--> statement-breakpoint
drop index muster.professional_earnings_summary_company_idx;
--> statement-breakpoint
drop index muster.professional_earnings_summary_key;
--> statement-breakpoint
drop materialized view muster.company_hours_summary;
--> statement-breakpoint
drop materialized view muster.professional_earnings_summary;
--> statement-breakpoint
drop function muster.tg_timesheet_lines__keep_locked();
--> statement-breakpoint
drop function muster.tg_timesheets__keep_locked();
--> statement-breakpoint
drop function muster.adjust_timesheet(corrections);
--> statement-breakpoint
drop function muster.add_adjustment(timesheets,tstzmultirange,tstzmultirange);
--> statement-breakpoint
drop function muster.pay_for_hours(assignments,text,tstzmultirange);
--> statement-breakpoint
drop function muster.tg_professional_tax_terms__set_tenant();
--> statement-breakpoint
drop function muster.make_statement(pay_periods,uuid);
--> statement-breakpoint
drop function muster.unsettled_lines(pay_periods,uuid);
--> statement-breakpoint
drop function muster.tax_terms_on(uuid,date);
--> statement-breakpoint
drop function muster.seen_of_statement_lines(jsonb);
--> statement-breakpoint
drop function muster.seen_of_statements(jsonb);
--> statement-breakpoint
drop function muster.audience_of_statement_lines(jsonb,timestamp with time zone);
--> statement-breakpoint
drop function muster.audience_of_statements(jsonb,timestamp with time zone);
--> statement-breakpoint
drop function muster.payout_queue();
--> statement-breakpoint
drop function muster.retry_payout(uuid);
--> statement-breakpoint
drop function muster.receive_payout_event(text,uuid,text,text,timestamp with time zone,text);
--> statement-breakpoint
drop function muster.note_payout_answer(uuid,text,text,text,integer);
--> statement-breakpoint
drop function muster.move_payout(payouts,text,text,text,text,text,timestamp with time zone);
--> statement-breakpoint
drop function muster.notify_of_payout(payouts,text,boolean);
--> statement-breakpoint
drop function muster.payout_backoff(integer);
--> statement-breakpoint
drop function muster.take_payouts(integer,interval);
--> statement-breakpoint
drop function muster.tg_statements__queue_payout();
--> statement-breakpoint
drop function muster.seen_of_payouts(jsonb);
--> statement-breakpoint
drop function muster.audience_of_payouts(jsonb,timestamp with time zone);
--> statement-breakpoint
drop function muster.tg_pay_terms__complete();
--> statement-breakpoint
drop function muster.notify_of_pay_period(pay_periods);
--> statement-breakpoint
drop function muster.settle_pay_period(uuid,uuid);
--> statement-breakpoint
drop function muster.close_pay_period(uuid);
--> statement-breakpoint
drop function muster.open_pay_periods(integer);
--> statement-breakpoint
drop function muster.open_pay_periods_of(uuid,integer);
--> statement-breakpoint
drop function muster.pay_period_days(text,date);
--> statement-breakpoint
drop function muster.pay_terms_on(uuid,date);
--> statement-breakpoint
drop function muster.seen_of_pay_periods(jsonb);
--> statement-breakpoint
drop function muster.audience_of_pay_periods(jsonb,timestamp with time zone);
--> statement-breakpoint
drop function muster.hours_report(date,date,uuid,uuid,uuid,date,uuid,integer);
--> statement-breakpoint
drop function muster.earnings_report(date,date,uuid,uuid,date,uuid,integer);
--> statement-breakpoint
drop function muster.is_report_filled(regclass);
--> statement-breakpoint
drop function muster.tg_corrections__note_clocked();
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.codes_of_guarding()
 RETURNS jsonb
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
 SET search_path TO 'pg_catalog', 'pg_temp'
RETURN jsonb_build_object('shift_overlap', 'MU001', 'certificate_missing', 'MU002', 'certificate_expired', 'MU003', 'professional_inactive', 'MU004', 'shift_not_open', 'MU005', 'invalid_transition', 'MU006', 'outside_check_in_window', 'MU007', 'recorded_in_future', 'MU008', 'shift_not_assigned', 'MU009', 'certificate_in_use', 'MU012', 'professional_in_use', 'MU013', 'location_in_use', 'MU014', 'payment_missing', 'MU015', 'id_conflict', 'MU016', 'shift_over', 'MU021', 'daily_limit_reached', 'MU025', 'too_many_pings', 'MU030', 'professional_unavailable', 'MU300', 'shift_begun', 'MU301', 'rate_lowered', 'MU302', 'end_worked', 'MU303', 'assignment_released', 'MU330', 'correction_decided', 'MU331', 'correction_open', 'MU332', 'too_many_corrections', 'MU333', 'own_hours', 'MU340', 'timesheet_state', 'MU341', 'lines_undecided', 'MU342', 'timesheet_changed', 'MU343', 'dispute_too_late', 'MU344', 'hours_impossible', 'MU345');
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.notification_types_of_guarding()
 RETURNS text[]
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
 SET search_path TO 'pg_catalog', 'pg_temp'
RETURN ARRAY['shift_assigned'::text, 'shift_released'::text, 'shift_cancelled'::text, 'shift_changed'::text, 'shift_late'::text, 'shift_no_show'::text, 'correction_proposed'::text, 'correction_accepted'::text, 'correction_refused'::text, 'correction_imposed'::text, 'certificate_expiring'::text, 'payments_stale'::text, 'timesheet_approved'::text, 'timesheet_disputed'::text, 'timesheet_countered'::text, 'timesheet_resolved'::text];
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.warn_of_stale_payments()
 RETURNS bigint
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
BEGIN ATOMIC
 WITH stale AS (
          SELECT t.tenant_id,
             count(*) AS payments,
             min(t.created_at) AS oldest
            FROM (finqle_transactions t
              JOIN shifts s ON ((s.id = t.shift_id)))
           WHERE (((t.status = 'pending'::text) AND (s.status = 'completed'::text) AND (s.end_datetime < (now() - '7 days'::interval))) OR ((t.status = ANY (ARRAY['processing'::text, 'failed'::text])) AND (t.updated_at < (now() - '1 day'::interval))))
           GROUP BY t.tenant_id
         ), told AS (
          INSERT INTO notifications (tenant_id, user_id, type, data, once_key)  SELECT a.tenant_id,
                     a.user_id,
                     'payments_stale',
                     jsonb_build_object('payments', s.payments, 'oldest_created_at', s.oldest) AS jsonb_build_object,
                     ('payments_stale '::text || to_char((now() AT TIME ZONE 'UTC'::text), 'IYYY"W"IW'::text))
                    FROM ((stale s
                      JOIN memberships a ON (((a.tenant_id = s.tenant_id) AND (a.role = 'admin'::text))))
                      JOIN users u ON (((u.id = a.user_id) AND (u.deleted_at IS NULL)))) ON CONFLICT(user_id, once_key)
           WHERE (once_key IS NOT NULL) DO NOTHING
           RETURNING 1 AS "?column?"
         )
  SELECT count(*) AS count
    FROM told;
END;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.apply_correction(correction corrections)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
begin
  perform muster.advance_assignment(correction.assignment_id);
end
$function$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.hours_of(assignment assignments, agreed tstzmultirange, OUT clocked tstzmultirange, OUT claimed tstzmultirange, OUT worked tstzmultirange, OUT overdue tstzmultirange, OUT is_cut boolean)
 RETURNS record
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
declare
  window_before constant interval := interval '2 hours';
  window_after constant interval := interval '12 hours';
  longest_shift constant interval := interval '48 hours';
  any_delay constant integer := 36500;
  said record;
  later public.assignments := assignment;
  settled tstzmultirange;
  settled_of_earlier tstzmultirange;
  claimed_later tstzmultirange;
  claimed_ever tstzmultirange;
  first_at timestamptz;
  last_at timestamptz;
begin
  select c.* into said from muster.clocked(assignment) c;
  clocked := said.intervals;
  claimed := said.claimed;
  worked := coalesce(agreed, clocked);
  overdue := '{}';
  if agreed is null and 'overdue' = any (said.flags) then
    later.delivery_days := any_delay;
    overdue := (muster.clocked(later)).intervals - clocked;
  elsif agreed is null and said.status = 'assigned' and assignment.ended_as = 'completed' and not exists (
    select from public.gps_checkins c where c.assignment_id = assignment.id and c.kind <> 'ping'
  ) then
    -- Brought in as history: what was planned.
    worked := tstzmultirange(tstzrange(assignment.start_datetime, assignment.end_datetime));
  end if;

  first_at := lower(worked + overdue);
  last_at := upper(worked + overdue);
  select
    range_agg(muster.spans_of(t.paid)),
    range_agg(muster.spans_of(t.paid)) filter (where not o.is_later),
    range_agg(c.claimed) filter (where o.is_later),
    range_agg(c.claimed)
  into settled, settled_of_earlier, claimed_later, claimed_ever
  from (
    select a, (a.start_datetime, a.shift_id) > (assignment.start_datetime, assignment.shift_id) as is_later
    from public.assignments a
    where a.professional_id = assignment.professional_id
      and a.id <> assignment.id
      and a.start_datetime between first_at - longest_shift - window_after and last_at + window_before
      and a.end_datetime > first_at - window_after
  ) o
  left join public.timesheets t on t.assignment_id = (o.a).id and t.state in ('approved', 'locked')
  left join lateral (
    select c.claimed from muster.clocked(o.a) c where t.id is null and (o.is_later or not isempty(overdue))
  ) c on true;

  is_cut := not isempty(worked * coalesce(settled_of_earlier, '{}'));
  worked := worked - coalesce(settled, '{}') - coalesce(claimed_later, '{}');
  overdue := overdue - coalesce(settled, '{}') - coalesce(claimed_ever, '{}');
end
$function$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.reopen_timesheet(sheet timesheets)
 RETURNS timesheets
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
declare
  assignment public.assignments;
  was text := sheet.state;
begin
  assignment := muster.finished_assignment(sheet);
  update public.timesheets t
  set state = 'disputed', approved_at = null, approved_by = null
  where t.id = sheet.id
  returning t.* into sheet;
  if was = 'approved' then
    update public.timesheet_lines l set is_approved = l.open_reason is null where l.timesheet_id = sheet.id;
    -- What came in meanwhile counts again.
    sheet := muster.make_timesheet(assignment);
    update public.finqle_transactions t
    set amount = sheet.total
    where t.assignment_id = assignment.id and t.status = 'pending' and t.amount <> sheet.total;
    perform muster.make_neighbours(assignment);
    perform muster.advance_assignment(assignment.id);
    select t.* into sheet from public.timesheets t where t.id = sheet.id;
  end if;
  return sheet;
end
$function$;
--> statement-breakpoint
alter publication supabase_realtime add table public.timesheets (agreed, approved_at, approved_by, assignment_id, break_seconds, client_id, clocked, company_id, created_at, currency, end_datetime, flags, id, locked_at, paid, paid_seconds, pay_period_id, professional_id, proposed_at, shift_id, start_datetime, state, time_zone, updated_at, work_date, worked, worked_seconds);
--> statement-breakpoint
alter table public.pay_periods disable row level security;
--> statement-breakpoint
alter table public.pay_periods no force row level security;
--> statement-breakpoint
alter table public.pay_terms disable row level security;
--> statement-breakpoint
alter table public.pay_terms no force row level security;
--> statement-breakpoint
alter table public.professional_tax_terms disable row level security;
--> statement-breakpoint
alter table public.professional_tax_terms no force row level security;
--> statement-breakpoint
alter table public.statements disable row level security;
--> statement-breakpoint
alter table public.statements no force row level security;
--> statement-breakpoint
alter table public.statement_lines disable row level security;
--> statement-breakpoint
alter table public.statement_lines no force row level security;
--> statement-breakpoint
alter table public.payouts disable row level security;
--> statement-breakpoint
alter table public.payouts no force row level security;
--> statement-breakpoint
alter table public.payout_events disable row level security;
--> statement-breakpoint
alter table public.payout_events no force row level security;
--> statement-breakpoint
revoke select on table public.pay_periods from authenticated;
--> statement-breakpoint
revoke insert, select, update on table public.pay_periods from muster_definer;
--> statement-breakpoint
revoke delete, insert, select, update on table public.pay_periods from service_role;
--> statement-breakpoint
revoke select, insert (company_id, id, period, time_zone, valid_from) on table public.pay_terms from authenticated;
--> statement-breakpoint
revoke select on table public.pay_terms from muster_definer;
--> statement-breakpoint
revoke delete, insert, select, update on table public.pay_terms from service_role;
--> statement-breakpoint
revoke select (company_id, created_at, id, is_applied, occurred_at, payout_id, professional_id, reason, source, status, tenant_id) on table public.payout_events from authenticated;
--> statement-breakpoint
revoke insert, select on table public.payout_events from muster_definer;
--> statement-breakpoint
revoke select on table public.payout_events from service_role;
--> statement-breakpoint
revoke select (amount, attempts, changed_xid, company_id, completed_at, created_at, currency, dead_at, id, last_error, next_attempt_at, professional_id, provider_reference, sent_at, statement_id, status, tenant_id, updated_at) on table public.payouts from authenticated;
--> statement-breakpoint
revoke insert, select, update (attempts, completed_at, dead_at, last_error, next_attempt_at, provider_reference, sent_at, status) on table public.payouts from muster_definer;
--> statement-breakpoint
revoke select on table public.payouts from service_role;
--> statement-breakpoint
revoke select, insert (deduction_percent, deduction_reason, id, professional_id, valid_from, vat_exemption, vat_number, vat_rate) on table public.professional_tax_terms from authenticated;
--> statement-breakpoint
revoke select on table public.professional_tax_terms from muster_definer;
--> statement-breakpoint
revoke delete, insert, select, update on table public.professional_tax_terms from service_role;
--> statement-breakpoint
revoke select on table public.statement_lines from authenticated;
--> statement-breakpoint
revoke insert, select on table public.statement_lines from muster_definer, service_role;
--> statement-breakpoint
revoke select on table public.statements from authenticated;
--> statement-breakpoint
revoke insert, select on table public.statements from muster_definer, service_role;
--> statement-breakpoint
revoke select (adjusted) on table public.timesheets from authenticated;
--> statement-breakpoint
select muster.declare_audiences();
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1796028679_payouts';
