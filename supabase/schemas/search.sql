-- Search: what needs the spatial index. Under row level security the planner may not use it (ST_DWithin is not
-- leakproof), so these functions are security definer, say who may see what once more, and are in the access tests.
--
-- * Open shifts are published and not begun: a guard and an admin see their tenant's, a company and a client their own.
-- * Candidates are the guards of the shift's tenant. Distances are from the area in which they live: a company may put
--   locations and shifts wherever it likes, and three exact distances would be an address.
-- * Order and pages follow the distance that is returned, on the spheroid (then the id). The index gives the nearest on
--   the sphere first: once a page is full, all within `search_reach` of its last item must be read before it is sorted.

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
  after_id uuid default null
) returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, extensions, public, pg_temp
-- To the planner a distance costs a fortune, and the radius holds a handful of rows. Left alone it compiles the query
-- (150 ms against 2, among 40,000 open shifts), or reads all shifts of a company, or all in the radius, to sort them.
set jit = off
set plan_cache_mode = force_generic_plan
as $$
declare
  here geography := st_point(longitude, latitude)::geography;
  tenant uuid := coalesce(muster.guard_tenant_id(), muster.admin_tenant_id());
  company uuid := muster.company_id();
  client uuid := muster.client_id();
  professional uuid := muster.professional_id();
  -- The kinds that the professional has, for whomever and however long: without them there is no need to look closer.
  held text[];
  -- A declared cursor is planned for its first rows: in the order of the index, without sorting.
  by_distance cursor for
    select s.id, s.location_point <-> here as distance_on_sphere
    from public.shifts s
    where s.status = 'published'
      and s.deleted_at is null
      and s.start_datetime > now()
      and (s.tenant_id = tenant or s.company_id = company or s.client_id = client)
      and st_dwithin(s.location_point, here, within_meters)
      and (starts_after is null or s.start_datetime >= starts_after)
      and (starts_before is null or s.start_datetime < starts_before)
      and (min_hourly_rate is null or s.hourly_rate >= min_hourly_rate)
      and (after_distance is null or (st_distance(s.location_point, here), s.id) > (after_distance, after_id))
      and (
        not eligible_only
        or (
          s.required_certificates <@ held
          and not exists (select from muster.assignment_violations(professional, s))
        )
      )
    order by s.location_point <-> here;
  page uuid[] := '{}';
  reach float8 := 'Infinity';
begin
  -- Nobody else is eligible for anything: an empty list would say that there is no work.
  if eligible_only and professional is null then
    perform muster.fail('forbidden', 'eligible_only');
  end if;
  if eligible_only then
    if not exists (
      select from public.security_professionals p where p.id = professional and p.status = 'active'
    ) then
      return '[]';
    end if;
    held := array(
      select c.kind
      from public.certificates c
      where c.professional_id = professional and c.verified_at is not null and c.deleted_at is null
    );
  end if;

  for nearest in by_distance loop
    exit when nearest.distance_on_sphere > reach;
    page := page || nearest.id;
    if cardinality(page) = max_items then
      reach := muster.search_reach(nearest.distance_on_sphere);
    end if;
  end loop;

  return (
    select coalesce(jsonb_agg(item.shift order by item.distance, item.id), '[]')
    from (
      select
        s.id,
        st_distance(s.location_point, here) as distance,
        muster.shift_json(s)
        || jsonb_build_object('location_name', l.name, 'distance_meters', st_distance(s.location_point, here)) as shift
      from public.shifts s
      join public.locations l on l.id = s.location_id
      where s.id = any (page)
      order by 2, 1
      limit max_items
    ) item
  );
end
$$;
comment on function muster.nearby_shifts(
  float8, float8, float8, integer, timestamptz, timestamptz, numeric, boolean, float8, uuid
) is 'Open shifts that the caller may see, nearest first. Security definer: see the head of this file.';

-- A shift in the form of the API.
create or replace function muster.shift_json(shift public.shifts) returns jsonb
language sql
stable
parallel safe
set search_path = pg_catalog, extensions, public, pg_temp
as $$
  select jsonb_build_object(
    'id', shift.id,
    'company_id', shift.company_id,
    'client_id', shift.client_id,
    'location_id', shift.location_id,
    'professional_id', shift.professional_id,
    'status', shift.status,
    'start_datetime', shift.start_datetime,
    'end_datetime', shift.end_datetime,
    'time_zone', shift.time_zone,
    'hourly_rate', shift.hourly_rate,
    'overtime_rate', shift.overtime_rate,
    'required_certificates', shift.required_certificates,
    'title', shift.title,
    'instructions', shift.instructions,
    'cancel_reason', shift.cancel_reason,
    'latitude', st_y(shift.location_point::geometry),
    'longitude', st_x(shift.location_point::geometry),
    'created_at', shift.created_at,
    'updated_at', shift.updated_at
  )
$$;
comment on function muster.shift_json(public.shifts) is 'A shift in the form of the API.';

create or replace function muster.shift_candidates(
  wanted uuid,
  max_items integer,
  eligible_only boolean default false,
  after_distance float8 default null,
  after_id uuid default null
) returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, extensions, public, pg_temp
-- As for nearby_shifts: 3 ms instead of 150, among 20,000 guards.
set jit = off
as $$
declare
  shift public.shifts;
  -- The distance of guards who did not say where they live: they come last.
  unknown constant float8 := 'Infinity';
  by_distance cursor for
    select p.id, muster.home_area(p.home_point) <-> shift.location_point as distance_on_sphere
    from public.security_professionals p
    where p.tenant_id = shift.tenant_id
      and p.deleted_at is null
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
$$;
comment on function muster.shift_candidates(uuid, integer, boolean, float8, uuid) is
  'Guards for a shift, nearest home first, with what speaks against each. Security definer: the company of a shift may
   compare guards that it cannot see. It never learns where they live: distances are those of their areas.';

-- Claiming: the same update that a guard may do by hand, but with the reason when it cannot be done.
create or replace function muster.claim_shift(wanted uuid) returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, extensions, public, pg_temp
as $$
declare
  shift public.shifts;
begin
  if muster.professional_id() is null then
    perform muster.fail('forbidden');
  end if;
  select * into shift
  from public.shifts s
  where s.id = wanted and s.tenant_id = muster.guard_tenant_id() and s.status <> 'draft' and s.deleted_at is null
  for no key update;
  if not found then
    perform muster.fail('not_found', 'id');
  end if;
  if shift.status <> 'published' or shift.start_datetime <= now() then
    perform muster.fail('shift_not_open');
  end if;
  update public.shifts s
  set status = 'assigned', professional_id = muster.professional_id()
  where s.id = wanted
  returning s.* into shift;
  return muster.shift_json(shift);
end
$$;
comment on function muster.claim_shift(uuid) is
  'The caller takes an open shift. Security definer: that a shift was open, and is gone, may be said to those who came late.';

grant execute on function muster.shift_json(public.shifts) to authenticated, muster_definer;
grant execute on function muster.search_reach(float8) to muster_definer;
grant execute on function
  muster.nearby_shifts(float8, float8, float8, integer, timestamptz, timestamptz, numeric, boolean, float8, uuid),
  muster.shift_candidates(uuid, integer, boolean, float8, uuid),
  muster.claim_shift(uuid)
to authenticated;

alter function muster.nearby_shifts(
  float8, float8, float8, integer, timestamptz, timestamptz, numeric, boolean, float8, uuid
) owner to muster_definer;
alter function muster.shift_candidates(uuid, integer, boolean, float8, uuid) owner to muster_definer;
alter function muster.claim_shift(uuid) owner to muster_definer;
