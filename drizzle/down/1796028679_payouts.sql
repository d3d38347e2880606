DROP TABLE "payout_events";
--> statement-breakpoint
DROP TABLE "payouts";
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1796028678_pay_periods_and_statements';
