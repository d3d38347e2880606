alter publication supabase_realtime drop table public.timesheet_steps;
--> statement-breakpoint
alter publication supabase_realtime drop table public.timesheet_lines;
--> statement-breakpoint
alter publication supabase_realtime drop table public.timesheets;
--> statement-breakpoint
alter publication supabase_realtime drop table public.corrections;
--> statement-breakpoint
alter publication supabase_realtime drop table public.assignments;
--> statement-breakpoint
drop policy trucks_remove on public.trucks;
--> statement-breakpoint
drop policy trucks_edit on public.trucks;
--> statement-breakpoint
drop policy trucks_create on public.trucks;
--> statement-breakpoint
drop policy trucks_read on public.trucks;
--> statement-breakpoint
drop policy internal on public.trucks;
--> statement-breakpoint
drop policy trailers_remove on public.trailers;
--> statement-breakpoint
drop policy trailers_edit on public.trailers;
--> statement-breakpoint
drop policy trailers_create on public.trailers;
--> statement-breakpoint
drop policy trailers_read on public.trailers;
--> statement-breakpoint
drop policy internal on public.trailers;
--> statement-breakpoint
drop policy invitations_withdraw_of_freight on public.invitations;
--> statement-breakpoint
drop policy invitations_read_of_freight on public.invitations;
--> statement-breakpoint
drop policy memberships_read_of_freight on public.memberships;
--> statement-breakpoint
drop policy users_read_of_freight on public.users;
--> statement-breakpoint
drop policy organizations_read_of_freight on public.organizations;
--> statement-breakpoint
drop policy drivers_remove on public.drivers;
--> statement-breakpoint
drop policy drivers_edit on public.drivers;
--> statement-breakpoint
drop policy drivers_create on public.drivers;
--> statement-breakpoint
drop policy drivers_read on public.drivers;
--> statement-breakpoint
drop policy internal on public.drivers;
--> statement-breakpoint
drop policy brokers_remove on public.brokers;
--> statement-breakpoint
drop policy brokers_edit on public.brokers;
--> statement-breakpoint
drop policy brokers_create on public.brokers;
--> statement-breakpoint
drop policy brokers_read on public.brokers;
--> statement-breakpoint
drop policy internal on public.brokers;
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
drop policy organizations_read_of_guarding on public.organizations;
--> statement-breakpoint
drop policy corrections_read on public.corrections;
--> statement-breakpoint
drop policy internal on public.corrections;
--> statement-breakpoint
drop policy allowances_create on public.allowances;
--> statement-breakpoint
drop policy allowances_read on public.allowances;
--> statement-breakpoint
drop policy internal on muster.public_holidays;
--> statement-breakpoint
drop policy internal on public.allowances;
--> statement-breakpoint
drop policy memberships_read_of_people on public.memberships;
--> statement-breakpoint
drop policy internal on public.memberships;
--> statement-breakpoint
drop policy invitations_withdraw_of_people on public.invitations;
--> statement-breakpoint
drop policy invitations_read_of_people on public.invitations;
--> statement-breakpoint
drop trigger a_set_tenant on public.trucks;
--> statement-breakpoint
drop trigger soft_delete on public.trucks;
--> statement-breakpoint
drop trigger edit_trail on public.trucks;
--> statement-breakpoint
drop trigger a_set_tenant on public.trailers;
--> statement-breakpoint
drop trigger soft_delete on public.trailers;
--> statement-breakpoint
drop trigger edit_trail on public.trailers;
--> statement-breakpoint
drop trigger note_caller_on_update on public.drivers;
--> statement-breakpoint
drop trigger note_caller on public.drivers;
--> statement-breakpoint
drop trigger b_check_member on public.drivers;
--> statement-breakpoint
drop trigger a_set_tenant on public.drivers;
--> statement-breakpoint
drop trigger soft_delete on public.drivers;
--> statement-breakpoint
drop trigger edit_trail on public.drivers;
--> statement-breakpoint
drop trigger a_set_tenant on public.brokers;
--> statement-breakpoint
drop trigger soft_delete on public.brokers;
--> statement-breakpoint
drop trigger edit_trail on public.brokers;
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
drop trigger c_check_assignment_on_update on public.shifts;
--> statement-breakpoint
drop trigger shifts_assigned_has_payment on public.shifts;
--> statement-breakpoint
drop trigger follow_assignment_on_update on public.shifts;
--> statement-breakpoint
drop trigger apply on public.corrections;
--> statement-breakpoint
drop trigger a_keep on public.corrections;
--> statement-breakpoint
drop trigger a_check on public.corrections;
--> statement-breakpoint
drop trigger note_departure_on_update on public.corrections;
--> statement-breakpoint
drop trigger note_departure_on_delete on public.corrections;
--> statement-breakpoint
drop trigger z_stamp_change on public.corrections;
--> statement-breakpoint
drop trigger updated_at on public.corrections;
--> statement-breakpoint
drop trigger a_set_tenant on public.allowances;
--> statement-breakpoint
drop trigger note_caller_on_update on public.users;
--> statement-breakpoint
drop trigger follow_role_on_update on public.users;
--> statement-breakpoint
drop trigger follow_role on public.users;
--> statement-breakpoint
drop trigger a_set_kind on public.users;
--> statement-breakpoint
drop trigger a_check_kind on public.organizations;
--> statement-breakpoint
drop trigger note_caller on public.memberships;
--> statement-breakpoint
drop trigger a_set_kind on public.memberships;
--> statement-breakpoint
drop trigger updated_at on public.memberships;
--> statement-breakpoint
drop trigger a_set_kind on public.invitations;
--> statement-breakpoint
drop function muster.groups_of_freight(uuid[]);
--> statement-breakpoint
drop function muster.invites_of_freight(text,uuid);
--> statement-breakpoint
drop function muster.roles_of_freight();
--> statement-breakpoint
drop function muster.tg_drivers__check_member();
--> statement-breakpoint
drop function muster.codes_of_freight();
--> statement-breakpoint
drop function muster.tg_set_tenant_of_carrier();
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
drop function muster.roles_of_guarding();
--> statement-breakpoint
drop function muster.record_no_show(shifts,uuid);
--> statement-breakpoint
drop function muster.notify_company(shifts,text);
--> statement-breakpoint
drop function muster.interval_from(timestamp with time zone,timestamp with time zone);
--> statement-breakpoint
drop function muster.clock_events(uuid);
--> statement-breakpoint
drop function muster.tg_corrections__apply();
--> statement-breakpoint
drop function muster.apply_correction(corrections);
--> statement-breakpoint
drop function muster.notify_of_correction(corrections,text);
--> statement-breakpoint
drop function muster.tg_corrections__keep();
--> statement-breakpoint
drop function muster.tg_corrections__check();
--> statement-breakpoint
drop function muster.decide_correction(uuid,text);
--> statement-breakpoint
drop function muster.propose_correction(uuid,text,uuid,text,timestamp with time zone,text);
--> statement-breakpoint
drop function muster.corrections_in_effect(uuid);
--> statement-breakpoint
drop function muster.side_in(assignments);
--> statement-breakpoint
drop function muster.correction_json(corrections);
--> statement-breakpoint
drop function muster.seen_of_corrections(jsonb);
--> statement-breakpoint
drop function muster.audience_of_corrections(jsonb,timestamp with time zone);
--> statement-breakpoint
drop function muster.close_left_shifts(integer);
--> statement-breakpoint
drop function muster.close_missed_shifts(integer);
--> statement-breakpoint
drop function muster.flag_late_shifts(integer);
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
drop function muster.tg_users__follow_role();
--> statement-breakpoint
drop function muster.may_invite(text,uuid);
--> statement-breakpoint
drop function muster.broker_id();
--> statement-breakpoint
drop function muster.driver_id();
--> statement-breakpoint
drop function muster.office_carrier_id();
--> statement-breakpoint
drop function muster.tg_organizations__check_kind();
--> statement-breakpoint
drop function muster.tg_set_organization_kind();
--> statement-breakpoint
drop function muster.roles();
--> statement-breakpoint
drop function muster.roles_of_people();
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.admin_tenant_id()
 RETURNS uuid
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return (
    select u.tenant_id from public.users u
    where u.id = muster.user_id() and u.role = 'admin' and u.deleted_at is null
  );
