import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import { type Caller, hasExpired } from '../../auth/caller.ts'
import type { Streak } from '../../streak.ts'
import { realtimeLosses } from '../losses.ts'
import { type Act, type ActOf, readAct } from '../protocol/acts.ts'
import { decodeFrame, encodeMessage, encodeReply, type Vsn } from '../protocol/frames.ts'
import { channelName, MAX_CHANNELS_PER_SOCKET } from '../protocol/join.ts'
import type { Address, Seat } from './admission.ts'
import { Allowance } from './allowance.ts'
import { Channel, type ChannelSocket, type GatewayParts } from './channel.ts'
import { Holding, type Holdings } from './holdings.ts'
import {
  IDLE_TIMEOUT_MS,
  MAX_FRAMES_PER_SECOND,
  MAX_WAITING_FRAMES,
  SOCKET_BYTES,
  SOCKET_QUESTIONS,
} from './limits.ts'
import { Frame, Outbox, type Outboxes } from './outbox.ts'

/** RFC 6455, section 7.4.1. */
const CLOSE_POLICY_VIOLATION = 1008

/** For a client that is cut to read why; nothing of it is read or kept meanwhile. */
export const FAREWELL_MS = 1_000

export interface SocketParts extends GatewayParts {
  outboxes: Outboxes
  holdings: Holdings
  /** Of the frames of all sockets: while the database is away, thousands of clients rejoin again and again. */
  frames: Streak
}

export interface Connection {
  ws: WebSocket
  /** What the websocket reads from. */
  stream: Duplex
  vsn: Vsn
  caller: Caller
  seat: Seat
}

/** One client: its channels, and the order in which its frames are worked on. */
export class RealtimeSocket implements ChannelSocket {
  readonly vsn: Vsn
  readonly caller: Caller
  readonly #ws: WebSocket
  readonly #seat: Seat
  readonly #parts: SocketParts
  readonly #outbox: Outbox
  readonly #holding: Holding
  readonly #channels = new Map<string, Channel>()
  /** Frames of a topic wait for the ones before them; a slow join holds up no other topic. */
  readonly #inboxes = new Map<string, Promise<void>>()
  readonly #questions = new Allowance(SOCKET_QUESTIONS)
  readonly #bytes = new Allowance(SOCKET_BYTES)
  #waiting = 0
  /** Of a frame that is not whole yet. */
  #receivedBytes = 0
  #lastChunkBytes = 0
  #isClosed = false
  #heardAt = performance.now()
  #second = 0
  #framesInSecond = 0

