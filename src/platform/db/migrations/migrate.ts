import { setTimeout as sleep } from 'node:timers/promises'
import type { Database, Transaction } from '../engine/database.ts'
import type { ServerOptions } from '../engine/server.ts'
import { MigrationError, type MigrationErrorCode } from './migration-error.ts'
import {
  checkMigrationFile,
  isNewer,
  MIGRATIONS_FOLDER,
  type Migration,
  type MigrationFile,
  readMigrations,
} from './migration-files.ts'

/*
 * The history lives in Drizzle's own table, so that its tools read it. Its migrator is not used: it takes no lock,
 * skips a file older than the newest applied, does not notice an edited one, and runs everything in one transaction.
 *
 * The lock is an advisory lock of each file's own transaction, and the history is read again under it. A session's lock
 * would not do: a pool may run the next statement on another connection, and a pooler in transaction mode on another
 * session. This one shares the fate of the work: it cannot be lost while the file still runs, and it cannot stay behind,
 * because the server drops it with the transaction, also when the runner is killed. Between two files another runner
 * may take the next one; whoever comes later sees it as applied.
 */

/** Two int4 keys: "must" in ASCII for this project's advisory locks, and 1 for the migrations. */
const LOCK_KEY: readonly [number, number] = [0x6d757374, 1]

/**
 * How often a waiting runner asks for the lock again. It asks, and does not queue: a session that waits inside a statement
 * holds a snapshot, and `create index concurrently` of the runner with the lock would wait for that snapshot for ever.
 */
const LOCK_POLL_MS = 200

/** How long a runner waits for another: longer than any migration that a deployment should wait for. */
const LOCK_WAIT_MS = 10 * 60_000

/**
 * How often a file is tried when something passes by itself: a lock that was not free, a deadlock, or another database of
 * the same cluster changing the same role. Roles belong to the cluster but advisory locks to one database, so test
 * databases that migrate at once do meet in `pg_authid`. Each round at least one of them gets through, and a machine
 * runs fewer than ten.
 */
const FILE_ATTEMPTS = 10

/** The longest random pause before the next try: long enough for the other transaction to end, short to a person. */
const RETRY_PAUSE_MS = 500

/**
 * What each file's transaction starts with, whatever the connection, the role or the database have set.
 * A setting that this version of PostgreSQL does not know is left out.
 */
const FILE_SETTINGS = {
  // Unqualified names mean the same on every machine; PostGIS lives in `extensions`.
  search_path: 'public, extensions',
  timezone: 'UTC',
  // While a statement waits for an exclusive lock, every reader queues behind it: give up soon, and try again.
  lock_timeout: '5s',
  // Building an index on a large table takes as long as it takes.
  statement_timeout: '0',
  transaction_timeout: '0',
  idle_in_transaction_session_timeout: '0',
  // The server ends the statement of a killed runner within a second; else the lock lives until the statement is done.
  client_connection_check_interval: '1s',
}

/** Where the server cannot notice that a client is gone, it refuses to be told to look. */
const CANNOT_NOTICE_CLIENTS = 'windows|visual c|mingw|emscripten'

/** How long a start or a command waits for its first connection, of a server that is busy: nobody waits behind it, and to give up helps nobody. */
const OPEN_TIMEOUT_MS = 30_000

/**
 * How to open a server's pool for migrations (add `url`, of the owner). Two connections: a file without a transaction
 * runs on the second while the first holds the lock. Not prepared: plans do not survive what migrations change.
 */
export const MIGRATION_CONNECTION = {
  max: 2,
  applicationName: 'muster-migrate',
  prepare: false,
  acquireTimeoutMs: OPEN_TIMEOUT_MS,
  settings: {
    lock_timeout: FILE_SETTINGS.lock_timeout,
    statement_timeout: FILE_SETTINGS.statement_timeout,
    idle_in_transaction_session_timeout: FILE_SETTINGS.idle_in_transaction_session_timeout,
  },
} satisfies Partial<ServerOptions>

/** The `application_name` of callers' sessions begins so: a process of the service that serves has at least one. */
export const SERVING_APPLICATION = 'muster-api'