end
$function$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.guard_tenant_id()
 RETURNS uuid
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return (
    select u.tenant_id from public.users u
    where u.id = muster.user_id() and u.role = 'zzp' and u.deleted_at is null
  );
end
$function$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.company_id()
 RETURNS uuid
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return (
    select u.organization_id from public.users u
    where u.id = muster.user_id() and u.role = 'company' and u.deleted_at is null
  );
end
$function$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.client_id()
 RETURNS uuid
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return (
    select u.organization_id from public.users u
    where u.id = muster.user_id() and u.role = 'client' and u.deleted_at is null
  );
end
$function$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.professional_id()
 RETURNS uuid
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  -- Read from the claims once: the join would do so for each of its tables.
  caller constant uuid := muster.user_id();
begin
  return (
    select p.id
    from public.users u
    join public.security_professionals p on p.user_id = u.id
    where u.id = caller and u.role = 'zzp' and u.deleted_at is null and p.deleted_at is null
  );
end
$function$;
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
CREATE OR REPLACE FUNCTION muster.tg_gps_checkins__judge()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'extensions', 'public', 'pg_temp'
AS $function$
declare
  most_precise constant float8 := 100;
  shift public.shifts;
  assignment public.assignments;
  refusal text;
  by_caller constant boolean := muster.acts_for_caller();
