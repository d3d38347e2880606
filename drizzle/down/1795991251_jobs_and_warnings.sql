drop policy internal on muster.size_samples;
--> statement-breakpoint
drop policy internal on muster.jobs;
--> statement-breakpoint
drop function muster.warn_of_stale_payments();
--> statement-breakpoint
drop function muster.warn_of_expiring_certificates();
--> statement-breakpoint
drop function muster.sample_sizes();
--> statement-breakpoint
alter table muster.size_samples disable row level security;
--> statement-breakpoint
alter table muster.size_samples no force row level security;
--> statement-breakpoint
alter table muster.jobs disable row level security;
--> statement-breakpoint
alter table muster.jobs no force row level security;
--> statement-breakpoint
revoke insert, select, update on table muster.jobs from service_role;
--> statement-breakpoint
revoke delete, insert, select on table muster.size_samples from muster_definer;
--> statement-breakpoint
select muster.declare_audiences();
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1795991222_background_work';
