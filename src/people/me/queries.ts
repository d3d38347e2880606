import { sql } from '../../platform/db/drizzle.ts'
import type { Session } from '../../platform/db/session.ts'
import type { Me, Registration } from './schemas.ts'

/** Null for a token whose user is not registered. */
export const whoCalls = sql<Me | null>`select muster.me()`

/** Makes the caller a user, and for a guard the professional. */
export async function acceptInvitation(session: Session, given: Registration): Promise<Me | null> {
  await session.value(sql`
    select muster.accept_invitation(
      ${given.code}, ${given.name}, ${given.email ?? null},
      ${given.latitude ?? null}::float8, ${given.longitude ?? null}::float8
    )`)
  return session.value(whoCalls)
}
