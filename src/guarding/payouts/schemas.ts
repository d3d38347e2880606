import { z } from 'zod'
import { instant, instantOut, pageQuery, queryFlag, text, uuid } from '../../platform/http/fields.ts'
import { pageOf } from '../../platform/http/page.ts'
import { PROVIDER_STATES } from './provider.ts'
import { PAYOUT_EVENT_SOURCES, PAYOUT_STATUSES } from './table.ts'

const status = z.enum(PAYOUT_STATUSES).meta({
  description:
    'The status of the payout. `pending`: it was not sent yet. `processing`: it was sent, or is being sent. `completed`: it was paid. `failed`: the provider refused it. `refunded`: it was paid, and came back. A status never goes backwards, except when an admin retries a failed payout.',
})
const word = z.string().nullable()

const members = {
  id: uuid,
  company_id: uuid.meta({ description: 'The company that pays.' }),
  professional_id: uuid.meta({ description: 'The guard who is paid.' }),
  statement_id: uuid.meta({ description: 'The statement whose payable amount is paid. It has one payout.' }),
  amount: z.number().positive(),
  currency: z.literal('EUR'),
  status,
  provider_reference: z.string().nullable().meta({ description: "The provider's name of the payment." }),
  attempts: z.int().min(0).meta({ description: 'Tries in a row to which the provider gave no answer.' }),
  sent_at: instantOut.nullable().meta({ description: 'When it was first sent.' }),
  next_attempt_at: instantOut.nullable().meta({
    description: 'When it is sent next, or the provider is asked about it; null when nobody tries any more.',
  }),
  last_error: word.meta({
    description: 'Why it failed, or why the last try had no answer, as a word such as `timeout`.',
  }),
  dead_at: instantOut.nullable().meta({
    description:
      'Since when the payout is a dead letter: the provider gave no answer too often, and nobody tries until an admin retries it.',
  }),
  completed_at: instantOut.nullable(),
  created_at: instantOut,
  updated_at: instantOut,
}

export const payout = z.strictObject(members).meta({ id: 'Payout' })
export type Payout = z.infer<typeof payout>

export const payoutPage = pageOf(payout)

const event = z
  .strictObject({
    id: uuid,
    source: z.enum(PAYOUT_EVENT_SOURCES).meta({
      description: '`answer`: the provider was asked. `webhook`: it reported by itself.',
    }),
    status: z.enum(PROVIDER_STATES),
    reason: word,
    occurred_at: instantOut.nullable().meta({ description: "By the provider's clock, for a webhook." }),
    is_applied: z.boolean().meta({
      description: 'False for an event that came too late: the payout was further already.',
    }),
    created_at: instantOut,
  })
  .meta({ id: 'PayoutEvent' })

export const payoutDetail = z
  .strictObject({
    ...members,
    events: z.array(event).meta({ description: 'What the provider said, in the order of its arrival.' }),
  })
  .meta({ id: 'PayoutDetail' })
export type PayoutDetail = z.infer<typeof payoutDetail>

export const payoutQuery = z.strictObject({
  status: status.optional(),
  statement_id: uuid.optional(),
  professional_id: uuid.optional(),
  dead: queryFlag.optional().meta({ description: '`true` lists dead letters alone, `false` all others.' }),
  ...pageQuery,
})
export type PayoutFilter = Omit<z.infer<typeof payoutQuery>, keyof typeof pageQuery>

/** Other members are the provider's own: a newer version of it must not be refused. */
export const payoutWebhook = z
  .object({
    id: text(1, 200).meta({
      description: "The provider's id of the event. The same id changes nothing twice.",
    }),
    key: uuid.optional().meta({ description: 'The idempotency key of the payout.' }),
    reference: text(1, 200)
      .optional()
      .meta({ description: "The provider's name of the payment; needed where there is no `key`." }),
    status: z.enum(PROVIDER_STATES),
    occurred_at: instant,
    reason: text(0, 1000).nullish().meta({ description: 'Why it failed.' }),
  })
  .refine(({ key, reference }) => key ?? reference, {
    path: ['key'],
    message: 'must be given where there is no reference',
  })
export type PayoutWebhook = z.infer<typeof payoutWebhook>

export const webhookResult = z.strictObject({
  result: z.enum(['applied', 'ignored', 'duplicate']).meta({
    description:
      '`ignored`: the payout was further already. `duplicate`: the event came before. Both are successes: the provider need not send the event again.',
  }),
})
