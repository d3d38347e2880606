import { type SQL, sql } from '../../platform/db/drizzle.ts'
import { type PageValues, pageValues } from '../../platform/db/sql.ts'
import { type RowsStatement, writtenOnce } from '../../platform/db/statement.ts'
import type { Position } from '../../platform/http/page.ts'
import type { Earnings, EarningsFilter, Hours, HoursFilter } from './schemas.ts'

const NONE = sql`null`
const orNone = (given: unknown): SQL => (given === undefined ? NONE : sql`${given}`)

const earnings = writtenOnce<EarningsFilter & PageValues, Earnings>(
  (given) => sql`select * from muster.earnings_report(
    ${orNone(given.from)}::date, ${orNone(given.to)}::date, ${orNone(given.company_id)}::uuid, ${orNone(given.professional_id)}::uuid,
    ${orNone(given.last_value)}::date, ${orNone(given.last_id)}::uuid, ${given.limit}::integer
  )`,
)

/** The latest month first. */
export const reportEarnings = (
  filter: EarningsFilter,
  limit: number,
  position: Position | undefined,
): RowsStatement<Earnings> => earnings({ ...filter, ...pageValues(limit, position) })

const hours = writtenOnce<HoursFilter & PageValues, Hours>(
  (given) => sql`select * from muster.hours_report(
    ${orNone(given.from)}::date, ${orNone(given.to)}::date, ${orNone(given.company_id)}::uuid, ${orNone(given.client_id)}::uuid,
    ${orNone(given.location_id)}::uuid, ${orNone(given.last_value)}::date, ${orNone(given.last_id)}::uuid, ${given.limit}::integer
  )`,
)

/** The latest month first. */
export const reportHours = (
  filter: HoursFilter,
  limit: number,
  position: Position | undefined,
): RowsStatement<Hours> => hours({ ...filter, ...pageValues(limit, position) })
