alter publication supabase_realtime drop table public.driver_statements;
--> statement-breakpoint
alter publication supabase_realtime drop table public.driver_payments;
--> statement-breakpoint
drop policy driver_statements_read on public.driver_statements;
--> statement-breakpoint
drop policy internal on public.driver_statements;
--> statement-breakpoint
drop policy driver_deductions_edit on public.driver_deductions;
--> statement-breakpoint
drop policy driver_deductions_create on public.driver_deductions;
--> statement-breakpoint
drop policy driver_deductions_read on public.driver_deductions;
--> statement-breakpoint
drop policy driver_payments_create on public.driver_payments;
--> statement-breakpoint
drop policy driver_payments_read on public.driver_payments;
--> statement-breakpoint
drop policy internal on public.driver_payments;
--> statement-breakpoint
drop policy internal on public.driver_deductions;
--> statement-breakpoint
drop trigger lead on public.driver_statements;
--> statement-breakpoint
drop trigger b_check_change on public.driver_statements;
--> statement-breakpoint
drop trigger note_departure_on_update on public.driver_statements;
--> statement-breakpoint
drop trigger note_departure_on_delete on public.driver_statements;
--> statement-breakpoint
drop trigger z_stamp_change on public.driver_statements;
--> statement-breakpoint
drop trigger edit_trail on public.driver_statements;
--> statement-breakpoint
drop trigger a_copy_driver on public.driver_deductions;
--> statement-breakpoint
drop trigger b_check_change on public.driver_payments;
--> statement-breakpoint
drop trigger a_complete on public.driver_payments;
--> statement-breakpoint
drop trigger pay_drivers on public.loads;
--> statement-breakpoint
drop trigger note_departure_on_update on public.driver_payments;
--> statement-breakpoint
drop trigger note_departure_on_delete on public.driver_payments;
--> statement-breakpoint
drop trigger z_stamp_change on public.driver_payments;
--> statement-breakpoint
drop trigger edit_trail on public.driver_payments;
--> statement-breakpoint
drop trigger edit_trail on public.driver_deductions;
--> statement-breakpoint
drop index muster.driver_earnings_summary_tenant_idx;
--> statement-breakpoint
drop index muster.driver_earnings_summary_carrier_idx;
--> statement-breakpoint
drop index muster.driver_earnings_summary_key;
--> statement-breakpoint
drop materialized view muster.driver_earnings_summary;
--> statement-breakpoint
drop function muster.tg_driver_statements__lead();
--> statement-breakpoint
drop function muster.tg_driver_statements__check_change();
--> statement-breakpoint
drop function muster.move_driver_statement(uuid,text);
--> statement-breakpoint
drop function muster.settle_driver_payments(date,date,uuid,uuid);
--> statement-breakpoint
drop function muster.driver_statement_json(driver_statements);
--> statement-breakpoint
drop function muster.seen_of_driver_statements(jsonb);
--> statement-breakpoint
drop function muster.audience_of_driver_statements(jsonb,timestamp with time zone);
--> statement-breakpoint
drop function muster.tg_driver_deductions__copy_driver();
--> statement-breakpoint
drop function muster.is_pay_step(text,text);
--> statement-breakpoint
drop function muster.tg_driver_payments__check_change();
--> statement-breakpoint
drop function muster.tg_driver_payments__complete();
--> statement-breakpoint
drop function muster.tg_loads__pay_drivers();
--> statement-breakpoint
drop function muster.delivery_day(loads);
--> statement-breakpoint
drop function muster.linehaul_of(loads,drivers);
--> statement-breakpoint
drop function muster.seen_of_driver_payments(jsonb);
--> statement-breakpoint
drop function muster.audience_of_driver_payments(jsonb,timestamp with time zone);
--> statement-breakpoint
drop function muster.driver_earnings_report(date,date,uuid,date,uuid,integer);
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.codes_of_freight()
 RETURNS jsonb
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
 SET search_path TO 'pg_catalog', 'pg_temp'
RETURN jsonb_build_object('load_not_open', 'MU400', 'load_state', 'MU401', 'driver_overlap', 'MU402', 'truck_overlap', 'MU403', 'trailer_overlap', 'MU404', 'driver_in_use', 'MU405', 'equipment_in_use', 'MU406', 'broker_in_use', 'MU407', 'document_in_use', 'MU408', 'driver_inactive', 'MU410', 'license_expired', 'MU411', 'equipment_out_of_service', 'MU412', 'inspection_expired', 'MU413', 'leg_outside_load', 'MU414', 'stops_invalid', 'MU415', 'stop_in_future', 'MU416', 'license_missing', 'MU417', 'medical_card_missing', 'MU418', 'medical_card_expired', 'MU419', 'hours_of_service', 'MU420', 'duty_in_future', 'MU421', 'duty_id_conflict', 'MU422', 'too_many_duty_changes', 'MU423', 'duty_edit_decided', 'MU424', 'duty_edit_open', 'MU425', 'too_many_duty_edits', 'MU426');
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.groups_of_freight(callers uuid[])
 RETURNS TABLE(caller uuid, groups text[])
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
BEGIN ATOMIC
 SELECT m.user_id,
     array_agg(
         CASE
             WHEN (m.role = ANY (ARRAY['office'::text, 'dispatcher'::text])) THEN ('carrier:'::text || m.organization_id)
             WHEN (m.role = 'broker'::text) THEN ('broker:'::text || m.organization_id)
             WHEN (m.role = 'driver'::text) THEN ('driver:'::text || d.id)
             ELSE NULL::text
         END) AS array_agg
    FROM ((memberships m
      JOIN users u ON ((u.id = m.user_id)))
      LEFT JOIN drivers d ON (((m.role = 'driver'::text) AND (d.user_id = m.user_id) AND (d.organization_id = m.organization_id) AND (d.deleted_at IS NULL))))
   WHERE ((m.user_id = ANY (groups_of_freight.callers)) AND (m.role = ANY (ARRAY['office'::text, 'dispatcher'::text, 'broker'::text, 'driver'::text])) AND (u.deleted_at IS NULL) AND (u.suspended_at IS NULL))
   GROUP BY m.user_id;
END;
--> statement-breakpoint
alter table public.driver_deductions disable row level security;
--> statement-breakpoint
alter table public.driver_deductions no force row level security;
--> statement-breakpoint
alter table public.driver_payments disable row level security;
--> statement-breakpoint
alter table public.driver_payments no force row level security;
--> statement-breakpoint
alter table public.driver_statements disable row level security;
--> statement-breakpoint
alter table public.driver_statements no force row level security;
--> statement-breakpoint
revoke select, insert (amount, currency, driver_id, explanation, id, valid_from, valid_until), update (valid_until) on table public.driver_deductions from authenticated;
--> statement-breakpoint
revoke select on table public.driver_deductions from muster_definer;
--> statement-breakpoint
revoke insert, select, update on table public.driver_deductions from service_role;
--> statement-breakpoint
revoke select, insert (amount, currency, driver_id, earned_on, explanation, id, load_id, quantity, rate, type) on table public.driver_payments from authenticated;
--> statement-breakpoint
revoke insert, select, update on table public.driver_payments from muster_definer, service_role;
--> statement-breakpoint
revoke select on table public.driver_statements from authenticated;
--> statement-breakpoint
revoke insert, select, update on table public.driver_statements from muster_definer, service_role;
--> statement-breakpoint
select muster.declare_audiences();
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1796054882_driver_pay';