/**
 * How long a migration that the running processes cannot live with waits for them to stop: they notice within a second, and take
 * `SHUTDOWN_DRAIN_MS` and `SHUTDOWN_TIMEOUT_MS`, 15 s by default. Then it goes on.
 */
const PROCESSES_WAIT_MS = 30_000
/**
 * A session that did nothing for as long belongs to no process that runs: each asks once a second whether it may serve, and gives up a
 * question after three. A pooler keeps the sessions of those that have stopped.
 */
const SILENT_MS = 10_000

/** What a statement outside a transaction finds on its connection; checked, because it cannot be set for it alone. */
const CONNECTION_SETTINGS: Record<string, string> = {
  ...MIGRATION_CONNECTION.settings,
  search_path: FILE_SETTINGS.search_path,
  timezone: FILE_SETTINGS.timezone,
}

export type MigrationProgress =
  | { kind: 'applied' | 'rolled_back'; tag: string; durationMs: number }
  | { kind: 'waiting' }
  /** Running processes cannot live with `tag`: they have been told, and stop now. */
  | { kind: 'announced'; tag: string }
  /** So many sessions of theirs are still there after the wait. */
  | { kind: 'left_behind'; tag: string; sessions: number }
  /** Nothing is applied: the database is that of a newer version, and this one can live with it. */
  | { kind: 'newer'; tag: string }
  /** `reason` is an SQLSTATE. */
  | { kind: 'retrying'; where: string; reason: string }

export interface MigrationOptions {
  /** The folder with `<tag>.sql`, `down/<tag>.sql` and `meta/_journal.json`; the project's own by default. */
  folder?: string
  onProgress?: (event: MigrationProgress) => void
  /** Stops before the next statement, and rolls the file that is running back. */
  signal?: AbortSignal
  /** How long to wait for another runner, in milliseconds. */
  lockWaitMs?: number
  /** How long to wait for processes that cannot live with a migration, in milliseconds. */
  processesWaitMs?: number
  /** After how much silence a session belongs to no process any more, in milliseconds. */
  silentMs?: number
}

export interface MigrationStatus {
  tag: string
  state: 'applied' | 'pending' | 'edited' | 'missing' | 'out_of_order'
  /** ISO 8601, in UTC; null when it is not applied, or was applied by Drizzle, which does not keep it. */
  appliedAt: string | null
}

export interface MigrateUpOptions extends MigrationOptions {
  /** A tag: what is newer stays pending. */
  target?: string
  /** A database of a newer version that this one can live with has nothing pending, and is no error. */
  mayBeNewer?: boolean
}

/**
 * Applies what is pending, oldest first, up to and including `target` (a tag) when there is one. Several runners at once,
 * in one process or many, apply each file once.
 *
 * @returns the tags that this call applied.
 * @throws MigrationError, before anything runs, when the folder and the database disagree (`edited`, `missing`,
 *         `out_of_order`) or a file cannot be run safely; `statement_failed` with the database's error as its cause, after
 *         which the files before the failed one stay applied; `locked`.
 * @throws DatabaseUnavailable when the connection was lost: whether the last file is applied, `migrationStatus` knows.
 */
export async function migrateUp(database: Database, options: MigrateUpOptions = {}): Promise<string[]> {
  const migrations = await readMigrations(options.folder ?? MIGRATIONS_FOLDER)
  const wanted = upTo(migrations, options.target)
  const applied: string[] = []
  const newer = options.mayBeNewer ? await findNewer(database, migrations) : undefined
  if (newer !== undefined) {
    options.onProgress?.({ kind: 'newer', tag: newer })
    return applied
  }
  for (;;) {
    const withdraw = await announceBreaking(database, options, migrations, wanted)
    try {
      const done = await runNextFile(database, options, 'up', async (tx) => {
        await ensureHistory(tx)
        const next = nextPending(migrations, wanted, await readHistory(tx))
        if (next && applied.includes(next.tag)) throw historyChanged(next.tag)
        return next
      })
      if (!done) return applied
      applied.push(done)
    } catch (error) {
      await withdraw?.()
      throw error
    }
  }
}

