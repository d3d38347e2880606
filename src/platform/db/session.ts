import { setTimeout as sleep } from 'node:timers/promises'
import { type Caller, serializeClaims } from '../auth/caller.ts'
import { Tally } from '../metric.ts'
import type { SQL, SQLWrapper } from './drizzle.ts'
import type {
  Database,
  Parameter,
  Row,
  Statement,
  Transaction,
  TransactionOptions,
} from './engine/database.ts'
import { isOvertakenByMigration, readDatabaseError } from './engine/database-error.ts'
import type { Action, FunctionCall } from './function-call.ts'
import { ENTER, NAME_SESSION, sessionName } from './identity.ts'
import type { Replica, Standby } from './replica.ts'
import { asRows, type RowsStatement, type RowsTextStatement, render } from './statement.ts'

/** Runs statements as one caller. Rows are built as JSON by PostgreSQL, so that REST and the change stream spell them alike. */
export interface Session {
  /** The rows of a query, in its order. Works for `insert`, `update` and `delete … returning` too. */
  rows<T>(query: SQLWrapper | RowsStatement<T>): Promise<T[]>
  /** The first row, or undefined. */
  row<T>(query: SQLWrapper | RowsStatement<T>): Promise<T | undefined>
  /** The rows of a query as the text of their JSON, in its order: for an answer that goes on as it is. */
  rowsText<T>(query: RowsTextStatement<T>): Promise<string>
  /** The one value of a query that gives one row with one column, for functions that build their own JSON. */
  value<T>(query: SQL<T>): Promise<T>
}

/** `Sessions.call` as one caller: a request. */
export interface FunctionCaller {
  call<T extends Row>(call: FunctionCall, parameters: readonly Parameter[]): Promise<T>
  /**
   * Lets a function change something, in one round trip. With an `Idempotency-Key` on a POST it is done once: the same
   * request again gets the same answer.
   *
   * @returns the JSON that the function gives
   */
  perform<T>(action: Action, parameters: readonly Parameter[]): Promise<T>
  /** The same for an answer that is large and goes on as it is: the JSON as the database spells it. */
  performForText(action: Action, parameters: readonly Parameter[]): Promise<string>
}

export interface ReadOptions {
  /** Aborting it cancels the running statement, and rejects with the signal's reason. */
  signal?: AbortSignal | undefined
  /** For what a replica cannot tell: which transactions are under way, for one. */
  onPrimary?: boolean
}

/** On whose behalf, and for which request: PostgreSQL shows its id while it works for it. */
export interface Asker extends Caller {
  readonly requestId?: string
}

/** The only door to data: transactions as a caller, under the caller's role and claims. */
export interface Sessions {
  /**
   * A read-only transaction, on the replica if there is one: `work` may be run again on the primary, so it does nothing but
   * use the session.
   */
  read<T>(caller: Asker, work: (session: Session) => Promise<T>, options?: ReadOptions): Promise<T>
  /** Each statement is a read as above, of its own: on the primary, one round trip. */
  statements(caller: Asker, options?: ReadOptions): Session
  /**
   * A transaction that may write. It is run again, at most `MAX_ATTEMPTS` times in all, when PostgreSQL chose it as the
   * victim of a deadlock or a serialization failure: `work` must do nothing but use the session.
   */
  write<T>(caller: Asker, work: (session: Session) => Promise<T>): Promise<T>
  /**
   * Calls one function of the database in a transaction of its own, in one round trip. Run again as `write` is.
   *
   * @returns what the function gives, under the names of the call
   */
  call<T extends Row>(caller: Asker, call: FunctionCall, parameters: readonly Parameter[]): Promise<T>
}

/** serialization_failure and deadlock_detected: nothing was done, and the same again is likely to pass. */
const RETRYABLE = new Set(['40001', '40P01'])
export const transactionRetries = new Tally(
  'muster_transaction_retries_total',
  'Transactions that were run again, by the SQLSTATE that ended them: 40001 serialization failure, 40P01 deadlock.',
  'sqlstate',
  [...RETRYABLE],
)
const MAX_ATTEMPTS = 3
/**
 * What a migration overtook is run again at once: each connection has prepared statements of its own, and each of them fails once. The
 * pool lends the connection that was used last, so few requests meet many of them.
 */
const MAX_OVERTAKEN = 20
/** Pause before the next attempt, with jitter, so that those who collided do not collide again. */
const RETRY_PAUSE_MS = 20

const ENTER_NAMED = `${ENTER}, ${NAME_SESSION('$3')}`

/** The first parameters of each transaction. Without a request, the session keeps the name that it was opened with. */
const identityOf = ({ role, claims, requestId }: Asker): Parameter[] => [
  role,
  serializeClaims(claims),
  requestId === undefined ? null : sessionName(requestId),
]

