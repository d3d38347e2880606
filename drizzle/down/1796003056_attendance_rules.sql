alter publication supabase_realtime drop table public.assignments;
--> statement-breakpoint
drop trigger c_check_assignment_on_update on public.shifts;
--> statement-breakpoint
drop trigger shifts_assigned_has_payment on public.shifts;
--> statement-breakpoint
drop trigger follow_assignment_on_update on public.shifts;
--> statement-breakpoint
drop function muster.record_no_show(shifts,uuid);
--> statement-breakpoint
drop function muster.notify_company(shifts,text);
--> statement-breakpoint
drop function muster.close_left_shifts(integer);
--> statement-breakpoint
drop function muster.close_missed_shifts(integer);
--> statement-breakpoint
drop function muster.flag_late_shifts(integer);
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.tg_shifts__check_transition()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'extensions', 'public', 'pg_temp'
AS $function$
declare
  by_caller boolean := current_user <> 'muster_definer' and muster.acts_for_caller();
begin
  if tg_op = 'INSERT' then
    if by_caller and new.status not in ('draft', 'published') then
      perform muster.fail('invalid_transition', 'status');
    end if;
    if by_caller and new.status = 'published' and new.end_datetime <= now() then
      perform muster.fail('shift_over', 'end_datetime');
    end if;
    return new;
  end if;

  -- By check-ins alone, and nothing else changes.
  if old.status = 'completed' and new.status = 'active' and current_user = 'muster_definer' then
    return new;
  end if;
  if old.status in ('completed', 'cancelled') and (
    (to_jsonb(new) - 'updated_at' - 'updated_by' - 'deleted_at')
    <> (to_jsonb(old) - 'updated_at' - 'updated_by' - 'deleted_at')
  ) then
    perform muster.fail('invalid_transition', 'status');
  end if;

  if new.status <> old.status then
    if new.status = 'assigned' and (old.status <> 'published' or new.end_datetime <= now()) then
      perform muster.fail('shift_not_open', 'status');
    end if;
    if (old.status, new.status) not in (
      ('draft', 'published'),
      ('published', 'assigned'),
      ('assigned', 'active'),
      ('assigned', 'published'),
      ('active', 'completed'),
      ('draft', 'cancelled'),
      ('published', 'cancelled'),
      ('assigned', 'cancelled'),
      ('active', 'cancelled')
    ) then
      perform muster.fail('invalid_transition', 'status');
    end if;
    if by_caller and new.status in ('active', 'completed') then
      perform muster.fail('forbidden', 'status');
    end if;
    if new.status = 'published' then
      new.professional_id := null;
    end if;
  end if;

  -- Nobody could work it. One that is published, and whose end passed meanwhile, may still have its title changed.
  if by_caller and new.status = 'published' and new.end_datetime <= now()
    and (new.status <> old.status or new.end_datetime <> old.end_datetime)
  then
    perform muster.fail('shift_over', 'end_datetime');
  end if;

  -- A professional comes with assignment and goes with release; to swap, release first.
  if new.professional_id is distinct from old.professional_id
    and not (new.status <> old.status and new.status in ('assigned', 'published')) then
    perform muster.fail('invalid_transition', 'professional_id');
  end if;

  if by_caller and muster.guard_tenant_id() is not null and (
    new.status <> 'assigned'
    or new.professional_id is distinct from muster.professional_id()
    or (to_jsonb(new) - 'status' - 'professional_id' - 'updated_at' - 'updated_by')
      <> (to_jsonb(old) - 'status' - 'professional_id' - 'updated_at' - 'updated_by')
  ) then
    perform muster.fail('forbidden', 'claim');
  end if;

  -- Whatever c_check_assignment would find: an update that fails could be tried without end. (More than it looks at: what is
  -- told apart here is not what is refused, but what is counted.)
  if by_caller
    and new.status in ('assigned', 'active')
    and (
      old.status, old.professional_id, old.start_datetime, old.end_datetime, old.time_zone, old.required_certificates
    ) is distinct from (
      new.status, new.professional_id, new.start_datetime, new.end_datetime, new.time_zone, new.required_certificates
    )
    and new.professional_id is not null
    and muster.is_stranger(new.professional_id)
  then
    perform muster.fail('professional_unavailable', 'professional_id');
  end if;
  return new;
