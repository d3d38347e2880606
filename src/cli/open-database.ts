import { type Config, requireChosenDatabase } from '../config.ts'
import { claimDataFolder } from '../platform/db/engine/data-folder.ts'
import type { Database } from '../platform/db/engine/database.ts'
import { openEmbedded } from '../platform/db/engine/embedded.ts'
import { embeddedDataDir, openOwner } from '../platform/db/open.ts'

/**
 * Opens the database as its owner: the server of `DATABASE_URL`, or the embedded one, which only one process can open. What the server
 * warns of, such as a privilege that the owner may not grant, goes to the standard error.
 */
export async function withDatabase<T>(
  config: Config,
  work: (database: Database) => Promise<T>,
  applicationName?: string,
): Promise<T> {
  if (config.DATABASE_URL) {
    const warn = (line: string): void => console.error(line)
    return await closing(openOwner(config.DATABASE_URL, warn, applicationName), work)
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
