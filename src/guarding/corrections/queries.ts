import { and, desc, eq, type SQL, sql } from '../../platform/db/drizzle.ts'
import { action } from '../../platform/db/function-call.ts'
import { belongsTo, mergeBranches } from '../../platform/db/policy-branches.ts'
import type { FunctionCaller } from '../../platform/db/session.ts'
import { before, build, type PageValues, pageValues } from '../../platform/db/sql.ts'
import { type RowsStatement, writtenOnce } from '../../platform/db/statement.ts'
import type { Position } from '../../platform/http/page.ts'
import type { Correction, CorrectionFilter, NewCorrection } from './schemas.ts'
import { corrections } from './table.ts'

const columns = {
  id: corrections.id,
  company_id: corrections.company_id,
  shift_id: corrections.shift_id,
  assignment_id: corrections.assignment_id,
  professional_id: corrections.professional_id,
  event_id: corrections.event_id,
  change: corrections.change,
  kind: corrections.kind,
  was_at: corrections.was_at,
  becomes_at: corrections.becomes_at,
  reason: corrections.reason,
  proposed_by: corrections.proposed_by,
  proposed_as: corrections.proposed_as,
  state: corrections.state,
  decided_by: corrections.decided_by,
  decided_at: corrections.decided_at,
  created_at: corrections.created_at,
  updated_at: corrections.updated_at,
}

/** A caller has one role: no correction is in two branches. */
const BRANCHES: SQL[] = [
  belongsTo(corrections.company_id, sql`muster.company_id()`),
  belongsTo(corrections.professional_id, sql`muster.professional_id()`),
  belongsTo(corrections.tenant_id, sql`muster.admin_tenant_id()`),
]

const correctionPage = writtenOnce<CorrectionFilter & PageValues, Correction>((given) =>
  mergeBranches(
    BRANCHES.map((branch) =>
      build
        .select(columns)
        .from(corrections)
        .where(
          and(
            branch,
            given.assignment_id && eq(corrections.assignment_id, given.assignment_id),
            given.shift_id && eq(corrections.shift_id, given.shift_id),
            given.professional_id && eq(corrections.professional_id, given.professional_id),
            given.state && eq(corrections.state, given.state),
            before(corrections.created_at, corrections.id, given),
          ),
        )
        .orderBy(desc(corrections.created_at), desc(corrections.id)),
    ),
    sql`created_at desc, id desc`,
    given.limit,
  ),
)

/** The newest first. */
export const listCorrections = (
  filter: CorrectionFilter,
  limit: number,
  position: Position | undefined,
): RowsStatement<Correction> => correctionPage({ ...filter, ...pageValues(limit, position) })

/** As far as the caller sees it. */
export const correctionById = writtenOnce<{ id: string }, Correction>(({ id }) =>
  build.select(columns).from(corrections).where(eq(corrections.id, id)),
)

const propose = action('muster.propose_correction', [
  'of_assignment',
  'change_of',
  'of_event',
  'kind_of',
  'at_time',
  'why',
])

/** As the company or the guard of the assignment; of an admin it is in effect at once. */
export const proposeCorrection = (
  request: FunctionCaller,
  assignmentId: string,
  given: NewCorrection,
): Promise<Correction> =>
  request.perform(propose, [
    assignmentId,
    given.change,
    given.change === 'happened' ? null : given.event_id,
    given.change === 'happened' ? given.kind : null,
    given.change === 'never_happened' ? null : given.becomes_at,
    given.reason,
  ])

const decide = action('muster.decide_correction', ['wanted', 'verdict'])

/** As the side that did not propose it. */
export const decideCorrection = (
  request: FunctionCaller,
  id: string,
  verdict: 'accepted' | 'refused',
): Promise<Correction> => request.perform(decide, [id, verdict])
