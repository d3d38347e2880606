import { expect, test, vi } from 'vitest'
import type { Database } from '../../src/platform/db/engine/database.ts'
import type { Catalog } from '../../src/platform/realtime/changes/published-tables.ts'
import { createChangeRouter } from '../../src/platform/realtime/changes/router.ts'
import type { ChangeFeed, FeedListeners } from '../../src/platform/realtime/feed/change-feed.ts'
import { patience } from '../support/patience.ts'

const COMMITS = 5_000

test('however fast commits come, the database is asked about their visibility once at a time', async () => {
  let listeners: FeedListeners | undefined
  let underWay = 0
  let mostUnderWay = 0
  const answers: (() => void)[] = []
  const asked: string[] = []
  const router = createChangeRouter({
    feed: {
      start: async (given) => {
        listeners = given
      },
      stop: async () => {},
    } as Partial<ChangeFeed> as ChangeFeed,
    catalog: {} as Catalog,
    database: {
      query: async (_text, [xids] = []) => {
        asked.push(String(xids))
        underWay += 1
        mostUnderWay = Math.max(mostUnderWay, underWay)
        await new Promise<void>((resolve) => answers.push(resolve))
        underWay -= 1
        return [{ visible: true }]
      },
    } as Partial<Database> as Database,
    connections: 1,
    walrusCompatible: false,
    log: { debug() {}, info() {}, warn() {}, error() {} },
  })
  await router.start()
  const commit = (from: number, to: number): void => {
    for (let xid = from; xid < to; xid += 1) listeners!.onCommit(xid)
  }

  commit(0, COMMITS)
  expect(asked).toHaveLength(1)
  answers[0]!()
  // Those that came meanwhile are asked about together, with the next that comes.
  await vi.waitFor(() => {
    commit(COMMITS, COMMITS + 1)
    expect(asked).toHaveLength(2)
  }, patience(5_000))
  expect(asked[1]!.split(',').length).toBeGreaterThan(COMMITS - 1_001)
  expect(mostUnderWay).toBe(1)
  answers[1]!()
  await router.stop()
})
