drop trigger judge on public.gps_checkins;
--> statement-breakpoint
-- RFC 9562, section 5.7: 48 bits of Unix time in milliseconds, then version and variant, the rest random.
create or replace function muster.uuid_v7() returns uuid
language plpgsql
volatile
parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  return encode(
    set_bit(
      set_bit(
        overlay(
          uuid_send(gen_random_uuid())
          placing substring(int8send((extract(epoch from clock_timestamp()) * 1000)::bigint) from 3)
          from 1 for 6
        ),
        52, 1
      ),
      53, 1
    ),
    'hex'
  )::uuid;
end
$$;
--> statement-breakpoint
create or replace function muster.codes_of_platform() returns jsonb
language plpgsql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  return jsonb_build_object(
    'recorded_in_future', 'MU008',
    'forbidden', 'MU010',
    'not_found', 'MU011',
    'id_conflict', 'MU016',
    'idempotency_key_reused', 'MU019',
    'isolation_unsupported', 'MU020',
    'too_many_idempotency_keys', 'MU031',
    'answer_too_large', 'MU032'
  );
end
$$;
--> statement-breakpoint
create or replace function muster.codes_of_people() returns jsonb
language plpgsql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  return jsonb_build_object(
    'invitation_invalid', 'MU017',
    'already_registered', 'MU018',
    'user_ended', 'MU210'
  );
end
$$;
--> statement-breakpoint
create or replace function muster.audience_of_notifications(viewed jsonb, at timestamptz) returns text[]
language plpgsql
stable
parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  return array[
    'admins:' || (viewed ->> 'tenant_id'),
    'user:' || (viewed ->> 'user_id')
  ];
end
$$;
--> statement-breakpoint
create or replace function muster.audience_of_assignments(viewed jsonb, at timestamptz) returns text[]
language plpgsql
stable
parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  return array[
    'admins:' || (viewed ->> 'tenant_id'),
    'company:' || (viewed ->> 'company_id'),
    'professional:' || (viewed ->> 'professional_id')
  ];
end
$$;
--> statement-breakpoint
create or replace function muster.audience_of_shift_briefings(viewed jsonb, at timestamptz) returns text[]
language plpgsql
stable
parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  return array[
    'admins:' || (viewed ->> 'tenant_id'),
    'company:' || (viewed ->> 'company_id'),
    'client:' || (viewed ->> 'client_id'),
    'professional:' || (viewed ->> 'professional_id')
  ];
end
$$;
--> statement-breakpoint
create or replace function muster.audience_of_gps_checkins(viewed jsonb, at timestamptz) returns text[]
language plpgsql
stable
parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  return array[
    'admins:' || (viewed ->> 'tenant_id'),
    'company:' || (viewed ->> 'company_id'),
    'client:' || (viewed ->> 'client_id'),
    'professional:' || (viewed ->> 'professional_id')
  ];
end
$$;
--> statement-breakpoint
create or replace function muster.tg_gps_checkins__judge() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, extensions, public, pg_temp
as $$
declare
  -- Not the whole row: it has thirty columns, and each costs in each statement.
  shift record;
  assignment public.assignments;
  refusal text;
  by_caller constant boolean := muster.acts_for_caller();
begin
  select s.id, s.tenant_id, s.company_id, s.client_id, s.professional_id, s.location_point, s.deleted_at into shift
  from public.shifts s
  where s.id = new.shift_id
  for no key update;
  -- Callers may not name the professional: muster.store_check_in does, who looked them up.
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
      muster.check_in_refusal((select s from public.shifts s where s.id = shift.id), assignment, by_caller),
      muster.check_in_time_refusal(assignment, new.recorded_at)
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
$$;
--> statement-breakpoint
create or replace function muster.store_check_ins(
  check_in_ids uuid[], at_shifts uuid[], kinds text[], at_points geography[], accuracies float8[], at_times timestamptz[]
) returns text[]
language plpgsql
volatile
security definer
set search_path = pg_catalog, extensions, public, pg_temp
as $$
declare
  caller constant uuid := muster.professional_id();
  most_pings constant integer := muster.most_pings_a_minute();
  outcomes text[];
