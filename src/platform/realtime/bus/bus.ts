import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { DatabaseUnavailable } from '../../db/engine/database.ts'
import { Streak } from '../../streak.ts'
import { realtimeLosses } from '../losses.ts'
import type { Broadcast } from '../protocol/frames.ts'
import {
  BUS_HEARTBEAT_MS,
  BUS_PEER_TIMEOUT_MS,
  MAX_BUS_BATCH_BYTES,
  MAX_BUS_PEERS,
  MAX_BUS_QUEUED_BYTES,
} from './limits.ts'
import { type BusMessage, decodeBusMessage, encodeBusMessage, type PresentEntry } from './messages.ts'
import { MessageAssembler, openPacket, PacketSealer, packMessages, readHead, senderKey } from './packets.ts'

/** Carries packets to every process, this one included: in the order of each sender, at most once. */
export interface BusTransport {
  /** @returns whether they were taken; false, or an error, means that none of them was. */
  send(packets: readonly string[]): Promise<boolean>
  /**
   * Resolves when packets arrive from now on. `onLost`: none arrive, for the reason given; `onGap`: they do again, and some may have
   * been missed. @returns the end of it
   */
  listen(
    onPacket: (packet: string) => void,
    onGap: () => void,
    onLost: (reason: string) => void,
  ): Promise<() => Promise<void>>
}

/** What the bus needs of the topics of its process. */
export interface BusEnd {
  /** For those who listen here. */
  receiveBroadcast(topic: string, broadcast: Broadcast): void
  /** Changes of who is present at another process. */
  receivePresence(peer: string, joins: readonly PresentEntry[], leaves: readonly PresentEntry[]): void
  /** Everybody who is present at another process, as far as is known here. */
  presentAt(peer: string): PresentEntry[]
  /** The presence entries of all clients of this process. */
  presentHere(): PresentEntry[]
}

export interface BusLog {
  debug(data: object, message: string): void
  info(data: object, message: string): void
  warn(data: object, message: string): void
}

export interface BusOptions {
  transport: BusTransport
  /** What only the processes of the service know. */
  secret: string
  log: BusLog
  /** Other limits, for tests. */
  limits?: Partial<BusLimits>
}

export interface BusLimits {
  heartbeatMs: number
  peerTimeoutMs: number
  peers: number
  queuedBytes: number
}

const LIMITS: BusLimits = {
  heartbeatMs: BUS_HEARTBEAT_MS,
  peerTimeoutMs: BUS_PEER_TIMEOUT_MS,
  peers: MAX_BUS_PEERS,
  queuedBytes: MAX_BUS_QUEUED_BYTES,
}

/** Messages of a state are cut after as many entries: at most some megabytes, of which others can be sent in between. */
const STATE_PART_ENTRIES = 200
/** Between two times that a process asks or answers: an old question that somebody plays again costs no more. */
const ASK_INTERVAL_MS = 250
/** Questions that one answer answers. */
const MAX_CHALLENGES = 64
const RETRY_MS = { first: 100, last: 2_000 }
/** For the others to answer the first question: a few round trips to the database. It is part of every start. */
const SETTLE_MS = 100
/** A connection that comes and goes is one streak of the log. */
const SETTLE_AFTER_FAILURE_MS = 1_000
/** For the last words. */
const GOODBYE_TIMEOUT_MS = 1_000

/** Another process. What it says counts once it has answered a question of ours: then it is no recording. */
interface Peer {
  readonly id: string
  readonly key: Buffer
  readonly assembler: MessageAssembler
  number: bigint
  heardAt: number
  isProven: boolean
  /** Something of what it said was missed: it has to say everything again. */
  isDue: boolean
  /** While the parts of its state come: the next one, and those whom none has named yet. */
  state: { part: number; unnamed: Map<string, PresentEntry> } | undefined
}

export interface BusHealth {
  /**
   * `disconnected`: the database does not carry packets, or not to this process. `deaf`: it took them, and none of them came back.
   */
  state: 'starting' | 'connected' | 'disconnected' | 'deaf' | 'stopped'
  /** Other processes that are known to be there. */
  peers: number
}

/**
 * Broadcasts and presence between the processes of one database. Each process sends what its clients say, and keeps a copy of
 * who is present at the others. A copy is right because packets are numbered: who misses one asks for the whole state
 * again. A process that is not heard of for `BUS_PEER_TIMEOUT_MS` is gone, and those who were present at it with it.
 */
