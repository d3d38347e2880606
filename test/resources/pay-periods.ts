import { changes, deletes, follows, inserts, reads, updates } from '../rules/access-actions.ts'
import { quote } from '../rules/access-probe.ts'
import { HIDDEN_ANYWAY, NO_TENANT } from '../support/equivalent.ts'
import { arrangePayPeriod } from '../support/pay-periods.ts'
import type { Access, Resource } from '../support/resources.ts'
import { type Arrangement, each, one } from '../support/route-arrangements.ts'
import { LOCATIONS, ORGANIZATIONS, PROFESSIONALS, TENANTS } from '../support/world.ts'

const id = (kind: string, n: number): string => `${kind}0000-0000-7000-8000-${String(n).padStart(12, '0')}`

/** Over, and open: closed by who may. */
const DAYS = { first_day: '2020-01-01', last_day: '2020-01-31' }
const TIMES = { starts_at: '2019-12-31T23:00:00Z', ends_at: '2020-01-31T23:00:00Z' }

export const access: Access = {
  section: {
    table: 'public.pay_periods',
    key: 'id',
    rows: {
      company: { id: id('3500', 1), company: ORGANIZATIONS.company },
      rival: { id: id('3500', 2), company: ORGANIZATIONS.rival },
      foreignCompany: { id: id('3500', 3), company: ORGANIZATIONS.foreignCompany },
    },
    actions: {
      r: reads('public.pay_periods'),
      f: follows('pay_periods'),
      x: changes('close', ({ id }) => `select muster.close_pay_period(${quote(id)})`),
      e: updates('public.pay_periods', "state = 'closed', closed_at = now()"),
      d: deletes('public.pay_periods'),
      c: inserts('public.pay_periods', ({ company }) => ({
        company_id: company,
        period: 'month',
        time_zone: 'Europe/Amsterdam',
        ...DAYS,
        ...TIMES,
      })),
    },
    grid: `
                      company  colleague  rival  admin  foreignCompany  foreignAdmin
      company         rfx      rfx        .      rfx    .               .
      rival           .        .          rfx    rfx    .               .
      foreignCompany  .        .          .      .      rfx             rfx
    `,
  },
  columns: ({ id, company }) => ({
    id,
    tenant_id: company === ORGANIZATIONS.foreignCompany ? TENANTS.b : TENANTS.a,
    company_id: company,
    period: 'month',
    time_zone: 'Europe/Amsterdam',
    ...DAYS,
    ...TIMES,
    created_at: new Date(),
    updated_at: new Date(),
  }),
  privileges: {
    authenticated: { select: '*' },
    service_role: { select: '*', insert: '*', update: '*', delete: '*' },
    muster_definer: { select: '*', insert: '*', update: '*' },
  },
  functions: {
    authenticated: ['muster.close_pay_period(uuid)'],
    'muster_jobs service_role': ['muster.open_pay_periods(integer)'],
    service_role: ['muster.settle_pay_period(uuid,uuid)'],
    muster_definer: [
      'muster.audience_of_pay_periods(jsonb,timestamp with time zone)',
      'muster.notify_of_pay_period(public.pay_periods)',
      'muster.open_pay_periods_of(uuid,integer)',
      'muster.pay_period_days(text,date)',
      'muster.pay_terms_on(uuid,date)',
      'muster.seen_of_pay_periods(jsonb)',
    ],
    '': ['muster.tg_pay_terms__complete()'],
  },
}

export const parts: readonly Access[] = [
  {
    section: {
      table: 'public.pay_terms',
      key: 'id',
      rows: {
        company: { id: id('3510', 1), company: ORGANIZATIONS.company },
        rival: { id: id('3510', 2), company: ORGANIZATIONS.rival },
        foreignCompany: { id: id('3510', 3), company: ORGANIZATIONS.foreignCompany },
      },
      actions: {
        r: reads('public.pay_terms'),
        c: inserts('public.pay_terms', ({ company }) => ({
          company_id: company,
          period: 'week',
          time_zone: 'Europe/Brussels',
        })),
        e: updates('public.pay_terms', "period = 'week'"),
        d: deletes('public.pay_terms'),
      },
      grid: `
                        company  colleague  rival  admin  foreignCompany  foreignAdmin
        company         rc       rc         .      rc     .               .
        rival           .        .          rc     rc     .               .
        foreignCompany  .        .          .      .      rc              rc
      `,
    },
    columns: ({ id, company }) => ({
      id,
      company_id: company,
      valid_from: '2019-01-01',
      period: 'month',
      time_zone: 'Europe/Amsterdam',
      created_at: new Date(),
      updated_at: new Date(),
    }),
    alone: {
      inserts: {
        'company company': 'allowed',
        'company rival': 'refused',
        'admin rival': 'allowed',
        'admin foreignCompany': 'refused',
        'client company': 'refused',
        'guard company': 'refused',
      },
    },
    equivalent: {
      functions: {
        'tg_pay_terms__complete: o.deleted_at is null → true': HIDDEN_ANYWAY,
        'tg_pay_terms__complete: not found → false': NO_TENANT,
      },
      policies: {
        'internal on public.pay_terms: not for muster_definer':
          'Periods are months then, whatever the company chose: statements.test.ts has four weeks.',
      },
    },
    privileges: {
      authenticated: { select: '*', insert: 'id company_id valid_from period time_zone' },
      service_role: { select: '*', insert: '*', update: '*', delete: '*' },
      muster_definer: { select: '*' },
    },
  },
]

/** A day on which no other shift of these tests is. */
let days = 400

/** Approved hours of the guard, and the period that has them. */
async function period({ owner, items }: Arrangement): Promise<string> {
  for (let nth = 0; nth < items; nth += 1) {
    days += 1
    await owner.query(
      `insert into shifts (company_id, location_id, professional_id, status, start_datetime, end_datetime, hourly_rate, title)
       values ($1, $2, $3, 'completed', now() - $4::int * interval '1 day', now() - $4::int * interval '1 day' + interval '8 hours', 25,
               'Night watch')`,
      [ORGANIZATIONS.company, LOCATIONS.site, PROFESSIONALS.guard, days],
    )
  }
  await owner.query(
    `update timesheets set state = 'approved', approved_at = now()
     where company_id = $1 and professional_id = $2 and state = 'proposed' and start_datetime < now() - interval '400 days'`,
    [ORGANIZATIONS.company, PROFESSIONALS.guard],
  )
  return arrangePayPeriod(owner)
}

let versions = 0

export const requests: Resource['requests'] = {
  'GET /v1/pay-periods': each('/v1/pay-periods', ['company', 'admin']),
  'POST /v1/pay-periods/{id}/close': async (arrangement) =>
    one({ persona: 'company', url: `/v1/pay-periods/${await period(arrangement)}/close` }),
  'GET /v1/pay-terms': each('/v1/pay-terms', ['company', 'admin']),
  'POST /v1/pay-terms': async () => {
    versions += 1
    return one({
      persona: 'company',
      url: '/v1/pay-terms',
      body: { period: 'week', valid_from: `2050-01-${String(versions).padStart(2, '0')}` },
    })
  },
}
