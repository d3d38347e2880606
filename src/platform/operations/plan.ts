import type {
  Database,
  Parameter,
  Row,
  Statement,
  Transaction,
  TransactionOptions,
} from '../db/engine/database.ts'

/** As whom a statement is planned: the owner where nobody is named. */
export interface Enter {
  role: string
  claims: string
}

export interface PlanOptions {
  as?: Enter
  /** Runs it, for real times and buffers; in a transaction that may not write, and is rolled back. */
  isRun: boolean
  timeoutMs: number
}

/** Carries the plan out of a transaction that must not be committed. */
class RolledBack extends Error {
  readonly plan: string[]
  constructor(plan: string[]) {
    super('rolled back')
    this.plan = plan
  }
}

/** More than one statement: the second could end the transaction that must not be committed. */
export class SeveralStatements extends Error {
  override name = 'SeveralStatements'
  constructor() {
    super('One statement, without a semicolon in it.')
  }
}

/**
 * The plan of one statement. Nothing that it does stays.
 *
 * @throws SeveralStatements, also where the semicolon is in a text: statements without parameters are sent as they are
 */
export async function planOf(
  database: Database,
  { text, parameters }: Statement,
  { as, isRun, timeoutMs }: PlanOptions,
): Promise<string[]> {
  const statement = text.trim().replace(/;$/, '')
  if (statement.includes(';')) throw new SeveralStatements()
  const enter: Statement = {
    text: `select set_config('statement_timeout', $1, true)${
      as ? ", set_config('request.jwt.claims', $3, true), set_config('role', $2, true)" : ''
    }`,
    parameters: [String(timeoutMs), ...(as ? [as.role, as.claims] : [])],
  }
  try {
    return await database.transaction(
      async (tx) => {
        throw new RolledBack(await explain(tx, statement, parameters, isRun))
      },
      { readOnly: true, enter },
    )
  } catch (error) {
    if (error instanceof RolledBack) return error.plan
    throw error
  }
}

async function explain(
  tx: Pick<Transaction, 'query'>,
  text: string,
  parameters: readonly Parameter[],
  isRun: boolean,
): Promise<string[]> {
  const rows = await tx.query(`explain (${isRun ? 'analyze, buffers' : 'costs'}) ${text}`, parameters)
  return rows.map((row) => String(row['QUERY PLAN']))
}

export interface Planned {
  statement: string
  plan: string[]
}

/**
 * A database that explains each statement before it answers it, in the same transaction and as the same caller. Nothing can be
 * written by it.
 */
export function explaining(database: Database, onPlan: (planned: Planned) => void): Database {
  const send = async <R extends Row>(
    tx: Pick<Transaction, 'query'>,
    text: string,
    parameters: readonly Parameter[] = [],
  ): Promise<R[]> => {
    onPlan({ statement: text.trim(), plan: await explain(tx, text, parameters, true) })
    return tx.query<R>(text, parameters)
  }
  const transaction = <T>(
    work: (tx: Transaction) => Promise<T>,
    { single: _, ...options }: TransactionOptions = {},
  ): Promise<T> =>
    database.transaction((tx) => work({ query: (text, parameters) => send(tx, text, parameters) }), {
      ...options,
      readOnly: true,
    })
  return {
    ...database,
    transaction,
    query: <R extends Row>(text: string, parameters?: readonly Parameter[]) =>
      transaction((tx) => tx.query<R>(text, parameters)),
  }
}
