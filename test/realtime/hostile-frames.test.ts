import { setTimeout as sleep } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { createClient, type RealtimeChannel, type SupabaseClient } from '@supabase/supabase-js'
import { afterAll, afterEach, beforeAll, describe, expect, inject, it, vi } from 'vitest'
import WebSocket from 'ws'
import { issueToken } from '../../src/platform/auth/issue.ts'
import { MAX_FRAMES_PER_SECOND } from '../../src/platform/realtime/gateway/limits.ts'
import { SECRET } from '../support/api.ts'
import { HostileFrames } from '../support/hostile-frames.ts'
import { patience } from '../support/patience.ts'
import { pick, seededRandom } from '../support/random.ts'
import { openRealtimeApi, type RealtimeApi } from '../support/realtime-api.ts'
import { trialSeed, trialSize } from '../support/trial.ts'
import { arrangeShift, type Persona, PROFESSIONALS } from '../support/world.ts'

/*
 * Frames that no client sends, from sockets with every kind of key, while others work. Nothing must crash, nothing be kept, nobody
 * hear what is not for them, and the others go on.
 */

const ANON_KEY = 'sb_publishable_of_the_tests'
/** The engine has no part in reading them; the embedded one works in the same thread, three times as slowly. */
const FRAMES = trialSize(inject('database').engine === 'server' ? 3_000 : 1_000, 10_000)
const MOST_ROUNDS = 10
/** Positions and changes that others send meanwhile, more than this. */
const ENOUGH_WORK = 20
/** Below what a socket may send in a second: the frames are to be read, and not merely cut. */
const FRAMES_PER_SOCKET = 400
const SOCKETS_AT_ONCE = 4
/** What the gateway may still hold of a storm: garbage collection is not exact. One frame in a hundred kept would be more. */
const MAX_GROWTH_BYTES = 30_000_000
const PATIENCE_MS = patience(30_000)
const TEST_TIMEOUT_MS = patience(240_000)
/** What the gateway says, each in another part of it. */
const ANSWERS = [
  '"status":"ok"',
  'unmatched topic',
  'unknown event',
  'Unauthorized',
  'InvalidJoin',
  'JWT',
  'Subscribed to PostgreSQL',
  'Unable to subscribe',
  'presence_state',
  'phx_close',
]
/** In everything that is not for the attackers. */
const MARK = 'not-for-you'

