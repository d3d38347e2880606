import type { Database } from '../db/engine/database.ts'
import { asService } from '../db/identity.ts'

/** Published tables with rows of transactions that this cluster has not had yet: they were restored from another one. */
export async function tablesFromFuture(worker: Database): Promise<string[]> {
  const [row] = await asService(
    worker,
    (tx) => tx.query<{ tables: string[] }>('select to_json(muster.tables_from_future()) as tables'),
    { readOnly: true },
  )
  return row?.tables ?? []
}

/**
 * Begins a new history of transaction ids after a restore: rows from another cluster are brought into the time of this one, and
 * every client of the catch-up starts anew. The service must not be running.
 *
 * @param owner the database, as the owner of its tables
 * @returns how many rows had to be changed
 */
export async function beginHistory(owner: Database): Promise<number> {
  const [row] = await owner.query<{ adopted: string }>('select muster.begin_history() as adopted')
  return Number(row?.adopted)
}
