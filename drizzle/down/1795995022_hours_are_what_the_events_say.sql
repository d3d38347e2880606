drop policy company_terms_create on public.company_terms;
--> statement-breakpoint
drop policy company_terms_read on public.company_terms;
--> statement-breakpoint
drop policy internal on public.company_terms;
--> statement-breakpoint
drop policy assignments_read on public.assignments;
--> statement-breakpoint
drop policy internal on public.assignments;
--> statement-breakpoint
drop trigger c_check_assignment_on_update on public.shifts;
--> statement-breakpoint
drop trigger shifts_assigned_has_payment on public.shifts;
--> statement-breakpoint
drop trigger move_shifts on public.locations;
--> statement-breakpoint
drop trigger b_keep_promises on public.shifts;
--> statement-breakpoint
drop trigger a_set_tenant on public.company_terms;
--> statement-breakpoint
drop trigger note_departure_on_update on public.assignments;
--> statement-breakpoint
drop trigger note_departure_on_delete on public.assignments;
--> statement-breakpoint
drop trigger z_stamp_change on public.assignments;
--> statement-breakpoint
drop trigger updated_at on public.assignments;
--> statement-breakpoint
drop function muster.release_shift(uuid);
--> statement-breakpoint
drop function muster.give_back_shift(uuid);
--> statement-breakpoint
drop function muster.has_begun(shifts,uuid);
--> statement-breakpoint
drop function muster.tg_shifts__keep_promises();
--> statement-breakpoint
drop function muster.advance_assignment(uuid);
--> statement-breakpoint
drop function muster.price_earlier_assignments(assignments);
--> statement-breakpoint
drop function muster.price_assignment(uuid);
--> statement-breakpoint
drop function muster.assignment_pay(assignments);
--> statement-breakpoint
drop function muster.pay_for(numeric,numeric,numeric,numeric);
--> statement-breakpoint
drop function muster.worked_intervals(uuid);
--> statement-breakpoint
drop function muster.interval_from(assignments,timestamp with time zone,timestamp with time zone);
--> statement-breakpoint
drop function muster.clocked(assignments);
--> statement-breakpoint
drop function muster.tg_company_terms__set_tenant();
--> statement-breakpoint
drop function muster.terms_at(uuid,timestamp with time zone);
--> statement-breakpoint
drop function muster.checkin_json(gps_checkins);
--> statement-breakpoint
drop function muster.checkin_flags(double precision);
--> statement-breakpoint
drop function muster.check_in_time_refusal(assignments,timestamp with time zone);
--> statement-breakpoint
drop function muster.check_in_refusal(shifts,assignments,boolean);
--> statement-breakpoint
drop function muster.assignment_at(uuid,uuid,timestamp with time zone);
--> statement-breakpoint
drop function muster.follow_shift(shifts,boolean);
--> statement-breakpoint
drop function muster.reopen_assignment(uuid);
--> statement-breakpoint
drop function muster.end_assignment(uuid,text);
--> statement-breakpoint
drop function muster.begin_assignment(shifts);
--> statement-breakpoint
drop function muster.seen_of_assignments(jsonb);
--> statement-breakpoint
drop function muster.audience_of_assignments(jsonb,timestamp with time zone);
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.assignment_violations(professional uuid, shift shifts)
 RETURNS TABLE(code text, detail text)
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'extensions', 'public', 'pg_temp'
AS $function$
declare
  candidate record;
  required text;
  valid_through date;
  -- A certificate is valid until the end of its last day, and a shift that ends at 24:00 takes no moment of the day after.
  -- Subtracted from the instant, not from local time: there are zones in which a day begins at 01:00.
  last_moment timestamptz := shift.end_datetime - interval '1 microsecond';
  -- Nowhere is it a later day than at UTC+14: only a certificate that ends before needs the shift's own time zone.
  latest_day date := (last_moment at time zone 'UTC' + interval '14 hours')::date;