end
$function$;
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
CREATE OR REPLACE FUNCTION muster.tg_shift_briefings__copy_shift()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'extensions', 'public', 'pg_temp'
AS $function$
declare
  shift public.shifts;
begin
  if tg_op = 'INSERT' then
    -- The lock keeps the shift's guard until this is committed: an assignment at this moment would not find the briefing.
    select s.* into shift from public.shifts s where s.id = new.shift_id for share;
  else
    -- Without a lock: whatever changes the shift writes the briefing afterwards, and waits here for this row.
    select s.* into shift from public.shifts s where s.id = new.shift_id;
  end if;
  if not found then
    perform muster.fail('not_found', 'shift_id');
  end if;
  if shift.status in ('completed', 'cancelled')
    and (tg_op = 'INSERT' or new.text is distinct from old.text)
    and muster.acts_for_caller()
  then
    perform muster.fail('invalid_transition', 'instructions');
  end if;
  new.tenant_id := shift.tenant_id;
  new.company_id := shift.company_id;
  new.client_id := case when shift.status <> 'draft' then shift.client_id end;
  new.professional_id := case when shift.status <> 'cancelled' then shift.professional_id end;
  new.deleted_at := shift.deleted_at;
  -- Stored anew: a long text that an update leaves alone is not in the log, and so not in the event by which a guard is
  -- told of the row for the first time.
  new.text := new.text || '';
  return new;
end
$function$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.notification_types_of_guarding()
 RETURNS text[]
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
 SET search_path TO 'pg_catalog', 'pg_temp'
RETURN ARRAY['shift_assigned'::text, 'shift_released'::text, 'shift_cancelled'::text, 'shift_changed'::text, 'certificate_expiring'::text, 'payments_stale'::text];
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.reopen_assignment(shift uuid)
 RETURNS void
 LANGUAGE sql
 SET search_path TO 'pg_catalog', 'pg_temp'
BEGIN ATOMIC
 UPDATE assignments a SET ended_at = NULL::timestamp with time zone, ended_as = NULL::text
   WHERE ((a.shift_id = reopen_assignment.shift) AND (a.ended_as = 'completed'::text));
END;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.clocked(assignment assignments, OUT intervals tstzmultirange, OUT claimed tstzmultirange, OUT at_work_since timestamp with time zone, OUT status text, OUT flags text[])
 RETURNS record
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
declare
  most_precise constant float8 := 100;
  most_imprecise constant float8 := 1000;
  delivery constant interval := make_interval(days => assignment.delivery_days);
  is_on_break boolean := false;
  began_at timestamptz;
  left_at timestamptz;
  event record;
begin
  intervals := '{}';
  -- What check-ins do not decide stays as it is.
  flags := array(select f.flag from unnest(assignment.flags) as f (flag) where f.flag in ('auto_closed', 'late'));
  for event in
    select c.kind, c.recorded_at, c.verdict, c.accuracy_meters, c.created_at
    from public.gps_checkins c
    where c.assignment_id = assignment.id and c.kind <> 'ping'
    order by c.recorded_at, array_position(array['clock_in', 'break_start', 'break_end', 'clock_out'], c.kind)
  loop
    continue when event.accuracy_meters > most_imprecise;
    if event.created_at > event.recorded_at + delivery then
      flags := flags || 'overdue'::text;
      continue;
    end if;
    if assignment.ended_as in ('released', 'cancelled') then
      flags := flags || 'conflict'::text;
      continue;
    end if;
    continue when assignment.ended_as = 'stopped' and event.recorded_at > assignment.ended_at;
    continue when event.kind = 'clock_in' and event.verdict = 'outside';
    if event.accuracy_meters > most_precise then
      flags := flags || 'imprecise'::text;
    end if;

    if event.kind in ('clock_in', 'break_end') then
      if at_work_since is null and (event.kind = 'clock_in' or is_on_break) then
        at_work_since := event.recorded_at;
        began_at := coalesce(began_at, event.recorded_at);
        is_on_break := false;
      end if;
    elsif event.kind = 'clock_out' then
      if at_work_since is not null or is_on_break then
        left_at := event.recorded_at;
        if event.verdict = 'outside' then
          flags := flags || 'outside'::text;
        end if;
      end if;
      intervals := intervals + muster.interval_from(
        assignment,
        at_work_since,
        -- Nobody saw that they were there after the planned end.
        case event.verdict when 'outside' then least(event.recorded_at, assignment.end_datetime) else event.recorded_at end
      );
      at_work_since := null;
      is_on_break := false;
    elsif at_work_since is not null then
      intervals := intervals + muster.interval_from(assignment, at_work_since, event.recorded_at);
      at_work_since := null;
      is_on_break := true;
    end if;
  end loop;

  if assignment.ended_as = 'stopped' then
    intervals := intervals + muster.interval_from(
      assignment, at_work_since, least(assignment.ended_at, assignment.end_datetime)
    );
    at_work_since := null;
    is_on_break := false;
  end if;
  claimed := intervals + muster.interval_from(assignment, at_work_since, 'infinity');
  status := case
    when began_at is null then 'assigned'
    when at_work_since is null and not is_on_break and left_at >= assignment.start_datetime then 'completed'
    else 'active'
  end;
  flags := array(select distinct f.flag from unnest(flags) as f (flag) order by f.flag);
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
CREATE OR REPLACE FUNCTION muster.give_back_shift(wanted uuid)
 RETURNS jsonb
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
declare
  shift public.shifts;
  deadline timestamptz;
