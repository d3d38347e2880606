import type { Database } from './engine/database.ts'
import { isNewer, MIGRATIONS_FOLDER, readMigrations } from './migrations/migration-files.ts'

/**
 * What keeps a database that answers from serving this version:
 *
 * - `schema_older`: it lacks migrations, or was rolled back;
 * - `upgrade_announced`: its schema is still ours, and about to become one that this version cannot live with;
 * - `schema_incompatible`: it has become that;
 * - `standby`, `read_only`: it takes no writes.
 */
export type Obstacle = 'schema_older' | 'upgrade_announced' | 'schema_incompatible' | 'standby' | 'read_only'

/** The newest file, read once: the files of a version that runs do not change. */
let newestMigration: Promise<string> | undefined

/** The newest migration of this version. */
function ownVersion(): Promise<string> {
  newestMigration ??= readMigrations(MIGRATIONS_FOLDER).then((migrations) => migrations.at(-1)!.tag)
  return newestMigration
}

/**
 * What keeps the database from serving this version; undefined for nothing. It does not matter which tool migrated it.
 *
 * @throws with SQLSTATE of class 42 or 3F, a database without our schema
 */
export async function findObstacle(database: Database): Promise<Obstacle | undefined> {
  const own = await ownVersion()
  const [found] = await database.query<{
    version: string
    oldest: string
    standby: boolean
    read_only: boolean
  }>(
    `select muster.schema_version() as version, muster.oldest_version() as oldest,
       pg_is_in_recovery() as standby, current_setting('transaction_read_only')::boolean as read_only`,
  )
  const { version, oldest, standby, read_only: isReadOnly } = found!
  if (isNewer(oldest, own)) return version === own ? 'upgrade_announced' : 'schema_incompatible'
  if (isNewer(own, version)) return 'schema_older'
  if (standby) return 'standby'
  return isReadOnly ? 'read_only' : undefined
}