begin
  select p.status into candidate
  from public.security_professionals p
  join public.users u on u.id = p.user_id
  where p.id = professional
    and p.tenant_id = shift.tenant_id
    and p.deleted_at is null
    and u.deleted_at is null;
  if not found then
    code := 'not_found';
    detail := 'professional_id';
    return next;
    return;
  end if;

  if candidate.status <> 'active' then
    code := 'professional_inactive';
    return next;
  end if;

  foreach required in array shift.required_certificates loop
    select max(c.valid_until) into valid_through
    from public.certificates c
    where c.professional_id = professional
      and c.kind = required
      and c.verified_at is not null
      and c.deleted_at is null
      and (c.company_id is null or c.company_id = shift.company_id);
    if valid_through is null
      or (valid_through < latest_day and valid_through < muster.last_day_of(last_moment, shift.time_zone))
    then
      code := case when valid_through is null then 'certificate_missing' else 'certificate_expired' end;
      detail := required;
      return next;
    end if;
  end loop;

  if exists (
    select from public.shifts other
    where other.professional_id = professional
      and other.status in ('assigned', 'active')
      and other.deleted_at is null
      and other.id <> shift.id
      and tstzrange(other.start_datetime, other.end_datetime) && tstzrange(shift.start_datetime, shift.end_datetime)
  ) then
    code := 'shift_overlap';
    detail := null;
    return next;
  end if;
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
CREATE OR REPLACE FUNCTION muster.tg_locations__move_shifts()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'extensions', 'public', 'pg_temp'
AS $function$
begin
  -- A shift that came here while this waited for the location must be seen.
  perform muster.require_read_committed();
  -- All shifts, then all professionals, each in one order: two locations that move at once do not deadlock.
  perform from public.shifts s
  where s.location_id = new.id and s.status in ('draft', 'published', 'assigned', 'active')
  order by s.id
  for no key update;
  perform from public.security_professionals p
  where p.id in (
    select s.professional_id from public.shifts s
    where s.location_id = new.id and s.status in ('assigned', 'active')
  )
  order by p.id
  for no key update;
  update public.shifts s
  set location_point = new.location_point, time_zone = new.time_zone
  where s.location_id = new.id and s.status in ('draft', 'published', 'assigned', 'active');
  return null;
end
$function$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.shift_pay(hourly_rate numeric, overtime_rate numeric, start_datetime timestamp with time zone, end_datetime timestamp with time zone, worked_from timestamp with time zone, worked_to timestamp with time zone)
 RETURNS numeric
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
 SET search_path TO 'pg_catalog', 'pg_temp'
RETURN round(((hourly_rate * (GREATEST(EXTRACT(epoch FROM (LEAST(worked_to, end_datetime) - GREATEST(worked_from, start_datetime))), (0)::numeric) + (overtime_rate * GREATEST(EXTRACT(epoch FROM (worked_to - GREATEST(worked_from, end_datetime))), (0)::numeric)))) / (3600)::numeric), 2);
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
begin
  if (is_assigned and not was_assigned) or (tg_op = 'INSERT' and new.status = 'completed') then
    insert into public.finqle_transactions (tenant_id, company_id, shift_id, professional_id, amount)
    values (
      new.tenant_id, new.company_id, new.id, new.professional_id,
      muster.shift_pay(
        new.hourly_rate, new.overtime_rate, new.start_datetime, new.end_datetime, new.start_datetime, new.end_datetime
      )
    );
    perform muster.notify_professional(new, new.professional_id, 'shift_assigned');

  elsif was_assigned and new.status in ('published', 'cancelled') then
    update public.finqle_transactions t
    set status = 'voided'
    where t.shift_id = new.id and t.status <> 'voided';
    perform muster.notify_professional(
      new, old.professional_id, case new.status when 'published' then 'shift_released' else 'shift_cancelled' end
    );

  elsif was_assigned and is_assigned and (
    new.start_datetime, new.end_datetime, new.hourly_rate, new.overtime_rate, new.location_id
  ) is distinct from (
    old.start_datetime, old.end_datetime, old.hourly_rate, old.overtime_rate, old.location_id
  ) then
    update public.finqle_transactions t
    -- Whatever its status, the row is locked: one that becomes pending at this moment does so before or after this.
    set amount = case when t.status = 'pending' then muster.shift_pay(
      new.hourly_rate, new.overtime_rate, new.start_datetime, new.end_datetime, new.start_datetime, new.end_datetime
    ) else t.amount end
    where t.shift_id = new.id and t.status <> 'voided';
    perform muster.notify_professional(new, new.professional_id, 'shift_changed');
  end if;
  return null;
