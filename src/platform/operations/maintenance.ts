import { setTimeout as sleep } from 'node:timers/promises'
import type { Database, Row } from '../db/engine/database.ts'
import { readDatabaseError } from '../db/engine/database-error.ts'

export type Upkeep = 'analyze' | 'vacuum'

export interface UpkeepOptions {
  what: Upkeep
  /** `shifts` or `public.shifts`; all tables without. */
  tables?: readonly string[]
  /** Vacuum: freeze all rows, whatever their age. */
  freeze?: boolean
  /** Called while a table is worked on, where the server tells how far it is. */
  onProgress?: (progress: TableProgress) => void
  /** Called when a table is done, or was left out. */
  onTable: (done: TableDone) => void
}

export interface TableProgress {
  table: string
  phase: string
  /** From 0 to 1, of this phase. */
  part: number
}

export interface TableDone {
  table: string
  nth: number
  of: number
  /** Null where nobody has counted yet. */
  bytes: number | null
  durationMs: number
  /** What was left out, and why. */
  skipped?: 'locked' | 'not_owned'
}

/** A table that was asked for is not there. */
export class NoSuchTable extends Error {
  override name = 'NoSuchTable'
}

/** How often the server is asked how far it is: a person reads no faster. */
const PROGRESS_MS = 300
/** lock_not_available */
const LOCKED = '55P03'

interface Table extends Row {
  table: string
  /** Null where nobody has counted yet. */
  bytes: number | null
  owned: boolean
}

/**
 * Analyzes or vacuums table by table, those with the most changed rows first. Other sessions read and write meanwhile; a table
 * that somebody has locked for longer than the connection waits is left out.
 *
 * @returns how many tables were left out
 * @throws NoSuchTable before anything is done
 */
export async function keepTables(database: Database, options: UpkeepOptions): Promise<number> {
  const tables = await findTables(database, options.tables)
  let skippedTables = 0
  for (const [index, { table, bytes, owned }] of tables.entries()) {
    const start = performance.now()
    const skipped = owned ? await keepTable(database, table, options) : 'not_owned'
    if (skipped) skippedTables += 1
    const durationMs = performance.now() - start
    options.onTable({
      ...{ table, nth: index + 1, of: tables.length, bytes, durationMs },
      ...(skipped && { skipped }),
    })
  }
  return skippedTables
}

async function findTables(database: Database, wanted: readonly string[] = []): Promise<Table[]> {
  // From PostgreSQL 17 on MAINTAIN may be granted, too; who has it is mostly the owner all the same.
  const tables = await database.query<Table & { qualified: string; name: string }>(
    `select format('%I.%I', n.nspname, c.relname) as "table", n.nspname || '.' || c.relname as qualified, c.relname as name,
       -- As it was when somebody counted: to ask for the size waits for whoever has the table locked.
       case when c.reltuples >= 0 then c.relpages::float8 * 8192 end as bytes, pg_has_role(c.relowner, 'usage') as owned
     from pg_class c
     join pg_namespace n on n.oid = c.relnamespace
     left join pg_stat_all_tables s on s.relid = c.oid
     where c.relkind in ('r', 'm') and n.nspname not in ('pg_catalog', 'information_schema')
       and c.relpersistence <> 't'
       and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
     order by coalesce(s.n_dead_tup, 0) + coalesce(s.n_mod_since_analyze, 0) desc, bytes desc nulls last, "table"`,
  )
  const isCalled = (word: string) => (table: (typeof tables)[number]) =>
    table.qualified === word || (table.name === word && /^"?(?:public|muster)"?\./.test(table.table))
  const missing = wanted.filter((word) => !tables.some(isCalled(word)))
  if (missing.length > 0) throw new NoSuchTable(`There is no table ${missing.join(', ')}.`)
  return wanted.length === 0 ? tables : tables.filter((table) => wanted.some((word) => isCalled(word)(table)))
}

async function keepTable(
  database: Database,
  table: string,
  { what, freeze = false, onProgress }: UpkeepOptions,
): Promise<'locked' | undefined> {
  const statement = what === 'analyze' ? `analyze ${table}` : `vacuum (analyze, freeze ${freeze}) ${table}`
  const done = new AbortController()
  const watching =
    onProgress && database.kind === 'server'
      ? watch(database, what, table, onProgress, done.signal)
      : undefined
  try {
    await database.query(statement)
    return undefined
  } catch (error) {
    if (readDatabaseError(error)?.sqlstate === LOCKED) return 'locked'
    throw error
  } finally {
    done.abort()
    await watching
  }
}

const PROGRESS_OF: Readonly<Record<Upkeep, string>> = {
  analyze: `select phase, sample_blks_scanned::float8 / greatest(sample_blks_total, 1) as part
    from pg_stat_progress_analyze where relid = $1::regclass`,
  vacuum: `select phase, case phase when 'vacuuming heap' then heap_blks_vacuumed else heap_blks_scanned end::float8
      / greatest(heap_blks_total, 1) as part
    from pg_stat_progress_vacuum where relid = $1::regclass`,
}

async function watch(
  database: Database,
  what: Upkeep,
  table: string,
  onProgress: (progress: TableProgress) => void,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const [found] = await database.query<{ phase: string; part: number }>(PROGRESS_OF[what], [table])
    if (found) onProgress({ table, ...found })
    await sleep(PROGRESS_MS, undefined, { signal }).catch(() => {
      // It is done.
    })
  }
}
