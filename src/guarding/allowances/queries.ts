import { and, desc, eq, getTableColumns, type SQL, sql } from '../../platform/db/drizzle.ts'
import { belongsTo, mergeBranches } from '../../platform/db/policy-branches.ts'
import type { Session } from '../../platform/db/session.ts'
import { before, build, insertRow, type PageValues, pageValues } from '../../platform/db/sql.ts'
import { type RowsStatement, writtenOnce } from '../../platform/db/statement.ts'
import type { Position } from '../../platform/http/page.ts'
import type { Allowance, AllowanceFilter, NewAllowance } from './schemas.ts'
import { allowances } from './table.ts'

const { tenant_id: _, updated_at: __, ...columns } = getTableColumns(allowances)

/** A caller has one role: no version is in two branches. */
const BRANCHES: SQL[] = [
  belongsTo(allowances.company_id, sql`muster.company_id()`),
  belongsTo(allowances.tenant_id, sql`muster.admin_tenant_id()`),
]

const allowancePage = writtenOnce<AllowanceFilter & PageValues, Allowance>((given) =>
  mergeBranches(
    BRANCHES.map((branch) =>
      build
        .select(columns)
        .from(allowances)
        .where(
          and(
            branch,
            given.company_id && eq(allowances.company_id, given.company_id),
            given.kind && eq(allowances.kind, given.kind),
            before(allowances.valid_from, allowances.id, given),
          ),
        )
        .orderBy(desc(allowances.valid_from), desc(allowances.id)),
    ),
    sql`valid_from desc, id desc`,
    given.limit,
  ),
)

/** The newest version first. */
export const listAllowances = (
  filter: AllowanceFilter,
  limit: number,
  position: Position | undefined,
): RowsStatement<Allowance> => allowancePage({ ...filter, ...pageValues(limit, position) })

export async function createAllowance(session: Session, given: NewAllowance): Promise<Allowance> {
  const created = await session.row<Allowance>(insertRow(allowances, given, columns))
  return created!
}