end
$function$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.tg_check_payment()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'extensions', 'public', 'pg_temp'
AS $function$
declare
  checked uuid[];
begin
  if tg_table_name = 'shifts' then
    checked := array[new.id];
  else
    checked := array[old.shift_id, new.shift_id];
  end if;
  if exists (
    select from public.shifts s
    where s.id = any (checked)
      and s.status in ('assigned', 'active', 'completed')
      and not exists (
        select from public.finqle_transactions t
        where t.shift_id = s.id and t.professional_id = s.professional_id and t.status <> 'voided'
      )
  ) then
    perform muster.fail('payment_missing');
  end if;
  if exists (
    select from public.finqle_transactions t
    join public.shifts s on s.id = t.shift_id
    where t.shift_id = any (checked)
      and t.status <> 'voided'
      and s.status not in ('assigned', 'active', 'completed')
  ) then
    perform muster.fail('shift_not_assigned', 'shift_id');
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
  shift public.shifts;
  radius integer;
  caller uuid;
  by_caller constant boolean := muster.acts_for_caller();
begin
  select s.* into shift from public.shifts s where s.id = new.shift_id for no key update;
  -- Whom a caller may not name, muster.store_check_in(s) name.
  if by_caller then
    caller := coalesce(new.professional_id, muster.professional_id());
  end if;
  -- The rules in one expression, for each check-in there is. Which of them it was, is asked where one speaks against it.
  if (
    shift.deleted_at is null
    and shift.status in ('assigned', 'active', 'completed')
    and (not by_caller or shift.professional_id = caller)
    and muster.check_in_time_refusal(shift, new.recorded_at) is null
  ) is not true then
    perform muster.refuse_check_in(shift, by_caller, caller, new.recorded_at);
  end if;
  -- The functions count for themselves.
  if by_caller and new.professional_id is null and new.kind = 'ping'
    and muster.pings_in_minute(shift.id, shift.professional_id, new.recorded_at) >= muster.most_pings_a_minute()
  then
    perform muster.fail('too_many_pings', 'recorded_at');
  end if;

  new.tenant_id := shift.tenant_id;
  new.company_id := shift.company_id;
  new.client_id := shift.client_id;
  new.professional_id := shift.professional_id;
  new.created_at := now();
  new.updated_at := now();
  select l.radius_meters into radius from public.locations l where l.id = shift.location_id;
  new.distance_meters := st_distance(new.gps_point, shift.location_point);
  new.is_within_radius := new.distance_meters <= radius;
  new.verdict := case
    when new.distance_meters + new.accuracy_meters <= radius then 'inside'
    when new.distance_meters - new.accuracy_meters > radius then 'outside'
    else 'uncertain'
  end;
  return new;
end
$function$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.advance_shift(advanced uuid)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'extensions', 'public', 'pg_temp'
AS $function$
declare
  shift public.shifts;
  clocked_in timestamptz;
  clocked_out timestamptz;
begin
  -- Each statement of this function must see the check-ins that others have committed before it got the lock.
  if current_setting('transaction_isolation') <> 'read committed' then
    perform muster.fail('isolation_unsupported');
  end if;
  select * into shift from public.shifts s where s.id = advanced for no key update;

  select t.clocked_in, t.clocked_out into clocked_in, clocked_out from muster.clock_times(shift) t;

  if shift.status = 'assigned' and clocked_in is not null then
    update public.shifts s set status = 'active' where s.id = shift.id;
    shift.status := 'active';
  end if;
  if shift.status = 'active' and clocked_out is not null then
    update public.shifts s set status = 'completed' where s.id = shift.id;
    shift.status := 'completed';
  end if;
  if shift.status = 'completed' and clocked_out is not null then
    update public.finqle_transactions t
    -- As in tg_shifts__follow_assignment: locked whatever its status.
    set amount = case when t.status = 'pending' then muster.shift_pay(
      shift.hourly_rate, shift.overtime_rate, shift.start_datetime, shift.end_datetime, clocked_in, clocked_out
    ) else t.amount end
    where t.shift_id = shift.id and t.status <> 'voided';
  end if;
