import type { Database } from '../../db/engine/database.ts'
import { migrationStatus } from '../../db/migrations/migrate.ts'
import { BackupError, type Manifest } from './manifest.ts'
import { countRows, readVisibleTables } from './visible-tables.ts'

export interface Restored {
  /** The restored database as it is called now; of the embedded engine its folder. */
  database: string
  /** What the replaced one is called now. */
  before?: string
  /** Rows of transactions of another cluster that were brought into the time of this one. */
  adopted: number
  /** Migrations that the backup is older than. */
  pending: string[]
}

/** What a new history begins with. */
const MADE_ANEW = new Set(['muster.history', 'muster.departed_rows', 'muster.changed_callers'])

/**
 * Compares a restored database with the manifest of its backup, and its migrations with those of this version.
 *
 * @returns the migrations that are pending
 * @throws BackupError when rows are missing, or its history is not an earlier part of this version's
 */
export async function verifyContent(database: Database, { rows }: Manifest): Promise<string[]> {
  await database.transaction(
    async (tx) => {
      const hidden = (await readVisibleTables(tx)).filter(({ isWhole }) => !isWhole)
      if (hidden.length > 0) {
        throw new BackupError(
          `Row level security may hide rows of ${hidden.map(({ name }) => name).join(', ')} from this login, so they cannot be counted: grant muster_definer to it.`,
        )
      }
      const counts = await countRows(tx, Object.keys(rows))
      const wrong = Object.entries(rows).filter(
        ([name, count]) => !MADE_ANEW.has(name) && counts[name] !== count,
      )
      if (wrong.length > 0) {
        throw new BackupError(
          `Rows are missing: ${wrong.map(([name, count]) => `${name} has ${counts[name]} of ${count}`).join(', ')}.`,
        )
      }
    },
    { readOnly: true },
  )
  const statuses = await migrationStatus(database)
  const wrong = statuses.filter(({ state }) => state !== 'applied' && state !== 'pending')
  if (wrong.length > 0) {
    throw new BackupError(
      `The history of the backup is not that of this version: ${wrong.map(({ tag, state }) => `${tag} (${state})`).join(', ')}. Restore it with the version that made it.`,
    )
  }
  return statuses.filter(({ state }) => state === 'pending').map(({ tag }) => tag)
}
