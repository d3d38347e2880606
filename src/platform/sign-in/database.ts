import { drizzle } from 'drizzle-orm/pg-proxy'
import type { Database, Parameter, Row } from '../db/engine/database.ts'

/** Becomes the role that may use `sign_in`: on the embedded engine there is one connection, which could use everything. */
const ENTER = { text: "select set_config('role', 'muster_signin', true)", parameters: [] }

/** The door to schema `sign_in`. Each statement is a transaction of its own. */
export interface SignInDatabase {
  query<R extends Row = Row>(text: string, parameters?: readonly Parameter[]): Promise<R[]>
}

export function asSignIn(database: Database): SignInDatabase {
  return {
    query: <R extends Row>(text: string, parameters: readonly Parameter[] = []) =>
      database.transaction((tx) => tx.query<R>(text, parameters), { enter: ENTER, single: true }),
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
