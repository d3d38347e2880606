import { request } from 'node:http'
import { setPriority } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import WebSocket from 'ws'
import { HostileFrames } from '../support/hostile-frames.ts'
import { pick, seededRandom } from '../support/random.ts'

/*
 * The attackers of the storm, a process of their own. On its standard output it says `all` when every case has been through once,
 * and at its end, as JSON, what it was told that it must not know, and what it used. It goes on until its standard input ends.
 */

export interface GeneratorOptions {
  url: string
  seed: number
  anonKey: string
  /** Of people who may not see the shift. */
  strangers: readonly string[]
  /** Expires while the storm goes on; of somebody who may see the shift. */
  expiring: string
  expiresAtMs: number
  shiftId: string
  /** In whatever is not for the attackers. */
  mark: string
  except: readonly string[]
  niceness: number
  /** Instead of all cases: one socket that says nothing, and so much of a core. */
  idleCpuShare?: number
}

/** What the generator says at its end. */
export interface GeneratorReport {
  leaks: string[]
  /** Sockets that were opened, and ended, by the reason. */
  opened: number
  ended: Record<string, number>
  cpuSeconds: number
  seconds: number
}

/** Of the loopback network: attackers come from elsewhere than those who work. */
const ADDRESSES = ['127.0.0.2', '127.0.0.3', '127.0.0.4', '127.0.0.5']
/** How much of what an attacker is told is searched for the mark: it is in the first column that has a text. */
const MAX_SEARCHED_BYTES = 100_000

const options: GeneratorOptions = JSON.parse(process.argv[2] ?? '{}')
const random = seededRandom(options.seed)
const stopping = new AbortController()
const report: GeneratorReport = { leaks: [], opened: 0, ended: {}, cpuSeconds: 0, seconds: 0 }

/** Millions of arrays in a megabyte. */
const junkOf = (bytes: number): string => `[${'[],'.repeat(Math.floor(bytes / 3) - 1)}[]]`
const deepOf = (levels: number): string => `${'['.repeat(levels)}${']'.repeat(levels)}`
const pause = (ms: number): Promise<unknown> =>
  sleep(ms, undefined, { signal: stopping.signal }).catch(() => {})

function open(key: string): Promise<WebSocket | undefined> {
  const ws = new WebSocket(
    `${options.url.replace('http', 'ws')}/realtime/v1/websocket?vsn=2.0.0&apikey=${key}`,
    { localAddress: pick(random, ADDRESSES) },
  )
  const end = (reason: string): void => {
    report.ended[reason] = (report.ended[reason] ?? 0) + 1
  }
  return new Promise((resolve) => {
    ws.once('open', () => {
      report.opened += 1
      resolve(ws)
    })
    ws.once('unexpected-response', (_, { statusCode }) => {
      end(`${statusCode}`)
      resolve(undefined)
    })
    ws.on('error', () => resolve(undefined))
    ws.once('close', (code, reason) => end(`${code} ${reason}`))
    ws.on('message', (data) => {
      const text = String(data).slice(0, MAX_SEARCHED_BYTES)
      if (text.includes(options.mark)) report.leaks.push(text.slice(0, 300))
    })
  })
}

function push(ws: WebSocket, topic: string, event: string, payload: string): void {
  if (ws.readyState === ws.OPEN) ws.send(`[null,"1","realtime:${topic}","${event}",${payload}]`)
}
const join = (ws: WebSocket, topic: string, config: object): void =>
  push(ws, topic, 'phx_join', JSON.stringify({ config }))

/** Does something with a socket of its own, again and again. */
async function again(
  done: () => void,
  key: () => string,
  work: (ws: WebSocket) => Promise<unknown>,
): Promise<void> {
  while (!stopping.signal.aborted) {
    const ws = await open(key())
    if (ws) {
      await work(ws)
      done()
    }
    ws?.terminate()
    // After a refusal, too.
    await pause(100)
  }
}
const anon = (): string => options.anonKey
const anybody = (): string => pick(random, [options.anonKey, ...options.strangers])

async function post(path: string, body: string): Promise<void> {
  const { hostname, port } = new URL(options.url)
  await new Promise<void>((resolve) => {
    const sent = request(
      {
        hostname,
        port,
        path,
        method: 'POST',
        localAddress: pick(random, ADDRESSES),
        headers: { apikey: options.anonKey, 'content-type': 'application/json' },
        signal: stopping.signal,
      },
      (answer) => {
        report.ended[`http ${answer.statusCode}`] = (report.ended[`http ${answer.statusCode}`] ?? 0) + 1
        answer.resume().once('close', () => resolve())
      },
    )
    sent.once('error', () => resolve())
    sent.end(body)
  })
}

const BINDING = { event: '*', schema: 'public', table: 'shifts' }
const topic = `shift:${options.shiftId}`

