import { and, desc, eq } from 'drizzle-orm'
import { finqleTransactions } from '../../db/schema/index.ts'
import type { Session } from '../../db/session.ts'
import { before, db } from '../../db/sql.ts'
import type { Position } from '../../http/page.ts'
import type { Transaction, TransactionFilter } from './schemas.ts'

/** The key and the errors of the payment provider are for background work, not for clients. */
const columns = {
  id: finqleTransactions.id,
  company_id: finqleTransactions.company_id,
  shift_id: finqleTransactions.shift_id,
  professional_id: finqleTransactions.professional_id,
  amount: finqleTransactions.amount,
  status: finqleTransactions.status,
  provider_reference: finqleTransactions.provider_reference,
  created_at: finqleTransactions.created_at,
  updated_at: finqleTransactions.updated_at,
}

/** The newest first. */
export const listTransactions = (
  session: Session,
  { status, shift_id }: TransactionFilter,
  limit: number,
  position: Position | undefined,
): Promise<Transaction[]> =>
  session.rows(
    db
      .select(columns)
      .from(finqleTransactions)
      .where(
        and(
          status ? eq(finqleTransactions.status, status) : undefined,
          shift_id ? eq(finqleTransactions.shift_id, shift_id) : undefined,
          before(finqleTransactions.created_at, finqleTransactions.id, position),
        ),
      )
      .orderBy(desc(finqleTransactions.created_at), desc(finqleTransactions.id))
      .limit(limit + 1),
  )
