drop function muster.notify_of_timesheet(timesheets,text,boolean);
--> statement-breakpoint
drop function muster.record_no_show(shifts,uuid);
--> statement-breakpoint
drop function muster.notify_company(shifts,text);
--> statement-breakpoint
drop function muster.notify_of_correction(corrections,text);
--> statement-breakpoint
drop function muster.members_as(text,uuid);
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.notify_of_correction(correction corrections, told text)
 RETURNS void
 LANGUAGE sql
 SET search_path TO 'pg_catalog', 'pg_temp'
BEGIN ATOMIC
 INSERT INTO notifications (tenant_id, user_id, type, data)  SELECT (notify_of_correction.correction).tenant_id AS tenant_id,
             told_user.id,
             ('correction_'::text || (notify_of_correction.correction).state),
             jsonb_build_object('correction_id', (notify_of_correction.correction).id, 'assignment_id', (notify_of_correction.correction).assignment_id, 'shift_id', (notify_of_correction.correction).shift_id, 'change', (notify_of_correction.correction).change, 'kind', (notify_of_correction.correction).kind, 'was_at', (notify_of_correction.correction).was_at, 'becomes_at', (notify_of_correction.correction).becomes_at, 'reason', (notify_of_correction.correction).reason) AS jsonb_build_object
            FROM ( SELECT p.user_id AS id
                    FROM security_professionals p
                   WHERE ((notify_of_correction.told <> 'company'::text) AND (p.id = (notify_of_correction.correction).professional_id))
                 UNION ALL
                  SELECT u.id
                    FROM users u
                   WHERE ((notify_of_correction.told = 'company'::text) AND (u.organization_id = (notify_of_correction.correction).company_id) AND (u.role = 'company'::text) AND (u.deleted_at IS NULL))) told_user;
END;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.notify_company(shift shifts, notification_type text)
 RETURNS void
 LANGUAGE sql
 SET search_path TO 'pg_catalog', 'pg_temp'
BEGIN ATOMIC
 INSERT INTO notifications (tenant_id, user_id, type, data)  SELECT u.tenant_id,
             u.id,
             notify_company.notification_type AS notification_type,
             jsonb_build_object('shift_id', (notify_company.shift).id, 'title', (notify_company.shift).title, 'start_datetime', (notify_company.shift).start_datetime, 'end_datetime', (notify_company.shift).end_datetime) AS jsonb_build_object
            FROM users u
           WHERE ((u.organization_id = (notify_company.shift).company_id) AND (u.role = 'company'::text) AND (u.deleted_at IS NULL));
END;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.record_no_show(shift shifts, ended uuid)
 RETURNS void
 LANGUAGE sql
 SET search_path TO 'pg_catalog', 'pg_temp'
BEGIN ATOMIC
 UPDATE finqle_transactions t SET status = 'voided'::text
   WHERE (t.assignment_id = record_no_show.ended);
 SELECT muster.notify_professional(shift, (shift).professional_id, 'shift_no_show'::text) AS notify_professional;
 SELECT muster.notify_company(shift, 'shift_no_show'::text) AS notify_company;
END;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.notify_of_timesheet(sheet timesheets, notification_type text, to_professional boolean)
 RETURNS void
 LANGUAGE sql
 SET search_path TO 'pg_catalog', 'pg_temp'
BEGIN ATOMIC
 INSERT INTO notifications (tenant_id, user_id, type, data)  SELECT (notify_of_timesheet.sheet).tenant_id AS tenant_id,
             told.id,
             notify_of_timesheet.notification_type AS notification_type,
             jsonb_build_object('timesheet_id', (notify_of_timesheet.sheet).id, 'shift_id', (notify_of_timesheet.sheet).shift_id, 'work_date', (notify_of_timesheet.sheet).work_date, 'state', (notify_of_timesheet.sheet).state, 'total', (notify_of_timesheet.sheet).total, 'currency', (notify_of_timesheet.sheet).currency) AS jsonb_build_object
            FROM ( SELECT p.user_id AS id
                    FROM security_professionals p
                   WHERE (notify_of_timesheet.to_professional AND (p.id = (notify_of_timesheet.sheet).professional_id))
                 UNION ALL
                  SELECT u.id
                    FROM users u
                   WHERE ((NOT notify_of_timesheet.to_professional) AND (u.organization_id = (notify_of_timesheet.sheet).company_id) AND (u.role = 'company'::text) AND (u.deleted_at IS NULL))) told;
END;
--> statement-breakpoint
revoke execute on function muster.notify_company(shifts,text) from public;
--> statement-breakpoint
revoke execute on function muster.notify_of_correction(corrections,text) from public;
--> statement-breakpoint
revoke execute on function muster.notify_of_timesheet(timesheets,text,boolean) from public;
--> statement-breakpoint
revoke execute on function muster.record_no_show(shifts,uuid) from public;
--> statement-breakpoint
grant execute on function muster.notify_company(shifts,text) to muster_definer;
--> statement-breakpoint
grant execute on function muster.notify_of_correction(corrections,text) to muster_definer;
--> statement-breakpoint
grant execute on function muster.notify_of_timesheet(timesheets,text,boolean) to muster_definer;
--> statement-breakpoint
grant execute on function muster.record_no_show(shifts,uuid) to muster_definer;
--> statement-breakpoint
comment on function muster.notify_of_correction(corrections,text) is 'A notification for everybody of one side of a correction.';
--> statement-breakpoint
comment on function muster.notify_company(shifts,text) is 'A notification for each planner of the shift''s company.';
--> statement-breakpoint
comment on function muster.record_no_show(shifts,uuid) is 'Nothing is owed for an assignment to which nobody came; both sides are told.';
--> statement-breakpoint
comment on function muster.notify_of_timesheet(timesheets,text,boolean) is 'A notification for the guard of a timesheet, or for each planner of its company.';
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1796014960_hours_people_and_carriers';
