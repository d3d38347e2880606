import { channel } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { createConnection, type Socket } from 'node:net'
import postgres from 'postgres'
import { addressesOf, type ServerAddress, type TargetSession } from '../../server-url.ts'
import { DatabaseUnavailable, type Parameter, type Row } from './database.ts'
import { describeSocketFailure, hostAndPort } from './socket-failure.ts'

/*
 * postgres.js is used for what it does well, the protocol, one connection to an instance. Its pool is not used, nor its
 * `begin`, its reconnection and its `cancel`, because of what 3.4.9 does when a connection fails under a transaction
 * (porsager/postgres #1216, and more of the kind; `test/rules/session.server.test.ts` shows them):
 *
 * - a callback whose connection died runs on, and its next statement, and the driver's own `commit` or `rollback` at its
 *   end, go into whatever transaction is next on that slot of the pool;
 * - between a socket's `error` and its `close` the driver still takes statements: after the reconnection the first of them
 *   is answered with an empty result, a second one blocks the slot for ever;
 * - a server that accepts connections and closes them again is asked a thousand times a second, and the caller never answered;
 * - cancelling a statement before it was sent blocks the slot for ever, and a cancel request that cannot be delivered is an
 *   unhandled rejection, which ends the process.
 *
 * None of these can happen to an instance that has one socket in its life, and is thrown away with it.
 */

/** date, timestamp, timestamptz stay PostgreSQL's text; json and jsonb parameters are JSON text already. */
const TYPES = {
  date: { to: 1184, from: [1082, 1114, 1184], serialize: String, parse: (text: string) => text },
  json: { to: 114, from: [114, 3802], serialize: String, parse: (text: string) => JSON.parse(text) },
  // The driver's own makes `false` of everything but `true`, also of the text 'true'.
  boolean: { to: 16, from: [16], serialize: String, parse: (text: string) => text === 't' },
}

/** SQLSTATEs after which the backend is gone or does not take sessions: the class 57P, and 53300 too_many_connections. */
const BACKEND_GONE = new Set(['57P01', '57P02', '57P03', '53300'])

/**
 * How many statements are kept prepared on one connection. The server keeps a plan for each (some 10 to 100 kB), and a caller
 * decides which columns a statement names: without a limit, thousands of combinations would be kept for ever.
 */
const MAX_PREPARED = 256

/** A cancel request is one packet without an answer; a server that does not even close its connection will not cancel. */
const CANCEL_TIMEOUT_MS = 2_000

/** How long an orderly goodbye may take before the socket is cut. */
const GOODBYE_TIMEOUT_MS = 1_000

/** A PostgreSQL cancel request instead of a start-up message (protocol 3.0). */
const CANCEL_REQUEST_CODE = 80_877_102

/** What is published on `STATEMENTS`. */
export interface SentStatement {
  text: string
  /** It was sent before an earlier one was answered, so it costs no round trip of its own. */
  follows: boolean
}

/**
 * Each statement as it is sent to a server, `begin` and `commit` included, for whoever counts or traces. (The driver asks once
 * on each connection for the types of a statement's parameters; that is not published.)
 */
export const STATEMENTS = channel('muster:statement')

/** What every session is set to, whatever the server's or the database's defaults are; the answers depend on it. */
export const SESSION_SETTINGS: Readonly<Record<string, string>> = {
  timezone: 'UTC',
  search_path: 'public, extensions',
  // A check that waited for a lock weighs what others have committed meanwhile: each statement needs a snapshot of its own.
  default_transaction_isolation: 'read committed',
}

export interface ConnectionOptions {
  url: string
  applicationName: string
  connectTimeoutMs: number
  /** Named prepared statements: off behind a pooler in transaction mode, unless it knows how to pass them on. */
  prepare: boolean
  /** Session settings, such as `statement_timeout`, beside `SESSION_SETTINGS`. */
  settings: Record<string, string>
  /**
   * The session is a pooler's, lent for one transaction at a time: it is opened without settings (a pooler refuses those it does
   * not know), and each transaction has to bring them along.
   */
  isPooled?: boolean
  /**
   * How long the server may take to answer a statement before it is told to cancel it and the connection is cut, in milliseconds; 0
   * waits for ever. A host that vanished without a word is otherwise noticed by TCP after more than ten minutes, and a commit that
   * waits for a lost synchronous standby waits for ever, whatever `statement_timeout` says.
   */
  answerTimeoutMs?: number
  /** Each warning of the server. */
  onWarning?: ((message: string) => void) | undefined
  /** For a connection that listens: each NOTIFY. */
  onNotify?: (payload: string) => void
}

