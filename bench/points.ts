import type { Bench } from './bench.ts'
import { asOwner } from './cluster.ts'

export interface Point {
  latitude: number
  longitude: number
}

/** To a tenth of a metre: no phone knows more. */
const coordinatesOf = (point: string): string =>
  `round(st_y(${point}::geometry)::numeric, 6)::float8 as latitude, round(st_x(${point}::geometry)::numeric, 6)::float8 as longitude`

/** Where people search: at home, which is where people live. */
export const homes = (bench: Bench, count: number): Promise<Point[]> =>
  asOwner(bench.databaseUrl, (database) =>
    database.query<{ latitude: number; longitude: number }>(
      `select ${coordinatesOf('home_point')}
       from security_professionals order by md5(id::text) limit ${count}`,
    ),
  )

/** Places that have something within the radius, but fewer than `limit`: a search there finds no full page. */
export const sparsePlaces = (
  bench: Bench,
  count: number,
  radiusMeters: number,
  limit: number,
): Promise<Point[]> =>
  asOwner(bench.databaseUrl, (database) =>
    database.query<{ latitude: number; longitude: number }>(
      `select ${coordinatesOf('p.point')}
       from (
         select st_project(location_point, 4000 + 8000 * (('x' || left(md5(id::text), 4))::bit(16)::int / 65536.0),
                           ('x' || right(md5(id::text), 4))::bit(16)::int / 10000.0) as point
         from locations
         order by md5(id::text)
         limit ${20 * count}
       ) p
       cross join lateral (
         select count(*) as found
         from (
           select from shifts s
           where s.status = 'published' and s.deleted_at is null and st_dwithin(s.location_point, p.point, ${radiusMeters})
           limit ${limit}
         ) s
       ) s
       where s.found between 1 and ${limit - 1}
       limit ${count}`,
    ),
  )
