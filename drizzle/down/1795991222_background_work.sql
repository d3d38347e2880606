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
ALTER TABLE "notifications" DROP CONSTRAINT "notifications_type_known";
--> statement-breakpoint
ALTER TABLE "notifications" ADD CONSTRAINT "notifications_type_known" CHECK ("notifications"."type" in ('shift_assigned', 'shift_released', 'shift_cancelled', 'shift_changed'));
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1795984662_tables_are_followed_in_one_call';
