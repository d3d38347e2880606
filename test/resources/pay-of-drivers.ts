import type { Database } from '../../src/platform/db/engine/database.ts'
import { changes, deletes, follows, inserts, reads, updates, updatesAll } from '../rules/access-actions.ts'
import { quote } from '../rules/access-probe.ts'
import type { MatrixRow } from '../rules/access-world.ts'
import { arrangePayment, dayAgo } from '../support/driver-pay.ts'
import { arrangeDriver } from '../support/freight-loads.ts'
import { DRIVERS, FREIGHT_ORGANIZATIONS } from '../support/freight-world.ts'
import type { Access, Resource } from '../support/resources.ts'
import { type Arrangement, idOf, one } from '../support/route-arrangements.ts'

const id = (kind: string, n: number): string => `${kind}000000-0000-7000-8000-${String(n).padStart(12, '0')}`

/** As in drivers.ts: of the personas `driver`, `rivalDriver` and `foreignDriver`; one that was removed, one whose user was, an earlier one. */
const DRIVER = { own: 1, dismissed: 2, former: 3, rival: 4, foreign: 5, earlier: 6, dispatcher: 7 } as const

type Carrier = keyof typeof FREIGHT_ORGANIZATIONS

/** A statement with one payment, and a payment that no statement has, of a driver. */
const row = (driver: keyof typeof DRIVER, carrier: Carrier = 'carrier') => ({
  id: id('b5', DRIVER[driver]),
  payment: id('b4', DRIVER[driver]),
  unsettled: id('b4', 10 + DRIVER[driver]),
  deduction: id('b3', DRIVER[driver]),
  terms: id('b2', DRIVER[driver]),
  driver: id('ba', DRIVER[driver]),
  organization: FREIGHT_ORGANIZATIONS[carrier],
  number: DRIVER[driver],
})
const STATEMENTS = {
  own: row('own'),
  ofDismissed: row('dismissed'),
  ofFormer: row('former'),
  ofEarlier: row('earlier'),
  ofDispatcher: row('dispatcher'),
  rival: row('rival', 'rivalCarrier'),
  foreign: row('foreign', 'foreignCarrier'),
}
const partOf = (member: 'payment' | 'unsettled' | 'deduction' | 'terms'): Record<string, MatrixRow> =>
  Object.fromEntries(
    Object.entries(STATEMENTS).map(([name, row]) => [
      name,
      { id: row[member], driver: row.driver, organization: row.organization },
    ]),
  )
const PAYMENTS: Record<string, MatrixRow> = {
  ...partOf('payment'),
  unsettled: partOf('unsettled').own!,
}
const DEDUCTIONS = partOf('deduction')

const EARNED_ON = '2024-01-05'
const settle = ({ organization, driver }: MatrixRow): string =>
  `select muster.settle_driver_payments('2024-01-01', '2024-01-31', ${quote(organization)}, ${quote(driver)})`

async function arrange(owner: Database): Promise<void> {
  for (const { id, payment, unsettled, deduction, terms, driver, number } of Object.values(STATEMENTS)) {
    await owner.query(
      `insert into driver_pay_terms (id, driver_id, pay_kind, pay_flat) values ($1, $2, 'flat', 100)`,
      [terms, driver],
    )
    await owner.query(
      `insert into driver_deductions (id, driver_id, amount, explanation, valid_from) values ($1, $2, 85, 'Lease', '2024-01-01')`,
      [deduction, driver],
    )
    await owner.query(
      `insert into driver_statements (id, tenant_id, organization_id, driver_id, number, first_day, last_day, currency, gross, deductions,
                                      net, carried_in, payable, carried_out)
       select $1, tenant_id, organization_id, id, $3, '2024-01-01', '2024-01-07', 'USD', 100, 0, 100, 0, 100, 0 from drivers where id = $2`,
      [id, driver, number],
    )
    for (const [one, statement] of [
      [payment, id],
      [unsettled, null],
    ] as const)
      await owner.query(
        `insert into driver_payments (id, driver_id, type, amount, explanation, earned_on, statement_id)
         values ($1, $2, 'flat', 100, 'Work', $3, $4)`,
        [one, driver, EARNED_ON, statement],
      )
  }
}