end
$function$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.tg_gps_checkins__advance_shifts()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'extensions', 'public', 'pg_temp'
AS $function$
declare
  clocked uuid;
begin
  -- One order for everybody, so that two batches cannot deadlock.
  for clocked in
    select distinct i.shift_id from inserted i where i.kind <> 'ping' order by i.shift_id
  loop
    perform muster.advance_shift(clocked);
  end loop;
  return null;
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
      where s.professional_id = guard.id and s.status in ('assigned', 'active') and s.deleted_at is null
    ),
    '{}'
  );
end
$function$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.clock_times(shift shifts, OUT clocked_in timestamp with time zone, OUT clocked_out timestamp with time zone)
 RETURNS record
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'extensions', 'public', 'pg_temp'
AS $function$
begin
  select min(c.recorded_at) into clocked_in
  from public.gps_checkins c
  where c.shift_id = shift.id
    and c.professional_id = shift.professional_id
    and c.kind = 'clock_in'
    and c.verdict <> 'outside';
  select min(c.recorded_at) into clocked_out
  from public.gps_checkins c
  where c.shift_id = shift.id
    and c.professional_id = shift.professional_id
    and c.kind = 'clock_out'
    and c.recorded_at >= clocked_in;
end
$function$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.tg_finqle_transactions__renew_amount()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'extensions', 'public', 'pg_temp'
AS $function$
declare
  shift public.shifts;
  clocked_in timestamptz;
  clocked_out timestamptz;
begin
  select s.* into shift from public.shifts s where s.id = new.shift_id;
  select t.clocked_in, t.clocked_out into clocked_in, clocked_out from muster.clock_times(shift) t;
  -- The planned pay, until the hours worked are known.
  if shift.status <> 'completed' or clocked_out is null then
    clocked_in := shift.start_datetime;
    clocked_out := shift.end_datetime;
  end if;
  new.amount := muster.shift_pay(
    shift.hourly_rate, shift.overtime_rate, shift.start_datetime, shift.end_datetime, clocked_in, clocked_out
  );
  return new;
end
$function$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.checkin_json(checkin gps_checkins)
 RETURNS json
 LANGUAGE sql
 STABLE PARALLEL SAFE
RETURN json_build_object('id', (checkin).id, 'shift_id', (checkin).shift_id, 'professional_id', (checkin).professional_id, 'kind', (checkin).kind, 'latitude', st_y(((checkin).gps_point)::geometry), 'longitude', st_x(((checkin).gps_point)::geometry), 'accuracy_meters', (checkin).accuracy_meters, 'distance_meters', (checkin).distance_meters, 'is_within_radius', (checkin).is_within_radius, 'verdict', (checkin).verdict, 'recorded_at', (checkin).recorded_at, 'created_at', (checkin).created_at);
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.check_in_refusal(shift shifts, by_caller boolean, caller uuid)
 RETURNS text
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
begin
  if shift.id is null or shift.deleted_at is not null then
    return 'not_found';
  end if;
  -- A caller without a professional must not pass as the null professional of an open shift.
  if by_caller and (caller is null or shift.professional_id is distinct from caller) then
    -- Those who see the shift are told that it is not theirs to check in to; to others it does not exist.
    return case when muster.sees_shift(shift) then 'forbidden' else 'not_found' end;
  end if;
  if shift.professional_id is null or shift.status not in ('assigned', 'active', 'completed') then
    return 'shift_not_assigned';
  end if;
  return null;
end
$function$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.check_in_time_refusal(shift shifts, at_time timestamp with time zone)
 RETURNS text
 LANGUAGE sql
RETURN CASE WHEN ((at_time < ((shift).start_datetime - '02:00:00'::interval)) OR (at_time > ((shift).end_datetime + '12:00:00'::interval))) THEN 'outside_check_in_window'::text WHEN (at_time > (clock_timestamp() + '00:05:00'::interval)) THEN 'recorded_in_future'::text ELSE NULL::text END;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.refuse_check_in(shift shifts, by_caller boolean, caller uuid, at_time timestamp with time zone)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
declare
  refusal text := muster.check_in_refusal(shift, by_caller, caller);
