import { createHash, createHmac, pbkdf2 } from 'node:crypto'
import { promisify } from 'node:util'
import type { Config } from '../../config.ts'
import { formatServerUrl, parseServerUrl } from '../server-url.ts'
import { Connection } from './engine/connection.ts'
import type { Database, Transaction } from './engine/database.ts'
import { isWrongPassword, readDatabaseError } from './engine/database-error.ts'
import { SERVER_DEFAULTS } from './engine/server.ts'
import { RightsMissing } from './rights.ts'

interface LoginDeclaration {
  /** The role whose rights the login inherits. A migration makes it; it cannot log in itself. */
  role: string
  /** The setting that names a login of the operator's instead. */
  setting: keyof Config & `DATABASE_${string}_URL`
  /** It reads the write-ahead log. */
  replication?: true
}

/**
 * The logins of the service: one line each. `foundation.sql` and `publication.sql` in `supabase/schemas/platform/` say what each
 * role may do.
 *
 * Roles are the whole server's, so a login is named by its database: `muster_api_16412`. Two services with databases on one server, and
 * owners of their own, would otherwise change each other's passwords.
 */
export const LOGINS = {
  api: { role: 'muster_api', setting: 'DATABASE_API_URL' },
  worker: { role: 'muster_worker', setting: 'DATABASE_WORKER_URL' },
  jobs: { role: 'muster_jobs', setting: 'DATABASE_JOBS_URL' },
  signIn: { role: 'muster_signin', setting: 'DATABASE_SIGN_IN_URL' },
  replicator: { role: 'muster_replicator', setting: 'DATABASE_REPLICATION_URL', replication: true },
} as const satisfies Record<string, LoginDeclaration>

export type LoginName = keyof typeof LOGINS
export type LoginUrls = Record<LoginName, string>

/** insufficient_privilege */
const NOT_ALLOWED = '42501'
/** undefined_object: a role that the migrations make. */
const NO_SUCH_ROLE = '42704'

/** PostgreSQL's own default (`scram_iterations`). */
const SCRAM_ITERATIONS = 4096
const SCRAM_SALT_BYTES = 16

/** Tells the owners' passwords apart in names of logins. Derived, like the logins' passwords: it tells nothing of the owner's. */
const KEY_NAME_BYTES = 4

/** What is made here is marked as what the migrations make: `npm run db:logins` drops nothing else. */
const MARK = 'created by muster'

/** Two int4 keys: "must" in ASCII for this project's advisory locks, and 2 for the logins of a database. */
const LOCK_KEY: readonly [number, number] = [0x6d757374, 2]

/**
 * The password of a login, derived from the owner's: every process of the service finds the same one, nothing needs to
 * be stored, and it changes when the owner's does.
 */
export function loginPassword(ownerUrl: string, login: string): string {
  return derive(ownerUrl, `muster login ${login}`).toString('base64url')
}

function derive(ownerUrl: string, purpose: string): Buffer {
  return createHmac('sha256', parseServerUrl(ownerUrl).password).update(purpose).digest()
}

/** The URL of a login on the owner's server and database. */
export function loginUrl(ownerUrl: string, login: string): string {
  const owner = parseServerUrl(ownerUrl)
  // An owner without a password comes in by another way (trust, a certificate); so does the login.
  const password = owner.password && loginPassword(ownerUrl, login)
  return formatServerUrl({ ...owner, user: login, password })
}

/**
 * A login at another address (a pooler's, a replica's). Of the address, host, port and parameters count, and the database
 * where it names one; never its user, so that nobody is served as the owner by mistake.
 */
export function loginAt(address: string, login: string): string {
  const { user, password, database } = parseServerUrl(login)
  const there = parseServerUrl(address)
  return formatServerUrl({ ...there, user, password, database: there.database || database })
}

export interface EnableOptions {
  /** Those that no setting names; all of them by default. */
  names?: readonly LoginName[]
  /**
   * Leaves a login alone that is there already, and makes one beside it, named by the owner's password: for a service that runs, when
   * somebody else has set another password. So two services never take a login from each other in turn.
   */
  apart?: boolean
  /** What the owner may not do, and what to do about it. */
  report?: (line: string) => void
}

/**
 * Makes the logins of this database, with their derived passwords, or lets them in again. The server gets SCRAM verifiers
 * (RFC 5803, the form of `pg_authid.rolpassword`), so that no password shows up in its log.
 *
 * @returns the URL of each login that `names` has; of the others, where it would be
 * @throws RightsMissing when the owner may not make them
 */
