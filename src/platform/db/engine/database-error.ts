/** SQLSTATE and constraint, as either driver reports them (postgres.js `constraint_name`, PGlite `constraint`). */
export interface DatabaseError {
  sqlstate: string
  constraint: string | undefined
  hint: string | undefined
}

/** Looks through wrappers (`cause`) for what PostgreSQL reported. */
export function readDatabaseError(error: unknown): DatabaseError | undefined {
  for (let at = error; at instanceof Error; at = at.cause) {
    const { code, constraint, constraint_name, hint } = at as Error & Record<string, unknown>
    if (typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) && !code.startsWith('E')) {
      const name = constraint_name ?? constraint
      return {
        sqlstate: code,
        constraint: typeof name === 'string' && name !== '' ? name : undefined,
        hint: typeof hint === 'string' && hint !== '' ? hint : undefined,
      }
    }
  }
  return undefined
}

/** What PostgreSQL's function for checking a prepared statement's plan again is called. */
const PLAN_CHECK = 'RevalidateCachedQuery'

/**
 * Whether a migration has just changed something under a statement: its prepared form gives other columns now (0A000), or a function
 * that it had begun to call was replaced (XX000, whose only sign is its never translated message). The transaction is rolled back, and
 * the same again finds what is there now.
 */
export function isOvertakenByMigration(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause) {
    const { code, routine, message } = at as Error & { code?: unknown; routine?: unknown }
    if (code === '0A000' && routine === PLAN_CHECK) return true
    if (code === 'XX000' && message.startsWith('cache lookup failed')) return true
  }
  return false
}

/** invalid_password: also for a login that is not there, so that nobody can tell. */
const WRONG_PASSWORD = '28P01'

export const isWrongPassword = (error: unknown): boolean =>
  readDatabaseError(error)?.sqlstate === WRONG_PASSWORD
