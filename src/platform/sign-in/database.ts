import { drizzle } from '../db/drizzle.ts'
import type { Database, Parameter, Row } from '../db/engine/database.ts'
import { requestContext } from './request-context.ts'

/** Becomes the role that may use `sign_in`: on the embedded engine there is one connection, which could use everything. */
const ENTER = { text: "select set_config('role', 'muster_signin', true)", parameters: [] }

/** The door to schema `sign_in`. Each statement is a transaction of its own. */
export interface SignInDatabase {
  query<R extends Row = Row>(text: string, parameters?: readonly Parameter[]): Promise<R[]>
  /** Statements since the start: equal for an address that exists and one that does not. */
  readonly asked: number
}

export function asSignIn(database: Database): SignInDatabase {
  let asked = 0
  return {
    get asked() {
      return asked
    },
    query<R extends Row>(text: string, parameters: readonly Parameter[] = []) {
      asked += 1
      const context = requestContext()
      if (context) context.asked += 1
      return database.transaction((tx) => tx.query<R>(text, parameters), { enter: ENTER, single: true })
    },
  }
}

/** The same for better-auth, which asks through Drizzle. */
export function drizzleOver(database: SignInDatabase) {
  return drizzle(async (text, parameters, method) => {
    // Without `returning`, Drizzle wants to know how many rows were written: here as rows.
    const isCounted = method === 'execute' && /^(?:update|delete) /.test(text) && !/ returning /.test(text)
    const rows = await database.query(
      isCounted ? `${text} returning 1 as one` : text,
      parameters as Parameter[],
    )
    return { rows: method === 'all' ? rows.map((row) => Object.values(row)) : rows }
  })
}
