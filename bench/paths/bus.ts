import { setTimeout as sleep } from 'node:timers/promises'
import type { Database } from '../../src/platform/db/engine/database.ts'
import { openServer } from '../../src/platform/db/engine/server.ts'
import { enableLogins } from '../../src/platform/db/logins.ts'
import { Bus } from '../../src/platform/realtime/bus/bus.ts'
import { notifyTransport } from '../../src/platform/realtime/bus/notify.ts'
import { Topics } from '../../src/platform/realtime/gateway/topics.ts'
import { type Bench, compare, type Path, type PathResult, state } from '../bench.ts'
import { asOwner } from '../cluster.ts'
import { latenciesOf } from '../statistics.ts'

const TOPIC = 'private:shift'
/** A position with what is said of it. */
const MESSAGE_CHARACTERS = 250
const MESSAGES = 300
const PAUSE_MS = 15
/** Below what a process keeps back for one that is slow. */
const UNDER_WAY = 5_000
const BURST = 100_000
const CHANNEL = 'bench_bus'

/** From a broadcast at one process to the listener at another, beside a bare NOTIFY of as many bytes. */
export const bus: Path = {
  name: 'bus',
  async run(bench): Promise<PathResult> {
    await using stack = new AsyncDisposableStack()
    const [here, there] = [await startBus(bench, stack), await startBus(bench, stack)]
    const crossing = latenciesOf(await latencies(here.say, there.onHeard))
    const bare = latenciesOf(await bareLatencies(bench, stack))
    const path = 'broadcast to another process'
    return {
      rows: [
        compare(path, 'p50 ms', crossing.p50, { name: 'NOTIFY', value: bare.p50 }, { atMost: 2 }),
        compare(path, 'p95 ms', crossing.p95, { name: 'NOTIFY', value: bare.p95 }, { atMost: 2 }),
        // A thousand guards who send a position each second, ten times.
        state(path, `messages/s of ${MESSAGE_CHARACTERS} B`, await burst(here.say, there.onHeard), {
          ...{ atLeast: 10_000, cores: 4 },
        }),
      ],
      measured: [],
    }
  },
}

type OnHeard = (listener: (text: string) => void) => void

async function startBus(bench: Bench, stack: AsyncDisposableStack) {
  const database = await open(bench, stack)
  const log = { debug() {}, info() {}, warn: (_: object, message: string) => bench.say(message) }
  const started = new Bus({ transport: notifyTransport(database), secret: 'of the benchmark', log })
  const topics = new Topics(started)
  let listener: (text: string) => void = () => {}
  topics.listen(TOPIC, {
    sendBroadcast: ({ body }) => body.encoding === 'json' && listener(body.text),
    sendPresence() {},
  })
  await started.start(topics)
  stack.defer(() => started.stop())
  return {
    say: (text: string) => topics.broadcast(TOPIC, { event: 'position', body: { encoding: 'json', text } }),
    onHeard: ((heard) => {
      listener = heard
    }) as OnHeard,
  }
}

async function open({ databaseUrl }: Bench, stack: AsyncDisposableStack): Promise<Database> {
  const { api: url } = await asOwner(databaseUrl, (owner) => enableLogins(owner, databaseUrl))
  const database = openServer({
    url,
    max: 1,
    settings: { synchronous_commit: 'off' },
  })
  stack.defer(() => database.close())
  return database
}

async function bareLatencies(bench: Bench, stack: AsyncDisposableStack): Promise<number[]> {
  const [sender, receiver] = [await open(bench, stack), await open(bench, stack)]
  let listener: (text: string) => void = () => {}
  const stop = await receiver.listen(CHANNEL, (text) => listener(text))
  stack.defer(stop)
  return latencies(
    (text) => void sender.query(`select pg_notify('${CHANNEL}', $1)`, [text]),
    (heard) => {
      listener = heard
    },
  )
}

async function latencies(say: (text: string) => void, onHeard: OnHeard): Promise<number[]> {
  const sentAt: number[] = []
  const measured: number[] = []
  onHeard((text) => measured.push(performance.now() - sentAt[Number.parseInt(text, 10)]!))
  for (let nth = 0; nth < MESSAGES; nth += 1) {
    sentAt.push(performance.now())
    say(messageOf(nth))
    await sleep(PAUSE_MS)
  }
  return measured
}

async function burst(say: (text: string) => void, onHeard: OnHeard): Promise<number> {
  let heard = 0
  let wake = (): void => {}
  onHeard(() => {
    heard += 1
    wake()
  })
  const begun = performance.now()
  for (let nth = 0; nth < BURST; nth += 1) {
    say(messageOf(nth))
    while (nth - heard > UNDER_WAY || (nth === BURST - 1 && heard < BURST)) {
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    }
  }
  return heard / ((performance.now() - begun) / 1_000)
}

/** Digits that are JSON too. */
const messageOf = (nth: number): string => `${nth}`.padEnd(MESSAGE_CHARACTERS)