/** For a driver who was removed, the office creates nothing more. A dispatcher who also drives sees their own pay, and no other. */
const gridOf = (office: string, gone: string, own: string): string => `
                 office     dispatcher  driver  broker  rivalOffice  rivalDriver  admin      foreignOffice  foreignDriver  foreignAdmin
  own            ${office}  .           ${own}  .       .            .            ${office}  .              .              .
  ofDismissed    ${gone}    .           .       .       .            .            ${gone}    .              .              .
  ofFormer       ${office}  .           .       .       .            .            ${office}  .              .              .
  ofEarlier      ${gone}    .           .       .       .            .            ${gone}    .              .              .
  ofDispatcher   ${office}  ${own}      .       .       .            .            ${office}  .              .              .
  rival          .          .           .       .       ${office}    ${own}       ${office}  .              .              .
  foreign        .          .           .       .       .            .            .          ${office}      ${own}         ${office}
`

export const access: Access = {
  section: {
    table: 'public.driver_statements',
    key: 'id',
    rows: STATEMENTS,
    actions: {
      r: reads('public.driver_statements'),
      f: follows('driver_statements'),
      m: changes(
        'say that it is being paid',
        ({ id }) => `select muster.move_driver_statement(${quote(id)}, 'processing')`,
      ),
      s: changes('settle', settle, ({ driver }) => ({
        relation: 'public.driver_statements',
        condition: `driver_id = ${quote(driver)} and last_day = '2024-01-31'`,
      })),
      e: updates('public.driver_statements', "status = 'processing'"),
      d: deletes('public.driver_statements'),
      c: inserts('public.driver_statements', ({ organization, driver }) => ({
        organization_id: organization,
        driver_id: driver,
        number: 99,
        first_day: '2024-01-01',
        last_day: '2024-01-07',
        currency: 'USD',
        gross: 100,
      })),
    },
    grid: gridOf('rfms', 'rfms', 'rf'),
  },
  arrange,
  privileges: {
    authenticated: { select: '*' },
    service_role: { select: '*', insert: '*', update: '*' },
    muster_definer: { select: '*', insert: '*', update: '*' },
  },
  functions: {
    '': [
      'muster.tg_driver_deductions__copy_driver()',
      'muster.tg_driver_pay_terms__copy_driver()',
      'muster.tg_driver_payments__check_change()',
      'muster.tg_driver_payments__complete()',
      'muster.tg_driver_statements__check_change()',
      'muster.tg_driver_statements__lead()',
      'muster.tg_loads__pay_drivers()',
    ],
    authenticated: [
      'muster.driver_earnings_report(date,date,uuid,date,uuid,integer)',
      'muster.settle_driver_payments(date,date,uuid,uuid)',
    ],
    'authenticated muster_api': ['muster.move_driver_statement(uuid,text)'],
    'muster_definer service_role': ['muster.is_pay_step(text,text)'],
    muster_definer: [
      'muster.audience_of_driver_payments(jsonb,timestamp with time zone)',
      'muster.audience_of_driver_statements(jsonb,timestamp with time zone)',
      'muster.delivery_day(public.loads)',
      'muster.driver_statement_json(public.driver_statements)',
      'muster.linehaul_of(public.loads,public.driver_pay_terms)',
      'muster.seen_of_driver_payments(jsonb)',
      'muster.seen_of_driver_statements(jsonb)',
    ],
  },
}

