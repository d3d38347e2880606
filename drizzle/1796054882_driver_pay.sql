-- The pay of drivers: what they are owed, what is taken off each statement, and the statements that settle it.

CREATE TABLE "driver_deductions" (
	"id" uuid PRIMARY KEY DEFAULT muster.uuid_v7() NOT NULL,
	"tenant_id" uuid NOT NULL,
	"organization_id" uuid NOT NULL,
	"driver_id" uuid NOT NULL,
	"amount" numeric(10, 2) NOT NULL,
	"currency" text NOT NULL,
	"explanation" text NOT NULL,
	"valid_from" date NOT NULL,
	"valid_until" date,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	"created_by" uuid,
	"updated_by" uuid,
	CONSTRAINT "driver_deductions_whose_key" UNIQUE("id","organization_id","driver_id"),
	CONSTRAINT "driver_deductions_amount_positive" CHECK ("driver_deductions"."amount" > 0),
	CONSTRAINT "driver_deductions_currency_form" CHECK ("driver_deductions"."currency" ~ '^[A-Z]{3}$'),
	CONSTRAINT "driver_deductions_explanation_length" CHECK (char_length("driver_deductions"."explanation") between 1 and 500),
	CONSTRAINT "driver_deductions_days_in_range" CHECK ("driver_deductions"."valid_from" >= date '2000-01-01' and "driver_deductions"."valid_from" < date '2100-01-01' and coalesce("driver_deductions"."valid_until" >= date '2000-01-01' and "driver_deductions"."valid_until" < date '2100-01-01', true))
);
--> statement-breakpoint
CREATE TABLE "driver_payments" (
	"id" uuid PRIMARY KEY DEFAULT muster.uuid_v7() NOT NULL,
	"tenant_id" uuid NOT NULL,
	"organization_id" uuid NOT NULL,
	"driver_id" uuid NOT NULL,
	"load_id" uuid,
	"deduction_id" uuid,
	"statement_id" uuid,
	"type" text NOT NULL,
	"amount" numeric(10, 2) NOT NULL,
	"currency" text NOT NULL,
	"quantity" numeric(14, 4),
	"rate" numeric(10, 4),
	"explanation" text NOT NULL,
	"earned_on" date NOT NULL,
	"status" text DEFAULT 'pending' NOT NULL,
	"is_automatic" boolean DEFAULT false NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	"created_by" uuid,
	"updated_by" uuid,
	"changed_xid" "xid8" DEFAULT pg_current_xact_id() NOT NULL,
	CONSTRAINT "driver_payments_deducted_once" UNIQUE("deduction_id","statement_id"),
	CONSTRAINT "driver_payments_type_known" CHECK ("driver_payments"."type" in ('linehaul_per_distance', 'linehaul_percentage', 'total_percentage', 'flat', 'detention', 'fuel', 'lumper', 'advance', 'deduction')),
	CONSTRAINT "driver_payments_amount_sign" CHECK (case when "driver_payments"."type" in ('advance', 'deduction') then "driver_payments"."amount" < 0 else "driver_payments"."amount" >= 0 end),
	CONSTRAINT "driver_payments_type_of_load" CHECK ("driver_payments"."load_id" is not null or "driver_payments"."type" in ('flat', 'fuel', 'advance', 'deduction')),
	CONSTRAINT "driver_payments_currency_form" CHECK ("driver_payments"."currency" ~ '^[A-Z]{3}$'),
	CONSTRAINT "driver_payments_quantity_has_rate" CHECK (("driver_payments"."quantity" is null) = ("driver_payments"."rate" is null) and coalesce("driver_payments"."quantity" >= 0 and "driver_payments"."rate" >= 0, true)),
	CONSTRAINT "driver_payments_percentage_has_rate" CHECK ("driver_payments"."type" not in ('linehaul_percentage', 'total_percentage') or ("driver_payments"."rate" is not null and "driver_payments"."rate" <= 100)),
	CONSTRAINT "driver_payments_amount_is_product" CHECK ("driver_payments"."rate" is null or abs("driver_payments"."amount") = round("driver_payments"."quantity" * "driver_payments"."rate" / case when "driver_payments"."type" in ('linehaul_percentage', 'total_percentage') then 100 else 1 end, 2)),
	CONSTRAINT "driver_payments_explanation_length" CHECK (char_length("driver_payments"."explanation") between 1 and 500),
	CONSTRAINT "driver_payments_earned_in_range" CHECK ("driver_payments"."earned_on" >= date '2000-01-01' and "driver_payments"."earned_on" < date '2100-01-01'),
	CONSTRAINT "driver_payments_status_known" CHECK ("driver_payments"."status" in ('pending', 'processing', 'completed', 'failed', 'refunded')),
	CONSTRAINT "driver_payments_unsettled_is_pending" CHECK ("driver_payments"."statement_id" is not null or "driver_payments"."status" = 'pending')
);
--> statement-breakpoint
CREATE TABLE "driver_statements" (
	"id" uuid PRIMARY KEY DEFAULT muster.uuid_v7() NOT NULL,
	"tenant_id" uuid NOT NULL,
	"organization_id" uuid NOT NULL,
	"driver_id" uuid NOT NULL,
	"number" integer NOT NULL,
	"first_day" date NOT NULL,
	"last_day" date NOT NULL,
	"currency" text NOT NULL,
	"gross" numeric(12, 2) NOT NULL,
	"deductions" numeric(12, 2) NOT NULL,
	"net" numeric(12, 2) NOT NULL,
	"carried_in" numeric(12, 2) NOT NULL,
	"payable" numeric(12, 2) NOT NULL,
	"carried_out" numeric(12, 2) NOT NULL,
	"status" text DEFAULT 'pending' NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	"created_by" uuid,
	"updated_by" uuid,
	"changed_xid" "xid8" DEFAULT pg_current_xact_id() NOT NULL,
	CONSTRAINT "driver_statements_number_key" UNIQUE("organization_id","number"),
	CONSTRAINT "driver_statements_whose_key" UNIQUE("id","organization_id","driver_id"),
	CONSTRAINT "driver_statements_number_positive" CHECK ("driver_statements"."number" > 0),
	CONSTRAINT "driver_statements_currency_form" CHECK ("driver_statements"."currency" ~ '^[A-Z]{3}$'),
	CONSTRAINT "driver_statements_days_in_order" CHECK ("driver_statements"."first_day" >= date '2000-01-01' and "driver_statements"."last_day" >= "driver_statements"."first_day" and "driver_statements"."last_day" < date '2100-01-01'),
	CONSTRAINT "driver_statements_net_adds_up" CHECK ("driver_statements"."gross" >= 0 and "driver_statements"."deductions" >= 0 and "driver_statements"."net" = "driver_statements"."gross" - "driver_statements"."deductions"),
	CONSTRAINT "driver_statements_balance_adds_up" CHECK ("driver_statements"."carried_in" <= 0 and "driver_statements"."payable" = greatest("driver_statements"."carried_in" + "driver_statements"."net", 0) and "driver_statements"."carried_out" = least("driver_statements"."carried_in" + "driver_statements"."net", 0)),
	CONSTRAINT "driver_statements_status_known" CHECK ("driver_statements"."status" in ('pending', 'processing', 'completed', 'failed', 'refunded')),
	CONSTRAINT "driver_statements_nothing_payable_is_completed" CHECK ("driver_statements"."payable" > 0 or "driver_statements"."status" = 'completed')
);
--> statement-breakpoint
ALTER TABLE "driver_deductions" ADD CONSTRAINT "driver_deductions_carrier_fk" FOREIGN KEY ("organization_id","tenant_id") REFERENCES "public"."organizations"("id","tenant_id") ON DELETE restrict ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "driver_deductions" ADD CONSTRAINT "driver_deductions_driver_fk" FOREIGN KEY ("driver_id","organization_id") REFERENCES "public"."drivers"("id","organization_id") ON DELETE restrict ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "driver_payments" ADD CONSTRAINT "driver_payments_carrier_fk" FOREIGN KEY ("organization_id","tenant_id") REFERENCES "public"."organizations"("id","tenant_id") ON DELETE restrict ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "driver_payments" ADD CONSTRAINT "driver_payments_driver_fk" FOREIGN KEY ("driver_id","organization_id") REFERENCES "public"."drivers"("id","organization_id") ON DELETE restrict ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "driver_payments" ADD CONSTRAINT "driver_payments_load_fk" FOREIGN KEY ("load_id","organization_id") REFERENCES "public"."loads"("id","organization_id") ON DELETE restrict ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "driver_payments" ADD CONSTRAINT "driver_payments_deduction_fk" FOREIGN KEY ("deduction_id","organization_id","driver_id") REFERENCES "public"."driver_deductions"("id","organization_id","driver_id") ON DELETE restrict ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "driver_payments" ADD CONSTRAINT "driver_payments_statement_fk" FOREIGN KEY ("statement_id","organization_id","driver_id") REFERENCES "public"."driver_statements"("id","organization_id","driver_id") ON DELETE restrict ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "driver_statements" ADD CONSTRAINT "driver_statements_carrier_fk" FOREIGN KEY ("organization_id","tenant_id") REFERENCES "public"."organizations"("id","tenant_id") ON DELETE restrict ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "driver_statements" ADD CONSTRAINT "driver_statements_driver_fk" FOREIGN KEY ("driver_id","organization_id") REFERENCES "public"."drivers"("id","organization_id") ON DELETE restrict ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "driver_deductions_organization_idx" ON "driver_deductions" USING btree ("organization_id","valid_from","id");--> statement-breakpoint
CREATE INDEX "driver_deductions_driver_idx" ON "driver_deductions" USING btree ("driver_id","valid_from","id");--> statement-breakpoint
CREATE INDEX "driver_deductions_tenant_idx" ON "driver_deductions" USING btree ("tenant_id","valid_from","id");--> statement-breakpoint
CREATE UNIQUE INDEX "driver_payments_linehaul_once" ON "driver_payments" USING btree ("load_id","driver_id") WHERE "driver_payments"."type" in ('linehaul_per_distance', 'linehaul_percentage', 'total_percentage', 'flat');--> statement-breakpoint
CREATE INDEX "driver_payments_organization_idx" ON "driver_payments" USING btree ("organization_id","earned_on","id");--> statement-breakpoint
CREATE INDEX "driver_payments_driver_idx" ON "driver_payments" USING btree ("driver_id","earned_on","id");--> statement-breakpoint
CREATE INDEX "driver_payments_tenant_idx" ON "driver_payments" USING btree ("tenant_id","earned_on","id");--> statement-breakpoint
CREATE INDEX "driver_payments_load_idx" ON "driver_payments" USING btree ("load_id");--> statement-breakpoint
CREATE INDEX "driver_payments_statement_idx" ON "driver_payments" USING btree ("statement_id","earned_on","id");--> statement-breakpoint
CREATE INDEX "driver_payments_unsettled_idx" ON "driver_payments" USING btree ("organization_id","earned_on","id") WHERE "driver_payments"."statement_id" is null;--> statement-breakpoint
CREATE INDEX "driver_payments_changed_idx" ON "driver_payments" USING btree ("changed_xid","id");--> statement-breakpoint
CREATE INDEX "driver_statements_organization_idx" ON "driver_statements" USING btree ("organization_id","last_day","id");--> statement-breakpoint
CREATE INDEX "driver_statements_driver_idx" ON "driver_statements" USING btree ("driver_id","last_day","id");--> statement-breakpoint
CREATE INDEX "driver_statements_before_idx" ON "driver_statements" USING btree ("driver_id","currency","number");--> statement-breakpoint
CREATE INDEX "driver_statements_tenant_idx" ON "driver_statements" USING btree ("tenant_id","last_day","id");--> statement-breakpoint
CREATE INDEX "driver_statements_changed_idx" ON "driver_statements" USING btree ("changed_xid","id");
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1796054882_driver_pay';
