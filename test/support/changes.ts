import { afterAll, beforeAll, expect, vi } from 'vitest'
import { readConfig } from '../../src/config.ts'
import { type Caller, serializeClaims } from '../../src/platform/auth/caller.ts'
import type { Database } from '../../src/platform/db/engine/database.ts'
import { openServer } from '../../src/platform/db/engine/server.ts'
import { enableLogins, type LoginName } from '../../src/platform/db/logins.ts'
import type {
  ActiveSubscription,
  ChangeChannel,
  ChangeRouter,
  Subscriber,
} from '../../src/platform/realtime/changes/change-router.ts'
import { type ChangeRouterParts, openChangeRouter } from '../../src/platform/realtime/changes/open.ts'
import type { RouterLog } from '../../src/platform/realtime/changes/router.ts'
import type { ChangeKind } from '../../src/platform/realtime/feed/change-feed.ts'
import { parseFilter } from '../../src/platform/realtime/protocol/filter.ts'
import type { ChangeEvent, ChangeRequest } from '../../src/platform/realtime/protocol/join.ts'
import { openTestDatabase, type TestDatabase } from './database.ts'
import { patience } from './patience.ts'
import { callerOf, type Persona } from './world.ts'

/** How long a test waits for what must come, in milliseconds. */
const PATIENCE_MS = patience(20_000)

/** A published table whose policy waits for a lock: whoever locks `gate` holds up the checks of its changes, and nobody else. */
export const GATED_EVENTS = `
  create table events (id int primary key, owner uuid, body text);
  alter table events enable row level security;
  grant select on events to authenticated;
  create table gate ();
  grant select on gate to authenticated;
  create policy events_read on events for select to authenticated
    using (owner = (select auth.uid()) and (select count(*) from gate) = 0);
  alter publication supabase_realtime add table events;
`

/** The `data` of a frame. */
export interface ChangeData {
  schema: string
  table: string
  type: ChangeKind
  commit_timestamp: string | null
  columns: { name: string; type: string }[]
  record?: Record<string, unknown>
  old_record?: Record<string, unknown>
  errors: string[] | null
}

export interface Frame {
  ids: readonly number[]
  /** The JSON text: `data` has it parsed, where large numbers lose digits. */
  text: string
  data: ChangeData
}

/** A channel that keeps what it gets. */
export class RecordingChannel implements ChangeChannel {
  readonly frames: Frame[] = []
  #waiting: { count: number; resolve: () => void }[] = []

  deliver(ids: readonly number[], text: string): void {
    this.frames.push({ ids, text, data: JSON.parse(text) })
    this.#waiting = this.#waiting.filter(({ count, resolve }) => {
      if (this.frames.length < count) return true
      resolve()
      return false
    })
  }

  /** Waits for that many frames in all. */
  async reach(count: number): Promise<readonly Frame[]> {
    if (this.frames.length >= count) return this.frames
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`${this.frames.length} of ${count} frames came.`)),
        PATIENCE_MS,
      )
      this.#waiting.push({
        count,
        resolve: () => {
          clearTimeout(timer)
          resolve()
        },
      })
    })
    return this.frames
  }

  /** Each frame as `INSERT` with its record, or what there is of it: short enough to compare lists. */
  get summary(): unknown[] {
    return this.frames.map(({ data }) => [data.type, data.record ?? data.old_record])
  }
}

export interface WantedChanges {
  event?: ChangeEvent
  schema?: string
  table?: string
  filter?: string
  select?: readonly string[]
}

export function changeRequest({
  event = '*',
  schema = 'public',
  table = '*',
  filter = '',
  select,
}: WantedChanges): ChangeRequest {
  const parsed = parseFilter(filter)
  if (!parsed.ok) throw new Error(parsed.message)
  return { event, schema, table, filter: parsed.filter, ...(select && { select }) }
}

export const subscriberOf = (who: Persona | Caller): Subscriber => {
  const { role, claims } = typeof who === 'string' ? callerOf(who) : who
  return { role, claims: serializeClaims(claims) }
}

/** A subscriber with any claims; distinct subjects are distinct subscribers. */
export const authenticated = (claims: Record<string, unknown>): Subscriber => ({
  role: 'authenticated',
  claims: JSON.stringify({ role: 'authenticated', ...claims }),
})

export const ANON: Subscriber = { role: 'anon', claims: JSON.stringify({ role: 'anon' }) }

