alter publication supabase_realtime drop table public.timesheet_steps;
--> statement-breakpoint
alter publication supabase_realtime drop table public.timesheet_lines;
--> statement-breakpoint
alter publication supabase_realtime drop table public.timesheets;
--> statement-breakpoint
alter publication supabase_realtime drop table public.assignments;
--> statement-breakpoint
drop policy timesheet_steps_read on public.timesheet_steps;
--> statement-breakpoint
drop policy timesheet_lines_read on public.timesheet_lines;
--> statement-breakpoint
drop policy timesheets_read on public.timesheets;
--> statement-breakpoint
drop policy internal on public.timesheet_steps;
--> statement-breakpoint
drop policy internal on public.timesheet_lines;
--> statement-breakpoint
drop policy internal on public.timesheets;
--> statement-breakpoint
drop policy allowances_create on public.allowances;
--> statement-breakpoint
drop policy allowances_read on public.allowances;
--> statement-breakpoint
drop policy internal on muster.public_holidays;
--> statement-breakpoint
drop policy internal on public.allowances;
--> statement-breakpoint
drop trigger note_departure_on_update on public.timesheet_steps;
--> statement-breakpoint
drop trigger note_departure_on_delete on public.timesheet_steps;
--> statement-breakpoint
drop trigger z_stamp_change on public.timesheet_steps;
--> statement-breakpoint
drop trigger note_departure_on_update on public.timesheet_lines;
--> statement-breakpoint
drop trigger note_departure_on_delete on public.timesheet_lines;
--> statement-breakpoint
drop trigger z_stamp_change on public.timesheet_lines;
--> statement-breakpoint
drop trigger updated_at on public.timesheet_lines;
--> statement-breakpoint
drop trigger note_departure_on_update on public.timesheets;
--> statement-breakpoint
drop trigger note_departure_on_delete on public.timesheets;
--> statement-breakpoint
drop trigger z_stamp_change on public.timesheets;
--> statement-breakpoint
drop trigger updated_at on public.timesheets;
--> statement-breakpoint
drop trigger a_set_tenant on public.allowances;
--> statement-breakpoint
drop function muster.may_approve_itself(timesheets,assignments);
--> statement-breakpoint
drop function muster.make_missing_timesheets(integer);
--> statement-breakpoint
drop function muster.approve_agreed_hours(integer);
--> statement-breakpoint
drop function muster.resolve_timesheet(uuid,text,text);
--> statement-breakpoint
drop function muster.counter_timesheet(uuid,jsonb,text);
--> statement-breakpoint
drop function muster.dispute_timesheet(uuid,text);
--> statement-breakpoint
drop function muster.require_dispute_in_time(timesheets);
--> statement-breakpoint
drop function muster.reopen_timesheet(timesheets);
--> statement-breakpoint
drop function muster.approve_timesheets(uuid[]);
--> statement-breakpoint
drop function muster.lock_for_approval(uuid[]);
--> statement-breakpoint
drop function muster.approve_timesheet(uuid,text[],numeric);
--> statement-breakpoint
drop function muster.finished_assignment(timesheets);
--> statement-breakpoint
drop function muster.settle_timesheet(timesheets,text[],uuid);
--> statement-breakpoint
drop function muster.make_neighbours(assignments);
--> statement-breakpoint
drop function muster.notify_of_timesheet(timesheets,text,boolean);
--> statement-breakpoint
drop function muster.note_step(timesheets,text,boolean,text,jsonb);
--> statement-breakpoint
drop function muster.is_own_user(timesheets);
--> statement-breakpoint
drop function muster.side_of_caller(timesheets);
--> statement-breakpoint
drop function muster.lock_timesheet(uuid);
--> statement-breakpoint
drop function muster.count_lines(assignments,timesheets,tstzmultirange,tstzmultirange);
--> statement-breakpoint
drop function muster.make_timesheet(assignments,tstzmultirange);
--> statement-breakpoint
drop function muster.estimated_pay(assignments);
--> statement-breakpoint
drop function muster.add_minimum(assignments,uuid);
--> statement-breakpoint
drop function muster.lines_of(assignments,text,tstzmultirange,tstzmultirange,boolean);
--> statement-breakpoint
drop function muster.hours_of(assignments,tstzmultirange);
--> statement-breakpoint
drop function muster.hours_are_settled(uuid);
--> statement-breakpoint
drop function muster.duration_text(numeric);
--> statement-breakpoint
drop function muster.spans_of(jsonb);
--> statement-breakpoint
drop function muster.spans_json(tstzmultirange);
--> statement-breakpoint
drop function muster.seconds_of(tstzmultirange);
--> statement-breakpoint
drop function muster.seen_of_timesheet_steps(jsonb);
--> statement-breakpoint
drop function muster.seen_of_timesheet_lines(jsonb);
--> statement-breakpoint
drop function muster.seen_of_timesheets(jsonb);
--> statement-breakpoint
drop function muster.audience_of_timesheet_steps(jsonb,timestamp with time zone);
--> statement-breakpoint
drop function muster.audience_of_timesheet_lines(jsonb,timestamp with time zone);
--> statement-breakpoint
drop function muster.audience_of_timesheets(jsonb,timestamp with time zone);
--> statement-breakpoint
drop function muster.tg_allowances__set_tenant();
--> statement-breakpoint
drop function muster.allowance_name(allowances);
--> statement-breakpoint
drop function muster.allowance_hours(allowances,text,tstzmultirange);
--> statement-breakpoint
drop function muster.allowances_of(assignments);
--> statement-breakpoint
drop function muster.calendar_of(text);
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.tg_shifts__follow_assignment()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'extensions', 'public', 'pg_temp'
AS $function$
declare
  was_assigned boolean := tg_op = 'UPDATE' and old.status in ('assigned', 'active');
  is_assigned boolean := new.status in ('assigned', 'active');
  ended uuid;
