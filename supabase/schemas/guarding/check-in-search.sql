-- Check-in search: who was near a place at a time.
-- Security definer for the reason that search.sql gives: the spatial index.
--
-- * Check-ins near a place are told to those who may read them by policy: companies, clients and admins, of their own shifts.

-- The check-ins of one page, in the form of the API, by device time, and where the next page begins (null on the last one).
create or replace function muster.nearby_check_ins(
  latitude float8,
  longitude float8,
  within_meters float8,
  recorded_from timestamptz,
  recorded_to timestamptz,
  max_items integer,
  after_time timestamptz default null,
  after_id uuid default null,
  out items json,
  out next_time timestamptz,
  out next_id uuid
)
language plpgsql
stable
security definer
set search_path = pg_catalog, extensions, public, pg_temp
-- As for nearby_shifts: the index has the place, and the planner has no better idea.
set jit = off
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
as $$
declare
  here constant geography := st_point(longitude, latitude)::geography;
  -- What earlier pages showed is left out; with the same time the id decides.
  earliest constant timestamptz := greatest(recorded_from, after_time);
  caller record;
  tenant uuid;
  company uuid;
  client uuid;
begin
  select m.role, m.tenant_id, m.organization_id into caller
  from public.memberships m
  join public.users u on u.id = m.user_id
  where m.user_id = muster.user_id() and m.role in ('admin', 'company', 'client', 'zzp') and u.deleted_at is null and u.suspended_at is null;
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
      page.assignment_id,
      page.professional_id,
      page.kind,
      st_y(page.gps_point::geometry) as latitude,
      st_x(page.gps_point::geometry) as longitude,
      page.accuracy_meters,
      page.distance_meters,
      page.is_within_radius,
      page.verdict,
      muster.checkin_flags(page.accuracy_meters) as flags,
      page.recorded_at,
      page.created_at,
      st_distance(page.gps_point, here) as meters_away
  ) item;
end
$$;
comment on function muster.nearby_check_ins(
  float8, float8, float8, timestamptz, timestamptz, integer, timestamptz, uuid
) is 'Who was near a place at that time, of the check-ins that the caller may read. Security definer: see the head of this file.';

-- The API calls it in one statement, which takes on the caller's role after the login was asked for this privilege.
grant execute on function muster.nearby_check_ins(float8, float8, float8, timestamptz, timestamptz, integer, timestamptz, uuid)
to authenticated, muster_api;

alter function muster.nearby_check_ins(
  float8, float8, float8, timestamptz, timestamptz, integer, timestamptz, uuid
) owner to muster_definer;
