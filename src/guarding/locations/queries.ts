import { and, eq, isNull, type SQL, sql } from '../../platform/db/drizzle.ts'
import { belongsTo, mergeBranches } from '../../platform/db/policy-branches.ts'
import type { Session } from '../../platform/db/session.ts'
import {
  after,
  build,
  insertRow,
  latitudeOf,
  longitudeOf,
  type PageValues,
  pageValues,
  pointAt,
} from '../../platform/db/sql.ts'
import { type RowsStatement, writtenOnce } from '../../platform/db/statement.ts'
import { forbidIfVisible } from '../../platform/http/found.ts'
import type { Position } from '../../platform/http/page.ts'
import type { Location, LocationChange, NewLocation } from './schemas.ts'
import { locations } from './table.ts'

const columns = {
  id: locations.id,
  organization_id: locations.organization_id,
  name: locations.name,
  address: locations.address,
  latitude: latitudeOf(locations.location_point),
  longitude: longitudeOf(locations.location_point),
  radius_meters: locations.radius_meters,
  time_zone: locations.time_zone,
  created_at: locations.created_at,
  updated_at: locations.updated_at,
}

/**
 * A caller has one role, and no company is its own client: no location is in two branches. A company's clients are many, each with
 * a page of its own.
 */
const BRANCHES: SQL[] = [
  belongsTo(locations.organization_id, sql`muster.company_id()`),
  belongsTo(locations.organization_id, sql`muster.client_id()`),
  belongsTo(locations.tenant_id, sql`muster.guard_tenant_id()`),
  belongsTo(locations.tenant_id, sql`muster.admin_tenant_id()`),
]

interface LocationFilter {
  organization_id?: string | undefined
}

const locationPage = writtenOnce<LocationFilter & PageValues, Location>((given) => {
  const chosen = and(
    isNull(locations.deleted_at),
    given.organization_id && eq(locations.organization_id, given.organization_id),
    after(locations.name, locations.id, given),
  )
  const page = (branch: SQL) =>
    build.select(columns).from(locations).where(and(branch, chosen)).orderBy(locations.name, locations.id)
  const ofClients = sql`
    select page.*
    from unnest((select muster.company_client_ids())) as client (id)
    cross join lateral (${page(sql`${locations.organization_id} = client.id`).limit(given.limit)}) as page
    order by name, id
  `
  return mergeBranches([...BRANCHES.map(page), ofClients], sql`name, id`, given.limit)
})

/** By name. */
export const listLocations = (
  filter: LocationFilter,
  limit: number,
  position: Position | undefined,
): RowsStatement<Location> => locationPage({ ...filter, ...pageValues(limit, position) })

export const locationById = writtenOnce<{ id: string }, Location>(({ id }) =>
  build.select(columns).from(locations).where(eq(locations.id, id)),
)

export async function createLocation(
  session: Session,
  { latitude, longitude, ...given }: NewLocation,
): Promise<Location> {
  const created = await session.row<Location>(
    insertRow(locations, { ...given, location_point: pointAt({ latitude, longitude }) }, columns),
  )
  return created!
}

/** @throws Problem `forbidden` for a location that the caller may see and not change. */
export async function changeLocation(
  session: Session,
  id: string,
  { latitude, longitude, ...change }: LocationChange,
): Promise<Location | undefined> {
  const changed = await session.row<Location>(
    build
      .update(locations)
      .set({
        ...change,
        ...(latitude !== undefined && longitude !== undefined
          ? { location_point: pointAt({ latitude, longitude }) }
          : {}),
      })
      .where(eq(locations.id, id))
      .returning(columns),
  )
  if (!changed) forbidIfVisible(await session.row(locationById({ id })))
  return changed
}

/**
 * A soft delete (a trigger makes it one, so the statement itself returns no row).
 *
 * @throws Problem `forbidden` for a location that the caller may see and not remove.
 */
export async function removeLocation(session: Session, id: string): Promise<boolean> {
  if (!(await session.row(locationById({ id })))) return false
  await session.rows(build.delete(locations).where(eq(locations.id, id)).returning({ id: locations.id }))
  forbidIfVisible(await session.row(locationById({ id })))
  return true
}