begin
  select s.* into shift from public.shifts s where s.id = new.shift_id for no key update;
  -- Callers may name neither: muster.store_check_in names the professional, whom it looked up; muster.store_check_ins also the
  -- assignment.
  if by_caller and new.assignment_id is not null then
    select a.* into assignment from public.assignments a where a.id = new.assignment_id;
  else
    select a.* into assignment
    from public.assignments a
    where a.shift_id = shift.id
      and a.professional_id = case
        when by_caller then coalesce(new.professional_id, muster.professional_id())
        else shift.professional_id
      end
    -- As muster.assignment_at, without a call for each row.
    order by
      new.recorded_at between a.begun_at and coalesce(a.ended_at, 'infinity') desc, a.ended_at is null desc, a.begun_at desc
    limit 1;
  end if;
  -- The rules in one expression, for each check-in there is. Which of them it was, is asked where one speaks against it.
  if (
    shift.deleted_at is null
    and assignment.id is not null
    and muster.check_in_time_refusal(assignment, new.recorded_at) is null
  ) is not true then
    refusal := coalesce(
      muster.check_in_refusal(shift, assignment, by_caller), muster.check_in_time_refusal(assignment, new.recorded_at)
    );
    perform muster.fail(
      refusal, case when refusal in ('outside_check_in_window', 'recorded_in_future') then 'recorded_at' else 'shift_id' end
    );
  end if;
  -- The functions count for themselves.
  if by_caller and new.professional_id is null and new.kind = 'ping'
    and muster.pings_in_minute(shift.id, assignment.professional_id, new.recorded_at) >= muster.most_pings_a_minute()
  then
    perform muster.fail('too_many_pings', 'recorded_at');
  end if;

  new.tenant_id := shift.tenant_id;
  new.company_id := shift.company_id;
  new.client_id := shift.client_id;
  new.assignment_id := assignment.id;
  new.professional_id := assignment.professional_id;
  new.created_at := now();
  new.updated_at := now();
  new.distance_meters := st_distance(new.gps_point, shift.location_point);
  new.is_within_radius := new.distance_meters <= assignment.radius_meters;
  new.verdict := case
    when new.distance_meters + new.accuracy_meters <= assignment.radius_meters and new.accuracy_meters <= most_precise then 'inside'
    when new.distance_meters - new.accuracy_meters > assignment.radius_meters then 'outside'
    else 'uncertain'
  end;
  return new;
end
$function$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.create_invitation(role text, organization uuid DEFAULT NULL::uuid, email text DEFAULT NULL::text, valid_for interval DEFAULT '14 days'::interval)
 RETURNS jsonb
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  -- 122 random bits.
  code text := replace(gen_random_uuid()::text, '-', '');
  invited public.invitations;
begin
  -- Colleagues come to the company that invites them; only an admin has to say to which.
  if create_invitation.role = 'company' then
    organization := coalesce(organization, muster.company_id());
  end if;
  -- A null role or organization must not make the refusal null, which would be none.
  if muster.admin_tenant_id() is null and not coalesce(
    muster.company_id() is not null
    and (
      (create_invitation.role = 'company' and organization = muster.company_id())
      or (muster.joining_as(create_invitation.role) is not null and organization is null)
    ),
    false
  ) then
    perform muster.fail('forbidden', 'role');
  end if;
  if organization is not null and not exists (
    select from public.organizations o
    where o.id = organization and o.tenant_id = muster.tenant_id() and o.deleted_at is null
  ) then
    perform muster.fail('not_found', 'organization_id');
  end if;

  insert into public.invitations
    (tenant_id, organization_id, role, email, code_hash, expires_at, created_by, inviting_organization_id)
  values (
    muster.tenant_id(), organization, create_invitation.role, create_invitation.email,
    encode(sha256(convert_to(code, 'UTF8')), 'hex'), now() + valid_for, muster.user_id(), muster.company_id()
  )
  returning * into invited;
  return jsonb_build_object(
    'id', invited.id, 'organization_id', invited.organization_id, 'role', invited.role, 'email', invited.email,
    'expires_at', invited.expires_at, 'accepted_at', invited.accepted_at, 'accepted_by', invited.accepted_by,
    'created_by', invited.created_by, 'created_at', invited.created_at, 'code', code
  );
end
$function$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.accept_invitation(code text, name text, email text, latitude double precision DEFAULT NULL::double precision, longitude double precision DEFAULT NULL::double precision)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  invitation public.invitations;
  caller uuid := muster.user_id();
  joining regprocedure;
  -- An issuer that knows no address may send an empty one (Supabase Auth does, for who signs in by phone).
  token_email text := nullif(nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'email', '');
begin
  if caller is null then
    perform muster.fail('forbidden');
  end if;
  if exists (select from public.users u where u.id = caller) then
    perform muster.fail('already_registered');
  end if;
  select * into invitation
  from public.invitations i
  where i.code_hash = encode(sha256(convert_to(accept_invitation.code, 'UTF8')), 'hex')
  for no key update;
  if not found
    or invitation.accepted_at is not null
    or invitation.expires_at <= now()
    or (invitation.email is not null and lower(invitation.email) is distinct from lower(token_email))
    or exists (
      select from public.organizations o where o.id = invitation.organization_id and o.deleted_at is not null
    ) then
    perform muster.fail('invitation_invalid', 'code');
  end if;

  insert into public.users (id, tenant_id, organization_id, role, name, email)
  values (
    caller, invitation.tenant_id, invitation.organization_id, invitation.role, accept_invitation.name,
    coalesce(token_email, accept_invitation.email)
  );
  joining := muster.joining_as(invitation.role);
  if joining is not null then
    execute format('select %s($1, $2, $3, $4)', joining::regproc) using invitation.tenant_id, caller, latitude, longitude;
  end if;
  update public.invitations i set accepted_at = now(), accepted_by = caller where i.id = invitation.id;
end
$function$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.me()
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  caller constant uuid := muster.user_id();
  answer jsonb;
  more text;
  added jsonb;
begin
  select jsonb_build_object(
    'id', u.id, 'tenant_id', u.tenant_id, 'organization_id', u.organization_id, 'role', u.role, 'name', u.name,
    'email', u.email, 'created_at', u.created_at,
    'tenant_name', t.name,
    'organization', case when o.id is not null then jsonb_build_object(
      'id', o.id, 'name', o.name, 'kind', o.kind
    ) end
  ) into answer
  from public.users u
  join public.tenants t on t.id = u.tenant_id
  left join public.organizations o on o.id = u.organization_id
  where u.id = caller and u.deleted_at is null;
  if answer is not null then
    for more in select muster.functions_of('me') loop
      execute format('select muster.%I($1)', more) into added using caller;
      answer := answer || added;
    end loop;
  end if;
  return answer;
