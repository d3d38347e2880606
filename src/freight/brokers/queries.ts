import type { Session } from '../../platform/db/session.ts'
import { recordQueries } from '../records.ts'
import { type Broker, DEFAULT_PAYMENT_DAYS, type NewBroker } from './schemas.ts'
import { brokers } from './table.ts'

export const brokerRecords = recordQueries<Broker>({
  table: brokers,
  columns: {
    id: brokers.id,
    organization_id: brokers.organization_id,
    name: brokers.name,
    mc_number: brokers.mc_number,
    dot_number: brokers.dot_number,
    credit_status: brokers.credit_status,
    payment_terms: brokers.payment_terms,
    payment_days: brokers.payment_days,
    broker_organization_id: brokers.broker_organization_id,
    created_at: brokers.created_at,
    updated_at: brokers.updated_at,
  },
  order: brokers.name,
})

/** With the usual days, unless a factor pays. */
export const createBroker = (session: Session, given: NewBroker): Promise<Broker> =>
  brokerRecords.create(session, {
    ...given,
    payment_days: given.payment_terms === 'days' ? (given.payment_days ?? DEFAULT_PAYMENT_DAYS) : null,
  })
