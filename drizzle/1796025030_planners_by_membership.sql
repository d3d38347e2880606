create or replace function muster.members_as(in_role text, organization uuid) returns setof uuid
language sql
stable
set search_path = pg_catalog, pg_temp
begin atomic
  select m.user_id
  from public.memberships m
  join public.users u on u.id = m.user_id
  where m.organization_id = organization and m.role = in_role and u.deleted_at is null;
end;
--> statement-breakpoint
create or replace function muster.notify_of_correction(correction public.corrections, told text) returns void
language sql
volatile
set search_path = pg_catalog, pg_temp
begin atomic
  insert into public.notifications (tenant_id, user_id, type, data)
  select correction.tenant_id, told_user.id, 'correction_' || correction.state, jsonb_build_object(
    'correction_id', correction.id,
    'assignment_id', correction.assignment_id,
    'shift_id', correction.shift_id,
    'change', correction.change,
    'kind', correction.kind,
    'was_at', correction.was_at,
    'becomes_at', correction.becomes_at,
    'reason', correction.reason
  )
  from (
    select p.user_id as id
    from public.security_professionals p
    where told <> 'company' and p.id = correction.professional_id
    union all
    select planner.id
    from muster.members_as('company', correction.company_id) planner (id)
    where told = 'company'
  ) told_user;
end;
--> statement-breakpoint
create or replace function muster.notify_company(shift public.shifts, notification_type text) returns void
language sql
volatile
set search_path = pg_catalog, pg_temp
begin atomic
  insert into public.notifications (tenant_id, user_id, type, data)
  select shift.tenant_id, planner.id, notification_type, jsonb_build_object(
    'shift_id', shift.id,
    'title', shift.title,
    'start_datetime', shift.start_datetime,
    'end_datetime', shift.end_datetime
  )
  from muster.members_as('company', shift.company_id) planner (id);
end;
--> statement-breakpoint
create or replace function muster.notify_of_timesheet(sheet public.timesheets, notification_type text, to_professional boolean) returns void
language sql
volatile
set search_path = pg_catalog, pg_temp
begin atomic
  insert into public.notifications (tenant_id, user_id, type, data)
  select sheet.tenant_id, told.id, notification_type, jsonb_build_object(
    'timesheet_id', sheet.id,
    'shift_id', sheet.shift_id,
    'work_date', sheet.work_date,
    'state', sheet.state,
    'total', sheet.total,
    'currency', sheet.currency
  )
  from (
    select p.user_id as id from public.security_professionals p where to_professional and p.id = sheet.professional_id
    union all
    select planner.id
    from muster.members_as('company', sheet.company_id) planner (id)
    where not to_professional
  ) told;
end;
--> statement-breakpoint
revoke execute on function muster.members_as(text,uuid) from public;
--> statement-breakpoint
grant execute on function muster.members_as(text,uuid) to muster_definer;
--> statement-breakpoint
comment on function muster.members_as(text, uuid) is 'The users who have a role for an organization: whoever is told of what concerns it.';
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1796025030_planners_by_membership';
