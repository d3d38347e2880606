import { setInterval as every, setTimeout as sleep } from 'node:timers/promises'
import { Connection, type ConnectionOptions, SESSION_SETTINGS } from './connection.ts'
import {
  type Database,
  DatabaseUnavailable,
  OutcomeUnknown,
  type Parameter,
  type Row,
  type Statement,
  type Transaction,
  type TransactionOptions,
} from './database.ts'
import { isWrongPassword, readDatabaseError } from './database-error.ts'
import { countFailure } from './failures.ts'
import { Pool } from './pool.ts'
import { TransactionScope } from './transaction-scope.ts'

export interface ServerOptions {
  url: string
  /**
   * The same login and database through a pooler in transaction mode (PgBouncer), for all but listeners: a session of the
   * server is then lent for one transaction at a time, so nothing may be left behind in it or expected from it.
   */
  poolerUrl?: string | undefined
  /** Connections in the pool; each listener has one more of its own. */
  max: number
  applicationName: string
  /** How long a caller waits for a free connection before `DatabaseBusy`. */
  acquireTimeoutMs: number
  /** How many may wait for a connection at once; the next one is refused with `DatabaseBusy`. */
  maxWaiting: number
  /** How many connections one caller may hold at once: see `PoolOptions`. */
  maxPerCaller?: number | undefined
  connectTimeoutMs: number
  /** An older connection is closed when it comes back, and another one opened in its place: one at a time. */
  maxConnectionAgeMs: number
  /** The least time between two of these replacements. */
  renewalPauseMs: number
  /** Named prepared statements: off behind a pooler in transaction mode, unless it knows how to pass them on. */
  prepare: boolean
  /** Session settings, such as `statement_timeout`: of each connection, or behind a pooler of each transaction. */
  settings: Record<string, string>
  /** Each warning of the server, for migrations: what could not be granted is one. */
  onWarning?: ((message: string) => void) | undefined
  /** Where to log in instead, after the password of `url` was refused; undefined where there is no other way. */
  renew?: ((refused: string) => Promise<Addresses | undefined>) | undefined
}

/** Where a login logs in. */
type Addresses = Pick<ServerOptions, 'url' | 'poolerUrl'>

/** Renews connections now and then: after a failover by DNS, and because a backend's caches only grow. */
const MAX_CONNECTION_AGE_MS = 45 * 60_000

/**
 * To be warm costs a connection up to half a second of one of the server's cores. One after the other, those that were opened together would keep
 * a core busy for seconds: with this pause it is less than one request in fifty that meets a renewal.
 */
const RENEWAL_PAUSE_MS = 30_000

export const SERVER_DEFAULTS = {
  max: 10,
  applicationName: 'muster',
  acquireTimeoutMs: 5_000,
  maxWaiting: 1_000,
  connectTimeoutMs: 10_000,
  maxConnectionAgeMs: MAX_CONNECTION_AGE_MS,
  renewalPauseMs: RENEWAL_PAUSE_MS,
  prepare: true,
  settings: {},
} satisfies Omit<ServerOptions, 'url'>

/** protocol_violation: what PgBouncer says of whatever it does not like, a wrong password or too many clients. */
const POOLER_REFUSAL = '08P01'

/** How often the server itself is asked then: too many clients would else become as many more for the server. */
const REFUSAL_CHECK_PAUSE_MS = 5_000

/** Running statements get this long to end; then their connections are cut. */
const CLOSE_TIMEOUT_MS = 5_000

/** How long a broken transaction may take to cancel what it runs and to roll back; then its connection is cut. */
const ROLLBACK_TIMEOUT_MS = 3_000

/** A cancel request that overtakes its statement, on another connection, cancels nothing. */
const CANCEL_AGAIN_MS = 50

/** Beyond the server's own `statement_timeout`, for the way there and back. */
const ANSWER_GRACE_MS = 5_000

/** A network that forgot the connection says nothing; a listener that only waits would not notice for minutes. */
const HEARTBEAT_MS = 30_000
const HEARTBEAT_TIMEOUT_MS = 10_000

/** Pauses of a listener before it connects again, doubled each time: a restart takes seconds. */
const RECONNECT_PAUSE_MS = { first: 100, last: 10_000 }

