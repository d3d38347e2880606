alter publication supabase_realtime drop table public.payouts;
--> statement-breakpoint
drop policy payout_events_read on public.payout_events;
--> statement-breakpoint
drop policy payouts_read on public.payouts;
--> statement-breakpoint
drop policy internal on public.payout_events;
--> statement-breakpoint
drop policy internal on public.payouts;
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
CREATE OR REPLACE FUNCTION muster.codes_of_guarding()
 RETURNS jsonb
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
 SET search_path TO 'pg_catalog', 'pg_temp'
RETURN jsonb_build_object('shift_overlap', 'MU001', 'certificate_missing', 'MU002', 'certificate_expired', 'MU003', 'professional_inactive', 'MU004', 'shift_not_open', 'MU005', 'invalid_transition', 'MU006', 'outside_check_in_window', 'MU007', 'recorded_in_future', 'MU008', 'shift_not_assigned', 'MU009', 'certificate_in_use', 'MU012', 'professional_in_use', 'MU013', 'location_in_use', 'MU014', 'payment_missing', 'MU015', 'id_conflict', 'MU016', 'shift_over', 'MU021', 'daily_limit_reached', 'MU025', 'too_many_pings', 'MU030', 'professional_unavailable', 'MU300', 'shift_begun', 'MU301', 'rate_lowered', 'MU302', 'end_worked', 'MU303', 'assignment_released', 'MU330', 'correction_decided', 'MU331', 'correction_open', 'MU332', 'too_many_corrections', 'MU333', 'own_hours', 'MU340', 'timesheet_state', 'MU341', 'lines_undecided', 'MU342', 'timesheet_changed', 'MU343', 'dispute_too_late', 'MU344', 'hours_impossible', 'MU345', 'pay_period_closed', 'MU350', 'pay_period_not_over', 'MU351', 'pay_period_not_next', 'MU352');
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.notification_types_of_guarding()
 RETURNS text[]
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
 SET search_path TO 'pg_catalog', 'pg_temp'
RETURN ARRAY['shift_assigned'::text, 'shift_released'::text, 'shift_cancelled'::text, 'shift_changed'::text, 'shift_late'::text, 'shift_no_show'::text, 'correction_proposed'::text, 'correction_accepted'::text, 'correction_refused'::text, 'correction_imposed'::text, 'certificate_expiring'::text, 'payments_stale'::text, 'timesheet_approved'::text, 'timesheet_disputed'::text, 'timesheet_countered'::text, 'timesheet_resolved'::text, 'pay_period_closed'::text, 'statement_made'::text];
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
alter table public.payouts disable row level security;
--> statement-breakpoint
alter table public.payouts no force row level security;
--> statement-breakpoint
alter table public.payout_events disable row level security;
--> statement-breakpoint
alter table public.payout_events no force row level security;
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
select muster.declare_audiences();
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1796027815_payouts';
