import { and, eq, isNotNull, type SQL, sql } from '../../platform/db/drizzle.ts'
import { belongsTo, mergeBranches } from '../../platform/db/policy-branches.ts'
import type { Session } from '../../platform/db/session.ts'
import { before, build, insertRow, type PageValues, pageValues } from '../../platform/db/sql.ts'
import { type RowsStatement, writtenOnce } from '../../platform/db/statement.ts'
import { forbidIfVisible } from '../../platform/http/found.ts'
import type { Position } from '../../platform/http/page.ts'
import { certificates } from '../professionals/table.ts'
import { shifts } from '../shifts/table.ts'
import type { Certificate, NewCertificate } from './schemas.ts'

const columns = {
  id: certificates.id,
  professional_id: certificates.professional_id,
  company_id: certificates.company_id,
  kind: certificates.kind,
  number: certificates.number,
  valid_until: certificates.valid_until,
  verified_at: certificates.verified_at,
  verified_by: certificates.verified_by,
  created_at: certificates.created_at,
  updated_at: certificates.updated_at,
}

export interface CertificateFilter {
  professional_id?: string | undefined
  kind?: string | undefined
  verified?: boolean | undefined
}

/** A caller has one role: no certificate is in two branches. */
const BRANCHES: SQL[] = [
  belongsTo(certificates.professional_id, sql`muster.professional_id()`),
  sql`(select muster.company_id()) is not null and ${certificates.professional_id} in (
    select ${shifts.professional_id} from ${shifts}
    where ${shifts.company_id} = (select muster.company_id()) and ${shifts.status} in ('assigned', 'active')
  )`,
  belongsTo(certificates.tenant_id, sql`muster.admin_tenant_id()`),
]

const certificatePage = writtenOnce<CertificateFilter & PageValues, Certificate>((given) =>
  mergeBranches(
    BRANCHES.map((branch) =>
      build
        .select(columns)
        .from(certificates)
        .where(
          and(
            branch,
            given.professional_id && eq(certificates.professional_id, given.professional_id),
            given.kind && eq(certificates.kind, given.kind),
            given.verified && eq(isNotNull(certificates.verified_at), given.verified),
            before(certificates.created_at, certificates.id, given),
          ),
        )
        .orderBy(sql`${certificates.created_at} desc`, sql`${certificates.id} desc`),
    ),
    sql`created_at desc, id desc`,
    given.limit,
  ),
)

/** Newest first. */
export const listCertificates = (
  filter: CertificateFilter,
  limit: number,
  position: Position | undefined,
): RowsStatement<Certificate> => certificatePage({ ...filter, ...pageValues(limit, position) })

export const certificateById = writtenOnce<{ id: string }, Certificate>(({ id }) =>
  build.select(columns).from(certificates).where(eq(certificates.id, id)),
)

export async function createCertificate(session: Session, given: NewCertificate): Promise<Certificate> {
  const created = await session.row<Certificate>(insertRow(certificates, given, columns))
  return created!
}

/**
 * Verifies a certificate, or withdraws its verification. When and by whom is the database's to say.
 *
 * @throws Problem `forbidden` for a certificate that the caller may see and not verify.
 */
export async function verifyCertificate(
  session: Session,
  id: string,
  verified: boolean,
): Promise<Certificate | undefined> {
  const changed = await session.row<Certificate>(
    build
      .update(certificates)
      .set({ verified_at: verified ? sql`now()` : null })
      .where(eq(certificates.id, id))
      .returning(columns),
  )
  if (!changed) forbidIfVisible(await session.row(certificateById({ id })))
  return changed
}

/**
 * A soft delete (a trigger makes it one, so the statement itself returns no row).
 *
 * @throws Problem `forbidden` for a certificate that the caller may see and not remove.
 */
export async function removeCertificate(session: Session, id: string): Promise<boolean> {
  if (!(await session.row(certificateById({ id })))) return false
  await session.rows(
    build.delete(certificates).where(eq(certificates.id, id)).returning({ id: certificates.id }),
  )
  forbidIfVisible(await session.row(certificateById({ id })))
  return true
}
