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
  -- Distances on spheroid and sphere differ by less than 0.6 % either way: see search_reach.
  sphere_slack constant float8 := 1.006;
  -- Read beyond the page at once: so many are most often enough to be sure that nothing nearer comes later.
  spare constant integer := 8;
  here constant geography := st_point(longitude, latitude)::geography;
  -- As the index has them, so that it leaves out itself what begins at another time or pays less.
  earliest constant timestamptz := greatest(starts_after, now() + interval '1 microsecond');
  latest constant timestamptz := coalesce(starts_before, 'infinity');
  least_rate constant float8 := coalesce(min_hourly_rate, 0);
  nearest constant float8 := coalesce(after_distance / sphere_slack - 1, 0);
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
        st_distance(s.location_point, here) as distance
      from public.shifts s
      where s.status = 'published'
        and s.deleted_at is null
        and (s.tenant_id = tenant or s.company_id = company or s.client_id = client)
        and st_dwithin(s.location_point, here, within_meters)
        and s.start_datetime >= earliest
        and s.start_datetime < latest
        and s.hourly_rate::float8 >= least_rate
        and (after_distance is null or s.location_point <-> here >= nearest)
        and (after_distance is null or (st_distance(s.location_point, here), s.id) > (after_distance, after_id))
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
        page.instructions,
        page.cancel_reason,
        st_y(page.location_point::geometry) as latitude,
        st_x(page.location_point::geometry) as longitude,
        page.created_at,
        page.updated_at,
        l.name as location_name,
        page.distance as distance_meters
    ) item;

    -- Whatever was not read is farther on the sphere than what was, and not much nearer on the spheroid.
    exit when found_items < wanted or read_to >= next_distance * sphere_slack + 1;
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
drop function muster.metre_at_least(float8, float8);
--> statement-breakpoint
drop function muster.metre_at_most(float8, float8);
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1795331236_nearby_spells_rows';