/** A pool of connections to a PostgreSQL server. */
export function openServer(given: Partial<ServerOptions> & { url: string }): Database {
  const options: ServerOptions = { ...SERVER_DEFAULTS, ...given }
  const { url, poolerUrl, applicationName, connectTimeoutMs, prepare, settings, onWarning } = options
  const connectionOptions: ConnectionOptions = {
    url,
    applicationName,
    connectTimeoutMs,
    prepare,
    settings,
    onWarning,
  }
  const answerTimeoutMs = answerTimeout(settings)
  const pooledOptions: ConnectionOptions = poolerUrl
    ? { ...connectionOptions, url: poolerUrl, isPooled: true, answerTimeoutMs }
    : { ...connectionOptions, answerTimeoutMs }
  const begin = (readOnly: boolean): string => beginText(readOnly, poolerUrl ? settings : undefined)
  let addresses: Addresses = { url, poolerUrl }
  let askedAt = Number.NEGATIVE_INFINITY
  /** A pooler that refuses a password may say no more than that it refuses: then the server itself is asked, now and then. */
  async function isRefused(error: unknown, byServer: string): Promise<boolean> {
    if (isWrongPassword(error)) return true
    const isDue = performance.now() - askedAt > REFUSAL_CHECK_PAUSE_MS
    if (!poolerUrl || !isDue || readDatabaseError(error)?.sqlstate !== POOLER_REFUSAL) return false
    askedAt = performance.now()
    return Connection.open({ ...connectionOptions, url: byServer }).then(async (connection) => {
      await connection.close()
      return false
    }, isWrongPassword)
  }
  /** With the login of the moment, or with the one that comes in its place. */
  async function openWith<T>(open: (addresses: Addresses) => Promise<T>): Promise<T> {
    const tried = addresses
    try {
      return await open(tried)
    } catch (error) {
      if (!options.renew || !(await isRefused(error, tried.url))) throw error
      const renewed = await options.renew(tried.url)
      if (!renewed) throw error
      addresses = renewed
      return await open(renewed)
    }
  }
  let firstStatements: readonly Statement[] = []
  const pool = new Pool<Connection>({
    open: (signal) =>
      openWith((at) => Connection.open({ ...pooledOptions, url: at.poolerUrl ?? at.url }, signal)),
    // Sent together, answered one after the other. One that is lost meanwhile is the pool's to notice.
    async warmUp(connection) {
      await Promise.allSettled(
        firstStatements.map(({ text, parameters }) => connection.run(text, parameters)),
      )
    },
    max: options.max,
    acquireTimeoutMs: options.acquireTimeoutMs,
    maxWaiting: options.maxWaiting,
    maxPerCaller: options.maxPerCaller,
    maxAgeMs: options.maxConnectionAgeMs,
    renewalPauseMs: options.renewalPauseMs,
  })
  const listeners = new AbortController()

  async function lend<T>(
    use: (connection: Connection) => Promise<T>,
    { signal, caller }: Pick<TransactionOptions, 'signal' | 'caller'> = {},
  ): Promise<T> {
    try {
      const connection = await pool.acquire(signal, caller)
      try {
        return await use(connection)
      } finally {
        pool.release(connection)
      }
    } catch (error) {
      countFailure(error)
      throw error
    }
  }

  return {
    kind: 'server',
    get load() {
      return pool.load
    },

    transaction: (work, given = {}) =>
      lend((connection) => runTransaction(connection, begin, work, given), given),

    query: <R extends Row>(
      text: string,
      parameters: readonly Parameter[] = [],
      given: Pick<TransactionOptions, 'caller' | 'readOnly'> = {},
    ) =>
      lend(
        (connection) =>
          poolerUrl
            ? runTransaction(connection, begin, (tx) => tx.query<R>(text, parameters), {
                readOnly: given.readOnly ?? false,
              })
            : committing(given.readOnly, () => connection.run<R>(text, parameters)),
        given,
      ),

    // A pooler's sessions are its own: others use them too, and it decides when they end.
    ...(!poolerUrl && {
      async warmUp(statements: readonly Statement[]) {
        firstStatements = statements
        await pool.fill()
      },
    }),

    script: (text) => lend((connection) => connection.script(text)),

    async listen(channel, onNotify, onGap = () => {}, onLost = () => {}) {
      const stop = new AbortController()
      const signal = AbortSignal.any([stop.signal, listeners.signal])
      const connect = (): Promise<Connection> =>
        openWith(({ url }) => openListener({ ...connectionOptions, url, onNotify }, channel, signal))
      const listening = keepListening(await connect(), connect, { onGap, onLost }, signal)
      return async () => {
        stop.abort()
        await listening
      }
    },

    async close() {
      listeners.abort()
      await pool.close(CLOSE_TIMEOUT_MS)
    },
  }
}

/**
 * Opens a transaction.
 *
 * @param settings what it has to bring along, where the session is lent for it alone. They are local to it: the session's next
 *        borrower finds nothing of them.
 */
export function beginText(readOnly: boolean, settings?: Record<string, string>): string {
  const mode = readOnly ? ' read only' : ''
  if (!settings) return `begin${mode}`
  const { default_transaction_isolation: isolation, ...others }: Record<string, string> = {
    ...SESSION_SETTINGS,
    ...settings,
  }
  const set = Object.entries(others).map(
    ([name, value]) => `set_config(${literal(name)}, ${literal(value)}, true)`,
  )
  // The default is read when a transaction begins: this one has to be told itself.
  return `begin${isolation ? ` isolation level ${isolation}` : ''}${mode}; select ${set.join(', ')}`
}

