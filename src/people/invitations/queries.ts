import { eq, sql } from '../../platform/db/drizzle.ts'
import type { Session } from '../../platform/db/session.ts'
import { before, build, type PageValues, pageValues } from '../../platform/db/sql.ts'
import { type RowsStatement, writtenOnce } from '../../platform/db/statement.ts'
import { forbidIfVisible } from '../../platform/http/found.ts'
import type { Position } from '../../platform/http/page.ts'
import { invitations } from '../table.ts'
import type { Invitation, InvitationWithCode, NewInvitation } from './schemas.ts'

const columns = {
  id: invitations.id,
  organization_id: invitations.organization_id,
  role: invitations.role,
  email: invitations.email,
  expires_at: invitations.expires_at,
  accepted_at: invitations.accepted_at,
  accepted_by: invitations.accepted_by,
  created_by: invitations.created_by,
  created_at: invitations.created_at,
}

const invitationPage = writtenOnce<PageValues, Invitation>((given) =>
  build
    .select(columns)
    .from(invitations)
    .where(before(invitations.created_at, invitations.id, given))
    .orderBy(sql`${invitations.created_at} desc`, sql`${invitations.id} desc`)
    .limit(given.limit),
)

/** Newest first. */
export const listInvitations = (limit: number, position: Position | undefined): RowsStatement<Invitation> =>
  invitationPage(pageValues(limit, position))

export const createInvitation = (session: Session, given: NewInvitation): Promise<InvitationWithCode> =>
  session.value(sql`
    select muster.create_invitation(
      ${given.role}, ${given.organization_id ?? null}::uuid, ${given.email ?? null},
      ${given.expires_in_days}::int * interval '24 hours'
    )`)

/** @throws Problem `forbidden` for one that is accepted already. */
export async function withdrawInvitation(session: Session, id: string): Promise<boolean> {
  const withdrawn = await session.row(
    build.delete(invitations).where(eq(invitations.id, id)).returning({ id: invitations.id }),
  )
  if (withdrawn) return true
  forbidIfVisible(
    await session.row(build.select({ id: invitations.id }).from(invitations).where(eq(invitations.id, id))),
  )
  return false
}
