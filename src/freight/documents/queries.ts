import { and, eq, isNull, sql } from '../../platform/db/drizzle.ts'
import { mergeBranches } from '../../platform/db/policy-branches.ts'
import type { Session } from '../../platform/db/session.ts'
import { after, build, insertRow, type PageValues, pageValues } from '../../platform/db/sql.ts'
import { type RowsStatement, writtenOnce } from '../../platform/db/statement.ts'
import { forbidIfVisible } from '../../platform/http/found.ts'
import type { Position } from '../../platform/http/page.ts'
import type { DocumentChange, DocumentVerification, DriverDocument, NewDocument } from './schemas.ts'
import { driverDocuments } from './table.ts'

const columns = {
  id: driverDocuments.id,
  organization_id: driverDocuments.organization_id,
  driver_id: driverDocuments.driver_id,
  kind: driverDocuments.kind,
  number: driverDocuments.number,
  expiry_date: driverDocuments.expiry_date,
  is_verified: driverDocuments.is_verified,
  verified_at: driverDocuments.verified_at,
  verified_by: driverDocuments.verified_by,
  created_at: driverDocuments.created_at,
  updated_at: driverDocuments.updated_at,
}

/** One branch: the driver is given, whose documents are few. */
const documentPages = writtenOnce<{ driver_id: string } & PageValues, DriverDocument>((given) =>
  mergeBranches(
    [
      build
        .select(columns)
        .from(driverDocuments)
        .where(
          and(
            eq(driverDocuments.driver_id, given.driver_id),
            isNull(driverDocuments.deleted_at),
            after(driverDocuments.expiry_date, driverDocuments.id, given),
          ),
        )
        .orderBy(driverDocuments.expiry_date, driverDocuments.id),
    ],
    sql`expiry_date, id`,
    given.limit,
  ),
)

/** What ends first comes first. */
export const listDocuments = (
  driver: string,
  limit: number,
  position: Position | undefined,
): RowsStatement<DriverDocument> => documentPages({ driver_id: driver, ...pageValues(limit, position) })

export const documentById = writtenOnce<{ id: string }, DriverDocument>(({ id }) =>
  build.select(columns).from(driverDocuments).where(eq(driverDocuments.id, id)),
)

export async function createDocument(
  session: Session,
  driver: string,
  given: NewDocument,
): Promise<DriverDocument> {
  const created = await session.row<DriverDocument>(
    insertRow(driverDocuments, { driver_id: driver, ...given }, columns),
  )
  return created!
}

/** @throws Problem `forbidden` for a document that the caller may see and not change so. */
export async function changeDocument(
  session: Session,
  id: string,
  change: DocumentChange,
): Promise<DriverDocument | undefined> {
  const changed = await session.row<DriverDocument>(
    build.update(driverDocuments).set(change).where(eq(driverDocuments.id, id)).returning(columns),
  )
  if (!changed) forbidIfVisible(await session.row(documentById({ id })))
  return changed
}

/**
 * Verifies a document as it is, or as it is from now on, or withdraws its verification. When and by whom is the database's to say.
 *
 * @throws Problem `forbidden` for a document that the caller may see and not verify.
 */
export async function verifyDocument(
  session: Session,
  id: string,
  given: DocumentVerification,
): Promise<DriverDocument | undefined> {
  const { verified = true, ...change } = given ?? {}
  const changed = await session.row<DriverDocument>(
    build
      .update(driverDocuments)
      .set({ ...change, verified_at: verified ? sql`now()` : null })
      .where(eq(driverDocuments.id, id))
      .returning(columns),
  )
  if (!changed) forbidIfVisible(await session.row(documentById({ id })))
  return changed
}

/**
 * A soft delete (a trigger makes it one, so the statement itself returns no row).
 *
 * @throws Problem `forbidden` for a document that the caller may see and not remove.
 */
export async function removeDocument(session: Session, id: string): Promise<boolean> {
  if (!(await session.row(documentById({ id })))) return false
  await session.rows(
    build.delete(driverDocuments).where(eq(driverDocuments.id, id)).returning({ id: driverDocuments.id }),
  )
  forbidIfVisible(await session.row(documentById({ id })))
  return true
}
