import closeWithGrace from 'close-with-grace'
import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import { buildApp } from './app.ts'
import type { Config } from './config.ts'
import type { TokenSettings } from './platform/auth/development-secret.ts'
import { createVerifier } from './platform/auth/verifier.ts'
import { DatabaseBusy, DatabaseUnavailable } from './platform/db/engine/database.ts'
import type { Databases } from './platform/db/open.ts'
import { openSessions } from './platform/db/session.ts'
import { runWorker } from './platform/jobs/worker.ts'
import { openMetrics } from './platform/operations/metrics.ts'
import { serveMetrics } from './platform/operations/metrics-server.ts'
import { watchReadiness } from './platform/operations/readiness.ts'
import type { Readiness } from './platform/operations/routes.ts'
import { serviceMetrics } from './platform/operations/service-metrics.ts'
import { openTracing } from './platform/operations/tracing.ts'
import { openBus } from './platform/realtime/bus/open.ts'
import { openChangeRouter } from './platform/realtime/changes/open.ts'
import { readVersion } from './version.ts'

export interface ServiceParts {
  config: Config
  tokenSettings: TokenSettings
  /** Open and migrated. The service closes them when it ends. */
  databases: Databases
}

/**
 * Makes the service and starts what runs beside requests: it has but to listen. When the process is told to stop, all of it
 * stops in order.
 */
export async function openService({
  config,
  tokenSettings,
  databases,
}: ServiceParts): Promise<FastifyInstance> {
  // Verifier, router and bus are made before the app whose log they write to, and may fail before it is there.
  let appLog: FastifyBaseLogger | undefined
  const early: (() => void)[] = []
  const write = (level: 'debug' | 'info' | 'warn' | 'error') => (data: object, message: string) => {
    if (appLog) appLog[level](data, message)
    else early.push(() => appLog?.[level](data, message))
  }
  const log = { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') }
  const router = config.REALTIME ? openChangeRouter({ config, databases, log }) : undefined
  const bus = openBus(databases, log)
  const readiness = watchReadiness(databases.isMigrated, log)
  const checkReadiness = async (): Promise<Readiness> => {
    const feed = router?.health.feed?.state ?? 'off'
    const replica = databases.replica?.state ?? 'off'
    return { ...(await readiness.state()), feed, replica }
  }
  const metrics = config.METRICS_PORT === undefined ? undefined : await openMetrics()
  const version = await readVersion()
  const tracing =
    config.OTEL_EXPORTER_OTLP_ENDPOINT === undefined
      ? undefined
      : await openTracing({
          endpoint: config.OTEL_EXPORTER_OTLP_ENDPOINT,
          sampleRatio: config.OTEL_TRACES_SAMPLER_ARG,
          version,
          log,
        })
  const sessions = openSessions(databases.api, databases.replica)
  const app = await buildApp({
    config,
    version,
    sessions: tracing?.watch(sessions) ?? sessions,
    verifier: createVerifier(tokenSettings, { log }),
    realtime: router && { database: databases.checks, router, bus },
    checkReadiness,
    metrics,
    tracing,
  })
  appLog = app.log
  for (const tell of early) tell()
  if (databases.bus && !bus) {
    app.log.warn(
      'realtime bus: disabled, because the database login has no password and JWT_SECRET is not set; broadcast and presence reach only the clients of this process',
    )
  }
  // Whatever else runs beside requests adds what it counts here.
  metrics?.add(...serviceMetrics({ version, app, databases, router, bus, checkReadiness }))
  const metricsServer =
    metrics && (await serveMetrics(metrics, { ...config, METRICS_PORT: config.METRICS_PORT ?? 0 }, app.log))
  if (metricsServer) app.log.info({ url: metricsServer.url }, 'metrics: Prometheus can read them here')
  void warnOfLostConnections(databases, app.log)
  await router?.start()

  const stopping = new AbortController()
  const worker = runWorker(databases.worker, app.log, stopping.signal)

  // In this order: sockets and requests end, then the change feed and background work, then the database closes.
  closeWithGrace({ delay: config.SHUTDOWN_TIMEOUT_MS, logger: app.log }, async ({ err }) => {
    if (err)
      app.log.error(
        { err: { type: err.name, stack: err.stack } },
        'service: stopping after an unhandled error',
      )
    await app.close()
    await router?.stop()
    readiness.stop()
    stopping.abort()
    await worker
    await databases.close()
    await tracing?.stop()
    await metricsServer?.close()
  })
  return app
}

/** The message of our own errors, which name an address and a cause. Of a driver's error only the name: its message can quote data. */
function reasonOf(error: unknown): string {
  if (error instanceof DatabaseUnavailable || error instanceof DatabaseBusy) return error.message
  return error instanceof Error ? error.name : 'unknown'
}

/**
 * Tries each login and address once, so that a wrong setting is logged at the start, not when a request first needs it. The
 * service keeps running: a pooler or a replica may come up later.
 */
async function warnOfLostConnections(
  { api, worker, replica }: Databases,
  log: Pick<FastifyBaseLogger, 'warn'>,
): Promise<void> {
  const connections = Object.entries({ api, worker, replica: replica?.database })
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
