import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import type { Database } from '../../src/platform/db/engine/database.ts'
import { openServer } from '../../src/platform/db/engine/server.ts'
import { enableLogins } from '../../src/platform/db/logins.ts'
import { SubscriptionRefused } from '../../src/platform/realtime/changes/change-router.ts'
import {
  authenticated,
  GATED_EVENTS,
  startRouter,
  type TestRouter,
  type TestRouterOptions,
} from '../support/changes.ts'
import type { TestDatabase } from '../support/database.ts'
import { startMigratedPostgres } from '../support/migrated-postgres.ts'
import { patience } from '../support/patience.ts'
import type { PostgresServer } from '../support/postgres-server.ts'
import { startTcpProxy } from '../support/tcp-proxy.ts'

/*
 * What needs a server of one's own: its checkpoints and its shutdown, a synchronous standby that hangs, and settings with
 * which there are no changes to be had.
 */

const ALICE = authenticated({ sub: 'a11ce000-0000-7000-8000-000000000001' })

const SUBJECT = JSON.parse(ALICE.claims).sub as string
const until = <T>(condition: () => T | Promise<T>) =>
  vi.waitFor(condition, { timeout: patience(20_000), interval: 20 })

const cleanups: (() => Promise<unknown> | unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

async function openCluster(settings: Record<string, string>): Promise<PostgresServer & { owner: Database }> {
  const cluster = await startMigratedPostgres({ settings })
  const owner = openServer({ url: cluster.url, max: 6, settings: { synchronous_commit: 'on' } })
  await owner.script(GATED_EVENTS)
  return { ...cluster, owner }
}

async function start(
  cluster: PostgresServer & { owner: Database },
  options: TestRouterOptions = {},
): Promise<TestRouter> {
  const database: TestDatabase = {
    engine: 'server',
    owner: cluster.owner,
    ownerUrl: cluster.url,
    close: async () => {},
  }
  const router = await startRouter(database, options)
  cleanups.push(() => router.stop())
  return router
}

/** Makes every check wait until the returned function is called. */
async function holdChecks(owner: Database): Promise<() => Promise<void>> {
  const { promise: released, resolve: release } = Promise.withResolvers<void>()
  const { promise: held, resolve: hold } = Promise.withResolvers<void>()
  const done = owner.transaction(async (tx) => {
    await tx.query('lock table gate in access exclusive mode')
    hold()
    await released
  })
  await held
  return async () => {
    release()
    await done
  }
}

const msOf = async (work: () => Promise<unknown>): Promise<number> => {
  const begun = performance.now()
  await work()
  return performance.now() - begun
}

describe('a reader that cannot keep up', () => {
  let cluster: PostgresServer & { owner: Database }

  beforeAll(async () => {
    cluster = await openCluster({ max_slot_wal_keep_size: '32MB', max_wal_size: '64MB', wal_keep_size: '0' })
    return async () => {
      await cluster.owner.close()
      await cluster.stop()
    }
  }, patience(120_000))

  /** About as many megabytes of log, all of it changes that somebody follows. */
  const writeMegabytes = (count: number): Promise<unknown> =>
    cluster.owner.query(
      `insert into events select coalesce((select max(id) from events), 0) + n, $1, repeat('x', 1000)
       from generate_series(1, $2::int * 1000) n`,
      [SUBJECT, count],
    )

  it('blocks no checkpoint for longer than its pause, and reports a gap', async () => {
    const rt = await start(cluster, { limits: { pauseMs: 1_000 } })
    const { channel } = await rt.follow(ALICE, { table: 'events' })
    const release = await holdChecks(cluster.owner)
    // Three times what the slot may keep.
    for (let part = 0; part < 12; part += 1) await writeMegabytes(8)
    const checkpointMs = await msOf(() => cluster.owner.query('checkpoint'))
    expect(checkpointMs).toBeLessThan(patience(5_000))
    await until(() => expect(rt.gaps).toHaveLength(1))
    await release()
    await rt.follow(ALICE, { table: 'events' })
    await cluster.owner.query('insert into events values (-1, $1)', [SUBJECT])
    await until(() => expect(channel.frames.at(-1)?.data.record?.id).toBe(-1))
    expect(rt.gaps).toHaveLength(1)
  })

  it('loses its slot to the server’s limit at worst, and goes on with another', async () => {
    // With a pause beyond the limit, the server is first: it ends the walsender and takes the slot.
    const proxy = await startTcpProxy(cluster.url)
    cleanups.push(() => proxy.close())
    const rt = await start(cluster, {
      limits: { pauseMs: 60_000, queuedBytes: 1_000_000, statusIntervalMs: 200 },
      replicationUrl: (url) => Object.assign(new URL(url), { host: new URL(proxy.url).host }).href,
    })
    const { channel } = await rt.follow(ALICE, { table: 'events' })
    const release = await holdChecks(cluster.owner)
    for (let part = 0; part < 12; part += 1) await writeMegabytes(8)
    const checkpoint = cluster.owner.query('checkpoint')
    proxy.reset()
    await checkpoint
    await until(() => expect(rt.gaps).toHaveLength(1))
    await release()
    await rt.follow(ALICE, { table: 'events' })
    await cluster.owner.query('insert into events values (-2, $1)', [SUBJECT])
    await until(() => expect(channel.frames.at(-1)?.data.record?.id).toBe(-2))
  })

  it(
    'holds up no shutdown, paused or forgotten by the network; and follows when the server is back',
    async () => {
      const proxy = await startTcpProxy(cluster.url)
      cleanups.push(() => proxy.close())
      const paused = await start(cluster, { limits: { pauseMs: 1_000, queuedChanges: 100 } })
      const forgotten = await start(cluster, {
        limits: { statusIntervalMs: 300 },
        replicationUrl: (url) => Object.assign(new URL(url), { host: new URL(proxy.url).host }).href,
      })
      await paused.follow(ALICE, { table: 'events' })
      const { channel } = await forgotten.follow(ALICE, { table: 'events' })
      proxy.freeze()
      const release = await holdChecks(cluster.owner)
      await writeMegabytes(8)
      const held = release().catch(() => {})
      const shutdownMs = await msOf(() => cluster.shutdown())
      await held
      // wal_sender_timeout, which the connections set to 10 s, and not the default minute.
      expect(shutdownMs).toBeLessThan(Math.min(patience(13_000), 55_000))
      await until(() => expect(paused.gaps.length).toBeGreaterThan(0))
      await until(() => expect(forgotten.gaps.length).toBeGreaterThan(0))
      await cluster.start()
      await forgotten.follow(ALICE, { table: 'events' })
      await cluster.owner.query('insert into events values (-3, $1)', [SUBJECT])
      await until(() => expect(channel.frames.at(-1)?.data.record?.id).toBe(-3))
    },
    patience(60_000),
  )
})

describe('a commit that a synchronous standby holds up', () => {
  let cluster: PostgresServer & { owner: Database }

  beforeAll(async () => {
    cluster = await openCluster({})
    return async () => {
      await cluster.owner.close()
      await cluster.stop()
    }
  }, patience(120_000))

  // A test that fails in between must not leave the next one waiting for ever.
  afterEach(() => setStandby(''))

  async function setStandby(names: string): Promise<void> {
    await cluster.owner.query(`alter system set synchronous_standby_names = '${names}'`)
    await cluster.owner.query('select pg_reload_conf()')
    await until(async () => {
      const [row] = await cluster.owner.query('show synchronous_standby_names')
      expect(row).toEqual({ synchronous_standby_names: names })
    })
  }

  it('is delivered once it is visible, not before, and is not lost', async () => {
    const rt = await start(cluster)
    const { channel } = await rt.follow(ALICE, { table: 'events' })
    await setStandby('nobody')
    const commits = [1, 2, 3].map((id) =>
      cluster.owner.query('insert into events values ($1, $2)', [id, SUBJECT]),
    )
    await until(async () => {
      const waiting = await cluster.owner.query(
        "select from pg_stat_activity where wait_event = 'SyncRep' and query like 'insert into events%'",
      )
      expect(waiting).toHaveLength(3)
    })
    await until(() => expect(rt.router.health.feed?.queued).toBe(3))
    // Whoever subscribes now would neither be told of these rows nor find them, so has to wait.
    let isSubscribed = false
    const late = rt.follow(ALICE, { table: 'events' }).then((followed) => {
      isSubscribed = true
      return followed
    })
    await until(() => expect(rt.router.health.subscriptions).toBe(2))
    expect(await cluster.owner.query('select from events')).toEqual([])
    expect(channel.frames).toEqual([])
    expect(isSubscribed).toBe(false)

    await setStandby('')
    await Promise.all(commits)
    await channel.reach(3)
    expect(channel.frames.map(({ data }) => data.record?.id).sort()).toEqual([1, 2, 3])
    await late
    expect(await cluster.owner.query('select id from events order by id')).toEqual([
      { id: 1 },
      { id: 2 },
      { id: 3 },
    ])
    expect(rt.gaps).toEqual([])
  })

  it('is not found lost by a router that starts meanwhile', async () => {
    await (await start(cluster)).router.stop()
    await setStandby('nobody')
    const commit = cluster.owner.query('insert into events values (10, $1)', [SUBJECT])
    await until(async () =>
      expect(
        await cluster.owner.query(
          "select from pg_stat_activity where wait_event = 'SyncRep' and backend_xid is not null",
        ),
      ).toHaveLength(1),
    )
    // A slot is made when the transactions that write have ended.
    const starting = start(cluster, { keepLogins: true }).then((rt) => rt.follow(ALICE, { table: 'events' }))
    await until(async () =>
      expect(await cluster.owner.query('select from pg_replication_slots')).toHaveLength(1),
    )
    await setStandby('')
    await commit
    const { channel } = await starting
    const seen = await cluster.owner.query('select id from events where id = 10')
    await cluster.owner.query('insert into events values (11, $1)', [SUBJECT])
    await until(() => expect(channel.frames.at(-1)?.data.record?.id).toBe(11))
    expect(seen).toEqual([{ id: 10 }])
  })
})

describe('where there are no changes to be had', () => {
  const refusal = (rt: TestRouter): Promise<string> =>
    rt.follow(ALICE, { table: 'events' }).then(
      () => 'accepted',
      (error) => {
        expect(error).toBeInstanceOf(SubscriptionRefused)
        // Somebody has to change a setting first.
        expect(error.isTemporary).toBe(false)
        return error.message
      },
    )

  it(
    'says that the server does not log enough, and goes on without',
    async () => {
      const cluster = await openCluster({ wal_level: 'replica' })
      cleanups.push(
        () => cluster.stop(),
        () => cluster.owner.close(),
      )
      const rt = await start(cluster, { liveTimeoutMs: 500 })
      expect(rt.router.health.feed).toMatchObject({
        state: 'reconnecting',
        lastError: expect.stringContaining('wal_level=logical'),
      })
      expect(await refusal(rt)).toContain('realtime needs wal_level=logical')
    },
    patience(120_000),
  )

  it(
    'says that the login may not replicate, and holds no slot for an empty publication',
    async () => {
      const cluster = await openCluster({})
      cleanups.push(
        () => cluster.stop(),
        () => cluster.owner.close(),
      )
      const { username } = new URL((await enableLogins(cluster.owner, cluster.url)).replicator)
      await cluster.owner.query(`alter role ${username} noreplication`)
      const denied = await start(cluster, { liveTimeoutMs: 500, keepLogins: true })
      expect(await refusal(denied)).toMatch(/replication role|REPLICATION/i)
      await denied.router.stop()

      await cluster.owner.query('drop publication supabase_realtime')
      await cluster.owner.query('create publication supabase_realtime')
      const rt = await start(cluster, { liveTimeoutMs: 500 })
      expect(rt.router.health.feed).toMatchObject({ state: 'idle', lastError: null })
      expect(await cluster.owner.query('select from pg_replication_slots')).toEqual([])
      expect(await refusal(rt)).toContain('Please check Realtime is enabled')
      await cluster.owner.query('alter publication supabase_realtime add table events')
      const { channel } = await rt.follow(ALICE, { table: 'events' })
      await cluster.owner.query('insert into events values (1, $1)', [SUBJECT])
      await channel.reach(1)
      expect(rt.gaps).toEqual([])
    },
    patience(120_000),
  )
})