end
$function$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.nearby_shifts(latitude double precision, longitude double precision, within_meters double precision, max_items integer, starts_after timestamp with time zone DEFAULT NULL::timestamp with time zone, starts_before timestamp with time zone DEFAULT NULL::timestamp with time zone, min_hourly_rate numeric DEFAULT NULL::numeric, eligible_only boolean DEFAULT false, after_distance double precision DEFAULT NULL::double precision, after_id uuid DEFAULT NULL::uuid, OUT items json, OUT next_distance double precision, OUT next_id uuid)
 RETURNS record
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'extensions', 'public', 'pg_temp'
 SET jit TO 'off'
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET enable_bitmapscan TO 'off'
AS $function$
declare
  -- Read beyond the page at once: so many are most often enough to be sure that nothing nearer comes later. The farther
  -- out, the more are about as far as the last one; and it is dear to begin again, for all that are nearer are passed again.
  spare constant integer := case when after_distance is null then 8 else 16 end;
  here constant geography := st_point(longitude, latitude)::geography;
  -- The index goes outwards from here: see search_origin.
  origin constant geography := muster.search_origin(latitude, longitude);
  aside constant float8 := st_distance(origin, here, false);
  -- As the index has them, so that it leaves out itself what begins at another time or pays less.
  earliest constant timestamptz := greatest(starts_after, now() + interval '1 microsecond');
  latest constant timestamptz := coalesce(starts_before, 'infinity');
  least_rate constant float8 := coalesce(min_hourly_rate, 0);
  -- On the sphere; a metre takes up what is rounded.
  nearest constant float8 := coalesce(after_distance / muster.metre_at_most(latitude, within_meters) - 1 - aside, 0);
  metre_at_least constant float8 := muster.metre_at_least(latitude, within_meters);
  caller record;
  tenant uuid;
  company uuid;
  client uuid;
  professional uuid;
  held text[];
  busy tstzmultirange;
  wanted integer := max_items + 1 + spare;
  found_items bigint;
  read_to float8;
begin
  items := '[]';
  select u.role, u.tenant_id, u.organization_id into caller
  from public.users u
  where u.id = muster.user_id() and u.deleted_at is null;
  case caller.role
    when 'zzp', 'admin' then tenant := caller.tenant_id;
    when 'company' then company := caller.organization_id;
    when 'client' then client := caller.organization_id;
    else null;
  end case;

  if eligible_only then
    select e.professional, e.held, e.busy into professional, held, busy from muster.eligibility() e;
    -- Nobody else is eligible for anything: an empty list would say that there is no work.
    if professional is null then
      perform muster.fail('forbidden', 'eligible_only');
    end if;
    if held is null then
      return;
    end if;
  end if;
  -- Within 0 m anybody may search, and finds nothing: it makes the plan, for those who come after in the same session.
  if coalesce(tenant, company, client) is null and within_meters > 0 then
    return;
  end if;

  loop
    -- In one pass: the shifts are sorted and counted as they are read, and only those of the page are spelled.
    select
      json_agg(item) filter (where read.nth <= max_items),
      max(read.distance) filter (where read.nth <= max_items),
      (array_agg(read.id) filter (where read.nth = max_items))[1],
      count(*),
      max(read.distance_on_sphere)
    into items, next_distance, next_id, found_items, read_to
    from (
      select c.*, row_number() over (order by c.distance, c.id) as nth
      from (
        select
          s.id, s.company_id, s.client_id, s.location_id, s.professional_id, s.status, s.start_datetime, s.end_datetime,
          s.time_zone, s.hourly_rate, s.overtime_rate, s.required_certificates, s.title, s.description, s.cancel_reason,
          s.location_point, s.created_at, s.updated_at,
          s.location_point <-> origin as distance_on_sphere,
          exact.distance
        from public.shifts s
        -- Four times as dear as on the sphere: computed once, of the shifts that pass the rest (`offset 0` keeps it apart).
        cross join lateral (select st_distance(s.location_point, here) as distance offset 0) exact
        where s.status = 'published'
          and s.deleted_at is null
          and (s.tenant_id = tenant or s.company_id = company or s.client_id = client)
          and st_dwithin(s.location_point, here, within_meters)
          and s.start_datetime >= earliest
          and s.start_datetime < latest
          and s.hourly_rate::float8 >= least_rate
          and (after_distance is null or s.location_point <-> origin >= nearest)
          and (after_distance is null or (exact.distance, s.id) > (after_distance, after_id))
          and (
            caller.role <> 'zzp'
            or s.company_id = s.client_id
            or exists (
              select from public.company_clients c where c.company_id = s.company_id and c.client_id = s.client_id
            )
          )
          and (
            not eligible_only
            or (
              s.required_certificates <@ held
              and not tstzrange(s.start_datetime, s.end_datetime) && busy
              and not exists (select from muster.assignment_violations(professional, s))
            )
          )
        order by s.location_point <-> origin
        limit wanted
      ) c
    ) read
    -- As a row: its columns are looked up once, where json_build_object does it for each value of each row.
    cross join lateral (
      select
        read.id,
        read.company_id,
        read.client_id,
        read.location_id,
        read.professional_id,
        read.status,
        read.start_datetime,
        read.end_datetime,
        read.time_zone,
        read.hourly_rate,
        read.overtime_rate,
        read.required_certificates,
        read.title,
        read.description,
        -- No guard has an open shift; whoever else finds it here may read its briefing.
        case when caller.role <> 'zzp' then (
          select b.text from public.shift_briefings b where b.shift_id = read.id
        ) end as instructions,
        read.cancel_reason,
        st_y(read.location_point::geometry) as latitude,
        st_x(read.location_point::geometry) as longitude,
        read.created_at,
        read.updated_at,
        (select l.name from public.locations l where l.id = read.location_id) as location_name,
        read.distance as distance_meters
    ) item;

    -- Whatever was not read is farther on the sphere than what was, and not much nearer on the spheroid.
    exit when found_items < wanted or read_to >= next_distance / metre_at_least + 1 + aside;
    wanted := 2 * wanted;
  end loop;
  items := coalesce(items, '[]');
  if found_items <= max_items then
    next_distance := null;
    next_id := null;
  end if;
