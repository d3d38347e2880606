import { readDatabaseError } from '../db/engine/database-error.ts'

/** How often the database is asked. Orchestrators ask every few seconds: what they are told is never older than this. */
const INTERVAL_MS = 1_000
/**
 * A question that is not answered for so many intervals counts as one that failed: a host that vanished says nothing for a long
 * time. Intervals and not milliseconds, because the embedded engine may keep this whole thread for seconds, and is well.
 */
const PATIENCE = 3

export interface DatabaseState {
  /** It answers. */
  database: boolean
  /** It has exactly the migrations of this version. */
  migrations: boolean
}

export interface ReadinessLog {
  info(data: object, message: string): void
  warn(data: object, message: string): void
}

/** The state of the database, checked in the background: reading it sends no query. */
export interface ReadinessWatch {
  /** The result of the last check; waits for the first one. */
  state(): Promise<DatabaseState>
  stop(): void
}

const UNREACHABLE: DatabaseState = { database: false, migrations: false }

/**
 * Checks the database periodically, one check at a time. Logs the first failure and the end of each streak of failures.
 *
 * @param isMigrated runs one statement; an error with a SQLSTATE comes from a database that answers
 */
export function watchReadiness(isMigrated: () => Promise<boolean>, log: ReadinessLog): ReadinessWatch {
  let known: DatabaseState | undefined
  const isKnown = Promise.withResolvers<void>()
  let missed = 0
  let isAsking = false

  const note = (found: DatabaseState, reason?: string): void => {
    const wasReady = known?.migrations ?? true
    known = found
    isKnown.resolve()
    if (wasReady && !found.migrations)
      log.warn(
        { ...found, reason },
        'readiness: the database is unavailable or lacks migrations; /ready answers 503',
      )
    if (!wasReady && found.migrations)
      log.info(found, 'readiness: the database is available again; /ready answers 200')
  }
  const ask = async (): Promise<void> => {
    isAsking = true
    missed = 0
    try {
      note({ database: true, migrations: await isMigrated() })
    } catch (error) {
      // An error of class 42 (undefined function) comes from a database that answers but is not migrated.
      const answers = readDatabaseError(error)?.sqlstate.startsWith('42') ?? false
      note({ database: answers, migrations: false }, error instanceof Error ? error.name : 'unknown')
    }
    isAsking = false
  }

  void ask()
  const timer = setInterval(() => {
    if (!isAsking) void ask()
    else if (++missed === PATIENCE) note(UNREACHABLE, 'no answer')
  }, INTERVAL_MS)
  timer.unref()
  return {
    state: async () => {
      await isKnown.promise
      return known ?? UNREACHABLE
    },
    stop: () => clearInterval(timer),
  }
}
