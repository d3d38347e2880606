import type { WebSocket } from 'ws'
import type { Caller } from '../auth/caller.ts'
import { Channel, type ChannelSocket, type GatewayParts } from './channel.ts'
import { IDLE_TIMEOUT_MS, MAX_BUFFERED_BYTES, MAX_FRAMES_PER_SECOND, MAX_WAITING_FRAMES } from './limits.ts'
import {
  type ClientBroadcast,
  type ClientFrame,
  type ClientMessage,
  decodeFrame,
  encodeMessage,
  encodeReply,
  type Vsn,
} from './protocol/frames.ts'
import { channelName, MAX_CHANNELS_PER_SOCKET } from './protocol/join.ts'

/** RFC 6455, section 7.4.1. */
const CLOSE_POLICY_VIOLATION = 1008

/** One client: its channels, and the order in which its frames are worked on. */
export class RealtimeSocket implements ChannelSocket {
  readonly vsn: Vsn
  readonly caller: Caller
  readonly #ws: WebSocket
  readonly #parts: GatewayParts
  readonly #channels = new Map<string, Channel>()
  /** Frames of a topic wait for the ones before them; a slow join holds up no other topic. */
  readonly #inboxes = new Map<string, Promise<void>>()
  #waiting = 0
  #isClosed = false
  #heardAt = performance.now()
  #second = 0
  #framesInSecond = 0

  constructor(ws: WebSocket, vsn: Vsn, caller: Caller, parts: GatewayParts) {
    this.#ws = ws
    this.vsn = vsn
    this.caller = caller
    this.#parts = parts
    ws.on('message', (data, isBinary) => this.#receive(data as Buffer, isBinary))
    ws.on('close', () => this.#closed())
    // The close event follows; the reason is the client's network.
    ws.on('error', (error) => parts.log.debug({ reason: error.name }, 'socket failed'))
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

  send(frame: string | Uint8Array): void {
    this.#send(frame, typeof frame !== 'string')
  }

  sendText(frame: Buffer): void {
    this.#send(frame, false)
  }

  #send(frame: string | Uint8Array, binary: boolean): void {
    if (this.#ws.readyState !== this.#ws.OPEN) return
    if (this.#ws.bufferedAmount > MAX_BUFFERED_BYTES) {
      this.#parts.log.warn({ bufferedBytes: this.#ws.bufferedAmount }, 'slow client cut')
      this.#ws.terminate()
      return
    }
    this.#ws.send(frame, { binary })
  }

  forget(channel: Channel): void {
    if (this.#channels.get(channel.topic) === channel) this.#channels.delete(channel.topic)
  }

  /** Cuts a client that has been silent for too long. */
  sweep(): void {
    if (performance.now() - this.#heardAt > IDLE_TIMEOUT_MS) this.#ws.terminate()
  }

  close(code: number, reason: string): void {
    this.#ws.close(code, reason)
  }

  #receive(data: Buffer, isBinary: boolean): void {
    this.#heardAt = performance.now()
    if (!this.#mayGoOn()) return
    const decoded = decodeFrame(this.vsn, isBinary ? data : data.toString('utf8'))
    if (!decoded.ok) {
      this.#parts.log.debug({ reason: decoded.reason }, 'unreadable frame')
      return
    }
    const { frame } = decoded
    if (frame.kind === 'message' && frame.topic === 'phoenix') {
      if (frame.event === 'heartbeat') this.send(encodeReply(this.vsn, frame, 'ok'))
      return
    }
    // A frame that waits for nothing is worked on at once: most are broadcasts.
    this.#waiting += 1
    const before = this.#inboxes.get(frame.topic) ?? Promise.resolve()
    const after = before
      .then(() => this.#handle(frame))
      .catch((error) => this.#failed(frame, error))
      .finally(() => {
        this.#waiting -= 1
        if (this.#inboxes.get(frame.topic) === after) this.#inboxes.delete(frame.topic)
      })
    this.#inboxes.set(frame.topic, after)
  }

  /** A flood is cut: it would cost the others. */
  #mayGoOn(): boolean {
    const second = Math.floor(performance.now() / 1000)
    if (second !== this.#second) {
      this.#second = second
      this.#framesInSecond = 0
    }
    this.#framesInSecond += 1
    if (this.#framesInSecond <= MAX_FRAMES_PER_SECOND && this.#waiting < MAX_WAITING_FRAMES) return true
    this.#parts.log.warn({ frames: this.#framesInSecond, waiting: this.#waiting }, 'flooding client cut')
    this.#ws.close(CLOSE_POLICY_VIOLATION, 'rate limit')
    return false
  }

  async #handle(frame: ClientFrame): Promise<void> {
    // Of a client that is gone: what it joins now, nobody would ever leave.
    if (this.#isClosed) return
    if (frame.kind === 'message' && frame.event === 'phx_join') return this.#join(frame)
    const channel = this.#channelOf(frame)
    // By its reference a frame may find a channel whose join is still being decided: that is none yet.
    if (!channel?.isJoined) return this.#unmatched(frame)
    // Sent before a rejoin: meant for a channel that is gone.
    if (frame.joinRef !== null && frame.joinRef !== channel.joinRef) return
    if (frame.kind === 'broadcast') return channel.broadcast(frame)
    switch (frame.event) {
      case 'phx_leave':
        return channel.leave(frame)
      case 'access_token':
        return channel.refresh(frame)
      case 'presence':
        return channel.presence(frame)
      default:
        this.send(encodeReply(this.vsn, frame, 'error', { reason: 'unknown event' }))
    }
  }

  /** Older clients mangle a topic outside ASCII in binary frames; the reference of the join still tells. */
  #channelOf(frame: ClientFrame): Channel | undefined {
    const known = this.#channels.get(frame.topic)
    if (known || frame.kind !== 'broadcast' || frame.joinRef === null) return known
    return [...this.#channels.values()].find(({ joinRef }) => joinRef === frame.joinRef)
  }

  async #join(frame: ClientMessage): Promise<void> {
    const refuse = (reason: string) => this.send(encodeReply(this.vsn, frame, 'error', { reason }))
    const name = channelName(frame.topic)
    if (name === undefined) return refuse('TopicNameRequired: the topic must be realtime:<name>')
    this.#channels.get(frame.topic)?.replaced()
    if (this.#channels.size >= MAX_CHANNELS_PER_SOCKET)
      return refuse('ChannelRateLimitReached: Too many channels')
    const channel = new Channel(this, this.#parts, frame.topic, name, frame.joinRef)
    this.#channels.set(frame.topic, channel)
    await channel.join(frame)
  }

  #unmatched(frame: ClientMessage | ClientBroadcast): void {
    const leaving = frame.kind === 'message' && frame.event === 'phx_leave'
    this.send(
      encodeReply(this.vsn, frame, leaving ? 'ok' : 'error', leaving ? {} : { reason: 'unmatched topic' }),
    )
  }

  /** The database failed, or we did. The client rejoins, and is told nothing about the inside. */
  #failed(frame: ClientFrame, error: unknown): void {
    this.#parts.log.warn(
      { reason: error instanceof Error ? error.name : 'unknown' },
      'a frame could not be served',
    )
    const channel = this.#channels.get(frame.topic)
    if (channel) channel.gap()
    else this.send(encodeMessage(this.vsn, { topic: frame.topic, event: 'phx_error', ref: frame.ref }, {}))
  }

  #closed(): void {
    this.#isClosed = true
    for (const channel of [...this.#channels.values()]) channel.abandon()
  }
}
