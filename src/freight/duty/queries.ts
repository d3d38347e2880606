import { and, asc, desc, eq, gte, lt, sql } from '../../platform/db/drizzle.ts'
import { action } from '../../platform/db/function-call.ts'
import { mergeBranches } from '../../platform/db/policy-branches.ts'
import type { FunctionCaller } from '../../platform/db/session.ts'
import {
  after,
  before,
  build,
  latitudeOf,
  longitudeOf,
  type PageValues,
  pageValues,
} from '../../platform/db/sql.ts'
import { type RowsStatement, writtenOnce } from '../../platform/db/statement.ts'
import type { Refusal } from '../../platform/http/batch.ts'
import type { Position } from '../../platform/http/page.ts'
import type { DriverHours } from '../hours-form.ts'
import type {
  DutyEdit,
  DutyEditFilter,
  DutyStatus,
  DutyStatusFilter,
  NewDutyEdit,
  NewDutyStatus,
} from './schemas.ts'
import { dutyStatusChanges, dutyStatusEdits } from './table.ts'

/** The accepted edit that counts for an entry, of which there are few. */
const EDIT = sql`(
  select e from duty_status_edits e
  where e.driver_id = duty_status_changes.driver_id and e.entry_id = duty_status_changes.id and e.state = 'accepted'
  order by e.decided_at desc, e.id desc limit 1
)`

const statusColumns = {
  id: dutyStatusChanges.id,
  organization_id: dutyStatusChanges.organization_id,
  driver_id: dutyStatusChanges.driver_id,
  status: dutyStatusChanges.status,
  began_at: dutyStatusChanges.began_at,
  recorded_at: dutyStatusChanges.recorded_at,
  device_id: dutyStatusChanges.device_id,
  latitude: latitudeOf(dutyStatusChanges.duty_point),
  longitude: longitudeOf(dutyStatusChanges.duty_point),
  created_at: dutyStatusChanges.created_at,
  counts: sql`${EDIT} is null`.as('counts'),
  counts_as: sql`(
    select case when (e.edit).status is not null then
      json_build_object('status', (e.edit).status, 'began_at', (e.edit).began_at)
    end
    from (select ${EDIT} as edit) e where (e.edit).id is not null
  )`.as('counts_as'),
}

/** One branch: the driver is given. */
const statusPages = writtenOnce<DutyStatusFilter & { driver_id: string } & PageValues, DutyStatus>((given) =>
  mergeBranches(
    [
      build
        .select(statusColumns)
        .from(dutyStatusChanges)
        .where(
          and(
            eq(dutyStatusChanges.driver_id, given.driver_id),
            given.from && gte(dutyStatusChanges.began_at, given.from),
            given.to && lt(dutyStatusChanges.began_at, given.to),
            after(dutyStatusChanges.began_at, dutyStatusChanges.id, given),
          ),
        )
        .orderBy(asc(dutyStatusChanges.began_at), asc(dutyStatusChanges.id)),
    ],
    sql`began_at, id`,
    given.limit,
  ),
)

/** By device time. */
export const listDutyStatuses = (
  driver: string,
  filter: DutyStatusFilter,
  limit: number,
  position: Position | undefined,
): RowsStatement<DutyStatus> => statusPages({ ...filter, driver_id: driver, ...pageValues(limit, position) })

const record = action('muster.record_duty_statuses', ['items'], { needsKey: false })

/** What became of one item. */
export type Recorded = { id: string; status: 'created' | 'duplicate' } | Refusal

/** One result per item, in order. A refused item undoes none of the others. */
export const recordDutyStatuses = (
  request: FunctionCaller,
  items: readonly NewDutyStatus[],
): Promise<Recorded[]> =>
  request.perform(record, [
    JSON.stringify(
      items.map(({ id, status, began_at, recorded_at = began_at, device_id, latitude, longitude }) => ({
        ...{ id, status, began_at, recorded_at, device_id, latitude, longitude },
      })),
    ),
  ])

/** No row for a driver whom the caller does not see. */
export const hoursOfDriver = writtenOnce<{ id: string; at: string | undefined }, DriverHours>(
  ({ id, at }) => sql`
    select h.* from muster.hours_of_drivers(array[${id}::uuid], ${at ? sql`${at}::timestamptz` : sql`now()`}) d
    cross join lateral jsonb_to_record(d.hours) as h (
      driver_id uuid, at timestamptz, pack text, cycle text, time_zone text, status text, since timestamptz, can_drive_at timestamptz,
      driving_seconds_left integer, window_seconds_left integer, break_seconds_left integer, cycle_seconds_left integer,
      week_seconds_left integer, fortnight_seconds_left integer
    )`,
)

const editColumns = {
  id: dutyStatusEdits.id,
  organization_id: dutyStatusEdits.organization_id,
  driver_id: dutyStatusEdits.driver_id,
  entry_id: dutyStatusEdits.entry_id,
  kind: dutyStatusEdits.kind,
  status: dutyStatusEdits.status,
  began_at: dutyStatusEdits.began_at,
  reason: dutyStatusEdits.reason,
  proposed_by: dutyStatusEdits.proposed_by,
  proposed_as: dutyStatusEdits.proposed_as,
  state: dutyStatusEdits.state,
  decided_by: dutyStatusEdits.decided_by,
  decided_at: dutyStatusEdits.decided_at,
  created_at: dutyStatusEdits.created_at,
  updated_at: dutyStatusEdits.updated_at,
}

const editPages = writtenOnce<DutyEditFilter & { driver_id: string } & PageValues, DutyEdit>((given) =>
  mergeBranches(
    [
      build
        .select(editColumns)
        .from(dutyStatusEdits)
        .where(
          and(
            eq(dutyStatusEdits.driver_id, given.driver_id),
            given.state && eq(dutyStatusEdits.state, given.state),
            before(dutyStatusEdits.created_at, dutyStatusEdits.id, given),
          ),
        )
        .orderBy(desc(dutyStatusEdits.created_at), desc(dutyStatusEdits.id)),
    ],
    sql`created_at desc, id desc`,
    given.limit,
  ),
)

/** The newest first. */
export const listDutyEdits = (
  driver: string,
  filter: DutyEditFilter,
  limit: number,
  position: Position | undefined,
): RowsStatement<DutyEdit> => editPages({ ...filter, driver_id: driver, ...pageValues(limit, position) })

const propose = action('muster.propose_duty_edit', [
  'of_driver',
  'kind_of',
  'of_entry',
  'becomes',
  'becomes_at',
  'why',
])

/** As the driver, or as the carrier. */
export const proposeDutyEdit = (
  request: FunctionCaller,
  driver: string,
  given: NewDutyEdit,
): Promise<DutyEdit> =>
  request.perform(propose, [
    driver,
    given.kind,
    given.kind === 'added' ? null : given.entry_id,
    given.kind === 'void' ? null : given.status,
    given.kind === 'void' ? null : given.began_at,
    given.reason,
  ])

const decide = action('muster.decide_duty_edit', ['wanted', 'verdict'])

/** As the side that did not propose it. */
export const decideDutyEdit = (
  request: FunctionCaller,
  id: string,
  verdict: 'accepted' | 'refused',
): Promise<DutyEdit> => request.perform(decide, [id, verdict])
