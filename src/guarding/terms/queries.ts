import { and, desc, eq, type SQL, sql } from '../../platform/db/drizzle.ts'
import { belongsTo, mergeBranches } from '../../platform/db/policy-branches.ts'
import type { Session } from '../../platform/db/session.ts'
import { before, build, insertRow, type PageValues, pageValues } from '../../platform/db/sql.ts'
import { type RowsStatement, writtenOnce } from '../../platform/db/statement.ts'
import type { Position } from '../../platform/http/page.ts'
import type { CompanyTerms, CompanyTermsFilter, NewCompanyTerms } from './schemas.ts'
import { companyTerms } from './table.ts'

const columns = {
  id: companyTerms.id,
  company_id: companyTerms.company_id,
  valid_from: companyTerms.valid_from,
  late_after_minutes: companyTerms.late_after_minutes,
  auto_close_minutes: companyTerms.auto_close_minutes,
  minimum_minutes: companyTerms.minimum_minutes,
  give_back_minutes: companyTerms.give_back_minutes,
  delivery_days: companyTerms.delivery_days,
  overtime_tolerance_minutes: companyTerms.overtime_tolerance_minutes,
  plan_tolerance_minutes: companyTerms.plan_tolerance_minutes,
  approve_after_days: companyTerms.approve_after_days,
  dispute_days: companyTerms.dispute_days,
  created_at: companyTerms.created_at,
}

/** A caller has one role: no version is in two branches. */
const BRANCHES: SQL[] = [
  belongsTo(companyTerms.company_id, sql`muster.company_id()`),
  belongsTo(companyTerms.tenant_id, sql`muster.admin_tenant_id()`),
]

const termsPage = writtenOnce<CompanyTermsFilter & PageValues, CompanyTerms>((given) =>
  mergeBranches(
    BRANCHES.map((branch) =>
      build
        .select(columns)
        .from(companyTerms)
        .where(
          and(
            branch,
            given.company_id && eq(companyTerms.company_id, given.company_id),
            before(companyTerms.valid_from, companyTerms.id, given),
          ),
        )
        .orderBy(desc(companyTerms.valid_from), desc(companyTerms.id)),
    ),
    sql`valid_from desc, id desc`,
    given.limit,
  ),
)

/** The newest version first. */
export const listCompanyTerms = (
  filter: CompanyTermsFilter,
  limit: number,
  position: Position | undefined,
): RowsStatement<CompanyTerms> => termsPage({ ...filter, ...pageValues(limit, position) })

export async function createCompanyTerms(session: Session, given: NewCompanyTerms): Promise<CompanyTerms> {
  const created = await session.row<CompanyTerms>(insertRow(companyTerms, given, columns))
  return created!
}
