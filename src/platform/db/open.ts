import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type Config, requireChosenDatabase } from '../../config.ts'
import { explainFailureIn } from '../private-folder.ts'
import type { StreakLog } from '../streak.ts'
import { claimDataFolder } from './engine/data-folder.ts'
import type { Database } from './engine/database.ts'
import { openEmbedded } from './engine/embedded.ts'
import { openServer, type ServerOptions } from './engine/server.ts'
import { findObstacle, type Obstacle } from './fitness.ts'
import { enableLogins, LOGINS, loginAt, loginUrl } from './logins.ts'
import { MIGRATION_CONNECTION, migrateUp, progressLine, SERVING_APPLICATION } from './migrations/migrate.ts'
import { openReplica, type Replica } from './replica.ts'

/** The databases of a running service: one connection on the embedded engine, separate logins on a server. */
export interface Databases {
  /** For callers' sessions: can become `anon` and `authenticated`. */
  api: Database
  /** For background work: can become `service_role`. */
  worker: Database
  /** For realtime's checks, which are many at once: as `api`, with connections of their own. */
  checks: Database
  /** For callers' reads, where the settings name one. */
  replica?: Replica
  /** For what the processes of the service tell each other; undefined where there is one process. */
  bus: Database | undefined
  /** What only the processes of the service know: the password of their login, or what tokens are signed with. */
  busSecret: string | undefined
  /** The login of the change feed on a server. */
  replicationUrl: string | undefined
  /** What keeps the database from serving this version: see `findObstacle`. */
  findObstacle(): Promise<Obstacle | undefined>
  close(): Promise<void>
}

const SILENT: StreakLog = { info() {}, warn() {} }

/** The longest that a statement of background work may take. */
export const LONGEST_JOB_MS = 120_000
/** Background work is a few statements now and then. */
const WORKER_POOL_SIZE = 2

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
      acquireTimeoutMs: config.DATABASE_ACQUIRE_TIMEOUT_MS,
      maxWaiting: config.DATABASE_MAX_WAITING,
    })
    database = opened
    await migrateUp(opened, { onProgress: (event) => report(progressLine(event)), mayBeNewer: true })
    return {
      api: opened,
      worker: opened,
      checks: opened,
      bus: undefined,
      busSecret: undefined,
      replicationUrl: undefined,
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
  if (ownerUrl) {
    const owner = openServer({ ...MIGRATION_CONNECTION, url: ownerUrl })
    try {
      if (config.MIGRATE_ON_START)
        await migrateUp(owner, { onProgress: (event) => report(progressLine(event)), mayBeNewer: true })
      await enableLogins(owner, ownerUrl)
    } finally {
      await owner.close()
    }
  }

  const apiUrl = config.DATABASE_API_URL ?? loginUrl(ownerUrl!, LOGINS.api)
  const api = openServer({ ...connectionsOf(config, apiUrl), applicationName: SERVING_APPLICATION })
  const checks = openServer({
    ...connectionsOf(config, apiUrl, {
      // Rows are looked for by their keys. A plan that was made while a table was small is kept while it grows.
      enable_seqscan: 'off',
    }),
    max: config.REALTIME_CHECK_CONNECTIONS,
    applicationName: 'muster-realtime-checks',
  })
  const worker = openServer({
    ...connectionsOf(config, config.DATABASE_WORKER_URL ?? loginUrl(ownerUrl!, LOGINS.worker), {
      // Each job sets its own, which is shorter.
      statement_timeout: String(LONGEST_JOB_MS),
    }),
    max: WORKER_POOL_SIZE,
    applicationName: 'muster-worker',
  })
  const bus = openServer({
    // A notification is not kept, so it need not wait for the disk.
    ...connectionsOf(config, apiUrl, { synchronous_commit: 'off' }),
    max: 1,
    applicationName: 'muster-bus',
  })
  const replicaUrl = config.DATABASE_REPLICA_URL
  const standby = replicaUrl ? openStandby(config, loginAt(replicaUrl, apiUrl), apiUrl) : []
  const [replica, position] = standby
  return {
    api,
    worker,
    checks,
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
    busSecret: decodeURIComponent(new URL(apiUrl).password) || config.JWT_SECRET,
    replicationUrl: config.DATABASE_REPLICATION_URL ?? (ownerUrl && loginUrl(ownerUrl, LOGINS.replicator)),
    findObstacle: () => findObstacle(api),
    async close() {
      await Promise.all([api, worker, checks, bus, ...standby].map((database) => database.close()))
    },
  }
}

/** Connections to the replica, and the one where the primary is asked for its position: it must not wait for requests. */
function openStandby(config: Config, url: string, primaryUrl: string): Database[] {
  const replica = openServer({
    ...connectionsOf({ ...config, DATABASE_POOLER_URL: undefined }, url),
    connectTimeoutMs: REPLICA_CONNECT_TIMEOUT_MS,
    applicationName: 'muster-api',
  })
  const position = openServer({
    ...connectionsOf(config, primaryUrl),
    max: 1,
    applicationName: 'muster-position',
  })
  return [replica, position]
}

/**
 * How the service connects as one of its logins, by the settings: through the pooler, where there is one.
 *
 * @param url the login's, on the server itself
 * @param more session settings beside the usual ones
 */
export function connectionsOf(
  config: Config,
  url: string,
  more: Record<string, string> = {},
): Partial<ServerOptions> & { url: string } {
  const pooler = config.DATABASE_POOLER_URL
  return {
    url,
    poolerUrl: pooler && loginAt(pooler, url),
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
