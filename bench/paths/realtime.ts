import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { openServer } from '../../src/platform/db/engine/server.ts'
import { type Bench, beside, type Path, type PathResult } from '../bench.ts'
import { benchId, tokensOf } from '../callers.ts'
import { type Contender, compete, contender, type Turn, withCpu } from '../measure.ts'
import type { Running } from '../processes.ts'
import { latenciesOf } from '../statistics.ts'
import { type Collected, MARK, nowMicros, type SubscribeJob, type SubscriberRequest } from '../subscribers.ts'

/** Connections of whoever writes: enough that a slow commit holds up no other change. */
const WRITERS = 8
/** What of a turn is written before it counts, so that plans are made and code is compiled. */
const WARM_UP_CHANGES = 20
/** A change that has not come by then does not come. */
const PATIENCE_MS = 15_000

/** What is written, and who gets it. */
interface Scenario {
  name: string
  subscribers: number
  changesPerSecond: number
  /** A notification is for one user; an open shift for every guard. */
  receivers: SubscribeJob['receivers']
  targetMs: number
}

export const SCENARIOS: readonly Scenario[] = [
  { name: '1 subscriber, 50 changes/s', subscribers: 1, changesPerSecond: 50, receivers: 'one', targetMs: 3 },
  { name: '500 × 60/s', subscribers: 500, changesPerSecond: 60, receivers: 'one', targetMs: 25 },
  { name: '1,000 × 10/s', subscribers: 1_000, changesPerSecond: 10, receivers: 'one', targetMs: 40 },
  {
    name: '500 of 500 see it, 10/s, the last',
    subscribers: 500,
    changesPerSecond: 10,
    receivers: 'all',
    targetMs: 25,
  },
]

/** From the acknowledged commit to the callback, with row level security for distinct users, beside the bare feed. */
export const realtime: Path = {
  name: 'realtime',
  async run(bench): Promise<PathResult> {
    await using subscribers = startSubscribers()
    await using writer = await openWriter(bench)
    const bare = await bench.serve('bench/references/bare-feed.ts')
    const result: PathResult = { rows: [], measured: [] }
    for (const scenario of SCENARIOS) {
      const path = `changes, ${scenario.name}`
      const measured = await compete(
        [
          follower('muster', bench.service, bench, scenario, subscribers, writer),
          follower('bare feed', bare, bench, scenario, subscribers, writer),
        ],
        bench.rounds,
      )
      const reference = { name: 'bare feed', value: measured['bare feed'].p95_ms }
      result.rows.push(
        beside(path, 'p95 ms', measured.muster.p95_ms, reference, {
          atMost: scenario.targetMs,
          cores: 4,
        }),
      )
      result.measured.push({ path, contenders: Object.values(measured) })
    }
    return result
  },
}

export function follower<Name extends SubscribeJob['through']>(
  name: Name,
  server: Running,
  bench: Bench,
  scenario: Scenario,
  subscribers: Subscribers,
  writer: Writer,
): Contender & { name: Name } {
  const turn = async (seconds: number): Promise<Turn> => {
    await subscribers.open(await followersOf(server, name, scenario.subscribers, scenario.receivers))
    const write = (changes: number): Promise<Written> =>
      writer.write(changes, scenario.changesPerSecond, (mark) =>
        scenario.receivers === 'one' ? writer.notify(mark, scenario.subscribers) : writer.retitle(mark),
      )
    const receivers = scenario.receivers === 'one' ? 1 : scenario.subscribers
    const arrive = ({ from, acknowledged }: Written): Promise<Collected> =>
      subscribers.collect({ from, to: from + acknowledged.length, receivers, patienceMs: PATIENCE_MS })
    try {
      await arrive(await write(WARM_UP_CHANGES))
      return await withCpu({ service: server.pid, postmaster: bench.cluster.postmaster }, async () => {
        const started = performance.now()
        const written = await write(Math.ceil(seconds * scenario.changesPerSecond))
        const collected = await arrive(written)
        return {
          requests: written.acknowledged.length,
          seconds: (performance.now() - started) / 1_000,
          latency: latenciesOf(delaysOf(written, collected, receivers)),
        }
      })
    } finally {
      await subscribers.close()
    }
  }
  return contender(name, {
    async warmUp() {
      // One round shows that it works, and no more: half of its time would go on joining a thousand channels once more.
      if (bench.rounds > 1) await turn(1)
    },
    round: () => turn(bench.seconds),
  })
}

