import { changedXid, id, timestamps } from '../../platform/db/columns.ts'
import {
  check,
  foreignKey,
  index,
  integer,
  numeric,
  pgTable,
  sql,
  text,
  unique,
  uniqueIndex,
  uuid,
} from '../../platform/db/drizzle.ts'
import { assignments } from '../assignments/table.ts'
import { shifts } from '../shifts/table.ts'

export const TRANSACTION_STATUSES = [
  'pending',
  'processing',
  'completed',
  'failed',
  'refunded',
  'voided',
] as const

/**
 * The promise that is made with an assignment: what it pays. What is sent to the payment provider are payouts; the statuses but
 * `pending` and `voided`, and the columns from `idempotency_key` to `last_error`, were there before these, and nothing writes them.
 *
 * A released or cancelled assignment leaves its row `voided`; exactly one other row is live.
 */
export const finqleTransactions = pgTable(
  'finqle_transactions',
  {
    id: id(),
    tenant_id: uuid('tenant_id').notNull(),
    company_id: uuid('company_id').notNull(),
    shift_id: uuid('shift_id').notNull(),
    assignment_id: uuid('assignment_id').notNull(),
    /** The assignment's. */
    professional_id: uuid('professional_id').notNull(),
    /** The planned pay until the shift is completed; then the pay for the hours worked. */
    amount: numeric('amount', { precision: 10, scale: 2, mode: 'number' }).notNull(),
    status: text('status', { enum: TRANSACTION_STATUSES }).notNull().default('pending'),
    idempotency_key: uuid('idempotency_key').notNull().default(sql`muster.uuid_v7()`),
    provider_reference: text('provider_reference'),
    attempts: integer('attempts').notNull().default(0),
    last_error: text('last_error'),
    ...timestamps,
    changed_xid: changedXid(),
  },
  (t) => [
    unique('finqle_transactions_idempotency_key').on(t.idempotency_key),
    uniqueIndex('finqle_transactions_one_live').on(t.shift_id).where(sql`${t.status} <> 'voided'`),
    foreignKey({
      name: 'finqle_transactions_shift_fk',
      columns: [t.shift_id],
      foreignColumns: [shifts.id],
    }).onDelete('restrict'),
    unique('finqle_transactions_one_per_assignment').on(t.assignment_id),
    foreignKey({
      name: 'finqle_transactions_assignment_fk',
      columns: [t.assignment_id],
      foreignColumns: [assignments.id],
    }).onDelete('restrict'),
    check(
      'finqle_transactions_status_known',
      sql`${t.status} in ('pending', 'processing', 'completed', 'failed', 'refunded', 'voided')`,
    ),
    check('finqle_transactions_amount_not_negative', sql`${t.amount} >= 0`),
    check('finqle_transactions_attempts_not_negative', sql`${t.attempts} >= 0`),
    index('finqle_transactions_shift_idx').on(t.shift_id),
    index('finqle_transactions_professional_idx').on(t.professional_id, t.created_at, t.id),
    index('finqle_transactions_company_idx').on(t.company_id, t.created_at, t.id),
    index('finqle_transactions_tenant_idx').on(t.tenant_id, t.created_at, t.id),
    index('finqle_transactions_changed_idx').on(t.changed_xid, t.id),
  ],
)
