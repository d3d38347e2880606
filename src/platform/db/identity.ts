import type { CallerRole } from '../auth/caller.ts'
import type { Database, Transaction, TransactionOptions } from './engine/database.ts'
import { readDatabaseError } from './engine/database-error.ts'

/** Role and claims in one statement, local to the transaction: there is no moment with one and not the other. */
export const ENTER = "select set_config('role', $1, true), set_config('request.jwt.claims', $2, true)"

/**
 * How the session is called in `pg_stat_activity` and in the server's log (`%a`) while it works for a request, until the transaction
 * ends: whoever finds a slow statement there finds its request in the log of the service, and in `x-request-id`.
 */
export const sessionName = (requestId: string): string => `muster-api ${requestId}`

/** Calls the session so, in the statement that sets role and claims. The statements that follow stay prepared: their text is the same. */
export const NAME_SESSION = (parameter: string): string =>
  `set_config('application_name', ${parameter}, true)`

/** Of whom something is asked: the claims as JSON, which only policies read. */
interface Identity {
  role: CallerRole
  claims?: string
}

/** A read-only transaction as somebody who sent no request: a subscriber of changes. */
export const readAs = <T>(
  database: Database,
  { role, claims = '' }: Identity,
  work: (tx: Transaction) => Promise<T>,
): Promise<T> =>
  database.transaction(work, { readOnly: true, enter: { text: ENTER, parameters: [role, claims] } })

/** insufficient_privilege */
const NOT_ALLOWED = '42501'

/**
 * Makes the owner a member of `service_role`, for `asService`, where it is not: an owner with CREATEROLE may do that, and from
 * PostgreSQL 16 on is a member of what it made without being able to become it.
 */
export async function letOwnerServe(owner: Database): Promise<void> {
  try {
    await asService(owner, (tx) => tx.query('select'), { readOnly: true })
  } catch (error) {
    if (readDatabaseError(error)?.sqlstate !== NOT_ALLOWED) throw error
    await owner.query('grant service_role to current_user')
  }
}

/**
 * Lets the owner be `muster_jobs` for as long as the work takes: what the demo tells of background work, background work writes. No longer,
 * since a membership that stays is a difference from what the migrations make.
 */
export async function whileOwnerWorks<T>(owner: Database, work: () => Promise<T>): Promise<T> {
  try {
    await asJobs(owner, (tx) => tx.query('select'), { readOnly: true })
  } catch (error) {
    if (readDatabaseError(error)?.sqlstate !== NOT_ALLOWED) throw error
    await owner.query('grant muster_jobs to current_user')
    try {
      return await work()
    } finally {
      await owner.query('revoke muster_jobs from current_user')
    }
  }
  return work()
}

/** A transaction as `muster_jobs`, which may do what jobs are declared to do: on the login of background work. */
export const asJobs = <T>(
  database: Database,
  work: (tx: Transaction) => Promise<T>,
  options?: Pick<TransactionOptions, 'readOnly' | 'signal'>,
): Promise<T> =>
  database.transaction(work, {
    ...options,
    enter: { text: "select set_config('role', 'muster_jobs', true)", parameters: [] },
  })

/**
 * A transaction as `service_role`, which sees every row: for background work and commands, on a login that may become it (or as the
 * owner, whom forced row level security binds).
 */
export const asService = <T>(
  database: Database,
  work: (tx: Transaction) => Promise<T>,
  options?: Pick<TransactionOptions, 'readOnly' | 'signal'>,
): Promise<T> =>
  database.transaction(work, {
    ...options,
    enter: { text: "select set_config('role', 'service_role', true)", parameters: [] },
  })
