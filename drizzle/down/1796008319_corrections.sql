-- What was agreed on is in no hours any more: the check-ins are as they were.

drop table "corrections";
--> statement-breakpoint
alter table public.assignments no force row level security;
--> statement-breakpoint
alter table public.assignments disable trigger user;
--> statement-breakpoint
update public.assignments
set flags = array_remove(flags, 'corrected'), changed_xid = pg_current_xact_id()
where 'corrected' = any (flags);
--> statement-breakpoint
alter table public.assignments enable trigger user;
--> statement-breakpoint
alter table public.assignments force row level security;
--> statement-breakpoint
alter table "assignments" drop constraint "assignments_flags_known";
--> statement-breakpoint
alter table "assignments" add constraint "assignments_flags_known" check ("assignments"."flags" <@ array['auto_closed', 'conflict', 'imprecise', 'late', 'outside', 'overdue']);
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1796008318_attendance';
