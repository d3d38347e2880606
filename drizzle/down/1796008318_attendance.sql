-- What the old rules cannot hold is said in their words: a shift to which nobody came was cancelled, and pays nothing.

alter table public.shifts no force row level security;
--> statement-breakpoint
alter table public.shifts disable trigger user;
--> statement-breakpoint
update public.shifts
set status = 'cancelled', cancel_reason = 'Nobody came.', changed_xid = pg_current_xact_id()
where status = 'no_show';
--> statement-breakpoint
alter table public.shifts enable trigger user;
--> statement-breakpoint
alter table public.shifts force row level security;
--> statement-breakpoint
alter table "shifts" drop constraint "shifts_status_known";
--> statement-breakpoint
alter table "shifts" add constraint "shifts_status_known" check ("shifts"."status" in ('draft', 'published', 'assigned', 'active', 'completed', 'cancelled')) not valid;
--> statement-breakpoint
alter table "shifts" validate constraint "shifts_status_known";
--> statement-breakpoint
drop index "assignments_in_force_idx";
--> statement-breakpoint
alter table "assignments" drop column "auto_closed_at";
--> statement-breakpoint
create or replace function muster.oldest_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1795994981_assignments_are_rows';
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1796008317_people_have_memberships';
