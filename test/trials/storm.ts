import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import WebSocket from 'ws'
import { issueToken } from '../../src/platform/auth/issue.ts'
import { patience } from '../support/patience.ts'
import type { GeneratorOptions, GeneratorReport } from './storm-generator.ts'

/*
 * Honest subscribers and a writer, beside attackers in a process of their own: what the trial measures, and what the suite runs at
 * a small size.
 */

/** A service that is to be stormed, with a shift that few people see. */
export interface Target {
  url: string
  anonKey: string
  secret: string
  clockToleranceSeconds: number
  /** Those who see the shift; the first changes it. */
  insiders: readonly { id: string; email: string }[]
  strangers: readonly { id: string; email: string }[]
  shiftId: string
}

export interface PhaseOptions {
  seconds: number
  seed: number
  subscribers: number
  changesPerSecond: number
  /** Cases that are left out. */
  except?: readonly string[]
  /** Instead of a storm: a generator that uses so much of a core and sends nothing. */
  idleCpuShare?: number
  /** Of the generator: below everybody else where times are measured. */
  niceness: number
  /** Ends it, with the attackers: a service does not stop while they are connected. */
  signal?: AbortSignal
}

export interface Phase {
  changes: number
  /** From the answer to the writer until a subscriber has the event, in milliseconds, sorted. */
  latencies: number[]
  /** Of all subscribers, events that did not come, or not in their order. */
  lost: number
  /** Channels of subscribers that ended. */
  interrupted: number
  /** Changes that the service refused because it was busy, and that were sent again. */
  refused: number
  generator: GeneratorReport
}

/** In the title of the shift. */
const MARK = 'not-for-attackers'
const HEARTBEAT_MS = 20_000
/** Of a storm on a machine that is too busy for its pace. */
const LEAST_CHANGES = 10
const MAX_OVERTIME_MS = 120_000
/** For the last events. */
const PATIENCE_MS = patience(60_000)
/** For the generator, when it is told to end. */
const MAX_FAREWELL_MS = patience(15_000)
const EXPIRES_IN_SECONDS = 2

export function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

export async function runPhase(target: Target, options: PhaseOptions): Promise<Phase> {
  const tokens = await Promise.all(target.insiders.map(({ id, email }) => tokenOf(target, id, email)))
  const sockets: WebSocket[] = []
  let generator: Generator | undefined
  try {
    const subscribers = await Promise.all(
      Array.from({ length: options.subscribers }, (_, n) =>
        subscribe(target, tokens[n % tokens.length]!, MARK, (ws) => sockets.push(ws)),
      ),
    )
    generator = await startGenerator(target, options)
    return await storm(target, options, subscribers, tokens[0]!, generator)
  } finally {
    for (const ws of sockets) ws.terminate()
    // Whatever went wrong: attackers who are left alone keep the service from stopping, and the test run from ending.
    await generator?.kill()
  }
}

async function storm(
  target: Target,
  options: PhaseOptions,
  subscribers: readonly Subscriber[],
  writer: string,
  generator: Generator,
): Promise<Phase> {
  const answeredAt: number[] = []
  let refused = 0
  const until = performance.now() + options.seconds * 1000
  const isEnough = (): boolean =>
    performance.now() > until && answeredAt.length >= LEAST_CHANGES && generator.hasDoneAll()
  while (!isEnough() && performance.now() < until + MAX_OVERTIME_MS) {
    const answer = await fetch(`${target.url}/v1/shifts/${target.shiftId}`, {
      method: 'PATCH',
      headers: { authorization: `Bearer ${writer}`, 'content-type': 'application/json' },
      body: JSON.stringify({ title: `${MARK} ${answeredAt.length}` }),
      ...(options.signal && { signal: options.signal }),
    })
    if (answer.ok) answeredAt.push(performance.now())
    else if (answer.status === 503) refused += 1
    else throw new Error(`The shift could not be changed: ${answer.status} ${await answer.text()}`)
    await answer.arrayBuffer().catch(() => {})
    await sleep(1000 / options.changesPerSecond)
  }
  const deadline = performance.now() + PATIENCE_MS
  while (subscribers.some(({ got }) => got.length < answeredAt.length) && performance.now() < deadline) {
    options.signal?.throwIfAborted()
    await sleep(20)
  }
  for (const { ws } of subscribers) ws.terminate()
  const latencies = subscribers
    .flatMap(({ got }) => got.map(({ n, at }) => Math.max(0, at - (answeredAt[n] ?? at))))
    .toSorted((a, b) => a - b)
  const lost = subscribers.reduce(
    (sum, { got }) => sum + answeredAt.filter((_, n) => got[n]?.n !== n).length,
    0,
  )
  return {
    changes: answeredAt.length,
    latencies,
    lost,
    interrupted: subscribers.reduce((sum, { interruptions }) => sum + interruptions(), 0),
    refused,
    generator: await generator.stop(),
  }
}

