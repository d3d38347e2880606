import { afterAll, beforeAll, inject } from 'vitest'
import type { Database } from '../../src/platform/db/engine/database.ts'
import { openServer } from '../../src/platform/db/engine/server.ts'
import { openEmbeddedCopy } from './embedded-copy.ts'
import { copyTemplate, dropDatabase, urlOf } from './server-databases.ts'
import './provided.ts'

export interface TestDatabase {
  readonly engine: Database['kind']
  /** As a superuser, whom no policy binds: to arrange and to inspect, not to act. */
  readonly owner: Database
  /** The same, for further connections; the embedded engine has none. */
  readonly ownerUrl?: string
  /** Ends every session and removes the database. */
  close(): Promise<void>
}

/** A migrated database of one's own, without data, on the engine of the project that runs the test. */
export async function openTestDatabase(): Promise<TestDatabase> {
  const prepared = inject('database')
  if (prepared.engine === 'embedded') {
    const owner = await openEmbeddedCopy(prepared)
    return { engine: 'embedded', owner, close: owner.close }
  }
  const name = await copyTemplate(prepared.url, prepared.template)
  const ownerUrl = urlOf(prepared.url, name)
  const owner = openServer({ url: ownerUrl, max: 4, applicationName: 'muster-test-owner' })
  return {
    engine: 'server',
    owner,
    ownerUrl,
    async close() {
      await owner.close()
      await dropDatabase(prepared.url, name)
    },
  }
}

/** One database for all tests of the file (or `describe`), open from before the first until after the last. */
export function useTestDatabase(): () => TestDatabase {
  let database: TestDatabase | undefined
  beforeAll(async () => {
    database = await openTestDatabase()
  })
  afterAll(() => database?.close())
  return () => {
    if (!database) throw new Error('The test database is open only while tests run.')
    return database
  }
}
