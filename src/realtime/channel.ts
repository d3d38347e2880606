import { randomUUID } from 'node:crypto'
import { isAnonKey } from '../auth/anon-key.ts'
import { anonymousCaller, type Caller, serializeClaims } from '../auth/caller.ts'
import { KeysUnavailable, Unauthenticated } from '../auth/errors.ts'
import type { TokenVerifier } from '../auth/verifier.ts'
import type { ChangeFrames } from './change-frames.ts'
import {
  type ActiveSubscription,
  type ChangeChannel,
  type ChangeRouter,
  SubscriptionRefused,
} from './changes/types.ts'
import { MAX_PRESENCE_BYTES, MAX_PRESENCE_KEYS, RIGHTS_MAX_AGE_MS } from './limits.ts'
import { type ChannelRights, isPrivateOnly, NO_RIGHTS, PUBLIC_RIGHTS } from './private-channels.ts'
import {
  type Broadcast,
  type ClientBroadcast,
  type ClientMessage,
  encodeBroadcast,
  encodeMessage,
  encodeReply,
  type JsonObject,
  type Vsn,
} from './protocol/frames.ts'
import { type Binding, type Join, joinResponse, parseJoin } from './protocol/join.ts'
import { type Listener, type Topics, topicKey } from './topics.ts'

/** What every channel of the process shares. */
export interface GatewayParts {
  verifier: TokenVerifier
  anonKey: string | undefined
  /** Undefined where changes are not served: bindings are then refused. */
  router: ChangeRouter | undefined
  topics: Topics
  changeFrames: ChangeFrames
  readRights(caller: Caller, topic: string): Promise<ChannelRights>
  log: { debug(data: object, message: string): void; warn(data: object, message: string): void }
}

/** What a channel needs of its socket. */
export interface ChannelSocket {
  readonly vsn: Vsn
  /** The caller of the handshake's key: a join without a token is theirs. */
  readonly caller: Caller
  send(frame: string | Uint8Array): void
  /** A text frame that is UTF-8 already. */
  sendText(frame: Buffer): void
  /** The channel is over; frames for its topic are for nobody. */
  forget(channel: Channel): void
}

/** `setTimeout` takes no longer delays; a token that lives longer is looked at again then. */
const MAX_TIMER_MS = 2 ** 31 - 1

/**
 * One topic of one socket, from join to leave. Its methods are called one after the other (the socket sees to that), except
 * `deliver`, `sendBroadcast` and `sendPresence`, which others call at any time.
 */
export class Channel implements ChangeChannel, Listener {
  readonly topic: string
  readonly name: string
  readonly joinRef: string | null
  readonly #socket: ChannelSocket
  readonly #parts: GatewayParts
  #caller: Caller
  #join: Join | undefined
  #key = ''
  #presenceKey = ''
  #rights: ChannelRights = NO_RIGHTS
  #rightsReadAt = 0
  #subscriptions = new Map<number, ActiveSubscription>()
  /** Frames of changes that came before the reply to the join: a client drops what it gets before. */
  #early: Buffer[] | undefined = []
  #expiry: NodeJS.Timeout | undefined
  #token: string | undefined
  #tracked = false
  #isJoined = false
  #closed = false

  constructor(
    socket: ChannelSocket,
    parts: GatewayParts,
    topic: string,
    name: string,
    joinRef: string | null,
  ) {
    this.#socket = socket
    this.#parts = parts
    this.#caller = socket.caller
    this.topic = topic
    this.name = name
    this.joinRef = joinRef
  }

  /** Whether the join was granted; until then, nothing that it asked for may be used. */
  get isJoined(): boolean {
    return this.#isJoined && !this.#closed
  }

  get isPrivate(): boolean {
    return this.#join?.isPrivate ?? false
  }

  /** Also of those who only listen: what they lost by a change that nobody tells of, they lose then. */
  get hasOldRights(): boolean {
    return this.isPrivate && this.isJoined && performance.now() - this.#rightsReadAt > RIGHTS_MAX_AGE_MS
  }

  get followsChanges(): boolean {
    return this.#subscriptions.size > 0
  }

  // ---- What the client says -----------------------------------------------------------------------------------

