import { sql } from '../platform/db/drizzle.ts'
import type { Sessions } from '../platform/db/session.ts'
import type { Me } from './me/schemas.ts'

/** The roles that a user has, as the rules see them; none for somebody who is not registered, or suspended. */
export async function rolesOf(sessions: Sessions, userId: string): Promise<readonly string[]> {
  const claims = { sub: userId, role: 'authenticated' }
  const found = await sessions
    .statements({ role: 'authenticated', userId, claims, expiresAt: null }, { onPrimary: true })
    .value(sql<Me | null>`select muster.me()`)
  return found?.memberships.map(({ role }) => role) ?? []
}
