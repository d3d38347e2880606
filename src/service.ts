import { setTimeout as sleep } from 'node:timers/promises'
import closeWithGrace from 'close-with-grace'
import type { FastifyInstance } from 'fastify'
import { buildApp, jobsOf, rolesOf, unfollowedTables, warmUpOf } from './app.ts'
import type { Config } from './config.ts'
import { resolveSignInSecret, type TokenSettings } from './platform/auth/development-secret.ts'
import { createVerifier } from './platform/auth/verifier.ts'
import { type Database, DatabaseBusy, DatabaseUnavailable } from './platform/db/engine/database.ts'
import type { Databases } from './platform/db/open.ts'
import { openSessions } from './platform/db/session.ts'
import { jobStates, runJobs } from './platform/jobs/runner.ts'
import type { Logger } from './platform/log.ts'
import { rememberLastBackup } from './platform/operations/backups.ts'
import { tablesFromFuture } from './platform/operations/history.ts'
import { openMetrics } from './platform/operations/metrics.ts'
import { serveMetrics } from './platform/operations/metrics-server.ts'
import { watchReadiness } from './platform/operations/readiness.ts'
import type { Readiness } from './platform/operations/routes.ts'
import { serviceMetrics } from './platform/operations/service-metrics.ts'
import { watchSuspensions } from './platform/operations/suspensions.ts'
import { openTracing } from './platform/operations/tracing.ts'
import { openBus } from './platform/realtime/bus/open.ts'
import { openChangeRouter } from './platform/realtime/changes/open.ts'
import { openMail } from './platform/sign-in/open-mail.ts'
import { openSignIn } from './platform/sign-in/sign-in.ts'
import { readVersion } from './version.ts'

/** Two checks of a load balancer every 2 s, and one to spare: after that it sends nothing to a process that is not ready. */
const DRAIN_IN_PRODUCTION_MS = 5_000

/** A server that is busy is warm later: it must not look like one that does not start. */
const MOST_WARM_UP_MS = 2_000

/** Of the time to stop: what an SMTP server takes that is there. */
const MOST_MAIL_MS = 2_000

export interface ServiceParts {
  config: Config
  tokenSettings: TokenSettings
  /** Open and migrated. The service closes them when it ends. */
  databases: Databases
  log: Logger
}

/**
 * Makes the service and starts what runs beside requests: it has but to listen. When the process is told to stop, all of it
 * stops in order.
 */
