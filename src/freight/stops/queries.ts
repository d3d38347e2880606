import { and, asc, eq, gte, lt, sql } from '../../platform/db/drizzle.ts'
import { action } from '../../platform/db/function-call.ts'
import { mergeBranches } from '../../platform/db/policy-branches.ts'
import type { FunctionCaller } from '../../platform/db/session.ts'
import { after, build, latitudeOf, longitudeOf, type PageValues, pageValues } from '../../platform/db/sql.ts'
import { type RowsStatement, writtenOnce } from '../../platform/db/statement.ts'
import type { Refusal } from '../../platform/http/batch.ts'
import type { Position } from '../../platform/http/page.ts'
import type { NewStopEvent, StopEvent, StopEventFilter } from './schemas.ts'
import { stopEvents } from './table.ts'

const columns = {
  id: stopEvents.id,
  organization_id: stopEvents.organization_id,
  load_id: stopEvents.load_id,
  stop_id: stopEvents.stop_id,
  assignment_id: stopEvents.assignment_id,
  driver_id: stopEvents.driver_id,
  kind: stopEvents.kind,
  latitude: latitudeOf(stopEvents.event_point),
  longitude: longitudeOf(stopEvents.event_point),
  accuracy_meters: stopEvents.accuracy_meters,
  distance_meters: stopEvents.distance_meters,
  verdict: stopEvents.verdict,
  flags: sql<StopEvent['flags']>`muster.position_flags(${stopEvents.accuracy_meters})`.as('flags'),
  counts: stopEvents.counts,
  recorded_at: stopEvents.recorded_at,
  created_at: stopEvents.created_at,
}

/** One branch: the load is given. */
const eventPages = writtenOnce<StopEventFilter & { load_id: string } & PageValues, StopEvent>((given) =>
  mergeBranches(
    [
      build
        .select(columns)
        .from(stopEvents)
        .where(
          and(
            eq(stopEvents.load_id, given.load_id),
            given.kind && eq(stopEvents.kind, given.kind),
            given.stop_id && eq(stopEvents.stop_id, given.stop_id),
            given.from && gte(stopEvents.recorded_at, given.from),
            given.to && lt(stopEvents.recorded_at, given.to),
            after(stopEvents.recorded_at, stopEvents.id, given),
          ),
        )
        .orderBy(asc(stopEvents.recorded_at), asc(stopEvents.id)),
    ],
    sql`recorded_at, id`,
    given.limit,
  ),
)

/** By device time. */
export const listStopEvents = (
  load: string,
  filter: StopEventFilter,
  limit: number,
  position: Position | undefined,
): RowsStatement<StopEvent> => eventPages({ ...filter, load_id: load, ...pageValues(limit, position) })

const record = action('muster.record_stop_events', ['items'], { needsKey: false })

/** What became of one item. */
export type Recorded =
  | {
      id: string
      status: 'created' | 'duplicate'
      verdict?: NonNullable<StopEvent['verdict']>
      counts: boolean
    }
  | Refusal

/**
 * One result per item, in order. A refused item undoes none of the others.
 *
 * @returns the JSON of `Recorded[]`
 */
export const recordStopEvents = (request: FunctionCaller, items: readonly NewStopEvent[]): Promise<string> =>
  request.performForText(record, [JSON.stringify(items)])
