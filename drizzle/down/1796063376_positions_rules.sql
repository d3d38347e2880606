drop function muster.checkin_json(gps_checkins);
--> statement-breakpoint
drop function muster.checkin_flags(double precision);
--> statement-breakpoint
drop function muster.check_in_time_refusal(assignments,timestamp with time zone);
--> statement-breakpoint
drop function muster.is_recorded_in_future(timestamp with time zone);
--> statement-breakpoint
drop function muster.position_flags(double precision);
--> statement-breakpoint
drop function muster.position_verdict(double precision,double precision,double precision);
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
  new.verdict := case
    when new.distance_meters + new.accuracy_meters <= assignment.radius_meters and new.accuracy_meters <= most_precise then 'inside'
    when new.distance_meters - new.accuracy_meters > assignment.radius_meters then 'outside'
    else 'uncertain'
  end;
  return new;
end
$function$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.checkin_flags(accuracy_meters double precision)
 RETURNS text[]
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
RETURN array_remove(ARRAY[CASE WHEN (accuracy_meters > (1000)::double precision) THEN 'evidence'::text ELSE NULL::text END, CASE WHEN (accuracy_meters > (100)::double precision) THEN 'imprecise'::text ELSE NULL::text END], NULL::text);
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.checkin_json(checkin gps_checkins)
 RETURNS json
 LANGUAGE sql
 STABLE PARALLEL SAFE
RETURN json_build_object('id', (checkin).id, 'shift_id', (checkin).shift_id, 'assignment_id', (checkin).assignment_id, 'professional_id', (checkin).professional_id, 'kind', (checkin).kind, 'latitude', st_y(((checkin).gps_point)::geometry), 'longitude', st_x(((checkin).gps_point)::geometry), 'accuracy_meters', (checkin).accuracy_meters, 'distance_meters', (checkin).distance_meters, 'is_within_radius', (checkin).is_within_radius, 'verdict', (checkin).verdict, 'flags', muster.checkin_flags((checkin).accuracy_meters), 'recorded_at', (checkin).recorded_at, 'created_at', (checkin).created_at);
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.codes_of_platform()
 RETURNS jsonb
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
 SET search_path TO 'pg_catalog', 'pg_temp'
RETURN jsonb_build_object('forbidden', 'MU010', 'not_found', 'MU011', 'idempotency_key_reused', 'MU019', 'isolation_unsupported', 'MU020', 'too_many_idempotency_keys', 'MU031', 'answer_too_large', 'MU032');
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.codes_of_guarding()
 RETURNS jsonb
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
 SET search_path TO 'pg_catalog', 'pg_temp'
RETURN jsonb_build_object('shift_overlap', 'MU001', 'certificate_missing', 'MU002', 'certificate_expired', 'MU003', 'professional_inactive', 'MU004', 'shift_not_open', 'MU005', 'invalid_transition', 'MU006', 'outside_check_in_window', 'MU007', 'recorded_in_future', 'MU008', 'shift_not_assigned', 'MU009', 'certificate_in_use', 'MU012', 'professional_in_use', 'MU013', 'location_in_use', 'MU014', 'payment_missing', 'MU015', 'id_conflict', 'MU016', 'shift_over', 'MU021', 'daily_limit_reached', 'MU025', 'too_many_pings', 'MU030', 'professional_unavailable', 'MU300', 'shift_begun', 'MU301', 'rate_lowered', 'MU302', 'end_worked', 'MU303', 'assignment_released', 'MU330', 'correction_decided', 'MU331', 'correction_open', 'MU332', 'too_many_corrections', 'MU333', 'own_hours', 'MU340', 'timesheet_state', 'MU341', 'lines_undecided', 'MU342', 'timesheet_changed', 'MU343', 'dispute_too_late', 'MU344', 'hours_impossible', 'MU345', 'pay_period_closed', 'MU350', 'pay_period_not_over', 'MU351', 'pay_period_not_next', 'MU352', 'statement_state', 'MU353', 'payout_state', 'MU360');
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.check_in_time_refusal(assignment assignments, at_time timestamp with time zone)
 RETURNS text
 LANGUAGE sql
RETURN CASE WHEN (((assignment).ended_as = ANY (ARRAY['released'::text, 'cancelled'::text, 'stopped'::text])) AND (at_time > (assignment).ended_at)) THEN 'shift_not_assigned'::text WHEN ((at_time < ((assignment).start_datetime - '02:00:00'::interval)) OR (at_time > ((assignment).end_datetime + '12:00:00'::interval))) THEN 'outside_check_in_window'::text WHEN (at_time > (clock_timestamp() + '00:05:00'::interval)) THEN 'recorded_in_future'::text ELSE NULL::text END;
--> statement-breakpoint
revoke execute on function muster.checkin_json(gps_checkins) from public;
--> statement-breakpoint
revoke execute on function muster.check_in_time_refusal(assignments,timestamp with time zone) from public;
--> statement-breakpoint
revoke execute on function muster.checkin_flags(double precision) from public;
--> statement-breakpoint
grant execute on function muster.check_in_time_refusal(assignments,timestamp with time zone) to muster_definer;
--> statement-breakpoint
grant execute on function muster.checkin_flags(double precision) to authenticated, muster_definer;
--> statement-breakpoint
grant execute on function muster.checkin_json(gps_checkins) to authenticated;
--> statement-breakpoint
comment on function muster.checkin_json(gps_checkins) is 'A check-in in the form of the API.';
--> statement-breakpoint
comment on function muster.check_in_time_refusal(assignments,timestamp with time zone) is 'The code that refuses a check-in at that device time; null for none.';
--> statement-breakpoint
comment on function muster.checkin_flags(double precision) is 'What a position with that accuracy is marked as: imprecise over 100 m; over 1,000 m evidence, which moves nothing.';
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1796055850_driver_pay_rules';
