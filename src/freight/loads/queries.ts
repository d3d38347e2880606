import { and, eq, gte, isNull, lt, type SQL, sql } from '../../platform/db/drizzle.ts'
import { action } from '../../platform/db/function-call.ts'
import { belongsTo, MOST_ROWS, mergeBranches } from '../../platform/db/policy-branches.ts'
import type { FunctionCaller, Session } from '../../platform/db/session.ts'
import { after, build, type PageValues, pageValues } from '../../platform/db/sql.ts'
import { type RowsStatement, writtenOnce } from '../../platform/db/statement.ts'
import { forbidIfVisible } from '../../platform/http/found.ts'
import type { Position } from '../../platform/http/page.ts'
import { codeOf, Problem } from '../../platform/http/problem.ts'
import { type RefusedItem, refusedItems } from '../../platform/http/refused-items.ts'
import { visibleLoad } from '../records.ts'
import {
  type ListedLoad,
  type Load,
  type LoadCandidate,
  type LoadChange,
  type LoadDetail,
  type LoadFilter,
  type NearbyLoadFilter,
  type NewLoad,
  type NewLoadAssignment,
  newLoad,
  type Stop,
  type StopChange,
} from './schemas.ts'
import { loads } from './table.ts'

/** Column by column what `muster.load_json` gives: the functions of the database answer with that. */
const columns = {
  id: loads.id,
  organization_id: loads.organization_id,
  broker_id: loads.broker_id,
  broker_organization_id: loads.broker_organization_id,
  dispatcher_id: loads.dispatcher_id,
  reference: loads.reference,
  status: loads.status,
  rate: loads.rate,
  distance: loads.distance,
  driving_minutes: loads.driving_minutes,
  currency: loads.currency,
  distance_unit: loads.distance_unit,
  is_factored: loads.is_factored,
  metadata: loads.metadata,
  starts_at: loads.starts_at,
  ends_at: loads.ends_at,
  last_day: loads.last_day,
  driver_ids: loads.driver_ids,
  cancel_reason: loads.cancel_reason,
  created_at: loads.created_at,
  updated_at: loads.updated_at,
}

/** Of the assignments that somebody has or had: an index looks them up by driver, and by co-driver. */
const loadsOf = (driver: SQL): SQL => sql`${loads.id} = any (array(
  select a.load_id from load_assignments a where a.driver_id = ${driver}
  union select a.load_id from load_assignments a where a.co_driver_id = ${driver}
))`

const ofNoPlanner = sql`${loads.organization_id} is distinct from (select muster.carrier_id())
  and ${loads.tenant_id} is distinct from (select muster.admin_tenant_id())`

/** A driver may dispatch, or work for a broker, too: no load is in two branches. */
const BRANCHES: SQL[] = [
  belongsTo(loads.organization_id, sql`muster.carrier_id()`),
  sql`${belongsTo(loads.broker_organization_id, sql`muster.broker_id()`)} and ${ofNoPlanner}`,
  sql`(select muster.driver_id()) is not null and ${loadsOf(sql`(select muster.driver_id())`)}
    and (${loads.broker_organization_id} = (select muster.broker_id())) is not true and ${ofNoPlanner}`,
  sql`${belongsTo(loads.tenant_id, sql`muster.admin_tenant_id()`)}
    and ${loads.organization_id} is distinct from (select muster.carrier_id())`,
]

/** As far as the caller sees each. */
const details = {
  stops: sql`(
    select coalesce(json_agg(muster.stop_json(s) order by s.position), '[]')
    from load_stops s where s.load_id = loads.id and s.deleted_at is null
  )`.as('stops'),
  assignments: sql`(
    select coalesce(json_agg(muster.assignment_json(a) order by a.leg, a.created_at, a.id), '[]')
    from load_assignments a where a.load_id = loads.id
  )`.as('assignments'),
  // One entry of an index. As in `muster.last_position`, without what is too inexact to say where a truck is.
  last_position: sql`case when ${loads.status} = 'in_transit' then (
    select json_build_object(
      'recorded_at', e.recorded_at,
      'latitude', st_y(e.event_point::geometry),
      'longitude', st_x(e.event_point::geometry),
      'accuracy_meters', e.accuracy_meters
    )
    from stop_events e
    where e.load_id = loads.id and e.accuracy_meters <= 1000
    order by e.recorded_at desc, e.id desc
    limit 1
  ) end`.as('last_position'),
}

type LoadPage = Omit<LoadFilter, 'status'> &
  PageValues & { statuses: string | undefined; detailed: boolean | undefined }

