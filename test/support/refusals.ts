import type { Caller } from '../../src/platform/auth/caller.ts'
import { sql } from '../../src/platform/db/drizzle.ts'
import type { DatabaseError } from '../../src/platform/db/engine/database-error.ts'
import { readDatabaseError } from '../../src/platform/db/engine/database-error.ts'
import type { Sessions } from '../../src/platform/db/session.ts'

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
