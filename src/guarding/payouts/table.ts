import { changedXid, id, instant, timestamps } from '../../platform/db/columns.ts'
import {
  boolean,
  check,
  foreignKey,
  index,
  integer,
  numeric,
  pgTable,
  sql,
  text,
  unique,
  uuid,
} from '../../platform/db/drizzle.ts'
import { statements } from '../statements/table.ts'
import { PROVIDER_STATES } from './provider.ts'

export const PAYOUT_STATUSES = ['pending', ...PROVIDER_STATES] as const

/** How the service heard of it: an answer to its own question, or a webhook. */
export const PAYOUT_EVENT_SOURCES = ['answer', 'webhook'] as const

/** The outbox: what is payable of a statement, on its way through the payment provider. One for each statement. */
export const payouts = pgTable(
  'payouts',
  {
    id: id(),
    tenant_id: uuid('tenant_id').notNull(),
    company_id: uuid('company_id').notNull(),
    professional_id: uuid('professional_id').notNull(),
    statement_id: uuid('statement_id').notNull(),
    amount: numeric('amount', { precision: 12, scale: 2, mode: 'number' }).notNull(),
    currency: text('currency').notNull().default('EUR'),
    status: text('status', { enum: PAYOUT_STATUSES }).notNull().default('pending'),
    /** The provider pays once for it: the same for each sending. */
    idempotency_key: uuid('idempotency_key').notNull().default(sql`muster.uuid_v7()`),
    provider_reference: text('provider_reference'),
    /** When it was taken to be sent: from then on the provider may know of it. Null again when an admin retries what failed. */
    sent_at: instant('sent_at'),
    /** Tries in a row to which there was no answer, the one that is under way among them. */
    attempts: integer('attempts').notNull().default(0),
    /** When it is sent, or asked about, next. While somebody does, the end of their lease. Null: not any more. */
    next_attempt_at: instant('next_attempt_at').defaultNow(),
    /** A word, such as `timeout` or the provider's reason: a message could quote a secret. */
    last_error: text('last_error'),
    /** Since when it is a dead letter: too many tries had no answer, and nobody tries again until an admin says so. */
    dead_at: instant('dead_at'),
    completed_at: instant('completed_at'),
    ...timestamps,
    changed_xid: changedXid(),
  },
  (t) => [
    unique('payouts_one_per_statement').on(t.statement_id, t.company_id, t.professional_id),
    unique('payouts_idempotency_key').on(t.idempotency_key),
    // For the foreign key of events: theirs cannot be other people's.
    unique('payouts_whose_key').on(t.id, t.company_id, t.professional_id),
    foreignKey({
      name: 'payouts_statement_fk',
      columns: [t.statement_id, t.company_id, t.professional_id],
      foreignColumns: [statements.id, statements.company_id, statements.professional_id],
    }).onDelete('restrict'),
    check('payouts_amount_positive', sql`${t.amount} > 0`),
    check('payouts_currency_known', sql`${t.currency} = 'EUR'`),
    check(
      'payouts_status_known',
      sql`${t.status} in ('pending', 'processing', 'completed', 'failed', 'refunded')`,
    ),
    check('payouts_attempts_not_negative', sql`${t.attempts} >= 0`),
    check('payouts_last_error_is_a_word', sql`${t.last_error} ~ '^[a-z0-9_]{1,64}$'`),
    check('payouts_provider_reference_length', sql`char_length(${t.provider_reference}) between 1 and 200`),
    check(
      'payouts_completed_somewhen',
      sql`(${t.completed_at} is not null) = (${t.status} in ('completed', 'refunded'))`,
    ),
    // What is not over is tried again, or somebody was told that it is not: none is forgotten.
    check(
      'payouts_goes_on_or_is_dead',
      sql`(${t.status} in ('pending', 'processing')) = (${t.next_attempt_at} is not null or ${t.dead_at} is not null) and (${t.next_attempt_at} is null or ${t.dead_at} is null)`,
    ),
    index('payouts_due_idx').on(t.next_attempt_at).where(sql`${t.next_attempt_at} is not null`),
    // What a person has to look at.
    index('payouts_dead_idx').on(t.dead_at).where(sql`${t.dead_at} is not null`),
    index('payouts_failed_idx').on(t.updated_at).where(sql`${t.status} = 'failed'`),
    index('payouts_provider_reference_idx')
      .on(t.provider_reference)
      .where(sql`${t.provider_reference} is not null`),
    index('payouts_company_idx').on(t.company_id, t.created_at, t.id),
    index('payouts_professional_idx').on(t.professional_id, t.created_at, t.id),
    index('payouts_tenant_idx').on(t.tenant_id, t.created_at, t.id),
    index('payouts_changed_idx').on(t.changed_xid, t.id),
  ],
)

/** What the provider said of a payout: append-only. */
export const payoutEvents = pgTable(
  'payout_events',
  {
    id: id(),
    tenant_id: uuid('tenant_id').notNull(),
    company_id: uuid('company_id').notNull(),
    professional_id: uuid('professional_id').notNull(),
    payout_id: uuid('payout_id').notNull(),
    source: text('source', { enum: PAYOUT_EVENT_SOURCES }).notNull(),
    /** The provider's id of a webhook: one that comes again changes nothing. */
    provider_event_id: text('provider_event_id'),
    status: text('status', { enum: PROVIDER_STATES }).notNull(),
    reason: text('reason'),
    /** By the provider's clock, of a webhook. */
    occurred_at: instant('occurred_at'),
    /** Whether the payout has the status since: not where it was further already. */
    is_applied: boolean('is_applied').notNull(),
    created_at: timestamps.created_at,
  },
  (t) => [
    unique('payout_events_once').on(t.provider_event_id),
    foreignKey({
      name: 'payout_events_payout_fk',
      columns: [t.payout_id, t.company_id, t.professional_id],
      foreignColumns: [payouts.id, payouts.company_id, payouts.professional_id],
    }).onDelete('restrict'),
    check('payout_events_source_known', sql`${t.source} in ('answer', 'webhook')`),
    check(
      'payout_events_status_known',
      sql`${t.status} in ('processing', 'completed', 'failed', 'refunded')`,
    ),
    check('payout_events_reason_is_a_word', sql`${t.reason} ~ '^[a-z0-9_]{1,64}$'`),
    check(
      'payout_events_webhook_has_id',
      sql`(${t.provider_event_id} is not null) = (${t.source} = 'webhook')`,
    ),
    check('payout_events_id_length', sql`char_length(${t.provider_event_id}) between 1 and 200`),
    index('payout_events_payout_idx').on(t.payout_id, t.company_id, t.professional_id, t.created_at),
    index('payout_events_company_idx').on(t.company_id, t.id),
    index('payout_events_professional_idx').on(t.professional_id, t.id),
    index('payout_events_tenant_idx').on(t.tenant_id, t.id),
  ],
)
