import { readDatabaseError } from '../db/engine/database-error.ts'
import { faultOf } from '../db/engine/sqlstates.ts'
import type { Obstacle } from '../db/fitness.ts'
import { Streak, type StreakLog } from '../streak.ts'

/** How often the database is asked. Orchestrators ask every few seconds: what they are told is never older than this. */
const INTERVAL_MS = 1_000
/**
 * A question that is not answered for so many intervals counts as one that failed: a host that vanished says nothing for a long
 * time. Intervals and not milliseconds, because the embedded engine may keep this whole thread for seconds, and is well.
 */
const PATIENCE = 3

/** Why the service takes no traffic. */
export const REASONS = [
  ...(['database_unreachable', 'login_refused', 'database_unfit'] as const),
  ...([
    'schema_older',
    'upgrade_announced',
    'schema_incompatible',
    'standby',
    'read_only',
    'stopping',
  ] as const),
] as const
export type Reason = (typeof REASONS)[number]

export interface DatabaseState {
  /** It answers. */
  database: boolean
  /** This version of the service can live with its schema. */
  migrations: boolean
  /** It takes writes. */
  writable: boolean
  /** Null: the service is ready. */
  reason: Reason | null
}

/** `draining`: requests are served, and their connections closed. `refusing`: the schema is not one of this version. */
export type Standing = 'serving' | 'draining' | 'refusing'

/** The state of the database, checked in the background: reading it sends no query. */
export interface ReadinessWatch {
  /** The result of the last check; waits for the first one. */
  state(): Promise<DatabaseState>
  /** The same for each request. */
  readonly standing: Standing
  /** From now on the service is not ready, whatever the database is. */
  drain(): void
  stop(): void
}

export interface ReadinessOptions {
  /** Runs one statement; an error with a SQLSTATE comes from a database that answers. */
  findObstacle: () => Promise<Obstacle | undefined>
  log: StreakLog
  /** Told once, when the schema has become one that this version cannot live with, or is about to: it has to stop. */
  onIncompatible?: (obstacle: Obstacle) => void
}

const READY: DatabaseState = { database: true, migrations: true, writable: true, reason: null }
const UNREACHABLE: DatabaseState = {
  database: false,
  migrations: false,
  writable: false,
  reason: 'database_unreachable',
}

/** What is known of a database that answers. */
function stateWith(obstacle: Obstacle | undefined): DatabaseState {
  switch (obstacle) {
    case undefined:
      return READY
    case 'standby':
    case 'read_only':
      return { ...READY, writable: false, reason: obstacle }
    case 'upgrade_announced':
      return { ...READY, reason: obstacle }
    case 'schema_older':
    case 'schema_incompatible':
      return { ...READY, migrations: false, reason: obstacle }
  }
}

/** What the error of a check says. */
function stateAfter(error: unknown): DatabaseState {
  const sqlstate = readDatabaseError(error)?.sqlstate
  if (sqlstate === undefined) return UNREACHABLE
  // Undefined function or schema: of a database that answers, and does not have ours.
  if (/^(?:42|3F)/.test(sqlstate)) return stateWith('schema_older')
  if (sqlstate.startsWith('28')) return { ...UNREACHABLE, reason: 'login_refused' }
  return faultOf(sqlstate) === 'unfit' ? { ...UNREACHABLE, reason: 'database_unfit' } : UNREACHABLE
}

/** Checks the database periodically, one check at a time. Logs the first failure and the end of each streak of failures. */
export function watchReadiness({ findObstacle, log, onIncompatible }: ReadinessOptions): ReadinessWatch {
  let known: DatabaseState | undefined
  const isKnown = Promise.withResolvers<void>()
  const streak = new Streak({
    log,
    failed:
      'readiness: the database cannot serve this version of the service (see reason); /ready answers 503',
    recovered: 'readiness: the database can serve again; /ready answers 200',
  })
  let missed = 0
  let isAsking = false
  let isDraining = false
  let isOvertaken = false

  const note = (found: DatabaseState, cause?: string): void => {
    known = found
    isKnown.resolve()
    if (found.reason === null) streak.succeed()
    else streak.fail(found.reason, cause === undefined ? {} : { cause })
    if (isOvertaken || (found.reason !== 'upgrade_announced' && found.reason !== 'schema_incompatible'))
      return
    isOvertaken = true
    onIncompatible?.(found.reason)
  }
  const ask = async (): Promise<void> => {
    isAsking = true
    missed = 0
    try {
      note(stateWith(await findObstacle()))
    } catch (error) {
      note(stateAfter(error), readDatabaseError(error)?.sqlstate ?? nameOf(error))
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
      const state = known ?? UNREACHABLE
      return isDraining ? { ...state, reason: 'stopping' } : state
    },
    get standing() {
      if (known?.database && !known.migrations) return 'refusing'
      return isDraining ? 'draining' : 'serving'
    },
    drain: () => {
      isDraining = true
    },
    stop: () => clearInterval(timer),
  }
}

const nameOf = (error: unknown): string => (error instanceof Error ? error.name : 'unknown')
