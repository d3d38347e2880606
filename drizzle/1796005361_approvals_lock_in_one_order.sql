-- Gives on whose side the caller is: company (also admins) or professional.
create or replace function muster.side_of_caller(sheet public.timesheets) returns text
language plpgsql
stable
set search_path = pg_catalog, public, pg_temp
as $$
begin
  if sheet.professional_id = muster.professional_id() then
    return 'professional';
  elsif sheet.company_id = muster.company_id() or sheet.tenant_id = muster.admin_tenant_id() then
    return 'company';
  end if;
  perform muster.fail(case when sheet.client_id = muster.client_id() then 'forbidden' else 'not_found' end, 'id');
  return null;
end
$$;
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
    select u.id
    from public.users u
    where not to_professional and u.organization_id = sheet.company_id and u.role = 'company' and u.deleted_at is null
  ) told;
end;
--> statement-breakpoint
-- All shifts, then all professionals, each in one order: as phones do that deliver for several shifts.
create or replace function muster.lock_for_approval(wanted uuid[]) returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, public, pg_temp
as $$
declare
  own constant uuid[] := array(
    select t.id
    from public.timesheets t
    where t.id = any (wanted) and (t.company_id = muster.company_id() or t.tenant_id = muster.admin_tenant_id())
  );
begin
  perform from public.shifts s
  where s.id in (select t.shift_id from public.timesheets t where t.id = any (own))
  order by s.id
  for no key update;
  perform from public.security_professionals p
  where p.id in (select t.professional_id from public.timesheets t where t.id = any (own))
  order by p.id
  for no key update;
end
$$;
--> statement-breakpoint
-- The code that refuses each, or null.
create or replace function muster.approve_timesheets(wanted uuid[]) returns jsonb
language plpgsql
volatile
set search_path = pg_catalog, public, pg_temp
as $$
declare
  item record;
  results jsonb := '{}';
begin
  perform muster.lock_for_approval(wanted);
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
$$;
--> statement-breakpoint
create or replace function muster.approve_agreed_hours(most integer default 500) returns bigint
language plpgsql
volatile
security definer
set search_path = pg_catalog, public, pg_temp
as $$
declare
  item record;
  sheet public.timesheets;
  done bigint := 0;
begin
  for item in
    select t.id
    from public.timesheets t
    join public.assignments a on a.id = t.assignment_id
    join public.shifts s on s.id = t.shift_id
    where t.state = 'proposed'
      and t.proposed_at < now()
      and t.proposed_at + make_interval(days => a.approve_after_days) <= now()
      and muster.may_approve_itself(t, a)
    order by t.professional_id, t.start_datetime desc
    limit most
    -- Somebody who works on these hours now is not waited for.
    for no key update of s skip locked
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
$$;
--> statement-breakpoint
alter function muster.lock_for_approval(uuid[]) owner to muster_definer;
--> statement-breakpoint
revoke execute on function muster.lock_for_approval(uuid[]) from public;
--> statement-breakpoint
grant execute on function muster.lock_for_approval(uuid[]) to authenticated;
--> statement-breakpoint
comment on function muster.lock_for_approval(uuid[]) is
  'Locks what approving these timesheets of the caller''s will lock, so that it deadlocks with nobody. Security definer: callers may lock no professional.';
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1796005361_approvals_lock_in_one_order';
