import { and, desc, eq, isNull, type SQL, sql } from '../../platform/db/drizzle.ts'
import { belongsTo, mergeBranches } from '../../platform/db/policy-branches.ts'
import type { Session } from '../../platform/db/session.ts'
import {
  before,
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
import type { Incident, IncidentFilter, NewIncident } from './schemas.ts'
import { incidents } from './table.ts'

const columns = {
  id: incidents.id,
  shift_id: incidents.shift_id,
  company_id: incidents.company_id,
  client_id: incidents.client_id,
  reported_by: incidents.reported_by,
  category: incidents.category,
  severity: incidents.severity,
  description: incidents.description,
  latitude: latitudeOf(incidents.incident_point),
  longitude: longitudeOf(incidents.incident_point),
  occurred_at: incidents.occurred_at,
  status: incidents.status,
  created_at: incidents.created_at,
  updated_at: incidents.updated_at,
}

/** Whoever reported one may since have another role, and see it for that too. */
const BRANCHES: SQL[] = [
  belongsTo(incidents.company_id, sql`muster.company_id()`),
  belongsTo(incidents.client_id, sql`muster.client_id()`),
  sql`${belongsTo(incidents.reported_by, sql`auth.uid()`)}
    and ${incidents.company_id} is distinct from (select muster.company_id())
    and ${incidents.client_id} is distinct from (select muster.client_id())
    and ${incidents.tenant_id} is distinct from (select muster.admin_tenant_id())`,
  belongsTo(incidents.tenant_id, sql`muster.admin_tenant_id()`),
]

const incidentPage = writtenOnce<IncidentFilter & PageValues, Incident>((given) =>
  mergeBranches(
    BRANCHES.map((branch) =>
      build
        .select(columns)
        .from(incidents)
        .where(
          and(
            branch,
            isNull(incidents.deleted_at),
            given.shift_id && eq(incidents.shift_id, given.shift_id),
            given.status && eq(incidents.status, given.status),
            given.severity && eq(incidents.severity, given.severity),
            before(incidents.created_at, incidents.id, given),
          ),
        )
        .orderBy(desc(incidents.created_at), desc(incidents.id)),
    ),
    sql`created_at desc, id desc`,
    given.limit,
  ),
)

/** Those reported last first. */
export const listIncidents = (
  filter: IncidentFilter,
  limit: number,
  position: Position | undefined,
): RowsStatement<Incident> => incidentPage({ ...filter, ...pageValues(limit, position) })

export async function createIncident(
  session: Session,
  { latitude, longitude, ...given }: NewIncident,
): Promise<Incident> {
  const created = await session.row<Incident>(
    insertRow(
      incidents,
      {
        ...given,
        ...(latitude !== undefined && longitude !== undefined
          ? { incident_point: pointAt({ latitude, longitude }) }
          : {}),
      },
      columns,
    ),
  )
  return created!
}

/** @throws Problem `forbidden` for an incident that the caller may see and not change. */
export async function changeIncident(
  session: Session,
  id: string,
  status: Incident['status'],
): Promise<Incident | undefined> {
  const changed = await session.row<Incident>(
    build.update(incidents).set({ status }).where(eq(incidents.id, id)).returning(columns),
  )
  if (!changed) forbidIfVisible(await session.row(visibleIncident(id)))
  return changed
}

/** Only whether the caller sees it. */
const visibleIncident = (id: string) =>
  build.select({ id: incidents.id }).from(incidents).where(eq(incidents.id, id))
