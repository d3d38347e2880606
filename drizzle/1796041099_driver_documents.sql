-- The documents of drivers: what they have to carry, and until when.

CREATE TABLE "driver_documents" (
	"id" uuid PRIMARY KEY DEFAULT muster.uuid_v7() NOT NULL,
	"tenant_id" uuid NOT NULL,
	"organization_id" uuid NOT NULL,
	"driver_id" uuid NOT NULL,
	"kind" text NOT NULL,
	"number" text NOT NULL,
	"expiry_date" date NOT NULL,
	"is_verified" boolean DEFAULT false NOT NULL,
	"verified_at" timestamp with time zone,
	"verified_by" uuid,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	"created_by" uuid,
	"updated_by" uuid,
	"deleted_at" timestamp with time zone,
	"changed_xid" "xid8" DEFAULT pg_current_xact_id() NOT NULL,
	CONSTRAINT "driver_documents_kind_known" CHECK ("driver_documents"."kind" in ('license', 'medical_card', 'hazmat_endorsement', 'twic', 'tachograph_card', 'qualification_card')),
	CONSTRAINT "driver_documents_number_form" CHECK ("driver_documents"."number" ~ '^[A-Za-z0-9][A-Za-z0-9 ./-]{0,39}$'),
	CONSTRAINT "driver_documents_expiry_range" CHECK ("driver_documents"."expiry_date" >= date '1950-01-01' and "driver_documents"."expiry_date" < date '2100-01-01'),
	CONSTRAINT "driver_documents_verified_has_time" CHECK ("driver_documents"."is_verified" = ("driver_documents"."verified_at" is not null) and ("driver_documents"."verified_by" is null or "driver_documents"."is_verified"))
);
--> statement-breakpoint
ALTER TABLE "driver_documents" ADD CONSTRAINT "driver_documents_driver_fk" FOREIGN KEY ("driver_id","organization_id") REFERENCES "public"."drivers"("id","organization_id") ON DELETE restrict ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "driver_documents_kind_key" ON "driver_documents" USING btree ("driver_id","kind") WHERE "driver_documents"."deleted_at" is null;--> statement-breakpoint
CREATE INDEX "driver_documents_driver_idx" ON "driver_documents" USING btree ("driver_id","expiry_date","id");--> statement-breakpoint
CREATE INDEX "driver_documents_organization_idx" ON "driver_documents" USING btree ("organization_id","expiry_date","id");--> statement-breakpoint
CREATE INDEX "driver_documents_expiry_idx" ON "driver_documents" USING btree ("expiry_date") WHERE "driver_documents"."is_verified" and "driver_documents"."deleted_at" is null;--> statement-breakpoint
CREATE INDEX "driver_documents_changed_idx" ON "driver_documents" USING btree ("changed_xid","id");
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1796041099_driver_documents';
