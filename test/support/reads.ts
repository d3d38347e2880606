import type { Caller } from '../../src/platform/auth/caller.ts'
import { sql } from '../../src/platform/db/drizzle.ts'
import type { Database } from '../../src/platform/db/engine/database.ts'
import { openSessions, type Session } from '../../src/platform/db/session.ts'
import { callerOf, type Persona } from './world.ts'

/** What was read of a table, as PostgreSQL counts it. A server counts; the embedded engine does not. */
export interface Reads {
  /** Scans of the index that is meant to be used, and the entries that they gave. */
  scans: number
  entries: number
  /** Entries of the table's other indexes. */
  otherEntries: number
  /** Scans of the whole table. */
  tableScans: number
}

async function readStatistics(owner: Database, index: string): Promise<Reads> {
  const [row] = await owner.query<Record<keyof Reads, number>>(
    `select
       sum(i.idx_scan) filter (where i.indexrelid = meant.indexrelid)::int as scans,
       sum(i.idx_tup_read) filter (where i.indexrelid = meant.indexrelid)::int as entries,
       sum(i.idx_tup_read) filter (where i.indexrelid <> meant.indexrelid)::int as "otherEntries",
       min(t.seq_scan)::int as "tableScans"
     from pg_index meant
     join pg_stat_user_indexes i on i.relid = meant.indrelid
     join pg_stat_user_tables t on t.relid = meant.indrelid
     where meant.indexrelid = $1::regclass`,
    [index],
  )
  return row!
}

/** More than the five for which PostgreSQL, left alone, plans for the very parameters. */
export const CALLS = 8

/**
 * Runs `work` `CALLS` times in one session of a persona.
 *
 * @param index the index that is meant to be used; its table is watched.
 * @returns what `work` gave last, and what one run read on average.
 */
export async function measureReads<T>(
  database: { owner: Database; api: Database },
  index: string,
  persona: Persona | Caller,
  work: (session: Session) => Promise<T>,
): Promise<{ result: T; reads: Reads }> {
  const before = await readStatistics(database.owner, index)
  const result = await openSessions(database.api).read(
    typeof persona === 'string' ? callerOf(persona) : persona,
    async (session) => {
      let last = await work(session)
      for (let call = 1; call < CALLS; call += 1) last = await work(session)
      await session.value(sql`select pg_stat_force_next_flush()`)
      return last
    },
  )
  const after = await readStatistics(database.owner, index)
  const each = (name: keyof Reads) => (after[name] - before[name]) / CALLS
  return {
    result,
    reads: {
      scans: each('scans'),
      entries: each('entries'),
      otherEntries: each('otherEntries'),
      tableScans: each('tableScans'),
    },
  }
}
