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
  select m.role, m.tenant_id, m.organization_id into caller
  from public.memberships m
  join public.users u on u.id = m.user_id
  where m.user_id = muster.user_id() and m.role in ('admin', 'company', 'client', 'zzp') and u.deleted_at is null;
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
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1796003056_attendance_rules';
