-- The logs of drivers, what people say about their entries, and by which rules of hours of service a driver is judged. What is added to
-- the tables of drivers and loads is constant, so that nothing is rewritten, and the checks read some rows of people and loads.
-- squawk-ignore-file adding-foreign-key-constraint, constraint-missing-not-valid, require-concurrent-index-creation

CREATE TABLE "duty_status_changes" (
	"id" uuid PRIMARY KEY DEFAULT muster.uuid_v7() NOT NULL,
	"tenant_id" uuid NOT NULL,
	"organization_id" uuid NOT NULL,
	"driver_id" uuid NOT NULL,
	"status" text NOT NULL,
	"began_at" timestamp with time zone NOT NULL,
	"recorded_at" timestamp with time zone NOT NULL,
	"device_id" text NOT NULL,
	"duty_point" geography(Point,4326),
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	"changed_xid" "xid8" DEFAULT pg_current_xact_id() NOT NULL,
	CONSTRAINT "duty_status_changes_status_known" CHECK ("duty_status_changes"."status" in ('off_duty', 'sleeper', 'driving', 'on_duty')),
	CONSTRAINT "duty_status_changes_recorded_after_begin" CHECK ("duty_status_changes"."recorded_at" >= "duty_status_changes"."began_at"),
	CONSTRAINT "duty_status_changes_times_in_range" CHECK ("duty_status_changes"."began_at" >= timestamptz '2000-01-01 00:00:00+00' and "duty_status_changes"."recorded_at" < timestamptz '2100-01-01 00:00:00+00'),
	CONSTRAINT "duty_status_changes_device_form" CHECK ("duty_status_changes"."device_id" ~ '^[A-Za-z0-9][A-Za-z0-9 ._:-]{0,63}$'),
	CONSTRAINT "duty_status_changes_point_valid" CHECK ("duty_status_changes"."duty_point" is null or coalesce(st_x("duty_status_changes"."duty_point"::geometry) between -180 and 180 and st_y("duty_status_changes"."duty_point"::geometry) between -90 and 90, false))
);
--> statement-breakpoint
CREATE TABLE "duty_status_edits" (
	"id" uuid PRIMARY KEY DEFAULT muster.uuid_v7() NOT NULL,
	"tenant_id" uuid NOT NULL,
	"organization_id" uuid NOT NULL,
	"driver_id" uuid NOT NULL,
	"entry_id" uuid NOT NULL,
	"change_id" uuid,
	"edit_id" uuid,
	"kind" text NOT NULL,
	"status" text,
	"began_at" timestamp with time zone,
	"reason" text NOT NULL,
	"proposed_by" uuid NOT NULL,
	"proposed_as" text NOT NULL,
	"state" text DEFAULT 'proposed' NOT NULL,
	"decided_by" uuid,
	"decided_at" timestamp with time zone,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	"changed_xid" "xid8" DEFAULT pg_current_xact_id() NOT NULL,
	CONSTRAINT "duty_status_edits_kind_known" CHECK ("duty_status_edits"."kind" in ('another', 'added', 'void')),
	CONSTRAINT "duty_status_edits_status_known" CHECK ("duty_status_edits"."status" in ('off_duty', 'sleeper', 'driving', 'on_duty')),
	CONSTRAINT "duty_status_edits_side_known" CHECK ("duty_status_edits"."proposed_as" in ('driver', 'carrier')),
	CONSTRAINT "duty_status_edits_state_known" CHECK ("duty_status_edits"."state" in ('proposed', 'accepted', 'refused')),
	CONSTRAINT "duty_status_edits_entry_once" CHECK ("duty_status_edits"."entry_id" = coalesce("duty_status_edits"."change_id", "duty_status_edits"."edit_id", "duty_status_edits"."id") and ("duty_status_edits"."change_id" is null or "duty_status_edits"."edit_id" is null) and ("duty_status_edits"."kind" = 'added') = ("duty_status_edits"."entry_id" = "duty_status_edits"."id")),
	CONSTRAINT "duty_status_edits_complete" CHECK (("duty_status_edits"."kind" = 'void') = ("duty_status_edits"."status" is null) and ("duty_status_edits"."status" is null) = ("duty_status_edits"."began_at" is null)),
	CONSTRAINT "duty_status_edits_time_in_range" CHECK ("duty_status_edits"."began_at" >= timestamptz '2000-01-01 00:00:00+00' and "duty_status_edits"."began_at" < timestamptz '2100-01-01 00:00:00+00'),
	CONSTRAINT "duty_status_edits_reason_length" CHECK (char_length("duty_status_edits"."reason") between 1 and 1000),
	CONSTRAINT "duty_status_edits_decided" CHECK (("duty_status_edits"."state" = 'proposed') = ("duty_status_edits"."decided_at" is null) and ("duty_status_edits"."decided_at" is null) = ("duty_status_edits"."decided_by" is null)),
	CONSTRAINT "duty_status_edits_decided_by_other" CHECK ("duty_status_edits"."decided_by" <> "duty_status_edits"."proposed_by")
);
--> statement-breakpoint
ALTER TABLE "drivers" ADD COLUMN "hours_pack" text DEFAULT 'us_property' NOT NULL;--> statement-breakpoint
ALTER TABLE "drivers" ADD COLUMN "hours_cycle" text DEFAULT '70/8' NOT NULL;--> statement-breakpoint
ALTER TABLE "drivers" ADD COLUMN "home_time_zone" text DEFAULT 'America/Chicago' NOT NULL;--> statement-breakpoint
ALTER TABLE "loads" ADD COLUMN "driving_minutes" integer;--> statement-breakpoint
ALTER TABLE "duty_status_changes" ADD CONSTRAINT "duty_status_changes_driver_fk" FOREIGN KEY ("driver_id","organization_id") REFERENCES "public"."drivers"("id","organization_id") ON DELETE restrict ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "duty_status_edits" ADD CONSTRAINT "duty_status_edits_driver_fk" FOREIGN KEY ("driver_id","organization_id") REFERENCES "public"."drivers"("id","organization_id") ON DELETE restrict ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "duty_status_edits" ADD CONSTRAINT "duty_status_edits_change_fk" FOREIGN KEY ("change_id") REFERENCES "public"."duty_status_changes"("id") ON DELETE restrict ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "duty_status_edits" ADD CONSTRAINT "duty_status_edits_edit_fk" FOREIGN KEY ("edit_id") REFERENCES "public"."duty_status_edits"("id") ON DELETE restrict ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "duty_status_edits" ADD CONSTRAINT "duty_status_edits_proposed_by_fk" FOREIGN KEY ("proposed_by","tenant_id") REFERENCES "public"."users"("id","tenant_id") ON DELETE restrict ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "duty_status_edits" ADD CONSTRAINT "duty_status_edits_decided_by_fk" FOREIGN KEY ("decided_by","tenant_id") REFERENCES "public"."users"("id","tenant_id") ON DELETE restrict ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "duty_status_changes_driver_idx" ON "duty_status_changes" USING btree ("driver_id","began_at","id");--> statement-breakpoint
CREATE INDEX "duty_status_changes_organization_idx" ON "duty_status_changes" USING btree ("organization_id","began_at","id");--> statement-breakpoint
CREATE INDEX "duty_status_changes_changed_idx" ON "duty_status_changes" USING btree ("changed_xid","id");--> statement-breakpoint
CREATE UNIQUE INDEX "duty_status_edits_one_open" ON "duty_status_edits" USING btree ("entry_id") WHERE "duty_status_edits"."state" = 'proposed';--> statement-breakpoint
CREATE INDEX "duty_status_edits_entry_idx" ON "duty_status_edits" USING btree ("driver_id","entry_id","decided_at","id") WHERE "duty_status_edits"."state" = 'accepted';--> statement-breakpoint
CREATE INDEX "duty_status_edits_driver_idx" ON "duty_status_edits" USING btree ("driver_id","created_at","id");--> statement-breakpoint
CREATE INDEX "duty_status_edits_change_idx" ON "duty_status_edits" USING btree ("change_id");--> statement-breakpoint
CREATE INDEX "duty_status_edits_edit_idx" ON "duty_status_edits" USING btree ("edit_id");--> statement-breakpoint
CREATE INDEX "duty_status_edits_proposed_by_idx" ON "duty_status_edits" USING btree ("proposed_by","tenant_id");--> statement-breakpoint
CREATE INDEX "duty_status_edits_decided_by_idx" ON "duty_status_edits" USING btree ("decided_by","tenant_id");--> statement-breakpoint
CREATE INDEX "duty_status_edits_organization_idx" ON "duty_status_edits" USING btree ("organization_id","created_at","id");--> statement-breakpoint
CREATE INDEX "duty_status_edits_changed_idx" ON "duty_status_edits" USING btree ("changed_xid","id");--> statement-breakpoint
ALTER TABLE "drivers" ADD CONSTRAINT "drivers_hours_pack_known" CHECK ("drivers"."hours_pack" in ('us_property', 'eu_561'));--> statement-breakpoint
ALTER TABLE "drivers" ADD CONSTRAINT "drivers_hours_cycle_known" CHECK ("drivers"."hours_cycle" in ('60/7', '70/8'));--> statement-breakpoint
ALTER TABLE "drivers" ADD CONSTRAINT "drivers_home_time_zone_form" CHECK (muster.is_time_zone("drivers"."home_time_zone"));--> statement-breakpoint
ALTER TABLE "loads" ADD CONSTRAINT "loads_driving_minutes_range" CHECK ("loads"."driving_minutes" between 0 and 100000);
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1796051503_duty_statuses';
