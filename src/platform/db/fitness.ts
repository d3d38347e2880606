import type { Database } from './engine/database.ts'
import { isNewer, MIGRATIONS_FOLDER, newestMigration } from './migrations/migration-files.ts'

/**
 * What keeps a database that answers from serving this version:
 *
 * - `schema_older`: it lacks migrations, or was rolled back;
 * - `upgrade_announced`: its schema is still ours, and about to become one that this version cannot live with;
 * - `schema_incompatible`: it has become that;
 * - `standby`, `read_only`: it takes no writes.
 */
export type Obstacle = 'schema_older' | 'upgrade_announced' | 'schema_incompatible' | 'standby' | 'read_only'

/** A server that takes no writes has not the schema of this version, and cannot get it. The message says what to do. */
export class ReadOnlyServer extends Error {
  override name = 'ReadOnlyServer'
}

export const TAKES_NO_WRITES =
  'the server takes no writes, because it is a standby that was not promoted, or default_transaction_read_only is on'
export const TO_TAKE_WRITES =
  'Promote it, switch that off, or let DATABASE_URL lead to the primary: with several hosts, target_session_attrs=read-write finds it.'

/** Read once: the files of a version that runs do not change. */
let newest: Promise<string> | undefined

/** The newest migration of this version. */
function ownVersion(): Promise<string> {
  newest ??= newestMigration(MIGRATIONS_FOLDER)
  return newest
}

/**
 * Whether the owner's server takes no writes, and has the schema of this version: then a process can start, and serve reads until
 * it does.
 *
 * @throws ReadOnlyServer when it would have to be migrated first
 */
export async function isReadOnlyAndOurs(owner: Database): Promise<boolean> {
  const [found] = await owner.query<{ is_read_only: boolean }>(
    "select pg_is_in_recovery() or current_setting('transaction_read_only')::boolean as is_read_only",
  )
  if (!found?.is_read_only) return false
  const obstacle = await findObstacle(owner).catch(() => 'schema_older' as const)
  if (obstacle === 'standby' || obstacle === 'read_only') return true
  throw new ReadOnlyServer(
    `The database has another schema than this version, and ${TAKES_NO_WRITES}. ${TO_TAKE_WRITES}`,
  )
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