export const parts: readonly Access[] = [
  {
    section: {
      table: 'public.driver_payments',
      key: 'id',
      rows: PAYMENTS,
      actions: {
        r: reads('public.driver_payments'),
        f: follows('driver_payments'),
        e: updates('public.driver_payments', 'amount = 1000'),
        E: updatesAll('public.driver_payments', 'statement_id = null'),
        d: deletes('public.driver_payments'),
        c: inserts('public.driver_payments', ({ driver }) => ({
          driver_id: driver,
          type: 'flat',
          amount: 10,
          explanation: 'New',
          earned_on: EARNED_ON,
        })),
        k: {
          ...inserts('public.driver_payments', ({ driver }) => ({
            driver_id: driver,
            type: 'flat',
            amount: 10,
            explanation: 'New',
            earned_on: EARNED_ON,
            is_automatic: true,
          })),
          means: 'pretend that a rule made it',
        },
      },
      grid: `${gridOf('rfc', 'rf', 'rf')}  unsettled  rfc  .  rf  .  .  .  rfc  .  .  .\n`,
    },
    alone: {
      inserts: {
        'office own': 'allowed',
        'office rival': 'refused',
        'dispatcher own': 'refused',
        'driver own': 'refused',
        'broker own': 'refused',
        'admin rival': 'allowed',
        'admin foreign': 'refused',
      },
    },
    privileges: {
      authenticated: {
        select: '*',
        insert: 'id driver_id load_id type amount currency quantity rate explanation earned_on',
      },
      service_role: { select: '*', insert: '*', update: '*' },
      muster_definer: { select: '*', insert: '*', update: '*' },
    },
  },
  {
    section: {
      table: 'public.driver_pay_terms',
      key: 'id',
      rows: partOf('terms'),
      actions: {
        r: reads('public.driver_pay_terms'),
        p: changes(
          'set the terms of the driver',
          ({ driver }) =>
            `insert into public.driver_pay_terms (driver_id, pay_kind, pay_flat) values (${quote(driver)}, 'flat', 200)
             on conflict (driver_id) do update set pay_flat = excluded.pay_flat`,
        ),
        e: updates('public.driver_pay_terms', 'pay_flat = 200'),
        E: updatesAll('public.driver_pay_terms', 'pay_flat = 200'),
        w: updates('public.driver_pay_terms', 'driver_id = driver_id'),
        d: deletes('public.driver_pay_terms'),
      },
      grid: gridOf('rpeE', 'reE', 'r'),
    },
    equivalent: {
      policies: {
        'internal on public.driver_pay_terms: not for muster_definer':
          'A delivered load pays nobody then: freight-pay.test.ts sees the amounts.',
      },
    },
    alone: {
      inserts: {
        'office own': 'allowed',
        'office rival': 'refused',
        'dispatcher own': 'refused',
        'driver own': 'refused',
        'broker own': 'refused',
        'admin rival': 'allowed',
        'admin foreign': 'refused',
      },
      updates: {
        'office own own': 'allowed',
        'office * rival': 'refused',
        'dispatcher own own': 'refused',
        'driver own own': 'refused',
        'admin own rival': 'allowed',
        'admin * foreign': 'refused',
      },
    },
    privileges: {
      authenticated: {
        select: '*',
        insert: 'id driver_id pay_kind pay_per_distance pay_percentage pay_flat currency distance_unit',
        update: 'pay_kind pay_per_distance pay_percentage pay_flat currency distance_unit',
      },
      service_role: { select: '*', insert: '*', update: '*' },
      muster_definer: { select: '*', update: 'updated_at' },
    },
  },
  {
    section: {
      table: 'public.driver_deductions',
      key: 'id',
      rows: DEDUCTIONS,
      actions: {
        r: reads('public.driver_deductions'),
        e: updates('public.driver_deductions', "valid_until = '2030-01-01'"),
        E: updatesAll('public.driver_deductions', "valid_until = '2030-01-01'"),
        w: updates('public.driver_deductions', 'amount = 1'),
        t: changes('settle, which takes it off', settle, ({ id }) => ({
          relation: 'public.driver_payments',
          condition: `deduction_id = ${quote(id)}`,
        })),
        d: deletes('public.driver_deductions'),
        c: inserts('public.driver_deductions', ({ driver }) => ({
          driver_id: driver,
          amount: 10,
          explanation: 'New',
          valid_from: '2024-01-01',
        })),
      },
      grid: gridOf('reEtc', 'reEt', 'r'),
    },
    alone: {
      inserts: {
        'office own': 'allowed',
        'office rival': 'refused',
        'dispatcher own': 'refused',
        'driver own': 'refused',
        'admin rival': 'allowed',
        'admin foreign': 'refused',
      },
      updates: {
        'office own own': 'allowed',
        'office * rival': 'refused',
        'dispatcher own own': 'refused',
        'driver own own': 'refused',
        'admin own rival': 'allowed',
        'admin * foreign': 'refused',
      },
    },
    privileges: {
      authenticated: {
        select: '*',
        insert: 'id driver_id amount currency explanation valid_from valid_until',
        update: 'valid_until',
      },
      service_role: { select: '*', insert: '*', update: '*' },
      muster_definer: { select: '*' },
    },
  },
]