/**
 * The newest migration of a database that has all of ours and newer ones, and says that this version can live with those; undefined
 * for any other database.
 *
 * @throws MigrationError `edited`, `missing`, `out_of_order` for those that are ours
 */
async function findNewer(database: Database, migrations: readonly Migration[]): Promise<string | undefined> {
  return database.transaction(
    async (tx) => {
      const own = migrations.at(-1)
      const history = await readHistory(tx)
      const newest = history.at(-1)
      if (!own || !newest || Number(newest.when) <= own.when) return undefined
      const ours = compare(
        migrations,
        history.filter(({ when }) => Number(when) <= own.when),
      )
      refuse(ours, ['edited', 'missing', 'out_of_order'])
      const oldest = await readOldestVersion(tx)
      const canLive =
        oldest !== undefined && !isNewer(oldest, own.tag) && ours.every(({ recorded }) => recorded)
      return canLive ? (newest.name ?? newest.when) : undefined
    },
    { readOnly: true },
  )
}

/** The oldest version of the service that can live with the schema; undefined where no version has said so yet. */
async function readOldestVersion(tx: Transaction): Promise<string | undefined> {
  const [found] = await tx.query<{ known: boolean }>(
    "select to_regprocedure('muster.oldest_version()') is not null as known",
  )
  if (!found?.known) return undefined
  const [row] = await tx.query<{ oldest: string }>('select muster.oldest_version() as oldest')
  return row!.oldest
}

/**
 * Where the next migration is one that running processes cannot live with: tells them, by what `muster.oldest_version()` says from now
 * on, and waits until they have stopped.
 *
 * @returns what takes the announcement back, in case the migration fails; undefined where there was nothing to announce.
 */
async function announceBreaking(
  database: Database,
  options: MigrationOptions,
  migrations: readonly Migration[],
  wanted: readonly Migration[],
): Promise<(() => Promise<void>) | undefined> {
  // Embedded there is one process: this one.
  if (database.kind === 'embedded' || !wanted.some(({ up }) => up?.breaking)) return undefined
  const setOldest = (tx: Transaction, oldest: string): Promise<unknown> =>
    tx.query(
      `create or replace function muster.oldest_version() returns text
       language sql immutable parallel safe set search_path = pg_catalog, pg_temp
       return '${oldest.replaceAll("'", "''")}'`,
    )
  const announced = await underLock(database, options, async (tx) => {
    const next = nextPending(migrations, wanted, await readHistory(tx))
    const before = next?.up?.breaking ? await readOldestVersion(tx) : undefined
    if (!next || before === undefined) return undefined
    await setOldest(tx, next.tag)
    return { tag: next.tag, before }
  })
  if (!announced) return undefined
  const { tag, before } = announced
  options.onProgress?.({ kind: 'announced', tag })
  await waitForProcesses(database, tag, options)
  return async () => {
    await underLock(database, options, async (tx) => {
      if ((await readOldestVersion(tx)) === tag) await setOldest(tx, before)
    }).catch(() => {})
  }
}

async function waitForProcesses(database: Database, tag: string, options: MigrationOptions): Promise<void> {
  const deadline = performance.now() + (options.processesWaitMs ?? PROCESSES_WAIT_MS)
  for (;;) {
    // What an owner may not see of others' sessions is null: such a session counts.
    const [row] = await database.query<{ sessions: number }>(
      `select count(*)::int as sessions from pg_stat_activity
       where datname = current_database() and application_name like '${SERVING_APPLICATION}%'
         and (state is distinct from 'idle' or state_change > clock_timestamp() - $1::float8 * interval '1 millisecond')`,
      [options.silentMs ?? SILENT_MS],
    )
    const { sessions } = row!
    if (sessions === 0) return
    if (performance.now() >= deadline) {
      options.onProgress?.({ kind: 'left_behind', tag, sessions })
      return
    }
    await pause(LOCK_POLL_MS, options)
  }
}

/**
 * Rolls the newest `steps` migrations back, newest first, each in a transaction of its own.
 *
 * @returns the tags that were rolled back.
 * @throws MigrationError, before anything runs, when one of them has no down file (`no_down_file`), is edited or missing, or
 *         when fewer are applied (`too_few_applied`); otherwise as `migrateUp`.
 */
