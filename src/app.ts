import cors from '@fastify/cors'
import helmet from '@fastify/helmet'
import rateLimit from '@fastify/rate-limit'
import underPressure from '@fastify/under-pressure'
import Fastify, { type FastifyInstance } from 'fastify'
import { serializerCompiler, validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod'
import type { Config } from './config.ts'
import { guarding } from './guarding/module.ts'
import { people } from './people/module.ts'
import type { TokenVerifier } from './platform/auth/verifier.ts'
import type { Database } from './platform/db/engine/database.ts'
import type { Sessions } from './platform/db/session.ts'
import { authentication } from './platform/http/authentication.ts'
import { registerCodes } from './platform/http/codes.ts'
import { RETRY_AFTER_BUSY_SECONDS } from './platform/http/database-problems.ts'
import { errorHandler } from './platform/http/error-handler.ts'
import { frontPage } from './platform/http/front-page.ts'
import { intake } from './platform/http/intake.ts'
import { docsPage } from './platform/http/openapi/docs-page.ts'
import { NO_PAGE, openapi } from './platform/http/openapi/plugin.ts'
import { watchMethods } from './platform/http/other-methods.ts'
import { Problem } from './platform/http/problem.ts'
import { registration } from './platform/http/registration.ts'
import { sessions as sessionsPlugin } from './platform/http/request-sessions.ts'
import { serverOptions } from './platform/http/server.ts'
import { supabaseAbsent } from './platform/http/supabase-absent.ts'
import { live } from './platform/live/routes.ts'
import type { Module } from './platform/module.ts'
import { type Readiness, serviceRoutes } from './platform/operations/routes.ts'
import { type GatewayOptions, realtime } from './platform/realtime/gateway/gateway.ts'
import { syncRoutes } from './platform/sync/routes.ts'

/** What the service is made of beside the platform, in the order in which they know each other. Nothing else knows them. */
export const MODULES = [people, guarding] as const satisfies Module[]
const modules: readonly Module[] = MODULES

for (const { codes } of modules) registerCodes(codes)

/** Fills an empty, migrated database with the modules' demos. @returns whether it did: not where somebody is already */
export async function seedDemo(database: Database): Promise<boolean> {
  let isSeeded = false
  for (const module of modules) isSeeded = (await module.seedDemo?.(database)) || isSeeded
  return isSeeded
}

export interface AppParts {
  config: Config
  sessions: Sessions
  verifier: TokenVerifier
  checkReadiness: () => Promise<Readiness>
  version: string
  /** Where log lines go instead of to the standard output. */
  logTo?: { write(line: string): void } | undefined
  /** Undefined: no realtime. */
  realtime?: Pick<GatewayOptions, 'database' | 'router' | 'bus'> | undefined
}

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

/** Composes the service; starts and stops nothing. */
export async function buildApp(parts: AppParts): Promise<FastifyInstance> {
  const { config } = parts
  const app = Fastify(serverOptions(config, parts.logTo)).withTypeProvider<ZodTypeProvider>()
  app.setValidatorCompiler(validatorCompiler)
  app.setSerializerCompiler(serializerCompiler)

  const refuseOtherMethods = watchMethods(app)

  await app.register(errorHandler)
  await app.register(intake, { bodiesLimitBytes: config.BODIES_LIMIT_BYTES })
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
  await app.register(helmet, { contentSecurityPolicy: NO_PAGE })
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
  await app.register(authentication, { verifier: parts.verifier, anonKey: config.ANON_KEY })
  await app.register(registration, { sessions: parts.sessions })
  await app.register(sessionsPlugin, { sessions: parts.sessions })
  await app.register(openapi, { version: parts.version, parts: modules })
  await app.register(docsPage)
  await app.register(frontPage, { summaries: modules.flatMap(({ summary }) => summary ?? []) })
  await app.register(supabaseAbsent)

  if (parts.realtime) {
    await app.register(realtime, {
      ...parts.realtime,
      verifier: parts.verifier,
      anonKey: config.ANON_KEY,
      privatePrefixes: modules.flatMap(({ privateChannels }) => privateChannels),
      clockToleranceSeconds: config.JWT_CLOCK_TOLERANCE_SECONDS,
      limits: {
        sockets: config.REALTIME_MAX_SOCKETS,
        perKey: config.REALTIME_MAX_SOCKETS_PER_KEY,
        perAddress: config.REALTIME_MAX_SOCKETS_PER_ADDRESS,
        perUser: config.REALTIME_MAX_SOCKETS_PER_USER,
        perSecond: config.REALTIME_SOCKETS_PER_SECOND,
        perSecondPerAddress: config.REALTIME_SOCKETS_PER_SECOND_PER_ADDRESS,
        joinsPerSecondPerAddress: config.REALTIME_JOINS_PER_SECOND_PER_ADDRESS,
      },
    })
  }
  await app.register(live, {
    tileUrl: config.LIVE_TILE_URL,
    tileAttribution: config.LIVE_TILE_ATTRIBUTION,
  })
  await app.register(serviceRoutes(parts.checkReadiness))
  await app.register(
    async (v1) => {
      for (const module of modules) await module.routes(v1, config)
      await v1.register(syncRoutes, { tables: modules.flatMap(({ publishedTables }) => publishedTables) })
    },
    { prefix: '/v1' },
  )
  refuseOtherMethods()
  return app
}
