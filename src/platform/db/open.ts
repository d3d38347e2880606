import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type Config, ConfigError, hasSignIn, requireChosenDatabase } from '../../config.ts'
import { explainFailureIn } from '../private-folder.ts'
import { parseServerUrl } from '../server-url.ts'
import type { StreakLog } from '../streak.ts'
import { claimDataFolder } from './engine/data-folder.ts'
import type { Database } from './engine/database.ts'
import { openEmbedded } from './engine/embedded.ts'
import { BEGIN_HISTORY } from './engine/prepared-base.ts'
import { openServer, type ServerOptions } from './engine/server.ts'
import { findObstacle, isReadOnlyAndOurs, type Obstacle, TAKES_NO_WRITES } from './fitness.ts'
import { letOwnerServe } from './identity.ts'
import {
  enableLogins,
  keepLogins,
  LOGINS,
  type Login,
  type LoginEvent,
  type LoginName,
  loginAt,
  loginPassword,
} from './logins.ts'
import { MIGRATION_CONNECTION, migrateUp, progressLine, SERVING_APPLICATION } from './migrations/migrate.ts'
import { openReplica, type Replica } from './replica.ts'
import { checkRights } from './rights.ts'

/** The databases of a running service: one connection on the embedded engine, separate logins on a server. */
export interface Databases {
  /** For callers' sessions: can become `anon` and `authenticated`. */
  api: Database
  /** For what concerns nobody's session: can become `service_role`. */
  worker: Database
  /** For background jobs: can do what they are declared to do, and become nobody else. */
  jobs: Database
  /** For realtime's checks, which are many at once: as `api`, with connections of their own. */
  checks: Database
  /** For sign-in, which alone can use its schema; undefined where others make the tokens. */
  signIn: Database | undefined
  /** For callers' reads, where the settings name one. */
  replica?: Replica
  /** For what the processes of the service tell each other; undefined where there is one process. */
  bus: Database | undefined
  /** What only the processes of the service know: the password of their login, or what tokens are signed with. */
  busSecret: string | undefined
  /** The login of the change feed on a server. */
  replication: Login | undefined
  /** What keeps the database from serving this version: see `findObstacle`. */
  findObstacle(): Promise<Obstacle | undefined>
  close(): Promise<void>
}

const SILENT: StreakLog = { info() {}, warn() {} }

/** The longest that a statement of background work may take. */
export const LONGEST_JOB_MS = 120_000
/** A few statements now and then, such as how jobs, slots and replicas stand, for metrics. */
const WORKER_POOL_SIZE = 2
/** A process runs one job after the other; what others report to the service (webhooks) does not wait for the longest of them. */
const JOBS_POOL_SIZE = 2

/** A sign-in takes a few statements and one slow hash, of which there are few at once. */
const SIGN_IN_POOL_SIZE = 3

/** No request waits for it; but while one is being made to a host that does not answer, no other is tried. */
const REPLICA_CONNECT_TIMEOUT_MS = 2_000

/** A folder of `DATA_DIR` for PGlite alone: it keeps nothing else in there. */
export const embeddedDataDir = (config: Pick<Config, 'DATA_DIR'>): string => join(config.DATA_DIR, 'pgdata')

/**
 * Opens the database that the settings name, migrated.
 *
 * @throws ConfigError, MigrationError, DataFolderInUse, FolderUnusable, DatabaseUnavailable
 */
export async function openDatabases(
  config: Config,
  report: (line: string) => void,
  log: StreakLog = SILENT,
): Promise<Databases> {
  return config.DATABASE_URL || config.DATABASE_API_URL
    ? openOnServer(config, report, log)
    : openInProcess(config, report)
}

async function openInProcess(config: Config, report: (line: string) => void): Promise<Databases> {
  requireChosenDatabase(config)
  const release = await claimDataFolder(config.DATA_DIR)
  const dataDir = embeddedDataDir(config)
  if (!existsSync(dataDir))
    report(`Creating the database in ${dataDir}: the first start takes some seconds longer.`)
  let database: Database | undefined
  try {
    const opened = await openEmbedded({
      dataDir,
      base: 'migrated',
      acquireTimeoutMs: config.DATABASE_ACQUIRE_TIMEOUT_MS,
      maxWaiting: config.DATABASE_MAX_WAITING,
    })
    database = opened
    await migrateUp(opened, { onProgress: (event) => report(progressLine(event)), mayBeNewer: true })
    await opened.query(BEGIN_HISTORY)
    return {
      api: opened,
      worker: opened,
      jobs: opened,
      checks: opened,
      signIn: hasSignIn(config) ? opened : undefined,
      bus: undefined,
      busSecret: undefined,
      replication: undefined,
      findObstacle: () => findObstacle(opened),
      async close() {
        await opened.close()
        await release()
      },
    }
  } catch (error) {
    // A database whose disk is full cannot close either; the first error is the one to tell.
    await database?.close().catch(() => {})
    await release()
    throw await explainFailureIn(config.DATA_DIR, error)
  }
}