export async function migrateDown(
  database: Database,
  steps: number | 'all',
  options: MigrationOptions = {},
): Promise<string[]> {
  const migrations = await readMigrations(options.folder ?? MIGRATIONS_FOLDER)
  const plan = planDown(migrations, await database.transaction(readHistory, { readOnly: true }), steps)
  for (const [i, { tag }] of plan.entries()) {
    await runNextFile(database, options, 'down', async (tx) => {
      const [newest] = planDown(migrations, await readHistory(tx), 1)
      if (newest?.tag !== tag) throw historyChanged(tag)
      return plan[i]
    })
  }
  return plan.map(({ tag }) => tag)
}

/** Every migration of the folder and of the database, oldest first. Changes nothing, and needs no lock. */
export async function migrationStatus(
  database: Database,
  options: Pick<MigrationOptions, 'folder'> = {},
): Promise<MigrationStatus[]> {
  const migrations = await readMigrations(options.folder ?? MIGRATIONS_FOLDER)
  const history = await database.transaction(readHistory, { readOnly: true })
  return compare(migrations, history).map(({ recorded: _, ...status }) => status)
}

/**
 * Returns when the database has exactly the folder's history.
 *
 * @throws MigrationError `edited`, `missing`, `out_of_order` or `pending`.
 */
export async function verifyMigrations(
  database: Database,
  options: Pick<MigrationOptions, 'folder'> = {},
): Promise<void> {
  const statuses = await migrationStatus(database, options)
  refuse(statuses, ['edited', 'missing', 'out_of_order', 'pending'])
}

/** One line for people: `1763769600_roles … 35 ms`. */
export function progressLine(event: MigrationProgress): string {
  switch (event.kind) {
    case 'applied':
      return `${event.tag} … ${Math.round(event.durationMs)} ms`
    case 'rolled_back':
      return `${event.tag} … rolled back in ${Math.round(event.durationMs)} ms`
    case 'waiting':
      return 'Another process is migrating this database: waiting for it to finish.'
    case 'announced':
      return `${event.tag}: processes of versions before it cannot live with it. They have been told to stop; waiting until they have.`
    case 'left_behind':
      return `${event.tag}: ${event.sessions} sessions of such processes are still open; it is applied all the same, and their requests are answered 503.`
    case 'newer':
      return `The database has newer migrations (${event.tag}), which this version can live with: nothing is applied.`
    case 'retrying':
      return `${event.where}: trying again (${event.reason}).`
  }
}

// ---- The history --------------------------------------------------------------------------------------------

/** A row of Drizzle's table. */
interface HistoryRow {
  [column: string]: unknown
  when: string
  hash: string
  name: string | null
  applied_at: string | null
}

const HISTORY = 'drizzle.__drizzle_migrations'

/**
 * Makes Drizzle's table, or gives a table that Drizzle made its two further columns: `name`, which tells what is missing when
 * a file is gone, and `applied_at`. Drizzle's migrator ignores them, and its next version adds them under these names.
 */
async function ensureHistory(tx: Transaction): Promise<void> {
  const [found] = await tx.query<{ present: boolean; complete: boolean }>(`
    select
      to_regclass('${HISTORY}') is not null as present,
      2 = (
        select count(*)
        from pg_catalog.pg_attribute
        where attrelid = to_regclass('${HISTORY}') and attname in ('name', 'applied_at') and not attisdropped
      ) as complete
  `)
  if (found?.complete) return
  if (!found?.present) {
    await tx.query('create schema if not exists drizzle')
    await tx.query(`create table ${HISTORY} (id serial primary key, hash text not null, created_at bigint)`)
  }
  // The default comes after the column: rows of before must not say that they were applied now.
  await tx.query(
    `alter table ${HISTORY} add column if not exists name text, add column if not exists applied_at timestamptz`,
  )
  await tx.query(`alter table ${HISTORY} alter column applied_at set default now()`)
}

