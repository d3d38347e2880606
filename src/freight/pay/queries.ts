import {
  type AnyPgColumn,
  and,
  asc,
  desc,
  eq,
  getTableColumns,
  isNull,
  type SQL,
  sql,
} from '../../platform/db/drizzle.ts'
import { action } from '../../platform/db/function-call.ts'
import { belongsTo, mergeBranches } from '../../platform/db/policy-branches.ts'
import type { FunctionCaller, Session } from '../../platform/db/session.ts'
import { before, build, insertRow, type PageValues, pageValues } from '../../platform/db/sql.ts'
import { type RowsStatement, writtenOnce } from '../../platform/db/statement.ts'
import { forbidIfVisible } from '../../platform/http/found.ts'
import type { Position } from '../../platform/http/page.ts'
import type {
  DriverDeduction,
  DriverDeductionChange,
  DriverDeductionFilter,
  DriverEarnings,
  DriverEarningsFilter,
  DriverPayment,
  DriverPaymentFilter,
  DriverPayTerms,
  DriverStatement,
  DriverStatementDetail,
  DriverStatementFilter,
  NewDriverDeduction,
  NewDriverPayment,
  NewDriverPayTerms,
  Settlement,
  StatementStep,
} from './schemas.ts'
import { driverDeductions, driverPayments, driverPayTerms, driverStatements } from './table.ts'

const {
  tenant_id: _,
  created_by: _1,
  updated_by: _2,
  changed_xid: _3,
  ...paymentColumns
} = getTableColumns(driverPayments)
const {
  tenant_id: _4,
  created_by: _5,
  updated_by: _6,
  ...deductionColumns
} = getTableColumns(driverDeductions)
/** Column by column what `muster.driver_statement_json` gives: the functions of the database answer with that. */
const {
  tenant_id: _7,
  created_by: _8,
  updated_by: _9,
  changed_xid: _10,
  ...statementColumns
} = getTableColumns(driverStatements)
const {
  id: _11,
  tenant_id: _12,
  created_by: _13,
  updated_by: _14,
  ...termColumns
} = getTableColumns(driverPayTerms)

/** Of a driver; nothing where there are none, or the caller sees nothing of pay. */
export const payTermsOf = writtenOnce<{ id: string }, DriverPayTerms>(({ id }) =>
  build.select(termColumns).from(driverPayTerms).where(eq(driverPayTerms.driver_id, id)),
)

/** All of them: the rate, its unit and its currency change at once. */
export async function putPayTerms(
  session: Session,
  driver: string,
  given: NewDriverPayTerms,
): Promise<DriverPayTerms> {
  const columns = Object.keys(given).map((name) => sql.identifier(name))
  const put = await session.row<DriverPayTerms>(
    insertRow(
      driverPayTerms,
      { driver_id: driver, ...given },
      termColumns,
      sql`on conflict (driver_id) do update set (${sql.join(columns, sql`, `)}) = (${sql.join(
        columns.map((column) => sql`excluded.${column}`),
        sql`, `,
      )})`,
    ),
  )
  return put!
}

interface PayTable {
  tenant_id: AnyPgColumn
  organization_id: AnyPgColumn
  driver_id: AnyPgColumn
}

/** Somebody of the office may drive, too, and nobody has an office and administers the tenant: no row is in two branches. */
const branchesOf = (table: PayTable): SQL[] => [
  belongsTo(table.organization_id, sql`muster.office_carrier_id()`),
  sql`${belongsTo(table.driver_id, sql`muster.driver_id()`)}
    and ${table.organization_id} is distinct from (select muster.office_carrier_id())
    and ${table.tenant_id} is distinct from (select muster.admin_tenant_id())`,
  belongsTo(table.tenant_id, sql`muster.admin_tenant_id()`),
]

const PAYMENT_BRANCHES = branchesOf(driverPayments)

type PaymentPage = Omit<DriverPaymentFilter, 'unsettled_only'> & PageValues & { unsettled: true | undefined }

const paymentPages = writtenOnce<PaymentPage, DriverPayment>((given) =>
  mergeBranches(
    PAYMENT_BRANCHES.map((branch) =>
      build
        .select(paymentColumns)
        .from(driverPayments)
        .where(
          and(
            branch,
            given.driver_id && eq(driverPayments.driver_id, given.driver_id),
            given.load_id && eq(driverPayments.load_id, given.load_id),
            given.statement_id && eq(driverPayments.statement_id, given.statement_id),
            given.unsettled && isNull(driverPayments.statement_id),
            before(driverPayments.earned_on, driverPayments.id, given),
          ),
        )
        .orderBy(desc(driverPayments.earned_on), desc(driverPayments.id)),
    ),
    sql`earned_on desc, id desc`,
    given.limit,
  ),
)

/** What was earned last comes first. */
export const listPayments = (
  { unsettled_only, ...filter }: DriverPaymentFilter,
  limit: number,
  position: Position | undefined,
): RowsStatement<DriverPayment> =>
  paymentPages({ ...filter, unsettled: unsettled_only || undefined, ...pageValues(limit, position) })