const loadPages = writtenOnce<LoadPage, ListedLoad>((given) =>
  mergeBranches(
    BRANCHES.map((branch) =>
      build
        .select(given.detailed ? { ...columns, ...details } : columns)
        .from(loads)
        .where(
          and(
            branch,
            isNull(loads.deleted_at),
            given.statuses && sql`${loads.status} = any (${given.statuses}::text[])`,
            given.broker_id && eq(loads.broker_id, given.broker_id),
            given.dispatcher_id && eq(loads.dispatcher_id, given.dispatcher_id),
            given.driver_id &&
              sql`${loadsOf(sql`${given.driver_id}::uuid`)} and ${given.driver_id}::uuid = any (${loads.driver_ids})`,
            given.starts_after && gte(loads.starts_at, given.starts_after),
            given.starts_before && lt(loads.starts_at, given.starts_before),
            after(loads.starts_at, loads.id, given),
          ),
        )
        .orderBy(loads.starts_at, loads.id),
    ),
    sql`starts_at, id`,
    given.limit,
  ),
)

/** By start. @param detailed with stops, assignments and last position */
export const listLoads = (
  { status, ...filter }: LoadFilter,
  limit: number,
  position: Position | undefined,
  detailed = false,
): RowsStatement<ListedLoad> =>
  loadPages({
    ...filter,
    statuses: status && `{${status.join(',')}}`,
    detailed: detailed || undefined,
    ...pageValues(limit, position),
  })

/** With its stops, its assignments and its last position. */
export const loadById = writtenOnce<{ id: string }, LoadDetail>(({ id }) =>
  build
    .select({ ...columns, ...details })
    .from(loads)
    .where(eq(loads.id, id)),
)

type NearbyPage = NearbyLoadFilter & PageValues
interface FoundLoad {
  load: Load
  distance_meters: number
  /** The point around which it was found. */
  around_latitude: number
  around_longitude: number
}

/** Of a carrier's open loads within the radius the first page has to compare all; the function bounds who sees them. */
const nearbyPages = writtenOnce<NearbyPage, FoundLoad>(
  (given) => sql`
    select load, distance_meters, around_latitude, around_longitude
    from muster.nearby_loads(
      ${given.latitude ?? sql`null`}::float8, ${given.longitude ?? sql`null`}::float8, ${given.driver_id ?? sql`null`}::uuid,
      ${given.radius_meters}::float8, ${given.limit}::integer, ${given.starts_after ?? sql`null`}::timestamptz,
      ${given.starts_before ?? sql`null`}::timestamptz, ${given.last_value ?? sql`null`}::float8, ${given.last_id ?? sql`null`}::uuid
    )
  `,
)

/** @param position the last load of the page before: its distance from the point of the first page, that point, and its id */
export const listNearbyLoads = (
  filter: NearbyLoadFilter,
  limit: number,
  position:
    | readonly [place: readonly [meters: number, latitude: number, longitude: number], id: string]
    | undefined,
): RowsStatement<FoundLoad> => {
  if (!position) return nearbyPages({ ...filter, ...pageValues(limit, undefined) })
  const [[meters, latitude, longitude], id] = position
  // The driver may have moved: the pages of one search go by one point.
  return nearbyPages({
    ...filter,
    driver_id: undefined,
    latitude,
    longitude,
    ...pageValues(limit, [meters, id]),
  })
}

interface CandidateFilter {
  eligible_only: boolean
  radius_meters?: number | undefined
}
type CandidatePage = { id: string; eligible: boolean | undefined; radius: number | undefined } & PageValues

/** More than half of the way around the Earth. */
const FARTHEST_METERS = 25_000_000

/** Fewest violations first, then the nearest, and those of whom no position is known last: one number, for a cursor has one. */
const PLACE_IN_ORDER = sql.raw(
  `violation_count * ${2 * FARTHEST_METERS}::float8 + coalesce(distance_meters, ${FARTHEST_METERS})`,
)

/**
 * One look at all drivers of the carrier, of whom there are as many as a firm employs: the first page has to compare them. The logs are
 * read row by row after that, so only of those on the page. The inner limit is a constant, as in `mergeBranches`.
 */
const candidatePages = writtenOnce<CandidatePage, LoadCandidate & { place_in_order: number }>(
  (given) => sql`
    select page.*, muster.hours_of_service(page.driver_id) as hours
    from (
      select driver_id, name, violation_count = 0 as eligible, violations, distance_meters, position_recorded_at,
             ${PLACE_IN_ORDER} as place_in_order
      from muster.load_candidates(${given.id}, ${given.radius ?? sql`null`}::float8)
      where ${given.eligible ? sql`violation_count = 0` : sql`true`}
        and ${given.last_id ? sql`(${PLACE_IN_ORDER}, driver_id) > (${given.last_value}::float8, ${given.last_id}::uuid)` : sql`true`}
      order by place_in_order, driver_id
      limit ${MOST_ROWS}
    ) as page
    order by page.place_in_order, page.driver_id
    limit ${given.limit}
  `,
)