const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`

async function runTransaction<T>(
  connection: Connection,
  begin: (readOnly: boolean) => string,
  work: (tx: Transaction) => Promise<T>,
  { readOnly = false, signal, enter, single = false }: TransactionOptions,
): Promise<T> {
  let begun = false
  const scope = new TransactionScope(async (text, parameters) => {
    if (begun) return connection.run(text, parameters)
    begun = true
    // One round trip for all. The statement cannot run outside of the transaction: where `begin` fails, the connection has. (Where
    // it was cancelled in that very moment, a caller's statement runs as the login, who may see and do nothing.) Nor can it run
    // without what comes before it: where that fails, so has the transaction, and `commit` rolls it back.
    const [, , rows] = await Promise.all([
      connection.script(begin(readOnly)),
      enter && connection.run(enter.text, enter.parameters),
      connection.run(text, parameters),
      single && connection.script('commit'),
    ])
    return rows
  }, single)
  const abort = (): void => scope.break(signal?.reason)
  signal?.addEventListener('abort', abort)
  connection.onLost = (error) => scope.break(error)
  try {
    const value = await scope.run(work)
    if (begun && !single) await committing(readOnly, () => connection.script('commit'))
    return value
  } catch (error) {
    if (begun && !connection.isLost) await rollBack(connection, scope)
    throw error
  } finally {
    connection.onLost = undefined
    signal?.removeEventListener('abort', abort)
  }
}

/** Sends what commits. When the connection is lost then, the server may have done so. */
async function committing<T>(readOnly: boolean | undefined, send: () => Promise<T>): Promise<T> {
  try {
    return await send()
  } catch (error) {
    if (readOnly || !(error instanceof DatabaseUnavailable)) throw error
    throw new OutcomeUnknown(error.message, { cause: error })
  }
}

/** Leaves the connection fit for the next caller, or cut. */
async function rollBack(connection: Connection, scope: TransactionScope): Promise<void> {
  const cut = setTimeout(() => connection.destroy(), ROLLBACK_TIMEOUT_MS)
  try {
    while (scope.isSending) {
      // The server has been told before `rollback` is sent, so a cancellation that comes late can hit nothing else.
      await connection.cancel()
      await Promise.race([scope.settle(), sleep(CANCEL_AGAIN_MS)])
    }
    await connection.script('rollback')
  } catch {
    // The first error is the one to report.
    connection.destroy()
  } finally {
    clearTimeout(cut)
  }
}

/** `statement_timeout`, where it is given in milliseconds, and some time beyond; 0 for none. */
function answerTimeout({ statement_timeout = '0' }: Record<string, string>): number {
  const milliseconds = Number(statement_timeout)
  return milliseconds > 0 ? milliseconds + ANSWER_GRACE_MS : 0
}

async function openListener(
  options: ConnectionOptions,
  channel: string,
  signal: AbortSignal,
): Promise<Connection> {
  const connection = await Connection.open({ ...options, answerTimeoutMs: HEARTBEAT_TIMEOUT_MS }, signal)
  try {
    await connection.run(`listen "${channel.replaceAll('"', '""')}"`)
    return connection
  } catch (error) {
    connection.destroy()
    throw error
  }
}

/** Ends, never rejecting, when the signal is aborted. */
async function keepListening(
  first: Connection,
  connect: () => Promise<Connection>,
  { onGap, onLost }: { onGap: () => void; onLost: (reason: string) => void },
  signal: AbortSignal,
): Promise<void> {
  let connection: Connection | undefined = first
  while (connection) {
    const reason = await beat(connection, signal)
    if (signal.aborted) return connection.close()
    onLost(reason)
    connection = await reconnect(connect, onLost, signal)
    if (connection) onGap()
  }
}

/** Resolves when the connection is lost, with the reason, or the signal aborted. */
async function beat(connection: Connection, signal: AbortSignal): Promise<string> {
  const lost = new AbortController()
  let reason = 'the connection was lost'
  connection.onLost = (error) => {
    reason = error.message
    lost.abort()
  }
  if (connection.isLost) return reason
  try {
    for await (const _ of every(HEARTBEAT_MS, undefined, {
      signal: AbortSignal.any([signal, lost.signal]),
    })) {
      await connection.run('select 1')
    }
  } catch {
    // The interval ends by throwing, as does a statement on a lost connection.
  }
  return reason
}

async function reconnect(
  connect: () => Promise<Connection>,
  onLost: (reason: string) => void,
  signal: AbortSignal,
): Promise<Connection | undefined> {
  for (let pauseMs = RECONNECT_PAUSE_MS.first; !signal.aborted; pauseMs *= 2) {
    const longestMs = Math.min(pauseMs, RECONNECT_PAUSE_MS.last)
    try {
      await sleep(longestMs * (0.5 + Math.random() / 2), undefined, { signal })
      return await connect()
    } catch (error) {
      // Not there yet; or aborted, and the loop ends.
      if (!signal.aborted) onLost(error instanceof Error ? error.message : 'unknown')
    }
  }
  return undefined
}
