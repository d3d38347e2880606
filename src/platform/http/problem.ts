import { z } from 'zod'
import { DatabaseBusy, DatabaseUnavailable, OutcomeUnknown, TransactionEnded } from '../db/engine/database.ts'
import { type DatabaseError, readDatabaseError } from '../db/engine/database-error.ts'
import { type Fault, faultOf } from '../db/engine/sqlstates.ts'
import { CODE_OF_CONSTRAINT, CODES, type Code, listCodes, type ProblemCode, RETRIES } from './codes.ts'

/*
 * A problem (RFC 9457): what it is, which one an error of the database stands for, and how OpenAPI describes it. `codes.ts` lists the
 * codes with their HTTP statuses and SQLSTATEs; `error-handler.ts` sends problems.
 */

/** One thing that is wrong with a request: a JSON Pointer (RFC 6901) into body, query, params or headers, and why. */
export interface FieldError {
  pointer: string
  message: string
}

/**
 * A refusal with a code of `codes.ts`. Handlers throw it only for what is about HTTP; rules are the database's, and
 * their refusals are read by `toDatabaseProblem`.
 */
export class Problem extends Error {
  override name = 'Problem'
  readonly code: Code
  readonly status: number
  /** What it is about, in words that are safe for the caller: a field, a kind of certificate. */
  readonly subject: string | undefined
  readonly errors: readonly FieldError[] | undefined
  readonly retryAfterSeconds: number | undefined

  constructor(
    code: Code,
    details: {
      subject?: string | undefined
      errors?: readonly FieldError[]
      retryAfterSeconds?: number
      cause?: unknown
    } = {},
  ) {
    super(code, { cause: details.cause })
    this.code = code
    this.status = CODES[code].status
    this.subject = details.subject || undefined
    this.errors = details.errors
    this.retryAfterSeconds = details.retryAfterSeconds
  }

  /** The body of the answer, `application/problem+json` (RFC 9457). */
  toBody(instance?: string) {
    const { title, status, retry } = CODES[this.code]
    return {
      // Relative (RFC 9457, 3.1.1): the documentation of this very service explains the code.
      type: `/docs?problem=${this.code}#tag/problems`,
      title,
      status,
      code: this.code,
      retry,
      ...(instance ? { instance } : {}),
      ...(this.subject ? { subject: this.subject } : {}),
      ...(this.errors ? { errors: this.errors } : {}),
    }
  }
}

/** The client closed its connection, so nobody receives a response. */
export class ClientGone extends Error {
  override name = 'ClientGone'
}

// Problems of the database

/** Seconds after which a client may try again when the database was busy: a lock or statement timeout is about this long. */
export const RETRY_AFTER_BUSY_SECONDS = 2

/** The code whose member has this value; undefined when there is none, and for no value. */
function codeWith(member: 'sqlstate' | 'constraint', value: string | undefined): Code | undefined {
  return value === undefined ? undefined : listCodes().find(([, code]) => code[member] === value)?.[0]
}

/** Maps a SQLSTATE (with its constraint) to a code: rules by their own, refusals of PostgreSQL below, the rest by whose fault it is. */
export function codeOf({ sqlstate, constraint }: Pick<DatabaseError, 'sqlstate' | 'constraint'>): Code {
  const named =
    codeWith('sqlstate', sqlstate) ??
    codeWith('constraint', constraint) ??
    CODE_OF_CONSTRAINT[constraint ?? '']
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

// Problems in OpenAPI

/** The member `retry` of a problem, and of a rejected item of a batch. */
export const retry = z.enum(RETRIES).meta({
  id: 'Retry',
  description:
    'Whether the client can send the same request again. `never`: the request itself is wrong, and every repetition is refused. `later`: the request is fine; send it again after `Retry-After`, or when its `code` says. `after_change`: send it again once somebody has changed what the `code` names.',
})

/** The codes in the form that programs read: without the SQLSTATE. */
const codesForPrograms = (): Record<string, Pick<ProblemCode, 'status' | 'title' | 'retry' | 'when'>> =>
  Object.fromEntries(
    listCodes().map(([code, { status, title, retry, when }]) => [
      code,
      { status, title, retry, ...(when && { when }) },
    ]),
  )

export const fieldErrors = z.array(z.strictObject({ pointer: z.string(), message: z.string() }))

/** RFC 9457. */
const makeProblemBody = () =>
  z
    .strictObject({
      type: z.string(),
      title: z.string(),
      status: z.int(),
      code: z.enum(listCodes().map(([code]) => code)).meta({ 'x-codes': codesForPrograms() }),
      retry,
      instance: z
        .string()
        .optional()
        .meta({ description: 'The id of the request, as it appears in the log of the service.' }),
      subject: z.string().optional().meta({
        description:
          'What the problem is about, where the code alone does not say it: a member of the request, a header, a kind of certificate, the name of a constraint, or the reason why a token is refused (`token_expired`).',
      }),
      errors: fieldErrors.optional().meta({
        description:
          'The invalid fields. `pointer` is a JSON Pointer (RFC 6901) into `/body`, `/querystring`, `/params` or `/headers`.',
      }),
    })
    .meta({ id: 'Problem' })

let made: ReturnType<typeof makeProblemBody> | undefined

/** Made with the first route, which is when all modules have registered their codes. */
export function problemBody(): ReturnType<typeof makeProblemBody> {
  made ??= makeProblemBody()
  return made
}

/** Codes that every route under /v1 can answer with; `outcome_unknown`, each that changes something. */
const EVERYWHERE: Code[] = [
  ...(['validation_failed', 'unauthenticated', 'not_registered', 'rate_limited'] as const),
  ...(['busy', 'outcome_unknown'] as const),
]

/** The problem responses of a route, for its schema: one entry per status, naming the codes. */
export function problems(...codes: Code[]) {
  const byStatus = Map.groupBy(new Set([...EVERYWHERE, ...codes]), (code) => CODES[code].status)
  return Object.fromEntries(
    [...byStatus].map(([status, listed]) => [
      status,
      {
        description: describeCodes(listed),
        content: {
          'application/problem+json': { schema: z.intersection(problemBody(), oneOfCodes(listed)) },
        },
      },
    ]),
  )
}

export const describeCodes = (codes: readonly Code[]): string =>
  codes.map((code) => `\`${code}\`: ${CODES[code].title}`).join('\n\n')

/** Lists the codes of an operation under a status, so that generated types know them. */
const oneOfCodes = (codes: Code[]) =>
  z.looseObject({ code: z.enum(codes) }).meta({ additionalProperties: undefined })
