import { and, desc, eq, type SQL, sql } from '../../platform/db/drizzle.ts'
import { belongsTo, mergeBranches } from '../../platform/db/policy-branches.ts'
import { before, build, type PageValues, pageValues } from '../../platform/db/sql.ts'
import { type RowsStatement, writtenOnce } from '../../platform/db/statement.ts'
import type { Position } from '../../platform/http/page.ts'
import type { Transaction, TransactionFilter } from './schemas.ts'
import { finqleTransactions } from './table.ts'

/** Without the columns from before there were payouts (`table.ts`). */
const columns = {
  id: finqleTransactions.id,
  company_id: finqleTransactions.company_id,
  shift_id: finqleTransactions.shift_id,
  assignment_id: finqleTransactions.assignment_id,
  professional_id: finqleTransactions.professional_id,
  amount: finqleTransactions.amount,
  status: finqleTransactions.status,
  created_at: finqleTransactions.created_at,
  updated_at: finqleTransactions.updated_at,
}

/** A caller has one role: no payment is in two branches. */
const BRANCHES: SQL[] = [
  belongsTo(finqleTransactions.company_id, sql`muster.company_id()`),
  belongsTo(finqleTransactions.professional_id, sql`muster.professional_id()`),
  belongsTo(finqleTransactions.tenant_id, sql`muster.admin_tenant_id()`),
]

const transactionPage = writtenOnce<TransactionFilter & PageValues, Transaction>((given) =>
  mergeBranches(
    BRANCHES.map((branch) =>
      build
        .select(columns)
        .from(finqleTransactions)
        .where(
          and(
            branch,
            given.status && eq(finqleTransactions.status, given.status),
            given.shift_id && eq(finqleTransactions.shift_id, given.shift_id),
            before(finqleTransactions.created_at, finqleTransactions.id, given),
          ),
        )
        .orderBy(desc(finqleTransactions.created_at), desc(finqleTransactions.id)),
    ),
    sql`created_at desc, id desc`,
    given.limit,
  ),
)

/** The newest first. */
export const listTransactions = (
  filter: TransactionFilter,
  limit: number,
  position: Position | undefined,
): RowsStatement<Transaction> => transactionPage({ ...filter, ...pageValues(limit, position) })
