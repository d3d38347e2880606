import { createHash, createHmac, pbkdf2 } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import type { Database } from './engine/database.ts'
import { readDatabaseError } from './engine/database-error.ts'

/** The roles that the service logs in as; `foundation.sql` and `publication.sql` in `supabase/schemas/platform/` say what each can do. */
export const LOGINS = { api: 'muster_api', worker: 'muster_worker', replicator: 'muster_replicator' } as const

/** insufficient_privilege */
const NOT_ALLOWED = '42501'

/** PostgreSQL's own default (`scram_iterations`). */
const SCRAM_ITERATIONS = 4096
const SCRAM_SALT_BYTES = 16

/**
 * The password of a login, derived from the owner's: every process of the service finds the same one, nothing needs to
 * be stored, and it changes when the owner's does.
 */
export function loginPassword(ownerUrl: string, login: string): string {
  return derive(ownerUrl, `muster login ${login}`).toString('base64url')
}

function derive(ownerUrl: string, purpose: string): Buffer {
  const { password } = new URL(ownerUrl)
  return createHmac('sha256', decodeURIComponent(password)).update(purpose).digest()
}

/** The URL of a login on the owner's server and database. */
export function loginUrl(ownerUrl: string, login: string): string {
  const url = new URL(ownerUrl)
  url.username = login
  // An owner without a password comes in by another way (trust, a certificate); so does the login.
  url.password = url.password === '' ? '' : loginPassword(ownerUrl, login)
  return url.href
}

/**
 * A login at another address (a pooler's, a replica's). Of the address, host, port and parameters count, and the database
 * where it names one; never its user, so that nobody is served as the owner by mistake.
 */
export function loginAt(address: string, login: string): string {
  const url = new URL(address)
  const { username, password, pathname } = new URL(login)
  url.username = username
  url.password = password
  if (url.pathname.length <= 1) url.pathname = pathname
  return url.href
}

/**
 * Lets the logins in, with their derived passwords. The server gets SCRAM verifiers (RFC 5803, the form of
 * `pg_authid.rolpassword`), so that no password shows up in its log.
 */
export async function enableLogins(owner: Database, ownerUrl: string): Promise<void> {
  const { password } = new URL(ownerUrl)
  for (const login of Object.values(LOGINS)) {
    const verifier = password === '' ? 'null' : `'${await loginVerifier(ownerUrl, login)}'`
    try {
      await alterRole(owner, `alter role ${login} login password ${verifier}`)
    } catch (error) {
      // Before PostgreSQL 16 a role with REPLICATION is a superuser's to alter. The service runs without it, and realtime
      // says what it lacks.
      if (login !== LOGINS.replicator || readDatabaseError(error)?.sqlstate !== NOT_ALLOWED) throw error
    }
  }
}

/** internal_error: "tuple concurrently updated" has no SQLSTATE of its own. */
const CATALOG_CONFLICT = 'XX000'
/** As many processes may start at once on one server: each attempt lets at least one of them through. */
const MAX_ATTEMPTS = 20
const RETRY_PAUSE_MS = 25

/**
 * Two processes that start at once update the same row of the catalog, and one of them fails. No lock keeps them apart:
 * roles are the whole server's, and advisory locks a database's.
 */
async function alterRole(owner: Database, statement: string): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await owner.query(statement)
      return
    } catch (error) {
      if (attempt === MAX_ATTEMPTS || readDatabaseError(error)?.sqlstate !== CATALOG_CONFLICT) throw error
      await sleep(RETRY_PAUSE_MS * (0.5 + Math.random()))
    }
  }
}

/**
 * The same each time, salt and all: PgBouncer logs in with what a client proved when it came, and those who came before would be
 * shut out by a new salt whenever a process of the service starts. (A salt is there to tell equal passwords apart; no two of
 * these are.)
 */
function loginVerifier(ownerUrl: string, login: string): Promise<string> {
  const salt = derive(ownerUrl, `muster salt ${login}`).subarray(0, SCRAM_SALT_BYTES)
  return scramVerifier(loginPassword(ownerUrl, login), salt)
}

/** RFC 5802, section 3, with SHA-256. */
async function scramVerifier(password: string, salt: Buffer): Promise<string> {
  const salted = await promisify(pbkdf2)(password.normalize('NFKC'), salt, SCRAM_ITERATIONS, 32, 'sha256')
  const clientKey = createHmac('sha256', salted).update('Client Key').digest()
  const storedKey = createHash('sha256').update(clientKey).digest('base64')
  const serverKey = createHmac('sha256', salted).update('Server Key').digest('base64')
  return `SCRAM-SHA-256$${SCRAM_ITERATIONS}:${salt.toString('base64')}$${storedKey}:${serverKey}`
}