/** One that no other test settles: of a driver of its own. */
async function statement({ owner }: Arrangement, driver?: string): Promise<string> {
  const whose = driver ?? (await arrangeDriver(owner)).id
  const made = idOf(
    await owner.query<{ id: string }>(
      `insert into driver_statements (tenant_id, organization_id, driver_id, number, first_day, last_day, currency, gross, deductions, net,
                                      carried_in, payable, carried_out)
       select d.tenant_id, d.organization_id, d.id,
              1 + coalesce((select max(s.number) from driver_statements s where s.organization_id = d.organization_id), 0),
              '2024-02-01', '2024-02-07', 'USD', 100, 0, 100, 0, 100, 0
       from drivers d where d.id = $1 returning id`,
      [whose],
    ),
  )
  await owner.query(
    `insert into driver_payments (driver_id, type, amount, explanation, earned_on, statement_id)
     values ($1, 'flat', 100, 'Work', '2024-02-03', $2)`,
    [whose, made],
  )
  return made
}

const READERS = ['office', 'driver', 'admin'] as const
const read = (url: string) => async () => READERS.map((persona) => ({ persona, url }))

export const requests: Resource['requests'] = {
  'GET /v1/freight/drivers/{id}/pay-terms': read(`/v1/freight/drivers/${DRIVERS.driver}/pay-terms`),
  'PUT /v1/freight/drivers/{id}/pay-terms': async ({ owner }) =>
    one({
      persona: 'office',
      url: `/v1/freight/drivers/${(await arrangeDriver(owner)).id}/pay-terms`,
      body: { pay_kind: 'per_distance', pay_per_distance: 0.625 },
    }),
  'GET /v1/freight/driver-payments': async (arrangement) => {
    await arrangePayment(arrangement.owner, DRIVERS.driver)
    return READERS.map((persona) => ({ persona, url: '/v1/freight/driver-payments' }))
  },
  'POST /v1/freight/driver-payments': async ({ owner }) =>
    one({
      persona: 'office',
      url: '/v1/freight/driver-payments',
      body: {
        driver_id: (await arrangeDriver(owner)).id,
        type: 'advance',
        amount: 150,
        explanation: 'Cash advance',
        earned_on: '2026-01-30',
      },
    }),
  'GET /v1/freight/statements': read('/v1/freight/statements'),
  'GET /v1/freight/statements.csv': read('/v1/freight/statements.csv'),
  'POST /v1/freight/statements': async ({ owner, items }) => {
    const driver = (await arrangeDriver(owner)).id
    for (let n = 0; n < Math.min(items, 50); n++) await arrangePayment(owner, driver, { daysAgo: 1 + n })
    return one({
      persona: 'office',
      url: '/v1/freight/statements',
      body: { driver_id: driver, first_day: dayAgo(60), last_day: dayAgo(0) },
    })
  },
  'GET /v1/freight/statements/{id}': async (arrangement) => {
    const url = `/v1/freight/statements/${await statement(arrangement, DRIVERS.driver)}`
    return READERS.map((persona) => ({ persona, url }))
  },
  'POST /v1/freight/statements/{id}/status': async (arrangement) =>
    one({
      persona: 'office',
      url: `/v1/freight/statements/${await statement(arrangement)}/status`,
      body: { status: 'processing' },
    }),
  'GET /v1/freight/recurring-deductions': read('/v1/freight/recurring-deductions'),
  'POST /v1/freight/recurring-deductions': async ({ owner }) =>
    one({
      persona: 'office',
      url: '/v1/freight/recurring-deductions',
      body: {
        driver_id: (await arrangeDriver(owner)).id,
        amount: 85,
        explanation: 'Trailer lease',
        valid_from: '2026-01-01',
      },
    }),
  'PATCH /v1/freight/recurring-deductions/{id}': async ({ owner }) => {
    const deduction = idOf(
      await owner.query<{ id: string }>(
        `insert into driver_deductions (driver_id, amount, explanation, valid_from) values ($1, 85, 'Lease', '2026-01-01') returning id`,
        [(await arrangeDriver(owner)).id],
      ),
    )
    return one({
      persona: 'office',
      url: `/v1/freight/recurring-deductions/${deduction}`,
      body: { valid_until: '2026-12-31' },
    })
  },
  'GET /v1/freight/reports/driver-earnings': read('/v1/freight/reports/driver-earnings'),
}
