import cors from '@fastify/cors'
import helmet from '@fastify/helmet'
import rateLimit from '@fastify/rate-limit'
import Fastify, { type FastifyInstance } from 'fastify'
import { serializerCompiler, validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod'
import type { TokenVerifier } from './auth/verifier.ts'
import type { Config } from './config.ts'
import type { Sessions } from './db/session.ts'
import { Problem } from './errors/problem.ts'
import { live } from './live/routes.ts'
import { authentication } from './plugins/authentication.ts'
import { openapi } from './plugins/openapi.ts'
import { problems } from './plugins/problems.ts'
import { sessions as sessionsPlugin } from './plugins/sessions.ts'
import { type GatewayOptions, realtime } from './realtime/gateway.ts'
import { certificateRoutes } from './resources/certificates/routes.ts'
import { checkinRoutes } from './resources/checkins/routes.ts'
import { incidentRoutes } from './resources/incidents/routes.ts'
import { invitationRoutes } from './resources/invitations/routes.ts'
import { locationRoutes } from './resources/locations/routes.ts'
import { meRoutes } from './resources/me/routes.ts'
import { notificationRoutes } from './resources/notifications/routes.ts'
import { organizationRoutes } from './resources/organizations/routes.ts'
import { professionalRoutes } from './resources/professionals/routes.ts'
import { type Readiness, serviceRoutes } from './resources/service/routes.ts'
import { shiftRoutes } from './resources/shifts/routes.ts'
import { syncRoutes } from './resources/sync/routes.ts'
import { transactionRoutes } from './resources/transactions/routes.ts'

export interface AppParts {
  config: Config
  sessions: Sessions
  verifier: TokenVerifier
  checkReadiness: () => Promise<Readiness>
  version: string
  /** Undefined: no realtime. */
  realtime?: Pick<GatewayOptions, 'database' | 'router'> | undefined
}

/** A client that sends half a request and waits is cut after this long (slow loris). */
const REQUEST_TIMEOUT_MS = 30_000
const PROBES = new Set(['/health', '/ready'])
/** Longer paths and query strings than any route takes. */
const MAX_PARAM_LENGTH = 200

/** Composes the service; starts and stops nothing. */
export async function buildApp(parts: AppParts): Promise<FastifyInstance> {
  const { config } = parts
  const app = Fastify({
    logger: {
      level: config.LOG_LEVEL,
      // Paths without their query strings: positions of people are in them.
      serializers: {
        req: (request) => ({ method: request.method, path: request.url.split('?', 1)[0] }),
      },
    },
    bodyLimit: config.BODY_LIMIT_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    routerOptions: { maxParamLength: MAX_PARAM_LENGTH },
    trustProxy: config.TRUST_PROXY,
    return503OnClosing: true,
  }).withTypeProvider<ZodTypeProvider>()
  app.setValidatorCompiler(validatorCompiler)
  app.setSerializerCompiler(serializerCompiler)

  await app.register(problems)
  await app.register(helmet, {
    // The page at /docs runs its script inline; nothing else here serves a page.
    contentSecurityPolicy: false,
  })
  await app.register(cors, {
    origin: config.CORS_ORIGINS.includes('*') ? true : config.CORS_ORIGINS,
    exposedHeaders: ['link', 'location', 'retry-after', 'x-request-id'],
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
  await app.register(sessionsPlugin, { sessions: parts.sessions })
  await app.register(openapi, { version: parts.version })

  if (parts.realtime) {
    await app.register(realtime, { ...parts.realtime, verifier: parts.verifier, anonKey: config.ANON_KEY })
  }
  await app.register(live, {
    tileUrl: config.LIVE_TILE_URL,
    tileAttribution: config.LIVE_TILE_ATTRIBUTION,
  })
  await app.register(serviceRoutes(parts.checkReadiness))
  await app.register(
    async (v1) => {
      await v1.register(meRoutes)
      await v1.register(invitationRoutes)
      await v1.register(organizationRoutes)
      await v1.register(professionalRoutes)
      await v1.register(certificateRoutes)
      await v1.register(locationRoutes)
      await v1.register(checkinRoutes)
      await v1.register(incidentRoutes)
      await v1.register(notificationRoutes)
      await v1.register(transactionRoutes)
      await v1.register(shiftRoutes)
      await v1.register(syncRoutes)
    },
    { prefix: '/v1' },
  )
  return app
}
