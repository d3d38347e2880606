import closeWithGrace from 'close-with-grace'
import type { FastifyInstance } from 'fastify'
import { buildApp } from './app.ts'
import type { TokenSettings } from './auth/development-secret.ts'
import { createVerifier } from './auth/verifier.ts'
import type { Config } from './config.ts'
import type { Databases } from './db/open.ts'
import { openSessions } from './db/session.ts'
import { watchReadiness } from './readiness.ts'
import { openBus } from './realtime/bus/open.ts'
import { openChangeRouter } from './realtime/changes/open.ts'
import { readVersion } from './version.ts'
import { runWorker } from './worker.ts'

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
  // Verifier and router are made before the app whose log they write to.
  const log = {
    debug: (data: object, message: string) => app.log.debug(data, message),
    info: (data: object, message: string) => app.log.info(data, message),
    warn: (data: object, message: string) => app.log.warn(data, message),
    error: (data: object, message: string) => app.log.error(data, message),
  }
  const router = config.REALTIME ? openChangeRouter({ config, databases, log }) : undefined
  const bus = openBus(databases, log)
  const readiness = watchReadiness(databases.isMigrated, log)
  const app = await buildApp({
    config,
    version: await readVersion(),
    sessions: openSessions(databases.api, databases.replica),
    verifier: createVerifier(tokenSettings, { log }),
    realtime: router && { database: databases.checks, router, bus },
    checkReadiness: async () => {
      const feed = router?.health.feed?.state ?? 'off'
      const replica = databases.replica?.state ?? 'off'
      return { ...(await readiness.state()), feed, replica }
    },
  })
  if (databases.bus && !bus) {
    app.log.warn(
      'Broadcast and presence stay in this process: its database login has no password, and JWT_SECRET is not set.',
    )
  }
  await router?.start()

  const stopping = new AbortController()
  const worker = runWorker(databases.worker, app.log, stopping.signal)

  // In this order: sockets and requests end, then the change feed and background work, then the database closes.
  closeWithGrace({ delay: config.SHUTDOWN_TIMEOUT_MS, logger: app.log }, async ({ err }) => {
    if (err) app.log.error({ err: { type: err.name, stack: err.stack } }, 'stopping after an error')
    await app.close()
    await router?.stop()
    readiness.stop()
    stopping.abort()
    await worker
    await databases.close()
  })
  return app
}
