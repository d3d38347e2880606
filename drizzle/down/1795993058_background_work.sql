DROP TABLE "muster"."jobs" CASCADE;
--> statement-breakpoint
DROP TABLE "muster"."size_samples" CASCADE;
--> statement-breakpoint
DROP INDEX "notifications_once_key";
--> statement-breakpoint
ALTER TABLE "notifications" DROP COLUMN "once_key";
--> statement-breakpoint
-- What the version before has no name for.
DELETE FROM "notifications" WHERE "type" in ('certificate_expiring', 'payments_stale');
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1795992981_catch_up_survives_restore_and_failover';
