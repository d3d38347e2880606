alter publication supabase_realtime drop table public.statement_lines;
--> statement-breakpoint
alter publication supabase_realtime drop table public.statements;
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
drop function muster.tg_professional_tax_terms__set_tenant();
--> statement-breakpoint
drop function muster.seen_of_statement_lines(jsonb);
--> statement-breakpoint
drop function muster.seen_of_statements(jsonb);
--> statement-breakpoint
drop function muster.audience_of_statement_lines(jsonb,timestamp with time zone);
--> statement-breakpoint
drop function muster.audience_of_statements(jsonb,timestamp with time zone);
--> statement-breakpoint
drop function muster.tg_pay_terms__complete();
--> statement-breakpoint
drop function muster.seen_of_pay_periods(jsonb);
--> statement-breakpoint
drop function muster.audience_of_pay_periods(jsonb,timestamp with time zone);
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
select muster.declare_audiences();
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1796025107_pay_periods_and_statements';