export class Bus {
  readonly #transport: BusTransport
  readonly #secret: string
  readonly #log: BusLog
  readonly #connection: Streak
  readonly #hearing: Streak
  readonly #limits: BusLimits
  readonly #sealer: PacketSealer
  readonly #peers = new Map<string, Peer>()
  readonly #stopping = new AbortController()
  #end: BusEnd | undefined
  #queue: Buffer[] = []
  #queuedBytes = 0
  #draining: Promise<void> | undefined
  #isDropping = false
  /** Nobody was there to hear what was not sent; somebody may have been, who thought so of us. */
  #hasSkipped = false
  #challenge = randomUUID() as string
  readonly #challenges = new Set<string>()
  /** Asks all processes for a full snapshot of their presence (resync). */
  readonly #ask = new Paced(ASK_INTERVAL_MS, () => this.#sendHello())
  /** Somebody may be there who is not known yet. */
  #mustGreet = true
  readonly #answer = new Paced(ASK_INTERVAL_MS, () => this.#sendState())
  #heartbeat: NodeJS.Timeout | undefined
  #tickAt = 0
  #state: 'starting' | 'running' | 'stopped' = 'starting'
  #isListening = false
  #canSend = true
  /** Since when packets of this process were taken, and did not come back. */
  #unheardSince: number | undefined
  #unlisten: (() => Promise<void>) | undefined