export interface TestRouter {
  readonly router: ChangeRouter
  readonly engine: Database['kind']
  readonly owner: Database
  readonly database: TestDatabase
  /** The pool of the checks. */
  readonly checks: Database
  /** What was announced as lost. */
  readonly gaps: string[]
  readonly log: { level: string; data: object; message: string }[]
  /** Subscribes on a channel of its own, or on one that is given. */
  follow(
    subscriber: Subscriber,
    wanted: WantedChanges,
    channel?: RecordingChannel,
    id?: number,
  ): Promise<{ channel: RecordingChannel; subscription: ActiveSubscription }>
  stop(): Promise<void>
}

export interface TestRouterOptions {
  unfollowed?: readonly string[]
  walrusCompatible?: boolean
  checkConnections?: number
  limits?: ChangeRouterParts['limits']
  liveTimeoutMs?: number
  /** Leads to the server another way, such as through a proxy. */
  replicationUrl?: (url: string) => string
  /** For a server on which the logins are enabled already, and nothing can be committed. */
  keepLogins?: boolean
  /** Settings of the checks' sessions. */
  settings?: Record<string, string>
}

/** A router on a database that is open, until `stop`. */
export async function startRouter(
  database: TestDatabase,
  options: TestRouterOptions = {},
): Promise<TestRouter> {
  const config = {
    ...readConfig({ NODE_ENV: 'test' }),
    REALTIME_CHECK_CONNECTIONS: options.checkConnections ?? 4,
    REALTIME_WALRUS_COMPATIBLE: options.walrusCompatible ?? false,
  }
  const log: TestRouter['log'] = []
  const record =
    (level: string) =>
    (data: object, message: string): void => {
      log.push({ level, data, message })
    }
  const routerLog: RouterLog = {
    debug: () => {},
    info: record('info'),
    warn: record('warn'),
    error: record('error'),
  }
  const { ownerUrl } = database
  const names: LoginName[] = options.keepLogins ? [] : ['api', 'replicator']
  const urls = ownerUrl ? await enableLogins(database.owner, ownerUrl, { names }) : undefined
  // The log is sent when it is flushed: the test server's default leaves that to a process that looks every 200 ms.
  const owner = ownerUrl
    ? openServer({ url: ownerUrl, max: 4, settings: { synchronous_commit: 'on' } })
    : database.owner
  const checks = urls
    ? openServer({
        url: urls.api,
        max: config.REALTIME_CHECK_CONNECTIONS,
        applicationName: 'muster-test-checks',
        settings: { jit: 'off', statement_timeout: '10000', ...options.settings },
      })
    : database.owner
  const router = openChangeRouter({
    config,
    databases: {
      checks,
      replication: urls && { url: options.replicationUrl?.(urls.replicator) ?? urls.replicator },
    },
    log: routerLog,
    ...(options.unfollowed && { unfollowed: options.unfollowed }),
    ...(options.limits && { limits: options.limits }),
    ...(options.liveTimeoutMs !== undefined && { liveTimeoutMs: options.liveTimeoutMs }),
  })
  const gaps: string[] = []
  router.onGap((reason) => gaps.push(reason))
  await router.start()
  return {
    router,
    engine: database.engine,
    owner,
    database,
    checks,
    gaps,
    log,
    async follow(subscriber, wanted, channel = new RecordingChannel(), id = 1) {
      const request = changeRequest(wanted)
      return { channel, subscription: await router.subscribe({ channel, id, subscriber, request }) }
    },
    async stop() {
      await router.stop()
      if (checks !== database.owner) await checks.close()
      if (owner !== database.owner) await owner.close()
    },
  }
}

/**
 * Until changes come. A feed begins when the transactions have ended that run on the server, in whatever database: tests beside this one
 * may hold some for seconds, and `start()` does not wait for a second attempt.
 */
export const untilStreaming = ({ router }: Pick<TestRouter, 'router'>): Promise<void> =>
  vi.waitFor(() => expect(['streaming', 'idle']).toContain(router.health.feed?.state), {
    timeout: patience(45_000),
    interval: 20,
  })

/** One router for all tests of the file, on a database of its own. */
export function useRouter(
  prepare: (owner: Database) => Promise<void> = async () => {},
  options: TestRouterOptions = {},
): () => TestRouter {
  let opened: { database: TestDatabase; router: TestRouter } | undefined
  beforeAll(async () => {
    const database = await openTestDatabase()
    await prepare(database.owner)
    opened = { database, router: await startRouter(database, options) }
    await untilStreaming(opened.router)
  })
  afterAll(async () => {
    await opened?.router.stop()
    await opened?.database.close()
  })
  return () => {
    if (!opened) throw new Error('The router runs only while tests do.')
    return opened.router
  }
}
