import type { Database } from '../../src/platform/db/engine/database.ts'
import { arrangeDriver, arrangeLoad, arrangeVehicle, assignAs, type Leg } from './freight-loads.ts'
import { FREIGHT_ORGANIZATIONS } from './freight-world.ts'

/* The pay of drivers, for tests. */

const DAY_MS = 86_400_000

/** The day so many days ago, in UTC. */
export const dayAgo = (days: number): string =>
  new Date(Date.now() - days * DAY_MS).toISOString().slice(0, 10)

export interface PayTerms {
  pay_kind: 'per_distance' | 'percentage' | 'flat'
  pay_per_distance?: number
  pay_percentage?: number
  pay_flat?: number
  currency?: string
  distance_unit?: 'mi' | 'km'
}

/** A driver with a user of their own, who is paid so. As the owner. */
export async function arrangePaidDriver(
  owner: Database,
  terms: PayTerms,
  organization: string = FREIGHT_ORGANIZATIONS.carrier,
): Promise<{ id: string; userId: string }> {
  const driver = await arrangeDriver(owner, organization)
  await owner.query(
    `update driver_pay_terms
     set pay_kind = $2, pay_per_distance = $3, pay_percentage = $4, pay_flat = $5, currency = $6, distance_unit = $7
     where driver_id = $1`,
    [
      driver.id,
      terms.pay_kind,
      terms.pay_per_distance ?? null,
      terms.pay_percentage ?? null,
      terms.pay_flat ?? null,
      terms.currency ?? 'USD',
      terms.distance_unit ?? 'mi',
    ],
  )
  return driver
}

export interface Haul {
  rate?: number
  distance?: number | null
  currency?: string
  distance_unit?: 'mi' | 'km'
  /** When it was delivered: at noon, in UTC. */
  daysAgo?: number
}

/** A load on its way, which one statement delivers; with its drivers. As the owner. */
export async function arrangeHaul(
  owner: Database,
  driver: string | Omit<Leg, 'truck'>,
  { rate = 1000, distance = null, currency = 'USD', distance_unit = 'mi', daysAgo = 1 }: Haul = {},
): Promise<string> {
  const load = await arrangeLoad(owner, { from: -24 * daysAgo - 8, to: -24 * daysAgo })
  await owner.query(
    // Driven in an hour, however far it is said to be: what counts here is what it pays.
    'update loads set rate = $2, distance = $3, currency = $4, distance_unit = $5, driving_minutes = 60 where id = $1',
    [load, rate, distance, currency, distance_unit],
  )
  await assignAs(owner, load, {
    ...(typeof driver === 'string' ? { driver } : driver),
    truck: await arrangeVehicle(owner, 'trucks'),
  })
  const noon = `${dayAgo(daysAgo)}T12:00:00Z`
  await owner.query(
    "update load_stops set arrived_at = $2, departed_at = $2 where load_id = $1 and kind = 'delivery'",
    [load, noon],
  )
  await owner.query("update loads set status = 'in_transit' where id = $1", [load])
  return load
}

/** Delivers a load on its way. As the owner. */
export const deliver = (owner: Database, load: string): Promise<unknown> =>
  owner.query("update loads set status = 'delivered' where id = $1", [load])

/** A payment by the office that no statement has. As the owner. */
export async function arrangePayment(
  owner: Database,
  driver: string,
  { amount = 100, type = 'flat', daysAgo = 1 }: { amount?: number; type?: string; daysAgo?: number } = {},
): Promise<string> {
  const [payment] = await owner.query<{ id: string }>(
    `insert into driver_payments (driver_id, type, amount, explanation, earned_on) values ($1, $2, $3, 'Work', $4) returning id`,
    [driver, type, amount, dayAgo(daysAgo)],
  )
  return payment!.id
}

/** What does not add up in the database, found without its rules: empty when every cent is on one statement, or on none. */
export const brokenStatements = (owner: Database): Promise<unknown[]> =>
  owner.query(
    `select s.id, s.number::text as what
     from driver_statements s
     cross join lateral (select coalesce(sum(p.amount), 0) as net from driver_payments p where p.statement_id = s.id) p
     left join lateral (
       select b.carried_out from driver_statements b
       where b.driver_id = s.driver_id and b.currency = s.currency and b.number < s.number order by b.number desc limit 1
     ) b on true
     where s.net <> p.net or s.carried_in <> coalesce(b.carried_out, 0) or s.payable + s.carried_out <> s.carried_in + s.net
     union all
     select p.id, 'payment' from driver_payments p join driver_statements s on s.id = p.statement_id
     where (p.driver_id, p.currency, p.status) <> (s.driver_id, s.currency, s.status) or p.earned_on > s.last_day
     union all
     select o.id, 'numbers' from (
       select organization_id as id, max(number) as last, count(*) as many from driver_statements group by organization_id
     ) o where o.last <> o.many`,
  )