begin
  -- Before anything is judged, and in one order for everybody. Of others' shifts there is nothing to wait for.
  perform from public.shifts s
  where s.id in (
    select a.shift_id from public.assignments a where a.shift_id = any (at_shifts) and a.professional_id = caller
  )
  order by s.id
  for no key update;

  -- The trigger judges one row; this judges all of them at once, by the same functions, and the trigger lets them pass. What a rule
  -- refuses is told from the rest by a value. An exception for each would be a subtransaction for each: a refused item would cost many
  -- times as much, for everybody else on the server, too.
  with judged as materialized (
    select
      g.*,
      date_trunc('minute', g.recorded_at, 'UTC') as minute,
      s.tenant_id, s.company_id, s.client_id, s.location_point,
      a.id as assignment_id, a.radius_meters,
      case
        when s.id is null or s.deleted_at is not null or a.id is null then muster.check_in_refusal(s, a, true)
        else muster.check_in_time_refusal(a, g.recorded_at)
      end as refusal
    from unnest(check_in_ids, at_shifts, kinds, at_points, accuracies, at_times) with ordinality
      as g (id, shift_id, kind, gps_point, accuracy_meters, recorded_at, nth)
    left join public.shifts s on s.id = g.shift_id
    -- As muster.assignment_at, without a call for each row.
    left join lateral (
      select a.*
      from public.assignments a
      where a.shift_id = g.shift_id and a.professional_id = caller
      order by
        g.recorded_at between a.begun_at and coalesce(a.ended_at, 'infinity') desc, a.ended_at is null desc, a.begun_at desc
      limit 1
    ) a on true
    -- Others were stored since the caller looked, by another request with the same items.
    where not exists (select from public.gps_checkins c where c.id = g.id and c.professional_id = caller)
  ), ranked as (
    select
      j.*,
      dense_rank() over the_minute as nth_ping,
      row_number() over the_minute = 1 as is_first
    from judged j
    window the_minute as (partition by j.shift_id, j.minute, j.refusal is null and j.kind = 'ping' order by j.id)
  ), counted as (
    -- How many the minute has already is asked once for each.
    select
      r.*,
      r.nth_ping + max(
        case when r.is_first and r.refusal is null and r.kind = 'ping' then muster.pings_in_minute(r.shift_id, caller, r.minute) end
      ) over (partition by r.shift_id, r.minute, r.refusal is null and r.kind = 'ping') as pings
    from ranked r
  ), given as materialized (
    -- Of several with one id the first that is good is stored.
    select o.*, row_number() over (partition by o.id, o.outcome order by o.nth) as copy
    from (
      select c.*, coalesce(c.refusal, case when c.pings > most_pings then 'too_many_pings' end) as outcome
      from counted c
    ) o
  ), stored as (
    insert into public.gps_checkins as c (
      id, tenant_id, company_id, client_id, shift_id, assignment_id, professional_id, kind, gps_point, accuracy_meters,
      distance_meters, is_within_radius, verdict, recorded_at
    )
    select
      g.id, g.tenant_id, g.company_id, g.client_id, g.shift_id, g.assignment_id, caller, g.kind, g.gps_point, g.accuracy_meters,
      exact.distance, exact.distance <= g.radius_meters,
      muster.position_verdict(exact.distance, g.accuracy_meters, g.radius_meters), g.recorded_at
    from given g
    cross join lateral (select st_distance(g.gps_point, g.location_point) as distance offset 0) exact
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
    order by n.nth
  ) into outcomes
  from generate_series(1, cardinality(check_in_ids)) as n (nth)
  left join given g using (nth);
  return outcomes;
end
$$;
--> statement-breakpoint
-- What muster.store_check_ins judged has its verdict already. Nobody else may be muster_definer.
create or replace trigger judge before insert on public.gps_checkins
  for each row when (new.verdict is null or current_user <> 'muster_definer')
  execute function muster.tg_gps_checkins__judge();
