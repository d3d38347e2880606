import { describe, expect, it, onTestFinished, vi } from 'vitest'
import type { WebSocket } from 'ws'
import { anonymousCaller, type Caller } from '../../src/platform/auth/caller.ts'
import { placeOf } from '../../src/platform/http/place.ts'
import { Admission, type Seat, type SocketLimits } from '../../src/platform/realtime/gateway/admission.ts'
import { Allowance } from '../../src/platform/realtime/gateway/allowance.ts'
import { FairQueue, QueueFull } from '../../src/platform/realtime/gateway/fair-queue.ts'
import { Holding, Holdings } from '../../src/platform/realtime/gateway/holdings.ts'
import {
  LARGE_FRAME_BYTES,
  MAX_BUFFERED_BYTES,
  MAX_HELD_BYTES_PER_SOCKET,
  UNSENT_FRAME_BYTES,
} from '../../src/platform/realtime/gateway/limits.ts'
import { Frame, Outbox, Outboxes } from '../../src/platform/realtime/gateway/outbox.ts'
import { readAct } from '../../src/platform/realtime/protocol/acts.ts'
import { decodeFrame } from '../../src/platform/realtime/protocol/frames.ts'

/** A client that reads when the test says so. */
class SlowClient {
  readonly OPEN = 1
  readonly readyState = 1
  readonly sent: { data: Uint8Array; done: () => void }[] = []
  readonly cuts: string[] = []
  readonly outbox: Outbox

  constructor(all: Outboxes) {
    this.outbox = new Outbox(this as unknown as WebSocket, all, (reason) => this.cuts.push(reason))
  }
  send(data: Uint8Array, _: object, done: () => void): void {
    this.sent.push({ data, done })
  }
  terminate(): void {
    this.read(this.sent.length)
  }
  read(count = 1): void {
    for (const { done } of this.sent.splice(0, count)) done()
  }
}

describe('what waits to be sent', () => {
  const overhead = UNSENT_FRAME_BYTES

  it('counts a frame once, however many it waits for', () => {
    const all = new Outboxes()
    const clients = Array.from({ length: 250 }, () => new SlowClient(all))
    const frame = new Frame(Buffer.alloc(4_000_000))
    for (const { outbox } of clients) outbox.send(frame)
    expect(all.bytes).toBe(4_000_000 + 250 * overhead)
    expect(clients.every(({ sent }) => sent[0]?.data === frame.data)).toBe(true)
    for (const client of clients.slice(1)) client.read()
    expect(all.bytes).toBe(4_000_000 + overhead)
    clients[0]?.read()
    expect(all.bytes).toBe(0)
  })

  it('has one bound for all, and cuts those first that have got on least', () => {
    const all = new Outboxes(1_000_000)
    const [stuck, slow, fast] = [new SlowClient(all), new SlowClient(all), new SlowClient(all)]
    for (const client of [stuck, slow, fast]) {
      client.outbox.send(new Frame('x'.repeat(200_000)))
      client.outbox.send(new Frame('x'.repeat(100_000)))
    }
    slow.read()
    fast.read(2)
    fast.outbox.send(new Frame('x'.repeat(700_000)))
    expect([stuck.cuts.length, slow.cuts.length, fast.cuts.length]).toEqual([1, 0, 0])
    expect(all.bytes).toBe(800_000 + 2 * overhead)
    fast.outbox.send(new Frame('x'.repeat(250_000)))
    expect([slow.cuts.length, fast.cuts.length]).toEqual([1, 0])
    fast.read(2)
    expect(all.bytes).toBe(0)
  })

  it('bounds each by itself, small frames with what they take besides their bytes', () => {
    const all = new Outboxes()
    const client = new SlowClient(all)
    while (client.cuts.length === 0) client.outbox.send(new Frame('{}'))
    expect(all.bytes).toBe(0)
    const neighbour = new SlowClient(all)
    neighbour.outbox.send(new Frame('{}'))
    let waited = 0
    const other = new SlowClient(all)
    for (; other.cuts.length === 0; waited += 1) other.outbox.send(new Frame('{}'))
    expect(waited * overhead).toBeLessThan(2 * MAX_BUFFERED_BYTES)
    expect(neighbour.cuts).toEqual([])
    // Whatever comes for one that was cut is not kept.
    other.outbox.send(new Frame('{}'))
    expect(all.bytes).toBe(overhead + 2)
  })
})