end
$function$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.eligibility(OUT professional uuid, OUT held text[], OUT busy tstzmultirange)
 RETURNS record
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'extensions', 'public', 'pg_temp'
AS $function$
declare
  -- Open shifts ask for few different sets of certificates. Where there are more than this, no more are compared.
  most_sets constant integer := 100;
  guard record;
begin
  select p.id, p.tenant_id, p.status into guard
  from public.users u
  join public.security_professionals p on p.user_id = u.id
  where u.id = muster.user_id() and u.role = 'zzp' and u.deleted_at is null and p.deleted_at is null;
  professional := guard.id;
  if guard.status is distinct from 'active' then
    return;
  end if;

  -- A shift ends in the future, and so, give or take the time zones, must the certificate. For which company matters later.
  held := array(
    select c.kind
    from public.certificates c
    where c.professional_id = guard.id
      and c.verified_at is not null
      and c.deleted_at is null
      and c.valid_until >= (now() - interval '2 days')::date
  );
  -- The index gives each set once. It would take long to find in it, shift by shift, that none will do.
  if not exists (
    with recursive sets as (
      (
        select s.required_certificates as kinds
        from public.shifts s
        where s.tenant_id = guard.tenant_id and s.status = 'published' and s.deleted_at is null
        order by s.required_certificates
        limit 1
      )
      union all
      select (
        select s.required_certificates
        from public.shifts s
        where s.tenant_id = guard.tenant_id
          and s.status = 'published'
          and s.deleted_at is null
          and s.required_certificates > sets.kinds
        order by s.required_certificates
        limit 1
      )
      from sets
      where sets.kinds is not null
    )
    select
    from (select sets.kinds, row_number() over () as nth from sets limit most_sets) s
    where s.kinds <@ held or s.nth = most_sets
  ) then
    held := null;
    return;
  end if;

  busy := coalesce(
    (
      select range_agg(tstzrange(s.start_datetime, s.end_datetime))
      from public.shifts s
      where s.professional_id = guard.id
        -- As muster.assignment_violations has it.
        and (s.status in ('assigned', 'active') or (s.status = 'completed' and s.end_datetime > now()))
        and s.deleted_at is null
    ),
    '{}'
  );
end
$function$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.record_check_in(check_in_id uuid, at_shift uuid, kind_of text, latitude double precision, longitude double precision, accuracy double precision, at_time timestamp with time zone)
 RETURNS json
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'extensions', 'public', 'pg_temp'
AS $function$
declare
  stored public.gps_checkins;
  is_new boolean;
begin
  select c.* into stored from public.gps_checkins c where c.id = check_in_id;
  is_new := not found;
  if is_new then
    stored := muster.store_check_in(
      check_in_id, at_shift, kind_of, st_point(longitude, latitude)::geography, accuracy, at_time
    );
    if stored.id is null then
      -- Somebody else's, or the same one that came twice at the same moment.
      select c.* into stored from public.gps_checkins c where c.id = check_in_id;
      is_new := false;
    end if;
  end if;
  if not is_new and (stored.shift_id, stored.kind, stored.recorded_at, stored.professional_id)
    is distinct from (at_shift, kind_of, at_time, muster.professional_id()) then
    -- The id stands for another check-in, which may be somebody else's: nothing is said about it.
    perform muster.fail('id_conflict', 'id');
  end if;

  return json_build_object(
    'status', case when is_new then 'created' else 'duplicate' end,
    'checkin', muster.checkin_json(stored)
  );
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
CREATE OR REPLACE FUNCTION muster.nearby_check_ins(latitude double precision, longitude double precision, within_meters double precision, recorded_from timestamp with time zone, recorded_to timestamp with time zone, max_items integer, after_time timestamp with time zone DEFAULT NULL::timestamp with time zone, after_id uuid DEFAULT NULL::uuid, OUT items json, OUT next_time timestamp with time zone, OUT next_id uuid)
 RETURNS record
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'extensions', 'public', 'pg_temp'
 SET jit TO 'off'
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
AS $function$
declare
  here constant geography := st_point(longitude, latitude)::geography;
  -- What earlier pages showed is left out; with the same time the id decides.
  earliest constant timestamptz := greatest(recorded_from, after_time);
  caller record;
  tenant uuid;
  company uuid;
  client uuid;
