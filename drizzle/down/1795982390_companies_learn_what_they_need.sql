drop policy internal on muster.candidate_pages;
--> statement-breakpoint
drop trigger b_name_time_zone_on_update on public.locations;
--> statement-breakpoint
drop trigger b_name_time_zone_on_insert on public.locations;
--> statement-breakpoint
drop function muster.nearby_check_ins(double precision,double precision,double precision,timestamp with time zone,timestamp with time zone,integer,timestamp with time zone,uuid);
--> statement-breakpoint
drop function muster.shift_candidates(uuid,integer,boolean,double precision,uuid);
--> statement-breakpoint
drop function muster.count_candidate_page(uuid,text);
--> statement-breakpoint
drop function muster.search_origin(double precision,double precision);
--> statement-breakpoint
drop function muster.tg_locations__name_time_zone();
--> statement-breakpoint
drop function muster.last_day_of(timestamp with time zone,text);
--> statement-breakpoint
drop function muster.canonical_time_zone(text);
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.is_time_zone(name text)
 RETURNS boolean
 LANGUAGE plpgsql
 IMMUTABLE PARALLEL SAFE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return name ~ '^(UTC|[A-Z][A-Za-z_]+(/[A-Z][A-Za-z0-9_+-]+){1,2})$'
    and timezone(name, timestamptz 'epoch') is not null;
exception
  when invalid_parameter_value then return false;
end
$function$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.fail(code text, subject text DEFAULT NULL::text)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  state text := case code
    when 'shift_overlap' then 'MU001'
    when 'certificate_missing' then 'MU002'
    when 'certificate_expired' then 'MU003'
    when 'professional_inactive' then 'MU004'
    when 'shift_not_open' then 'MU005'
    when 'invalid_transition' then 'MU006'
    when 'outside_check_in_window' then 'MU007'
    when 'recorded_in_future' then 'MU008'
    when 'shift_not_assigned' then 'MU009'
    when 'forbidden' then 'MU010'
    when 'not_found' then 'MU011'
    when 'certificate_in_use' then 'MU012'
    when 'professional_in_use' then 'MU013'
    when 'location_in_use' then 'MU014'
    when 'payment_missing' then 'MU015'
    when 'id_conflict' then 'MU016'
    when 'invitation_invalid' then 'MU017'
    when 'already_registered' then 'MU018'
    when 'idempotency_key_reused' then 'MU019'
    when 'isolation_unsupported' then 'MU020'
    when 'shift_over' then 'MU021'
    when 'too_many_pings' then 'MU030'
    when 'too_many_idempotency_keys' then 'MU031'
    when 'answer_too_large' then 'MU032'
  end;
begin
  if state is null then
    raise exception 'muster.fail: % is not a registered code', code;
  end if;
  raise exception using errcode = state, message = code, hint = coalesce(subject, '');
end
$function$;
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
  last_day date := ((shift.end_datetime - interval '1 microsecond') at time zone shift.time_zone)::date;
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
    if valid_through is null or valid_through < last_day then
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
  -- As the index has them, so that it leaves out itself what begins at another time or pays less.
  earliest constant timestamptz := greatest(starts_after, now() + interval '1 microsecond');
  latest constant timestamptz := coalesce(starts_before, 'infinity');
  least_rate constant float8 := coalesce(min_hourly_rate, 0);
  -- On the sphere; a metre takes up what is rounded.
  nearest constant float8 := coalesce(after_distance / muster.metre_at_most(latitude, within_meters) - 1, 0);
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
  if coalesce(tenant, company, client) is null then
    return;
  end if;

  loop
    with candidate as materialized (
      select
        s.*,
        s.location_point <-> here as distance_on_sphere,
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
        and (after_distance is null or s.location_point <-> here >= nearest)
        and (after_distance is null or (exact.distance, s.id) > (after_distance, after_id))
        and (
          not eligible_only
          or (
            s.required_certificates <@ held
            and not tstzrange(s.start_datetime, s.end_datetime) && busy
            and not exists (select from muster.assignment_violations(professional, s))
          )
        )
      order by s.location_point <-> here
      limit wanted
    ), page as (
      select c.* from candidate c order by c.distance, c.id limit max_items
    )
    select
      json_agg(item order by page.distance, page.id),
      max(page.distance),
      (array_agg(page.id order by page.distance, page.id))[max_items],
      (select count(*) from candidate),
      (select max(c.distance_on_sphere) from candidate c)
    into items, next_distance, next_id, found_items, read_to
    from page
    join public.locations l on l.id = page.location_id
    -- As a row: its columns are looked up once, where json_build_object does it for each value of each row.
    cross join lateral (
      select
        page.id,
        page.company_id,
        page.client_id,
        page.location_id,
        page.professional_id,
        page.status,
        page.start_datetime,
        page.end_datetime,
        page.time_zone,
        page.hourly_rate,
        page.overtime_rate,
        page.required_certificates,
        page.title,
        page.description,
        -- No guard has an open shift; whoever else finds it here may read its briefing.
        case when caller.role <> 'zzp' then (
          select b.text from public.shift_briefings b where b.shift_id = page.id
        ) end as instructions,
        page.cancel_reason,
        st_y(page.location_point::geometry) as latitude,
        st_x(page.location_point::geometry) as longitude,
        page.created_at,
        page.updated_at,
        l.name as location_name,
        page.distance as distance_meters
    ) item;

    -- Whatever was not read is farther on the sphere than what was, and not much nearer on the spheroid.
    exit when found_items < wanted or read_to >= next_distance / metre_at_least + 1;
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
CREATE OR REPLACE FUNCTION muster.shift_candidates(wanted uuid, max_items integer, eligible_only boolean DEFAULT false, after_distance double precision DEFAULT NULL::double precision, after_id uuid DEFAULT NULL::uuid)
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'extensions', 'public', 'pg_temp'
 SET jit TO 'off'
