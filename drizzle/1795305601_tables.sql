-- Where PostGIS is looked for, also when another tool than ours runs this file.
set search_path = public, extensions;
--> statement-breakpoint
CREATE TABLE "finqle_transactions" (
	"id" uuid PRIMARY KEY DEFAULT muster.uuid_v7() NOT NULL,
	"tenant_id" uuid NOT NULL,
	"company_id" uuid NOT NULL,
	"shift_id" uuid NOT NULL,
	"professional_id" uuid NOT NULL,
	"amount" numeric(10, 2) NOT NULL,
	"status" text DEFAULT 'pending' NOT NULL,
	"idempotency_key" uuid DEFAULT muster.uuid_v7() NOT NULL,
	"provider_reference" text,
	"attempts" integer DEFAULT 0 NOT NULL,
	"last_error" text,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	"changed_xid" "xid8" DEFAULT pg_current_xact_id() NOT NULL,
	CONSTRAINT "finqle_transactions_idempotency_key" UNIQUE("idempotency_key"),
	CONSTRAINT "finqle_transactions_status_known" CHECK ("finqle_transactions"."status" in ('pending', 'processing', 'completed', 'failed', 'refunded', 'voided')),
	CONSTRAINT "finqle_transactions_amount_not_negative" CHECK ("finqle_transactions"."amount" >= 0),
	CONSTRAINT "finqle_transactions_attempts_not_negative" CHECK ("finqle_transactions"."attempts" >= 0)
);
--> statement-breakpoint
CREATE TABLE "gps_checkins" (
	"id" uuid PRIMARY KEY DEFAULT muster.uuid_v7() NOT NULL,
	"tenant_id" uuid NOT NULL,
	"company_id" uuid NOT NULL,
	"client_id" uuid NOT NULL,
	"shift_id" uuid NOT NULL,
	"professional_id" uuid NOT NULL,
	"kind" text NOT NULL,
	"gps_point" geography(Point,4326) NOT NULL,
	"accuracy_meters" double precision NOT NULL,
	"distance_meters" double precision NOT NULL,
	"is_within_radius" boolean NOT NULL,
	"verdict" text NOT NULL,
	"recorded_at" timestamp with time zone NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	"changed_xid" "xid8" DEFAULT pg_current_xact_id() NOT NULL,
	CONSTRAINT "gps_checkins_kind_known" CHECK ("gps_checkins"."kind" in ('clock_in', 'ping', 'clock_out')),
	CONSTRAINT "gps_checkins_verdict_known" CHECK ("gps_checkins"."verdict" in ('inside', 'outside', 'uncertain')),
	CONSTRAINT "gps_checkins_accuracy_range" CHECK ("gps_checkins"."accuracy_meters" > 0 and "gps_checkins"."accuracy_meters" <= 100),
	CONSTRAINT "gps_checkins_point_valid" CHECK (coalesce(st_x("gps_checkins"."gps_point"::geometry) between -180 and 180 and st_y("gps_checkins"."gps_point"::geometry) between -90 and 90, false))
);
--> statement-breakpoint
CREATE TABLE "muster"."idempotency_keys" (
	"user_id" uuid NOT NULL,
	"key" text NOT NULL,
	"request_hash" text NOT NULL,
	"response_body" text,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "idempotency_keys_pkey" PRIMARY KEY("user_id","key"),
	CONSTRAINT "idempotency_keys_key_length" CHECK (char_length("muster"."idempotency_keys"."key") between 1 and 255)
);
--> statement-breakpoint
CREATE TABLE "incidents" (
	"id" uuid PRIMARY KEY DEFAULT muster.uuid_v7() NOT NULL,
	"tenant_id" uuid NOT NULL,
	"company_id" uuid NOT NULL,
	"client_id" uuid NOT NULL,
	"shift_id" uuid NOT NULL,
	"reported_by" uuid NOT NULL,
	"category" text NOT NULL,
	"severity" text NOT NULL,
	"description" text NOT NULL,
	"incident_point" geography(Point,4326),
	"occurred_at" timestamp with time zone NOT NULL,
	"status" text DEFAULT 'open' NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	"created_by" uuid,
	"updated_by" uuid,
	"deleted_at" timestamp with time zone,
	"changed_xid" "xid8" DEFAULT pg_current_xact_id() NOT NULL,
	CONSTRAINT "incidents_category_known" CHECK ("incidents"."category" in ('theft', 'trespass', 'violence', 'vandalism', 'medical', 'fire', 'safety', 'other')),
	CONSTRAINT "incidents_severity_known" CHECK ("incidents"."severity" in ('low', 'medium', 'high', 'critical')),
	CONSTRAINT "incidents_status_known" CHECK ("incidents"."status" in ('open', 'acknowledged', 'resolved')),
	CONSTRAINT "incidents_occurred_in_range" CHECK ("incidents"."occurred_at" >= timestamptz '2000-01-01 00:00:00+00' and "incidents"."occurred_at" < timestamptz '2100-01-01 00:00:00+00'),
	CONSTRAINT "incidents_description_length" CHECK (char_length("incidents"."description") between 1 and 10000),
	CONSTRAINT "incidents_point_valid" CHECK ("incidents"."incident_point" is null or coalesce(st_x("incidents"."incident_point"::geometry) between -180 and 180 and st_y("incidents"."incident_point"::geometry) between -90 and 90, false))
);
--> statement-breakpoint
CREATE TABLE "locations" (
	"id" uuid PRIMARY KEY DEFAULT muster.uuid_v7() NOT NULL,
	"tenant_id" uuid NOT NULL,
	"organization_id" uuid NOT NULL,
	"name" text NOT NULL,
	"address" text NOT NULL,
	"location_point" geography(Point,4326) NOT NULL,
	"radius_meters" integer DEFAULT 100 NOT NULL,
	"time_zone" text DEFAULT 'Europe/Amsterdam' NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	"created_by" uuid,
	"updated_by" uuid,
	"deleted_at" timestamp with time zone,
	CONSTRAINT "locations_id_organization_key" UNIQUE("id","organization_id"),
	CONSTRAINT "locations_name_length" CHECK (char_length("locations"."name") between 1 and 200),
	CONSTRAINT "locations_address_length" CHECK (char_length("locations"."address") between 1 and 500),
	CONSTRAINT "locations_radius_range" CHECK ("locations"."radius_meters" between 50 and 1000),
	CONSTRAINT "locations_time_zone_known" CHECK (muster.is_time_zone("locations"."time_zone")),
	CONSTRAINT "locations_point_valid" CHECK (coalesce(st_x("locations"."location_point"::geometry) between -180 and 180 and st_y("locations"."location_point"::geometry) between -90 and 90, false))
);
--> statement-breakpoint
CREATE TABLE "notifications" (
	"id" uuid PRIMARY KEY DEFAULT muster.uuid_v7() NOT NULL,
	"tenant_id" uuid NOT NULL,
	"user_id" uuid NOT NULL,
	"type" text NOT NULL,
	"data" jsonb DEFAULT '{}' NOT NULL,
	"read_at" timestamp with time zone,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	"changed_xid" "xid8" DEFAULT pg_current_xact_id() NOT NULL,
	CONSTRAINT "notifications_type_known" CHECK ("notifications"."type" in ('shift_assigned', 'shift_released', 'shift_cancelled', 'shift_changed'))
);
--> statement-breakpoint
CREATE TABLE "certificates" (
	"id" uuid PRIMARY KEY DEFAULT muster.uuid_v7() NOT NULL,
	"tenant_id" uuid NOT NULL,
	"professional_id" uuid NOT NULL,
	"company_id" uuid,
	"kind" text NOT NULL,
	"number" text NOT NULL,
	"valid_until" date NOT NULL,
	"verified_at" timestamp with time zone,
	"verified_by" uuid,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	"created_by" uuid,
	"updated_by" uuid,
	"deleted_at" timestamp with time zone,
	CONSTRAINT "certificates_kind_form" CHECK ("certificates"."kind" ~ '^[a-z][a-z0-9_]{0,39}$'),
	CONSTRAINT "certificates_number_length" CHECK (char_length("certificates"."number") between 1 and 100),
	CONSTRAINT "certificates_valid_until_range" CHECK ("certificates"."valid_until" between date '2000-01-01' and date '2099-12-31')
);
--> statement-breakpoint
CREATE TABLE "security_professionals" (
	"id" uuid PRIMARY KEY DEFAULT muster.uuid_v7() NOT NULL,
	"tenant_id" uuid NOT NULL,
	"user_id" uuid NOT NULL,
	"home_point" geography(Point,4326),
	"status" text DEFAULT 'active' NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	"created_by" uuid,
	"updated_by" uuid,
	"deleted_at" timestamp with time zone,
	CONSTRAINT "security_professionals_user_key" UNIQUE("user_id"),
	CONSTRAINT "security_professionals_id_tenant_key" UNIQUE("id","tenant_id"),
	CONSTRAINT "security_professionals_status_known" CHECK ("security_professionals"."status" in ('active', 'inactive', 'suspended')),
	CONSTRAINT "security_professionals_home_point_valid" CHECK ("security_professionals"."home_point" is null or coalesce(st_x("security_professionals"."home_point"::geometry) between -180 and 180 and st_y("security_professionals"."home_point"::geometry) between -90 and 90, false))
);
--> statement-breakpoint
CREATE TABLE "shifts" (
	"id" uuid PRIMARY KEY DEFAULT muster.uuid_v7() NOT NULL,
	"tenant_id" uuid NOT NULL,
	"company_id" uuid DEFAULT muster.company_id() NOT NULL,
	"client_id" uuid NOT NULL,
	"location_id" uuid NOT NULL,
	"professional_id" uuid,
	"status" text DEFAULT 'draft' NOT NULL,
	"start_datetime" timestamp with time zone NOT NULL,
	"end_datetime" timestamp with time zone NOT NULL,
	"hourly_rate" numeric(10, 2) NOT NULL,
	"overtime_rate" numeric(4, 2) DEFAULT 1.5 NOT NULL,
	"required_certificates" text[] DEFAULT '{vca}' NOT NULL,
	"title" text NOT NULL,
	"instructions" text,
	"cancel_reason" text,
	"location_point" geography(Point,4326) NOT NULL,
	"time_zone" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	"created_by" uuid,
	"updated_by" uuid,
	"deleted_at" timestamp with time zone,
	"changed_xid" "xid8" DEFAULT pg_current_xact_id() NOT NULL,
	CONSTRAINT "shifts_status_known" CHECK ("shifts"."status" in ('draft', 'published', 'assigned', 'active', 'completed', 'cancelled')),
	CONSTRAINT "shifts_end_after_start" CHECK ("shifts"."end_datetime" > "shifts"."start_datetime"),
	CONSTRAINT "shifts_times_in_range" CHECK ("shifts"."start_datetime" >= timestamptz '2000-01-01 00:00:00+00' and "shifts"."end_datetime" < timestamptz '2100-01-01 00:00:00+00'),
	CONSTRAINT "shifts_at_most_48_hours" CHECK ("shifts"."end_datetime" - "shifts"."start_datetime" <= interval '48 hours'),
	CONSTRAINT "shifts_rate_range" CHECK ("shifts"."hourly_rate" between 15.00 and 500.00),
	CONSTRAINT "shifts_overtime_rate_range" CHECK ("shifts"."overtime_rate" between 1.00 and 5.00),
	CONSTRAINT "shifts_title_length" CHECK (char_length("shifts"."title") between 1 and 200),
	CONSTRAINT "shifts_instructions_length" CHECK (char_length("shifts"."instructions") <= 10000),
	CONSTRAINT "shifts_cancel_reason_length" CHECK (char_length("shifts"."cancel_reason") between 1 and 1000),
	CONSTRAINT "shifts_cancelled_has_reason" CHECK (("shifts"."status" = 'cancelled') = ("shifts"."cancel_reason" is not null)),
	CONSTRAINT "shifts_required_certificates_form" CHECK (cardinality("shifts"."required_certificates") <= 20 and array_to_string("shifts"."required_certificates" || 'end'::text, ' ', '') ~ '^([a-z][a-z0-9_]{0,39} )*end$'),
	CONSTRAINT "shifts_professional_by_status" CHECK (case "shifts"."status" when 'draft' then "shifts"."professional_id" is null when 'published' then "shifts"."professional_id" is null when 'cancelled' then true else "shifts"."professional_id" is not null end),
	CONSTRAINT "shifts_deleted_is_not_worked" CHECK ("shifts"."deleted_at" is null or "shifts"."status" not in ('assigned', 'active'))
);
--> statement-breakpoint
CREATE TABLE "company_clients" (
	"id" uuid PRIMARY KEY DEFAULT muster.uuid_v7() NOT NULL,
	"tenant_id" uuid NOT NULL,
	"company_id" uuid NOT NULL,
	"company_kind" text DEFAULT 'company' NOT NULL,
	"client_id" uuid NOT NULL,
	"client_kind" text DEFAULT 'client' NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "company_clients_pair_key" UNIQUE("company_id","client_id"),
	CONSTRAINT "company_clients_kinds" CHECK ("company_clients"."company_kind" = 'company' and "company_clients"."client_kind" = 'client')
);
--> statement-breakpoint
CREATE TABLE "invitations" (
	"id" uuid PRIMARY KEY DEFAULT muster.uuid_v7() NOT NULL,
	"tenant_id" uuid NOT NULL,
	"organization_id" uuid,
	"role" text NOT NULL,
	"email" text,
	"code_hash" text NOT NULL,
	"expires_at" timestamp with time zone NOT NULL,
	"accepted_at" timestamp with time zone,
	"accepted_by" uuid,
	"created_by" uuid,
	"inviting_organization_id" uuid,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "invitations_code_hash_key" UNIQUE("code_hash"),
	CONSTRAINT "invitations_role_known" CHECK ("invitations"."role" in ('admin', 'company', 'client', 'zzp')),
	CONSTRAINT "invitations_organization_by_role" CHECK (("invitations"."role" in ('company', 'client')) = ("invitations"."organization_id" is not null)),
	CONSTRAINT "invitations_email_length" CHECK (char_length("invitations"."email") between 3 and 320),
	CONSTRAINT "invitations_expiry_range" CHECK ("invitations"."expires_at" > "invitations"."created_at" and "invitations"."expires_at" - "invitations"."created_at" <= interval '90 days')
);
--> statement-breakpoint
CREATE TABLE "organizations" (
	"id" uuid PRIMARY KEY DEFAULT muster.uuid_v7() NOT NULL,
	"tenant_id" uuid NOT NULL,
	"name" text NOT NULL,
	"kind" text NOT NULL,
	"nd_number" text,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	"created_by" uuid,
	"updated_by" uuid,
	"deleted_at" timestamp with time zone,
	CONSTRAINT "organizations_id_tenant_key" UNIQUE("id","tenant_id"),
	CONSTRAINT "organizations_id_tenant_kind_key" UNIQUE("id","tenant_id","kind"),
	CONSTRAINT "organizations_name_length" CHECK (char_length("organizations"."name") between 1 and 200),
	CONSTRAINT "organizations_kind_known" CHECK ("organizations"."kind" in ('company', 'client')),
	CONSTRAINT "organizations_nd_number_length" CHECK (char_length("organizations"."nd_number") between 1 and 40)
);
--> statement-breakpoint
CREATE TABLE "tenants" (
	"id" uuid PRIMARY KEY DEFAULT muster.uuid_v7() NOT NULL,
	"name" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "tenants_name_length" CHECK (char_length("tenants"."name") between 1 and 200)
);
--> statement-breakpoint
CREATE TABLE "users" (
	"id" uuid PRIMARY KEY NOT NULL,
	"tenant_id" uuid NOT NULL,
	"organization_id" uuid,
	"role" text NOT NULL,
	"name" text NOT NULL,
	"email" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	"created_by" uuid,
	"updated_by" uuid,
	"deleted_at" timestamp with time zone,
	CONSTRAINT "users_id_tenant_key" UNIQUE("id","tenant_id"),
	CONSTRAINT "users_role_known" CHECK ("users"."role" in ('admin', 'company', 'client', 'zzp')),
	CONSTRAINT "users_organization_by_role" CHECK (("users"."role" in ('company', 'client')) = ("users"."organization_id" is not null)),
	CONSTRAINT "users_name_length" CHECK (char_length("users"."name") between 1 and 200),
	CONSTRAINT "users_email_length" CHECK (char_length("users"."email") between 3 and 320)
);
--> statement-breakpoint
ALTER TABLE "finqle_transactions" ADD CONSTRAINT "finqle_transactions_shift_fk" FOREIGN KEY ("shift_id") REFERENCES "public"."shifts"("id") ON DELETE restrict ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "finqle_transactions" ADD CONSTRAINT "finqle_transactions_professional_fk" FOREIGN KEY ("professional_id","tenant_id") REFERENCES "public"."security_professionals"("id","tenant_id") ON DELETE restrict ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "gps_checkins" ADD CONSTRAINT "gps_checkins_shift_fk" FOREIGN KEY ("shift_id") REFERENCES "public"."shifts"("id") ON DELETE restrict ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "gps_checkins" ADD CONSTRAINT "gps_checkins_professional_fk" FOREIGN KEY ("professional_id") REFERENCES "public"."security_professionals"("id") ON DELETE restrict ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "incidents" ADD CONSTRAINT "incidents_shift_fk" FOREIGN KEY ("shift_id") REFERENCES "public"."shifts"("id") ON DELETE restrict ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "incidents" ADD CONSTRAINT "incidents_reported_by_fk" FOREIGN KEY ("reported_by","tenant_id") REFERENCES "public"."users"("id","tenant_id") ON DELETE restrict ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "locations" ADD CONSTRAINT "locations_organization_fk" FOREIGN KEY ("organization_id","tenant_id") REFERENCES "public"."organizations"("id","tenant_id") ON DELETE restrict ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "notifications" ADD CONSTRAINT "notifications_user_fk" FOREIGN KEY ("user_id","tenant_id") REFERENCES "public"."users"("id","tenant_id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "certificates" ADD CONSTRAINT "certificates_professional_fk" FOREIGN KEY ("professional_id","tenant_id") REFERENCES "public"."security_professionals"("id","tenant_id") ON DELETE restrict ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "certificates" ADD CONSTRAINT "certificates_company_fk" FOREIGN KEY ("company_id","tenant_id") REFERENCES "public"."organizations"("id","tenant_id") ON DELETE restrict ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "security_professionals" ADD CONSTRAINT "security_professionals_user_fk" FOREIGN KEY ("user_id","tenant_id") REFERENCES "public"."users"("id","tenant_id") ON DELETE restrict ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "shifts" ADD CONSTRAINT "shifts_company_fk" FOREIGN KEY ("company_id","tenant_id") REFERENCES "public"."organizations"("id","tenant_id") ON DELETE restrict ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "shifts" ADD CONSTRAINT "shifts_client_fk" FOREIGN KEY ("client_id","tenant_id") REFERENCES "public"."organizations"("id","tenant_id") ON DELETE restrict ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "shifts" ADD CONSTRAINT "shifts_location_fk" FOREIGN KEY ("location_id","client_id") REFERENCES "public"."locations"("id","organization_id") ON DELETE restrict ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "shifts" ADD CONSTRAINT "shifts_professional_fk" FOREIGN KEY ("professional_id","tenant_id") REFERENCES "public"."security_professionals"("id","tenant_id") ON DELETE restrict ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "company_clients" ADD CONSTRAINT "company_clients_company_fk" FOREIGN KEY ("company_id","tenant_id","company_kind") REFERENCES "public"."organizations"("id","tenant_id","kind") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "company_clients" ADD CONSTRAINT "company_clients_client_fk" FOREIGN KEY ("client_id","tenant_id","client_kind") REFERENCES "public"."organizations"("id","tenant_id","kind") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "invitations" ADD CONSTRAINT "invitations_tenant_id_tenants_id_fk" FOREIGN KEY ("tenant_id") REFERENCES "public"."tenants"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "invitations" ADD CONSTRAINT "invitations_organization_is_of_role_fk" FOREIGN KEY ("organization_id","tenant_id","role") REFERENCES "public"."organizations"("id","tenant_id","kind") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "invitations" ADD CONSTRAINT "invitations_inviting_organization_fk" FOREIGN KEY ("inviting_organization_id","tenant_id") REFERENCES "public"."organizations"("id","tenant_id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "organizations" ADD CONSTRAINT "organizations_tenant_id_tenants_id_fk" FOREIGN KEY ("tenant_id") REFERENCES "public"."tenants"("id") ON DELETE restrict ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "users" ADD CONSTRAINT "users_tenant_id_tenants_id_fk" FOREIGN KEY ("tenant_id") REFERENCES "public"."tenants"("id") ON DELETE restrict ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "users" ADD CONSTRAINT "users_organization_is_of_role_fk" FOREIGN KEY ("organization_id","tenant_id","role") REFERENCES "public"."organizations"("id","tenant_id","kind") ON DELETE restrict ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "finqle_transactions_one_live" ON "finqle_transactions" USING btree ("shift_id") WHERE "finqle_transactions"."status" <> 'voided';--> statement-breakpoint
CREATE INDEX "finqle_transactions_shift_idx" ON "finqle_transactions" USING btree ("shift_id");--> statement-breakpoint
CREATE INDEX "finqle_transactions_professional_idx" ON "finqle_transactions" USING btree ("professional_id","created_at","id");--> statement-breakpoint
CREATE INDEX "finqle_transactions_company_idx" ON "finqle_transactions" USING btree ("company_id","created_at","id");--> statement-breakpoint
CREATE INDEX "finqle_transactions_tenant_idx" ON "finqle_transactions" USING btree ("tenant_id","created_at","id");--> statement-breakpoint
CREATE INDEX "finqle_transactions_changed_idx" ON "finqle_transactions" USING btree ("changed_xid","id");--> statement-breakpoint
CREATE INDEX "gps_checkins_shift_idx" ON "gps_checkins" USING btree ("shift_id","recorded_at","id");--> statement-breakpoint
CREATE INDEX "gps_checkins_clocks_idx" ON "gps_checkins" USING btree ("shift_id","kind","recorded_at") WHERE "gps_checkins"."kind" <> 'ping';--> statement-breakpoint
CREATE INDEX "gps_checkins_professional_idx" ON "gps_checkins" USING btree ("professional_id");--> statement-breakpoint
CREATE INDEX "gps_checkins_changed_idx" ON "gps_checkins" USING btree ("changed_xid","id");--> statement-breakpoint
CREATE INDEX "idempotency_keys_created_idx" ON "muster"."idempotency_keys" USING btree ("created_at");--> statement-breakpoint
CREATE INDEX "incidents_shift_idx" ON "incidents" USING btree ("shift_id");--> statement-breakpoint
CREATE INDEX "incidents_reported_by_idx" ON "incidents" USING btree ("reported_by","created_at","id");--> statement-breakpoint
CREATE INDEX "incidents_company_idx" ON "incidents" USING btree ("company_id","created_at","id");--> statement-breakpoint
CREATE INDEX "incidents_client_idx" ON "incidents" USING btree ("client_id","created_at","id");--> statement-breakpoint
CREATE INDEX "incidents_tenant_idx" ON "incidents" USING btree ("tenant_id","created_at","id");--> statement-breakpoint
CREATE INDEX "incidents_point_idx" ON "incidents" USING gist ("incident_point");--> statement-breakpoint
CREATE INDEX "incidents_changed_idx" ON "incidents" USING btree ("changed_xid","id");--> statement-breakpoint
CREATE INDEX "locations_organization_idx" ON "locations" USING btree ("organization_id") WHERE "locations"."deleted_at" is null;--> statement-breakpoint
CREATE INDEX "locations_tenant_idx" ON "locations" USING btree ("tenant_id","name","id") WHERE "locations"."deleted_at" is null;--> statement-breakpoint
CREATE INDEX "locations_point_idx" ON "locations" USING gist ("location_point");--> statement-breakpoint
CREATE INDEX "notifications_user_idx" ON "notifications" USING btree ("user_id","created_at","id");--> statement-breakpoint
CREATE INDEX "notifications_tenant_idx" ON "notifications" USING btree ("tenant_id","created_at","id");--> statement-breakpoint
CREATE INDEX "notifications_changed_idx" ON "notifications" USING btree ("changed_xid","id");--> statement-breakpoint
CREATE INDEX "certificates_professional_idx" ON "certificates" USING btree ("professional_id","kind");--> statement-breakpoint
CREATE INDEX "certificates_company_idx" ON "certificates" USING btree ("company_id");--> statement-breakpoint
CREATE INDEX "certificates_tenant_idx" ON "certificates" USING btree ("tenant_id");--> statement-breakpoint
CREATE INDEX "security_professionals_tenant_idx" ON "security_professionals" USING btree ("tenant_id");--> statement-breakpoint
CREATE INDEX "security_professionals_home_area_idx" ON "security_professionals" USING gist (muster.home_area("home_point"));--> statement-breakpoint
CREATE INDEX "shifts_company_idx" ON "shifts" USING btree ("company_id","start_datetime","id") WHERE "shifts"."deleted_at" is null;--> statement-breakpoint
CREATE INDEX "shifts_client_idx" ON "shifts" USING btree ("client_id","start_datetime","id") WHERE "shifts"."deleted_at" is null;--> statement-breakpoint
CREATE INDEX "shifts_location_idx" ON "shifts" USING btree ("location_id");--> statement-breakpoint
CREATE INDEX "shifts_professional_idx" ON "shifts" USING btree ("professional_id","start_datetime","id") WHERE "shifts"."professional_id" is not null;--> statement-breakpoint
CREATE INDEX "shifts_tenant_idx" ON "shifts" USING btree ("tenant_id","start_datetime","id") WHERE "shifts"."deleted_at" is null;--> statement-breakpoint
CREATE INDEX "shifts_open_idx" ON "shifts" USING btree ("tenant_id","start_datetime","id") WHERE "shifts"."status" = 'published' and "shifts"."deleted_at" is null;--> statement-breakpoint
CREATE INDEX "shifts_open_point_idx" ON "shifts" USING gist ("location_point","start_datetime",("hourly_rate"::float8)) WHERE "shifts"."status" = 'published' and "shifts"."deleted_at" is null;--> statement-breakpoint
CREATE INDEX "shifts_open_requirements_idx" ON "shifts" USING btree ("tenant_id","required_certificates") WHERE "shifts"."status" = 'published' and "shifts"."deleted_at" is null;--> statement-breakpoint
CREATE INDEX "shifts_changed_idx" ON "shifts" USING btree ("changed_xid","id");--> statement-breakpoint
CREATE INDEX "company_clients_client_idx" ON "company_clients" USING btree ("client_id");--> statement-breakpoint
CREATE INDEX "company_clients_tenant_idx" ON "company_clients" USING btree ("tenant_id");--> statement-breakpoint
CREATE INDEX "invitations_tenant_idx" ON "invitations" USING btree ("tenant_id");--> statement-breakpoint
CREATE INDEX "invitations_organization_idx" ON "invitations" USING btree ("organization_id");--> statement-breakpoint
CREATE INDEX "invitations_inviting_organization_idx" ON "invitations" USING btree ("inviting_organization_id");--> statement-breakpoint
CREATE INDEX "organizations_tenant_idx" ON "organizations" USING btree ("tenant_id");--> statement-breakpoint
CREATE UNIQUE INDEX "users_tenant_email_key" ON "users" USING btree ("tenant_id",lower("email"));--> statement-breakpoint
CREATE INDEX "users_organization_idx" ON "users" USING btree ("organization_id");