begin
  select u.role, u.tenant_id, u.organization_id into caller
  from public.users u
  where u.id = muster.user_id() and u.deleted_at is null;
  case caller.role
    when 'admin' then tenant := caller.tenant_id;
    when 'company' then company := caller.organization_id;
    when 'client' then client := caller.organization_id;
    -- A guard's own are in the lists of their shifts.
    else perform muster.fail('forbidden');
  end case;

  with found_items as materialized (
    select c.*
    from public.gps_checkins c
    where st_dwithin(c.gps_point, here, within_meters)
      -- `is true` keeps it from the index by shift and time, which would be read as a whole.
      and (c.recorded_at >= earliest and c.recorded_at < recorded_to) is true
      and (c.tenant_id = tenant or c.company_id = company or c.client_id = client)
      and (after_time is null or (c.recorded_at, c.id) > (after_time, after_id))
    order by c.recorded_at, c.id
    limit max_items + 1
  ), page as (
    select c.* from found_items c order by c.recorded_at, c.id limit max_items
  )
  select
    coalesce(json_agg(item order by page.recorded_at, page.id), '[]'),
    max(page.recorded_at) filter (where (select count(*) from found_items) > max_items),
    (array_agg(page.id order by page.recorded_at, page.id))[
      case when (select count(*) from found_items) > max_items then max_items end
    ]
  into items, next_time, next_id
  from page
  cross join lateral (
    select
      page.id,
      page.shift_id,
      page.assignment_id,
      page.professional_id,
      page.kind,
      st_y(page.gps_point::geometry) as latitude,
      st_x(page.gps_point::geometry) as longitude,
      page.accuracy_meters,
      page.distance_meters,
      page.is_within_radius,
      page.verdict,
      muster.checkin_flags(page.accuracy_meters) as flags,
      page.recorded_at,
      page.created_at,
      st_distance(page.gps_point, here) as meters_away
  ) item;
end
$function$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.groups_of_people(callers uuid[])
 RETURNS TABLE(caller uuid, groups text[])
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
BEGIN ATOMIC
 SELECT u.id,
     ARRAY[('user:'::text || u.id),
         CASE u.role
             WHEN 'admin'::text THEN ('admins:'::text || u.tenant_id)
             ELSE NULL::text
         END,
         CASE u.role
             WHEN 'company'::text THEN ('company:'::text || u.organization_id)
             ELSE NULL::text
         END,
         CASE u.role
             WHEN 'client'::text THEN ('client:'::text || u.organization_id)
             ELSE NULL::text
         END] AS "array"
    FROM users u
   WHERE ((u.id = ANY (groups_of_people.callers)) AND (u.deleted_at IS NULL));
END;
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
CREATE OR REPLACE FUNCTION muster.groups_of_guarding(callers uuid[])
 RETURNS TABLE(caller uuid, groups text[])
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
BEGIN ATOMIC
 SELECT u.id,
     ARRAY[('guards:'::text || u.tenant_id), ('professional:'::text || p.id)] AS "array"
    FROM (users u
      LEFT JOIN security_professionals p ON (((p.user_id = u.id) AND (p.deleted_at IS NULL))))
   WHERE ((u.id = ANY (groups_of_guarding.callers)) AND (u.role = 'zzp'::text) AND (u.deleted_at IS NULL));
END;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.warn_of_stale_payments()
 RETURNS bigint
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
BEGIN ATOMIC
 WITH stale AS (
          SELECT t.tenant_id,
             count(*) AS payments,
             min(t.created_at) AS oldest
            FROM (finqle_transactions t
              JOIN shifts s ON ((s.id = t.shift_id)))
           WHERE (((t.status = 'pending'::text) AND (s.status = 'completed'::text) AND (s.end_datetime < (now() - '7 days'::interval))) OR ((t.status = ANY (ARRAY['processing'::text, 'failed'::text])) AND (t.updated_at < (now() - '1 day'::interval))))
           GROUP BY t.tenant_id
         ), told AS (
          INSERT INTO notifications (tenant_id, user_id, type, data, once_key)  SELECT a.tenant_id,
                     a.id,
                     'payments_stale',
                     jsonb_build_object('payments', s.payments, 'oldest_created_at', s.oldest) AS jsonb_build_object,
                     ('payments_stale '::text || to_char((now() AT TIME ZONE 'UTC'::text), 'IYYY"W"IW'::text))
                    FROM (stale s
                      JOIN users a ON (((a.tenant_id = s.tenant_id) AND (a.role = 'admin'::text) AND (a.deleted_at IS NULL)))) ON CONFLICT(user_id, once_key)
           WHERE (once_key IS NOT NULL) DO NOTHING
           RETURNING 1 AS "?column?"
         )
  SELECT count(*) AS count
    FROM told;
END;
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
CREATE OR REPLACE FUNCTION muster.reopen_assignment(shift uuid)
 RETURNS void
 LANGUAGE sql
 SET search_path TO 'pg_catalog', 'pg_temp'
BEGIN ATOMIC
 UPDATE assignments a SET ended_at = NULL::timestamp with time zone, ended_as = NULL::text
   WHERE ((a.shift_id = reopen_assignment.shift) AND (a.ended_as = 'completed'::text));
