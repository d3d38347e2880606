import { z } from 'zod'
import { instantOut, pageQuery, uuid } from '../../platform/http/fields.ts'
import { pageOf } from '../../platform/http/page.ts'
import { TRANSACTION_STATUSES } from './table.ts'

const status = z.enum(TRANSACTION_STATUSES).meta({
  description:
    'The status of the payment. `pending`: the promise that the assignment pays this amount, also after the money was sent. `voided`: nothing is owed, because the assignment was released or cancelled, or nobody came. A shift has at most one payment that is not voided. Payouts alone have the statuses of the payment provider (`GET /v1/payouts`); the other statuses here are those of payments from before there were payouts.',
})

export const transaction = z
  .strictObject({
    id: uuid,
    company_id: uuid,
    shift_id: uuid,
    assignment_id: uuid.meta({
      description: 'The assignment that is paid. Each assignment has one payment.',
    }),
    professional_id: uuid,
    amount: z.number().meta({
      description:
        'The amount in euros: the pay for the planned hours, and after completion the total of the timesheet.',
    }),
    status,
    created_at: instantOut,
    updated_at: instantOut,
  })
  .meta({ id: 'Transaction' })

export type Transaction = z.infer<typeof transaction>

export const transactionPage = pageOf(transaction)

export const transactionQuery = z.strictObject({
  status: status.optional(),
  shift_id: uuid.optional(),
  ...pageQuery,
})

export type TransactionFilter = Omit<z.infer<typeof transactionQuery>, keyof typeof pageQuery>
