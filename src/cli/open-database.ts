import { type Config, requireChosenDatabase } from '../config.ts'
import { claimDataFolder } from '../platform/db/engine/data-folder.ts'
import type { Database } from '../platform/db/engine/database.ts'
import { openEmbedded } from '../platform/db/engine/embedded.ts'
import { openServer } from '../platform/db/engine/server.ts'
import { MIGRATION_CONNECTION } from '../platform/db/migrations/migrate.ts'
import { embeddedDataDir } from '../platform/db/open.ts'

/** Opens the database as its owner: the server of `DATABASE_URL`, or the embedded one, which only one process can open. */
export async function withDatabase<T>(
  config: Config,
  work: (database: Database) => Promise<T>,
  applicationName: string = MIGRATION_CONNECTION.applicationName,
): Promise<T> {
  if (config.DATABASE_URL) {
    const connection = { ...MIGRATION_CONNECTION, applicationName, url: config.DATABASE_URL }
    return await closing(openServer(connection), work)
  }
  requireChosenDatabase(config)
  const release = await claimDataFolder(config.DATA_DIR)
  try {
    return await closing(await openEmbedded({ dataDir: embeddedDataDir(config) }), work)
  } finally {
    await release()
  }
}

async function closing<T>(database: Database, work: (database: Database) => Promise<T>): Promise<T> {
  try {
    return await work(database)
  } finally {
    await database.close()
  }
}
