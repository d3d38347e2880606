-- muster: breaking
-- Shifts get the state `no_show`, which processes of versions before cannot give to clients.

alter table "shifts" drop constraint "shifts_status_known";
--> statement-breakpoint
alter table "shifts" add constraint "shifts_status_known" check ("shifts"."status" in ('draft', 'published', 'assigned', 'active', 'completed', 'cancelled', 'no_show')) not valid;
--> statement-breakpoint
-- In the transaction of the rest: each shift is looked at once, and the processes of versions before have stopped.
-- squawk-ignore constraint-missing-not-valid
alter table "shifts" validate constraint "shifts_status_known";
--> statement-breakpoint
alter table "assignments" add column "auto_closed_at" timestamp with time zone;
--> statement-breakpoint
-- In the transaction of the rest: it holds only what is in force.
-- squawk-ignore require-concurrent-index-creation
create index "assignments_in_force_idx" on "assignments" using btree ("start_datetime") where "assignments"."ended_at" is null;
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
return '1796008318_attendance';
