-- Hours of notice and positions of lines fit into a smallint. A company has a few rows of terms; the columns of assignments are filled here, and
-- their table is scanned once.
-- squawk-ignore-file prefer-bigint-over-smallint, adding-not-nullable-field, constraint-missing-not-valid

CREATE TABLE "allowances" (
	"id" uuid PRIMARY KEY DEFAULT muster.uuid_v7() NOT NULL,
	"tenant_id" uuid NOT NULL,
	"company_id" uuid DEFAULT muster.company_id() NOT NULL,
	"kind" text NOT NULL,
	"valid_from" timestamp with time zone DEFAULT now() NOT NULL,
	"percent" numeric(6, 2),
	"amount_per_hour" numeric(10, 2),
	"combination" text DEFAULT 'add' NOT NULL,
	"window_from" time,
	"window_to" time,
	"notice_hours" smallint,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "allowances_one_per_moment" UNIQUE("company_id","kind","valid_from"),
	CONSTRAINT "allowances_kind_known" CHECK ("allowances"."kind" in ('evening', 'night', 'saturday', 'sunday', 'public_holiday', 'short_notice')),
	CONSTRAINT "allowances_percent_or_amount" CHECK (num_nonnulls("allowances"."percent", "allowances"."amount_per_hour") = 1),
	CONSTRAINT "allowances_percent_range" CHECK ("allowances"."percent" between 0 and 400),
	CONSTRAINT "allowances_amount_range" CHECK ("allowances"."amount_per_hour" between 0 and 500),
	CONSTRAINT "allowances_combination_known" CHECK ("allowances"."combination" in ('add', 'highest')),
	CONSTRAINT "allowances_window_given" CHECK (num_nonnulls("allowances"."window_from", "allowances"."window_to") = case when "allowances"."kind" in ('evening', 'night') then 2 else 0 end),
	CONSTRAINT "allowances_window_not_empty" CHECK ("allowances"."window_from" <> "allowances"."window_to"),
	CONSTRAINT "allowances_notice_given" CHECK (("allowances"."notice_hours" is not null) = ("allowances"."kind" = 'short_notice')),
	CONSTRAINT "allowances_notice_range" CHECK ("allowances"."notice_hours" between 1 and 336)
);
--> statement-breakpoint
CREATE TABLE "muster"."public_holidays" (
	"calendar" text NOT NULL,
	"day" date NOT NULL,
	"name" text NOT NULL,
	CONSTRAINT "public_holidays_pkey" PRIMARY KEY("calendar","day")
);
--> statement-breakpoint
CREATE TABLE "timesheet_lines" (
	"id" uuid PRIMARY KEY DEFAULT muster.uuid_v7() NOT NULL,
	"tenant_id" uuid NOT NULL,
	"company_id" uuid NOT NULL,
	"professional_id" uuid NOT NULL,
	"timesheet_id" uuid NOT NULL,
	"position" smallint NOT NULL,
	"kind" text NOT NULL,
	"seconds" numeric(14, 6) NOT NULL,
	"rate" numeric(10, 2) NOT NULL,
	"factor" numeric(8, 4) NOT NULL,
	"amount" numeric(12, 2) NOT NULL,
	"currency" text DEFAULT 'EUR' NOT NULL,
	"explanation" text NOT NULL,
	"allowance_id" uuid,
	"open_reason" text,
	"is_approved" boolean NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	"changed_xid" "xid8" DEFAULT pg_current_xact_id() NOT NULL,
	CONSTRAINT "timesheet_lines_kind_known" CHECK ("timesheet_lines"."kind" in ('planned', 'overtime', 'allowance', 'minimum', 'adjustment')),
	CONSTRAINT "timesheet_lines_open_reason_known" CHECK ("timesheet_lines"."open_reason" in ('overtime_beyond_tolerance', 'overdue_events')),
	CONSTRAINT "timesheet_lines_closed_counts" CHECK ("timesheet_lines"."open_reason" is not null or "timesheet_lines"."is_approved"),
	CONSTRAINT "timesheet_lines_amount_sign" CHECK ("timesheet_lines"."amount" >= 0 or "timesheet_lines"."kind" = 'adjustment'),
	CONSTRAINT "timesheet_lines_currency_known" CHECK ("timesheet_lines"."currency" = 'EUR'),
	CONSTRAINT "timesheet_lines_allowance_named" CHECK (("timesheet_lines"."allowance_id" is not null) = ("timesheet_lines"."kind" = 'allowance'))
);
--> statement-breakpoint
CREATE TABLE "timesheet_steps" (
	"id" uuid PRIMARY KEY DEFAULT muster.uuid_v7() NOT NULL,
	"tenant_id" uuid NOT NULL,
	"company_id" uuid NOT NULL,
	"professional_id" uuid NOT NULL,
	"timesheet_id" uuid NOT NULL,
	"step" text NOT NULL,
	"taken_by" uuid,
	"by_professional" boolean NOT NULL,
	"reason" text,
	"worked" jsonb,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	"changed_xid" "xid8" DEFAULT pg_current_xact_id() NOT NULL,
	CONSTRAINT "timesheet_steps_step_known" CHECK ("timesheet_steps"."step" in ('approved', 'approved_by_itself', 'disputed', 'countered', 'resolved', 'withdrawn')),
	CONSTRAINT "timesheet_steps_reason_length" CHECK (char_length("timesheet_steps"."reason") between 1 and 2000),
	CONSTRAINT "timesheet_steps_counter_has_hours" CHECK (("timesheet_steps"."worked" is not null) = ("timesheet_steps"."step" = 'countered'))
);
--> statement-breakpoint
CREATE TABLE "timesheets" (
	"id" uuid PRIMARY KEY DEFAULT muster.uuid_v7() NOT NULL,
	"tenant_id" uuid NOT NULL,
	"company_id" uuid NOT NULL,
	"client_id" uuid NOT NULL,
	"shift_id" uuid NOT NULL,
	"assignment_id" uuid NOT NULL,
	"professional_id" uuid NOT NULL,
	"state" text DEFAULT 'proposed' NOT NULL,
	"start_datetime" timestamp with time zone NOT NULL,
	"end_datetime" timestamp with time zone NOT NULL,
	"time_zone" text NOT NULL,
	"work_date" date NOT NULL,
	"worked" jsonb NOT NULL,
	"paid" jsonb NOT NULL,
	"clocked" jsonb NOT NULL,
	"agreed" jsonb,
	"worked_seconds" numeric(14, 6) NOT NULL,
	"break_seconds" numeric(14, 6) NOT NULL,
	"paid_seconds" numeric(14, 6) NOT NULL,
	"total" numeric(12, 2) NOT NULL,
	"currency" text DEFAULT 'EUR' NOT NULL,
	"flags" text[] DEFAULT '{}' NOT NULL,
	"proposed_at" timestamp with time zone DEFAULT now() NOT NULL,
	"approved_at" timestamp with time zone,
	"approved_by" uuid,
	"locked_at" timestamp with time zone,
	"pay_period_id" uuid,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	"changed_xid" "xid8" DEFAULT pg_current_xact_id() NOT NULL,
	CONSTRAINT "timesheets_one_per_assignment" UNIQUE("assignment_id"),
	CONSTRAINT "timesheets_whose_key" UNIQUE("id","company_id","professional_id"),
	CONSTRAINT "timesheets_state_known" CHECK ("timesheets"."state" in ('proposed', 'disputed', 'approved', 'locked')),
	CONSTRAINT "timesheets_approved_somewhen" CHECK (("timesheets"."approved_at" is not null) = ("timesheets"."state" in ('approved', 'locked'))),
	CONSTRAINT "timesheets_locked_somewhen" CHECK (("timesheets"."locked_at" is not null) = ("timesheets"."state" = 'locked')),
	CONSTRAINT "timesheets_seconds_not_negative" CHECK ("timesheets"."worked_seconds" >= 0 and "timesheets"."break_seconds" >= 0 and "timesheets"."paid_seconds" >= 0),
	CONSTRAINT "timesheets_currency_known" CHECK ("timesheets"."currency" = 'EUR')
);
--> statement-breakpoint
-- In steps: functions use the row type of assignments, and PostgreSQL then adds no column that has a default.
ALTER TABLE "assignments"
	ADD COLUMN "overtime_tolerance_minutes" integer,
	ADD COLUMN "plan_tolerance_minutes" integer,
	ADD COLUMN "approve_after_days" integer,
	ADD COLUMN "dispute_days" integer;
