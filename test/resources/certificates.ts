import { randomUUID } from 'node:crypto'
import { deletes, inserts, reads, updates, updatesAll } from '../rules/access-actions.ts'
import { quote } from '../rules/access-probe.ts'
import { type MatrixRow, PROFESSIONAL_ROWS } from '../rules/access-world.ts'
import { NO_TENANT } from '../support/equivalent.ts'
import type { Access, Resource } from '../support/resources.ts'
import { type Arrangement, each, idOf, one } from '../support/route-arrangements.ts'
import { ORGANIZATIONS, PROFESSIONALS } from '../support/world.ts'

const id = (n: number): string => `60000000-0000-7000-8000-${String(n).padStart(12, '0')}`

export const CERTIFICATE_ROWS = {
  guardVerified: { id: id(1), professional: PROFESSIONALS.guard, verified: true },
  guardUnverified: { id: id(2), professional: PROFESSIONALS.guard, verified: false },
  guardPassOfRival: {
    id: id(3),
    professional: PROFESSIONALS.guard,
    company: ORGANIZATIONS.rival,
    verified: true,
  },
  guardDeleted: { id: id(4), professional: PROFESSIONALS.guard, verified: false, deleted: true },
  otherGuardUnverified: { id: id(5), professional: PROFESSIONALS.otherGuard, verified: false },
  freeGuardVerified: { id: id(6), professional: PROFESSIONAL_ROWS.freeGuard.id, verified: true },
  formerGuardVerified: { id: id(7), professional: PROFESSIONAL_ROWS.deletedGuard.id, verified: true },
  dismissedGuardUnverified: {
    id: id(9),
    professional: PROFESSIONAL_ROWS.dismissedGuard.id,
    verified: false,
  },
  foreignGuardUnverified: { id: id(8), professional: PROFESSIONALS.foreignGuard, verified: false },
} satisfies Record<string, MatrixRow>

export const access: Access = {
  section: {
    table: 'public.certificates',
    key: 'id',
    rows: CERTIFICATE_ROWS,
    actions: {
      r: reads('public.certificates'),
      c: inserts('public.certificates', ({ professional, company }) => ({
        professional_id: professional,
        company_id: company,
        kind: 'svpb',
        number: 'New',
        valid_until: '2090-01-01',
      })),
      v: {
        ...updates('public.certificates', 'verified_at = case when verified_at is null then now() end'),
        means: 'verify, or take the verification back',
      },
      e: updates('public.certificates', "valid_until = '2098-01-01'"),
      E: updatesAll('public.certificates', "valid_until = '2098-01-01'"),
      g: {
        ...updates('public.certificates', `professional_id = ${quote(PROFESSIONAL_ROWS.freeGuard.id)}`),
        means: 'give to the free guard',
      },
      d: deletes('public.certificates'),
    },
    grid: `
                              company  colleague  rival  guard  otherGuard  freeGuard  admin   foreignCompany  foreignGuard  foreignAdmin
    guardVerified             r        r          .      rc     .           .          rcveEd  .               .             .
    guardUnverified           r        r          .      rcd    .           .          rcveEd  .               .             .
    guardPassOfRival          r        r          .      rc     .           .          rcveEd  .               .             .
    guardDeleted              .        .          .      c      .           .          c       .               .             .
    otherGuardUnverified      .        .          r      .      rcd         .          rcveEd  .               .             .
    freeGuardVerified         .        .          .      .      .           rc         rcveEd  .               .             .
    formerGuardVerified       .        .          .      .      .           .          rcveEd  .               .             .
    dismissedGuardUnverified  .        .          .      .      .           .          rveEd   .               .             .
    foreignGuardUnverified    .        .          .      .      .           .          .       r               rcd           rcveEd
  `,
  },
  columns: ({ id, professional, company, verified, deleted }) => ({
    id,
    professional_id: professional,
    company_id: company ?? null,
    kind: 'bhv',
    number: id,
    valid_until: '2099-12-31',
    verified_at: verified ? new Date() : null,
    deleted_at: deleted ? new Date() : null,
  }),
  alone: {
    inserts: {
      'guard guardUnverified': 'allowed',
      'guard guardVerified': 'refused',
      'guard otherGuardUnverified': 'refused',
      'admin guardVerified': 'allowed',
      'foreignAdmin guardVerified': 'refused',
      'company guardUnverified': 'refused',
    },
    updates: {
      'admin guardUnverified freeGuardVerified': 'allowed',
      'admin * foreignGuardUnverified': 'refused',
      'guard guardUnverified guardVerified': 'refused',
    },
  },
  equivalent: {
    functions: {
      'tg_certificates__set_tenant: not found → false': NO_TENANT,
    },
  },
  privileges: {
    authenticated: {
      select: '*',
      insert: 'id professional_id company_id kind number valid_until',
      update: 'valid_until verified_at',
      delete: '*',
    },
    service_role: { select: '*', insert: '*', update: '*', delete: '*' },
    muster_definer: { select: '*', update: '*' },
  },
  functions: {
    'muster_jobs service_role': ['muster.warn_of_expiring_certificates()'],
    muster_definer: ['muster.expiring_documents_of_guarding(date,date)'],
    '': [
      'muster.tg_certificates__check_in_use()',
      'muster.tg_certificates__set_tenant()',
      'muster.tg_certificates__set_verifier()',
    ],
  },
}

export const requests: Resource['requests'] = {
  'GET /v1/certificates': each('/v1/certificates', ['guard', 'company', 'admin']),
  'POST /v1/certificates': async () =>
    one({
      persona: 'guard',
      url: '/v1/certificates',
      body: { kind: 'bhv', number: randomUUID(), valid_until: '2099-12-31' },
    }),
  'GET /v1/certificates/{id}': async (arrangement) => {
    const url = `/v1/certificates/${await certificate(arrangement)}`
    return (['guard', 'admin'] as const).map((persona) => ({ persona, url }))
  },
  'POST /v1/certificates/{id}/verify': async (arrangement) =>
    one({
      persona: 'admin',
      url: `/v1/certificates/${await certificate(arrangement)}/verify`,
      body: { verified: true },
    }),
  'DELETE /v1/certificates/{id}': async (arrangement) =>
    one({ persona: 'guard', url: `/v1/certificates/${await certificate(arrangement)}` }),
}

async function certificate({ owner }: Arrangement): Promise<string> {
  const rows = await owner.query<{ id: string }>(
    "insert into certificates (professional_id, kind, number, valid_until) values ($1, 'bhv', 'B-1', '2099-12-31') returning id",
    [PROFESSIONALS.guard],
  )
  return idOf(rows)
}
