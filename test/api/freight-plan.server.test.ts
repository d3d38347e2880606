import { beforeAll, describe, expect, it } from 'vitest'
import { hoursOfDriver, listDutyStatuses } from '../../src/freight/duty/queries.ts'
import { listCandidates, listLoads, listNearbyLoads, loadById } from '../../src/freight/loads/queries.ts'
import type { LoadFilter } from '../../src/freight/loads/schemas.ts'
import { listDeductions, listPayments, listStatements, statementById } from '../../src/freight/pay/queries.ts'
import { listStopEvents } from '../../src/freight/stops/queries.ts'
import type { Session } from '../../src/platform/db/session.ts'
import { useApi } from '../support/api.ts'
import { arrangeLoad } from '../support/freight-loads.ts'
import {
  BROKERS,
  buildFreightWorld,
  DRIVERS,
  FREIGHT_ORGANIZATIONS,
  type FreightPersona,
  freightCallerOf,
  TRUCKS,
} from '../support/freight-world.ts'
import { measureReads, type Reads } from '../support/reads.ts'
import { TENANTS } from '../support/world.ts'

const api = useApi({}, buildFreightWorld)
const LIMIT = 20
const LOADS = 20_000
/** Of another carrier. */
const DRIVERS_OF_OTHERS = 3_000
/** A driver of some years. */
const OF_DRIVER = 400
/** An entry every two hours, for two years. */
const ENTRIES = 8_760

/** Positions of each load that has a driver: a day of one every five minutes. */
const POSITIONS = 50

/** Payments, statements and recurring deductions, of each. */
const PAID = 20_000
const PAY_COLUMNS: Record<string, string> = {
  driver_payments: 'type, amount, explanation, earned_on, statement_id',
  driver_statements:
    'number, first_day, last_day, gross, deductions, net, carried_in, payable, carried_out, status',
  driver_deductions: 'amount, explanation, valid_from',
}
/** Of the nth: a payment is on the statement of the same number; those of the last months are on none yet. */
const PAY_VALUES: Record<string, string> = {
  driver_payments: `'flat', 100, 'Work', current_date - n / 10, case when n > 2000 then md5('driver_statements' || n)::uuid end`,
  driver_statements: `n, current_date - n / 10, current_date - n / 10, 100, 0, 100, 0, 100, 0, 'pending'`,
  driver_deductions: `10, 'Lease', current_date - n / 10`,
}