--> statement-breakpoint
ALTER TABLE "assignments" NO FORCE ROW LEVEL SECURITY;
--> statement-breakpoint
ALTER TABLE "assignments" DISABLE TRIGGER USER;
--> statement-breakpoint
UPDATE "assignments" SET "overtime_tolerance_minutes" = 15, "plan_tolerance_minutes" = 15, "approve_after_days" = 7, "dispute_days" = 14;
--> statement-breakpoint
ALTER TABLE "assignments" ENABLE TRIGGER USER;
--> statement-breakpoint
ALTER TABLE "assignments" FORCE ROW LEVEL SECURITY;
--> statement-breakpoint
ALTER TABLE "assignments"
	ALTER COLUMN "overtime_tolerance_minutes" SET DEFAULT 15,
	ALTER COLUMN "overtime_tolerance_minutes" SET NOT NULL,
	ALTER COLUMN "plan_tolerance_minutes" SET DEFAULT 15,
	ALTER COLUMN "plan_tolerance_minutes" SET NOT NULL,
	ALTER COLUMN "approve_after_days" SET DEFAULT 7,
	ALTER COLUMN "approve_after_days" SET NOT NULL,
	ALTER COLUMN "dispute_days" SET DEFAULT 14,
	ALTER COLUMN "dispute_days" SET NOT NULL;
