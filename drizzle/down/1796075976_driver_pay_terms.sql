-- The terms go back to the records of the drivers. One without terms is paid nothing for a load, which is how the record can say it: a
-- record names one way of pay. Who wrote a record last, and when, stays.

ALTER TABLE "drivers" ADD COLUMN "pay_kind" text;
--> statement-breakpoint
ALTER TABLE "drivers" ADD COLUMN "pay_per_distance" numeric(10, 4);
--> statement-breakpoint
ALTER TABLE "drivers" ADD COLUMN "pay_percentage" numeric(5, 2);
--> statement-breakpoint
ALTER TABLE "drivers" ADD COLUMN "pay_flat" numeric(10, 2);
--> statement-breakpoint
ALTER TABLE "drivers" ADD COLUMN "currency" text DEFAULT 'USD' NOT NULL;
--> statement-breakpoint
ALTER TABLE "drivers" ADD COLUMN "distance_unit" text DEFAULT 'mi' NOT NULL;
--> statement-breakpoint
alter table public.drivers no force row level security;
--> statement-breakpoint
alter table public.driver_pay_terms no force row level security;
--> statement-breakpoint
alter table public.drivers disable trigger edit_trail;
--> statement-breakpoint
update public.drivers d
set pay_kind = t.pay_kind, pay_per_distance = t.pay_per_distance, pay_percentage = t.pay_percentage, pay_flat = t.pay_flat,
    currency = t.currency, distance_unit = t.distance_unit
from public.driver_pay_terms t
where t.driver_id = d.id;
--> statement-breakpoint
update public.drivers d set pay_kind = 'flat', pay_flat = 0 where d.pay_kind is null;
--> statement-breakpoint
alter table public.drivers enable trigger edit_trail;
--> statement-breakpoint
alter table public.drivers force row level security;
--> statement-breakpoint
ALTER TABLE "drivers" ALTER COLUMN "pay_kind" SET NOT NULL;
--> statement-breakpoint
DROP TABLE "driver_pay_terms";
--> statement-breakpoint
ALTER TABLE "drivers" ADD CONSTRAINT "drivers_pay_kind_known" CHECK ("drivers"."pay_kind" in ('per_distance', 'percentage', 'flat'));
--> statement-breakpoint
ALTER TABLE "drivers" ADD CONSTRAINT "drivers_pay_by_kind" CHECK (("drivers"."pay_kind" = 'per_distance') = ("drivers"."pay_per_distance" is not null) and ("drivers"."pay_kind" = 'percentage') = ("drivers"."pay_percentage" is not null) and ("drivers"."pay_kind" = 'flat') = ("drivers"."pay_flat" is not null));
--> statement-breakpoint
ALTER TABLE "drivers" ADD CONSTRAINT "drivers_pay_not_negative" CHECK ("drivers"."pay_per_distance" >= 0 and "drivers"."pay_flat" >= 0);
--> statement-breakpoint
ALTER TABLE "drivers" ADD CONSTRAINT "drivers_pay_percentage_range" CHECK ("drivers"."pay_percentage" between 0 and 100);
--> statement-breakpoint
ALTER TABLE "drivers" ADD CONSTRAINT "drivers_currency_form" CHECK ("drivers"."currency" ~ '^[A-Z]{3}$');
--> statement-breakpoint
ALTER TABLE "drivers" ADD CONSTRAINT "drivers_distance_unit_known" CHECK ("drivers"."distance_unit" in ('mi', 'km'));
--> statement-breakpoint
grant insert (pay_kind, pay_per_distance, pay_percentage, pay_flat, currency, distance_unit) on public.drivers to authenticated;
--> statement-breakpoint
grant update (pay_kind, pay_per_distance, pay_percentage, pay_flat, currency, distance_unit) on public.drivers to authenticated;
--> statement-breakpoint
create or replace function muster.oldest_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1796008318_attendance';
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1796069198_stop_events_bounds_rules';