/** The database knows whose it is, and the sign of the amount. */
export async function createPayment(session: Session, given: NewDriverPayment): Promise<DriverPayment> {
  const created = await session.row<DriverPayment>(insertRow(driverPayments, given, paymentColumns))
  return created!
}

const STATEMENT_BRANCHES = branchesOf(driverStatements)

const statementPages = writtenOnce<DriverStatementFilter & PageValues, DriverStatement>((given) =>
  mergeBranches(
    STATEMENT_BRANCHES.map((branch) =>
      build
        .select(statementColumns)
        .from(driverStatements)
        .where(
          and(
            branch,
            given.driver_id && eq(driverStatements.driver_id, given.driver_id),
            given.status && eq(driverStatements.status, given.status),
            before(driverStatements.last_day, driverStatements.id, given),
          ),
        )
        .orderBy(desc(driverStatements.last_day), desc(driverStatements.id)),
    ),
    sql`last_day desc, id desc`,
    given.limit,
  ),
)

/** The latest period first. */
export const listStatements = (
  filter: DriverStatementFilter,
  limit: number,
  position: Position | undefined,
): RowsStatement<DriverStatement> => statementPages({ ...filter, ...pageValues(limit, position) })

const lines = sql<DriverStatementDetail['lines']>`(
  select coalesce(json_agg(row), '[]')
  from (${build
    .select(paymentColumns)
    .from(driverPayments)
    .where(eq(driverPayments.statement_id, sql`driver_statements.id`))
    .orderBy(asc(driverPayments.earned_on), asc(driverPayments.id))
    .getSQL()}) as row
)`.as('lines')

/** With the payments that it settles. */
export const statementById = writtenOnce<{ id: string }, DriverStatementDetail>(({ id }) =>
  build
    .select({ ...statementColumns, lines })
    .from(driverStatements)
    .where(eq(driverStatements.id, id)),
)

/** As the caller; gives the statements by number. */
export const settle = (session: Session, given: Settlement): Promise<DriverStatement[]> =>
  session.value<DriverStatement[]>(sql`select muster.settle_driver_payments(
    ${given.first_day}::date, ${given.last_day}::date, ${given.organization_id ?? null}::uuid, ${given.driver_id ?? null}::uuid
  )`)

const move = action('muster.move_driver_statement', ['wanted', 'next_status'])

export const moveStatement = (
  request: FunctionCaller,
  id: string,
  { status }: StatementStep,
): Promise<DriverStatement> => request.perform(move, [id, status])

const DEDUCTION_BRANCHES = branchesOf(driverDeductions)

const deductionPages = writtenOnce<DriverDeductionFilter & PageValues, DriverDeduction>((given) =>
  mergeBranches(
    DEDUCTION_BRANCHES.map((branch) =>
      build
        .select(deductionColumns)
        .from(driverDeductions)
        .where(
          and(
            branch,
            given.driver_id && eq(driverDeductions.driver_id, given.driver_id),
            before(driverDeductions.valid_from, driverDeductions.id, given),
          ),
        )
        .orderBy(desc(driverDeductions.valid_from), desc(driverDeductions.id)),
    ),
    sql`valid_from desc, id desc`,
    given.limit,
  ),
)

/** What began last comes first. */
export const listDeductions = (
  filter: DriverDeductionFilter,
  limit: number,
  position: Position | undefined,
): RowsStatement<DriverDeduction> => deductionPages({ ...filter, ...pageValues(limit, position) })

export async function createDeduction(session: Session, given: NewDriverDeduction): Promise<DriverDeduction> {
  const created = await session.row<DriverDeduction>(insertRow(driverDeductions, given, deductionColumns))
  return created!
}

/** Only whether the caller sees it. */
const visibleDeduction = writtenOnce<{ id: string }, { id: string }>(({ id }) =>
  build.select({ id: driverDeductions.id }).from(driverDeductions).where(eq(driverDeductions.id, id)),
)

/** @throws Problem `forbidden` for one that the caller may see and not change. */
export async function changeDeduction(
  session: Session,
  id: string,
  change: DriverDeductionChange,
): Promise<DriverDeduction | undefined> {
  const changed = await session.row<DriverDeduction>(
    build.update(driverDeductions).set(change).where(eq(driverDeductions.id, id)).returning(deductionColumns),
  )
  if (!changed) forbidIfVisible(await session.row(visibleDeduction({ id })))
  return changed
}

const NONE = sql`null`
const orNone = (given: unknown): SQL => (given === undefined ? NONE : sql`${given}`)

const earnings = writtenOnce<DriverEarningsFilter & PageValues, DriverEarnings>(
  (given) => sql`select * from muster.driver_earnings_report(
    ${orNone(given.from)}::date, ${orNone(given.to)}::date, ${orNone(given.driver_id)}::uuid,
    ${orNone(given.last_value)}::date, ${orNone(given.last_id)}::uuid, ${given.limit}::integer
  )`,
)

/** The latest month first. */
export const reportEarnings = (
  filter: DriverEarningsFilter,
  limit: number,
  position: Position | undefined,
): RowsStatement<DriverEarnings> => earnings({ ...filter, ...pageValues(limit, position) })
