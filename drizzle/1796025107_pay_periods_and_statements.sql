-- Pay periods and statements. Corrections and timesheets get a column without a default, and timesheets a foreign key whose column is empty
-- everywhere: both tables are scanned once.
-- squawk-ignore-file adding-foreign-key-constraint, constraint-missing-not-valid, require-concurrent-index-creation, prefer-bigint-over-int

CREATE TABLE "pay_periods" (
	"id" uuid PRIMARY KEY DEFAULT muster.uuid_v7() NOT NULL,
	"tenant_id" uuid NOT NULL,
	"company_id" uuid NOT NULL,
	"period" text NOT NULL,
	"time_zone" text NOT NULL,
	"first_day" date NOT NULL,
	"last_day" date NOT NULL,
	"starts_at" timestamp with time zone NOT NULL,
	"ends_at" timestamp with time zone NOT NULL,
	"state" text DEFAULT 'open' NOT NULL,
	"closed_at" timestamp with time zone,
	"closed_by" uuid,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	"changed_xid" "xid8" DEFAULT pg_current_xact_id() NOT NULL,
	CONSTRAINT "pay_periods_one_per_day" UNIQUE("company_id","first_day"),
	CONSTRAINT "pay_periods_id_company_key" UNIQUE("id","company_id"),
	CONSTRAINT "pay_periods_period_known" CHECK ("pay_periods"."period" in ('week', 'four_weeks', 'month')),
	CONSTRAINT "pay_periods_state_known" CHECK ("pay_periods"."state" in ('open', 'closed')),
	CONSTRAINT "pay_periods_days_in_order" CHECK ("pay_periods"."first_day" <= "pay_periods"."last_day" and "pay_periods"."starts_at" < "pay_periods"."ends_at"),
	CONSTRAINT "pay_periods_closed_somewhen" CHECK (("pay_periods"."closed_at" is not null) = ("pay_periods"."state" = 'closed'))
);
--> statement-breakpoint
CREATE TABLE "pay_terms" (
	"id" uuid PRIMARY KEY DEFAULT muster.uuid_v7() NOT NULL,
	"tenant_id" uuid NOT NULL,
	"company_id" uuid DEFAULT muster.company_id() NOT NULL,
	"valid_from" date DEFAULT current_date NOT NULL,
	"period" text NOT NULL,
	"time_zone" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "pay_terms_one_per_day" UNIQUE("company_id","valid_from"),
	CONSTRAINT "pay_terms_period_known" CHECK ("pay_terms"."period" in ('week', 'four_weeks', 'month')),
	CONSTRAINT "pay_terms_time_zone_known" CHECK (muster.is_time_zone("pay_terms"."time_zone"))
);
--> statement-breakpoint
CREATE TABLE "professional_tax_terms" (
	"id" uuid PRIMARY KEY DEFAULT muster.uuid_v7() NOT NULL,
	"tenant_id" uuid NOT NULL,
	"professional_id" uuid DEFAULT muster.professional_id() NOT NULL,
	"valid_from" date DEFAULT current_date NOT NULL,
	"vat_rate" numeric(5, 2) NOT NULL,
	"vat_exemption" text,
	"vat_number" text,
	"deduction_percent" numeric(5, 2) DEFAULT 0 NOT NULL,
	"deduction_reason" text,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "professional_tax_terms_one_per_day" UNIQUE("professional_id","valid_from"),
	CONSTRAINT "professional_tax_terms_vat_rate_range" CHECK ("professional_tax_terms"."vat_rate" between 0 and 50),
	CONSTRAINT "professional_tax_terms_vat_exemption_known" CHECK ("professional_tax_terms"."vat_exemption" in ('small_business', 'reverse_charge', 'not_registered')),
	CONSTRAINT "professional_tax_terms_vat_rate_or_exemption" CHECK ("professional_tax_terms"."vat_exemption" is null or "professional_tax_terms"."vat_rate" = 0),
	CONSTRAINT "professional_tax_terms_vat_number_given" CHECK ("professional_tax_terms"."vat_number" is not null or ("professional_tax_terms"."vat_rate" = 0 and "professional_tax_terms"."vat_exemption" is distinct from 'reverse_charge')),
	CONSTRAINT "professional_tax_terms_vat_number_form" CHECK ("professional_tax_terms"."vat_number" ~ '^[A-Z]{2}[0-9A-Z+*]{2,13}$'),
	CONSTRAINT "professional_tax_terms_deduction_range" CHECK ("professional_tax_terms"."deduction_percent" between 0 and 100),
	CONSTRAINT "professional_tax_terms_deduction_explained" CHECK (("professional_tax_terms"."deduction_percent" > 0) = ("professional_tax_terms"."deduction_reason" is not null)),
	CONSTRAINT "professional_tax_terms_deduction_reason_length" CHECK (char_length("professional_tax_terms"."deduction_reason") between 1 and 200)
);
--> statement-breakpoint
CREATE TABLE "statement_lines" (
	"id" uuid PRIMARY KEY DEFAULT muster.uuid_v7() NOT NULL,
	"tenant_id" uuid NOT NULL,
	"company_id" uuid NOT NULL,
	"professional_id" uuid NOT NULL,
	"statement_id" uuid NOT NULL,
	"timesheet_line_id" uuid NOT NULL,
	"timesheet_id" uuid NOT NULL,
	"position" integer NOT NULL,
	"work_date" date NOT NULL,
	"kind" text NOT NULL,
	"seconds" numeric(14, 6) NOT NULL,
	"rate" numeric(10, 2) NOT NULL,
	"factor" numeric(8, 4) NOT NULL,
	"amount" numeric(12, 2) NOT NULL,
	"currency" text DEFAULT 'EUR' NOT NULL,
	"explanation" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	"changed_xid" "xid8" DEFAULT pg_current_xact_id() NOT NULL,
	CONSTRAINT "statement_lines_settled_once" UNIQUE("timesheet_line_id"),
	CONSTRAINT "statement_lines_position_key" UNIQUE("statement_id","position"),
	CONSTRAINT "statement_lines_kind_known" CHECK ("statement_lines"."kind" in ('planned', 'overtime', 'allowance', 'minimum', 'adjustment')),
	CONSTRAINT "statement_lines_amount_sign" CHECK ("statement_lines"."amount" >= 0 or "statement_lines"."kind" = 'adjustment'),
	CONSTRAINT "statement_lines_currency_known" CHECK ("statement_lines"."currency" = 'EUR')
);
--> statement-breakpoint
CREATE TABLE "statements" (
	"id" uuid PRIMARY KEY DEFAULT muster.uuid_v7() NOT NULL,
	"tenant_id" uuid NOT NULL,
	"company_id" uuid NOT NULL,
	"professional_id" uuid NOT NULL,
	"pay_period_id" uuid NOT NULL,
	"number" integer NOT NULL,
	"kind" text NOT NULL,
	"issued_on" date NOT NULL,
	"first_day" date NOT NULL,
	"last_day" date NOT NULL,
	"company_name" text NOT NULL,
	"professional_name" text NOT NULL,
	"vat_rate" numeric(5, 2) NOT NULL,
	"vat_exemption" text,
	"vat_number" text,
	"deduction_percent" numeric(5, 2) DEFAULT 0 NOT NULL,
	"deduction_reason" text,
	"currency" text DEFAULT 'EUR' NOT NULL,
	"gross" numeric(12, 2) NOT NULL,
	"deductions" numeric(12, 2) NOT NULL,
	"net" numeric(12, 2) NOT NULL,
	"vat_amount" numeric(12, 2) NOT NULL,
	"total" numeric(12, 2) NOT NULL,
	"carried_in" numeric(12, 2) NOT NULL,
	"payable" numeric(12, 2) NOT NULL,
	"carried_out" numeric(12, 2) NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	"changed_xid" "xid8" DEFAULT pg_current_xact_id() NOT NULL,
	CONSTRAINT "statements_number_key" UNIQUE("company_id","professional_id","number"),
	CONSTRAINT "statements_one_per_period" UNIQUE("pay_period_id","professional_id"),
	CONSTRAINT "statements_whose_key" UNIQUE("id","company_id","professional_id"),
	CONSTRAINT "statements_kind_known" CHECK ("statements"."kind" in ('invoice', 'credit_note')),
	CONSTRAINT "statements_kind_by_sign" CHECK (("statements"."kind" = 'credit_note') = ("statements"."gross" < 0)),
	CONSTRAINT "statements_number_positive" CHECK ("statements"."number" > 0),
	CONSTRAINT "statements_currency_known" CHECK ("statements"."currency" = 'EUR'),
	CONSTRAINT "statements_vat_exemption_known" CHECK ("statements"."vat_exemption" in ('small_business', 'reverse_charge', 'not_registered')),
	CONSTRAINT "statements_net_adds_up" CHECK ("statements"."net" = "statements"."gross" - "statements"."deductions"),
	CONSTRAINT "statements_total_adds_up" CHECK ("statements"."total" = "statements"."net" + "statements"."vat_amount"),
	CONSTRAINT "statements_balance_adds_up" CHECK ("statements"."carried_in" <= 0 and "statements"."payable" = greatest("statements"."carried_in" + "statements"."total", 0) and "statements"."carried_out" = least("statements"."carried_in" + "statements"."total", 0))
);
--> statement-breakpoint
-- Both name the columns of corrections.
drop function muster.clock_events(uuid);
--> statement-breakpoint
drop function muster.corrections_in_effect(uuid);
--> statement-breakpoint
ALTER TABLE "corrections" ADD COLUMN "clocked_before" jsonb;
--> statement-breakpoint
create function muster.corrections_in_effect(of_assignment uuid) returns setof public.corrections
language sql
stable
parallel safe
begin atomic
  select distinct on (c.event_id) c.*
  from public.corrections c
  where c.assignment_id = of_assignment and c.state in ('accepted', 'imposed')
  order by c.event_id, c.decided_at desc, c.id desc;
