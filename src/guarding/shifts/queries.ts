import type { FastifyRequest } from 'fastify'
import { users } from '../../people/table.ts'
import { and, eq, gte, isNull, lt, type SQL, sql } from '../../platform/db/drizzle.ts'
import { readDatabaseError } from '../../platform/db/engine/database-error.ts'
import { action, functionCall, readingCall } from '../../platform/db/function-call.ts'
import { belongsTo, mergeBranches } from '../../platform/db/policy-branches.ts'
import type { FunctionCaller, Session } from '../../platform/db/session.ts'
import {
  after,
  build,
  insertRow,
  latitudeOf,
  longitudeOf,
  type PageValues,
  pageValues,
} from '../../platform/db/sql.ts'
import { type RowsTextStatement, textWrittenOnce, writtenOnce } from '../../platform/db/statement.ts'
import type { Code } from '../../platform/http/codes.ts'
import { forbidIfVisible } from '../../platform/http/found.ts'
import type { Position } from '../../platform/http/page.ts'
import { codeOf, Problem } from '../../platform/http/problem.ts'
import { type RefusedItem, refusedItems } from '../../platform/http/refused-items.ts'
import { gpsCheckins } from '../checkins/table.ts'
import { locations } from '../locations/table.ts'
import { securityProfessionals } from '../professionals/table.ts'
import {
  type NearbyFilter,
  type NewShift,
  newShift,
  type Shift,
  type ShiftChange,
  type ShiftDetail,
  type ShiftFilter,
} from './schemas.ts'
import { shifts } from './table.ts'

/** Column by column what `muster.shift_json` gives (the functions of the database answer with that), but for the briefing. */
const columns = {
  id: shifts.id,
  company_id: shifts.company_id,
  client_id: shifts.client_id,
  location_id: shifts.location_id,
  professional_id: shifts.professional_id,
  status: shifts.status,
  start_datetime: shifts.start_datetime,
  end_datetime: shifts.end_datetime,
  time_zone: shifts.time_zone,
  hourly_rate: shifts.hourly_rate,
  overtime_rate: shifts.overtime_rate,
  required_certificates: shifts.required_certificates,
  title: shifts.title,
  description: shifts.description,
  cancel_reason: shifts.cancel_reason,
  latitude: latitudeOf(shifts.location_point),
  longitude: longitudeOf(shifts.location_point),
  created_at: shifts.created_at,
  updated_at: shifts.updated_at,
}

/**
 * What the caller may read of a shift's briefing, and null for everybody else.
 *
 * @param shiftId as SQL: in a query of one table Drizzle leaves out the table's name, and `id` would be the briefing's
 */
const briefingOf = (shiftId: SQL): SQL<string | null> =>
  sql`(select b.text from shift_briefings b where b.shift_id = ${shiftId})`

/** Writes it, where a shift is written: the text itself. */
const briefed = (text: string | null): SQL<string | null> => sql`muster.brief_shift(${shifts}, ${text})`

/** A caller has one role, and a guard's own shifts are not open: no shift is in two branches. */
const BRANCHES: SQL[] = [
  belongsTo(shifts.company_id, sql`muster.company_id()`),
  belongsTo(shifts.client_id, sql`muster.client_id()`),
  belongsTo(shifts.professional_id, sql`muster.professional_id()`),
  sql`${belongsTo(shifts.tenant_id, sql`muster.guard_tenant_id()`)}
    and ${shifts.status} = 'published' and ${shifts.start_datetime} > now()`,
  belongsTo(shifts.tenant_id, sql`muster.admin_tenant_id()`),
]

type ShiftPage = Omit<ShiftFilter, 'status'> & PageValues & { statuses: string | undefined }

const shiftPages = textWrittenOnce<ShiftPage, Shift>((given) => {
  const chosen = and(
    isNull(shifts.deleted_at),
    given.statuses && sql`${shifts.status} = any (${given.statuses}::text[])`,
    given.company_id && eq(shifts.company_id, given.company_id),
    given.client_id && eq(shifts.client_id, given.client_id),
    given.location_id && eq(shifts.location_id, given.location_id),
    given.professional_id && eq(shifts.professional_id, given.professional_id),
    given.starts_after && gte(shifts.start_datetime, given.starts_after),
    given.starts_before && lt(shifts.start_datetime, given.starts_before),
    after(shifts.start_datetime, shifts.id, given),
  )
  const page = mergeBranches(
    BRANCHES.map((branch) =>
      build.select(columns).from(shifts).where(and(branch, chosen)).orderBy(shifts.start_datetime, shifts.id),
    ),
    sql`start_datetime, id`,
    given.limit,
  )
  // The briefings of the page at once. One by one, a plan for all limits would look so bad to the planner that it made a new
  // one for each request (`policy-branches.ts`): it takes a limit that it does not know for more rows than a page has.
  return sql`
    with page as materialized (${page})
    select page.*, briefings.text as instructions
    from page
    left join (
      select shift_id, text from shift_briefings where shift_id = any (array(select id from page)) offset 0
    ) briefings on briefings.shift_id = page.id
    order by page.start_datetime, page.id
  `
})