describe('what is held of what clients said', () => {
  function open(all: Holdings, address: { heldBytes: number }) {
    const cuts: string[] = []
    return { holding: new Holding(all, address, (reason) => cuts.push(reason)), cuts }
  }

  it('is bounded for each, and let go of with the client', () => {
    const all = new Holdings()
    const address = { heldBytes: 0 }
    const { holding, cuts } = open(all, address)
    expect(holding.take(MAX_HELD_BYTES_PER_SOCKET)).toBe(true)
    expect(holding.take(1)).toBe(false)
    expect(cuts).toHaveLength(1)
    expect(holding.take(1)).toBe(false)
    holding.give(1)
    expect([all.bytes, address.heldBytes]).toEqual([0, 0])
  })

  it('is bounded in all: of the address that holds most, the client that holds most goes', () => {
    const all = new Holdings(1_000)
    const [crowd, office] = [{ heldBytes: 0 }, { heldBytes: 0 }]
    const honest = open(all, office)
    honest.holding.take(200)
    const many = Array.from({ length: 50 }, () => open(all, crowd))
    for (const { holding } of many) holding.take(50)
    expect(honest.cuts).toEqual([])
    expect(many.filter(({ cuts }) => cuts.length > 0)).toHaveLength(34)
    expect([all.bytes, office.heldBytes, crowd.heldBytes]).toEqual([1_000, 200, 800])
  })

  it('is not what nobody understood', () => {
    const junk = `[${'[],'.repeat(100_000)}[]]`
    for (const [event, payload] of [
      ['phx_join', `{"config":{"postgres_changes":[{"table":"shifts","junk":${junk}}],"junk":${junk}}}`],
      ['presence', `{"event":"track","payload":{"junk":${junk}}}`],
      ['access_token', `{"access_token":${JSON.stringify('x'.repeat(500_000))},"junk":${junk}}`],
      ['phx_leave', junk.replace('[', '{"junk":[').replace(/$/, '}')],
      ['anything', `{"junk":${junk}}`],
    ]) {
      const decoded = decodeFrame('2.0.0', `["1","1","realtime:x","${event}",${payload}]`)
      if (!decoded.ok) throw new Error(decoded.reason)
      const act = readAct(decoded.frame)
      expect([event, JSON.stringify(act).length < 10_000, act.frameBytes < 20_000]).toEqual([
        event,
        true,
        true,
      ])
    }
  })

  it('is counted as what it takes', () => {
    const body = 'x'.repeat(1_000_000)
    const decoded = decodeFrame(
      '2.0.0',
      `["1","1","realtime:x","broadcast",{"event":"e","payload":"${body}"}]`,
    )
    if (!decoded.ok) throw new Error(decoded.reason)
    expect(readAct(decoded.frame).frameBytes).toBeGreaterThan(2_000_000)
  })

  it.each([
    ['reference', `["1",${JSON.stringify('x'.repeat(1_000))},"realtime:x","phx_leave",{}]`],
    ['topic', `["1","1",${JSON.stringify('x'.repeat(100_000))},"phx_leave",{}]`],
  ])('is no frame with a %s that is far too long', (_, frame) => {
    expect(decodeFrame('2.0.0', frame)).toEqual({ ok: false, reason: 'not_a_frame' })
  })
})