describe('a gateway under hostile frames', () => {
  let api: RealtimeApi
  const clients: SupabaseClient[] = []
  const keys: string[] = []

  beforeAll(async () => {
    api = await openRealtimeApi({ ANON_KEY })
    // Those of a stranger, of a guard who is not on the shift, of somebody of another marketplace, and nobody's.
    keys.push(ANON_KEY)
    for (const persona of ['otherGuard', 'rival', 'foreignAdmin'] as const)
      keys.push(await api.tokenOf(persona))
  })
  // What is held is counted: nobody's socket is left from the test before.
  afterEach(async () => {
    for (const { ws } of attackers.splice(0)) ws.terminate()
    await until(() => held().sockets === clients.length)
  })
  afterAll(async () => {
    await Promise.all(clients.map((client) => client.realtime.disconnect()))
    await api?.close()
  })

  const until = (condition: () => unknown) => vi.waitUntil(condition, { timeout: PATIENCE_MS, interval: 10 })

  async function join(persona: Persona, channel: (client: SupabaseClient) => RealtimeChannel) {
    const token = await api.tokenOf(persona)
    const client = createClient(api.url, ANON_KEY, {
      realtime: { transport: WebSocket as never },
      accessToken: async () => token,
    })
    clients.push(client)
    await client.realtime.setAuth()
    const statuses: string[] = []
    const joined = channel(client).subscribe((status) => statuses.push(status))
    await until(() => statuses.length > 0)
    expect(statuses).toEqual(['SUBSCRIBED'])
    return { channel: joined, statuses }
  }

  /** What the gateway holds for its clients. */
  const held = () => {
    const { heldBytes, ...counts } = api.app.realtime.counts()
    // Of each socket the last bytes that came are counted until more come: they may be the beginning of a frame.
    return { ...counts, subscriptions: api.subscriptions(), isLight: heldBytes < 20_000 }
  }
  const becomes = (expected: ReturnType<typeof held>) =>
    vi.waitFor(() => expect(held()).toEqual(expected), { timeout: PATIENCE_MS, interval: 10 })

  it(
    `reads ${FRAMES} of them, and is as before`,
    async () => {
      const random = seededRandom(trialSeed())

      const shift = await arrangeShift(api.owner, { status: 'assigned', professional: PROFESSIONALS.guard })
      await api.owner.query("update shifts set status = 'active', title = $2 where id = $1", [shift, MARK])
      const topic = `shift:${shift}`
      const positions: number[] = []
      const changes: string[] = []
      const company = await join('company', (client) =>
        client
          .channel(topic, { config: { private: true } })
          .on('broadcast', { event: '*' }, ({ payload }) => positions.push(payload.n))
          .on('postgres_changes', { event: 'UPDATE', schema: 'public', table: 'shifts' }, ({ new: row }) => {
            // Not of what was written before it followed.
            if (row.description) changes.push(row.description)
          }),
      )
      const guard = await join('guard', (client) =>
        client.channel(topic, { config: { private: true, broadcast: { ack: true } } }),
      )
      const frames = new HostileFrames(random, {
        topics: [`realtime:${topic}`, 'realtime:public'],
        tokens: [
          ...keys.slice(1),
          // Right but for one thing.
          await issueToken('another secret, of the same length, and more', {
            sub: shift,
            audience: 'authenticated',
          }),
          await issueToken(SECRET, { sub: shift, audience: 'authenticated', expiresInSeconds: -60 }),
          await issueToken(SECRET, { sub: shift, audience: 'another' }),
        ],
      })

      // Once before anything is compared: what is made at the first use stays.
      await storm(api, frames, keys, random, 1_000)
      // The company's subscription: those of the storm end when their joins are decided.
      await until(() => held().sockets === 2 && held().subscriptions === 1)
      const before = held()
      const heapBefore = heapUsed()

      const working = new AbortController()
      const progress = { sent: 0 }
      const worked = work(api, guard.channel, shift, working.signal, progress)
      const told: string[] = []
      const cut: number[] = []
      const isHeard = (answer: string) => told.some((frame) => frame.includes(answer))
      // It goes on where the work is slower than the storm, and where chance left a part of the gateway out.
      for (let rounds = 0; rounds < MOST_ROUNDS; rounds += 1) {
        if (rounds > 0 && progress.sent > ENOUGH_WORK && ANSWERS.every(isHeard)) break
        const round = await storm(api, frames, keys, random, FRAMES)
        told.push(...round.told)
        cut.push(...round.cut)
      }
      working.abort()
      await worked
      const { sent } = progress
      expect(sent).toBeGreaterThan(ENOUGH_WORK)

      const expected = Array.from({ length: sent }, (_, n) => n)
      await vi.waitFor(() => expect(changes).toEqual(expected.map((n) => `${MARK} ${n}`)), PATIENCE_MS)
      expect(positions).toEqual(expected)
      expect(company.statuses).toEqual(['SUBSCRIBED'])
      expect(guard.statuses).toEqual(['SUBSCRIBED'])

      // They were read, in every part of the gateway; of what is not for them they got nothing.
      for (const answer of ANSWERS) {
        expect([answer, isHeard(answer)]).toEqual([answer, true])
      }
      expect(told.filter((frame) => frame.includes(MARK))).toEqual([])
      // Only those were cut that sent too much at once.
      expect(cut.filter((code) => ![1008, 1009].includes(code))).toEqual([])

      await becomes(before)
      expect(heapUsed() - heapBefore).toBeLessThan(MAX_GROWTH_BYTES)
      expect((await fetch(`${api.url}/health`)).status).toBe(200)
    },
    TEST_TIMEOUT_MS,
  )

  it('disconnects only clients that send too many frames, or a frame that is too large', async () => {
    const before = held()
    const flooding = await open(api, ANON_KEY, '2.0.0')
    for (let n = 0; n < MAX_FRAMES_PER_SECOND * 3; n += 1) flooding.ws.send('[null,"1","realtime:x","e",{}]')
    expect(await flooding.closed).toBe(1008)
    const giant = await open(api, ANON_KEY, '2.0.0')
    giant.ws.send(Buffer.alloc(6_000_000))
    expect(await giant.closed).toBe(1009)
    const calm = await open(api, ANON_KEY, '1.0.0')
    calm.ws.send('{"topic":"phoenix","event":"heartbeat","payload":{},"ref":"7"}')
    await until(() => calm.told.some((frame) => frame.includes('"ref":"7"')))
    calm.ws.terminate()
    await becomes(before)
  })

  it('takes no broadcast for a private channel whose join is not decided, by whatever reference', async () => {
    const shift = await arrangeShift(api.owner, {
      status: 'assigned',
      professional: PROFESSIONALS.guard,
      startsInHours: 20,
    })
    await api.owner.query("update shifts set status = 'active' where id = $1", [shift])
    const topic = `shift:${shift}`
    const got: unknown[] = []
    await join('company', (client) =>
      client
        .channel(topic, { config: { private: true } })
        .on('broadcast', { event: '*' }, ({ payload }) => got.push(payload)),
    )
    const guard = await join('guard', (client) => client.channel(topic, { config: { private: true } }))
    const attacker = await open(api, await api.tokenOf('otherGuard'), '2.0.0')
    for (let nth = 0; nth < 20; nth += 1) {
      const ref = `j${nth}`
      attacker.ws.send(
        JSON.stringify([ref, ref, `realtime:${topic}`, 'phx_join', { config: { private: true } }]),
      )
      // Clients whose topic was mangled are known by the reference of their join.
      for (const other of ['realtime:mangled', `realtime:${topic}`]) {
        attacker.ws.send(pushOf(ref, other, '{"latitude":0}'))
        attacker.ws.send(JSON.stringify([ref, ref, other, 'broadcast', { event: 'position', payload: {} }]))
      }
    }
    await heartbeat(attacker, '2.0.0')
    await until(() => api.app.realtime.counts().waiting === 0)
    await guard.channel.send({ type: 'broadcast', event: 'position', payload: { n: 1 } })
    await until(() => got.length > 0)
    expect(got).toEqual([{ n: 1 }])
  })

  it('joins no channel for a socket that is closed', async () => {
    const before = held()
    const leaving = await open(api, await api.tokenOf('company'), '2.0.0')
    const config = { config: { postgres_changes: [{ event: '*', schema: 'public', table: 'shifts' }] } }
    // On one topic, so that each has to wait for the one before it.
    for (let nth = 0; nth < 50; nth += 1) {
      leaving.ws.send(JSON.stringify([`${nth}`, `${nth}`, 'realtime:again', 'phx_join', config]))
    }
    await until(() => leaving.told.length > 0)
    leaving.ws.terminate()
    await until(() => held().sockets === before.sockets)
    // Whatever still waited was worked on before this answer.
    const other = await open(api, await api.tokenOf('company'), '2.0.0')
    for (let nth = 0; nth < 50; nth += 1) {
      other.ws.send(JSON.stringify([`${nth}`, `${nth}`, 'realtime:again', 'phx_join', config]))
    }
    await until(() => other.told.filter((frame) => frame.includes('phx_reply')).length === 50)
    other.ws.terminate()
    await becomes(before)
  })

  it('lets one socket have a bounded number of channels, and one channel a bounded number of bindings', async () => {
    const before = held()
    const greedy = await open(api, ANON_KEY, '2.0.0')
    for (let n = 0; n < 300; n += 1) greedy.ws.send(`["${n}","${n}","realtime:many ${n}","phx_join",{}]`)
    await until(() => greedy.told.filter((frame) => frame.includes('phx_reply')).length === 300)
    expect(greedy.told.filter((frame) => frame.includes('ChannelRateLimitReached'))).toHaveLength(200)
    expect(held().channels - before.channels).toBe(100)
    const bindings = Array.from({ length: 101 }, () => ({ event: '*', schema: 'public', table: 'shifts' }))
    const config = { config: { postgres_changes: bindings } }
    greedy.ws.send(JSON.stringify(['0', 'last', 'realtime:many 0', 'phx_join', config]))
    await until(() => greedy.told.some((frame) => frame.includes('too many bindings')))
    greedy.ws.terminate()
    await becomes(before)
  })
})