/** By start. */
export const listShifts = (
  { status, ...filter }: ShiftFilter,
  limit: number,
  position: Position | undefined,
): RowsTextStatement<Shift> =>
  shiftPages({ ...filter, statuses: status && `{${status.join(',')}}`, ...pageValues(limit, position) })

const nearbyShifts = readingCall(
  'muster.nearby_shifts',
  [
    'latitude',
    'longitude',
    'within_meters',
    'max_items',
    'starts_after',
    'starts_before',
    'min_hourly_rate',
    'eligible_only',
    'after_distance',
    'after_id',
  ],
  { items: '(answer).items::text', next_distance: '(answer).next_distance', next_id: '(answer).next_id' },
)

/** A search within 0 m: what it leaves in a session is PostGIS, loaded, and the plan of every search. */
export const nearbyWarmUp = {
  call: nearbyShifts,
  parameters: [0, 0, 0, 1, null, null, null, false, null, null],
} as const

/**
 * Open shifts, nearest first (then by id).
 *
 * @returns the items as JSON text, each in the form of `nearbyShift`, for nobody here looks into them; and where the next
 *          page begins
 */
export async function listNearbyShifts(
  request: FunctionCaller,
  filter: NearbyFilter,
  limit: number,
  position: Position | undefined,
): Promise<{ items: string; next: Position | undefined }> {
  const page = await request.call<{ items: string; next_distance: number | null; next_id: string | null }>(
    nearbyShifts,
    [
      filter.latitude,
      filter.longitude,
      filter.radius_meters,
      limit,
      filter.starts_after ?? null,
      filter.starts_before ?? null,
      filter.min_hourly_rate ?? null,
      filter.eligible_only,
      position?.[0] ?? null,
      position?.[1] ?? null,
    ],
  )
  const { items, next_distance, next_id } = page
  return { items, next: next_id === null ? undefined : [next_distance!, next_id] }
}

/** With its location, its professional, and how its check-ins stand: as far as the caller sees each. */
export const shiftById = writtenOnce<{ id: string }, ShiftDetail>(({ id }) =>
  build
    .select({
      ...columns,
      instructions: briefingOf(sql`shifts.id`).as('instructions'),
      location: sql`case when ${locations.id} is not null then json_build_object(
        'id', ${locations.id}, 'name', ${locations.name}, 'address', ${locations.address},
        'latitude', st_y(${locations.location_point}::geometry),
        'longitude', st_x(${locations.location_point}::geometry),
        'radius_meters', ${locations.radius_meters}, 'time_zone', ${locations.time_zone}
      ) end`.as('location'),
      professional: sql`case when ${users.id} is not null then json_build_object(
        'id', ${securityProfessionals.id}, 'name', ${users.name}
      ) end`.as('professional'),
      checkin_count: sql<number>`(
        select count(*) from ${gpsCheckins} where ${gpsCheckins.shift_id} = ${shifts.id}
      )`.as('checkin_count'),
      last_checkin: sql`(
        select muster.checkin_json(${gpsCheckins}) from ${gpsCheckins}
        where ${gpsCheckins.shift_id} = ${shifts.id}
        order by ${gpsCheckins.recorded_at} desc, ${gpsCheckins.id} desc
        limit 1
      )`.as('last_checkin'),
    })
    .from(shifts)
    .leftJoin(locations, eq(locations.id, shifts.location_id))
    .leftJoin(securityProfessionals, eq(securityProfessionals.id, shifts.professional_id))
    .leftJoin(users, eq(users.id, securityProfessionals.user_id))
    .where(eq(shifts.id, id)),
)

/** Only whether the caller sees it. */
const visibleShift = writtenOnce<{ id: string }, { id: string }>(({ id }) =>
  build.select({ id: shifts.id }).from(shifts).where(eq(shifts.id, id)),
)

export async function createShift(session: Session, { instructions, ...given }: NewShift): Promise<Shift> {
  const briefing = instructions === null ? sql`null` : briefed(instructions)
  const created = await session.row<Shift>(insertRow(shifts, given, { ...columns, instructions: briefing }))
  return created!
}

/**
 * All or none.
 *
 * @returns them in the order given.
 * @throws Problem with the code of the first item that was refused, and an error for each.
 */
export async function createShifts(session: Session, items: NewShift[]): Promise<{ items: Shift[] }> {
  const answer = await session.value<{ shifts: Shift[] } | { refused: RefusedItem[] }>(
    sql`select muster.create_shifts(${JSON.stringify(items)}::jsonb)`,
  )
  if ('shifts' in answer) return { items: answer.shifts }
  throw refusedItems(answer.refused, newShift.shape)
}