--> statement-breakpoint
create or replace function muster.codes_of_guarding() returns jsonb
language plpgsql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  return jsonb_build_object(
    'shift_overlap', 'MU001',
    'certificate_missing', 'MU002',
    'certificate_expired', 'MU003',
    'professional_inactive', 'MU004',
    'shift_not_open', 'MU005',
    'invalid_transition', 'MU006',
    'outside_check_in_window', 'MU007',
    'shift_not_assigned', 'MU009',
    'certificate_in_use', 'MU012',
    'professional_in_use', 'MU013',
    'location_in_use', 'MU014',
    'payment_missing', 'MU015',
    'shift_over', 'MU021',
    'daily_limit_reached', 'MU025',
    'too_many_pings', 'MU030',
    'professional_unavailable', 'MU300',
    'shift_begun', 'MU301',
    'rate_lowered', 'MU302',
    'end_worked', 'MU303',
    'assignment_released', 'MU330',
    'correction_decided', 'MU331',
    'correction_open', 'MU332',
    'too_many_corrections', 'MU333',
    'own_hours', 'MU340',
    'timesheet_state', 'MU341',
    'lines_undecided', 'MU342',
    'timesheet_changed', 'MU343',
    'dispute_too_late', 'MU344',
    'hours_impossible', 'MU345',
    'pay_period_closed', 'MU350',
    'pay_period_not_over', 'MU351',
    'pay_period_not_next', 'MU352',
    'statement_state', 'MU353',
    'payout_state', 'MU360'
  );
end
$$;
--> statement-breakpoint
create or replace function muster.audience_of_corrections(viewed jsonb, at timestamptz) returns text[]
language plpgsql
stable
parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  return array[
    'admins:' || (viewed ->> 'tenant_id'),
    'company:' || (viewed ->> 'company_id'),
    'professional:' || (viewed ->> 'professional_id')
  ];
end
$$;
--> statement-breakpoint
create or replace function muster.audience_of_incidents(viewed jsonb, at timestamptz) returns text[]
language plpgsql
stable
parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  return array[
    'admins:' || (viewed ->> 'tenant_id'),
    'company:' || (viewed ->> 'company_id'),
    'client:' || (viewed ->> 'client_id'),
    'user:' || (viewed ->> 'reported_by')
  ];
end
$$;
--> statement-breakpoint
create or replace function muster.audience_of_pay_periods(viewed jsonb, at timestamptz) returns text[]
language plpgsql
stable
parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  return array[
    'admins:' || (viewed ->> 'tenant_id'),
    'company:' || (viewed ->> 'company_id')
  ];
end
$$;
--> statement-breakpoint
create or replace function muster.audience_of_finqle_transactions(viewed jsonb, at timestamptz) returns text[]
language plpgsql
stable
parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  return array[
    'admins:' || (viewed ->> 'tenant_id'),
    'company:' || (viewed ->> 'company_id'),
    'professional:' || (viewed ->> 'professional_id')
  ];
end
$$;
--> statement-breakpoint
create or replace function muster.audience_of_payouts(viewed jsonb, at timestamptz) returns text[]
language plpgsql
stable
parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  return array[
    'admins:' || (viewed ->> 'tenant_id'),
    'company:' || (viewed ->> 'company_id'),
    'professional:' || (viewed ->> 'professional_id')
  ];
end
$$;
--> statement-breakpoint
create or replace function muster.notification_types_of_guarding() returns text[]
language plpgsql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  return array[
    'shift_assigned', 'shift_released', 'shift_cancelled', 'shift_changed', 'shift_late', 'shift_no_show', 'guard_suspended', 'correction_proposed',
    'correction_accepted', 'correction_refused', 'correction_imposed', 'certificate_expiring', 'payments_stale',
    'timesheet_approved', 'timesheet_disputed', 'timesheet_countered', 'timesheet_resolved', 'pay_period_closed', 'statement_made',
    'statement_corrected', 'payout_completed', 'payout_failed', 'payout_refunded'
  ];
