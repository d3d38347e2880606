CREATE TABLE "payout_events" (
	"id" uuid PRIMARY KEY DEFAULT muster.uuid_v7() NOT NULL,
	"tenant_id" uuid NOT NULL,
	"company_id" uuid NOT NULL,
	"professional_id" uuid NOT NULL,
	"payout_id" uuid NOT NULL,
	"source" text NOT NULL,
	"provider_event_id" text,
	"status" text NOT NULL,
	"reason" text,
	"occurred_at" timestamp with time zone,
	"is_applied" boolean NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "payout_events_once" UNIQUE("provider_event_id"),
	CONSTRAINT "payout_events_source_known" CHECK ("payout_events"."source" in ('answer', 'webhook')),
	CONSTRAINT "payout_events_status_known" CHECK ("payout_events"."status" in ('processing', 'completed', 'failed', 'refunded')),
	CONSTRAINT "payout_events_reason_is_a_word" CHECK ("payout_events"."reason" ~ '^[a-z0-9_]{1,64}$'),
	CONSTRAINT "payout_events_webhook_has_id" CHECK (("payout_events"."provider_event_id" is not null) = ("payout_events"."source" = 'webhook')),
	CONSTRAINT "payout_events_id_length" CHECK (char_length("payout_events"."provider_event_id") between 1 and 200)
);
--> statement-breakpoint
CREATE TABLE "payouts" (
	"id" uuid PRIMARY KEY DEFAULT muster.uuid_v7() NOT NULL,
	"tenant_id" uuid NOT NULL,
	"company_id" uuid NOT NULL,
	"professional_id" uuid NOT NULL,
	"statement_id" uuid NOT NULL,
	"amount" numeric(12, 2) NOT NULL,
	"currency" text DEFAULT 'EUR' NOT NULL,
	"status" text DEFAULT 'pending' NOT NULL,
	"idempotency_key" uuid DEFAULT muster.uuid_v7() NOT NULL,
	"provider_reference" text,
	"sent_at" timestamp with time zone,
	"attempts" integer DEFAULT 0 NOT NULL,
	"next_attempt_at" timestamp with time zone DEFAULT now(),
	"last_error" text,
	"dead_at" timestamp with time zone,
	"completed_at" timestamp with time zone,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	"changed_xid" "xid8" DEFAULT pg_current_xact_id() NOT NULL,
	CONSTRAINT "payouts_one_per_statement" UNIQUE("statement_id","company_id","professional_id"),
	CONSTRAINT "payouts_idempotency_key" UNIQUE("idempotency_key"),
	CONSTRAINT "payouts_whose_key" UNIQUE("id","company_id","professional_id"),
	CONSTRAINT "payouts_amount_positive" CHECK ("payouts"."amount" > 0),
	CONSTRAINT "payouts_currency_known" CHECK ("payouts"."currency" = 'EUR'),
	CONSTRAINT "payouts_status_known" CHECK ("payouts"."status" in ('pending', 'processing', 'completed', 'failed', 'refunded')),
	CONSTRAINT "payouts_attempts_not_negative" CHECK ("payouts"."attempts" >= 0),
	CONSTRAINT "payouts_last_error_is_a_word" CHECK ("payouts"."last_error" ~ '^[a-z0-9_]{1,64}$'),
	CONSTRAINT "payouts_provider_reference_length" CHECK (char_length("payouts"."provider_reference") between 1 and 200),
	CONSTRAINT "payouts_completed_somewhen" CHECK (("payouts"."completed_at" is not null) = ("payouts"."status" in ('completed', 'refunded'))),
	CONSTRAINT "payouts_goes_on_or_is_dead" CHECK (("payouts"."status" in ('pending', 'processing')) = ("payouts"."next_attempt_at" is not null or "payouts"."dead_at" is not null) and ("payouts"."next_attempt_at" is null or "payouts"."dead_at" is null))
);
--> statement-breakpoint
ALTER TABLE "payout_events" ADD CONSTRAINT "payout_events_payout_fk" FOREIGN KEY ("payout_id","company_id","professional_id") REFERENCES "public"."payouts"("id","company_id","professional_id") ON DELETE restrict ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "payouts" ADD CONSTRAINT "payouts_statement_fk" FOREIGN KEY ("statement_id","company_id","professional_id") REFERENCES "public"."statements"("id","company_id","professional_id") ON DELETE restrict ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "payout_events_payout_idx" ON "payout_events" USING btree ("payout_id","company_id","professional_id","created_at");--> statement-breakpoint
CREATE INDEX "payout_events_company_idx" ON "payout_events" USING btree ("company_id","id");--> statement-breakpoint
CREATE INDEX "payout_events_professional_idx" ON "payout_events" USING btree ("professional_id","id");--> statement-breakpoint
CREATE INDEX "payout_events_tenant_idx" ON "payout_events" USING btree ("tenant_id","id");--> statement-breakpoint
CREATE INDEX "payouts_due_idx" ON "payouts" USING btree ("next_attempt_at") WHERE "payouts"."next_attempt_at" is not null;--> statement-breakpoint
CREATE INDEX "payouts_dead_idx" ON "payouts" USING btree ("dead_at") WHERE "payouts"."dead_at" is not null;--> statement-breakpoint
CREATE INDEX "payouts_failed_idx" ON "payouts" USING btree ("updated_at") WHERE "payouts"."status" = 'failed';--> statement-breakpoint
CREATE INDEX "payouts_provider_reference_idx" ON "payouts" USING btree ("provider_reference") WHERE "payouts"."provider_reference" is not null;--> statement-breakpoint
CREATE INDEX "payouts_company_idx" ON "payouts" USING btree ("company_id","created_at","id");--> statement-breakpoint
CREATE INDEX "payouts_professional_idx" ON "payouts" USING btree ("professional_id","created_at","id");--> statement-breakpoint
CREATE INDEX "payouts_tenant_idx" ON "payouts" USING btree ("tenant_id","created_at","id");--> statement-breakpoint
CREATE INDEX "payouts_changed_idx" ON "payouts" USING btree ("changed_xid","id");
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1796028679_payouts';
