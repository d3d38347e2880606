/**
 * A process that migrates, for tests that start several or kill one: `node migrate-runner.ts <url> <folder>`.
 * Prints the tags that it applied, one a line.
 */
import { openServer } from '../../src/platform/db/engine/server.ts'
import { MIGRATION_CONNECTION, migrateUp } from '../../src/platform/db/migrations/migrate.ts'

const [url, folder] = process.argv.slice(2)
if (!url || !folder) throw new Error('Usage: node migrate-runner.ts <url> <folder>')

const database = openServer({ ...MIGRATION_CONNECTION, url })
try {
  for (const tag of await migrateUp(database, { folder })) console.log(tag)
} finally {
  await database.close()
}
