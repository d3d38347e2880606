DROP TABLE "brokers";
--> statement-breakpoint
DROP TABLE "drivers";
--> statement-breakpoint
DROP TABLE "trailers";
--> statement-breakpoint
DROP TABLE "trucks";
--> statement-breakpoint
drop index public.memberships_one_desk_of_freight;
--> statement-breakpoint
drop function muster.is_vin(text);
--> statement-breakpoint
drop function muster.carrier_id();
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1796008321_public_holidays_until_2035';
