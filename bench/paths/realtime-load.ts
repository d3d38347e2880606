import { MAX_AGE_MS } from '../../src/platform/realtime/feed/logical.ts'
import { type Path, type PathResult, state } from '../bench.ts'
import { startService } from '../processes.ts'
import { memoryRows, watchMemory } from './process.ts'
import { delaysOf, followersOf, openWriter, startSubscribers, type Writer, type Written } from './realtime.ts'

const MINUTE_MS = 60_000
/** What has not come long after it would be too old to be sent does not come. */
const PATIENCE_MS = MAX_AGE_MS + 15_000

const OVERLOADED = 500
/** Enough for the batches to become as large as they can. */
const FLOOD = 2_000
/** As fast as the writers can. */
const AT_ONCE = Number.POSITIVE_INFINITY

/** Twice what can be delivered: the delay has a bound, or clients are told that something is missing. */
export const realtimeOverload: Path = {
  name: 'realtime-overload',
  async run(bench): Promise<PathResult> {
    await using subscribers = startSubscribers()
    await using writer = await openWriter(bench)
    await subscribers.open(await followersOf(bench.service, 'muster', OVERLOADED, 'one'))
    const write = (changes: number, perSecond: number): Promise<Written> =>
      writer.write(changes, perSecond, (mark) => writer.notify(mark, OVERLOADED))
    const arrive = ({ from, acknowledged }: Written) =>
      subscribers.collect({ from, to: from + acknowledged.length, receivers: 1, patienceMs: PATIENCE_MS })

    const flood = await write(FLOOD, AT_ONCE)
    const flooded = await arrive(flood)
    delaysOf(flood, flooded, 1)
    const last = Math.max(...flooded.arrivals.map((arrival) => arrival!.last))
    const sustained = (FLOOD / (last - flood.acknowledged[0]!)) * 1_000_000

    const overload = await write(Math.ceil(2 * sustained * bench.seconds), 2 * sustained)
    const written = overload.acknowledged.length
    const { arrivals, gaps } = await arrive(overload)
    const delays = overload.acknowledged.flatMap((at, index) => {
      const arrival = arrivals[index]
      return arrival ? [(arrival.last - at) / 1_000] : []
    })
    if (delays.length < written && gaps === 0) {
      throw new Error(`${written - delays.length} changes did not come, and nobody was told.`)
    }
    const path = `overload, ${OVERLOADED} subscribers`
    return {
      rows: [
        state(path, 'changes/s that are delivered', sustained),
        state(path, 'longest delay at twice that, ms', Math.max(...delays), { atMost: MAX_AGE_MS }),
        state(path, 'clients that were told of a gap', gaps),
      ],
      measured: [],
    }
  },
}

const SUBSCRIBERS = 1_000
const CHANGES_PER_SECOND = 10

/** A thousand subscribers for minutes: what grows then grows for ever. */
export const realtimeMemory: Path = {
  name: 'realtime-memory',
  async run(bench): Promise<PathResult> {
    await using subscribers = startSubscribers()
    await using writer = await openWriter(bench)
    // A service of its own: what earlier paths left behind is not this one's.
    const service = await startService({ DATABASE_URL: bench.databaseUrl })
    try {
      await subscribers.open(await followersOf(service, 'muster', SUBSCRIBERS, 'one'))
      const milliseconds = bench.memoryMinutes * MINUTE_MS
      const [sizes, changes] = await Promise.all([
        watchMemory(service.pid, milliseconds),
        keepWriting(writer, subscribers, milliseconds),
      ])
      const path = `memory, ${SUBSCRIBERS.toLocaleString('en')} subscribers, ${bench.memoryMinutes} minutes`
      return {
        rows: [...memoryRows(path, sizes, 250), state(path, 'changes', changes)],
        measured: [],
      }
    } finally {
      await service.stop()
    }
  },
}

/** @returns how many changes there were, each of which arrived once */
async function keepWriting(
  writer: Writer,
  subscribers: ReturnType<typeof startSubscribers>,
  milliseconds: number,
): Promise<number> {
  const ends = performance.now() + milliseconds
  let changes = 0
  while (performance.now() < ends) {
    const written = await writer.write(CHANGES_PER_SECOND, CHANGES_PER_SECOND, (mark) =>
      writer.notify(mark, SUBSCRIBERS),
    )
    const to = written.from + CHANGES_PER_SECOND
    const collected = await subscribers.collect({
      from: written.from,
      to,
      receivers: 1,
      patienceMs: PATIENCE_MS,
    })
    delaysOf(written, collected, 1)
    changes += CHANGES_PER_SECOND
  }
  return changes
}