/** Triggers and foreign keys sleep meanwhile, so what they would fill in is filled in here. */
async function loadManyLoads(): Promise<void> {
  const { owner } = api()
  await owner.transaction(async (tx) => {
    await tx.query('set local session_replication_role = replica')
    await tx.query(
      `insert into loads (id, tenant_id, organization_id, broker_id, broker_organization_id, rate, status, starts_at, ends_at, last_day,
                          driver_ids, metadata)
       select md5('load' || n)::uuid, $1, case n % 2 when 0 then $2 else $3 end::uuid, case n % 2 when 0 then $4 else $5 end::uuid,
              case when n % 4 = 0 then $6 end::uuid, 1000, case when n % 50 = 0 then 'in_transit' else 'delivered' end, now() - n * interval '1 hour',
              now() - n * interval '1 hour' + interval '8 hours', current_date,
              case when n % 50 = 0 then array[$7::uuid] else '{}' end, jsonb_build_object('order', n)
       from generate_series(1, $8::int) n`,
      [
        TENANTS.a,
        FREIGHT_ORGANIZATIONS.carrier,
        FREIGHT_ORGANIZATIONS.rivalCarrier,
        BROKERS.carrier,
        BROKERS.rivalCarrier,
        FREIGHT_ORGANIZATIONS.brokerage,
        DRIVERS.driver,
        LOADS,
      ],
    )
    await tx.query(
      `insert into load_stops (tenant_id, organization_id, load_id, position, kind, name, address, stop_point, time_zone, window_starts_at,
                               window_ends_at, broker_organization_id, driver_ids)
       select l.tenant_id, l.organization_id, l.id, s.n, 'pickup', 'Stop', 'Road', st_point(0, 0)::geography, 'Etc/UTC', l.starts_at, l.ends_at,
              l.broker_organization_id, l.driver_ids
       from loads l, generate_series(1, 2) as s (n)`,
    )
    await tx.query(
      `insert into load_assignments (tenant_id, organization_id, load_id, driver_id, truck_id, starts_at, ends_at, last_day, ended_at, ended_as)
       select l.tenant_id, l.organization_id, l.id, $1, $2, l.starts_at, l.ends_at, l.last_day, now(), 'completed'
       from loads l where l.driver_ids <> '{}'`,
      [DRIVERS.driver, TRUCKS.carrier],
    )
    await tx.query(
      `insert into stop_events (tenant_id, organization_id, load_id, assignment_id, driver_id, kind, event_point, accuracy_meters, counts,
                                recorded_at, broker_organization_id)
       select a.tenant_id, a.organization_id, a.load_id, a.id, a.driver_id, 'position', st_point(0, 0)::geography, 10, false,
              a.starts_at + n * interval '5 minutes', l.broker_organization_id
       from load_assignments a join loads l on l.id = a.load_id, generate_series(1, $1::int) n`,
      [POSITIONS],
    )
    await tx.query(
      `insert into drivers (id, tenant_id, organization_id, user_id, name, license_number, license_class, hire_date)
       select md5('driver' || n)::uuid, $1, $2, md5('user' || n)::uuid, 'Driver', 'N' || n, 'A', '2020-01-01'
       from generate_series(1, $3::int) n`,
      [TENANTS.a, FREIGHT_ORGANIZATIONS.rivalCarrier, DRIVERS_OF_OTHERS],
    )
    for (const table of ['driver_payments', 'driver_statements', 'driver_deductions'])
      await tx.query(
        `insert into ${table} (id, tenant_id, organization_id, driver_id, currency, ${PAY_COLUMNS[table]})
         select md5($1 || n)::uuid, $2, case n % 2 when 0 then $3 else $4 end::uuid,
                case when n % 50 = 0 then $5 else md5('driver' || n % 100)::uuid end, 'USD', ${PAY_VALUES[table]}
         from generate_series(1, $6::int) n`,
        [
          table,
          TENANTS.a,
          FREIGHT_ORGANIZATIONS.carrier,
          FREIGHT_ORGANIZATIONS.rivalCarrier,
          DRIVERS.driver,
          PAID,
        ],
      )
    await tx.query(
      `insert into driver_documents (tenant_id, organization_id, driver_id, kind, number, expiry_date)
       select d.tenant_id, d.organization_id, d.id, k, 'D', '2031-01-01' from drivers d, unnest(array['twic', 'tachograph_card']) as k`,
    )
    await tx.query(
      `insert into duty_status_changes (tenant_id, organization_id, driver_id, status, began_at, recorded_at, device_id)
       select $1, $2, d.id, (array['driving', 'off_duty', 'on_duty'])[1 + n % 3], t.at, t.at, 'phone'
       from unnest(array[$3::uuid, $4::uuid]) as d (id), generate_series(1, $5::int) n
       cross join lateral (select now() - n * interval '2 hours' as at) t`,
      [TENANTS.a, FREIGHT_ORGANIZATIONS.carrier, DRIVERS.driver, DRIVERS.rivalDriver, ENTRIES],
    )
  })
  await owner.script(
    'vacuum (analyze) loads, load_stops, load_assignments, stop_events, drivers, driver_documents, duty_status_changes, duty_status_edits, driver_payments, driver_statements, driver_deductions',
  )
}

const entriesOf = ({ entries, otherEntries }: Reads): number => entries + otherEntries
const measure = (persona: FreightPersona | 'admin', filter: LoadFilter) =>
  measureReads(api(), 'loads_pkey', persona === 'admin' ? persona : freightCallerOf(persona), (session) =>
    session.rows(listLoads(filter, LIMIT, undefined)),
  )

