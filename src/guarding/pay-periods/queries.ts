import { and, desc, eq, getTableColumns, type SQL, sql } from '../../platform/db/drizzle.ts'
import { belongsTo, mergeBranches } from '../../platform/db/policy-branches.ts'
import type { Session } from '../../platform/db/session.ts'
import { before, build, insertRow, type PageValues, pageValues } from '../../platform/db/sql.ts'
import { type RowsStatement, writtenOnce } from '../../platform/db/statement.ts'
import type { Position } from '../../platform/http/page.ts'
import type { NewPayTerms, PayPeriod, PayPeriodFilter, PayTerms, PayTermsFilter } from './schemas.ts'
import { payPeriods, payTerms } from './table.ts'

const { tenant_id: _, updated_at: __, ...termsColumns } = getTableColumns(payTerms)
const { tenant_id: ___, changed_xid: ____, ...periodColumns } = getTableColumns(payPeriods)

/** A caller has one role: no row is in two branches. */
const branchesOf = (table: typeof payTerms | typeof payPeriods): SQL[] => [
  belongsTo(table.company_id, sql`muster.company_id()`),
  belongsTo(table.tenant_id, sql`muster.admin_tenant_id()`),
]

const termsPage = writtenOnce<PayTermsFilter & PageValues, PayTerms>((given) =>
  mergeBranches(
    branchesOf(payTerms).map((branch) =>
      build
        .select(termsColumns)
        .from(payTerms)
        .where(
          and(
            branch,
            given.company_id && eq(payTerms.company_id, given.company_id),
            before(payTerms.valid_from, payTerms.id, given),
          ),
        )
        .orderBy(desc(payTerms.valid_from), desc(payTerms.id)),
    ),
    sql`valid_from desc, id desc`,
    given.limit,
  ),
)

/** The newest version first. */
export const listPayTerms = (
  filter: PayTermsFilter,
  limit: number,
  position: Position | undefined,
): RowsStatement<PayTerms> => termsPage({ ...filter, ...pageValues(limit, position) })

export async function createPayTerms(session: Session, given: NewPayTerms): Promise<PayTerms> {
  const created = await session.row<PayTerms>(insertRow(payTerms, given, termsColumns))
  return created!
}

const periodPage = writtenOnce<PayPeriodFilter & PageValues, PayPeriod>((given) =>
  mergeBranches(
    branchesOf(payPeriods).map((branch) =>
      build
        .select(periodColumns)
        .from(payPeriods)
        .where(
          and(
            branch,
            given.company_id && eq(payPeriods.company_id, given.company_id),
            given.state && eq(payPeriods.state, given.state),
            before(payPeriods.starts_at, payPeriods.id, given),
          ),
        )
        .orderBy(desc(payPeriods.starts_at), desc(payPeriods.id)),
    ),
    sql`starts_at desc, id desc`,
    given.limit,
  ),
)

/** The latest first. */
export const listPayPeriods = (
  filter: PayPeriodFilter,
  limit: number,
  position: Position | undefined,
): RowsStatement<PayPeriod> => periodPage({ ...filter, ...pageValues(limit, position) })

const byId = writtenOnce<{ id: string }, PayPeriod>(({ id }) =>
  build.select(periodColumns).from(payPeriods).where(eq(payPeriods.id, id)),
)

/** As the caller; gives the period as it is then. */
export async function closePayPeriod(session: Session, id: string): Promise<PayPeriod> {
  await session.value(sql`select muster.close_pay_period(${id}::uuid)`)
  return (await session.row(byId({ id })))!
}