/** The applied migrations, oldest first; empty for a database that was never migrated. Reads our own columns only if they exist. */
async function readHistory(tx: Transaction): Promise<HistoryRow[]> {
  const [found] = await tx.query<{ present: boolean }>(
    `select to_regclass('${HISTORY}') is not null as present`,
  )
  if (!found?.present) return []
  return tx.query<HistoryRow>(`
    select
      coalesce(created_at, 0)::text as "when",
      hash,
      to_jsonb(history) ->> 'name' as name,
      to_char(
        (to_jsonb(history) ->> 'applied_at')::timestamptz at time zone 'UTC',
        'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'
      ) as applied_at
    from ${HISTORY} as history
    order by created_at, id
  `)
}

async function record(tx: Transaction, { tag, when, up }: Migration): Promise<void> {
  await tx.query(
    `insert into ${HISTORY} (hash, created_at, name, applied_at) values ($1, $2, $3, clock_timestamp())`,
    [up?.hash ?? '', when, tag],
  )
}

async function forget(tx: Transaction, { when }: Migration): Promise<void> {
  await tx.query(`delete from ${HISTORY} where created_at = $1`, [when])
}

/** A status, and whether the history has it: a `missing` one may be applied or not. */
type Standing = MigrationStatus & { recorded: boolean }

/** Puts folder and history side by side, oldest first. The key is `when`, as it is for Drizzle. */
function compare(migrations: readonly Migration[], history: readonly HistoryRow[]): Standing[] {
  const rows = new Map(history.map((row) => [Number(row.when), row]))
  const newest = Math.max(0, ...rows.keys())
  const known = new Set(migrations.map(({ when }) => when))

  const ofFolder = migrations.map((migration) => {
    const row = rows.get(migration.when)
    return {
      when: migration.when,
      tag: migration.tag,
      state: stateOf(migration, row, newest),
      appliedAt: row?.applied_at ?? null,
      recorded: row !== undefined,
    }
  })
  const ofNobody = [...rows.entries()]
    .filter(([when]) => !known.has(when))
    .map(([when, row]) => ({
      when,
      tag: row.name ?? `unnamed (created_at ${when})`,
      state: 'missing' as const,
      appliedAt: row.applied_at,
      recorded: true,
    }))
  return [...ofFolder, ...ofNobody]
    .sort((one, other) => one.when - other.when)
    .map(({ when: _, ...standing }) => standing)
}

function stateOf(
  migration: Migration,
  row: HistoryRow | undefined,
  newest: number,
): MigrationStatus['state'] {
  if (!migration.up) return 'missing'
  if (row) return row.hash === migration.up.hash ? 'applied' : 'edited'
  return migration.when < newest ? 'out_of_order' : 'pending'
}

const REFUSALS = {
  edited: {
    what: 'Changed after they were applied',
    advice: 'Restore the file, and make the change in a new migration (db:rule or db:generate).',
  },
  missing: {
    what: 'Applied, but without a file in drizzle/',
    advice:
      'Restore the file, or use the version of the code that has it (to migrate from there, or to roll it back).',
  },
  out_of_order: {
    what: 'Older than the newest applied migration',
    advice:
      'The order would differ between databases: create it again with db:rule or db:generate, which give it a newer number.',
  },
  pending: { what: 'Not applied', advice: 'Run db:migrate.' },
} satisfies Partial<Record<MigrationErrorCode, { what: string; advice: string }>>

/** Throws for the first of `states` that occurs, naming every migration in that state. */
function refuse(statuses: readonly MigrationStatus[], states: readonly (keyof typeof REFUSALS)[]): void {
  for (const state of states) {
    const tags = statuses.filter((status) => status.state === state).map(({ tag }) => tag)
    if (tags.length > 0) {
      const { what, advice } = REFUSALS[state]
      throw new MigrationError(state, `${what}: ${tags.join(', ')}. ${advice}`)
    }
  }
}

function upTo(migrations: readonly Migration[], target: string | undefined): readonly Migration[] {
  if (target === undefined) return migrations
  const last = migrations.findIndex(({ tag }) => tag === target)
  if (last < 0) throw new MigrationError('unknown_target', `The journal has no migration ${target}.`)
  return migrations.slice(0, last + 1)
}