end
$$;
--> statement-breakpoint
create or replace function muster.audience_of_shifts(viewed jsonb, at timestamptz) returns text[]
language plpgsql
stable
parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  return array[
    'admins:' || (viewed ->> 'tenant_id'),
    'company:' || (viewed ->> 'company_id'),
    case when viewed ->> 'status' <> 'draft' then 'client:' || (viewed ->> 'client_id') end,
    'professional:' || (viewed ->> 'professional_id'),
    case when viewed ->> 'status' = 'published' and (at is null or (viewed ->> 'start_datetime')::timestamptz > at) then
      'guards:' || (viewed ->> 'tenant_id')
    end
  ];
end
$$;
--> statement-breakpoint
create or replace function muster.audience_of_statements(viewed jsonb, at timestamptz) returns text[]
language plpgsql
stable
parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  return array[
    'admins:' || (viewed ->> 'tenant_id'),
    'company:' || (viewed ->> 'company_id'),
    'professional:' || (viewed ->> 'professional_id')
  ];
end
$$;
--> statement-breakpoint
create or replace function muster.audience_of_statement_lines(viewed jsonb, at timestamptz) returns text[]
language plpgsql
stable
parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  return array[
    'admins:' || (viewed ->> 'tenant_id'),
    'company:' || (viewed ->> 'company_id'),
    'professional:' || (viewed ->> 'professional_id')
  ];
end
$$;
--> statement-breakpoint
create or replace function muster.audience_of_timesheets(viewed jsonb, at timestamptz) returns text[]
language plpgsql
stable
parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  return array[
    'admins:' || (viewed ->> 'tenant_id'),
    'company:' || (viewed ->> 'company_id'),
    'client:' || (viewed ->> 'client_id'),
    'professional:' || (viewed ->> 'professional_id')
  ];
end
$$;
--> statement-breakpoint
create or replace function muster.audience_of_timesheet_lines(viewed jsonb, at timestamptz) returns text[]
language plpgsql
stable
parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  return array[
    'admins:' || (viewed ->> 'tenant_id'),
    'company:' || (viewed ->> 'company_id'),
    'professional:' || (viewed ->> 'professional_id')
  ];
end
$$;
--> statement-breakpoint
create or replace function muster.audience_of_timesheet_steps(viewed jsonb, at timestamptz) returns text[]
language plpgsql
stable
parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  return array[
    'admins:' || (viewed ->> 'tenant_id'),
    'company:' || (viewed ->> 'company_id'),
    'professional:' || (viewed ->> 'professional_id')
  ];
end
$$;
--> statement-breakpoint
create or replace function muster.codes_of_freight() returns jsonb
language plpgsql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  return jsonb_build_object(
    'load_not_open', 'MU400',
    'load_state', 'MU401',
    'driver_overlap', 'MU402',
    'truck_overlap', 'MU403',
    'trailer_overlap', 'MU404',
    'driver_in_use', 'MU405',
    'equipment_in_use', 'MU406',
    'broker_in_use', 'MU407',
    'document_in_use', 'MU408',
    'driver_inactive', 'MU410',
    'license_expired', 'MU411',
    'equipment_out_of_service', 'MU412',
    'inspection_expired', 'MU413',
    'leg_outside_load', 'MU414',
    'stops_invalid', 'MU415',
    'stop_in_future', 'MU416',
    'license_missing', 'MU417',
    'medical_card_missing', 'MU418',
    'medical_card_expired', 'MU419',
    'hours_of_service', 'MU420',
    'duty_in_future', 'MU421',
    'duty_id_conflict', 'MU422',
    'too_many_duty_changes', 'MU423',
    'duty_edit_decided', 'MU424',
    'duty_edit_open', 'MU425',
    'too_many_duty_edits', 'MU426',
    'load_not_driven', 'MU427',
    'outside_load_window', 'MU428',
    'too_many_stop_events', 'MU429',
    'driver_position_unknown', 'MU430',
    'driver_statement_state', 'MU440',
    'statement_in_future', 'MU441'
  );
