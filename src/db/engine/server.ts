import postgres from 'postgres'
import {
  type Database,
  DatabaseBusy,
  DatabaseUnavailable,
  type Parameter,
  type Row,
  type Transaction,
  TransactionEnded,
} from './types.ts'

/** date, timestamp, timestamptz stay PostgreSQL's text; json and jsonb parameters are JSON text already. */
const TYPES = {
  date: { to: 1184, from: [1082, 1114, 1184], serialize: String, parse: (text: string) => text },
  json: { to: 114, from: [114, 3802], serialize: String, parse: (text: string) => JSON.parse(text) },
}

/** What the driver reports when the connection, not the statement, failed. */
const CONNECTION_ERRORS = new Set([
  'CONNECTION_CLOSED',
  'CONNECTION_ENDED',
  'CONNECTION_DESTROYED',
  'CONNECT_TIMEOUT',
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
])

/** SQLSTATEs after which the backend is gone or does not take sessions: the class 57P, and 53300 too_many_connections. */
const BACKEND_GONE = new Set(['57P01', '57P02', '57P03', '53300'])

export interface ServerOptions {
  url: string
  /** Connections in the pool. */
  max: number
  applicationName: string
  /** How long a caller waits for a free connection before `DatabaseBusy`. */
  acquireTimeoutMs: number
  /** How many callers may wait for a connection at once; the next one is refused with `DatabaseBusy`. */
  maxWaiting: number
  connectTimeoutMs: number
  /** Named prepared statements: off behind a pooler in transaction mode. */
  prepare: boolean
  /** Session settings of each connection, such as `statement_timeout`. */
  settings: Record<string, string>
}

export const SERVER_DEFAULTS = {
  max: 10,
  applicationName: 'muster',
  acquireTimeoutMs: 5_000,
  maxWaiting: 1_000,
  connectTimeoutMs: 10_000,
  prepare: true,
  settings: {},
} satisfies Omit<ServerOptions, 'url'>

/** A pool of connections to a PostgreSQL server (postgres.js). */
export function openServer(given: Partial<ServerOptions> & { url: string }): Database {
  const options: ServerOptions = { ...SERVER_DEFAULTS, ...given }
  const sql = postgres(options.url, {
    max: options.max,
    prepare: options.prepare,
    connect_timeout: options.connectTimeoutMs / 1000,
    // Array types are passed as array literals, so the driver need not read the catalog on each connection.
    fetch_types: false,
    types: TYPES,
    // Notices can quote other people's values.
    onnotice: () => {},
    connection: {
      application_name: options.applicationName,
      timezone: 'UTC',
      search_path: 'public, extensions',
      ...options.settings,
    },
  })

  let waiting = 0

  /** Counts a caller as waiting until the pool gives it a connection, and refuses it when that takes too long. */
  function admit(): { admitted: () => void; refused: Promise<never> } {
    if (waiting >= options.maxWaiting) throw new DatabaseBusy('Too many requests wait for the database.')
    waiting += 1
    let settle = (): void => {}
    const refused = new Promise<never>((_, reject) => {
      const timer = setTimeout(() => {
        settle()
        reject(new DatabaseBusy('No database connection came free in time.'))
      }, options.acquireTimeoutMs)
      settle = () => {
        clearTimeout(timer)
        waiting -= 1
        settle = () => {}
      }
    })
    return { admitted: () => settle(), refused }
  }

  async function transaction<T>(
    work: (tx: Transaction) => Promise<T>,
    { readOnly = false, signal }: { readOnly?: boolean; signal?: AbortSignal } = {},
  ): Promise<T> {
    signal?.throwIfAborted()
    const { admitted, refused } = admit()

    // postgres.js keeps a transaction's handle bound to a pool slot, not to a session: when the backend dies, the
    // promise of `begin` rejects, but the callback runs on, and what it sends next (its own statements, and the
    // driver's `commit` or `rollback` when it returns) would go into whatever transaction is next on that slot.
    // So once the connection is lost the handle is dead, and the driver never learns that the callback has ended.
    let alive = true
    let abandoned = false
    let running: postgres.PendingQuery<postgres.Row[]> | undefined

    const begun = sql.begin(readOnly ? 'read only' : '', (tx) => {
      admitted()
      if (abandoned) throw new TransactionEnded()
      const handle: Transaction = {
        async query<R extends Row>(text: string, parameters: readonly Parameter[] = []) {
          if (!alive) throw new TransactionEnded()
          signal?.throwIfAborted()
          try {
            running = tx.unsafe(text, parameters as Parameter[], { prepare: options.prepare })
            return (await running) as unknown as R[]
          } catch (error) {
            if (isConnectionError(error)) alive = false
            throw error
          } finally {
            running = undefined
          }
        },
      }
      return new Promise<T>((resolve, reject) => {
        work(handle).then(
          (value) => {
            if (!alive) return
            if (signal?.aborted) reject(signal.reason)
            else resolve(value)
          },
          (error) => {
            if (alive) reject(error)
          },
        )
      })
    }) as Promise<T>

    const cancel = (): void => {
      running?.cancel()
    }
    signal?.addEventListener('abort', cancel, { once: true })
    try {
      return await Promise.race([begun, refused])
    } catch (error) {
      abandoned = true
      // `refused` may have won: what `begin` does afterwards is its own rollback.
      begun.catch(() => {})
      if (signal?.aborted) throw signal.reason
      throw translate(error)
    } finally {
      admitted()
      alive = false
      signal?.removeEventListener('abort', cancel)
    }
  }

  return {
    kind: 'server',
    transaction,

    async query<R extends Row>(text: string, parameters: readonly Parameter[] = []) {
      try {
        return (await sql.unsafe(text, parameters as Parameter[], {
          prepare: options.prepare,
        })) as unknown as R[]
      } catch (error) {
        throw translate(error)
      }
    },

    async script(text) {
      try {
        await sql.unsafe(text).simple()
      } catch (error) {
        throw translate(error)
      }
    },

    async listen(channel, onNotify, onGap) {
      let first = true
      // `onlisten` is called again after each reconnection: what was notified in between is lost.
      const { unlisten } = await sql.listen(channel, onNotify, () => {
        if (!first) onGap?.()
        first = false
      })
      return unlisten
    },

    close: () => sql.end({ timeout: CLOSE_TIMEOUT_SECONDS }),
  }
}

/** Running statements get this long to end; then their connections are cut. */
const CLOSE_TIMEOUT_SECONDS = 5

function errorCode(error: unknown): string | undefined {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code
  return undefined
}

function isConnectionError(error: unknown): boolean {
  const code = errorCode(error)
  return code !== undefined && (CONNECTION_ERRORS.has(code) || BACKEND_GONE.has(code))
}

function translate(error: unknown): unknown {
  if (isConnectionError(error)) {
    return new DatabaseUnavailable('The database connection was lost or could not be made.', { cause: error })
  }
  return error
}