  constructor({ ws, stream, vsn, caller, seat }: Connection, parts: SocketParts) {
    this.#ws = ws
    this.vsn = vsn
    this.caller = caller
    this.#seat = seat
    this.#parts = parts
    this.#outbox = new Outbox(ws, parts.outboxes, (reason, bytes) => {
      realtimeLosses.add('slow_client')
      parts.log.warn(
        { reason, bytes },
        'realtime socket: closed a slow client, which has to reconnect and resync',
      )
    })
    this.#holding = new Holding(parts.holdings, seat.address, (reason, bytes) => this.#cut(reason, { bytes }))
    // Before the websocket gets the bytes, so that a frame is whole after its last ones were counted.
    stream.prependListener('data', (chunk: Buffer) => this.#received(chunk.length))
    ws.on('message', (data, isBinary) => this.#receive(data as Buffer, isBinary))
    ws.on('ping', () => {
      this.#frameIsWhole()
      this.#mayGoOn(0)
    })
    ws.on('close', () => this.#closed())
    // The close event follows; the reason is the client's network.
    ws.on('error', (error) => parts.log.debug({ reason: error.name }, 'realtime socket: connection error'))
  }

  get address(): Address {
    return this.#seat.address
  }

  get channels(): Iterable<Channel> {
    return this.#channels.values()
  }

  get channelCount(): number {
    return this.#channels.size
  }

  /** Frames that were received and are not done. */
  get waiting(): number {
    return this.#waiting
  }

  send(frame: Frame): void {
    this.#outbox.send(frame)
  }

  hold(bytes: number): boolean {
    return this.#holding.take(bytes)
  }

  release(bytes: number): void {
    this.#holding.give(bytes)
  }

  actAs({ userId }: Caller): boolean {
    return userId === null || this.#seat.actAs(userId)
  }

  /** Closes the socket if it has acted as this user, who is suspended: the token would be good for a while. */
  cutIfOf(userId: string): void {
    if (this.#isClosed || !this.#seat.isOf(userId)) return
    this.#ws.close(CLOSE_POLICY_VIOLATION, 'the user is suspended')
    this.#closed()
    setTimeout(() => this.#ws.terminate(), FAREWELL_MS).unref()
  }

  mayAsk(): boolean {
    return this.#questions.take() && this.address.questions.take()
  }

  forget(channel: Channel): void {
    if (this.#channels.get(channel.topic) === channel) this.#channels.delete(channel.topic)
  }

  /** Cuts a client that has been silent for too long, or that has nothing left but a token that has expired. */
  sweep(): void {
    if (performance.now() - this.#heardAt > IDLE_TIMEOUT_MS) this.#ws.terminate()
    else if (
      hasExpired(this.caller, this.#parts.clockToleranceSeconds) &&
      this.#channels.size === 0 &&
      this.#waiting === 0
    )
      this.#ws.close(CLOSE_POLICY_VIOLATION, 'the token has expired')
  }

  #received(bytes: number): void {
    this.#lastChunkBytes = bytes
    this.#receivedBytes += bytes
    this.#holding.take(bytes)
  }

  /** What follows it in the last chunk may be the beginning of another. */
  #frameIsWhole(): void {
    const rest = Math.min(this.#receivedBytes, this.#lastChunkBytes)
    this.#holding.give(this.#receivedBytes - rest)
    this.#receivedBytes = rest
  }

  #receive(data: Buffer, isBinary: boolean): void {
    this.#heardAt = performance.now()
    this.#frameIsWhole()
    if (!this.#mayGoOn(data.length)) return
    const decoded = decodeFrame(this.vsn, isBinary ? data : data.toString('utf8'))
    if (!decoded.ok) {
      this.#parts.log.debug({ reason: decoded.reason }, 'realtime socket: ignored an unreadable frame')
      return
    }
    const { frame } = decoded
    if (frame.kind === 'message' && frame.topic === 'phoenix') {
      if (frame.event === 'heartbeat') this.#reply(frame, 'ok')
      return
    }
    this.#queue(readAct(frame))
  }

  /** An act that waits for nothing is worked on at once: most are broadcasts. */
  #queue(act: Act): void {
    if (!this.hold(act.frameBytes)) return
    this.#waiting += 1
    const before = this.#inboxes.get(act.topic) ?? Promise.resolve()
    const after = before
      .then(() => this.#handle(act))
      .catch((error) => this.#failed(act, error))
      .finally(() => {
        this.#waiting -= 1
        this.release(act.frameBytes)
        if (this.#inboxes.get(act.topic) === after) this.#inboxes.delete(act.topic)
      })
    this.#inboxes.set(act.topic, after)
  }

  /** A flood is cut: it would cost the others. */
  #mayGoOn(bytes: number): boolean {
    if (this.#isClosed) return false
    const second = Math.floor(performance.now() / 1000)
    if (second !== this.#second) {
      this.#second = second
      this.#framesInSecond = 0
    }
    this.#framesInSecond += 1
    const isFlood =
      this.#framesInSecond > MAX_FRAMES_PER_SECOND ||
      this.#waiting >= MAX_WAITING_FRAMES ||
      !this.#bytes.take(bytes) ||
      !this.address.takeFrame(bytes)
    if (isFlood) this.#cut('rate limit', { frames: this.#framesInSecond, waiting: this.#waiting, bytes })
    return !isFlood
  }

  /** Says why, and goes. What was held is let go of at once: a client that does not go by itself keeps nothing. */
  #cut(reason: string, figures: object): void {
    if (this.#isClosed) return
    realtimeLosses.add('over_limit')
    this.#parts.log.warn({ reason, ...figures }, 'realtime socket: closed a client that exceeded a limit')
    this.#ws.close(CLOSE_POLICY_VIOLATION, reason)
    this.#closed()
    setTimeout(() => this.#ws.terminate(), FAREWELL_MS).unref()
  }

  async #handle(act: Act): Promise<void> {
    // Of a client that is gone: what it joins now, nobody would ever leave.
    if (this.#isClosed) return
    if (act.kind === 'join') return this.#join(act)
    const channel = this.#channelOf(act)
    // By its reference a frame may find a channel whose join is still being decided: that is none yet.
    if (!channel?.isJoined) return this.#unmatched(act)
    // Sent before a rejoin: meant for a channel that is gone.
    if (act.joinRef !== null && act.joinRef !== channel.joinRef) return
    switch (act.kind) {
      case 'broadcast':
        return channel.broadcast(act)
      case 'leave':
        return channel.leave(act)
      case 'refresh':
        return channel.refresh(act)
      case 'unknown':
        return this.#reply(act, 'error', 'unknown event')
      default:
        return channel.presence(act)
    }
  }

  /** Older clients mangle a topic outside ASCII in binary frames; the reference of the join still tells. */
  #channelOf(act: Act): Channel | undefined {
    const known = this.#channels.get(act.topic)
    if (known || act.kind !== 'broadcast' || act.joinRef === null) return known
    return [...this.#channels.values()].find(({ joinRef }) => joinRef === act.joinRef)
  }

  async #join(act: ActOf<'join'>): Promise<void> {
    const name = channelName(act.topic)
    if (name === undefined)
      return this.#reply(act, 'error', 'TopicNameRequired: the topic must be realtime:<name>')
    this.#channels.get(act.topic)?.replaced()
    if (this.#channels.size >= MAX_CHANNELS_PER_SOCKET)
      return this.#reply(act, 'error', 'ChannelRateLimitReached: Too many channels')
    const channel = new Channel(this, this.#parts, act.topic, this.#parts.names.canonical(name), act.joinRef)
    this.#channels.set(act.topic, channel)
    await channel.join(act)
    this.#parts.frames.succeed()
  }

  #unmatched(act: Act): void {
    if (act.kind === 'leave') this.#reply(act, 'ok')
    else this.#reply(act, 'error', 'unmatched topic')
  }

  #reply(to: Pick<Act, 'joinRef' | 'ref' | 'topic'>, status: 'ok' | 'error', reason?: string): void {
    this.send(new Frame(encodeReply(this.vsn, to, status, reason === undefined ? {} : { reason })))
  }

  /** The database or the service failed. The client is told to rejoin, and nothing about the cause. */
  #failed(act: Act, error: unknown): void {
    this.#parts.frames.fail(error instanceof Error ? error.name : 'unknown')
    const channel = this.#channels.get(act.topic)
    if (channel) channel.gap()
    else
      this.send(
        new Frame(encodeMessage(this.vsn, { topic: act.topic, event: 'phx_error', ref: act.ref }, {})),
      )
  }

  #closed(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    for (const channel of [...this.#channels.values()]) channel.abandon()
    this.#holding.close()
    this.#outbox.close()
    this.#seat.leave()
  }
}