describe('a list among twenty thousand loads', () => {
  beforeAll(loadManyLoads)

  it.each([
    ['office', {}],
    ['dispatcher', { status: ['delivered'] }],
    ['broker', {}],
    ['office', { broker_id: BROKERS.carrier }],
    ['admin', {}],
  ] as [FreightPersona, LoadFilter][])(
    'for %s with %j reads little more than it gives',
    async (persona, filter) => {
      const { result, reads } = await measure(persona, filter)
      expect(result).toHaveLength(LIMIT + 1)
      expect(reads.tableScans).toBe(0)
      expect(entriesOf(reads)).toBeLessThan(5 * LIMIT)
    },
  )

  it('for a driver reads the loads of the driver, and no more', async () => {
    const { result, reads } = await measure('driver', {})
    expect(result).toHaveLength(LIMIT + 1)
    expect(reads.tableScans).toBe(0)
    expect(entriesOf(reads)).toBeLessThan(1.5 * OF_DRIVER)
  })

  it.each([
    ['foreignOffice', {}],
    ['rivalDriver', {}],
    ['newDriver', { broker_id: BROKERS.carrier }],
  ] as [FreightPersona, LoadFilter][])(
    'that is empty, for %s with %j, reads nothing',
    async (persona, filter) => {
      const { result, reads } = await measure(persona, filter)
      expect(result).toEqual([])
      expect(reads.tableScans).toBe(0)
      expect(entriesOf(reads)).toBeLessThan(LIMIT)
    },
  )

  it('of the stops and assignments of one load reads those of the load', async () => {
    const [load] = await api().owner.query<{ id: string }>(
      "select id from loads where driver_ids <> '{}' limit 1",
    )
    for (const [index, most] of [
      ['load_stops_pkey', 5],
      ['load_assignments_pkey', 5],
    ] as const) {
      const { result, reads } = await measureReads(api(), index, freightCallerOf('office'), (session) =>
        session.row(loadById({ id: load!.id })),
      )
      expect(result).toMatchObject({ stops: [{ position: 1 }, { position: 2 }], assignments: [{ leg: 1 }] })
      expect(reads.tableScans, index).toBe(0)
      expect(entriesOf(reads), index).toBeLessThan(most)
    }
  })

  it.each([
    ['office', 'load_stops_pkey'],
    ['office', 'load_assignments_pkey'],
    ['driver', 'load_stops_pkey'],
    ['broker', 'load_stops_pkey'],
    ['broker', 'load_assignments_pkey'],
  ] as const)('with stops and assignments for %s reads those of the page: %s', async (persona, index) => {
    const { result, reads } = await measureReads(api(), index, freightCallerOf(persona), (session) =>
      session.rows(listLoads({}, LIMIT, undefined, true)),
    )
    expect(result).toHaveLength(LIMIT + 1)
    expect(result[0]).toMatchObject({ stops: [{ position: 1 }, { position: 2 }] })
    expect(reads.tableScans).toBe(0)
    // Two stops for each load.
    expect(entriesOf(reads)).toBeLessThan(5 * LIMIT)
  })

  it.each(['office', 'driver', 'broker', 'admin'] as const)(
    'with the last positions of loads in transit, for %s, reads one event of each',
    async (persona) => {
      const { result, reads } = await measureReads(
        api(),
        'stop_events_load_idx',
        persona === 'admin' ? persona : freightCallerOf(persona),
        (session) => session.rows(listLoads({ status: ['in_transit'] }, LIMIT, undefined, true)),
      )
      expect(result).toHaveLength(LIMIT + 1)
      expect(result.at(-1)).toMatchObject({ last_position: { accuracy_meters: 10 } })
      expect(reads.tableScans).toBe(0)
      expect(entriesOf(reads)).toBeLessThan(2 * LIMIT)
    },
  )

  it('of candidates reads the drivers of the carrier and their documents, however many others have', async () => {
    const load = await arrangeLoad(api().owner)
    for (const [index, most] of [
      ['drivers_pkey', 5],
      ['driver_documents_pkey', 10],
    ] as const) {
      const { result, reads } = await measureReads(api(), index, freightCallerOf('office'), (session) =>
        session.rows(listCandidates(load, { eligible_only: false }, LIMIT, undefined)),
      )
      expect(result).toMatchObject([{ driver_id: DRIVERS.driver, eligible: true }])
      expect(reads.tableScans, index).toBe(0)
      expect(entriesOf(reads), index).toBeLessThan(most)
    }
  })

  it('of candidates reads one position of each driver of the carrier', async () => {
    const load = await arrangeLoad(api().owner)
    const { reads } = await measureReads(
      api(),
      'stop_events_driver_idx',
      freightCallerOf('office'),
      (session) => session.rows(listCandidates(load, { eligible_only: false }, LIMIT, undefined)),
    )
    expect(reads.tableScans).toBe(0)
    expect(entriesOf(reads)).toBeLessThan(5)
  })

  it.each(['office', 'driver', 'broker'] as const)(
    'of the events of a load, for %s, reads a page of the load',
    async (persona) => {
      const [load] = await api().owner.query<{ id: string }>(
        "select id from loads where driver_ids <> '{}' and broker_organization_id is not null limit 1",
      )
      const { result, reads } = await measureReads(
        api(),
        'stop_events_pkey',
        freightCallerOf(persona),
        (session) => session.rows(listStopEvents(load!.id, {}, LIMIT, undefined)),
      )
      expect(result).toHaveLength(LIMIT + 1)
      expect(reads.tableScans).toBe(0)
      expect(entriesOf(reads)).toBeLessThan(2 * POSITIONS)
    },
  )

  it('of open loads around a place reads those of the carrier that are near', async () => {
    const load = await arrangeLoad(api().owner)
    const others = await arrangeLoad(api().owner, {
      organization: FREIGHT_ORGANIZATIONS.rivalCarrier,
      broker: BROKERS.rivalCarrier,
    })
    expect(others).not.toBe(load)
    const near = { latitude: 41.85, longitude: -87.65, radius_meters: 50_000 }
    for (const index of ['load_stops_open_idx', 'loads_pkey']) {
      const { result, reads } = await measureReads(api(), index, freightCallerOf('office'), (session) =>
        session.rows(listNearbyLoads(near, LIMIT, undefined)),
      )
      expect(result.map((found) => found.load.id)).toContain(load)
      expect(result.length).toBeLessThan(LIMIT)
      expect(reads.tableScans, index).toBe(0)
      expect(entriesOf(reads), index).toBeLessThan(LIMIT)
    }
  })

  it('of the log of a driver reads a page, and for the hours left four weeks', async () => {
    const list = await measureReads(api(), 'duty_status_changes_pkey', freightCallerOf('office'), (session) =>
      session.rows(listDutyStatuses(DRIVERS.driver, {}, LIMIT, undefined)),
    )
    expect(list.result).toHaveLength(LIMIT + 1)
    expect(list.reads.tableScans).toBe(0)
    expect(entriesOf(list.reads)).toBeLessThan(5 * LIMIT)
    const hours = await measureReads(
      api(),
      'duty_status_changes_pkey',
      freightCallerOf('driver'),
      (session) => session.row(hoursOfDriver({ id: DRIVERS.driver, at: undefined })),
    )
    expect(hours.result).toMatchObject({ driver_id: DRIVERS.driver, status: 'off_duty' })
    expect(hours.reads.tableScans).toBe(0)
    // 28 days of twelve entries each, and what lasted when they began.
    expect(entriesOf(hours.reads)).toBeLessThan(28 * 12 + 10)
  })

  it('finds a load by its metadata in the index', async () => {
    const plan = await api().owner.query<Record<string, string>>(
      `explain select id from loads where metadata @> '{"order": 77}'`,
    )
    expect(JSON.stringify(plan)).toContain('loads_metadata_idx')
  })

  const PAY_LISTS: Record<string, [index: string, list: (session: Session) => Promise<unknown[]>]> = {
    payments: [
      'driver_payments_pkey',
      (session) => session.rows(listPayments({ unsettled_only: false }, LIMIT, undefined)),
    ],
    'unsettled payments': [
      'driver_payments_pkey',
      (session) => session.rows(listPayments({ unsettled_only: true }, LIMIT, undefined)),
    ],
    statements: ['driver_statements_pkey', (session) => session.rows(listStatements({}, LIMIT, undefined))],
    'recurring deductions': [
      'driver_deductions_pkey',
      (session) => session.rows(listDeductions({}, LIMIT, undefined)),
    ],
  }
  const measurePay = (name: string, persona: FreightPersona | 'admin') => {
    const [index, list] = PAY_LISTS[name]!
    return measureReads(api(), index, persona === 'admin' ? persona : freightCallerOf(persona), list)
  }

  it.each(
    Object.keys(PAY_LISTS).flatMap((name) =>
      (['office', 'driver', 'admin'] as const).map((persona) => [name, persona] as const),
    ),
  )('of %s for %s reads little more than it gives', async (name, persona) => {
    const { result, reads } = await measurePay(name, persona)
    expect(result).toHaveLength(LIMIT + 1)
    expect(reads.tableScans).toBe(0)
    expect(entriesOf(reads)).toBeLessThan(5 * LIMIT)
  })

  it.each(Object.keys(PAY_LISTS))('of %s reads nothing for who sees no pay', async (name) => {
    for (const persona of ['dispatcher', 'broker', 'foreignOffice'] as const) {
      const { result, reads } = await measurePay(name, persona)
      expect(result).toEqual([])
      expect(reads.tableScans).toBe(0)
      expect(entriesOf(reads)).toBeLessThan(LIMIT)
    }
  })

  it('of the payments of one statement, or of one load, reads those', async () => {
    const [statement] = await api().owner.query<{ id: string }>(
      "select md5('driver_statements5000')::uuid as id",
    )
    const { result, reads } = await measureReads(
      api(),
      'driver_payments_pkey',
      freightCallerOf('driver'),
      (session) => session.row(statementById({ id: statement!.id })),
    )
    expect(result).toMatchObject({ number: 5000, lines: [{ amount: 100 }] })
    expect(reads.tableScans).toBe(0)
    expect(entriesOf(reads)).toBeLessThan(5)
    const filtered = await measureReads(api(), 'driver_payments_pkey', freightCallerOf('office'), (session) =>
      session.rows(listPayments({ unsettled_only: false, statement_id: statement!.id }, LIMIT, undefined)),
    )
    expect(filtered.result).toHaveLength(1)
    expect(filtered.reads.tableScans).toBe(0)
    expect(entriesOf(filtered.reads)).toBeLessThan(5)
  })
})
