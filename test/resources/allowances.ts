import { deletes, inserts, reads, updates } from '../rules/access-actions.ts'
import { HIDDEN_ANYWAY, NO_TENANT } from '../support/equivalent.ts'
import type { Access, Resource } from '../support/resources.ts'
import { each, one } from '../support/route-arrangements.ts'
import { ORGANIZATIONS } from '../support/world.ts'

const id = (n: number): string => `34000000-0000-7000-8000-${String(n).padStart(12, '0')}`

export const access: Access = {
  section: {
    table: 'public.allowances',
    key: 'id',
    rows: {
      company: { id: id(1), company: ORGANIZATIONS.company },
      rival: { id: id(2), company: ORGANIZATIONS.rival },
      foreignCompany: { id: id(3), company: ORGANIZATIONS.foreignCompany },
    },
    actions: {
      r: reads('public.allowances'),
      c: inserts('public.allowances', ({ company }) => ({
        company_id: company,
        kind: 'saturday',
        percent: 50,
      })),
      e: updates('public.allowances', 'percent = 0'),
      d: deletes('public.allowances'),
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
    kind: 'sunday',
    valid_from: new Date(),
    percent: 50,
    combination: 'add',
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
      'tg_allowances__set_tenant: o.deleted_at is null → true': HIDDEN_ANYWAY,
      'tg_allowances__set_tenant: not found → false': NO_TENANT,
    },
    policies: {
      'internal on public.allowances: not for muster_definer':
        'No allowance is paid then: timesheets.test.ts sees the amounts.',
    },
  },
  privileges: {
    authenticated: {
      select: '*',
      insert:
        'id company_id kind valid_from percent amount_per_hour combination window_from window_to notice_hours',
    },
    service_role: { select: '*', insert: '*', update: '*', delete: '*' },
    muster_definer: { select: '*' },
  },
  functions: {
    muster_definer: [
      'muster.allowance_hours(public.allowances,text,tstzmultirange)',
      'muster.allowance_name(public.allowances)',
      'muster.allowances_of(public.assignments)',
      'muster.calendar_of(text)',
    ],
    '': ['muster.tg_allowances__set_tenant()'],
  },
}

/** Nobody's to read or write: rules ask it. */
export const parts: readonly Access[] = [
  {
    section: {
      table: 'muster.public_holidays',
      key: 'day',
      rows: { kingsDay: { id: '2026-04-27' } },
      actions: {
        r: reads('muster.public_holidays', 'day'),
        e: updates('muster.public_holidays', "day = '2026-04-28'", 'day'),
        d: deletes('muster.public_holidays', 'day'),
      },
      grid: `
                  guard  admin
        kingsDay  .      .
      `,
    },
    privileges: { muster_definer: { select: '*' } },
  },
]

export const requests: Resource['requests'] = {
  'GET /v1/allowances': each('/v1/allowances', ['company', 'admin']),
  'POST /v1/allowances': async () =>
    one({ persona: 'company', url: '/v1/allowances', body: { kind: 'saturday', percent: 50 } }),
}
