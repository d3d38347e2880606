-- Brokers, drivers, trucks and trailers. What their defaults and checks call comes first; the rules follow in the next migration. And
-- users who registered between the two migrations before have their membership.

create or replace function muster.carrier_id() returns uuid
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  caller constant uuid := muster.user_id();
begin
  return (
    select m.organization_id
    from public.memberships m
    join public.users u on u.id = m.user_id
    where m.user_id = caller and m.role in ('office', 'dispatcher') and u.deleted_at is null
  );
end
$$;
--> statement-breakpoint
create or replace function muster.is_vin(vin text) returns boolean
language sql
immutable
parallel safe
return vin ~ '^[A-HJ-NPR-Z0-9]{17}$' and substr('0123456789X', 1 + (
  select sum(
    weight * (strpos('0123456789', substr(translate(vin, 'ABCDEFGHJKLMNPRSTUVWXYZ', '12345678123457923456789'), nth::integer, 1)) - 1)
  )::integer
  from unnest(array[8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2]) with ordinality as w (weight, nth)
) % 11, 1) = substr(vin, 9, 1);
--> statement-breakpoint
alter table public.users no force row level security;
--> statement-breakpoint
alter table public.memberships no force row level security;
--> statement-breakpoint
insert into public.memberships (tenant_id, user_id, organization_id, role, created_at)
select u.tenant_id, u.id, u.organization_id, u.role, u.created_at
from public.users u
where not exists (select from public.memberships m where m.user_id = u.id);
--> statement-breakpoint
alter table public.users force row level security;
--> statement-breakpoint
alter table public.memberships force row level security;
--> statement-breakpoint
CREATE TABLE "brokers" (
	"id" uuid PRIMARY KEY DEFAULT muster.uuid_v7() NOT NULL,
	"tenant_id" uuid NOT NULL,
	"organization_id" uuid DEFAULT muster.carrier_id() NOT NULL,
	"name" text NOT NULL,
	"mc_number" text,
	"dot_number" text,
	"credit_status" text DEFAULT 'unknown' NOT NULL,
	"payment_terms" text DEFAULT 'days' NOT NULL,
	"payment_days" integer,
	"broker_organization_id" uuid,
	"broker_organization_kind" text DEFAULT 'broker' NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	"created_by" uuid,
	"updated_by" uuid,
	"deleted_at" timestamp with time zone,
	CONSTRAINT "brokers_id_carrier_key" UNIQUE("id","organization_id"),
	CONSTRAINT "brokers_organization_kind" CHECK ("brokers"."broker_organization_kind" = 'broker'),
	CONSTRAINT "brokers_name_length" CHECK (char_length("brokers"."name") between 1 and 200),
	CONSTRAINT "brokers_mc_number_form" CHECK ("brokers"."mc_number" ~ '^[1-9][0-9]{0,7}$'),
	CONSTRAINT "brokers_dot_number_form" CHECK ("brokers"."dot_number" ~ '^[1-9][0-9]{0,7}$'),
	CONSTRAINT "brokers_credit_status_known" CHECK ("brokers"."credit_status" in ('unknown', 'approved', 'limited', 'declined')),
	CONSTRAINT "brokers_payment_terms_known" CHECK ("brokers"."payment_terms" in ('days', 'factoring')),
	CONSTRAINT "brokers_payment_days_by_terms" CHECK (("brokers"."payment_terms" = 'days') = ("brokers"."payment_days" is not null)),
	CONSTRAINT "brokers_payment_days_range" CHECK ("brokers"."payment_days" between 0 and 365)
);
--> statement-breakpoint
CREATE TABLE "drivers" (
	"id" uuid PRIMARY KEY DEFAULT muster.uuid_v7() NOT NULL,
	"tenant_id" uuid NOT NULL,
	"organization_id" uuid DEFAULT muster.carrier_id() NOT NULL,
	"user_id" uuid NOT NULL,
	"name" text NOT NULL,
	"license_number" text NOT NULL,
	"license_class" text NOT NULL,
	"endorsements" text[] DEFAULT '{}' NOT NULL,
	"driver_type" text DEFAULT 'company' NOT NULL,
	"status" text DEFAULT 'active' NOT NULL,
	"hire_date" date NOT NULL,
	"termination_date" date,
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
	"deleted_at" timestamp with time zone,
	CONSTRAINT "drivers_id_carrier_key" UNIQUE("id","organization_id"),
	CONSTRAINT "drivers_name_length" CHECK (char_length("drivers"."name") between 1 and 200),
	CONSTRAINT "drivers_license_number_form" CHECK ("drivers"."license_number" ~ '^[A-Z0-9][A-Z0-9-]{0,24}$'),
	CONSTRAINT "drivers_license_class_form" CHECK ("drivers"."license_class" ~ '^[A-Z][A-Z0-9]{0,3}$'),
	CONSTRAINT "drivers_endorsements_form" CHECK (array_to_string("drivers"."endorsements", ',') ~ '^([A-Z]{1,2}(,[A-Z]{1,2}){0,9})?$'),
	CONSTRAINT "drivers_type_known" CHECK ("drivers"."driver_type" in ('company', 'owner_operator', 'lease')),
	CONSTRAINT "drivers_status_known" CHECK ("drivers"."status" in ('active', 'inactive', 'terminated', 'on_leave')),
	CONSTRAINT "drivers_dates_range" CHECK ("drivers"."hire_date" >= date '1950-01-01' and "drivers"."hire_date" < date '2100-01-01' and coalesce("drivers"."termination_date" < date '2100-01-01', true)),
	CONSTRAINT "drivers_termination_after_hire" CHECK ("drivers"."termination_date" >= "drivers"."hire_date"),
	CONSTRAINT "drivers_terminated_has_date" CHECK ("drivers"."status" <> 'terminated' or "drivers"."termination_date" is not null),
	CONSTRAINT "drivers_pay_kind_known" CHECK ("drivers"."pay_kind" in ('per_distance', 'percentage', 'flat')),
	CONSTRAINT "drivers_pay_by_kind" CHECK (("drivers"."pay_kind" = 'per_distance') = ("drivers"."pay_per_distance" is not null) and ("drivers"."pay_kind" = 'percentage') = ("drivers"."pay_percentage" is not null) and ("drivers"."pay_kind" = 'flat') = ("drivers"."pay_flat" is not null)),
	CONSTRAINT "drivers_pay_not_negative" CHECK ("drivers"."pay_per_distance" >= 0 and "drivers"."pay_flat" >= 0),
	CONSTRAINT "drivers_pay_percentage_range" CHECK ("drivers"."pay_percentage" between 0 and 100),
	CONSTRAINT "drivers_currency_form" CHECK ("drivers"."currency" ~ '^[A-Z]{3}$'),
	CONSTRAINT "drivers_distance_unit_known" CHECK ("drivers"."distance_unit" in ('mi', 'km'))
);
--> statement-breakpoint
CREATE TABLE "trailers" (
	"id" uuid PRIMARY KEY DEFAULT muster.uuid_v7() NOT NULL,
	"tenant_id" uuid NOT NULL,
	"organization_id" uuid DEFAULT muster.carrier_id() NOT NULL,
	"unit_number" text NOT NULL,
	"vin" text NOT NULL,
	"ownership" text DEFAULT 'company' NOT NULL,
	"status" text DEFAULT 'in_service' NOT NULL,
	"inspection_due_on" date NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	"created_by" uuid,
	"updated_by" uuid,
	"deleted_at" timestamp with time zone,
	"kind" text NOT NULL,
	CONSTRAINT "trailers_id_carrier_key" UNIQUE("id","organization_id"),
	CONSTRAINT "trailers_unit_number_length" CHECK (char_length("trailers"."unit_number") between 1 and 40),
	CONSTRAINT "trailers_vin_valid" CHECK (muster.is_vin("trailers"."vin")),
	CONSTRAINT "trailers_ownership_known" CHECK ("trailers"."ownership" in ('company', 'owner_operator', 'lease')),
	CONSTRAINT "trailers_status_known" CHECK ("trailers"."status" in ('in_service', 'out_of_service', 'sold')),
	CONSTRAINT "trailers_inspection_range" CHECK ("trailers"."inspection_due_on" >= date '2000-01-01' and "trailers"."inspection_due_on" < date '2100-01-01'),
	CONSTRAINT "trailers_kind_known" CHECK ("trailers"."kind" in ('dry_van', 'reefer', 'flatbed', 'tank', 'container', 'other'))
);
--> statement-breakpoint
CREATE TABLE "trucks" (
	"id" uuid PRIMARY KEY DEFAULT muster.uuid_v7() NOT NULL,
	"tenant_id" uuid NOT NULL,
	"organization_id" uuid DEFAULT muster.carrier_id() NOT NULL,
	"unit_number" text NOT NULL,
	"vin" text NOT NULL,
	"ownership" text DEFAULT 'company' NOT NULL,
	"status" text DEFAULT 'in_service' NOT NULL,
	"inspection_due_on" date NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	"created_by" uuid,
	"updated_by" uuid,
	"deleted_at" timestamp with time zone,
	CONSTRAINT "trucks_id_carrier_key" UNIQUE("id","organization_id"),
	CONSTRAINT "trucks_unit_number_length" CHECK (char_length("trucks"."unit_number") between 1 and 40),
	CONSTRAINT "trucks_vin_valid" CHECK (muster.is_vin("trucks"."vin")),
	CONSTRAINT "trucks_ownership_known" CHECK ("trucks"."ownership" in ('company', 'owner_operator', 'lease')),
	CONSTRAINT "trucks_status_known" CHECK ("trucks"."status" in ('in_service', 'out_of_service', 'sold')),
	CONSTRAINT "trucks_inspection_range" CHECK ("trucks"."inspection_due_on" >= date '2000-01-01' and "trucks"."inspection_due_on" < date '2100-01-01')
);
--> statement-breakpoint
ALTER TABLE "brokers" ADD CONSTRAINT "brokers_carrier_fk" FOREIGN KEY ("organization_id","tenant_id") REFERENCES "public"."organizations"("id","tenant_id") ON DELETE restrict ON UPDATE no action;
--> statement-breakpoint
ALTER TABLE "brokers" ADD CONSTRAINT "brokers_organization_is_broker_fk" FOREIGN KEY ("broker_organization_id","tenant_id","broker_organization_kind") REFERENCES "public"."organizations"("id","tenant_id","kind") ON DELETE restrict ON UPDATE no action;
--> statement-breakpoint
ALTER TABLE "drivers" ADD CONSTRAINT "drivers_carrier_fk" FOREIGN KEY ("organization_id","tenant_id") REFERENCES "public"."organizations"("id","tenant_id") ON DELETE restrict ON UPDATE no action;
--> statement-breakpoint
ALTER TABLE "drivers" ADD CONSTRAINT "drivers_user_fk" FOREIGN KEY ("user_id","tenant_id") REFERENCES "public"."users"("id","tenant_id") ON DELETE restrict ON UPDATE no action;
--> statement-breakpoint
ALTER TABLE "trailers" ADD CONSTRAINT "trailers_carrier_fk" FOREIGN KEY ("organization_id","tenant_id") REFERENCES "public"."organizations"("id","tenant_id") ON DELETE restrict ON UPDATE no action;
--> statement-breakpoint
ALTER TABLE "trucks" ADD CONSTRAINT "trucks_carrier_fk" FOREIGN KEY ("organization_id","tenant_id") REFERENCES "public"."organizations"("id","tenant_id") ON DELETE restrict ON UPDATE no action;
--> statement-breakpoint
CREATE UNIQUE INDEX "brokers_mc_number_key" ON "brokers" USING btree ("organization_id","mc_number") WHERE "brokers"."deleted_at" is null;
--> statement-breakpoint
CREATE UNIQUE INDEX "brokers_dot_number_key" ON "brokers" USING btree ("organization_id","dot_number") WHERE "brokers"."deleted_at" is null;
--> statement-breakpoint
CREATE INDEX "brokers_organization_idx" ON "brokers" USING btree ("organization_id","name","id") WHERE "brokers"."deleted_at" is null;
--> statement-breakpoint
CREATE INDEX "brokers_tenant_idx" ON "brokers" USING btree ("tenant_id","name","id") WHERE "brokers"."deleted_at" is null;
--> statement-breakpoint
CREATE INDEX "brokers_broker_organization_idx" ON "brokers" USING btree ("broker_organization_id");
--> statement-breakpoint
CREATE UNIQUE INDEX "drivers_license_number_key" ON "drivers" USING btree ("organization_id","license_number") WHERE "drivers"."deleted_at" is null;
--> statement-breakpoint
CREATE UNIQUE INDEX "drivers_user_key" ON "drivers" USING btree ("user_id","organization_id") WHERE "drivers"."deleted_at" is null;
--> statement-breakpoint
CREATE INDEX "drivers_organization_idx" ON "drivers" USING btree ("organization_id","name","id") WHERE "drivers"."deleted_at" is null;
--> statement-breakpoint
CREATE INDEX "drivers_tenant_idx" ON "drivers" USING btree ("tenant_id","name","id") WHERE "drivers"."deleted_at" is null;
--> statement-breakpoint
CREATE UNIQUE INDEX "trailers_vin_key" ON "trailers" USING btree ("organization_id","vin") WHERE "trailers"."deleted_at" is null and "trailers"."status" <> 'sold';
--> statement-breakpoint
CREATE UNIQUE INDEX "trailers_unit_number_key" ON "trailers" USING btree ("organization_id","unit_number") WHERE "trailers"."deleted_at" is null;
--> statement-breakpoint
CREATE INDEX "trailers_tenant_idx" ON "trailers" USING btree ("tenant_id","unit_number","id") WHERE "trailers"."deleted_at" is null;
--> statement-breakpoint
CREATE UNIQUE INDEX "trucks_vin_key" ON "trucks" USING btree ("organization_id","vin") WHERE "trucks"."deleted_at" is null and "trucks"."status" <> 'sold';
--> statement-breakpoint
CREATE UNIQUE INDEX "trucks_unit_number_key" ON "trucks" USING btree ("organization_id","unit_number") WHERE "trucks"."deleted_at" is null;
--> statement-breakpoint
CREATE INDEX "trucks_tenant_idx" ON "trucks" USING btree ("tenant_id","unit_number","id") WHERE "trucks"."deleted_at" is null;
--> statement-breakpoint
-- squawk-ignore require-concurrent-index-creation
create unique index memberships_one_desk_of_freight on public.memberships (user_id)
  where role in ('admin', 'office', 'dispatcher');
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1796008322_carriers_have_records';
