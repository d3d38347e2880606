import type { FastifyBaseLogger } from 'fastify'
import { resolveTokenSettings } from './auth/development-secret.ts'
import { explain } from './cli/command.ts'
import { readConfig } from './config.ts'
import { openDatabases } from './db/open.ts'
import { seedDemo } from './db/seed.ts'
import { resolveDrizzleQuickly } from './drizzle-resolution.ts'

async function start(): Promise<void> {
  const config = readConfig(process.env)
  const tokenSettings = await resolveTokenSettings(config)
  let log: Pick<FastifyBaseLogger, 'warn'> | undefined
  resolveDrizzleQuickly()
  // PGlite compiles PostgreSQL on other threads, and a server takes its time to answer: meanwhile the service is loaded.
  const [databases, { openService }] = await Promise.all([
    openDatabases(
      config,
      (line) => console.log(line),
      (event) => (log ?? console).warn(event, 'the replica is now in another state'),
    ),
    import('./service.ts'),
  ])
  if (
    databases.api.kind === 'embedded' &&
    config.NODE_ENV !== 'production' &&
    (await seedDemo(databases.api))
  ) {
    console.log('Filled the empty database with a demo: see README.md for who is in it.')
  }
  const service = await openService({ config, tokenSettings, databases })
  log = service.log
  const address = await service.listen({ host: config.HOST, port: config.PORT })
  console.log(`Muster listens on ${address}
  documentation: ${address}/docs
  shifts, live:  ${address}/live`)
  // In production tokens are somebody else's to give, and the demo's company is not there.
  if (config.NODE_ENV !== 'production')
    console.log('  a token:       npm run --silent token -- company@example.com')
}

try {
  await start()
} catch (error) {
  console.error(explain(error))
  process.exit(1)
}