begin
  if refusal is not null then
    perform muster.fail(refusal, 'shift_id');
  end if;
  refusal := muster.check_in_time_refusal(shift, at_time);
  if refusal is not null then
    perform muster.fail(refusal, 'recorded_at');
  end if;
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
  outcomes text[] := array_fill(null::text, array[cardinality(check_in_ids)]);
  shift public.shifts;
  at_shift uuid;
  at_minute timestamptz;
  last_id uuid;
  pings bigint;
  refusal text;
  item record;
begin
  -- Before anything is judged, and in one order for everybody. Of others' shifts there is nothing to wait for.
  perform from public.shifts s
  where s.id = any (at_shifts) and s.professional_id = caller
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
      refusal := muster.check_in_refusal(shift, true, caller);
    end if;
    outcomes[item.nth] := coalesce(refusal, muster.check_in_time_refusal(shift, item.recorded_at));
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
    from unnest(check_in_ids, at_shifts, kinds, at_points, accuracies, at_times, outcomes) with ordinality
      as g (id, shift_id, kind, gps_point, accuracy_meters, recorded_at, outcome, nth)
  ), stored as (
    insert into public.gps_checkins as c (id, shift_id, professional_id, kind, gps_point, accuracy_meters, recorded_at)
    select g.id, g.shift_id, caller, g.kind, g.gps_point, g.accuracy_meters, g.recorded_at
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
      page.professional_id,
      page.kind,
      st_y(page.gps_point::geometry) as latitude,
      st_x(page.gps_point::geometry) as longitude,
      page.accuracy_meters,
      page.distance_meters,
      page.is_within_radius,
      page.verdict,
      page.recorded_at,
      page.created_at,
      st_distance(page.gps_point, here) as meters_away
  ) item;
end
$function$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.codes_of_guarding()
 RETURNS jsonb
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
 SET search_path TO 'pg_catalog', 'pg_temp'
