drop trigger judge on public.gps_checkins;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.uuid_v7()
 RETURNS uuid
 LANGUAGE sql
 PARALLEL SAFE
 SET search_path TO 'pg_catalog', 'pg_temp'
RETURN (encode(set_bit(set_bit(OVERLAY(uuid_send(gen_random_uuid()) PLACING SUBSTRING(int8send(((EXTRACT(epoch FROM clock_timestamp()) * (1000)::numeric))::bigint) FROM 3) FROM 1 FOR 6), (52)::bigint, 1), (53)::bigint, 1), 'hex'::text))::uuid;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.tg_gps_checkins__judge()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'extensions', 'public', 'pg_temp'
AS $function$
declare
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
    -- What is known already does not meet the rules again. Looked up only here: nearly all are new, and are taken.
    if by_caller
      and exists (select from public.gps_checkins c where c.id = new.id and c.professional_id = new.professional_id)
    then
      return null;
    end if;
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
  new.verdict := muster.position_verdict(new.distance_meters, new.accuracy_meters, assignment.radius_meters);
  return new;
end
$function$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.store_check_ins(check_in_ids uuid[], at_shifts uuid[], kinds text[], at_points geography[], accuracies double precision[], at_times timestamp with time zone[])
 RETURNS text[]
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'extensions', 'public', 'pg_temp'
AS $function$
declare
  caller constant uuid := muster.professional_id();
  most_pings constant integer := muster.most_pings_a_minute();
  assignments uuid[] := array_fill(null::uuid, array[cardinality(check_in_ids)]);
  outcomes text[] := array_fill(null::text, array[cardinality(check_in_ids)]);
  shift public.shifts;
  assignment public.assignments;
  has_several boolean;
  at_shift uuid;
  at_minute timestamptz;
  last_id uuid;
  pings bigint;
  refusal text;
  item record;
begin
  -- Before anything is judged, and in one order for everybody. Of others' shifts there is nothing to wait for.
  perform from public.shifts s
  where s.id in (
    select a.shift_id from public.assignments a where a.shift_id = any (at_shifts) and a.professional_id = caller
  )
  order by s.id
  for no key update;

  -- What a rule refuses is told from the rest by a value. An exception for each would be a subtransaction for each: a refused item
  -- would cost many times as much, for everybody else on the server, too.
  for item in
    select g.nth, g.id, g.shift_id, g.kind, g.recorded_at, date_trunc('minute', g.recorded_at, 'UTC') as minute
    from unnest(check_in_ids, at_shifts, kinds, at_times) with ordinality as g (id, shift_id, kind, recorded_at, nth)
    -- Others were stored since the caller looked, by another request with the same items.
    where not exists (select from public.gps_checkins c where c.id = g.id and c.professional_id = caller)
    order by g.shift_id, minute, g.id, g.nth
  loop
    if item.shift_id is distinct from at_shift then
      at_shift := item.shift_id;
      at_minute := null;
      select s.* into shift from public.shifts s where s.id = at_shift;
      assignment := muster.assignment_at(at_shift, caller, item.recorded_at);
      has_several := 1 < (
        select count(*) from public.assignments a where a.shift_id = at_shift and a.professional_id = caller
      );
      refusal := muster.check_in_refusal(shift, assignment, true);
    elsif has_several then
      assignment := muster.assignment_at(at_shift, caller, item.recorded_at);
    end if;
    assignments[item.nth] := assignment.id;
    outcomes[item.nth] := coalesce(refusal, muster.check_in_time_refusal(assignment, item.recorded_at));
    continue when outcomes[item.nth] is not null or item.kind <> 'ping';

    if item.minute is distinct from at_minute then
      at_minute := item.minute;
      last_id := null;
      pings := muster.pings_in_minute(at_shift, caller, at_minute);
    end if;
    if item.id is distinct from last_id then
      last_id := item.id;
      pings := pings + 1;
    end if;
    if pings > most_pings then
      outcomes[item.nth] := 'too_many_pings';
    end if;
  end loop;

  with given as materialized (
    -- Of several with one id the first that is good is stored.
    select g.*, row_number() over (partition by g.id, g.outcome order by g.nth) as copy
    from unnest(check_in_ids, at_shifts, assignments, kinds, at_points, accuracies, at_times, outcomes) with ordinality
      as g (id, shift_id, assignment_id, kind, gps_point, accuracy_meters, recorded_at, outcome, nth)
  ), stored as (
    insert into public.gps_checkins as c (
      id, shift_id, assignment_id, professional_id, kind, gps_point, accuracy_meters, recorded_at
    )
    select g.id, g.shift_id, g.assignment_id, caller, g.kind, g.gps_point, g.accuracy_meters, g.recorded_at
    from given g
    where g.outcome is null and g.copy = 1
    order by g.shift_id, g.id
    on conflict do nothing
    returning c.id
  )
  select array_agg(
    case
      when g.outcome is not null then g.outcome
      when g.copy = 1 and g.id in (select s.id from stored s) then 'created'
    end
    order by g.nth
  ) into outcomes
  from given g;
  return outcomes;
