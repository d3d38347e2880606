import { callerFromClaims } from '../../src/platform/auth/caller.ts'
import type { Database } from '../../src/platform/db/engine/database.ts'
import { buildWorld, TENANTS } from './world.ts'

/**
 * The people of carriers and of a broker, beside the marketplace of `world.ts`, in the same tenants: in tenant A the carriers
 * `carrier` and `rivalCarrier`, and a brokerage; in tenant B a carrier.
 */
const id = (kind: string, n: number): string => `${kind}0000-0000-7000-8000-${String(n).padStart(12, '0')}`

export const FREIGHT_ORGANIZATIONS = {
  carrier: id('cc00', 1),
  rivalCarrier: id('cc00', 2),
  brokerage: id('cd00', 1),
  foreignCarrier: id('cc00', 9),
} as const

export const FREIGHT_USERS = {
  office: id('a000', 41),
  dispatcher: id('a000', 42),
  driver: id('a000', 43),
  /** Has the role, and no record yet. */
  newDriver: id('a000', 44),
  rivalOffice: id('a000', 45),
  rivalDriver: id('a000', 46),
  broker: id('a000', 47),
  foreignOffice: id('a000', 96),
  foreignDriver: id('a000', 97),
} as const

export type FreightPersona = keyof typeof FREIGHT_USERS

export const DRIVERS = {
  driver: id('dd00', 1),
  rivalDriver: id('dd00', 2),
  foreignDriver: id('dd00', 9),
} as const

export const TRUCKS = {
  carrier: id('df00', 1),
  rivalCarrier: id('df00', 2),
  foreignCarrier: id('df00', 9),
} as const
export const TRAILERS = {
  carrier: id('de00', 1),
  rivalCarrier: id('de00', 2),
  foreignCarrier: id('de00', 9),
} as const
export const BROKERS = {
  /** Names the brokerage. */
  carrier: id('db00', 1),
  rivalCarrier: id('db00', 2),
  foreignCarrier: id('db00', 9),
} as const

const ROLE_OF: Record<FreightPersona, [role: string, organization: keyof typeof FREIGHT_ORGANIZATIONS]> = {
  office: ['office', 'carrier'],
  dispatcher: ['dispatcher', 'carrier'],
  driver: ['driver', 'carrier'],
  newDriver: ['driver', 'carrier'],
  rivalOffice: ['office', 'rivalCarrier'],
  rivalDriver: ['driver', 'rivalCarrier'],
  broker: ['broker', 'brokerage'],
  foreignOffice: ['office', 'foreignCarrier'],
  foreignDriver: ['driver', 'foreignCarrier'],
}

const tenantOf = (name: string): string => (name.startsWith('foreign') ? TENANTS.b : TENANTS.a)

/** The caller that a persona's token stands for. */
export const freightCallerOf = (persona: FreightPersona) =>
  callerFromClaims({
    sub: FREIGHT_USERS[persona],
    role: 'authenticated',
    email: `${persona.toLowerCase()}@example.com`,
    exp: Math.floor(Date.now() / 1000) + 3600,
  })

/** Digits of `n`, with the check digit where it belongs (49 CFR 565.15): zeros weigh nothing. */
export function vinOf(n: number): string {
  const digits = String(n).padStart(6, '0')
  const weights = [7, 6, 5, 4, 3, 2]
  const sum = [...digits].reduce((total, digit, at) => total + Number(digit) * weights[at]!, 0) % 11
  return `00000000${sum === 10 ? 'X' : sum}00${digits}`
}

/** Adds the people of carriers and brokers to the world. As the owner. */
export async function addFreight(owner: Database): Promise<void> {
  const insert = (table: string, rows: readonly Record<string, unknown>[]) =>
    owner.query(
      `insert into ${table} (${Object.keys(rows[0]!).join(', ')})
       select ${Object.keys(rows[0]!).join(', ')} from jsonb_populate_recordset(null::${table}, $1::jsonb)`,
      [JSON.stringify(rows)],
    )
  await insert(
    'organizations',
    Object.entries(FREIGHT_ORGANIZATIONS).map(([name, organization]) => ({
      id: organization,
      tenant_id: tenantOf(name),
      name,
      kind: name === 'brokerage' ? 'broker' : 'carrier',
    })),
  )
  await insert(
    'users',
    Object.entries(ROLE_OF).map(([name, [role, organization]]) => ({
      id: FREIGHT_USERS[name as FreightPersona],
      tenant_id: tenantOf(name),
      organization_id: FREIGHT_ORGANIZATIONS[organization],
      role,
      name,
      email: `${name.toLowerCase()}@example.com`,
    })),
  )
}

/** Gives a driver a license and a medical card, which every load needs: verified, and valid for long. As the owner. */
export const arrangeDocuments = (owner: Database, driver: string): Promise<unknown> =>
  owner.query(
    `insert into driver_documents (driver_id, kind, number, expiry_date, verified_at)
     select $1, kind, 'D-1', '2099-12-31', now() from unnest(muster.required_documents()) as r (kind)`,
    [driver],
  )

/** Adds a broker, a driver, a truck and a trailer of each carrier. As the owner. */
export async function addRecords(owner: Database): Promise<void> {
  for (const [nth, carrier] of (['carrier', 'rivalCarrier', 'foreignCarrier'] as const).entries()) {
    const organization = FREIGHT_ORGANIZATIONS[carrier]
    const driver = (
      { carrier: 'driver', rivalCarrier: 'rivalDriver', foreignCarrier: 'foreignDriver' } as const
    )[carrier]
    await owner.query(
      `insert into brokers (id, organization_id, name, payment_days, broker_organization_id) values ($1, $2, $3, 30, $4)`,
      [
        BROKERS[carrier],
        organization,
        `Broker of ${carrier}`,
        carrier === 'carrier' ? FREIGHT_ORGANIZATIONS.brokerage : null,
      ],
    )
    await owner.query(
      `insert into drivers (id, organization_id, user_id, name, license_number, license_class, hire_date)
       values ($1, $2, $3, $4, 'W1', 'A', '2020-01-01')`,
      [DRIVERS[driver], organization, FREIGHT_USERS[driver], driver],
    )
    await owner.query(
      `insert into driver_pay_terms (driver_id, pay_kind, pay_percentage) values ($1, 'percentage', 25)`,
      [DRIVERS[driver]],
    )
    await arrangeDocuments(owner, DRIVERS[driver])
    await owner.query(
      `insert into trucks (id, organization_id, unit_number, vin, inspection_due_on) values ($1, $2, 'T-1', $3, '2099-12-31')`,
      [TRUCKS[carrier], organization, vinOf(1 + nth)],
    )
    await owner.query(
      `insert into trailers (id, organization_id, unit_number, vin, inspection_due_on, kind) values ($1, $2, 'R-1', $3, '2099-12-31', 'dry_van')`,
      [TRAILERS[carrier], organization, vinOf(11 + nth)],
    )
  }
}

/** The world, with carriers and what they have. As the owner. */
export async function buildFreightWorld(owner: Database): Promise<void> {
  await buildWorld(owner)
  await addFreight(owner)
  await addRecords(owner)
}
