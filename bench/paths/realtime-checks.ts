import { serializeClaims } from '../../src/platform/auth/caller.ts'
import { openServer } from '../../src/platform/db/engine/server.ts'
import { enableLogins } from '../../src/platform/db/logins.ts'
import type { Subscriber } from '../../src/platform/realtime/changes/change-router.ts'
import { PUBLICATION } from '../../src/platform/realtime/changes/open.ts'
import { openCatalog } from '../../src/platform/realtime/changes/published-tables.ts'
import { Visibility } from '../../src/platform/realtime/changes/visibility.ts'
import { type Bench, type Path, type PathResult, type Row, state } from '../bench.ts'
import { benchId } from '../callers.ts'
import { asOwner } from '../cluster.ts'
import { median } from '../statistics.ts'

const CONNECTIONS = 4
const SUBSCRIBERS = 1_000

/** How many answers "may this one see that row" the database gives, to the code that asks it in the service. */
export const realtimeChecks: Path = {
  name: 'realtime-checks',
  async run(bench): Promise<PathResult> {
    const rows: Row[] = []
    const path = `row checks, ${SUBSCRIBERS.toLocaleString('en')} subscribers, ${CONNECTIONS} connections`
    const ids = await idsOf(bench)
    await using checks = await openChecks(bench)
    for (const { table, changes, bound } of [
      { table: 'notifications', changes: 1, bound: { atLeast: 80_000, cores: 4 } },
      { table: 'shifts', changes: 1, bound: undefined },
      { table: 'notifications', changes: 10, bound: undefined },
      { table: 'notifications', changes: 100, bound: undefined },
      { table: 'shifts', changes: 100, bound: undefined },
    ] as const) {
      const metric = `${table}/s, ${changes === 1 ? 'change by change' : `${changes} changes at once`}`
      rows.push(state(path, metric, await checks.perSecond(table, ids[table].slice(0, changes)), bound))
    }
    return { rows, measured: [] }
  },
}

const MOST_CHANGES = 100

/** Notifications are made: the data have none. */
async function idsOf({ databaseUrl }: Bench): Promise<Record<'notifications' | 'shifts', string[]>> {
  return asOwner(databaseUrl, async (database) => {
    const made = await database.query<{ id: string }>(
      `insert into notifications (tenant_id, user_id, type)
       select $1, bench_id('b', n), 'shift_changed' from generate_series(1, $2::int) n returning id`,
      [benchId('tenant', 1), MOST_CHANGES],
    )
    return {
      notifications: made.map(({ id }) => id),
      shifts: Array.from({ length: MOST_CHANGES }, (_, nth) => benchId('shift', nth)),
    }
  })
}

async function openChecks(bench: Bench) {
  const { api: url } = await asOwner(bench.databaseUrl, (owner) => enableLogins(owner, bench.databaseUrl))
  const database = openServer({
    url,
    max: CONNECTIONS,
    settings: { jit: 'off' },
  })
  const catalog = openCatalog(database, PUBLICATION)
  const visibility = new Visibility({ database, connections: CONNECTIONS })
  const subscribers = Array.from(
    { length: SUBSCRIBERS },
    (_, index): Subscriber => ({
      role: 'authenticated',
      claims: serializeClaims({
        sub: benchId('guard', index + 1),
        email: `guard${index + 1}@example.com`,
        role: 'authenticated',
        aud: 'authenticated',
        iat: 1_790_000_000,
        exp: 1_790_003_600,
      }),
    }),
  )
  const never = new AbortController().signal
  return {
    /** The median of the rounds. */
    async perSecond(name: string, ids: readonly string[]): Promise<number> {
      const [table] = await catalog.findTables({ schema: 'public', table: name })
      const rows = ids.map((id) => ({ id: JSON.stringify(id) }))
      const rates: number[] = []
      for (let round = 0; round <= bench.rounds; round += 1) {
        const before = visibility.checks
        const started = performance.now()
        const milliseconds = bench.seconds * 1_000
        while (performance.now() - started < milliseconds) {
          await visibility.check(table!, rows, subscribers, [], never)
        }
        const rate = (visibility.checks - before) / ((performance.now() - started) / 1_000)
        // The first is for warming up.
        if (round > 0) rates.push(rate)
      }
      return median(rates)
    },
    [Symbol.asyncDispose]: () => database.close(),
  }
}