begin
  if tg_op = 'UPDATE' and old.status = 'completed' then
    perform muster.reopen_assignment(new.id);

  elsif (is_assigned and not was_assigned) or (tg_op = 'INSERT' and new.status = 'completed') then
    insert into public.finqle_transactions (tenant_id, company_id, shift_id, assignment_id, professional_id, amount)
    values (
      new.tenant_id, new.company_id, new.id, muster.begin_assignment(new), new.professional_id,
      muster.pay_for(
        new.hourly_rate, new.overtime_rate, extract(epoch from new.end_datetime - new.start_datetime), 0
      )
    );
    if new.status = 'completed' then
      perform muster.end_assignment(new.id, 'completed');
    end if;
    perform muster.notify_professional(new, new.professional_id, 'shift_assigned');

  elsif was_assigned and new.status = 'completed' then
    perform muster.end_assignment(new.id, 'completed');

  elsif was_assigned and new.status = 'cancelled' and old.status = 'active' then
    ended := muster.end_assignment(new.id, 'stopped');
    perform muster.price_assignment(ended);
    -- Work that was going on claims no more.
    perform muster.price_earlier_assignments(a) from public.assignments a where a.id = ended;
    perform muster.notify_professional(new, old.professional_id, 'shift_cancelled');

  elsif was_assigned and new.status in ('published', 'cancelled') then
    ended := muster.end_assignment(new.id, case new.status when 'published' then 'released' else 'cancelled' end);
    update public.finqle_transactions t set status = 'voided' where t.assignment_id = ended;
    perform muster.notify_professional(
      new, old.professional_id, case new.status when 'published' then 'shift_released' else 'shift_cancelled' end
    );

  elsif was_assigned and is_assigned and (
    new.start_datetime, new.end_datetime, new.hourly_rate, new.overtime_rate, new.location_id
  ) is distinct from (
    old.start_datetime, old.end_datetime, old.hourly_rate, old.overtime_rate, old.location_id
  ) then
    perform muster.price_assignment(muster.follow_shift(
      new,
      (new.start_datetime, new.end_datetime, new.location_id)
        is distinct from (old.start_datetime, old.end_datetime, old.location_id)
    ));
    perform muster.notify_professional(new, new.professional_id, 'shift_changed');
  end if;
  return null;
end
$function$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.codes_of_guarding()
 RETURNS jsonb
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
 SET search_path TO 'pg_catalog', 'pg_temp'
