import type { Database } from '../../src/platform/db/engine/database.ts'
import { ORGANIZATIONS } from './world.ts'

/** A type and no interface, so that it fits where any named values do. */
export type Place = { latitude: number; longitude: number }

/** Arranges a location (as the owner), of the world's client unless said otherwise; gives its id. */
export async function arrangeLocation(
  owner: Database,
  { latitude, longitude }: Place,
  organization: string = ORGANIZATIONS.client,
): Promise<string> {
  const [row] = await owner.query<{ id: string }>(
    `insert into locations (organization_id, name, address, location_point)
     values ($1, 'place', 'Somewhere 1', st_point($2::float8, $3::float8)::geography) returning id`,
    [organization, longitude, latitude],
  )
  return row!.id
}

export type QueryParameters = Record<string, string | number | boolean | undefined>

/** A query string, without what is undefined. */
export const queryOf = (parameters: QueryParameters): string =>
  new URLSearchParams(
    Object.entries(parameters).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, String(value)] as [string, string]],
    ),
  ).toString()