/** An answer instead of an error, which would undo that the refusal is counted. */
interface Refusal {
  refused: Code
}

/** @throws Problem for a refusal. */
function accepted<T extends object>(answer: T | Refusal): T {
  if ('refused' in answer) throw new Problem(answer.refused)
  return answer
}

/** @throws Problem `forbidden` for a shift that the caller may see and not change. */
export async function changeShift(
  request: Pick<FastifyRequest, 'write'>,
  id: string,
  { instructions, ...change }: ShiftChange,
): Promise<Shift | undefined> {
  const wanted = eq(shifts.id, id)
  const answer = {
    ...columns,
    instructions: (instructions === undefined ? briefingOf(sql`shifts.id`) : briefed(instructions)).as(
      'instructions',
    ),
  }
  // A new briefing alone leaves the shift as it is: nobody who may not read it is told that there is one.
  const unchanged = build.select(answer).from(shifts).where(wanted)
  try {
    return await request.write(async (session) => {
      const changed = await session.row<Shift>(
        Object.keys(change).length === 0
          ? unchanged
          : build.update(shifts).set(change).where(wanted).returning(answer),
      )
      if (!changed) forbidIfVisible(await session.row(visibleShift({ id })))
      return changed
    })
  } catch (error) {
    const refusal = readDatabaseError(error)
    if (!refusal || codeOf(refusal) !== 'professional_unavailable') throw error
  }
  // What an update says of a guard whom the company does not know. The function says whether it is so, and counts it.
  return accepted(
    await request.write(async (session) => {
      const refusal = await session.value<Refusal | null>(
        sql`select muster.change_assigned_shift(${id}::uuid, ${JSON.stringify(change)}::jsonb)`,
      )
      return refusal ?? (await session.row<Shift>(unchanged))!
    }),
  )
}

/**
 * A soft delete (a trigger makes it one, so the statement itself returns no row).
 *
 * @throws Problem `forbidden` for a shift that the caller may see and not remove.
 */
export async function removeShift(session: Session, id: string): Promise<boolean> {
  if (!(await session.row(visibleShift({ id })))) return false
  await session.rows(build.delete(shifts).where(eq(shifts.id, id)).returning({ id: shifts.id }))
  forbidIfVisible(await session.row(visibleShift({ id })))
  return true
}

const moveShift = action('muster.move_shift', ['wanted', 'expected', 'next_status', 'professional', 'reason'])

export const publishShift = (request: FunctionCaller, id: string): Promise<Shift> =>
  request.perform(moveShift, [id, '{draft}', 'published', null, null])

const assign = action('muster.assign_shift', ['wanted', 'professional'])

export const assignShift = async (
  request: FunctionCaller,
  id: string,
  professional: string,
): Promise<Shift> => accepted(await request.perform<Shift | Refusal>(assign, [id, professional]))

const release = action('muster.release_shift', ['wanted'])

/** As whoever manages the shift; or as its guard, after it was moved. */
export const releaseShift = (request: FunctionCaller, id: string): Promise<Shift> =>
  request.perform(release, [id])

export const cancelShift = (request: FunctionCaller, id: string, reason: string): Promise<Shift> =>
  request.perform(moveShift, [id, '{draft,published,assigned,active}', 'cancelled', null, reason])

const claim = action('muster.claim_shift', ['wanted'])

/** As the calling guard. */
export const claimShift = (request: FunctionCaller, id: string): Promise<Shift> =>
  request.perform(claim, [id])

const candidates = functionCall(
  'muster.shift_candidates',
  ['wanted', 'max_items', 'eligible_only', 'after_distance', 'after_id'],
  { items: '(answer).items::text', next_distance: '(answer).next_distance', next_id: '(answer).next_id' },
)

/**
 * Guards of the tenant, nearest home first (then by id); those without a known home come last. What a company asks is counted, so
 * this is no read.
 *
 * @returns as `listNearbyShifts`, each item in the form of `candidate`
 */
export async function listCandidates(
  request: Pick<FunctionCaller, 'call'>,
  id: string,
  filter: { eligible_only: boolean },
  limit: number,
  position: Position | undefined,
): Promise<{ items: string; next: Position | undefined }> {
  const page = await request.call<{ items: string; next_distance: number | null; next_id: string | null }>(
    candidates,
    [id, limit, filter.eligible_only, position?.[0] ?? null, position?.[1] ?? null],
  )
  const { items, next_distance, next_id } = page
  // An unknown distance is Infinity, as PostgreSQL spells it: JSON has no such number.
  return { items, next: next_id === null ? undefined : [jsonNumber(next_distance!), next_id] }
}

const jsonNumber = (value: number): number | string => (Number.isFinite(value) ? value : String(value))