/** Guards, each with a channel of their own, who follow notifications or the open shifts. */
export async function followersOf(
  server: Running,
  through: SubscribeJob['through'],
  count: number,
  receivers: SubscribeJob['receivers'],
): Promise<SubscribeJob> {
  const guards = await tokensOf('guard', count)
  return {
    origin: server.origin,
    through,
    table: receivers === 'one' ? 'notifications' : 'shifts',
    subscribers: guards.map(({ userId, authorization }) => ({
      userId,
      token: authorization.replace('Bearer ', ''),
    })),
    receivers,
  }
}

/** Milliseconds from the acknowledged commit to the last of those that got it; 0 where it overtook the acknowledgement. */
export function delaysOf(
  { acknowledged }: Written,
  { arrivals, gaps }: Collected,
  receivers: number,
): number[] {
  return acknowledged.map((at, index) => {
    const arrival = arrivals[index]
    if (arrival?.count !== receivers) {
      const told = `${gaps} of the subscribers were told of a gap`
      throw new Error(`A change came ${arrival?.count ?? 0} times instead of ${receivers}; ${told}.`)
    }
    return Math.max(0, arrival.last - at) / 1_000
  })
}

export interface Written {
  /** The number of the first; the others follow. */
  from: number
  /** When each commit was acknowledged, in microseconds of the machine's clock. */
  acknowledged: number[]
}

export type Writer = Awaited<ReturnType<typeof openWriter>>

/** Writes at a steady rate, whether or not earlier changes have arrived. */
export async function openWriter(bench: Pick<Bench, 'databaseUrl'>) {
  const database = openServer({
    url: bench.databaseUrl,
    max: WRITERS,
    // Whoever writes twice as much as can be delivered must not be the one who gives up.
    maxWaiting: Number.MAX_SAFE_INTEGER,
    acquireTimeoutMs: 60_000,
    // The log is sent when it is flushed, and the commits that are measured are those that are.
    settings: { synchronous_commit: 'on' },
  })
  const open = await database.query<{ id: string }>(OPEN_SHIFTS)
  let next = 1
  return {
    async write(changes: number, perSecond: number, change: (nth: number) => Promise<unknown>) {
      const written: Written = { from: next, acknowledged: [] }
      next += changes
      const started = performance.now()
      const commits: Promise<void>[] = []
      for (let index = 0; index < changes; index += 1) {
        const waitMs = started + (index * 1_000) / perSecond - performance.now()
        if (waitMs > 0) await sleep(waitMs)
        commits.push(
          change(written.from + index).then(() => {
            written.acknowledged[index] = nowMicros()
          }),
        )
      }
      await Promise.all(commits)
      return written
    },

    /** One after the other of the subscribers gets a notification. */
    notify: (nth: number, subscribers: number) =>
      database.query(
        `insert into notifications (tenant_id, user_id, type, data) values ($1, $2, 'shift_changed', $3)`,
        [
          benchId('tenant', 1),
          benchId('guard', 1 + (nth % subscribers)),
          JSON.stringify({ title: MARK + nth }),
        ],
      ),

    /** An open shift, which every guard sees. */
    retitle: (nth: number) =>
      database.query('update shifts set title = $1 where id = $2', [MARK + nth, open[nth % open.length]!.id]),

    [Symbol.asyncDispose]: () => database.close(),
  }
}

/** Not always the same row: its versions would pile up. Other paths have taken some of the shifts, and some begin meanwhile. */
const OPEN_SHIFTS = `
select id from shifts
where status = 'published' and deleted_at is null and start_datetime > now() + interval '1 day'
order by id
limit 100`

export type Subscribers = ReturnType<typeof startSubscribers>

/** The process of the subscribers. */
export function startSubscribers() {
  const child: ChildProcess = fork(fileURLToPath(new URL('../subscribers.ts', import.meta.url)), {
    serialization: 'advanced',
  })
  let waiting = Promise.withResolvers<unknown>()
  child.on('message', (answer: { result: unknown } | { error: string }) => {
    if ('result' in answer) waiting.resolve(answer.result)
    else waiting.reject(new Error(answer.error))
  })
  child.once('exit', () => waiting.reject(new Error('The process of the subscribers has ended.')))
  const ask = (request: SubscriberRequest): Promise<unknown> => {
    waiting = Promise.withResolvers()
    child.send(request)
    return waiting.promise
  }
  return {
    open: (job: SubscribeJob) => ask({ open: job }),
    collect: (wanted: Extract<SubscriberRequest, { collect: unknown }>['collect']) =>
      ask({ collect: wanted }) as Promise<Collected>,
    close: () => ask({ close: true }),
    async [Symbol.asyncDispose]() {
      const exited = once(child, 'exit')
      waiting.promise.catch(() => {})
      child.disconnect()
      await exited
    },
  }
}
