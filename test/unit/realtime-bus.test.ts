import { randomUUID } from 'node:crypto'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { Bus, type BusLimits, type BusTransport } from '../../src/platform/realtime/bus/bus.ts'
import {
  MAX_CONTENT_BYTES,
  MessageAssembler,
  openPacket,
  PacketSealer,
  packMessages,
  readHead,
  senderKey,
} from '../../src/platform/realtime/bus/packets.ts'
import type { PresenceState } from '../../src/platform/realtime/gateway/presence.ts'
import { type Listener, Topics } from '../../src/platform/realtime/gateway/topics.ts'
import { type Broadcast, MAX_FRAME_BYTES } from '../../src/platform/realtime/protocol/frames.ts'
import { patience } from '../support/patience.ts'
import { pick, seededRandom } from '../support/random.ts'

const SECRET = 'of the processes'
const TOPIC = 'public:room'
const until = (condition: () => unknown) =>
  vi.waitUntil(condition, { timeout: patience(10_000), interval: 5 })

/** Stands in for the database: hands each packet to everybody, a moment later. */
class Hub {
  /** Those who ought to know each other, by name. */
  readonly members = new Map<string, { bus: Bus; secret: string }>()
  readonly packets: string[] = []
  readonly #listeners = new Map<
    string,
    { onPacket: (packet: string) => void; onGap: () => void; onLost: (reason: string) => void }
  >()
  /** Whether a packet of a process arrives at another one. */
  passes: (from: string, to: string) => boolean = () => true
  isAway = false
  attempts = 0
  hangs: Promise<void> | undefined

  transport(name: string): BusTransport {
    return {
      send: async (packets) => {
        this.attempts += 1
        await this.hangs
        if (this.isAway) throw new Error('away')
        for (const packet of packets) this.put(packet, name)
        return true
      },
      listen: async (onPacket, onGap, onLost) => {
        this.#listeners.set(name, { onPacket, onGap, onLost })
        return async () => void this.#listeners.delete(name)
      },
    }
  }

  /** Anybody may. */
  put(packet: string, from = 'somebody'): void {
    this.packets.push(packet)
    for (const [to, { onPacket }] of this.#listeners) {
      if (this.passes(from, to)) setImmediate(onPacket, packet)
    }
  }

  gap(name: string): void {
    this.#listeners.get(name)!.onGap()
  }

  lose(name: string, reason: string): void {
    this.#listeners.get(name)!.onLost(reason)
  }
}

interface Process {
  warnings: string[]
  reasons: unknown[]
  recoveries: string[]
  bus: Bus
  topics: Topics
  heard: Broadcast[]
  presence(): PresenceState
  track(name: string): Listener
  untrack(owner: Listener, name: string): void
  /** What a listener knows that kept the state by diffs alone, as clients do. */
  followed: Map<string, string>
}

const running: Bus[] = []
afterEach(async () => {
  await Promise.all(running.splice(0).map((bus) => bus.stop()))
})

async function start(
  hub: Hub,
  name: string,
  limits: Partial<BusLimits> = {},
  secret = SECRET,
): Promise<Process> {
  const warnings: string[] = []
  const reasons: unknown[] = []
  const recoveries: string[] = []
  const log = {
    debug() {},
    info: (_: object, message: string) => recoveries.push(message),
    warn: (data: object, message: string) => {
      warnings.push(message)
      reasons.push('reason' in data ? data.reason : undefined)
    },
  }
  const bus = new Bus({ transport: hub.transport(name), secret, log, limits: { heartbeatMs: 50, ...limits } })
  running.push(bus)
  const topics = new Topics(bus)
  const heard: Broadcast[] = []
  const followed = new Map<string, string>()
  topics.listen(TOPIC, {
    sendBroadcast: (broadcast) => heard.push(broadcast),
    sendPresence: (_, payload) => {
      const { joins, leaves } = payload as unknown as Record<'joins' | 'leaves', PresenceState>
      for (const [key, { metas }] of Object.entries(joins)) {
        for (const { phx_ref: ref } of metas) {
          expect(followed.has(ref)).toBe(false)
          followed.set(ref, key)
        }
      }
      for (const { metas } of Object.values(leaves)) {
        for (const { phx_ref: ref } of metas) expect(followed.delete(ref)).toBe(true)
      }
    },
  })
  await bus.start(topics)
  hub.members.set(name, { bus, secret })
  const all = [...hub.members.values()].filter((member) => member.secret === secret)
  await until(() => all.every((member) => member.bus.peers === all.length - 1))
  return {
    bus,
    topics,
    heard,
    followed,
    warnings,
    reasons,
    recoveries,
    presence: () => topics.presence(TOPIC).state(),
    track: (key) => {
      const owner: Listener = { sendBroadcast() {}, sendPresence() {} }
      topics.track(TOPIC, owner, key, { phx_ref: randomUUID(), at: name })
      return owner
    },
    untrack: (owner, key) => topics.untrack(TOPIC, owner, key),
  }
}