/** The others: a position and a change at a time, until the signal comes. @returns how many of each */
async function work(
  api: RealtimeApi,
  guard: RealtimeChannel,
  shift: string,
  signal: AbortSignal,
  progress: { sent: number },
): Promise<void> {
  for (let n = 0; !signal.aborted; n += 1) {
    expect(await guard.send({ type: 'broadcast', event: 'position', payload: { n, mark: MARK } })).toBe('ok')
    await api.owner.query('update shifts set description = $2 where id = $1', [shift, `${MARK} ${n}`])
    progress.sent = n + 1
    // A pace, and not a wait.
    await sleep(5)
  }
}

interface Attacker {
  ws: WebSocket
  told: string[]
  closed: Promise<number>
}

/** Those of the test that runs. */
const attackers: Attacker[] = []

async function open(api: RealtimeApi, key: string, vsn: string): Promise<Attacker> {
  const url = `${api.url.replace('http', 'ws')}/realtime/v1/websocket?apikey=${key}&vsn=${vsn}`
  const ws = new WebSocket(url)
  const told: string[] = []
  ws.on('message', (data) => told.push(String(data)))
  ws.on('error', () => {})
  const closed = new Promise<number>((resolve) => ws.once('close', resolve))
  await new Promise((resolve, reject) => {
    ws.once('open', resolve)
    ws.once('error', reject)
  })
  const attacker = { ws, told, closed }
  attackers.push(attacker)
  return attacker
}

