-- Search: what needs the spatial index. Under row level security the planner may not use it (ST_DWithin is not
-- leakproof), so these functions are security definer, say who may see what once more, and are in the access tests.
--
-- * Open shifts are published and not begun: a guard and an admin see their tenant's, a company and a client their own.
-- * Order and pages follow the distance that is returned, on the spheroid (then the id). The index orders by distance on
--   the sphere, which differs by less than 0.6 % (sphere of the mean radius against WGS 84), so it bounds the search.

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
as $$
declare
  here geography := st_point(longitude, latitude)::geography;
  -- Upper bound of the ratio between the distances on spheroid and sphere, either way: the radii of curvature of WGS 84
  -- are 6,335 to 6,400 km, the sphere's radius is 6,371 km.
  sphere_slack constant float8 := 1.006;
  tenant uuid := coalesce(muster.guard_tenant_id(), muster.admin_tenant_id());
  company uuid := muster.company_id();
  client uuid := muster.client_id();
  professional uuid := muster.professional_id();
  reach float8;
begin
  -- Nobody else is eligible for anything: an empty list would say that there is no work.
  if eligible_only and professional is null then
    perform muster.fail('forbidden', 'eligible_only');
  end if;

  -- How far (on the sphere) the last item of this page lies: no more of the index than that is read.
  select max(nearest.distance) into reach
  from (
    select s.location_point <-> here as distance
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
      and (not eligible_only or not exists (select from muster.assignment_violations(professional, s)))
    order by s.location_point <-> here
    limit max_items
  ) nearest;
  if reach is null then
    return '[]';
  end if;

  return (
    select coalesce(jsonb_agg(page.item order by page.distance, page.id), '[]')
    from (
      select
        s.id,
        st_distance(s.location_point, here) as distance,
        muster.shift_json(s)
        || jsonb_build_object('location_name', l.name, 'distance_meters', st_distance(s.location_point, here)) as item
      from public.shifts s
      join public.locations l on l.id = s.location_id
      where s.status = 'published'
        and s.deleted_at is null
        and s.start_datetime > now()
        and (s.tenant_id = tenant or s.company_id = company or s.client_id = client)
        and st_dwithin(s.location_point, here, least(within_meters, reach * sphere_slack * sphere_slack + 1))
        and (starts_after is null or s.start_datetime >= starts_after)
        and (starts_before is null or s.start_datetime < starts_before)
        and (min_hourly_rate is null or s.hourly_rate >= min_hourly_rate)
        and (after_distance is null or (st_distance(s.location_point, here), s.id) > (after_distance, after_id))
        and (not eligible_only or not exists (select from muster.assignment_violations(professional, s)))
      order by 2, 1
      limit max_items
    ) page
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
as $$
declare
  shift public.shifts;
  sphere_slack constant float8 := 1.006;
  reach float8;
begin
  select s.* into shift from public.shifts s where s.id = wanted;
  if not muster.sees_shift(shift) then
    perform muster.fail('not_found', 'id');
  elsif not muster.manages_shift(shift) then
    perform muster.fail('forbidden');
  end if;

  select max(nearest.distance) into reach
  from (
    select p.home_point <-> shift.location_point as distance
    from public.security_professionals p
    where p.tenant_id = shift.tenant_id
      and p.deleted_at is null
      and p.home_point is not null
      and (
        after_distance is null
        or (st_distance(p.home_point, shift.location_point), p.id) > (after_distance, after_id)
      )
      and (not eligible_only or not exists (select from muster.assignment_violations(p.id, shift)))
    order by p.home_point <-> shift.location_point
    limit max_items
  ) nearest;

  return (
    select coalesce(jsonb_agg(jsonb_build_object(
      'professional_id', page.id,
      'name', page.name,
      'distance_meters', page.distance,
      'eligible', page.violations = '[]',
      'violations', page.violations
    ) order by page.distance, page.id), '[]')
    from (
      select
        p.id,
        u.name,
        st_distance(p.home_point, shift.location_point) as distance,
        (
          select coalesce(jsonb_agg(jsonb_build_object('code', v.code, 'detail', v.detail)), '[]')
          from muster.assignment_violations(p.id, shift) v
        ) as violations
      from public.security_professionals p
      join public.users u on u.id = p.user_id
      where p.tenant_id = shift.tenant_id
        and p.deleted_at is null
        and st_dwithin(p.home_point, shift.location_point, reach * sphere_slack * sphere_slack + 1)
        and (
          after_distance is null
          or (st_distance(p.home_point, shift.location_point), p.id) > (after_distance, after_id)
        )
        and (not eligible_only or not exists (select from muster.assignment_violations(p.id, shift)))
      order by 3, 1
      limit max_items
    ) page
  );
end
$$;
comment on function muster.shift_candidates(uuid, integer, boolean, float8, uuid) is
  'Guards for a shift, nearest home first, with what speaks against each. Security definer: the company of a shift may
   compare guards that it cannot see, and never learns where they live.';

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
