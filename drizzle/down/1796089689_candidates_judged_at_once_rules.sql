drop function muster.acquaintances_of(uuid);
--> statement-breakpoint
drop function muster.assignment_obstacles(uuid,shifts);
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
  -- As shifts_at_most_48_hours has it.
  longest_shift constant interval := interval '48 hours';
  -- A certificate is valid until the end of its last day, and a shift that ends at 24:00 takes no moment of the day after.
  -- Subtracted from the instant, not from local time: there are zones in which a day begins at 01:00.
  last_moment timestamptz := shift.end_datetime - interval '1 microsecond';
  -- Nowhere is it a later day than at UTC+14: only a certificate that ends before needs the shift's own time zone.
  latest_day date := (last_moment at time zone 'UTC' + interval '14 hours')::date;
begin
  select p.status, u.suspended_at into candidate
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

  if candidate.status <> 'active' or candidate.suspended_at is not null then
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
      -- One that was left early may be worked again until its end.
      and (other.status in ('assigned', 'active') or (other.status = 'completed' and other.end_datetime > now()))
      and other.deleted_at is null
      and other.id <> shift.id
      -- Bounds for the index of a professional's shifts: without them it reads every one that they ever had.
      and other.start_datetime > shift.start_datetime - longest_shift
      and other.start_datetime < shift.end_datetime
      and tstzrange(other.start_datetime, other.end_datetime) && tstzrange(shift.start_datetime, shift.end_datetime)
  ) then
    code := 'shift_overlap';
    detail := null;
    return next;
  end if;
end
$function$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.shift_candidates(wanted uuid, max_items integer, eligible_only boolean DEFAULT false, after_distance double precision DEFAULT NULL::double precision, after_id uuid DEFAULT NULL::uuid, OUT items json, OUT next_distance double precision, OUT next_id uuid)
 RETURNS record
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'extensions', 'public', 'pg_temp'
 SET jit TO 'off'
AS $function$
declare
  -- Of so many guards a page says who is eligible. With `eligible_only` it looks at as many, whether they are or not, and leaves
  -- out the others: a requirement that nobody meets costs a page, not all guards of the tenant.
  most_judged constant integer := case when eligible_only then greatest(max_items, 100) else max_items end;
  -- The distance of guards who did not say where they live: they come last.
  unknown constant float8 := 'Infinity';
  shift public.shifts;
  company constant uuid := muster.company_id();
  latitude float8;
  origin geography;
  aside float8;
  nearest_left float8;
  by_distance cursor for
    select p.id, muster.home_area(p.home_point) <-> origin as distance_on_sphere
    from public.security_professionals p
    where p.tenant_id = shift.tenant_id
      and p.deleted_at is null
      and (
        after_distance is null
        or (
          coalesce(muster.home_area(p.home_point) <-> origin, unknown) >= nearest_left
          and (coalesce(st_distance(muster.home_area(p.home_point), shift.location_point), unknown), p.id)
            > (after_distance, after_id)
        )
      )
      and exists (select from public.users u where u.id = p.user_id and u.deleted_at is null and u.suspended_at is null)
    order by muster.home_area(p.home_point) <-> origin;
  page uuid[] := '{}';
  reach float8 := unknown;
begin
  select s.* into shift from public.shifts s where s.id = wanted;
  if not muster.sees_shift(shift) then
    perform muster.fail('not_found', 'id');
  elsif not muster.manages_shift(shift) then
    perform muster.fail('forbidden');
  elsif shift.status not in ('draft', 'published')
    or shift.start_datetime <= now()
    or not (
      shift.client_id = shift.company_id
      or exists (
        select from public.company_clients c
        where c.company_id = shift.company_id and c.client_id = shift.client_id
      )
    )
  then
    perform muster.fail('shift_not_open', 'status');
  end if;
  if company is not null then
    perform muster.count_candidate_page(company, row(
      shift.location_point, shift.start_datetime, shift.end_datetime, shift.required_certificates,
      max_items, eligible_only, after_distance, after_id
    )::text);
  end if;

  latitude := st_y(shift.location_point::geometry);
  origin := muster.search_origin(latitude, st_x(shift.location_point::geometry));
  aside := st_distance(origin, shift.location_point, false);
  -- On the sphere; as near to the last item as sphere and spheroid may disagree.
  nearest_left := after_distance / 1.006 - 1 - aside;
  for nearest in by_distance loop
    exit when coalesce(nearest.distance_on_sphere, unknown) > reach;
    page := page || nearest.id;
    -- One more than is judged tells that there is a next page.
    if cardinality(page) = most_judged + 1 then
      reach := muster.search_reach(coalesce(nearest.distance_on_sphere, unknown) + 2 * aside);
    end if;
  end loop;

  with looked_at as materialized (
    select p.id, u.name, d.distance, row_number() over (order by d.distance, p.id) as nth
    from public.security_professionals p
    join public.users u on u.id = p.user_id
    cross join lateral (
      select coalesce(st_distance(muster.home_area(p.home_point), shift.location_point), unknown) as distance offset 0
    ) d
    where p.id = any (page)
    order by d.distance, p.id
    limit most_judged + 1
  ), judged as materialized (
    select l.*, v.violations, row_number() over (order by l.nth) as place
    from looked_at l
    cross join lateral (
      select json_agg(json_build_object('code', v.code, 'detail', v.detail)) as violations
      from muster.assignment_violations(l.id, shift) v
    ) v
    where l.nth <= most_judged and (not eligible_only or v.violations is null)
  ), last as (
    -- Where more are eligible than fit, the next page begins after the last that is shown, else after the last looked at.
    select j.distance, j.id from judged j where j.place = max_items and (select count(*) from judged) > max_items
    union all
    select l.distance, l.id
    from looked_at l
    where l.nth = most_judged
      and (select count(*) from judged) <= max_items
      and (select count(*) from looked_at) > most_judged
  )
  select
    coalesce(json_agg(item order by j.place), '[]'),
    (select l.distance from last l),
    (select l.id from last l)
  into items, next_distance, next_id
  from judged j
  cross join lateral (
    select
      j.id as professional_id,
      j.name,
      nullif(j.distance, unknown) as distance_meters,
      j.violations is null as eligible,
      case
        when j.violations is null then '[]'
        when not muster.is_stranger(j.id) then j.violations
        else json_build_array(json_build_object('code', 'unavailable', 'detail', null))
      end as violations
  ) item
  where j.place <= max_items;
end
$function$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.is_stranger(professional uuid)
 RETURNS boolean
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  company constant uuid := muster.company_id();
begin
  if not muster.acts_for_caller() then
    return false;
  elsif company is null then
    return muster.client_id() is not null;
  end if;
  return not exists (
    select from public.shifts s
    where s.company_id = company
      and s.professional_id = professional
      and s.status in ('active', 'completed')
      and s.deleted_at is null
  );
end
$function$;
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1796076158_driver_pay_terms_rules';
