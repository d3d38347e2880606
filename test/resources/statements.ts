import type { Database } from '../../src/platform/db/engine/database.ts'
import { changes, deletes, follows, inserts, reads, updates } from '../rules/access-actions.ts'
import { quote } from '../rules/access-probe.ts'
import type { MatrixRow } from '../rules/access-world.ts'
import { CLOSES_NOTHING, HIDDEN_ANYWAY, NO_TENANT } from '../support/equivalent.ts'
import { arrangePayPeriod } from '../support/pay-periods.ts'
import type { Access, Resource } from '../support/resources.ts'
import { type Arrangement, each, idOf, one } from '../support/route-arrangements.ts'
import { LOCATIONS, ORGANIZATIONS, PROFESSIONALS } from '../support/world.ts'

const id = (kind: string, n: number): string => `${kind}0000-0000-7000-8000-${String(n).padStart(12, '0')}`

/** As in the world of the matrix. */
const FORMER_GUARD = id('e000', 34)

/** Each of a period of its own, and with a line of a shift that was completed long ago. */
const row = (n: number, company: string, location: string, professional: string) => ({
  id: id('3600', n),
  line: id('3610', n),
  period: id('3620', n),
  shift: id('f320', n),
  company,
  location,
  professional,
})
const ROWS = {
  guardAtCompany: row(1, ORGANIZATIONS.company, LOCATIONS.site, PROFESSIONALS.guard),
  otherGuardAtRival: row(2, ORGANIZATIONS.rival, LOCATIONS.otherClientSite, PROFESSIONALS.otherGuard),
  formerGuard: row(3, ORGANIZATIONS.company, LOCATIONS.site, FORMER_GUARD),
  foreignGuard: row(4, ORGANIZATIONS.foreignCompany, LOCATIONS.foreignSite, PROFESSIONALS.foreignGuard),
}
const LINES: Record<string, MatrixRow> = Object.fromEntries(
  Object.entries(ROWS).map(([name, row]) => [
    name,
    { id: row.line!, statement: row.id, company: row.company!, professional: row.professional! },
  ]),
)

async function arrange(owner: Database): Promise<void> {
  for (const [n, row] of Object.values(ROWS).entries()) {
    await owner.query(
      `insert into shifts (id, company_id, location_id, professional_id, status, start_datetime, end_datetime, hourly_rate, title)
       values ($1, $2, $3, $4, 'completed', now() - interval '300 hours', now() - interval '292 hours', 25, 'Night watch')`,
      [row.shift, row.company, row.location, row.professional],
    )
    await owner.query(
      `insert into pay_periods (id, tenant_id, company_id, period, time_zone, first_day, last_day, starts_at, ends_at, state, closed_at)
       select $1, tenant_id, id, 'month', 'Europe/Amsterdam', $3::date, $3::date + 27, $3::date, $3::date + 28, 'closed', now()
       from organizations where id = $2`,
      [row.period, row.company, `2018-0${n + 1}-01`],
    )
    await owner.query(
      `insert into statements (id, tenant_id, company_id, professional_id, pay_period_id, number, kind, issued_on, first_day, last_day,
                               company_name, professional_name, vat_rate, gross, deductions, net, vat_amount, total, carried_in, payable,
                               carried_out)
       select $1, tenant_id, company_id, $3, id, 1, 'invoice', last_day, first_day, last_day, 'Company', 'Guard', 0, 200, 0, 200, 0, 200, 0,
              200, 0
       from pay_periods where id = $2`,
      [row.id, row.period, row.professional],
    )
    await owner.query(
      `insert into statement_lines (id, tenant_id, company_id, professional_id, statement_id, timesheet_line_id, timesheet_id, position,
                                    work_date, kind, seconds, rate, factor, amount, explanation)
       select $1, l.tenant_id, l.company_id, l.professional_id, $2, l.id, l.timesheet_id, 1, t.work_date, l.kind, l.seconds, l.rate,
              l.factor, l.amount, l.explanation
       from timesheets t join timesheet_lines l on l.timesheet_id = t.id where t.shift_id = $3 and l.kind = 'planned'`,
      [row.line, row.id, row.shift],
    )
  }
}

