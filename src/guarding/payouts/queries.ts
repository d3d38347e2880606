import { and, desc, eq, type SQL, sql } from '../../platform/db/drizzle.ts'
import type { Transaction } from '../../platform/db/engine/database.ts'
import { belongsTo, mergeBranches } from '../../platform/db/policy-branches.ts'
import type { Session } from '../../platform/db/session.ts'
import { before, build, type PageValues, pageValues } from '../../platform/db/sql.ts'
import { type RowsStatement, writtenOnce } from '../../platform/db/statement.ts'
import type { Position } from '../../platform/http/page.ts'
import { toWord } from './provider.ts'
import type { Payout, PayoutDetail, PayoutFilter, PayoutWebhook } from './schemas.ts'
import { payoutEvents, payouts } from './table.ts'

const columns = {
  id: payouts.id,
  company_id: payouts.company_id,
  professional_id: payouts.professional_id,
  statement_id: payouts.statement_id,
  amount: payouts.amount,
  currency: payouts.currency,
  status: payouts.status,
  provider_reference: payouts.provider_reference,
  attempts: payouts.attempts,
  sent_at: payouts.sent_at,
  next_attempt_at: payouts.next_attempt_at,
  last_error: payouts.last_error,
  dead_at: payouts.dead_at,
  completed_at: payouts.completed_at,
  created_at: payouts.created_at,
  updated_at: payouts.updated_at,
}

/** A caller has one role: no payout is in two branches. */
const BRANCHES: SQL[] = [
  belongsTo(payouts.company_id, sql`muster.company_id()`),
  belongsTo(payouts.professional_id, sql`muster.professional_id()`),
  belongsTo(payouts.tenant_id, sql`muster.admin_tenant_id()`),
]

const payoutPage = writtenOnce<PayoutFilter & PageValues, Payout>((given) =>
  mergeBranches(
    BRANCHES.map((branch) =>
      build
        .select(columns)
        .from(payouts)
        .where(
          and(
            branch,
            given.status && eq(payouts.status, given.status),
            given.statement_id && eq(payouts.statement_id, given.statement_id),
            given.professional_id && eq(payouts.professional_id, given.professional_id),
            given.dead && sql`(${payouts.dead_at} is not null) = ${given.dead}::boolean`,
            before(payouts.created_at, payouts.id, given),
          ),
        )
        .orderBy(desc(payouts.created_at), desc(payouts.id)),
    ),
    sql`created_at desc, id desc`,
    given.limit,
  ),
)

/** The newest first. */
export const listPayouts = (
  filter: PayoutFilter,
  limit: number,
  position: Position | undefined,
): RowsStatement<Payout> => payoutPage({ ...filter, ...pageValues(limit, position) })

const events = sql<PayoutDetail['events']>`(select coalesce(json_agg(row), '[]') from (${build
  .select({
    id: payoutEvents.id,
    source: payoutEvents.source,
    status: payoutEvents.status,
    reason: payoutEvents.reason,
    occurred_at: payoutEvents.occurred_at,
    is_applied: payoutEvents.is_applied,
    created_at: payoutEvents.created_at,
  })
  .from(payoutEvents)
  .where(eq(payoutEvents.payout_id, sql`payouts.id`))
  .orderBy(payoutEvents.created_at, payoutEvents.id)
  .getSQL()}) as row)`.as('events')

const byId = writtenOnce<{ id: string }, PayoutDetail>(({ id }) =>
  build
    .select({ ...columns, events })
    .from(payouts)
    .where(eq(payouts.id, id)),
)

export const payoutById = (id: string): RowsStatement<PayoutDetail> => byId({ id })

export async function retryPayout(session: Session, id: string): Promise<PayoutDetail> {
  await session.value(sql`select muster.retry_payout(${id}::uuid)`)
  return (await session.row(payoutById(id)))!
}

/** @returns what became of it: see `webhookResult`, and `unknown` where there is no such payout */
export async function receivePayoutEvent(
  tx: Transaction,
  { id, key, reference, status, occurred_at, reason }: PayoutWebhook,
): Promise<'applied' | 'ignored' | 'duplicate' | 'unknown'> {
  const [row] = await tx.query<{ outcome: 'applied' | 'ignored' | 'duplicate' | 'unknown' }>(
    'select muster.receive_payout_event($1, $2::uuid, $3, $4, $5::timestamptz, $6) as outcome',
    [id, key ?? null, reference ?? null, status, String(occurred_at), reason ? toWord(reason) : null],
  )
  return row!.outcome
}
