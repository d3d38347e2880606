import type { SQLWrapper } from '../../src/platform/db/drizzle.ts'
// Registers the codes of all modules.
import '../../src/app.ts'
import { anonymousCaller, type Caller } from '../../src/platform/auth/caller.ts'
import type { Database, Transaction, TransactionOptions } from '../../src/platform/db/engine/database.ts'
import { readDatabaseError } from '../../src/platform/db/engine/database-error.ts'
import { openSessions } from '../../src/platform/db/session.ts'
import { codeOf } from '../../src/platform/http/problem.ts'
import { callerOf, type Persona, USERS } from './world.ts'

/** Whoever can come to the database: somebody with a token, nobody, background work, the owner. */
export type Actor = Persona | 'anon' | 'service_role' | 'muster_jobs' | 'owner'

/**
 * `ok` (rows were written or read), `unseen` (no row was there for this actor), or the code of the refusal; where several
 * rules share a code, with the constraint: `validation_failed shifts_rate_range`.
 */
export type Outcome = string

/** A database inside one transaction that is rolled back in the end: each session on it is a savepoint. */
export interface Stage {
  /** As the owner, whom no policy binds: to arrange and to inspect. */
  readonly owner: Database
  /** Runs one statement as the actor in a session of its own, checked as a commit would check it. */
  run<T>(actor: Actor, statement: SQLWrapper): Promise<T[]>
  /** The same, for the outcome alone. A statement with `returning` or a `select`: rows tell `ok` from `unseen`. */
  attempt(actor: Actor, statement: SQLWrapper): Promise<Outcome>
  /** Does something and takes it back, so that the next thing finds all as it was. */
  tryOut<T>(work: () => Promise<T>): Promise<T>
}

class RolledBack extends Error {}

/** Plays `work` on the database and takes everything back. Inside, `now()` stands still. */
export async function rehearse(database: Database, work: (stage: Stage) => Promise<void>): Promise<void> {
  await rollBack(database, (tx) => work(openStage(tx)))
}

/** Gives the result of work whose transaction is rolled back. */
async function rollBack<T>(database: Database, work: (tx: Transaction) => Promise<T>): Promise<T> {
  const result = Promise.withResolvers<T>()
  await database
    .transaction(async (tx) => {
      result.resolve(await work(tx))
      throw new RolledBack()
    })
    .catch((error) => {
      if (!(error instanceof RolledBack)) throw error
    })
  return result.promise
}

function openStage(tx: Transaction): Stage {
  const owner = nest(tx)
  return {
    owner,
    run: (actor, statement) => runAs(owner, actor, statement),
    attempt: (actor, statement) => outcomeOf(runAs(owner, actor, statement)),
    tryOut: (work) => rollBack(owner, work),
  }
}

/** Runs one statement in a transaction of its own as the actor. `database` must be able to become every role. */
export function runAs<T>(database: Database, actor: Actor | Caller, statement: SQLWrapper): Promise<T[]> {
  return openSessions(database).write(toCaller(actor), (session) => session.rows<T>(statement))
}

/** What came of it: see `Outcome`. @throws what is no refusal by the database */
export async function outcomeOf(work: Promise<readonly unknown[]>): Promise<Outcome> {
  try {
    return (await work).length > 0 ? 'ok' : 'unseen'
  } catch (error) {
    return refusalOf(error)
  }
}

const SHARED_CODES = new Set(['validation_failed', 'invalid_reference', 'already_exists', 'internal'])

/** The code of a refusal, as in `Outcome`. @throws the error itself when the database did not refuse */
export function refusalOf(error: unknown): Outcome {
  const refusal = readDatabaseError(error)
  if (!refusal) throw error
  const code = codeOf(refusal)
  return SHARED_CODES.has(code) ? `${code} ${refusal.constraint ?? refusal.sqlstate}` : code
}

/** Roles that no token can ask for are given here as a session would set them: only tests do that. */
export function toCaller(actor: Actor | Caller): Caller {
  if (typeof actor === 'object') return actor
  if (actor === 'anon') return anonymousCaller()
  if (actor in USERS) return callerOf(actor as Persona)
  return { ...anonymousCaller(), role: (actor === 'owner' ? 'none' : actor) as Caller['role'], claims: {} }
}

/** A transaction as a database: its transactions are savepoints, which end with the checks of a commit. */
function nest(tx: Transaction): Database {
  const forget = () =>
    tx.query("select set_config('role', 'none', true), set_config('request.jwt.claims', '', true)")
  async function transaction<T>(
    work: (tx: Transaction) => Promise<T>,
    { enter }: TransactionOptions = {},
  ): Promise<T> {
    await tx.query('savepoint session')
    try {
      if (enter) await tx.query(enter.text, enter.parameters)
      const result = await work(tx)
      await tx.query('set constraints all immediate')
      await tx.query('set constraints all deferred')
      await forget()
      await tx.query('release savepoint session')
      return result
    } catch (error) {
      await tx.query('rollback to savepoint session')
      await tx.query('release savepoint session')
      throw error
    }
  }
  return {
    kind: 'embedded',
    transaction,
    query: (text, parameters = []) => transaction((inner) => inner.query(text, parameters)),
    script: () => Promise.reject(new Error('A script commits; a rehearsal does not.')),
    listen: () => Promise.reject(new Error('Nothing is notified before a commit.')),
    close: async () => {},
  }
}