RETURN jsonb_build_object('shift_overlap', 'MU001', 'certificate_missing', 'MU002', 'certificate_expired', 'MU003', 'professional_inactive', 'MU004', 'shift_not_open', 'MU005', 'invalid_transition', 'MU006', 'outside_check_in_window', 'MU007', 'recorded_in_future', 'MU008', 'shift_not_assigned', 'MU009', 'certificate_in_use', 'MU012', 'professional_in_use', 'MU013', 'location_in_use', 'MU014', 'payment_missing', 'MU015', 'id_conflict', 'MU016', 'shift_over', 'MU021', 'daily_limit_reached', 'MU025', 'too_many_pings', 'MU030', 'professional_unavailable', 'MU300', 'shift_begun', 'MU301', 'rate_lowered', 'MU302', 'end_worked', 'MU303');
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.notification_types_of_guarding()
 RETURNS text[]
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
 SET search_path TO 'pg_catalog', 'pg_temp'
RETURN ARRAY['shift_assigned'::text, 'shift_released'::text, 'shift_cancelled'::text, 'shift_changed'::text, 'certificate_expiring'::text, 'payments_stale'::text];
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.begin_assignment(shift shifts)
 RETURNS uuid
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
declare
  terms constant public.company_terms := muster.terms_at(shift.company_id, now());
  assignment uuid;
begin
  insert into public.assignments (
    tenant_id, company_id, shift_id, professional_id, begun_at, start_datetime, end_datetime, hourly_rate, overtime_rate,
    radius_meters, late_after_minutes, auto_close_minutes, minimum_minutes, give_back_minutes, delivery_days
  )
  select
    -- Not `now()`: of two assignments in one transaction one is the later.
    shift.tenant_id, shift.company_id, shift.id, shift.professional_id, clock_timestamp(), shift.start_datetime, shift.end_datetime,
    shift.hourly_rate, shift.overtime_rate, l.radius_meters,
    terms.late_after_minutes, terms.auto_close_minutes, terms.minimum_minutes, terms.give_back_minutes, terms.delivery_days
  from public.locations l
  where l.id = shift.location_id
  returning id into assignment;
  return assignment;
end
$function$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.terms_at(company uuid, at timestamp with time zone)
 RETURNS company_terms
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
declare
  terms public.company_terms;
begin
  select t.* into terms
  from public.company_terms t
  where t.company_id = company and t.valid_from <= at
  order by t.valid_from desc
  limit 1;
  if not found then
    terms.late_after_minutes := 30;
    terms.auto_close_minutes := 120;
    -- Three hours: what Dutch law gives on-call workers for each call (Burgerlijk Wetboek 7, article 628a).
    terms.minimum_minutes := 180;
    terms.give_back_minutes := 1440;
    terms.delivery_days := 14;
  end if;
  return terms;
end
$function$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.worked_intervals(of_assignment uuid)
 RETURNS TABLE(worked_from timestamp with time zone, worked_to timestamp with time zone, is_overtime boolean)
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
declare
  assignment public.assignments;
  own tstzmultirange;
  taken tstzmultirange;
begin
  select a.* into assignment from public.assignments a where a.id = of_assignment;
  own := (muster.clocked(assignment)).intervals;
  if isempty(own) then
    return;
  end if;
  -- What both claim is the later shift's.
  select range_agg(c.claimed) into taken
  from public.assignments a
  cross join lateral muster.clocked(a) c
  where a.professional_id = assignment.professional_id
    and a.start_datetime >= assignment.start_datetime
    and (a.start_datetime, a.shift_id) > (assignment.start_datetime, assignment.shift_id)
    and a.start_datetime < upper(own);
  return query
    select lower(part.span), upper(part.span), part.is_overtime
    from unnest(own - coalesce(taken, '{}')) as worked (span)
    cross join lateral (values
      (worked.span * tstzrange(null, assignment.end_datetime), false),
      (worked.span * tstzrange(assignment.end_datetime, null), true)
    ) as part (span, is_overtime)
    where not isempty(part.span)
    order by 1;
end
$function$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.pay_for(hourly_rate numeric, overtime_rate numeric, planned_seconds numeric, overtime_seconds numeric)
 RETURNS numeric
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
 SET search_path TO 'pg_catalog', 'pg_temp'
