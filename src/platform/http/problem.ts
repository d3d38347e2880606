import { CODES, type Code } from './codes.ts'

/** One thing that is wrong with a request: a JSON Pointer (RFC 6901) into body, query, params or headers, and why. */
export interface FieldError {
  pointer: string
  message: string
}

/**
 * A refusal with a code of `codes.ts`. Handlers throw it only for what is about HTTP; rules are the database's, and
 * their refusals are read by `database-problems.ts`.
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