async function openOnServer(
  config: Config,
  report: (line: string) => void,
  log: StreakLog,
): Promise<Databases> {
  const { DATABASE_URL: ownerUrl } = config
  const logins = ownerUrl ? await openLogins(config, ownerUrl, report, log) : givenLogins(config)
  if (hasSignIn(config) && !logins.signIn)
    throw new ConfigError('Set DATABASE_SIGN_IN_URL, or SIGN_IN=false: sign-in has a login of its own.')
  const api = openServer({ ...connectionsOf(config, logins.api!), applicationName: SERVING_APPLICATION })
  const checks = openServer({
    ...connectionsOf(config, logins.api!, {
      // Rows are looked for by their keys. A plan that was made while a table was small is kept while it grows.
      enable_seqscan: 'off',
    }),
    max: config.REALTIME_CHECK_CONNECTIONS,
    applicationName: 'muster-realtime-checks',
  })
  // Each job sets its own, which is shorter.
  const background = { statement_timeout: String(LONGEST_JOB_MS) }
  const worker = openServer({
    ...connectionsOf(config, logins.worker!, background),
    max: WORKER_POOL_SIZE,
    applicationName: 'muster-worker',
  })
  // The worker's login may become `muster_jobs`, too: for an operator who has given the service its logins before there was one for jobs.
  const jobs = openServer({
    ...connectionsOf(config, logins.jobs ?? logins.worker!, background),
    max: JOBS_POOL_SIZE,
    applicationName: 'muster-jobs',
  })
  const signIn = hasSignIn(config)
    ? openServer({
        ...connectionsOf(config, logins.signIn!),
        max: SIGN_IN_POOL_SIZE,
        applicationName: 'muster-sign-in',
      })
    : undefined
  const bus = openServer({
    // A notification is not kept, so it need not wait for the disk.
    ...connectionsOf(config, logins.api!, { synchronous_commit: 'off' }),
    max: 1,
    applicationName: 'muster-bus',
  })
  const replicaUrl = config.DATABASE_REPLICA_URL
  const standby = replicaUrl ? openStandby(config, replicaUrl, logins.api!) : []
  const [replica, position] = standby
  return {
    api,
    worker,
    jobs,
    checks,
    signIn,
    bus,
    ...(replica &&
      position && {
        replica: openReplica({
          primary: position,
          replica,
          maxLagMs: config.DATABASE_REPLICA_MAX_LAG_MS,
          log,
        }),
      }),
    busSecret: busSecretOf(config),
    replication: logins.replicator,
    findObstacle: () => findObstacle(api),
    async close() {
      await Promise.all(
        [api, worker, jobs, checks, signIn, bus, ...standby].map((database) => database?.close()),
      )
    },
  }
}

/** The owner's connections, for migrations and commands. What it may not do is told: to PostgreSQL that is a warning. */
export function openOwner(
  ownerUrl: string,
  report: (line: string) => void,
  applicationName = MIGRATION_CONNECTION.applicationName,
): Database {
  return openServer({
    ...MIGRATION_CONNECTION,
    applicationName,
    url: ownerUrl,
    onWarning: (message) => report(`warning: ${message}`),
  })
}

async function prepare(owner: Database, config: Config, report: (line: string) => void): Promise<void> {
  if (config.MIGRATE_ON_START)
    await migrateUp(owner, { onProgress: (event) => report(progressLine(event)), mayBeNewer: true })
  await checkRights(owner, report)
}

const LOGIN_EVENTS: Record<LoginEvent['state'], string> = {
  renewed:
    'database logins: the server refused the service’s password, because somebody has changed it; the service made logins apart from those, and serves with them',
  refused:
    'database logins: the server refused the service’s password, and the owner’s login (DATABASE_URL) could not make others; connections that are open serve on, and the service tries again',
}

type Logins = Partial<Record<LoginName, Login>>

const LOGIN_NAMES = Object.keys(LOGINS) as LoginName[]

/** Those that the settings name. */
function givenLogins(config: Config): Logins {
  const given = LOGIN_NAMES.flatMap((name) => {
    const url = config[LOGINS[name].setting]
    return url ? [[name, { url }]] : []
  })
  return Object.fromEntries(given)
}

