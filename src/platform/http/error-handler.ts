import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import fastifyPlugin from 'fastify-plugin'
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod'
import { challengeFor, KeysUnavailable, Unauthenticated } from '../auth/errors.ts'
import { readDatabaseError } from '../db/engine/database-error.ts'
import { faultOf } from '../db/engine/sqlstates.ts'
import { Tally } from '../metric.ts'
import {
  ClientGone,
  type FieldError,
  Problem,
  RETRY_AFTER_BUSY_SECONDS,
  toDatabaseProblem,
} from './problem.ts'

/** The largest number of invalid fields in one response, which bounds its size. */
const MAX_FIELD_ERRORS = 50

declare module 'fastify' {
  interface FastifyReply {
    /** Why the request was refused, or failed; undefined before, and where it did neither. */
    problem?: Problem
  }
}

export const problemsSent = new Tally(
  'muster_problems_total',
  'Requests that were refused or failed, by the code of the problem; client_gone: nobody was there to read it.',
  'code',
)

/** Turns every error into an `application/problem+json` response (RFC 9457), and logs failures of the service (status 5xx). */
export const errorHandler = fastifyPlugin(
  async (app: FastifyInstance) => {
    app.setErrorHandler(async (error: FastifyError, request, reply) => {
      const problem = toProblem(error)
      if (problem.status >= 500) logFailure(request, problem, error)
      return sendProblem(request, reply, problem)
    })
    app.setNotFoundHandler(async (request, reply) => sendProblem(request, reply, new Problem('not_found')))
  },
  { name: 'error-handler', fastify: '5.x' },
)

export async function sendProblem(
  request: FastifyRequest,
  reply: FastifyReply,
  problem: Problem,
): Promise<FastifyReply> {
  reply.problem = problem
  problemsSent.add(problem.cause instanceof ClientGone ? 'client_gone' : problem.code)
  if (problem.status === 401) reply.header('www-authenticate', challengeFor(problem.subject))
  if (problem.retryAfterSeconds !== undefined) reply.header('retry-after', String(problem.retryAfterSeconds))
  return reply
    .code(problem.status)
    .type('application/problem+json')
    .serializer(JSON.stringify)
    .send(problem.toBody(request.id))
}

export function toProblem(error: FastifyError): Problem {
  if (error instanceof Problem) return error
  // The client has disconnected, so nobody receives this response.
  if (error instanceof ClientGone) return new Problem('busy', { cause: error })
  if (error instanceof Unauthenticated) return new Problem('unauthenticated', { subject: error.reason })
  if (error instanceof KeysUnavailable) {
    return new Problem('busy', { subject: 'signing_keys', retryAfterSeconds: error.retryAfterSeconds })
  }
  if (hasZodFastifySchemaValidationErrors(error)) {
    const errors = error.validation.slice(0, MAX_FIELD_ERRORS).map(
      ({ instancePath, message }): FieldError => ({
        pointer: `/${error.validationContext ?? 'body'}${instancePath}`,
        message: message ?? 'is not valid',
      }),
    )
    return new Problem('validation_failed', { errors })
  }
  const fromDatabase = toDatabaseProblem(error)
  if (fromDatabase) return fromDatabase
  const { statusCode = 500 } = error
  switch (statusCode) {
    case 404:
      return new Problem('not_found')
    case 413:
      return new Problem('payload_too_large')
    case 415:
      return new Problem('unsupported_media_type')
    case 429:
      return new Problem('rate_limited')
    case 503:
      return new Problem('busy', { retryAfterSeconds: RETRY_AFTER_BUSY_SECONDS })
  }
  if (statusCode >= 400 && statusCode < 500) return new Problem('malformed_request')
  return new Problem('internal', { cause: error })
}

/** Logs a failure without the driver's message, which quotes rows, statements and parameters. */
function logFailure(request: FastifyRequest, problem: Problem, error: Error): void {
  const reported = readDatabaseError(error)
  if (error instanceof ClientGone) {
    request.log.info('request: the client closed the connection before the response')
  } else if (reported?.sqlstate.startsWith('22')) {
    request.log.error(
      { code: problem.code, sqlstate: reported.sqlstate, alarm: 'stored_value' },
      'request: the database refused a stored value, or an input that validation should have refused',
    )
  } else if (reported) {
    const { sqlstate, constraint } = reported
    const alarm = alarmOf(problem, sqlstate)
    request.log.error(
      { code: problem.code, sqlstate, constraint, ...(alarm && { alarm }) },
      WHAT_FAILED[alarm ?? 'none'],
    )
  } else if (problem.code === 'internal') {
    request.log.error(
      { code: problem.code, err: { type: error.name, message: error.message, stack: error.stack } },
      'request: internal error',
    )
  } else {
    request.log.warn(
      { code: problem.code, reason: error.name },
      'request: not served; the service is overloaded or something that it needs is unavailable (see reason)',
    )
  }
}

/** Names what somebody has to look at, for alerts: `faultOf` says what each is. */
function alarmOf({ code }: Problem, sqlstate: string): 'internal' | 'database_unfit' | undefined {
  if (code === 'internal') return 'internal'
  return faultOf(sqlstate) === 'unfit' ? 'database_unfit' : undefined
}

const WHAT_FAILED = {
  internal: 'request: a statement of the service failed in the database; this is a fault of the service',
  database_unfit:
    'request: the database cannot serve as it is now (read-only, login refused, or the schema of another version); clients are told to try again',
  none: 'request: the database is overloaded or restarting; the client is told to try again',
} as const
