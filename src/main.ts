import { readFile } from 'node:fs/promises'
import closeWithGrace from 'close-with-grace'
import { buildApp } from './app.ts'
import { resolveTokenSettings } from './auth/development-secret.ts'
import { createVerifier } from './auth/verifier.ts'
import { ConfigError, readConfig } from './config.ts'
import { DataFolderInUse } from './db/engine/data-folder.ts'
import { MigrationError } from './db/migration-error.ts'
import { openDatabases } from './db/open.ts'
import { seedDemo } from './db/seed.ts'
import { openSessions } from './db/session.ts'
import { openBus } from './realtime/bus/open.ts'
import { openChangeRouter } from './realtime/changes/open.ts'
import { runWorker } from './worker.ts'

async function start(): Promise<void> {
  const config = readConfig(process.env)
  const { version } = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8'))
  const tokenSettings = await resolveTokenSettings(config)
  const databases = await openDatabases(
    config,
    (line) => console.log(line),
    (event) => app.log.warn(event, 'the replica is now in another state'),
  )
  if (
    databases.api.kind === 'embedded' &&
    config.NODE_ENV !== 'production' &&
    (await seedDemo(databases.api))
  ) {
    console.log('Filled the empty database with a demo: see README.md for who is in it.')
  }

  // Verifier and router are made before the app whose log they write to.
  const log = {
    debug: (data: object, message: string) => app.log.debug(data, message),
    info: (data: object, message: string) => app.log.info(data, message),
    warn: (data: object, message: string) => app.log.warn(data, message),
    error: (data: object, message: string) => app.log.error(data, message),
  }
  const router = config.REALTIME ? openChangeRouter({ config, databases, log }) : undefined
  const bus = openBus(databases, log)
  const app = await buildApp({
    config,
    version,
    sessions: openSessions(databases.api, databases.replica),
    verifier: createVerifier(tokenSettings, { log }),
    realtime: router && { database: databases.checks, router, bus },
    checkReadiness: async () => {
      const feed = router?.health.feed?.state ?? 'off'
      const replica = databases.replica?.state ?? 'off'
      try {
        await databases.api.query('select 1')
        return { database: true, migrations: await databases.isMigrated(), feed, replica }
      } catch (error) {
        app.log.warn({ reason: error instanceof Error ? error.name : 'unknown' }, 'not ready')
        return { database: false, migrations: false, feed, replica }
      }
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
    stopping.abort()
    await worker
    await databases.close()
  })

  const address = await app.listen({ host: config.HOST, port: config.PORT })
  console.log(`Muster listens on ${address}
  documentation: ${address}/docs
  shifts, live:  ${address}/live
  a token:       npm run --silent token -- company@example.com`)
}

try {
  await start()
} catch (error) {
  // What an operator can mend is said in a line; anything else keeps its stack.
  const known =
    error instanceof ConfigError || error instanceof MigrationError || error instanceof DataFolderInUse
  console.error(known ? error.message : error)
  process.exit(1)
}