RETURN jsonb_build_object('shift_overlap', 'MU001', 'certificate_missing', 'MU002', 'certificate_expired', 'MU003', 'professional_inactive', 'MU004', 'shift_not_open', 'MU005', 'invalid_transition', 'MU006', 'outside_check_in_window', 'MU007', 'recorded_in_future', 'MU008', 'shift_not_assigned', 'MU009', 'certificate_in_use', 'MU012', 'professional_in_use', 'MU013', 'location_in_use', 'MU014', 'payment_missing', 'MU015', 'id_conflict', 'MU016', 'shift_over', 'MU021', 'daily_limit_reached', 'MU025', 'too_many_pings', 'MU030', 'professional_unavailable', 'MU300');
--> statement-breakpoint
CREATE TRIGGER c_check_assignment_on_update BEFORE UPDATE ON public.shifts FOR EACH ROW WHEN (((new.status = ANY (ARRAY['assigned'::text, 'active'::text])) AND ((old.status <> ALL (ARRAY['assigned'::text, 'active'::text])) OR (new.professional_id IS DISTINCT FROM old.professional_id) OR (new.start_datetime <> old.start_datetime) OR (new.end_datetime <> old.end_datetime) OR ((new.time_zone <> old.time_zone) AND (new.end_datetime > now())) OR (new.required_certificates <> old.required_certificates)))) EXECUTE FUNCTION muster.tg_shifts__check_assignment();
--> statement-breakpoint
CREATE TRIGGER move_shifts AFTER UPDATE ON public.locations FOR EACH ROW WHEN (((old.time_zone <> new.time_zone) OR ((old.location_point)::text <> (new.location_point)::text))) EXECUTE FUNCTION muster.tg_locations__move_shifts();
--> statement-breakpoint
CREATE CONSTRAINT TRIGGER shifts_assigned_has_payment AFTER INSERT OR UPDATE ON public.shifts DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN ((new.status = ANY (ARRAY['assigned'::text, 'active'::text, 'completed'::text]))) EXECUTE FUNCTION muster.tg_check_payment();
--> statement-breakpoint
alter function muster.advance_shift(uuid) owner to muster_definer;
--> statement-breakpoint
alter function muster.check_in_refusal(shifts,boolean,uuid) owner to muster_definer;
--> statement-breakpoint
alter table public.assignments disable row level security;
--> statement-breakpoint
alter table public.assignments no force row level security;
--> statement-breakpoint
alter table public.company_terms disable row level security;
--> statement-breakpoint
alter table public.company_terms no force row level security;
--> statement-breakpoint
revoke select on table public.assignments from authenticated;
--> statement-breakpoint
revoke insert, select, update on table public.assignments from muster_definer;
--> statement-breakpoint
revoke delete, insert, select, update on table public.assignments from service_role;
--> statement-breakpoint
revoke select, insert (auto_close_minutes, company_id, delivery_days, give_back_minutes, id, late_after_minutes, minimum_minutes, valid_from) on table public.company_terms from authenticated;
--> statement-breakpoint
revoke select on table public.company_terms from muster_definer;
--> statement-breakpoint
revoke delete, insert, select, update on table public.company_terms from service_role;
--> statement-breakpoint
revoke select (assignment_id) on table public.finqle_transactions from authenticated;
--> statement-breakpoint
revoke insert (assignment_id) on table public.gps_checkins from muster_definer;
--> statement-breakpoint
revoke execute on function muster.shift_pay(numeric,numeric,timestamp with time zone,timestamp with time zone,timestamp with time zone,timestamp with time zone) from public;
--> statement-breakpoint
revoke execute on function muster.clock_times(shifts) from public;
--> statement-breakpoint
revoke execute on function muster.advance_shift(uuid) from public;
--> statement-breakpoint
revoke execute on function muster.checkin_json(gps_checkins) from public;
--> statement-breakpoint
revoke execute on function muster.check_in_refusal(shifts,boolean,uuid) from public;
--> statement-breakpoint
revoke execute on function muster.refuse_check_in(shifts,boolean,uuid,timestamp with time zone) from public;
--> statement-breakpoint
revoke execute on function muster.check_in_time_refusal(shifts,timestamp with time zone) from public;
--> statement-breakpoint
grant execute on function muster.check_in_time_refusal(shifts,timestamp with time zone) to muster_definer;
--> statement-breakpoint
grant execute on function muster.checkin_json(gps_checkins) to authenticated;
--> statement-breakpoint
grant execute on function muster.clock_times(shifts) to muster_definer;
--> statement-breakpoint
grant execute on function muster.refuse_check_in(shifts,boolean,uuid,timestamp with time zone) to muster_definer;
--> statement-breakpoint
grant execute on function muster.shift_pay(numeric,numeric,timestamp with time zone,timestamp with time zone,timestamp with time zone,timestamp with time zone) to authenticated, muster_definer, service_role;
--> statement-breakpoint
comment on function muster.shift_pay(numeric,numeric,timestamp with time zone,timestamp with time zone,timestamp with time zone,timestamp with time zone) is 'What a shift pays for the time worked, rounded to cents once, at the end.';
--> statement-breakpoint
comment on function muster.tg_check_payment() is 'A worked shift has its payment, and no other shift has one. Security definer: whether or not the caller sees it.';
--> statement-breakpoint
comment on function muster.tg_gps_checkins__judge() is 'Fills in what the database computes. Security definer: the radius and the shift are not the client''s to choose.';
--> statement-breakpoint
comment on function muster.advance_shift(uuid) is 'Brings a shift''s state and pay in step with its check-ins. Security definer: no role moves a shift to active by hand.';
--> statement-breakpoint
comment on function muster.tg_gps_checkins__advance_shifts() is 'Security definer: see muster.advance_shift.';
--> statement-breakpoint
comment on function muster.clock_times(shifts) is 'When the professional of a shift began to work and stopped, by their check-ins; null for what has not happened.';
--> statement-breakpoint
comment on function muster.checkin_json(gps_checkins) is 'A check-in in the form of the API.';
--> statement-breakpoint
comment on function muster.check_in_refusal(shifts,boolean,uuid) is 'The code that refuses a caller, or anybody, to check in to a shift; null for none. Security definer: who sees a shift is asked of all.';
--> statement-breakpoint
comment on function muster.check_in_time_refusal(shifts,timestamp with time zone) is 'The code that refuses a check-in at that device time; null for none.';
--> statement-breakpoint
comment on function muster.refuse_check_in(shifts,boolean,uuid,timestamp with time zone) is 'Fails where a rule refuses a check-in of a caller, or of anybody.';
--> statement-breakpoint
select muster.declare_audiences();
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1795994981_assignments_are_rows';
