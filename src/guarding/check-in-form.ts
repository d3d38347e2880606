import { z } from 'zod'
import { sql } from '../platform/db/drizzle.ts'
import { latitudeOf, longitudeOf } from '../platform/db/sql.ts'
import { instantOut, latitude, longitude, uuid } from '../platform/http/fields.ts'
import { POSITION_FLAGS, VERDICTS } from '../platform/positions/verdict.ts'
import { CHECKIN_KINDS, gpsCheckins } from './checkins/table.ts'

/* A check-in as the API gives it: by itself, and as the evidence of a timesheet. */

export const checkin = z
  .strictObject({
    id: uuid,
    shift_id: uuid,
    assignment_id: uuid.meta({ description: 'The assignment to which the check-in belongs.' }),
    professional_id: uuid,
    kind: z.enum(CHECKIN_KINDS),
    latitude,
    longitude,
    accuracy_meters: z.number(),
    distance_meters: z
      .number()
      .meta({ description: 'The distance to the site in meters, on the WGS 84 ellipsoid.' }),
    is_within_radius: z.boolean(),
    verdict: z.enum(VERDICTS).meta({
      description:
        '`inside` when distance plus accuracy is at most the radius of the site and the accuracy is at most 100 m; `outside` when distance minus accuracy is greater than the radius; otherwise `uncertain`.',
    }),
    flags: z.array(z.enum(POSITION_FLAGS)).meta({
      description:
        '`imprecise`: the accuracy is over 100 m. `evidence`: it is over 1,000 m, so the check-in is stored and moves nothing.',
    }),
    recorded_at: instantOut.meta({
      description: 'When the check-in was recorded, by the clock of the device.',
    }),
    created_at: instantOut.meta({ description: 'When the check-in arrived at the service.' }),
  })
  .meta({ id: 'CheckIn' })

export type CheckIn = z.infer<typeof checkin>

export const checkinColumns = {
  id: gpsCheckins.id,
  shift_id: gpsCheckins.shift_id,
  assignment_id: gpsCheckins.assignment_id,
  professional_id: gpsCheckins.professional_id,
  kind: gpsCheckins.kind,
  latitude: latitudeOf(gpsCheckins.gps_point),
  longitude: longitudeOf(gpsCheckins.gps_point),
  accuracy_meters: gpsCheckins.accuracy_meters,
  distance_meters: gpsCheckins.distance_meters,
  is_within_radius: gpsCheckins.is_within_radius,
  verdict: gpsCheckins.verdict,
  flags: sql<CheckIn['flags']>`muster.checkin_flags(${gpsCheckins.accuracy_meters})`.as('flags'),
  recorded_at: gpsCheckins.recorded_at,
  created_at: gpsCheckins.created_at,
}
