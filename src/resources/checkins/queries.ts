import { and, asc, eq, sql } from 'drizzle-orm'
import { gpsCheckins, shifts } from '../../db/schema/index.ts'
import type { Session } from '../../db/session.ts'
import { after, db, latitudeOf, longitudeOf } from '../../db/sql.ts'
import type { Position } from '../../http/page.ts'
import type { BatchItem, CheckIn } from './schemas.ts'

const columns = {
  id: gpsCheckins.id,
  shift_id: gpsCheckins.shift_id,
  professional_id: gpsCheckins.professional_id,
  kind: gpsCheckins.kind,
  latitude: latitudeOf(gpsCheckins.gps_point),
  longitude: longitudeOf(gpsCheckins.gps_point),
  accuracy_meters: gpsCheckins.accuracy_meters,
  distance_meters: gpsCheckins.distance_meters,
  is_within_radius: gpsCheckins.is_within_radius,
  verdict: gpsCheckins.verdict,
  recorded_at: gpsCheckins.recorded_at,
  created_at: gpsCheckins.created_at,
}

/** By device time. */
export const listCheckIns = (
  session: Session,
  shiftId: string,
  filter: { kind?: CheckIn['kind'] | undefined },
  limit: number,
  position: Position | undefined,
): Promise<CheckIn[]> =>
  session.rows(
    db
      .select(columns)
      .from(gpsCheckins)
      .where(
        and(
          eq(gpsCheckins.shift_id, shiftId),
          filter.kind ? eq(gpsCheckins.kind, filter.kind) : undefined,
          after(gpsCheckins.recorded_at, gpsCheckins.id, position),
        ),
      )
      .orderBy(asc(gpsCheckins.recorded_at), asc(gpsCheckins.id))
      .limit(limit + 1),
  )

export const findShift = (session: Session, id: string): Promise<{ id: string } | undefined> =>
  session.row(db.select({ id: shifts.id }).from(shifts).where(eq(shifts.id, id)))

/** What became of one item: stored now or before, or refused by the database, which says why. */
export type Recorded =
  | { id: string; status: 'created' | 'duplicate'; checkin: CheckIn }
  | { id: string; status: 'rejected'; sqlstate: string; constraint: string | null; hint: string | null }

/** One result per item, in order. A refused item undoes none of the others. */
export const recordCheckIns = (session: Session, items: readonly BatchItem[]): Promise<Recorded[]> =>
  session.value(sql`select muster.record_check_ins(${JSON.stringify(items)}::jsonb)`)
