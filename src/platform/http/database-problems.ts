import { DatabaseBusy, DatabaseUnavailable, TransactionEnded } from '../db/engine/database.ts'
import { type DatabaseError, readDatabaseError } from '../db/engine/database-error.ts'
import { CODES, type Code, listCodes } from './codes.ts'
import { Problem } from './problem.ts'

/** Seconds after which a client may try again when the database was busy: a lock or statement timeout is about this long. */
export const RETRY_AFTER_BUSY_SECONDS = 2

/** The code whose member has this value; undefined when there is none, and for no value. */
function codeWith(member: 'sqlstate' | 'constraint', value: string | undefined): Code | undefined {
  return value === undefined ? undefined : listCodes().find(([, code]) => code[member] === value)?.[0]
}

/** Maps a SQLSTATE (with its constraint) to a code. This is the only such table; the documentation is generated from it. */
export function codeOf({ sqlstate, constraint }: Pick<DatabaseError, 'sqlstate' | 'constraint'>): Code {
  const named = codeWith('sqlstate', sqlstate) ?? codeWith('constraint', constraint)
  if (named) return named
  switch (sqlstate) {
    case '23001': // restrict_violation: what `on delete restrict` raises from PostgreSQL 18 on
    case '23503': // foreign_key_violation
      return 'invalid_reference'
    case '23505': // unique_violation
      return 'already_exists'
    case '23502': // not_null_violation
    case '23514': // check_violation
      return 'validation_failed'
    case '42501': // insufficient_privilege, also a row that a policy refuses
      return 'forbidden'
    case '40001': // serialization_failure
    case '40P01': // deadlock_detected
    case '55P03': // lock_not_available: lock_timeout
    case '57014': // query_canceled: statement_timeout
    case '25P03': // idle_in_transaction_session_timeout
      return 'busy'
  }
  switch (sqlstate.slice(0, 2)) {
    // Class 22, data exception, is none of these: what callers send was checked before it got here, so the value that the database
    // cannot work with is a stored one, or a check is missing. Either is ours to mend, and no caller can.
    case '08': // connection exception
    case '53': // insufficient resources
    case '57': // operator intervention: shutdown
      return 'busy'
  }
  return 'internal'
}

/**
 * The problem that an error of the database layer stands for; undefined when it is not one. The message, `detail` and
 * `where` of the error are never used: they quote rows, of other people too. Only the hint of our own errors is.
 */
export function toDatabaseProblem(error: unknown): Problem | undefined {
  if (
    error instanceof DatabaseBusy ||
    error instanceof DatabaseUnavailable ||
    error instanceof TransactionEnded
  ) {
    return new Problem('busy', { retryAfterSeconds: RETRY_AFTER_BUSY_SECONDS, cause: error })
  }
  const reported = readDatabaseError(error)
  if (!reported) return undefined
  const code = codeOf(reported)
  const subject = codeWith('sqlstate', reported.sqlstate) ? reported.hint : reported.constraint
  return new Problem(code, {
    ...(code === 'internal' ? {} : { subject }),
    ...(code === 'busy' ? { retryAfterSeconds: RETRY_AFTER_BUSY_SECONDS } : {}),
    ...(CODES[code].isCountedByDay ? { retryAfterSeconds: secondsUntilTomorrow(Date.now()) } : {}),
    cause: error,
  })
}

const DAY_MS = 86_400_000

/** Days are counted in UTC. A second more, for clocks that differ. */
const secondsUntilTomorrow = (now: number): number => Math.ceil((DAY_MS - (now % DAY_MS)) / 1000) + 1
