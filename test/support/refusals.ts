import { sql } from 'drizzle-orm'
import type { Caller } from '../../src/platform/auth/caller.ts'
import type { Sessions } from '../../src/platform/db/session.ts'
import { type DatabaseError, readDatabaseError } from '../../src/platform/http/database-problems.ts'

/**
 * What PostgreSQL says to a statement that a caller sends by themselves, as with `psql`; undefined when it obeys.
 * The statement is the test's own text.
 */
export async function refusedBy(
  sessions: Sessions,
  caller: Caller,
  statement: string,
): Promise<DatabaseError | undefined> {
  try {
    await sessions.write(caller, (session) => session.value(sql.raw(statement)))
    return undefined
  } catch (error) {
    const refusal = readDatabaseError(error)
    if (!refusal) throw error
    return refusal
  }
}