RETURN (round(((hourly_rate * planned_seconds) / (3600)::numeric), 2) + round((((hourly_rate * overtime_rate) * overtime_seconds) / (3600)::numeric), 2));
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.assignment_pay(assignment assignments)
 RETURNS numeric
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
declare
  planned numeric := 0;
  overtime numeric := 0;
begin
  -- Planned pay until it is known what was worked; a completed shift that was brought in as history has no events.
  if coalesce(assignment.ended_as not in ('completed', 'stopped'), true)
    or (assignment.ended_as = 'completed' and (muster.clocked(assignment)).status = 'assigned')
  then
    return muster.pay_for(
      assignment.hourly_rate, assignment.overtime_rate,
      extract(epoch from assignment.end_datetime - assignment.start_datetime), 0
    );
  end if;
  select
    coalesce(sum(extract(epoch from w.worked_to - w.worked_from)) filter (where not w.is_overtime), 0),
    coalesce(sum(extract(epoch from w.worked_to - w.worked_from)) filter (where w.is_overtime), 0)
  into planned, overtime
  from muster.worked_intervals(assignment.id) w;
  return greatest(
    muster.pay_for(assignment.hourly_rate, assignment.overtime_rate, planned, overtime),
    case assignment.ended_as when 'stopped' then
      muster.pay_for(assignment.hourly_rate, 1, assignment.minimum_minutes * 60, 0)
    end
  );
end
$function$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.price_assignment(priced uuid)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
declare
  payment record;
  assignment public.assignments;
  pay numeric;
begin
  -- Before anything is read. What is not pending stays as it was sent.
  select t.id, t.status, t.amount into payment
  from public.finqle_transactions t
  where t.assignment_id = priced
  for no key update;
  if payment.status is distinct from 'pending' then
    return;
  end if;
  select a.* into assignment from public.assignments a where a.id = priced;
  pay := muster.assignment_pay(assignment);
  if pay <> payment.amount then
    update public.finqle_transactions t set amount = pay where t.id = payment.id;
  end if;
end
$function$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.price_earlier_assignments(later assignments)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
declare
  longest_shift constant interval := interval '48 hours';
  window_after constant interval := interval '12 hours';
  earlier uuid;
begin
  for earlier in
    select a.id
    from public.assignments a
    where a.professional_id = later.professional_id
      and a.start_datetime between later.start_datetime - longest_shift - window_after and later.start_datetime
      and (a.start_datetime, a.shift_id) < (later.start_datetime, later.shift_id)
      and a.end_datetime + window_after > later.start_datetime
      and a.ended_as in ('completed', 'stopped')
    order by a.start_datetime desc, a.shift_id desc
  loop
    perform muster.price_assignment(earlier);
  end loop;
end
$function$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.advance_assignment(advanced uuid)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
declare
  assignment public.assignments;
  shift public.shifts;
  said record;
begin
  -- Each statement of this function must see the check-ins that others have committed before it got the lock.
  perform muster.require_read_committed();
  select a.* into assignment from public.assignments a where a.id = advanced;
  select s.* into shift from public.shifts s where s.id = assignment.shift_id for no key update;
  select c.* into said from muster.clocked(assignment) c;

  if assignment.ended_as is null or assignment.ended_as = 'completed' then
    if shift.status = 'assigned' and said.status in ('active', 'completed') then
      update public.shifts s set status = 'active' where s.id = shift.id;
      shift.status := 'active';
    end if;
    if shift.status = 'active' and said.status = 'completed' then
      update public.shifts s set status = 'completed' where s.id = shift.id;
    elsif shift.status = 'completed' and said.status = 'active' then
      perform from public.security_professionals p where p.id = assignment.professional_id for no key update;
      if exists (
        select from public.shifts other
        where other.professional_id = assignment.professional_id
          and other.status in ('assigned', 'active')
          and other.deleted_at is null
          and other.id <> shift.id
          and tstzrange(other.start_datetime, other.end_datetime) && tstzrange(shift.start_datetime, shift.end_datetime)
      ) then
        said.flags := array(select f.flag from unnest(said.flags || 'conflict'::text) as f (flag) order by f.flag);
      else
        update public.shifts s set status = 'active' where s.id = shift.id;
      end if;
    end if;
  end if;
  if said.flags <> assignment.flags then
    update public.assignments a set flags = said.flags where a.id = assignment.id;
  end if;

  if said.status <> 'assigned' then
    -- What is being worked pays what was planned, as before.
    if said.status = 'completed' or assignment.ended_as is not null then
      perform muster.price_assignment(assignment.id);
    end if;
    perform muster.price_earlier_assignments(assignment);
  end if;
