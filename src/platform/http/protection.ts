import { IncomingMessage, type OutgoingHttpHeaders, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import cors from '@fastify/cors'
import rateLimit from '@fastify/rate-limit'
import underPressure from '@fastify/under-pressure'
import type { FastifyInstance } from 'fastify'
import fastifyPlugin from 'fastify-plugin'
import helmet from 'helmet'
import type { Config } from '../../config.ts'
import { NO_PAGE } from './openapi/plugin.ts'
import { Problem, RETRY_AFTER_BUSY_SECONDS } from './problem.ts'

const PROBES = new Set(['/health', '/ready'])
/**
 * The average time that a timer came late, over a second, from which new requests are refused: those under way take seconds
 * then, and each further one makes them slower. Far above what garbage collection or a large answer causes.
 */
const MAX_EVENT_LOOP_DELAY_MS = 1_000

/** A page under development comes from this machine, by whatever port its tool has. */
const LOCAL_ORIGIN = /^https?:\/\/(?:localhost|127\.0\.0\.1|\[::1\])(?::\d+)?$/

function allowedOrigins({ CORS_ORIGINS, NODE_ENV }: Config): true | (string | RegExp)[] {
  if (CORS_ORIGINS.includes('*')) return true
  return NODE_ENV === 'development' ? [...CORS_ORIGINS, LOCAL_ORIGIN] : CORS_ORIGINS
}

/** What helmet says of every response. It is the same each time, and to ask for each cost a tenth of what a request costs this process. */
function protectiveHeaders(): OutgoingHttpHeaders {
  const request = new IncomingMessage(new Socket())
  const response = new ServerResponse(request)
  helmet({ contentSecurityPolicy: NO_PAGE })(request, response, () => {})
  return response.getHeaders()
}

/** Protects the service from too many requests, and browsers from other sites' pages. Comes before authentication. */
export const protection = fastifyPlugin(
  async (app: FastifyInstance, { config }: { config: Config }) => {
    // The embedded engine works in this very thread: there a long query is no sign of too many requests.
    if (config.DATABASE_URL ?? config.DATABASE_API_URL) {
      await app.register(underPressure, {
        maxEventLoopDelay: MAX_EVENT_LOOP_DELAY_MS,
        // A service that is busy is alive: whoever restarts it for that makes things worse.
        pressureHandler: async (request) => {
          if (!PROBES.has(request.routeOptions.url ?? '')) {
            throw new Problem('busy', { retryAfterSeconds: RETRY_AFTER_BUSY_SECONDS })
          }
        },
      })
    }
    const protective = protectiveHeaders()
    app.addHook('onRequest', (_request, reply, done) => {
      reply.headers(protective)
      done()
    })
    await app.register(cors, {
      origin: allowedOrigins(config),
      methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
      exposedHeaders: [
        ...['allow', 'link', 'location', 'retry-after', 'x-request-id'],
        ...['x-ratelimit-limit', 'x-ratelimit-remaining', 'x-ratelimit-reset'],
      ],
      // Any other OPTIONS request is answered like a preflight, and not by a text of its own.
      strictPreflight: false,
    })
    await app.register(rateLimit, {
      // As a hook of our own, before authentication: those who try tokens are limited too.
      global: false,
      max: config.RATE_LIMIT_PER_MINUTE,
      timeWindow: '1 minute',
      // Probes come often, and from one address.
      allowList: (request) => PROBES.has(request.routeOptions.url ?? ''),
      errorResponseBuilder: (_request, context) =>
        new Problem('rate_limited', { retryAfterSeconds: Math.ceil(context.ttl / 1000) }),
    })
    app.addHook('onRequest', app.rateLimit())
  },
  { name: 'protection', fastify: '5.x' },
)