const tokenOf = (target: Target, sub: string, email: string, expiresInSeconds?: number): Promise<string> =>
  issueToken(target.secret, {
    sub,
    email,
    audience: 'authenticated',
    ...(expiresInSeconds !== undefined && { expiresInSeconds }),
  })

interface Subscriber {
  ws: WebSocket
  got: { n: number; at: number }[]
  interruptions(): number
}

async function subscribe(
  { url, shiftId }: Target,
  token: string,
  mark: string,
  onOpening: (ws: WebSocket) => void,
): Promise<Subscriber> {
  const ws = new WebSocket(`${url.replace('http', 'ws')}/realtime/v1/websocket?vsn=2.0.0&apikey=${token}`)
  onOpening(ws)
  const got: Subscriber['got'] = []
  let interruptions = 0
  let isOver = false
  const joined = Promise.withResolvers<void>()
  // It may fail before anybody waits for it.
  joined.promise.catch(() => {})
  ws.on('message', (data) => {
    const at = performance.now()
    const [, , , event, payload] = JSON.parse(String(data))
    const title = payload.data?.record?.title
    if (event === 'postgres_changes' && typeof title === 'string' && title.startsWith(mark)) {
      got.push({ n: Number(title.slice(mark.length + 1)), at })
    } else if (event === 'phx_error' || event === 'phx_close') {
      interruptions += 1
    } else if (event === 'system') {
      if (payload.status === 'ok') joined.resolve()
      else joined.reject(new Error(payload.message))
    }
  })
  ws.on('error', joined.reject)
  await once(ws, 'open')
  const filter = `id=eq.${shiftId}`
  const config = { postgres_changes: [{ event: 'UPDATE', schema: 'public', table: 'shifts', filter }] }
  ws.send(JSON.stringify(['1', '1', 'realtime:board', 'phx_join', { config, access_token: token }]))
  await joined.promise
  const heartbeat = setInterval(() => ws.send('[null,"h","phoenix","heartbeat",{}]'), HEARTBEAT_MS)
  const terminate = ws.terminate.bind(ws)
  ws.terminate = () => {
    isOver = true
    terminate()
  }
  ws.once('close', () => {
    clearInterval(heartbeat)
    if (!isOver) interruptions += 1
  })
  return { ws, got, interruptions: () => interruptions }
}

interface Generator {
  hasDoneAll(): boolean
  /** @throws Error when it does not end in time, or without a report */
  stop(): Promise<GeneratorReport>
  kill(): Promise<void>
}

async function startGenerator(
  target: Target,
  { seed, except = [], idleCpuShare, niceness }: PhaseOptions,
): Promise<Generator> {
  const { id, email } = target.insiders[0]!
  const generatorOptions: GeneratorOptions = {
    url: target.url,
    seed,
    anonKey: target.anonKey,
    strangers: await Promise.all(target.strangers.map((who) => tokenOf(target, who.id, who.email))),
    expiring: await tokenOf(target, id, email, EXPIRES_IN_SECONDS),
    // A second later, as `exp` is in whole ones.
    expiresAtMs: Date.now() + (EXPIRES_IN_SECONDS + target.clockToleranceSeconds + 1) * 1000,
    shiftId: target.shiftId,
    mark: MARK,
    except,
    niceness,
    ...(idleCpuShare !== undefined && { idleCpuShare }),
  }
  const child = spawn(
    process.execPath,
    [join(import.meta.dirname, 'storm-generator.ts'), JSON.stringify(generatorOptions)],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  )
  let said = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  // When its output is read to the end, too.
  const ended = once(child, 'close')
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL')
    await ended
  }
  return {
    hasDoneAll: () => said.startsWith('all\n'),
    async stop() {
      child.stdin.end()
      const late = setTimeout(kill, MAX_FAREWELL_MS)
      await ended
      clearTimeout(late)
      const report = said.replace(/^all\n/, '')
      if (report === '')
        throw new Error(
          `The generator of the storm ended without a report: ${child.signalCode ?? child.exitCode}`,
        )
      return JSON.parse(report) as GeneratorReport
    },
    kill,
  }
}
