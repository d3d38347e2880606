import type { Database, Transaction } from '../../platform/db/engine/database.ts'
import { asService } from '../../platform/db/identity.ts'
import { demoLog } from './duty.ts'
import {
  BROKERAGE,
  brokerId,
  CARRIER,
  documentId,
  driverId,
  NEW_DRIVER_USER,
  TENANT,
  trailerId,
  truckId,
} from './ids.ts'
import { demoLoads, demoStopEvents } from './loads.ts'
import { demoPay } from './pay.ts'
import { DEMO_USERS } from './users.ts'

const NAMES: Record<(typeof DEMO_USERS)[number]['role'], string> = {
  office: 'Demo office',
  dispatcher: 'Demo dispatcher',
  driver: 'Demo driver',
  broker: 'Demo broker',
}

/** Vehicle identification numbers with their check digit, of nobody's vehicles. */
const TRUCK_VINS = ['1XKAD49X8DJ000011', '1XKAD49X8DJ000025', '1XKAD49X8DJ000039']
const TRAILER_VINS = ['1JJV532W1DL000014', '1JJV532W1DL000028', '1JJV532W1DL000031']

/**
 * Adds the demo of a carrier to a database in one transaction, as a tenant of its own.
 *
 * @returns false when it is there already: nothing was done.
 */
export async function seedDemo(database: Database): Promise<boolean> {
  return asService(database, async (tx) => {
    const [existing] = await tx.query<{ exists: boolean }>(
      'select exists (select from public.tenants where id = $1)',
      [TENANT],
    )
    if (existing?.exists) return false
    await seedPeople(tx)
    await seedRecords(tx)
    return true
  })
}

async function seedPeople(tx: Transaction): Promise<void> {
  await tx.query('insert into public.tenants (id, name) values ($1, $2)', [TENANT, 'Demo transport'])
  await insert(tx, 'organizations', [
    { id: CARRIER, tenant_id: TENANT, name: 'Demo Carrier', kind: 'carrier' },
    { id: BROKERAGE, tenant_id: TENANT, name: 'Demo Brokerage', kind: 'broker' },
  ])
  await insert(tx, 'users', [
    ...DEMO_USERS.map(({ id, email, role }) => ({
      id,
      tenant_id: TENANT,
      organization_id: role === 'broker' ? BROKERAGE : CARRIER,
      role,
      name: NAMES[role],
      email,
    })),
    {
      id: NEW_DRIVER_USER,
      tenant_id: TENANT,
      organization_id: CARRIER,
      role: 'driver',
      name: 'Demo driver 2',
      email: 'driver2@example.com',
    },
  ])
}

async function seedRecords(tx: Transaction): Promise<void> {
  const own = { tenant_id: TENANT, organization_id: CARRIER }
  await insert(tx, 'brokers', [
    {
      ...own,
      id: brokerId(1),
      name: 'Demo Brokerage',
      mc_number: '384210',
      dot_number: '2233541',
      credit_status: 'approved',
      payment_terms: 'days',
      payment_days: 30,
      broker_organization_id: BROKERAGE,
    },
    {
      ...own,
      id: brokerId(2),
      name: 'Prairie Freight',
      mc_number: '517733',
      dot_number: '2891204',
      credit_status: 'limited',
      payment_terms: 'factoring',
      payment_days: null,
      broker_organization_id: null,
    },
    {
      ...own,
      id: brokerId(3),
      name: 'Closed Brokers',
      mc_number: '200981',
      dot_number: '1190023',
      credit_status: 'declined',
      payment_terms: 'days',
      payment_days: 45,
      broker_organization_id: null,
    },
  ])
  await insert(tx, 'drivers', [
    {
      ...own,
      id: driverId(1),
      user_id: DEMO_USERS.find(({ role }) => role === 'driver')!.id,
      name: 'Demo driver',
      license_number: 'W40512877',
      license_class: 'A',
      license_valid_until: '2099-12-31',
      hire_date: '2021-03-01',
    },
  ])
  await insert(tx, 'driver_pay_terms', [
    { driver_id: driverId(1), pay_kind: 'per_distance', pay_per_distance: 0.62 },
  ])
  const office = DEMO_USERS.find(({ role }) => role === 'office')!.id
  await insert(
    tx,
    'driver_documents',
    (
      [
        ['license', 'W40512877', '2099-12-31', true],
        ['medical_card', 'MC-771204', '2099-12-31', true],
        ['twic', 'T-5520981', '2028-06-30', false],
      ] as const
    ).map(([kind, number, expiry_date, isVerified], n) => ({
      id: documentId(n + 1),
      driver_id: driverId(1),
      kind,
      number,
      expiry_date,
      verified_at: isVerified ? new Date().toISOString() : null,
      verified_by: isVerified ? office : null,
    })),
  )
  const vehicles = (vins: readonly string[], id: (n: number) => string, prefix: string) =>
    vins.map((vin, n) => ({
      ...own,
      id: id(n + 1),
      unit_number: `${prefix}-10${n + 1}`,
      vin,
      inspection_due_on: '2099-12-31',
    }))
  await insert(tx, 'trucks', vehicles(TRUCK_VINS, truckId, 'T'))
  await insert(
    tx,
    'trailers',
    vehicles(TRAILER_VINS, trailerId, 'R').map((trailer) => ({ ...trailer, kind: 'dry_van' })),
  )
  const { loads, stops, assignments } = demoLoads(own)
  await insert(tx, 'loads', loads)
  await insert(tx, 'load_stops', stops)
  await insert(tx, 'load_assignments', assignments)
  await insert(tx, 'stop_events', demoStopEvents())
  const { statuses, edits } = demoLog()
  await insert(tx, 'duty_status_changes', statuses)
  await insert(tx, 'duty_status_edits', edits)
  const { deductions, statements, payments } = demoPay(own)
  await insert(tx, 'driver_deductions', deductions)
  await insert(tx, 'driver_statements', statements)
  await insert(tx, 'driver_payments', payments)
}

/** One statement a table; all rows have the same members. */
async function insert(
  tx: Transaction,
  table: string,
  rows: readonly Record<string, unknown>[],
): Promise<void> {
  const columns = Object.keys(rows[0]!).join(', ')
  await tx.query(
    `insert into public.${table} (${columns})
     select ${columns} from jsonb_populate_recordset(null::public.${table}, $1::jsonb)`,
    [JSON.stringify(rows)],
  )
}