export async function enableLogins(
  owner: Database,
  ownerUrl: string,
  { names = Object.keys(LOGINS) as LoginName[], apart = false, report = () => {} }: EnableOptions = {},
): Promise<LoginUrls> {
  const [database] = await owner.query<{ oid: string }>(
    'select oid::text from pg_catalog.pg_database where datname = current_database()',
  )
  const urls: Partial<LoginUrls> = {}
  for (const name of Object.keys(LOGINS) as LoginName[]) {
    const login = `${LOGINS[name].role}_${database!.oid}`
    urls[name] = loginUrl(ownerUrl, login)
    if (names.includes(name)) urls[name] = await enableLogin(owner, ownerUrl, { name, login, apart, report })
  }
  return urls as LoginUrls
}

async function enableLogin(
  owner: Database,
  ownerUrl: string,
  { name, login, apart, report }: { name: LoginName; login: string } & Required<Omit<EnableOptions, 'names'>>,
): Promise<string> {
  const declared: LoginDeclaration = LOGINS[name]
  try {
    const { url, lacks } = await owner.transaction(async (tx) => {
      // Processes that start at once would change the same row of the catalog, and one of them would fail.
      await tx.query('select pg_advisory_xact_lock($1::int4, $2::int4)', LOCK_KEY)
      const chosen = apart && (await findRole(tx, login)) ? `${login}_${keyName(ownerUrl)}` : login
      return { url: loginUrl(ownerUrl, chosen), lacks: await makeLogin(tx, ownerUrl, chosen, declared) }
    })
    if (lacks && !(lacks.mayWork && (await letsIn(url)))) report(lacks.advice)
    return url
  } catch (error) {
    const sqlstate = readDatabaseError(error)?.sqlstate
    if (sqlstate === NO_SUCH_ROLE)
      throw new RightsMissing(
        `There is no role ${declared.role} yet: the database is not migrated. Run npm run db:migrate.`,
        { cause: error },
      )
    if (sqlstate !== NOT_ALLOWED) throw error
    throw new RightsMissing(
      `The login of DATABASE_URL may not make the login ${login}, a member of ${declared.role}. As a superuser, run:
  alter role <the login of DATABASE_URL> createrole;
  grant ${declared.role} to <the login of DATABASE_URL> with admin option;
Or make a login yourself, and set ${declared.setting}.`,
      { cause: error },
    )
  }
}

async function findRole(tx: Transaction, login: string): Promise<{ replication: boolean } | undefined> {
  const [found] = await tx.query<{ replication: boolean }>(
    'select rolreplication as replication from pg_catalog.pg_roles where rolname = $1',
    [login],
  )
  return found
}

/** What the owner may not give a login. */
interface Lack {
  advice: string
  /** Somebody else has given it, so that only the password can be another. */
  mayWork: boolean
}

async function makeLogin(
  tx: Transaction,
  ownerUrl: string,
  login: string,
  { role, setting, replication }: LoginDeclaration,
): Promise<Lack | undefined> {
  let lack: Lack | undefined
  const found = await findRole(tx, login)
  const verifier = await loginVerifier(ownerUrl, login)
  const password = `password ${verifier === undefined ? 'null' : `'${verifier}'`}`
  if (!found) {
    await tx.query(`create role ${login} login inherit ${password}`)
    await tx.query(`comment on role ${login} is '${MARK}'`)
  }
  // Before PostgreSQL 16 a role with REPLICATION is a superuser's to make and to alter.
  if (
    replication &&
    !(await unlessForbidden(tx, `alter role ${login} login inherit replication ${password}`))
  )
    lack = {
      advice: `realtime: the login of DATABASE_URL may not give ${login} REPLICATION, so subscriptions to table changes are refused. As a superuser, run (again when the password in DATABASE_URL has changed):
  alter role ${login} replication ${password};
Or set ${setting} to a login with REPLICATION.`,
      mayWork: found?.replication ?? false,
    }
  else if (!replication && found) await tx.query(`alter role ${login} login inherit ${password}`)
  const [member] = await tx.query<{ is: boolean }>("select pg_has_role($1, $2, 'usage') as is", [login, role])
  if (!member?.is) await tx.query(`grant ${role} to ${login}`)
  return lack
}

/** @throws what keeps it out but for a wrong password */
async function letsIn(url: string): Promise<boolean> {
  try {
    const connection = await Connection.open({
      url,
      applicationName: 'muster-migrate',
      connectTimeoutMs: SERVER_DEFAULTS.connectTimeoutMs,
      prepare: false,
      settings: {},
    })
    await connection.close()
    return true
  } catch (error) {
    if (!isWrongPassword(error)) throw error
    return false
  }
}

/** @returns false when the owner may not do that; the transaction goes on. */
async function unlessForbidden(tx: Transaction, statement: string): Promise<boolean> {
  await tx.query('savepoint attempt')
  try {
    await tx.query(statement)
    return true
  } catch (error) {
    if (readDatabaseError(error)?.sqlstate !== NOT_ALLOWED) throw error
    await tx.query('rollback to savepoint attempt')
    return false
  }
}