const GRID = `
                     company  colleague  rival  client  otherClient  guard  otherGuard  admin  foreignCompany  foreignClient  foreignGuard  foreignAdmin
  guardAtCompany     rf       rf         .      .       .            rf     .           rf     .               .              .             .
  otherGuardAtRival  .        .          rf     .       .            .      rf          rf     .               .              .             .
  formerGuard        rf       rf         .      .       .            .      .           rf     .               .              .             .
  foreignGuard       .        .          .      .       .            .      .           .      rf              .              rf            rf
`

/** Who corrects, beside who reads: the company and admins. */
const CORRECTED = `
                     company  colleague  rival  client  otherClient  guard  otherGuard  admin  foreignCompany  foreignClient  foreignGuard  foreignAdmin
  guardAtCompany     rfx      rfx        .      .       .            rf     .           rfx    .               .              .             .
  otherGuardAtRival  .        .          rfx    .       .            .      rf          rfx    .               .              .             .
  formerGuard        rfx      rfx        .      .       .            .      .           rfx    .               .              .             .
  foreignGuard       .        .          .      .       .            .      .           .      rfx             .              rf            rfx
`

export const access: Access = {
  section: {
    table: 'public.statements',
    key: 'id',
    rows: ROWS,
    actions: {
      r: reads('public.statements'),
      f: follows('statements'),
      x: changes(
        'correct',
        ({ id }) => `select muster.correct_statement(${quote(id)}, 'The VAT number was missing.')`,
        ({ id }) => ({ relation: 'public.statements', condition: `corrects_id = ${quote(id)}` }),
      ),
      e: updates('public.statements', 'gross = 0, net = 0, total = 0, payable = 0'),
      d: deletes('public.statements'),
      c: inserts('public.statements', ({ company, professional, period }) => ({
        company_id: company,
        professional_id: professional,
        pay_period_id: period,
        number: 2,
        gross: 1000,
      })),
    },
    grid: CORRECTED,
  },
  arrange,
  equivalent: {
    policies: {
      'internal on public.statements: not for muster_definer': CLOSES_NOTHING,
    },
  },
  privileges: {
    authenticated: { select: '*' },
    service_role: { select: '*', insert: '*' },
    muster_definer: { select: '*', insert: '*' },
  },
  functions: {
    authenticated: [
      'muster.correct_statement(uuid,text)',
      'muster.earnings_report(date,date,uuid,uuid,date,uuid,integer)',
      'muster.hours_report(date,date,uuid,uuid,uuid,date,uuid,integer)',
    ],
    muster_definer: [
      'muster.audience_of_statement_lines(jsonb,timestamp with time zone)',
      'muster.audience_of_statements(jsonb,timestamp with time zone)',
      'muster.make_statement(public.pay_periods,uuid,uuid)',
      'muster.notify_of_credit_note(public.statements)',
      'muster.seen_of_statement_lines(jsonb)',
      'muster.seen_of_statements(jsonb)',
      'muster.tax_terms_on(uuid,date)',
      'muster.unsettled_lines(public.pay_periods,uuid)',
    ],
    '': ['muster.tg_professional_tax_terms__set_tenant()'],
  },
}

