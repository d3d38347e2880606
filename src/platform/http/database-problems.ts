import { DatabaseBusy, DatabaseUnavailable, OutcomeUnknown, TransactionEnded } from '../db/engine/database.ts'
import { type DatabaseError, readDatabaseError } from '../db/engine/database-error.ts'
import { type Fault, faultOf } from '../db/engine/sqlstates.ts'
import { CODES, type Code, listCodes } from './codes.ts'
import { Problem } from './problem.ts'

/** Seconds after which a client may try again when the database was busy: a lock or statement timeout is about this long. */
export const RETRY_AFTER_BUSY_SECONDS = 2

/** The code whose member has this value; undefined when there is none, and for no value. */
function codeWith(member: 'sqlstate' | 'constraint', value: string | undefined): Code | undefined {
  return value === undefined ? undefined : listCodes().find(([, code]) => code[member] === value)?.[0]
}

/** Maps a SQLSTATE (with its constraint) to a code: rules by their own, refusals of PostgreSQL below, the rest by whose fault it is. */
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
  }
  return CODE_OF_FAULT[faultOf(sqlstate)]
}

/** Whatever is no refusal: a client that sends the request again later is right to, unless the fault is ours. */
const CODE_OF_FAULT: Readonly<Record<Fault, Code>> = {
  busy: 'busy',
  unfit: 'busy',
  unknown: 'outcome_unknown',
  ours: 'internal',
}

/**
 * The problem that an error of the database layer stands for; undefined when it is not one. The message, `detail` and
 * `where` of the error are never used: they quote rows, of other people too. Only the hint of our own errors is.
 */
export function toDatabaseProblem(error: unknown): Problem | undefined {
  if (error instanceof OutcomeUnknown) {
    return new Problem('outcome_unknown', { retryAfterSeconds: RETRY_AFTER_BUSY_SECONDS, cause: error })
  }
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
    ...(CODES[code].status === 503 ? { retryAfterSeconds: RETRY_AFTER_BUSY_SECONDS } : {}),
    ...(CODES[code].isCountedByDay ? { retryAfterSeconds: secondsUntilTomorrow(Date.now()) } : {}),
    cause: error,
  })
}

const DAY_MS = 86_400_000

/** Days are counted in UTC. A second more, for clocks that differ. */
const secondsUntilTomorrow = (now: number): number => Math.ceil((DAY_MS - (now % DAY_MS)) / 1000) + 1
