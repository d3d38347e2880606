import { explain } from './cli/command.ts'
import { hasSignIn, readConfig, requireChosenDatabase } from './config.ts'
import { mistypedSettings } from './mistyped-settings.ts'
import { describeDatabase } from './platform/db/describe.ts'
import { asPortUnavailable, requireFreePort } from './platform/http/free-port.ts'
import { writePrivately } from './platform/private-folder.ts'
import { readVersion } from './version.ts'

async function start(): Promise<void> {
  for (const line of mistypedSettings(process.env)) console.warn(line)
  const config = readConfig(process.env)
  requireChosenDatabase(config)
  console.log(`Muster ${await readVersion()} starts with ${describeDatabase(config)}.`)
  await requireFreePort(config)
  writePrivately()

  // Print the lines above first: the modules below take a second to load.
  const [{ openLog }, { resolveTokenSettings }, { openDatabases }, { resolveDrizzleQuickly }] =
    await Promise.all([
      import('./platform/log.ts'),
      import('./platform/auth/development-secret.ts'),
      import('./platform/db/open.ts'),
      import('./platform/db/drizzle-resolution.ts'),
    ])
  const tokenSettings = await resolveTokenSettings(config)
  const log = openLog(config)
  resolveDrizzleQuickly()
  // Load the service while PGlite compiles PostgreSQL on other threads, or while the server answers.
  const [databases, { openService }, { seedDemo }] = await Promise.all([
    openDatabases(config, (line) => console.log(line), log),
    import('./service.ts'),
    import('./app.ts'),
  ])
  if (
    databases.api.kind === 'embedded' &&
    config.NODE_ENV !== 'production' &&
    (await seedDemo(databases.api, config))
  ) {
    console.log('Seeded the empty database with the demo. README.md lists its users.')
  }
  const service = await openService({ config, tokenSettings, databases, log })
  const address = await service
    .listen({ host: config.HOST, port: config.PORT })
    .catch((error: unknown) => Promise.reject(asPortUnavailable(config, error)))
  const url = config.PUBLIC_URL ?? address.replace('127.0.0.1', 'localhost')
  console.log(`Muster listens on ${url}
  documentation: ${url}/docs
  shifts, live:  ${url}/live`)
  if (hasSignIn(config) && config.NODE_ENV !== 'production' && config.SMTP_URL === undefined)
    console.log(`  mails:         ${url}/sign-in/mailbox`)
  // In production an issuer makes the tokens, and there is no demo.
  if (config.NODE_ENV !== 'production')
    console.log('  a token:       npm run --silent token -- company@example.com')
  if (config.NODE_ENV === 'development')
    console.log(
      '  browsers:      CORS allows localhost on any port, because NODE_ENV is development (see CORS_ORIGINS)',
    )
}

try {
  await start()
} catch (error) {
  console.error(explain(error))
  process.exit(1)
}