/** Each says when it has been through all of it once. */
const CASES: Record<string, (done: () => void) => Promise<void>> = {
  'joins with megabytes that nobody understands': (done) => {
    const junk = junkOf(4_800_000)
    return again(done, anon, async (ws) => {
      for (let n = 0; ws.readyState === ws.OPEN && n < 8; n += 1) {
        push(ws, `j${n}`, 'phx_join', `{"config":{"postgres_changes":[{"table":"shifts","junk":${junk}}]}}`)
        await pause(200)
      }
    })
  },
  'listeners that do not read': (done) =>
    again(done, anon, async (sender) => {
      const listeners = await Promise.all(Array.from({ length: 30 }, () => open(options.anonKey)))
      for (const ws of listeners) {
        if (!ws) continue
        join(ws, 'slow', {})
        ws.pause()
      }
      join(sender, 'slow', {})
      const payload = `{"event":"e","payload":"${'x'.repeat(4_500_000)}"}`
      for (let n = 0; n < 3; n += 1) {
        push(sender, 'slow', 'broadcast', payload)
        await pause(500)
      }
      for (const ws of listeners) ws?.terminate()
    }),
  'a token that has expired': (done) =>
    again(
      done,
      () => (Date.now() < options.expiresAtMs ? options.expiring : options.anonKey),
      async (ws) => {
        await pause(Math.max(0, options.expiresAtMs - Date.now()))
        for (let n = 0; ws.readyState === ws.OPEN && n < 100; n += 1) {
          join(ws, topic, { private: true })
          join(ws, `c${n % 40}`, { postgres_changes: [BINDING] })
          push(ws, topic, 'broadcast', '{"event":"position","payload":{"forged":true}}')
          await pause(50)
        }
      },
    ),
  'joins of private channels': (done) =>
    again(done, anybody, async (ws) => {
      for (let n = 0; ws.readyState === ws.OPEN && n < 2_000; n += 1) {
        join(ws, n % 50 === 0 ? topic : `private ${n % 90}`, { private: true })
        if (n % 20 === 0) await pause(50)
      }
    }),
  'bodies by HTTP': async (done) => {
    const small = Array.from({ length: 20 }, (_, n) =>
      JSON.stringify({ topic: `shift:${n}`, event: 'x', payload: {}, private: true }),
    )
    const body = `{"messages":[${small},{"topic":"a","event":"x","payload":${junkOf(900_000)}}]}`
    while (!stopping.signal.aborted) {
      await Promise.all(Array.from({ length: 30 }, () => post('/realtime/v1/api/broadcast', body)))
      await post('/realtime/v1/api/broadcast', `{"messages":${deepOf(200_000)}}`)
      done()
      await pause(500)
    }
  },
  'patterns and filters': (done) =>
    again(done, anybody, async (ws) => {
      const slow = 'title=match."(((a|b)?){1,30}){1,30}"'
      const many = Array.from({ length: 40 }, (_, n) => `title=not.like.%${n}%a%b%`).join(',')
      for (let n = 0; ws.readyState === ws.OPEN && n < 30; n += 1) {
        const postgres_changes = Array.from({ length: 60 }, () => ({
          ...BINDING,
          filter: n % 2 === 0 ? slow : many,
        }))
        join(ws, `f${n}`, { postgres_changes })
        await pause(100)
      }
      await pause(2_000)
    }),
  'more sockets than anybody needs': async (done) => {
    const held: WebSocket[] = []
    while (!stopping.signal.aborted) {
      const opened = await Promise.all(Array.from({ length: 50 }, () => open(anybody())))
      for (const ws of opened) {
        if (!ws) continue
        join(ws, 'crowd', { presence: { enabled: true } })
        held.push(ws)
      }
      for (const ws of held.splice(0, Math.max(0, held.length - 400))) ws.terminate()
      done()
      await pause(250)
    }
  },
  'messages that never end': (done) =>
    again(done, anon, async (ws) => {
      ws.send(Buffer.alloc(4_500_000), { fin: false })
      for (let n = 0; ws.readyState === ws.OPEN && n < 50; n += 1) {
        ws.send(Buffer.alloc(1_000), { fin: false })
        await pause(100)
      }
    }),
  'presence and broadcasts for a crowd': (done) =>
    again(done, anon, async (ws) => {
      join(ws, 'crowd', { presence: { key: `${random()}`, enabled: true } })
      const said = `{"event":"track","payload":{"x":"${'x'.repeat(15_000)}"}}`
      for (let n = 0; ws.readyState === ws.OPEN && n < 2_000; n += 1) {
        push(ws, 'crowd', n % 2 === 0 ? 'presence' : 'broadcast', said)
        if (n % 20 === 0) await pause(50)
      }
    }),
  'frames that no client sends': (done) => {
    const frames = new HostileFrames(random, {
      topics: [`realtime:${topic}`, 'realtime:public'],
      tokens: options.strangers,
    })
    return again(done, anybody, async (ws) => {
      for (let n = 0; ws.readyState === ws.OPEN && n < 400; n += 1) {
        ws.send(frames.next('2.0.0'))
        if (n % 20 === 0) await pause(50)
      }
    })
  },
}

/** So much of a core, for nothing. */
async function burn(share: number): Promise<void> {
  await open(options.anonKey)
  while (!stopping.signal.aborted) {
    const from = performance.now()
    while (performance.now() - from < 20 * share);
    await pause(20 * (1 - share))
  }
}

setPriority(options.niceness)
process.stdin.resume().once('end', () => stopping.abort())
const startedAt = performance.now()
const chosen = options.idleCpuShare === undefined ? Object.keys(CASES) : []
const left = new Set(chosen.filter((name) => !options.except.includes(name)))
const work =
  options.idleCpuShare === undefined
    ? [...left].map((name) =>
        CASES[name]?.(() => {
          if (left.delete(name) && left.size === 0) process.stdout.write('all\n')
        }),
      )
    : [burn(options.idleCpuShare)]
if (left.size === 0) process.stdout.write('all\n')
await Promise.race([
  Promise.all(work),
  new Promise((resolve) => stopping.signal.addEventListener('abort', resolve)),
])
const { user, system } = process.cpuUsage()
report.cpuSeconds = (user + system) / 1e6
report.seconds = (performance.now() - startedAt) / 1000
process.stdout.write(JSON.stringify(report), () => process.exit(0))
