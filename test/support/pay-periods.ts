import type { Database } from '../../src/platform/db/engine/database.ts'
import { ORGANIZATIONS } from './world.ts'

/**
 * The present pay period of a company, which has hours, as if it ended this very moment.
 *
 * @param keep whether earlier ones stay open; else they are closed without a statement, so that this one has all hours
 */
export async function arrangePayPeriod(
  owner: Database,
  company: string = ORGANIZATIONS.company,
  keep = false,
): Promise<string> {
  await owner.query('select muster.open_pay_periods_of($1, 100)', [company])
  const [present] = await owner.query<{ id: string }>(
    `update pay_periods set starts_at = least(starts_at, now() - interval '1 second'), ends_at = now()
     where id = (select id from pay_periods where company_id = $1 order by first_day desc limit 1)
     returning id`,
    [company],
  )
  if (!keep) {
    await owner.query(
      "update pay_periods set state = 'closed', closed_at = now() where company_id = $1 and state = 'open' and id <> $2",
      [company, present!.id],
    )
  }
  return present!.id
}
