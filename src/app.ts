import Fastify, { type FastifyInstance } from 'fastify'
import { serializerCompiler, validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod'
import { type Config, OPTIONAL_MODULES } from './config.ts'
import { freight } from './freight/module.ts'
import { guarding } from './guarding/module.ts'
import { people, rolesOf } from './people/module.ts'
import type { TokenVerifier } from './platform/auth/verifier.ts'
import type { Database, Statement } from './platform/db/engine/database.ts'
import { asService } from './platform/db/identity.ts'
import { callByNobody, type Sessions } from './platform/db/session.ts'
import { authentication } from './platform/http/authentication.ts'
import { background } from './platform/http/background.ts'
import { registerCodes } from './platform/http/codes.ts'
import { errorHandler } from './platform/http/error-handler.ts'
import { frontPage } from './platform/http/front-page.ts'
import { intake } from './platform/http/intake.ts'
import { docsPage } from './platform/http/openapi/docs-page.ts'
import { openapi } from './platform/http/openapi/plugin.ts'
import { watchMethods } from './platform/http/other-methods.ts'
import { protection } from './platform/http/protection.ts'
import { registration } from './platform/http/registration.ts'
import { sessions as sessionsPlugin } from './platform/http/request-sessions.ts'
import { serverOptions } from './platform/http/server.ts'
import { supabaseAbsent } from './platform/http/supabase-absent.ts'
import type { Job } from './platform/jobs/job.ts'
import { PLATFORM_JOBS } from './platform/jobs/platform-jobs.ts'
import { live } from './platform/live/routes.ts'
import { type Logger, openLog } from './platform/log.ts'
import type { Module } from './platform/module.ts'
import type { Check } from './platform/operations/health/finding.ts'
import { CHECKS } from './platform/operations/health/health.ts'
import { type Metrics, requestMetrics } from './platform/operations/metrics.ts'
import type { Standing } from './platform/operations/readiness.ts'
import { type Readiness, serviceRoutes } from './platform/operations/routes.ts'
import { standing } from './platform/operations/standing.ts'
import { requestTraces, type Tracing } from './platform/operations/tracing.ts'
import { limitsOf } from './platform/realtime/gateway/admission.ts'
import { type GatewayOptions, realtime } from './platform/realtime/gateway/gateway.ts'
import { accountRoute } from './platform/sign-in/account.ts'
import type { Mailbox } from './platform/sign-in/mailbox.ts'
import { providersOf, signInPages } from './platform/sign-in/pages.ts'
import { PASSWORD_GRANT_PATH, passwordGrant } from './platform/sign-in/password-grant.ts'
import { signInRoutes } from './platform/sign-in/routes.ts'
import type { SignIn } from './platform/sign-in/sign-in.ts'
import { syncRoutes } from './platform/sync/routes.ts'

export { rolesOf }

/** What the service is made of beside the platform, in the order in which they know each other. Nothing else knows them. */
export const MODULES = [people, guarding, freight] as const satisfies Module[]
const allModules: readonly Module[] = MODULES

for (const { codes, constraints } of allModules) registerCodes(codes, constraints)

type ModuleSettings = Pick<Config, 'MODULES' | 'NODE_ENV'>

/** Those that are switched on. `people` is what the others stand on. */
export function modulesOf({ MODULES: chosen, NODE_ENV }: ModuleSettings): readonly Module[] {
  const names: readonly string[] = chosen ?? (NODE_ENV === 'production' ? ['guarding'] : OPTIONAL_MODULES)
  return allModules.filter(({ name }) => name === people.name || names.includes(name))
}

/** Tables of the publication that nobody can follow here: of modules that are switched off. */
export function unfollowedTables(settings: ModuleSettings): readonly string[] {
  const followed = new Set(modulesOf(settings).flatMap(({ publishedTables }) => publishedTables))
  return allModules.flatMap(({ publishedTables }) => publishedTables.filter((table) => !followed.has(table)))
}

const jobsIn = (modules: readonly Module[]): readonly Job[] => [
  ...PLATFORM_JOBS,
  ...modules.flatMap(({ jobs }) => jobs ?? []),
]

/** All background work that there is. */
export const JOBS = jobsIn(allModules)

/** The background work of the modules that are switched on. */
export const jobsOf = (settings: ModuleSettings): readonly Job[] => jobsIn(modulesOf(settings))

/** All lines of `npm run db:health`. */
export const HEALTH_CHECKS: readonly Check[] = [
  ...CHECKS,
  ...allModules.flatMap(({ checks }) => checks ?? []),
]

/** What a new connection does first. */
export const warmUpOf = (settings: ModuleSettings): readonly Statement[] =>
  modulesOf(settings).flatMap(({ warmUp = [] }) =>
    warmUp.map(({ call, parameters }) => callByNobody(call, parameters)),
  )

/**
 * Fills an empty, migrated database with the demos of the modules that are switched on.
 *
 * @returns whether it did: not where somebody is already
 */
export async function seedDemo(database: Database, settings: ModuleSettings): Promise<boolean> {
  const [existing] = await asService(database, (tx) =>
    tx.query<{ exists: boolean }>('select exists (select from public.tenants)'),
  )
  if (existing?.exists) return false
  for (const module of modulesOf(settings)) await module.seedDemo?.(database)
  return true
}

export interface AppParts {
  config: Config
  sessions: Sessions
  verifier: TokenVerifier
  checkReadiness: () => Promise<Readiness>
  /** How the process stands to new requests; unset: it serves them. */
  standing?: () => Standing
  version: string
  /** Of whoever made the parts, which write to it too; without it the app has one of its own. */
  log?: Logger | undefined
  /** Undefined: nobody asks for them. */
  metrics?: Metrics | undefined
  /** Undefined: there is no collector. */
  tracing?: Tracing | undefined
  /** The login of background work, for what other services report. Undefined: they are asked to come back. */
  background?: Database | undefined
  /** Undefined: others make all tokens. */
  signIn?: SignIn | undefined
  /** Where mails end that no SMTP server takes; undefined where one does. */
  mailbox?: Mailbox | undefined
  /** Undefined: no realtime. */
  realtime?: Pick<GatewayOptions, 'database' | 'router' | 'bus'> | undefined
}

declare module 'fastify' {
  interface FastifyInstance {
    /** Undefined: others make all tokens. */
    signIn: SignIn | undefined
  }
}

/** Composes the service; starts and stops nothing. */
export async function buildApp(parts: AppParts): Promise<FastifyInstance> {
  const { config } = parts
  const modules = modulesOf(config)
  const app = Fastify(serverOptions(config, parts.log ?? openLog(config))).withTypeProvider<ZodTypeProvider>()
  app.setValidatorCompiler(validatorCompiler)
  app.setSerializerCompiler(serializerCompiler)

  const refuseOtherMethods = watchMethods(app)
  if (parts.metrics) {
    await app.register(requestMetrics, { metrics: parts.metrics })
    parts.metrics.add(...modules.flatMap(({ metrics = [] }) => metrics))
  }
  if (parts.tracing) await app.register(requestTraces, { tracing: parts.tracing })

  await app.register(errorHandler)
  await app.register(intake, { bodiesLimitBytes: config.BODIES_LIMIT_BYTES })
  if (parts.standing) await app.register(standing, { standing: parts.standing })
  await app.register(protection, { config })
  await app.register(authentication, { verifier: parts.verifier, anonKey: config.ANON_KEY })
  await app.register(registration, { sessions: parts.sessions })
  await app.register(sessionsPlugin, { sessions: parts.sessions })
  await app.register(background, { database: parts.background })
  await app.register(openapi, {
    version: parts.version,
    parts: modules,
    passwordGrantPath: parts.signIn && PASSWORD_GRANT_PATH,
  })
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
      limits: limitsOf(config),
    })
  }
  await app.register(live, {
    boards: modules.flatMap(({ name, roles, board }) => (board ? [{ name, roles, board }] : [])),
    tileUrl: config.LIVE_TILE_URL,
    tileAttribution: config.LIVE_TILE_ATTRIBUTION,
    signIn: parts.signIn && { providers: providersOf(config) },
  })
  app.decorate('signIn', parts.signIn)
  if (parts.signIn) {
    await app.register(signInRoutes, { signIn: parts.signIn, config })
    await app.register(accountRoute, { signIn: parts.signIn })
    await app.register(passwordGrant)
    await app.register(signInPages, { providers: providersOf(config), mailbox: parts.mailbox })
  }
  await app.register(serviceRoutes(parts.checkReadiness))
  await app.register(
    async (v1) => {
      const all = {
        notifications: Object.assign(
          {},
          ...allModules.map(({ notifications }) => notifications),
        ) as Module['notifications'],
        roles: Object.assign({}, ...allModules.map(({ roles }) => roles)) as Module['roles'],
        signIn: parts.signIn,
      }
      for (const module of modules) await module.routes(v1, config, all)
      await v1.register(syncRoutes, { tables: modules.flatMap(({ publishedTables }) => publishedTables) })
    },
    { prefix: '/v1' },
  )
  refuseOtherMethods()
  return app
}
