alter publication supabase_realtime drop table public.loads;
--> statement-breakpoint
alter publication supabase_realtime drop table public.duty_status_changes;
--> statement-breakpoint
alter publication supabase_realtime drop table public.duty_status_edits;
--> statement-breakpoint
drop policy duty_status_changes_create on public.duty_status_changes;
--> statement-breakpoint
drop policy duty_status_changes_read on public.duty_status_changes;
--> statement-breakpoint
drop policy internal on public.duty_status_changes;
--> statement-breakpoint
drop policy duty_status_edits_read on public.duty_status_edits;
--> statement-breakpoint
drop policy internal on public.duty_status_edits;
--> statement-breakpoint
drop trigger a_keep on public.duty_status_changes;
--> statement-breakpoint
drop trigger a_place on public.duty_status_changes;
--> statement-breakpoint
drop trigger note_departure_on_update on public.duty_status_changes;
--> statement-breakpoint
drop trigger note_departure_on_delete on public.duty_status_changes;
--> statement-breakpoint
drop trigger z_stamp_change on public.duty_status_changes;
--> statement-breakpoint
drop trigger a_keep on public.duty_status_edits;
--> statement-breakpoint
drop trigger a_check on public.duty_status_edits;
--> statement-breakpoint
drop trigger note_departure_on_update on public.duty_status_edits;
--> statement-breakpoint
drop trigger note_departure_on_delete on public.duty_status_edits;
--> statement-breakpoint
drop trigger z_stamp_change on public.duty_status_edits;
--> statement-breakpoint
drop trigger updated_at on public.duty_status_edits;
--> statement-breakpoint
drop trigger c_name_time_zone_on_update on public.drivers;
--> statement-breakpoint
drop trigger c_name_time_zone_on_insert on public.drivers;
--> statement-breakpoint
drop function muster.hours_of_service(uuid,timestamp with time zone);
--> statement-breakpoint
drop function muster.hours_of_drivers(uuid[],timestamp with time zone);
--> statement-breakpoint
drop function muster.least_span_of_load(loads,text,text);
--> statement-breakpoint
drop function muster.least_driving_span(text,jsonb,bigint);
--> statement-breakpoint
drop function muster.hours_left(text,text,text,text[],bigint[],bigint);
--> statement-breakpoint
drop function muster.hours_left_eu_561(jsonb,text,text[],bigint[],bigint);
--> statement-breakpoint
drop function muster.hours_left_us_property(jsonb,text,text,text[],bigint[],bigint);
--> statement-breakpoint
drop function muster.midnight_of(date,text);
--> statement-breakpoint
drop function muster.limits_of(text,date);
--> statement-breakpoint
drop function muster.hours_of_service_rules();
--> statement-breakpoint
drop function muster.duty_log(uuid,timestamp with time zone,timestamp with time zone);
--> statement-breakpoint
drop function muster.record_duty_statuses(jsonb);
--> statement-breakpoint
drop function muster.tg_duty_status_changes__keep();
--> statement-breakpoint
drop function muster.tg_duty_status_changes__place();
--> statement-breakpoint
drop function muster.duty_changes_of_day(uuid,timestamp with time zone);
--> statement-breakpoint
drop function muster.most_duty_changes_a_day();
--> statement-breakpoint
drop function muster.is_duty_in_future(timestamp with time zone);
--> statement-breakpoint
drop function muster.seen_of_duty_status_changes(jsonb);
--> statement-breakpoint
drop function muster.audience_of_duty_status_changes(jsonb,timestamp with time zone);
--> statement-breakpoint
drop function muster.tg_duty_status_edits__keep();
--> statement-breakpoint
drop function muster.tg_duty_status_edits__check();
--> statement-breakpoint
drop function muster.decide_duty_edit(uuid,text);
--> statement-breakpoint
drop function muster.propose_duty_edit(uuid,text,uuid,text,timestamp with time zone,text);
--> statement-breakpoint
drop function muster.side_of_log(uuid,uuid,uuid);
--> statement-breakpoint
drop function muster.duty_edit_json(duty_status_edits);
--> statement-breakpoint
drop function muster.seen_of_duty_status_edits(jsonb);
--> statement-breakpoint
drop function muster.audience_of_duty_status_edits(jsonb,timestamp with time zone);
--> statement-breakpoint
drop function muster.tg_drivers__name_time_zone();
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.codes_of_freight()
 RETURNS jsonb
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
 SET search_path TO 'pg_catalog', 'pg_temp'
