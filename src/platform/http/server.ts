import { randomUUID } from 'node:crypto'
import { type IncomingMessage, type Server, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyError, FastifyHttpOptions, FastifyReply, FastifyRequest } from 'fastify'
import type { Config } from '../../config.ts'
import type { Logger } from '../log.ts'
import type { Code } from './codes.ts'
import { problemsSent, sendProblem, toProblem } from './error-handler.ts'
import { Problem } from './problem.ts'
import { readTraceparent } from './trace-context.ts'

/** A client that sends its headers drop by drop is cut after this long: a phone on a bad line needs less. */
const HEADERS_TIMEOUT_MS = 15_000
/** The same for a whole request: the largest body over a line of 300 kbit/s. */
const REQUEST_TIMEOUT_MS = 30_000
/** How often Node looks for those; its own default would let them live for twice as long. */
const TIMEOUTS_CHECKED_EVERY_MS = 5_000
/** A client that does not read its answer, or says nothing, is cut after this long. */
const SILENCE_TIMEOUT_MS = 60_000
/** Longer than any parameter in a path: these are UUIDs. */
const MAX_PARAM_LENGTH = 200
/** Of the realtime gateway: supabase-js decides it. */
export const WEBSOCKET_PATH = '/realtime/v1/websocket'

/** What Node's parser reports before there is a request; anything else is malformed. */
const CODE_OF_PARSER_ERROR: Record<string, Code> = {
  HPE_HEADER_OVERFLOW: 'headers_too_large',
  ERR_HTTP_REQUEST_TIMEOUT: 'request_timeout',
}

/**
 * The one thing that a connection is upgraded to, at the one address that speaks it. Any other offer is ignored, and the request
 * answered as HTTP/1.1 (RFC 9110 section 7.8): Java's clients and curl offer HTTP/2 with each first request.
 */
function isUpgrade(this: Server, { url = '', headers }: IncomingMessage): boolean {
  return (
    // No gateway, nobody who listens.
    this.listenerCount('upgrade') > 0 &&
    headers.upgrade?.toLowerCase() === 'websocket' &&
    toOriginForm(url).split('?', 1)[0] === WEBSOCKET_PATH
  )
}

/**
 * The target of a request as routes are written: without the host that clients of proxies put before it (RFC 9112 section 3.2.2),
 * so that nothing is ever built of it, and without a slash at the end, which people add to addresses under `/v1`.
 */
function rewriteUrl({ url = '' }: IncomingMessage): string {
  const target = toOriginForm(url)
  if (!target.startsWith('/v1/')) return target
  // Each request comes through here: by a regular expression this took a twentieth of what it costs the service.
  const query = target.indexOf('?')
  const end = query === -1 ? target.length : query
  return target.charCodeAt(end - 1) === SLASH ? target.slice(0, end - 1) + target.slice(end) : target
}

const SLASH = '/'.charCodeAt(0)

const toOriginForm = (target: string): string =>
  target.charCodeAt(0) === SLASH ? target : target.replace(/^https?:\/\/[^/?#]*\/?/i, '/')

/** Fastify itself trusts nobody by a number (whoever reaches the service past its proxies could forge the rest): see `.env.example`. */
function trustedProxies(
  proxies: Config['TRUST_PROXY'],
): NonNullable<FastifyHttpOptions<Server>['trustProxy']> {
  return typeof proxies === 'number' ? (_address, hop) => hop < proxies : proxies
}

export function serverOptions(
  config: Pick<Config, 'BODY_LIMIT_BYTES' | 'TRUST_PROXY'>,
  log: Logger,
): FastifyHttpOptions<Server> {
  return {
    loggerInstance: log,
    // Ours alone: a client's own id would let it forge lines of the log, or collide with somebody else's.
    requestIdHeader: false,
    genReqId: () => randomUUID(),
    // The trace of whoever sent the request stands beside that id: both lead from one log to the other.
    childLoggerFactory(logger, bindings, options, raw) {
      const trace = readTraceparent(raw.headers.traceparent)
      return logger.child(trace ? { ...bindings, trace_id: trace.traceId } : bindings, options)
    },
    bodyLimit: config.BODY_LIMIT_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    connectionTimeout: SILENCE_TIMEOUT_MS,
    http: {
      headersTimeout: HEADERS_TIMEOUT_MS,
      connectionsCheckingInterval: TIMEOUTS_CHECKED_EVERY_MS,
      // Checked by `intake.ts`, which can say so.
      requireHostHeader: false,
      shouldUpgradeCallback: isUpgrade,
    },
    routerOptions: { maxParamLength: MAX_PARAM_LENGTH },
    rewriteUrl,
    trustProxy: trustedProxies(config.TRUST_PROXY),
    // While we stop, what comes on a connection that is open is still answered; then the connection closes.
    return503OnClosing: false,
    frameworkErrors,
    clientErrorHandler,
  }
}

/** A path that cannot be decoded, found before there is a route, and so before the error handler. */
function frameworkErrors(error: FastifyError, request: FastifyRequest, reply: FastifyReply): void {
  void sendProblem(request, reply.header('x-request-id', request.id), toProblem(error))
}

/** Answers what is no HTTP request at all, and hangs up. */
function clientErrorHandler(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const problem = new Problem(CODE_OF_PARSER_ERROR[error.code ?? ''] ?? 'malformed_request')
  problemsSent.add(problem.code)
  const body = JSON.stringify(problem.toBody())
  socket.end(
    [
      `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}`,
      'content-type: application/problem+json; charset=utf-8',
      `content-length: ${Buffer.byteLength(body)}`,
      'connection: close',
      '',
      body,
    ].join('\r\n'),
    () => socket.destroy(),
  )
}
