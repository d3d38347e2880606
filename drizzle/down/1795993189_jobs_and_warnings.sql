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
CREATE OR REPLACE FUNCTION muster.notification_types_of_guarding()
 RETURNS text[]
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
 SET search_path TO 'pg_catalog', 'pg_temp'
RETURN ARRAY['shift_assigned'::text, 'shift_released'::text, 'shift_cancelled'::text, 'shift_changed'::text];
--> statement-breakpoint
alter table muster.jobs disable row level security;
--> statement-breakpoint
alter table muster.jobs no force row level security;
--> statement-breakpoint
alter table muster.size_samples disable row level security;
--> statement-breakpoint
alter table muster.size_samples no force row level security;
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
return '1795993058_background_work';