RETURN jsonb_build_object('load_not_open', 'MU400', 'load_state', 'MU401', 'driver_overlap', 'MU402', 'truck_overlap', 'MU403', 'trailer_overlap', 'MU404', 'driver_in_use', 'MU405', 'equipment_in_use', 'MU406', 'broker_in_use', 'MU407', 'document_in_use', 'MU408', 'driver_inactive', 'MU410', 'license_expired', 'MU411', 'equipment_out_of_service', 'MU412', 'inspection_expired', 'MU413', 'leg_outside_load', 'MU414', 'stops_invalid', 'MU415', 'stop_in_future', 'MU416', 'license_missing', 'MU417', 'medical_card_missing', 'MU418', 'medical_card_expired', 'MU419');
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.planned_leg(leg load_assignments, load loads)
 RETURNS load_assignments
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  leg.tenant_id := load.tenant_id;
  leg.organization_id := load.organization_id;
  leg.starts_at := coalesce(leg.leg_starts_at, load.starts_at);
  leg.ends_at := coalesce(leg.leg_ends_at, load.ends_at);
  -- Where a leg ends is not known, and nowhere is it a later day than at UTC+14.
  leg.last_day := case
    when leg.leg_ends_at is null then load.last_day
    else least(load.last_day, (leg.leg_ends_at at time zone 'UTC' + interval '14 hours')::date)
  end;
  if leg.starts_at >= leg.ends_at or leg.starts_at < load.starts_at or leg.ends_at > load.ends_at then
    perform muster.fail('leg_outside_load', case when leg.leg_ends_at is null then 'starts_at' else 'ends_at' end);
  end if;
  return leg;
end
$function$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.load_json(load loads)
 RETURNS jsonb
 LANGUAGE sql
 STABLE PARALLEL SAFE
RETURN jsonb_build_object('id', (load).id, 'organization_id', (load).organization_id, 'broker_id', (load).broker_id, 'broker_organization_id', (load).broker_organization_id, 'dispatcher_id', (load).dispatcher_id, 'reference', (load).reference, 'status', (load).status, 'rate', (load).rate, 'distance', (load).distance, 'currency', (load).currency, 'distance_unit', (load).distance_unit, 'is_factored', (load).is_factored, 'metadata', (load).metadata, 'starts_at', (load).starts_at, 'ends_at', (load).ends_at, 'last_day', (load).last_day, 'driver_ids', (load).driver_ids, 'cancel_reason', (load).cancel_reason, 'created_at', (load).created_at, 'updated_at', (load).updated_at);
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.create_loads(items jsonb)
 RETURNS jsonb
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'extensions', 'public', 'pg_temp'
AS $function$
declare
  own constant uuid := muster.carrier_id();
  administered constant uuid := muster.admin_tenant_id();
  created jsonb;
  refused jsonb := '[]';
  answer jsonb;
  state text;
  constraint_ text;
  hint_ text;
