import { check, pgTable, sql, text } from '../../platform/db/drizzle.ts'
import { vehicle, vehicleRules } from '../vehicle.ts'

export const TRAILER_KINDS = ['dry_van', 'reefer', 'flatbed', 'tank', 'container', 'other'] as const

export const trailers = pgTable(
  'trailers',
  { ...vehicle, kind: text('kind', { enum: TRAILER_KINDS }).notNull() },
  (t) => [
    ...vehicleRules('trailers', t),
    check(
      'trailers_kind_known',
      sql`${t.kind} in ('dry_van', 'reefer', 'flatbed', 'tank', 'container', 'other')`,
    ),
  ],
)
