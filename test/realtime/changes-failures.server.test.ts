import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import type { Database } from '../../src/platform/db/engine/database.ts'
import {
  authenticated,
  GATED_EVENTS,
  type RecordingChannel,
  startRouter,
  type TestRouter,
  type TestRouterOptions,
} from '../support/changes.ts'
import { openTestDatabase, type TestDatabase } from '../support/database.ts'
import { patience } from '../support/patience.ts'
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts'

/* What goes wrong between the server and the change router, and that nothing of it is silent. */

const ALICE = authenticated({ sub: 'a11ce000-0000-7000-8000-000000000001' })

const insertEvent = (owner: Database, id: number) =>
  owner.query('insert into events (id, owner) values ($1, $2)', [id, JSON.parse(ALICE.claims).sub])

/** How long conditions may take to become true, in milliseconds. */
const until = <T>(condition: () => T | Promise<T>) =>
  vi.waitFor(condition, { timeout: patience(20_000), interval: 20 })

const idsOf = (channel: RecordingChannel) => channel.frames.map(({ data }) => data.record?.id)

/** The same login, by way of the proxy. */
const by =
  (proxy: TcpProxy) =>
  (url: string): string => {
    const proxied = new URL(url)
    proxied.host = new URL(proxy.url).host
    return proxied.href
  }

interface Slot extends Record<string, unknown> {
  name: string
  pid: number | null
  temporary: boolean
}
const slotsOf = (owner: Database): Promise<Slot[]> =>
  owner.query<Slot>(
    'select slot_name::text as name, active_pid as pid, temporary from pg_replication_slots where database = current_database() order by 1',
  )