--> statement-breakpoint
ALTER TABLE "company_terms" ADD COLUMN "overtime_tolerance_minutes" integer DEFAULT 15 NOT NULL;--> statement-breakpoint
ALTER TABLE "company_terms" ADD COLUMN "plan_tolerance_minutes" integer DEFAULT 15 NOT NULL;--> statement-breakpoint
ALTER TABLE "company_terms" ADD COLUMN "approve_after_days" integer DEFAULT 7 NOT NULL;--> statement-breakpoint
ALTER TABLE "company_terms" ADD COLUMN "dispute_days" integer DEFAULT 14 NOT NULL;--> statement-breakpoint
ALTER TABLE "allowances" ADD CONSTRAINT "allowances_company_fk" FOREIGN KEY ("company_id","tenant_id") REFERENCES "public"."organizations"("id","tenant_id") ON DELETE restrict ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "timesheet_lines" ADD CONSTRAINT "timesheet_lines_timesheet_fk" FOREIGN KEY ("timesheet_id","company_id","professional_id") REFERENCES "public"."timesheets"("id","company_id","professional_id") ON DELETE restrict ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "timesheet_lines" ADD CONSTRAINT "timesheet_lines_allowance_fk" FOREIGN KEY ("allowance_id") REFERENCES "public"."allowances"("id") ON DELETE restrict ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "timesheet_steps" ADD CONSTRAINT "timesheet_steps_timesheet_fk" FOREIGN KEY ("timesheet_id","company_id","professional_id") REFERENCES "public"."timesheets"("id","company_id","professional_id") ON DELETE restrict ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "timesheets" ADD CONSTRAINT "timesheets_assignment_fk" FOREIGN KEY ("assignment_id") REFERENCES "public"."assignments"("id") ON DELETE restrict ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "timesheets" ADD CONSTRAINT "timesheets_shift_fk" FOREIGN KEY ("shift_id") REFERENCES "public"."shifts"("id") ON DELETE restrict ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "timesheets" ADD CONSTRAINT "timesheets_professional_fk" FOREIGN KEY ("professional_id","tenant_id") REFERENCES "public"."security_professionals"("id","tenant_id") ON DELETE restrict ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "allowances_tenant_idx" ON "allowances" USING btree ("tenant_id","valid_from","id");--> statement-breakpoint
CREATE INDEX "timesheet_lines_timesheet_idx" ON "timesheet_lines" USING btree ("timesheet_id","company_id","professional_id","position");--> statement-breakpoint
CREATE INDEX "timesheet_lines_allowance_idx" ON "timesheet_lines" USING btree ("allowance_id") WHERE "timesheet_lines"."allowance_id" is not null;--> statement-breakpoint
CREATE INDEX "timesheet_lines_company_idx" ON "timesheet_lines" USING btree ("company_id","id");--> statement-breakpoint
CREATE INDEX "timesheet_lines_professional_idx" ON "timesheet_lines" USING btree ("professional_id","id");--> statement-breakpoint
CREATE INDEX "timesheet_lines_tenant_idx" ON "timesheet_lines" USING btree ("tenant_id","id");--> statement-breakpoint
CREATE INDEX "timesheet_lines_changed_idx" ON "timesheet_lines" USING btree ("changed_xid","id");--> statement-breakpoint
CREATE INDEX "timesheet_steps_timesheet_idx" ON "timesheet_steps" USING btree ("timesheet_id","company_id","professional_id","created_at");--> statement-breakpoint
CREATE INDEX "timesheet_steps_company_idx" ON "timesheet_steps" USING btree ("company_id","id");--> statement-breakpoint
CREATE INDEX "timesheet_steps_professional_idx" ON "timesheet_steps" USING btree ("professional_id","id");--> statement-breakpoint
CREATE INDEX "timesheet_steps_tenant_idx" ON "timesheet_steps" USING btree ("tenant_id","id");--> statement-breakpoint
CREATE INDEX "timesheet_steps_changed_idx" ON "timesheet_steps" USING btree ("changed_xid","id");--> statement-breakpoint
CREATE INDEX "timesheets_shift_idx" ON "timesheets" USING btree ("shift_id");--> statement-breakpoint
CREATE INDEX "timesheets_professional_idx" ON "timesheets" USING btree ("professional_id","start_datetime","id");--> statement-breakpoint
CREATE INDEX "timesheets_company_idx" ON "timesheets" USING btree ("company_id","start_datetime","id");--> statement-breakpoint
CREATE INDEX "timesheets_client_idx" ON "timesheets" USING btree ("client_id","start_datetime","id");--> statement-breakpoint
CREATE INDEX "timesheets_tenant_idx" ON "timesheets" USING btree ("tenant_id","start_datetime","id");--> statement-breakpoint
CREATE INDEX "timesheets_proposed_idx" ON "timesheets" USING btree ("proposed_at") WHERE "timesheets"."state" = 'proposed';--> statement-breakpoint
CREATE INDEX "timesheets_pay_period_idx" ON "timesheets" USING btree ("pay_period_id") WHERE "timesheets"."pay_period_id" is not null;--> statement-breakpoint
CREATE INDEX "timesheets_changed_idx" ON "timesheets" USING btree ("changed_xid","id");--> statement-breakpoint
ALTER TABLE "company_terms" ADD CONSTRAINT "company_terms_overtime_tolerance_range" CHECK ("company_terms"."overtime_tolerance_minutes" between 0 and 720);--> statement-breakpoint
ALTER TABLE "company_terms" ADD CONSTRAINT "company_terms_plan_tolerance_range" CHECK ("company_terms"."plan_tolerance_minutes" between 0 and 720);--> statement-breakpoint
ALTER TABLE "company_terms" ADD CONSTRAINT "company_terms_approve_after_range" CHECK ("company_terms"."approve_after_days" between 0 and 366);--> statement-breakpoint
ALTER TABLE "company_terms" ADD CONSTRAINT "company_terms_dispute_range" CHECK ("company_terms"."dispute_days" between 1 and 366);
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1796008320_timesheets_and_allowances';
