import { and, asc, desc, eq, getTableColumns, type SQL, sql } from '../../platform/db/drizzle.ts'
import { belongsTo, mergeBranches } from '../../platform/db/policy-branches.ts'
import type { Session } from '../../platform/db/session.ts'
import { before, build, insertRow, type PageValues, pageValues } from '../../platform/db/sql.ts'
import { type RowsStatement, writtenOnce } from '../../platform/db/statement.ts'
import type { Position } from '../../platform/http/page.ts'
import type {
  NewCorrection,
  NewTaxTerms,
  Statement,
  StatementCorrection,
  StatementDetail,
  StatementFilter,
  TaxTerms,
  TaxTermsFilter,
} from './schemas.ts'
import { professionalTaxTerms, statementLines, statements } from './table.ts'

const { tenant_id: _, updated_at: __, ...taxColumns } = getTableColumns(professionalTaxTerms)
const { tenant_id: _1, updated_at: _2, changed_xid: _3, ...columns } = getTableColumns(statements)
const {
  tenant_id: _4,
  company_id: _5,
  professional_id: _6,
  statement_id: _7,
  turn: _8,
  created_at: _9,
  updated_at: _10,
  changed_xid: _11,
  ...lineColumns
} = getTableColumns(statementLines)

/** A caller has one role: no version is in two branches. */
const TAX_BRANCHES: SQL[] = [
  belongsTo(professionalTaxTerms.professional_id, sql`muster.professional_id()`),
  belongsTo(professionalTaxTerms.tenant_id, sql`muster.admin_tenant_id()`),
]

const taxTermsPage = writtenOnce<TaxTermsFilter & PageValues, TaxTerms>((given) =>
  mergeBranches(
    TAX_BRANCHES.map((branch) =>
      build
        .select(taxColumns)
        .from(professionalTaxTerms)
        .where(
          and(
            branch,
            given.professional_id && eq(professionalTaxTerms.professional_id, given.professional_id),
            before(professionalTaxTerms.valid_from, professionalTaxTerms.id, given),
          ),
        )
        .orderBy(desc(professionalTaxTerms.valid_from), desc(professionalTaxTerms.id)),
    ),
    sql`valid_from desc, id desc`,
    given.limit,
  ),
)

/** The newest version first. */
export const listTaxTerms = (
  filter: TaxTermsFilter,
  limit: number,
  position: Position | undefined,
): RowsStatement<TaxTerms> => taxTermsPage({ ...filter, ...pageValues(limit, position) })

export async function createTaxTerms(session: Session, given: NewTaxTerms): Promise<TaxTerms> {
  const created = await session.row<TaxTerms>(insertRow(professionalTaxTerms, given, taxColumns))
  return created!
}

/** A caller has one role: no statement is in two branches. */
const BRANCHES: SQL[] = [
  belongsTo(statements.company_id, sql`muster.company_id()`),
  belongsTo(statements.professional_id, sql`muster.professional_id()`),
  belongsTo(statements.tenant_id, sql`muster.admin_tenant_id()`),
]

const statementPage = writtenOnce<StatementFilter & PageValues, Statement>((given) =>
  mergeBranches(
    BRANCHES.map((branch) =>
      build
        .select(columns)
        .from(statements)
        .where(
          and(
            branch,
            given.company_id && eq(statements.company_id, given.company_id),
            given.professional_id && eq(statements.professional_id, given.professional_id),
            given.pay_period_id && eq(statements.pay_period_id, given.pay_period_id),
            before(statements.last_day, statements.id, given),
          ),
        )
        .orderBy(desc(statements.last_day), desc(statements.id)),
    ),
    sql`last_day desc, id desc`,
    given.limit,
  ),
)

/** The latest period first. */
export const listStatements = (
  filter: StatementFilter,
  limit: number,
  position: Position | undefined,
): RowsStatement<Statement> => statementPage({ ...filter, ...pageValues(limit, position) })

const lines = sql<StatementDetail['lines']>`(
  select coalesce(json_agg(row), '[]')
  from (${build
    .select(lineColumns)
    .from(statementLines)
    .where(eq(statementLines.statement_id, sql`statements.id`))
    .orderBy(asc(statementLines.position))
    .getSQL()}) as row
)`.as('lines')

/** Statements of the caller's, as this one is: theirs are the same company and guard. */
const related = sql<StatementDetail['related']>`(
  select coalesce(json_agg(json_build_object(
    'relation', case
      when o.id = statements.corrects_id then 'corrects'
      when o.id = statements.replaces_id then 'replaces'
      when o.corrects_id = statements.id then 'corrected_by'
      else 'replaced_by'
    end,
    'id', o.id, 'kind', o.kind, 'number', o.number, 'issued_on', o.issued_on
  ) order by o.number), '[]')
  from public.statements o
  where o.id in (statements.corrects_id, statements.replaces_id) or o.corrects_id = statements.id or o.replaces_id = statements.id
)`.as('related')

const byId = writtenOnce<{ id: string }, StatementDetail>(({ id }) =>
  build
    .select({ ...columns, related, lines })
    .from(statements)
    .where(eq(statements.id, id)),
)

export const statementById = (id: string): RowsStatement<StatementDetail> => byId({ id })

const correctionOf = writtenOnce<{ credit: string }, Statement>(({ credit }) =>
  build
    .select(columns)
    .from(statements)
    .where(
      sql`${statements.id} = ${credit} or ${statements.replaces_id} = (select c.corrects_id from public.statements c where c.id = ${credit})`,
    )
    .orderBy(asc(statements.number)),
)

/** As the caller; gives the credit note, and the statement that replaces what it takes back. */
export async function correctStatement(
  session: Session,
  id: string,
  { reason }: NewCorrection,
): Promise<StatementCorrection> {
  const credit = await session.value<string>(sql`select muster.correct_statement(${id}::uuid, ${reason})`)
  const [creditNote, replacement] = await session.rows(correctionOf({ credit: credit! }))
  return { credit_note: creditNote!, replacement: replacement! }
}