/** One session with a server, from its one socket's first byte to its last. It is used by one caller at a time. */
export class Connection {
  readonly openedAt = performance.now()
  /** True from the moment that anything hints at the end of the session: nothing is sent any more. */
  isLost = false
  /**
   * Called when the connection is lost, or was closed: for whoever has it at the time. (A promise would keep what each user in
   * turn attached to it for as long as the connection lives.)
   */
  onLost: ((error: DatabaseUnavailable) => void) | undefined
  readonly #lost = Promise.withResolvers<void>()
  /** Resolves at the same time: for the pool. */
  readonly whenLost: Promise<void> = this.#lost.promise

  readonly #options: ConnectionOptions
  readonly #server: ServerAddress
  readonly #sql: postgres.Sql
  readonly #prepared = new Set<string>()
  #socket: Socket | undefined
  #whyLost: string | undefined
  #backend: { pid: number; secret: number } | undefined
  /** Statements that were sent and not answered yet. */
  #underWay = 0

  private constructor(options: ConnectionOptions, server: ServerAddress) {
    this.#options = { ...options, connectTimeoutMs: server.connectTimeoutMs ?? options.connectTimeoutMs }
    this.#server = server
    const { onNotify, onWarning } = options
    const settings = {
      ...driverOptions(server),
      max: 1,
      idle_timeout: 0,
      // Its timer would close the connection between two statements of a transaction; the pool knows when to.
      max_lifetime: null,
      connect_timeout: this.#options.connectTimeoutMs / 1000,
      prepare: options.prepare,
      // Array types are passed as array literals, so the driver need not read the catalog on each connection.
      fetch_types: false,
      types: TYPES,
      // Notices can quote other people's values: only who migrates asks for warnings.
      onnotice: ({ severity, message }: postgres.Notice) => {
        if (severity === 'WARNING') onWarning?.(message ?? '')
      },
      ...(onNotify ? { onnotify: (_channel: string, payload: string) => onNotify(payload) } : {}),
      onclose: () => this.#markLost(),
      socket: () => this.#openSocket(),
      connection: {
        application_name: options.applicationName,
        ...server.startup,
        ...(options.isPooled ? {} : { ...SESSION_SETTINGS, ...options.settings }),
      },
    }
    this.#sql = postgres(settings)
  }

  /**
   * Opens a session.
   *
   * @throws DatabaseUnavailable when there is no server, or it takes no sessions; the server's own error, with its SQLSTATE,
   *         when it refused this one (password, database). After `connectTimeoutMs` for the socket, and as long again for
   *         the session.
   */
  static async open(options: ConnectionOptions, signal?: AbortSignal): Promise<Connection> {
    const { addresses, target } = addressesOf(options.url)
    const failures: DatabaseUnavailable[] = []
    // In the order given, as libpq does: only a server that cannot be reached, or is not of the kind wanted, is passed by.
    for (const wanted of target === 'prefer-standby' ? (['standby', 'any'] as const) : [target]) {
      for (const address of addresses) {
        try {
          return await Connection.#openAt(options, address, wanted, signal)
        } catch (error) {
          if (!(error instanceof DatabaseUnavailable) || signal?.aborted) throw error
          failures.push(error)
        }
      }
    }
    const [first, ...others] = failures
    if (others.length === 0) throw first
    throw new DatabaseUnavailable(failures.map(({ message }) => message).join('; '), { cause: first })
  }