describe('who gets a socket', () => {
  const limits: SocketLimits = {
    sockets: 20,
    perKey: 12,
    perAddress: 6,
    perUser: 2,
    perSecond: 10,
    perSecondPerAddress: 5,
    joinsPerSecondPerAddress: 10,
  }
  const userOf = (userId: string): Caller => ({ role: 'authenticated', userId, claims: {}, expiresAt: null })
  const anon = anonymousCaller()

  it('is bounded by address, key, user, and in all', () => {
    const admission = new Admission(limits)
    const seats: Seat[] = []
    const enter = (ip: string, caller: Caller, key: string): string | undefined => {
      const address = admission.address(ip)
      const refusal = admission.refuse(address, caller, key)
      if (!refusal) seats.push(admission.enter(address, caller, key))
      return refusal
    }
    for (let n = 0; n < 6; n += 1) expect(enter('192.0.2.1', anon, 'key')).toBeUndefined()
    expect(enter('192.0.2.1', anon, 'other')).toMatch(/address/)
    for (let n = 0; n < 6; n += 1) expect(enter('192.0.2.2', anon, 'key')).toBeUndefined()
    expect(enter('192.0.2.3', anon, 'key')).toMatch(/key/)
    expect(enter('192.0.2.3', anon, 'other')).toBeUndefined()
    for (let n = 0; n < 2; n += 1) expect(enter('192.0.2.3', userOf('one'), `${n}`)).toBeUndefined()
    expect(enter('192.0.2.4', userOf('one'), 'fresh')).toMatch(/key/)
    for (let n = 0; n < 5; n += 1) expect(enter('192.0.2.5', userOf(`${n}`), 'x')).toBeUndefined()
    expect(enter('192.0.2.6', userOf('last'), 'x')).toMatch(/users/)
    // Whoever leaves makes room, once.
    seats[0]!.leave()
    seats[0]!.leave()
    expect(admission.sockets).toBe(19)
    expect(enter('192.0.2.1', userOf('last'), 'x')).toBeUndefined()
    expect(enter('192.0.2.1', userOf('more'), 'x')).toMatch(/users/)
  })

  it('is bounded for a user also where the user comes with a channel', () => {
    const admission = new Admission(limits)
    const seats = Array.from({ length: 3 }, () =>
      admission.enter(admission.address('192.0.2.1'), anon, 'key'),
    )
    expect(seats.map((seat) => seat.actAs('one'))).toEqual([true, true, false])
    expect(seats[0]!.actAs('one')).toBe(true)
    expect(admission.refuse(admission.address('192.0.2.2'), userOf('one'), 'token')).toBeDefined()
    seats[0]!.leave()
    expect(seats[2]!.actAs('one')).toBe(true)
  })

  it('is bounded by the second, and one address uses up nobody else’s', () => {
    vi.useFakeTimers({ toFake: ['performance'] })
    onTestFinished(() => void vi.useRealTimers())
    const admission = new Admission(limits)
    const open = (ip: string, count: number): number =>
      Array.from({ length: count }, () => admission.refuseOpening(admission.address(ip))).filter(
        (refusal) => refusal === undefined,
      ).length
    expect(open('192.0.2.1', 1_000)).toBe(20)
    expect(open('192.0.2.2', 15)).toBe(15)
    expect(open('192.0.2.3', 15)).toBe(5)
    vi.advanceTimersByTime(1_000)
    expect(open('192.0.2.1', 1_000)).toBe(5)
    expect(open('192.0.2.2', 1_000)).toBe(5)
  })

  it('has one place for a network that belongs to one customer', () => {
    expect(placeOf('192.0.2.1')).toBe('192.0.2.1')
    expect(placeOf('::ffff:192.0.2.1')).toBe('192.0.2.1')
    expect(placeOf('2001:db8:0:12::1')).toBe('2001:db8:0:12::/64')
    expect(placeOf('2001:0DB8:0000:0012:aaaa:bbbb:cccc:dddd')).toBe('2001:db8:0:12::/64')
    expect(placeOf('::1')).toBe('0:0:0:0::/64')
    expect(placeOf('fe80::1%eth0')).toBe('fe80:0:0:0::/64')
  })

  it('counts small frames of an address for nobody', () => {
    const admission = new Admission(limits)
    const take = (n: number): number => {
      const address = admission.address(`192.0.2.${n}`)
      let taken = 0
      while (address.takeFrame(5_000_000)) taken += 1
      expect(address.takeFrame(LARGE_FRAME_BYTES - 1)).toBe(true)
      return taken
    }
    // Each by itself, and all of them together.
    expect(Array.from({ length: 6 }, (_, n) => take(n))).toEqual([2, 2, 2, 2, 0, 0])
  })
})

it('an allowance comes back with time, up to its burst', () => {
  vi.useFakeTimers({ toFake: ['performance'] })
  onTestFinished(() => void vi.useRealTimers())
  const allowance = new Allowance({ perSecond: 10, burst: 20 })
  expect([allowance.take(20), allowance.take(1)]).toEqual([true, false])
  vi.advanceTimersByTime(100)
  expect([allowance.take(1), allowance.take(1)]).toEqual([true, false])
  vi.advanceTimersByTime(60_000)
  expect([allowance.isFull, allowance.take(21), allowance.take(20)]).toEqual([true, false, true])
})

describe('a fair queue', () => {
  it('lets whoever asks for little go before most of what another asks for', async () => {
    const queue = new FairQueue(1, 100)
    const done: string[] = []
    const work = (name: string) => async () => void done.push(name)
    const all = [
      ...Array.from({ length: 5 }, () => queue.run('greedy', work('greedy'))),
      queue.run('modest', work('modest')),
    ]
    await Promise.all(all)
    expect(done).toEqual(['greedy', 'greedy', 'modest', 'greedy', 'greedy', 'greedy'])
  })

  it('does so many at once, also after failures, and refuses what would wait for too long', async () => {
    const queue = new FairQueue(2, 3)
    let running = 0
    let most = 0
    const work = async (): Promise<void> => {
      running += 1
      most = Math.max(most, running)
      await new Promise(setImmediate)
      running -= 1
      throw new Error('failed')
    }
    const outcomes = await Promise.allSettled(Array.from({ length: 7 }, () => queue.run('one', work)))
    const reasons = outcomes.map((outcome) => (outcome.status === 'rejected' ? outcome.reason.name : 'none'))
    expect(reasons.filter((reason) => reason === new QueueFull().name)).toHaveLength(2)
    expect(reasons.filter((reason) => reason === 'Error')).toHaveLength(5)
    expect(most).toBe(2)
    expect(await queue.run('one', async () => 'works')).toBe('works')
  })
})
