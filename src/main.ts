import { explain } from './cli/command.ts'
import { readConfig, requireChosenDatabase } from './config.ts'
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
  const [{ openLog }, { resolveSignInSecret, resolveTokenSettings }, { openDatabases }] = await Promise.all([
    import('./platform/log.ts'),
    import('./platform/auth/development-secret.ts'),
    import('./platform/db/open.ts'),
  ])
  const tokenSettings = await resolveTokenSettings(config)
  const log = openLog(config)
  // Load the service while PGlite compiles PostgreSQL on other threads, or while the server answers.
  const [databases, { openService }, { seedDemo }, { demoPassword, giveDemoAccounts }, { DEMO_USERS }] =
    await Promise.all([
      openDatabases(config, (line) => console.log(line), log),
      import('./service.ts'),
      import('./app.ts'),
      import('./platform/sign-in/demo.ts'),
      import('./cli/demo-users.ts'),
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
  live board:    ${url}/live`)
  // In production there is no demo, and `npm run token` makes nothing.
  if (config.NODE_ENV !== 'production') {
    if (service.signIn) {
      const password = demoPassword(await resolveSignInSecret(config))
      console.log(
        `  sign in:       company@example.com, password ${password} (README.md lists the other persons of the demo)`,
      )
      if (config.SMTP_URL === undefined) console.log(`  mails:         ${url}/sign-in/mailbox`)
      // The hash takes as long as a sign-in, and nobody is at the form yet.
      await giveDemoAccounts(service.signIn, DEMO_USERS, password).catch((error: unknown) => {
        log.warn(
          { reason: error instanceof Error ? error.name : 'unknown' },
          'sign-in: the persons of the demo could not be given their password; the next start tries again',
        )
      })
    }
    console.log('  a token:       npm run --silent token -- company@example.com')
  }
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
