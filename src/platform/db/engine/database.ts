/**
 * The one interface to PostgreSQL. `embedded.ts` (PGlite) and `server.ts` (postgres.js) implement it, and
 * nothing else in the project knows which of them is running.
 *
 * Values cross it in PostgreSQL's own spelling: parameters are text, numbers, booleans or null (a JSON
 * parameter is JSON text, an array an array literal); results give dates and times as PostgreSQL's text, numeric
 * and bigint as text, JSON parsed. Rows for clients are built as JSON by the database (see `session.ts`),
 * so that both drivers and the change stream spell a row the same way.
 */
export type Parameter = string | number | boolean | null
export type Row = Record<string, unknown>

export interface Transaction {
  /**
   * Runs one statement, after those that were asked for before it: a session does one thing at a time. After the transaction
   * has ended, or its connection died, it throws `TransactionEnded`.
   */
  query<R extends Row = Row>(text: string, parameters?: readonly Parameter[]): Promise<R[]>
}

/** SQL as it is sent. */
export interface Statement {
  readonly text: string
  readonly parameters: readonly Parameter[]
}

export interface TransactionOptions {
  readOnly?: boolean
  /**
   * Comes before the first statement of the work, and travels together with it. Where it fails, so does that one, and the error is
   * the one of this.
   */
  enter?: Statement
  /** The work sends one statement: all of the transaction is one round trip then. A second one is refused as `TransactionEnded`. */
  single?: boolean
  /** Aborting cancels the statement that is running and rolls the transaction back. */
  signal?: AbortSignal
  /** Callers take turns where all connections are in use, and hold a part of them each; undefined for the service itself. */
  caller?: string | undefined
}

/** How a pool is used. The two sums only grow: their increase over a time is what was used and waited for on average. */
export interface PoolLoad {
  readonly max: number
  /** Lent now. */
  readonly used: number
  readonly idle: number
  /** Who waits for a connection now. */
  readonly waiting: number
  readonly usedSeconds: number
  readonly waitedSeconds: number
}

export interface Database {
  readonly kind: 'embedded' | 'server'
  /** How its pool is used at the moment; undefined for what stands in for a database and has none. */
  readonly load?: PoolLoad

  /**
   * Runs `work` in one transaction: committed when `work` resolves and so did each statement that it started, else rolled
   * back. An error that `work` caught still rejects here, for PostgreSQL keeps nothing of a transaction that had one,
   * unless `work` went back to a savepoint. Statements that `work` did not wait for belong to the transaction.
   *
   * @throws `DatabaseBusy` when no connection came free in time, `DatabaseUnavailable` when the connection failed,
   *         `OutcomeUnknown` when it failed while something was being committed,
   *         the driver's error with its SQLSTATE in `code` otherwise (see `database-error.ts`).
   */
  transaction<T>(work: (tx: Transaction) => Promise<T>, options?: TransactionOptions): Promise<T>

  /** One statement in a transaction of its own: one round trip. `readOnly` tells that it changes nothing, and sets nothing. */
  query<R extends Row = Row>(
    text: string,
    parameters?: readonly Parameter[],
    options?: Pick<TransactionOptions, 'caller' | 'readOnly'>,
  ): Promise<R[]>

  /**
   * Opens all connections, and lets each of them, now and later, run these, unless somebody waits for it: a session's first search takes
   * a hundred times what the next one takes, to load PostGIS and to make its plan. What they answer, and whether they are refused, is
   * nobody's business. Undefined where there is nothing to win.
   */
  warmUp?(statements: readonly Statement[]): Promise<void>

  /** A script of statements without parameters, each committed by itself (simple query protocol). */
  script(text: string): Promise<void>

  /**
   * Calls `onNotify` for each NOTIFY on `channel`. `onLost`, with the reason, for each time that the connection is lost or cannot be
   * made again; `onGap` when it is there again, for some may have been missed.
   */
  listen(
    channel: string,
    onNotify: (payload: string) => void,
    onGap?: () => void,
    onLost?: (reason: string) => void,
  ): Promise<() => Promise<void>>

  close(): Promise<void>
}

/** The handle outlived its transaction: nothing was sent. */
export class TransactionEnded extends Error {
  override name = 'TransactionEnded'
  constructor() {
    super('The transaction has ended: its handle can no longer send statements.')
  }
}

/** Every connection is in use and the queue is full, or the wait for one took too long. */
export class DatabaseBusy extends Error {
  override name = 'DatabaseBusy'
}

/** The connection could not be made, or was lost before something was committed. */
export class DatabaseUnavailable extends Error {
  override name = 'DatabaseUnavailable'
}

/** The connection was lost while the server committed, or it did not say in time that it had: both are possible. */
export class OutcomeUnknown extends DatabaseUnavailable {
  override name = 'OutcomeUnknown'
}
