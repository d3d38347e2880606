import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { PGlite, type Results } from '@electric-sql/pglite'
import { btree_gist } from '@electric-sql/pglite/contrib/btree_gist'
import { postgis } from '@electric-sql/pglite-postgis'
import type { Database, Parameter, Row, Transaction, TransactionOptions } from './database.ts'
import { countFailure } from './failures.ts'
import { Pool, type Pooled } from './pool.ts'
import { postgisIn } from './postgis-bundle.ts'
import { type Base, readPreparedBase, unpackPreparedBase } from './prepared-base.ts'
import { TransactionScope } from './transaction-scope.ts'

/** Types whose text must reach the caller as it is: date, timestamp, timestamptz (PGlite would make a Date). */
const TEXT_TYPES = [1082, 1114, 1184]
/** json and jsonb: a parameter is JSON text already. */
const JSON_TYPES = [114, 3802]
/** bool: PGlite would throw an error of its own, without an SQLSTATE, for text. */
const BOOL = 16

const asText = (value: string): string => value
const parsers = Object.fromEntries(TEXT_TYPES.map((oid) => [oid, asText]))
/** As they are: whether a number is a date is for PostgreSQL to say, on both engines alike. */
const serializers = Object.fromEntries(
  [...JSON_TYPES, ...TEXT_TYPES, BOOL].map((oid) => [oid, (value: unknown) => String(value)]),
)

export type EmbeddedOptions = EngineOptions & TurnOptions

export interface EngineOptions {
  /** A folder that keeps the data; without one they live in memory. */
  dataDir?: string
  /** A dump of a prepared data folder (`PGlite.dumpDataDir`), loaded when the database is new. */
  loadDataDir?: Blob
  /** Makes a new database with `initdb`, which takes 12 s of CPU time, also where a base is prepared: to prepare one, and to compare. */
  withoutBase?: true
  /** With what a new database begins, where it is prepared: `empty` unless told. */
  base?: Base
  /** Where PostGIS is kept in the form in which it starts faster; beside the data folder unless told. */
  cacheDir?: string
}

export interface TurnOptions {
  /** How long a caller waits for its turn before `DatabaseBusy`. */
  acquireTimeoutMs?: number
  /** How many callers may wait for their turn at once; the next one is refused with `DatabaseBusy`. */
  maxWaiting?: number
}

/** The turn to use PGlite: there is one, and it is never lost. */
const THE_ONE: Pooled = {
  isLost: false,
  whenLost: new Promise(() => {}),
  openedAt: 0,
  close: async () => {},
  destroy: () => {},
}

/**
 * Statements run on this thread, and who waits for one is served without a turn of the event loop: a queue of a thousand would keep
 * sockets and timers waiting until it is empty. So the event loop has a turn after some time, and statements then have as long as it took:
 * neither stops the other. Both in milliseconds.
 */
const SHORTEST_STRETCH_MS = 10
const LONGEST_STRETCH_MS = 100

/** A transaction that is running gets this long to end before the database is closed under it. */
const CLOSE_TIMEOUT_MS = 5_000

/**
 * PostgreSQL refuses with 54001 what would go deeper. V8's own stack (984 KB) ends where this one has used some 350 kB, at 250 calls of
 * a PL/pgSQL function within each other; past it PGlite answers nothing more, or nonsense.
 */
const MAX_STACK_DEPTH = '200kB'

/** PostgreSQL with PostGIS in this process (PGlite): one connection, so transactions run one after the other. */
export async function openEmbedded(options: EmbeddedOptions = {}): Promise<EmbeddedDatabase> {
  const pglite = await startEngine(options)
  return serveEngine(pglite, options, () => pglite.close())
}

export type EmbeddedDatabase = Database & { readonly pglite: PGlite }

/** PGlite with all that a session of ours is set to, and nobody who uses it yet. */
export async function startEngine(options: EngineOptions): Promise<PGlite> {
  const { dataDir } = options
  const needsBase = !options.loadDataDir && !options.withoutBase
  const base = needsBase && !dataDir ? await readPreparedBase(options.base ?? 'empty') : undefined
  const loadDataDir = base ? new Blob([new Uint8Array(base)]) : options.loadDataDir
  if (dataDir) {
    await mkdir(dirname(dataDir), { recursive: true })
    if (needsBase) await unpackPreparedBase(dataDir, options.base ?? 'empty')
  }
  const cacheDir = options.cacheDir ?? (dataDir && dirname(dataDir))
  const pglite = await PGlite.create({
    ...(dataDir ? { dataDir } : {}),
    ...(loadDataDir ? { loadDataDir } : {}),
    extensions: { postgis: cacheDir ? postgisIn(cacheDir) : postgis, btree_gist },
    parsers,
    serializers,
  })
  keepStackPointer(pglite)
  stopWhenBroken(pglite)
  await pglite.exec(`
    set max_stack_depth = '${MAX_STACK_DEPTH}';
    set timezone = 'UTC';
    set search_path = public, extensions;
    set default_transaction_isolation = 'read committed';
  `)
  return pglite
}