END;
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
    -- Of two of one kind at one instant the first decides: the one that shows that they were there.
    order by
      c.recorded_at,
      array_position(array['clock_in', 'break_start', 'break_end', 'clock_out'], c.kind),
      c.verdict = 'outside'
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
CREATE OR REPLACE FUNCTION muster.interval_from(assignment assignments, began_at timestamp with time zone, left_at timestamp with time zone)
 RETURNS tstzmultirange
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
 SET search_path TO 'pg_catalog', 'pg_temp'
RETURN CASE WHEN ((began_at IS NULL) OR (left_at <= GREATEST(began_at, (assignment).start_datetime))) THEN '{}'::tstzmultirange ELSE tstzmultirange(tstzrange(GREATEST(began_at, (assignment).start_datetime), left_at)) END;
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
CREATE OR REPLACE FUNCTION muster.has_begun(shift shifts, assignment uuid)
 RETURNS boolean
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
BEGIN ATOMIC
 SELECT (((shift).start_datetime <= now()) OR ((shift).status = 'active'::text) OR (EXISTS ( SELECT
            FROM gps_checkins c
           WHERE (c.assignment_id = has_begun.assignment))));
END;
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
CREATE TRIGGER note_caller_on_update AFTER UPDATE ON public.users FOR EACH ROW WHEN ((((((old.id IS DISTINCT FROM new.id) OR (old.tenant_id IS DISTINCT FROM new.tenant_id)) OR (old.organization_id IS DISTINCT FROM new.organization_id)) OR (old.role IS DISTINCT FROM new.role)) OR (old.deleted_at IS DISTINCT FROM new.deleted_at))) EXECUTE FUNCTION muster.tg_note_caller('id');
--> statement-breakpoint
CREATE CONSTRAINT TRIGGER shifts_assigned_has_payment AFTER INSERT OR UPDATE ON public.shifts DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN ((new.status = ANY (ARRAY['assigned'::text, 'active'::text, 'completed'::text, 'cancelled'::text]))) EXECUTE FUNCTION muster.tg_check_payment();
--> statement-breakpoint
CREATE TRIGGER c_check_assignment_on_update BEFORE UPDATE ON public.shifts FOR EACH ROW WHEN (((new.status = ANY (ARRAY['assigned'::text, 'active'::text])) AND ((old.status <> ALL (ARRAY['assigned'::text, 'active'::text, 'completed'::text])) OR (new.professional_id IS DISTINCT FROM old.professional_id) OR (new.start_datetime <> old.start_datetime) OR (new.end_datetime <> old.end_datetime) OR ((new.time_zone <> old.time_zone) AND (new.end_datetime > now())) OR (new.required_certificates <> old.required_certificates)))) EXECUTE FUNCTION muster.tg_shifts__check_assignment();
--> statement-breakpoint
create policy invitations_read on public.invitations for select to authenticated
  using (((inviting_organization_id = ( SELECT muster.company_id() AS company_id)) OR (tenant_id = ( SELECT muster.admin_tenant_id() AS admin_tenant_id))));
--> statement-breakpoint
create policy invitations_withdraw on public.invitations for delete to authenticated
  using (((accepted_at IS NULL) AND ((inviting_organization_id = ( SELECT muster.company_id() AS company_id)) OR (tenant_id = ( SELECT muster.admin_tenant_id() AS admin_tenant_id)))));
--> statement-breakpoint
create policy organizations_read_of_guarding on public.organizations for select to authenticated
  using (((deleted_at IS NULL) AND (( SELECT muster.guard_tenant_id() AS guard_tenant_id) IS NOT NULL) AND (tenant_id = ( SELECT muster.guard_tenant_id() AS guard_tenant_id)) AND ((EXISTS ( SELECT
   FROM shifts s
  WHERE ((s.company_id = organizations.id) AND (s.start_datetime > now()))
  ORDER BY s.start_datetime
 OFFSET 0)) OR (EXISTS ( SELECT
   FROM shifts s
  WHERE ((s.client_id = organizations.id) AND (s.start_datetime > now()))
  ORDER BY s.start_datetime
 OFFSET 0)) OR (EXISTS ( SELECT
   FROM shifts s
  WHERE ((s.professional_id = ( SELECT muster.professional_id() AS professional_id)) AND ((organizations.id = s.company_id) OR (organizations.id = s.client_id)))
 OFFSET 0)))));
