-- A check-in refers to its assignment and, with it, to the shift: one look-up for each that is stored, and an index less.

-- In the transaction of the rest: there are few of them for each shift.
-- squawk-ignore disallowed-unique-constraint, constraint-missing-not-valid
alter table "assignments" add constraint "assignments_shift_key" unique("shift_id","id");
--> statement-breakpoint
-- In the transaction of the rest: the key takes its place.
-- squawk-ignore require-concurrent-index-deletion
drop index "assignments_shift_idx";
--> statement-breakpoint
alter table "gps_checkins" drop constraint "gps_checkins_shift_fk";
--> statement-breakpoint
alter table "gps_checkins" drop constraint "gps_checkins_assignment_fk";
--> statement-breakpoint
alter table "gps_checkins" add constraint "gps_checkins_assignment_fk" foreign key ("shift_id","assignment_id")
  references "public"."assignments"("shift_id","id") on delete restrict on update no action not valid;
--> statement-breakpoint
-- In the transaction of the rest: each check-in is looked at once, and the processes of versions before have stopped.
-- squawk-ignore constraint-missing-not-valid
alter table "gps_checkins" validate constraint "gps_checkins_assignment_fk";
--> statement-breakpoint
-- In the transaction of the rest: the table is locked already.
-- squawk-ignore require-concurrent-index-deletion
drop index "gps_checkins_assignment_idx";
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1796008323_check_ins_refer_to_one_row';