/** A call by nobody, who sees nothing and may do nothing: for what it leaves behind in a session (see `Database.warmUp`). */
export const callByNobody = (call: FunctionCall, parameters: readonly Parameter[]): Statement => ({
  text: call.text,
  parameters: [...identityOf(NOBODY), ...parameters],
})

const NOBODY: Asker = { role: 'authenticated', userId: null, claims: {}, expiresAt: null }

/** The identity by which the pool queues requests fairly. All anonymous callers share one. */
export const turnOf = ({ userId, role }: Pick<Caller, 'userId' | 'role'>): string => userId ?? role

export function openSessions(database: Database, replica?: Replica): Sessions {
  async function run<T>(
    caller: Asker,
    work: (session: Session, tx: Transaction) => Promise<T>,
    given: TransactionOptions,
    standby?: Standby,
  ): Promise<T> {
    const options = { ...given, caller: turnOf(caller) }
    const parameters = identityOf(caller)
    if (!standby) {
      const enter = { text: ENTER_NAMED, parameters }
      return database.transaction((tx) => work(sessionOf(tx), tx), { ...options, enter })
    }
    return standby.database.transaction(async (tx) => {
      const [row] = await tx.query<{ current: boolean }>(
        `${ENTER_NAMED}, ${standby.isCurrent('$4')} as current`,
        [...parameters, standby.position],
      )
      await standby.untilCurrent(tx, row!.current)
      return work(sessionOf(tx), tx)
    }, options)
  }

  async function read<T>(
    caller: Asker,
    work: (session: Session, tx: Transaction) => Promise<T>,
    { signal, onPrimary = false }: ReadOptions = {},
    single = false,
  ): Promise<T> {
    const here = () => run(caller, work, { readOnly: true, single, ...(signal && { signal }) })
    if (!replica || onPrimary) return unlessOvertaken(here)
    return unlessOvertaken(() =>
      replica.read(
        (standby) => run(caller, work, { readOnly: true, signal: standby.signal }, standby),
        here,
        signal,
      ),
    )
  }

  return {
    read: (caller, work, options) => read(caller, work, options),

    statements: (caller, options) =>
      asSession((text, parameters) => read(caller, (_, tx) => tx.query(text, parameters), options, true)),

    write: (caller, work) => retrying(() => run(caller, work, {})),

    async call<T extends Row>(caller: Asker, call: FunctionCall, parameters: readonly Parameter[]) {
      const given = [...identityOf(caller), ...parameters]
      const inTransaction = (_: Session, tx: Transaction) => tx.query<T>(call.text, given)
      if (call.onlyReads && replica) return (await read(caller, inTransaction))[0]!
      // Who may call the function is asked before the role is taken on: of the login, which may what `authenticated` may.
      const rows = await retrying(() =>
        caller.role === 'authenticated'
          ? database.query<T>(call.text, given, { caller: turnOf(caller), readOnly: call.onlyReads ?? false })
          : run(caller, inTransaction, {}),
      )
      return rows[0]!
    },
  }
}

/** Runs `work` again when a migration changed something under its statements: the same again finds what is there now. */
async function unlessOvertaken<T>(work: () => Promise<T>): Promise<T> {
  for (let overtaken = 0; ; overtaken += 1) {
    try {
      return await work()
    } catch (error) {
      if (overtaken === MAX_OVERTAKEN || !isOvertakenByMigration(error)) throw error
    }
  }
}

/** As `unlessOvertaken`, and also after a deadlock or a failure to serialize. */
async function retrying<T>(work: () => Promise<T>): Promise<T> {
  for (let nth = 1; ; nth += 1) {
    try {
      return await unlessOvertaken(work)
    } catch (error) {
      const sqlstate = readDatabaseError(error)?.sqlstate
      if (nth === MAX_ATTEMPTS || !sqlstate || !RETRYABLE.has(sqlstate)) throw error
      transactionRetries.add(sqlstate)
      await sleep(RETRY_PAUSE_MS * nth * (0.5 + Math.random()))
    }
  }
}

const sessionOf = (tx: Transaction): Session => asSession((text, parameters) => tx.query(text, parameters))

function asSession(send: (text: string, parameters: readonly Parameter[]) => Promise<Row[]>): Session {
  async function rows<T>(query: SQLWrapper | RowsStatement<T>): Promise<T[]> {
    const { text, parameters } = 'getSQL' in query ? render(asRows(query)) : query
    const [answer] = await send(text, parameters)
    return answer!.rows as T[]
  }
  return {
    rows,
    row: async <T>(query: SQLWrapper | RowsStatement<T>) => (await rows<T>(query))[0],
    async rowsText<T>({ text, parameters }: RowsTextStatement<T>): Promise<string> {
      const [answer] = await send(text, parameters)
      return answer!.rows as string
    },
    async value<T>(query: SQL<T>): Promise<T> {
      const { text, parameters } = render(query)
      const answer = await send(text, parameters)
      return Object.values(answer[0]!)[0] as T
    },
  }
}