/** A process that ends without a word. */
function crash(hub: Hub, name: string): void {
  hub.members.delete(name)
  const before = hub.passes
  hub.passes = (from, to) => from !== name && to !== name && before(from, to)
}

const text = (body: string): Broadcast => ({
  event: 'e',
  body: { encoding: 'json', text: JSON.stringify(body) },
})
const keysOf = ({ presence }: Process): string[] => Object.keys(presence()).sort()

describe('the bus between processes', () => {
  it('brings broadcasts to the others, once, and in their order', async () => {
    const hub = new Hub()
    const [a, b] = [await start(hub, 'a'), await start(hub, 'b')]
    const bytes = new Uint8Array([0, 255, 10, 13])
    a.topics.broadcast(TOPIC, text('one'))
    a.topics.broadcast(TOPIC, { event: 'e', body: { encoding: 'binary', bytes }, meta: { id: 'm' } })
    a.topics.broadcast(TOPIC, text('ünï 😀'))
    await until(() => b.heard.length === 3)
    expect(b.heard[0]).toEqual(text('one'))
    expect(b.heard[1]).toMatchObject({ event: 'e', meta: { id: 'm' } })
    expect(Buffer.from((b.heard[1]!.body as { bytes: Uint8Array }).bytes)).toEqual(Buffer.from(bytes))
    expect(b.heard[2]).toEqual(text('ünï 😀'))
    expect(a.heard).toHaveLength(3)
  })

  it('carries the largest frame, in packets that a NOTIFY takes', async () => {
    const hub = new Hub()
    const [a, b] = [await start(hub, 'a'), await start(hub, 'b')]
    const large = text('x'.repeat(MAX_FRAME_BYTES - 100))
    a.topics.broadcast(TOPIC, large)
    a.topics.broadcast(TOPIC, text('after'))
    await until(() => b.heard.length === 2)
    expect(b.heard).toEqual([large, text('after')])
    expect(Math.max(...hub.packets.map((packet) => Buffer.byteLength(packet)))).toBeLessThan(8_000)
  })

  it('says nothing but that it is there, where nobody else is', async () => {
    const hub = new Hub()
    const a = await start(hub, 'a', { heartbeatMs: 60_000 })
    const said = hub.packets.length
    a.topics.broadcast(TOPIC, text('x'))
    a.track('one')
    await new Promise(setImmediate)
    expect(hub.packets).toHaveLength(said)
  })

  it('tells who is present at the others: who comes, goes, was there before', async () => {
    const hub = new Hub()
    const a = await start(hub, 'a')
    const owner = a.track('one')
    for (let n = 0; n < 450; n += 1) a.track(`early ${n}`)
    const b = await start(hub, 'b')
    await until(() => keysOf(b).length === 451)
    expect(b.presence()).toEqual(a.presence())
    b.track('two')
    await until(() => keysOf(a).length === 452)
    a.untrack(owner, 'one')
    await until(() => keysOf(b).length === 451)
    expect(keysOf(b)).toEqual(keysOf(a))
    expect(b.followed.size).toBe(451)
  })

  it('has one key at several processes, and each of its entries goes by itself', async () => {
    const hub = new Hub()
    const [a, b] = [await start(hub, 'a'), await start(hub, 'b')]
    const owner = a.track('same')
    b.track('same')
    await until(() => a.presence().same?.metas.length === 2 && b.presence().same?.metas.length === 2)
    a.untrack(owner, 'same')
    await until(() => b.presence().same?.metas.length === 1)
    expect(b.presence().same?.metas[0]).toMatchObject({ at: 'b' })
    expect(a.presence().same?.metas).toHaveLength(1)
  })

  it('lets those leave who were present at a process that is not heard of, and come back with it', async () => {
    const hub = new Hub()
    const limits = { peerTimeoutMs: patience(300) }
    const [a, b] = [await start(hub, 'a', limits), await start(hub, 'b', limits)]
    a.track('one')
    b.track('two')
    await until(() => keysOf(a).length === 2 && keysOf(b).length === 2)
    const pass = hub.passes
    crash(hub, 'b')
    await until(() => keysOf(a).length === 1)
    expect(keysOf(a)).toEqual(['one'])
    expect(a.bus.peers).toBe(0)
    // What changes meanwhile is missed by the other.
    a.track('three')
    hub.passes = pass
    await until(() => keysOf(a).length === 3 && keysOf(b).length === 3)
    expect(a.followed.size).toBe(3)
  })

  it('tells one that it did not hear what it missed meanwhile', async () => {
    const hub = new Hub()
    const [a, b] = [await start(hub, 'a', { peerTimeoutMs: patience(300) }), await start(hub, 'b')]
    b.track('two')
    await until(() => keysOf(a).length === 1)
    hub.passes = (from) => from !== 'b'
    await until(() => a.bus.peers === 0)
    // Nobody is there, as far as it knows, and the other hears it all the time.
    a.track('one')
    hub.passes = () => true
    await until(() => keysOf(a).length === 2 && keysOf(b).length === 2)
  })

  it('lets them leave at once when the process says goodbye', async () => {
    const hub = new Hub()
    const [a, b] = [await start(hub, 'a'), await start(hub, 'b', { peerTimeoutMs: 60_000 })]
    a.track('one')
    await until(() => keysOf(b).length === 1)
    await a.bus.stop()
    await until(() => keysOf(b).length === 0)
    expect(b.followed.size).toBe(0)
  })

  it('repairs presence after lost packets', async () => {
    const hub = new Hub()
    const seed = Math.floor(Math.random() * 2 ** 32)
    console.log(`BUS_SEED=${seed}`)
    const random = seededRandom(seed)
    const processes = [await start(hub, 'a'), await start(hub, 'b'), await start(hub, 'c')]
    hub.passes = () => random() > 0.2
    const tracked: { process: Process; owner: Listener; key: string }[] = []
    for (let step = 0; step < 300; step += 1) {
      const process = pick(random, processes)
      if (tracked.length > 20 && random() < 0.5) {
        const [gone] = tracked.splice(Math.floor(random() * tracked.length), 1)
        gone!.process.untrack(gone!.owner, gone!.key)
      } else {
        const key = `key ${Math.floor(random() * 30)}`
        tracked.push({ process, key, owner: process.track(key) })
      }
      if (random() < 0.05) hub.gap(pick(random, ['a', 'b', 'c']))
      if (random() < 0.3) await new Promise(setImmediate)
    }
    hub.passes = () => true
    const refs = (process: Process): string[] =>
      Object.values(process.presence())
        .flatMap(({ metas }) => metas.map(({ phx_ref: ref }) => ref))
        .sort()
    // Who is right about how many they are may still be wrong about who: a resync is under way.
    const everybody = (): string => refs(processes[0]!).join()
    await until(() =>
      processes.every(
        (process) => refs(process).length === tracked.length && refs(process).join() === everybody(),
      ),
    )
    for (const process of processes) expect([...process.followed.keys()].sort()).toEqual(refs(process))
  })

  it('ignores packets that are not sealed with the key', async () => {
    const hub = new Hub()
    const [a, b] = [await start(hub, 'a'), await start(hub, 'b')]
    const forger = await start(hub, 'forger', {}, 'another secret')
    // Somebody is there to be told.
    const accomplice = await start(hub, 'accomplice', {}, 'another secret')
    forger.track('forged')
    forger.topics.broadcast(TOPIC, text('forged'))
    await until(() => accomplice.heard.length === 1)
    for (const packet of [...hub.packets]) {
      const broken = Buffer.from(packet, 'base64')
      broken[broken.length - 1]! ^= 1
      hub.put(broken.toString('base64'))
      const renumbered = Buffer.from(packet, 'base64')
      renumbered.writeBigUInt64BE(1_000_000n, 16)
      hub.put(renumbered.toString('base64'))
    }
    for (const nonsense of ['', 'x', '{}', 'a'.repeat(7_999), '💥']) hub.put(nonsense)
    a.topics.broadcast(TOPIC, text('true'))
    await until(() => b.heard.length === 1)
    expect(b.heard).toEqual([text('true')])
    expect([a.bus.peers, b.bus.peers, keysOf(b)]).toEqual([1, 1, []])
  })

  it('hears nothing twice, also of a process that is gone', async () => {
    const hub = new Hub()
    const limits = { peerTimeoutMs: patience(300) }
    const [a, b] = [await start(hub, 'a', limits), await start(hub, 'b', limits)]
    a.track('one')
    a.topics.broadcast(TOPIC, text('once'))
    await until(() => b.heard.length === 1 && keysOf(b).length === 1)
    const recorded = [...hub.packets]
    for (const packet of recorded) hub.put(packet)
    a.topics.broadcast(TOPIC, text('again'))
    await until(() => b.heard.length === 2)
    expect(b.heard).toEqual([text('once'), text('again')])

    crash(hub, 'a')
    await until(() => keysOf(b).length === 0)
    for (let round = 0; round < 3; round += 1) {
      for (const packet of [...hub.packets]) hub.put(packet)
      await new Promise(setImmediate)
    }
    const late = await start(hub, 'c', limits)
    await until(() => b.bus.peers === 1 && late.bus.peers === 1)
    expect([keysOf(b), b.heard.length, keysOf(late), late.heard.length]).toEqual([[], 2, [], 0])
  })

  it('drops what it cannot send, says so by its numbers, and is right afterwards', async () => {
    const hub = new Hub()
    const [a, b] = [await start(hub, 'a', { queuedBytes: 100_000 }), await start(hub, 'b')]
    const hanging = Promise.withResolvers<void>()
    hub.hangs = hanging.promise
    for (let n = 0; n < 100; n += 1) a.topics.broadcast(TOPIC, text('x'.repeat(5_000)))
    for (let n = 0; n < 100; n += 1) a.topics.broadcast(TOPIC, text('x'))
    a.track('dropped')
    hub.hangs = undefined
    hanging.resolve()
    await until(() => keysOf(b).length === 1)
    expect(b.heard.length).toBeLessThan(150)
    expect(b.heard.length).toBeGreaterThan(0)
  })

  it('finds its way back when the database was away', async () => {
    const hub = new Hub()
    const [a, b] = [await start(hub, 'a'), await start(hub, 'b')]
    hub.isAway = true
    a.track('meanwhile')
    a.topics.broadcast(TOPIC, text('lost'))
    await new Promise(setImmediate)
    hub.isAway = false
    await until(() => keysOf(b).length === 1)
    a.topics.broadcast(TOPIC, text('heard'))
    await until(() => b.heard.length > 0)
    expect(b.heard.at(-1)).toEqual(text('heard'))
  })

  it('warns once when its own messages do not come back', async () => {
    const hub = new Hub()
    const a = await start(hub, 'a', { peerTimeoutMs: patience(200) })
    expect(a.warnings).toEqual([])
    hub.passes = () => false
    await until(() => a.warnings.length > 0)
    const count = hub.packets.length
    await until(() => hub.packets.length > count + 12)
    expect(a.warnings).toEqual([expect.stringContaining('does not come back')])
  })

  it('blames no pooler when the database is away, and logs a streak once with its reasons', async () => {
    const hub = new Hub()
    const a = await start(hub, 'a', { peerTimeoutMs: 100 })
    expect(a.bus.health).toEqual({ state: 'connected', peers: 0 })
    hub.isAway = true
    hub.passes = () => false
    for (let nth = 0; nth < 5; nth += 1) hub.lose('a', 'ECONNREFUSED')
    await until(() => a.warnings.length === 2)
    // By then a process that hears nothing of what it could send would be called deaf.
    const { attempts } = hub
    await until(() => hub.attempts > attempts + 2)
    expect(a.warnings).toEqual(Array(2).fill(expect.stringContaining('no connection to the other processes')))
    expect(a.reasons).toEqual(['LISTEN: ECONNREFUSED', 'NOTIFY: Error'])
    expect(a.bus.health.state).toBe('disconnected')

    hub.isAway = false
    hub.passes = () => true
    hub.gap('a')
    await until(() => a.bus.health.state === 'connected')
    await until(() => a.recoveries.length > 0)
    expect(a.recoveries).toEqual([expect.stringContaining('connected to the other processes again')])
    expect(a.warnings).toHaveLength(2)
  })

  it('knows a bounded number of others', async () => {
    const hub = new Hub()
    const a = await start(hub, 'a', { peers: 3 })
    const b = await start(hub, 'b')
    for (let n = 0; n < 50; n += 1) {
      const sealer = new PacketSealer(SECRET)
      for (const content of packMessages([Buffer.from('\0\0\0\x10{"type":"alive"}', 'latin1')])) {
        hub.put(sealer.seal(content))
      }
    }
    b.topics.broadcast(TOPIC, text('still'))
    await until(() => a.heard.length === 1)
    expect(a.bus.peers).toBe(1)
    expect(a.bus.known).toBe(3)
  })

  it('asks at once when the database says that something may have been missed', async () => {
    const hub = new Hub()
    const [a, b] = [
      await start(hub, 'a', { heartbeatMs: 60_000 }),
      await start(hub, 'b', { heartbeatMs: 60_000 }),
    ]
    hub.passes = () => false
    a.track('one')
    await new Promise(setImmediate)
    hub.passes = () => true
    hub.gap('b')
    await until(() => keysOf(b).length === 1)
  })
})