  static async #openAt(
    options: ConnectionOptions,
    address: ServerAddress,
    target: TargetSession,
    signal?: AbortSignal,
  ): Promise<Connection> {
    const connection = new Connection(options, address)
    const giveUp = (): void => connection.destroy()
    signal?.addEventListener('abort', giveUp)
    try {
      const { state } = await connection.#sql.unsafe('select 1').simple()
      connection.#backend = state
      await connection.#require(target)
      return connection
    } catch (error) {
      connection.destroy()
      if (!isFromServer(error) || BACKEND_GONE.has(error.code)) throw connection.#unavailable(error)
      // Which of the service's connections it is: each has an address and a login of its own.
      error.message = `${connection.#address}: ${error.message}`
      throw error
    } finally {
      signal?.removeEventListener('abort', giveUp)
    }
  }

  /** @throws DatabaseUnavailable when the server is of another kind */
  async #require(target: TargetSession): Promise<void> {
    if (target === 'any') return
    const [found] = await this.run<{ standby: string; read_only: string }>(
      "select pg_is_in_recovery()::text as standby, current_setting('transaction_read_only') as read_only",
    )
    const isStandby = found?.standby === 'true'
    const isReadOnly = isStandby || found?.read_only === 'on'
    const suits = {
      'read-write': !isReadOnly,
      'read-only': isReadOnly,
      primary: !isStandby,
      standby: isStandby,
    }
    if (target !== 'prefer-standby' && suits[target]) return
    throw new DatabaseUnavailable(
      `The server ${this.#address} is not what target_session_attrs asks for: ${target}`,
    )
  }

  /**
   * Runs one statement. Those sent before the last was answered follow it in one round trip, also when it fails.
   *
   * Without parameters it goes by the simple protocol: the portal of the extended one stays open in a transaction, and its
   * snapshot with it, on which `create index concurrently` on another connection waits.
   *
   * @throws DatabaseUnavailable when the connection was lost before the answer, whatever became of the statement.
   */
  async run<R extends Row>(text: string, parameters: readonly Parameter[] = []): Promise<R[]> {
    if (parameters.length === 0) return this.#send(text, [], { simple: true })
    return this.#send(text, parameters, { simple: false, prepare: this.#isPrepared(text) })
  }

  /** Runs a script of statements without parameters, or one that begins or ends a transaction. @throws as `run` */
  async script(text: string): Promise<void> {
    await this.#send(text, [], { simple: true })
  }

  /**
   * Asks the server to cancel what runs on this connection, and resolves when the server has been told, or could not be.
   * The cancellation may hit whatever is sent next, too: end the transaction before somebody else gets the connection.
   */
  async cancel(): Promise<void> {
    if (this.isLost || !this.#backend) return
    const request = Buffer.alloc(16)
    request.writeInt32BE(request.length, 0)
    request.writeInt32BE(CANCEL_REQUEST_CODE, 4)
    request.writeUInt32BE(this.#backend.pid, 8)
    request.writeUInt32BE(this.#backend.secret, 12)
    // Unencrypted also where the session is encrypted, as libpq does: the server takes it before it asks for TLS.
    const socket = this.#dial()
    const closed = once(socket, 'close').catch(() => {})
    socket.setTimeout(CANCEL_TIMEOUT_MS, () => socket.destroy())
    // It is the server that closes: PgBouncer 1.18 ends, with all its sessions, when a request's sender has left too early.
    socket.resume().write(request)
    await closed
  }

  /** Says goodbye, so that the server need not log a lost connection. */
  async close(): Promise<void> {
    const cut = setTimeout(() => this.destroy(), GOODBYE_TIMEOUT_MS)
    await this.#sql.end()
    clearTimeout(cut)
    this.#markLost()
  }

  /** Cuts the connection. What it runs fails now here, and for the server when it next writes to the socket. */
  destroy(): void {
    this.#markLost()
  }

  async #send<R extends Row>(
    text: string,
    parameters: readonly Parameter[],
    options: { simple: boolean; prepare?: boolean },
  ): Promise<R[]> {
    if (this.isLost) throw this.#unavailable()
    const query = this.#sql.unsafe(text, parameters as Parameter[], options)
    // The driver would remember the text of each statement that ever failed, to print where it was written.
    Object.defineProperty(query, 'origin', { value: '' })
    if (STATEMENTS.hasSubscribers) {
      STATEMENTS.publish({ text, follows: this.#underWay > 0 } satisfies SentStatement)
    }
    this.#underWay += 1
    let isOverdue = false
    const { answerTimeoutMs } = this.#options
    const deadline = answerTimeoutMs
      ? setTimeout(() => {
          isOverdue = true
          void this.#abandon(`no answer in ${answerTimeoutMs} ms from ${this.#address}`)
        }, answerTimeoutMs)
      : undefined
    try {
      const rows = (await query) as unknown as R[]
      // A commit whose wait for a standby was cancelled answers as if the standby had it.
      if (isOverdue) throw this.#unavailable()
      return rows
    } catch (error) {
      // Whatever the server says as it goes, it is gone.
      if (isFromServer(error) && error.severity !== 'ERROR') this.#markLost()
      throw this.isLost ? this.#unavailable(error) : error
    } finally {
      // A cancellation may still be on its way: nobody else gets this connection.
      if (isOverdue) this.#markLost()
      this.#underWay -= 1
      clearTimeout(deadline)
    }
  }

  /** Cancels what the server still does for us, before it is left: a session that only waits would hold its locks, and its place. */
  async #abandon(why: string): Promise<void> {
    this.#whyLost ??= why
    await this.cancel()
    this.#markLost(why)
  }

  #isPrepared(text: string): boolean {
    if (!this.#options.prepare) return false
    if (this.#prepared.size < MAX_PREPARED) this.#prepared.add(text)
    return this.#prepared.has(text)
  }

  /** @param why what the socket said, where it said something */
  #markLost(why?: string): void {
    if (this.isLost) return
    this.isLost = true
    this.#whyLost ??= why
    this.#socket?.destroy()
    // Rejects what the driver still has; it waits for answers for as long as that takes, so it gets no time.
    void this.#sql.end({ timeout: 0 })
    this.onLost?.(this.#unavailable())
    this.#lost.resolve()
  }

  /** For the driver, once: a second socket would be another session, where the first one's statements do not belong. */
  async #openSocket(): Promise<Socket> {
    if (this.#socket || this.isLost) throw this.#unavailable()
    const socket = this.#dial()
    this.#socket = socket
    // Before the driver's own listeners, and before its `close`: in between it would take statements that nobody answers.
    const hangUp = (): void => this.#markLost(`closed by ${this.#address}`)
    socket.on('error', (error) => this.#markLost(describeSocketFailure(error, this.#address)))
    socket.on('end', hangUp).on('close', hangUp)
    socket.setNoDelay(true)
    socket.setTimeout(this.#options.connectTimeoutMs, () => this.#markLost(`ETIMEDOUT ${this.#address}`))
    await Promise.race([once(socket, 'connect').catch(() => {}), this.whenLost])
    if (this.isLost) throw this.#unavailable()
    socket.setTimeout(0)
    return socket
  }

  get #address(): string {
    return addressText(this.#server)
  }

  #unavailable(cause?: unknown): DatabaseUnavailable {
    if (cause instanceof DatabaseUnavailable) return cause
    const why =
      this.#whyLost ??
      (cause === undefined ? `closed ${this.#address}` : describeSocketFailure(cause, this.#address))
    return new DatabaseUnavailable(
      `The database connection ${this.#options.applicationName} could not be made or was lost: ${why}`,
      { cause },
    )
  }

  #dial(): Socket {
    return dial(this.#server)
  }
}

/** What the driver has to know of an address; everything else it would take from the environment, or from an address of its own. */
export const driverOptions = ({ host, port, path, user, password, database, ssl }: ServerAddress) => ({
  host,
  port,
  ...(path && { path }),
  ...(user && { user }),
  ...(password && { password }),
  ...(database && { database }),
  ssl,
})

export const addressText = ({ path, host, port }: ServerAddress): string => path ?? hostAndPort(host, port)

/** The driver reads `host` when it asks for TLS, as the name that it tells the server (SNI). */
export const dial = ({ path, host, port }: ServerAddress): Socket =>
  Object.assign(createConnection(path ? { path } : { host, port }), { host })

const isFromServer = (error: unknown): error is postgres.PostgresError =>
  error instanceof postgres.PostgresError