--> statement-breakpoint
alter publication supabase_realtime add table public.assignments (auto_close_minutes, begun_at, company_id, created_at, delivery_days, end_datetime, ended_as, ended_at, flags, give_back_minutes, hourly_rate, id, late_after_minutes, minimum_minutes, moved_at, overtime_rate, professional_id, radius_meters, shift_id, start_datetime, updated_at);
--> statement-breakpoint
alter function muster.carrier_id() owner to current_user;
--> statement-breakpoint
alter table muster.public_holidays disable row level security;
--> statement-breakpoint
alter table public.corrections disable row level security;
--> statement-breakpoint
alter table public.corrections no force row level security;
--> statement-breakpoint
alter table public.memberships disable row level security;
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
alter table public.brokers disable row level security;
--> statement-breakpoint
alter table public.brokers no force row level security;
--> statement-breakpoint
alter table public.drivers disable row level security;
--> statement-breakpoint
alter table public.drivers no force row level security;
--> statement-breakpoint
alter table public.trailers disable row level security;
--> statement-breakpoint
alter table public.trailers no force row level security;
--> statement-breakpoint
alter table public.trucks disable row level security;
--> statement-breakpoint
alter table public.trucks no force row level security;
--> statement-breakpoint
alter table public.users enable always trigger note_caller_on_update;
--> statement-breakpoint
revoke execute on function muster.carrier_id() from anon, authenticated, service_role;
--> statement-breakpoint
revoke execute on function muster.is_vin(text) from anon, authenticated, muster_definer, service_role;
--> statement-breakpoint
revoke execute on function muster.tenant_id() from muster_api;
--> statement-breakpoint
revoke select on table muster.public_holidays from muster_definer;
--> statement-breakpoint
revoke select, insert (amount_per_hour, combination, company_id, id, kind, notice_hours, percent, valid_from, window_from, window_to) on table public.allowances from authenticated;
--> statement-breakpoint
revoke select on table public.allowances from muster_definer;
--> statement-breakpoint
revoke delete, insert, select, update on table public.allowances from service_role;
--> statement-breakpoint
revoke delete, select, insert (broker_organization_id, credit_status, dot_number, id, mc_number, name, organization_id, payment_days, payment_terms), update (broker_organization_id, credit_status, dot_number, mc_number, name, payment_days, payment_terms) on table public.brokers from authenticated;
--> statement-breakpoint
revoke select, update on table public.brokers from muster_definer;
--> statement-breakpoint
revoke delete, insert, select, update on table public.brokers from service_role;
--> statement-breakpoint
revoke insert (approve_after_days, dispute_days, overtime_tolerance_minutes, plan_tolerance_minutes) on table public.company_terms from authenticated;
--> statement-breakpoint
revoke select on table public.corrections from authenticated;
--> statement-breakpoint
revoke insert, select, update on table public.corrections from muster_definer;
--> statement-breakpoint
revoke delete, insert, select, update on table public.corrections from service_role;
--> statement-breakpoint
revoke delete, select, insert (currency, distance_unit, driver_type, endorsements, hire_date, id, license_class, license_number, name, organization_id, pay_flat, pay_kind, pay_per_distance, pay_percentage, status, termination_date, user_id), update (currency, distance_unit, driver_type, endorsements, hire_date, license_class, license_number, name, pay_flat, pay_kind, pay_per_distance, pay_percentage, status, termination_date) on table public.drivers from authenticated;
--> statement-breakpoint
revoke select, update on table public.drivers from muster_definer;
--> statement-breakpoint
revoke delete, insert, select, update on table public.drivers from service_role;
--> statement-breakpoint
revoke select on table public.memberships from authenticated;
--> statement-breakpoint
revoke insert, select, update on table public.memberships from muster_definer;
--> statement-breakpoint
revoke delete, insert, select, update on table public.memberships from service_role;
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
revoke delete, select, insert (id, inspection_due_on, kind, organization_id, ownership, status, unit_number, vin), update (inspection_due_on, kind, ownership, status, unit_number, vin) on table public.trailers from authenticated;
--> statement-breakpoint
revoke select, update on table public.trailers from muster_definer;
--> statement-breakpoint
revoke delete, insert, select, update on table public.trailers from service_role;
--> statement-breakpoint
revoke delete, select, insert (id, inspection_due_on, organization_id, ownership, status, unit_number, vin), update (inspection_due_on, ownership, status, unit_number, vin) on table public.trucks from authenticated;
--> statement-breakpoint
revoke select, update on table public.trucks from muster_definer;
--> statement-breakpoint
revoke delete, insert, select, update on table public.trucks from service_role;
--> statement-breakpoint
revoke execute on function muster.interval_from(assignments,timestamp with time zone,timestamp with time zone) from public;
--> statement-breakpoint
revoke execute on function muster.pay_for(numeric,numeric,numeric,numeric) from public;
--> statement-breakpoint
grant execute on function muster.carrier_id() to public;
--> statement-breakpoint
grant execute on function muster.interval_from(assignments,timestamp with time zone,timestamp with time zone) to muster_definer;
--> statement-breakpoint
grant execute on function muster.is_vin(text) to public;
--> statement-breakpoint
grant execute on function muster.pay_for(numeric,numeric,numeric,numeric) to muster_definer;
--> statement-breakpoint
comment on function muster.carrier_id() is null;
--> statement-breakpoint
comment on function muster.is_vin(text) is null;
--> statement-breakpoint
comment on function muster.accept_invitation(text,text,text,double precision,double precision) is 'Makes the caller a user. Security definer: a stranger may write nothing else.';
--> statement-breakpoint
comment on policy invitations_read on public.invitations is 'A company its own, an admin the tenant''s.';
--> statement-breakpoint
comment on policy invitations_withdraw on public.invitations is 'Until it is accepted, whoever sees it.';
--> statement-breakpoint
comment on policy organizations_read_of_guarding on public.organizations is 'Guards those of the shifts that they see.';
--> statement-breakpoint
comment on function muster.reopen_assignment(uuid) is 'The assignment of a shift that was completed is in force again.';
--> statement-breakpoint
comment on function muster.clocked(assignments) is 'What the clock events of an assignment say: intervals from the planned start on, what they claim (also what is not over), state and flags.';
--> statement-breakpoint
comment on function muster.interval_from(assignments,timestamp with time zone,timestamp with time zone) is 'From one moment to another, as far as it is not before the planned start; nothing where it did not begin.';
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
return '1796008323_check_ins_refer_to_one_row';