function nextPending(
  migrations: readonly Migration[],
  wanted: readonly Migration[],
  history: readonly HistoryRow[],
): Migration | undefined {
  const statuses = compare(migrations, history)
  refuse(statuses, ['edited', 'missing', 'out_of_order'])
  const states = new Map(statuses.map(({ tag, state }) => [tag, state]))
  const pending = wanted.filter(({ tag }) => states.get(tag) === 'pending')
  for (const { up } of pending) if (up) checkMigrationFile(up)
  return pending[0]
}

/** The migrations to roll back, newest first. */
function planDown(
  migrations: readonly Migration[],
  history: readonly HistoryRow[],
  steps: number | 'all',
): Migration[] {
  const statuses = compare(migrations, history).filter(({ recorded }) => recorded)
  if (steps !== 'all' && steps > statuses.length) {
    throw new MigrationError('too_few_applied', `Only ${statuses.length} migrations are applied.`)
  }
  const chosen = steps === 'all' ? statuses : statuses.slice(statuses.length - steps)
  refuse(chosen, ['edited', 'missing'])
  const plan = migrations.filter(({ tag }) => chosen.some((status) => status.tag === tag)).reverse()
  const without = plan.filter(({ down }) => !down).map(({ tag }) => tag)
  if (without.length > 0) {
    throw new MigrationError(
      'no_down_file',
      `Without a file in down/: ${without.join(', ')}. Nothing was rolled back. Write a file that reverses it fully.`,
    )
  }
  for (const { down } of plan) if (down) checkMigrationFile(down)
  return plan
}

const historyChanged = (tag: string): MigrationError =>
  new MigrationError(
    'history_changed',
    `Another runner changed the history at ${tag} while this one ran. Check db:status before you continue.`,
  )

// ---- One step -----------------------------------------------------------------------------------------------

type Direction = 'up' | 'down'

/** Where a step is, for the error message; empty before its first statement. */
interface Cursor {
  where: string
}

/**
 * Runs one file in the direction given, and its record with it, again after a failure that passes by itself. `choose` decides under
 * the lock which file, if any.
 *
 * @returns its tag, or undefined when there was nothing to do.
 */
async function runNextFile(
  database: Database,
  options: MigrationOptions,
  direction: Direction,
  choose: (tx: Transaction) => Promise<Migration | undefined>,
): Promise<string | undefined> {
  for (let attempt = 1; ; attempt += 1) {
    const cursor: Cursor = { where: '' }
    try {
      const step = await runFileInTurn(database, options, direction, choose, cursor)
      if (!step) return undefined
      const { tag, durationMs } = step
      options.onProgress?.({ kind: direction === 'up' ? 'applied' : 'rolled_back', tag, durationMs })
      return tag
    } catch (error) {
      if (attempt >= FILE_ATTEMPTS || !passesByItself(error)) throw explain(error, cursor)
      options.onProgress?.({ kind: 'retrying', where: cursor.where, reason: sqlstateOf(error) ?? '' })
      await pause(Math.random() * RETRY_PAUSE_MS, options)
    }
  }
}

interface Step {
  tag: string
  durationMs: number
}

function runFileInTurn(
  database: Database,
  options: MigrationOptions,
  direction: Direction,
  choose: (tx: Transaction) => Promise<Migration | undefined>,
  cursor: Cursor,
): Promise<Step | undefined> {
  const run = (): Promise<Step | undefined> => runFileUnderLock(database, options, direction, choose, cursor)
  return database.kind === 'embedded' ? inTurn(database, run) : run()
}

async function runFileUnderLock(
  database: Database,
  options: MigrationOptions,
  direction: Direction,
  choose: (tx: Transaction) => Promise<Migration | undefined>,
  cursor: Cursor,
): Promise<Step | undefined> {
  const write = direction === 'up' ? record : forget
  let started = 0

  const step = await underLock(database, options, async (tx) => {
    const migration = await choose(tx)
    const file = migration?.[direction]
    if (!migration || !file) return undefined
    // From here: the wait for the lock is not the file's.
    started = performance.now()
    if (file.transactional) {
      await runStatements(tx, file, cursor)
    } else if (database.kind === 'server') {
      await releaseSnapshot(tx)
      await runOutside(database, options, file, cursor)
    } else {
      // PGlite has one connection, and this transaction is on it.
      return { migration, file, recorded: false }
    }
    await write(tx, migration)
    cursor.where = `${file.path}, at its commit`
    return { migration, file, recorded: true }
  })

  if (step && !step.recorded) {
    await runOutside(database, options, step.file, cursor)
    await underLock(database, options, (tx) => write(tx, step.migration))
  }
  return step && { tag: step.migration.tag, durationMs: performance.now() - started }
}

