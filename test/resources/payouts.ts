import type { Database } from '../../src/platform/db/engine/database.ts'
import { changes, deletes, follows, inserts, reads, updates } from '../rules/access-actions.ts'
import { quote } from '../rules/access-probe.ts'
import type { MatrixRow } from '../rules/access-world.ts'
import { arrangeStatement } from '../support/payouts.ts'
import type { Access, Resource } from '../support/resources.ts'
import { type Arrangement, each, one } from '../support/route-arrangements.ts'
import { ORGANIZATIONS, PROFESSIONALS } from '../support/world.ts'

const id = (kind: string, n: number): string => `${kind}0000-0000-7000-8000-${String(n).padStart(12, '0')}`

/** As in the world of the matrix. */
const FORMER_GUARD = id('e000', 34)

const row = (n: number, company: string, professional: string): MatrixRow => ({
  id: id('3400', n),
  event: id('3500', n),
  company,
  professional,
})
const ROWS = {
  guardAtCompany: row(1, ORGANIZATIONS.company, PROFESSIONALS.guard),
  otherGuardAtRival: row(2, ORGANIZATIONS.rival, PROFESSIONALS.otherGuard),
  formerGuard: row(3, ORGANIZATIONS.company, FORMER_GUARD),
  foreignGuard: row(4, ORGANIZATIONS.foreignCompany, PROFESSIONALS.foreignGuard),
}
/** What the provider said of each. */
const EVENTS = Object.fromEntries(
  Object.entries(ROWS).map(([name, { id, event, company, professional }]) => [
    name,
    { id: String(event), payout: id, company: company!, professional: professional! },
  ]),
)

/** Payouts that failed, which an admin may retry. */
async function arrange(owner: Database): Promise<void> {
  for (const { id, event, company, professional } of Object.values(ROWS)) {
    const { payout } = await arrangeStatement(owner, 20_000, {
      company: String(company),
      professional: String(professional),
    })
    await owner.query("update payouts set id = $2, status = 'failed', next_attempt_at = null where id = $1", [
      payout!,
      String(id),
    ])
    await owner.query(
      `insert into payout_events (id, tenant_id, company_id, professional_id, payout_id, source, provider_event_id, status, is_applied)
       select $1::uuid, tenant_id, company_id, professional_id, id, 'webhook', $1::text, 'failed', true from payouts where id = $2`,
      [String(event), String(id)],
    )
  }
}

export const access: Access = {
  section: {
    table: 'public.payouts',
    key: 'id',
    rows: ROWS,
    actions: {
      r: reads('public.payouts'),
      k: reads('public.payouts', 'id', 'idempotency_key'),
      f: follows('payouts'),
      y: changes('retry', ({ id }) => `select muster.retry_payout(${quote(id)})`),
      e: updates('public.payouts', "status = 'completed', completed_at = now()"),
      d: deletes('public.payouts'),
      c: inserts('public.payouts', ({ company, professional }) => ({
        company_id: company,
        professional_id: professional,
        amount: 1000,
      })),
    },
    grid: `
                         company  colleague  rival  client  otherClient  guard  otherGuard  admin  foreignCompany  foreignClient  foreignGuard  foreignAdmin
      guardAtCompany     rf       rf         .      .       .            rf     .           rfy    .               .              .             .
      otherGuardAtRival  .        .          rf     .       .            .      rf          rfy    .               .              .             .
      formerGuard        rf       rf         .      .       .            .      .           rfy    .               .              .             .
      foreignGuard       .        .          .      .       .            .      .           .      rf              .              rf            rfy
    `,
  },
  arrange,
  privileges: {
    authenticated: {
      select:
        'id tenant_id company_id professional_id statement_id amount currency status provider_reference sent_at attempts next_attempt_at last_error dead_at completed_at created_at updated_at changed_xid',
    },
    service_role: { select: '*' },
    muster_definer: {
      select: '*',
      insert: '*',
      update: 'status provider_reference sent_at attempts next_attempt_at last_error dead_at completed_at',
    },
  },
  functions: {
    authenticated: ['muster.retry_payout(uuid)'],
    service_role: ['muster.payout_queue()'],
    muster_jobs: [
      'muster.note_payout_answer(uuid,text,text,text,integer)',
      'muster.receive_payout_event(text,uuid,text,text,timestamp with time zone,text)',
      'muster.take_payouts(integer,interval)',
    ],
    muster_definer: [
      'muster.audience_of_payouts(jsonb,timestamp with time zone)',
      'muster.move_payout(public.payouts,text,text,text,text,text,timestamp with time zone)',
      'muster.notify_of_payout(public.payouts,text,boolean)',
      'muster.payout_backoff(integer)',
      'muster.seen_of_payouts(jsonb)',
    ],
    '': ['muster.tg_statements__queue_payout()'],
  },
}

export const parts: readonly Access[] = [
  {
    section: {
      table: 'public.payout_events',
      key: 'id',
      rows: EVENTS,
      actions: {
        r: reads('public.payout_events'),
        k: reads('public.payout_events', 'id', 'provider_event_id'),
        e: updates('public.payout_events', 'is_applied = false'),
        d: deletes('public.payout_events'),
      },
      grid: `
                           company  colleague  rival  client  otherClient  guard  otherGuard  admin  foreignCompany  foreignClient  foreignGuard  foreignAdmin
        guardAtCompany     r        r          .      .       .            r      .           r      .               .              .             .
        otherGuardAtRival  .        .          r      .       .            .      r           r      .               .              .             .
        formerGuard        r        r          .      .       .            .      .           r      .               .              .             .
        foreignGuard       .        .          .      .       .            .      .           .      r               .              r             r
      `,
    },
    equivalent: {
      policies: {
        'internal on public.payout_events: not for muster_definer':
          'No event of the provider is taken then: payouts.test.ts sends some.',
      },
    },
    privileges: {
      authenticated: {
        select:
          'id tenant_id company_id professional_id payout_id source status reason occurred_at is_applied created_at',
      },
      service_role: { select: '*' },
      muster_definer: { select: '*', insert: '*' },
    },
  },
]

async function payout({ owner }: Arrangement): Promise<string> {
  return (await arrangeStatement(owner, 20_000)).payout!
}

export const requests: Resource['requests'] = {
  'GET /v1/payouts': each('/v1/payouts', ['guard', 'company', 'admin']),
  'GET /v1/payouts/{id}': async (arrangement) => {
    const url = `/v1/payouts/${await payout(arrangement)}`
    return (['guard', 'company', 'admin'] as const).map((persona) => ({ persona, url }))
  },
  'POST /v1/payouts/{id}/retry': async (arrangement) => {
    const id = await payout(arrangement)
    await arrangement.owner.query(
      "update payouts set status = 'failed', next_attempt_at = null where id = $1",
      [id],
    )
    return one({ persona: 'admin', url: `/v1/payouts/${id}/retry` })
  },
}