end
$function$;
--> statement-breakpoint
alter publication supabase_realtime add table public.assignments (auto_close_minutes, begun_at, company_id, created_at, delivery_days, end_datetime, ended_as, ended_at, flags, give_back_minutes, hourly_rate, id, late_after_minutes, minimum_minutes, moved_at, overtime_rate, professional_id, radius_meters, shift_id, start_datetime, updated_at);
--> statement-breakpoint
alter table muster.public_holidays disable row level security;
--> statement-breakpoint
alter table public.allowances disable row level security;
--> statement-breakpoint
alter table public.allowances no force row level security;
--> statement-breakpoint
alter table public.timesheets disable row level security;
--> statement-breakpoint
alter table public.timesheets no force row level security;
--> statement-breakpoint
alter table public.timesheet_lines disable row level security;
--> statement-breakpoint
alter table public.timesheet_lines no force row level security;
--> statement-breakpoint
alter table public.timesheet_steps disable row level security;
--> statement-breakpoint
alter table public.timesheet_steps no force row level security;
--> statement-breakpoint
revoke select on table muster.public_holidays from muster_definer;
--> statement-breakpoint
revoke select, insert (amount_per_hour, combination, company_id, id, kind, notice_hours, percent, valid_from, window_from, window_to) on table public.allowances from authenticated;
--> statement-breakpoint
revoke select on table public.allowances from muster_definer;
--> statement-breakpoint
revoke delete, insert, select, update on table public.allowances from service_role;
--> statement-breakpoint
revoke insert (approve_after_days, dispute_days, overtime_tolerance_minutes, plan_tolerance_minutes) on table public.company_terms from authenticated;
--> statement-breakpoint
revoke select on table public.timesheet_lines from authenticated;
--> statement-breakpoint
revoke delete, insert, select, update on table public.timesheet_lines from muster_definer, service_role;
--> statement-breakpoint
revoke select on table public.timesheet_steps from authenticated;
--> statement-breakpoint
revoke insert, select on table public.timesheet_steps from muster_definer;
--> statement-breakpoint
revoke delete, insert, select, update on table public.timesheet_steps from service_role;
--> statement-breakpoint
revoke select (agreed, approved_at, approved_by, assignment_id, break_seconds, changed_xid, client_id, clocked, company_id, created_at, currency, end_datetime, flags, id, locked_at, paid, paid_seconds, pay_period_id, professional_id, proposed_at, shift_id, start_datetime, state, tenant_id, time_zone, updated_at, work_date, worked, worked_seconds) on table public.timesheets from authenticated;
--> statement-breakpoint
revoke insert, select, update on table public.timesheets from muster_definer;
--> statement-breakpoint
revoke delete, insert, select, update on table public.timesheets from service_role;
--> statement-breakpoint
revoke execute on function muster.pay_for(numeric,numeric,numeric,numeric) from public;
--> statement-breakpoint
grant execute on function muster.pay_for(numeric,numeric,numeric,numeric) to muster_definer;
--> statement-breakpoint
comment on function muster.pay_for(numeric,numeric,numeric,numeric) is 'What planned time and overtime pay: two lines, each rounded half up to the cent.';
--> statement-breakpoint
comment on function muster.assignment_pay(assignments) is 'What an assignment pays, as far as it is known.';
--> statement-breakpoint
comment on function muster.price_assignment(uuid) is 'Brings the pending payment of an assignment in step with what it pays.';
--> statement-breakpoint
comment on function muster.price_earlier_assignments(assignments) is 'Prices what a shift may take minutes from: the earlier ones of the same person.';
--> statement-breakpoint
select muster.declare_audiences();
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1796003871_public_holidays_until_2035';
