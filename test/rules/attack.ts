import { serializeClaims } from '../../src/platform/auth/caller.ts'
import type { Database, Row, Transaction } from '../../src/platform/db/engine/database.ts'
import { readDatabaseError } from '../../src/platform/db/engine/database-error.ts'
import { type AccessPersona, accessCaller } from './access-world.ts'

class Undo extends Error {}

/**
 * Runs statements in the session of a persona, one after the other, and undoes them.
 *
 * @returns `done`, or the SQLSTATE that stopped them
 */
export async function attack(
  database: Database,
  persona: AccessPersona,
  ...statements: string[]
): Promise<string> {
  return outcomeOf(
    database.transaction(async (tx) => {
      await takeOn(tx, persona)
      for (const statement of statements) await tx.query(statement)
      throw new Undo()
    }),
  )
}

/** The same, and gives the rows of a last query. */
export async function attackWith<R extends Row>(
  database: Database,
  persona: AccessPersona,
  statements: readonly string[],
  query: string,
): Promise<R[]> {
  let rows: R[] = []
  const outcome = await outcomeOf(
    database.transaction(async (tx) => {
      await takeOn(tx, persona)
      for (const statement of statements) await tx.query(statement)
      rows = await tx.query<R>(query)
      throw new Undo()
    }),
  )
  if (outcome !== 'done') throw new Error(`Stopped by ${outcome}.`)
  return rows
}

/** As a request's first statement does it. */
export async function takeOn(tx: Transaction, persona: AccessPersona): Promise<void> {
  const caller = accessCaller(persona)
  await tx.query("select set_config('role', $1, true), set_config('request.jwt.claims', $2, true)", [
    caller.role,
    serializeClaims(caller.claims),
  ])
}

/** `done` for what was done to its end and undone, else the SQLSTATE that stopped it. */
export async function outcomeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work
    return 'done'
  } catch (error) {
    if (error instanceof Undo) return 'done'
    const sqlstate = readDatabaseError(error)?.sqlstate
    if (sqlstate === undefined) throw error
    return sqlstate
  }
}