end;
--> statement-breakpoint
comment on function muster.corrections_in_effect(uuid) is 'Of each event of an assignment what was last agreed on, or imposed.';
--> statement-breakpoint
revoke execute on function muster.corrections_in_effect(uuid) from public, anon, authenticated, service_role;
--> statement-breakpoint
grant execute on function muster.corrections_in_effect(uuid) to muster_definer;
--> statement-breakpoint
create function muster.clock_events(of_assignment uuid)
returns table (
  event_id uuid, kind text, at_time timestamptz, verdict text, accuracy_meters float8, delivered_at timestamptz, correction_id uuid
)
language sql
stable
begin atomic
  with agreed as (
    select c.id, c.event_id, c.checkin_id, c.change, c.kind, c.becomes_at from muster.corrections_in_effect(of_assignment) c
  )
  select
    e.id as event_id,
    e.kind,
    coalesce(a.becomes_at, e.recorded_at) as at_time,
    case when a.id is null then e.verdict end as verdict,
    e.accuracy_meters,
    e.created_at as delivered_at,
    a.id as correction_id
  from public.gps_checkins e
  left join agreed a on a.checkin_id = e.id
  where e.assignment_id = of_assignment and e.kind <> 'ping' and a.change is distinct from 'never_happened'
  union all
  select
    a.event_id,
    a.kind,
    a.becomes_at as at_time,
    -- With a type and a name: without them a restored backup would not print this function as it is printed here.
    null::text as verdict,
    null::float8 as accuracy_meters,
    null::timestamptz as delivered_at,
    a.id as correction_id
  from agreed a
  where a.checkin_id is null and a.change <> 'never_happened';
