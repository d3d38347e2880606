/*
 * The search as the references run it: without any access check, of the columns that the service answers with.
 */

/** How each value of a search is spelled: pgbench's variables, parameters, or literals. */
export interface NearbyTerms {
  latitude: string
  longitude: string
  radius: string
  limit: string
}

const COLUMNS = `
  s.id, s.company_id, s.client_id, s.location_id, s.professional_id, s.status, s.start_datetime, s.end_datetime,
  s.time_zone, s.hourly_rate, s.overtime_rate, s.required_certificates, s.title, s.description,
  null::text as instructions, s.cancel_reason,
  st_y(s.location_point::geometry) as latitude, st_x(s.location_point::geometry) as longitude,
  s.created_at, s.updated_at, l.name as location_name, s.distance_meters`

const pointOf = ({ latitude, longitude }: NearbyTerms): string =>
  `st_point(${longitude}::float8, ${latitude}::float8)::geography`

/** The best single statement that we know: the spatial index gives the nearest first, and stops at the limit. */
export const nearestFirst = (terms: NearbyTerms): string => `
select ${COLUMNS}
from (
  select s.*, st_distance(s.location_point, ${pointOf(terms)}) as distance_meters
  from public.shifts s
  where s.status = 'published'
    and s.deleted_at is null
    and s.start_datetime > now()
    and st_dwithin(s.location_point, ${pointOf(terms)}, ${terms.radius}::float8)
  order by s.location_point <-> ${pointOf(terms)}
  limit ${terms.limit}::int
) s
join public.locations l on l.id = s.location_id
order by s.distance_meters, s.id`

/** As the manuals have it: the places within the radius, their shifts, sorted by distance. */
export const textbook = (terms: NearbyTerms): string => `
select ${COLUMNS.replace('s.distance_meters', `st_distance(l.location_point, ${pointOf(terms)}) as distance_meters`)}
from public.shifts s
join public.locations l on l.id = s.location_id
where s.status = 'published'
  and s.deleted_at is null
  and s.start_datetime > now()
  and st_dwithin(l.location_point, ${pointOf(terms)}, ${terms.radius}::float8)
order by distance_meters, s.id
limit ${terms.limit}::int`

/** The first page of a list: the shifts of a company, or those of a tenant that are open. @returns with parameters for whose, and how many */
export const listOf = (which: 'company' | 'open'): string => `
select ${COLUMNS.replace('null::text as instructions', 'b.text as instructions').replace(', l.name as location_name, s.distance_meters', '')}
from public.shifts s
left join public.shift_briefings b on b.shift_id = s.id
where s.deleted_at is null
  and ${which === 'company' ? 's.company_id = $1' : "s.tenant_id = $1 and s.status = 'published' and s.start_datetime > now()"}
order by s.start_datetime, s.id
limit $2::int`
