import { nearestFirst } from './nearby.ts'

const statement = nearestFirst({
  latitude: 'latitude',
  longitude: 'longitude',
  radius: 'radius_meters',
  limit: 'max_items',
})

/**
 * The function that the peers call, in the schema that they expose: the best single statement, for the caller's tenant.
 * PostGraphile and PostgREST alike leave a spatial search to a function.
 */
export const PEER_FUNCTION = `
create schema bench_api;
grant usage on schema bench_api to authenticated;
create type bench_api.nearby_shift as (
  id uuid, company_id uuid, client_id uuid, location_id uuid, professional_id uuid, status text,
  start_datetime timestamptz, end_datetime timestamptz, time_zone text, hourly_rate numeric, overtime_rate numeric,
  required_certificates text[], title text, description text, instructions text, cancel_reason text, latitude float8, longitude float8,
  created_at timestamptz, updated_at timestamptz, location_name text, distance_meters float8
);
create function bench_api.nearby_shifts(latitude float8, longitude float8, radius_meters float8, max_items int)
returns setof bench_api.nearby_shift
language plpgsql
stable
security definer
set search_path = pg_catalog, extensions, public, pg_temp
set jit = off
set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
begin
  return query ${statement.replace("s.status = 'published'", "s.status = 'published' and s.tenant_id = (select muster.tenant_id())").replaceAll(/\b(latitude|longitude|radius_meters|max_items)::/g, 'nearby_shifts.$1::')};
end
$$;
grant execute on function bench_api.nearby_shifts(float8, float8, float8, int) to authenticated;
comment on function bench_api.nearby_shifts(float8, float8, float8, int) is '@behavior -connection +list';
`
