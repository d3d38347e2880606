-- What the phones of drivers report of a load on the way, and which times of a stop follow from it.
-- The table is made here, and nobody uses it yet: its keys and indexes block nobody.
-- Before PostgreSQL 17 no column with a default is added to a table whose row a function takes: null is false.
-- squawk-ignore-file adding-foreign-key-constraint, constraint-missing-not-valid, require-concurrent-index-creation

CREATE TABLE "stop_events" (
	"id" uuid PRIMARY KEY DEFAULT muster.uuid_v7() NOT NULL,
	"tenant_id" uuid NOT NULL,
	"organization_id" uuid NOT NULL,
	"load_id" uuid NOT NULL,
	"stop_id" uuid,
	"assignment_id" uuid NOT NULL,
	"driver_id" uuid NOT NULL,
	"broker_organization_id" uuid,
	"kind" text NOT NULL,
	"event_point" geography(Point,4326) NOT NULL,
	"accuracy_meters" double precision NOT NULL,
	"distance_meters" double precision,
	"verdict" text,
	"counts" boolean NOT NULL,
	"recorded_at" timestamp with time zone NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	"changed_xid" "xid8" DEFAULT pg_current_xact_id() NOT NULL,
	CONSTRAINT "stop_events_kind_known" CHECK ("stop_events"."kind" in ('arrival', 'departure', 'position')),
	CONSTRAINT "stop_events_verdict_known" CHECK ("stop_events"."verdict" in ('inside', 'outside', 'uncertain')),
	CONSTRAINT "stop_events_kind_has_stop" CHECK ("stop_events"."kind" = 'position' or "stop_events"."stop_id" is not null),
	CONSTRAINT "stop_events_stop_is_measured" CHECK (("stop_events"."stop_id" is null) = ("stop_events"."distance_meters" is null) and ("stop_events"."stop_id" is null) = ("stop_events"."verdict" is null)),
	CONSTRAINT "stop_events_evidence_moves_nothing" CHECK (not "stop_events"."counts" or ("stop_events"."kind" <> 'position' and "stop_events"."verdict" <> 'outside' and "stop_events"."accuracy_meters" <= 1000)),
	CONSTRAINT "stop_events_accuracy_range" CHECK ("stop_events"."accuracy_meters" > 0 and "stop_events"."accuracy_meters" < 'infinity' and ("stop_events"."accuracy_meters" <= 100 or "stop_events"."verdict" is distinct from 'inside')),
	CONSTRAINT "stop_events_point_valid" CHECK (coalesce(st_x("stop_events"."event_point"::geometry) between -180 and 180 and st_y("stop_events"."event_point"::geometry) between -90 and 90, false))
);
--> statement-breakpoint
ALTER TABLE "load_stops" ADD COLUMN "arrival_is_reported" boolean;--> statement-breakpoint
ALTER TABLE "load_stops" ADD COLUMN "departure_is_reported" boolean;--> statement-breakpoint
ALTER TABLE "stop_events" ADD CONSTRAINT "stop_events_load_fk" FOREIGN KEY ("load_id","organization_id") REFERENCES "public"."loads"("id","organization_id") ON DELETE restrict ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "stop_events" ADD CONSTRAINT "stop_events_stop_fk" FOREIGN KEY ("stop_id") REFERENCES "public"."load_stops"("id") ON DELETE restrict ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "stop_events" ADD CONSTRAINT "stop_events_assignment_fk" FOREIGN KEY ("assignment_id","organization_id") REFERENCES "public"."load_assignments"("id","organization_id") ON DELETE restrict ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "stop_events" ADD CONSTRAINT "stop_events_driver_fk" FOREIGN KEY ("driver_id","organization_id") REFERENCES "public"."drivers"("id","organization_id") ON DELETE restrict ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "stop_events_load_idx" ON "stop_events" USING btree ("load_id","recorded_at","id");--> statement-breakpoint
CREATE INDEX "stop_events_stop_idx" ON "stop_events" USING btree ("stop_id","kind","recorded_at");--> statement-breakpoint
CREATE INDEX "stop_events_assignment_idx" ON "stop_events" USING btree ("assignment_id");--> statement-breakpoint
CREATE INDEX "stop_events_driver_idx" ON "stop_events" USING btree ("driver_id","recorded_at","id");--> statement-breakpoint
CREATE INDEX "stop_events_changed_idx" ON "stop_events" USING btree ("changed_xid","id");
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1796064016_stop_events';
