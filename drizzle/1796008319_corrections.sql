CREATE TABLE "corrections" (
	"id" uuid PRIMARY KEY DEFAULT muster.uuid_v7() NOT NULL,
	"tenant_id" uuid NOT NULL,
	"company_id" uuid NOT NULL,
	"shift_id" uuid NOT NULL,
	"assignment_id" uuid NOT NULL,
	"professional_id" uuid NOT NULL,
	"event_id" uuid NOT NULL,
	"checkin_id" uuid,
	"corrects_id" uuid,
	"change" text NOT NULL,
	"kind" text NOT NULL,
	"was_at" timestamp with time zone,
	"becomes_at" timestamp with time zone,
	"reason" text NOT NULL,
	"proposed_by" uuid NOT NULL,
	"proposed_as" text NOT NULL,
	"state" text DEFAULT 'proposed' NOT NULL,
	"decided_by" uuid,
	"decided_at" timestamp with time zone,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	"changed_xid" "xid8" DEFAULT pg_current_xact_id() NOT NULL,
	CONSTRAINT "corrections_change_known" CHECK ("corrections"."change" in ('another_time', 'never_happened', 'happened')),
	CONSTRAINT "corrections_kind_known" CHECK ("corrections"."kind" in ('clock_in', 'break_start', 'break_end', 'clock_out')),
	CONSTRAINT "corrections_side_known" CHECK ("corrections"."proposed_as" in ('company', 'professional', 'admin')),
	CONSTRAINT "corrections_state_known" CHECK ("corrections"."state" in ('proposed', 'accepted', 'refused', 'imposed')),
	CONSTRAINT "corrections_event_once" CHECK ("corrections"."event_id" = coalesce("corrections"."checkin_id", "corrections"."corrects_id", "corrections"."id") and ("corrections"."checkin_id" is null or "corrections"."corrects_id" is null)),
	CONSTRAINT "corrections_change_complete" CHECK (("corrections"."change" = 'happened') = ("corrections"."event_id" = "corrections"."id") and ("corrections"."change" = 'never_happened') = ("corrections"."becomes_at" is null)),
	CONSTRAINT "corrections_reason_length" CHECK (char_length("corrections"."reason") between 1 and 1000),
	CONSTRAINT "corrections_decided" CHECK (("corrections"."state" = 'proposed') = ("corrections"."decided_at" is null) and ("corrections"."decided_at" is null) = ("corrections"."decided_by" is null)),
	CONSTRAINT "corrections_decided_by_other" CHECK (("corrections"."state" = 'imposed') = ("corrections"."proposed_as" = 'admin') and ("corrections"."state" = 'imposed' or "corrections"."decided_by" is null or "corrections"."decided_by" <> "corrections"."proposed_by"))
);
--> statement-breakpoint
ALTER TABLE "assignments" DROP CONSTRAINT "assignments_flags_known";--> statement-breakpoint
ALTER TABLE "corrections" ADD CONSTRAINT "corrections_shift_fk" FOREIGN KEY ("shift_id") REFERENCES "public"."shifts"("id") ON DELETE restrict ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "corrections" ADD CONSTRAINT "corrections_assignment_fk" FOREIGN KEY ("assignment_id") REFERENCES "public"."assignments"("id") ON DELETE restrict ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "corrections" ADD CONSTRAINT "corrections_checkin_fk" FOREIGN KEY ("checkin_id") REFERENCES "public"."gps_checkins"("id") ON DELETE restrict ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "corrections" ADD CONSTRAINT "corrections_corrects_fk" FOREIGN KEY ("corrects_id") REFERENCES "public"."corrections"("id") ON DELETE restrict ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "corrections" ADD CONSTRAINT "corrections_proposed_by_fk" FOREIGN KEY ("proposed_by","tenant_id") REFERENCES "public"."users"("id","tenant_id") ON DELETE restrict ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "corrections" ADD CONSTRAINT "corrections_decided_by_fk" FOREIGN KEY ("decided_by","tenant_id") REFERENCES "public"."users"("id","tenant_id") ON DELETE restrict ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "corrections_one_open" ON "corrections" USING btree ("event_id") WHERE "corrections"."state" = 'proposed';--> statement-breakpoint
CREATE INDEX "corrections_assignment_idx" ON "corrections" USING btree ("assignment_id","event_id","decided_at");--> statement-breakpoint
CREATE INDEX "corrections_shift_idx" ON "corrections" USING btree ("shift_id");--> statement-breakpoint
CREATE INDEX "corrections_checkin_idx" ON "corrections" USING btree ("checkin_id");--> statement-breakpoint
CREATE INDEX "corrections_corrects_idx" ON "corrections" USING btree ("corrects_id");--> statement-breakpoint
CREATE INDEX "corrections_proposed_by_idx" ON "corrections" USING btree ("proposed_by","tenant_id");--> statement-breakpoint
CREATE INDEX "corrections_decided_by_idx" ON "corrections" USING btree ("decided_by","tenant_id");--> statement-breakpoint
CREATE INDEX "corrections_company_idx" ON "corrections" USING btree ("company_id","created_at","id");--> statement-breakpoint
CREATE INDEX "corrections_professional_idx" ON "corrections" USING btree ("professional_id","created_at","id");--> statement-breakpoint
CREATE INDEX "corrections_tenant_idx" ON "corrections" USING btree ("tenant_id","created_at","id");--> statement-breakpoint
CREATE INDEX "corrections_changed_idx" ON "corrections" USING btree ("changed_xid","id");--> statement-breakpoint
ALTER TABLE "assignments" ADD CONSTRAINT "assignments_flags_known" CHECK ("assignments"."flags" <@ array['auto_closed', 'conflict', 'corrected', 'imprecise', 'late', 'outside', 'overdue']) NOT VALID;
--> statement-breakpoint
-- In the transaction of the rest: each assignment is looked at once, and writers wait for it.
-- squawk-ignore constraint-missing-not-valid
ALTER TABLE "assignments" VALIDATE CONSTRAINT "assignments_flags_known";
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1796008319_corrections';
