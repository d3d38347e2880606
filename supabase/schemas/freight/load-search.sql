-- Search of loads: who plans for a carrier looks for what a driver could take next.
--
-- * Under row level security the planner may not use the spatial index (ST_DWithin is not leakproof), so the function is security definer,
--   says who may see what once more, and is in the access tests.
-- * A load that nobody has is found by its first pickup: the stops of the first place that no driver has are in an index of their own
--   (`load_stops_open_idx`), by carrier and point. Only those of the caller's carrier within the radius are read.
-- * Drivers see no load before it is theirs: a dispatcher looks around the last position of a driver. Each row says around which point it
--   was found: further pages are given that point, for the driver moves on meanwhile.
-- * Order and pages follow the distance that is returned, on the spheroid, then the id.

create or replace function muster.nearby_loads(
  latitude float8,
  longitude float8,
  of_driver uuid,
  within_meters float8,
  max_items integer,
  starts_after timestamptz default null,
  starts_before timestamptz default null,
  after_distance float8 default null,
  after_id uuid default null
) returns table (load jsonb, distance_meters float8, around_latitude float8, around_longitude float8)
language plpgsql
stable
security definer
set search_path = pg_catalog, extensions, public, pg_temp
as $$
declare
  administered constant uuid := muster.admin_tenant_id();
  carriers uuid[] := array[muster.carrier_id()];
  here geography := st_point(longitude, latitude)::geography;
begin
  if administered is not null then
    carriers := array(select o.id from public.organizations o where o.tenant_id = administered and o.kind = 'carrier');
  elsif carriers[1] is null then
    perform muster.fail('forbidden');
  end if;
  if of_driver is not null then
    select p.event_point into here
    from public.drivers d
    left join lateral muster.last_position(d.id) p on true
    where d.id = of_driver and d.organization_id = any (carriers) and d.deleted_at is null;
    if not found then
      perform muster.fail('not_found', 'driver_id');
    elsif here is null then
      perform muster.fail('driver_position_unknown', 'driver_id');
    end if;
  end if;
  return query
    select muster.load_json(l), n.distance, st_y(here::geometry), st_x(here::geometry)
    from (
      select s.load_id, st_distance(s.stop_point, here) as distance
      from unnest(carriers) as c (id)
      join public.load_stops s on s.organization_id = c.id
      where s.position = 1
        and s.driver_ids = '{}'
        and s.deleted_at is null
        and st_dwithin(s.stop_point, here, within_meters)
    ) n
    join public.loads l on l.id = n.load_id
    where l.status = 'pending'
      and l.deleted_at is null
      and l.ends_at > now()
      and (nearby_loads.starts_after is null or l.starts_at >= nearby_loads.starts_after)
      and (nearby_loads.starts_before is null or l.starts_at < nearby_loads.starts_before)
      and (after_distance is null or (n.distance, l.id) > (after_distance, after_id))
    order by n.distance, l.id
    limit max_items;
end
$$;
comment on function muster.nearby_loads(
  float8, float8, uuid, float8, integer, timestamptz, timestamptz, float8, uuid
) is
  'Pending loads of the caller''s carrier around a point, or the last position of a driver. Security definer: the spatial index.';

grant execute on function muster.nearby_loads(
  float8, float8, uuid, float8, integer, timestamptz, timestamptz, float8, uuid
) to authenticated;

alter function muster.nearby_loads(
  float8, float8, uuid, float8, integer, timestamptz, timestamptz, float8, uuid
) owner to muster_definer;