  constructor({ transport, secret, log, limits }: BusOptions) {
    this.#transport = transport
    this.#secret = secret
    this.#log = log
    this.#limits = { ...LIMITS, ...limits }
    this.#sealer = new PacketSealer(secret)
    this.#connection = new Streak({
      log,
      failed:
        'realtime bus: no connection to the other processes; broadcast and presence reach only the clients of this process; reconnecting with backoff, then all resync',
      recovered: 'realtime bus: connected to the other processes again',
      settleMs: SETTLE_AFTER_FAILURE_MS,
    })
    this.#hearing = new Streak({
      log,
      failed:
        'realtime bus: the database takes what this process sends, and it does not come back; broadcast and presence reach only the clients of this process',
      recovered: 'realtime bus: this process hears messages again',
    })
  }

  get health(): BusHealth {
    return { state: this.#healthState(), peers: this.peers }
  }

  #healthState(): BusHealth['state'] {
    if (this.#state !== 'running') return this.#state
    if (this.#connection.isFailing) return 'disconnected'
    return this.#hearing.isFailing ? 'deaf' : 'connected'
  }

  /** Other processes that are known to be there. */
  get peers(): number {
    return [...this.#peers.values()].filter(({ isProven }) => isProven).length
  }

  /** Those, and processes that have not answered yet: new ones, and recordings. */
  get known(): number {
    return this.#peers.size
  }

  /** Resolves after the other processes, if any, had time to answer. */
  async start(end: BusEnd): Promise<void> {
    this.#end = end
    this.#unlisten = await this.#transport.listen(
      (packet) => this.#receive(packet),
      () => {
        this.#isListening = true
        this.#noteConnection()
        this.#missed()
      },
      (reason) => {
        this.#isListening = false
        this.#unheardSince = undefined
        this.#connection.fail(`LISTEN: ${reason}`)
      },
    )
    this.#isListening = true
    this.#state = 'running'
    this.#tickAt = performance.now()
    this.#heartbeat = setInterval(() => this.#tick(), this.#limits.heartbeatMs)
    this.#heartbeat.unref()
    this.#ask.soon()
    await sleep(SETTLE_MS)
  }

  /** Tells the other processes that the clients of this one have left. */
  async stop(): Promise<void> {
    clearInterval(this.#heartbeat)
    this.#ask.stop()
    this.#answer.stop()
    this.#push({ type: 'bye' })
    await Promise.race([this.#draining, sleep(GOODBYE_TIMEOUT_MS)])
    this.#state = 'stopped'
    this.#stopping.abort()
    await this.#unlisten?.()
  }

  broadcast(topic: string, broadcast: Broadcast): void {
    this.#tell({ type: 'broadcast', topic, broadcast })
  }

  presence(joins: PresentEntry[], leaves: PresentEntry[]): void {
    this.#tell({ type: 'presence', joins, leaves })
  }

  // ---- Sending ------------------------------------------------------------------------------------------------

  /** Sends nothing while this is the only process. */
  #tell(message: BusMessage): void {
    if (this.#peers.size === 0) this.#hasSkipped = true
    else this.#push(message)
  }

  #push(message: BusMessage): void {
    const bytes = encodeBusMessage(message)
    if (this.#queuedBytes + bytes.length > this.#limits.queuedBytes) {
      if (!this.#isDropping)
        this.#log.warn(
          {},
          'realtime bus: the send queue is full; broadcast and presence messages to other processes are dropped',
        )
      realtimeLosses.add('bus_full')
      this.#isDropping = true
      this.#hasSkipped = true
      return
    }
    this.#queue.push(bytes)
    this.#queuedBytes += bytes.length
    this.#draining ??= this.#drain()
  }

  /** Never rejects. */
  async #drain(): Promise<void> {
    // Messages of the same event-loop turn go into one batch.
    await Promise.resolve()
    let retryMs = RETRY_MS.first
    while (this.#queue.length > 0 && !this.#stopping.signal.aborted) {
      if (await this.#sendBatch()) {
        retryMs = RETRY_MS.first
        continue
      }
      // The other processes detect the gap by the sequence numbers, and ask for a resync.
      await sleep(retryMs, undefined, { ref: false, signal: this.#stopping.signal }).catch(() => {})
      retryMs = Math.min(retryMs * 2, RETRY_MS.last)
    }
    this.#draining = undefined
  }

  async #sendBatch(): Promise<boolean> {
    let bytes = 0
    let count = 0
    while (count < this.#queue.length && (count === 0 || bytes < MAX_BUS_BATCH_BYTES)) {
      bytes += this.#queue[count]!.length
      count += 1
    }
    const messages = this.#queue.splice(0, count)
    if (this.#hasSkipped) this.#sealer.skip()
    this.#hasSkipped = false
    const packets = packMessages(messages).map((content) => this.#sealer.seal(content))
    try {
      const isTaken = await this.#transport.send(packets)
      this.#noteSent(isTaken ? undefined : 'the notification queue of the server is too full')
      return isTaken
    } catch (error) {
      this.#noteSent(error instanceof DatabaseUnavailable ? error.message : nameOf(error))
      return false
    } finally {
      this.#queuedBytes -= bytes
      if (this.#queue.length === 0) this.#isDropping = false
    }
  }

  /** @param reason why the packets were not taken */
  #noteSent(reason: string | undefined): void {
    this.#canSend = reason === undefined
    if (reason !== undefined) this.#connection.fail(`NOTIFY: ${reason}`)
    else if (this.#isListening) this.#unheardSince ??= performance.now()
    this.#noteConnection()
  }

  #noteConnection(): void {
    if (this.#isListening && this.#canSend) this.#connection.succeed()
  }

  // ---- Who is there -------------------------------------------------------------------------------------------

  #tick(): void {
    const now = performance.now()
    // When this process was blocked, messages of the others are still waiting to be read: do not count them as silent.
    const lateMs = now - this.#tickAt - this.#limits.heartbeatMs
    this.#tickAt = now
    for (const peer of [...this.#peers.values()]) {
      if (lateMs > this.#limits.heartbeatMs) peer.heardAt = now
      else if (now - peer.heardAt > this.#limits.peerTimeoutMs) this.#forget(peer)
    }
    if (this.#unheardSince !== undefined && now - this.#unheardSince > this.#limits.peerTimeoutMs) {
      this.#hearing.fail('the connection that listens hangs, or goes through a pooler in transaction mode')
    }
    this.#push({ type: 'alive' })
  }

  #forget(peer: Peer): void {
    if (!this.#peers.delete(peer.id)) return
    if (!peer.isProven) return
    // What it answered before must not bring it back.
    this.#challenge = randomUUID()
    this.#end!.receivePresence(peer.id, [], this.#end!.presentAt(peer.id))
  }

  #sendHello(): void {
    const isWanted = [...this.#peers.values()].some(({ isProven, isDue }) => !isProven || isDue)
    if (isWanted || this.#mustGreet) this.#push({ type: 'hello', challenge: this.#challenge })
    this.#mustGreet = false
  }

  #sendState(): void {
    const present = this.#end!.presentHere()
    const answers = [...this.#challenges]
    this.#challenges.clear()
    const parts = Math.max(1, Math.ceil(present.length / STATE_PART_ENTRIES))
    for (let part = 0; part < parts; part += 1) {
      this.#push({
        type: 'state',
        answers,
        part,
        isLast: part === parts - 1,
        present: present.slice(part * STATE_PART_ENTRIES, (part + 1) * STATE_PART_ENTRIES),
      })
    }
  }

  // ---- Hearing ------------------------------------------------------------------------------------------------

  /** Packets were lost on their way to this process. */
  #missed(): void {
    for (const peer of this.#peers.values()) this.#missedOf(peer)
    this.#mustGreet = true
    this.#ask.soon()
  }

  #missedOf(peer: Peer): void {
    realtimeLosses.add('bus_gap')
    peer.assembler.drop()
    peer.state = undefined
    peer.isDue = true
  }

  #receive(packet: string): void {
    const head = readHead(packet)
    if (!head) return
    if (head.sender === this.#sealer.sender) {
      this.#unheardSince = undefined
      this.#hearing.succeed()
      return
    }
    const known = this.#peers.get(head.sender)
    // Played again.
    if (known && head.number <= known.number) return
    const key = known?.key ?? senderKey(this.#secret, Buffer.from(head.sender, 'hex'))
    const content = openPacket(head.bytes, key)
    if (!content) {
      this.#log.debug({}, 'realtime bus: ignored a packet with an invalid seal')
      return
    }
    const peer = known ?? this.#meet(head.sender, key)
    if (!peer) return
    if (known && head.number !== known.number + 1n) this.#missedOf(peer)
    peer.number = head.number
    peer.heardAt = performance.now()
    for (const bytes of peer.assembler.add(content)) this.#hear(peer, decodeBusMessage(bytes))
    // Also when it was asked: the question or the answer may have been lost.
    if (!peer.isProven || peer.isDue) this.#ask.soon()
  }

  /** A process that was not known. Recordings of many that are gone make no room for themselves. */
  #meet(id: string, key: Buffer): Peer | undefined {
    if (this.#peers.size >= this.#limits.peers) {
      const unproven = [...this.#peers.values()].find(({ isProven }) => !isProven)
      if (!unproven) return undefined
      this.#peers.delete(unproven.id)
    }
    const peer: Peer = {
      id,
      key,
      assembler: new MessageAssembler(),
      number: 0n,
      heardAt: performance.now(),
      isProven: false,
      isDue: false,
      state: undefined,
    }
    this.#peers.set(id, peer)
    return peer
  }

  #hear(peer: Peer, message: BusMessage): void {
    if (message.type === 'hello') {
      if (this.#challenges.size < MAX_CHALLENGES) this.#challenges.add(message.challenge)
      this.#answer.soon()
    }
    if (message.type === 'state' && message.answers.includes(this.#challenge)) peer.isProven = true
    // From somebody who may be a recording.
    if (!peer.isProven) return
    if (message.type === 'broadcast') this.#end!.receiveBroadcast(message.topic, message.broadcast)
    else if (message.type === 'presence') this.#end!.receivePresence(peer.id, message.joins, message.leaves)
    else if (message.type === 'state') this.#hearState(peer, message)
    else if (message.type === 'bye') this.#forget(peer)
  }

  /** What the parts name is so; what none of them names is not so any more. */
  #hearState(peer: Peer, { part, isLast, present }: Extract<BusMessage, { type: 'state' }>): void {
    const end = this.#end!
    if (part === 0) {
      const held = end.presentAt(peer.id)
      peer.state = { part: 0, unnamed: new Map(held.map((entry) => [entry.meta.phx_ref, entry])) }
    }
    const { state } = peer
    // Its beginning was missed; another one has been asked for.
    if (!state || state.part !== part) return
    state.part += 1
    const joins = present.filter(({ meta }) => !state.unnamed.delete(meta.phx_ref))
    const leaves = isLast ? [...state.unnamed.values()] : []
    if (isLast) {
      peer.state = undefined
      peer.isDue = false
    }
    if (joins.length + leaves.length > 0) end.receivePresence(peer.id, joins, leaves)
  }
}

const nameOf = (error: unknown): string => (error instanceof Error ? error.name : 'unknown')

/** Does something when it is wanted, at most once in a while: also when it is wanted all the time. */
class Paced {
  readonly #intervalMs: number
  readonly #work: () => void
  #workedAt = -Infinity
  #timer: NodeJS.Timeout | undefined
  #isStopped = false

  constructor(intervalMs: number, work: () => void) {
    this.#intervalMs = intervalMs
    this.#work = work
  }

  soon(): void {
    if (this.#timer || this.#isStopped) return
    const waitMs = Math.max(0, this.#workedAt + this.#intervalMs - performance.now())
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.#workedAt = performance.now()
      this.#work()
    }, waitMs)
    this.#timer.unref()
  }

  stop(): void {
    this.#isStopped = true
    clearTimeout(this.#timer)
  }
}
