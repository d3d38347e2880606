import type { Config } from '../../../config.ts'
import type { Login } from '../../db/logins.ts'
import type { Databases } from '../../db/open.ts'
import { type ChangeFeed, FeedUnavailable } from '../feed/change-feed.ts'
import { createLogicalFeed, type LogicalFeedOptions } from '../feed/logical.ts'
import { createNotifyFeed } from '../feed/notify.ts'
import type { ChangeRouter } from './change-router.ts'
import { openCatalog } from './published-tables.ts'
import { createChangeRouter, type RouterLog } from './router.ts'

/** Whose tables are followed; the name is Supabase's. */
export const PUBLICATION = 'supabase_realtime'

export interface ChangeRouterParts {
  config: Pick<Config, 'REALTIME_CHECK_CONNECTIONS' | 'REALTIME_WALRUS_COMPATIBLE'>
  databases: Pick<Databases, 'checks' | 'replication'>
  log: RouterLog
  /** Tables of the publication, in schema `public`, that are no table here: of what this service does not do. */
  unfollowed?: readonly string[]
  /** Other limits of the feed, for tests. */
  limits?: LogicalFeedOptions['limits']
  liveTimeoutMs?: number
}

/**
 * The change router of a running service: on a server over logical replication, in the embedded engine over triggers. It
 * starts nothing by itself, and closes no database.
 */
export function openChangeRouter({
  config,
  databases,
  log,
  unfollowed = [],
  limits,
  liveTimeoutMs,
}: ChangeRouterParts): ChangeRouter {
  const { checks } = databases
  const catalog = openCatalog(checks, PUBLICATION, unfollowed)
  const isEmbedded = checks.kind === 'embedded'
  return createChangeRouter({
    catalog,
    database: checks,
    feed: isEmbedded
      ? createNotifyFeed({
          database: checks,
          log,
          findTable: async (oid) => (await catalog.findTables({ oid }))[0],
        })
      : openLogicalFeed(databases.replication, catalog.findTypes, log, limits),
    connections: isEmbedded ? 1 : config.REALTIME_CHECK_CONNECTIONS,
    walrusCompatible: config.REALTIME_WALRUS_COMPATIBLE,
    ...(liveTimeoutMs !== undefined && { liveTimeoutMs }),
    log,
  })
}

function openLogicalFeed(
  login: Login | undefined,
  findTypes: LogicalFeedOptions['findTypes'],
  log: RouterLog,
  limits: LogicalFeedOptions['limits'],
): ChangeFeed {
  if (login)
    return createLogicalFeed({ login, publication: PUBLICATION, findTypes, log, ...(limits && { limits }) })
  return noFeed(log)
}

/** The feed of a service without a replication login: everything else works, and subscriptions are refused with the reason. */
function noFeed(log: RouterLog): ChangeFeed {
  const reason =
    'Realtime has no database login with REPLICATION: set DATABASE_REPLICATION_URL or DATABASE_URL.'
  const health: ChangeFeed['health'] = {
    state: 'stopped',
    position: null,
    lastCommitTs: null,
    queued: 0,
    reconnects: 0,
    gaps: 0,
    lastError: reason,
  }
  return {
    health,
    async start() {
      log.warn({}, reason)
    },
    async live() {
      throw new FeedUnavailable(reason, false)
    },
    async stop() {},
  }
}