  /** Answers `phx_join`. @returns whether the channel is joined. */
  async join(frame: ClientMessage): Promise<boolean> {
    const parsed = parseJoin(frame.payload)
    if (!parsed.ok) return this.#refuseJoin(frame, parsed.reason)
    const { join } = parsed
    this.#join = join
    if (!join.isPrivate && isPrivateOnly(this.name)) {
      return this.#refuseJoin(frame, 'PrivateOnly: Channels of that name are private')
    }
    try {
      if (join.accessToken !== undefined) this.#caller = await this.#identify(join.accessToken)
    } catch (error) {
      return this.#refuseJoin(frame, tokenProblem(error))
    }
    this.#token = join.accessToken
    this.#key = topicKey(this.name, join.isPrivate)
    this.#presenceKey = join.presence.key ?? randomUUID()

    if (join.isPrivate) {
      await this.#readRights()
      const { listen } = this.#rights
      if (!listen.broadcast && !listen.presence) return this.#refuseJoin(frame, this.#noRight('read from'))
    } else {
      this.#rights = PUBLIC_RIGHTS
    }
    const refused = await this.#subscribe(join.bindings)
    if (this.#closed) return false
    // Joined without its changes, the client would wait for them for ever; refused, it joins again by itself.
    const late = refused.find(({ isTemporary }) => isTemporary)
    if (late) return this.#refuseJoin(frame, `PostgresChangesSubscribeTimeout: ${late.message}`)
    if (refused[0] && join.waitMs !== undefined) {
      return this.#refuseJoin(frame, `RealtimeDisabledForConfiguration: ${refused[0].message}`)
    }

    this.#isJoined = true
    this.#parts.topics.listen(this.#key, this)
    this.#socket.send(encodeReply(this.#socket.vsn, frame, 'ok', joinResponse(join)))
    for (const early of this.#early ?? []) this.#socket.sendText(early)
    this.#early = undefined
    this.#tellSubscribed(refused)
    if (this.#wantsPresence) this.#sendPresenceState()
    this.#watchExpiry()
    return true
  }

  /** Answers `phx_leave`. */
  leave(frame: ClientMessage): void {
    this.#socket.send(encodeReply(this.#socket.vsn, frame, 'ok'))
    this.#end('phx_close')
  }

  /** `access_token`: goes on as another caller, or with a later expiry. */
  async refresh(frame: ClientMessage): Promise<void> {
    const { access_token: token } = frame.payload
    // Supabase ignores these: nothing new, or the key of the project.
    if (typeof token !== 'string' || token === this.#token || token.startsWith('sb_')) return
    try {
      this.#caller = await this.#identify(token)
    } catch (error) {
      if (error instanceof KeysUnavailable) return this.#tell('error', tokenProblem(error))
      this.#tell('error', tokenProblem(error))
      // An expired token is what a phone has when it wakes up: it rejoins with a fresh one. Any other is final.
      return this.#end(
        error instanceof Unauthenticated && error.reason === 'token_expired' ? 'phx_error' : 'phx_close',
      )
    }
    this.#token = token
    if (this.isPrivate && !(await this.recheckRights())) return
    const subscriber = { role: this.#caller.role, claims: serializeClaims(this.#caller.claims) }
    for (const [id, subscription] of this.#subscriptions) {
      try {
        await subscription.updateSubscriber(subscriber)
      } catch (error) {
        this.#subscriptions.delete(id)
        this.#tell('error', asRefusal(error).message)
      }
    }
    // What was refused to the former caller may be granted to this one.
    const refused = await this.#subscribe(
      this.#join!.bindings.filter(({ id }) => !this.#subscriptions.has(id)),
    )
    this.#tellSubscribed(refused)
    if (refused.some(({ isTemporary }) => isTemporary)) return this.gap()
    this.#watchExpiry()
  }

  async broadcast(frame: ClientBroadcast): Promise<void> {
    const { broadcast: options } = this.#join!
    await this.#refreshRights()
    if (this.#closed) return
    if (!this.#rights.send.broadcast) {
      this.#parts.log.debug({ topic: this.topic }, 'broadcast without the right to send')
      if (options.ack) {
        this.#socket.send(
          encodeReply(this.#socket.vsn, frame, 'error', { reason: this.#noRight('write to') }),
        )
      }
      return
    }
    this.#parts.topics.broadcast(this.#key, frame.broadcast, options.self ? undefined : this)
    if (options.ack) this.#socket.send(encodeReply(this.#socket.vsn, frame, 'ok'))
  }

  async presence(frame: ClientMessage): Promise<void> {
    await this.#refreshRights()
    if (this.#closed) return
    const answer = (status: 'ok' | 'error', reason?: string) =>
      this.#socket.send(encodeReply(this.#socket.vsn, frame, status, reason === undefined ? {} : { reason }))
    const { event, payload } = frame.payload
    const action = typeof event === 'string' ? event.toLowerCase() : ''
    if (action === 'untrack') {
      this.#parts.topics.untrack(this.#key, this, this.#presenceKey)
      return answer('ok')
    }
    if (action !== 'track') return answer('error', 'UnknownPresenceEvent: expected track or untrack')
    if (!this.#rights.send.presence) return answer('error', this.#noRight('write to'))
    const said = typeof payload === 'object' && payload !== null && !Array.isArray(payload) ? payload : {}
    if (Buffer.byteLength(JSON.stringify(said)) > MAX_PRESENCE_BYTES)
      return answer('error', 'PresencePayloadTooLarge')
    const present = this.#parts.topics.presence(this.#key)
    if (present.size >= MAX_PRESENCE_KEYS && !present.has(this.#presenceKey))
      return answer('error', 'TooManyPresent')

    if (!this.#wantsPresence) this.#sendPresenceState()
    this.#tracked = true
    this.#parts.topics.track(this.#key, this, this.#presenceKey, { ...said, phx_ref: randomUUID() })
    answer('ok')
  }

  // ---- What others say ----------------------------------------------------------------------------------------

  deliver(ids: readonly number[], data: string): void {
    if (this.#closed) return
    const frame = this.#parts.changeFrames.frame(this.#socket.vsn, this.topic, ids, data)
    if (this.#early) this.#early.push(frame)
    else this.#socket.sendText(frame)
  }

  sendBroadcast(broadcast: Broadcast): void {
    if (!this.#rights.listen.broadcast) return
    const frame = encodeBroadcast(this.#socket.vsn, this.topic, broadcast)
    if (frame !== undefined) this.#socket.send(frame)
  }

  sendPresence(event: 'presence_diff', payload: JsonObject): void {
    if (this.#wantsPresence && this.#rights.listen.presence) {
      this.#socket.send(encodeMessage(this.#socket.vsn, { topic: this.topic, event }, payload))
    }
  }

  /** Changes may have been missed: the client rejoins within a second, and its app reads anew. */
  gap(): void {
    this.#end('phx_error')
  }

  /** The client joined the topic anew. */
  replaced(): void {
    this.#end('phx_close')
  }

  /** The socket is gone. */
  abandon(): void {
    this.#close()
  }

  /** Looks the rights on a private channel up again, and ends the channel when the right to listen is lost. @returns whether it goes on. */
  async recheckRights(): Promise<boolean> {
    if (!this.isPrivate || this.#closed) return !this.#closed
    await this.#readRights()
    if (this.#closed) return false
    const { listen, send } = this.#rights
    if (!send.presence) this.#parts.topics.untrack(this.#key, this, this.#presenceKey)
    if (listen.broadcast || listen.presence) return true
    this.#tell('error', this.#noRight('read from'))
    this.#end('phx_close')
    return false
  }

  // ---- Inside -------------------------------------------------------------------------------------------------

  async #identify(token: string): Promise<Caller> {
    if (isAnonKey(token, this.#parts.anonKey)) return anonymousCaller()
    return this.#parts.verifier.verify(token)
  }

  /** @returns why bindings were refused */
  async #subscribe(bindings: readonly Binding[]): Promise<SubscriptionRefused[]> {
    const subscriber = { role: this.#caller.role, claims: serializeClaims(this.#caller.claims) }
    const outcomes = await Promise.all(
      bindings.map(async ({ id, request }) => {
        if (!request.ok) return new SubscriptionRefused(request.message)
        if (!this.#parts.router) return new SubscriptionRefused('Changes of tables are not served here.')
        try {
          const active = await this.#parts.router.subscribe({
            channel: this,
            socket: this.#socket,
            id,
            subscriber,
            request: request.request,
          })
          // The client may have left meanwhile.
          if (this.#closed) active.unsubscribe()
          else this.#subscriptions.set(id, active)
          return undefined
        } catch (error) {
          return asRefusal(error)
        }
      }),
    )
    return outcomes.filter((refusal) => refusal !== undefined)
  }

  #unsubscribe(): void {
    for (const subscription of this.#subscriptions.values()) subscription.unsubscribe()
    this.#subscriptions.clear()
  }

  #tellSubscribed(refused: readonly SubscriptionRefused[]): void {
    for (const { message } of refused) this.#tell('error', message)
    if (this.#subscriptions.size > 0) this.#tell('ok', 'Subscribed to PostgreSQL', 'postgres_changes')
  }

  async #readRights(): Promise<void> {
    this.#rights = await this.#parts.readRights(this.#caller, this.name)
    this.#rightsReadAt = performance.now()
  }

  async #refreshRights(): Promise<void> {
    if (this.hasOldRights) await this.recheckRights()
  }

  /** A client too old to say so may be waiting for it; one that declined wants it from its first `track` on, as on Supabase. */
  get #wantsPresence(): boolean {
    return this.#tracked || (this.#join?.presence.enabled ?? true)
  }

  #sendPresenceState(): void {
    if (!this.#rights.listen.presence) return
    const state = this.#parts.topics.presence(this.#key).state()
    this.#socket.send(encodeMessage(this.#socket.vsn, { topic: this.topic, event: 'presence_state' }, state))
  }

  #noRight(verb: 'read from' | 'write to'): string {
    return `Unauthorized: You do not have permissions to ${verb} this Channel topic: ${this.name}`
  }

  #tell(
    status: 'ok' | 'error',
    message: string,
    extension = status === 'ok' ? 'postgres_changes' : 'system',
  ): void {
    if (this.#closed) return
    const payload = { extension, status, message, channel: this.name }
    this.#socket.send(encodeMessage(this.#socket.vsn, { topic: this.topic, event: 'system' }, payload))
  }

  #refuseJoin(frame: ClientMessage, reason: string): false {
    if (!this.#closed) this.#socket.send(encodeReply(this.#socket.vsn, frame, 'error', { reason }))
    this.#close()
    return false
  }

  #watchExpiry(): void {
    clearTimeout(this.#expiry)
    const { expiresAt } = this.#caller
    if (expiresAt === null || this.#closed) return
    const leftMs = expiresAt * 1000 - Date.now()
    this.#expiry = setTimeout(
      () => {
        if (Date.now() < expiresAt * 1000) return this.#watchExpiry()
        const seconds = Math.round(Date.now() / 1000 - expiresAt)
        this.#tell('error', `Token has expired ${seconds} seconds ago`)
        this.#end('phx_error')
      },
      Math.min(Math.max(leftMs, 0), MAX_TIMER_MS),
    )
    this.#expiry.unref()
  }

  /** `phx_error` makes the client rejoin, `phx_close` does not. */
  #end(event: 'phx_close' | 'phx_error'): void {
    if (this.#closed) return
    const head = { topic: this.topic, event, ref: this.joinRef, joinRef: this.joinRef }
    this.#socket.send(encodeMessage(this.#socket.vsn, head, {}))
    this.#close()
  }

  #close(): void {
    if (this.#closed) return
    this.#closed = true
    clearTimeout(this.#expiry)
    this.#unsubscribe()
    if (this.#key !== '') this.#parts.topics.leave(this.#key, this, this.#presenceKey)
    this.#early = undefined
    this.#socket.forget(this)
  }
}

function tokenProblem(error: unknown): string {
  if (error instanceof KeysUnavailable) return 'UnableToVerify: The signing keys are not available now'
  if (!(error instanceof Unauthenticated)) throw error
  switch (error.reason) {
    case 'token_expired':
      return 'InvalidJWTToken: Token has expired'
    case 'token_signature':
      return 'JwtSignatureError: Failed to validate JWT signature'
    case 'token_malformed':
      return 'MalformedJWT: The token provided is not a valid JWT'
    default:
      return `InvalidJWTToken: ${error.reason}`
  }
}

/** @throws what is none */
function asRefusal(error: unknown): SubscriptionRefused {
  if (error instanceof SubscriptionRefused) return error
  throw error
}