/** The end of the last step on each embedded database. */
const turns = new WeakMap<Database, Promise<unknown>>()

/**
 * Runs the steps on one embedded database one after the other. There the lock of the transaction does not reach over a file that
 * runs outside it. All runners are in this process: other processes are kept out by the lock of the data folder.
 */
function inTurn<T>(database: Database, step: () => Promise<T>): Promise<T> {
  const mine = (turns.get(database) ?? Promise.resolve()).then(step)
  turns.set(
    database,
    mine.catch(() => {}),
  )
  return mine
}

/** One transaction that holds the migrations' lock, once it is free, with the settings of `FILE_SETTINGS`. */
async function underLock<T>(
  database: Database,
  options: MigrationOptions,
  work: (tx: Transaction) => Promise<T>,
): Promise<T> {
  const deadline = performance.now() + (options.lockWaitMs ?? LOCK_WAIT_MS)
  for (let waits = 0; ; waits += 1) {
    const outcome = await database.transaction(
      async (tx) => {
        // Under REPEATABLE READ the history would be read as it was before the lock was had.
        await tx.query('set transaction isolation level read committed, read write')
        await applySettings(tx)
        const [lock] = await tx.query<{ held: boolean }>(
          'select pg_try_advisory_xact_lock($1::int4, $2::int4) as held',
          LOCK_KEY,
        )
        return lock?.held ? { value: await work(tx) } : undefined
      },
      options.signal ? { signal: options.signal } : {},
    )
    if (outcome) return outcome.value
    if (performance.now() >= deadline) throw stillLocked()
    if (waits === 0) options.onProgress?.({ kind: 'waiting' })
    await pause(LOCK_POLL_MS, options)
  }
}

const stillLocked = (): MigrationError =>
  new MigrationError(
    'locked',
    `Another process is still migrating this database. To see it: select * from pg_stat_activity where pid in (select pid from pg_locks where locktype = 'advisory' and classid = ${LOCK_KEY[0]} and objid = ${LOCK_KEY[1]});`,
  )

async function applySettings(tx: Transaction): Promise<void> {
  await tx.query(
    `select set_config(wanted.name, wanted.value, true)
     from jsonb_each_text($1::jsonb) as wanted(name, value)
     join pg_catalog.pg_settings as known on lower(known.name) = wanted.name
     where wanted.name <> 'client_connection_check_interval' or version() !~* $2`,
    [JSON.stringify(FILE_SETTINGS), CANNOT_NOTICE_CLIENTS],
  )
}

/**
 * A query's portal, and its snapshot with it, stays open until the connection's next statement, and `create index concurrently`
 * on another connection would wait for that snapshot for ever. A statement that needs no snapshot closes it.
 */
async function releaseSnapshot(tx: Transaction): Promise<void> {
  await tx.query(`set local lock_timeout = '${FILE_SETTINGS.lock_timeout}'`)
}

async function runStatements(tx: Transaction, file: MigrationFile, cursor: Cursor): Promise<void> {
  for (const [i, statement] of file.statements.entries()) {
    cursor.where = `${file.path}, statement ${i + 1}`
    await tx.query(statement)
  }
}

/**
 * Runs a file that asks for no transaction, each statement committed by itself. When it breaks off, what ran stays and the file is
 * not recorded; the next run starts it again, which is why `checkMigrationFile` demands repeatable statements.
 */
async function runOutside(
  database: Database,
  options: MigrationOptions,
  file: MigrationFile,
  cursor: Cursor,
): Promise<void> {
  if (database.kind === 'server') await checkConnectionSettings(database)
  for (const [i, statement] of file.statements.entries()) {
    options.signal?.throwIfAborted()
    cursor.where = `${file.path}, statement ${i + 1}`
    await database.query(statement)
  }
  await refuseInvalidIndexes(database)
}