end
$function$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.codes_of_platform()
 RETURNS jsonb
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
 SET search_path TO 'pg_catalog', 'pg_temp'
RETURN jsonb_build_object('recorded_in_future', 'MU008', 'forbidden', 'MU010', 'not_found', 'MU011', 'id_conflict', 'MU016', 'idempotency_key_reused', 'MU019', 'isolation_unsupported', 'MU020', 'too_many_idempotency_keys', 'MU031', 'answer_too_large', 'MU032');
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.codes_of_people()
 RETURNS jsonb
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
 SET search_path TO 'pg_catalog', 'pg_temp'
RETURN jsonb_build_object('invitation_invalid', 'MU017', 'already_registered', 'MU018', 'user_ended', 'MU210');
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.audience_of_notifications(viewed jsonb, at timestamp with time zone)
 RETURNS text[]
 LANGUAGE sql
 STABLE PARALLEL SAFE
 SET search_path TO 'pg_catalog', 'pg_temp'
RETURN ARRAY[('admins:'::text || (viewed ->> 'tenant_id'::text)), ('user:'::text || (viewed ->> 'user_id'::text))];
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.audience_of_shift_briefings(viewed jsonb, at timestamp with time zone)
 RETURNS text[]
 LANGUAGE sql
 STABLE PARALLEL SAFE
 SET search_path TO 'pg_catalog', 'pg_temp'
RETURN ARRAY[('admins:'::text || (viewed ->> 'tenant_id'::text)), ('company:'::text || (viewed ->> 'company_id'::text)), ('client:'::text || (viewed ->> 'client_id'::text)), ('professional:'::text || (viewed ->> 'professional_id'::text))];
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.audience_of_gps_checkins(viewed jsonb, at timestamp with time zone)
 RETURNS text[]
 LANGUAGE sql
 STABLE PARALLEL SAFE
 SET search_path TO 'pg_catalog', 'pg_temp'
RETURN ARRAY[('admins:'::text || (viewed ->> 'tenant_id'::text)), ('company:'::text || (viewed ->> 'company_id'::text)), ('client:'::text || (viewed ->> 'client_id'::text)), ('professional:'::text || (viewed ->> 'professional_id'::text))];
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.codes_of_guarding()
 RETURNS jsonb
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
 SET search_path TO 'pg_catalog', 'pg_temp'
RETURN jsonb_build_object('shift_overlap', 'MU001', 'certificate_missing', 'MU002', 'certificate_expired', 'MU003', 'professional_inactive', 'MU004', 'shift_not_open', 'MU005', 'invalid_transition', 'MU006', 'outside_check_in_window', 'MU007', 'shift_not_assigned', 'MU009', 'certificate_in_use', 'MU012', 'professional_in_use', 'MU013', 'location_in_use', 'MU014', 'payment_missing', 'MU015', 'shift_over', 'MU021', 'daily_limit_reached', 'MU025', 'too_many_pings', 'MU030', 'professional_unavailable', 'MU300', 'shift_begun', 'MU301', 'rate_lowered', 'MU302', 'end_worked', 'MU303', 'assignment_released', 'MU330', 'correction_decided', 'MU331', 'correction_open', 'MU332', 'too_many_corrections', 'MU333', 'own_hours', 'MU340', 'timesheet_state', 'MU341', 'lines_undecided', 'MU342', 'timesheet_changed', 'MU343', 'dispute_too_late', 'MU344', 'hours_impossible', 'MU345', 'pay_period_closed', 'MU350', 'pay_period_not_over', 'MU351', 'pay_period_not_next', 'MU352', 'statement_state', 'MU353', 'payout_state', 'MU360');
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.audience_of_incidents(viewed jsonb, at timestamp with time zone)
 RETURNS text[]
 LANGUAGE sql
 STABLE PARALLEL SAFE
 SET search_path TO 'pg_catalog', 'pg_temp'