export const parts: readonly Access[] = [
  {
    section: {
      table: 'public.statement_lines',
      key: 'id',
      rows: LINES,
      actions: {
        r: reads('public.statement_lines'),
        f: follows('statement_lines'),
        e: updates('public.statement_lines', 'amount = 1000'),
        d: deletes('public.statement_lines'),
        c: inserts('public.statement_lines', ({ statement, company, professional }) => ({
          statement_id: statement,
          company_id: company,
          professional_id: professional,
          amount: 1000,
        })),
      },
      grid: GRID,
    },
    equivalent: {
      policies: {
        'internal on public.statement_lines: not for muster_definer': CLOSES_NOTHING,
      },
    },
    privileges: {
      authenticated: { select: '*' },
      service_role: { select: '*', insert: '*' },
      muster_definer: { select: '*', insert: '*' },
    },
  },
  {
    section: {
      table: 'public.professional_tax_terms',
      key: 'id',
      rows: {
        guard: { id: id('3630', 1), professional: PROFESSIONALS.guard },
        otherGuard: { id: id('3630', 2), professional: PROFESSIONALS.otherGuard },
        formerGuard: { id: id('3630', 3), professional: FORMER_GUARD },
        foreignGuard: { id: id('3630', 4), professional: PROFESSIONALS.foreignGuard },
      },
      actions: {
        r: reads('public.professional_tax_terms'),
        c: inserts('public.professional_tax_terms', ({ professional }) => ({
          professional_id: professional,
          vat_rate: 0,
          vat_exemption: 'small_business',
        })),
        w: inserts('public.professional_tax_terms', ({ professional }) => ({
          professional_id: professional,
          vat_rate: 0,
          deduction_percent: 5,
          deduction_reason: 'Fee',
        })),
        e: updates('public.professional_tax_terms', 'vat_rate = 0'),
        d: deletes('public.professional_tax_terms'),
      },
      grid: `
                      company  client  guard  otherGuard  admin  foreignCompany  foreignGuard  foreignAdmin
        guard         .        .       rc     .           rcw    .               .             .
        otherGuard    .        .       .      rc          rcw    .               .             .
        formerGuard   .        .       .      .           rcw    .               .             .
        foreignGuard  .        .       .      .           .      .               rc            rcw
      `,
    },
    columns: ({ id, professional }) => ({
      id,
      professional_id: professional,
      valid_from: '2019-01-01',
      vat_rate: 21,
      vat_number: 'NL123456789B01',
      created_at: new Date(),
      updated_at: new Date(),
    }),
    alone: {
      inserts: {
        'guard guard': 'allowed',
        'guard otherGuard': 'refused',
        'admin otherGuard': 'allowed',
        'admin foreignGuard': 'refused',
        'company guard': 'refused',
      },
    },
    equivalent: {
      functions: {
        'tg_professional_tax_terms__set_tenant: p.deleted_at is null → true': HIDDEN_ANYWAY,
        'tg_professional_tax_terms__set_tenant: not found → false': NO_TENANT,
      },
      policies: {
        'internal on public.professional_tax_terms: not for muster_definer':
          'Statements have no VAT then: statements.test.ts sees the amounts.',
      },
    },
    privileges: {
      authenticated: {
        select: '*',
        insert:
          'id professional_id valid_from vat_rate vat_exemption vat_number deduction_percent deduction_reason',
      },
      service_role: { select: '*', insert: '*', update: '*', delete: '*' },
      muster_definer: { select: '*' },
    },
  },
]

/** A day on which no other shift of these tests is. */
let days = 900

/** Of the guard, by closing a period. */
async function statement({ owner }: Arrangement): Promise<string> {
  days += 1
  const shift = idOf(
    await owner.query<{ id: string }>(
      `insert into shifts (company_id, location_id, professional_id, status, start_datetime, end_datetime, hourly_rate, title)
       values ($1, $2, $3, 'completed', now() - $4::int * interval '1 day', now() - $4::int * interval '1 day' + interval '8 hours', 25,
               'Night watch')
       returning id`,
      [ORGANIZATIONS.company, LOCATIONS.site, PROFESSIONALS.guard, days],
    ),
  )
  await owner.query("update timesheets set state = 'approved', approved_at = now() where shift_id = $1", [
    shift,
  ])
  const period = await arrangePayPeriod(owner)
  await owner.query('select muster.settle_pay_period($1, null)', [period])
  return idOf(
    await owner.query<{ id: string }>(
      'select id from statements where pay_period_id = $1 and professional_id = $2',
      [period, PROFESSIONALS.guard],
    ),
  )
}

const SEEN_BY = ['guard', 'company', 'admin'] as const

let versions = 0

export const requests: Resource['requests'] = {
  'GET /v1/statements': each('/v1/statements', SEEN_BY),
  'GET /v1/statements/{id}': async (arrangement) => {
    const url = `/v1/statements/${await statement(arrangement)}`
    return SEEN_BY.map((persona) => ({ persona, url }))
  },
  'POST /v1/statements/{id}/correct': async (arrangement) =>
    one({
      persona: 'company',
      url: `/v1/statements/${await statement(arrangement)}/correct`,
      body: { reason: 'The VAT number was missing.' },
    }),
  'GET /v1/tax-terms': each('/v1/tax-terms', ['guard', 'admin']),
  'POST /v1/tax-terms': async () => {
    versions += 1
    return one({
      persona: 'guard',
      url: '/v1/tax-terms',
      body: {
        vat_rate: 21,
        vat_number: 'NL123456789B01',
        valid_from: `2050-01-${String(versions).padStart(2, '0')}`,
      },
    })
  },
  'GET /v1/reports/earnings': each('/v1/reports/earnings', SEEN_BY),
  'GET /v1/reports/hours': each('/v1/reports/hours', ['company', 'admin']),
}