export async function openService({
  config,
  tokenSettings,
  databases,
  log,
}: ServiceParts): Promise<FastifyInstance> {
  // The server is at it while this process builds the rest.
  const warmUp = warmUpOf(config)
  const warm = databases.api.warmUp?.(warmUp)
  void databases.replica?.database.warmUp?.(warmUp)
  const router = config.REALTIME
    ? openChangeRouter({ config, databases, log, unfollowed: unfollowedTables(config) })
    : undefined
  const bus = openBus(databases, log)
  const newestBackup = rememberLastBackup(config.BACKUP_DIR)
  /** Resolves when the schema is no longer one for this version. */
  const overtaken = Promise.withResolvers<void>()
  const readiness = watchReadiness({
    findObstacle: databases.findObstacle,
    log,
    onIncompatible: (obstacle) => {
      log.error(
        { obstacle },
        'service: a newer version brings a schema that this version cannot live with; this process drains and stops',
      )
      overtaken.resolve()
    },
  })
  const checkReadiness = async (): Promise<Readiness> => {
    const feed = router?.health.feed?.state ?? 'off'
    const replica = databases.replica?.state ?? 'off'
    const last_backup = (await newestBackup())?.createdAt ?? null
    return { ...(await readiness.state()), feed, bus: bus?.health.state ?? 'off', replica, last_backup }
  }
  const metrics = config.METRICS_PORT === undefined ? undefined : await openMetrics()
  const version = await readVersion()
  const sessions = openSessions(databases.api, databases.replica)
  const mail = databases.signIn && openMail(config, log)
  const signIn =
    databases.signIn &&
    mail &&
    openSignIn({
      config,
      database: databases.signIn,
      secret: await resolveSignInSecret(config),
      mailer: mail.mailer,
      log,
      rolesOf: (userId) => rolesOf(sessions, userId),
    })
  const tracing =
    config.OTEL_EXPORTER_OTLP_ENDPOINT === undefined
      ? undefined
      : await openTracing({
          endpoint: config.OTEL_EXPORTER_OTLP_ENDPOINT,
          sampleRatio: config.OTEL_TRACES_SAMPLER_ARG,
          version,
          log,
        })
  /** Known once the app is there, before which nobody is connected. */
  let cut: (userId: string) => void = () => {}
  const suspensions = watchSuspensions(databases.worker, log, (userId) => cut(userId))
  const app = await buildApp({
    config,
    log,
    version,
    sessions: tracing?.watch(sessions) ?? sessions,
    background: databases.jobs,
    verifier: suspensions.refuseSuspended(createVerifier(tokenSettings, { log, signIn })),
    signIn,
    mailbox: mail?.mailbox,
    realtime: router && { database: databases.checks, router, bus },
    checkReadiness,
    standing: () => readiness.standing,
    metrics,
    tracing,
  })
  if (router) cut = (userId) => app.realtime.cut(userId)
  if (databases.bus && !bus) {
    app.log.warn(
      'realtime bus: disabled, because the database login has no password and JWT_SECRET is not set; broadcast and presence reach only the clients of this process',
    )
  }
  const readJobs = () => jobStates(databases.worker)
  // Whatever else runs beside requests adds what it counts here.
  metrics?.add(...serviceMetrics({ version, app, databases, router, bus, checkReadiness, readJobs }))
  const metricsServer =
    metrics && (await serveMetrics(metrics, { ...config, METRICS_PORT: config.METRICS_PORT ?? 0 }, app.log))
  if (metricsServer) app.log.info({ url: metricsServer.url }, 'metrics: Prometheus can read them here')
  void warnOfLostConnections(databases, app.log)
  void warnOfRestoredRows(databases.worker, app.log)
  await router?.start()
  suspensions.start()
  await Promise.race([warm, sleep(MOST_WARM_UP_MS, undefined, { ref: false })])

  const stopping = new AbortController()
  const worker = runJobs(databases.jobs, jobsOf(config), app.log, stopping.signal, config)

  const drainMs = config.SHUTDOWN_DRAIN_MS ?? (config.NODE_ENV === 'production' ? DRAIN_IN_PRODUCTION_MS : 0)
  // In this order: load balancers are told, sockets and requests end, then the change feed and background work, then the database
  // closes. A second signal ends the process at once.
  const grace = closeWithGrace(
    { delay: drainMs + config.SHUTDOWN_TIMEOUT_MS, logger: app.log, skip: ['SIGHUP'] },
    async ({ err, signal }) => {
      readiness.drain()
      if (err) {
        // Without a drain: in what state the process is, nobody knows.
        app.log.error(
          { err: { type: err.name, stack: err.stack } },
          'service: stopping after an unhandled error',
        )
      } else {
        app.log.info(
          { signal, drainMs },
          'service: stopping; /ready answers 503, requests are served for drainMs',
        )
        await sleep(drainMs)
      }
      await app.close()
      await signIn?.close()
      await mail?.stop(MOST_MAIL_MS)
      await suspensions.stop()
      await router?.stop()
      readiness.stop()
      stopping.abort()
      await worker
      await databases.close()
      await tracing?.stop()
      await metricsServer?.close()
    },
  )
  void overtaken.promise.then(grace.close)
  process.on('SIGHUP', () => {
    // A closed terminal takes what runs in it along. Without one, it is what daemons reload by.
    if (process.stdin.isTTY) grace.close()
    else
      app.log.info(
        'service: SIGHUP ignored; settings are read at the start only: restart the service to change them',
      )
  })
  return app
}

/** The message of our own errors, which name an address and a cause. Of a driver's error only the name: its message can quote data. */
function reasonOf(error: unknown): string {
  if (error instanceof DatabaseUnavailable || error instanceof DatabaseBusy) return error.message
  return error instanceof Error ? error.name : 'unknown'
}

/**
 * Looks once for rows of transactions that this cluster has not had yet. Catch-up counts them as changed each time, so clients miss
 * nothing, and download them again with each resync.
 */
async function warnOfRestoredRows(worker: Database, log: Pick<Logger, 'error'>): Promise<void> {
  const tables = await tablesFromFuture(worker).catch(() => [])
  if (tables.length === 0) return
  log.error(
    { tables },
    'catch-up: the database was restored from another cluster and its rows were not adopted; every resync repeats them; stop the service and run npm run db:adopt',
  )
}

/**
 * Tries each login and address once, so that a wrong setting is logged at the start, not when a request first needs it. The
 * service keeps running: a pooler or a replica may come up later.
 */
async function warnOfLostConnections(
  { api, worker, jobs, replica }: Databases,
  log: Pick<Logger, 'warn'>,
): Promise<void> {
  const connections = Object.entries({ api, worker, jobs, replica: replica?.database })
  await Promise.all(
    connections.map(async ([connection, database]) => {
      await database?.query('select 1').catch((error: unknown) => {
        log.warn(
          { connection, reason: reasonOf(error) },
          'service: a database connection cannot be made; the service runs on and retries when a request needs it',
        )
      })
    }),
  )
}