RETURN ARRAY[('admins:'::text || (viewed ->> 'tenant_id'::text)), ('company:'::text || (viewed ->> 'company_id'::text)), ('client:'::text || (viewed ->> 'client_id'::text)), ('user:'::text || (viewed ->> 'reported_by'::text))];
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.audience_of_finqle_transactions(viewed jsonb, at timestamp with time zone)
 RETURNS text[]
 LANGUAGE sql
 STABLE PARALLEL SAFE
 SET search_path TO 'pg_catalog', 'pg_temp'
RETURN ARRAY[('admins:'::text || (viewed ->> 'tenant_id'::text)), ('company:'::text || (viewed ->> 'company_id'::text)), ('professional:'::text || (viewed ->> 'professional_id'::text))];
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.notification_types_of_guarding()
 RETURNS text[]
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
 SET search_path TO 'pg_catalog', 'pg_temp'
RETURN ARRAY['shift_assigned'::text, 'shift_released'::text, 'shift_cancelled'::text, 'shift_changed'::text, 'shift_late'::text, 'shift_no_show'::text, 'guard_suspended'::text, 'correction_proposed'::text, 'correction_accepted'::text, 'correction_refused'::text, 'correction_imposed'::text, 'certificate_expiring'::text, 'payments_stale'::text, 'timesheet_approved'::text, 'timesheet_disputed'::text, 'timesheet_countered'::text, 'timesheet_resolved'::text, 'pay_period_closed'::text, 'statement_made'::text, 'statement_corrected'::text, 'payout_completed'::text, 'payout_failed'::text, 'payout_refunded'::text];
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.audience_of_shifts(viewed jsonb, at timestamp with time zone)
 RETURNS text[]
 LANGUAGE sql
 STABLE PARALLEL SAFE
 SET search_path TO 'pg_catalog', 'pg_temp'
RETURN ARRAY[('admins:'::text || (viewed ->> 'tenant_id'::text)), ('company:'::text || (viewed ->> 'company_id'::text)), CASE WHEN ((viewed ->> 'status'::text) <> 'draft'::text) THEN ('client:'::text || (viewed ->> 'client_id'::text)) ELSE NULL::text END, ('professional:'::text || (viewed ->> 'professional_id'::text)), CASE WHEN (((viewed ->> 'status'::text) = 'published'::text) AND ((at IS NULL) OR (((viewed ->> 'start_datetime'::text))::timestamp with time zone > at))) THEN ('guards:'::text || (viewed ->> 'tenant_id'::text)) ELSE NULL::text END];
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.audience_of_assignments(viewed jsonb, at timestamp with time zone)
 RETURNS text[]
 LANGUAGE sql
 STABLE PARALLEL SAFE
 SET search_path TO 'pg_catalog', 'pg_temp'
RETURN ARRAY[('admins:'::text || (viewed ->> 'tenant_id'::text)), ('company:'::text || (viewed ->> 'company_id'::text)), ('professional:'::text || (viewed ->> 'professional_id'::text))];
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.audience_of_corrections(viewed jsonb, at timestamp with time zone)
 RETURNS text[]
 LANGUAGE sql
 STABLE PARALLEL SAFE
 SET search_path TO 'pg_catalog', 'pg_temp'
RETURN ARRAY[('admins:'::text || (viewed ->> 'tenant_id'::text)), ('company:'::text || (viewed ->> 'company_id'::text)), ('professional:'::text || (viewed ->> 'professional_id'::text))];
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.audience_of_timesheets(viewed jsonb, at timestamp with time zone)
 RETURNS text[]
 LANGUAGE sql
 STABLE PARALLEL SAFE
 SET search_path TO 'pg_catalog', 'pg_temp'
RETURN ARRAY[('admins:'::text || (viewed ->> 'tenant_id'::text)), ('company:'::text || (viewed ->> 'company_id'::text)), ('client:'::text || (viewed ->> 'client_id'::text)), ('professional:'::text || (viewed ->> 'professional_id'::text))];
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.audience_of_timesheet_lines(viewed jsonb, at timestamp with time zone)
 RETURNS text[]
 LANGUAGE sql
 STABLE PARALLEL SAFE
 SET search_path TO 'pg_catalog', 'pg_temp'
RETURN ARRAY[('admins:'::text || (viewed ->> 'tenant_id'::text)), ('company:'::text || (viewed ->> 'company_id'::text)), ('professional:'::text || (viewed ->> 'professional_id'::text))];
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.audience_of_timesheet_steps(viewed jsonb, at timestamp with time zone)
 RETURNS text[]
 LANGUAGE sql
 STABLE PARALLEL SAFE
 SET search_path TO 'pg_catalog', 'pg_temp'