begin
  begin
    if exists (
      select from jsonb_array_elements(items) as e (item)
      left join public.organizations o on o.id = coalesce((e.item ->> 'organization_id')::uuid, own)
      where coalesce(o.id = own or o.tenant_id = administered, false) is false
    ) then
      perform muster.fail('forbidden', 'organization_id');
    end if;
    with given as materialized (
      select muster.uuid_v7() as id, e.nth, e.item -> 'stops' as stops, i.*, w.*
      from jsonb_array_elements(items) with ordinality as e (item, nth)
      cross join lateral jsonb_to_record(e.item) as i (
        organization_id uuid, broker_id uuid, dispatcher_id uuid, reference text, rate numeric, distance numeric, currency text,
        distance_unit text, metadata jsonb
      )
      cross join lateral muster.window_of_stops(e.item -> 'stops') as w
    ), inserted as (
      insert into public.loads as l (
        id, organization_id, broker_id, dispatcher_id, reference, rate, distance, currency, distance_unit, metadata, starts_at, ends_at,
        last_day
      )
      select g.id, coalesce(g.organization_id, own), g.broker_id,
             coalesce(g.dispatcher_id, case when coalesce(g.organization_id, own) = own then muster.user_id() end),
             g.reference, g.rate, g.distance, g.currency, g.distance_unit, coalesce(g.metadata, '{}'), g.starts_at, g.ends_at, g.last_day
      from given g
      -- Brokers are locked in one order.
      order by g.broker_id, g.nth
      returning l.id, l as load
    )
    select
      coalesce(jsonb_agg(muster.load_json(i.load) order by g.nth), '[]'),
      coalesce(jsonb_agg(jsonb_build_object('load_id', g.id, 'stops', g.stops) order by g.nth), '[]')
    into created, answer
    from inserted i
    join given g on g.id = i.id;
    perform muster.insert_stops(answer);
    return jsonb_build_object('loads', created);
  exception
    when others then
      get stacked diagnostics
        state = returned_sqlstate, constraint_ = constraint_name, hint_ = pg_exception_hint;
      if not muster.is_refusal(state) then
        raise;
      end if;
  end;
  if jsonb_array_length(items) = 1 then
    return jsonb_build_object('refused', jsonb_build_array(
      jsonb_build_object('index', 0, 'sqlstate', state, 'constraint', constraint_, 'hint', hint_)
    ));
  end if;

  -- Which ones? Each is tried by itself, and what that creates is undone.
  created := '[]';
  begin
    for nth in 0 .. jsonb_array_length(items) - 1 loop
      answer := muster.create_loads(jsonb_build_array(items -> nth));
      created := created || coalesce(answer -> 'loads', '[]');
      if answer ? 'refused' then
        refused := refused || jsonb_set(answer #> '{refused,0}', '{index}', to_jsonb(nth));
      end if;
    end loop;
    if refused <> '[]' then
      raise sqlstate 'MU000';
    end if;
  exception
    when sqlstate 'MU000' then
      return jsonb_build_object('refused', refused);
  end;
  return jsonb_build_object('loads', created);
end
$function$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.driver_violations(leg load_assignments, drivers uuid[])
 RETURNS TABLE(driver_id uuid, nth integer, code text)
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return query
    select g.id, v.nth, v.code
    from unnest(drivers) as g (id)
    left join public.drivers d on d.id = g.id and d.organization_id = leg.organization_id and d.deleted_at is null
    cross join lateral (
      select 1 as nth, 'not_found' as code where d.id is null
      union all
      select 2, 'driver_inactive'
      where d.status <> 'active'
        or d.hire_date > leg.last_day
        or d.termination_date < leg.last_day
        or (d.id is not null and not exists (
          select from public.memberships m
          join public.users u on u.id = m.user_id
          where m.user_id = d.user_id and m.organization_id = d.organization_id and m.role = 'driver' and u.deleted_at is null
            and u.suspended_at is null
        ))
      union all
      select 2 + r.nth::integer, r.kind || case when c.id is null then '_missing' else '_expired' end
      from unnest(muster.required_documents()) with ordinality as r (kind, nth)
      left join public.driver_documents c on c.driver_id = d.id and c.kind = r.kind and c.is_verified and c.deleted_at is null
      where d.id is not null
        and (c.id is null or c.expiry_date < leg.last_day or (r.kind = 'license' and d.license_valid_until < leg.last_day))
      union all
      select 100, 'driver_overlap'
      where exists (
        select from muster.load_bookings b
        where b.kind = 'driver'
          and b.booked_id = d.id
          and b.assignment_id <> leg.id
          and tstzrange(b.starts_at, b.ends_at) && tstzrange(leg.starts_at, leg.ends_at)
      )
    ) v;
end
$function$;
--> statement-breakpoint
alter publication supabase_realtime add table public.loads (broker_id, broker_organization_id, cancel_reason, created_at, currency, dispatcher_id, distance, distance_unit, driver_ids, ends_at, id, is_factored, last_day, organization_id, rate, reference, starts_at, status, updated_at);
--> statement-breakpoint
alter table public.duty_status_changes disable row level security;
--> statement-breakpoint
alter table public.duty_status_changes no force row level security;
--> statement-breakpoint
alter table public.duty_status_edits disable row level security;
--> statement-breakpoint
alter table public.duty_status_edits no force row level security;
--> statement-breakpoint
revoke insert (home_time_zone, hours_cycle, hours_pack), update (home_time_zone, hours_cycle, hours_pack) on table public.drivers from authenticated;
--> statement-breakpoint
revoke select, insert (began_at, device_id, duty_point, id, recorded_at, status) on table public.duty_status_changes from authenticated;
--> statement-breakpoint
revoke select, insert (began_at, device_id, driver_id, duty_point, id, recorded_at, status) on table public.duty_status_changes from muster_definer;
--> statement-breakpoint
revoke delete, insert, select, update on table public.duty_status_changes from service_role;
--> statement-breakpoint
revoke select on table public.duty_status_edits from authenticated;
--> statement-breakpoint
revoke insert, select, update on table public.duty_status_edits from muster_definer;
--> statement-breakpoint
revoke delete, insert, select, update on table public.duty_status_edits from service_role;
--> statement-breakpoint
revoke update (driving_minutes) on table public.loads from authenticated;
--> statement-breakpoint
select muster.declare_audiences();
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1796051503_duty_statuses';
