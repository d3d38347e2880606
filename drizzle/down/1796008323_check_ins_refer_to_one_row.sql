create index "assignments_shift_idx" on "assignments" using btree ("shift_id","professional_id","begun_at");
--> statement-breakpoint
create index "gps_checkins_assignment_idx" on "gps_checkins" using btree ("assignment_id");
--> statement-breakpoint
alter table "gps_checkins" drop constraint "gps_checkins_assignment_fk";
--> statement-breakpoint
alter table "gps_checkins" add constraint "gps_checkins_shift_fk" foreign key ("shift_id")
  references "public"."shifts"("id") on delete restrict on update no action;
--> statement-breakpoint
alter table "gps_checkins" add constraint "gps_checkins_assignment_fk" foreign key ("assignment_id")
  references "public"."assignments"("id") on delete restrict on update no action;
--> statement-breakpoint
alter table "assignments" drop constraint "assignments_shift_key";
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1796008322_carriers_have_records';