RETURN ARRAY[('admins:'::text || (viewed ->> 'tenant_id'::text)), ('company:'::text || (viewed ->> 'company_id'::text)), ('professional:'::text || (viewed ->> 'professional_id'::text))];
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.codes_of_freight()
 RETURNS jsonb
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
 SET search_path TO 'pg_catalog', 'pg_temp'
RETURN jsonb_build_object('load_not_open', 'MU400', 'load_state', 'MU401', 'driver_overlap', 'MU402', 'truck_overlap', 'MU403', 'trailer_overlap', 'MU404', 'driver_in_use', 'MU405', 'equipment_in_use', 'MU406', 'broker_in_use', 'MU407', 'document_in_use', 'MU408', 'driver_inactive', 'MU410', 'license_expired', 'MU411', 'equipment_out_of_service', 'MU412', 'inspection_expired', 'MU413', 'leg_outside_load', 'MU414', 'stops_invalid', 'MU415', 'stop_in_future', 'MU416', 'license_missing', 'MU417', 'medical_card_missing', 'MU418', 'medical_card_expired', 'MU419', 'hours_of_service', 'MU420', 'duty_in_future', 'MU421', 'duty_id_conflict', 'MU422', 'too_many_duty_changes', 'MU423', 'duty_edit_decided', 'MU424', 'duty_edit_open', 'MU425', 'too_many_duty_edits', 'MU426', 'load_not_driven', 'MU427', 'outside_load_window', 'MU428', 'too_many_stop_events', 'MU429', 'driver_position_unknown', 'MU430', 'driver_statement_state', 'MU440', 'statement_in_future', 'MU441');
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.audience_of_load_assignments(viewed jsonb, at timestamp with time zone)
 RETURNS text[]
 LANGUAGE sql
 STABLE PARALLEL SAFE
 SET search_path TO 'pg_catalog', 'pg_temp'
RETURN ARRAY[('admins:'::text || (viewed ->> 'tenant_id'::text)), ('carrier:'::text || (viewed ->> 'organization_id'::text)), ('driver:'::text || (viewed ->> 'driver_id'::text)), ('driver:'::text || (viewed ->> 'co_driver_id'::text))];
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.audience_of_load_stops(viewed jsonb, at timestamp with time zone)
 RETURNS text[]
 LANGUAGE sql
 STABLE PARALLEL SAFE
 SET search_path TO 'pg_catalog', 'pg_temp'
RETURN (ARRAY[('admins:'::text || (viewed ->> 'tenant_id'::text)), ('carrier:'::text || (viewed ->> 'organization_id'::text)), ('broker:'::text || (viewed ->> 'broker_organization_id'::text))] || ARRAY(SELECT ('driver:'::text || d.id) FROM jsonb_array_elements_text((audience_of_load_stops.viewed -> 'driver_ids'::text)) d(id)));
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.audience_of_loads(viewed jsonb, at timestamp with time zone)
 RETURNS text[]
 LANGUAGE sql
 STABLE PARALLEL SAFE
 SET search_path TO 'pg_catalog', 'pg_temp'
RETURN (ARRAY[('admins:'::text || (viewed ->> 'tenant_id'::text)), ('carrier:'::text || (viewed ->> 'organization_id'::text)), ('broker:'::text || (viewed ->> 'broker_organization_id'::text))] || ARRAY(SELECT ('driver:'::text || d.id) FROM jsonb_array_elements_text((audience_of_loads.viewed -> 'driver_ids'::text)) d(id)));
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.notification_types_of_freight()
 RETURNS text[]
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
 SET search_path TO 'pg_catalog', 'pg_temp'
RETURN ARRAY['load_assigned'::text, 'load_unassigned'::text, 'load_changed'::text, 'load_cancelled'::text, 'load_driver_suspended'::text, 'driver_document_expiring'::text];
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.audience_of_pay_periods(viewed jsonb, at timestamp with time zone)
 RETURNS text[]
 LANGUAGE sql
 STABLE PARALLEL SAFE
 SET search_path TO 'pg_catalog', 'pg_temp'
RETURN ARRAY[('admins:'::text || (viewed ->> 'tenant_id'::text)), ('company:'::text || (viewed ->> 'company_id'::text))];
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.audience_of_payouts(viewed jsonb, at timestamp with time zone)
 RETURNS text[]
 LANGUAGE sql
 STABLE PARALLEL SAFE
 SET search_path TO 'pg_catalog', 'pg_temp'
