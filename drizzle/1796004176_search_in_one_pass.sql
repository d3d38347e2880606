-- The open shifts of one page, in the form of the API, and where the next page begins (null on the last one).
create or replace function muster.nearby_shifts(
  latitude float8,
  longitude float8,
  within_meters float8,
  max_items integer,
  starts_after timestamptz default null,
  starts_before timestamptz default null,
  min_hourly_rate numeric default null,
  eligible_only boolean default false,
  after_distance float8 default null,
  after_id uuid default null,
  out items json,
  out next_distance float8,
  out next_id uuid
)
language plpgsql
stable
security definer
set search_path = pg_catalog, extensions, public, pg_temp
-- The planner takes the radius for a handful of rows that cost a fortune each. Left alone it compiles the query (150 ms
-- against 2, among 40,000 open shifts), or reads all shifts of a company, or all within the radius, to sort them.
-- One plan for all values, and only indexes to choose from: the nearest are read, and no more.
set jit = off
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_bitmapscan = off
as $$
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
$$;
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1796004176_search_in_one_pass';
