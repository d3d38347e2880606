import type { FastifyInstance } from 'fastify'
import { onTestFinished } from 'vitest'
import { buildApp } from '../../src/app.ts'
import { readConfig } from '../../src/config.ts'
import type { Sessions } from '../../src/platform/db/session.ts'

/** The service for one test, without a database: for what needs none. */
export async function openAppWithoutDatabase(
  environment: Record<string, string> = {},
): Promise<FastifyInstance> {
  const notRunning = async (): Promise<never> => {
    throw new Error('Nothing here asks for data.')
  }
  const app = await buildApp({
    config: readConfig({
      NODE_ENV: 'test',
      LOG_LEVEL: 'silent',
      RATE_LIMIT_PER_MINUTE: '1000000',
      ...environment,
    }),
    version: '0.0.0-test',
    sessions: new Proxy({} as Sessions, { get: () => notRunning }),
    verifier: { verify: notRunning },
    checkReadiness: async () => ({ database: true, migrations: true, feed: 'off', replica: 'off' }),
  })
  onTestFinished(() => app.close())
  return app
}
