import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import geographiclib from 'geographiclib-geodesic'
import type { CHECKIN_KINDS } from '../../src/guarding/checkins/table.ts'
import type { Database } from '../../src/platform/db/engine/database.ts'
import { LOCATIONS, ORGANIZATIONS, PROFESSIONALS, SITE, USERS } from './world.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

export interface Point {
  latitude: number
  longitude: number
}

/** An assigned shift: its id and its times. */
export interface Assignment {
  id: string
  start: Date
  end: Date
}

export interface AssignmentFixture {
  professional?: string
  company?: string
  location?: string
  start?: Date
  hours?: number
  rate?: number
  overtime?: number
}

/** The first of the periods that are handed out; all of them, and the 12 hours after each, are in the past. */
const LATEST_PERIOD = Math.floor(Date.now() / HOUR_MS) * HOUR_MS - 3 * DAY_MS
let periods = 0

/**
 * A shift assigned to a professional (as the owner), by default in the past, on a day on which no other is: as one that
 * was worked without a network, and whose check-ins can have any time of it.
 */
export async function arrangeAssignment(
  owner: Database,
  fixture: AssignmentFixture = {},
): Promise<Assignment> {
  const start = fixture.start ?? new Date(LATEST_PERIOD - DAY_MS * periods++)
  const end = new Date(start.getTime() + (fixture.hours ?? 8) * HOUR_MS)
  const [row] = await owner.query<{ id: string }>(
    `insert into shifts (company_id, location_id, status, professional_id, start_datetime, end_datetime, hourly_rate, overtime_rate, title)
     values ($1, $2, 'assigned', $3, $4, $5, $6, $7, 'Night watch') returning id`,
    [
      fixture.company ?? ORGANIZATIONS.company,
      fixture.location ?? LOCATIONS.site,
      fixture.professional ?? PROFESSIONALS.guard,
      start.toISOString(),
      end.toISOString(),
      fixture.rate ?? 25,
      fixture.overtime ?? 1.5,
    ],
  )
  // Whenever they arrive, its check-ins count; and all overtime without an approval.
  await owner.query(
    'update assignments set delivery_days = 3650, overtime_tolerance_minutes = 720 where shift_id = $1',
    [row!.id],
  )
  return { id: row!.id, start, end }
}

export interface CheckInBody extends Point {
  id: string
  kind: (typeof CHECKIN_KINDS)[number]
  accuracy_meters: number
  recorded_at: string
}

let made = 0

/** A new id, of a form that shows up in a failing test. */
export const checkInId = (): string => `ce000000-0000-7000-8000-${String(++made).padStart(12, '0')}`

/** @param meters of the position from the site, to the north */
export function checkInAt(
  at: Date,
  {
    meters = 10,
    ...given
  }: Partial<Omit<CheckInBody, 'recorded_at' | keyof Point>> & { meters?: number } = {},
): CheckInBody {
  return {
    id: checkInId(),
    kind: 'ping',
    accuracy_meters: 5,
    ...positionFrom(SITE, meters),
    recorded_at: at.toISOString(),
    ...given,
  }
}

/**
 * An admin imposes it: as the owner, so that it can have been decided at any time.
 *
 * @param event which is corrected; without one it adds an event
 * @param correction.becomes null: it never happened
 * @returns the id of the event
 */
export async function imposeCorrection(
  owner: Database,
  shift: string,
  event: string | undefined,
  { kind, becomes, decidedAt }: { kind: CheckInBody['kind']; becomes: Date | null; decidedAt: Date },
): Promise<string> {
  const change = !event ? 'happened' : becomes ? 'another_time' : 'never_happened'
  const [row] = await owner.query<{ event_id: string }>(
    `insert into corrections (assignment_id, event_id, change, kind, becomes_at, reason, proposed_by, proposed_as,
                              state, decided_by, decided_at)
     select id, $2::uuid, $3, $4, $5::timestamptz, 'So it was', $6::uuid, 'admin', 'imposed', $6::uuid, $7::timestamptz
     from assignments where shift_id = $1 returning event_id`,
    [
      shift,
      event ?? null,
      change,
      event ? null : kind,
      becomes?.toISOString() ?? null,
      USERS.admin,
      decidedAt.toISOString(),
    ],
  )
  return row!.event_id
}

/** @param seconds after `time`, or before it when negative */
export const seconds = (time: Date, seconds: number): Date => new Date(time.getTime() + seconds * 1000)
export const minutes = (time: Date, minutes: number): Date => seconds(time, minutes * 60)

const wgs84 = geographiclib.Geodesic.WGS84

/** The position some metres to the north. */
export function positionFrom(from: Point, meters: number): Point {
  const { lat2, lon2 } = wgs84.Direct(from.latitude, from.longitude, 0, meters)
  return { latitude: lat2!, longitude: lon2! }
}

/** Metres along the ellipsoid, by another implementation than the database's. */
export const distanceBetween = (a: Point, b: Point): number =>
  wgs84.Inverse(a.latitude, a.longitude, b.latitude, b.longitude).s12!

/** What a shift's check-ins have made of it, without the server's times and transactions: comparable between two shifts. */
export async function stateOf(owner: Database, { id }: Assignment): Promise<unknown> {
  const [row] = await owner.query(
    `select
       s.status,
       s.professional_id,
       (select jsonb_agg(jsonb_build_object('amount', t.amount, 'status', t.status, 'professional_id', t.professional_id)
          order by t.id) from finqle_transactions t where t.shift_id = s.id) as transactions,
       (select jsonb_agg(
          to_jsonb(c) - '{id,shift_id,assignment_id,recorded_at,created_at,updated_at,changed_xid}'::text[]
          || jsonb_build_object('gps_point', st_astext(c.gps_point, 17), 'after_start', c.recorded_at - s.start_datetime)
          order by c.recorded_at, right(c.id::text, 12))
        from gps_checkins c where c.shift_id = s.id) as checkins
     from shifts s where s.id = $1`,
    [id],
  )
  return row
}

/** One fix of a recorded track. */
export interface Fix extends Point {
  /** Unix milliseconds. */
  at: number
}

/** A track of `test/data/gps` (see its README: the digits after the point are milliseconds, however many there are). */
export function readTrack(file: 'run_03_garmin.csv' | 'run_03_iphone_4s.csv'): Fix[] {
  const [, ...lines] = readFileSync(join(import.meta.dirname, '../data/gps', file), 'utf8')
    .trim()
    .split('\n')
  return lines.map((line) => {
    const [time, latitude, longitude] = line.split(',')
    const [, second, milliseconds] = /^(.+)\.(\d+)Z$/.exec(time!)!
    return {
      at: Date.parse(`${second}Z`) + Number(milliseconds),
      latitude: Number(latitude),
      longitude: Number(longitude),
    }
  })
}
