-- Loads with their stops and assignments. What Drizzle does not know: that a driver, a truck and a trailer are on one load at a time.

CREATE TABLE "load_assignments" (
	"id" uuid PRIMARY KEY DEFAULT muster.uuid_v7() NOT NULL,
	"tenant_id" uuid NOT NULL,
	"organization_id" uuid NOT NULL,
	"load_id" uuid NOT NULL,
	"leg" integer DEFAULT 1 NOT NULL,
	"driver_id" uuid NOT NULL,
	"co_driver_id" uuid,
	"truck_id" uuid NOT NULL,
	"trailer_id" uuid,
	"leg_starts_at" timestamp with time zone,
	"leg_ends_at" timestamp with time zone,
	"starts_at" timestamp with time zone NOT NULL,
	"ends_at" timestamp with time zone NOT NULL,
	"last_day" date NOT NULL,
	"ended_at" timestamp with time zone,
	"ended_as" text,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	"created_by" uuid,
	"updated_by" uuid,
	"changed_xid" "xid8" DEFAULT pg_current_xact_id() NOT NULL,
	CONSTRAINT "load_assignments_id_carrier_key" UNIQUE("id","organization_id"),
	CONSTRAINT "load_assignments_leg_range" CHECK ("load_assignments"."leg" between 1 and 20),
	CONSTRAINT "load_assignments_co_driver_is_another" CHECK ("load_assignments"."co_driver_id" <> "load_assignments"."driver_id"),
	CONSTRAINT "load_assignments_end_after_start" CHECK ("load_assignments"."ends_at" > "load_assignments"."starts_at"),
	CONSTRAINT "load_assignments_ended_as_known" CHECK ("load_assignments"."ended_as" in ('completed', 'unassigned', 'cancelled')),
	CONSTRAINT "load_assignments_ended_has_ending" CHECK (("load_assignments"."ended_at" is null) = ("load_assignments"."ended_as" is null))
);
--> statement-breakpoint
CREATE TABLE "muster"."load_bookings" (
	"assignment_id" uuid NOT NULL,
	"kind" text NOT NULL,
	"booked_id" uuid NOT NULL,
	"tenant_id" uuid NOT NULL,
	"organization_id" uuid NOT NULL,
	"starts_at" timestamp with time zone NOT NULL,
	"ends_at" timestamp with time zone NOT NULL,
	CONSTRAINT "load_bookings_pkey" PRIMARY KEY("assignment_id","booked_id"),
	CONSTRAINT "load_bookings_kind_known" CHECK ("muster"."load_bookings"."kind" in ('driver', 'truck', 'trailer')),
	CONSTRAINT "load_bookings_end_after_start" CHECK ("muster"."load_bookings"."ends_at" > "muster"."load_bookings"."starts_at")
);
--> statement-breakpoint
CREATE TABLE "load_stops" (
	"id" uuid PRIMARY KEY DEFAULT muster.uuid_v7() NOT NULL,
	"tenant_id" uuid NOT NULL,
	"organization_id" uuid NOT NULL,
	"load_id" uuid NOT NULL,
	"broker_organization_id" uuid,
	"driver_ids" uuid[] DEFAULT '{}' NOT NULL,
	"position" integer NOT NULL,
	"kind" text NOT NULL,
	"name" text NOT NULL,
	"address" text NOT NULL,
	"stop_point" geography(Point,4326) NOT NULL,
	"time_zone" text NOT NULL,
	"window_starts_at" timestamp with time zone NOT NULL,
	"window_ends_at" timestamp with time zone NOT NULL,
	"arrived_at" timestamp with time zone,
	"departed_at" timestamp with time zone,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	"created_by" uuid,
	"updated_by" uuid,
	"deleted_at" timestamp with time zone,
	"changed_xid" "xid8" DEFAULT pg_current_xact_id() NOT NULL,
	CONSTRAINT "load_stops_position_range" CHECK ("load_stops"."position" between 1 and 50),
	CONSTRAINT "load_stops_kind_known" CHECK ("load_stops"."kind" in ('pickup', 'delivery')),
	CONSTRAINT "load_stops_name_length" CHECK (char_length("load_stops"."name") between 1 and 200),
	CONSTRAINT "load_stops_address_length" CHECK (char_length("load_stops"."address") between 1 and 500),
	CONSTRAINT "load_stops_time_zone_form" CHECK (muster.is_time_zone("load_stops"."time_zone")),
	CONSTRAINT "load_stops_window_end_after_start" CHECK ("load_stops"."window_ends_at" > "load_stops"."window_starts_at"),
	CONSTRAINT "load_stops_window_in_range" CHECK ("load_stops"."window_starts_at" >= timestamptz '2000-01-01 00:00:00+00' and "load_stops"."window_ends_at" < timestamptz '2100-01-01 00:00:00+00'),
	CONSTRAINT "load_stops_departed_after_arrived" CHECK ("load_stops"."departed_at" is null or ("load_stops"."arrived_at" is not null and "load_stops"."departed_at" >= "load_stops"."arrived_at"))
);
--> statement-breakpoint
CREATE TABLE "loads" (
	"id" uuid PRIMARY KEY DEFAULT muster.uuid_v7() NOT NULL,
	"tenant_id" uuid NOT NULL,
	"organization_id" uuid DEFAULT muster.carrier_id() NOT NULL,
	"broker_id" uuid NOT NULL,
	"broker_organization_id" uuid,
	"dispatcher_id" uuid,
	"reference" text,
	"status" text DEFAULT 'pending' NOT NULL,
	"rate" numeric(10, 2) NOT NULL,
	"distance" numeric(10, 2),
	"currency" text DEFAULT 'USD' NOT NULL,
	"distance_unit" text DEFAULT 'mi' NOT NULL,
	"is_factored" boolean DEFAULT false NOT NULL,
	"metadata" jsonb DEFAULT '{}' NOT NULL,
	"starts_at" timestamp with time zone NOT NULL,
	"ends_at" timestamp with time zone NOT NULL,
	"last_day" date NOT NULL,
	"driver_ids" uuid[] DEFAULT '{}' NOT NULL,
	"cancel_reason" text,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	"created_by" uuid,
	"updated_by" uuid,
	"deleted_at" timestamp with time zone,
	"changed_xid" "xid8" DEFAULT pg_current_xact_id() NOT NULL,
	CONSTRAINT "loads_id_carrier_key" UNIQUE("id","organization_id"),
	CONSTRAINT "loads_reference_form" CHECK ("loads"."reference" ~ '^[A-Za-z0-9][A-Za-z0-9 ./#_-]{0,39}$'),
	CONSTRAINT "loads_status_known" CHECK ("loads"."status" in ('pending', 'assigned', 'in_transit', 'delivered', 'invoiced', 'paid', 'cancelled')),
	CONSTRAINT "loads_rate_not_negative" CHECK ("loads"."rate" >= 0),
	CONSTRAINT "loads_distance_not_negative" CHECK ("loads"."distance" >= 0),
	CONSTRAINT "loads_currency_form" CHECK ("loads"."currency" ~ '^[A-Z]{3}$'),
	CONSTRAINT "loads_distance_unit_known" CHECK ("loads"."distance_unit" in ('mi', 'km')),
	CONSTRAINT "loads_metadata_is_object" CHECK (jsonb_typeof("loads"."metadata") = 'object'),
	CONSTRAINT "loads_metadata_size" CHECK (octet_length("loads"."metadata"::text) <= 16384),
	CONSTRAINT "loads_end_after_start" CHECK ("loads"."ends_at" > "loads"."starts_at"),
	CONSTRAINT "loads_times_in_range" CHECK ("loads"."starts_at" >= timestamptz '2000-01-01 00:00:00+00' and "loads"."ends_at" < timestamptz '2100-01-01 00:00:00+00'),
	CONSTRAINT "loads_cancel_reason_length" CHECK (char_length("loads"."cancel_reason") between 1 and 1000),
	CONSTRAINT "loads_cancelled_has_reason" CHECK (("loads"."status" = 'cancelled') = ("loads"."cancel_reason" is not null)),
	CONSTRAINT "loads_deleted_is_not_driven" CHECK ("loads"."deleted_at" is null or "loads"."status" in ('pending', 'cancelled'))
);
--> statement-breakpoint
ALTER TABLE "drivers" ADD COLUMN "license_valid_until" date;--> statement-breakpoint
ALTER TABLE "load_assignments" ADD CONSTRAINT "load_assignments_load_fk" FOREIGN KEY ("load_id","organization_id") REFERENCES "public"."loads"("id","organization_id") ON DELETE restrict ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "load_assignments" ADD CONSTRAINT "load_assignments_driver_fk" FOREIGN KEY ("driver_id","organization_id") REFERENCES "public"."drivers"("id","organization_id") ON DELETE restrict ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "load_assignments" ADD CONSTRAINT "load_assignments_co_driver_fk" FOREIGN KEY ("co_driver_id","organization_id") REFERENCES "public"."drivers"("id","organization_id") ON DELETE restrict ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "load_assignments" ADD CONSTRAINT "load_assignments_truck_fk" FOREIGN KEY ("truck_id","organization_id") REFERENCES "public"."trucks"("id","organization_id") ON DELETE restrict ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "load_assignments" ADD CONSTRAINT "load_assignments_trailer_fk" FOREIGN KEY ("trailer_id","organization_id") REFERENCES "public"."trailers"("id","organization_id") ON DELETE restrict ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "muster"."load_bookings" ADD CONSTRAINT "load_bookings_assignment_fk" FOREIGN KEY ("assignment_id","organization_id") REFERENCES "public"."load_assignments"("id","organization_id") ON DELETE restrict ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "load_stops" ADD CONSTRAINT "load_stops_load_fk" FOREIGN KEY ("load_id","organization_id") REFERENCES "public"."loads"("id","organization_id") ON DELETE restrict ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "loads" ADD CONSTRAINT "loads_carrier_fk" FOREIGN KEY ("organization_id","tenant_id") REFERENCES "public"."organizations"("id","tenant_id") ON DELETE restrict ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "loads" ADD CONSTRAINT "loads_broker_fk" FOREIGN KEY ("broker_id","organization_id") REFERENCES "public"."brokers"("id","organization_id") ON DELETE restrict ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "loads" ADD CONSTRAINT "loads_broker_organization_fk" FOREIGN KEY ("broker_organization_id","tenant_id") REFERENCES "public"."organizations"("id","tenant_id") ON DELETE restrict ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "loads" ADD CONSTRAINT "loads_dispatcher_fk" FOREIGN KEY ("dispatcher_id","tenant_id") REFERENCES "public"."users"("id","tenant_id") ON DELETE restrict ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "load_assignments_leg_key" ON "load_assignments" USING btree ("load_id","leg") WHERE "load_assignments"."ended_at" is null;--> statement-breakpoint
CREATE INDEX "load_assignments_load_idx" ON "load_assignments" USING btree ("load_id");--> statement-breakpoint
CREATE INDEX "load_assignments_driver_idx" ON "load_assignments" USING btree ("driver_id","starts_at");--> statement-breakpoint
CREATE INDEX "load_assignments_co_driver_idx" ON "load_assignments" USING btree ("co_driver_id","starts_at");--> statement-breakpoint
CREATE INDEX "load_assignments_truck_idx" ON "load_assignments" USING btree ("truck_id","starts_at");--> statement-breakpoint
CREATE INDEX "load_assignments_trailer_idx" ON "load_assignments" USING btree ("trailer_id","starts_at");--> statement-breakpoint
CREATE INDEX "load_assignments_organization_idx" ON "load_assignments" USING btree ("organization_id");--> statement-breakpoint
CREATE INDEX "load_assignments_changed_idx" ON "load_assignments" USING btree ("changed_xid","id");--> statement-breakpoint
CREATE UNIQUE INDEX "load_stops_position_key" ON "load_stops" USING btree ("load_id","position") WHERE "load_stops"."deleted_at" is null;--> statement-breakpoint
CREATE INDEX "load_stops_load_idx" ON "load_stops" USING btree ("load_id");--> statement-breakpoint
CREATE INDEX "load_stops_organization_idx" ON "load_stops" USING btree ("organization_id");--> statement-breakpoint
CREATE INDEX "load_stops_changed_idx" ON "load_stops" USING btree ("changed_xid","id");--> statement-breakpoint
CREATE INDEX "loads_organization_idx" ON "loads" USING btree ("organization_id","starts_at","id") WHERE "loads"."deleted_at" is null;--> statement-breakpoint
CREATE INDEX "loads_tenant_idx" ON "loads" USING btree ("tenant_id","starts_at","id") WHERE "loads"."deleted_at" is null;--> statement-breakpoint
CREATE INDEX "loads_broker_organization_idx" ON "loads" USING btree ("broker_organization_id","starts_at","id");--> statement-breakpoint
CREATE INDEX "loads_broker_idx" ON "loads" USING btree ("broker_id","starts_at","id");--> statement-breakpoint
CREATE INDEX "loads_dispatcher_idx" ON "loads" USING btree ("dispatcher_id");--> statement-breakpoint
CREATE INDEX "loads_metadata_idx" ON "loads" USING gin ("metadata" jsonb_path_ops);--> statement-breakpoint
CREATE INDEX "loads_changed_idx" ON "loads" USING btree ("changed_xid","id");--> statement-breakpoint
ALTER TABLE "drivers" ADD CONSTRAINT "drivers_license_range" CHECK ("drivers"."license_valid_until" >= date '1950-01-01' and "drivers"."license_valid_until" < date '2100-01-01') NOT VALID;
--> statement-breakpoint
-- In the transaction of the rest: the column is new, and each driver is looked at once.
-- squawk-ignore constraint-missing-not-valid
ALTER TABLE "drivers" VALIDATE CONSTRAINT "drivers_license_range";
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1796025464_loads';
--> statement-breakpoint
alter table muster.load_bookings
  add constraint load_bookings_driver_no_overlap
    exclude using gist (booked_id with =, tstzrange(starts_at, ends_at) with &&) where (kind = 'driver'),
  add constraint load_bookings_truck_no_overlap
    exclude using gist (booked_id with =, tstzrange(starts_at, ends_at) with &&) where (kind = 'truck'),
  add constraint load_bookings_trailer_no_overlap
    exclude using gist (booked_id with =, tstzrange(starts_at, ends_at) with &&) where (kind = 'trailer');