/** Those against whom least speaks come first, and of those whoever is nearest to the first pickup. */
export const listCandidates = (
  id: string,
  { eligible_only, radius_meters }: CandidateFilter,
  limit: number,
  position: Position | undefined,
): RowsStatement<LoadCandidate & { place_in_order: number }> =>
  candidatePages({
    id,
    eligible: eligible_only || undefined,
    radius: radius_meters,
    ...pageValues(limit, position),
  })

/** Whether the caller sees a load of that broker, or the broker's record. */
export const visibleBroker = writtenOnce<{ id: string }, { id: string }>(
  ({ id }) => sql`
    select id from brokers where id = ${id}
    union all (select broker_id from loads where broker_id = ${id} limit 1)
  `,
)

type Creation = { loads: Load[] } | { refused: RefusedItem[] }

const create = (session: Session, items: readonly NewLoad[]): Promise<Creation> =>
  session.value<Creation>(sql`select muster.create_loads(${JSON.stringify(items)}::jsonb)`)

/**
 * All or none.
 *
 * @returns them in the order given.
 * @throws Problem with the code of the first load that was refused, and an error for each.
 */
export async function createLoads(session: Session, items: NewLoad[]): Promise<{ items: Load[] }> {
  const answer = await create(session, items)
  if ('loads' in answer) return { items: answer.loads }
  throw refusedItems(answer.refused, newLoad.shape)
}

/** @throws Problem with the code that refuses it. */
export async function createLoad(session: Session, given: NewLoad): Promise<Load> {
  const answer = await create(session, [given])
  if ('loads' in answer) return answer.loads[0]!
  const refused = answer.refused[0]!
  throw new Problem(codeOf(refused), { subject: refused.hint || refused.constraint })
}

/** @throws Problem `forbidden` for a load that the caller may see and not change. */
export async function changeLoad(
  session: Session,
  id: string,
  change: LoadChange,
): Promise<Load | undefined> {
  const changed = await session.row<Load>(
    build.update(loads).set(change).where(eq(loads.id, id)).returning(columns),
  )
  if (!changed) forbidIfVisible(await session.row(visibleLoad({ id })))
  return changed
}

/**
 * A soft delete (a trigger makes it one, so the statement itself returns no row).
 *
 * @throws Problem `forbidden` for a load that the caller may see and not remove.
 */
export async function removeLoad(session: Session, id: string): Promise<boolean> {
  if (!(await session.row(visibleLoad({ id })))) return false
  await session.rows(build.delete(loads).where(eq(loads.id, id)).returning({ id: loads.id }))
  forbidIfVisible(await session.row(visibleLoad({ id })))
  return true
}

/** As the caller: replaces all. */
export const putStops = (session: Session, id: string, stops: NewLoad['stops']): Promise<Stop[]> =>
  session.value<Stop[]>(sql`select muster.put_stops(${id}::uuid, ${JSON.stringify(stops)}::jsonb)`)

/** As the caller: a driver may tell of arrivals and departures. */
export const changeStop = (session: Session, id: string, change: StopChange): Promise<Stop> =>
  session.value<Stop>(sql`select muster.change_stop(${id}::uuid, ${JSON.stringify(change)}::jsonb)`)

const assign = action('muster.assign_load', [
  'wanted',
  'leg',
  'driver',
  'truck',
  'co_driver',
  'trailer',
  'leg_starts_at',
  'leg_ends_at',
])

export const assignLoad = (request: FunctionCaller, id: string, given: NewLoadAssignment): Promise<Load> =>
  request.perform(assign, [
    id,
    given.leg,
    given.driver_id,
    given.truck_id,
    given.co_driver_id,
    given.trailer_id,
    given.starts_at,
    given.ends_at,
  ])

const unassign = action('muster.unassign_load', ['wanted', 'leg'])

/** @param leg null for all */
export const unassignLoad = (request: FunctionCaller, id: string, leg: number | null): Promise<Load> =>
  request.perform(unassign, [id, leg])

const move = action('muster.move_load', ['wanted', 'next_status', 'reason'])

/** @param reason of a cancellation */
export const moveLoad = (
  request: FunctionCaller,
  id: string,
  status: 'in_transit' | 'delivered' | 'invoiced' | 'paid' | 'cancelled',
  reason: string | null = null,
): Promise<Load> => request.perform(move, [id, status, reason])