/** Migrates, and lets in the logins that no setting names. A server that takes no writes is left as it is. */
async function openLogins(
  config: Config,
  ownerUrl: string,
  report: (line: string) => void,
  log: StreakLog,
): Promise<Logins> {
  const given = givenLogins(config)
  const names = LOGIN_NAMES.filter(
    (name) =>
      !given[name] &&
      (config.REALTIME || !('replication' in LOGINS[name])) &&
      (hasSignIn(config) || name !== 'signIn'),
  )
  const asOwner = async <T>(work: (owner: Database) => Promise<T>): Promise<T> => {
    const owner = openOwner(ownerUrl, report)
    try {
      return await work(owner)
    } finally {
      await owner.close()
    }
  }
  const urls = await asOwner(async (owner) => {
    if (await isReadOnlyAndOurs(owner)) {
      report(`warning: ${TAKES_NO_WRITES}; the service starts, is not ready, and serves reads until it does.`)
      return enableLogins(owner, ownerUrl, { names: [] })
    }
    await prepare(owner, config, report)
    return enableLogins(owner, ownerUrl, { names, report })
  })
  const made = keepLogins(
    urls,
    () => asOwner((owner) => enableLogins(owner, ownerUrl, { names, apart: true })),
    (event) => log.warn(event, LOGIN_EVENTS[event.state]),
  )
  return { ...made, ...given }
}

/** The same in each process, and in those of earlier releases: a broadcast reaches them during an upgrade. */
function busSecretOf({ DATABASE_URL, DATABASE_API_URL, JWT_SECRET }: Config): string | undefined {
  if (DATABASE_API_URL) return parseServerUrl(DATABASE_API_URL).password || JWT_SECRET
  return DATABASE_URL && parseServerUrl(DATABASE_URL).password !== ''
    ? loginPassword(DATABASE_URL, LOGINS.api.role)
    : JWT_SECRET
}

/** Connections to the replica, and the one where the primary is asked for its position: it must not wait for requests. */
function openStandby(config: Config, address: string, login: Login): Database[] {
  const there: Login = {
    get url() {
      return loginAt(address, login.url)
    },
    // Logins are the primary's to renew: the replica only follows.
    async renew(refused) {
      return there.url === refused ? undefined : there.url
    },
  }
  const replica = openServer({
    ...connectionsOf({ ...config, DATABASE_POOLER_URL: undefined }, there),
    connectTimeoutMs: REPLICA_CONNECT_TIMEOUT_MS,
    applicationName: 'muster-api',
  })
  const position = openServer({
    ...connectionsOf(config, login),
    max: 1,
    applicationName: 'muster-position',
  })
  return [replica, position]
}

/**
 * How the service connects as one of its logins, by the settings: through the pooler, where there is one.
 *
 * @param login on the server itself
 * @param more session settings beside the usual ones
 */
export function connectionsOf(
  config: Config,
  login: Login,
  more: Record<string, string> = {},
): Partial<ServerOptions> & { url: string } {
  const pooler = config.DATABASE_POOLER_URL
  const addresses = (url: string) => ({ url, poolerUrl: pooler && loginAt(pooler, url) })
  return {
    ...addresses(login.url),
    renew: async (refused) => {
      const url = await login.renew?.(refused)
      return url === undefined ? undefined : addresses(url)
    },
    max: config.DATABASE_POOL_SIZE,
    acquireTimeoutMs: config.DATABASE_ACQUIRE_TIMEOUT_MS,
    maxWaiting: config.DATABASE_MAX_WAITING,
    maxPerCaller: config.DATABASE_CALLER_CONNECTIONS,
    prepare: config.DATABASE_PREPARE ?? pooler === undefined,
    settings: {
      statement_timeout: String(config.DATABASE_STATEMENT_TIMEOUT_MS),
      lock_timeout: String(config.DATABASE_LOCK_TIMEOUT_MS),
      idle_in_transaction_session_timeout: String(config.DATABASE_IDLE_TRANSACTION_TIMEOUT_MS),
      // Policies make plans look expensive enough to be compiled: that took 450 ms for a list that then ran in 14 ms.
      jit: 'off',
      ...more,
    },
  }
}

/**
 * Opens the database for a command of an operator: migrated, and as its owner where the settings name one. No login of the service is
 * touched: another service may use them, and another owner's password would be theirs then.
 */
export async function openForCommand(
  config: Config,
  report: (line: string) => void,
): Promise<Pick<Databases, 'worker' | 'close'>> {
  if (!config.DATABASE_URL) return openDatabases(config, report)
  const owner = openOwner(config.DATABASE_URL, report)
  try {
    await prepare(owner, config, report)
    await letOwnerServe(owner)
    return { worker: owner, close: () => owner.close() }
  } catch (error) {
    await owner.close()
    throw error
  }
}
