import type { TestProject } from 'vitest/node'
import { openServer } from '../../src/platform/db/engine/server.ts'
import { startMigratedPostgres } from './migrated-postgres.ts'
import { createTemplate, dropDatabase } from './server-databases.ts'
import './provided.ts'

/** Provides a migrated template database. @throws as `prepareServer` */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { url, template, release } = await prepareServer()
  project.provide('database', { engine: 'server', url, template })
  return release
}

/**
 * A migrated template database: on the server of `TEST_DATABASE_URL`, a superuser's, where that is set, else on a private one
 * that lives as long as the run.
 *
 * @throws Error when there is no suitable server, and none could be installed: the suite is never left out silently.
 */
export async function prepareServer(): Promise<{
  url: string
  template: string
  release: () => Promise<void>
}> {
  const given = process.env.TEST_DATABASE_URL
  if (given) {
    await checkGivenServer(given)
    const template = await createTemplate(given)
    return { url: given, template, release: () => dropDatabase(given, template) }
  }
  const { url, stop } = await startMigratedPostgres()
  return { url, template: await createTemplate(url, 'postgres'), release: stop }
}

async function checkGivenServer(url: string): Promise<void> {
  const server = openServer({ url, max: 1 })
  try {
    const [found] = await server.query<{ wal_level: string; superuser: string; postgis: boolean }>(`
      select
        current_setting('wal_level') as wal_level,
        current_setting('is_superuser') as superuser,
        exists (select from pg_available_extensions where name = 'postgis') as postgis
    `)
    if (found?.wal_level !== 'logical' || found.superuser !== 'on' || !found.postgis) {
      throw new Error(
        `TEST_DATABASE_URL must name a superuser of a server with PostGIS and wal_level=logical; found ${JSON.stringify(found)}.`,
      )
    }
  } finally {
    await server.close()
  }
}
