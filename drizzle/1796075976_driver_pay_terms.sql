-- muster: breaking
-- squawk-ignore-file adding-foreign-key-constraint, constraint-missing-not-valid, require-concurrent-index-creation, ban-drop-column
-- What drivers are paid moves from their records, which dispatchers read, into a table of its own. Processes of versions before read the
-- columns that go.
--
-- The terms are data: they are moved here, and the down file moves them back. Owners are bound by row level security while it is forced,
-- and would move nothing.

CREATE TABLE "driver_pay_terms" (
	"id" uuid PRIMARY KEY DEFAULT muster.uuid_v7() NOT NULL,
	"tenant_id" uuid NOT NULL,
	"organization_id" uuid NOT NULL,
	"driver_id" uuid NOT NULL,
	"pay_kind" text NOT NULL,
	"pay_per_distance" numeric(10, 4),
	"pay_percentage" numeric(5, 2),
	"pay_flat" numeric(10, 2),
	"currency" text DEFAULT 'USD' NOT NULL,
	"distance_unit" text DEFAULT 'mi' NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	"created_by" uuid,
	"updated_by" uuid,
	CONSTRAINT "driver_pay_terms_one_per_driver" UNIQUE("driver_id"),
	CONSTRAINT "driver_pay_terms_kind_known" CHECK ("driver_pay_terms"."pay_kind" in ('per_distance', 'percentage', 'flat')),
	CONSTRAINT "driver_pay_terms_by_kind" CHECK (("driver_pay_terms"."pay_kind" = 'per_distance') = ("driver_pay_terms"."pay_per_distance" is not null) and ("driver_pay_terms"."pay_kind" = 'percentage') = ("driver_pay_terms"."pay_percentage" is not null) and ("driver_pay_terms"."pay_kind" = 'flat') = ("driver_pay_terms"."pay_flat" is not null)),
	CONSTRAINT "driver_pay_terms_not_negative" CHECK ("driver_pay_terms"."pay_per_distance" >= 0 and "driver_pay_terms"."pay_flat" >= 0),
	CONSTRAINT "driver_pay_terms_percentage_range" CHECK ("driver_pay_terms"."pay_percentage" between 0 and 100),
	CONSTRAINT "driver_pay_terms_currency_form" CHECK ("driver_pay_terms"."currency" ~ '^[A-Z]{3}$'),
	CONSTRAINT "driver_pay_terms_distance_unit_known" CHECK ("driver_pay_terms"."distance_unit" in ('mi', 'km'))
);
--> statement-breakpoint
alter table public.drivers no force row level security;
--> statement-breakpoint
insert into public.driver_pay_terms (
  tenant_id, organization_id, driver_id, pay_kind, pay_per_distance, pay_percentage, pay_flat, currency, distance_unit, created_at, updated_at,
  created_by, updated_by
)
select
  d.tenant_id, d.organization_id, d.id, d.pay_kind, d.pay_per_distance, d.pay_percentage, d.pay_flat, d.currency, d.distance_unit, d.created_at,
  d.updated_at, d.created_by, d.updated_by
from public.drivers d;
--> statement-breakpoint
alter table public.drivers force row level security;
--> statement-breakpoint
ALTER TABLE "drivers" DROP CONSTRAINT "drivers_pay_kind_known";--> statement-breakpoint
ALTER TABLE "drivers" DROP CONSTRAINT "drivers_pay_by_kind";--> statement-breakpoint
ALTER TABLE "drivers" DROP CONSTRAINT "drivers_pay_not_negative";--> statement-breakpoint
ALTER TABLE "drivers" DROP CONSTRAINT "drivers_pay_percentage_range";--> statement-breakpoint
ALTER TABLE "drivers" DROP CONSTRAINT "drivers_currency_form";--> statement-breakpoint
ALTER TABLE "drivers" DROP CONSTRAINT "drivers_distance_unit_known";--> statement-breakpoint
ALTER TABLE "driver_pay_terms" ADD CONSTRAINT "driver_pay_terms_carrier_fk" FOREIGN KEY ("organization_id","tenant_id") REFERENCES "public"."organizations"("id","tenant_id") ON DELETE restrict ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "driver_pay_terms" ADD CONSTRAINT "driver_pay_terms_driver_fk" FOREIGN KEY ("driver_id","organization_id") REFERENCES "public"."drivers"("id","organization_id") ON DELETE restrict ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "driver_pay_terms_organization_idx" ON "driver_pay_terms" USING btree ("organization_id");--> statement-breakpoint
CREATE INDEX "driver_pay_terms_tenant_idx" ON "driver_pay_terms" USING btree ("tenant_id");--> statement-breakpoint
ALTER TABLE "drivers" DROP COLUMN "pay_kind";--> statement-breakpoint
ALTER TABLE "drivers" DROP COLUMN "pay_per_distance";--> statement-breakpoint
ALTER TABLE "drivers" DROP COLUMN "pay_percentage";--> statement-breakpoint
ALTER TABLE "drivers" DROP COLUMN "pay_flat";--> statement-breakpoint
ALTER TABLE "drivers" DROP COLUMN "currency";--> statement-breakpoint
ALTER TABLE "drivers" DROP COLUMN "distance_unit";
--> statement-breakpoint
create or replace function muster.oldest_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1796075976_driver_pay_terms';
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1796075976_driver_pay_terms';