RETURN ARRAY[('admins:'::text || (viewed ->> 'tenant_id'::text)), ('company:'::text || (viewed ->> 'company_id'::text)), ('professional:'::text || (viewed ->> 'professional_id'::text))];
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.audience_of_statements(viewed jsonb, at timestamp with time zone)
 RETURNS text[]
 LANGUAGE sql
 STABLE PARALLEL SAFE
 SET search_path TO 'pg_catalog', 'pg_temp'
RETURN ARRAY[('admins:'::text || (viewed ->> 'tenant_id'::text)), ('company:'::text || (viewed ->> 'company_id'::text)), ('professional:'::text || (viewed ->> 'professional_id'::text))];
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.audience_of_statement_lines(viewed jsonb, at timestamp with time zone)
 RETURNS text[]
 LANGUAGE sql
 STABLE PARALLEL SAFE
 SET search_path TO 'pg_catalog', 'pg_temp'
RETURN ARRAY[('admins:'::text || (viewed ->> 'tenant_id'::text)), ('company:'::text || (viewed ->> 'company_id'::text)), ('professional:'::text || (viewed ->> 'professional_id'::text))];
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.audience_of_driver_documents(viewed jsonb, at timestamp with time zone)
 RETURNS text[]
 LANGUAGE sql
 STABLE PARALLEL SAFE
 SET search_path TO 'pg_catalog', 'pg_temp'
RETURN ARRAY[('admins:'::text || (viewed ->> 'tenant_id'::text)), ('carrier:'::text || (viewed ->> 'organization_id'::text)), ('driver:'::text || (viewed ->> 'driver_id'::text))];
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.audience_of_duty_status_edits(viewed jsonb, at timestamp with time zone)
 RETURNS text[]
 LANGUAGE sql
 STABLE PARALLEL SAFE
 SET search_path TO 'pg_catalog', 'pg_temp'
RETURN ARRAY[('admins:'::text || (viewed ->> 'tenant_id'::text)), ('carrier:'::text || (viewed ->> 'organization_id'::text)), ('driver:'::text || (viewed ->> 'driver_id'::text))];
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.audience_of_duty_status_changes(viewed jsonb, at timestamp with time zone)
 RETURNS text[]
 LANGUAGE sql
 STABLE PARALLEL SAFE
 SET search_path TO 'pg_catalog', 'pg_temp'
RETURN ARRAY[('admins:'::text || (viewed ->> 'tenant_id'::text)), ('carrier:'::text || (viewed ->> 'organization_id'::text)), ('driver:'::text || (viewed ->> 'driver_id'::text))];
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.audience_of_driver_payments(viewed jsonb, at timestamp with time zone)
 RETURNS text[]
 LANGUAGE sql
 STABLE PARALLEL SAFE
 SET search_path TO 'pg_catalog', 'pg_temp'
RETURN ARRAY[('admins:'::text || (viewed ->> 'tenant_id'::text)), ('office:'::text || (viewed ->> 'organization_id'::text)), ('driver:'::text || (viewed ->> 'driver_id'::text))];
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.audience_of_driver_statements(viewed jsonb, at timestamp with time zone)
 RETURNS text[]
 LANGUAGE sql
 STABLE PARALLEL SAFE
 SET search_path TO 'pg_catalog', 'pg_temp'
RETURN ARRAY[('admins:'::text || (viewed ->> 'tenant_id'::text)), ('office:'::text || (viewed ->> 'organization_id'::text)), ('driver:'::text || (viewed ->> 'driver_id'::text))];
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.audience_of_stop_events(viewed jsonb, at timestamp with time zone)
 RETURNS text[]
 LANGUAGE sql
 STABLE PARALLEL SAFE
 SET search_path TO 'pg_catalog', 'pg_temp'
RETURN ARRAY[('admins:'::text || (viewed ->> 'tenant_id'::text)), ('carrier:'::text || (viewed ->> 'organization_id'::text)), ('driver:'::text || (viewed ->> 'driver_id'::text)), ('broker:'::text || (viewed ->> 'broker_organization_id'::text))];
--> statement-breakpoint
CREATE TRIGGER judge BEFORE INSERT ON public.gps_checkins FOR EACH ROW EXECUTE FUNCTION muster.tg_gps_checkins__judge();
--> statement-breakpoint
revoke insert (client_id, company_id, distance_meters, is_within_radius, tenant_id, verdict) on table public.gps_checkins from muster_definer;
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1796089689_candidates_judged_at_once_rules';
