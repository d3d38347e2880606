import { expect, vi } from 'vitest'
import type { TestApi } from './api.ts'
import { patience } from './patience.ts'

/**
 * Starts several requests that need the locks of `statement`, and lets go of those once every one of them waits: so they
 * meet for sure. On a server alone.
 */
export async function meetAtLock<T>(
  api: TestApi,
  statement: string,
  starts: readonly (() => Promise<T>)[],
): Promise<T[]> {
  let started: Promise<T>[] = []
  await api.owner.transaction(async (tx) => {
    await tx.query(statement)
    started = starts.map((start) => start())
    await vi.waitFor(
      async () => {
        // Outside of the transaction, in which this view would stay as it was first read.
        const [waiting] = await api.owner.query<{ count: number }>(
          `select count(*)::int as count from pg_stat_activity
           where datname = current_database() and usename ~ '^muster_api_' and wait_event_type = 'Lock'`,
        )
        expect(waiting?.count).toBe(starts.length)
      },
      { timeout: patience(10_000), interval: 20 },
    )
  })
  return Promise.all(started)
}
