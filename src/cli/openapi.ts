import { writeFile } from 'node:fs/promises'
import { buildApp } from '../app.ts'
import { readConfig } from '../config.ts'
import type { Database } from '../platform/db/engine/database.ts'
import { openLog } from '../platform/log.ts'
import { NO_MAIL } from '../platform/sign-in/mail.ts'
import { openSignIn } from '../platform/sign-in/sign-in.ts'
import { readVersion } from '../version.ts'

const notRunningDatabase = (notRunning: () => never): Database =>
  new Proxy({} as Database, { get: () => notRunning })

/** The service's OpenAPI document, made from its routes. Nothing of it is started, so nothing may be called. */
export async function describeApi({ signIn = false } = {}): Promise<Record<string, unknown>> {
  const notRunning = (): never => {
    throw new Error('This app only describes itself.')
  }
  const config = readConfig({ LOG_LEVEL: 'silent' })
  const app = await buildApp({
    config,
    ...(signIn && {
      signIn: openSignIn({
        config,
        database: notRunningDatabase(notRunning),
        secret: 'of a service that describes itself',
        mailer: NO_MAIL,
        log: openLog(config),
      }),
    }),
    version: await readVersion(),
    sessions: { read: notRunning, statements: notRunning, write: notRunning, call: notRunning },
    verifier: { verify: notRunning },
    checkReadiness: notRunning,
  })
  await app.ready()
  const document = app.swagger()
  await app.close()
  return document as Record<string, unknown>
}

if (import.meta.main) {
  const text = `${JSON.stringify(await describeApi({ signIn: true }), null, 2)}\n`
  const [path] = process.argv.slice(2)
  if (path) await writeFile(path, text)
  else process.stdout.write(text)
}
