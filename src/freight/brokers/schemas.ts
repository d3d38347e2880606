import { z } from 'zod'
import { instantOut, text, uuid } from '../../platform/http/fields.ts'
import { carrierId } from '../fields.ts'
import { CREDIT_STATUSES, PAYMENT_TERMS } from './table.ts'

const name = text(1, 200).meta({ examples: ['Lakeside Logistics'] })
const number = z.string().regex(/^[1-9]\d{0,7}$/)
const mcNumber = number.nullable().meta({
  description: 'The docket number of the FMCSA, without `MC-`; unique for the carrier.',
  examples: ['384210'],
})
const dotNumber = number.nullable().meta({
  description: 'The USDOT number; unique for the carrier.',
  examples: ['2233541'],
})
const creditStatus = z.enum(CREDIT_STATUSES).meta({
  description: 'What the carrier thinks of the credit of the broker. Users of the broker cannot see it.',
})
const paymentTerms = z.enum(PAYMENT_TERMS).meta({
  description:
    '`days`: the broker pays after `payment_days`. `factoring`: the carrier sells the invoice to a factor.',
})
const paymentDays = z.int().min(0).max(365).nullable().meta({
  description: 'After how many days the broker pays; null with `factoring`.',
})
const brokerOrganization = uuid.nullable().meta({
  description:
    'The organization of kind `broker` whose users see the loads of this broker; null when nobody of the broker uses the service.',
})

export const broker = z
  .strictObject({
    id: uuid,
    organization_id: uuid.meta({ description: 'The carrier.' }),
    name: z.string(),
    mc_number: mcNumber,
    dot_number: dotNumber,
    credit_status: creditStatus,
    payment_terms: paymentTerms,
    payment_days: paymentDays,
    broker_organization_id: brokerOrganization,
    created_at: instantOut,
    updated_at: instantOut,
  })
  .meta({ id: 'Broker' })

export type Broker = z.infer<typeof broker>

/** The usual terms of freight brokers. */
export const DEFAULT_PAYMENT_DAYS = 30

export const newBroker = z
  .strictObject({
    organization_id: carrierId,
    name,
    mc_number: mcNumber.default(null),
    dot_number: dotNumber.default(null),
    credit_status: creditStatus.default('unknown'),
    payment_terms: paymentTerms.default('days'),
    payment_days: paymentDays.optional().meta({
      description: `After how many days the broker pays: ${DEFAULT_PAYMENT_DAYS} when not given. Not for \`factoring\`.`,
    }),
    broker_organization_id: brokerOrganization.default(null),
  })
  .refine(({ payment_terms, payment_days }) => payment_terms === 'days' || (payment_days ?? null) === null, {
    path: ['payment_days'],
    message: 'is for the terms days',
  })
  .meta({ id: 'NewBroker' })

export type NewBroker = z.infer<typeof newBroker>

export const brokerChange = z
  .strictObject({
    name,
    mc_number: mcNumber,
    dot_number: dotNumber,
    credit_status: creditStatus,
    payment_terms: paymentTerms,
    payment_days: paymentDays,
    broker_organization_id: brokerOrganization,
  })
  .partial()
  .refine((change) => Object.keys(change).length > 0, 'must change something')
  .meta({ id: 'BrokerChange' })