describe('topics', () => {
  it('count nobody twice who is present elsewhere, and leave out whoever says it', () => {
    const topics = new Topics()
    const heard: Broadcast[] = []
    const speaker: Listener = { sendBroadcast: (broadcast) => heard.push(broadcast), sendPresence() {} }
    topics.listen(TOPIC, speaker)
    topics.broadcast(TOPIC, text('mine'), speaker)
    expect(heard).toEqual([])
    const entry = { topic: TOPIC, key: 'one', meta: { phx_ref: 'ref' } }
    topics.receivePresence('peer', [entry], [])
    topics.receivePresence('peer', [entry], [])
    expect(topics.presence(TOPIC).state()).toEqual({ one: { metas: [{ phx_ref: 'ref' }] } })
    topics.receivePresence('peer', [], [entry])
    expect(topics.presence(TOPIC).state()).toEqual({})
    topics.leave(TOPIC, speaker, 'nobody')
    expect(topics.size).toBe(0)
  })
})

describe('packets', () => {
  it('hold messages of any size, in order', () => {
    const sizes = [0, 1, 2, MAX_CONTENT_BYTES - 4, MAX_CONTENT_BYTES - 3, MAX_CONTENT_BYTES, 20_000, 0, 5]
    const messages = sizes.map((size, index) => Buffer.alloc(size, index))
    const contents = packMessages(messages)
    expect(Math.max(...contents.map(({ length }) => length))).toBeLessThanOrEqual(MAX_CONTENT_BYTES)
    const assembler = new MessageAssembler()
    expect(contents.flatMap((content) => assembler.add(content))).toEqual(messages)
  })

  it('never repeat what is sealed, and are read by those with the secret alone', () => {
    const sealer = new PacketSealer(SECRET)
    const [first, second] = [sealer.seal(Buffer.from('same')), sealer.seal(Buffer.from('same'))]
    expect(first.slice(32)).not.toBe(second.slice(32))
    expect(Buffer.from(first, 'base64').includes('same')).toBe(false)
    const head = readHead(first)!
    const id = Buffer.from(head.sender, 'hex')
    expect(openPacket(head.bytes, senderKey(SECRET, id))?.toString()).toBe('same')
    expect(openPacket(head.bytes, senderKey('another', id))).toBeUndefined()
  })
})