/** @returns what the attackers were told, and how those ended that were cut */
async function storm(
  api: RealtimeApi,
  frames: HostileFrames,
  keys: readonly string[],
  random: () => number,
  count: number,
): Promise<{ told: string[]; cut: number[] }> {
  const told: string[] = []
  const cut: number[] = []
  let left = count
  while (left > 0) {
    const round: Attacker[] = []
    const sent: Promise<unknown>[] = []
    for (let nth = 0; nth < SOCKETS_AT_ONCE && left > 0; nth += 1) {
      const vsn = pick(random, ['1.0.0', '2.0.0'] as const)
      const attacker = await open(api, pick(random, keys), vsn)
      const share = Math.min(left, FRAMES_PER_SOCKET)
      left -= share
      for (let n = 0; n < share; n += 1) attacker.ws.send(frames.next(vsn))
      round.push(attacker)
      sent.push(heartbeat(attacker, vsn))
    }
    await Promise.all(sent)
    // Otherwise they are gone before their frames are worked on.
    if (random() < 0.8) {
      await vi.waitUntil(() => api.app.realtime.counts().waiting === 0, { timeout: PATIENCE_MS, interval: 5 })
    }
    for (const attacker of round) {
      if (attacker.ws.readyState !== attacker.ws.OPEN) cut.push(await attacker.closed)
      else if (random() < 0.5) attacker.ws.terminate()
      else attacker.ws.close()
      await attacker.closed
      told.push(...attacker.told)
    }
  }
  return { told, cut }
}

/** A broadcast as clients send it: kind 3. */
function pushOf(joinRef: string, topic: string, json: string): Buffer {
  const strings = [joinRef, joinRef, topic, 'position', ''].map((text) => Buffer.from(text))
  const head = Buffer.from([3, ...strings.map(({ length }) => length), 1])
  return Buffer.concat([head, ...strings, Buffer.from(json)])
}

/** Resolves when everything that was sent before has been received. */
async function heartbeat({ ws, told }: Attacker, vsn: string): Promise<void> {
  ws.send(
    vsn === '2.0.0'
      ? '[null,"the last","phoenix","heartbeat",{}]'
      : '{"topic":"phoenix","event":"heartbeat","payload":{},"ref":"the last"}',
  )
  await vi.waitUntil(() => ws.readyState !== ws.OPEN || told.some((frame) => frame.includes('the last')), {
    timeout: PATIENCE_MS,
    interval: 5,
  })
}

setFlagsFromString('--expose-gc')
const collectGarbage: () => void = runInNewContext('gc')

function heapUsed(): number {
  collectGarbage()
  return process.memoryUsage().heapUsed
}