async function checkConnectionSettings(database: Database): Promise<void> {
  const wrong = await database.query<{ name: string; found: string }>(
    `select name, current_setting(name) as found
     from jsonb_each_text($1::jsonb) as wanted(name, value)
     where current_setting(name) <> value`,
    [JSON.stringify(CONNECTION_SETTINGS)],
  )
  if (wrong.length > 0) {
    const list = wrong.map(({ name, found }) => `${name} = ${found}`).join(', ')
    throw new MigrationError(
      'connection_settings',
      `A migration without a transaction needs a pool opened with MIGRATION_CONNECTION; this pool has ${list}.`,
    )
  }
}

/** `create index concurrently` that failed leaves an index that costs and serves nobody; `if not exists` then skips it. */
async function refuseInvalidIndexes(database: Database): Promise<void> {
  const invalid = await database.query<{ name: string }>(`
    select format('%I.%I', namespace.nspname, index.relname) as name
    from pg_catalog.pg_index
    join pg_catalog.pg_class as index on index.oid = indexrelid
    join pg_catalog.pg_namespace as namespace on namespace.oid = index.relnamespace
    where not indisvalid and index.relkind = 'i' and namespace.nspname !~ '^pg_'
    order by name
  `)
  if (invalid.length > 0) {
    const names = invalid.map(({ name }) => name).join(', ')
    throw new MigrationError(
      'invalid_index',
      `Invalid index: ${names}. Run "drop index concurrently" for it (put "drop index concurrently if exists" before the "create" in the file), then migrate again.`,
    )
  }
}

const pause = (ms: number, { signal }: MigrationOptions): Promise<void> =>
  sleep(ms, undefined, signal ? { signal } : {})

// ---- Errors of the database ---------------------------------------------------------------------------------

/** lock_not_available, deadlock_detected, serialization_failure */
const PASSING_STATES = new Set(['55P03', '40P01', '40001'])
/** unique_violation in a catalog: another database of the cluster made the same role or membership a moment ago. */
const UNIQUE_VIOLATION = '23505'
/**
 * duplicate_object and undefined_object, when the other transaction has just committed: the functions of the server that
 * say so of a role. Of other things the same states do not pass.
 */
const ROLE_ROUTINES: Record<string, readonly string[]> = {
  '42710': ['CreateRole'],
  '42704': ['get_role_oid', 'shdepLockAndCheckObject'],
}
/** internal_error, whose only sign is its (never translated) message. */
const INTERNAL_ERROR = 'XX000'

/** True when the file's transaction was rolled back for a reason that may be gone at the next try. */
function passesByItself(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const state = sqlstateOf(error) ?? ''
  if (PASSING_STATES.has(state)) return true
  if (state === UNIQUE_VIOLATION) return fieldOf(error, 'schema_name', 'schema') === 'pg_catalog'
  if (ROLE_ROUTINES[state]?.includes(fieldOf(error, 'routine') ?? '')) return true
  return state === INTERNAL_ERROR && /^tuple concurrently (?:updated|deleted)/.test(error.message)
}

/** SQLSTATE: five characters, at least one of them a digit (`EPIPE` is none). */
function sqlstateOf(error: unknown): string | undefined {
  const code = fieldOf(error, 'code')
  return code && /^(?=.*\d)[0-9A-Z]{5}$/.test(code) ? code : undefined
}

function fieldOf(error: unknown, ...names: string[]): string | undefined {
  for (const name of names) {
    const value = error instanceof Error ? Reflect.get(error, name) : undefined
    if (typeof value === 'string') return value
  }
  return undefined
}

/** Adds where it happened to an error of the database; every other error is left as it is. */
function explain(error: unknown, { where }: Cursor): unknown {
  const state = sqlstateOf(error)
  if (!(error instanceof Error) || state === undefined || where === '') return error
  return new MigrationError('statement_failed', `${where}: ${error.message} (${state})`, { cause: error })
}