AS $function$
declare
  shift public.shifts;
  -- The distance of guards who did not say where they live: they come last.
  unknown constant float8 := 'Infinity';
  by_distance cursor for
    select p.id, muster.home_area(p.home_point) <-> shift.location_point as distance_on_sphere
    from public.security_professionals p
    where p.tenant_id = shift.tenant_id
      and p.deleted_at is null
      and exists (select from public.users u where u.id = p.user_id and u.deleted_at is null)
      and (
        after_distance is null
        or (coalesce(st_distance(muster.home_area(p.home_point), shift.location_point), unknown), p.id)
          > (after_distance, after_id)
      )
      and (not eligible_only or not exists (select from muster.assignment_violations(p.id, shift)))
    order by muster.home_area(p.home_point) <-> shift.location_point;
  page uuid[] := '{}';
  reach float8 := 'Infinity';
begin
  select s.* into shift from public.shifts s where s.id = wanted;
  if not muster.sees_shift(shift) then
    perform muster.fail('not_found', 'id');
  elsif not muster.manages_shift(shift) then
    perform muster.fail('forbidden');
  end if;

  for nearest in by_distance loop
    exit when coalesce(nearest.distance_on_sphere, unknown) > reach;
    page := page || nearest.id;
    if cardinality(page) = max_items then
      reach := muster.search_reach(coalesce(nearest.distance_on_sphere, unknown));
    end if;
  end loop;

  return (
    select coalesce(jsonb_agg(jsonb_build_object(
      'professional_id', item.id,
      'name', item.name,
      'distance_meters', nullif(item.distance, unknown),
      'eligible', item.violations = '[]',
      'violations', item.violations
    ) order by item.distance, item.id), '[]')
    from (
      select
        p.id,
        u.name,
        coalesce(st_distance(muster.home_area(p.home_point), shift.location_point), unknown) as distance,
        (
          select coalesce(jsonb_agg(jsonb_build_object('code', v.code, 'detail', v.detail)), '[]')
          from muster.assignment_violations(p.id, shift) v
        ) as violations
      from public.security_professionals p
      join public.users u on u.id = p.user_id
      where p.id = any (page)
      order by 3, 1
      limit max_items
    ) item
  );
end
$function$;
--> statement-breakpoint
alter function muster.shift_candidates(uuid,integer,boolean,double precision,uuid) owner to muster_definer;
--> statement-breakpoint
alter table muster.candidate_pages disable row level security;
--> statement-breakpoint
alter table muster.candidate_pages no force row level security;
--> statement-breakpoint
revoke insert, select, update on table muster.candidate_pages from muster_definer;
--> statement-breakpoint
revoke execute on function muster.shift_candidates(uuid,integer,boolean,double precision,uuid) from public;
--> statement-breakpoint
grant execute on function muster.shift_candidates(uuid,integer,boolean,double precision,uuid) to authenticated;
--> statement-breakpoint
comment on function muster.is_time_zone(text) is 'Whether the text is an IANA time zone name that this server knows.';
--> statement-breakpoint
comment on function muster.shift_candidates(uuid,integer,boolean,double precision,uuid) is 'Guards for a shift, nearest home first, with what speaks against each. Security definer: the company of a shift may
   compare guards that it cannot see. It never learns where they live: distances are those of their areas.';
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1795982361_places_of_check_ins_and_known_guards';
