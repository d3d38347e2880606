import type { FastifyInstance } from 'fastify'
import { onTestFinished } from 'vitest'
import { buildApp } from '../../src/app.ts'
import { readConfig } from '../../src/config.ts'
import { callerFromClaims } from '../../src/platform/auth/caller.ts'
import type { Sessions } from '../../src/platform/db/session.ts'
import type { Metrics } from '../../src/platform/operations/metrics.ts'
import { ALL_WELL } from '../../src/platform/operations/routes.ts'

/** The service for one test, without a database: for what needs none. A token is the id of a user. */
export async function openAppWithoutDatabase(
  environment: Record<string, string> = {},
  metrics?: Metrics,
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
    verifier: {
      verify: async (token) =>
        callerFromClaims({ role: 'authenticated', sub: token, exp: Date.now() / 1000 + 60 }),
    },
    checkReadiness: async () => ALL_WELL,
    metrics,
  })
  onTestFinished(() => app.close())
  return app
}