/** Nothing that a test broke is left for the next one. */
const cleanups: (() => Promise<unknown> | unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

describe('a router', () => {
  let database: TestDatabase

  beforeAll(async () => {
    database = await openTestDatabase()
    await database.owner.script(GATED_EVENTS)
    return () => database.close()
  })

  async function start(options: TestRouterOptions = {}): Promise<TestRouter> {
    await database.owner.query('delete from events')
    const router = await startRouter(database, options)
    cleanups.push(() => router.stop())
    return router
  }

  it('holds one temporary slot of a new name, and none when it has stopped', async () => {
    const router = await startRouter(database)
    const [slot, ...others] = await slotsOf(router.owner)
    expect(slot).toMatchObject({ name: expect.stringMatching(/^muster_[0-9a-f]{16}$/), temporary: true })
    expect(others).toEqual([])
    // Until a slot is ready, PostgreSQL waits for transactions in progress, those of other tests too, and does not notice that its client left.
    await until(() => expect(router.router.health.feed?.state).toBe('streaming'))
    await router.stop()
    await until(async () => expect(await slotsOf(database.owner)).toEqual([]))
  })

  it('refuses a subscription temporarily while it is disconnected', async () => {
    const proxy = await startTcpProxy(database.ownerUrl!)
    cleanups.push(() => proxy.close())
    proxy.refuse()
    const rt = await start({ replicationUrl: by(proxy), liveTimeoutMs: 200 })
    await expect(rt.follow(ALICE, { table: 'events' })).rejects.toMatchObject({ isTemporary: true })
    await expect(rt.follow(ALICE, { table: 'unheard_of' })).rejects.toMatchObject({ isTemporary: false })
    proxy.accept()
    await until(() => rt.follow(ALICE, { table: 'events' }))
  })

  it('whose walsender is killed says so, and goes on with another slot', async () => {
    const rt = await start()
    const { channel } = await rt.follow(ALICE, { table: 'events' })
    await insertEvent(rt.owner, 1)
    await channel.reach(1)
    const [before] = await slotsOf(rt.owner)
    await rt.owner.query('select pg_terminate_backend($1)', [before!.pid])
    await until(() => expect(rt.gaps).toHaveLength(1))
    const late = await rt.follow(ALICE, { table: 'events' })
    await insertEvent(rt.owner, 2)
    await late.channel.reach(1)
    await channel.reach(2)
    expect(idsOf(channel)).toEqual([1, 2])
    expect(idsOf(late.channel)).toEqual([2])
    const after = await slotsOf(rt.owner)
    expect(after).toHaveLength(1)
    expect(after[0]?.name).not.toBe(before!.name)
    expect(rt.router.health.feed).toMatchObject({
      state: 'streaming',
      reconnects: 1,
      gaps: 1,
      lastError: null,
    })
  })

  it('reports one gap for each lost connection, and follows again afterwards', async () => {
    const proxy = await startTcpProxy(database.ownerUrl!)
    cleanups.push(() => proxy.close())
    const rt = await start({ replicationUrl: by(proxy) })
    for (let round = 1; round <= 5; round += 1) {
      proxy.reset()
      await until(() => expect(rt.gaps).toHaveLength(round))
      const { channel, subscription } = await rt.follow(ALICE, { table: 'events' })
      await insertEvent(rt.owner, 100 + round)
      await channel.reach(1)
      expect(idsOf(channel)).toEqual([100 + round])
      subscription.unsubscribe()
    }
  })

  it('detects a half-open connection', async () => {
    const proxy = await startTcpProxy(database.ownerUrl!)
    cleanups.push(() => proxy.close())
    const rt = await start({ replicationUrl: by(proxy), limits: { statusIntervalMs: 100 } })
    const { channel } = await rt.follow(ALICE, { table: 'events' })
    proxy.freeze()
    await insertEvent(rt.owner, 200)
    await until(() => expect(rt.gaps).toEqual([expect.stringContaining('not been heard of')]))
    await rt.follow(ALICE, { table: 'events' })
    await insertEvent(rt.owner, 201)
    await until(() => expect(idsOf(channel)).toEqual([201]))
  })

  it('whose checks lose their connections makes them again, and delivers everything', async () => {
    const rt = await start()
    const { channel } = await rt.follow(ALICE, { table: 'events' })
    for (let id = 300; id < 320; id += 1) {
      await insertEvent(rt.owner, id)
      if (id % 5 === 0) {
        await rt.owner.query(
          "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'muster-test-checks' and datname = current_database()",
        )
      }
    }
    await channel.reach(20)
    expect(idsOf(channel)).toEqual(Array.from({ length: 20 }, (_, n) => 300 + n))
    expect(rt.gaps).toEqual([])
  })

  it('drops changes that it cannot deliver in time, and reports a gap', async () => {
    const rt = await start({ limits: { queuedChanges: 50, pauseMs: 200 } })
    const { channel } = await rt.follow(ALICE, { table: 'events' })
    const release = await holdChecks(rt)
    await rt.owner.query(
      'insert into events (id, owner) select 1000 + n, $1 from generate_series(1, 500) n',
      [JSON.parse(ALICE.claims).sub],
    )
    await until(() =>
      expect(rt.gaps).toEqual([expect.stringContaining('faster than they could be delivered')]),
    )
    await release()
    const late = await rt.follow(ALICE, { table: 'events' })
    await insertEvent(rt.owner, 2000)
    await late.channel.reach(1)
    await until(() => expect(channel.frames.at(-1)?.data.record?.id).toBe(2000))
    // What had been checked by then came, in order; nothing of the rest came late.
    const ids = idsOf(channel).slice(0, -1)
    expect(ids).toEqual(Array.from({ length: ids.length }, (_, n) => 1001 + n))
    expect(ids.length).toBeLessThan(500)
  })

  it('drops changes that are too old, and reports a gap', async () => {
    const rt = await start({ limits: { ageMs: 200, queuedChanges: 10, pauseMs: 60_000 } })
    await rt.follow(ALICE, { table: 'events' })
    const release = await holdChecks(rt)
    for (let batch = 0; batch < 40; batch += 1) {
      await rt.owner.query(
        "insert into events (id, owner, body) select $2::int * 100 + n, $1, repeat('x', 5000) from generate_series(1, 100) n",
        [JSON.parse(ALICE.claims).sub, 30 + batch],
      )
    }
    await release()
    await until(() => expect(rt.gaps).toEqual([expect.stringContaining('too old')]))
  })

  it('loses nobody an event to a policy that takes too long for one of them', async () => {
    await database.owner.script(`
      create table slow (id int primary key);
      alter table slow enable row level security;
      grant select on slow to authenticated;
      create policy slow_read on slow for select to authenticated
        using (case when auth.jwt() ? 'slow' then pg_sleep(60) is not null else true end);
      alter publication supabase_realtime add table slow;
    `)
    const rt = await start({ settings: { statement_timeout: String(patience(1_000)) } })
    const good = await Promise.all(
      Array.from({ length: 5 }, (_, n) => rt.follow(authenticated({ sub: `user ${n}` }), { table: 'slow' })),
    )
    const slow = await rt.follow(authenticated({ sub: 'slow', slow: true }), { table: 'slow' })
    await rt.owner.query('insert into slow values (1)')
    for (const { channel } of good) {
      await channel.reach(1)
      expect(idsOf(channel)).toEqual([1])
    }
    expect(slow.channel.frames).toEqual([])
    expect(rt.gaps).toEqual([])
    await database.owner.query('alter publication supabase_realtime drop table slow')
  })

  it('works beside others, each with a slot of its own', async () => {
    const routers = await Promise.all([start(), start(), start()])
    const channels = await Promise.all(routers.map((rt) => rt.follow(ALICE, { table: 'events' })))
    expect(await slotsOf(routers[0]!.owner)).toHaveLength(3)
    await insertEvent(routers[0]!.owner, 400)
    for (const { channel } of channels) {
      await channel.reach(1)
      expect(idsOf(channel)).toEqual([400])
    }
  })
})

/** Makes every check wait until the returned function is called. */
async function holdChecks(rt: TestRouter): Promise<() => Promise<void>> {
  const { promise: released, resolve: release } = Promise.withResolvers<void>()
  const { promise: held, resolve: hold } = Promise.withResolvers<void>()
  const done = rt.owner.transaction(async (tx) => {
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
