import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { asJobs } from '../../src/platform/db/identity.ts'
import { PUBLICATION } from '../../src/platform/realtime/changes/open.ts'
import { openCatalog } from '../../src/platform/realtime/changes/published-tables.ts'
import type { ChangeFeed, ChangeSink } from '../../src/platform/realtime/feed/change-feed.ts'
import { createNotifyFeed } from '../../src/platform/realtime/feed/notify.ts'
import { openTestDatabase, type TestDatabase } from '../support/database.ts'
import { patience } from '../support/patience.ts'

/* What is particular to the feed of the embedded engine: nobody can be made to wait there. */

const SOON = { timeout: patience(10_000) }

describe('changes by NOTIFY', () => {
  let database: TestDatabase
  const feeds: ChangeFeed[] = []

  beforeAll(async () => {
    database = await openTestDatabase()
    await database.owner.script(`
      create table things (id int primary key, body text);
      alter publication supabase_realtime add table things;
    `)
  })
  afterAll(() => database.close())
  afterEach(async () => {
    for (const feed of feeds.splice(0)) await feed.stop()
  })

  async function start(sink: ChangeSink, limits: { queuedBytes?: number } = {}) {
    const catalog = openCatalog(database.owner, PUBLICATION)
    const feed = createNotifyFeed({
      database: database.owner,
      log: { info: () => {}, warn: () => {} },
      findTable: async (oid) => (await catalog.findTables({ oid }))[0],
      limits,
    })
    const gaps: string[] = []
    feeds.push(feed)
    await feed.start({
      sink,
      onGap: (reason) => gaps.push(reason),
      onDefinition: () => {},
      onCommit: () => {},
      wants: ({ name }) => name === 'things',
    })
    return { feed, gaps }
  }

  it('queues no more than its limit, and reports what it dropped', async () => {
    const taken: number[] = []
    const blocked = Promise.withResolvers<void>()
    let dropped: AbortSignal | undefined
    const { feed, gaps } = await start(
      async (batch, signal) => {
        taken.push(batch.length)
        dropped ??= signal
        await blocked.promise
      },
      { queuedBytes: 100_000 },
    )
    await database.owner.query(
      "insert into things select n, repeat('x', 1000) from generate_series(1, 300) n",
    )
    await vi.waitFor(() => expect(gaps).toEqual([expect.stringContaining('faster')]), SOON)
    expect(dropped?.aborted ?? true).toBe(true)
    blocked.resolve()
    await database.owner.query("insert into things values (1000, 'after')")
    await vi.waitFor(() => expect(feed.health).toMatchObject({ queued: 0, gaps: 1 }), SOON)
    expect(taken.reduce((sum, length) => sum + length, 0)).toBeLessThan(300)
  })

  it('still counts what waits when it drops changes that are being delivered', async () => {
    const taken: unknown[] = []
    const blocked = Promise.withResolvers<void>()
    const { feed, gaps } = await start(
      async (batch) => {
        taken.push(...batch.map(({ record }) => record?.id))
        await blocked.promise
      },
      { queuedBytes: 100_000 },
    )
    await database.owner.query("insert into things values (1001, 'is being delivered')")
    await vi.waitFor(() => expect(taken).toEqual(['1001']), SOON)
    await database.owner.query(
      "insert into things select n, repeat('x', 1000) from generate_series(1101, 1400) n",
    )
    await vi.waitFor(() => expect(gaps).toEqual([expect.stringContaining('faster')]), SOON)
    blocked.resolve()
    await database.owner.query("insert into things values (1002, 'after')")
    await vi.waitFor(() => expect(taken).toEqual(['1001', '1002']), SOON)
    await vi.waitFor(() => expect(feed.health.queued).toBe(0), SOON)
  })

  it('starts with an empty outbox, and leaves none behind', async () => {
    await database.owner.query(
      "insert into muster.change_outbox values (1, 'from a process that was killed')",
    )
    const ids: unknown[] = []
    await start(async (batch) => {
      ids.push(...batch.map(({ record }) => record?.id))
    })
    expect(await database.owner.query('select from muster.change_outbox')).toEqual([])
    await database.owner.query(
      "insert into things select n, repeat('x', 20000) from generate_series(2001, 2005) n",
    )
    await vi.waitFor(() => expect(ids).toEqual(['2001', '2002', '2003', '2004', '2005']), SOON)
    expect(await database.owner.query('select from muster.change_outbox')).toEqual([])
  })

  it('lets background work refresh a report beside its readers', async () => {
    await start(async () => {})
    const refresh = () =>
      asJobs(database.owner, (tx) =>
        tx.query<{ rows: number }>("select muster.refresh_report('professional_earnings_summary') as rows"),
      )
    for (const _ of ['the first time', 'again']) expect(await refresh()).toEqual([{ rows: 0 }])
  })

  it('continues after a restart with what is committed from then on', async () => {
    const first: unknown[] = []
    const { feed } = await start(async (batch) => void first.push(...batch))
    await feed.stop()
    await database.owner.query("insert into things values (3001, 'nobody listens')")
    const second: unknown[] = []
    await start(async (batch) => {
      second.push(...batch.map(({ record }) => record?.id))
    })
    await database.owner.query("insert into things values (3002, 'somebody does')")
    await vi.waitFor(() => expect(second).toEqual(['3002']), SOON)
    expect(first).toEqual([])
  })
})