end
$$;
--> statement-breakpoint
create or replace function muster.audience_of_driver_documents(viewed jsonb, at timestamptz) returns text[]
language plpgsql
stable
parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  return array[
    'admins:' || (viewed ->> 'tenant_id'),
    'carrier:' || (viewed ->> 'organization_id'),
    'driver:' || (viewed ->> 'driver_id')
  ];
end
$$;
--> statement-breakpoint
create or replace function muster.audience_of_driver_payments(viewed jsonb, at timestamptz) returns text[]
language plpgsql
stable
parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  return array[
    'admins:' || (viewed ->> 'tenant_id'),
    'office:' || (viewed ->> 'organization_id'),
    'driver:' || (viewed ->> 'driver_id')
  ];
end
$$;
--> statement-breakpoint
create or replace function muster.audience_of_driver_statements(viewed jsonb, at timestamptz) returns text[]
language plpgsql
stable
parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  return array[
    'admins:' || (viewed ->> 'tenant_id'),
    'office:' || (viewed ->> 'organization_id'),
    'driver:' || (viewed ->> 'driver_id')
  ];
end
$$;
--> statement-breakpoint
create or replace function muster.audience_of_duty_status_edits(viewed jsonb, at timestamptz) returns text[]
language plpgsql
stable
parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  return array[
    'admins:' || (viewed ->> 'tenant_id'),
    'carrier:' || (viewed ->> 'organization_id'),
    'driver:' || (viewed ->> 'driver_id')
  ];
end
$$;
--> statement-breakpoint
create or replace function muster.audience_of_duty_status_changes(viewed jsonb, at timestamptz) returns text[]
language plpgsql
stable
parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  return array[
    'admins:' || (viewed ->> 'tenant_id'),
    'carrier:' || (viewed ->> 'organization_id'),
    'driver:' || (viewed ->> 'driver_id')
  ];
end
$$;
--> statement-breakpoint
create or replace function muster.audience_of_load_assignments(viewed jsonb, at timestamptz) returns text[]
language plpgsql
stable
parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  return array[
    'admins:' || (viewed ->> 'tenant_id'),
    'carrier:' || (viewed ->> 'organization_id'),
    'driver:' || (viewed ->> 'driver_id'),
    'driver:' || (viewed ->> 'co_driver_id')
  ];
end
$$;
--> statement-breakpoint
create or replace function muster.audience_of_load_stops(viewed jsonb, at timestamptz) returns text[]
language plpgsql
stable
parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  return array[
    'admins:' || (viewed ->> 'tenant_id'),
    'carrier:' || (viewed ->> 'organization_id'),
    'broker:' || (viewed ->> 'broker_organization_id')
  ] || array(select 'driver:' || d.id from jsonb_array_elements_text(viewed -> 'driver_ids') as d (id));
end
$$;
--> statement-breakpoint
create or replace function muster.audience_of_loads(viewed jsonb, at timestamptz) returns text[]
language plpgsql
stable
parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  return array[
    'admins:' || (viewed ->> 'tenant_id'),
    'carrier:' || (viewed ->> 'organization_id'),
    'broker:' || (viewed ->> 'broker_organization_id')
  ] || array(select 'driver:' || d.id from jsonb_array_elements_text(viewed -> 'driver_ids') as d (id));
end
$$;
--> statement-breakpoint
create or replace function muster.notification_types_of_freight() returns text[]
language plpgsql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  return array['load_assigned', 'load_unassigned', 'load_changed', 'load_cancelled', 'load_driver_suspended', 'driver_document_expiring'];
end
$$;
--> statement-breakpoint
create or replace function muster.audience_of_stop_events(viewed jsonb, at timestamptz) returns text[]
language plpgsql
stable
parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  return array[
    'admins:' || (viewed ->> 'tenant_id'),
    'carrier:' || (viewed ->> 'organization_id'),
    'driver:' || (viewed ->> 'driver_id'),
    'broker:' || (viewed ->> 'broker_organization_id')
  ];
end
$$;
--> statement-breakpoint
grant insert (client_id, company_id, distance_meters, is_within_radius, tenant_id, verdict) on table public.gps_checkins to muster_definer;
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1796092292_plans_are_kept';