begin
  select s.* into shift
  from public.shifts s
  where s.id = wanted and s.professional_id = muster.professional_id() and s.deleted_at is null
  for no key update;
  if not found then
    select s.* into shift from public.shifts s where s.id = wanted;
    perform muster.fail(case when muster.sees_shift(shift) then 'forbidden' else 'not_found' end, 'id');
  end if;
  if shift.status <> 'assigned' then
    perform muster.fail('invalid_transition', 'status');
  end if;
  select a.moved_at + make_interval(mins => a.give_back_minutes) into deadline
  from public.assignments a
  where a.shift_id = shift.id and a.ended_at is null;
  if deadline is null or deadline < now() then
    perform muster.fail('forbidden', 'status');
  end if;
  update public.shifts s set status = 'published' where s.id = wanted returning s.* into shift;
  return muster.shift_json(shift, null);
end
$function$;
--> statement-breakpoint
CREATE TRIGGER follow_assignment_on_update AFTER UPDATE ON public.shifts FOR EACH ROW WHEN (((old.status = ANY (ARRAY['assigned'::text, 'active'::text])) OR (new.status = ANY (ARRAY['assigned'::text, 'active'::text])))) EXECUTE FUNCTION muster.tg_shifts__follow_assignment();
--> statement-breakpoint
CREATE CONSTRAINT TRIGGER shifts_assigned_has_payment AFTER INSERT OR UPDATE ON public.shifts DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN ((new.status = ANY (ARRAY['assigned'::text, 'active'::text, 'completed'::text, 'cancelled'::text]))) EXECUTE FUNCTION muster.tg_check_payment();
--> statement-breakpoint
CREATE TRIGGER c_check_assignment_on_update BEFORE UPDATE ON public.shifts FOR EACH ROW WHEN (((new.status = ANY (ARRAY['assigned'::text, 'active'::text])) AND ((old.status <> ALL (ARRAY['assigned'::text, 'active'::text, 'completed'::text])) OR (new.professional_id IS DISTINCT FROM old.professional_id) OR (new.start_datetime <> old.start_datetime) OR (new.end_datetime <> old.end_datetime) OR ((new.time_zone <> old.time_zone) AND (new.end_datetime > now())) OR (new.required_certificates <> old.required_certificates)))) EXECUTE FUNCTION muster.tg_shifts__check_assignment();
--> statement-breakpoint
alter publication supabase_realtime add table public.assignments (auto_close_minutes, begun_at, company_id, created_at, delivery_days, end_datetime, ended_as, ended_at, flags, give_back_minutes, hourly_rate, id, late_after_minutes, minimum_minutes, moved_at, overtime_rate, professional_id, radius_meters, shift_id, start_datetime, updated_at);
--> statement-breakpoint
comment on function muster.reopen_assignment(uuid) is 'The assignment of a shift that was completed is in force again.';
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1796003014_attendance';