const keyName = (ownerUrl: string): string =>
  derive(ownerUrl, 'muster login name').subarray(0, KEY_NAME_BYTES).toString('hex')

/**
 * The same each time, salt and all: PgBouncer logs in with what a client proved when it came, and those who came before would be
 * shut out by a new salt whenever a process of the service starts. (A salt is there to tell equal passwords apart; no two of
 * these are.) Undefined for an owner without a password.
 */
async function loginVerifier(ownerUrl: string, login: string): Promise<string | undefined> {
  if (parseServerUrl(ownerUrl).password === '') return undefined
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

// ---- What is left of them ------------------------------------------------------------------------------------

export interface KnownLogin {
  login: string
  /** Whose it is; null when that was dropped, or when the login is one of the releases before, which every database shared. */
  database: string | null
  sessions: number
  /**
   * `dropped`: of a database that is no more. `apart`: made by a service whose password somebody else had changed. `shared`: of the
   * releases before.
   */
  kind: 'present' | 'apart' | 'dropped' | 'shared'
}

/** The logins of all databases of the server. */
export function listLogins(owner: Database): Promise<KnownLogin[]> {
  return owner.query<KnownLogin & Record<string, unknown>>(
    `select r.rolname as login, d.datname as database,
            (select count(*)::int from pg_catalog.pg_stat_activity where usesysid = r.oid) as sessions,
            case when named.oid is null then 'shared' when d.oid is null then 'dropped'
                 when named.key is not null then 'apart' else 'present' end as kind
     from pg_catalog.pg_roles r
     cross join lateral (
       select parts[1] as oid, parts[2] as key
       from regexp_match(r.rolname, '^muster_[a-z]+(?:_([0-9]+))?(?:_([0-9a-f]{8}))?$') as parts
     ) named
     left join pg_catalog.pg_database d on d.oid::text = named.oid
     where r.rolcanlogin and shobj_description(r.oid, 'pg_authid') = $1
       and r.rolname ~ '^muster_[a-z]+(_[0-9]+(_[0-9a-f]{8})?)?$'
     order by kind, login`,
    [MARK],
  )
}

/** Drops the logins that nobody needs any more, and closes those of the releases before. @returns what was done to each */
export async function cleanLogins(owner: Database): Promise<string[]> {
  const done: string[] = []
  for (const { login, kind, sessions } of await listLogins(owner)) {
    if (kind === 'present' || sessions > 0) continue
    await owner.query(kind === 'shared' ? `alter role ${login} nologin` : `drop role ${login}`)
    done.push(`${login}: ${kind === 'shared' ? 'closed' : 'dropped'}`)
  }
  return done
}

// ---- While the service runs -----------------------------------------------------------------------------------

/** A login of a running service. */
export interface Login {
  /** Where to log in now. */
  readonly url: string
  /**
   * After the server refused the password of `refused`: where to log in instead.
   *
   * @returns undefined where nothing can be done about it now
   */
  renew?(refused: string): Promise<string | undefined>
}

export type LoginEvent = { state: 'renewed' } | { state: 'refused'; reason: string }

/** How long after an attempt to renew the logins the next one is made, by whichever connection. */
const RENEWAL_PAUSE_MS = 5_000

/**
 * The logins of a running service, which get other passwords when somebody has changed theirs: then the owner makes logins apart from
 * those that somebody else uses now.
 *
 * @param enable makes them
 */
export function keepLogins(
  urls: LoginUrls,
  enable: () => Promise<LoginUrls>,
  report: (event: LoginEvent) => void,
): Record<LoginName, Login> {
  let current = urls
  let nextAt = 0
  let isRefused = false
  let attempt: Promise<boolean> = Promise.resolve(false)

  async function enableAgain(): Promise<boolean> {
    try {
      current = await enable()
      report({ state: 'renewed' })
      isRefused = false
      return true
    } catch (error) {
      const reason = readDatabaseError(error)?.sqlstate ?? (error instanceof Error ? error.name : 'unknown')
      if (!isRefused) report({ state: 'refused', reason })
      isRefused = true
      return false
    } finally {
      nextAt = performance.now() + RENEWAL_PAUSE_MS
    }
  }

  const loginOf = (name: LoginName): Login => ({
    get url() {
      return current[name]
    },
    async renew(refused) {
      // Another connection was refused before, and this one began with what it had then.
      if (current[name] !== refused) return current[name]
      if (performance.now() >= nextAt) {
        nextAt = Number.POSITIVE_INFINITY
        attempt = enableAgain()
      }
      return (await attempt) ? current[name] : undefined
    },
  })
  return Object.fromEntries(
    (Object.keys(LOGINS) as LoginName[]).map((name) => [name, loginOf(name)]),
  ) as Record<LoginName, Login>
}