end;
--> statement-breakpoint
comment on function muster.clock_events(uuid) is 'The clock events of an assignment after corrections. One with a correction was agreed on: it counts, and its place is not judged.';
--> statement-breakpoint
revoke execute on function muster.clock_events(uuid) from public, anon, authenticated, service_role;
--> statement-breakpoint
grant execute on function muster.clock_events(uuid) to muster_definer;
--> statement-breakpoint
ALTER TABLE "timesheets" ADD COLUMN "adjusted" jsonb;--> statement-breakpoint
ALTER TABLE "pay_periods" ADD CONSTRAINT "pay_periods_company_fk" FOREIGN KEY ("company_id","tenant_id") REFERENCES "public"."organizations"("id","tenant_id") ON DELETE restrict ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "pay_terms" ADD CONSTRAINT "pay_terms_company_fk" FOREIGN KEY ("company_id","tenant_id") REFERENCES "public"."organizations"("id","tenant_id") ON DELETE restrict ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "professional_tax_terms" ADD CONSTRAINT "professional_tax_terms_professional_fk" FOREIGN KEY ("professional_id","tenant_id") REFERENCES "public"."security_professionals"("id","tenant_id") ON DELETE restrict ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "statement_lines" ADD CONSTRAINT "statement_lines_statement_fk" FOREIGN KEY ("statement_id","company_id","professional_id") REFERENCES "public"."statements"("id","company_id","professional_id") ON DELETE restrict ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "statement_lines" ADD CONSTRAINT "statement_lines_timesheet_line_fk" FOREIGN KEY ("timesheet_line_id") REFERENCES "public"."timesheet_lines"("id") ON DELETE restrict ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "statements" ADD CONSTRAINT "statements_company_fk" FOREIGN KEY ("company_id","tenant_id") REFERENCES "public"."organizations"("id","tenant_id") ON DELETE restrict ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "statements" ADD CONSTRAINT "statements_professional_fk" FOREIGN KEY ("professional_id","tenant_id") REFERENCES "public"."security_professionals"("id","tenant_id") ON DELETE restrict ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "statements" ADD CONSTRAINT "statements_pay_period_fk" FOREIGN KEY ("pay_period_id","company_id") REFERENCES "public"."pay_periods"("id","company_id") ON DELETE restrict ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "pay_periods_company_idx" ON "pay_periods" USING btree ("company_id","starts_at","id");--> statement-breakpoint
CREATE INDEX "pay_periods_tenant_idx" ON "pay_periods" USING btree ("tenant_id","starts_at","id");--> statement-breakpoint
CREATE INDEX "pay_periods_changed_idx" ON "pay_periods" USING btree ("changed_xid","id");--> statement-breakpoint
CREATE INDEX "pay_terms_tenant_idx" ON "pay_terms" USING btree ("tenant_id","valid_from","id");--> statement-breakpoint
CREATE INDEX "professional_tax_terms_tenant_idx" ON "professional_tax_terms" USING btree ("tenant_id","valid_from","id");--> statement-breakpoint
CREATE INDEX "statement_lines_statement_idx" ON "statement_lines" USING btree ("statement_id","company_id","professional_id");--> statement-breakpoint
CREATE INDEX "statement_lines_company_idx" ON "statement_lines" USING btree ("company_id","id");--> statement-breakpoint
CREATE INDEX "statement_lines_professional_idx" ON "statement_lines" USING btree ("professional_id","id");--> statement-breakpoint
CREATE INDEX "statement_lines_tenant_idx" ON "statement_lines" USING btree ("tenant_id","id");--> statement-breakpoint
CREATE INDEX "statement_lines_changed_idx" ON "statement_lines" USING btree ("changed_xid","id");--> statement-breakpoint
CREATE INDEX "statements_pay_period_idx" ON "statements" USING btree ("pay_period_id","company_id");--> statement-breakpoint
CREATE INDEX "statements_company_idx" ON "statements" USING btree ("company_id","last_day","id");--> statement-breakpoint
CREATE INDEX "statements_professional_idx" ON "statements" USING btree ("professional_id","last_day","id");--> statement-breakpoint
CREATE INDEX "statements_tenant_idx" ON "statements" USING btree ("tenant_id","last_day","id");--> statement-breakpoint
CREATE INDEX "statements_changed_idx" ON "statements" USING btree ("changed_xid","id");--> statement-breakpoint
ALTER TABLE "timesheets" ADD CONSTRAINT "timesheets_pay_period_fk" FOREIGN KEY ("pay_period_id","company_id") REFERENCES "public"."pay_periods"("id","company_id") ON DELETE restrict ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "timesheet_lines_adjustment_idx" ON "timesheet_lines" USING btree ("company_id","id") WHERE "timesheet_lines"."kind" = 'adjustment';--> statement-breakpoint
CREATE INDEX "timesheets_approved_idx" ON "timesheets" USING btree ("company_id","start_datetime") WHERE "timesheets"."state" = 'approved';
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1796025107_pay_periods_and_statements';
