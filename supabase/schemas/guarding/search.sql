-- Search: what needs the spatial index. Under row level security the planner may not use it (ST_DWithin is not
-- leakproof), so these functions are security definer, say who may see what once more, and are in the access tests.
--
-- * Open shifts are published and not begun: a guard and an admin see their tenant's, a company and a client their own. Guards,
--   who look for what they can claim, do not find those whose company no longer works for the client.
-- * Order and pages follow the distance that is returned, on the spheroid (then the id). The index gives the nearest on
--   the sphere first: once a page is full, all that may be as near as its last item must be read before it is sorted.
-- * What most shifts fail is asked of an index, not of each shift on the way: when it begins and what it pays of the spatial
--   one, whether any set of certificates will do of another. The rest is rare enough to be looked at row by row.

create or replace function muster.search_reach(distance_on_sphere float8) returns float8
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
-- Distances on spheroid and sphere differ by less than 0.6 % either way: the radii of curvature of WGS 84 are 6,335 to
-- 6,400 km, and the sphere of PostGIS has 6,371 km. A metre more takes up what is rounded.
return distance_on_sphere * 1.006 * 1.006 + 1;
comment on function muster.search_reach(float8) is
  'Whatever is farther than this on the sphere is farther on the spheroid than what is at the given distance.';

-- How long a metre on the sphere is on the spheroid, so near to a latitude: the radius of curvature along the meridian,
-- shortest where it is nearest to the equator, and that across it, longest where it is nearest to a pole, by the radius of the
-- sphere of PostGIS. All over the world the two are 1.2 % apart, within a search 0.3 (Netherlands) to 0.7 % (equator): so
-- much less is read to be sure of a page. A degree of latitude is 110,574 m or more; 0.00669… is WGS 84's eccentricity, squared.
create or replace function muster.metre_at_least(latitude float8, within_meters float8) returns float8
language sql
immutable
parallel safe
return 6378137 * (1 - 0.00669437999014)
  / (1 - 0.00669437999014 * sind(greatest(abs(latitude) - within_meters / 100000, 0)) ^ 2) ^ 1.5
  / 6371008.7714;
comment on function muster.metre_at_least(float8, float8) is
  'The least that a metre on the sphere is on the spheroid, so near to a latitude.';

create or replace function muster.metre_at_most(latitude float8, within_meters float8) returns float8
language sql
immutable
parallel safe
return 6378137
  / sqrt(1 - 0.00669437999014 * sind(least(abs(latitude) + within_meters / 100000, 90)) ^ 2)
  / 6371008.7714;
comment on function muster.metre_at_most(float8, float8) is
  'The most that a metre on the sphere is on the spheroid, so near to a latitude.';

-- The index refuses to go on ("index returned tuples in wrong order", XX000) where it thinks a row farther than it is. PostGIS
-- takes two points for one, at distance 0, when their coordinates differ by less than 5e-14 rad (a third of a micrometre), or
-- lie on either side of ±180°; the index has the points as boxes on the unit sphere, in float4, which are finer than that where
-- a coordinate is near 0: on the equator, the poles, and the meridians 0, ±90 and ±180. So the order is asked from a point whose
-- own box reaches beyond 5e-14 in every direction: whatever PostGIS takes for the same point has a box that meets it, and is at
-- distance 0 for the index too. Almost everywhere that is the place itself, else one some 100 m aside: whoever uses it adds
-- the distance between the two to how far is read.
create or replace function muster.search_origin(latitude float8, longitude float8) returns geography
language plpgsql
immutable
parallel safe
set search_path = pg_catalog, extensions, public, pg_temp
as $$
declare
  -- Four times what PostGIS takes for the same, for what rounding adds.
  margin constant float8 := 2e-13;
  -- Degrees: 55 m. As far from a meridian or the equator, float4 is coarse enough in most places.
  step constant float8 := 0.0005;
  aside float8 := 0;
  lat float8 := latitude;
  lon float8 := longitude;
  x float8;
  y float8;
  z float8;
begin
  loop
    x := cosd(lat) * cosd(lon);
    y := cosd(lat) * sind(lon);
    z := sind(lat);
    exit when least(abs(x - x::float4), abs(y - y::float4), abs(z - z::float4)) > margin;
    aside := aside + step;
    -- Towards the equator and the meridian 0, or away from them where they are near: no coordinate leaves its range.
    lat := latitude + case when latitude > 0 then -aside else aside end;
    lon := longitude + case when longitude > 0 then -1 else 1 end * aside / greatest(cosd(lat), step);
  end loop;
  return st_point(lon, lat)::geography;
end
$$;
comment on function muster.search_origin(float8, float8) is
  'From where the spatial index is asked for what is nearest to a place: the place, or a point aside where PostGIS would fail.';

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
  where m.user_id = muster.user_id() and m.role in ('admin', 'company', 'client', 'zzp') and u.deleted_at is null and u.suspended_at is null;
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
comment on function muster.nearby_shifts(
  float8, float8, float8, integer, timestamptz, timestamptz, numeric, boolean, float8, uuid
) is 'Open shifts that the caller may see, nearest first. Security definer: see the head of this file.';

-- What rules most shifts out for a guard at a glance; what it leaves is looked at closely by assignment_violations.
-- `professional` is null for those who are no guards, `held` for guards who may claim nothing of what there is.
create or replace function muster.eligibility(out professional uuid, out held text[], out busy tstzmultirange)
language plpgsql
stable
security definer
set search_path = pg_catalog, extensions, public, pg_temp
as $$
declare
  -- Open shifts ask for few different sets of certificates. Where there are more than this, no more are compared.
  most_sets constant integer := 100;
  guard record;
begin
  select p.id, p.tenant_id, p.status into guard
  from public.memberships m
  join public.users u on u.id = m.user_id
  join public.security_professionals p on p.user_id = m.user_id
  where m.user_id = muster.user_id() and m.role = 'zzp' and u.deleted_at is null and u.suspended_at is null
    and p.deleted_at is null;
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
      where s.professional_id = guard.id
        -- As muster.assignment_violations has it.
        and (s.status in ('assigned', 'active') or (s.status = 'completed' and s.end_datetime > now()))
        and s.deleted_at is null
    ),
    '{}'
  );
end
$$;
comment on function muster.eligibility() is
  'What the calling guard has, and when they work. Security definer: it counts shifts of all companies.';

grant execute on function
  muster.search_reach(float8),
  muster.metre_at_least(float8, float8),
  muster.metre_at_most(float8, float8),
  muster.search_origin(float8, float8)
to muster_definer;
-- The API calls them in one statement, which takes on the caller's role after the login was asked for this privilege.
grant execute on function
  muster.nearby_shifts(float8, float8, float8, integer, timestamptz, timestamptz, numeric, boolean, float8, uuid)
to authenticated, muster_api;

alter function muster.nearby_shifts(
  float8, float8, float8, integer, timestamptz, timestamptz, numeric, boolean, float8, uuid
) owner to muster_definer;
alter function muster.eligibility() owner to muster_definer;
