import type { TestProject } from 'vitest/node'
import { startPgbouncer } from './pgbouncer.ts'
import { prepareServer } from './setup-server.ts'
import './provided.ts'

/**
 * Fewer than the service's own pool has, so that its connections take turns with each of them; and enough for those tests where
 * four wait for each other inside the database.
 */
export const SERVER_CONNECTIONS = 5

/** As for the server project, with PgBouncer in transaction mode between the service and the server. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { url, template, release } = await prepareServer()
  const pooler = await startPgbouncer(url, SERVER_CONNECTIONS)
  project.provide('database', { engine: 'server', url, template, pooler: pooler.url })
  return async () => {
    await pooler.stop()
    await release()
  }
}
