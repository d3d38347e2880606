import { and, desc, eq, getTableColumns, type SQL, sql } from '../../platform/db/drizzle.ts'
import { belongsTo, mergeBranches } from '../../platform/db/policy-branches.ts'
import { before, build, type PageValues, pageValues } from '../../platform/db/sql.ts'
import { type RowsStatement, writtenOnce } from '../../platform/db/statement.ts'
import type { Position } from '../../platform/http/page.ts'
import type { Assignment, AssignmentFilter } from './schemas.ts'
import { assignments } from './table.ts'

const { tenant_id: _, changed_xid: __, ...columns } = getTableColumns(assignments)

/** A caller has one role: no assignment is in two branches. */
const BRANCHES: SQL[] = [
  belongsTo(assignments.company_id, sql`muster.company_id()`),
  belongsTo(assignments.professional_id, sql`muster.professional_id()`),
  belongsTo(assignments.tenant_id, sql`muster.admin_tenant_id()`),
]

const assignmentPage = writtenOnce<AssignmentFilter & PageValues, Assignment>((given) =>
  mergeBranches(
    BRANCHES.map((branch) =>
      build
        .select(columns)
        .from(assignments)
        .where(
          and(
            branch,
            given.shift_id && eq(assignments.shift_id, given.shift_id),
            given.professional_id && eq(assignments.professional_id, given.professional_id),
            given.in_force && sql`(${assignments.ended_at} is null) = ${given.in_force}::boolean`,
            before(assignments.start_datetime, assignments.id, given),
          ),
        )
        .orderBy(desc(assignments.start_datetime), desc(assignments.id)),
    ),
    sql`start_datetime desc, id desc`,
    given.limit,
  ),
)

/** The latest start first. */
export const listAssignments = (
  filter: AssignmentFilter,
  limit: number,
  position: Position | undefined,
): RowsStatement<Assignment> => assignmentPage({ ...filter, ...pageValues(limit, position) })
