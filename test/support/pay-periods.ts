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
  if (!keep) {
    // The first one, without those from the first hours on: they may be of decades ago.
    await owner.query(
      `insert into pay_periods (tenant_id, company_id, period, time_zone, first_day, last_day, starts_at, ends_at)
       select o.tenant_id, o.id, 'month', 'Europe/Amsterdam', d.first_day, d.last_day, now() - interval '1 second', now()
       from organizations o
       cross join muster.pay_period_days('month', (now() at time zone 'Europe/Amsterdam')::date) d
       where o.id = $1 and not exists (select from pay_periods p where p.company_id = o.id)`,
      [company],
    )
  }
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