/**
 * Who asks `pglite` for something waits here for the turn.
 *
 * @param end what becomes of the engine when it is closed, and nobody may use it any more
 */
export function serveEngine(
  pglite: PGlite,
  { acquireTimeoutMs = 5_000, maxWaiting = 1_000 }: TurnOptions,
  end: () => Promise<void>,
): EmbeddedDatabase {
  // PGlite has a queue of its own, without an end or a limit.
  const pool = new Pool<Pooled>({
    open: async () => THE_ONE,
    max: 1,
    acquireTimeoutMs,
    maxWaiting,
    maxAgeMs: Number.POSITIVE_INFINITY,
  })

  let stretch = { beganAt: performance.now(), ms: SHORTEST_STRETCH_MS }
  async function letOthersRun(): Promise<void> {
    const endedAt = performance.now()
    if (endedAt - stretch.beganAt < stretch.ms) return
    await nextTurn()
    const beganAt = performance.now()
    stretch = {
      beganAt,
      ms: Math.min(LONGEST_STRETCH_MS, Math.max(SHORTEST_STRETCH_MS, beganAt - endedAt)),
    }
  }

  async function inTurn<T>(
    use: () => Promise<T>,
    { signal, caller }: Pick<TransactionOptions, 'signal' | 'caller'> = {},
  ): Promise<T> {
    try {
      const turn = await pool.acquire(signal, caller)
      try {
        await letOthersRun()
        return await use()
      } finally {
        pool.release(turn)
      }
    } catch (error) {
      countFailure(error)
      throw error
    }
  }

  return {
    kind: 'embedded',
    pglite,
    get load() {
      return pool.load
    },

    transaction: (work, given = {}) => inTurn(() => runTransaction(pglite, work, given, letOthersRun), given),

    query: <R extends Row>(text: string, parameters: readonly Parameter[] = [], given = {}) =>
      inTurn(async () => (await pglite.query<R>(text, [...parameters])).rows, given),

    async script(text) {
      await inTurn(() => pglite.exec(text))
    },

    listen: (channel, onNotify) => inTurn(() => pglite.listen(channel, onNotify)),

    async close() {
      await pool.close(CLOSE_TIMEOUT_MS)
      await end()
    },
  }
}

/**
 * An SQL error leaves WebAssembly as an exception, which takes nothing off PostgreSQL's stack, and PGlite (0.5.8) does not either: after
 * some 1,900 errors each statement would be refused with 54001, for good. So the stack ends each message where it began.
 */
function keepStackPointer(pglite: PGlite): void {
  const pointer: { value: number } = Reflect.get(pglite.Module, '___stack_pointer')
  const execute = pglite.execProtocolRawSync.bind(pglite)
  pglite.execProtocolRawSync = (message) => {
    const before = pointer.value
    try {
      return execute(message)
    } finally {
      pointer.value = before
    }
  }
}

/** What PGlite catches when PostgreSQL reports an error in the regular way. */
const SQL_ERROR = 'unwind'
/** What PGlite calls for each message, and when it closes. */
const ENTRIES = [
  '_PostgresMainLoopOnce',
  '_pgl_setPGliteExitStatus',
  '_PostgresSendReadyForQueryIfNecessary',
  '_pgl_run_atexit_funcs',
] as const

/**
 * Past the end of V8's stack (deeply nested JSON needs little of PostgreSQL's) the engine stops wherever it is, with its locks held.
 * PGlite would ignore that: it answers no rows, or never. So nothing more is asked of such an engine; a new one recovers the folder.
 */
function stopWhenBroken(pglite: PGlite): void {
  const module = pglite.Module
  const run = module._PostgresMainLoopOnce
  module._PostgresMainLoopOnce = () => {
    try {
      run()
    } catch (cause) {
      if (cause !== SQL_ERROR) {
        const refuse = (): never => {
          throw new Error('The embedded database broke down; restart the service.', { cause })
        }
        for (const entry of ENTRIES) module[entry] = refuse
      }
      throw cause
    }
  }
}

function runTransaction<T>(
  pglite: PGlite,
  work: (tx: Transaction) => Promise<T>,
  { readOnly = false, signal, enter, single }: TransactionOptions,
  letOthersRun: () => Promise<void>,
): Promise<T> {
  return pglite.transaction(async (tx) => {
    if (readOnly) await tx.query('set transaction read only')
    let entered = false
    const scope = new TransactionScope(async (text, parameters) => {
      await letOthersRun()
      if (enter && !entered) await tx.query(enter.text, [...enter.parameters])
      entered = true
      const results: Results<Row> = await tx.query<Row>(text, [...parameters])
      return results.rows
    }, single)
    // A statement that is running cannot be cancelled: nothing else happens in this process until it is done.
    const abort = (): void => scope.break(signal?.reason)
    signal?.addEventListener('abort', abort)
    try {
      return await scope.run(work)
    } finally {
      signal?.removeEventListener('abort', abort)
      await scope.settle()
    }
  })
}
