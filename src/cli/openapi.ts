import { writeFile } from 'node:fs/promises'
import { buildApp } from '../app.ts'
import { readConfig } from '../config.ts'
import { readVersion } from '../version.ts'

/** The service's OpenAPI document, made from its routes. Nothing of it is started, so nothing may be called. */
export async function describeApi(): Promise<Record<string, unknown>> {
  const notRunning = (): never => {
    throw new Error('This app only describes itself.')
  }
  const app = await buildApp({
    config: readConfig({ LOG_LEVEL: 'silent' }),
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
  const text = `${JSON.stringify(await describeApi(), null, 2)}\n`
  const [path] = process.argv.slice(2)
  if (path) await writeFile(path, text)
  else process.stdout.write(text)
}
