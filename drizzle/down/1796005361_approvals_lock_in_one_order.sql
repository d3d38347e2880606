drop function muster.lock_for_approval(uuid[]);
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.side_of_caller(sheet timesheets)
 RETURNS text
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
begin
  if sheet.professional_id = muster.professional_id() then
    return 'professional';
  elsif sheet.company_id = muster.company_id() or sheet.tenant_id = muster.admin_tenant_id() then
    return 'company';
  end if;
  perform muster.fail(case when sheet.client_id = muster.client_id() then 'forbidden' else 'not_found' end, 'id');
end
$function$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.notify_of_timesheet(sheet timesheets, notification_type text, to_professional boolean)
 RETURNS void
 LANGUAGE sql
 SET search_path TO 'pg_catalog', 'pg_temp'
BEGIN ATOMIC
 INSERT INTO notifications (tenant_id, user_id, type, data)  SELECT u.tenant_id,
             u.id,
             notify_of_timesheet.notification_type AS notification_type,
             jsonb_build_object('timesheet_id', (notify_of_timesheet.sheet).id, 'shift_id', (notify_of_timesheet.sheet).shift_id, 'work_date', (notify_of_timesheet.sheet).work_date, 'state', (notify_of_timesheet.sheet).state, 'total', (notify_of_timesheet.sheet).total, 'currency', (notify_of_timesheet.sheet).currency) AS jsonb_build_object
            FROM users u
           WHERE ((u.deleted_at IS NULL) AND
                 CASE
                     WHEN notify_of_timesheet.to_professional THEN (u.id = ( SELECT p.user_id
                        FROM security_professionals p
                       WHERE (p.id = (notify_of_timesheet.sheet).professional_id)))
                     ELSE ((u.organization_id = (notify_of_timesheet.sheet).company_id) AND (u.role = 'company'::text))
                 END);
END;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.approve_timesheets(wanted uuid[])
 RETURNS jsonb
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
declare
  item record;
  results jsonb := '{}';
begin
  for item in
    select g.id
    from (select distinct w.id from unnest(wanted) as w (id)) g
    left join public.timesheets t on t.id = g.id
    order by t.professional_id, t.start_datetime desc, g.id
  loop
    begin
      perform muster.approve_timesheet(item.id);
      results := results || jsonb_build_object(item.id, null);
    exception
      when others then
        if not muster.is_refusal(sqlstate) then
          raise;
        end if;
        results := results || jsonb_build_object(item.id, sqlstate);
    end;
  end loop;
  return (
    select coalesce(jsonb_agg(jsonb_build_object('id', w.id, 'sqlstate', results -> w.id::text) order by w.nth), '[]')
    from unnest(wanted) with ordinality as w (id, nth)
  );
end
$function$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.approve_agreed_hours(most integer DEFAULT 500)
 RETURNS bigint
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
declare
  item record;
  sheet public.timesheets;
  done bigint := 0;
begin
  for item in
    select t.id
    from public.timesheets t
    join public.assignments a on a.id = t.assignment_id
    join public.security_professionals p on p.id = t.professional_id
    where t.state = 'proposed'
      and t.proposed_at < now()
      and t.proposed_at + make_interval(days => a.approve_after_days) <= now()
      and muster.may_approve_itself(t, a)
    order by t.professional_id, t.start_datetime desc
    limit most
    -- Somebody who decides about these hours now is not waited for.
    for no key update of p skip locked
  loop
    sheet := muster.lock_timesheet(item.id);
    continue when sheet.state <> 'proposed';
    sheet := muster.make_timesheet(muster.finished_assignment(sheet));
    continue when not exists (
      select from public.assignments a
      where a.id = sheet.assignment_id
        and sheet.proposed_at + make_interval(days => a.approve_after_days) <= now()
        and muster.may_approve_itself(sheet, a)
    );
    sheet := muster.settle_timesheet(sheet, '{}', null);
    perform muster.note_step(sheet, 'approved_by_itself', false);
    perform muster.notify_of_timesheet(sheet, 'timesheet_approved', true);
    done := done + 1;
  end loop;
  return done;
end
$function$;
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1796004596_freight_records_rules';
